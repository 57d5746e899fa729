/** How long work goes on before others have their turn. */
const SLICE_MS = 8;

/** When the slice began that is running, or the last one that ran. All work in turns shares it: together it takes no longer. */
let began = 0;

/** Work that waits for its turn. Of each round of the event loop one has a slice, and requests come in between. */
const waiting: (() => void)[] = [];

/** Lets others have their turn. */
export function turn(): Promise<void> {
  return new Promise((resume) => {
    waiting.push(resume);
    if (waiting.length === 1) setImmediate(resumeNext);
  });
}

function resumeNext(): void {
  began = performance.now();
  waiting.shift()!();
  if (waiting.length > 0) setImmediate(resumeNext);
}

/** Whether it is time for a turn. */
export const isSpent = (): boolean => performance.now() - began >= SLICE_MS;

/** Runs long work piece by piece: where it pauses, others have their turn if it has gone on for a while. */
export async function inTurns<T>(work: Generator<unknown, T, void>): Promise<T> {
  for (;;) {
    if (isSpent()) await turn();
    const step = work.next();
    if (step.done) return step.value;
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
