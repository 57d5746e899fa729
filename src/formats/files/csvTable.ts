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
  /** The names as they stand there, blanks around them aside; a column without one is "". */
  columns: string[];
  /** What makes the header doubtful: a name that repeats, a column without one, no row below it. */
  faults: Problem[];
  /** As many cells a row as there are columns; a list of rows for each piece of the file. */
  rows: AsyncIterable<readonly TableRow[]>;
};

export type TableOptions = {
  /** Whether a column may be called so: the header is found by it. */
  isKnown: (name: string) => boolean;
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
  const faults = faultsOf(columns);
  if (isEnd && below.length === 0) faults.push(new Problem("bad_request", "the file holds a header and no row below it"));
  return { separator, headerRow: header.row, columns, faults, rows: fit(resume([below], scanned), columns.length) };
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

function faultsOf(columns: readonly string[]): Problem[] {
  const places = new Map<string, number[]>();
  columns.forEach((name, i) => {
    const key = name.toLowerCase();
    places.set(key, [...(places.get(key) ?? []), i + 1]);
  });
  return [...places].flatMap(([key, at]) => {
    const where = `${at.length === 1 ? "column" : "columns"} ${at.join(", ")}`;
    if (key === "") return [new Problem("bad_request", `${where} of the header: no name`, "give each column a name")];
    if (at.length === 1) return [];
    const name = echo(columns[at[0]! - 1]!);
    return [new Problem("bad_request", `${where} of the header: the same name ${name}`, "give each column a name of its own")];
  });
}

/**
 * Rows as wide as the header. A shorter row is filled up, and a longer one is refused unless only empty cells are too many.
 * From a doubtful row on, until a full one, a shorter row is refused: it may be a part of a cell.
 */
async function* fit(scanned: AsyncIterable<readonly Scanned[]>, width: number): AsyncGenerator<readonly TableRow[]> {
  let doubts = false;
  for await (const batch of scanned) yield batch.map(fitOne);

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
    while (cells.length < width) cells.push("");
    return { row, cells };
  }
}

function wrongWidth(found: number, width: number, doubts: boolean): Problem {
  const message = `the row has ${counted(found, CELL)}, the header ${width}`;
  const hint = doubts ? "an earlier row opens a quote and does not close it" : "quote a cell that holds the separator";
  return new Problem("bad_request", message, hint);
}

const CELL = { name: "cell", plural: "cells" };
