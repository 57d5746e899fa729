import { randomFillSync } from "node:crypto";

const BATCH = 1_024;

/**
 * Unpredictable numbers in [0, 1) with 32 bits each. They are drawn in batches, because a system call per number would cost more
 * than building a statement.
 */
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
