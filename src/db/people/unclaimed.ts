import type { Pool } from "../../postgres/pool.ts";
import { sql } from "../../postgres/sql.ts";
import { lockPeople } from "./locks.ts";
import { insertToken, type NewToken } from "./sessions.ts";
import { limitReached, type NewWorkspace } from "./workspaces.ts";

/**
 * Workspaces without an account. Such a workspace has one admin: a user without a mailbox, who has an end. A person who claims the
 * workspace becomes its admin, and that user a viewer with a later end. Users are deleted at their end; a workspace without members ends.
 */

const iso = (ms: number) => new Date(ms).toISOString();

/** The holder of a key. `endsAt` in epoch ms. */
export type Nobody = { userId: string; email: string; endsAt: number };

export function openWorkspace(pool: Pool, made: NewWorkspace, by: Nobody, token: NewToken, now: number): Promise<void> {
  const { id, name, timezone } = made;
  const { userId, email, endsAt } = by;
  return pool.transaction(async (tx) => {
    await tx.rows(
      sql`insert into users (id, email, default_workspace_id, created_at, ends_at) values (${userId}, ${email}, ${id}, ${iso(now)}, ${iso(endsAt)})`,
    );
    await tx.rows(
      sql`insert into workspaces (id, name, timezone, created_at) values (${id}, ${name}, ${timezone}, ${iso(now)})`,
    );
    await tx.rows(
      sql`insert into memberships (workspace_id, user_id, role, created_at) values (${id}, ${userId}, 'admin', ${iso(now)})`,
    );
    const whole = { scopes: null, expiresAt: null, parentId: null };
    await tx.rows(insertToken({ ...token, ...whole, userId, workspaceId: id }, now));
  });
}

/** A workspace that nobody has claimed yet, by its id. `endsAt` in epoch ms. */
export async function findUnclaimed(
  pool: Pool,
  id: string,
  now: number,
): Promise<{ name: string; endsAt: number } | undefined> {
  const [row] = await pool.rows(sql`select w.name, (extract(epoch from u.ends_at) * 1000)::bigint
    from memberships m join users u on u.id = m.user_id join workspaces w on w.id = m.workspace_id
    where m.workspace_id = ${id} and m.role = 'admin' and u.ends_at > ${iso(now)}`);
  return row && { name: row[0] as string, endsAt: Number(row[1]) };
}

/** `keyEndsAt` in epoch ms: until then the key goes on reading. */
export type Claim = { workspaceId: string; userId: string; keyEndsAt: number };

/**
 * Makes a person the admin of a workspace that nobody had claimed. Returns the ids of the users whose rights changed, or undefined where
 * somebody else was first or the workspace has ended. The same person may repeat it.
 */
export function claimWorkspace(
  pool: Pool,
  { workspaceId, userId, keyEndsAt }: Claim,
  now: number,
  cap: number | undefined,
): Promise<string[] | undefined> {
  return pool.transaction(async (tx) => {
    const members = sql`select user_id from memberships where workspace_id = ${workspaceId}`;
    await lockPeople(tx, sql`id = ${userId} or (id in (${members}) and ends_at is not null)`);
    const holders = await tx.rows(sql`select u.id from memberships m join users u on u.id = m.user_id
      where m.workspace_id = ${workspaceId} and m.role = 'admin' and u.ends_at > ${iso(now)}`);
    const mine = await tx.rows(
      sql`select role from memberships where workspace_id = ${workspaceId} and user_id = ${userId} and role = 'admin'`,
    );
    if (mine.length > 0) return [];
    if (holders.length === 0) return undefined;
    const [count] = await tx.rows(sql`select count(*)::int from memberships where user_id = ${userId} and role = 'admin'`);
    if (cap !== undefined && (count![0] as number) >= cap) throw limitReached("workspaces", cap);
    const ids = holders.map(([id]) => id as string);
    await tx.rows(
      sql`insert into memberships (workspace_id, user_id, role, created_at) values (${workspaceId}, ${userId}, 'admin', ${iso(now)})
        on conflict (workspace_id, user_id) do update set role = 'admin'`,
    );
    await tx.rows(
      sql`update memberships set role = 'viewer' where workspace_id = ${workspaceId} and user_id = any (${ids}::text[])`,
    );
    await tx.rows(sql`update users set ends_at = ${iso(keyEndsAt)} where id = any (${ids}::text[])`);
    return [userId, ...ids];
  });
}

/** Deletes the users whose end has come, with their memberships and tokens. */
export async function endUnclaimed(pool: Pool, now: number): Promise<void> {
  const ended = await pool.rows(sql`select id from users where ends_at <= ${iso(now)} order by ends_at limit 500`);
  // On a cluster a deletion is a two-phase commit over all servers, even one that finds no row.
  if (ended.length === 0) return;
  const ids = ended.map(([id]) => id as string);
  await pool.rows(sql`delete from users where id = any (${ids}::text[]) and ends_at <= ${iso(now)}`, { deadlineMs: 60_000 });
}
