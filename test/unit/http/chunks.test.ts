import assert from "node:assert/strict";
import { createServer, type ServerResponse } from "node:http";
import { type AddressInfo, createConnection } from "node:net";
import { test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { type Chunks, createChunks, sendChunks } from "../../../src/http/chunks.ts";

test("what fails before the first part is a refusal, not a cut answer", async () => {
  await assert.rejects(
    createChunks(async function* () {
      yield* [];
      throw new Error("refused");
    }),
    /refused/,
  );
});

test("a slow beginning does not keep the head waiting", async () => {
  const since = performance.now();
  const chunks = await createChunks(async function* (signal) {
    await sleep(30_000, undefined, { signal });
    yield "late";
  });
  assert.ok(performance.now() - since < 5_000);
  const next = chunks.next();
  chunks.stop();
  await assert.rejects(next, { name: "AbortError" });
});

test("who went away before anything was sent stops what makes it", async () => {
  let stopped = 0;
  const chunks: Chunks = { next: async () => ({ done: false, value: "x" }), stop: () => (stopped += 1) };
  await serve(async (response) => {
    response.destroy();
    await sleep(20);
    await sendChunks(response, chunks, () => assert.fail("nothing was cut"));
    assert.ok(stopped > 0);
  });
});

test("who reads nothing for too long is cut off", async () => {
  let stopped = 0;
  const endless: Chunks = {
    next: async () => ({ done: false, value: "x".repeat(65_536) }),
    stop: () => (stopped += 1),
  };
  const since = performance.now();
  await serve(async (response) => {
    await sendChunks(response, endless, () => assert.fail("no fault of what is sent"), 200);
    assert.ok(response.destroyed);
    assert.ok(stopped > 0);
  });
  assert.ok(performance.now() - since < 10_000);
});

/** Runs the work on the response to a request. */
async function serve(work: (response: ServerResponse) => Promise<void>): Promise<void> {
  let finish: (outcome: Promise<void>) => void = () => {};
  const done = new Promise<void>((resolve) => (finish = (outcome) => resolve(outcome)));
  const server = createServer((_, response) => finish(work(response)));
  await new Promise<void>((listening) => server.listen(0, "127.0.0.1", listening));
  const socket = createConnection((server.address() as AddressInfo).port, "127.0.0.1");
  socket.pause();
  socket.on("error", () => {}).write("GET / HTTP/1.1\r\nHost: x\r\n\r\n");
  try {
    await done;
  } finally {
    socket.destroy();
    server.close();
  }
}
