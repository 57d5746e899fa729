import type { IdSource } from "../kit/id.ts";
import type { Role, Scopes } from "../kit/scope.ts";
import type { Pool, Transaction } from "./client.ts";
import { type Statement, sql } from "./sql.ts";

/** Who calls: the token, the person behind it, and the workspace it acts in. */
export type Session = {
  tokenId: string;
  tokenName: string;
  userId: string;
  email: string;
  workspaceId: string;
  workspaceName: string;
  timezone: string;
  /** The workspace's plan; null is the default one. */
  plan: string | null;
  role: Role;
  /** What the token may do at most; null is all that the role may. */
  scopes: Scopes;
  /** Epoch ms; null: only when it was idle for too long. */
  expiresAt: number | null;
  /** Epoch ms of the last use that was recorded. */
  lastUsedAt: number;
};

/** The session of a token, if it is known, not revoked, and its owner still a member of the workspace. */
export async function findSession(pool: Pool, digest: string): Promise<Session | undefined> {
  const [row] = await pool.rows(
    sql`select t.id, t.name, u.id, u.email, w.id, w.name, w.timezone, w.plan, m.role, t.scopes,
        (extract(epoch from t.expires_at) * 1000)::bigint, (extract(epoch from t.last_used_at) * 1000)::bigint
      from tokens t
      join users u on u.id = t.user_id
      join workspaces w on w.id = t.workspace_id
      join memberships m on m.workspace_id = t.workspace_id and m.user_id = t.user_id
      where t.digest = ${digest} and t.revoked_at is null`,
    { retry: true },
  );
  if (!row) return undefined;
  const [tokenId, tokenName, userId, email, workspaceId, workspaceName, timezone, plan, role, scopes, expiresAt, lastUsedAt] =
    row;
  return {
    tokenId,
    tokenName,
    userId,
    email,
    workspaceId,
    workspaceName,
    timezone,
    plan,
    role,
    scopes,
    expiresAt,
    lastUsedAt,
  } satisfies Record<keyof Session, unknown> as Session;
}

export async function touchToken(pool: Pool, tokenId: string, now: number): Promise<void> {
  await pool.rows(sql`update tokens set last_used_at = ${iso(now)} where id = ${tokenId} and revoked_at is null`);
}

export type NewToken = { id: string; digest: string; name: string };

export type NewPerson = { email: string; userId: string; workspaceId: string; workspaceName: string; timezone: string };

/** What a person gets who signs in for the first time. */
export function newPerson(email: string, ids: IdSource): NewPerson {
  return {
    email,
    userId: ids("u"),
    workspaceId: ids("ws"),
    workspaceName: `${email.split("@")[0]}'s workspace`,
    timezone: "UTC",
  };
}

/**
 * Signs a person in: makes the user at first, joins the workspaces they are invited to, and makes a token for their default workspace,
 * which is made when there is none.
 */
export async function signIn(
  pool: Pool,
  person: NewPerson,
  token: NewToken,
  now: number,
): Promise<{ userId: string; workspaceId: string; joined: string[] }> {
  return pool.transaction(async (tx) => {
    // The lock of a conflicting insert makes two sign-ins of one person wait for each other.
    const [made] =
      await tx.rows(sql`insert into users (id, email, created_at) values (${person.userId}, ${person.email}, ${iso(now)})
      on conflict (email) do update set email = excluded.email returning id, default_workspace_id`);
    const [userId, usual] = made as [string, string | null];
    const joined = await joinInvited(tx, userId, person.email, now);
    const workspaceId = (await stillMember(tx, userId, usual)) ?? (await makeDefault(tx, userId, person, now));
    await tx.rows(insertToken({ ...token, userId, workspaceId, scopes: null, expiresAt: null, parentId: null }, now));
    return { userId, workspaceId, joined };
  });
}

async function joinInvited(tx: Transaction, userId: string, email: string, now: number): Promise<string[]> {
  const rows = await tx.rows(sql`with accepted as (delete from invites where email = ${email} returning workspace_id, role)
    insert into memberships (workspace_id, user_id, role, created_at) select workspace_id, ${userId}, role, ${iso(now)} from accepted
    on conflict do nothing returning workspace_id`);
  return rows.map(([id]) => id as string);
}

