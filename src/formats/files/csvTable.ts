import { echo } from "../../kit/line.ts";
import { Problem } from "../../kit/problem.ts";
import { counted } from "../../kit/words.ts";
import { type Cells, createCsvScanner, type Scanned } from "./csvScan.ts";
import { findSeparator } from "./csvSeparator.ts";
import { unguard } from "./guard.ts";
import type { Refused } from "./row.ts";
import { batches, resume } from "./stream.ts";

export type TableRow = { row: number; cells: string[] } | Refused;

export type Table = {
  separator: string;
  /** The physical line of the header. What stands before it is no data. */
  headerRow: number;
  /** The names as they stand there, blanks around them aside; a column without one is "", and has no values. */
  columns: string[];
  /** What makes the header doubtful: a name that repeats, no name at all, no row below it. */
  faults: Problem[];
  /** Lines below the records that tell of the report, passed over so far. */
  foot: { lines: number };
  /** As many cells a row as there are columns; a list of rows for each piece of the file. */
  rows: AsyncIterable<readonly TableRow[]>;
};

export type TableOptions = {
  /** Whether a column may be called so: the header is found by it. */
  isKnown: (name: string) => boolean;
  /** Whether several columns may be called so: each has a value of a list. */
  mayRepeat?: (name: string) => boolean;
  /** Found when it is not given. */
  separator?: string;
};

const SAMPLE = 65_536;
const HEADER_WITHIN = 20;

/** Finds the separator and the header of a CSV file. Throws a Problem when there is none. */
export async function openTable(text: AsyncIterable<string>, options: TableOptions): Promise<Table> {
  const pieces = text[Symbol.asyncIterator]();
  const { sample, isWhole } = await takeSample(pieces);
  if (sample.trim() === "") throw new Problem("bad_request", "the file is empty", "send a header line and one line a record");
  const found = findSeparator(sample.slice(0, SAMPLE), isWhole, options.isKnown);
  const separator = options.separator ?? found.separator;
  const scanned = batches(resume([sample], pieces), createCsvScanner(separator));
  const { before, isEnd } = await takeHead(scanned, found.declared);
  const header = findHeader(before, options.isKnown);
  const columns = namesOf(header);
  const below = before.slice(before.indexOf(header) + 1);
  const faults = faultsOf(columns, options);
  if (isEnd && below.length === 0) {
    const hint = "send the rows too: one record a line, below the line with the names";
    faults.push(new Problem("bad_request", "the file holds a header and no row below it", hint));
  }
  const foot = { lines: 0 };
  return { separator, headerRow: header.row, columns, faults, foot, rows: fit(resume([below], scanned), columns, foot) };
}

/** At least the sample, unless the file is shorter. */
async function takeSample(pieces: AsyncIterator<string>): Promise<{ sample: string; isWhole: boolean }> {
  let sample = "";
  while (sample.length < SAMPLE) {
    const next = await pieces.next();
    if (next.done) return { sample, isWhole: true };
    sample += next.value;
  }
  return { sample, isWhole: false };
}

/** The rows of the first lines and at least one that follows them, unless the file ends before. */
async function takeHead(
  scanned: AsyncIterator<readonly Scanned[]>,
  declared: boolean,
): Promise<{ before: Scanned[]; isEnd: boolean }> {
  const before: Scanned[] = [];
  const isDeclaration = ({ row }: Scanned) => declared && row === 1;
  while ((before.at(-1)?.row ?? 0) <= HEADER_WITHIN) {
    const next = await scanned.next();
    if (next.done) return { before, isEnd: true };
    for (const one of next.value) if (!isDeclaration(one)) before.push(one);
  }
  return { before, isEnd: false };
}

/** The first row, or the one within the first lines that holds known names where the first holds none. */
function findHeader(before: readonly Scanned[], isKnown: (name: string) => boolean): Cells {
  const rows = before.filter((one): one is Cells => "cells" in one && one.row <= HEADER_WITHIN);
  const known = rows.map(({ cells }) => (cells.length > 1 ? cells.filter(isKnown).length : 0));
  const first = known[0] ? 0 : known.findIndex((count) => count > 1);
  const header = rows[first >= 0 ? first : Math.max(0, known.indexOf(1))];
  if (header) return header;
  const [refused] = before;
  const hint = "the first line names the columns, as in name,email";
  if (!refused || !("problem" in refused)) throw new Problem("bad_request", "the file has no header", hint);
  throw new Problem("bad_request", `the header cannot be read: line ${refused.row}: ${refused.problem.message}`, hint);
}

