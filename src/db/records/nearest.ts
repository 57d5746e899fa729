import type { Near } from "../../derive/near.ts";
import type { ListQuery } from "../../derive/query.ts";
import { type Row, rowId, type View } from "../../derive/view.ts";
import { writeCursor } from "../../kit/cursor.ts";
import { Problem } from "../../kit/problem.ts";
import type { Seal } from "../../kit/seal.ts";
import { isTooSlow } from "../../postgres/errors.ts";
import type { Pool, RowsOptions } from "../../postgres/pool.ts";
import { count, ident, join, type Statement, sql } from "../../postgres/sql.ts";
import { columnName, type Kind } from "../../records/kind.ts";
import type { Database } from "../database.ts";
import { candidates } from "../vectors/candidates.ts";
import { bounded, boundedSql } from "./bounded.ts";
import { long } from "./deadlines.ts";
import { filtersOf, type Page, readPosition } from "./rows.ts";
import { tableOf } from "./table.ts";

/** Every record is compared, which takes longer than a list may that an index pages. */
const MOST_MS = 10_000;

const tooMany = ({ plural }: Kind, cause: unknown) =>
  new Problem("busy", `comparing took longer than ${MOST_MS / 1_000} s`, `filter too, so that fewer ${plural} are compared`, {
    cause,
  });

/**
 * The rows whose vector points most nearly where `near` does, by the cosine of the angle between the two: exact, for every row that the filters
 * find is compared, unless the field has an index, which may miss one. The view ends with the similarity.
 */
export async function nearestRows(
  db: Database,
  workspaceId: string,
  view: View,
  query: ListQuery,
  { field, numbers }: Near,
  binding: readonly string[],
  seal: Seal,
): Promise<Page> {
  const { kind } = view;
  const table = tableOf(kind);
  const list = [workspaceId, ...binding, ...query.identity];
  const position = query.cursor === undefined ? undefined : readPosition(query.cursor, list, seal);
  const filters = await filtersOf(db, workspaceId, kind, query);
  const found = await nearest(db, workspaceId, view.kind, filters, { field, numbers }, position, query.limit + 1);
  const ids = sql`unnest(${found.map(({ id }) => id)}::text[], ${found.map(({ similarity }) => similarity)}::double precision[]) n (id, similarity)`;
  const named = sql`(select r.*, n.similarity from ${ids} join ${table.name} r on r.workspace_id = ${workspaceId} and r.id = n.id)`;
  const rows = sql`select ${table.select(view, workspaceId)}, r.similarity from ${named} r order by r.similarity desc, r.id desc`;
  const asked = boundedSql({ workspaceId, table, view, rows, more: 1 });
  const { rows: some, cut } = bounded(await db.pool.rows(asked, long(workspaceId)), view);
  return {
    rows: some.slice(0, query.limit),
    more: cut || found.length > query.limit,
    cursorAfter: (row: Row) => writeCursor({ value: row.at(-1) as number, id: rowId(row) }, list, seal),
  };
}

type Similar = { id: string; similarity: number };

/** Nearest first; of two that are as near, the newer. */
const order = (a: Similar, b: Similar) => b.similarity - a.similarity || (a.id < b.id ? 1 : a.id > b.id ? -1 : 0);

/** Characters of vectors that are fetched at once. Reading them holds up others for some milliseconds. */
const CHUNK = 500_000;
const CHARACTERS = 11;

/** Records that the filters may leave. */
const MOST_COMPARED = 200_000;

/** The nearest of the rows behind `position`: among the candidates of an index where there is one and it finds enough, else among all. */
async function nearest(
  db: Database,
  workspaceId: string,
  kind: Kind,
  filters: readonly Statement[],
  near: Near,
  position: { value: unknown; id: string } | undefined,
  most: number,
): Promise<Similar[]> {
  const { pool } = db;
  const until = performance.now() + MOST_MS;
  const options = () => ({ ...long(workspaceId), deadlineMs: Math.max(1, Math.round(until - performance.now())) });
  const after = position && { id: position.id, similarity: Number(position.value) };
  const comparing = { pool, workspaceId, kind, near, after, most, options };
  try {
    const some = await candidates(db, { workspaceId, kind, filters, near, from: after?.similarity, most });
    const found = some === undefined ? [] : await compare(some, comparing);
    if (found.length >= most) return found;
    const all = sql`select r.id from ${tableOf(kind).name} r where ${join(filters, " and ")} limit ${count(MOST_COMPARED + 1)}`;
    const ids = (await pool.rows(all, options())).map(([id]) => id as string);
    if (ids.length > MOST_COMPARED) throw tooMany(kind, undefined);
    return await compare(ids, comparing);
  } catch (error) {
    throw isTooSlow(error) ? tooMany(kind, error) : error;
  }
}

type Comparing = {
  pool: Pool;
  workspaceId: string;
  kind: Kind;
  near: Near;
  after: Similar | undefined;
  most: number;
  options: () => RowsOptions;
};

/**
 * The nearest of these records. The texts of the vectors are read here: PostgreSQL takes five times as long to make numbers of them. They come in
 * chunks, the next one while the last is compared.
 */
async function compare(
  ids: readonly string[],
  { pool, workspaceId, kind, near: { field, numbers }, after, most, options }: Comparing,
): Promise<Similar[]> {
  const { name: table, living } = tableOf(kind);
  const size = Math.max(20, Math.min(2_000, Math.ceil(CHUNK / CHARACTERS / numbers.length)));
  const chunk = (ids: readonly string[]) => {
    const where = sql`r.workspace_id = ${workspaceId} and r.id = any (${ids}::text[]) and ${living}`;
    const rows = pool.rows(sql`select r.id, r.${ident(columnName(field))} from ${table} r where ${where}`, options());
    // A refusal is told when its turn comes.
    rows.catch(() => {});
    return rows;
  };
  const likeness = cosineTo(numbers);
  let kept: Similar[] = [];
  let next = chunk(ids.slice(0, size));
  for (let from = 0; from < ids.length; from += size) {
    const rows = (await next) as [string, string | null][];
    if (from + size < ids.length) next = chunk(ids.slice(from + size, from + 2 * size));
    const found = rows.flatMap(([id, text]): Similar[] =>
      text === null ? [] : [{ id, similarity: likeness(JSON.parse(text)) }],
    );
    const behind = after ? found.filter((each) => order(after, each) < 0) : found;
    kept = [...kept, ...behind].sort(order).slice(0, most);
  }
  return kept;
}

function cosineTo(numbers: readonly number[]): (other: readonly number[]) => number {
  const asked = Float64Array.from(numbers, Math.fround);
  const length = Math.sqrt(asked.reduce((sum, each) => sum + each * each, 0));
  return (other) => {
    let product = 0;
    let squares = 0;
    for (let i = 0; i < asked.length; i++) {
      product += asked[i]! * other[i]!;
      squares += other[i]! * other[i]!;
    }
    return product / length / Math.sqrt(squares);
  };
}
