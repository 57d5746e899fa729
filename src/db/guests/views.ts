import { type Column, columnsOf, isHandle, TOLD } from "../../derive/columns.ts";
import { fnv1a } from "../../kit/hash.ts";
import { each } from "../../kit/turns.ts";
import { ident, join, raw, type Statement, sql } from "../../postgres/sql.ts";
import type { Catalog } from "../../records/catalog.ts";
import { derivedInTurns } from "../../records/derived.ts";
import type { Kind } from "../../records/kind.ts";
import { change } from "../../views/change.ts";
import { creatingChangesTable, namedChangesSql } from "../records/history.ts";
import { tableOf } from "../records/table.ts";

/** The workspace of the role that is logged in: no view holds the id of one. */
const WORKSPACE = raw("public.crm_sql_workspace()");

/** The views of one catalog; `fingerprint` tells them from those of another. */
export type Views = { fingerprint: string; sql: (schema: string) => string };

export const viewsIn = derivedInTurns(makingViews);

function* makingViews(catalog: Catalog): Generator<void, Views, void> {
  const texts = yield* each(catalog.kinds, (kind) => viewSql(kindView(kind), raw(SCHEMA)).text);
  for (const view of yield* toldViews(catalog)) texts.push(viewSql(view, raw(SCHEMA)).text);
  yield;
  const text = texts.map((view) => `${view};`).join("\n");
  const fingerprint = `${fnv1a(text)}.${text.length}`;
  return { fingerprint, sql: (schema) => text.replaceAll(`${SCHEMA}.`, `${ident(schema).text}.`) };
}

/** Stands for the schema. No text of a caller is in a view, and no name has such letters. */
const SCHEMA = "«schema»";

type GuestView = { name: string; columns: Statement; from: Statement; living: Statement };

/** A barrier keeps functions of a caller from rows that the view does not show. */
const viewSql = ({ name, columns, from, living }: GuestView, schema: Statement): Statement =>
  sql`create view ${schema}.${ident(name)} with (security_barrier = true) as select ${columns} from ${from} r where r.workspace_id = ${WORKSPACE} and ${living}`;

function kindView(kind: Kind): GuestView {
  const { name, living } = tableOf(kind);
  const columns = columnsOf(kind).map((column) => sql`${valueSql(kind, column)} as ${ident(column.name)}`);
  return { name: kind.plural, columns: join(columns), from: name, living };
}

/** The history and the saved lists, unless the workspace has a kind that is called so. */
function* toldViews(catalog: Catalog): Generator<void, GuestView[], void> {
  const changes = yield* creatingChangesTable(catalog);
  const differences = yield* namedChangesSql(catalog, WORKSPACE);
  const changed = Object.keys(TOLD.changes!).map((name) => {
    const value = name === "changes" ? sql`crm_differences(${differences})` : changes.column(change.field(name)!, WORKSPACE);
    return sql`${value} as ${ident(name)}`;
  });
  const plain = (name: string) => join(Object.keys(TOLD[name]!).map((column) => sql`${held(column)} as ${ident(column)}`));
  const held = (column: string) => (column === "custom" ? raw("coalesce(r.custom, '{}')") : sql`r.${ident(column)}`);
  const views: GuestView[] = [
    { name: "changes", columns: join(changed), from: changes.name, living: changes.living },
    { name: "lists", columns: plain("lists"), from: raw("lists"), living: raw("r.deleted_at is null") },
    { name: "list_members", columns: plain("list_members"), from: raw("list_members"), living: raw(ON_LIVING_LIST) },
  ];
  return views.filter(({ name }) => !catalog.byPlural(name));
}

const ON_LIVING_LIST = `exists (select from lists l where l.workspace_id = ${WORKSPACE.text} and l.id = r.list_id and l.deleted_at is null)`;

/** Lists and objects are never null in JSON, so the views show empty ones as well. By column type and empty JSON value. */
const EMPTY: Record<string, string> = { "jsonb {}": "'{}'::jsonb", "jsonb []": "'[]'::jsonb", "text[] []": "'{}'::text[]" };

function valueSql(kind: Kind, { field }: Column): Statement {
  if (isHandle(field)) return raw(`'${kind.name}/${kind.prefix}_' || right(r.id, 8)`);
  const value = tableOf(kind).column(field, WORKSPACE);
  const empty = EMPTY[`${field.type.sqlType} ${field.type.absent}`];
  return empty === undefined ? value : sql`coalesce(${value}, ${raw(empty)})`;
}
