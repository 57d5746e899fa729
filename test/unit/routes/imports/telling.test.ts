import assert from "node:assert/strict";
import { test } from "node:test";
import type { Told } from "../../../../src/formats/format.ts";
import { createTelling } from "../../../../src/routes/imports/telling.ts";

const verdict = (row: number): Told => ({ is: "verdict", row, outcome: "created", id: `c_${row}`, handle: `contact/c_${row}` });
const facts: Told = { is: "facts", values: { created: 9 }, notes: ["9 created"] };

test("a reader who is slower than the work misses verdicts, which are counted, and never the end", async () => {
  const telling = createTelling(300);
  for (let row = 1; row <= 100; row++) telling.tell(verdict(row));
  telling.tell(facts);
  telling.end();
  const told: Told[] = [];
  for await (const some of telling.told) told.push(...some);
  assert.equal(told.filter(({ is }) => is === "verdict").length, 5);
  assert.equal(telling.dropped(), 95);
  assert.deepEqual(told.at(-1), facts);
});

test("a reader who keeps up misses nothing, and is told of a failure by an end that fails", async () => {
  const telling = createTelling(300);
  const told: Told[] = [];
  const reading = (async () => {
    for await (const some of telling.told) told.push(...some);
  })();
  for (let row = 1; row <= 100; row++) {
    telling.tell(verdict(row));
    await new Promise(setImmediate);
  }
  telling.fail(new Error("stopped"));
  await assert.rejects(reading, /stopped/);
  assert.equal(told.length, 100);
  assert.equal(telling.dropped(), 0);
});
