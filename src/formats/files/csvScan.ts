/**
 * The rows of a CSV file as its cells, before anything is known of a header (RFC 4180, and what spreadsheets make of it).
 * A row ends with CRLF, LF or CR. A cell is quoted when it begins with a quote, blanks before it aside; elsewhere a quote is
 * a character like any other.
 */
import { Problem } from "../../kit/problem.ts";
import { isSuspect, MAX_ROW, type Refused, tooLong, unstorable } from "./row.ts";
import type { Machine } from "./stream.ts";

/**
 * `row` is the physical line on which the row begins. It is doubtful when it stands within a quote that was opened before it
 * and never properly closed: then it may be a part of a cell.
 */
export type Cells = { row: number; cells: string[]; doubtful: boolean };
export type Scanned = Cells | (Refused & { doubtful: boolean });

const QUOTE = 34;
const SPACE = 32;
const TAB = 9;
const LF = 10;
const CR = 13;

/** What scanning a row came to. With `needs` the text ends before it is known where the row does. */
type Outcome = "row" | "blank" | "needs" | "fails" | "long";

const JUNK = "text follows the closing quote of a cell";
const NEVER_CLOSED = "a quote is opened and never closed";
const QUOTE_HINT = 'write a quote within a quoted cell twice: "say ""hello"""';

/**
 * A row that fails is refused alone: reading goes on with the physical line after the one on which it begins, for most often
 * a quote was forgotten there. No text is scanned more than twice: a line that opens a quote which an earlier line had open
 * closes that one.
 */
export function createCsvScanner(separator: string): Machine<string, Scanned> {
  const comma = separator.charCodeAt(0);
  let text = "";
  let parts: string[] = [];
  let waiting = 0; // characters in `parts`
  let at = 0;
  let row = 1;
  let final = false;
  let suspect = false;
  let skipsLineFeed = false;
  let skipsLine = false;
  let doubtfulUntil = 0;
  // What scanRow found.
  let cells: string[] = [];
  let breaks = 0;
  let fault = "";

  function push(piece: string): Scanned[] {
    parts.push(piece);
    waiting += piece.length;
    // A long row that comes in small pieces would be scanned anew with each: wait until there is as much again.
    return waiting < text.length ? [] : scan();
  }

  function end(): Scanned[] {
    final = true;
    return scan();
  }

  function scan(): Scanned[] {
    suspect = parts.some(isSuspect) || (suspect && text !== "");
    // Joined and not added: V8 keeps a sum of texts as a tree, in which each character takes several times as long to get.
    text = text === "" && parts.length === 1 ? parts[0]! : [text, ...parts].join("");
    parts = [];
    waiting = 0;
    const rows: Scanned[] = [];
    while (next(rows));
    text = text.slice(at);
    doubtfulUntil -= at;
    at = 0;
    return rows;
  }

  /** Takes one row, or what is left of a failed row's line; false when the text does not hold all of it. */
  function next(rows: Scanned[]): boolean {
    if (skipsLineFeed && at < text.length) {
      if (text.charCodeAt(at) === LF) at++;
      skipsLineFeed = false;
    }
    if (at >= text.length) return false;
    if (skipsLine) return skipLine();
    const start = at;
    const outcome = scanRow(start);
    if (outcome === "needs") {
      at = start;
      return false;
    }
    const doubtful = start < doubtfulUntil;
    if (outcome === "fails" || outcome === "long") {
      const problem = outcome === "long" ? tooLong("the row") : new Problem("bad_request", fault, QUOTE_HINT);
      rows.push({ row, problem, doubtful });
      doubtfulUntil = Math.max(doubtfulUntil, outcome === "long" ? start + MAX_ROW : at);
      at = start;
      skipsLine = true;
      return true;
    }
    if (outcome === "row") {
      const problem = suspect ? unstorable(text.slice(start, at)) : undefined;
      rows.push(problem ? { row, problem, doubtful } : { row, cells, doubtful });
    }
    row += breaks + 1;
    return true;
  }

  function skipLine(): boolean {
    while (at < text.length && !isLineEnd(text.charCodeAt(at))) at++;
    if (at >= text.length) return false;
    at = afterLineEnd(at);
    skipsLine = false;
    row++;
    return true;
  }

  function afterLineEnd(end: number): number {
    if (text.charCodeAt(end) === LF) return end + 1;
    if (end + 1 >= text.length) skipsLineFeed = true;
    return text.charCodeAt(end + 1) === LF ? end + 2 : end + 1;
  }

  /** Scans the row that begins at `start`, and leaves `at` behind its line end, or where it fails. */
  function scanRow(start: number): Outcome {
    const source = text;
    const length = source.length;
    const limit = start + MAX_ROW;
    let blank = true;
    cells = [];
    breaks = 0;
    for (let from = start; ; from++) {
      let to = from;
      let code = source.charCodeAt(to);
      while (code === SPACE || (code === TAB && comma !== TAB)) code = source.charCodeAt(++to);
      if (code === QUOTE) {
        blank = false;
        const outcome = scanQuoted(to + 1, limit);
        if (outcome !== "row") return outcome;
        to = at;
      } else {
        const first = to;
        while (to < length && code !== comma && code !== LF && code !== CR) code = source.charCodeAt(++to);
        if (to > first) blank = false;
        cells.push(source.slice(from, to));
      }
      if (to > limit) return "long";
      if (to >= length) {
        if (!final) return "needs";
        at = to;
        return blank ? "blank" : "row";
      }
      if (source.charCodeAt(to) !== comma) {
        at = afterLineEnd(to);
        return blank ? "blank" : "row";
      }
      from = to;
    }
  }

  /** Scans a quoted cell from behind its quote on, and leaves `at` behind it and the blanks that follow, or where it fails. */
  function scanQuoted(from: number, limit: number): Outcome {
    let doubled = false;
    let to = text.indexOf('"', from);
    while (to >= 0 && to < limit && text.charCodeAt(to + 1) === QUOTE) {
      doubled = true;
      to = text.indexOf('"', to + 2);
    }
    if (to >= limit || (to < 0 && text.length > limit)) return "long";
    if (to < 0 || to + 1 >= text.length) {
      if (!final) return "needs";
      if (to < 0) return fail(NEVER_CLOSED, text.length);
    }
    const cell = text.slice(from, to);
    let after = to + 1;
    let code = text.charCodeAt(after);
    while (code === SPACE || (code === TAB && comma !== TAB)) code = text.charCodeAt(++after);
    if (after >= limit && after < text.length && !isEnd(code)) return "long";
    if (after < text.length && !isEnd(code)) return fail(JUNK, after);
    cells.push(doubled ? cell.replaceAll('""', '"') : cell);
    breaks += cell.match(LINE_BREAK)?.length ?? 0;
    at = after;
    return "row";
  }

  function isEnd(code: number): boolean {
    return code === comma || isLineEnd(code);
  }

  function fail(what: string, where: number): Outcome {
    fault = what;
    at = where;
    return "fails";
  }

  return { push, end };
}

const LINE_BREAK = /\r\n?|\n/g;

const isLineEnd = (code: number) => code === LF || code === CR;
