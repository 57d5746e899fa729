/**
 * Reads times and dates as callers write them, in the years 1 to 9999: RFC 3339, with RFC 9557's zone behind it, and the words and short forms
 * that people type. `dayWords.ts` knows the words, `zoned.ts` the zones.
 */
import { DAY, dayText, fullYear, HOUR, MINUTE, realDay, SECOND, span } from "./calendar.ts";
import { type Days, dayAfter, readDays, readPeriod, readStep, type Step } from "./dayWords.ts";
import { END, FIRST, instantOf, localDay, type Zone } from "./time.ts";
import { offsetFault, splitZone } from "./zoned.ts";

/** The time range that a text denotes: from `from` up to, but not including, `to`. */
export type Moment = { from: number; to: number };

/** Calendar days, both of them included, as `YYYY-MM-DD`. */
export type Dates = { first: string; last: string };

export type TimeContext = { now: number; zone: Zone };

export const TIME_FORMS = "2026-06-10T09:00:00Z, 2026-06-10, now, tomorrow 9am, tuesday, -7d, +2w";
export const DATE_FORMS = "2026-06-10, today, tomorrow, tuesday, -7d, +2w, +1mo";

/** No time is longer, and patterns that part a text at its blanks would take long on a longer one. */
const LONGEST = 120;

/** Reads the moment a text denotes, or undefined. A local time that the clocks skip is read as the later one. */
export function readMoment(text: string, context: TimeContext): Moment | undefined {
  return inRange(readAny(text, context, false));
}

/** The same, also of a whole year, quarter, month or week: `2026-06`. */
export function readSpan(text: string, context: TimeContext): Moment | undefined {
  return inRange(readAny(text, context, true));
}

/** The instant to store for a text. A step from now ends at a whole minute: nobody means the seconds of `+1w`. */
export function readInstant(text: string, context: TimeContext): number | undefined {
  const from = readMoment(text, context)?.from;
  if (from === undefined || !readStep(splitZone(text).text.toLowerCase())) return from;
  const minute = Math.floor(from / MINUTE) * MINUTE;
  return minute >= FIRST ? minute : undefined;
}

const inRange = (moment: Moment | string | undefined): Moment | undefined =>
  typeof moment === "object" && moment.from >= FIRST && moment.from < END ? moment : undefined;

/** A text where it says why there is no moment. */
function readAny(whole: string, context: TimeContext, periods: boolean): Moment | string | undefined {
  if (whole.length > LONGEST) return undefined;
  const { text: written, named, fault } = splitZone(whole);
  if (fault) return fault;
  const { now } = context;
  const text = written.toLowerCase();
  const zone = named ?? context.zone;
  const trimmed = text.trim();
  if (trimmed === "now") return secondOf(now);
  const step = readStep(text);
  if (step) return secondOf(takeStep(step, now, zone));
  const today = localDay(now, zone);
  const days = readDays(trimmed, today) ?? (periods ? readPeriod(trimmed) : undefined);
  if (days) return { from: instantOf(days.from * DAY, zone), to: instantOf(days.to * DAY, zone) };
  return readClock(trimmed, zone, named) ?? readDayAndTime(text, today, zone);
}

/** Reads the calendar dates a text denotes in the zone, several for a month and its like, or undefined. */
export function readDates(text: string, context: TimeContext): Dates | undefined {
  const days = text.length > LONGEST ? undefined : (readDay(text, context) ?? readPeriod(text.trim().toLowerCase()));
  if (!days || days.from * DAY < FIRST || days.from * DAY >= END) return undefined;
  return { first: dayText(days.from), last: dayText(Math.min(days.to, END / DAY) - 1) };
}

/** Reads the calendar date a text denotes in the zone, as `YYYY-MM-DD`, or undefined. */
export function readDate(text: string, context: TimeContext): string | undefined {
  const day = text.length > LONGEST ? undefined : readDay(text, context)?.from;
  return day !== undefined && day * DAY >= FIRST && day * DAY < END ? dayText(day) : undefined;
}

function readDay(whole: string, context: TimeContext): Days | undefined {
  const { text: written, named, fault } = splitZone(whole);
  if (fault) return undefined;
  const text = written.toLowerCase();
  const today = localDay(context.now, named ?? context.zone);
  const step = readStep(text);
  const day = step && dayAfter(today, step);
  if (step) return day === undefined ? undefined : { from: day, to: day + 1 };
  const days = readDays(text.trim(), today);
  if (days) return days;
  const moment = readMoment(whole, context);
  if (!moment) return undefined;
  const there = localDay(moment.from, context.zone);
  return { from: there, to: there + 1 };
}

