import type { Condition } from "../../derive/filter.ts";
import { ordersFolded } from "../../fields/folding.ts";
import type { Bound, Predicate, Scalar } from "../../fields/predicate.ts";
import { readBareKey } from "../../kit/id.ts";
import { toTimestamp } from "../../kit/time.ts";
import { ident, join, raw, type Statement, sql } from "../../postgres/sql.ts";
import { columnName, type Field, type Link, type Touched } from "../../records/kind.ts";
import { mentionsSql } from "./mentions.ts";
import { type Linked, type Table, tableAcross, touchingSql, type Workspace } from "./table.ts";

const COMPARISONS = { lt: raw("<"), lte: raw("<="), gt: raw(">"), gte: raw(">=") };

/** The SQL of a filter. References must have been resolved (see references.ts). */
export function conditionSql(table: Table, { via, field, predicate }: Condition, workspace: Workspace): Statement {
  if (via) return acrossSql(table, via, { field, predicate }, workspace);
  if (predicate.is === "listed") return listedSql(table.column(field), predicate.list, workspace);
  if (field.touched?.is === "last") return lastSql(table, field.touched, predicate, workspace);
  if (field.mentioned) return mentionsSql(field.mentioned, predicate, table.alias, workspace);
  const linked = table.linked(field, workspace);
  if (linked) return linkedSql(linked, predicate);
  return field.list ? heldSql(table, field, field.list, predicate, workspace) : ownSql(table, field, predicate, workspace);
}

function ownSql(table: Table, field: Field, predicate: Predicate, workspace: Workspace): Statement {
  const within = predicate.is === "contains" || predicate.is === "starts";
  const isList = field.type.sqlType === "text[]";
  const own = table.column(field, workspace);
  const column = isList && within ? sql`crm_words(${own})` : own;
  return fieldSql({ field, column, search: sql`${table.alias}.search` }, predicate);
}

/** The last was before a time if there was one, and none since. An index answers either; what the last was it would have to look up. */
function lastSql(table: Table, touched: Touched, predicate: Predicate, workspace: Workspace): Statement {
  const at = sql`touching.${ident(columnName(touched.at))}`;
  const any = sql`exists (select ${touchingSql(touched, table.alias, workspace)})`;
  const since = (sign: Statement, value: Scalar) =>
    sql`exists (select ${touchingSql(touched, table.alias, workspace)} and ${at} ${sign} ${value})`;
  const each = (of: readonly Predicate[]) => of.map((one) => lastSql(table, touched, one, workspace));
  switch (predicate.is) {
    case "null":
      return sql`not ${any}`;
    case "not":
      return sql`not (${lastSql(table, touched, predicate.of, workspace)})`;
    case "gt":
    case "gte":
      return since(COMPARISONS[predicate.is], predicate.value);
    case "lt":
      return sql`(${any} and not ${since(COMPARISONS.gte, predicate.value)})`;
    case "lte":
      return sql`(${any} and not ${since(COMPARISONS.gt, predicate.value)})`;
    case "all":
      return sql`(${join(each(predicate.of), " and ")})`;
    case "any":
      return sql`(${join(each(predicate.of), " or ")})`;
    default:
      throw new Error(`a time does not know ${predicate.is}`);
  }
}

const listedSql = (id: Statement, list: string, workspace: Workspace) =>
  sql`exists (select from list_members m where m.workspace_id = ${workspace} and m.list_id = ${list} and m.record_id = ${id})`;

/** A field of the linked record is like one of the record's own that has no value where there is no link: `ne` and `is:null` find these too. */
function acrossSql(table: Table, via: Link, condition: Condition, workspace: Workspace): Statement {
  const other = tableAcross(via);
  const { predicate, negated } = affirmed(condition.predicate);
  const holds = conditionSql(other, { ...condition, predicate }, workspace);
  const exists = sql`exists (select from ${other.name} ${other.alias} where ${other.alias}.workspace_id = ${workspace}
    and ${other.alias}.id = ${table.column(via.id)} and ${other.living} and ${holds})`;
  return negated ? sql`not ${exists}` : exists;
}

const VALUED: Predicate = { is: "not", of: { is: "null" } };

/** A predicate that no row without a value fulfils, and whether those are wanted that do not fulfil it. */
function affirmed(predicate: Predicate): { predicate: Predicate; negated: boolean } {
  if (predicate.is === "null") return { predicate: VALUED, negated: true };
  if (predicate.is === "not" && predicate.of.is !== "null") return { predicate: predicate.of, negated: true };
  if (predicate.is !== "member") return { predicate, negated: false };
  const { predicate: of, negated } = affirmed(predicate.of);
  return { predicate: { ...predicate, of }, negated };
}

