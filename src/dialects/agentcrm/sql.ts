import { columnsOf } from "../../derive/columns.ts";
import { Problem } from "../../kit/problem.ts";
import type { Call, Said, Table } from "../dialect.ts";
import { tablesOf, vocabularyFor } from "../engine.ts";
import { queryOf } from "../verbs.ts";

/** One query over the tables as they are called there. Writes are refused with the request that makes them. */
export async function query(call: Call): Promise<Said> {
  const { sql, params, ...others } = call.body;
  const [unknown] = Object.keys(others);
  if (unknown !== undefined || typeof sql !== "string")
    throw new Problem(unknown === undefined ? "missing_field" : "invalid_field", "the body is {sql, params?}", [
      '{"sql":"select stage, count(*) from deals group by 1","params":[]}',
    ]);
  const { text, shift } = inTheirNames(call, sql);
  const reply = await call
    .ask("POST", `/sql${queryOf(call.parameters)}`, { sql: text, ...(params ? { params } : {}) })
    .catch((error) => {
      throw error instanceof Problem ? placedIn(error, shift) : error;
    });
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
function inTheirNames(call: Call, sql: string): { text: string; shift: number } {
  const [begin, keyword = ""] = /^[\s(]*(select|with(?:\s+recursive)?|table|values)\b/i.exec(sql) ?? [];
  const named = tablesOf(call).filter(({ name }) => new RegExp(`\\b${name}\\b`, "i").test(sql));
  if (begin === undefined || /recursive/i.test(keyword) || named.length === 0) return { text: sql, shift: 0 };
  const names = `with ${named.map((table) => viewOf(call, table)).join(", ")}`;
  if (!/^with$/i.test(keyword)) return { text: `${names} ${sql}`, shift: names.length + 1 };
  const rest = sql.slice(begin.length);
  return { text: `${names},${rest}`, shift: names.length + 1 - begin.length };
}

function viewOf(call: Call, table: Table): string {
  const { entries, kind } = vocabularyFor(call, table);
  const columns = new Map(columnsOf(kind).map(({ name }) => [name, `t."${name}"`]));
  for (const { theirs, field, member, value } of entries) {
    const column = columns.get(field.name);
    if (column === undefined) continue;
    const held = member === undefined ? `t."${field.name}"` : `t."${field.name}" ->> '${member}'`;
    columns.set(theirs, value?.sql ? value.sql(held) : held);
  }
  // Deleted records are in no table, and queries written for there say that they want none.
  columns.set("deleted_at", "null::timestamptz");
  return `${table.name} as (select ${[...columns].map(([name, held]) => `${held} as "${name}"`).join(", ")} from ${kind.plural} t)`;
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
