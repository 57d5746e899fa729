import assert from "node:assert/strict";
import { test } from "node:test";
import { createBatchSize } from "../../../../src/db/records/stream.ts";

/** The sizes of the batches of a stream whose rows have a long value of `length` characters in column 2. */
function sizes(length: (row: number) => number, rows: number, longAt = [2]): number[] {
  const next = createBatchSize(longAt) as (last?: unknown[][]) => number;
  const made: number[] = [];
  let batch: unknown[][] | undefined;
  for (let at = 0; at < rows; at += batch.length) {
    const size = next(batch);
    made.push(size);
    batch = Array.from({ length: size }, (_, i) => ["id", 1, "x".repeat(length(at + i))]);
  }
  return made;
}

test("batches begin small and grow while their rows are small", () => {
  assert.deepEqual(
    sizes(() => 10, 4_000, []),
    [32, 64, 128, 256, 512, 1000, 1000, 1000, 1000],
  );
  assert.deepEqual(
    sizes(() => 10, 400),
    [32, 64, 128, 128, 128],
  );
});

test("rows with a megabyte come one by one, and smaller ones many at once again", () => {
  const made = sizes((row) => (row < 200 ? 10 : row < 300 ? 1_000_000 : 10), 500);
  assert.ok(made.filter((size) => size === 1).length > 20, String(made));
  assert.ok(made.at(-1)! > 50, String(made));
});