/** A record is found by any of its values, main or further. What is about order or absence is about the main one. */
function heldSql(table: Table, field: Field, list: Field, predicate: Predicate, workspace: Workspace): Statement {
  if (predicate.is === "not" && predicate.of.is !== "null")
    return sql`(${heldSql(table, field, list, predicate.of, workspace)}) is not true`;
  const own = ownSql(table, field, predicate, workspace);
  if (predicate.is === "contains" || predicate.is === "starts")
    return sql`(${own} or ${ownSql(table, list, predicate, workspace)})`;
  const values = valuesOf(predicate).map(String);
  return values.length === 0 ? own : sql`(${own} or ${table.column(list)} && ${values}::text[])`;
}

/** A field of the record, or of one that it links to. */
type Place = { field: Field; column: Statement; search: Statement };

/** Beside the condition stands the form in which an index knows it, where that is another. */
function fieldSql({ field, column, search }: Place, predicate: Predicate): Statement {
  // A searched field is part of the search column. The planner would multiply how rare each of the two forms is, although both hold of the
  // same rows: of a function it knows nothing, and takes it to hold of a third.
  if (field.search && predicate.is === "contains")
    return sql`${search} like ${pattern(predicate.text)} and strpos(crm_fold(${column}), crm_fold(${predicate.text})) > 0`;
  if (predicate.is === "starts") {
    const begins = startsSql(field, column, predicate.text);
    return field.search ? sql`${search} like ${pattern(predicate.text)} and ${begins}` : begins;
  }
  const sides = sidesOf(field, column);
  const condition = predicateSql(column, predicate, sides);
  const values = valuesOf(predicate);
  if (values.length === 0 || field.paged || !ordersFolded(field.type)) return condition;
  // An order of text is one of folded text. In the column's collation on both sides: the database's own would fold É as well.
  const folded = values.map((value) => foldedSql(String(value)));
  if (field.sort && field.type.caseless) return condition;
  if (field.sort) return sql`lower(${column}) in (${join(folded)}) and ${condition}`;
  if (!field.search || predicate.is !== "eq") return condition;
  return sql`${search} like ${pattern(String(predicate.value))} and texteq(${sides.column}, ${sides.value(predicate.value)})`;
}

/** The two sides of a comparison: the column, and a value in the same form. */
type Sides = { column: Statement; value: (value: Scalar) => Statement };

const plainSides = (column: Statement): Sides => ({ column, value: (value) => sql`${value}` });

const sidesOf = ({ type }: Field, column: Statement): Sides =>
  type.caseless ? { column: sql`lower(${column})`, value: (value) => foldedSql(String(value)) } : plainSides(column);

/** In the collation of the columns. */
const foldedSql = (text: string) => sql`lower(${text}::text collate "C")`;

/** SQL that compares a field with a value as its unique index does. `text` is read like the value of a filter. */
export function hasKey(field: Field, column: Statement, text: string): Statement {
  const sides = sidesOf(field, column);
  return sql`${sides.column} = ${sides.value(field.type.fromText(text) as Scalar)}`;
}

/** Of a list an item begins so, and items stand between spaces. In a case, so that the planner knows nothing of how rare it is either. */
function startsSql({ type }: Field, column: Statement, text: string): Statement {
  if (type.sqlType === "text[]") return sql`strpos(' ' || crm_fold(${column}), ' ' || crm_fold(${text})) > 0`;
  return sql`case when starts_with(crm_fold(${column}), crm_fold(${text})) then 1 else 0 end > 0`;
}

/** Those that the field must be equal to one of; none where it is not about equality. */
const valuesOf = (predicate: Predicate) =>
  predicate.is === "eq" ? [predicate.value] : predicate.is === "in" ? predicate.values : [];

/** A linked record lives and has a name, so that only a row without a link is without one. */
function linkedSql(linked: Linked, predicate: Predicate): Statement {
  if (predicate.is === "null") return sql`${linked.id} is null`;
  if (predicate.is === "not") return sql`not (${linkedSql(linked, predicate.of)})`;
  return sql`exists (select ${linked.from} and ${linked.living} and (${orNaturalKey(linked, predicate)}))`;
}

/** `contact=jane@acme.com`: who is linked may be named by e-mail or domain, and a document by its number, as in a body. */
function orNaturalKey({ id, title, key, number }: Linked, predicate: Predicate): Statement {
  const values = valuesOf(predicate);
  const ends = values.flatMap((value) => readBareKey(String(value)) ?? []);
  const numbers = values.map((value) => foldedSql(String(value)));
  const numbered = number && numbers.length > 0 ? sql` or lower(${number}) in (${join(numbers)})` : raw("");
  const called = sql`${fieldSql(title, predicate)}${numbered}`;
  // The end of an id alone means the record as well.
  const named = ends.length > 0 ? sql`${called} or right(${id}, 8) = any (${ends}::text[])` : called;
  if (!key || values.length === 0) return named;
  const { column, value } = sidesOf(key.field, key.column);
  const keys = values.map((each) => key.field.type.fromText(String(each)) as Scalar);
  const further = key.list ? sql` or ${key.list} && ${keys.map(String)}::text[]` : raw("");
  return sql`${named} or ${column} in (${join(keys.map(value))})${further}`;
}

