import { listTokens, mintToken, revokeToken, type TokenRow } from "../db/sessions.ts";
import { createWholeView } from "../derive/render.ts";
import type { Answer } from "../http/reply.ts";
import { readId, shortId } from "../kit/id.ts";
import { echo } from "../kit/line.ts";
import { Problem } from "../kit/problem.ts";
import { coversScope, isScope, type Scopes, VERBS } from "../kit/scope.ts";
import { readMoment, TIME_FORMS } from "../kit/time.ts";
import { storable } from "../records/kinds.ts";
import { token } from "../records/token.ts";
import { listAnswer } from "./lists.ts";
import { type Authenticated, allowParameters, type Route, type Services } from "./route.ts";

export const tokenRoutes: Route[] = [
  { method: "GET", path: "/tokens", about: "your tokens", needs: "member", handle: list },
  {
    method: "POST",
    path: "/tokens",
    about: "mint a token that may do less: name, scopes, expires_at",
    needs: "member",
    handle: (context) => mint(context, context.session.workspaceId),
  },
  {
    method: "DELETE",
    path: "/tokens/{id}",
    about: "end a token, and all that were minted with it",
    needs: "member",
    handle: revoke,
  },
];

async function list(context: Authenticated): Promise<Answer> {
  allowParameters(context.parameters, []);
  const { services, session, reading } = context;
  const idleSince = reading.now - services.config.tokenDays * 86_400_000;
  const rows = await listTokens(services.db.pool, session.userId, session.tokenId, idleSince, reading.now);
  return listAnswer(createWholeView(token), { rows, nextCursor: null });
}

/** What a body says of a new token. */
export type Wish = { name: string; scopes: Scopes; expiresAt: number | null };

/** Reads `token_name`/`name`, `scopes` and `expires_at`: never more than the token of this request has. */
export function readWish({ body, session, services, reading }: Authenticated): Wish {
  const { name, token_name, scopes, expires_at, ...rest } = body.values;
  const [unknown] = Object.keys(rest);
  if (unknown !== undefined)
    throw new Problem("invalid_field", `there is no field ${echo(unknown)} here`, "fields: name, scopes, expires_at");
  const plurals = [...services.db.dictionary.values()].map(({ plural }) => plural);
  return {
    name: readTokenName(name ?? token_name),
    scopes: readScopes(scopes, session.scopes, plurals),
    expiresAt: earlier(readExpiry(expires_at, reading), session.expiresAt),
  };
}

/** Mints a token for a workspace that its owner belongs to. */
export async function mint(context: Authenticated, workspaceId: string, wish = readWish(context)): Promise<Answer> {
  allowParameters(context.parameters, ["code"]);
  const { services, session, reading } = context;
  const { secret, ...made } = newToken(services, wish.name);
  const row: TokenRow = {
    ...made,
    userId: session.userId,
    workspaceId,
    scopes: wish.scopes,
    expiresAt: wish.expiresAt,
    parentId: session.tokenId,
  };
  await mintToken(services.db.pool, row, reading.now);
  return {
    is: "message",
    status: 201,
    message: `minted ${echo(wish.name)}; keep the token, it is shown once`,
    values: {
      token: secret,
      id: `token/${shortId(row.id)}`,
      workspace: `workspace/${shortId(workspaceId)}`,
      scopes: wish.scopes?.join(",") ?? null,
    },
    hints: [`DELETE /tokens/${shortId(row.id)} ends it`],
  };
}

export function readTokenName(name: unknown): string {
  if (name === undefined || name === null || name === "") return "default";
  if (typeof name === "string" && name.length <= 100 && storable(name)) return name;
  throw new Problem("invalid_value", "a token's name is a text of at most 100 characters", 'e.g. "Claude"');
}

function readScopes(value: unknown, own: Scopes, plurals: readonly string[]): Scopes {
  if (value === undefined || value === null || value === "") return own;
  const scopes = typeof value === "string" ? value.split(/[\s,]+/).filter(Boolean) : value;
  const hint = `scopes: ${VERBS.join(", ")}, or for one kind ${plurals.map((plural) => `${plural}.read`).join(", ")} (also .write, .delete)`;
  if (!Array.isArray(scopes) || scopes.length === 0) throw new Problem("invalid_value", "scopes is a list of scopes", hint);
  for (const scope of scopes) {
    if (typeof scope !== "string" || !isScope(scope, plurals))
      throw new Problem("invalid_value", `${echo(String(scope))} is no scope`, hint);
    if (!coversScope(own, scope)) {
      throw new Problem("scope_required", `this token has not the scope ${scope} to hand out`, `it has: ${own?.join(", ")}`);
    }
  }
  return [...new Set(scopes as string[])];
}

function readExpiry(value: unknown, reading: Authenticated["reading"]): number | null {
  if (value === undefined || value === null || value === "") return null;
  const moment = typeof value === "string" ? readMoment(value, reading) : undefined;
  if (moment && moment.from > reading.now) return moment.from;
  throw new Problem("invalid_value", "expires_at is a time to come", `e.g. +30d; ${TIME_FORMS}`);
}

const earlier = (a: number | null, b: number | null) => (a === null || b === null ? (a ?? b) : Math.min(a, b));

const ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";

/** `ck_` and 43 characters, 256 bits, of which only the keyed digest is kept. */
export function newToken(
  { ids, seal, random }: Services,
  name: string,
): { id: string; digest: string; name: string; secret: string } {
  const secret = `ck_${Array.from({ length: 43 }, () => ALPHABET[Math.floor(random() * ALPHABET.length)]).join("")}`;
  return { id: ids("tok"), digest: seal.digest("token", secret), name, secret };
}

async function revoke(context: Authenticated): Promise<Answer> {
  allowParameters(context.parameters, []);
  const { services, session, reading } = context;
  const reference = readId(context.path.id!);
  const within = session.scopes === null ? null : session.tokenId;
  const ids =
    reference?.prefix === "tok" ? await revokeToken(services.db.pool, session.userId, reference.key, within, reading.now) : [];
  const [id, ...minted] = ids;
  if (id === undefined)
    throw new Problem("not_found", `you have no token ${echo(context.path.id!)}`, "GET /tokens lists yours");
  for (const each of ids) services.forget(each);
  const along = minted.length > 0 ? ` and ${minted.length} minted with it` : "";
  return { is: "message", message: `revoked token/${shortId(id)}${along}`, values: { revoked: `token/${shortId(id)}` } };
}
