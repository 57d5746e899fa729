/**
 * Calendar arithmetic without zones or clocks. A day is a count of days since 1970-01-01; a time span is a count of milliseconds.
 */

export const SECOND = 1000;
export const MINUTE = 60 * SECOND;
export const HOUR = 60 * MINUTE;
export const DAY = 24 * HOUR;

/** The milliseconds of a clock time's digits. Missing parts count as 0. */
export function span(hours = "0", minutes = "0", seconds = "0"): number {
  return Number(hours) * HOUR + Number(minutes) * MINUTE + Number(seconds) * SECOND;
}

/** Date.UTC reads the years 0 to 99 as 1900 to 1999. So this asks it 8000 years later and subtracts twenty 400-year cycles. */
export function dayOf(year: number, monthIndex: number, day: number): number {
  return Date.UTC(year + 8000, monthIndex, day) / DAY - 20 * 146_097;
}

/** The day of a date, or undefined when the calendar has none, such as the 30th of February. Months count from 1. */
export function realDay(year: number, month: number, day: number): number | undefined {
  const count = dayOf(year, month - 1, day);
  return new Date(count * DAY).getUTCMonth() === month - 1 ? count : undefined;
}

/** Two digits are read as Excel reads them: 00 to 29 are of this century. */
export function fullYear(year: string): number {
  return year.length === 2 ? Number(year) + (Number(year) < 30 ? 2000 : 1900) : Number(year);
}

/**
 * The same date a number of months later. A month that is too short gives its last day: 31 January plus one is 28 or 29 February.
 */
export function monthsAfter(day: number, months: number): number {
  const date = new Date(day * DAY);
  const month = date.getUTCMonth() + months;
  const last = dayOf(date.getUTCFullYear(), month + 1, 1) - 1;
  return Math.min(dayOf(date.getUTCFullYear(), month, date.getUTCDate()), last);
}

const dayTexts = new Map<number, string>();

/**
 * `YYYY-MM-DD`. Years without four digits get ISO 8601's expanded form. The texts are cached, because toISOString takes most of a
 * microsecond and the times of one list share few days.
 */
export function dayText(day: number): string {
  let text = dayTexts.get(day);
  if (text === undefined) {
    text = new Date(day * DAY).toISOString().slice(0, -14);
    if (dayTexts.size >= 4096) dayTexts.clear();
    dayTexts.set(day, text);
  }
  return text;
}
