import type { Pool } from "../../postgres/pool.ts";
import { sql } from "../../postgres/sql.ts";
import { noneOfMissing, serversOf } from "./everywhere.ts";

/** The workers of a spread database that do not answer, and how many there are in all. */
export async function countWorkers(pool: Pool): Promise<{ all: number; missing: string[] }> {
  const named = await pool.rows(
    sql`select groupid, nodename || ':' || nodeport from pg_dist_node where noderole = 'primary' and groupid <> 0 and isactive order by nodeid`,
    { retry: true },
  );
  const servers = await serversOf(pool, ["changes"]);
  const answers = await Promise.all(
    servers.map((server) => pool.spread!.ask(server, sql`select 1`, { retry: true }).catch(noneOfMissing)),
  );
  const missing = servers.filter((_, i) => answers[i] === undefined).map(({ id }) => id);
  return {
    all: named.length,
    missing: named.filter(([id]) => missing.includes(id as number)).map(([, name]) => name as string),
  };
}
