import type { Role, Scopes } from "../../kit/scope.ts";
import type { Pool } from "../../postgres/pool.ts";
import { raw, type Statement, sql } from "../../postgres/sql.ts";
import { lockPeople } from "./locks.ts";

/** The authenticated caller: a token, its owner, and the workspace it acts in. */
export type Session = {
  tokenId: string;
  /** The first token of the chain this one was minted from, or itself. All tokens of one root share a rate limit. */
  rootId: string;
  tokenName: string;
  userId: string;
  email: string;
  workspaceId: string;
  workspaceName: string;
  timezone: string;
  /** The workspace's plan. Null is the default plan. */
  plan: string | null;
  /** Counts the changes of the workspace's own kinds; 0 where it has none. */
  kindsVersion: number;
  role: Role;
  /** The token's scopes. Null grants all that the role may do. */
  scopes: Scopes;
  /** The only URL the token works at. Null is the whole service. */
  audience: string | null;
  /** Epoch ms. Null means that the token expires only when it is idle. */
  expiresAt: number | null;
  /** Epoch ms. Set for the admin that is no person: then the workspace ends, unless somebody claims it. */
  unclaimedUntil: number | null;
  /** Epoch ms of the last recorded use. */
  lastUsedAt: number;
};

/** The session of a token. Undefined when the token is unknown or revoked, or its owner left the workspace. */
export function findSession(pool: Pool, digest: string): Promise<Session | undefined> {
  const token = sql`(select *, scopes as granted, expires_at as ends from tokens where digest = ${digest})`;
  return readSession(pool, token);
}

/** The session of a connection's access token. */
export function findConnected(pool: Pool, digest: string): Promise<Session | undefined> {
  const token = sql`(select c.*, a.scopes as granted, least(a.expires_at, c.expires_at) as ends
    from access_tokens a join tokens c on c.id = a.token_id where a.digest = ${digest})`;
  return readSession(pool, token);
}

/** The SQL expression of each part of a session. */
const PARTS: Record<keyof Session, string> = {
  tokenId: "t.id",
  rootId: "coalesce(t.root_id, t.id)",
  tokenName: "t.name",
  userId: "u.id",
  email: "u.email",
  workspaceId: "w.id",
  workspaceName: "w.name",
  timezone: "w.timezone",
  plan: "w.plan",
  kindsVersion: "w.kinds_version",
  role: "m.role",
  scopes: "t.granted",
  audience: "t.audience",
  expiresAt: "(extract(epoch from least(t.ends, u.ends_at)) * 1000)::bigint",
  unclaimedUntil: "(extract(epoch from case when m.role = 'admin' then u.ends_at end) * 1000)::bigint",
  lastUsedAt: "(extract(epoch from t.last_used_at) * 1000)::bigint",
};
const NAMES = Object.keys(PARTS);
const COLUMNS = raw(Object.values(PARTS).join(", "));

async function readSession(pool: Pool, token: Statement): Promise<Session | undefined> {
  const [row] = await pool.rows(
    sql`select ${COLUMNS} from ${token} t
      join users u on u.id = t.user_id
      join workspaces w on w.id = t.workspace_id
      join memberships m on m.workspace_id = t.workspace_id and m.user_id = t.user_id
      where t.revoked_at is null`,
    { retry: true },
  );
  return row && (Object.fromEntries(NAMES.map((name, i) => [name, row[i]])) as Session);
}

export async function touchToken(pool: Pool, tokenId: string, now: number): Promise<void> {
  await pool.rows(sql`update tokens set last_used_at = ${iso(now)} where id = ${tokenId} and revoked_at is null`);
}

export type NewToken = { id: string; digest: string; name: string };

export type TokenRow = NewToken & {
  userId: string;
  workspaceId: string;
  scopes: Scopes;
  /** Epoch ms. */
  expiresAt: number | null;
  /** The token that minted it. */
  parentId: string | null;
};

/** The reason why no token was made. Either its parent was revoked or its owner left the workspace. */
export type Unminted = "revoked" | "left";

/** Mints a token. Returns a reason when the owner is not a member of the workspace or the parent was revoked. */
export function mintToken(pool: Pool, token: TokenRow, now: number): Promise<Unminted | undefined> {
  const { userId, workspaceId } = token;
  return pool.transaction(async (tx) => {
    await lockPeople(tx, sql`id = ${userId}`);
    const made = await tx.rows(insertToken(token, now));
    if (made.length > 0) return undefined;
    const member = await tx.rows(sql`select role from memberships where workspace_id = ${workspaceId} and user_id = ${userId}`);
    return member.length > 0 ? "revoked" : "left";
  });
}

/** Inserts a token, or nothing when the membership or the parent has ended. The caller has locked the person. */
export function insertToken(
  { id, digest, name, userId, workspaceId, scopes, expiresAt, parentId }: TokenRow,
  now: number,
): Statement {
  const expiry = expiresAt === null ? null : iso(expiresAt);
  return sql`insert into tokens (id, digest, user_id, workspace_id, name, scopes, expires_at, parent_id, root_id, created_at, last_used_at)
    select ${id}, ${digest}, m.user_id, m.workspace_id, ${name}, ${scopes}::text[], ${expiry}::timestamptz, ${parentId}::text,
      (select coalesce(p.root_id, p.id) from tokens p where p.id = ${parentId}), ${iso(now)}, ${iso(now)}
    from memberships m where m.user_id = ${userId} and m.workspace_id = ${workspaceId}
      and (${parentId}::text is null or exists (select from tokens p where p.id = ${parentId} and p.revoked_at is null))
    returning id`;
}

