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
};

export type Ending = {
  nextCursor: string | null;
  summary: string;
  /** Said after the records. */
  notes?: readonly string[];
};

/** Characters of rows, beyond which an answer ends with the row that it is in, and a cursor to go on with. */
const MOST_SHOWN = 4_000_000;

export function* listTextParts(list: List, showing: Showing): Generator<string> {
  if (list.preface) yield `# ${list.preface}\n`;
  const shown = yield* rowParts(list, "", "\n", (view, row) =>
    isLarge(view, row) ? view.lineParts(row, showing) : view.line(row, showing),
  );
  const { nextCursor, summary, notes } = list.ending(shown);
  yield `${noteLines(notes)}# ${summary}\n${nextCursor === null ? "" : `# next: ${nextCursor}\n`}`;
}

export function* listJsonParts(list: List, showing: Showing): Generator<string> {
  yield '{"items":[';
  const shown = yield* rowParts(list, ",", "", (view, row) =>
    isLarge(view, row) ? view.jsonParts(row, showing) : view.json(row, showing),
  );
  const { nextCursor, notes: said = [] } = list.ending(shown);
  const notes = [...(list.preface ? [list.preface] : []), ...said];
  const facts = Object.entries(list.facts ?? {}).map(([key, value]) => `,${JSON.stringify(key)}:${JSON.stringify(value)}`);
  const told = notes.length > 0 ? `,"notes":${JSON.stringify(notes)}` : "";
  yield `],"next_cursor":${JSON.stringify(nextCursor)}${facts.join("")}${told}}`;
}

/** Gives the rows that were shown. */
function* rowParts(
  { rows, viewOf }: List,
  between: string,
  end: string,
  show: (view: View, row: Row) => string | Iterable<string>,
): Generator<string, readonly Row[]> {
  let length = 0;
  for (let i = 0; i < rows.length; i++) {
    if (length > MOST_SHOWN) return rows.slice(0, i);
    if (i > 0 && between !== "") yield between;
    const row = rows[i]!;
    const parts = show(viewOf(row), row);
    for (const part of typeof parts === "string" ? [parts] : parts) {
      length += part.length;
      yield part;
    }
    if (end !== "") yield end;
  }
  return rows;
}

export const noteLines = (notes: readonly string[] = []) => notes.map((note) => `# ${messageLine(note)}\n`).join("");
