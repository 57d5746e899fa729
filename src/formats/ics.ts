import type { OperationAnswer } from "../derive/operation.ts";
import { type Row, rowId, type View } from "../derive/view.ts";
import type { Showing } from "../fields/type.ts";
import { Problem } from "../kit/problem.ts";
import { doneValues, type ReminderSource } from "../records/declaration.ts";
import { CALENDAR_END, type CalendarEntry, calendarHead, entryText } from "./files/icsWrite.ts";
import type { Format, Listed, RowWriter } from "./format.ts";
import { valuesOf } from "./values.ts";

const EVENTS: RowWriter = {
  between: "",
  end: "",
  whole: eventOf,
  *parts(view, row, showing) {
    yield "";
    yield eventOf(view, row, showing);
    yield "";
  },
};

/** Calendars (RFC 5545), of lists whose declaration says what of a row is due, and when. */
export const ics: Format = {
  name: "ics",
  mediaTypes: ["text/calendar"],
  contentType: "text/calendar; charset=utf-8",
  suffix: "ics",
  allFields: true,
  linksNext: true,
  shows: ({ method, answers }) => method === "GET" && hasReminders(answers),
  end: "",
  list: { begin, rows: EVENTS, end: () => CALENDAR_END },
};

function hasReminders(answers: OperationAnswer): boolean {
  return answers.is === "list" && answers.of.every(({ reminder }) => reminder);
}

const PRODUCT = "-//Cardfile//Cardfile//EN";

function begin({ view }: Listed): string {
  if (typeof view === "function") throw new Error("rows of several kinds make no calendar");
  const { reminder, plural } = view.kind;
  const due = reminder?.at ?? "";
  if (!view.cells.some(({ name }) => name === due))
    throw new Problem("invalid_field", "a calendar shows when things are due", `add ${due} to fields=, or leave fields out`);
  return calendarHead(`Cardfile ${plural}`, PRODUCT);
}

/** Minutes before a day begins at which what is due that day is told: nine in the morning. */
const MORNING = -9 * 60;

/** The event of a row; none of one that is not due at any time, or is done. */
function eventOf(view: View, row: Row, showing: Showing): string {
  const { kind } = view;
  const { reminder } = kind;
  if (!reminder) throw new Error(`${kind.name} has no reminder`);
  const values = valuesOf(view, row, showing);
  const due = values.get(reminder.at);
  if (typeof due !== "string" || isDone(reminder, values)) return "";
  const changed = values.get("updated_at");
  const text = (name: string | undefined) => {
    const value = name === undefined ? undefined : values.get(name);
    return typeof value === "string" ? value : "";
  };
  const { note, phone, email, company } = reminder;
  // A link is told by the name of what it leads to.
  const shown = kind.field(company ?? "")?.link?.shown.name ?? company;
  const description = [text(note), text(shown), text(phone), text(email)].filter((line) => line !== "").join("\n");
  const at = dayOf(due) ?? Date.parse(due);
  const entry: CalendarEntry = {
    uid: rowId(row),
    stamp: Date.parse(typeof changed === "string" ? changed : due),
    at,
    alarm: typeof at === "string" ? MORNING : 0,
    summary: text(kind.title) || rowId(row),
    ...(description === "" ? {} : { description }),
  };
  return entryText(entry);
}

function isDone({ doneWhen }: ReminderSource, values: ReadonlyMap<string, unknown>): boolean {
  return doneWhen !== undefined && (doneValues(doneWhen) as readonly unknown[]).includes(values.get(doneWhen.field));
}

/** A date, or the time at which a day of the workspace begins, which is what `follow_up_at=tomorrow` means, is the whole day. */
function dayOf(due: string): string | undefined {
  return /^(\d{4}-\d\d-\d\d)(?:T00:00:00(?:Z|[+-]\d\d:\d\d))?$/.exec(due)?.[1];
}