/** Why a text that looks like a time is none, for a hint; undefined where nothing more is known. */
export function whyNoMoment(text: string, context: TimeContext): string | undefined {
  const found = text.length > LONGEST ? undefined : readAny(text, context, true);
  if (typeof found === "string") return found;
  const plain = text.trim().toLowerCase();
  if (/^[+-]?\d+ ?m$/.test(plain)) return "m could be minutes or months: write min or mo";
  const period = readPeriod(plain);
  if (period && inRange(found))
    return `${text.trim()} is a whole span, which a filter takes; say a day of it: ${dayText(period.from)}`;
  if (/^\d{1,2}(?::\d\d)? ?(?:[ap]m)?$/.test(plain)) return `say of which day: tomorrow ${plain}`;
  const [, year, month, date, clock] = /^(\d{4})-(\d\d)-(\d\d)($|[t ])/.exec(plain) ?? [];
  if (year === undefined) return whyNoIsoDay(plain);
  return clock === "" || realDay(Number(year), Number(month), Number(date)) === undefined ? NO_SUCH_DAY : undefined;
}

const NO_SUCH_DAY = "the calendar has no such day";

/** `15.12.2026`, `12/15/2026`: between strokes the month may come first. */
function whyNoIsoDay(text: string): string | undefined {
  const [, a, sign, b, years, clock] =
    /^(\d{1,2})([./-])(\d{1,2})\2(\d{4}|\d{2})(?:,?[t ]+(\d\d:\d\d(?::\d\d)?))?$/.exec(text) ?? [];
  if (years === undefined) return undefined;
  const orders =
    sign === "."
      ? [[b, a]]
      : [
          [b, a],
          [a, b],
        ];
  const days = orders.flatMap(([month, date]) => realDay(fullYear(years), Number(month), Number(date)) ?? []);
  const written = new Set(days.map((day) => `${dayText(day)}${clock === undefined ? "" : `T${clock}`}`));
  return written.size === 0 ? NO_SUCH_DAY : `write ${[...written].join(" or ")}`;
}

/** Hours and minutes are exact spans. Days and longer steps keep the wall clock time. */
function takeStep(step: Step, now: number, zone: Zone): number {
  const local = now + zone.offsetAt(now);
  const day = Math.floor(local / DAY);
  const to = dayAfter(day, step);
  if (to === undefined) return now + step.count * (step.unit === "h" ? HOUR : MINUTE);
  return instantOf(to * DAY + (local - day * DAY), zone);
}

const CLOCK =
  /^(\d{4})-(\d\d)-(\d\d)[t ]([01]\d|2[0-3]):([0-5]\d)(?::([0-5]\d)(?:\.\d+)?)?(?: ?(z)| ?([+ -])([01]\d|2[0-3]):?([0-5]\d))?$/;

/** Reads RFC 3339, also without zone or seconds. A leap second (`:60`) is refused, because PostgreSQL cannot store it. */
function readClock(text: string, zone: Zone, named: Zone | undefined): Moment | string | undefined {
  const [, year, month, date, hour, minute, second, z, sign, offsetHour, offsetMinute] = CLOCK.exec(text) ?? [];
  const day = realDay(Number(year), Number(month), Number(date));
  if (day === undefined) return undefined;
  const local = day * DAY + span(hour, minute, second);
  const offset = span(offsetHour, offsetMinute) * (sign === "-" ? -1 : 1);
  const from = z || sign ? local - offset : instantOf(local, zone);
  const isUnknown = !sign || (sign === "-" && offset === 0);
  const fault = named && !isUnknown ? offsetFault(from, offset, named) : undefined;
  return fault ?? { from, to: from + (second === undefined ? MINUTE : SECOND) };
}

const TIME = String.raw`(?:(\d{1,2})(?::(\d\d))? ?([ap])\.?m\.?|(\d{1,2}):(\d\d)|(noon))`;
const DAY_TIME = new RegExp(`^(.*?),? +(?:at +)?${TIME}$`);
const TIME_DAY = new RegExp(`^${TIME} +(.*)$`);

/** `next tuesday 10:00`, `tomorrow at 9am`, `+1w noon`, `9am tomorrow`. */
function readDayAndTime(text: string, today: number, zone: Zone): Moment | undefined {
  const [, before, ...behind] = DAY_TIME.exec(text.trimEnd()) ?? [];
  const found = before === undefined ? TIME_DAY.exec(text.trim())?.slice(1) : [...behind, before];
  if (!found) return undefined;
  const dayPart = found[6]!;
  const step = readStep(dayPart);
  const day = step ? dayAfter(today, step) : oneDay(readDays(dayPart.trim(), today));
  const time = timeOfDay(found);
  if (day === undefined || time === undefined) return undefined;
  const from = instantOf(day * DAY + time, zone);
  return { from, to: from + MINUTE };
}

const oneDay = (days: Days | undefined) => (days && days.to - days.from === 1 ? days.from : undefined);

/** In milliseconds from midnight, by the clock on the wall. */
function timeOfDay([hour12, minute12, half, hour, minute, noon]: readonly (string | undefined)[]): number | undefined {
  if (noon) return 12 * HOUR;
  const hours = half ? (Number(hour12) % 12) + (half === "p" ? 12 : 0) : Number(hour);
  const fits = half ? Number(hour12) >= 1 && Number(hour12) <= 12 : hours < 24;
  const minutes = Number((half ? minute12 : minute) ?? 0);
  return fits && minutes < 60 ? hours * HOUR + minutes * MINUTE : undefined;
}

function secondOf(instant: number): Moment {
  const from = Math.floor(instant / SECOND) * SECOND;
  return { from, to: from + SECOND };
}
