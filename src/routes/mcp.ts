import { mcpChallenge } from "../http/challenge.ts";
import { encodeProblem } from "../http/reply.ts";
import { answerMessage } from "../mcp/answer.ts";
import { toolsOf } from "../mcp/tools.ts";
import type { Dictionary } from "../records/define.ts";
import { manualPages } from "./help.ts";
import { version } from "./openapi.ts";
import { type Refuse, type Route, seenBaseUrl } from "./route.ts";

/**
 * The Model Context Protocol. There are no streams to GET and no sessions to DELETE, which is 405 as for any method a path does not know. A page
 * of another origin is refused in local mode, by the guard of every route; elsewhere any origin is good, for it is the token that counts and
 * no browser sends one by itself.
 */
export function mcpRoutes(dictionary: Dictionary): Route[] {
  const tools = toolsOf(dictionary);
  const pages = manualPages(dictionary);
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
        const { body, headers, author, session } = context;
        const baseUrl = seenBaseUrl(context);
        const { json, ...reply } = await answerMessage(body.text, headers, {
          version,
          baseUrl,
          tools,
          pages,
          async ask(request, client) {
            // Under which the history keeps what is changed.
            const agent = (headers["x-agent"] === undefined ? client : undefined) ?? author.agent ?? "";
            const answer = await ask(context, { ...request, headers: { ...request.headers, "user-agent": agent } });
            const [, lacking] = LACKING.exec(answer.headers["WWW-Authenticate"] ?? "") ?? [];
            if (lacking === undefined || session.audience === null) return answer;
            return { ...answer, challenge: mcpChallenge(baseUrl, "insufficient_scope", [...(session.scopes ?? []), lacking]) };
          },
        });
        return { is: "document", ...reply, type: JSON_TYPE, text: json };
      },
    },
  ];
}

/** What a refused request lacks, as `permit` says it. A token that no client asked a person for is not widened by asking again. */
const LACKING = /error="insufficient_scope", scope="([^"]*)"/;

const JSON_TYPE = "application/json; charset=utf-8";

/** Where a client learns how to get a token, and which. */
const refuse: Refuse = (problem, _format, requestId, baseUrl) => {
  const encoded = encodeProblem(problem, "json", requestId);
  if (problem.status !== 401) return encoded;
  const challenge = mcpChallenge(baseUrl, problem.code === "auth_required" ? undefined : "invalid_token");
  return { ...encoded, headers: { ...encoded.headers, "WWW-Authenticate": challenge } };
};
