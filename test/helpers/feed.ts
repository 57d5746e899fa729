import { setTimeout as sleep } from "node:timers/promises";
import type { Pool } from "../../src/postgres/pool.ts";
import { sql } from "../../src/postgres/sql.ts";

/** Resolves once the feed can show all that was written: other tests hold transactions open in the same cluster. `near`: on the server of a workspace. */
export async function settled(pool: Pool, near?: string): Promise<void> {
  if (pool.spread && near === undefined) return settledThere(pool);
  const options = near === undefined ? {} : { near };
  const [own] = await pool.rows(sql`select pg_current_xact_id()::text`, options);
  for (;;) {
    const [row] = await pool.rows(sql`select pg_snapshot_xmin(pg_current_snapshot()) > ${own![0]}::xid8`, options);
    if (row![0]) return;
    await sleep(10);
  }
}

/** The same on every server of a spread database. */
async function settledThere(pool: Pool): Promise<void> {
  const given = await pool.rows(sql`select nodeid, result from run_command_on_workers('select pg_current_xact_id()') r
    join pg_dist_node n on (n.nodename, n.nodeport) = (r.nodename, r.nodeport)`);
  for (const [node, xid] of given)
    for (;;) {
      const passed = `select pg_snapshot_xmin(pg_current_snapshot()) > '${xid}'::xid8`;
      const [row] = await pool.rows(sql`select result from run_command_on_workers(${passed}) r
        join pg_dist_node n on (n.nodename, n.nodeport) = (r.nodename, r.nodeport) where nodeid = ${node}::int`);
      if (row![0] === "t") break;
      await sleep(10);
    }
}
