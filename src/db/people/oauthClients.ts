import type { Pool } from "../../postgres/pool.ts";
import { sql } from "../../postgres/sql.ts";
import { revokeFamilies } from "./sessions.ts";
import { type Allowance, taking } from "./tallies.ts";

/** A program that registered itself (RFC 7591). */
export type RegisteredClient = {
  id: string;
  name: string;
  redirectUris: readonly string[];
  authMethod: string;
  /** Null for a public client. */
  secretDigest: string | null;
  /** The digest of the token that reads and deletes the registration (RFC 7592). */
  registrationDigest: string;
  /** Epoch ms. */
  createdAt: number;
};

/**
 * Limits on clients that nobody has authorized: their age and their number. Beyond them the oldest are deleted, so that strangers
 * cannot block registration.
 */
const UNUSED_MS = 86_400_000;
const MOST_UNUSED = 5_000;

/** Stores a registration, if the allowance permits. One statement counts and stores. */
export async function keepClient(pool: Pool, client: RegisteredClient, address: string, allowed: Allowance): Promise<boolean> {
  const { id, name, redirectUris, authMethod, secretDigest, registrationDigest, createdAt } = client;
  const rows = await pool.rows(sql`with allowed as (${taking(allowed, createdAt)}),
    crowded as (
      delete from oauth_clients where id in (select id from oauth_clients where used_at is null order by created_at desc offset ${MOST_UNUSED})
        and exists (select from allowed))
    insert into oauth_clients (id, name, redirect_uris, auth_method, secret_digest, registration_digest, address, created_at)
    select ${id}, ${name}, ${redirectUris}::text[], ${authMethod}, ${secretDigest}::text, ${registrationDigest}, ${address}, ${iso(createdAt)}::timestamptz
      from allowed
    returning id`);
  return rows.length > 0;
}

export async function findClient(pool: Pool, id: string): Promise<RegisteredClient | undefined> {
  const [row] = await pool.rows(
    sql`select id, name, redirect_uris, auth_method, secret_digest, registration_digest, (extract(epoch from created_at) * 1000)::bigint
      from oauth_clients where id = ${id}`,
    { retry: true },
  );
  if (!row) return undefined;
  const [, name, redirectUris, authMethod, secretDigest, registrationDigest, createdAt] = row;
  return { id, name, redirectUris, authMethod, secretDigest, registrationDigest, createdAt } as RegisteredClient;
}

/**
 * Deletes a registration and everything made with it, and returns the ids of the revoked connections. The client is deleted
 * first. A concurrent consent has then either stored its code, which is revoked here, or finds no client.
 */
export async function dropClient(pool: Pool, id: string, now: number): Promise<string[]> {
  await pool.transaction(async (tx) => {
    await tx.rows(sql`delete from oauth_clients where id = ${id}`);
    await tx.rows(sql`delete from authorization_codes where client = ${id} and token_id is null`);
  });
  return revokeFamilies(pool, sql`client = ${id}`, now);
}

/**
 * Deletes clients that were unused for a day and have no live connection. A connection that was not used since `idleSince` counts
 * as dead.
 */
export async function dropUnusedClients(pool: Pool, now: number, idleSince: number): Promise<void> {
  await pool.rows(sql`delete from oauth_clients c where coalesce(c.used_at, c.created_at) < ${iso(now - UNUSED_MS)}
    and (c.used_at is null or c.used_at < ${iso(idleSince)})
    and not exists (select from tokens t where t.client = c.id and t.revoked_at is null and t.last_used_at > ${iso(idleSince)})`);
}

const iso = (ms: number) => new Date(ms).toISOString();
