import { type Column, columnsOf, isHandle } from "../../derive/columns.ts";
import { fnv1a } from "../../kit/hash.ts";
import { ident, join, raw, type Statement, sql } from "../../postgres/sql.ts";
import type { Catalog } from "../../records/catalog.ts";
import { derived } from "../../records/derived.ts";
import type { Kind } from "../../records/kind.ts";
import { tableOf } from "../records/table.ts";

/** The workspace of the role that is logged in: no view holds the id of one. */
const WORKSPACE = raw("public.crm_sql_workspace()");

/** `create view … as` for each kind. A barrier keeps functions of a caller from rows that the view does not show. */
export function viewsSql({ kinds }: Catalog, schema: string): string {
  return kinds.map((kind) => `${viewSql(kind, ident(schema)).text};`).join("\n");
}

function viewSql(kind: Kind, schema: Statement): Statement {
  const { name, living } = tableOf(kind);
  const columns = columnsOf(kind).map((column) => sql`${valueSql(kind, column)} as ${ident(column.name)}`);
  return sql`create view ${schema}.${ident(kind.plural)} with (security_barrier = true) as select ${join(columns)} from ${name} r where r.workspace_id = ${WORKSPACE} and ${living}`;
}

/** Lists and objects are never null in JSON, so the views show empty ones as well. By column type and empty JSON value. */
const EMPTY: Record<string, string> = { "jsonb {}": "'{}'::jsonb", "jsonb []": "'[]'::jsonb", "text[] []": "'{}'::text[]" };

function valueSql(kind: Kind, { field }: Column): Statement {
  if (isHandle(field)) return raw(`'${kind.name}/${kind.prefix}_' || right(r.id, 8)`);
  const value = tableOf(kind).column(field, WORKSPACE);
  const empty = EMPTY[`${field.type.sqlType} ${field.type.absent}`];
  return empty === undefined ? value : sql`coalesce(${value}, ${raw(empty)})`;
}

/** Tells the views of one catalog from those of another. */
export const fingerprintOf = derived((catalog: Catalog): string => {
  const text = viewsSql(catalog, "views");
  return `${fnv1a(text)}.${text.length}`;
});
