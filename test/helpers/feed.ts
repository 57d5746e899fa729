import { setTimeout as sleep } from "node:timers/promises";
import type { Pool } from "../../src/postgres/pool.ts";
import { sql } from "../../src/postgres/sql.ts";

/** Resolves once the feed can show all that was written: other tests hold transactions open in the same cluster. */
export async function settled(pool: Pool): Promise<void> {
  const [own] = await pool.rows(sql`select pg_current_xact_id()::text`);
  for (;;) {
    const [row] = await pool.rows(sql`select pg_snapshot_xmin(pg_current_snapshot()) > ${own![0]}::xid8`);
    if (row![0]) return;
    await sleep(10);
  }
}