async function stillMember(tx: Transaction, userId: string, workspaceId: string | null): Promise<string | undefined> {
  if (workspaceId === null) return undefined;
  const [row] = await tx.rows(
    sql`select workspace_id from memberships where user_id = ${userId} and workspace_id = ${workspaceId}`,
  );
  return row?.[0] as string | undefined;
}

async function makeDefault(tx: Transaction, userId: string, person: NewPerson, now: number): Promise<string> {
  const { workspaceId, workspaceName, timezone } = person;
  await tx.rows(
    sql`insert into workspaces (id, name, timezone, created_at) values (${workspaceId}, ${workspaceName}, ${timezone}, ${iso(now)})`,
  );
  await tx.rows(
    sql`insert into memberships (workspace_id, user_id, role, created_at) values (${workspaceId}, ${userId}, 'admin', ${iso(now)})`,
  );
  await tx.rows(sql`update users set default_workspace_id = ${workspaceId} where id = ${userId}`);
  return workspaceId;
}

export type TokenRow = NewToken & {
  userId: string;
  workspaceId: string;
  scopes: Scopes;
  /** Epoch ms. */
  expiresAt: number | null;
  /** The token it was minted with. */
  parentId: string | null;
};

/** Mints a token, if its owner is a member of that workspace and the token it is minted with still stands. */
export async function mintToken(pool: Pool, token: TokenRow, now: number): Promise<void> {
  await pool.rows(insertToken(token, now));
}

function insertToken({ id, digest, name, userId, workspaceId, scopes, expiresAt, parentId }: TokenRow, now: number): Statement {
  const expiry = expiresAt === null ? null : iso(expiresAt);
  return sql`insert into tokens (id, digest, user_id, workspace_id, name, scopes, expires_at, parent_id, created_at, last_used_at)
    select ${id}, ${digest}, m.user_id, m.workspace_id, ${name}, ${scopes}::text[], ${expiry}::timestamptz, ${parentId}::text, ${iso(now)}, ${iso(now)}
    from memberships m where m.user_id = ${userId} and m.workspace_id = ${workspaceId}
      and (${parentId}::text is null or exists (select from tokens p where p.id = ${parentId} and p.revoked_at is null))`;
}

/** The living tokens of a person, newest use first; each row as the token's fields want it. */
export function listTokens(
  pool: Pool,
  userId: string,
  currentId: string,
  idleSince: number,
  now: number,
): Promise<unknown[][]> {
  return pool.rows(
    sql`select t.id, 1, t.id, t.id, t.name, t.workspace_id, t.scopes, t.id = ${currentId}, t.parent_id, t.expires_at, t.created_at, t.last_used_at
      from tokens t where t.user_id = ${userId} and t.revoked_at is null and t.last_used_at > ${iso(idleSince)}
        and (t.expires_at is null or t.expires_at > ${iso(now)})
      order by t.last_used_at desc, t.id desc limit 500`,
    { retry: true },
  ) as Promise<unknown[][]>;
}

/**
 * Revokes a token of this person, named by the end of its id, and all that were minted from it; gives their ids, its own first. `within`
 * keeps a narrowed token to itself and those it minted.
 */
export async function revokeToken(
  pool: Pool,
  userId: string,
  key: string,
  within: string | null,
  now: number,
): Promise<string[]> {
  const rows = await pool.rows(sql`with recursive family as (
      select id, 0 as depth from tokens where user_id = ${userId} and right(id, length(${key})) = ${key} and revoked_at is null
        and (${within}::text is null or ${within} in (id, parent_id))
      union all select t.id, f.depth + 1 from tokens t join family f on t.parent_id = f.id),
    revoked as (update tokens t set revoked_at = ${iso(now)} from family f where t.id = f.id and t.revoked_at is null returning t.id, f.depth)
    select id from revoked order by depth`);
  return rows.map(([id]) => id as string);
}

const iso = (ms: number) => new Date(ms).toISOString();
