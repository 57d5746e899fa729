import { sql } from "../../postgres/sql.ts";
import type { Kind } from "../../records/kind.ts";
import type { Database } from "../database.ts";

/**
 * The records of a kind that an import was about, by the request that made it: those that it wrote, and for a day those that it found as they were.
 * Undefined where there was no such import.
 */
export async function recordsOfImport(
  db: Database,
  workspaceId: string,
  { name }: Kind,
  requestId: string,
  most: number,
): Promise<string[] | undefined> {
  const rows = await db.pool.rows(
    sql`select distinct record_id from (
        select r.record_id from imports i join import_rows r on r.workspace_id = ${workspaceId} and r.import_id = i.id
          where i.workspace_id = ${workspaceId} and i.request_id = ${requestId} and r.kind = ${name} and r.record_id is not null and r.outcome <> 'refused'
        union all select c.record_id from changes c where c.workspace_id = ${workspaceId} and c.request_id = ${requestId} and c.kind = ${name}
      ) of_import where record_id <> '' limit ${most + 1}`,
    { retry: true },
  );
  if (rows.length > 0) return rows.map(([id]) => id as string);
  const [known] = await db.pool.rows(
    sql`select exists (select from imports i where i.workspace_id = ${workspaceId} and i.request_id = ${requestId})`,
    { retry: true },
  );
  return known![0] ? [] : undefined;
}
