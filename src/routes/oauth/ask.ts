import { mcpResource, USUAL_SCOPES } from "../../http/challenge.ts";
import { echo } from "../../kit/line.ts";
import { isScope, VERBS } from "../../kit/scope.ts";
import { type Context, seenBaseUrl } from "../../service/route.ts";
import type { Client } from "./clients.ts";
import { OAuthRefusal } from "./refusal.ts";

/** The redirect URI, state and issuer with which a request is answered. */
export type ReplyTarget = { redirectUri: string; state: string | undefined; issuer: string };

/** An authorization request of a program. */
export type Ask = ReplyTarget & { client: Pick<Client, "id" | "name" | "host">; challenge: string; scopes: readonly string[] };

/** The URL that takes the answer to the program. `iss` names the issuer (RFC 9207). */
export function answerLocation({ redirectUri, state, issuer }: ReplyTarget, answer: Record<string, string>): string {
  const query = new URLSearchParams({ ...answer, ...(state === undefined ? {} : { state }), iss: issuer });
  return `${redirectUri}${redirectUri.includes("?") ? "&" : "?"}${query}`;
}

/** Checks the rest of an authorization request, once its client and redirect URI are known. */
export function readAsk(context: Context, asked: Record<string, string>): Pick<Ask, "challenge" | "scopes"> {
  const { response_type, response_mode = "query", code_challenge: challenge = "", code_challenge_method, scope } = asked;
  if (response_type === undefined) throw new OAuthRefusal("invalid_request", "response_type is missing");
  if (response_type !== "code") throw new OAuthRefusal("unsupported_response_type", "response_type must be code");
  if (response_mode !== "query") throw new OAuthRefusal("invalid_request", "response_mode must be query");
  if (!/^[\w-]{43}$/.test(challenge) || code_challenge_method !== "S256")
    throw new OAuthRefusal("invalid_request", "PKCE is required: code_challenge, and code_challenge_method=S256");
  for (const [name, value] of context.parameters) if (name === "resource") checkResource(context, value);
  const plurals = context.db.catalog.kinds.map(({ plural }) => plural);
  return { challenge, scopes: readScope(scope, plurals) };
}

/** Checks the resource (RFC 8707). There is only one, so a request without one means it. */
export function checkResource(context: Context, resource: string): void {
  const ours = [mcpResource(seenBaseUrl(context)), mcpResource(context.services.baseUrl)];
  if (URL.canParse(resource) && ours.includes(new URL(resource).href.replace(/\/$/, ""))) return;
  throw new OAuthRefusal("invalid_target", `the resource is ${ours[0]}, and not ${echo(resource)}`);
}

/** Reads scopes. Unknown ones, such as `openid` or `offline_access`, are ignored as long as one is ours. */
function readScope(scope: string | undefined, plurals: readonly string[]): readonly string[] {
  const asked = [...new Set(scope?.split(" ").filter(Boolean))];
  const known = asked.filter((each) => isScope(each, plurals));
  if (asked.length === 0) return USUAL_SCOPES;
  if (known.length > 0) return known;
  throw new OAuthRefusal("invalid_scope", `scopes are ${VERBS.join(", ")}, or of one kind as contacts.read`);
}
