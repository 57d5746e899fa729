/**
 * Dates and times as spreadsheets show them, as what `readDate` and `readMoment` of the kit take: `2026-12-31`,
 * `2026-12-31 13:45`. `05/06/2026` has two readings: a column decides, or whoever sends the file.
 */
import { dayText, fullYear, realDay } from "../../kit/calendar.ts";
import { fold } from "./fold.ts";

/** Day before month, or month before day; `serial` also takes Excel's count of days for a date. */
export type DateOrder = "dmy" | "mdy";
export type DateOptions = { order?: DateOrder | undefined; serial?: boolean };

/** Why a text is not read as a date: it is none, or it could be two. */
export type DateFault = "none" | "ambiguous";

type Parts = { day: string; clock: string };

const CLOCK = String.raw`(?:,?[T ]+(\d{1,2})[:.h](\d{2})(?:[:.](\d{2})(?:[.,]\d+)?)?(?: ?([AaPp])\.?[Mm]\.?)?(?: ?(Z|UTC|GMT|[+-]\d{2}:?\d{2}))?)?`;
const YEAR_FIRST = new RegExp(String.raw`^(\d{4})([-/.]?)(\d{1,2})\2(\d{1,2})${CLOCK}$`);
const YEAR_LAST = new RegExp(String.raw`^(\d{1,2})([-/.] ?)(\d{1,2})\2(\d{4}|\d{2})${CLOCK}$`);
const WEEKDAY = String.raw`(?:\p{L}{2,12}\.?,? +)?`;
const DAY_NAME = new RegExp(
  String.raw`^${WEEKDAY}(\d{1,2})(?:st|nd|rd|th|er|º)?[. -]*(?:de +)?(\p{L}{3,12})\.?,?[ -]*(?:de +)?(\d{4}|\d{2})${CLOCK}$`,
  "u",
);
const NAME_DAY = new RegExp(String.raw`^${WEEKDAY}(\p{L}{3,12})\.? +(\d{1,2})(?:st|nd|rd|th)?,? +(\d{4})${CLOCK}$`, "u");
const SERIAL = /^(\d{1,7})(?:[.,](\d+))?$/;
const LONGEST = 60;

export function readSheetDate(cell: string, options: DateOptions = {}): Parts | DateFault {
  const text = cell.trim().replace(/\s+/g, " ");
  if (text.length > LONGEST) return "none";
  const first = YEAR_FIRST.exec(text);
  // 20261231 is a date, 2026123 is not.
  if (first && (first[2] !== "" || /^\d{8}(?:\D|$)/.test(text))) return parts(first[1]!, first[3]!, first[4]!, first.slice(5));
  const last = YEAR_LAST.exec(text);
  if (last) return readNumeric(last, options.order);
  const dayName = DAY_NAME.exec(text);
  if (dayName) return parts(dayName[3]!, monthOf(dayName[2]!), dayName[1]!, dayName.slice(4));
  const nameDay = NAME_DAY.exec(text);
  if (nameDay) return parts(nameDay[3]!, monthOf(nameDay[1]!), nameDay[2]!, nameDay.slice(4));
  return (options.serial && readSerial(text)) || "none";
}

/** Points part day, month and year in this order wherever they are used; with `/` and `-` it depends on the country. */
function readNumeric(found: RegExpExecArray, order: DateOrder | undefined): Parts | DateFault {
  const [, a, separator, b, year, ...clock] = found as unknown as [string, string, string, string, string, ...string[]];
  const dayFirst = parts(year, b, a, clock);
  if (separator.startsWith(".") || order === "dmy") return dayFirst;
  const monthFirst = parts(year, a, b, clock);
  if (order === "mdy" || dayFirst === "none") return monthFirst;
  return monthFirst === "none" || Number(a) === Number(b) ? dayFirst : "ambiguous";
}

function parts(year: string, month: string | number, day: string, clock: readonly (string | undefined)[]): Parts | "none" {
  const count = realDay(fullYear(year), Number(month), Number(day));
  const time = clockOf(clock);
  return count === undefined || time === undefined ? "none" : { day: dayText(count), clock: time };
}

function clockOf([hour, minute, second, half, zone]: readonly (string | undefined)[]): string | undefined {
  if (hour === undefined) return "";
  if (Number(hour) > 23 || Number(minute) > 59 || Number(second ?? 0) > 59) return undefined;
  if (half !== undefined && (Number(hour) > 12 || Number(hour) === 0)) return undefined;
  const turned = half === undefined ? Number(hour) : (Number(hour) % 12) + (half.toLowerCase() === "p" ? 12 : 0);
  const time = `${String(turned).padStart(2, "0")}:${minute}${second === undefined ? "" : `:${second}`}`;
  return time + (zone === undefined ? "" : zone.replace(/UTC|GMT/, "Z"));
}

const LANGUAGES = ["en", "de", "fr", "es", "it", "nl", "pt", "pl", "sv", "da"];
let months: Map<string, number> | undefined;

/** 0 when it is no month's name. A name of two months in two languages, as `lis`, is none. */
function monthOf(name: string): number {
  months ??= monthNames();
  return months.get(fold(name)) ?? 0;
}

function monthNames(): Map<string, number> {
  const names = new Map<string, number>();
  for (const language of LANGUAGES) {
    for (const style of ["long", "short"] as const) {
      for (const form of [{ month: style }, { day: "numeric", month: style }] as const) {
        const names12 = new Intl.DateTimeFormat(language, { ...form, timeZone: "UTC" });
        for (let month = 1; month <= 12; month++) {
          const shown = names12.formatToParts(Date.UTC(2024, month - 1, 5)).find(({ type }) => type === "month")!.value;
          const name = fold(shown);
          const known = names.get(name);
          names.set(name, known === undefined || known === month ? month : 0);
        }
      }
    }
  }
  return names;
}

/** Excel counts days from 1899-12-31 and has a 29 February 1900, the day 60, that never was. */
function readSerial(text: string): Parts | undefined {
  const [, whole, fraction] = SERIAL.exec(text) ?? [];
  const serial = Number(whole);
  if (whole === undefined || serial < 1 || serial === 60 || serial > 2_958_465) return undefined;
  const seconds = fraction === undefined ? 0 : Math.round(Number(`0.${fraction}`) * 86_400);
  const day = dayText(serial - (serial > 60 ? 25_569 : 25_568) + Math.floor(seconds / 86_400));
  const minutes = Math.floor((seconds % 86_400) / 60);
  const two = (number: number) => String(number).padStart(2, "0");
  return {
    day,
    clock: fraction === undefined ? "" : `${two(Math.floor(minutes / 60))}:${two(minutes % 60)}:${two(seconds % 60)}`,
  };
}

/** What the dates of a column tell of their order: `mixed` when some speak for either. */
export function createDateOrder(): { see: (cell: string) => void; order: () => DateOrder | "mixed" | undefined } {
  const seen = new Set<DateOrder>();
  return {
    see: (cell) => {
      const found = YEAR_LAST.exec(cell.trim().slice(0, LONGEST));
      if (!found || found[2]!.startsWith(".") || Number(found[1]) === Number(found[3])) return;
      const dayFirst = readNumeric(found, "dmy") !== "none";
      const monthFirst = readNumeric(found, "mdy") !== "none";
      if (dayFirst !== monthFirst) seen.add(dayFirst ? "dmy" : "mdy");
    },
    order: () => (seen.size === 2 ? "mixed" : [...seen][0]),
  };
}
