import { html, page, redirect } from "../../http/html.ts";
import type { Answer } from "../../http/reply.ts";
import { echo } from "../../kit/line.ts";
import { Problem } from "../../kit/problem.ts";
import { sameRedirectUri, shownRedirect } from "../../kit/redirectUri.ts";
import { type Context, type Route, seenBaseUrl } from "../../service/route.ts";
import { answerLocation, type ReplyTarget, readAsk } from "./ask.ts";
import { type Client, findOAuthClient } from "./clients.ts";
import { begin, proceed } from "./consent.ts";
import { AUTHORIZE } from "./metadata.ts";
import { describe, OAuthRefusal, refuseToPerson } from "./refusal.ts";

const CONSENT = {
  path: AUTHORIZE,
  open: true,
  standard: "OAuth 2.1",
  answers: { is: "document", type: "text/html; charset=utf-8" },
  refuse: refuseToPerson,
} as const;

export const authorizeRoutes: Route[] = [
  { ...CONSENT, method: "GET", about: "the page where a person lets a program in", handle: authorize },
  { ...CONSENT, method: "POST", about: "the forms of that page", handle: proceed },
];

/**
 * Begins an authorization (OAuth 2.1, section 4.1.1). A wrong client or redirect URI is shown to the person only; redirecting to
 * an unchecked URI would be an open redirect.
 */
async function authorize(context: Context): Promise<Answer> {
  const { parameters } = context;
  const asked: Record<string, string> = Object.fromEntries(parameters.filter(([, value]) => value !== ""));
  const client = await findOAuthClient(context, asked.client_id ?? "");
  if (!client)
    throw new Problem(
      "bad_request",
      "this server does not know the program that sent you here",
      "it may have been forgotten because nobody let it in for long",
    );
  const { id, name, host } = client;
  const target = {
    redirectUri: chooseRedirectUri(client, asked.redirect_uri),
    state: asked.state,
    issuer: seenBaseUrl(context),
  };
  try {
    refuseRepeated(parameters.map(([name]) => name).filter((name) => name !== "resource"));
    return begin(context, { ...target, client: { id, name, host }, ...readAsk(context, asked) });
  } catch (error) {
    if (error instanceof OAuthRefusal) return report(target, error);
    throw error;
  }
}

function chooseRedirectUri({ redirectUris }: Client, asked: string | undefined): string {
  const [only, ...others] = redirectUris as [string, ...string[]];
  if (asked === undefined && others.length === 0) return only;
  if (asked !== undefined && redirectUris.some((registered) => sameRedirectUri(registered, asked))) return asked;
  throw new Problem(
    "bad_request",
    "the program that sent you here wants the answer sent where it has not registered to be",
    asked === undefined ? "it named no redirect_uri" : `it named ${echo(asked, 200)}`,
  );
}

function refuseRepeated(names: readonly string[]): void {
  const repeated = names.find((name, i) => names.indexOf(name) !== i);
  if (repeated !== undefined) throw new OAuthRefusal("invalid_request", `${echo(repeated)} stands there twice`);
}

/**
 * Reports a faulty request to the program. Anybody may register a web site, so an automatic redirect would be an open redirect.
 * The person sees the target and decides (RFC 9700, section 4.11.2).
 */
function report(target: ReplyTarget, refusal: OAuthRefusal): Answer {
  const location = answerLocation(target, { error: refusal.error, error_description: describe(refusal) });
  if (!/^https:/i.test(target.redirectUri)) return redirect(location);
  return page(
    "This did not work",
    html`<h1>This did not work</h1>
<p class="alert" role="alert">The program that sent you here asked for something that this server does not do: ${refusal.message}.</p>
<p><a href="${location}">Go back to ${shownRedirect(target.redirectUri)}</a></p>`,
    { status: refusal.status },
  );
}
