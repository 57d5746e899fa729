import { randomFillSync } from "node:crypto";

const BATCH = 1_024;

/** Unforeseeable numbers in [0, 1), 32 bits each, drawn in batches: one system call for every number would cost more than a statement's text. */
export function createRandom(): () => number {
  const numbers = new Uint32Array(BATCH);
  let next = BATCH;
  return () => {
    if (next === BATCH) {
      randomFillSync(numbers);
      next = 0;
    }
    return numbers[next++]! / 2 ** 32;
  };
}
