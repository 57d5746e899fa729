/** A file of any of the formats that are read, opened: what it is, and its rows as they come. */
import { parseCustomText, unquote } from "../../kit/line.ts";
import { Problem } from "../../kit/problem.ts";
import { type Column, isKnownColumn, isListColumn } from "./columns.ts";
import { openTable } from "./csvTable.ts";
import { createDecoder, type Decoding } from "./encoding.ts";
import { refuseBinary, refuseForeign } from "./foreign.ts";
import { type Gathered, gatherer } from "./gather.ts";
import { createNdjsonReader, type JsonObject } from "./ndjson.ts";
import { createOwnLinesReader } from "./ownLines.ts";
import type { Refused } from "./row.ts";
import { batches, resume } from "./stream.ts";
import { createVcardReader } from "./vcardRead.ts";

export type FileType = "csv" | "ndjson" | "vcard" | "lines";

/**
 * A row: texts by what its columns were taken for, or values as JSON has them by their own names. `handle` is what a line begins
 * with; `skipped` names what the row holds and nothing here can keep.
 */
export type SourceRow =
  | { row: number; is: "texts"; fields: Gathered; skipped?: readonly string[] }
  | { row: number; is: "values"; values: JsonObject; handle?: string }
  | Refused;

export type OpenFile = {
  type: FileType;
  decoding: Decoding;
  /** Of a table: what its columns are, and how it is written. */
  table?: { columns: readonly Column[]; separator: string; headerRow: number; foot: { lines: number } };
  /** A list of rows for each piece of the file. */
  rows: AsyncIterable<readonly SourceRow[]>;
};

export type OpenOptions = {
  /** What the sender says that it is. */
  type?: FileType | undefined;
  separator?: string | undefined;
  /** What the columns of a header are. */
  columnsOf: (names: readonly string[]) => Column[];
};

/** Opens a file. Throws a Problem when it is none that can be read, or when its header is at fault. */
export async function openFile(bytes: AsyncIterable<Uint8Array>, options: OpenOptions): Promise<OpenFile> {
  const decoder = createDecoder();
  const { decoding } = decoder;
  const pieces = textOf(batches(refuseBinary(bytes), decoder));
  const begun = await beginningOf(pieces);
  refuseForeign(begun);
  const type = typeOf(begun, options.type);
  const text = resume([begun], pieces);
  if (begun.trim() === "") throw new Problem("bad_request", "the file is empty", "send it whole: --data-binary @people.csv");
  if (type === "csv") return { type, decoding, ...(await openCsv(text, begun, options)) };
  return { type, decoding, rows: rowsOf(type, text) };
}

async function* textOf(texts: AsyncIterable<readonly string[]>): AsyncGenerator<string> {
  for await (const some of texts) for (const text of some) yield text;
}

/** Enough characters to tell what it is. */
const LEAST = 1_000;

async function beginningOf(pieces: AsyncIterator<string>): Promise<string> {
  let text = "";
  while (text.trimStart().length < LEAST) {
    const next = await pieces.next();
    if (next.done) return text;
    text += next.value;
    if (text.length > 1_048_576) return text;
  }
  return text;
}

/** Trailers and messages of the service's own answers may stand before its lines. */
const OWN_LINE = /^(?:(?:#|OK|HINT) [^\n]*\n)*[a-z][a-z0-9_]*\/[a-z]{1,4}_[0-9a-z]{8}(?:[ \r\n]|$)/;

/** What programs say of a file is often wrong: it counts where the file does not begin like another type. */
function typeOf(text: string, said: FileType | undefined): FileType {
  const found = beginsLike(text);
  if (said === undefined || said === found) return found;
  const [first = ""] = text.trimStart().split(/[\r\n]/, 1);
  const isHeader = first.length < 10_000 && first.split(/[,;\t|]/).some(isKnownColumn);
  return found === "csv" && said !== "vcard" && !isHeader ? said : found;
}

function beginsLike(text: string): FileType {
  const begins = text.trimStart();
  if (begins.startsWith("{")) return "ndjson";
  if (/^\[\s*[{\]]/.test(begins)) {
    throw new Problem(
      "bad_request",
      "a JSON list is not read",
      "send each object on a line of its own: jq -c '.[]' people.json",
    );
  }
  if (/^BEGIN\s*:\s*VCARD/i.test(begins)) return "vcard";
  return OWN_LINE.test(begins) ? "lines" : "csv";
}

async function openCsv(text: AsyncGenerator<string>, begun: string, { separator, columnsOf }: OpenOptions) {
  const table = await openTable(text, {
    isKnown: isKnownColumn,
    mayRepeat: isListColumn,
    ...(separator !== undefined && { separator }),
  });
  const [fault] = table.faults;
  if (fault) {
    const stripped = !/[\r\n]/.test(begun.trim()) && begun.length > 60;
    const hints = stripped ? ["curl -d @file takes the line breaks out: use --data-binary @file"] : fault.hints;
    throw new Problem("bad_request", table.faults.map(({ message }) => message).join("; "), hints);
  }
  const columns = columnsOf(table.columns);
  const gather = gatherer(columns);
  async function* rows(): AsyncGenerator<readonly SourceRow[]> {
    for await (const some of table.rows) {
      yield some.map((one): SourceRow => ("problem" in one ? one : { row: one.row, is: "texts", fields: gather(one.cells) }));
    }
  }
  return { table: { columns, separator: table.separator, headerRow: table.headerRow, foot: table.foot }, rows: rows() };
}

async function* rowsOf(type: Exclude<FileType, "csv">, text: AsyncIterable<string>): AsyncGenerator<readonly SourceRow[]> {
  if (type === "ndjson") {
    for await (const some of batches(text, createNdjsonReader())) {
      yield some.map((one): SourceRow => ("problem" in one ? one : { row: one.row, is: "values", values: one.value }));
    }
  } else if (type === "vcard") {
    for await (const some of batches(text, createVcardReader())) {
      yield some.map(
        (one): SourceRow => ("problem" in one ? one : { row: one.row, is: "texts", fields: one.fields, skipped: one.skipped }),
      );
    }
  } else {
    for await (const some of batches(text, createOwnLinesReader())) yield some.flatMap(lineRow);
  }
}

/** A line of ours: the values are texts, but for those of members, whose quotes tell their type. */
function lineRow(line: ReturnType<ReturnType<typeof createOwnLinesReader>["push"]>[number]): SourceRow[] {
  if ("problem" in line) return [line];
  if ("trailer" in line) return [];
  const { row, handle, tokens } = line;
  try {
    const values = tokens.map(([key, token]) => [key, key.includes(".") ? parseCustomText(token) : unquote(token)]);
    return [{ row, is: "values", values: Object.fromEntries(values), handle }];
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error;
    return [{ row, problem: new Problem("bad_request", `the line cannot be read: ${error.message}`) }];
  }
}
