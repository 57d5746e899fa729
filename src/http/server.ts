import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { Socket } from "node:net";
import type { Duplex } from "node:stream";
import { text } from "../formats/text.ts";
import type { IdSource } from "../kit/id.ts";
import { Problem, type ProblemCode } from "../kit/problem.ts";
import { sendChunks as pour } from "./chunks.ts";
import { type Bounds, createCrowd, createTurnstile } from "./crowd.ts";
import { encodeProblem, type Outgoing } from "./reply.ts";
import { fromSocket, type Request } from "./request.ts";
import { createUnread } from "./unread.ts";

/** Timeouts and header limits. Node's defaults keep 200 slow connections open for minutes; these close them within seconds. */
const LIMITS = {
  headersTimeout: 5_000,
  // A body has a deadline where it is read (request.ts), for a file has none in all.
  requestTimeout: 0,
  keepAliveTimeout: 10_000,
  connectionsCheckingInterval: 500,
  maxHeaderSize: 16_384,
  // Node would answer a missing Host with a bare 400; guardOneHost refuses it in our format.
  requireHostHeader: false,
};

/** Connection limits. One address gets at most half of all. A header needs far less than a second. */
const BOUNDS: Bounds = { all: 2_000, ofOne: 1_000, graceMs: 1_000 };

/** Room above our limit. Beyond it Node closes new connections itself, before our rules can choose. */
const SPARE_CONNECTIONS = 500;

/** A connection without traffic for this long is closed. No answer takes this long. */
const SILENCE_MS = 30_000;

/**
 * The most bytes of large answers that clients have not read yet. Small answers fit into the kernel's buffers and are not
 * counted.
 */
const MOST_UNREAD = 64 * 1_048_576;
const LARGE = 65_536;

/** How long a client may keep sending an unwanted body after its answer. */
const LINGER_MS = 5_000;

/** Refusals of input that Node rejects before there is a request, by Node's error code. */
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

/**
 * `callerOf` names the caller of a request behind a proxy. Requests are then limited by caller, instead of connections by
 * address.
 */
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
    if (outgoing.chunks) await sendChunks(message, response, outgoing);
    if (outgoing.body.length > LARGE) keep(response, outgoing.body.length);
  };
  const server = createServer(LIMITS, respond);
  server.timeout = SILENCE_MS;
  server.maxHeadersCount = 0; // maxHeaderSize limits headers; Node would drop those beyond a count silently
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
  return { ...encodeProblem(problem, text, requestId), common: ["X-Request-Id", requestId] };
}

/**
 * Writes an answer. `last` is set while the server closes; it closes the connection, because kept connections would delay the
 * shutdown.
 */
function write(request: IncomingMessage, response: ServerResponse, outgoing: Outgoing, last: boolean): void {
  const { status, headers, common, body, chunks } = outgoing;
  // Unread bytes of this body would be parsed as the next request.
  const unread = !request.complete && !request.readableEnded && !request.destroyed;
  for (const name in headers) put(common, name, headers[name]!);
  if (headers["Cache-Control"] === undefined) common.push("Cache-Control", "private, no-cache");
  common.push("X-Content-Type-Options", "nosniff");
  if (status !== 304 && status !== 204 && !chunks) common.push("Content-Length", String(Buffer.byteLength(body)));
  if ((unread || last) && headers.Connection === undefined) common.push("Connection", "close");
  response.writeHead(status, common);
  // A string, because Node then sends head and body in one write.
  const shown = request.method === "HEAD" || status === 304 ? "" : body;
  if (chunks) response.flushHeaders();
  else if (unread) linger(request, response, shown);
  else response.end(shown);
}

/** A body that is sent as it is made. */
async function sendChunks({ method }: IncomingMessage, response: ServerResponse, { chunks, onCut }: Outgoing): Promise<void> {
  if (method !== "HEAD") return pour(response, chunks!, (error) => onCut?.(error));
  chunks!.stop();
  response.end();
}

/** An answer's own header replaces the common one of the same name. */
function put(list: string[], name: string, value: string): void {
  for (let i = 0; i < list.length; i += 2) {
    if (list[i] !== name) continue;
    list[i + 1] = value;
    return;
  }
  list.push(name, value);
}

/**
 * Discards the rest of the body before closing. Closing with bytes still arriving resets the connection, and a client that sends
 * everything before it reads loses the answer (RFC 9112, section 9.6).
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

/**
 * Closes a connection that was dropped. One that was answered before gets no refusal, because the client would take it as the
 * answer to its next request.
 */
function turnAway(socket: Socket, served: boolean, ids: IdSource): void {
  if (!served) refuse({ code: "CROWDED" }, socket, ids);
  setImmediate(() => socket.destroy());
}

type Refused = { code?: string | undefined; rawPacket?: Buffer };

/** The address as it has to be sent: every byte that may not stand in one is percent-encoded. */
function encodedTarget(packet: Buffer | undefined): string[] {
  const [, target] = /^[A-Z]+ (\/[^ \r\n]*) HTTP\/1/.exec(packet?.toString("latin1", 0, 2_000) ?? "") ?? [];
  if (target === undefined) return [];
  const hex = (byte: string) => `%${byte.charCodeAt(0).toString(16).toUpperCase().padStart(2, "0")}`;
  return [`it reads ${target.replace(/[^!-~]/g, hex)}`];
}

/** Answers input that never became a request, then closes. */
function refuse({ code = "", rawPacket }: Refused, socket: Duplex, ids: IdSource): void {
  if (code === "ECONNRESET" || !socket.writable) return void socket.destroy();
  const [kind, message, hint] = REFUSALS[code] ?? (["bad_request", "this is not an HTTP request", "GET /help"] as const);
  const requestId = ids("req");
  const later = kind === "busy" ? { headers: { "Retry-After": "1" } } : {};
  const hints = code === "HPE_INVALID_URL" ? [...encodedTarget(rawPacket), hint] : hint;
  const { status, headers, body } = encodeProblem(new Problem(kind, message, hints, later), text, requestId);
  const lines = Object.entries({
    ...headers,
    "Content-Length": Buffer.byteLength(body),
    "X-Request-Id": requestId,
    Connection: "close",
  });
  socket.end(`HTTP/1.1 ${status} ${kind}\r\n${lines.map(([name, value]) => `${name}: ${value}\r\n`).join("")}\r\n${body}`);
}
