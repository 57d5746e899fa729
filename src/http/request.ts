import type { IncomingHttpHeaders, IncomingMessage } from "node:http";
import { Problem } from "../kit/problem.ts";

/** A request as the service takes it, whether a socket brought it or a handler makes it on behalf of its own caller. */
export type Request = {
  method: string;
  /** Path and query, as in the request line. */
  target: string;
  /** How many Host headers came, where there must be one; `headers` shows but the first. */
  hosts: number;
  headers: IncomingHttpHeaders;
  /** The network address of the other end. */
  address: string;
  /** The body, which must be UTF-8 of at most `limit` bytes. To be read once. */
  text: (limit: number) => Promise<string>;
};

export function fromSocket(message: IncomingMessage): Request {
  const { method = "GET", url: target = "/", headers, socket } = message;
  const address = socket.remoteAddress ?? "unknown";
  return {
    method,
    target,
    hosts: countHosts(message),
    headers,
    address,
    // A method, for tsx gives every arrow function in such a place its name through defineProperty.
    text(limit) {
      return readText(message, limit);
    },
  };
}

/** Without a Host, HTTP/1.0 is whole. */
function countHosts({ rawHeaders, httpVersion }: IncomingMessage): number {
  let hosts = 0;
  for (let i = 0; i < rawHeaders.length; i += 2) if (rawHeaders[i]!.length === 4 && /^host$/i.test(rawHeaders[i]!)) hosts += 1;
  return hosts === 0 && httpVersion !== "1.1" ? 1 : hosts;
}

/** What a handler asks of the service. */
export type InnerRequest = { method: string; target: string; headers: Record<string, string>; body: string };

/** `address`: that of the caller on whose behalf. */
export function fromInside({ method, target, headers, body }: InnerRequest, address: string): Request {
  const length = Buffer.byteLength(body);
  const asOnTheWire = Object.entries(headers).map(([name, value]) => [name, Buffer.from(value).toString("latin1")]);
  return {
    method,
    target,
    hosts: 1,
    headers: { ...Object.fromEntries(asOnTheWire), "content-length": String(length) },
    address,
    text: async (limit) => (length > limit ? Promise.reject(tooLarge(limit)) : body),
  };
}

async function readText(message: IncomingMessage, limit: number): Promise<string> {
  return decodeUtf8(await readBytes(message, limit));
}

function readBytes(message: IncomingMessage, limit: number): Promise<Buffer> {
  if (Number(message.headers["content-length"] ?? 0) > limit) return Promise.reject(tooLarge(limit));
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = [];
    let size = 0;
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
