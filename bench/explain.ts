/**
 * `node --import tsx bench/explain.ts '/contacts?sort=name' … [--rows 1000000] [--as big|thousand|small] [--body '{…}']`: the plans that the
 * product's own connections ran for a request. Each request is sent eight times first, after which PostgreSQL has settled on a named
 * statement's generic plan, if it ever does. With `--body` the request is a POST, and what it writes stays.
 */
import { readFile, rm } from "node:fs/promises";
import { setTimeout as sleep } from "node:timers/promises";
import { connect, folderOf, openServer, type Person, readArguments, readRows } from "./place.ts";
import { backendsOf } from "./processes.ts";
import { signIn, startProduct } from "./servers.ts";

const { options, rest: paths } = readArguments(process.argv.slice(2), ["rows", "as", "body"]);
const LOG = "explain.log";
const server = await openServer(readRows(options), {
  session_preload_libraries: "auto_explain",
  "auto_explain.log_min_duration": "0",
  "auto_explain.log_analyze": "on",
  "auto_explain.log_buffers": "on",
  "auto_explain.log_parameter_max_length": "200",
  logging_collector: "on",
  log_directory: ".",
  log_filename: LOG,
  log_file_mode: "0644",
  log_line_prefix: "[%p] ",
});
if (!server.owned) throw new Error("the database is in use, and plans are logged only by a server that this command starts");
const sql = connect(server);
try {
  const [setting] = await sql<{ folder: string }[]>`select current_setting('data_directory') as folder`;
  const file = `${setting!.folder}/${LOG}`;
  const others = await backendsOf(sql, "cardfile");
  const product = await startProduct(server);
  try {
    const headers = await signIn(product, (options.get("as") ?? "big") as Person);
    const body = options.get("body");
    for (const path of paths) {
      const send = async () =>
        (await fetch(product.baseUrl + path, { headers, ...(body ? { method: "POST", body } : {}) })).text();
      for (let i = 0; i < 8; i++) await send();
      await sleep(200);
      const { length } = await readFile(file, "utf8");
      const answer = await send();
      await sleep(200); // the collector writes a moment later
      const own = (await backendsOf(sql, product.application)).filter((pid) => !others.includes(pid));
      const entries = (await readFile(file, "utf8")).slice(length).split(/^(?=\[\d+\] LOG)/m);
      const plans = entries.filter((entry) => own.includes(Number(/^\[(\d+)\]/.exec(entry)?.[1])));
      process.stdout.write(`== ${path} -> ${answer.split("\n", 1)}\n${plans.join("")}\n`);
    }
  } finally {
    await product.stop();
  }
} finally {
  await sql.end();
  await server.stop();
  await rm(`${folderOf(readRows(options))}/${LOG}`, { force: true });
}
