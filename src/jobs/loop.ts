import type { Log } from "../kit/log.ts";

/** Something to do again and again, in one process of many or in all: it must not matter which. */
export type Job = { name: string; everyMs: number; run: () => Promise<void> };

/** Runs each job at its interval, never twice at once; a failure is logged and waits for the next turn. Gives what stops them. */
export function startJobs(jobs: readonly Job[], log: Log): () => void {
  const timers = jobs.map(({ name, everyMs, run }) => {
    let busy = false;
    return setInterval(async () => {
      if (busy) return;
      busy = true;
      await run().catch((error: unknown) => log.warn("job failed", { name, cause: String(error) }));
      busy = false;
    }, everyMs).unref();
  });
  return () => timers.forEach(clearInterval);
}
