import { mcpResource, USUAL_SCOPES } from "../../http/challenge.ts";
import { echo } from "../../kit/line.ts";
import { isScope } from "../../kit/scope.ts";
import { type Context, seenBaseUrl } from "../../service/route.ts";
import type { Client } from "./clients.ts";
import { OAuthRefusal } from "./refusal.ts";

/** Whom to answer, where, and what they want to hear again. */
export type Asker = { redirectUri: string; state: string | undefined; issuer: string };

/** What a program asks a person for. */
export type Ask = Asker & { client: Pick<Client, "id" | "name" | "host">; challenge: string; scopes: readonly string[] };

/** Where the person's browser takes the answer. `iss` tells the program whose answer it is (RFC 9207). */
export function answerLocation({ redirectUri, state, issuer }: Asker, answer: Record<string, string>): string {
  const query = new URLSearchParams({ ...answer, ...(state === undefined ? {} : { state }), iss: issuer });
  return `${redirectUri}${redirectUri.includes("?") ? "&" : "?"}${query}`;
}

/** The rest of an authorization request, once it is known whom to answer. */
export function readAsk(context: Context, asked: Record<string, string>): Pick<Ask, "challenge" | "scopes"> {
  const { response_type, response_mode = "query", code_challenge: challenge = "", code_challenge_method, scope } = asked;
  if (response_type === undefined) throw new OAuthRefusal("invalid_request", "response_type is missing");
  if (response_type !== "code") throw new OAuthRefusal("unsupported_response_type", "response_type must be code");
  if (response_mode !== "query") throw new OAuthRefusal("invalid_request", "response_mode must be query");
  if (!/^[\w-]{43}$/.test(challenge) || code_challenge_method !== "S256")
    throw new OAuthRefusal("invalid_request", "PKCE is required: code_challenge, and code_challenge_method=S256");
  for (const [name, value] of context.parameters) if (name === "resource") checkResource(context, value);
  const plurals = context.services.db.catalog.kinds.map(({ plural }) => plural);
  return { challenge, scopes: readScope(scope, plurals) };
}

/** There is one thing to ask a token for (RFC 8707), and what names none means it. */
export function checkResource(context: Context, resource: string): void {
  const ours = [mcpResource(seenBaseUrl(context)), mcpResource(context.services.baseUrl)];
  if (URL.canParse(resource) && ours.includes(new URL(resource).href.replace(/\/$/, ""))) return;
  throw new OAuthRefusal("invalid_target", `the resource is ${ours[0]}, and not ${echo(resource)}`);
}

/** Scopes of others, `openid` or `offline_access`, are passed over as long as one of ours is among them. */
function readScope(scope: string | undefined, plurals: readonly string[]): readonly string[] {
  const asked = [...new Set(scope?.split(" ").filter(Boolean))];
  const known = asked.filter((each) => isScope(each, plurals));
  if (asked.length === 0) return USUAL_SCOPES;
  if (known.length > 0) return known;
  throw new OAuthRefusal("invalid_scope", "scopes are read, write, delete and admin, or of one kind as contacts.read");
}
