/**
 * `node --import tsx test/run.ts [files…]`: the tests, on one PostgreSQL that is thrown away afterwards. PGBOUNCER names a program to put
 * in between, in transaction mode; CRM_TEST_CITUS the servers of a Citus cluster, where the databases of the tests are then spread.
 */
import { type ChildProcess, spawn } from "node:child_process";
import { chmod, mkdir, mkdtemp, readdir, rm } from "node:fs/promises";
import { availableParallelism, tmpdir } from "node:os";
import { dirname, join, resolve as resolvePath } from "node:path";
import postgres from "postgres";
import { migrate } from "../src/db/migrate.ts";
import { type EmbeddedServer, startEmbedded } from "../src/embedded/server.ts";
import { silentLog } from "../src/kit/log.ts";
import { createPool } from "../src/postgres/pool.ts";
import { bundle } from "./bundle.ts";
import { createClusterTemplate, NODES } from "./helpers/citus.ts";
import { startPooler } from "./helpers/pooler.ts";
import { connectionTo, TEMPLATE } from "./helpers/postgres.ts";

/** Nothing of a test database outlives the run, so nothing needs to reach the disk. */
const FORGETFUL = { fsync: "off", synchronous_commit: "off", full_page_writes: "off" };

let tests: ChildProcess | undefined;
let interrupted = false;
for (const signal of ["SIGINT", "SIGTERM"] as const) {
  process.on(signal, () => {
    interrupted = true;
    tests?.kill(signal);
  });
}

const root = dirname(import.meta.dirname);
const folder = await mkdtemp(join(tmpdir(), "cardfile-test-"));
// Packages are found from where the modules lie.
await mkdir(join(root, "node_modules/.cache"), { recursive: true });
const built = await mkdtemp(join(root, "node_modules/.cache/cardfile-test-"));
try {
  await chmod(folder, 0o755); // as root, PostgreSQL runs as another account
  const { PG_BIN } = process.env;
  const options = { folder: join(folder, "postgres"), database: TEMPLATE, log: silentLog, settings: FORGETFUL };
  const server = await startEmbedded({ ...options, ...(PG_BIN && { binaries: PG_BIN }) });
  try {
    await (NODES.length > 0 ? createClusterTemplate(TEMPLATE) : makeTemplate(server));
    const { PGBOUNCER } = process.env;
    const pooler = PGBOUNCER ? await startPooler(PGBOUNCER, server.host) : undefined;
    process.exitCode = interrupted ? 130 : await runTests(pooler?.host ?? server.host, process.argv.slice(2));
    await pooler?.stop();
  } finally {
    await server.stop();
  }
} finally {
  for (const each of [folder, built]) await rm(each, { recursive: true, force: true });
}

async function makeTemplate(server: EmbeddedServer): Promise<void> {
  const limits = { size: 1, queueLimit: 10, waitMs: 10_000, deadlineMs: 60_000, prepare: true };
  const pool = createPool({ connection: connectionTo(server.host, TEMPLATE), ...limits, log: silentLog });
  await migrate(pool, Date.now).finally(pool.close);
  // A database that somebody is connected to cannot be cloned.
  const sql = postgres({ ...connectionTo(server.host, "postgres"), max: 1 });
  await sql`alter database ${sql(TEMPLATE)} with allow_connections false is_template true`;
  await sql.end();
}

async function runTests(host: string, named: string[]): Promise<number> {
  const files = named.length > 0 ? named.map((file) => resolvePath(file)) : await allTests();
  const bundled = await bundle(files, root, built);
  const reporter = process.env["CI"] === "true" ? "tap" : "spec";
  const flags = [
    "--enable-source-maps",
    "--test",
    `--test-concurrency=${availableParallelism()}`,
    `--test-reporter=${reporter}`,
  ];
  const { DATABASE_URL: _, ...env } = process.env;
  tests = spawn(process.execPath, [...flags, ...bundled], { stdio: "inherit", env: { ...env, CARDFILE_TEST_PG: host } });
  const child = tests;
  return new Promise((resolve, reject) => {
    child.on("error", reject);
    child.on("exit", (code) => resolve(interrupted ? 130 : (code ?? 1)));
  });
}

/** Files about SQL of callers, of which there is none where the database is spread. */
const OF_SQL = ["http/sql.test.ts", "http/sqlOwner.test.ts", "http/connection.test.ts"];

async function allTests(): Promise<string[]> {
  const names = await readdir(import.meta.dirname, { recursive: true });
  const fit = names.filter((name) => NODES.length === 0 || !OF_SQL.includes(name));
  const files = fit.filter((name) => name.endsWith(".test.ts")).sort();
  return files.map((name) => join(import.meta.dirname, name));
}
