import { authenticate, type SessionCache } from "./authenticate.ts";
import { readContext } from "./context.ts";
import type { Session } from "./db/sessions.ts";
import { single } from "./derive/query.ts";
import { readValues } from "./derive/values.ts";
import { acceptedFormat, type Format } from "./http/accept.ts";
import { readBody } from "./http/body.ts";
import { guardLocal, guardOneHost } from "./http/guard.ts";
import { createLimiter } from "./http/limits.ts";
import { type Answer, type Encoded, encode, encodeProblem } from "./http/reply.ts";
import type { Request } from "./http/request.ts";
import { createRouter } from "./http/router.ts";
import { readTarget, type Target } from "./http/target.ts";
import { echo } from "./kit/line.ts";
import { Problem } from "./kit/problem.ts";
import { zone } from "./kit/time.ts";
import { permit } from "./permit.ts";
import { token } from "./records/token.ts";
import { workspace } from "./records/workspace.ts";
import { type Authenticated, allowParameters, type Context, type Route, type Services } from "./routes/route.ts";
import { createRoutes } from "./routes/table.ts";

export const BODY_LIMIT = 1_048_576;

/** `asker`: in whose handler the request was made. Who that is is known, and what they sent is counted. */
export type App = (request: Request, asker?: Authenticated) => Promise<Encoded>;

/** The path of one request: match, authenticate, parse, run, encode. Never rejects: what goes wrong is an answer too. */
export function createApp(services: Services, sessions: SessionCache): App {
  const { dictionary } = services.db;
  const aliases = new Map([...dictionary.values(), token, workspace].map(({ name, plural }) => [name, plural]));
  const match = createRouter(createRoutes(dictionary), aliases);
  const plurals = new Set([...dictionary.values()].map(({ plural }) => plural));
  const limiter = createLimiter({ quota: services.config.rate, seconds: 60 });

  return async (request, asker) => {
    const requestId = asker?.requestId ?? services.ids("req");
    const headers: Record<string, string> = { Vary: "Accept", "X-Request-Id": requestId };
    const begun = performance.now();
    let format = acceptedFormat(request.headers.accept);
    let place = "none";
    let refuse = encodeProblem;
    let caller: string | undefined;
    try {
      guardOneHost(request);
      if (!services.mail) guardLocal(request, services.baseUrl);
      const target = readTarget(request.target);
      format = readFormat(target, format);
      const { route, path } = match(request.method, target.segments);
      place = route.path;
      refuse = route.refuse ?? encodeProblem;
      const context = readContext(services, request, requestId, target, path, format);
      const encoded = await (route.open
        ? run(await enter(context, route), route.handle)
        : run(await enterKnown(context, route), route.handle));
      return finish(notModified(request, encoded));
    } catch (error) {
      const problem = error instanceof Problem ? error : new Problem("internal", "the service failed", [], { cause: error });
      if (problem.status >= 500) logFault(services, requestId, request, problem);
      return finish(refuse(told(problem, requestId), format, requestId));
    }

    async function enter(stranger: Context, route: Route): Promise<Context> {
      if (!asker) Object.assign(headers, limiter.take(stranger.address, stranger.reading.now));
      return receive(route, stranger, request);
    }

    async function enterKnown(stranger: Context, route: Route): Promise<Authenticated> {
      const session = asker?.session ?? (await known(stranger));
      caller = session.tokenId;
      permit(session, route, plurals);
      return receive(route, withSession(stranger, session), request);
    }

    async function known(stranger: Context): Promise<Session> {
      const { address, reading } = stranger;
      const session = await authenticate(stranger, sessions, () => limiter.take(address, reading.now));
      Object.assign(headers, limiter.take(session.tokenId, reading.now));
      return session;
    }

    function finish(encoded: Encoded): Encoded {
      const ms = performance.now() - begun;
      services.metrics.observe(request.method, place, encoded.status, ms / 1000);
      if (services.config.accessLog) {
        services.log.info("request", {
          request_id: requestId,
          method: request.method,
          route: place,
          status: encoded.status,
          ms: ms.toFixed(1),
          token_id: caller,
        });
      }
      return { ...encoded, headers: { ...encoded.headers, ...headers } };
    }
  };
}

/** In the style of who asks, as they are known by now: times are shown in their workspace's zone. */
async function run<C extends Context>(context: C, handle: (context: C) => Promise<Answer> | Answer): Promise<Encoded> {
  return encode(await handle(context), context.style);
}

function readFormat({ parameters, segments }: Target, accepted: Format): Format {
  // Whoever looks for metadata (RFC 8615) takes nothing but JSON, and mostly forgets to say so.
  if (segments[0] === ".well-known") return "json";
  const asked = single(parameters, "format");
  if (asked === undefined) return accepted;
  if (asked === "text" || asked === "json") return asked;
  throw new Problem("invalid_value", `format cannot be ${echo(asked)}`, "format=text or format=json");
}

/** Takes what the route declares and nothing else. Filters and the fields of a record are held against the definition by the handler. */
async function receive<C extends Context>(route: Route, context: C, request: Request): Promise<C> {
  allowParameters(route, context.parameters);
  const received = await withBody(context, request);
  if (route.body?.is !== "values") return received;
  const values = readValues(route.body, received.body.values, context.reading);
  return { ...received, body: { ...received.body, values } };
}

async function withBody<C extends Context>(context: C, request: Request): Promise<C> {
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

/** From here on it is known who asks, in which workspace, and in which time zone. */
function withSession(context: Context, session: Session): Authenticated {
  const place = zone(session.timezone);
  return {
    ...context,
    session,
    style: { ...context.style, showing: { zone: place } },
    reading: { ...context.reading, zone: place, me: session.email },
    author: { ...context.author, workspaceId: session.workspaceId, actor: session.email, tokenId: session.tokenId },
  };
}

/** If-None-Match (RFC 9110, section 13.1.2): the weak comparison, so that a proxy's `W/` does not matter. */
function notModified(request: Request, encoded: Encoded): Encoded {
  const etag = encoded.headers.ETag;
  const known = request.headers["if-none-match"];
  if (!etag || !known || (request.method !== "GET" && request.method !== "HEAD")) return encoded;
  const matches = known.trim() === "*" || known.split(",").some((tag) => tag.trim().replace(/^W\//, "") === etag);
  return matches ? { status: 304, headers: { ETag: etag }, body: "" } : encoded;
}

function logFault({ log }: Services, requestId: string, request: Request, problem: Problem): void {
  const cause = problem.cause instanceof Error ? (problem.cause.stack ?? problem.cause.message) : undefined;
  log.error("fault", {
    request_id: requestId,
    method: request.method,
    path: request.target.split("?")[0],
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
