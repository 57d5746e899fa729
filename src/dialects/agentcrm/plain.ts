import { type Parameters, readLimit } from "../../derive/query.ts";
import { nearest } from "../../kit/nearest.ts";
import { Problem } from "../../kit/problem.ts";
import type { Call, Said, Values } from "../dialect.ts";
import { tablesOf, vocabularyFor } from "../engine.ts";
import { idThereSql } from "./ids.ts";
import { filterNamed, MOST } from "./query.ts";

/** Where a list keeps what was sent in these words and has no place of its own with us. */
export const KEPT = "agentcrm";

/** Tables that are no records here: the history, and the saved lists. */
export const PLAIN: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  activity: {
    id: "text",
    occurred_at: "timestamptz",
    actor: "text",
    verb: "text",
    subject_type: "text",
    subject_id: "text",
    subject_repr: "text",
    changes: "jsonb",
    custom: "jsonb",
  },
  lists: {
    id: "text",
    name: "text",
    description: "text",
    target_table: "text",
    kind: "text",
    filter_predicate: "text",
    filter_params: "jsonb",
    config: "jsonb",
    custom: "jsonb",
    created_at: "timestamptz",
    updated_at: "timestamptz",
    deleted_at: "timestamptz",
  },
  list_members: {
    id: "text",
    list_id: "text",
    member_id: "text",
    added_at: "timestamptz",
    added_by: "text",
    custom: "jsonb",
  },
};

const quoted = (text: string) => `'${text.replaceAll("'", "''")}'`;

/** One of these tables as a query over those of POST /sql. */
export function plainSql(call: Call, name: string): string {
  if (name === "activity")
    return `select ${idThereSql("entry", "t.id")} as id, t.at as occurred_at,
      case when t.token_id is null then 'user:' || t.actor else 'api_key:' || ${idThereSql("key", "t.token_id")} end as actor, t.action as verb,
      t.kind as subject_type, t.record as subject_id, t.name as subject_repr, ${changesSql(call)} as changes,
      jsonb_build_object('user', t.actor, 'agent', t.agent, 'reason', t.reason, 'request_id', t.request_id) as custom from changes t`;
  if (name === "lists") {
    const tables = tablesOf(call).map(
      (table) => `when ${quoted(call.catalog.byPlural(table.of)!.name)} then ${quoted(table.name)}`,
    );
    return `select t.id, t.name, t.description, case t.kind ${tables.join(" ")} else t.kind end as target_table,
      case when t.query is null then 'static' else 'dynamic' end as kind, t.custom -> '${KEPT}' ->> 'filter_predicate' as filter_predicate,
      t.custom -> '${KEPT}' -> 'filter_params' as filter_params, coalesce(t.custom -> '${KEPT}' -> 'config', '{}') as config, t.custom - '${KEPT}' as custom,
      t.created_at, t.updated_at, null::timestamptz as deleted_at from lists t`;
  }
  return `select right(t.list_id, 8) || '.' || right(t.record_id, 8) as id, t.list_id, t.record_id as member_id, t.added_at, t.added_by, '{}'::jsonb as custom
    from list_members t`;
}

/** What changed, by the columns as they are called there. */
function changesSql(call: Call): string {
  // All others are called as here.
  const cases = call.dialect.tables.flatMap((table) => {
    const { entries, kind } = vocabularyFor(call, table);
    const renamed = entries.filter(({ ours, theirs, member }) => member === undefined && ours !== theirs);
    const names = JSON.stringify(Object.fromEntries(renamed.map(({ ours, theirs }) => [ours, theirs])));
    return renamed.length > 0 ? [`when ${quoted(kind.name)} then ${quoted(names)}::jsonb`] : [];
  });
  return `(select coalesce(jsonb_object_agg(coalesce(case t.kind ${cases.join(" ")} end ->> c.key, c.key), c.value), '{}') from jsonb_each(t.changes) c)`;
}

/** The rows of such a table that the parameters of a list ask for. `rows`: all there are, in the order in which they are shown. */
export function plainPage(table: string, rows: readonly Values[], parameters: Parameters): Said {
  const columns = Object.keys(PLAIN[table]!);
  const found = parameters.reduce((left, [name, value]) => {
    if (PAGING.includes(name)) return left;
    if (name === "q" || name === "search") return left.filter((row) => SEARCHED.some((each) => contains(row[each], value)));
    const [column, suffix] = filterNamed(name, columns) ?? refuse(table, columns, name);
    return left.filter((row) => HOLDS[suffix ?? "eq"]!(valueIn(row, column), value));
  }, rows);
  const once = (name: string) => parameters.findLast(([each]) => each === name)?.[1] || undefined;
  const limit = readLimit(once("limit"), MOST);
  const cursor = once("cursor");
  const rest = found.slice(cursor ? found.findIndex(({ id }) => id === cursor) + 1 : 0);
  const some = rest.slice(0, limit);
  return { is: "many", rows: some, page: { limit, next: rest.length > limit ? String(some.at(-1)!.id) : null } };
}

const PAGING = ["limit", "cursor", "include_deleted", "only_deleted"];
const SEARCHED = ["name", "description"];

/** `custom.team` is a member of `custom`. */
function valueIn(row: Values, column: string): unknown {
  const [name = "", ...keys] = column.split(".");
  return keys.length === 0 ? row[name] : (row[name] as Values | null | undefined)?.[keys.join(".")];
}

const text = (value: unknown) =>
  value === null || value === undefined ? undefined : typeof value === "string" ? value : JSON.stringify(value);
const contains = (held: unknown, part: string) => text(held)?.toLowerCase().includes(part.toLowerCase()) ?? false;
const among = (held: unknown, value: string) => value.split(",").includes(text(held) ?? "");

/** Negative: before. Times are compared as times, whatever their zone. */
function order(held: unknown, value: string): number {
  if (typeof held === "number") return held - Number(value);
  const [a, b] = [Date.parse(String(held)), Date.parse(value)];
  return held === null || held === undefined ? Number.NaN : a - b;
}

const HOLDS: Record<string, (held: unknown, value: string) => boolean> = {
  eq: among,
  after: (held, value) => order(held, value) > 0,
  before: (held, value) => order(held, value) <= 0,
  gte: (held, value) => order(held, value) >= 0,
  lte: (held, value) => order(held, value) <= 0,
  contains,
  starts: (held, value) => text(held)?.toLowerCase().startsWith(value.toLowerCase()) ?? false,
  has: (held, value) => Array.isArray(held) && held.includes(value),
  present: (held, value) => (text(held) !== undefined) === (value !== "false"),
};

function refuse(table: string, columns: readonly string[], name: string): never {
  const near = nearest(name, columns);
  throw new Problem("invalid_field", `column ${JSON.stringify(name)} of ${table} does not exist`, [
    `${near.length > 0 ? `did you mean ${near.join(" or ")}? ` : ""}columns: ${columns.join(", ")}`,
  ]);
}
