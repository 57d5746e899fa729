import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { Duplex } from "node:stream";
import type { IdSource } from "../kit/id.ts";
import { Problem, type ProblemCode } from "../kit/problem.ts";
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
const MOST_CONNECTIONS = 2_000;

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
  CONNECT: ["bad_request", "this server is no proxy", "GET /help"],
};

export type Answerer = (request: Request) => Promise<Outgoing>;

export function createHttpServer(answer: Answerer, ids: IdSource): Server {
  const keep = createUnread(MOST_UNREAD);
  const respond = async (request: IncomingMessage, response: ServerResponse) => {
    const outgoing = await answer(fromSocket(request));
    write(request, response, outgoing, !server.listening);
    if (outgoing.body.length > LARGE) keep(response, outgoing.body.length);
  };
  const server = createServer(LIMITS, respond);
  server.timeout = SILENCE_MS;
  server.maxHeadersCount = 0; // their size bounds them; Node would drop the rest without a word
  server.maxConnections = MOST_CONNECTIONS;
  server.on("checkExpectation", respond);
  server.on("clientError", (error: NodeJS.ErrnoException, socket) => refuse(error, socket, ids));
  server.on("connect", (_request, socket) => refuse({ code: "CONNECT" }, socket, ids));
  return server;
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

/** Answers in our form what never became a request, then closes. */
function refuse({ code = "" }: { code?: string | undefined }, socket: Duplex, ids: IdSource): void {
  if (code === "ECONNRESET" || !socket.writable) return void socket.destroy();
  const [kind, message, hint] = REFUSALS[code] ?? (["bad_request", "this is not an HTTP request", "GET /help"] as const);
  const requestId = ids("req");
  const { status, headers, body } = encodeProblem(new Problem(kind, message, hint), "text", requestId);
  const lines = Object.entries({
    ...headers,
    "Content-Length": Buffer.byteLength(body),
    "X-Request-Id": requestId,
    Connection: "close",
  });
  socket.end(`HTTP/1.1 ${status} ${kind}\r\n${lines.map(([name, value]) => `${name}: ${value}\r\n`).join("")}\r\n${body}`);
}
