import assert from "node:assert/strict";
import { test } from "node:test";
import { createQueue, type Entry } from "../../../src/postgres/queue.ts";

const A = { owner: "ws_a" };
const B = { owner: "ws_b" };

/** Acquires a slot for each, and gives the names in the order in which they got one. */
async function orderOf(slots: number, asked: readonly (readonly [name: string, entry: Entry])[]): Promise<string[]> {
  const queue = createQueue(slots, 100, 5_000);
  const order: string[] = [];
  const working: Entry[] = [];
  const all = asked.map(async ([name, entry]) => {
    await queue.acquire(entry);
    order.push(name);
    working.push(entry);
  });
  while (order.length < asked.length) {
    await new Promise((done) => setImmediate(done));
    const done = working.shift();
    if (done) queue.release(done);
  }
  await Promise.all(all);
  for (const entry of working) queue.release(entry);
  await queue.idle();
  assert.deepEqual(queue.stats(), { busy: 0, waiting: 0 });
  return order;
}

test("first come, first served", async () => {
  const asked = ["1", "2", "3", "4"].map((name) => [name, {}] as const);
  assert.deepEqual(await orderOf(1, asked), ["1", "2", "3", "4"]);
});

test("an owner with many entries lets others go first", async () => {
  const asked = [
    ["a1", A],
    ["a2", A],
    ["a3", A],
    ["a4", A],
    ["b1", B],
    ["b2", B],
  ] as const;
  assert.deepEqual(await orderOf(2, asked), ["a1", "a2", "b1", "a3", "b2", "a4"]);
});

test("one owner fills half of the queue at most", async () => {
  const queue = createQueue(1, 4, 5_000);
  await queue.acquire(A);
  const waiting = [queue.acquire(A), queue.acquire(A)];
  await assert.rejects(async () => queue.acquire(A), /too many requests wait/);
  waiting.push(queue.acquire(B), queue.acquire({}));
  await assert.rejects(async () => queue.acquire({}), /too many requests wait/);
  for (const entry of [A, B, A, A, {}]) queue.release(entry);
  await Promise.all(waiting);
});

test("a caller that has waited too long or gone away leaves the queue", async () => {
  const queue = createQueue(1, 10, 20);
  await queue.acquire({});
  await assert.rejects(async () => queue.acquire(A), /all connections to the database are in use/);
  const gone = new AbortController();
  const waits = queue.acquire({ signal: gone.signal });
  gone.abort();
  await assert.rejects(async () => waits, /went away/);
  assert.throws(() => queue.acquire({ signal: gone.signal }), /went away/);
  assert.deepEqual(queue.stats(), { busy: 1, waiting: 0 });
});
