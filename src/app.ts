import type { IncomingMessage } from "node:http";
import { authenticate, createSessionCache, type SessionCache } from "./authenticate.ts";
import { single } from "./derive/query.ts";
import { acceptedFormat, type Format } from "./http/accept.ts";
import { NO_BODY, readBody } from "./http/body.ts";
import { type Encoded, encode, encodeProblem } from "./http/reply.ts";
import { createRouter } from "./http/router.ts";
import { readTarget, type Target } from "./http/target.ts";
import { echo } from "./kit/line.ts";
import { Problem } from "./kit/problem.ts";
import { zone } from "./kit/time.ts";
import { storable } from "./records/kinds.ts";
import type { Context, Services } from "./routes/route.ts";
import { createRoutes } from "./routes/table.ts";

export const BODY_LIMIT = 1_048_576;

export type App = (request: IncomingMessage) => Promise<Encoded>;

/** The path of one request: match, authenticate, parse, run, encode. Never rejects: what goes wrong is an answer too. */
export function createApp(given: Omit<Services, "forgetToken">): App {
  const sessions = createSessionCache();
  const services: Services = { ...given, forgetToken: sessions.forget };
  const { dictionary } = services.db;
  const aliases = new Map([...dictionary.values()].map((definition) => [definition.name, definition.plural]));
  const match = createRouter(createRoutes(dictionary), aliases);

  return async (request) => {
    const requestId = services.ids("req");
    let format = acceptedFormat(request.headers.accept);
    const finish = (encoded: Encoded): Encoded => ({
      ...encoded,
      headers: { ...encoded.headers, Vary: "Accept", "X-Request-Id": requestId },
    });
    try {
      guardHost(request, services);
      const target = readTarget(request.url ?? "/");
      format = readFormat(target, format);
      const { route, path } = match(request.method ?? "GET", target.segments);
      const context = readContext(services, request, requestId, target, path, format);
      const answer = route.open
        ? await route.handle(await withBody(context, request))
        : await route.handle(await withSession(context, request, sessions));
      return finish(notModified(request, encode(answer, context.style)));
    } catch (error) {
      const problem = error instanceof Problem ? error : new Problem("internal", "the service failed", [], { cause: error });
      if (problem.status >= 500) logFault(services, requestId, request, problem);
      return finish(encodeProblem(told(problem, requestId), format, requestId));
    }
  };
}

/**
 * In local mode anyone who reaches the port may sign in, so a web page must not: not by its own origin, nor by a name of its own that it
 * made resolve to this machine (DNS rebinding).
 */
function guardHost(request: IncomingMessage, { config, baseUrl }: Services): void {
  const hosts = request.rawHeaders.filter((name, i) => i % 2 === 0 && name.toLowerCase() === "host").length;
  if (hosts > 1) throw new Problem("bad_request", "there are two Host headers", "send one");
  if (config.sendmail) return;
  const host = (request.headers.host ?? "localhost").replace(/:\d+$/, "").toLowerCase();
  const known = ["localhost", "127.0.0.1", "[::1]", new URL(baseUrl).hostname];
  if (!known.includes(host) && !/^127\.\d+\.\d+\.\d+$/.test(host)) {
    throw new Problem("forbidden_origin", `this server does not answer for the host ${echo(host)}`, `use ${baseUrl}`);
  }
  const { origin } = request.headers;
  if (origin !== undefined && !(URL.canParse(origin) && known.includes(new URL(origin).hostname))) {
    throw new Problem(
      "forbidden_origin",
      `this server takes no requests from pages of ${echo(origin)}`,
      "call it from a program, not from a web page",
    );
  }
}

function readFormat({ parameters }: Target, accepted: Format): Format {
  const asked = single(parameters, "format");
  if (asked === undefined) return accepted;
  if (asked === "text" || asked === "json") return asked;
  throw new Problem("invalid_value", `format cannot be ${echo(asked)}`, "format=text or format=json");
}

