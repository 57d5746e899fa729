const SECOND = 1_000;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;

/** The pauses after the first failure, the second and so on; the last one repeats. */
const PAUSES = [5 * SECOND, 30 * SECOND, 2 * MINUTE, 10 * MINUTE, 30 * MINUTE, HOUR, 2 * HOUR, 4 * HOUR, 8 * HOUR];

/** How long a delivery is tried. */
export const LONGEST_MS = 72 * HOUR;

/** What an endpoint may ask for by Retry-After. */
const MOST_ASKED = 8 * HOUR;

/** Milliseconds to wait after so many failures. `asked`: seconds, by Retry-After. */
export function pauseAfter(failures: number, asked = 0): number {
  const pause = PAUSES[Math.min(failures, PAUSES.length) - 1] ?? 0;
  return Math.max(pause, Math.min(asked * SECOND, MOST_ASKED));
}
