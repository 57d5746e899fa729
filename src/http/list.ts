import { isLarge, type Row, type View } from "../derive/view.ts";
import type { Showing } from "../fields/type.ts";
import { messageLine } from "../kit/line.ts";

export type Value = string | number | boolean | null;

/** Rows of a list, of which an answer shows the first so many: all of them, unless that is too much for one. */
export type List = {
  is: "list";
  viewOf: (row: Row) => View;
  rows: readonly Row[];
  ending: (shown: readonly Row[]) => Ending;
  /** Said before the records. */
  preface?: string | undefined;
  facts?: Record<string, Value>;
  /** Shown whole, however large: of small rows, without a cursor to go on with. */
  uncut?: boolean;
};

export type Ending = {
  nextCursor: string | null;
  summary: string;
  /** Said after the records. */
  notes?: readonly string[];
};

/** Characters of rows, beyond which an answer ends with the row that it is in, and a cursor to go on with. */
const MOST_SHOWN = 4_000_000;

/** Characters of ordinary rows that are put together at once. */
const AT_ONCE = 65_536;

type Shown = { between: string; end: string; whole: "line" | "json"; parts: "lineParts" | "jsonParts" };

const TEXT: Shown = { between: "", end: "\n", whole: "line", parts: "lineParts" };
const JSON_ITEMS: Shown = { between: ",", end: "", whole: "json", parts: "jsonParts" };

export function* listTextParts(list: List, showing: Showing): Generator<string> {
  if (list.preface) yield `# ${list.preface}\n`;
  const shown = yield* rowParts(list, TEXT, showing);
  const { nextCursor, summary, notes } = list.ending(shown);
  yield `${noteLines(notes)}# ${summary}\n${nextCursor === null ? "" : `# next: ${nextCursor}\n`}`;
}

export function* listJsonParts(list: List, showing: Showing): Generator<string> {
  yield '{"items":[';
  const shown = yield* rowParts(list, JSON_ITEMS, showing);
  const { nextCursor, notes: said = [] } = list.ending(shown);
  const notes = [...(list.preface ? [list.preface] : []), ...said];
  const facts = Object.entries(list.facts ?? {}).map(([key, value]) => `,${JSON.stringify(key)}:${JSON.stringify(value)}`);
  const told = notes.length > 0 ? `,"notes":${JSON.stringify(notes)}` : "";
  yield `],"next_cursor":${JSON.stringify(nextCursor)}${facts.join("")}${told}}`;
}

/** Ordinary rows many at once, large ones value by value. Gives the rows that were shown. */
function* rowParts(list: List, as: Shown, showing: Showing): Generator<string, readonly Row[]> {
  const { rows, viewOf, uncut = false } = list;
  let length = 0;
  let text = "";
  for (let i = 0; i < rows.length; i++) {
    if (length + text.length > MOST_SHOWN && !uncut) {
      if (text !== "") yield text;
      return rows.slice(0, i);
    }
    const row = rows[i]!;
    const view = viewOf(row);
    if (i > 0) text += as.between;
    if (isLarge(view, row)) {
      if (text !== "") yield text;
      length += text.length;
      text = "";
      for (const part of view[as.parts](row, showing)) {
        length += part.length;
        yield part;
      }
    } else text += view[as.whole](row, showing);
    text += as.end;
    if (text.length > AT_ONCE) {
      yield text;
      length += text.length;
      text = "";
    }
  }
  if (text !== "") yield text;
  return rows;
}

export const noteLines = (notes: readonly string[] = []) => notes.map((note) => `# ${messageLine(note)}\n`).join("");
