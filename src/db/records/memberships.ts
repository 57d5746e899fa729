import { sql } from "../../postgres/sql.ts";
import type { Transaction } from "../../postgres/transaction.ts";
import type { Kind } from "../../records/kind.ts";
import type { Author } from "../database.ts";
import { rowsOf } from "./table.ts";

/** A record that becomes part of another, or is itself again. */
export type Union = { id: string; into: string | null };

/**
 * On lists with members the record that others became part of stands for them, until the merge is taken back: then it leaves the lists that it
 * came to with them, where its place bears the time of the merge. Runs before the records are written, at the time of this write.
 */
export async function moveMemberships(
  tx: Transaction,
  { workspaceId, actor }: Author,
  kind: Kind,
  unions: readonly Union[],
  time: string,
): Promise<void> {
  const merged = unions.filter(({ into }) => into !== null);
  const parted = unions.filter(({ into }) => into === null).map(({ id }) => id);
  if (merged.length > 0)
    await tx.rows(sql`insert into list_members (workspace_id, list_id, record_id, added_at, added_by)
      select m.workspace_id, m.list_id, e."into", ${time}::timestamptz, ${actor} from list_members m
        join unnest(${merged.map(({ id }) => id)}::text[], ${merged.map(({ into }) => into)}::text[]) e (id, "into") on m.record_id = e.id
      where m.workspace_id = ${workspaceId} on conflict do nothing`);
  if (parted.length > 0)
    await tx.rows(sql`delete from list_members m using ${rowsOf(kind)} r, list_members own
      where m.workspace_id = ${workspaceId} and r.workspace_id = ${workspaceId} and own.workspace_id = ${workspaceId}
        and r.id = any (${parted}::text[]) and m.record_id = r.merged_into and m.added_at = r.deleted_at
        and own.record_id = r.id and own.list_id = m.list_id`);
}
