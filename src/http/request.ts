import type { IncomingHttpHeaders, IncomingMessage } from "node:http";
import type { Socket } from "node:net";
import { Problem } from "../kit/problem.ts";

/** A request, whether it came from a socket or from a handler on behalf of its caller. */
export type Request = {
  method: string;
  /** Path and query, as in the request line. */
  target: string;
  /** The number of Host headers, where one is required; `headers` holds only the first. */
  hosts: number;
  headers: IncomingHttpHeaders;
  /** The peer's network address. */
  address: string;
  /** Reads the body once. It must be UTF-8 of at most `limit` bytes. */
  text: (limit: number) => Promise<string>;
  /** Lets the connection be silent for `ms` more, while its answer waits. `gone` is called when the client leaves. The result ends it. */
  hold: Hold;
  /** The body as it comes, for the one reader of it. A client that sends faster than that reader takes is made to wait. */
  bytes: () => AsyncIterable<Uint8Array>;
};

export type Hold = (ms: number, gone: () => void) => () => void;

export function fromSocket(message: IncomingMessage): Request {
  const { method = "GET", url: target = "/", headers, socket } = message;
  const address = socket.remoteAddress ?? "unknown";
  return {
    method,
    target,
    hosts: countHosts(message),
    headers,
    address,
    // A method, because tsx would call defineProperty on each request to name an arrow function here.
    text(limit) {
      return readText(message, limit);
    },
    hold(ms, gone) {
      return holdSocket(socket, ms, gone);
    },
    bytes() {
      return readPieces(message);
    },
  };
}

function holdSocket(socket: Socket, ms: number, gone: () => void): () => void {
  const { timeout = 0 } = socket;
  if (timeout > 0) socket.setTimeout(timeout + ms);
  socket.once("close", gone);
  return () => {
    socket.off("close", gone);
    if (timeout > 0) socket.setTimeout(timeout);
  };
}

/** Counts Host headers. HTTP/1.0 needs none. */
function countHosts({ rawHeaders, httpVersion }: IncomingMessage): number {
  let hosts = 0;
  for (let i = 0; i < rawHeaders.length; i += 2) if (rawHeaders[i]!.length === 4 && /^host$/i.test(rawHeaders[i]!)) hosts += 1;
  return hosts === 0 && httpVersion !== "1.1" ? 1 : hosts;
}

/** A request that a handler makes to the service. */
export type InnerRequest = { method: string; target: string; headers: Record<string, string>; body: string };

/** `address` is the network address of the caller it acts for, `hold` holds that one's connection. */
export function fromInside(
  { method, target, headers, body }: InnerRequest,
  address: string,
  hold: Hold = () => () => {},
): Request {
  const length = Buffer.byteLength(body);
  const asOnTheWire = Object.entries(headers).map(([name, value]) => [name, Buffer.from(value).toString("latin1")]);
  return {
    method,
    target,
    hosts: 1,
    headers: { ...Object.fromEntries(asOnTheWire), "content-length": String(length) },
    address,
    text: async (limit) => (length > limit ? Promise.reject(tooLarge(limit)) : body),
    hold,
    async *bytes() {
      yield Buffer.from(body);
    },
  };
}

async function readText(message: IncomingMessage, limit: number): Promise<string> {
  return decodeUtf8(await readBytes(message, limit));
}

/** A body that is read whole arrives within this time, however slowly it drips. */
const WHOLE_MS = 15_000;

function readBytes(message: IncomingMessage, limit: number): Promise<Buffer> {
  if (Number(message.headers["content-length"] ?? 0) > limit) return Promise.reject(tooLarge(limit));
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = [];
    let size = 0;
    const timer = setTimeout(() => {
      message.removeAllListeners("data");
      reject(tooSlow("the request took too long to arrive"));
    }, WHOLE_MS);
    message.on("close", () => clearTimeout(timer)).on("end", () => clearTimeout(timer));
    message.on("data", (chunk: Buffer) => {
      size += chunk.length;
      if (size <= limit) return chunks.push(chunk);
      message.removeAllListeners("data");
      return reject(tooLarge(limit));
    });
    message.on("end", () => resolve(Buffer.concat(chunks)));
    message.on("error", () => reject(new Problem("bad_request", "the body broke off")));
    message.on("close", () => message.complete || reject(new Problem("bad_request", "the body broke off")));
  });
}

/** A file that is read as it comes has no deadline in all, but brings at least so many bytes in so much time of waiting for it. */
const PROGRESS_MS = 30_000;
const PROGRESS_BYTES = 4_096;

async function* readPieces(message: IncomingMessage): AsyncGenerator<Uint8Array> {
  // A reader that stops early still answers, so the socket has to stay.
  const pieces = message.iterator({ destroyOnReturn: false })[Symbol.asyncIterator]() as AsyncIterator<Buffer>;
  let waited = 0;
  let bytes = 0;
  try {
    for (;;) {
      const since = performance.now();
      const next = await within(PROGRESS_MS - waited, pieces.next());
      waited += performance.now() - since;
      if (next.done) return;
      bytes += next.value.length;
      if (bytes >= PROGRESS_BYTES) waited = bytes = 0;
      yield next.value;
    }
  } catch (error) {
    throw error instanceof Problem ? error : new Problem("bad_request", "the body broke off");
  }
}

function within<T>(ms: number, promise: Promise<T>): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(tooSlow("the file comes too slowly")), Math.max(1, ms));
  });
  return Promise.race([promise, late]).finally(() => clearTimeout(timer));
}

const tooSlow = (message: string) =>
  new Problem("bad_request", message, "send it again, faster", { headers: { Connection: "close" } });

const tooLarge = (limit: number) =>
  new Problem("body_too_large", `the body is larger than ${limit} bytes`, "send less at once", {
    headers: { Connection: "close" },
  });

const utf8 = new TextDecoder("utf-8", { fatal: true });

function decodeUtf8(bytes: Buffer): string {
  try {
    return utf8.decode(bytes);
  } catch {
    throw new Problem("bad_request", "the body is not UTF-8", "convert it first: iconv -f latin1 -t utf-8");
  }
}