/** The names, without columns at the end that have none: a trailing separator is no column. */
function namesOf(header: Cells): string[] {
  const names = header.cells.map((cell) => unguard(cell).trim());
  while (names.length > 1 && names.at(-1) === "") names.pop();
  return names;
}

function faultsOf(columns: readonly string[], { mayRepeat, isKnown }: TableOptions): Problem[] {
  if (!columns.some(isKnown) && columns.some((name) => VALUE.test(name))) {
    const value = echo(columns.find((name) => VALUE.test(name))!, 40);
    const hint = "put a line above the rows that names their columns, such as name,email,phone";
    return [new Problem("bad_request", `the first line is no header: it holds ${value}`, hint)];
  }
  const places = new Map<string, number[]>();
  columns.forEach((name, i) => {
    const key = name.toLowerCase();
    if (key !== "") places.set(key, [...(places.get(key) ?? []), i + 1]);
  });
  if (places.size === 0) return [new Problem("bad_request", "the header has no name", "give each column a name")];
  return [...places.values()].flatMap((at) => {
    const name = columns[at[0]! - 1]!;
    if (at.length === 1 || mayRepeat?.(name)) return [];
    const where = `columns ${at.join(", ")} of the header: the same name ${echo(name)}`;
    return [new Problem("bad_request", where, "give each column a name of its own")];
  });
}

/** What nobody calls a column. */
const VALUE = /^(?:[^\s@]+@[^\s@]+\.[^\s@]+|\+?[\d ()/-]{6,}|\d{4}-\d\d-\d\d)$/;

/**
 * Rows as wide as the header; a value in a column without a name refuses the file. A shorter row is filled up, and a longer one is refused unless only empty cells are too many.
 * From a doubtful row on, until a full one, a shorter row is refused: it may be a part of a cell.
 */
async function* fit(
  scanned: AsyncIterable<readonly Scanned[]>,
  columns: readonly string[],
  foot: Table["foot"],
): AsyncGenerator<readonly TableRow[]> {
  const width = columns.length;
  const nameless = columns.flatMap((name, i) => (name === "" ? [i] : []));
  let doubts = false;
  for await (const batch of scanned) yield batch.filter(isNoFoot).map(fitOne);

  function isNoFoot(one: Scanned): boolean {
    if (!("cells" in one) || width < 3 || !FOOT.test(one.cells[0] ?? "") || one.cells.slice(1).some(Boolean)) return true;
    foot.lines += 1;
    return false;
  }

  function fitOne(one: Scanned): TableRow {
    doubts ||= one.doubtful;
    const { row } = one;
    if ("problem" in one) return { row, problem: one.problem };
    const { cells } = one;
    for (let i = 0; i < cells.length; i++) cells[i] = unguard(cells[i]!);
    while (cells.length > width && cells.at(-1) === "") cells.pop();
    if (cells.length === width) doubts &&= one.doubtful;
    const problem = cells.length > width || (doubts && cells.length < width);
    if (problem) return { row, problem: wrongWidth(cells.length, width, doubts) };
    for (const at of nameless) if (cells[at]?.trim()) throw namelessValue(row, at, cells[at]);
    while (cells.length < width) cells.push("");
    return { row, cells };
  }
}

/** What Salesforce writes below its reports, alone in a line. */
const FOOT = /^(?:Copyright \(c\)|Confidential Information\b|Generated By:|Grand (?:Summaries|Totals?)\b|Total Records\b)/;

function namelessValue(row: number, at: number, cell: string): Problem {
  const message = `column ${at + 1} of the header: no name, and row ${row} has ${echo(cell, 40)} in it`;
  return new Problem("bad_request", message, "give the column a name, or empty it");
}

function wrongWidth(found: number, width: number, doubts: boolean): Problem {
  const message = `the row has ${counted(found, CELL)}, the header ${width}`;
  const hint = doubts ? "an earlier row opens a quote and does not close it" : "quote a cell that holds the separator";
  return new Problem("bad_request", message, hint);
}

const CELL = { name: "cell", plural: "cells" };
