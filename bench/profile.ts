/**
 * `node --import tsx bench/profile.ts get [--rows 1000000] [--requests 20000] [--connections 8] [--of floor]`: where the product's own process, or the floor's,
 * spends its time under one work, by function without what it calls (self), by function with it (total), and by file.
 */
import { mkdir, readdir, readFile, rm } from "node:fs/promises";
import { join } from "node:path";
import { send } from "./client.ts";
import { connect, DATA, openServer, readArguments, readRows } from "./place.ts";
import { signIn, startFloor, startProduct } from "./servers.ts";
import { addHistory, sampleIds, sweep, WORKS, WRITE } from "./works.ts";

const { options, rest } = readArguments(process.argv.slice(2), ["rows", "requests", "connections", "top", "of"]);
const [name = "get"] = rest;
const work = WORKS[name];
if (!work) throw new Error(`there is no work ${name}; there are: ${Object.keys(WORKS).join(", ")}`);
const requests = Number(options.get("requests") ?? 20_000);
const connections = Number(options.get("connections") ?? 8);
const top = Number(options.get("top") ?? 25);

const folder = join(DATA, "profiles");
await rm(folder, { recursive: true, force: true });
await mkdir(folder, { recursive: true });
const database = await openServer(readRows(options));
const sql = connect(database);
let seconds = 0;
try {
  const flags = ["--cpu-prof", "--cpu-prof-interval=200", `--cpu-prof-dir=${folder}`];
  const ofFloor = options.get("of") === "floor";
  const floor = await startFloor(database, "big", "floor", ofFloor ? flags : []);
  const product = await startProduct(database, ofFloor ? [] : flags);
  if (name === "feed") await addHistory(sql);
  const cast = { product, floor, peers: [], authorization: await signIn(product, "big"), ids: await sampleIds(sql) };
  const side = work(cast).sides[ofFloor ? 0 : 1]!;
  await send(side.contender.baseUrl, connections, requests / 4, side.next); // compiles what is hot
  const { elapsed } = await send(side.contender.baseUrl, connections, requests, (i) => side.next(i + requests / 4));
  seconds = elapsed / 1000;
  await Promise.all([product.stop(), floor.stop()]);
  if (WRITE.includes(name)) await sweep(sql);
} finally {
  await sql.end();
  await database.stop();
}

type Node = { id: number; callFrame: { functionName: string; url: string; lineNumber: number }; children?: number[] };
type Profile = { nodes: Node[]; samples: number[]; timeDeltas: number[]; endTime: number };

const [file] = await readdir(folder);
const profile = JSON.parse(await readFile(join(folder, file!), "utf8")) as Profile;
const self = selfTimes(profile, seconds);
const { nodes } = profile;
print(
  "self",
  tally(nodes, (node) => [titleOf(node)]),
);
print("total", totals(nodes));
print(
  "file",
  tally(nodes, (node) => [node.callFrame.url ? placeOf(node) : titleOf(node)]),
);

/** Microseconds of each node itself, in the last seconds before the end: what comes before is starting and compiling. */
function selfTimes({ samples, timeDeltas }: Profile, last: number): Map<number, number> {
  const times = new Map<number, number>();
  let left = last * 1_000_000;
  for (let i = samples.length - 1; i > 0 && left > 0; i--) {
    const delta = timeDeltas[i]!;
    left -= delta;
    times.set(samples[i]!, (times.get(samples[i]!) ?? 0) + delta);
  }
  return times;
}

/** A function counts once for a stack it stands in twice. */
function totals(all: readonly Node[]): Map<string, number> {
  const byId = new Map(all.map((node) => [node.id, node]));
  const sums = new Map<string, number>();
  const visit = (node: Node, above: ReadonlySet<string>) => {
    const title = titleOf(node);
    const stack = new Set(above).add(title);
    for (const each of stack) sums.set(each, (sums.get(each) ?? 0) + (self.get(node.id) ?? 0));
    for (const child of node.children ?? []) visit(byId.get(child)!, stack);
  };
  visit(all[0]!, new Set());
  return sums;
}

function tally(all: readonly Node[], keys: (node: Node) => string[]): Map<string, number> {
  const sums = new Map<string, number>();
  for (const node of all) for (const key of keys(node)) sums.set(key, (sums.get(key) ?? 0) + (self.get(node.id) ?? 0));
  return sums;
}

function titleOf(node: Node): string {
  return `${node.callFrame.functionName || "(anonymous)"} ${placeOf(node)}`.trim();
}

/** tsx takes the line breaks out of TypeScript, so a line number would say nothing there. */
function placeOf({ callFrame: { url, lineNumber } }: Node): string {
  const short = url.replace(/^file:\/\//, "").replace(/^.*\/(src|bench|node_modules)\//, "$1/");
  return short.endsWith(".ts") || short === "" ? short : `${short}:${lineNumber + 1}`;
}

function print(title: string, sums: ReadonlyMap<string, number>): void {
  const sorted = [...sums].filter(([, time]) => time > 0).sort(([, a], [, b]) => b - a);
  process.stdout.write(`\n${title}, µs a request over ${requests} ${name} (profiling itself costs some)\n`);
  for (const [key, time] of sorted.slice(0, top)) process.stdout.write(`${(time / requests).toFixed(1).padStart(8)}  ${key}\n`);
}
