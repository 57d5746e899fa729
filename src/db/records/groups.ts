import { type Figure, type Grouping, type GroupKey, groupFields, type Unit } from "../../derive/grouping.ts";
import type { ListQuery } from "../../derive/query.ts";
import type { Row } from "../../derive/view.ts";
import { ordersFolded } from "../../fields/folding.ts";
import { changesOf } from "../../kit/clocks.ts";
import { Problem } from "../../kit/problem.ts";
import { toTimestamp, type Zone } from "../../kit/time.ts";
import { isTooSlow } from "../../postgres/errors.ts";
import { count, ident, join, raw, type Statement, sql } from "../../postgres/sql.ts";
import { columnName, type Field, type Kind } from "../../records/kind.ts";
import type { Database } from "../database.ts";
import { memberSql } from "./condition.ts";
import { long } from "./deadlines.ts";
import { filtersOf } from "./rows.ts";
import { rowsOf, type Table, tableAcross, tableOf } from "./table.ts";

export type Groups = { rows: Row[]; more: boolean };

/** What the matching rows come to: a row a group, of an id and a version that nobody sees, then the fields of `groupFields`. */
export async function groupRows(
  db: Database,
  workspaceId: string,
  kind: Kind,
  query: ListQuery,
  grouping: Grouping,
  zone: Zone,
): Promise<Groups> {
  const table = tableOf(kind);
  const filters = await filtersOf(db, workspaceId, kind, query);
  const statement = groupsSql(table, workspaceId, grouping, filters, zone);
  try {
    const rows = await db.pool.rows(statement, long(workspaceId));
    return { rows: rows.slice(0, grouping.limit), more: rows.length > grouping.limit };
  } catch (error) {
    if (!isTooSlow(error)) throw error;
    const hint = `add up fewer at once: ${kind.order.replace("-", "")}=gte:-30d, or another filter`;
    throw new Problem("busy", "adding up took longer than 3 s", hint, { cause: error });
  }
}

/** The names of linked records are looked up once a group, not once a row. */
function groupsSql(table: Table, workspaceId: string, grouping: Grouping, filters: Statement[], zone: Zone): Statement {
  const { by, figures, per, limit } = grouping;
  const keys = [...by.map((key) => keySql(table, workspaceId, key, zone)), ...(per ? [table.column(per)] : [])];
  const columns = [...keys, raw("count(*)::int"), ...figures.map((figure) => figureSql(table, workspaceId, figure))];
  const named = columns.map((column, i) => sql`${column} as ${ident(`c${i}`)}`);
  const grouped = sql`select ${join(named)} from ${table.name} r${joinsSql(table, workspaceId, by)} where ${join(filters, " and ")}${
    keys.length > 0 ? sql` group by ${join(keys.map((_, i) => count(i + 1)))}` : raw("")
  }`;
  const at = (i: number) => sql`g.${ident(`c${i}`)}`;
  const shown = [
    ...by.flatMap(({ field, shown }, i) => (shown.length > 1 ? [at(i), nameSql(field, workspaceId, at(i))] : [at(i)])),
    at(keys.length),
    ...figures.map((_, i) => at(keys.length + 1 + i)),
    ...(per ? [at(by.length)] : []),
  ];
  const outer = shown.map((column, i) => sql`${column} as ${ident(`s${i}`)}`);
  return sql`select '', 1, s.* from (select ${join(outer)} from (${grouped}) g) s order by ${join(orderOf(grouping))} limit ${count(limit + 1)}`;
}

function keySql(table: Table, workspaceId: string, { field, via, member, unit }: GroupKey, zone: Zone): Statement {
  if (field.link && !via) return table.column(field.link.id);
  if (!via) return valueSql(table.column(field, workspaceId), field, member, unit, zone);
  return valueSql(tableAcross(via).column(field, workspaceId), field, member, unit, zone);
}

