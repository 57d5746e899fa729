import { workspaceFile } from "../../formats/files/workspaceFile.ts";
import type { Part } from "../../formats/files/workspacePart.ts";
import { inTurns } from "../../kit/turns.ts";
import type { Pool } from "../../postgres/pool.ts";
import { ident, join, raw, type Statement, sql } from "../../postgres/sql.ts";
import { catalog, declarations } from "../../records/all.ts";
import { SHARED_TABLE } from "../../records/kind.ts";
import { compilingWhole } from "../../records/own.ts";
import type { Database } from "../database.ts";
import { readKinds } from "../kinds/kinds.ts";
import { type Batches, batchesOf } from "../records/stream.ts";
import { partsIn, partsOf } from "./parts.ts";

/** How often the kinds may change between being read and the moment of the file. */
const MOST_CHANGES = 5;

/** The file of a workspace. Kinds that it has made are there though they are deleted, with their records: they may be restored. */
export async function* workspaceText(
  pool: Pool,
  workspaceId: string,
  { now, signal, told }: { now: number; signal: AbortSignal; told?: (lines: number) => void },
): AsyncGenerator<string, void, undefined> {
  for (let left = MOST_CHANGES; ; left--) {
    const { version, kinds } = await readKinds(pool, workspaceId);
    const db = { pool, catalog: kinds.length === 0 ? catalog : await inTurns(compilingWhole(declarations, kinds, catalog)) };
    const parts = await partsIn(db.catalog);
    const rows = workspaceRows(db, workspaceId)(signal)[Symbol.asyncIterator]();
    const first = await rows.next();
    const isStale = !first.done && first.value[0]?.[VERSION] !== String(version);
    if (isStale && left > 0) {
      await rows.return?.();
      continue;
    }
    yield* workspaceFile(beginningWith(first, rows), parts, now, told);
    return;
  }
}

async function* beginningWith<T>(first: IteratorResult<T>, rest: AsyncIterator<T>): AsyncGenerator<T> {
  try {
    for (let each = first; !each.done; each = await rest.next()) yield each.value;
  } finally {
    await rest.return?.();
  }
}

/** Where the first row has the version of the kinds as of the moment of the file; others have the name of a kind there. */
const VERSION = 1;

/**
 * All that a workspace holds, as rows of the file that formats/files/workspaceFile.ts describes. It is one statement, and so one moment. An
 * append runs its parts in turn, which a cursor does not share out among processes.
 */
function workspaceRows(db: Database, workspaceId: string): Batches {
  const parts = partsOf(db.catalog).map((part) => rowsSql(part, workspaceId));
  return batchesOf(db, workspaceId, join([headerSql(workspaceId), ...parts], " union all "), [2]);
}

function headerSql(workspaceId: string): Statement {
  const members = sql`select json_agg(json_build_object('email', u.email, 'role', m.role, 'created_at', m.created_at) order by m.created_at, u.email)
    from memberships m join users u on u.id = m.user_id where m.workspace_id = ${workspaceId}`;
  const kinds = sql`select json_agg(to_jsonb(k) - 'workspace_id' order by k.name) from kinds k where k.workspace_id = ${workspaceId}`;
  return sql`select 'header', w.kinds_version::text, json_build_object('workspace', to_jsonb(w) - '{plan,kinds_version}'::text[],
      'members', coalesce((${members}), '[]'), 'kinds', coalesce((${kinds}), '[]'))::text
    from workspaces w where w.id = ${workspaceId}`;
}

function rowsSql({ line, kind, table, columns }: Part, workspaceId: string): Statement {
  const rows = sql`select ${join(columns.map(({ name }) => sql`r.${ident(name)}`))} from ${ident(table)} r where r.workspace_id = ${workspaceId}${
    table === SHARED_TABLE ? sql` and r.kind = ${kind}` : sql``
  }`;
  return sql`select ${raw(`'${line}'`)}, ${raw(kind === undefined ? "null" : `'${kind}'`)}, row_to_json(x)::text from (${rows}) x`;
}
