import { sqlstateOf } from "../../postgres/errors.ts";
import type { Pool } from "../../postgres/pool.ts";
import { ident, type Statement, sql } from "../../postgres/sql.ts";
import { dropOldSchemas, IDLE_MS } from "./roles.ts";

const iso = (ms: number) => new Date(ms).toISOString();

/** An object of another database, a copy of ours, depends on the role. */
const USED_ELSEWHERE = "2BP01";

/**
 * Ends the roles that have lost their token, their workspace or their use, and the schemas with the last role that reads them. `tokenIdleSince`:
 * tokens without a use since then have ended.
 */
export async function endGuests(pool: Pool, seconds: number, tokenIdleSince: number, now: number): Promise<void> {
  await endOverlong(pool, seconds);
  await noteSessions(pool, now);
  await endConnections(pool, tokenIdleSince, now);
  const ended = await pool.rows(
    sql`select g.name from sql_roles g where g.token_id is null
      and (not exists (select from memberships m where m.workspace_id = g.workspace_id)
        or (g.used_at < ${iso(now - IDLE_MS)} and not exists (select from sql_roles c where c.workspace_id = g.workspace_id and c.token_id is not null)))`,
  );
  for (const [name] of ended) await endRole(pool, name as string, undefined);
  await dropOldSchemas(pool);
}

/**
 * A session may have set its own limits anew, and one of a service that was killed has nobody who stops it. `seconds`: what a query may take; a
 * transaction of a guest has five times as long, whether it works or waits.
 */
async function endOverlong(pool: Pool, seconds: number): Promise<void> {
  await pool.rows(
    sql`select pg_terminate_backend(a.pid) from pg_stat_activity a join sql_roles g on g.name = a.usename
      where a.datname = current_database() and a.xact_start < clock_timestamp() - ${`${seconds * 5} seconds`}::interval`,
  );
}

/** A role whose sessions are open is in use, though nobody tells us. */
async function noteSessions(pool: Pool, now: number): Promise<void> {
  await pool.rows(
    sql`update sql_roles g set used_at = ${iso(now)} where g.token_id is not null and g.used_at < ${iso(now - 3_600_000)}
      and exists (select from pg_stat_activity where usename = g.name)`,
  );
}

/** Ends the database addresses whose token has ended, or the membership of its owner. */
export function endConnections(pool: Pool, tokenIdleSince: number, now: number): Promise<void> {
  return endWhere(
    pool,
    sql`g.used_at < ${iso(now - IDLE_MS)} or not exists (select from tokens t
      join memberships m on m.workspace_id = t.workspace_id and m.user_id = t.user_id
      where t.id = g.token_id and t.workspace_id = g.workspace_id and t.revoked_at is null and t.last_used_at > ${iso(tokenIdleSince)}
        and (t.expires_at is null or t.expires_at > ${iso(now)}))`,
  );
}

/** Ends the database address of one token. */
export const endConnection = (pool: Pool, tokenId: string): Promise<void> => endWhere(pool, sql`g.token_id = ${tokenId}`);

async function endWhere(pool: Pool, which: Statement): Promise<void> {
  const ended = await pool.rows(
    sql`select g.name, (select s.name from sql_roles s where s.workspace_id = g.workspace_id and s.token_id is null)
      from sql_roles g where g.token_id is not null and (${which})`,
  );
  for (const [name, schema] of ended) await endRole(pool, name as string, schema as string | null);
}

/** Ends a role and its sessions. `schema`: the one that it reads; undefined when it is its own, which ends too. */
async function endRole(pool: Pool, name: string, schema: string | null | undefined): Promise<void> {
  await endSessions(pool, name);
  try {
    await dropRole(pool, name, schema, true);
  } catch (error) {
    if (sqlstateOf(error) !== USED_ELSEWHERE) throw error;
    await dropRole(pool, name, schema, false);
  }
}

/** Sessions that outlive their role can read nothing: its grants are gone. */
async function endSessions(pool: Pool, name: string): Promise<void> {
  await pool.rows(sql`select pg_terminate_backend(pid) from pg_stat_activity where usename = ${name}`).catch(() => {});
}

async function dropRole(pool: Pool, name: string, schema: string | null | undefined, whole: boolean): Promise<void> {
  const role = ident(name).text;
  await pool.transaction(async (tx) => {
    await tx.simple("set local lock_timeout = '5s'");
    await tx.rows(sql`delete from sql_roles where name = ${name}`);
    const [there] = await tx.rows(sql`select 1 from pg_roles where rolname = ${name}`);
    // The barred first: whoever comes in between finds no way in.
    if (there) await tx.simple(`alter role ${role} nologin`);
    if (schema === undefined) await tx.simple(`drop schema if exists ${role} cascade`);
    else if (schema !== null && there)
      await tx.simple(
        `revoke all on all tables in schema ${ident(schema).text} from ${role}; revoke all on schema ${ident(schema).text} from ${role}`,
      );
    if (there && whole) await tx.simple(`drop role ${role}`);
  });
  await endSessions(pool, name);
}