export function predicateSql(column: Statement, predicate: Predicate, sides = plainSides(column)): Statement {
  switch (predicate.is) {
    case "eq":
      // As text of the statement, so that a partial index can be proved to hold all that are wanted.
      if (typeof predicate.value === "boolean") return predicate.value ? column : sql`not ${column}`;
      return sql`${sides.column} = ${sides.value(predicate.value)}`;
    case "lt":
    case "lte":
    case "gt":
    case "gte":
      return sql`${sides.column} ${COMPARISONS[predicate.is]} ${sides.value(predicate.value)}`;
    case "in":
      return sql`${sides.column} in (${join(predicate.values.map(sides.value))})`;
    case "contains":
      return sql`crm_fold(${column}) like ${pattern(predicate.text)}`;
    case "starts":
      return sql`crm_fold(${column}) like ${pattern(predicate.text, "")}`;
    case "holds":
      return sql`${column} @> ${predicate.items}::text[]`;
    case "tail":
      return sql`right(${column}, 8) = ${predicate.text}`;
    case "null":
      return sql`${column} is null`;
    case "not":
      // `is not true`, so that a row without a value is unequal too.
      return sql`(${predicateSql(column, predicate.of, sides)}) is not true`;
    case "all":
      return sql`(${join(
        predicate.of.map((each) => predicateSql(column, each, sides)),
        " and ",
      )})`;
    case "any":
      return sql`(${join(
        predicate.of.map((each) => predicateSql(column, each, sides)),
        " or ",
      )})`;
    case "member":
      return predicateSql(memberSql(column, predicate.key, predicate.as), predicate.of);
    case "member-in":
      return sql`(${join(
        predicate.values.map((value) => memberIs(column, predicate.key, value)),
        " or ",
      )})`;
    case "member-time":
      return memberTimeSql(column, predicate);
    case "member-holds":
      return sql`(${join(
        predicate.items.map((item) => sql`${column} @> ${{ [predicate.key]: [item] }}::jsonb`),
        " or ",
      )})`;
    case "listed":
      throw new Error("a list is a condition of its own");
    case "refers":
      throw new Error("a reference reached SQL before it was resolved");
  }
}

/** The index finds what contains the value; for an object or a list that is more than what equals it. */
function memberIs(column: Statement, key: string, value: unknown): Statement {
  const contains = sql`${column} @> ${{ [key]: value }}::jsonb`;
  return typeof value === "object" ? sql`(${contains} and ${column} -> ${key}::text = ${value}::jsonb)` : contains;
}

/** A member taken as a number is null where it is none, so that other records' values cannot fail the filter. */
export function memberSql(column: Statement, key: string, as: "text" | "number"): Statement {
  if (as === "number")
    return sql`(case when jsonb_typeof(${column} -> ${key}::text) = 'number' then (${column} ->> ${key}::text)::numeric end)`;
  return sql`(${column} ->> ${key}::text)`;
}

/** Between two bounds an index leads to the days that a time may fall on, in UTC and by the clocks of the zone. */
function memberTimeSql(column: Statement, { key, from, to, item }: Extract<Predicate, { is: "member-time" }>): Statement {
  const beyond = (value: Statement) => [
    ...(from ? [sql`${timeSql(value, from)} >= ${timestamp(from.at)}`] : []),
    ...(to ? [sql`${timeSql(value, to)} < ${timestamp(to.at)}`] : []),
  ];
  const list = sql`case jsonb_typeof(${column} -> ${key}::text) when 'array' then ${column} -> ${key}::text end`;
  const holds = item
    ? sql`exists (select from jsonb_array_elements_text(${list}) item where ${join(beyond(raw("item")), " and ")})`
    : join(beyond(memberSql(column, key, "text")), " and ");
  const days = from && to ? [sql`crm_days(${column}) && ${daysOf(from, to).map((day) => `${key}=${day}`)}::text[]`] : [];
  return sql`(${join([...days, holds], " and ")})`;
}

const timeSql = (value: Statement, { clocks }: Bound) =>
  sql`crm_time(${value}, ${clocks.before / 1000}, ${timestamp(clocks.change)}, ${clocks.after / 1000})`;

const timestamp = (ms: number): string => (Number.isFinite(ms) ? toTimestamp(ms) : "infinity");

const DAY = 86_400_000;

function daysOf(from: Bound, to: Bound): number[] {
  const offsets = [0, from.clocks.before, from.clocks.after, to.clocks.before, to.clocks.after];
  const first = Math.floor((from.at + Math.min(...offsets)) / DAY);
  const last = Math.floor((to.at - 1 + Math.max(...offsets)) / DAY);
  return Array.from({ length: last - first + 1 }, (_, i) => first + i);
}

/** `%…%` over folded text, with the caller's own `%` and `_` taken literally. */
export function pattern(text: string, start = "%"): Statement {
  // Escaped after it is folded: the full-width ％, ＿ and ＼ become wildcards then.
  return sql`(${start}::text || regexp_replace(crm_fold(${text}), '[\\\\%_]', '\\\\\\&', 'g') || '%')`;
}
