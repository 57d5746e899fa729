/** The calendar without a zone or a clock. A day is the number of days since 1970-01-01, a span of time is milliseconds. */

export const SECOND = 1000;
export const MINUTE = 60 * SECOND;
export const HOUR = 60 * MINUTE;
export const DAY = 24 * HOUR;

/** The milliseconds of a written time's digits; what was not written counts as 0. */
export function span(hours = "0", minutes = "0", seconds = "0"): number {
  return Number(hours) * HOUR + Number(minutes) * MINUTE + Number(seconds) * SECOND;
}

/** Date.UTC takes the years 0 to 99 for 1900 to 1999: ask it 8000 years later, which is twenty turns of the calendar. */
export function dayOf(year: number, monthIndex: number, day: number): number {
  return Date.UTC(year + 8000, monthIndex, day) / DAY - 20 * 146_097;
}

/** The day of a written date, undefined for the 30th of February; months count from 1. */
export function realDay(year: number, month: number, day: number): number | undefined {
  const count = dayOf(year, month - 1, day);
  return new Date(count * DAY).getUTCMonth() === month - 1 ? count : undefined;
}

/** The same date so many months on, or that month's last day when it is too short: 31 January and one is 28 or 29 February. */
export function monthsAfter(day: number, months: number): number {
  const date = new Date(day * DAY);
  const month = date.getUTCMonth() + months;
  const last = dayOf(date.getUTCFullYear(), month + 1, 1) - 1;
  return Math.min(dayOf(date.getUTCFullYear(), month, date.getUTCDate()), last);
}

const dayTexts = new Map<number, string>();

/**
 * `YYYY-MM-DD`; a year of other than four digits in ISO 8601's expanded form. Remembered, for toISOString takes most of a
 * microsecond and the times of a list fall on few days.
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
