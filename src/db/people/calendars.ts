import type { Pool } from "../../postgres/pool.ts";
import { raw, sql } from "../../postgres/sql.ts";
import { lockPeople } from "./locks.ts";
import { limitReached } from "./workspaces.ts";

export type NewCalendar = {
  id: string;
  digest: string;
  workspaceId: string;
  userId: string;
  /** The token that it is made with. */
  tokenId: string;
  name: string;
  mine: boolean;
};

/** Of one member in one workspace. */
const MOST = 50;

/** A calendar ends with the token that it was made with: whoever had that for a while keeps no address. Older ones have no token. */
const LIVING = raw("(c.token_id is null or exists (select from tokens t where t.id = c.token_id and t.revoked_at is null))");

export async function createCalendar(pool: Pool, made: NewCalendar, now: number): Promise<void> {
  const { id, digest, workspaceId, userId, tokenId, name, mine } = made;
  await pool.transaction(async (tx) => {
    await lockPeople(tx, sql`id = ${userId}`);
    await tx.rows(
      sql`delete from calendars c where c.workspace_id = ${workspaceId} and c.user_id = ${userId} and not ${LIVING}`,
    );
    const [row] = await tx.rows(
      sql`insert into calendars (id, digest, workspace_id, user_id, token_id, name, mine, created_at)
      select ${id}, ${digest}, ${workspaceId}, ${userId}, ${tokenId}, ${name}, ${mine}::boolean, ${new Date(now).toISOString()}::timestamptz
      where (select count(*) from calendars where workspace_id = ${workspaceId} and user_id = ${userId}) < ${MOST}::int returning id`,
    );
    if (!row) throw limitReached("calendars for each member", MOST);
  });
}

/** A member's calendars, newest first, as rows in the order of the calendar's fields. */
export function listCalendars(pool: Pool, workspaceId: string, userId: string): Promise<unknown[][]> {
  return pool.rows(
    sql`select c.id, 1, c.name, case when c.mine then 'me' else 'all' end, c.created_at from calendars c
      where c.workspace_id = ${workspaceId} and c.user_id = ${userId} and ${LIVING} order by c.created_at desc, c.id desc`,
    { retry: true },
  );
}

export type Calendar = { workspaceId: string; timezone: string; email: string; mine: boolean };

/** The calendar at an address, and who made it: still a member, or it would be gone. */
export async function findCalendar(pool: Pool, digest: string): Promise<Calendar | undefined> {
  const [row] = await pool.rows(
    sql`select c.workspace_id, w.timezone, u.email, c.mine from calendars c join workspaces w on w.id = c.workspace_id
      join users u on u.id = c.user_id where c.digest = ${digest} and ${LIVING}`,
    { retry: true },
  );
  if (!row) return undefined;
  const [workspaceId, timezone, email, mine] = row as [string, string, string, boolean];
  return { workspaceId, timezone, email, mine };
}

/** Deletes a member's own calendar. `key` is the end of its id. Undefined: there is none. */
export async function deleteCalendar(
  pool: Pool,
  workspaceId: string,
  userId: string,
  key: string,
): Promise<string | undefined> {
  const [row] = await pool.rows(
    sql`delete from calendars where workspace_id = ${workspaceId} and user_id = ${userId} and right(id, length(${key})) = ${key} returning id`,
  );
  return row?.[0] as string | undefined;
}
