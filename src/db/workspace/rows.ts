import type { Part } from "../../formats/files/workspacePart.ts";
import { ident, join, raw, type Statement, sql } from "../../postgres/sql.ts";
import { SHARED_TABLE } from "../../records/kind.ts";
import type { Database } from "../database.ts";
import { type Batches, batchesOf } from "../records/stream.ts";
import { partsOf } from "./parts.ts";

/**
 * All that a workspace holds, as rows of the file that formats/files/workspaceFile.ts describes. It is one statement, and so one moment. An
 * append runs its parts in turn, which a cursor does not share out among processes.
 */
export function workspaceRows(db: Database, workspaceId: string): Batches {
  const parts = partsOf(db.catalog).map((part) => rowsSql(part, workspaceId));
  return batchesOf(db, workspaceId, join([headerSql(workspaceId), ...parts], " union all "), [2]);
}

function headerSql(workspaceId: string): Statement {
  const members = sql`select json_agg(json_build_object('email', u.email, 'role', m.role, 'created_at', m.created_at) order by m.created_at, u.email)
    from memberships m join users u on u.id = m.user_id where m.workspace_id = ${workspaceId}`;
  const kinds = sql`select json_agg(to_jsonb(k) - 'workspace_id' order by k.name) from kinds k where k.workspace_id = ${workspaceId}`;
  return sql`select 'header', null::text, json_build_object('workspace', to_jsonb(w) - '{plan,kinds_version}'::text[],
      'members', coalesce((${members}), '[]'), 'kinds', coalesce((${kinds}), '[]'))::text
    from workspaces w where w.id = ${workspaceId}`;
}

function rowsSql({ line, kind, table, columns }: Part, workspaceId: string): Statement {
  const rows = sql`select ${join(columns.map(({ name }) => sql`r.${ident(name)}`))} from ${ident(table)} r where r.workspace_id = ${workspaceId}${
    table === SHARED_TABLE ? sql` and r.kind = ${kind}` : sql``
  }`;
  return sql`select ${raw(`'${line}'`)}, ${raw(kind === undefined ? "null" : `'${kind}'`)}, row_to_json(x)::text from (${rows}) x`;
}
