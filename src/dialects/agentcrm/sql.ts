import { columnsOf } from "../../derive/columns.ts";
import { Problem } from "../../kit/problem.ts";
import type { Call, Said, Table } from "../dialect.ts";
import { tablesOf, vocabularyFor } from "../engine.ts";
import { queryOf } from "../verbs.ts";
import type { Entry } from "../vocabulary.ts";
import { PLAIN, plainSql } from "./plain.ts";

/** One query over the tables as they are called there. Writes are refused with the request that makes them. */
export async function query(call: Call): Promise<Said> {
  const { sql, params, ...others } = call.body;
  const [unknown] = Object.keys(others);
  if (unknown !== undefined || typeof sql !== "string")
    throw new Problem(unknown === undefined ? "missing_field" : "invalid_field", "the body is {sql, params?}", [
      '{"sql":"select stage, count(*) from deals group by 1","params":[]}',
    ]);
  const asked = (folds: boolean) => {
    const { text, shift } = inTheirNames(call, sql, folds);
    return call.ask("POST", `/sql${queryOf(call.parameters)}`, { sql: text, ...(params ? { params } : {}) }).catch((error) => {
      throw error instanceof Problem ? placedIn(error, shift) : error;
    });
  };
  const reply = await asked(true).catch((error) => (isWithoutFolding(error, sql) ? asked(false) : Promise.reject(error)));
  const { columns, rows, row_count, truncated, notes } = reply.json as Answered;
  const row = {
    columns: columns.map(({ name }) => name),
    rows: rows.map((values) => Object.fromEntries(columns.map(({ name }, i) => [name, values[i]]))),
    rowCount: row_count,
    command: "SELECT",
    types: columns.map(({ type }) => type),
  };
  return { is: "one", row, meta: { ...(truncated ? { truncated } : {}), ...(notes ? { notes } : {}) } };
}

/** Where the database has no type that compares without regard to case. */
const isWithoutFolding = (error: unknown, sql: string): boolean =>
  error instanceof Problem && error.values.sqlstate === "42704" && /\bcitext\b/.test(error.message) && !/\bcitext\b/i.test(sql);

type Answered = {
  columns: { name: string; type: string }[];
  rows: unknown[][];
  row_count: number;
  truncated: boolean;
  notes?: string[];
};

/**
 * The query, before which the tables that it names are defined under their names and with their columns. `shift`: by how much that moves its
 * characters. One that begins with WITH RECURSIVE stays as it is, for there a table cannot be defined by one that is called so.
 */
function inTheirNames(call: Call, sql: string, folds: boolean): { text: string; shift: number } {
  const [begin, keyword = ""] = /^[\s(]*(select|with(?:\s+recursive)?|table|values)\b/i.exec(sql) ?? [];
  const isNamed = (name: string) => new RegExp(`\\b${name}\\b`, "i").test(sql);
  const named = [
    ...tablesOf(call).flatMap((table) => (isNamed(table.name) ? [viewOf(call, table, folds)] : [])),
    ...Object.keys(PLAIN).flatMap((name) => (isNamed(name) ? [`${name} as (${plainSql(call, name)})`] : [])),
  ];
  if (begin === undefined || /recursive/i.test(keyword) || named.length === 0) return { text: sql, shift: 0 };
  const names = `with ${named.join(", ")}`;
  if (!/^with$/i.test(keyword)) return { text: `${names} ${sql}`, shift: names.length + 1 };
  const rest = sql.slice(begin.length);
  return { text: `${names},${rest}`, shift: names.length + 1 - begin.length };
}

/** The table with its columns first, in their order, and behind them ours under our names. */
function viewOf(call: Call, table: Table, folds: boolean): string {
  const { entries, kind } = vocabularyFor(call, table);
  const own = new Map(columnsOf(kind).map(({ name }) => [name, `t."${name}"`]));
  const theirs = entries.flatMap((entry): [string, string][] => {
    const held = own.get(entry.field.name);
    return held === undefined ? [] : [[entry.theirs, valueSql(table, entry, held, folds) + without(entries, entry)]];
  });
  // Deleted records are in no table, and queries written for there say that they want none.
  const columns = new Map([...theirs, ["deleted_at", "null::timestamptz"] as const]);
  for (const [name, held] of own) if (!columns.has(name)) columns.set(name, held);
  return `${table.name} as (select ${[...columns].map(([name, held]) => `${held} as "${name}"`).join(", ")} from ${kind.plural} t)`;
}

/** What is a column of its own stands in no other. */
function without(entries: readonly Entry[], { ours, member }: Entry): string {
  const members = entries.flatMap((each) => (member === undefined && each.field.name === ours ? (each.member ?? []) : []));
  return members.map((each) => ` - '${each}'`).join("");
}

function valueSql(
  { folded = [] }: Table,
  { theirs, field, member, value, absent }: Entry,
  held: string,
  folds: boolean,
): string {
  if (member === undefined) {
    const shown = value?.sql ? value.sql(held) : held;
    return folds && folded.includes(theirs) ? `${shown}::citext${field.type.sqlType.endsWith("[]") ? "[]" : ""}` : shown;
  }
  if (!Array.isArray(absent)) return `${held} ->> '${member}'`;
  const list = `${held} -> '${member}'`;
  return `array(select jsonb_array_elements_text(case jsonb_typeof(${list}) when 'array' then ${list} end))`;
}

/** The place of a fault in the query as it was sent. */
function placedIn(problem: Problem, shift: number): Problem {
  const { code, message, hints, headers, values } = problem;
  const { position } = values;
  if (typeof position !== "number" || position <= shift) return problem;
  const told = message.replace(`character ${position}`, `character ${position - shift}`);
  return new Problem(code, told, hints, { headers, values: { ...values, position: position - shift } });
}

export async function connection(call: Call): Promise<Said> {
  const { json } = await call.ask("POST", "/connection");
  return { is: "one", status: 201, row: { url: json.url, connection_string: json.url, expires_at: json.expires_at ?? null } };
}