function readContext(
  services: Services,
  request: IncomingMessage,
  requestId: string,
  target: Target,
  path: Record<string, string>,
  format: Format,
): Context {
  const { headers } = request;
  const now = services.now();
  const utc = zone("UTC");
  const reason = readNote("reason", single(target.parameters, "reason") ?? utf8Header(headers["x-reason"]), 500);
  const agent = readNote("agent", utf8Header(headers["x-agent"]) ?? utf8Header(headers["user-agent"])?.slice(0, 200), 200);
  return {
    services,
    requestId,
    address: addressOf(request, services.config.trustProxy),
    path,
    parameters: target.parameters,
    body: NO_BODY,
    style: { format, pretty: readPretty(target), showing: { zone: utc } },
    reading: { now, zone: utc, me: "" },
    author: { workspaceId: "", actor: "", tokenId: null, agent, reason, requestId, now },
    ifMatch: readIfMatch(headers["if-match"]),
    authorization: headers.authorization,
  };
}

function readPretty({ parameters }: Target): boolean {
  const pretty = single(parameters, "pretty");
  return pretty !== undefined && pretty !== "false" && pretty !== "0";
}

/** Node reads headers as Latin-1; what shells send is UTF-8. */
function utf8Header(value: string | string[] | undefined): string | undefined {
  return value === undefined ? undefined : Buffer.from(String(value), "latin1").toString("utf8");
}

function readNote(name: string, text: string | undefined, most: number): string | null {
  if (text === undefined || text === "") return null;
  if (text.length <= most && storable(text)) return text;
  throw new Problem("invalid_value", `the ${name} is longer than ${most} characters or not text`, `shorten the ${name}`);
}

function addressOf(request: IncomingMessage, trustProxy: boolean): string {
  const forwarded = trustProxy
    ? String(request.headers["x-forwarded-for"] ?? "")
        .split(",")
        .at(-1)
        ?.trim()
    : "";
  return forwarded || request.socket.remoteAddress || "unknown";
}

/** The version an ETag of ours begins with; `*` asks for none in particular. A weak tag never matches (RFC 9110, section 13.1.1). */
function readIfMatch(header: string | undefined): number | undefined {
  if (header === undefined || header.trim() === "*") return undefined;
  const version = /^"?(\d{1,9})(-[^"]*)?"?$/.exec(header.trim())?.[1];
  if (version) return Number(version);
  throw new Problem(
    "version_conflict",
    `If-Match ${echo(header)} is no version of this record`,
    "send the ETag that the record came with",
  );
}

async function withBody<C extends Context>(context: C, request: IncomingMessage): Promise<C> {
  const takes = request.method === "POST" || request.method === "PATCH";
  const sent = request.headers["transfer-encoding"] !== undefined || Number(request.headers["content-length"] ?? 0) > 0;
  if (takes) return { ...context, body: await readBody(request, BODY_LIMIT) };
  if (sent)
    throw new Problem(
      "bad_request",
      `${request.method} takes no body`,
      "put parameters behind a ? in the address: curl -G -d name=value",
      { headers: { Connection: "close" } },
    );
  return context;
}

async function withSession(context: Context, request: IncomingMessage, cache: SessionCache) {
  const session = await authenticate(context, cache);
  const place = zone(session.timezone);
  const known = {
    ...context,
    session,
    style: { ...context.style, showing: { zone: place } },
    reading: { ...context.reading, zone: place, me: session.email },
    author: { ...context.author, workspaceId: session.workspaceId, actor: session.email, tokenId: session.tokenId },
  };
  return withBody(known, request);
}

/** If-None-Match (RFC 9110, section 13.1.2): the weak comparison, so that a proxy's `W/` does not matter. */
function notModified(request: IncomingMessage, encoded: Encoded): Encoded {
  const etag = encoded.headers.ETag;
  const known = request.headers["if-none-match"];
  if (!etag || !known || (request.method !== "GET" && request.method !== "HEAD")) return encoded;
  const matches = known.trim() === "*" || known.split(",").some((tag) => tag.trim().replace(/^W\//, "") === etag);
  return matches ? { status: 304, headers: { ETag: etag }, body: "" } : encoded;
}

function logFault({ log }: Services, requestId: string, request: IncomingMessage, problem: Problem): void {
  const cause = problem.cause instanceof Error ? (problem.cause.stack ?? problem.cause.message) : undefined;
  log.error("fault", {
    request_id: requestId,
    method: request.method,
    path: request.url?.split("?")[0],
    code: problem.code,
    message: problem.message,
    cause,
  });
}

/** The inside of a fault stays in the log. */
function told(problem: Problem, requestId: string): Problem {
  if (problem.code !== "internal") return problem;
  return new Problem(
    "internal",
    "the service failed; nothing is known to have changed",
    `tell who runs it the request id ${requestId}, then read before you repeat`,
  );
}
