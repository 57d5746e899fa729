import { json as jsonFormat } from "../formats/json.ts";
import { mcpChallenge } from "../http/challenge.ts";
import { type Encoded, encodeProblem } from "../http/reply.ts";
import type { InnerRequest } from "../http/request.ts";
import { type Asked, answerMessage } from "../mcp/answer.ts";
import { toolsOf } from "../mcp/tools.ts";
import type { Catalog } from "../records/catalog.ts";
import { type Authenticated, type Refuse, type Route, seenBaseUrl } from "../service/route.ts";
import { manualPages } from "./help.ts";
import { version } from "./openapi.ts";

/**
 * The Model Context Protocol. There are no streams to GET and no sessions to DELETE, which is 405 as for any method a path does not know. A page
 * of another origin is refused in local mode, by the guard of every route; elsewhere any origin is good, for it is the token that counts and
 * no browser sends one by itself.
 */
export function mcpRoutes(catalog: Catalog): Route[] {
  const tools = toolsOf(catalog);
  const pages = manualPages(catalog);
  return [
    {
      method: "POST",
      path: "/mcp",
      about: "all of this for chat clients: see /help/mcp",
      standard: "MCP 2026-07-28",
      needs: "member",
      raw: true,
      answers: { is: "json" },
      refuse,
      async handle(context, ask) {
        const { json, ...reply } = await answerMessage(context.body.text, context.headers, {
          version,
          baseUrl: seenBaseUrl(context),
          tools,
          pages,
          ask: async (request, client, counted) =>
            challenged(context, await ask(context, signed(context, request, client), counted)),
        });
        return { is: "document", ...reply, type: JSON_TYPE, text: json };
      },
    },
  ];
}

/**
 * The history keeps what is changed under the name that the client gives itself, now or when a person let it in, unless X-Agent gives another.
 */
function signed({ headers, author, session }: Authenticated, request: InnerRequest, client: string | undefined): InnerRequest {
  const named = client ?? (session.audience === null ? undefined : session.tokenName);
  const agent = (headers["x-agent"] === undefined ? named : undefined) ?? author.agent ?? "";
  return { ...request, headers: { ...request.headers, "user-agent": agent } };
}

/** A token that was asked of a person can be widened by asking again; one that the person made is as narrow as they wanted it. */
function challenged(context: Authenticated, answer: Encoded): Asked {
  const { audience, scopes } = context.session;
  const [, lacking] = LACKING.exec(answer.headers["WWW-Authenticate"] ?? "") ?? [];
  if (lacking === undefined || audience === null) return answer;
  return { ...answer, challenge: mcpChallenge(seenBaseUrl(context), "insufficient_scope", [...(scopes ?? []), lacking]) };
}

/** As `permit` says it. */
const LACKING = /error="insufficient_scope", scope="([^"]*)"/;

const JSON_TYPE = "application/json; charset=utf-8";

/** Where a client learns how to get a token, and which. */
const refuse: Refuse = (problem, _format, requestId, baseUrl) => {
  const encoded = encodeProblem(problem, jsonFormat, requestId);
  if (problem.status !== 401) return encoded;
  const challenge = mcpChallenge(baseUrl, problem.code === "auth_required" ? undefined : "invalid_token");
  return { ...encoded, headers: { ...encoded.headers, "WWW-Authenticate": challenge } };
};
