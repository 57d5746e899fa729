import type { Pool } from "./client.ts";
import { sql } from "./sql.ts";

/** Who calls: the token, the person behind it, and the workspace it acts in. */
export type Session = {
  tokenId: string;
  tokenName: string;
  userId: string;
  email: string;
  workspaceId: string;
  workspaceName: string;
  timezone: string;
  role: string;
  /** Epoch ms of the last use that was recorded. */
  lastUsedAt: number;
};

/** The session of a token, if it is known, not revoked, and its owner still a member of the workspace. One `where` per global table. */
export async function findSession(pool: Pool, digest: string): Promise<Session | undefined> {
  const [row] = await pool.rows(
    sql`select t.id, t.name, u.id, u.email, w.id, w.name, w.timezone, m.role, (extract(epoch from t.last_used_at) * 1000)::bigint
      from tokens t
      join users u on u.id = t.user_id
      join workspaces w on w.id = t.workspace_id
      join memberships m on m.workspace_id = t.workspace_id and m.user_id = t.user_id
      where t.digest = ${digest} and t.revoked_at is null`,
    { retry: true },
  );
  if (!row) return undefined;
  const [tokenId, tokenName, userId, email, workspaceId, workspaceName, timezone, role, lastUsedAt] = row as [
    string,
    string,
    string,
    string,
    string,
    string,
    string,
    string,
    number,
  ];
  return { tokenId, tokenName, userId, email, workspaceId, workspaceName, timezone, role, lastUsedAt };
}

export async function touchToken(pool: Pool, tokenId: string, now: number): Promise<void> {
  await pool.rows(sql`update tokens set last_used_at = ${iso(now)} where id = ${tokenId} and revoked_at is null`);
}

export type NewToken = { id: string; digest: string; name: string };

/** A first sign-in makes the user, a workspace and the membership; every sign-in makes a token for the user's default workspace. */
export async function signIn(
  pool: Pool,
  person: { email: string; userId: string; workspaceId: string; workspaceName: string; timezone: string },
  token: NewToken,
  now: number,
): Promise<{ userId: string; workspaceId: string; first: boolean }> {
  return pool.transaction(async (tx) => {
    // The lock of a conflicting insert makes two first sign-ins of one person wait for each other.
    const [made] = await tx.rows(sql`insert into users (id, email, default_workspace_id, created_at)
      values (${person.userId}, ${person.email}, ${person.workspaceId}, ${iso(now)})
      on conflict (email) do update set email = excluded.email returning id, default_workspace_id`);
    const [userId, workspaceId] = made as [string, string];
    const first = userId === person.userId;
    if (first) {
      await tx.rows(
        sql`insert into workspaces (id, name, timezone, created_at) values (${workspaceId}, ${person.workspaceName}, ${person.timezone}, ${iso(now)})`,
      );
      await tx.rows(
        sql`insert into memberships (workspace_id, user_id, role, created_at) values (${workspaceId}, ${userId}, 'admin', ${iso(now)})`,
      );
    }
    await tx.rows(sql`insert into tokens (id, digest, user_id, workspace_id, name, created_at, last_used_at)
      values (${token.id}, ${token.digest}, ${userId}, ${workspaceId}, ${token.name}, ${iso(now)}, ${iso(now)})`);
    return { userId, workspaceId, first };
  });
}

/** The living tokens of a person, newest use first; each row as the token's fields want it. */
export function listTokens(pool: Pool, userId: string, currentId: string, idleSince: number): Promise<unknown[][]> {
  return pool.rows(
    sql`select t.id, 1, t.id, t.id, t.name, t.workspace_id, t.id = ${currentId}, t.created_at, t.last_used_at
      from tokens t where t.user_id = ${userId} and t.revoked_at is null and t.last_used_at > ${iso(idleSince)}
      order by t.last_used_at desc, t.id desc limit 500`,
    { retry: true },
  ) as Promise<unknown[][]>;
}

/** Revokes a token of this person, named by its id or the end of it; gives the id back. */
export async function revokeToken(pool: Pool, userId: string, key: string, now: number): Promise<string | undefined> {
  const [row] = await pool.rows(
    sql`update tokens set revoked_at = ${iso(now)} where user_id = ${userId} and right(id, length(${key})) = ${key} and revoked_at is null returning id`,
  );
  return row?.[0] as string | undefined;
}

const iso = (ms: number) => new Date(ms).toISOString();
