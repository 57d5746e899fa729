import type { RecordDefinition } from "../records/define.ts";
import type { Database } from "./database.ts";
import { ident, join, sql } from "./sql.ts";

/** How many living records of each kind a workspace has, the empty kinds left out. */
export async function countRecords(
  { pool, dictionary }: Database,
  workspaceId: string,
): Promise<{ definition: RecordDefinition; rows: number }[]> {
  const definitions = [...dictionary.values()];
  const counts = definitions.map(
    ({ plural }) =>
      sql`select count(*)::int from ${ident(plural)} r where r.workspace_id = ${workspaceId} and r.deleted_at is null`,
  );
  const rows = await pool.rows(sql`select ${join(counts.map((count) => sql`(${count})`))}`, { retry: true });
  return definitions.map((definition, i) => ({ definition, rows: rows[0]![i] as number })).filter((each) => each.rows > 0);
}
