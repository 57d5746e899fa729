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

/** What becomes of each of many, one by one. */
export function* each<Of, Made>(many: readonly Of[], make: (of: Of) => Made): Generator<void, Made[], void> {
  const made: Made[] = [];
  for (const one of many) {
    made.push(make(one));
    yield;
  }
  return made;
}

/** JSON of a large object, made and put together piece by piece: members are told apart down to `depth`. */
export function* writingJson(value: unknown, depth: number): Generator<void, string, void> {
  if (depth === 0 || typeof value !== "object" || value === null || Array.isArray(value)) return JSON.stringify(value);
  const members: string[] = [];
  for (const [name, each] of Object.entries(value)) {
    if (each === undefined) continue;
    members.push(`${JSON.stringify(name)}:${yield* writingJson(each, depth - 1)}`);
    yield;
  }
  return `{${members.join(",")}}`;
}
