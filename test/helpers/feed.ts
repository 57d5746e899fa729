import { setTimeout as sleep } from "node:timers/promises";
import type { Pool } from "../../src/postgres/pool.ts";
import { sql } from "../../src/postgres/sql.ts";

/** Resolves once the feed can show all that was written: other tests hold transactions open in the same cluster. `near`: on the server of a workspace. */
export async function settled(pool: Pool, near?: string): Promise<void> {
  const options = near === undefined ? {} : { near };
  const [own] = await pool.rows(sql`select pg_current_xact_id()::text`, options);
  for (;;) {
    const [row] = await pool.rows(sql`select pg_snapshot_xmin(pg_current_snapshot()) > ${own![0]}::xid8`, options);
    if (row![0]) return;
    await sleep(10);
  }
}
