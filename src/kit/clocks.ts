import { DAY, dayOf, SECOND } from "./calendar.ts";
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

/** All changes of a zone's clocks: offsets from UTC in seconds, the first before any change, and the instants in epoch ms from which the others hold. */
export type Changes = { offsets: readonly number[]; from: readonly number[] };

const FIRST = dayOf(1970, 0, 1) * DAY;
const LAST = dayOf(2070, 0, 1) * DAY;

/** No zone has put its clocks back to what they were within this time. */
const STEP = 20 * DAY;

const known = new Map<string, Changes>();

/** From 1970 to 2070: before and after, the clocks are taken to stay. The database's own knowledge of zones may be older than the engine's. */
export function changesOf({ name, offsetAt }: Zone): Changes {
  const found = known.get(name);
  if (found) return found;
  const offsets = [offsetAt(FIRST)];
  const from: number[] = [];
  for (let at = FIRST + STEP; at < LAST; at += STEP) {
    const offset = offsetAt(at);
    if (offset === offsets.at(-1)) continue;
    from.push(changeBetween(at - STEP, at, offset, offsetAt));
    offsets.push(offset);
  }
  const changes = { offsets: offsets.map((offset) => offset / SECOND), from };
  known.set(name, changes);
  return changes;
}

/** The first instant of the offset that holds at `high`. */
function changeBetween(low: number, high: number, offset: number, offsetAt: Zone["offsetAt"]): number {
  while (high - low > 1) {
    const middle = Math.floor((low + high) / 2);
    if (offsetAt(middle) === offset) high = middle;
    else low = middle;
  }
  return high;
}
