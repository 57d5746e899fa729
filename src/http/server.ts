import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { Socket } from "node:net";
import type { Duplex } from "node:stream";
import type { IdSource } from "../kit/id.ts";
import { Problem, type ProblemCode } from "../kit/problem.ts";
import { type Bounds, createCrowd, createTurnstile } from "./crowd.ts";
import { encodeProblem, type Outgoing } from "./reply.ts";
import { fromSocket, type Request } from "./request.ts";
import { createUnread } from "./unread.ts";

/** Node's own limits keep 200 slow connections open for minutes; these cut a client off that does not get to the point. */
const LIMITS = {
  headersTimeout: 5_000,
  requestTimeout: 15_000,
  keepAliveTimeout: 10_000,
  connectionsCheckingInterval: 500,
  maxHeaderSize: 16_384,
  // Node would answer a missing Host with a bare 400; the guard says it in our form.
  requireHostHeader: false,
};

/** Half of the room is the most that one address can have; a second is long for a header that comes at all. */
const BOUNDS: Bounds = { all: 2_000, ofOne: 1_000, graceMs: 1_000 };

/** Beyond that the system closes what it has just taken, which our own rules do not let happen. */
const SPARE_CONNECTIONS = 500;

/** A connection on which nothing has moved for so long is closed: longer than any answer is worked on. */
const SILENCE_MS = 30_000;

/** Bytes of large answers that wait for their clients to read them; the system itself holds the small ones. */
const MOST_UNREAD = 64 * 1_048_576;
const LARGE = 65_536;

/** How long a client may go on sending a body that is not wanted after it was answered. */
const LINGER_MS = 5_000;

/** What Node refuses before there is a request, by its error code. */
const REFUSALS: Record<string, [code: ProblemCode, message: string, hint: string]> = {
  HPE_HEADER_OVERFLOW: ["headers_too_large", "the header is larger than 16 KiB", "shorten the address or the headers"],
  ERR_HTTP_REQUEST_TIMEOUT: ["bad_request", "the request took too long to arrive", "send it again, faster"],
  HPE_INVALID_EOF_STATE: ["bad_request", "the request broke off", "send it whole"],
  HPE_INVALID_URL: [
    "bad_request",
    "the address holds a character that must be percent-encoded",
    "curl -G --data-urlencode 'search=Zoë' encodes for you",
  ],
  CROWDED: [
    "busy",
    "there are too many connections, most of them from your address",
    "close some, and keep those you use open",
  ],
  CONNECT: ["bad_request", "this server is no proxy", "GET /help"],
};

export type Answerer = (request: Request) => Promise<Outgoing>;

/** `callerOf` tells whose request it is where connections are a proxy's: then requests are bounded by caller, not connections by address. */
export function createHttpServer(
  answer: Answerer,
  ids: IdSource,
  callerOf?: (request: Request) => string,
  bounds: Bounds = BOUNDS,
): Server {
  const keep = createUnread(MOST_UNREAD);
  const crowd = createCrowd(bounds, callerOf !== undefined, (socket, served) => turnAway(socket, served, ids));
  const admit = createTurnstile(bounds.ofOne);
  const respond = async (message: IncomingMessage, response: ServerResponse) => {
    crowd.begin(message, response);
    const request = fromSocket(message);
    const admitted = callerOf === undefined || admit(callerOf(request), response);
    const outgoing = admitted ? await answer(request) : refused(tooManyAtOnce(bounds), ids);
    write(message, response, outgoing, !server.listening);
    if (outgoing.body.length > LARGE) keep(response, outgoing.body.length);
  };
  const server = createServer(LIMITS, respond);
  server.timeout = SILENCE_MS;
  server.maxHeadersCount = 0; // their size bounds them; Node would drop the rest without a word
  server.maxConnections = bounds.all + SPARE_CONNECTIONS;
  server.on("connection", crowd.enter);
  server.on("checkExpectation", respond);
  server.on("clientError", (error: NodeJS.ErrnoException, socket) => refuse(error, socket, ids));
  server.on("connect", (_request, socket) => refuse({ code: "CONNECT" }, socket, ids));
  return server;
}

function tooManyAtOnce({ ofOne }: Bounds): Problem {
  return new Problem("rate_limited", `more than ${ofOne} requests at once from one address`, "wait for their answers", {
    headers: { "Retry-After": "1" },
  });
}

function refused(problem: Problem, ids: IdSource): Outgoing {
  const requestId = ids("req");
  return { ...encodeProblem(problem, "text", requestId), common: ["X-Request-Id", requestId] };
}

/** `last` once the server is closing: the connections of the last requests, kept open, would hold up its end. */
function write(request: IncomingMessage, response: ServerResponse, outgoing: Outgoing, last: boolean): void {
  const { status, headers, common, body } = outgoing;
  // What is left of a body nobody read would be taken for the next request.
  const unread = !request.complete && !request.readableEnded && !request.destroyed;
  for (const name in headers) put(common, name, headers[name]!);
  if (headers["Cache-Control"] === undefined) common.push("Cache-Control", "private, no-cache");
  common.push("X-Content-Type-Options", "nosniff");
  if (status !== 304 && status !== 204) common.push("Content-Length", String(Buffer.byteLength(body)));
  if ((unread || last) && headers.Connection === undefined) common.push("Connection", "close");
  response.writeHead(status, common);
  // As text, not bytes: Node then sends head and body in one write.
  const shown = request.method === "HEAD" || status === 304 ? "" : body;
  if (unread) linger(request, response, shown);
  else response.end(shown);
}

/** An answer's own header stands in the place of one that all have. */
function put(list: string[], name: string, value: string): void {
  for (let i = 0; i < list.length; i += 2) {
    if (list[i] !== name) continue;
    list[i + 1] = value;
    return;
  }
  list.push(name, value);
}

/**
 * Reads on, and away, until the client has sent all or enough of it: a connection closed with bytes still coming in is reset, and the
 * answer lost to a client that sends all before it reads (RFC 9112, section 9.6).
 */
function linger(request: IncomingMessage, response: ServerResponse, shown: Buffer | string): void {
  response.flushHeaders();
  response.write(shown);
  const close = () => {
    clearTimeout(timer);
    response.end();
  };
  const timer = setTimeout(close, LINGER_MS);
  request.on("end", close).on("close", close).on("error", close).resume();
}

/** On a connection that was answered before, another answer would pass for that to the next request: it is only closed. */
function turnAway(socket: Socket, served: boolean, ids: IdSource): void {
  if (!served) refuse({ code: "CROWDED" }, socket, ids);
  setImmediate(() => socket.destroy());
}

/** Answers in our form what never became a request, then closes. */
function refuse({ code = "" }: { code?: string | undefined }, socket: Duplex, ids: IdSource): void {
  if (code === "ECONNRESET" || !socket.writable) return void socket.destroy();
  const [kind, message, hint] = REFUSALS[code] ?? (["bad_request", "this is not an HTTP request", "GET /help"] as const);
  const requestId = ids("req");
  const later = kind === "busy" ? { headers: { "Retry-After": "1" } } : {};
  const { status, headers, body } = encodeProblem(new Problem(kind, message, hint, later), "text", requestId);
  const lines = Object.entries({
    ...headers,
    "Content-Length": Buffer.byteLength(body),
    "X-Request-Id": requestId,
    Connection: "close",
  });
  socket.end(`HTTP/1.1 ${status} ${kind}\r\n${lines.map(([name, value]) => `${name}: ${value}\r\n`).join("")}\r\n${body}`);
}
