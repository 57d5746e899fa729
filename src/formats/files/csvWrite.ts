import { guard } from "./guard.ts";

/** A number is written as it is: only a text can be one that a spreadsheet would run. */
export type Cell = string | number | bigint | null;

/** A quoted cell is one everywhere, also where a spreadsheet parts cells by another separator or trims blanks. */
const QUOTED = /[",;|\t\r\n]|^[ \ufeff]| $/;

/** Within a cell these need quotes; at its beginning those do, or a guard. Most cells have neither, which is told faster without anchors. */
const WITHIN = /[",;|\t\r\n]/;
const FIRST = new Set([..." \ufeff'=+-@"].map((character) => character.charCodeAt(0)));
const BLANK = 32;

/** A row as RFC 4180 writes it, in UTF-8 and with CRLF at its end. Reading gives the texts back; null reads as "". */
export function csvRow(cells: readonly Cell[]): string {
  let line = "";
  let empty = true;
  for (let i = 0; i < cells.length; i++) {
    const text = csvCell(cells[i]!);
    if (text !== "") empty = false;
    line += i === 0 ? text : `,${text}`;
  }
  // A row of empty cells would be taken for a blank line.
  return `${empty ? `""${line}` : line}\r\n`;
}

function csvCell(cell: Cell): string {
  if (cell === null || cell === "") return "";
  if (typeof cell !== "string") return String(cell);
  if (!FIRST.has(cell.charCodeAt(0)) && cell.charCodeAt(cell.length - 1) !== BLANK && !WITHIN.test(cell)) return cell;
  const text = guard(cell);
  if (!QUOTED.test(text)) return text;
  return `"${text.includes('"') ? text.replaceAll('"', '""') : text}"`;
}

export async function* writeCsv(header: readonly string[], rows: AsyncIterable<readonly Cell[]>): AsyncGenerator<string> {
  yield csvRow(header);
  for await (const row of rows) yield csvRow(row);
}
