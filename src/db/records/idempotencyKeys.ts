import type { Pool } from "../../postgres/pool.ts";
import { sql } from "../../postgres/sql.ts";

/** How long a retry of a create is known as one. */
const KEPT_MS = 86_400_000;

/** Upkeep of all workspaces at once, the one kind of statement that names none. */
export async function dropOldKeys(pool: Pool, now: number): Promise<void> {
  await pool.rows(sql`delete from idempotency_keys where created_at < ${new Date(now - KEPT_MS).toISOString()}`);
}
