import type { Condition } from "../../derive/filter.ts";
import type { ListQuery } from "../../derive/query.ts";
import { columnOf, type Row, rowId, type View } from "../../derive/view.ts";
import { ordersFolded } from "../../fields/folding.ts";
import type { Position } from "../../kit/cursor.ts";
import { count, join, raw, type Statement, sql } from "../../postgres/sql.ts";
import { isAlways } from "../../records/kind.ts";
import { boundedSql, unboundedSql } from "./bounded.ts";
import type { Table } from "./table.ts";

/** Everything that tells which rows come in which order. */
export type Walk = {
  workspaceId: string;
  table: Table;
  view: View;
  query: ListQuery;
  conditions: readonly Condition[];
  filters: readonly Statement[];
  position: Position | undefined;
};

/** Rows without a sort value come last: they are a second range, so that each can follow an index. */
type Range = "valued" | "empty";

function rangesOf({ query, position }: Walk): Range[] {
  const { field } = query.sort;
  if (isAlways(field)) return ["valued"];
  return position?.value === null ? ["empty"] : ["valued", "empty"];
}

/**
 * A page and one row more. One statement, and so one moment, for both ranges: of two, a record whose value is set or cleared meanwhile would be
 * in both or in neither. An append runs its parts in turn, the second only if the first has not filled the page.
 */
export function pageSql(walk: Walk, gathered: boolean): Statement {
  const { query } = walk;
  const { limit, offset = 0 } = query;
  const wanted = limit + 1;
  const skipped = offset > 0 ? sql` offset ${count(offset)}` : raw("");
  const kinds = rangesOf(walk);
  const ranges = kinds.map((range) => rangeSql(walk, range, kinds.length === 1 ? wanted : offset + wanted, gathered));
  const parts = join(
    ranges.map((part) => sql`(${part})`),
    " union all ",
  );
  const rows = ranges.length === 1 ? sql`${ranges[0]!}${skipped}` : sql`${parts} limit ${count(wanted)}${skipped}`;
  return boundedSql({ ...walk, rows, more: sortColumn(walk.view, query) === undefined ? 1 : 0 });
}

/** All rows from where the walk has come, in the order that was asked for; without one as they come, which no sorting delays. */
export function wholeSql(walk: Walk): Statement {
  const { table, view, query, workspaceId, position } = walk;
  const { offset = 0, sort } = query;
  const skipped = offset > 0 ? sql` offset ${count(offset)}` : raw("");
  const ordered = sort.asked || position !== undefined || offset > 0;
  const ranges = ordered ? rangesOf(walk).map((range) => rangeSql(walk, range, undefined, false)) : [unorderedSql(walk)];
  const parts = join(
    ranges.map((part) => sql`(${part})`),
    " union all ",
  );
  const more = ordered && sortColumn(view, query) === undefined ? 1 : 0;
  return unboundedSql({ workspaceId, table, view, rows: sql`${parts}${skipped}`, more });
}

function unorderedSql({ workspaceId, table, view, filters }: Walk): Statement {
  return sql`select ${table.select(view, workspaceId)} from ${table.name} r where ${join(filters, " and ")}`;
}

/** `gathered`: PostgreSQL is kept (`offset 0`) from following the order in the hope that rows match soon. */
function rangeSql(walk: Walk, range: Range, wanted: number | undefined, gathered: boolean): Statement {
  const { workspaceId, table, view, query } = walk;
  const { field, descending } = query.sort;
  const key = table.sortKey(field);
  const direction = descending ? raw("desc") : raw("asc");
  const where = join([...walk.filters, ...withinRange(walk, key, range)], " and ");
  const from = gathered
    ? sql`(select r.* from ${table.name} r where ${where} offset 0) r`
    : sql`${table.name} r where ${where}`;
  // What is null in all rows changes no order, but it tells which index has the order.
  const empty = walk.conditions.filter((each) => !each.via && each.field.paged && each.predicate.is === "null");
  const leading = empty.map((each) => table.column(each.field));
  const order = join([...leading, key, raw("r.id")].map((each) => sql`${each} ${direction}`));
  const last = sortColumn(view, query) === undefined ? sql`, ${key}::text` : raw("");
  return sql`select ${table.select(view, workspaceId)}${last} from ${from} order by ${order}${wanted === undefined ? raw("") : sql` limit ${count(wanted)}`}`;
}

/** The rows with a value or those without, from where the walk has come. */
function withinRange({ query, position }: Walk, key: Statement, range: Range): Statement[] {
  const { field, descending } = query.sort;
  const beyond = descending ? raw("<") : raw(">");
  const known = isAlways(field);
  const valued = range === "empty" ? [sql`${key} is null`] : known ? [] : [sql`${key} is not null`];
  if (!position || (position.value === null) !== (range === "empty")) return valued;
  return [
    ...valued,
    range === "empty" ? sql`r.id ${beyond} ${position.id}` : sql`(${key}, r.id) ${beyond} (${position.value}, ${position.id})`,
  ];
}

/** Where the rows hold what they are sorted by, as the database printed it; undefined: it is to come last. */
function sortColumn(view: View, { sort: { field } }: ListQuery): number | undefined {
  return ordersFolded(field.type) ? undefined : columnOf(view, field);
}

export function positionOf(row: Row, { view, query }: Walk): Position {
  return { value: row.at(sortColumn(view, query) ?? -1) as Position["value"], id: rowId(row) };
}
