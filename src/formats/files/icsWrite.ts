import { contentLine, escapeText, utcText } from "./contentLine.ts";

/** Something due, as calendar programs show it. */
export type CalendarEntry = {
  /** The same for the same thing forever: programs know an entry by it. */
  uid: string;
  /** The instant of its last change. The same change gives the same bytes. */
  stamp: number;
  /** An instant in milliseconds, or a whole day as `YYYY-MM-DD`. */
  at: number | string;
  summary: string;
  /** A to-do, which some programs do not show, in place of an event. */
  todo?: { done: boolean };
  /** How long an event lasts; 15 when it is not given, for a shorter one is hard to see. */
  minutes?: number;
  /** How many minutes before it an alarm sounds, below zero after its start; none without. */
  alarm?: number;
  description?: string;
  url?: string;
  tags?: readonly string[];
};

const DAY = 86_400_000;

/** An iCalendar file (RFC 5545), all times in UTC. `product` names who made it. */
export async function* writeCalendar(
  { name, product }: { name: string; product: string },
  entries: AsyncIterable<CalendarEntry>,
): AsyncGenerator<string> {
  yield calendarHead(name, product);
  for await (const entry of entries) yield entryText(entry);
  yield CALENDAR_END;
}

export function calendarHead(name: string, product: string): string {
  const about = contentLine("BEGIN", "VCALENDAR") + contentLine("VERSION", "2.0") + contentLine("PRODID", escapeText(product));
  return `${about}${contentLine("CALSCALE", "GREGORIAN")}${contentLine("METHOD", "PUBLISH")}${contentLine("X-WR-CALNAME", escapeText(name))}`;
}

export const CALENDAR_END = contentLine("END", "VCALENDAR");

export function entryText(entry: CalendarEntry): string {
  const { uid, stamp, summary, description, url, tags, todo } = entry;
  const component = todo ? "VTODO" : "VEVENT";
  let text = contentLine("BEGIN", component) + contentLine("UID", escapeText(uid)) + contentLine("DTSTAMP", utcText(stamp));
  text += contentLine("LAST-MODIFIED", utcText(stamp)) + timeText(entry) + contentLine("SUMMARY", escapeText(summary));
  if (description) text += contentLine("DESCRIPTION", escapeText(description));
  if (url) text += contentLine("URL", url.replace(/[\0-\x20\x7f]/g, ""));
  if (tags && tags.length > 0) text += contentLine("CATEGORIES", tags.map(escapeText).join(","));
  // A reminder takes up no time: others still see its owner as free.
  text += todo ? contentLine("STATUS", todo.done ? "COMPLETED" : "NEEDS-ACTION") : contentLine("TRANSP", "TRANSPARENT");
  return text + alarmText(entry) + contentLine("END", component);
}

function timeText({ at, todo, minutes = 15 }: CalendarEntry): string {
  if (typeof at === "string") {
    const day = (text: string) => text.replaceAll("-", "");
    if (todo) return contentLine("DUE;VALUE=DATE", day(at));
    const next = new Date(Date.parse(`${at}T00:00:00Z`) + DAY).toISOString().slice(0, 10);
    return contentLine("DTSTART;VALUE=DATE", day(at)) + contentLine("DTEND;VALUE=DATE", day(next));
  }
  if (todo) return contentLine("DUE", utcText(at));
  return contentLine("DTSTART", utcText(at)) + contentLine("DTEND", utcText(at + minutes * 60_000));
}

/** A to-do has no start here, so its alarm counts from when it is due. */
function alarmText({ alarm, summary, todo }: CalendarEntry): string {
  if (alarm === undefined) return "";
  const trigger = contentLine(todo ? "TRIGGER;RELATED=END" : "TRIGGER", `${alarm < 0 ? "" : "-"}PT${Math.abs(alarm)}M`);
  const description = contentLine("DESCRIPTION", escapeText(summary));
  return (
    contentLine("BEGIN", "VALARM") + contentLine("ACTION", "DISPLAY") + description + trigger + contentLine("END", "VALARM")
  );
}
