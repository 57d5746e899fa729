import { type Block, blocksOf } from "../../derive/blocks.ts";
import { LEAST_SURE, type Likeness, likeness, type Twin } from "../../derive/likeness.ts";
import type { IdReference } from "../../kit/id.ts";
import { Problem } from "../../kit/problem.ts";
import { count, ident, raw, sql } from "../../postgres/sql.ts";
import type { Kind } from "../../records/kind.ts";
import type { Author, Database } from "../database.ts";
import { long } from "./deadlines.ts";
import { gone, idMatches, wrongKind } from "./references.ts";
import { rowsOf } from "./table.ts";
import {
  furtherKeysSql,
  keySql,
  listOf,
  MOST_KEYS,
  readSegment,
  readWhole,
  type Segment,
  twinColumns,
  twinOf,
} from "./twins.ts";

/** Two records that may be one; `a` was made first. */
export type Pair = Likeness & { a: Twin; b: Twin };

/**
 * Where a walk through the pairs has come to: the band of sureness, the block, the key of it after which the next segment begins, and the last
 * pair that was shown of that segment. In a small workspace all blocks are one segment, of one band.
 */
export type Place = { band: number; block: number; from: string; last: [sure: number, a: string, b: string] | null };

export const BEGINNING: Place = { band: 0, block: 0, from: "", last: null };

/**
 * Walks go through the blocks of a band, and then of the next: the surest pairs come first. A name that many have is a block of many pairs that
 * are hardly sure, so these are walked once.
 */
const BANDS = [
  { named: false, least: 0.9, below: 1 },
  { named: false, least: 0.7, below: 0.9 },
  { named: true, least: LEAST_SURE, below: 1 },
  { named: false, least: LEAST_SURE, below: 0.7 },
];
const WHOLE = { least: LEAST_SURE, below: 1 };

/** Workspaces of so many records are compared as one segment. */
const SMALL = 3_000;
/** Where many records have one key, each is compared with so many neighbours by name. */
const NEIGHBOURS = 8;
/** How long a request goes on to look. */
const SEARCH_MS = 450;

/** `rest`: where the walk goes on after all of these pairs. */
export type Page = { pairs: readonly (Pair & { place: Place })[]; rest: Place | undefined };

/** The next pairs, surest first. Fewer than `limit`, or none, where looking for more would take too long. */
export async function listDuplicates(db: Database, workspaceId: string, kind: Kind, from: Place, limit: number): Promise<Page> {
  const begun = performance.now();
  const isSmall = (await countUpTo(db, workspaceId, kind)) <= SMALL;
  const blocks = blocksOf(kind);
  const pairs: (Pair & { place: Place })[] = [];
  let place: Place | undefined = from;
  while (place && pairs.length < limit && performance.now() - begun < SEARCH_MS) {
    const at: Place = place;
    const segments = isSmall
      ? await Promise.all(blocks.map((block) => readWhole(db, workspaceId, kind, block, SMALL)))
      : [await readSegment(db, workspaceId, kind, blocks[at.block]!, at.from, MOST_KEYS)];
    const { least, below } = isSmall ? WHOLE : BANDS[at.band]!;
    const all = await compareAll(db, workspaceId, kind, segments, isSmall ? 0 : at.block);
    const found = all.filter(
      (pair) => pair.sure >= least && pair.sure < below && (at.last === null || order(at.last, keyOf(pair)) < 0),
    );
    const shown = found.slice(0, limit - pairs.length).map((pair) => ({ ...pair, place: { ...at, last: keyOf(pair) } }));
    pairs.push(...shown);
    if (shown.length < found.length) place = pairs.at(-1)!.place;
    else place = isSmall ? undefined : next(at, segments[0]!.end, blocks);
  }
  return { pairs, rest: place };
}

function next({ band, block }: Place, end: string | undefined, blocks: readonly Block[]): Place | undefined {
  if (end !== undefined) return { band, block, from: end, last: null };
  for (let later = band; later < BANDS.length; later++) {
    const following = blocks.findIndex(({ named }, i) => named === BANDS[later]!.named && (later > band || i > block));
    if (following >= 0) return { band: later, block: following, from: "", last: null };
  }
  return undefined;
}

const keyOf = ({ sure, a, b }: Pair): [number, string, string] => [sure, a.id, b.id];

/** Surest first. */
const order = (one: readonly [number, string, string], other: readonly [number, string, string]): number =>
  other[0] - one[0] || compare(one[1], other[1]) || compare(one[2], other[2]);
const compare = (a: string, b: string) => (a < b ? -1 : a > b ? 1 : 0);

async function countUpTo(db: Database, workspaceId: string, kind: Kind): Promise<number> {
  const [row] = await db.pool.rows(
    sql`select count(*)::int from (select from ${rowsOf(kind)} r where r.workspace_id = ${workspaceId} and r.deleted_at is null
      limit ${count(SMALL + 1)}) few`,
    long(workspaceId),
  );
  return row![0] as number;
}

