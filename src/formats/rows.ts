import { isLarge, type Row } from "../derive/view.ts";
import type { Showing } from "../fields/type.ts";
import type { Ending, List, ListWriter, RowWriter, Stream, Table, TableWriter } from "./format.ts";

/** Characters of rows, beyond which a page ends with the row that it is in, and a cursor to go on with. */
const MOST_SHOWN = 4_000_000;

/** Characters of ordinary rows that are put together at once. */
const AT_ONCE = 65_536;

/** A page, in parts: others have their turn between them, and at each that is empty. */
export function* listParts(list: List, as: ListWriter, showing: Showing): Generator<string, Ending> {
  const { rows, uncut = false } = list;
  const begun = as.begin(list);
  if (begun !== "") yield begun;
  const shown = yield* rowParts(list.view, rows, as.rows, showing, true, uncut ? Number.POSITIVE_INFINITY : MOST_SHOWN);
  const ending = list.ending(shown < rows.length ? rows.slice(0, shown) : rows);
  const ended = as.end(list, ending);
  if (ended !== "") yield ended;
  return ending;
}

/** A stream, in parts. The first comes with the first rows, so that what hinders these can still be told in place of them. */
export async function* streamParts(
  stream: Stream,
  as: ListWriter,
  showing: Showing,
  signal: AbortSignal,
): AsyncGenerator<string, void, undefined> {
  let text = as.begin(stream);
  let shown = 0;
  for await (const rows of stream.batches(signal)) {
    for (const part of rowParts(stream.view, rows, as.rows, showing, shown === 0, Number.POSITIVE_INFINITY)) {
      yield text + part;
      text = "";
    }
    shown += rows.length;
  }
  yield text + as.end(stream, stream.ending(shown));
}

/** A table, in parts. */
export async function* tableParts(
  { columns, batches, ending }: Table,
  as: TableWriter,
  showing: Showing,
  signal: AbortSignal,
): AsyncGenerator<string, void, undefined> {
  let text = as.begin(columns);
  let shown = 0;
  for await (const rows of batches(signal)) {
    for (const row of rows) {
      text += `${shown === 0 ? "" : as.between}${as.row(columns, row, showing)}`;
      shown += 1;
      if (text.length < AT_ONCE) continue;
      yield text;
      text = "";
    }
  }
  yield text + as.end(shown, ending(shown));
}

/** Ordinary rows many at once, large ones value by value. Gives the number of rows that were shown. */
function* rowParts(
  viewOf: List["view"],
  rows: readonly Row[],
  as: RowWriter,
  showing: Showing,
  first: boolean,
  most: number,
): Generator<string, number> {
  let length = 0;
  let text = "";
  for (let i = 0; i < rows.length; i++) {
    if (length + text.length > most) {
      if (text !== "") yield text;
      return i;
    }
    const row = rows[i]!;
    const view = typeof viewOf === "function" ? viewOf(row) : viewOf;
    if (i > 0 || !first) text += as.between;
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
  return rows.length;
}
