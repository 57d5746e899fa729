import assert from "node:assert/strict";
import net from "node:net";
import { after, before, test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { PROBLEMS, type ProblemCode } from "../../src/kit/problem.ts";
import { type Client, type Service, startService } from "../helpers/service.ts";

let service: Service;
let ann: Client;
let port: number;
before(async () => {
  service = await startService();
  ann = await service.signIn();
  port = Number(new URL(service.baseUrl).port);
});
after(() => service.close());

const HOST = "Host: 127.0.0.1\r\n";

type Raw = { status: number; headers: Map<string, string>; body: string };

const dial = () => net.connect({ port, host: "127.0.0.1", allowHalfOpen: true });

/** All bytes until the server closes. Rejects when the connection is reset. */
function untilClosed(socket: net.Socket): Promise<string> {
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = [];
    socket.on("data", (chunk) => chunks.push(chunk));
    socket.on("error", reject);
    socket.on("end", () => {
      socket.end();
      resolve(Buffer.concat(chunks).toString());
    });
    socket.resume();
  });
}

/** The answers on one connection. The last request must ask for its end. */
async function talk(request: string | Buffer, { halfClose = false } = {}): Promise<Raw[]> {
  const socket = dial();
  socket.write(request);
  if (halfClose) socket.end();
  return readAnswers(await untilClosed(socket));
}

function readAnswers(text: string): Raw[] {
  const answers: Raw[] = [];
  for (let rest = text; rest !== ""; ) {
    const split = rest.indexOf("\r\n\r\n");
    assert.ok(split > 0, `no header: ${rest}`);
    const [first = "", ...lines] = rest.slice(0, split).split("\r\n");
    const headers = new Map(
      lines.map((line) => line.split(/: (.*)/s, 2) as [string, string]).map(([k, v]) => [k.toLowerCase(), v]),
    );
    const status = Number(/^HTTP\/1\.1 (\d{3}) /.exec(first)?.[1]);
    const length = Number(headers.get("content-length") ?? 0);
    const bytes = Buffer.from(rest.slice(split + 4));
    if (status !== 100) answers.push({ status, headers, body: bytes.subarray(0, length).toString() });
    rest = bytes.subarray(length).toString();
  }
  return answers;
}