/** The pairs of these groups that may be one, surest first. Leaves out those that were dismissed, and those that blocks before this one have. */
async function compareAll(
  db: Database,
  workspaceId: string,
  kind: Kind,
  segments: readonly Segment[],
  block: number,
): Promise<Pair[]> {
  const found = new Map<string, Pair>();
  for (const group of segments.flatMap(({ groups }) => groups)) {
    for (const [a, b] of pairsOf(group)) {
      const isEarlier = a.keys.slice(0, block).some((key, i) => key !== null && key === b.keys[i]);
      if (isEarlier || found.has(`${a.id} ${b.id}`)) continue;
      const pair = { a, b, ...like(kind, a, b) };
      if (pair.sure >= LEAST_SURE) found.set(`${a.id} ${b.id}`, pair);
    }
  }
  for (const [a, b] of await dismissedAmong(db, workspaceId, [...found.values()])) found.delete(`${a} ${b}`);
  return [...found.values()].sort((one, other) => order(keyOf(one), keyOf(other)));
}

/** Each with each, or with its next neighbours by name where they are many. */
function* pairsOf(group: readonly Twin[]): Generator<[Twin, Twin]> {
  const isLarge = group.length > NEIGHBOURS;
  const sorted = isLarge ? [...group].sort((a, b) => compare(nameOf(a), nameOf(b))) : group;
  for (const [i, one] of sorted.entries()) {
    for (const other of sorted.slice(i + 1, isLarge ? i + 1 + NEIGHBOURS : undefined))
      yield one.id < other.id ? [one, other] : [other, one];
  }
}

const nameOf = ({ words }: Twin) => [...words].reverse().join(" ");

function like(kind: Kind, a: Twin, b: Twin): Likeness {
  const same = (name: string) => {
    const i = blocksOf(kind).findIndex((block) => block.name === name);
    return i >= 0 && keysBy(a, i).some((key) => keysBy(b, i).includes(key));
  };
  return likeness(kind.identity!, same("same_mailbox"), same("same_stem"), a, b);
}

/** The keys of all its values by a block. */
const keysBy = ({ keys, further }: Twin, i: number): string[] => [
  ...new Set([keys[i], ...(further[i] ?? [])].filter((key) => key != null)),
];

const dismissedAmong = (db: Database, workspaceId: string, pairs: readonly Pair[]) =>
  pairs.length === 0
    ? []
    : db.pool.rows(
        sql`select d.a, d.b from dismissed_pairs d join unnest(${pairs.map(({ a }) => a.id)}::text[], ${pairs.map(({ b }) => b.id)}::text[]) p (a, b)
          on d.a = p.a and d.b = p.b where d.workspace_id = ${workspaceId}`,
        long(workspaceId),
      );

/** Records of one key with a record that are looked at. */
const MOST_OF_ONE = 200;

/** The records that may be one with this one, surest first. */
export async function duplicatesOf(db: Database, workspaceId: string, kind: Kind, reference: IdReference): Promise<Pair[]> {
  if (reference.prefix !== kind.prefix) throw wrongKind(db, kind, reference);
  const table = rowsOf(kind);
  const living = sql`r.workspace_id = ${workspaceId} and r.deleted_at is null`;
  const [row] = await db.pool.rows(
    sql`select ${twinColumns(kind, blocksOf(kind).length)} from ${table} r where ${living} and ${idMatches(raw("r.id"), reference.key)}`,
    long(workspaceId),
  );
  if (!row) throw await gone(db, workspaceId, kind, reference.key);
  const one = twinOf(row);
  const isSmall = (await countUpTo(db, workspaceId, kind)) <= SMALL;
  const groups: Twin[][] = [];
  for (const [i, block] of blocksOf(kind).entries()) {
    const keys = keysBy(one, i);
    if (keys.length === 0) continue;
    const main = sql`r.${ident(block.column)} is not null and ${keySql(block)} = any (${keys}::text[])`;
    const held = isSmall && listOf(kind, block) ? sql`(${main} or (${furtherKeysSql(kind, block)}) && ${keys}::text[])` : main;
    const rows = await db.pool.rows(
      sql`select ${twinColumns(kind, 0)} from ${table} r where ${living} and ${held}
        and r.id <> ${one.id} order by r.id limit ${count(MOST_OF_ONE)}`,
      long(workspaceId),
    );
    groups.push(...rows.map((each) => [one, twinOf(each)]));
  }
  return compareAll(db, workspaceId, kind, [{ groups, end: undefined }], 0);
}

/** Keeps two records from being shown as one again. False where they were dismissed already. */
export async function dismissPair(
  db: Database,
  { workspaceId, actor, now }: Author,
  kind: Kind,
  references: readonly [IdReference, IdReference],
): Promise<{ ids: readonly [string, string]; isNew: boolean }> {
  const ids: string[] = [];
  for (const reference of references) {
    if (reference.prefix !== kind.prefix) throw wrongKind(db, kind, reference);
    const [row] = await db.pool.rows(
      sql`select r.id from ${rowsOf(kind)} r where r.workspace_id = ${workspaceId} and r.deleted_at is null and ${idMatches(raw("r.id"), reference.key)}`,
      { retry: true },
    );
    if (!row) throw await gone(db, workspaceId, kind, reference.key);
    ids.push(row[0] as string);
  }
  const [a, b] = ids.sort() as [string, string];
  if (a === b) throw new Problem("unprocessable", `both are the same ${kind.name}`, "a pair is two records");
  const kept = await db.pool.rows(
    sql`insert into dismissed_pairs (workspace_id, a, b, at, actor) values (${workspaceId}, ${a}, ${b}, ${new Date(now).toISOString()}, ${actor})
      on conflict do nothing returning 1`,
  );
  return { ids: [a, b], isNew: kept.length > 0 };
}
