import type { ListQuery } from "../derive/query.ts";
import type { Row, View } from "../derive/render.ts";
import { type Position, writeCursor } from "../kit/cursor.ts";
import type { Seal } from "../kit/seal.ts";
import { fieldOf } from "../records/define.ts";
import type { RowsOptions } from "./client.ts";
import { conditionSql, pattern } from "./condition.ts";
import type { Database } from "./database.ts";
import { nearMisses } from "./nearMisses.ts";
import { eitherWay, inTime, long } from "./patience.ts";
import { resolveConditions } from "./references.ts";
import { countRows, type Page, readPosition } from "./rows.ts";
import { count, join, raw, type Statement, sql } from "./sql.ts";
import { type Table, tableOf } from "./table.ts";
import { holdsWords, titleHolds } from "./words.ts";

/** Ranking looks at this many matches, the newest changed: as many as a page can show. */
const RANKED_MATCHES = 200;

/** Where the title is a body, which may be long, its beginning decides. */
const RANKED_CHARACTERS = 100;

/** What titles that hold the words rank above the others. */
const TITLED = 10_000;

/** What is looked for, and how far a walk through it has come. */
type Walk = {
  workspaceId: string;
  view: View;
  table: Table;
  search: string;
  /** Of kinds whose titles are short enough to sort by: these have an index of their words. */
  title: Statement | undefined;
  /** The workspace's living rows that meet the filters. */
  scope: Statement[];
  words: Statement[];
  position: Position | undefined;
};

/**
 * The rows that hold every word, best first: those whose title has each as a whole word, then the others. Both by their title - the search
 * itself, then titles that begin with it, then those with it at the start of a word, each by word similarity (pg_trgm). Only when there are
 * none, near misses.
 */
export async function searchRows(
  db: Database,
  workspaceId: string,
  view: View,
  query: ListQuery,
  binding: readonly string[],
  seal: Seal,
): Promise<Page> {
  const { definition } = view;
  const table = tableOf(definition, db.dictionary);
  const search = query.search ?? "";
  const conditions = (await resolveConditions(db, workspaceId, query.conditions)).map((condition) =>
    conditionSql(table, condition),
  );
  const scope = [sql`r.workspace_id = ${workspaceId} and r.deleted_at is null`, ...conditions];
  const words = holdsWords(search);
  const list = [workspaceId, ...binding, ...query.identity];
  const position = query.cursor === undefined ? undefined : readPosition(query.cursor, list, seal);
  const field = fieldOf(definition, definition.title)!;
  const title = field.sort ? table.column(field) : undefined;
  const walk = { workspaceId, view, table, search, title, scope, words, position };

  const rows = await inTime(definition, query, () => bestRows(db, walk, query.limit + 1));
  if (rows.length === 0 && !position)
    return { rows: await nearMisses(db, workspaceId, table, view, scope, search, query.limit), nextCursor: null, near: true };
  const counted = () => countRows(db, workspaceId, table, definition, [...scope, ...words]);
  const total = query.count ? await inTime(definition, query, counted) : undefined;
  const page = rows.slice(0, query.limit);
  const last = page.at(-1);
  const nextCursor =
    rows.length > query.limit && last ? writeCursor({ value: last.at(-1) as number, id: last[0] as string }, list, seal) : null;
  return { rows: page, nextCursor, ...(total && { total }) };
}

/** The index of titles is quick, that of all searched text is not: it is left alone when titles fill the page. */
async function bestRows(db: Database, walk: Walk, wanted: number): Promise<readonly Row[]> {
  const { workspaceId, title, position } = walk;
  const begins = title !== undefined && (!position || (position.value as number) >= TITLED);
  const titled = begins ? await db.pool.rows(titledSql(walk, title, wanted), long(workspaceId)) : [];
  if (titled.length >= wanted) return titled;
  const way = (gathered: boolean) => (options: RowsOptions) =>
    db.pool.rows(othersSql(walk, gathered, wanted - titled.length), options);
  return [...titled, ...(await eitherWay(workspaceId, way(false), way(true)))];
}

/**
 * Those whose title holds the words: who is called just what was searched, however many newer ones there are, then the newest changed.
 * `offset 0`: how many have a word PostgreSQL often does not know, and would rather follow the newest until enough have come.
 */
function titledSql(walk: Walk, title: Statement, wanted: number): Statement {
  const { workspaceId, table, search, scope, words } = walk;
  const holding = join([...scope, titleHolds(workspaceId, title, search)], " and ");
  const titled = sql`select r.* from (select r.* from ${table.name} r where ${holding} offset 0) r where ${join(words, " and ")}
    order by ${TITLE} = crm_fold(${search}) desc, r.updated_at desc, r.id desc limit ${count(RANKED_MATCHES)}`;
  return bestSql(walk, titled, sql`${TITLED} + ${rankSql(search)}`, wanted);
}

/** The newest changed that hold the words, without those whose title does. */
function othersSql(walk: Walk, gathered: boolean, wanted: number): Statement {
  const { workspaceId, table, search, title, scope, words } = walk;
  const holding = sql`${table.name} r where ${join([...scope, ...words], " and ")}`;
  const found = gathered ? sql`(select r.* from ${holding} offset 0) r` : holding;
  const newest = sql`select r.* from ${found} order by r.updated_at desc, r.id desc limit ${count(RANKED_MATCHES)}`;
  const others = title ? sql`select r.* from (${newest}) r where not ${titleHolds(workspaceId, title, search)}` : newest;
  return bestSql(walk, others, rankSql(search), wanted);
}

/** The searched text begins with the title and is folded already. */
const TITLE = sql`left(split_part(r.search, chr(10), 1), ${count(RANKED_CHARACTERS)})`;

function rankSql(search: string): Statement {
  const wanted = sql`crm_fold(${search})`;
  const place = sql`case when ${TITLE} = ${wanted} then 4000 when ${TITLE} like ${pattern(search, "")} then 3000 when ${TITLE} like ${pattern(search, "% ")} then 2000 else 0 end`;
  return sql`(${place} + round(1000 * public.word_similarity(${wanted}, ${TITLE})))::int`;
}

/** `offset 0`: PostgreSQL would put the rank in the place of its name, and work it out each time. */
function bestSql({ view, table, position }: Walk, candidates: Statement, rank: Statement, wanted: number): Statement {
  const beyond = position ? sql`where (r.search_rank, r.id) < (${position.value}::int, ${position.id})` : raw("");
  const ranked = sql`select r.*, ${rank} as search_rank from (${candidates}) r offset 0`;
  return sql`select ${table.select(view)}, r.search_rank from (${ranked}) r ${beyond} order by r.search_rank desc, r.id desc limit ${count(wanted)}`;
}
