import { DAY } from "./calendar.ts";
import type { Zone } from "./time.ts";

/** A zone's offset from UTC in ms around an instant, a day and a half to either side: `before` an instant of change, `after` from it on. */
export type Clocks = { before: number; change: number; after: number };

/** What it takes to read local times near an instant. `change` is Infinity where the clocks stay. */
export function clocksAt(instant: number, { offsetAt }: Zone): Clocks {
  let [low, high] = [instant - 1.5 * DAY, instant + 1.5 * DAY];
  const [before, after] = [offsetAt(low), offsetAt(high)];
  if (before === after) return { before, change: Number.POSITIVE_INFINITY, after };
  // Clocks change at a whole second.
  while (high - low > 1) {
    const middle = Math.floor((low + high) / 2);
    if (offsetAt(middle) === before) low = middle;
    else high = middle;
  }
  return { before, change: high, after };
}
