/**
 * Days and spans of days as people write them: `2026-06-10`, `tuesday`, `next week`, `2026-06`. Pure calendar arithmetic: a day is a count
 * since 1970-01-01, and `today` is an argument. Text is in lower case and trimmed.
 */
import { DAY, dayOf, monthsAfter, realDay } from "./calendar.ts";

/** From the day `from` up to, but not including, `to`. */
export type Days = { from: number; to: number };

/** A step in time, as `+2w`. */
export type Step = { count: number; unit: "min" | "h" | "d" | "w" | "mo" | "y" };

const one = (day: number): Days => ({ from: day, to: day + 1 });

/** A day, or `this`, `next` and `last` of a week, month, quarter or year. Undefined for everything else. */
export function readDays(text: string, today: number): Days | undefined {
  const written = /^(\d{4})-(\d\d)-(\d\d)$/.exec(text);
  if (written) {
    const day = realDay(Number(written[1]), Number(written[2]), Number(written[3]));
    return day === undefined ? undefined : one(day);
  }
  const away = WORDS.get(text);
  if (away !== undefined) return one(today + away);
  const [, which, name = ""] = /^(?:on )?(?:(this|next|last) )?([a-z]+)$/.exec(text) ?? [];
  const weekday = WEEKDAYS.get(name);
  if (weekday !== undefined) return one(weekdayOf(weekday, which, today));
  const moved = which === undefined ? undefined : MOVES.get(which);
  if (moved === undefined) return undefined;
  const months = MONTHS.get(name);
  if (name === "week") return weeks(mondayOf(today) + 7 * moved);
  return months === undefined ? undefined : monthSpan(today, months, moved);
}

const WORDS = new Map([
  ["yesterday", -1],
  ["today", 0],
  ["tomorrow", 1],
]);

const MOVES = new Map([
  ["last", -1],
  ["this", 0],
  ["next", 1],
]);

/** How many months each holds. */
const MONTHS = new Map([
  ["month", 1],
  ["quarter", 3],
  ["year", 12],
]);

/** Counted from Monday, as ISO 8601 does; with the short names that people use. */
const WEEKDAYS = new Map(
  [
    ["monday", "mon"],
    ["tuesday", "tue", "tues"],
    ["wednesday", "wed"],
    ["thursday", "thu", "thur", "thurs"],
    ["friday", "fri"],
    ["saturday", "sat"],
    ["sunday", "sun"],
  ].flatMap((names, weekday) => names.map((name) => [name, weekday] as const)),
);

/** 1970-01-01 was a Thursday. */
const mondayOf = (day: number) => day - ((((day + 3) % 7) + 7) % 7);

const weeks = (monday: number): Days => ({ from: monday, to: monday + 7 });

/** `tuesday` is the first after today, `last tuesday` the latest before it; `this` and `next` are of this week and the next. */
function weekdayOf(weekday: number, which: string | undefined, today: number): number {
  const inThisWeek = mondayOf(today) + weekday;
  if (which === "next") return inThisWeek + 7;
  if (which === "last") return inThisWeek < today ? inThisWeek : inThisWeek - 7;
  return which === "this" || inThisWeek > today ? inThisWeek : inThisWeek + 7;
}

function monthSpan(today: number, months: number, moved: number): Days {
  const date = new Date(today * DAY);
  const first = Math.floor(date.getUTCMonth() / months) * months;
  const from = monthsAfter(dayOf(date.getUTCFullYear(), first, 1), months * moved);
  return { from, to: monthsAfter(from, months) };
}

/** A year `2026`, a quarter `2026-Q2`, a month `2026-06` or an ISO 8601 week `2026-W23`. */
export function readPeriod(text: string): Days | undefined {
  const [, year, quarter, week, month] = /^(\d{4})(?:-?q([1-4])|-?w(\d\d)|-(\d\d))?$/.exec(text) ?? [];
  if (year === undefined) return undefined;
  if (week !== undefined) return weekOf(Number(year), Number(week));
  const first = quarter === undefined ? Number(month ?? 1) : Number(quarter) * 3 - 2;
  const from = realDay(Number(year), first, 1);
  return from === undefined ? undefined : { from, to: monthsAfter(from, quarter ? 3 : month ? 1 : 12) };
}

/** The first week of a year is the one that holds 4 January (ISO 8601). */
function weekOf(year: number, week: number): Days | undefined {
  const first = (of: number) => mondayOf(dayOf(of, 0, 4));
  const monday = first(year) + 7 * (week - 1);
  return week >= 1 && monday < first(year + 1) ? weeks(monday) : undefined;
}

const UNITS: readonly (readonly [unit: Step["unit"], RegExp])[] = [
  ["min", /^min(?:ute)?s?$/],
  ["h", /^h(?:(?:ou)?rs?)?$/],
  ["d", /^d(?:ays?)?$/],
  ["w", /^w(?:eeks?)?$/],
  ["mo", /^mo(?:nths?)?$/],
  ["y", /^y(?:ears?)?$/],
];

/**
 * `+2w`, `-3h`, `+2 weeks`, `in 2 weeks`, `2 weeks ago`. A single `m` is refused, because it could mean minutes or months. A `+` may arrive as a
 * space, because URLs encode spaces as `+`: this text is not trimmed.
 */
export function readStep(text: string): Step | undefined {
  const [, sign, signed, name] = /^ *([+ -])(\d{1,6}) ?([a-z]+)\s*$/.exec(text) ?? [];
  if (name !== undefined) return step(sign === "-" ? -1 : 1, signed!, name);
  const [, ahead, to] = /^in (\d{1,6}) ?([a-z]+)$/.exec(text.trim()) ?? [];
  if (to !== undefined) return step(1, ahead!, to);
  const [, back, from] = /^(\d{1,6}) ?([a-z]+) ago$/.exec(text.trim()) ?? [];
  return from === undefined ? undefined : step(-1, back!, from);
}

function step(sign: 1 | -1, count: string, name: string): Step | undefined {
  const [unit] = UNITS.find(([, names]) => names.test(name)) ?? [];
  return unit && { count: sign * Number(count), unit };
}

/** The day a step of days or longer leads to; hours and minutes lead to none. */
export function dayAfter(day: number, { count, unit }: Step): number | undefined {
  if (unit === "min" || unit === "h") return undefined;
  if (unit === "d" || unit === "w") return day + count * (unit === "w" ? 7 : 1);
  return monthsAfter(day, unit === "y" ? count * 12 : count);
}
