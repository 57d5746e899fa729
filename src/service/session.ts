import { findConnected, findSession, type Session, touchToken } from "../db/people/sessions.ts";
import { Problem } from "../kit/problem.ts";
import { SECRETS, tokenIn } from "../kit/secret.ts";
import type { Services } from "./route.ts";

/** How long a session is cached. A revocation on another machine takes effect after at most this time. */
export const SESSION_CACHE_MS = 5_000;

const MOST_CACHED = 10_000;

/** A token's use is recorded once per clock hour, and shown as that hour. */
const HOUR_MS = 3_600_000;
const hourOf = (ms: number) => Math.floor(ms / HOUR_MS);

export type SessionCache = {
  find: (secret: string, now: number) => Session | undefined;
  /**
   * Caches a session, unless a session was dropped since its lookup began. `generation` counts the drops, and the caller passes
   * the count from before the lookup.
   */
  keep: (secret: string, session: Session, now: number, generation: number) => void;
  /** Drops the cached sessions of a token, a user or a workspace. */
  forget: (id: string) => void;
  generation: () => number;
};

/**
 * A cache of sessions. The least recently looked up are dropped first. The key is the token itself, which is in memory anyway.
 */
export function createSessionCache(): SessionCache {
  const entries = new Map<string, { session: Session; until: number }>();
  let generation = 0;
  return {
    find(secret, now) {
      const entry = entries.get(secret);
      return entry && entry.until > now ? entry.session : undefined;
    },
    keep(secret, session, now, before) {
      entries.delete(secret);
      if (before !== generation) return;
      entries.set(secret, { session, until: now + SESSION_CACHE_MS });
      if (entries.size > MOST_CACHED) entries.delete(entries.keys().next().value!);
    },
    forget(id) {
      generation += 1;
      for (const [secret, { session }] of entries) {
        if ([session.tokenId, session.userId, session.workspaceId].includes(id)) entries.delete(secret);
      }
    },
    generation: () => generation,
  };
}

/**
 * Authenticates the bearer token (RFC 6750) for `path`. `onMiss` runs before a database lookup and for an invalid token; it
 * counts against the caller's address.
 */
export function authenticate(
  services: Services,
  cache: SessionCache,
  authorization: string | undefined,
  path: string,
  now: number,
  onMiss: () => void,
): Session | Promise<Session> {
  const secret = readBearer(authorization);
  const cached = cache.find(secret, now);
  if (cached) return forPath(services, cached, path, onMiss);
  return findValid(services, cache, secret, now, onMiss).then((session) => forPath(services, session, path, onMiss));
}

function forPath({ baseUrl }: Services, session: Session, path: string, onMiss: () => void): Session {
  // A token for one resource is refused at every other (RFC 8707, section 2).
  if (session.audience === null || session.audience === baseUrl + path) return session;
  onMiss();
  throw unauthorized("invalid_token", `the token is for ${session.audience} and works nowhere else`);
}

async function findValid(
  { db, seal, config }: Services,
  cache: SessionCache,
  secret: string,
  now: number,
  onMiss: () => void,
): Promise<Session> {
  onMiss();
  const generation = cache.generation();
  const session = secret.startsWith(SECRETS.access)
    ? await findConnected(db.pool, seal.digest("access", secret))
    : await findSession(db.pool, seal.digest("token", secret));
  if (!session) throw unauthorized("invalid_token", "the token is unknown or was revoked");
  if (session.lastUsedAt < now - config.tokenDays * 86_400_000)
    throw unauthorized("token_expired", "the token was not used for too long");
  if (session.expiresAt !== null && session.expiresAt <= now) throw unauthorized("token_expired", "the token has expired");
  if (hourOf(session.lastUsedAt) < hourOf(now)) await touchToken(db.pool, session.tokenId, now);
  cache.keep(secret, session, now, generation);
  return session;
}

function readBearer(authorization: string | undefined): string {
  if (!authorization) throw authRequired();
  const [, secret] = /^Bearer +(\S+) *$/i.exec(authorization) ?? [];
  if (!secret) throw unauthorized("invalid_token", "the Authorization header is not Bearer and a token");
  return tokenIn(secret);
}

export const authRequired = () => unauthorized("auth_required", "this needs a token");

function unauthorized(code: "auth_required" | "invalid_token" | "token_expired", message: string): Problem {
  const error = code === "auth_required" ? "" : ', error="invalid_token"';
  return new Problem(
    code,
    message,
    'sign in: POST /auth/request {"email":"you@example.com"}, then POST /auth/verify; send Authorization: Bearer <token>',
    {
      headers: { "WWW-Authenticate": `Bearer realm="cardfile"${error}` },
    },
  );
}