const INSIDE = /node_modules|node:internal|\.ts\b|\bat \S+ \(|SyntaxError|TypeError|HPE_|sqlstate|relation "|select .* from/i;

function assertRefusal(raw: Raw | undefined, code: ProblemCode): void {
  assert.ok(raw, "there was no answer");
  assert.equal(raw.status, PROBLEMS[code].status, raw.body);
  assert.match(raw.headers.get("x-request-id") ?? "", /^req_[0-9a-z]{26}$/);
  assert.equal(raw.headers.get("content-type"), "text/plain; charset=utf-8");
  assert.match(raw.body, new RegExp(`^ERROR ${code} [^\\n]+\\n(HINT {2}[^\\n]+\\n)+$`));
  assert.doesNotMatch(raw.body, INSIDE);
}

/** Invalid requests with the code of their refusal. Every answer must carry `Connection: close`. */
const REFUSED: [what: string, code: ProblemCode, request: string][] = [
  ["a TLS handshake", "bad_request", "\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03"],
  ["text", "bad_request", "hello\r\n\r\n"],
  ["HTTP/2", "bad_request", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"],
  ["a lower-case method", "bad_request", `get /help HTTP/1.1\r\n${HOST}\r\n`],
  ["no Host", "bad_request", "GET /help HTTP/1.1\r\nConnection: close\r\n\r\n"],
  ["two Hosts", "bad_request", `GET /help HTTP/1.1\r\n${HOST}${HOST}Connection: close\r\n\r\n`],
  ["a header without a name", "bad_request", `GET /help HTTP/1.1\r\n${HOST}: x\r\n\r\n`],
  ["a folded header", "bad_request", `GET /help HTTP/1.1\r\n${HOST}X-A: 1\r\n 2\r\n\r\n`],
  ["a NUL in a header", "bad_request", `GET /help HTTP/1.1\r\n${HOST}X-A: 1\0\r\n\r\n`],
  ["CONNECT", "bad_request", `CONNECT evil.example:443 HTTP/1.1\r\n${HOST}\r\n`],
  ["OPTIONS *", "bad_request", `OPTIONS * HTTP/1.1\r\n${HOST}Connection: close\r\n\r\n`],
  ["bytes in the address", "bad_request", `GET /contacts?name=Zoë HTTP/1.1\r\n${HOST}\r\n`],
  ["a space in the address", "bad_request", `GET /contacts?name=a b HTTP/1.1\r\n${HOST}\r\n`],
  ["another host's path", "not_found", `GET //evil.example/help HTTP/1.1\r\n${HOST}Connection: close\r\n\r\n`],
  ["an address of 8 KiB", "uri_too_long", `GET /${"a".repeat(8192)} HTTP/1.1\r\n${HOST}Connection: close\r\n\r\n`],
  ["an address of 20 KiB", "headers_too_large", `GET /${"a".repeat(20_000)} HTTP/1.1\r\n${HOST}\r\n`],
  ["a header of 20 KiB", "headers_too_large", `GET / HTTP/1.1\r\n${HOST}X: ${"a".repeat(20_000)}\r\n\r\n`],
  ["a length that is none", "bad_request", `POST /auth/request HTTP/1.1\r\n${HOST}Content-Length: x\r\n\r\n{}`],
  ["a negative length", "bad_request", `POST /auth/request HTTP/1.1\r\n${HOST}Content-Length: -1\r\n\r\n{}`],
  ["two lengths", "bad_request", `POST /auth/request HTTP/1.1\r\n${HOST}Content-Length: 2\r\nContent-Length: 3\r\n\r\n{}`],
  [
    "a length and chunks",
    "bad_request",
    `POST /auth/request HTTP/1.1\r\n${HOST}Content-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n`,
  ],
  ["an unknown coding", "bad_request", `POST /auth/request HTTP/1.1\r\n${HOST}Transfer-Encoding: gzip\r\n\r\n{}`],
  ["a bad chunk", "bad_request", `POST /auth/request HTTP/1.1\r\n${HOST}Transfer-Encoding: chunked\r\n\r\nzz\r\n{}\r\n`],
];

test("an invalid request is refused in our format and its connection closed", async () => {
  for (const [what, code, request] of REFUSED) {
    const answers = await talk(request).catch((error) => assert.fail(`${what}: ${error}`));
    assert.equal(answers.length, 1, what);
    assert.equal(answers[0]?.headers.get("connection"), "close", what);
    assertRefusal(answers[0], code);
  }
});

test("an address with bytes in it is shown as it has to be sent", async () => {
  const [answer] = await talk(`GET /contacts?name=Zoë&city=à HTTP/1.1\r\n${HOST}\r\n`);
  assert.match(answer!.body, /^HINT {2}it reads \/contacts\?name=Zo%C3%AB&city=%C3%A0$/m);
});

test("a truncated request is refused as such", async () => {
  for (const request of [
    `GET /help HTTP/1.1\r\nHos`,
    `POST /auth/request HTTP/1.1\r\n${HOST}Content-Length: 20\r\n\r\n{"em`,
    `POST /auth/request HTTP/1.1\r\n${HOST}Transfer-Encoding: chunked\r\n\r\n5\r\n{"e`,
  ]) {
    const [answer] = await talk(request, { halfClose: true });
    assertRefusal(answer, "bad_request");
  }
});

test("an unknown method is 405 with the allowed methods, and TRACE echoes nothing", async () => {
  for (const method of ["TRACE", "OPTIONS", "PUT", "PROPFIND", "PURGE"]) {
    const [answer] = await talk(`${method} /contacts HTTP/1.1\r\n${HOST}X-Secret: s3cret\r\nConnection: close\r\n\r\n`);
    assertRefusal(answer, "method_not_allowed");
    assert.equal(answer!.headers.get("allow"), "GET, HEAD, POST, PATCH, DELETE");
    assert.ok(!answer!.body.includes("s3cret"));
  }
});

test("an absolute target counts by its path, and its host is ignored", async () => {
  const [answer] = await talk(`GET http://evil.example/nowhere HTTP/1.1\r\n${HOST}Connection: close\r\n\r\n`);
  assertRefusal(answer, "not_found");
  assert.ok(!answer!.body.includes("evil"));
  const [alive] = await talk(`GET http://evil.example/healthz HTTP/1.1\r\n${HOST}Connection: close\r\n\r\n`);
  assert.equal(alive?.body, "OK alive\n");
});

test("HTTP/1.0, Expect, Upgrade, pipelined requests and many headers are answered", async () => {
  assert.equal((await talk("GET /healthz HTTP/1.0\r\n\r\n"))[0]?.body, "OK alive\n");
  const body = '{"email":"a@example.com"}';
  const expecting = `POST /auth/request HTTP/1.1\r\n${HOST}Expect: 100-continue\r\nConnection: close\r\nContent-Length: ${body.length}\r\n\r\n${body}`;
  assert.match((await talk(expecting))[0]?.body ?? "", /^code=\d{6}$/m);
  const upgrade = `GET /healthz HTTP/1.1\r\n${HOST}Connection: close, Upgrade\r\nUpgrade: websocket\r\n\r\n`;
  assert.equal((await talk(upgrade))[0]?.body, "OK alive\n");
  const many = Array.from({ length: 300 }, (_, i) => `X-${i}: 1\r\n`).join("");
  const whoami = `GET /whoami HTTP/1.1\r\n${HOST}${many}Authorization: Bearer ${ann.token}\r\nConnection: close\r\n\r\n`;
  assert.match((await talk(whoami))[0]?.body ?? "", /^email=ann@example\.com$/m);
  const get = (path: string, more = "") => `GET ${path} HTTP/1.1\r\n${HOST}${more}\r\n`;
  const pipeline = await talk(get("/healthz") + get("/nowhere") + get("/readyz", "Connection: close\r\n"));
  assert.deepEqual(
    pipeline.map(({ status }) => status),
    [200, 404, 200],
  );
});

/** A client that sends its whole body before it reads, as many do. */
async function sendThenRead(head: string, size: number, chunked: boolean): Promise<Raw[]> {
  const socket = dial().pause();
  const wrote = (bytes: Buffer | string) =>
    new Promise<void>((resolve, reject) => socket.write(bytes, (error) => (error ? reject(error) : resolve())));
  socket.on("error", () => {});
  await wrote(head);
  const block = Buffer.alloc(65_536, "a");
  for (let sent = 0; sent < size; sent += block.length)
    await wrote(chunked ? Buffer.concat([Buffer.from("10000\r\n"), block, Buffer.from("\r\n")]) : block);
  if (chunked) await wrote("0\r\n\r\n");
  return readAnswers(await untilClosed(socket));
}

test("a client that sends an unwanted body still gets its answer", async () => {
  const size = 8 * 1_048_576;
  const key = `Authorization: Bearer ${ann.token}\r\n`;
  for (const [path, more, code] of [
    ["/contacts", key, "body_too_large"],
    ["/contacts", "", "auth_required"],
    ["/nowhere", "", "not_found"],
  ] as const) {
    for (const [length, chunked] of [
      [`Content-Length: ${size}`, false],
      ["Transfer-Encoding: chunked", true],
    ] as const) {
      const [answer] = await sendThenRead(`POST ${path} HTTP/1.1\r\n${HOST}${more}${length}\r\n\r\n`, size, chunked);
      assertRefusal(answer, code);
    }
  }
});

test("a client that sends too slowly gets an answer and is disconnected", async () => {
  const slow = dial();
  slow.write(`GET /help HTTP/1.1\r\n${HOST}X-Slow: `);
  const silent = dial();
  const [told, untold] = await Promise.all([untilClosed(slow), untilClosed(silent)]);
  for (const text of [told, untold]) assertRefusal(readAnswers(text)[0], "bad_request");
});

/** mulberry32: the same garbage in every run. */
function createDice(seed: number): (most: number) => number {
  let state = seed;
  return (most) => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) % most;
  };
}

