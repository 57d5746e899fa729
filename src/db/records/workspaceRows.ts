import { ident, join, raw, type Statement, sql } from "../../postgres/sql.ts";
import type { Catalog } from "../../records/catalog.ts";
import { type Kind, stored } from "../../records/kind.ts";
import type { Database } from "../database.ts";
import { type Batches, batchesOf } from "./stream.ts";

/** Kinds so that each comes after those that it links to. */
export const dependenciesFirst = ({ dependentsFirst }: Catalog): Kind[] => [...dependentsFirst].reverse();

/** Columns of a record's row in the file of a workspace. */
export const recordColumns = ({ fields }: Kind): string[] => [...fields.filter(stored).map(({ name }) => name), "merged_into"];

/** Columns of an entry of the history there. */
export const CHANGE_COLUMNS = [
  ...[
    "id",
    "kind",
    "record_id",
    "version",
    "action",
    "at",
    "actor",
    "token_id",
    "agent",
    "reason",
    "request_id",
    "cause",
    "row",
  ],
];

/**
 * All that a workspace holds, as rows of the file that formats/files/workspaceFile.ts describes. It is one statement, and so one moment. An
 * append runs its parts in turn, which a cursor does not share out among processes.
 */
export function workspaceRows(db: Database, workspaceId: string): Batches {
  const parts = [headerSql(workspaceId), ...dependenciesFirst(db.catalog).map((kind) => recordsSql(kind, workspaceId))];
  return batchesOf(db, workspaceId, join([...parts, changesSql(workspaceId)], " union all "), [2]);
}

function headerSql(workspaceId: string): Statement {
  const members = sql`select json_agg(json_build_object('email', u.email, 'role', m.role, 'created_at', m.created_at) order by m.created_at, u.email)
    from memberships m join users u on u.id = m.user_id where m.workspace_id = ${workspaceId}`;
  return sql`select 'header', null::text, json_build_object('workspace', to_jsonb(w) - 'plan', 'members', coalesce((${members}), '[]'))::text
    from workspaces w where w.id = ${workspaceId}`;
}

const recordsSql = (kind: Kind, workspaceId: string) =>
  sql`select 'record', ${raw(`'${kind.name}'`)}, row_to_json(x)::text from (${rowsSql(ident(kind.plural), recordColumns(kind), workspaceId)}) x`;

const changesSql = (workspaceId: string) =>
  sql`select 'change', null, row_to_json(x)::text from (${rowsSql(raw("changes"), CHANGE_COLUMNS, workspaceId)}) x`;

function rowsSql(table: Statement, columns: readonly string[], workspaceId: string): Statement {
  return sql`select ${join(columns.map((name) => sql`r.${ident(name)}`))} from ${table} r where r.workspace_id = ${workspaceId}`;
}
