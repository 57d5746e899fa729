import type { Near } from "../../derive/near.ts";
import type { ListQuery } from "../../derive/query.ts";
import { type Row, rowId, type View } from "../../derive/view.ts";
import { writeCursor } from "../../kit/cursor.ts";
import { Problem } from "../../kit/problem.ts";
import type { Seal } from "../../kit/seal.ts";
import { isTooSlow } from "../../postgres/errors.ts";
import { count, ident, join, raw, sql } from "../../postgres/sql.ts";
import { columnName, type Kind } from "../../records/kind.ts";
import type { Database } from "../database.ts";
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

function ofLengthOne(numbers: readonly number[]): number[] {
  const singles = numbers.map(Math.fround);
  const length = Math.sqrt(singles.reduce((sum, each) => sum + each * each, 0));
  return singles.map((each) => each / length);
}

/**
 * The rows whose vector points most nearly where `near` does, by the cosine of the angle between the two: exact, for every row that the filters
 * find is compared. The view ends with the similarity.
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
  const vector = sql`r.${ident(columnName(field))}`;
  // `offset 0`: PostgreSQL would work the cosine out for each of its places.
  const compared = sql`select r.id, crm_cosine(${vector}, ${`{${ofLengthOne(numbers).join(",")}}`}::double precision[]) as similarity
    from ${table.name} r where ${join([...filters, sql`${vector} is not null`], " and ")} offset 0`;
  const beyond = position
    ? sql`where (c.similarity, c.id) < (${String(position.value)}::double precision, ${position.id})`
    : raw("");
  const page = sql`select * from (${compared}) c ${beyond} order by c.similarity desc, c.id desc limit ${count(query.limit + 1)}`;
  const found = sql`(select r.*, n.similarity from (${page}) n join ${table.name} r on r.workspace_id = ${workspaceId} and r.id = n.id)`;
  const rows = sql`select ${table.select(view, workspaceId)}, r.similarity from ${found} r order by r.similarity desc, r.id desc`;
  const asked = boundedSql({ workspaceId, table, view, rows, more: 1 });
  const { rows: some, cut } = bounded(
    await db.pool.rows(asked, { ...long(workspaceId), deadlineMs: MOST_MS }).catch((error: unknown) => {
      throw isTooSlow(error) ? tooMany(kind, error) : error;
    }),
    view,
  );
  return {
    rows: some.slice(0, query.limit),
    more: cut || some.length > query.limit,
    cursorAfter: (row: Row) => writeCursor({ value: row.at(-1) as number, id: rowId(row) }, list, seal),
  };
}
