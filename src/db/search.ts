import type { ListQuery } from "../derive/query.ts";
import type { Row, View } from "../derive/render.ts";
import { writeCursor } from "../kit/cursor.ts";
import { Problem } from "../kit/problem.ts";
import type { Seal } from "../kit/seal.ts";
import type { RowsOptions } from "./client.ts";
import { conditionSql, pattern } from "./condition.ts";
import type { Database } from "./database.ts";
import { eitherWay, inTime, long } from "./patience.ts";
import { resolveConditions } from "./references.ts";
import { countRows, type Page, readPosition } from "./rows.ts";
import { count, join, type Statement, sql } from "./sql.ts";
import { type Table, tableOf } from "./table.ts";

/** Ranking looks at this many matches, the newest changed: a word that a whole workspace shares is not worth ranking. */
const RANKED_MATCHES = 1000;

/** The title of an activity is its body, which may be long: its beginning decides. */
const RANKED_CHARACTERS = 100;

const MOST_WORDS = 8;

export function searchWords(search: string): string[] {
  return [...new Set(search.split(/\s+/))].filter((word) => /[\p{L}\p{N}]/u.test(word)).slice(0, MOST_WORDS);
}

/** A word anywhere in the searched text; one or two letters only where a word begins, or they would be everywhere. */
export function wordSql(word: string): Statement {
  if ([...word].length > 2) return sql`r.search like ${pattern(word)}`;
  return sql`(r.search like ${pattern(word, "")} or r.search like ${pattern(word, "% ")} or r.search like ${pattern(word, "%\n")})`;
}

/**
 * The rows that hold every word, best first: the title itself, then titles that begin with the search, then those with it at the start of
 * a word, each by word similarity (pg_trgm). Only when there are none, near misses: rows with a word that looks like it.
 */
export async function searchRows(
  db: Database,
  workspaceId: string,
  view: View,
  query: ListQuery,
  binding: readonly string[],
  seal: Seal,
): Promise<Page> {
  const table = tableOf(view.definition, db.dictionary);
  const search = query.search ?? "";
  const words = searchWords(search);
  const conditions = (await resolveConditions(db, workspaceId, query.conditions)).map((condition) =>
    conditionSql(table, condition),
  );
  const scope = [sql`r.workspace_id = ${workspaceId} and r.deleted_at is null`, ...conditions];
  const list = [workspaceId, ...binding, ...query.identity];
  const position = query.cursor === undefined ? undefined : readPosition(query.cursor, list, seal);
  const beyond = position ? sql`where (r.search_rank, r.id) < (${position.value}::int, ${position.id})` : sql``;
  const holding = sql`${table.name} r where ${join([...scope, ...words.map(wordSql)], " and ")}`;
  const way = (gathered: boolean) => (options: RowsOptions) => {
    const found = gathered ? sql`(select r.* from ${holding} offset 0) r` : holding;
    const matches = sql`select r.* from ${found} order by r.updated_at desc, r.id desc limit ${count(RANKED_MATCHES)}`;
    // `offset 0`: PostgreSQL would put the rank in the place of its name, and work it out each time.
    const ranked = sql`select r.*, ${rankSql(search)} as search_rank from (${matches}) r offset 0`;
    return db.pool.rows(
      sql`select ${table.select(view)}, r.search_rank from (${ranked}) r ${beyond} order by r.search_rank desc, r.id desc limit ${count(query.limit + 1)}`,
      options,
    );
  };
  const rows = await inTime(view.definition, query, () => eitherWay(workspaceId, way(false), way(true)));
  if (rows.length === 0 && !position)
    return { rows: await nearMisses(db, workspaceId, table, view, scope, search, query.limit), nextCursor: null, near: true };
  const counted = () => countRows(db, workspaceId, table, view.definition, [...scope, ...words.map(wordSql)]);
  const total = query.count ? await inTime(view.definition, query, counted) : undefined;
  const page = rows.slice(0, query.limit);
  const last = page.at(-1);
  const nextCursor =
    rows.length > query.limit && last ? writeCursor({ value: last.at(-1) as number, id: last[0] as string }, list, seal) : null;
  return { rows: page, nextCursor, ...(total && { total }) };
}

/** The searched text begins with the title and is folded already. */
function rankSql(search: string): Statement {
  const title = sql`left(split_part(r.search, chr(10), 1), ${RANKED_CHARACTERS})`;
  const wanted = sql`crm_fold(${search})`;
  const place = sql`case when ${title} = ${wanted} then 4000 when ${title} like ${pattern(search, "")} then 3000 when ${title} like ${pattern(search, "% ")} then 2000 else 0 end`;
  return sql`(${place} + round(1000 * public.word_similarity(${wanted}, ${title})))::int`;
}

const NEAR_THRESHOLD = 0.4;
const NEAR_CANDIDATES = 500;
const NEAR_MS = 300;

/** A search that found nothing is worth a third of a second more, not ten. */
async function nearMisses(
  db: Database,
  workspaceId: string,
  table: Table,
  view: View,
  scope: Statement[],
  search: string,
  limit: number,
): Promise<Row[]> {
  const near = sql`select r.* from ${table.name} r
    where ${join([...scope, sql`crm_fold(${search}) operator(public.<%) r.search`], " and ")} limit ${NEAR_CANDIDATES}`;
  const similarity = sql`round(1000 * public.word_similarity(crm_fold(${search}), r.search))::int`;
  try {
    return await db.pool.transaction(async (tx) => {
      await tx.rows(
        sql`select set_config('pg_trgm.word_similarity_threshold', ${String(NEAR_THRESHOLD)}, true), set_config('statement_timeout', ${String(NEAR_MS)}, true)`,
      );
      return tx.rows(
        sql`select ${table.select(view)}, ${similarity} from (${near}) r order by ${similarity} desc, r.updated_at desc, r.id desc limit ${limit}`,
        { plan: "custom" },
      );
    }, long(workspaceId));
  } catch (error) {
    if (error instanceof Problem && error.code === "busy") return [];
    throw error;
  }
}