/** The linked records that groups are made by, joined once: a look-up for each row took ten times as long. */
function joinsSql(table: Table, workspaceId: string, by: readonly GroupKey[]): Statement {
  const links = [...new Set(by.flatMap(({ via }) => via ?? []))];
  const joins = links.map((via) => {
    const { name, alias } = tableAcross(via);
    return sql` left join ${name} ${alias} on ${alias}.workspace_id = ${workspaceId} and ${alias}.id = ${table.column(via.id)}`;
  });
  return join(joins, " ");
}

function valueSql(
  column: Statement,
  { type }: Field,
  member: string | undefined,
  unit: Unit | undefined,
  zone: Zone,
): Statement {
  if (member !== undefined) return memberSql(column, member, "text");
  if (unit === undefined) return column;
  const local = type.sqlType === "date" ? sql`${column}::timestamp` : localSql(column, zone);
  return sql`to_char(date_trunc(${raw(`'${unit}'`)}, ${local}), ${raw(`'${FORMS[unit]}'`)})`;
}

/** Spans of time sort as they read; a week is called by its Monday. */
const FORMS: Record<Unit, string> = {
  day: "YYYY-MM-DD",
  week: "YYYY-MM-DD",
  month: "YYYY-MM",
  quarter: 'YYYY-"Q"Q',
  year: "YYYY",
};

/** A time as the clocks of the zone show it. */
function localSql(column: Statement, zone: Zone): Statement {
  const { offsets, from } = changesOf(zone);
  const utc = sql`(${column} at time zone 'UTC')`;
  if (from.length === 0) return sql`(${utc} + ${offsets[0]!}::int * interval '1 second')`;
  const since = sql`width_bucket(${column}, ${from.map(toTimestamp)}::timestamptz[])`;
  return sql`(${utc} + (${offsets.map(String)}::int[])[${since} + 1] * interval '1 second')`;
}

/** Sums of bigint are numeric: exact, whatever they come to. */
function figureSql(table: Table, workspaceId: string, figure: Figure): Statement {
  const { is, field } = figure;
  const column = table.column(field, workspaceId);
  if (is === "weighted") return sql`round(sum(${column}::numeric * ${table.column(figure.by)} / 100))::text`;
  if (is === "sum") return sql`sum(${column})::text`;
  if (is === "avg") return sql`trim_scale(round(avg(${column}), 2))::text`;
  return is === "min" ? sql`min(${column})` : sql`max(${column})`;
}

function nameSql({ link }: Field, workspaceId: string, id: Statement): Statement {
  const { target } = link!;
  return sql`(select t.${ident(columnName(target.titleField))} from ${rowsOf(target)} t where t.workspace_id = ${workspaceId} and t.id = ${id})`;
}

/** By the value of the group, A-Z as a-z, those without one last; where the caller asked for another order, by that first. */
function orderOf(grouping: Grouping): Statement[] {
  const fields = groupFields(grouping);
  const column = (field: Field) => sql`s.${ident(`s${fields.indexOf(field)}`)}`;
  const folded = (field: Field) => (ordersFolded(field.type) ? sql`lower(${column(field)})` : numeric(field, column(field)));
  const asked = fields.find(({ name }) => name === grouping.sort?.name);
  const direction = grouping.sort?.descending ? raw(" desc nulls last") : raw(" nulls last");
  const keys = [...grouping.by.flatMap(({ shown }) => [...shown].reverse()), ...(grouping.per ? [grouping.per] : [])];
  const natural = keys.flatMap((field) => [sql`${folded(field)} nulls last`, sql`${column(field)} nulls last`]);
  const first = asked ? [sql`${folded(asked)}${direction}`] : [];
  return first.length + natural.length > 0 ? [...first, ...natural] : [raw("1")];
}

/** Exact numbers come as text. */
const numeric = ({ type }: Field, column: Statement) => (type.name === "exact" ? sql`${column}::numeric` : column);
