import { isLarge, type Row, type View } from "../derive/view.ts";
import type { Showing } from "../fields/type.ts";
import type { List } from "./format.ts";

/** Characters of rows, beyond which an answer ends with the row that it is in, and a cursor to go on with. */
const MOST_SHOWN = 4_000_000;

/** Characters of ordinary rows that are put together at once. */
const AT_ONCE = 65_536;

/** How a format writes one row: at once, or in parts where its values are long. */
export type RowWriter = {
  between: string;
  end: string;
  whole: (view: View, row: Row, showing: Showing) => string;
  parts: (view: View, row: Row, showing: Showing) => Iterable<string>;
};

/** Ordinary rows many at once, large ones value by value. Gives the rows that were shown. */
export function* rowParts(list: List, as: RowWriter, showing: Showing): Generator<string, readonly Row[]> {
  const { rows, view: viewOf, uncut = false } = list;
  let length = 0;
  let text = "";
  for (let i = 0; i < rows.length; i++) {
    if (length + text.length > MOST_SHOWN && !uncut) {
      if (text !== "") yield text;
      return rows.slice(0, i);
    }
    const row = rows[i]!;
    const view = typeof viewOf === "function" ? viewOf(row) : viewOf;
    if (i > 0) text += as.between;
    if (isLarge(view, row)) {
      if (text !== "") yield text;
      length += text.length;
      text = "";
      for (const part of as.parts(view, row, showing)) {
        length += part.length;
        yield part;
      }
    } else text += as.whole(view, row, showing);
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
