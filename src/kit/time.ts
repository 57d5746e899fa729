/**
 * Converts times between the database, the line and the caller. Instants are milliseconds since 1970 in UTC. Output is RFC 3339
 * to the second. Input is RFC 3339 and the short forms that people type, in the years 1 to 9999.
 */
import { DAY, dayOf, dayText, HOUR, MINUTE, monthsAfter, realDay, SECOND, span } from "./calendar.ts";
import { offsetsOf } from "./offsets.ts";

const FIRST = Date.parse("0001-01-01T00:00:00Z");
const END = Date.parse("9999-12-31T23:59:59Z") + SECOND;

/** A time zone. `offsetAt` gives how many milliseconds its clocks are ahead of UTC at an instant. */
export type Zone = { readonly name: string; readonly offsetAt: (instant: number) => number };

/** The time range that a text denotes: from `from` up to, but not including, `to`. */
export type Moment = { from: number; to: number };

export type TimeContext = { now: number; zone: Zone };

export const TIME_FORMS = "2026-06-10T09:00:00Z, 2026-06-10, now, today, tomorrow, -7d, +2w, -3h";
export const DATE_FORMS = "2026-06-10, today, tomorrow, yesterday, -7d, +2w, +1mo";

export const UTC: Zone = { name: "UTC", offsetAt: () => 0 };
const zones = new Map<string, Zone>();

/** The zone of an IANA name, in any letter case. Throws a RangeError on an unknown name. */
export function zone(name: string): Zone {
  const key = name.toLowerCase();
  const known = zones.get(key);
  if (known) return known;
  const made = makeZone(name);
  zones.set(key, made); // bounded by the names of the time zone database: a wrong one has thrown
  return made;
}

function makeZone(name: string): Zone {
  if (/^(?:etc\/)?(?:utc|uct|universal|zulu|greenwich|gmt(?:[+-]?0)?)$/i.test(name)) return UTC;
  // Only newer engines read "+02:00" as a zone, and PostgreSQL reads its sign the other way round.
  if (!/^[a-z]/i.test(name)) throw new RangeError(`not an IANA time zone: ${name}`);
  const clock = new Intl.DateTimeFormat("en-US", { timeZone: name, timeZoneName: "longOffset" });
  // Engines may answer with an old name (Asia/Calcutta), so only its letter case is used.
  const proper = clock.resolvedOptions().timeZone;
  return { name: proper.toLowerCase() === name.toLowerCase() ? proper : name, offsetAt: offsetsOf(clock) };
}

/**
 * Shows a timestamptz as PostgreSQL prints it (`2026-06-01 08:12:44.123+00`) in the zone. Texts such as `infinity` stay as they
 * are.
 */
export function showTime(pgText: string, zone: Zone): string {
  const usual = pgText.charCodeAt(10) === 32 && pgText.endsWith("+00");
  if (usual && zone === UTC) return `${pgText.substring(0, 10)}T${pgText.substring(11, 19)}Z`;
  const instant = usual ? readUsual(pgText) : readStored(pgText);
  return Number.isNaN(instant) ? pgText : showInstant(instant, zone);
}

/** A fast path for lists. It takes a tenth of the time of Date.parse or a regular expression. */
function readUsual(pgText: string): number {
  const day = dayOf(digits(pgText, 0) * 100 + digits(pgText, 2), digits(pgText, 5) - 1, digits(pgText, 8));
  return day * DAY + digits(pgText, 11) * HOUR + digits(pgText, 14) * MINUTE + digits(pgText, 17) * SECOND;
}

function digits(text: string, at: number): number {
  return (text.charCodeAt(at) - 48) * 10 + text.charCodeAt(at + 1) - 48;
}

const STORED = /^(\d{4,6})-(\d\d)-(\d\d) (\d\d):(\d\d):(\d\d)(?:\.\d+)?([+-])(\d\d)(?::(\d\d))?(?::(\d\d))?( BC)?$/;

function readStored(pgText: string): number {
  const [, year, month, date, hour, minute, second, sign, ...rest] = STORED.exec(pgText) ?? [];
  const [offsetHour, offsetMinute, offsetSecond, bc] = rest;
  const day = dayOf(bc ? 1 - Number(year) : Number(year), Number(month) - 1, Number(date));
  const offset = span(offsetHour, offsetMinute, offsetSecond);
  return day * DAY + span(hour, minute, second) - (sign === "-" ? -offset : offset);
}

/**
 * Shows an instant in the zone, or in UTC where the zone's clocks show a year outside RFC 3339's four digits. PostgreSQL holds
 * instants beyond the years 1 to 9999. They get ISO 8601's expanded form, `+012026-06-01T08:12:44Z`.
 */
export function showInstant(instant: number, zone: Zone): string {
  // RFC 3339 offsets have no seconds. They are added to the clock time, so the text still means the same instant.
  const offsetThere = zone !== UTC && isShown(instant) ? Math.round(zone.offsetAt(instant) / MINUTE) : 0;
  const inZone = zone !== UTC && isShown(instant) && isShown(instant + offsetThere * MINUTE);
  const offset = inZone ? offsetThere : 0;
  const local = instant + offset * MINUTE;
  const day = Math.floor(local / DAY);
  return `${dayText(day)}T${clockText(Math.floor((local - day * DAY) / SECOND))}${inZone ? offsetText(offset) : "Z"}`;
}

const isShown = (ms: number) => ms >= FIRST && ms < END;

function clockText(second: number): string {
  const minute = Math.floor(second / 60);
  return `${twoDigits(Math.floor(minute / 60))}:${twoDigits(minute % 60)}:${twoDigits(second % 60)}`;
}

