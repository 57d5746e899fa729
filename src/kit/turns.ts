import { setImmediate as turn } from "node:timers/promises";

/** How long work goes on before others have their turn. */
const SLICE_MS = 8;

/** Runs long work piece by piece: where it pauses, others have their turn if it has gone on for a while. */
export async function inTurns<T>(work: Generator<unknown, T, void>): Promise<T> {
  let since = performance.now();
  for (let step = work.next(); ; step = work.next()) {
    if (step.done) return step.value;
    if (performance.now() - since < SLICE_MS) continue;
    await turn();
    since = performance.now();
  }
}

/** The same at once, for work that is known to be short. */
export function atOnce<T>(work: Generator<unknown, T, void>): T {
  for (let step = work.next(); ; step = work.next()) if (step.done) return step.value;
}