/**
 * The valid tokens of a person, most recently used first, as rows in the order of the token's fields. `within` limits them to one
 * workspace.
 */
export function listTokens(
  pool: Pool,
  userId: string,
  currentId: string,
  within: string | null,
  idleSince: number,
  now: number,
): Promise<unknown[][]> {
  return pool.rows(
    sql`select t.id, 1, t.name, t.workspace_id, t.scopes, t.id = ${currentId}, t.parent_id, t.client, t.audience, t.expires_at, t.created_at, date_trunc('hour', t.last_used_at, 'UTC')
      from tokens t where t.user_id = ${userId} and t.revoked_at is null and t.last_used_at > ${iso(idleSince)}
        and (t.expires_at is null or t.expires_at > ${iso(now)}) and (${within}::text is null or t.workspace_id = ${within})
      order by t.last_used_at desc, t.id desc limit 500`,
    { retry: true },
  ) as Promise<unknown[][]>;
}

/** The reach of a narrowed token. It sees the tokens for its own workspace, or only itself and those it minted. */
export type Within = { workspaceId: string } | { tokenId: string };

/**
 * Revokes a token of this person, named by the end of its id, and all tokens minted from it. Returns their ids, its own first.
 */
export function revokeToken(
  pool: Pool,
  userId: string,
  key: string,
  within: Within | undefined,
  now: number,
): Promise<string[]> {
  const named = sql`user_id = ${userId} and right(id, length(${key})) = ${key}`;
  return revokeFamilies(pool, sql`${named} and ${reachedBy(within)}`, now);
}

/** A token that was replaced. `expiresAt` in epoch ms; `minted` are the ids of the tokens that were minted with it. */
export type Rotated = { id: string; workspaceId: string; scopes: Scopes; expiresAt: number | null; minted: string[] };

/**
 * Replaces a token, named by the end of its id, by one with the same name, rights, end and rate. The tokens and calendars that were made with
 * the old one are then the new one's. The old one ends after `overlapMs`. A connection's token is its program's and is not replaced.
 *
 * `by` reaches itself and those it minted. So nobody gets the secret of a token that may do more, lasts longer or outlives the one it was got by.
 */
export function rotateToken(
  pool: Pool,
  by: Pick<Session, "userId" | "tokenId">,
  key: string,
  made: Pick<NewToken, "id" | "digest">,
  now: number,
  overlapMs: number,
): Promise<Rotated | undefined> {
  const { userId, tokenId } = by;
  const named = sql`user_id = ${userId} and right(id, length(${key})) = ${key} and client is null and ${reachedBy({ tokenId })}
    and revoked_at is null and (expires_at is null or expires_at > ${iso(now)})`;
  return pool.transaction(async (tx) => {
    await lockPeople(tx, sql`id = ${userId}`);
    const [old] = await tx.rows(sql`select id, workspace_id, scopes, (extract(epoch from expires_at) * 1000)::bigint
      from tokens where ${named} order by id limit 1 for update`);
    if (!old) return undefined;
    const [id, workspaceId, scopes, expiresAt] = old as [string, string, Scopes, string | null];
    await tx.rows(sql`insert into tokens (id, digest, user_id, workspace_id, name, scopes, expires_at, parent_id, root_id, audience, created_at, last_used_at)
      select ${made.id}, ${made.digest}, user_id, workspace_id, name, scopes, expires_at, parent_id, coalesce(root_id, id), audience, ${iso(now)}, ${iso(now)}
      from tokens where id = ${id}`);
    const minted = await tx.rows(sql`update tokens set parent_id = ${made.id} where parent_id = ${id} returning id`);
    await tx.rows(sql`update calendars set token_id = ${made.id} where user_id = ${userId} and token_id = ${id}`);
    if (overlapMs === 0) await tx.rows(sql`update tokens set revoked_at = ${iso(now)} where id = ${id}`);
    else
      await tx.rows(
        sql`update tokens set expires_at = least(expires_at, ${iso(now + overlapMs)}::timestamptz), parent_id = ${made.id} where id = ${id}`,
      );
    return {
      id,
      workspaceId,
      scopes,
      expiresAt: expiresAt === null ? null : Number(expiresAt),
      minted: minted.map(([each]) => each as string),
    };
  });
}

/** The tokens that a token reaches. */
function reachedBy(within: Within | undefined): Statement {
  if (within === undefined) return sql`true`;
  return "tokenId" in within ? sql`${within.tokenId} in (id, parent_id)` : sql`workspace_id = ${within.workspaceId}`;
}

/** Revokes the tokens that `which` selects, and all tokens minted from them. Returns their ids, the selected ones first. */
export function revokeFamilies(pool: Pool, which: Statement, now: number): Promise<string[]> {
  return pool.transaction(async (tx) => {
    await lockPeople(tx, sql`id in (select user_id from tokens where ${which})`);
    // The recursion by itself: Citus takes none beside a change. The locks keep the family as it is.
    const family = await tx.rows(sql`with recursive family as (
      select id, 0 as depth from tokens where ${which} and revoked_at is null
      union all select t.id, f.depth + 1 from tokens t join family f on t.parent_id = f.id)
    select id from family order by depth`);
    const ids = family.map(([id]) => id as string);
    const ended = await tx.rows(
      sql`update tokens set revoked_at = ${iso(now)} where id = any (${ids}::text[]) and revoked_at is null returning id`,
    );
    const revoked = new Set(ended.map(([id]) => id));
    return ids.filter((id) => revoked.has(id));
  });
}

const iso = (ms: number) => new Date(ms).toISOString();
