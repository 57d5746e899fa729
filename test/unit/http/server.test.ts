import assert from "node:assert/strict";
import type { AddressInfo, Socket } from "node:net";
import net from "node:net";
import { after, before, test } from "node:test";
import type { Bounds } from "../../../src/http/crowd.ts";
import { createHttpServer } from "../../../src/http/server.ts";

/** Behind a proxy: the name of the caller stands in a header. */

const BOUNDS: Bounds = { all: 8, ofOne: 3, graceMs: 60_000 };
const sockets: Socket[] = [];

/** Requests for `/slow` wait for this. */
let finish = () => {};
const finished = new Promise<void>((done) => {
  finish = done;
});
const server = createHttpServer(
  async ({ target }) => {
    if (target === "/slow") await finished;
    return { status: 200, headers: {}, common: [], body: "OK done\n" };
  },
  (prefix) => `${prefix}_1`,
  ({ headers }) => String(headers["x-caller"]),
  BOUNDS,
);
before(() => new Promise<void>((done) => server.listen(0, "127.0.0.1", done)));
after(() => {
  for (const socket of sockets) socket.destroy();
  server.closeAllConnections();
  server.close();
});

function dial(text: string): Socket {
  const socket = net.connect({ port: (server.address() as AddressInfo).port, host: "127.0.0.1" });
  socket.on("error", () => {});
  socket.write(text);
  sockets.push(socket);
  return socket;
}

const asking = (path: string, caller: string) =>
  dial(`GET ${path} HTTP/1.1\r\nHost: x\r\nX-Caller: ${caller}\r\nConnection: close\r\n\r\n`);

/** All that comes back until the end. */
async function answerTo(socket: Socket): Promise<string> {
  let answer = "";
  for await (const chunk of socket) answer += chunk;
  return answer;
}

/** Once the server has what was sent before: it reads connections in their order. */
const settled = () => answerTo(asking("/", "nobody"));

test("behind a proxy running requests are limited by caller, and other callers are still served", async () => {
  const slow = [1, 2, 3].map(() => asking("/slow", "greedy"));
  await settled();
  const refused = await answerTo(asking("/", "greedy"));
  assert.match(
    refused,
    /^HTTP\/1\.1 429 [\s\S]*\r\nRetry-After: 1\r\n[\s\S]*\r\n\r\nERROR rate_limited more than 3 requests at once /,
  );
  assert.match(await answerTo(asking("/", "other")), /^HTTP\/1\.1 200 /);
  finish();
  for (const socket of slow) assert.match(await answerTo(socket), /^HTTP\/1\.1 200 /);
  assert.match(await answerTo(asking("/", "greedy")), /^HTTP\/1\.1 200 /);
});

test("behind a proxy new connections get in, and the oldest idle one gets a refusal", async () => {
  const oldest = dial("GET / HTTP/1.1\r\nHo");
  for (let i = 0; i < 12; i++) dial("GET / HTTP/1.1\r\nHo");
  assert.match(await answerTo(asking("/", "newcomer")), /^HTTP\/1\.1 200 /);
  assert.match(
    await answerTo(oldest),
    /^HTTP\/1\.1 503 [\s\S]*\r\nRetry-After: 1\r\n[\s\S]*\r\n\r\nERROR busy there are too many connections/,
  );
});

test("a held connection may be silent for longer, and tells when its client goes", async () => {
  let gone = 0;
  const patient = createHttpServer(
    async ({ hold, target }) => {
      const release = hold(target === "/held" ? 2_000 : 0, () => {
        gone += 1;
      });
      await new Promise((done) => setTimeout(done, 900));
      release();
      return { status: 200, headers: {}, common: [], body: "OK done\n" };
    },
    (prefix) => `${prefix}_1`,
  );
  patient.timeout = 200;
  await new Promise<void>((done) => patient.listen(0, "127.0.0.1", done));
  const { port } = patient.address() as AddressInfo;
  const ask = (path: string) => fetch(`http://127.0.0.1:${port}${path}`).then(({ status }) => status);
  assert.equal(await ask("/held"), 200);
  assert.equal(gone, 0);
  await assert.rejects(ask("/silent"));
  await assert.rejects(fetch(`http://127.0.0.1:${port}/held`, { signal: AbortSignal.timeout(100) }));
  await new Promise((done) => setTimeout(done, 200));
  assert.equal(gone, 2);
  patient.closeAllConnections();
  patient.close();
});
