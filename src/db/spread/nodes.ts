import type { Pool } from "../../postgres/pool.ts";
import { sql } from "../../postgres/sql.ts";

/** The workers of a spread database that do not answer, and how many there are in all. */
export async function countWorkers({ rows }: Pool): Promise<{ all: number; missing: string[] }> {
  const workers = await rows(
    sql`select nodename || ':' || nodeport, citus_check_connection_to_node(nodename, nodeport)
      from pg_dist_node where noderole = 'primary' and groupid <> 0 and isactive order by nodeid`,
    { retry: true },
  );
  return { all: workers.length, missing: workers.filter(([, answers]) => answers !== true).map(([name]) => name as string) };
}
