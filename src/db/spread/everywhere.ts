import { Problem } from "../../kit/problem.ts";
import type { Rows } from "../../postgres/driver.ts";
import { isLostBehind, isTooSlow } from "../../postgres/errors.ts";
import type { Pool, RowsOptions } from "../../postgres/pool.ts";
import { count, ident, join, type Statement, sql } from "../../postgres/sql.ts";

/**
 * Statements about the rows of all workspaces. Where the database is spread, every server runs them on its own shards: what one of them says is as of
 * one moment there, and one that is away holds up no other.
 */

/** Made with the names of the tables, or of shards whose rows are of the same workspaces. */
type Made = (...tables: Statement[]) => Statement;

/** The rows of all servers that answer, put together. All are asked at once. */
export async function readEverywhere(pool: Pool, tables: readonly string[], made: Made, options: RowsOptions): Promise<Rows> {
  if (!pool.spread) return pool.rows(made(...tables.map(ident)), options);
  const { ask } = pool.spread;
  const parts = await Promise.all(
    (await serversOf(pool, tables)).map(({ shards, ...server }) => {
      const each = shards.map((names) => sql`(${made(...names.map(ident))})`);
      return ask(server, sql`select * from (${join(each, " union all ")}) every_shard`, options).catch(noneOfMissing);
    }),
  );
  return parts.flatMap((rows) => rows ?? []);
}

/** The same for statements that give no rows. When a server fails, the statements of the others have run; one that hangs is left out. */
export async function sweepEverywhere(pool: Pool, tables: readonly string[], made: Made, options: RowsOptions): Promise<void> {
  if (!pool.spread) return void (await pool.rows(made(...tables.map(ident)), options));
  const { hangs } = pool.spread;
  const there = (await serversOf(pool, tables)).filter(({ id }) => !hangs(id));
  const swept = there.map(async ({ near, shards }) => {
    for (const names of shards) await pool.rows(made(...names.map(ident)), { ...options, near });
  });
  const failed = (await Promise.allSettled(swept)).find(({ status }) => status === "rejected");
  if (failed?.status === "rejected") throw failed.reason;
}

/** Turns the error of a server that is down or hangs into undefined; throws any other error. */
export function noneOfMissing(error: unknown): undefined {
  if (isLostBehind(error) || isTooSlow(error) || (error instanceof Problem && error.code === "not_ready")) return undefined;
  throw error;
}

/** Names among which one is looked for that leads to a server: so many times more than there are servers that one is found. */
const MOST_NAMES = 20_000;

/** A server with its shards of the tables. `near`: a name that Citus would look for there; no workspace is called so. */
type Server = { id: number; near: string; shards: string[][] };

export async function serversOf(pool: Pool, tables: readonly string[]): Promise<Server[]> {
  const first = tables[0]!;
  const rows = await pool.rows(
    sql`with shards as (select p.groupid, f.shardid, array_agg(shard_name(s.logicalrelid, s.shardid) order by t.place) as names
        from unnest(${tables}::text[]) with ordinality t (name, place)
        join pg_dist_shard s on s.logicalrelid = t.name::regclass
        join pg_dist_shard f on f.logicalrelid = ${first}::text::regclass and f.shardminvalue = s.shardminvalue
        join pg_dist_placement p on p.shardid = f.shardid
        group by p.groupid, f.shardid),
      servers as (select groupid, array_agg(shardid) as ids, json_agg(names) as names from shards group by groupid)
    select (select v::text from generate_series(1, ${count(MOST_NAMES)}) v
      where get_shard_id_for_distribution_column(${first}::text::regclass, v::text) = any (servers.ids) limit 1), names, groupid from servers order by groupid`,
    { retry: true },
  );
  return rows.map(([near, shards, id]) => ({ id, near, shards }) as Server);
}
