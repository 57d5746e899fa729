import type { Condition } from "../../derive/filter.ts";
import type { ListQuery } from "../../derive/query.ts";
import { columnOf, type Row, rowId, type View } from "../../derive/view.ts";
import { ordersFolded } from "../../fields/folding.ts";
import type { Predicate } from "../../fields/predicate.ts";
import type { Position } from "../../kit/cursor.ts";
import { count, ident, join, raw, type Statement, sql } from "../../postgres/sql.ts";
import { columnName, type Field, isAlways, type Touched } from "../../records/kind.ts";
import { boundedSql, unboundedSql } from "./bounded.ts";
import { predicateSql } from "./condition.ts";
import { walkSql } from "./mentions.ts";
import { onlySql, rowsOf, type Table, touchingSql } from "./table.ts";

/** Everything that tells which rows come in which order. */
export type Walk = {
  workspaceId: string;
  table: Table;
  view: View;
  query: ListQuery;
  conditions: readonly Condition[];
  filters: readonly Statement[];
  /** Where the list is of what mentions something: by which values, and the filters besides that one. */
  mention?: { values: Statement; filters: readonly Statement[] } | undefined;
  /** What is asked of the field that the list is sorted by, where that is worked out from what touches the records: not among the filters. */
  ofOrder: readonly Predicate[];
  position: Position | undefined;
};

/** Rows without a sort value come last: they are a second range, so that each can follow an index. */
type Range = "valued" | "empty";

/** Of a field in a slot it has to be said that there is a value, for the index of the slot has only such rows. */
const isKnown = (field: Field): boolean => !field.touched && !field.slot && isAlways(field);

function rangesOf({ query, position }: Walk): Range[] {
  if (isKnown(query.sort.field)) return ["valued"];
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
  if (walk.query.sort.field.touched) return touchedRangeSql(walk, walk.query.sort.field.touched, range, wanted, gathered);
  if (walk.mention && !gathered) return mentionRangeSql(walk, walk.mention, wanted);
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
  return sql`select ${table.select(view, workspaceId)}${last} from ${from} order by ${order}${limitSql(wanted)}`;
}

/**
 * In the order of what touched the rows last. Those that touched are walked by time, and each is held against the next one of the same row: of most
 * rows one of the latest is the last. So the page costs the same however many there are, and nothing has to be kept.
 */
function touchedRangeSql(walk: Walk, touched: Touched, range: Range, wanted: number | undefined, gathered: boolean): Statement {
  const { workspaceId, table, view, query, filters, ofOrder } = walk;
  const { kind, link, at } = touched;
  const [time, to] = [ident(columnName(at)), ident(columnName(link.id))];
  const shown = (key: Statement) =>
    sql`${table.select(view, workspaceId)}${sortColumn(view, query) === undefined ? sql`, ${key}::text` : raw("")}`;
  const direction = query.sort.descending ? raw("desc") : raw("asc");
  const key = range === "empty" ? raw("null::timestamptz") : gathered ? raw("r.touched_at") : sql`t.${time}`;
  const asked = ofOrder.map((predicate) => predicateSql(range === "empty" ? key : sql`t.${time}`, predicate));
  if (range === "empty") {
    const none = sql`not exists (select ${touchingSql(touched, table.alias, workspaceId)})`;
    const where = join([...filters, ...asked, none, ...beyondSql(walk, range, key)], " and ");
    return sql`select ${shown(key)} from ${table.name} r where ${where} order by r.id ${direction}${limitSql(wanted)}`;
  }
  const later = sql`select from ${rowsOf(kind)} n where n.workspace_id = ${workspaceId} and n.${to} = t.${to} and n.deleted_at is null${onlySql(touched, raw("n"))}
    and (n.${time}, n.id) > (t.${time}, t.id)`;
  const where = join(
    [
      sql`t.workspace_id = ${workspaceId} and t.${to} is not null and t.deleted_at is null${onlySql(touched, raw("t"))} and not exists (${later})`,
      ...filters,
      ...asked,
      ...beyondSql(walk, range, sql`t.${time}`),
    ],
    " and ",
  );
  const joined = sql`${rowsOf(kind)} t join ${table.name} r on r.workspace_id = ${workspaceId} and r.id = t.${to} where ${where}`;
  const from = gathered ? sql`(select r.*, t.${time} as touched_at from ${joined} offset 0) r` : joined;
  return sql`select ${shown(key)} from ${from} order by ${key} ${direction}, r.id ${direction}${limitSql(wanted)}`;
}

/** In the order of time, of what mentions something. A range of time bounds the index itself. */
function mentionRangeSql(walk: Walk, { values, filters }: NonNullable<Walk["mention"]>, wanted: number | undefined): Statement {
  const { workspaceId, table, view, query, conditions, position } = walk;
  const { field, descending } = query.sort;
  const beyond = descending ? raw("<") : raw(">");
  const direction = descending ? raw("desc") : raw("asc");
  const ranges = conditions
    .filter((each) => !each.via && each.field === field)
    .map(({ predicate }) => predicateSql(raw("m.at"), predicate));
  const where = [
    ...filters,
    ...ranges,
    ...(position ? [sql`(m.at, m.record_id) ${beyond} (${position.value}, ${position.id})`] : []),
  ];
  const limit = limitSql(wanted === undefined ? undefined : wanted + (query.offset ?? 0));
  const found = walkSql(view.kind, values, workspaceId, { where, descending, limit });
  const last = sortColumn(view, query) === undefined ? sql`, m.at::text` : raw("");
  return sql`select ${table.select(view, workspaceId)}${last} from (${found}) m
    join ${table.name} r on r.workspace_id = ${workspaceId} and r.id = m.record_id
    order by m.at ${direction}, m.record_id ${direction}${limitSql(wanted)}`;
}

const limitSql = (wanted: number | undefined) => (wanted === undefined ? raw("") : sql` limit ${count(wanted)}`);

/** From where the walk has come; by time first, which an index knows. */
function beyondSql({ query, position }: Walk, range: Range, key: Statement): Statement[] {
  if (!position || (position.value === null) !== (range === "empty")) return [];
  const beyond = query.sort.descending ? raw("<") : raw(">");
  if (range === "empty") return [sql`r.id ${beyond} ${position.id}`];
  return [sql`${key} ${beyond}= ${position.value}`, sql`(${key}, r.id) ${beyond} (${position.value}, ${position.id})`];
}

/** The rows with a value or those without, from where the walk has come. */
function withinRange({ query, position }: Walk, key: Statement, range: Range): Statement[] {
  const { field, descending } = query.sort;
  const beyond = descending ? raw("<") : raw(">");
  const known = isKnown(field);
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
