import { DEFAULT_LIMIT, type ListQuery } from "../../derive/query.ts";
import { type Row, rowId, type View } from "../../derive/view.ts";
import { writeCursor } from "../../kit/cursor.ts";
import { Problem } from "../../kit/problem.ts";
import type { Seal } from "../../kit/seal.ts";
import type { RowsOptions } from "../../postgres/pool.ts";
import type { Database } from "../database.ts";
import { bounded } from "../records/bounded.ts";
import { conditionSql } from "../records/condition.ts";
import { inTime, long } from "../records/deadlines.ts";
import { resolveConditions } from "../records/references.ts";
import { countRows, type Page, readPosition } from "../records/rows.ts";
import { tableOf } from "../records/table.ts";
import { nearMisses, nearMs } from "./nearMisses.ts";
import { livingSql, partlyTier, type SearchWalk, spelledTier, type Tier, tiersOf } from "./tiers.ts";
import { bestSql, waysOf } from "./ways.ts";
import { holdsWords, wordsOf } from "./words.ts";

/** `words` stops where nothing has the words; `all` goes on to what only looks like them. */
export type Reach = "words" | "all";

/**
 * The rows that have every word, best first: those whose title has each as a whole word, then those with a word that begins so; where there
 * are none, those with each inside a word, and where there are none of these, near misses. Each tier by the title - the search itself, letter
 * by letter and then accents aside, titles that begin with it, then those with it at the start of a word, each by word similarity (pg_trgm).
 */
export async function searchRows(
  db: Database,
  workspaceId: string,
  view: View,
  query: ListQuery,
  binding: readonly string[],
  seal: Seal,
  reach: Reach = "all",
): Promise<Page> {
  const { kind } = view;
  const table = tableOf(kind);
  const search = query.search ?? "";
  const resolved = await resolveConditions(db, workspaceId, query.conditions);
  const conditions = [
    ...resolved.map((condition) => conditionSql(table, condition, workspaceId)),
    ...query.words.flatMap((words) => holdsWords(workspaceId, kind, words)),
  ];
  const list = [workspaceId, ...binding, ...query.identity];
  const position = query.cursor === undefined ? undefined : readPosition(query.cursor, list, seal);
  const walk = { workspaceId, view, table, query, search, conditions, position };

  const { rows, tier, cut } = await inTime(kind, query, () => bestRows(db, walk, reach));
  if (rows.length === 0 && !position && reach === "all") {
    const near = await nearRows(db, walk);
    return { rows: near, more: false, near: near.length > 0 };
  }
  const counted = () => countRows(db, workspaceId, table, kind, [tier.living, ...conditions, tier.matches]);
  const total = query.count ? await inTime(kind, query, counted) : undefined;
  return {
    rows: rows.slice(0, query.limit),
    more: cut || rows.length > query.limit,
    cursorAfter: (row) => writeCursor({ value: row.at(-1) as number, id: rowId(row) }, list, seal),
    ...(total && { total }),
  };
}

type Found = { rows: readonly Row[]; cut: boolean };

/** A page and at least one row more, if there is one and not too much, and the last tier it comes from. */
async function bestRows(db: Database, walk: SearchWalk, reach: Reach): Promise<Found & { tier: Tier }> {
  const { query, position } = walk;
  const { tiers, inside } = tiersOf(walk);
  const last = tiers.at(-1)!;
  const reached = (tier: Tier) => position !== undefined && (position.value as number) < tier.above;
  const rows: Row[] = [];
  for (const tier of tiers) {
    if (reached(tier) || rows.length > query.limit) continue;
    const found = await tierRows(db, walk, tier);
    rows.push(...found.rows);
    if (found.cut) return { rows, cut: true, tier: last };
  }
  if (inside && reach === "all" && (position ? reached(last) : rows.length === 0))
    return { ...(await tierRows(db, walk, inside)), tier: inside };
  return { rows, cut: false, tier: last };
}

/** More of what only looks like it would be read as found. */
export const MOST_NEAR = 10;

/** Most addresses look like others at the same host, whose people are somebody else. */
const ADDRESS = /[^\s@]@[^\s@]/;

/**
 * What looks like it, where that is found in time: nothing else where another spelling explains it; else what looks like every word, and then what
 * has all words but one.
 */
async function nearRows(db: Database, walk: SearchWalk): Promise<readonly Row[]> {
  const { workspaceId, view, table, query, search, conditions } = walk;
  const limit = Math.min(query.limit, MOST_NEAR);
  if (ADDRESS.test(search)) return [];
  const ofTier = async (tier: Tier | undefined) =>
    tier ? (await tierRows(db, walk, tier, { deadlineMs: nearMs(db) })).rows : [];
  const spelled = await inTimeOrNone(() => ofTier(spelledTier(walk)));
  if (spelled.length > 0) return spelled.slice(0, limit);
  const scope = [livingSql(workspaceId), ...conditions];
  const [near, partly] = await Promise.all([
    inTimeOrNone(() => nearMisses(db, workspaceId, table, view, scope, wordsOf(search), limit)),
    inTimeOrNone(() => ofTier(partlyTier(walk))),
  ]);
  const seen = new Set(near.map(rowId));
  return [...near, ...partly.filter((row) => !seen.has(rowId(row)))].slice(0, limit);
}

/** What looks like a name that nothing has. */
export const nearNames = (db: Database, workspaceId: string, view: View, query: ListQuery): Promise<readonly Row[]> =>
  nearRows(db, {
    workspaceId,
    view,
    table: tableOf(view.kind),
    query,
    search: query.search ?? "",
    conditions: [],
    position: undefined,
  });

async function inTimeOrNone(find: () => Promise<readonly Row[]>): Promise<readonly Row[]> {
  try {
    return await find();
  } catch (error) {
    if (error instanceof Problem && error.code === "busy") return [];
    throw error;
  }
}

async function tierRows(db: Database, walk: SearchWalk, tier: Tier, within: RowsOptions = {}): Promise<Found> {
  const { workspaceId, view, query, search } = walk;
  const plain = query.conditions.length + query.words.length === 0;
  const options: RowsOptions = {
    ...long(workspaceId),
    ...within,
    plan: plain && query.limit === DEFAULT_LIMIT ? tier.plan : "custom",
  };
  const asked = plain ? `${workspaceId} ${view.kind.plural} ${tier.above} ${search}` : undefined;
  const [all, newest, however] = waysOf(walk, tier);
  for (const way of asked && common.has(asked) ? [newest, all, however] : [all, newest, however]) {
    const { rows, cut } = bounded(await db.pool.rows(bestSql(walk, tier, way), options), view);
    const [first] = rows;
    if (first!.at(-2)) return { rows: first![0] === null ? [] : rows, cut };
    if (asked) remember(asked, way === all);
  }
  throw new Error("the last way finds enough whatever it finds");
}

/** Searches that had too many matches to gather, of late: those begin with the newest, which takes half the time. */
const common = new Set<string>();
const MOST_REMEMBERED = 1_000;

function remember(asked: string, isCommon: boolean): void {
  common.delete(asked);
  if (!isCommon || asked.length > 200) return;
  if (common.size >= MOST_REMEMBERED) common.delete(common.values().next().value!);
  common.add(asked);
}