function offsetText(minutes: number): string {
  const size = Math.abs(minutes);
  return `${minutes < 0 ? "-" : "+"}${twoDigits(Math.floor(size / 60))}:${twoDigits(size % 60)}`;
}

function twoDigits(n: number): string {
  return n < 10 ? `0${n}` : `${n}`;
}

/** An instant as PostgreSQL reads it. The end of the year 9999 needs a year of five digits. */
export function toTimestamp(instant: number): string {
  return new Date(instant).toISOString().replace(/^\+0/, "");
}

/** Reads the moment a text denotes, or undefined. A local time that the clocks skip is read as the later one. */
export function readMoment(text: string, { now, zone }: TimeContext): Moment | undefined {
  const moment = readAnyMoment(text.toLowerCase(), now, zone);
  return moment && moment.from >= FIRST && moment.from < END ? moment : undefined;
}

function readAnyMoment(text: string, now: number, zone: Zone): Moment | undefined {
  if (text.trim() === "now") return secondOf(now);
  const day = readDay(text, now, zone);
  if (day !== undefined) return { from: instantOf(day * DAY, zone), to: instantOf((day + 1) * DAY, zone) };
  const step = readStep(text);
  return step ? secondOf(takeStep(step, now, zone)) : readClock(text.trim(), zone);
}

/** Reads the calendar date a text denotes in the zone, as `YYYY-MM-DD`, or undefined. */
export function readDate(text: string, context: TimeContext): string | undefined {
  const { now, zone } = context;
  const step = readStep(text.toLowerCase());
  if (step) return EXACT[step.unit] ? undefined : showDay(dayAfter(localDay(now, zone), step));
  const day = readDay(text.toLowerCase(), now, zone);
  if (day !== undefined) return showDay(day);
  const moment = readMoment(text, context);
  return moment && showDay(localDay(moment.from, zone));
}

function showDay(day: number): string | undefined {
  return day * DAY >= FIRST && day * DAY < END ? dayText(day) : undefined;
}

const WORDS = new Map([
  ["yesterday", -1],
  ["today", 0],
  ["tomorrow", 1],
]);

/** Gives the day as a count since 1970-01-01, whatever the zone. */
function readDay(text: string, now: number, zone: Zone): number | undefined {
  const word = WORDS.get(text.trim());
  if (word !== undefined) return localDay(now, zone) + word;
  const found = /^(\d{4})-(\d\d)-(\d\d)$/.exec(text.trim());
  return found ? realDay(Number(found[1]), Number(found[2]), Number(found[3])) : undefined;
}

function localDay(instant: number, zone: Zone): number {
  return Math.floor((instant + zone.offsetAt(instant)) / DAY);
}

type Step = { count: number; unit: string };

const EXACT: Record<string, number> = { min: MINUTE, h: HOUR };

/**
 * A single `m` is refused, because it could mean minutes or months. A `+` may arrive as a space, because URLs encode spaces as
 * `+`.
 */
function readStep(text: string): Step | undefined {
  const [, sign, count, unit] = /^ *([+ -])(\d{1,6})(min|h|d|w|mo|y)\s*$/.exec(text) ?? [];
  return unit === undefined ? undefined : { count: sign === "-" ? -Number(count) : Number(count), unit };
}

/** Hours and minutes are exact spans. Days and longer steps keep the wall clock time. */
function takeStep(step: Step, now: number, zone: Zone): number {
  const exact = EXACT[step.unit];
  if (exact) return now + step.count * exact;
  const local = now + zone.offsetAt(now);
  const day = Math.floor(local / DAY);
  return instantOf(dayAfter(day, step) * DAY + (local - day * DAY), zone);
}

function dayAfter(day: number, { count, unit }: Step): number {
  if (unit === "d" || unit === "w") return day + count * (unit === "w" ? 7 : 1);
  return monthsAfter(day, unit === "y" ? count * 12 : count);
}

const CLOCK =
  /^(\d{4})-(\d\d)-(\d\d)[t ]([01]\d|2[0-3]):([0-5]\d)(?::([0-5]\d)(?:\.\d+)?)?(?: ?(z)| ?([+ -])([01]\d|2[0-3]):?([0-5]\d))?$/;

/** Reads RFC 3339, also without zone or seconds. A leap second (`:60`) is refused, because PostgreSQL cannot store it. */
function readClock(text: string, zone: Zone): Moment | undefined {
  const [, year, month, date, hour, minute, second, z, sign, offsetHour, offsetMinute] = CLOCK.exec(text) ?? [];
  const day = realDay(Number(year), Number(month), Number(date));
  if (day === undefined) return undefined;
  const local = day * DAY + span(hour, minute, second);
  const offset = span(offsetHour, offsetMinute);
  const from = z || sign ? local - (sign === "-" ? -offset : offset) : instantOf(local, zone);
  return { from, to: from + (second === undefined ? MINUTE : SECOND) };
}

function secondOf(instant: number): Moment {
  const from = Math.floor(instant / SECOND) * SECOND;
  return { from, to: from + SECOND };
}

/**
 * The instant at which the zone's clocks show `local`. It follows RFC 5545 and Temporal's "compatible": a time shown twice is the
 * earlier one; a skipped time moves later by the jump.
 *
 * The offsets a day before and a day after are beyond any single change.
 */
function instantOf(local: number, zone: Zone): number {
  if (!(local > FIRST - DAY && local < END + 2 * DAY)) return Number.NaN;
  const before = zone.offsetAt(local - DAY);
  const after = zone.offsetAt(local + DAY);
  const early = local - before;
  if (zone.offsetAt(early) === before) return early;
  const late = local - after;
  return zone.offsetAt(late) === after ? late : early;
}
