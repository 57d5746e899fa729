import assert from "node:assert/strict";
import { test } from "node:test";
import { createRecent } from "../../../src/kit/recent.ts";

test("the cache keeps the most recently used entries and never exceeds its size", () => {
  const recent = createRecent<string, number>(3);
  for (const [i, key] of ["a", "b", "c"].entries()) recent.set(key, i);
  assert.equal(recent.get("a"), 0);
  recent.set("d", 3);
  assert.deepEqual(
    ["a", "b", "c", "d"].map((key) => recent.get(key)),
    [0, undefined, 2, 3],
  );
  for (let i = 0; i < 1000; i++) recent.set(`key ${i}`, i);
  assert.equal(recent.size, 3);
});

test("setting a key again replaces its value", () => {
  const recent = createRecent<string, number>(2);
  recent.set("a", 1);
  recent.set("b", 2);
  recent.set("a", 3);
  recent.set("c", 4);
  assert.deepEqual(
    ["a", "b", "c"].map((key) => recent.get(key)),
    [3, undefined, 4],
  );
});