/** Half of the inputs are a valid request with bytes changed, removed or doubled; half are random bytes. */
function garbage(seed: number): Buffer {
  const dice = createDice(seed);
  if (seed % 2) return Buffer.from(Array.from({ length: 1 + dice(400) }, () => dice(256)));
  const body = `{"name":"Jane ${seed}","email":"jane${seed}@acme.com","custom":{"a":[1,2]}}`;
  const good = `POST /contacts?format=json HTTP/1.1\r\n${HOST}Authorization: Bearer ${ann.token}\r\nContent-Length: ${body.length}\r\n\r\n${body}`;
  let bytes = Buffer.from(good);
  for (let i = 0; i <= dice(6); i++) {
    const [at, length] = [dice(bytes.length), dice(20)];
    const middle = [Buffer.from([dice(256)]), Buffer.alloc(0), bytes.subarray(at, at + length * 2)][dice(3)]!;
    bytes = Buffer.concat([bytes.subarray(0, at), middle, bytes.subarray(at + length)]);
  }
  return bytes;
}

test("random garbage never crashes the service, changes its answer format or keeps it busy", async () => {
  for (let seed = 1; seed <= 100; seed += 10) {
    await Promise.all(
      Array.from({ length: 10 }, async (_, i) => {
        const answers = await talk(garbage(seed + i), { halfClose: true });
        for (const { status, headers, body } of answers) {
          assert.ok(status >= 200 && status < 500, `seed ${seed + i}: ${status} ${body}`);
          assert.match(headers.get("x-request-id") ?? "", /^req_/, `seed ${seed + i}`);
          assert.doesNotMatch(body, INSIDE, `seed ${seed + i}`);
        }
      }),
    );
  }
  assert.equal((await service.send("GET", "/healthz")).text, "OK alive\n");
  const working = () => service.pool.stats().busy + service.pool.stats().waiting;
  for (let i = 0; i < 100 && working() > 0; i++) await sleep(10); // what was asked for by who has hung up may take a moment
  assert.equal(working(), 0);
});
