import assert from "node:assert/strict";
import { test } from "node:test";
import { createTurns, type Turn } from "../../../src/postgres/queue.ts";

const A = { holder: "ws_a" };
const B = { holder: "ws_b" };

/** Takes turns for each, and tells who got one in which order as places are given back. */
async function orderOf(places: number, asked: readonly (readonly [name: string, turn: Turn])[]): Promise<string[]> {
  const turns = createTurns(places, 100, 5_000);
  const order: string[] = [];
  const working: Turn[] = [];
  const all = asked.map(async ([name, turn]) => {
    await turns.take(turn);
    order.push(name);
    working.push(turn);
  });
  while (order.length < asked.length) {
    await new Promise((done) => setImmediate(done));
    const done = working.shift();
    if (done) turns.give(done);
  }
  await Promise.all(all);
  for (const turn of working) turns.give(turn);
  await turns.idle();
  assert.deepEqual(turns.stats(), { busy: 0, waiting: 0 });
  return order;
}

test("first come, first served", async () => {
  const asked = ["1", "2", "3", "4"].map((name) => [name, {}] as const);
  assert.deepEqual(await orderOf(1, asked), ["1", "2", "3", "4"]);
});

test("who asks for much lets others go before their next", async () => {
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

test("nobody fills more than half of the queue", async () => {
  const turns = createTurns(1, 4, 5_000);
  await turns.take(A);
  const waiting = [turns.take(A), turns.take(A)];
  await assert.rejects(async () => turns.take(A), /too many requests wait/);
  waiting.push(turns.take(B), turns.take({}));
  await assert.rejects(async () => turns.take({}), /too many requests wait/);
  for (const turn of [A, B, A, A, {}]) turns.give(turn);
  await Promise.all(waiting);
});

test("who has waited too long or gone away leaves the queue", async () => {
  const turns = createTurns(1, 10, 20);
  await turns.take({});
  await assert.rejects(async () => turns.take(A), /all connections to the database are in use/);
  const gone = new AbortController();
  const waits = turns.take({ signal: gone.signal });
  gone.abort();
  await assert.rejects(async () => waits, /went away/);
  assert.throws(() => turns.take({ signal: gone.signal }), /went away/);
  assert.deepEqual(turns.stats(), { busy: 1, waiting: 0 });
});
