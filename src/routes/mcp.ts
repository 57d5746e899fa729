import { mcpChallenge } from "../http/challenge.ts";
import { encodeProblem } from "../http/reply.ts";
import { answerMessage } from "../mcp/answer.ts";
import { toolsOf } from "../mcp/tools.ts";
import type { Dictionary } from "../records/define.ts";
import { manualPages } from "./help.ts";
import { version } from "./openapi.ts";
import { type Refuse, type Route, seenBaseUrl } from "./route.ts";

/** The Model Context Protocol. There are no streams to GET and no sessions to DELETE, which is 405 as for any method a path does not know. */
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
        const { body, headers, author } = context;
        const { status, json } = await answerMessage(body.text, headers, {
          version,
          baseUrl: seenBaseUrl(context),
          tools,
          pages,
          ask(request, client) {
            // Under which the history keeps what is changed.
            const agent = (headers["x-agent"] === undefined ? client : undefined) ?? author.agent ?? "";
            return ask(context, { ...request, headers: { ...request.headers, "user-agent": agent } });
          },
        });
        return { is: "document", status, type: JSON_TYPE, text: json };
      },
    },
  ];
}

const JSON_TYPE = "application/json; charset=utf-8";

/** Where a client learns how to get a token, and which. */
const refuse: Refuse = (problem, _format, requestId, baseUrl) => {
  const encoded = encodeProblem(problem, "json", requestId);
  if (problem.status !== 401) return encoded;
  const challenge = mcpChallenge(baseUrl, problem.code === "auth_required" ? undefined : "invalid_token");
  return { ...encoded, headers: { ...encoded.headers, "WWW-Authenticate": challenge } };
};
