import net from "node:net";

export type Request = Buffer;

/** What one slice of requests came to. Times are milliseconds. */
export type Slice = { requests: number; elapsed: number; latencies: Float64Array; bytes: number };

export function request(method: string, path: string, headers: Record<string, string> = {}, body?: string): Request {
  const sent = {
    Host: "localhost",
    "User-Agent": "bench",
    ...headers,
    ...(body ? { "Content-Length": Buffer.byteLength(body) } : {}),
  };
  const head = Object.entries(sent).map(([name, value]) => `${name}: ${value}\r\n`);
  return Buffer.from(`${method} ${path} HTTP/1.1\r\n${head.join("")}\r\n${body ?? ""}`);
}

/**
 * Sends the requests over so many connections, each with one request in flight. Raw sockets: node:http's client would cost this machine
 * as much as the servers that are measured. An answer other than 200 or 201 ends it, for a refusal is cheaper than the work.
 */
export async function send(baseUrl: string, connections: number, count: number, next: (i: number) => Request): Promise<Slice> {
  const { hostname, port } = new URL(baseUrl);
  const sockets = await Promise.all(Array.from({ length: connections }, () => open(hostname, Number(port))));
  const latencies = new Float64Array(count);
  let sent = 0;
  let bytes = 0;
  const drive = async (socket: net.Socket): Promise<void> => {
    while (sent < count) {
      const i = sent++;
      const since = performance.now();
      bytes += await exchange(socket, next(i));
      latencies[i] = performance.now() - since;
    }
  };
  const started = performance.now();
  try {
    await Promise.all(sockets.map(drive));
  } finally {
    for (const socket of sockets) socket.destroy();
  }
  return { requests: count, elapsed: performance.now() - started, latencies, bytes };
}

/** Sends one request and waits for the whole answer; gives its length. */
function exchange(socket: net.Socket, sent: Request): Promise<number> {
  return new Promise((resolve, reject) => {
    let received: Buffer | undefined;
    const settle = (error: Error | undefined, size = 0) => {
      socket.off("data", take).off("error", settle).off("close", gone);
      if (error) reject(error);
      else resolve(size);
    };
    const take = (chunk: Buffer) => {
      received = received ? Buffer.concat([received, chunk]) : chunk;
      const size = sizeOf(received);
      if (size === undefined || received.length < size) return;
      const fine = /^HTTP\/1\.1 20[01]/.test(received.toString("latin1", 0, 12));
      settle(fine ? undefined : new Error(`to ${sent.toString().split("\r\n", 1)} the answer is ${received.toString()}`), size);
    };
    const gone = () => settle(new Error("the server closed a connection"));
    socket.on("data", take).on("error", settle).on("close", gone);
    socket.write(sent);
  });
}

/** The length of the whole answer, once its head is there. */
function sizeOf(answer: Buffer): number | undefined {
  const end = answer.indexOf("\r\n\r\n");
  if (end < 0) return undefined;
  const [, length] = /\r\ncontent-length: *(\d+)/i.exec(answer.toString("latin1", 0, end)) ?? [];
  if (length === undefined) throw new Error("the answer has no Content-Length");
  return end + 4 + Number(length);
}

function open(host: string, port: number): Promise<net.Socket> {
  return new Promise((resolve, reject) => {
    const socket = net.connect({ host, port, noDelay: true }, () => resolve(socket));
    socket.once("error", reject);
  });
}

/** One request by itself, for what is measured in milliseconds. `busy`: the product gave it up for the time it took. */
export async function ask(
  baseUrl: string,
  path: string,
  headers: Record<string, string>,
): Promise<{ ms: number; text: string; busy: boolean }> {
  const started = performance.now();
  const response = await fetch(baseUrl + path, { headers });
  const text = await response.text();
  const busy = response.status === 503 && text.startsWith("ERROR busy");
  if (response.status !== 200 && !busy) throw new Error(`${path} answered ${response.status}: ${text}`);
  return { ms: performance.now() - started, text, busy };
}

export function quantile(sorted: ArrayLike<number>, share: number): number {
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? Number.NaN;
}
