import { type IdSource, shortId } from "../../kit/id.ts";
import type { Pool } from "../../postgres/pool.ts";
import { sql } from "../../postgres/sql.ts";
import { lockPeople } from "./locks.ts";
import type { NewToken } from "./sessions.ts";
import { newPerson, signIn } from "./users.ts";

/** All users, oldest first. */
export async function listUsers(pool: Pool): Promise<{ handle: string; email: string; tokens: string; created_at: string }[]> {
  const rows = await pool.rows(sql`select u.id, u.email, count(t.id)::int, u.created_at from users u
    left join tokens t on t.user_id = u.id and t.revoked_at is null group by u.id order by u.created_at, u.id`);
  return rows.map(([id, email, tokens, at]) => ({
    handle: `user/${shortId(id as string)}`,
    email: email as string,
    tokens: String(tokens),
    created_at: String(at).slice(0, 19),
  }));
}

/** The workspace with this id, whole or its short form; else those that the person with this address is in, oldest first. */
export async function findWorkspaces(pool: Pool, of: string): Promise<{ id: string; name: string }[]> {
  const key = of.replace(/^workspace\//, "").toLowerCase();
  const short = /^(?:ws_)?([0-9a-z]{8})$/.exec(key)?.[1];
  const rows = await pool.rows(
    sql`select w.id, w.name from workspaces w where w.id = ${key} or right(w.id, 8) = ${short ?? null} or w.id in
      (select m.workspace_id from memberships m join users u on u.id = m.user_id where u.email = ${of.trim().toLowerCase()})
      order by w.created_at, w.id`,
  );
  return rows.map(([id, name]) => ({ id: id as string, name: name as string }));
}

/** The address of the admin who is in a workspace longest. */
export async function adminOf(pool: Pool, workspaceId: string): Promise<string> {
  const [row] = await pool.rows(sql`select u.email from memberships m join users u on u.id = m.user_id
    where m.workspace_id = ${workspaceId} order by m.role = 'admin' desc, m.created_at, u.email limit 1`);
  return row![0] as string;
}

/** Revokes all tokens of a person, and deletes consent codes that no program has exchanged yet. */
export function revokeAllTokens(pool: Pool, email: string, now: number): Promise<number> {
  const person = sql`select id from users where email = ${email}`;
  return pool.transaction(async (tx) => {
    await lockPeople(tx, sql`email = ${email}`);
    await tx.rows(sql`delete from authorization_codes where user_id = (${person}) and token_id is null`);
    const rows = await tx.rows(sql`update tokens set revoked_at = ${new Date(now).toISOString()}
      where user_id = (${person}) and revoked_at is null returning id`);
    return rows.length;
  });
}

export async function createPersonWithToken(
  pool: Pool,
  email: string,
  ids: IdSource,
  token: NewToken,
  now: number,
): Promise<void> {
  await signIn(pool, newPerson(email, ids), token, now);
}
