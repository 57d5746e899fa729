import { ident, join, raw, sql } from "../../postgres/sql.ts";
import { type Kind, SHARED_TABLE } from "../../records/kind.ts";
import type { Database } from "../database.ts";
import { rowsOf } from "./table.ts";

/** How many living records of each kind a workspace has, the empty kinds left out. */
export async function countRecords({ pool, catalog }: Database, workspaceId: string): Promise<{ kind: Kind; rows: number }[]> {
  const definitions = catalog.kinds;
  const counts = definitions.map(
    (kind) => sql`select count(*)::int from ${rowsOf(kind)} r where r.workspace_id = ${workspaceId} and r.deleted_at is null`,
  );
  const rows = await pool.rows(sql`select ${join(counts.map((count) => sql`(${count})`))}`, { retry: true });
  return definitions.map((kind, i) => ({ kind, rows: rows[0]![i] as number })).filter((each) => each.rows > 0);
}

/**
 * Begins or ends the counting of records. Counts are kept only while plans cap something; without, they are dropped, so that the next
 * plans begin with a count of what is there.
 */
export async function prepareUsage({ pool, catalog }: Database, limited: boolean): Promise<void> {
  if (!limited) return void (await pool.rows(sql`delete from usage`));
  const tables = catalog.kinds.map(({ name, table }) => ({ name: sql`${name}`, table }));
  for (const { name, table } of [...tables, { name: raw("kind"), table: SHARED_TABLE }]) {
    await pool.rows(
      sql`insert into usage (workspace_id, kind, used, cap) select workspace_id, ${name}, count(*), ${NO_CAP} from ${ident(table)}
        where deleted_at is null group by 1, 2 on conflict do nothing`,
      { deadlineMs: 600_000 },
    );
  }
}

/** Larger than any count. */
export const NO_CAP = 9_000_000_000_000_000;

/** What a workspace has used of each kind that is counted. */
export async function readUsage({ pool }: Database, workspaceId: string): Promise<Map<string, number>> {
  const rows = await pool.rows(sql`select kind, used from usage where workspace_id = ${workspaceId}`, { retry: true });
  return new Map(rows.map(([kind, used]) => [kind as string, used as number]));
}
