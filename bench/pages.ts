import { tableOf } from "../src/db/records/table.ts";
import { writeCursor } from "../src/kit/cursor.ts";
import { createSeal } from "../src/kit/seal.ts";
import { catalog } from "../src/records/all.ts";
import { ask } from "./client.ts";
import { PEOPLE, type Person, type Sql } from "./place.ts";
import { backendsOf, cpuOf } from "./processes.ts";
import { type Contender, SECRET, signIn } from "./servers.ts";
import { linkedRecords, OTHERS, pathFor, type Shape, shapes } from "./shapes.ts";

/** What a page costs: CPU of the service and of PostgreSQL in microseconds, and the time it takes alone. Busy: it was given up. */
type Cost = { cpu: number; ms: number; rows: number; busy: boolean };

export type PageCost = { shape: string; place: string; paged: boolean; big: Cost; thousand: Cost };

/** What a workspace of the size needs to be asked for a page. */
type Side = { person: Person; headers: Record<string, string>; linked: ReadonlyMap<string, string> };

/**
 * Every list shape in the big workspace and in one of a thousand rows: its first page; where an index pages it, one further in as well, and
 * for plain sorts one among the rows that have no value.
 */
export async function pageCosts(product: Contender, sql: Sql, say: (line: string) => void): Promise<PageCost[]> {
  const costs: PageCost[] = [];
  const sideOf = async (person: Person): Promise<Side> => ({
    person,
    headers: await signIn(product, person),
    linked: await linkedRecords(sql, person),
  });
  const big = await sideOf("big");
  const thousand = await sideOf("thousand");
  for (const shape of [...shapes(), ...OTHERS]) {
    const places = { big: await placesOf(product, sql, big, shape), thousand: await placesOf(product, sql, thousand, shape) };
    for (const [place, path] of places.big) {
      const small = places.thousand.get(place);
      if (!small) continue;
      const cost = await compare(product, sql, shape.paged, [big, path], [thousand, small]);
      costs.push({ shape: shape.path, place, paged: shape.paged, ...cost });
      if (cost.big.cpu > 1.3 * cost.thousand.cpu && cost.big.ms > 2)
        say(`${shape.path} ${place}: ${(cost.big.cpu / cost.thousand.cpu).toFixed(1)} x, ${cost.big.ms.toFixed(1)} ms`);
    }
  }
  return costs;
}

/** The paths of a shape's pages by the place they have in the list. */
async function placesOf(product: Contender, sql: Sql, side: Side, shape: Shape): Promise<Map<string, string>> {
  const path = pathFor(shape.path, side.linked);
  const at = (cursor: string) => `${path}${path.includes("?") ? "&" : "?"}cursor=${cursor}`;
  const places = new Map([["first", path]]);
  if (shape.sort) {
    for (const [place, cursor] of await sortedCursors(sql, side.person, shape.sort)) places.set(place, at(cursor));
  } else if (shape.paged) {
    const cursor = await walk(product, side, path);
    if (cursor) places.set("deep", at(cursor));
  }
  return places;
}

/** Cursors to the middle of the rows with a value and to the middle of those without. This is how src/routes/records.ts makes them. */
async function sortedCursors(sql: Sql, person: Person, sort: NonNullable<Shape["sort"]>): Promise<Map<string, string>> {
  const { workspaceId } = PEOPLE[person];
  const kind = catalog.get(sort.kind)!;
  const table = tableOf(kind);
  const key = table.sortKey(kind.field(sort.field)!).text;
  const list = [workspaceId, kind.plural, "", `sort=${sort.descending ? "-" : ""}${sort.field}`];
  const cursors = new Map<string, string>();
  for (const [place, which, order] of [
    ["deep", "not null", `${key}, r.id`],
    ["empty", "null", "r.id"],
  ] as const) {
    const from = `from ${table.name.text} r where r.workspace_id = $1 and r.deleted_at is null and ${key} is ${which}`;
    const [count] = await sql.unsafe(`select count(*)::int as rows ${from}`, [workspaceId]);
    if (count!["rows"] < 102) continue;
    const half = Math.floor(count!["rows"] / 2);
    const [row] = await sql.unsafe(`select (${key})::text as value, r.id ${from} order by ${order} offset ${half} limit 1`, [
      workspaceId,
    ]);
    const { value, id } = row as unknown as { value: string | null; id: string };
    cursors.set(place, writeCursor({ value, id }, list, createSeal(SECRET)));
  }
  return cursors;
}

const PAGES = 20;
const WALK_MS = 1000;
const FULL = 50;

/** The cursor of the last full page that some steps reach. */
async function walk(product: Contender, side: Side, path: string): Promise<string | undefined> {
  const started = performance.now();
  let before: string | undefined;
  let cursor: string | undefined;
  for (let page = 0; page < PAGES && performance.now() - started < WALK_MS; page++) {
    const limit = side.person === "big" ? 200 : FULL;
    const tail = `limit=${limit}${cursor ? `&cursor=${cursor}` : ""}`;
    const { text } = await ask(product.baseUrl, `${path}${path.includes("?") ? "&" : "?"}${tail}`, side.headers);
    if (rowsIn(text) >= FULL) before = cursor;
    cursor = /^# next: (\S+)/m.exec(text)?.[1];
    if (!cursor) return before;
  }
  return cursor;
}

const rowsIn = (text: string) => text.split("\n").filter((line) => line !== "" && !line.startsWith("#")).length;

/** The ratio of what an index pages is held to a limit, of the rest its size is of interest. */
const TURNS = { paged: 5, other: 2 };
const TURN_MS = 40;

/** In turns, so that the rest of the machine's load falls on both; the cheapest turn counts, for nothing makes a page cheaper than it is. */
async function compare(
  product: Contender,
  sql: Sql,
  paged: boolean,
  ...both: [[Side, string], [Side, string]]
): Promise<{ big: Cost; thousand: Cost }> {
  for (const [side, path] of both) await settle(product, paged, side, path);
  const [big, thousand] = both.map(() => ({
    cpu: Number.POSITIVE_INFINITY,
    ms: Number.POSITIVE_INFINITY,
    rows: 0,
    busy: false,
  })) as [Cost, Cost];
  for (let turn = 0; turn < (paged ? TURNS.paged : TURNS.other); turn++) {
    for (const [cost, [side, path]] of [
      [big, both[0]],
      [thousand, both[1]],
    ] as const) {
      await turnOf(product, sql, side, path, cost);
    }
    if (big.ms > 100) break;
  }
  return { big, thousand };
}

/** After five runs on a connection PostgreSQL may plan a named statement anew, without its values: what lasts is what comes then. */
async function settle(product: Contender, paged: boolean, side: Side, path: string): Promise<void> {
  const started = performance.now();
  for (let i = 0; i < (paged ? 8 : 1) && performance.now() - started < 200; i++) await ask(product.baseUrl, path, side.headers);
}

async function turnOf(product: Contender, sql: Sql, side: Side, path: string, cost: Cost): Promise<void> {
  const pids = [product.pid, ...(await backendsOf(sql, product.application))];
  const used = () => pids.reduce((total, pid) => total + cpuOf(pid), 0);
  const before = used();
  const started = performance.now();
  let requests = 0;
  do {
    const { ms, text, busy } = await ask(product.baseUrl, path, side.headers);
    cost.ms = Math.min(cost.ms, ms);
    cost.rows = busy ? 0 : rowsIn(text);
    cost.busy ||= busy;
    requests += 1;
  } while (performance.now() - started < TURN_MS);
  cost.cpu = Math.min(cost.cpu, (used() - before) / requests);
}
