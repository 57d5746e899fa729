import { echo } from "../../kit/line.ts";
import { Problem } from "../../kit/problem.ts";
import { zone } from "../../kit/time.ts";
import { createLines, type Line } from "./lines.ts";
import { type JsonObject, readJsonLine } from "./ndjson.ts";
import { MAX_ROW } from "./row.ts";
import { faultOfRow, hasExponent } from "./workspaceCheck.ts";
import { createCounts, WORKSPACE_FORMAT, type WorkspaceCounts } from "./workspaceFile.ts";
import type { Header, Part } from "./workspacePart.ts";

/** A line of the file with a row: where it stands, what it is of, its text, and what that says. */
export type ReadLine = { n: number; part: Part; json: string; row: JsonObject };

/** Lines as they come; `header` and `counts` are there once they were read. */
export type WorkspaceReader = {
  lines: AsyncGenerator<readonly ReadLine[]>;
  header: () => Header;
  counts: () => WorkspaceCounts;
  /** How many of them are deleted, by kind or table. */
  deleted: () => Record<string, number>;
};

/** Escaped in JSON a record is up to six times as long, and a change holds it twice. */
const MOST_OF_LINE = 12 * MAX_ROW;

/** Whether a file begins like one of a workspace. */
export const isWorkspaceFile = (begins: string): boolean => /^\uFEFF?\s*\{\s*"line"\s*:\s*"header"/.test(begins);

/** Reads the file of a workspace, whose header says what lines there may be, and refuses what is none: by its line, as far as the line alone can tell. */
export function readWorkspaceFile(
  bytes: AsyncIterable<Uint8Array>,
  partsOf: (header: Header) => Promise<readonly Part[]>,
): WorkspaceReader {
  const reading = createReading(partsOf);
  async function* lines(): AsyncGenerator<readonly ReadLine[]> {
    const machine = createLines(MOST_OF_LINE);
    for await (const text of decoded(bytes)) yield readAll(machine.push(text));
    yield readAll(machine.end());
    reading.end();
  }
  async function readAll(some: readonly Line[]): Promise<ReadLine[]> {
    const all: ReadLine[] = [];
    for (const line of some) {
      const read = reading.read(line);
      all.push(...(read instanceof Promise ? await read : read));
    }
    return all;
  }
  return { lines: lines(), header: reading.header, counts: reading.counts, deleted: reading.deleted };
}

async function* decoded(bytes: AsyncIterable<Uint8Array>): AsyncGenerator<string> {
  const decoder = new TextDecoder("utf-8", { fatal: true });
  const decode = (piece?: Uint8Array) => {
    try {
      return decoder.decode(piece, { stream: piece !== undefined });
    } catch {
      throw new Problem("bad_request", "the file is no UTF-8", "send it as GET /export gave it, byte by byte");
    }
  };
  for await (const piece of bytes) yield decode(piece);
  yield decode();
}

function createReading(partsOf: (header: Header) => Promise<readonly Part[]>) {
  const nameOf = (line: unknown, kind: unknown) => `${line} ${kind ?? ""}`;
  let parts: readonly Part[] = [];
  let places: ReadonlyMap<string, number> = new Map();
  let counted = createCounts(parts);
  let header: Header | undefined;
  let counts: WorkspaceCounts | undefined;
  let last: number | undefined;
  const ended = new Set<number>();
  const deleted = new Map<string, number>();

  /** Of the header a promise, for it may name many kinds. */
  function read(line: Line): ReadLine[] | Promise<ReadLine[]> {
    const n = line.row;
    if (line.text.trim() === "" && !line.cut) return [];
    if (counts) throw at(n, "stands behind the end of the file");
    const found = readJsonLine(line, MOST_OF_LINE);
    if ("problem" in found) throw at(n, found.problem.message, found.problem.hints);
    if (hasExponent(line.text)) throw at(n, "has a number with an exponent", "write its digits");
    const { value } = found;
    if (!header) return begin(n, value);
    if (value.line === "end") {
      counts = readEnd(n, value);
      return [];
    }
    return [readRow(n, line.text, value)];
  }

  async function begin(n: number, value: JsonObject): Promise<ReadLine[]> {
    header = readHeader(n, value);
    parts = await partsOfHeader(header, n);
    places = new Map(parts.map(({ line: called, kind }, place) => [nameOf(called, kind), place]));
    counted = createCounts(parts);
    return [];
  }

  async function partsOfHeader(said: Header, n: number): Promise<readonly Part[]> {
    try {
      return await partsOf(said);
    } catch (error) {
      throw error instanceof Problem ? at(n, `is refused: ${error.message}`, error.hints) : error;
    }
  }

  function readRow(n: number, json: string, value: JsonObject): ReadLine {
    const { line, kind, row, ...more } = value;
    const place = places.get(nameOf(line, kind));
    if (place === undefined) {
      const what = line === "record" ? `kind ${echo(String(kind))}` : `line ${echo(String(line))}`;
      throw at(n, `is of no ${what} that there is`, "it may be of a newer Cardfile: bring this one up to date first");
    }
    const [odd] = Object.keys(more);
    if (odd !== undefined) throw at(n, `has a member ${echo(odd)} that a line has not`);
    if (typeof row !== "object" || row === null || Array.isArray(row)) throw at(n, "has no row");
    const part = parts[place]!;
    if (place !== last) beginPart(n, place);
    const fault = faultOfRow(part, row as JsonObject);
    if (fault) throw at(n, `is refused: ${fault}`);
    counted.add(part.line, part.kind);
    const of = part.kind ?? part.table;
    if ((row as JsonObject).deleted_at != null) deleted.set(of, (deleted.get(of) ?? 0) + 1);
    return { n, part, json, row: row as JsonObject };
  }

  /** Kinds come in any order, for a workspace's own may link to each other in a circle. The lines of a part stand together. */
  function beginPart(n: number, place: number): void {
    const part = parts[place]!;
    if (last !== undefined) {
      const former = parts[last]!;
      if (ended.has(place)) throw at(n, `comes too late: ${called(part)} stand together, before ${called(former)}`, AS_WRITTEN);
      if (place < last && (part.line !== "record" || former.line !== "record"))
        throw at(n, `comes too late: ${called(part)} stand before ${called(former)}`, AS_WRITTEN);
      ended.add(last);
    }
    last = place;
  }

  function readEnd(n: number, { line: _, ...said }: JsonObject): WorkspaceCounts {
    const all = counted.all();
    const flat = (some: JsonObject) =>
      Object.entries({ ...some, ...((some.records as JsonObject | undefined) ?? {}), records: undefined }).filter(
        ([, count]) => count !== undefined && count !== 0,
      );
    const [here, told] = [flat(all), new Map(flat(said))];
    const wrong =
      here.find(([name, count]) => told.get(name) !== count) ??
      [...told].find(([name]) => !Object.hasOwn(Object.fromEntries(here), name));
    if (wrong) {
      const has = Object.fromEntries(here)[wrong[0]] ?? 0;
      throw at(
        n,
        `counts ${String(told.get(wrong[0]) ?? 0)} of ${echo(wrong[0])}, and there are ${String(has)}: lines are missing`,
        AGAIN,
      );
    }
    return all;
  }

  return {
    read,
    end() {
      if (!header) throw new Problem("bad_request", "the file is empty", "send what GET /export gave");
      if (!counts)
        throw new Problem("bad_request", "the file was cut: its last line, the end that counts the others, is missing", AGAIN);
    },
    header: () => header!,
    counts: () => counts!,
    deleted: () => Object.fromEntries(deleted),
  };
}

const AS_WRITTEN =
  "send the lines in the order in which GET /export gave them: all records of a kind together, then the history, then the rest";
const AGAIN = "export again, and look that its last line is there: tail -n 1 backup.ndjson";

const called = ({ line, kind, table }: Part) => (line === "record" ? `records of ${kind}` : table);

const at = (n: number, fault: string, hints: string | readonly string[] = []) =>
  new Problem("invalid_value", `line ${n} ${fault}`, [...(typeof hints === "string" ? [hints] : hints), "nothing was written"]);

function readHeader(n: number, header: JsonObject): Header {
  const { line, format, exported_at: exportedAt, workspace, members = [], kinds = [] } = header;
  if (line !== "header") throw at(n, "is no header, with which the file of a workspace begins");
  if (format !== WORKSPACE_FORMAT)
    throw at(
      n,
      `is of format ${echo(String(format))}, and this Cardfile reads ${WORKSPACE_FORMAT}`,
      "bring it up to date first",
    );
  if (!Array.isArray(kinds)) throw at(n, "has kinds that are no list");
  const { id, name, timezone } = (workspace ?? {}) as JsonObject;
  const texts = [exportedAt, id, name, timezone];
  if (!texts.every((each) => typeof each === "string" && each !== "" && each.length <= 200))
    throw at(n, "does not say of which workspace it is");
  if (!/^ws_[0-9a-z]{26}$/.test(id as string) || !/^\d{4}-\d\d-\d\dT[\d:.]+Z$/.test(exportedAt as string))
    throw at(n, "does not say of which workspace it is");
  if (!isZone(timezone as string)) throw at(n, `names a time zone that there is not: ${echo(timezone as string)}`);
  const emails = Array.isArray(members) ? members.map((member: unknown) => (member as JsonObject | null)?.email) : [undefined];
  if (!emails.every((email) => typeof email === "string" && email.length <= 320)) throw at(n, "has members without an address");
  return {
    exportedAt: exportedAt as string,
    id: id as string,
    name: name as string,
    timezone: timezone as string,
    members: emails as string[],
    workspace: workspace as JsonObject,
    kinds,
  };
}

function isZone(name: string): boolean {
  try {
    return zone(name) !== undefined;
  } catch {
    return false;
  }
}
