import { z } from "zod";
import {
  listTokens,
  mintToken,
  revokeToken,
  type Session,
  type TokenRow,
  type Unminted,
  type Within,
} from "../../db/people/sessions.ts";
import type { OperationAnswer, OperationBody } from "../../derive/operation.ts";
import { createWholeView } from "../../derive/view.ts";
import { tagsType } from "../../fields/collections.ts";
import type { FieldType, Reading } from "../../fields/type.ts";
import { phrase, required, text, time } from "../../fields/vocabulary.ts";
import type { Answer } from "../../http/reply.ts";
import { readId, shortId } from "../../kit/id.ts";
import { echo } from "../../kit/line.ts";
import { TIME_FORMS } from "../../kit/moments.ts";
import { Problem } from "../../kit/problem.ts";
import { covers, coversScope, isScope, type Scopes, VERBS, type Verb } from "../../kit/scope.ts";
import { newSecret, SECRETS } from "../../kit/secret.ts";
import { showInstant } from "../../kit/time.ts";
import type { Authenticated, Route, Services } from "../../service/route.ts";
import { token } from "../../views/token.ts";
import { listAnswer } from "../lists.ts";
import { unknownWorkspace } from "./authority.ts";

/** `.write, .create …`: what a scope of one kind may be besides reading it. */
const OF_ONE_KIND = VERBS.filter((verb) => verb !== "read" && verb !== "admin")
  .map((verb) => `.${verb}`)
  .join(", ");

const scopesKind: FieldType = {
  ...tagsType,
  name: "scopes",
  expects: "a list of scopes such as read,contacts.write",
  fromText: (text) => text.split(/[\s,]+/).filter(Boolean),
  schema: z.array(z.string()).min(1).max(100),
};

/** The fields of a request for a token. */
export const WISH: OperationBody = {
  is: "values",
  values: {
    name: phrase({ about: "who uses it" }, 100),
    token_name: phrase({ about: "the same as name" }, 100),
    scopes: { type: scopesKind, about: `what it may do at most: ${VERBS.join(", ")}, or of one kind, e.g. contacts.read` },
    expires_at: time({ about: "when it ends; never later than the token that mints it" }),
  },
  example: { name: "nightly import", scopes: ["contacts.read", "contacts.write"], expires_at: "+30d" },
};

export const MINTED: OperationAnswer = {
  is: "message",
  statuses: [201],
  values: {
    token: required(text({ about: "the token, shown once" })),
    id: required(text({ about: "its handle" })),
    workspace: required(text({ about: "the workspace it acts in" })),
    scopes: text({ about: "what it may do at most" }),
    expires_at: time({ about: "when it ends in any case" }),
  },
};

export const tokenRoutes: Route[] = [
  {
    method: "GET",
    path: "/tokens",
    about: "list your tokens",
    needs: "member",
    answers: { is: "list", of: [token] },
    handle: list,
  },
  {
    method: "POST",
    path: "/tokens",
    about: "mint a token that may do less",
    needs: "member",
    body: WISH,
    answers: MINTED,
    keyed: true,
    handle: (context) => mint(context, context.session.workspaceId),
  },
  {
    method: "DELETE",
    path: "/tokens/{id}",
    about: "end a token, and all that were minted with it",
    needs: "member",
    answers: { is: "message", values: { revoked: required(text({ about: "its handle" })) } },
    handle: revoke,
  },
];

async function list(context: Authenticated): Promise<Answer> {
  const { services, session, reading } = context;
  const idleSince = reading.now - services.config.tokenDays * 86_400_000;
  const within = session.scopes === null ? null : session.workspaceId;
  const rows = await listTokens(services.db.pool, session.userId, session.tokenId, within, idleSince, reading.now);
  return listAnswer(createWholeView(token), { rows, more: false });
}

/** A request for a token, parsed. */
export type Wish = { name: string; scopes: Scopes; expiresAt: number | null };

/** Reads `token_name`/`name`, `scopes` and `expires_at`. The new token never exceeds the token of this request. */
export function readWish({ db, body, session, reading }: Authenticated): Wish {
  const { name, token_name, scopes, expires_at } = body.values as Record<string, string | null | undefined>;
  const plurals = db.catalog.kinds.map(({ plural }) => plural);
  return {
    name: name ?? token_name ?? "default",
    scopes: readScopes(scopes as readonly string[] | null | undefined, session.scopes, plurals),
    expiresAt: earlier(readExpiry(expires_at, reading), session.expiresAt),
  };
}

