import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { Duplex } from "node:stream";
import type { IdSource } from "../kit/id.ts";
import { Problem, type ProblemCode } from "../kit/problem.ts";
import { type Encoded, encodeProblem } from "./reply.ts";

/** Node's own limits keep 200 slow connections open for minutes; these cut a client off that does not get to the point. */
const LIMITS = {
  headersTimeout: 5_000,
  requestTimeout: 15_000,
  keepAliveTimeout: 10_000,
  connectionsCheckingInterval: 500,
  maxHeaderSize: 16_384,
};
const MOST_HEADERS = 100;
const MOST_CONNECTIONS = 2_000;

/** What Node refuses before there is a request, by its error code. */
const REFUSALS: Record<string, [code: ProblemCode, message: string, hint: string]> = {
  HPE_HEADER_OVERFLOW: ["headers_too_large", "the header is larger than 16 KiB", "shorten the address or the headers"],
  ERR_HTTP_REQUEST_TIMEOUT: ["bad_request", "the request took too long to arrive", "send it again, faster"],
};

export type Answerer = (request: IncomingMessage) => Promise<Encoded>;

export function createHttpServer(answer: Answerer, ids: IdSource): Server {
  const respond = async (request: IncomingMessage, response: ServerResponse) => write(request, response, await answer(request));
  const server = createServer(LIMITS, respond);
  server.maxHeadersCount = MOST_HEADERS;
  server.maxConnections = MOST_CONNECTIONS;
  server.on("checkExpectation", respond);
  server.on("clientError", (error: NodeJS.ErrnoException, socket) => refuse(error, socket, ids));
  server.on("connect", (_request, socket) => refuse({ code: "CONNECT" }, socket, ids));
  return server;
}

function write(request: IncomingMessage, response: ServerResponse, { status, headers, body }: Encoded): void {
  const bytes = Buffer.from(body);
  // What is left of a body nobody read would be taken for the next request.
  const unread = !request.complete && !request.readableEnded;
  response.writeHead(status, {
    "Cache-Control": "private, no-cache",
    "X-Content-Type-Options": "nosniff",
    ...headers,
    ...(status === 304 ? {} : { "Content-Length": bytes.length }),
    ...(unread ? { Connection: "close" } : {}),
  });
  response.end(request.method === "HEAD" || status === 304 ? undefined : bytes);
  if (unread) request.resume();
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
