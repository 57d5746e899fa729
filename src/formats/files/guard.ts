/**
 * The apostrophe that keeps a spreadsheet from running a cell (OWASP, CSV injection): it goes before a text that begins with
 * one of `= + - @`, tab or CR. Apostrophes before one of these get one more, so that taking one off always gives the text back.
 */
const RUNS = /^'*[=+\-@\t\r]/;
const GUARDED = /^'+[=+\-@\t\r]/;

export function guard(text: string): string {
  return RUNS.test(text) ? `'${text}` : text;
}

export function unguard(cell: string): string {
  return cell.charCodeAt(0) === 39 && GUARDED.test(cell) ? cell.slice(1) : cell;
}
