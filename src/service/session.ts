import { findConnected, findSession, type Session, touchToken } from "../db/people/sessions.ts";
import { Problem } from "../kit/problem.ts";
import { SECRETS } from "../kit/secret.ts";
import type { Services } from "./route.ts";

/** How long a session is believed without asking the database: a revocation on another machine takes effect after at most this. */
export const SESSION_CACHE_MS = 5_000;

const MOST_CACHED = 10_000;

/** A token's use is written down once an hour of the clock, and shown as that hour: no more is known of it. */
const HOUR_MS = 3_600_000;
const hourOf = (ms: number) => Math.floor(ms / HOUR_MS);

export type SessionCache = {
  find: (secret: string, now: number) => Session | undefined;
  /** Remembers a session that was looked up when `forgettings` was as given: not one that was forgotten on the way. */
  keep: (secret: string, session: Session, now: number, forgettings: number) => void;
  /** Drops what is remembered of a token, a user or a workspace. */
  forget: (id: string) => void;
  forgettings: () => number;
};

/** The sessions of the last seconds, the least recently looked up dropped first. Keyed by the token itself, which is in memory anyway. */
export function createSessionCache(): SessionCache {
  const entries = new Map<string, { session: Session; until: number }>();
  let forgettings = 0;
  return {
    find(secret, now) {
      const entry = entries.get(secret);
      return entry && entry.until > now ? entry.session : undefined;
    },
    keep(secret, session, now, before) {
      entries.delete(secret);
      if (before !== forgettings) return;
      entries.set(secret, { session, until: now + SESSION_CACHE_MS });
      if (entries.size > MOST_CACHED) entries.delete(entries.keys().next().value!);
    },
    forget(id) {
      forgettings += 1;
      for (const [secret, { session }] of entries) {
        if ([session.tokenId, session.userId, session.workspaceId].includes(id)) entries.delete(secret);
      }
    },
    forgettings: () => forgettings,
  };
}

/**
 * The session of the request's bearer token (RFC 6750), if that is good at `path`. `onMiss` is called before the database is asked, and for
 * a token that is not: the caller's address pays for that.
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
  return findStanding(services, cache, secret, now, onMiss).then((session) => forPath(services, session, path, onMiss));
}

function forPath({ baseUrl }: Services, session: Session, path: string, onMiss: () => void): Session {
  // One made out for an address is good at no other (RFC 8707, section 2).
  if (session.audience === null || session.audience === baseUrl + path) return session;
  onMiss();
  throw unauthorized("invalid_token", `the token is for ${session.audience} and works nowhere else`);
}

async function findStanding(
  { db, seal, config }: Services,
  cache: SessionCache,
  secret: string,
  now: number,
  onMiss: () => void,
): Promise<Session> {
  onMiss();
  const forgettings = cache.forgettings();
  const session = secret.startsWith(SECRETS.access)
    ? await findConnected(db.pool, seal.digest("access", secret))
    : await findSession(db.pool, seal.digest("token", secret));
  if (!session) throw unauthorized("invalid_token", "the token is unknown or was revoked");
  if (session.lastUsedAt < now - config.tokenDays * 86_400_000)
    throw unauthorized("token_expired", "the token was not used for too long");
  if (session.expiresAt !== null && session.expiresAt <= now) throw unauthorized("token_expired", "the token has expired");
  if (hourOf(session.lastUsedAt) < hourOf(now)) await touchToken(db.pool, session.tokenId, now);
  cache.keep(secret, session, now, forgettings);
  return session;
}

function readBearer(authorization: string | undefined): string {
  if (!authorization) throw unauthorized("auth_required", "this needs a token");
  const [, secret] = /^Bearer +(\S+) *$/i.exec(authorization) ?? [];
  if (!secret) throw unauthorized("invalid_token", "the Authorization header is not Bearer and a token");
  return secret;
}

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
