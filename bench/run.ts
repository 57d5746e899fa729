/**
 * `node --import tsx bench/run.ts [parts…] [--rows 1000000] [--rounds 7] [--connections 8,32] [--peers fastify] [--against folder]
 * [--json]`: what the product costs beside the bare floor, on one PostgreSQL, in one interleaved run. Parts: the works, `pages`, `search`,
 * `export`, `memory`, `import` (--import 100000 rows); all of them when none is named; and `soak` (--soak 1000000 requests). `--against` puts
 * the product of another checkout in the
 * floor's place. The database is filled the first time, and migrated later; one made with other migrations, `bench/load.ts --fresh` fills anew.
 */
import { appendFile, mkdir } from "node:fs/promises";
import { cpus, totalmem } from "node:os";
import { join, resolve } from "node:path";
import { duel, type Result } from "./duel.ts";
import { type ExportCost, exportCosts } from "./export.ts";
import { type ImportCost, importCost } from "./imports.ts";
import { ensureLoaded } from "./load.ts";
import { type PageCost, pageCosts } from "./pages.ts";
import { ensurePeer, PEERS } from "./peers.ts";
import { connect, openServer, RESULTS, readArguments, readRows } from "./place.ts";
import { memoryOf } from "./processes.ts";
import { duelTable, exportTable, importLine, pageTable, searchTable, soakLine } from "./report.ts";
import { type SearchCost, searchCosts } from "./search.ts";
import { signIn, startFloor, startProduct } from "./servers.ts";
import { type Soak, soak } from "./soak.ts";
import { addHistory, type Cast, sampleIds, sweep, WORKS, WRITE } from "./works.ts";

type Figures = {
  at: string;
  rows: number;
  machine: string;
  works: Result[];
  failed: string[];
  pages: PageCost[];
  search: SearchCost[];
  export: ExportCost[];
  memory: { floor: number; product: number; productMost: number } | undefined;
  soak: Soak | undefined;
  imports: ImportCost | undefined;
};

const OPTIONS = ["rows", "rounds", "connections", "peers", "against", "soak", "import", "json"];
const { options, rest } = readArguments(process.argv.slice(2), OPTIONS);
const parts = [...Object.keys(WORKS), "pages", "search", "export", "memory", "import", "soak"];
const unknown = rest.find((part) => !parts.includes(part));
if (unknown) throw new Error(`there is no part ${unknown}; there are: ${parts.join(", ")}`);
// The soak takes minutes, so it wants to be named.
const wanted = (part: string) => (rest.length === 0 ? part !== "soak" : rest.includes(part));

const rows = readRows(options);
const rounds = Number(options.get("rounds") ?? 7);
const connections = (options.get("connections") ?? "8,32").split(",").map(Number);
const peers = options.get("peers")?.split(",") ?? [];
for (const peer of peers)
  if (!PEERS.has(peer)) throw new Error(`there is no peer ${peer}; there are: ${[...PEERS.keys()].join(", ")}`);
const say = (text: string) => process.stderr.write(`${text}\n`);

const figures: Figures = {
  at: new Date().toISOString(),
  rows,
  machine: `${cpus().length} x ${cpus()[0]?.model}, ${Math.round(totalmem() / 2 ** 30)} GB, Node ${process.versions.node}`,
  works: [],
  failed: [],
  pages: [],
  search: [],
  export: [],
  memory: undefined,
  soak: undefined,
  imports: undefined,
};

await ensureLoaded(rows, say);
const database = await openServer(rows);
const sql = connect(database);
const stops: (() => Promise<unknown>)[] = [() => sql.end({ timeout: 1 }), database.stop];
async function stopAll(): Promise<void> {
  for (const stop of stops.splice(0)) await stop().catch((error: unknown) => say(String(error)));
}
for (const signal of ["SIGINT", "SIGTERM"] as const) process.once(signal, () => void stopAll().then(() => process.exit(130)));
try {
  await sql`delete from tokens`;
  const product = await startProduct(database);
  stops.unshift(product.stop);
  const floor = await startFloor(database, "big");
  stops.unshift(floor.stop);
  const cast: Cast = { product, floor, peers: [], authorization: await signIn(product, "big"), ids: await sampleIds(sql) };
  for (const peer of peers) {
    await ensurePeer(peer, say);
    const started = await startFloor(database, "big", peer);
    stops.unshift(started.stop);
    cast.peers.push(started);
  }

  const against = options.get("against");
  if (against) {
    const contender = await startProduct(database, [], resolve(against));
    stops.unshift(contender.stop);
    cast.before = { contender, authorization: await signIn(contender, "big") };
  }

  for (const [name, work] of Object.entries(WORKS)) {
    if (!wanted(name)) continue;
    if (name === "feed") await addHistory(sql);
    for (const many of connections) {
      try {
        const result = await duel(work(cast), sql, many, rounds);
        figures.works.push(result);
        say(duelTable([result]));
      } catch (error) {
        figures.failed.push(`${name} at ${many}: ${String(error).slice(0, 300)}`);
        say(figures.failed.at(-1)!);
      }
    }
    if (WRITE.includes(name)) await sweep(sql);
  }
  if (wanted("export")) figures.export = await exportCosts(product, database, sql, Math.min(rounds, 3), say);
  if (wanted("memory")) {
    const { now, most } = memoryOf(product.pid);
    figures.memory = { floor: memoryOf(floor.pid).now, product: now, productMost: most };
  }
  if (wanted("import")) {
    const many = Number(options.get("import") ?? 100_000);
    figures.imports = await importCost(product, sql, cast.authorization, many, say);
  }
  if (wanted("soak")) figures.soak = await soak(cast, Number(options.get("soak") ?? 1_000_000), say);
  if (wanted("pages")) figures.pages = await pageCosts(product, sql, say);
  if (wanted("search")) {
    const small = await startFloor(database, "small");
    stops.unshift(small.stop);
    figures.search = await searchCosts(product, { big: floor, small }, say);
  }
} finally {
  await stopAll();
}

await mkdir(RESULTS, { recursive: true });
const file = join(RESULTS, `${figures.at.slice(0, 10)}.jsonl`);
const rounded = (_: string, value: unknown) => (typeof value === "number" ? Number(value.toFixed(2)) : value);
await appendFile(file, `${JSON.stringify(figures, rounded)}\n`);
if (options.has("json")) process.stdout.write(`${JSON.stringify(figures)}\n`);
else {
  const { works, failed, pages, search, export: exported, memory, soak: soaked, imports } = figures;
  const about =
    memory &&
    `RSS in MB: floor ${memory.floor.toFixed(0)}, product ${memory.product.toFixed(0)}, at most ${memory.productMost.toFixed(0)}\n`;
  process.stdout.write(
    [
      duelTable(works),
      ...failed,
      pageTable(pages),
      searchTable(search),
      exportTable(exported),
      about,
      about,
      imports && importLine(imports),
      soaked && soakLine(soaked),
    ]
      .filter(Boolean)
      .join("\n"),
  );
}
