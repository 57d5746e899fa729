import { createHash } from "node:crypto";
import { connect, disconnect, dropAccess, findScopes, findSpent, type Keys, refresh } from "../../db/people/grants.ts";
import type { Answer } from "../../http/reply.ts";
import { coversScope } from "../../kit/scope.ts";
import { sameText } from "../../kit/seal.ts";
import { newSecret, SECRETS } from "../../kit/secret.ts";
import type { Context, Route } from "../../service/route.ts";
import { checkResource } from "./ask.ts";
import { authenticateClient } from "./clients.ts";
import { readForm } from "./form.ts";
import { GRANT_TYPES, REVOKE, TOKEN } from "./metadata.ts";
import { OAuthRefusal, refuseToProgram } from "./refusal.ts";

const ACCESS_MS = 3_600_000;

const FOR_CLIENTS = { method: "POST", open: true, answers: { is: "json" }, refuse: refuseToProgram } as const;

export const oauthTokenRoutes: Route[] = [
  { ...FOR_CLIENTS, path: TOKEN, about: "a code, or a refresh token, for new tokens", standard: "OAuth 2.1", handle: issue },
  { ...FOR_CLIENTS, path: REVOKE, about: "a program ends its own token", standard: "RFC 7009", handle: revoke },
];

async function issue(context: Context): Promise<Answer> {
  const form = readForm(context);
  const client = await authenticateClient(context, form);
  for (const resource of [form.resource ?? []].flat()) checkResource(context, resource);
  switch (form.grant_type) {
    case "authorization_code":
      return exchange(context, client, form);
    case "refresh_token":
      return renew(context, client, form);
    case undefined:
      throw new OAuthRefusal("invalid_request", "grant_type is missing");
    default:
      throw new OAuthRefusal("unsupported_grant_type", `grant_type is one of ${GRANT_TYPES.join(", ")}`);
  }
}

/**
 * Exchanges a code for tokens (OAuth 2.1, section 4.1.3). A replayed code was stolen by one of its two senders, so its connection
 * ends.
 */
async function exchange(context: Context, client: string, form: Record<string, string>): Promise<Answer> {
  const { services, reading } = context;
  const { pool } = services.db;
  const { code = "", code_verifier: verifier = "" } = form;
  if (!code || !verifier) throw new OAuthRefusal("invalid_request", "code and code_verifier are required");
  const digest = services.seal.digest("authorization code", code);
  const challenge = createHash("sha256").update(verifier).digest("base64url");
  const proof = { digest, client, redirectUri: form.redirect_uri ?? null, challenge };
  const made = newKeys(context, services.ids("tok"));
  const scopes = await connect(pool, proof, made.tokenId, made.keys, reading.now);
  if (scopes) return issued(made, scopes);
  const spent = await findSpent(pool, digest);
  if (spent !== undefined) await end(context, spent, null);
  throw new OAuthRefusal(
    "invalid_grant",
    spent === undefined
      ? "the code is unknown, too old, or for another client, redirect_uri or code_verifier"
      : "the code was used before",
  );
}

/**
 * Refreshes a connection (OAuth 2.1, section 4.3). A refresh token works once. A replayed one means that somebody else has it, so
 * the connection ends (RFC 9700, section 4.14.2).
 */
async function renew(context: Context, client: string, form: Record<string, string>): Promise<Answer> {
  const { services, reading } = context;
  const { pool } = services.db;
  const { refresh_token: secret = "" } = form;
  if (!secret) throw new OAuthRefusal("invalid_request", "refresh_token is required");
  const gone = new OAuthRefusal("invalid_grant", "the refresh token is unknown, used, revoked or too old");
  const tokenId = readRefreshToken(context, secret);
  const granted = tokenId === undefined ? undefined : await findScopes(pool, tokenId, client);
  if (tokenId === undefined || !granted) throw gone;
  const scopes = narrowed(granted, form.scope);
  const made = newKeys(context, tokenId);
  const digest = services.seal.digest("refresh", secret);
  const idleSince = reading.now - services.config.tokenDays * 86_400_000;
  if (await refresh(pool, { tokenId, client, digest, scopes }, made.keys, reading.now, idleSince)) return issued(made, scopes);
  await end(context, tokenId, client);
  throw gone;
}

function narrowed(granted: readonly string[], asked: string | undefined): readonly string[] {
  const scopes = [...new Set(asked?.split(" ").filter(Boolean))];
  const beyond = scopes.find((scope) => !coversScope(granted, scope));
  if (beyond !== undefined)
    throw new OAuthRefusal("invalid_scope", `the scope was not granted; granted were ${granted.join(", ")}`);
  return scopes.length > 0 ? scopes : granted;
}

async function end({ services, reading }: Context, tokenId: string, client: string | null): Promise<void> {
  for (const ended of await disconnect(services.db.pool, tokenId, client, reading.now)) services.forget(ended);
}

type Made = { tokenId: string; access: string; refresh: string; keys: Keys };

/**
 * Makes new secrets of a connection. A refresh token holds its connection's id and a mark that proves we made it.
 *
 * So an old one is recognised without storing it, and a forged one cannot end a connection.
 */
function newKeys({ services: { random, seal }, reading }: Context, tokenId: string): Made {
  const access = SECRETS.access + newSecret(random);
  const secret = newSecret(random);
  const refresh = `${SECRETS.refresh}${tokenId.slice(tokenId.indexOf("_") + 1)}${secret}${seal.mark("refresh", [tokenId, secret])}`;
  const accessExpiresAt = reading.now + ACCESS_MS;
  const keys = { access: seal.digest("access", access), refresh: seal.digest("refresh", refresh), accessExpiresAt };
  return { tokenId, access, refresh, keys };
}

/** The connection of a refresh token that we made, current or old. */
function readRefreshToken({ services }: Context, text: string): string | undefined {
  const [, id, secret = "", mark = ""] = /^ckr_([0-9a-z]{26})([A-Za-z0-9]{43})([\w-]{11})$/.exec(text) ?? [];
  const tokenId = `tok_${id}`;
  return sameText(services.seal.mark("refresh", [tokenId, secret]), mark) ? tokenId : undefined;
}

function issued({ access, refresh }: Made, scopes: readonly string[]): Answer {
  const json = JSON.stringify({
    access_token: access,
    token_type: "Bearer",
    expires_in: ACCESS_MS / 1000,
    refresh_token: refresh,
    scope: scopes.join(" "),
  });
  return { is: "json", json, headers: { "Cache-Control": "no-store" } };
}

/**
 * Revokes a token (RFC 7009). An access token ends alone; a refresh token ends its whole connection. Tokens of other clients are
 * ignored.
 */
async function revoke(context: Context): Promise<Answer> {
  const { services } = context;
  const form = readForm(context);
  const client = await authenticateClient(context, form);
  const { token = "" } = form;
  if (!token) throw new OAuthRefusal("invalid_request", "token is required");
  const connection = readRefreshToken(context, token);
  if (connection !== undefined) await end(context, connection, client);
  const ended = await dropAccess(services.db.pool, services.seal.digest("access", token), client);
  if (ended !== undefined) services.forget(ended);
  // Some clients fail on an answer that is not JSON, so an empty object is sent.
  return { is: "json", json: "{}", headers: { "Cache-Control": "no-store" } };
}
