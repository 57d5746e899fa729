import { findSession, type Session, touchToken } from "./db/sessions.ts";
import { Problem } from "./kit/problem.ts";
import type { Context } from "./routes/route.ts";

/** How long a session is believed without asking the database: a revocation in another process takes effect after at most this. */
export const SESSION_CACHE_MS = 5_000;

const MOST_CACHED = 10_000;

/** A token's use is written down when the last note of it is older than this: expiry is counted in days. */
const TOUCH_MS = 3_600_000;

export type SessionCache = {
  find: (digest: string, now: number) => Session | undefined;
  keep: (digest: string, session: Session, now: number) => void;
  /** Drops what is remembered of a token, a user or a workspace. */
  forget: (id: string) => void;
};

/** The sessions of the last seconds, the least recently found dropped first. */
export function createSessionCache(): SessionCache {
  const entries = new Map<string, { session: Session; until: number }>();
  return {
    find(digest, now) {
      const entry = entries.get(digest);
      if (!entry || entry.until <= now) return undefined;
      return entry.session;
    },
    keep(digest, session, now) {
      entries.delete(digest);
      entries.set(digest, { session, until: now + SESSION_CACHE_MS });
      if (entries.size > MOST_CACHED) entries.delete(entries.keys().next().value!);
    },
    forget(id) {
      for (const [digest, { session }] of entries) {
        if ([session.tokenId, session.userId, session.workspaceId].includes(id)) entries.delete(digest);
      }
    },
  };
}

/** The session of the request's bearer token (RFC 6750). `onMiss` is called before the database is asked: strangers pay for that. */
export async function authenticate(
  { services, authorization, reading }: Pick<Context, "services" | "authorization" | "reading">,
  cache: SessionCache,
  onMiss: () => void,
): Promise<Session> {
  const secret = readBearer(authorization);
  const digest = services.seal.digest("token", secret);
  const cached = cache.find(digest, reading.now);
  if (cached) return cached;
  onMiss();
  const session = await findSession(services.db.pool, digest);
  if (!session) throw unauthorized("invalid_token", "the token is unknown or was revoked");
  if (session.lastUsedAt < reading.now - services.config.tokenDays * 86_400_000)
    throw unauthorized("token_expired", "the token was not used for too long");
  if (session.expiresAt !== null && session.expiresAt <= reading.now)
    throw unauthorized("token_expired", "the token has expired");
  if (session.lastUsedAt < reading.now - TOUCH_MS) await touchToken(services.db.pool, session.tokenId, reading.now);
  cache.keep(digest, session, reading.now);
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
