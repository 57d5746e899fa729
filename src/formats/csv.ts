import type { Row, View } from "../derive/view.ts";
import type { Showing } from "../fields/type.ts";
import { wholeOf } from "../kit/largeJson.ts";
import { cellOf } from "./cell.ts";
import { type Cell, csvRow } from "./files/csvWrite.ts";
import type { Format, Listed, RowWriter } from "./format.ts";
import { tableCell } from "./tableValue.ts";

const ROWS: RowWriter = {
  between: "",
  end: "",
  whole,
  parts,
};

/** Rows of one kind as RFC 4180 writes them, the names of the fields above. Nothing but records stands in it. */
export const csv: Format = {
  name: "csv",
  mediaTypes: ["text/csv"],
  contentType: "text/csv; charset=utf-8; header=present",
  suffix: "csv",
  allFields: true,
  linksNext: true,
  shows: ({ method, answers }) =>
    answers.is === "table" || (method === "GET" && answers.is === "list" && answers.of.length === 1),
  end: "",
  table: {
    begin: (columns) => csvRow(columns.map(({ name }) => name)),
    between: "",
    row: (columns, row, showing) => csvRow(row.map((value, i) => tableCell(columns[i]!.type, value, showing))),
    end: () => "",
  },
  list: { begin: header, rows: ROWS, end: () => "" },
};

function header({ view }: Listed): string {
  if (typeof view === "function") throw new Error("rows of several kinds have no columns in common");
  return csvRow(view.cells.map(({ name }) => name));
}

function whole({ cells }: View, row: Row, showing: Showing): string {
  const shown = new Array<Cell>(cells.length);
  for (let i = 0; i < cells.length; i++) {
    const { at, type } = cells[i]!;
    shown[i] = cellOf(type, wholeOf(row[at]), showing);
  }
  return csvRow(shown);
}

/** Others have their turn before each long value is read. */
function* parts(view: View, row: Row, showing: Showing): Generator<string> {
  const cells: Cell[] = [];
  for (const { at, type } of view.cells) {
    if (type.long) yield "";
    cells.push(cellOf(type, wholeOf(row[at]), showing));
  }
  yield "";
  yield csvRow(cells);
}
