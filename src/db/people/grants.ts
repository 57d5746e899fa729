import type { Pool } from "../../postgres/pool.ts";
import { sql } from "../../postgres/sql.ts";
import { lockPeople } from "./locks.ts";
import { revokeFamilies } from "./sessions.ts";

/**
 * Connections: what a person allowed a program, from the authorization code to the last refresh. Only keyed digests of codes,
 * refresh tokens and access tokens are stored.
 */

/** How long a spent code is kept, to tell a replay from an unknown code. */
const SPENT_MS = 3_600_000;

export type Agreement = {
  client: string;
  /** True for a client that registered itself. Such a client may be deleted at any time. */
  registered: boolean;
  /** The client's own name for itself. */
  name: string;
  redirectUri: string;
  challenge: string;
  audience: string;
  scopes: readonly string[];
  userId: string;
  workspaceId: string;
};

/**
 * Stores an agreement under its code. A second press of the button replaces the first. Returns false when the code is spent, the
 * person left the workspace, or the client was deleted.
 */
export function keepCode(pool: Pool, digest: string, agreed: Agreement, now: number, expiresAt: number): Promise<boolean> {
  const { client, registered, name, redirectUri, challenge, audience, scopes, userId, workspaceId } = agreed;
  return pool.transaction(async (tx) => {
    await lockPeople(tx, sql`id = ${userId}`);
    const rows = await tx.rows(sql`with known as (select id from oauth_clients where id = ${client} for no key update),
    kept as (
      insert into authorization_codes as c
        (digest, client, name, redirect_uri, challenge, audience, scopes, user_id, workspace_id, expires_at)
      select ${digest}, ${client}, ${name}, ${redirectUri}, ${challenge}, ${audience}, ${scopes}::text[], m.user_id, m.workspace_id, ${iso(expiresAt)}::timestamptz
        from memberships m where m.user_id = ${userId} and m.workspace_id = ${workspaceId}
          and (not ${registered}::boolean or exists (select from known))
      on conflict (digest) do update set scopes = excluded.scopes, workspace_id = excluded.workspace_id
        where c.token_id is null and c.expires_at > ${iso(now)}
      returning c.client),
    used as (update oauth_clients set used_at = ${iso(now)} where id in (select client from kept))
    select client from kept`);
    return rows.length > 0;
  });
}

/**
 * The proof that a client sends with its code. A null redirect URI matches any, because PKCE binds the code as well (OAuth 2.1,
 * section 4.1.3).
 */
export type CodeProof = { digest: string; client: string; redirectUri: string | null; challenge: string };

/** Digests of a connection's new secrets. */
export type Keys = { refresh: string; access: string; accessExpiresAt: number };

/**
 * Spends a code once and makes a connection of it. Returns the scopes, or undefined when the code does not fit this client and
 * proof.
 */
export function connect(
  pool: Pool,
  { digest, client, redirectUri, challenge }: CodeProof,
  tokenId: string,
  keys: Keys,
  now: number,
): Promise<string[] | undefined> {
  return pool.transaction(async (tx) => {
    await lockPeople(tx, sql`id in (select user_id from authorization_codes where digest = ${digest})`);
    const [row] = await tx.rows(sql`with spent as (
      update authorization_codes set token_id = ${tokenId}
      where digest = ${digest} and token_id is null and expires_at > ${iso(now)} and client = ${client} and challenge = ${challenge}
        and (${redirectUri}::text is null or redirect_uri = ${redirectUri})
      returning *),
    connection as (
      insert into tokens (id, digest, user_id, workspace_id, name, scopes, client, audience, created_at, last_used_at)
      select ${tokenId}, ${keys.refresh}, m.user_id, m.workspace_id, s.name, s.scopes, s.client, s.audience, ${iso(now)}, ${iso(now)}
        from spent s join memberships m on m.user_id = s.user_id and m.workspace_id = s.workspace_id
      returning id, scopes)
    insert into access_tokens (digest, token_id, scopes, expires_at)
    select ${keys.access}, id, scopes, ${iso(keys.accessExpiresAt)} from connection
    returning scopes`);
    return row?.[0] as string[] | undefined;
  });
}

/** Finds the connection that a spent code became. */
export async function findSpent(pool: Pool, digest: string): Promise<string | undefined> {
  const [row] = await pool.rows(
    sql`select token_id from authorization_codes where digest = ${digest} and token_id is not null`,
  );
  return row?.[0] as string | undefined;
}

/** The scopes that a client may request at a refresh, while the connection is alive. */
export async function findScopes(pool: Pool, tokenId: string, client: string): Promise<string[] | undefined> {
  const [row] = await pool.rows(
    sql`select scopes from tokens where id = ${tokenId} and client = ${client} and revoked_at is null`,
  );
  return row?.[0] as string[] | undefined;
}

export type Refresh = { tokenId: string; client: string; digest: string; scopes: readonly string[] };

/**
 * Replaces a connection's refresh token. Of two concurrent calls with the same secret, one succeeds. The previous access token
 * stays valid until it expires, because requests may be using it. Returns false when the secret is not the current one.
 */
export async function refresh(
  pool: Pool,
  { tokenId, client, digest, scopes }: Refresh,
  keys: Keys,
  now: number,
  idleSince: number,
): Promise<boolean> {
  const rows = await pool.rows(sql`with turned as (
      update tokens t set digest = ${keys.refresh}, last_used_at = ${iso(now)} from memberships m
      where t.id = ${tokenId} and t.client = ${client} and t.digest = ${digest} and t.revoked_at is null and t.last_used_at > ${iso(idleSince)}
        and m.user_id = t.user_id and m.workspace_id = t.workspace_id
      returning t.id),
    dropped as (delete from access_tokens a using turned where a.token_id = turned.id
      and a.digest not in (select digest from access_tokens where token_id = ${tokenId} order by expires_at desc limit 1))
    insert into access_tokens (digest, token_id, scopes, expires_at)
    select ${keys.access}, id, ${scopes}::text[], ${iso(keys.accessExpiresAt)} from turned
    returning token_id`);
  return rows.length > 0;
}

/** Deletes one access token of this client and returns its connection, which stays alive. */
export async function dropAccess(pool: Pool, digest: string, client: string): Promise<string | undefined> {
  const [row] = await pool.rows(sql`delete from access_tokens a using tokens t
    where a.digest = ${digest} and t.id = a.token_id and t.client = ${client} returning t.id`);
  return row?.[0] as string | undefined;
}

/** Revokes a connection and all tokens minted from it, and returns their ids. A `client` limits this to its own connection. */
export function disconnect(pool: Pool, tokenId: string, client: string | null, now: number): Promise<string[]> {
  return revokeFamilies(pool, sql`id = ${tokenId} and (${client}::text is null or client = ${client})`, now);
}

export async function dropExpiredGrants(pool: Pool, now: number): Promise<void> {
  await pool.rows(sql`delete from authorization_codes where expires_at < ${iso(now - SPENT_MS)}`);
  await pool.rows(sql`delete from access_tokens where expires_at < ${iso(now)}`);
}

const iso = (ms: number) => new Date(ms).toISOString();
