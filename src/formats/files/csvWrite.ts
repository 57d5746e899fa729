import { guard } from "./guard.ts";

/** A number is written as it is: only a text can be one that a spreadsheet would run. */
export type Cell = string | number | bigint | null;

/** A quoted cell is one everywhere, also where a spreadsheet parts cells by another separator or trims blanks. */
const QUOTED = /[",;|\t\r\n]|^[ \ufeff]| $/;

/** Most cells need neither quotes nor a guard, which one test settles. */
const SPECIAL = /^[ \ufeff'=+\-@]|[",;|\t\r\n]| $/;

/** A row as RFC 4180 writes it, in UTF-8 and with CRLF at its end. Reading gives the texts back; null reads as "". */
export function csvRow(cells: readonly Cell[]): string {
  let line = "";
  for (let i = 0; i < cells.length; i++) line += (i === 0 ? "" : ",") + csvCell(cells[i]!);
  // A row of empty cells would be taken for a blank line.
  return `${/^,*$/.test(line) ? `""${line}` : line}\r\n`;
}

function csvCell(cell: Cell): string {
  if (cell === null) return "";
  if (typeof cell !== "string") return String(cell);
  if (!SPECIAL.test(cell)) return cell;
  const text = guard(cell);
  return QUOTED.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}

export async function* writeCsv(header: readonly string[], rows: AsyncIterable<readonly Cell[]>): AsyncGenerator<string> {
  yield csvRow(header);
  for await (const row of rows) yield csvRow(row);
}
