import { DAY, span } from "./calendar.ts";

/**
 * Gives a zone's offset from UTC in milliseconds at an instant, read from the `longOffset` that `clock` prints. Intl takes
 * microseconds, so a UTC day's offset is cached when both its ends have the same one.
 *
 * The cache is exact: no zone has ever changed its clocks twice within three days (time zone database 2025).
 */
export function offsetsOf(clock: Intl.DateTimeFormat): (instant: number) => number {
  const steady = new Map<number, number>();
  return (instant) => {
    const day = Math.floor(instant / DAY);
    let offset = steady.get(day);
    if (offset === undefined) {
      const start = readOffset(clock, day * DAY);
      offset = start === readOffset(clock, (day + 1) * DAY) ? start : Number.NaN;
      if (steady.size >= 4096) steady.clear();
      steady.set(day, offset);
    }
    return Number.isNaN(offset) ? readOffset(clock, instant) : offset;
  };
}

/** Local mean times of the 19th century have seconds: `GMT+00:53:28`. */
function readOffset(clock: Intl.DateTimeFormat, instant: number): number {
  const [, sign, hours, minutes, seconds] = /GMT(?:([+-])(\d\d):(\d\d)(?::(\d\d))?)?$/.exec(clock.format(instant)) ?? [];
  const offset = span(hours, minutes, seconds);
  return sign === "-" ? -offset : offset;
}
