import { Problem } from "../../kit/problem.ts";
import type { Role } from "../../kit/scope.ts";
import type { Pool } from "../../postgres/pool.ts";
import { ident, sql } from "../../postgres/sql.ts";
import { lockAdmins, lockPeople, lockWorkspaces, requireAdmin } from "./locks.ts";
import { limitReached } from "./workspaces.ts";

const iso = (ms: number) => new Date(ms).toISOString();

export type Membership = { id: string; name: string; plan: string | null; role: Role };

/** A person's membership in a workspace, or undefined. `key` is the end of the workspace's id. */
export async function findMembership(pool: Pool, userId: string, key: string): Promise<Membership | undefined> {
  const [row] = await pool.rows(
    sql`select w.id, w.name, w.plan, m.role from memberships m join workspaces w on w.id = m.workspace_id
      where m.user_id = ${userId} and right(w.id, length(${key})) = ${key}`,
    { retry: true },
  );
  return row && { id: row[0] as string, name: row[1] as string, plan: row[2] as string | null, role: row[3] as Role };
}

/** Members and open invites, as rows in the order of the member's fields. */
export function listMembers(pool: Pool, workspaceId: string): Promise<unknown[][]> {
  return pool.rows(
    sql`select u.id, 1, 'user/u_' || right(u.id, 8), u.email, m.role, 'member', m.created_at from memberships m join users u on u.id = m.user_id where m.workspace_id = ${workspaceId}
      union all select i.id, 1, 'invite/inv_' || right(i.id, 8), i.email, i.role, 'invited', i.created_at from invites i where i.workspace_id = ${workspaceId}
      order by 6 desc, 7, 1`,
    { retry: true },
  ) as Promise<unknown[][]>;
}

/** The person who acts. */
type By = { userId: string; email: string };

export type NewInvite = { id: string; workspaceId: string; email: string; role: Role };

/**
 * Invites an address, or changes the role of its open invite. Refuses existing members, and more than `cap` members and invites.
 */
export async function invite(pool: Pool, asked: NewInvite, by: By, now: number, cap: number | undefined): Promise<string> {
  const { id, workspaceId, email, role } = asked;
  return pool.transaction(async (tx) => {
    await lockPeople(tx, sql`id = ${by.userId}`);
    requireAdmin(await lockAdmins(tx, workspaceId), by.userId);
    await lockWorkspaces(tx, sql`id = ${workspaceId}`);
    const [row] = await tx.rows(sql`insert into invites (id, workspace_id, email, role, invited_by, created_at)
      select ${id}, ${workspaceId}, ${email}, ${role}, ${by.email}, ${iso(now)}
      where not exists (select from memberships m join users u on u.id = m.user_id where m.workspace_id = ${workspaceId} and u.email = ${email})
      on conflict (workspace_id, email) do update set role = excluded.role, invited_by = excluded.invited_by, created_at = excluded.created_at
      returning id`);
    if (!row)
      throw new Problem(
        "already_exists",
        `${email} is a member already`,
        "POST /workspaces/{id}/members/{userId}/role changes the role",
      );
    const [count] = await tx.rows(sql`select (select count(*)::int from memberships where workspace_id = ${workspaceId})
      + (select count(*)::int from invites where workspace_id = ${workspaceId})`);
    if (cap !== undefined && (count![0] as number) > cap) throw limitReached("members", cap);
    return row[0] as string;
  });
}

export async function withdrawInvite(pool: Pool, workspaceId: string, key: string): Promise<string | undefined> {
  const [row] = await pool.rows(
    sql`delete from invites where workspace_id = ${workspaceId} and right(id, length(${key})) = ${key} returning email`,
  );
  return row?.[0] as string | undefined;
}

export type Member = { userId: string; email: string; role: Role };

export async function findMember(pool: Pool, workspaceId: string, key: string): Promise<Member | undefined> {
  const [row] = await pool.rows(
    sql`select u.id, u.email, m.role from memberships m join users u on u.id = m.user_id
      where m.workspace_id = ${workspaceId} and right(u.id, length(${key})) = ${key}`,
    { retry: true },
  );
  return row && { userId: row[0] as string, email: row[1] as string, role: row[2] as Role };
}

/**
 * Changes a role on behalf of an admin. The last admin cannot step down. Returns false when the person is not a member any more.
 */
export function changeRole(pool: Pool, workspaceId: string, userId: string, role: Role, by: string): Promise<boolean> {
  return pool.transaction(async (tx) => {
    await lockPeople(tx, sql`id in (${userId}, ${by})`);
    const admins = await lockAdmins(tx, workspaceId);
    requireAdmin(admins, by);
    if (role !== "admin") requireAnother(admins, userId);
    const changed = await tx.rows(
      sql`update memberships set role = ${role} where workspace_id = ${workspaceId} and user_id = ${userId} returning user_id`,
    );
    return changed.length > 0;
  });
}

/**
 * Removes a member, on behalf of the member or an admin. The person's tokens and unexchanged consents for this workspace end too.
 */
export async function removeMember(pool: Pool, workspaceId: string, userId: string, by: string): Promise<void> {
  await pool.transaction(async (tx) => {
    await lockPeople(tx, sql`id in (${userId}, ${by})`);
    const admins = await lockAdmins(tx, workspaceId);
    if (by !== userId) requireAdmin(admins, by);
    requireAnother(admins, userId);
    for (const table of ["authorization_codes", "tokens", "memberships"])
      await tx.rows(sql`delete from ${ident(table)} where workspace_id = ${workspaceId} and user_id = ${userId}`);
    await tx.rows(
      sql`delete from invites where workspace_id = ${workspaceId} and email = (select email from users where id = ${userId})`,
    );
    await tx.rows(
      sql`update users set default_workspace_id = null where id = ${userId} and default_workspace_id = ${workspaceId}`,
    );
  });
}

function requireAnother(admins: readonly string[], leaving: string): void {
  if (admins.some((id) => id !== leaving)) return;
  throw new Problem(
    "last_admin",
    "this is the workspace's last admin",
    "make somebody else admin first, or delete the workspace",
  );
}

/** An address of a member or an invited person. */
export type Address = { email: string; joined: boolean };

/**
 * Finds people of a workspace by name. An address matches as a whole, by the part before its `@`, or by the part before its first
 * dot. Members come first.
 */
export async function findAddresses(pool: Pool, workspaceId: string, texts: readonly string[]): Promise<Address[]> {
  const called = sql`a.email = any (${texts}::text[]) or split_part(a.email, '@', 1) = any (${texts}::text[])
    or split_part(split_part(a.email, '@', 1), '.', 1) = any (${texts}::text[])`;
  const rows = await pool.rows(
    sql`select a.email, a.joined from (
        select u.email, true as joined from memberships m join users u on u.id = m.user_id where m.workspace_id = ${workspaceId}
        union all select i.email, false from invites i where i.workspace_id = ${workspaceId}) a
      where ${called} order by a.email = ${texts[0]!} desc, a.joined desc, a.email limit 5`,
    { retry: true },
  );
  return rows.map(([email, joined]) => ({ email: email as string, joined: joined as boolean }));
}
