import type { Log } from "../kit/log.ts";

/** A recurring job. It runs in one of many processes or in all, so repeated runs must do no harm. */
export type Job = { name: string; everyMs: number; run: () => Promise<void> };

/**
 * Runs each job at its interval, never twice at once. A failure is logged, and the job runs again at its next interval. Returns a
 * function that stops all jobs.
 */
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
