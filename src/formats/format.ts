import type { Operation } from "../derive/operation.ts";
import type { FormatName } from "../derive/parameters.ts";
import type { Row, View } from "../derive/view.ts";
import type { Showing } from "../fields/type.ts";
import type { Problem } from "../kit/problem.ts";

export type Value = string | number | boolean | null;

/** Facts without a record. */
export type Short =
  | { is: "message"; message: string; values?: Record<string, Value>; hints?: readonly string[] }
  | { is: "values"; values: Record<string, Value> }
  | { is: "json"; json: string };

export type Single = {
  is: "record";
  view: View;
  row: Row;
  outcome?: string;
  /** The id of the change that the outcome tells of. */
  change?: string | undefined;
  notes?: readonly string[];
  /** Told beside a line; JSON has it in a field of its own. */
  lines?: readonly string[];
  facts?: Record<string, Value>;
};

/** Rows of a list, of which an answer shows the first so many: all of them, unless that is too much for one. */
export type List = {
  is: "list";
  /** How a row is shown; a function where the rows are of several kinds. */
  view: View | ((row: Row) => View);
  rows: readonly Row[];
  ending: (shown: readonly Row[]) => Ending;
  /** Said before the records. */
  preface?: string | undefined;
  facts?: Record<string, Value>;
  /** Shown whole, however large: of small rows, without a cursor to go on with. */
  uncut?: boolean;
};

/** A list of any length: its rows are shown as they come, and are never in memory together. */
export type Stream = {
  is: "stream";
  view: View;
  /** Nothing is read before the first batch is asked for. The signal ends it, whatever it waits for. */
  batches: (signal: AbortSignal) => AsyncIterable<readonly Row[]>;
  /** `rows`: how many were shown. */
  ending: (rows: number) => Ending;
};
/** Lines that come while the work runs, a few at a time. */
export type Report = { is: "report"; told: AsyncIterable<readonly Told[]> };

export type Told =
  /** What came of one row of a file: where it stands, and a record or a refusal. */
  | { is: "verdict"; row: number; outcome: string; handle?: string; id?: string; values?: Readonly<Record<string, unknown>> }
  | { is: "verdict"; row: number; problem: Pick<Problem, "code" | "message" | "hints"> }
  /** Facts for programs, which come once, and their lines for people. */
  | { is: "facts"; values: Readonly<Record<string, unknown>>; notes: readonly string[] }
  /** How far it is, for those who watch. */
  | { is: "progress"; note: string };

/** Rows of values under columns, which are no records: what SQL answers. Values are as PostgreSQL writes them. */
export type Table = {
  is: "table";
  columns: readonly TableColumn[];
  batches: (signal: AbortSignal) => AsyncIterable<readonly TableRow[]>;
  /** Said once all is shown. `cut`: there is more than the answer has. */
  ending: (rows: number) => { cut: boolean; notes: readonly string[] };
};

/** The type as PostgreSQL calls it. */
export type TableColumn = { name: string; type: string };
export type TableRow = readonly (string | null)[];

/** How a format writes a table. */
export type TableWriter = {
  begin: (columns: readonly TableColumn[]) => string;
  between: string;
  row: (columns: readonly TableColumn[], row: TableRow, showing: Showing) => string;
  end: (rows: number, ending: { cut: boolean; notes: readonly string[] }) => string;
};

export type Ending = {
  nextCursor: string | null;
  summary: string;
  /** Said after the records. */
  notes?: readonly string[];
};

/** What stands before, between and after the rows of a list, whether it is a page or a stream. */
export type ListWriter = {
  begin: (list: Listed) => string;
  rows: RowWriter;
  end: (list: Listed, ending: Ending) => string;
};

export type Listed = Pick<List, "view" | "preface" | "facts">;

/** How a format writes one row: at once, or in parts where its values are long. */
export type RowWriter = {
  between: string;
  end: string;
  whole: (view: View, row: Row, showing: Showing) => string;
  parts: (view: View, row: Row, showing: Showing) => Iterable<string>;
};

/**
 * What answers look like on the wire. A format leaves out what it cannot show, and `shows` tells that of each operation, so that a request
 * is refused before it does anything. Parts are for long answers: others have their turn between them, and at each that is empty.
 */
export type Format = {
  name: FormatName;
  /** What Accept may call it; the first is the usual one. */
  mediaTypes: readonly [string, ...string[]];
  /** The header of its answers. */
  contentType: string;
  /** Behind the dot of a path: `/contacts.csv`. */
  suffix: string;
  /** Shows all fields where the caller chose none; else those that a line shows. */
  allFields: boolean;
  /** Nothing in its body tells where a list goes on, so a Link header does (RFC 8288). */
  linksNext: boolean;
  shows: (operation: Operation) => boolean;
  /** What each body ends with. */
  end: string;
  /** A body in the form that people like to read. */
  indented?: (body: string) => string;
  list?: ListWriter;
  table?: TableWriter;
  record?: (record: Single, showing: Showing) => string;
  recordParts?: (record: Single, showing: Showing) => Generator<string>;
  message?: (answer: Short) => string;
  report?: (report: Report, showing: Showing) => AsyncGenerator<string>;
  problem?: (problem: Problem, requestId: string) => string;
};

/** A format for all that there is to say, refusals among it. */
export type Speaking = Format &
  Required<Pick<Format, "list" | "table" | "record" | "recordParts" | "message" | "report" | "problem">>;