/** Mints a token for a workspace of its owner. */
export async function mint(context: Authenticated, workspaceId: string, wish = readWish(context)): Promise<Answer> {
  const { services, db, session, reading, style } = context;
  if (session.audience !== null)
    throw new Problem(
      "scope_required",
      `this token is for ${session.audience}, and would mint one that works everywhere`,
      "the user signs in with a mailed code for one that mints others, outside of this program: GET /help/auth",
    );
  const { secret, ...made } = newToken(services, wish.name);
  const row: TokenRow = {
    ...made,
    userId: session.userId,
    workspaceId,
    scopes: wish.scopes,
    expiresAt: wish.expiresAt,
    parentId: session.tokenId,
  };
  const unminted = await mintToken(db.pool, row, reading.now);
  if (unminted !== undefined) throw refusalOf(unminted, workspaceId);
  return {
    is: "message",
    status: 201,
    message: `minted ${echo(wish.name)}; keep the token, it is shown once`,
    values: {
      token: secret,
      id: `token/${shortId(row.id)}`,
      workspace: `workspace/${shortId(workspaceId)}`,
      scopes: wish.scopes?.join(",") ?? null,
      expires_at: wish.expiresAt === null ? null : showInstant(wish.expiresAt, style.showing.zone),
    },
    hints: [`DELETE /tokens/${shortId(row.id)} ends it`, ...readsNothing(wish.scopes)],
  };
}

/** What a proposal changes, and what has become of it, is for those who read. */
function readsNothing(scopes: Scopes): string[] {
  const has = (verb: Verb) => scopes?.some((scope) => scope === verb || scope.endsWith(`.${verb}`));
  return has("propose") && !has("read") ? ['it sees no record, nor its own proposals: {"scopes":["read","propose"]} does'] : [];
}

/**
 * The refusal of a token that was not made. The parent or the membership ended meanwhile, or this process has cached an outdated
 * session.
 */
function refusalOf(unminted: Unminted, workspaceId: string): Problem {
  if (unminted === "left") return unknownWorkspace(`workspace/${shortId(workspaceId)}`);
  return new Problem(
    "invalid_token",
    "the token was revoked while it minted another, and none was made",
    "sign in: POST /auth/request",
  );
}

function readScopes(scopes: Scopes | undefined, own: Scopes, plurals: readonly string[]): Scopes {
  if (!scopes) return own;
  const hint = `scopes: ${VERBS.join(", ")}, or for one kind ${plurals.map((plural) => `${plural}.read`).join(", ")} (also ${OF_ONE_KIND})`;
  for (const scope of scopes) {
    if (!isScope(scope, plurals)) throw new Problem("invalid_value", `${echo(scope)} is no scope`, hint);
    if (!coversScope(own, scope)) {
      throw new Problem("scope_required", `this token has not the scope ${scope} to hand out`, `it has: ${own?.join(", ")}`);
    }
  }
  return [...new Set(scopes)];
}

function readExpiry(timestamp: string | null | undefined, { now }: Reading): number | null {
  if (!timestamp) return null;
  const at = Date.parse(timestamp);
  if (at > now) return at;
  throw new Problem("invalid_value", "expires_at is a time to come", `e.g. +30d; ${TIME_FORMS}`);
}

const earlier = (a: number | null, b: number | null) => (a === null || b === null ? (a ?? b) : Math.min(a, b));

/** Makes a token. Only the keyed digest of its secret is stored. */
export function newToken(
  { ids, seal, random }: Pick<Services, "ids" | "seal" | "random">,
  name: string,
): { id: string; digest: string; name: string; secret: string } {
  const secret = SECRETS.token + newSecret(random);
  return { id: ids("tok"), digest: seal.digest("token", secret), name, secret };
}

async function revoke(context: Authenticated): Promise<Answer> {
  const { services, session, reading } = context;
  const reference = readId(context.path.id!, token);
  const within = reachOf(session);
  const ids =
    reference?.prefix === "tok" ? await revokeToken(services.db.pool, session.userId, reference.key, within, reading.now) : [];
  const [id, ...minted] = ids;
  if (id === undefined) throw unknownToken(context);
  for (const each of ids) services.forget(each);
  const descendants = minted.length > 0 ? ` and ${minted.length} minted with it` : "";
  return { is: "message", message: `revoked token/${shortId(id)}${descendants}`, values: { revoked: `token/${shortId(id)}` } };
}

function unknownToken({ session, path }: Authenticated): Problem {
  const within = reachOf(session);
  if (within && "tokenId" in within)
    return new Problem(
      "scope_required",
      "a token without the scope admin reaches only itself and those minted with it",
      "use one that may do everything",
    );
  return new Problem("not_found", `you have no token ${echo(path.id!)}`, "GET /tokens lists yours");
}

function reachOf({ scopes, tokenId, workspaceId }: Session): Within | undefined {
  if (scopes === null) return undefined;
  return covers(scopes, "admin") ? { workspaceId } : { tokenId };
}
