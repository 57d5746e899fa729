import { createHash } from "node:crypto";
import { setImmediate as turn } from "node:timers/promises";
import { beat, type Hold, type StagedFile } from "../../db/imports/imports.ts";
import { type NewRow, stageRows } from "../../db/imports/rows.ts";
import { type Column, customKey } from "../../formats/files/columns.ts";
import { type OpenFile, openFile, type SourceRow } from "../../formats/files/open.ts";
import { checkMap, createIntake, type Facts, type Intake, nameColumns, shownPlace } from "../../formats/intake.ts";
import { moneyShown } from "../../formats/money.ts";
import { hintsOf } from "../../formats/unknownColumns.ts";
import { readId } from "../../kit/id.ts";
import { echo } from "../../kit/line.ts";
import { Problem } from "../../kit/problem.ts";
import { counted } from "../../kit/words.ts";
import type { Catalog } from "../../records/catalog.ts";
import type { Kind } from "../../records/kind.ts";
import type { Authenticated } from "../../service/route.ts";
import type { ImportOptions } from "./options.ts";

/** What is kept of a file besides its rows: by kind what its columns tell, and the lines that tell people of it. */
export type FileFacts = { facts: Record<string, Facts>; notes: string[]; columns: { column: string; field: string | null }[] };

export type Uploaded = FileFacts & StagedFile;

/** Rows and characters that one statement stages. */
const AT_ONCE = 1_000;
const MOST_BYTES = 1_000_000;
const BEAT_MS = 3_000;
const MOST_STRICT = 50_000;

/**
 * Stages the file of a request, as fast as the database takes it. Throws the Problem that refuses the whole of it. `kind` is that of its
 * rows; without it each row names its own.
 */
export async function upload(
  context: Authenticated,
  hold: Hold,
  kind: Kind | undefined,
  options: ImportOptions,
): Promise<Uploaded> {
  const { db, services, body } = context;
  const hash = createHash("sha256");
  if (kind) checkMap(kind, options.map);
  const file = await openFile(hashing(body.file!, hash), {
    type: options.type,
    columnsOf: (names) => columnsOf(kind, names, options),
  });
  const takers = createTakers(db.catalog, kind, options, file.table?.columns);
  let staged: NewRow[] = [];
  let bytes = 0;
  let rows = 0;
  let refused = 0;
  let beaten = services.now();

  const flush = async () => {
    if (staged.length === 0) return;
    const some = staged;
    staged = [];
    bytes = 0;
    await stageRows(db.pool, hold, some);
    if (services.now() - beaten < BEAT_MS) return;
    beaten = services.now();
    await beat(db.pool, hold, beaten);
  };

  for await (const batch of file.rows) {
    for (const row of batch) {
      rows += 1;
      if (options.strict && rows > MOST_STRICT)
        throw new Problem("body_too_large", `strict takes ${MOST_STRICT} rows at most`, "leave strict out, or split the file");
      const one = takers.stage(rows, row);
      staged.push(one);
      if ("problem" in one) refused += 1;
      bytes += "problem" in one ? 100 : one.fields.length;
      if (staged.length >= AT_ONCE || bytes >= MOST_BYTES) await flush();
    }
    await turn();
  }
  await flush();
  if (rows === 0) throw new Problem("bad_request", "the file holds no row", "send one record a line");
  takers.refuseUnknown();
  return { rows, refused, digest: hash.digest("hex"), ...factsOf(file, kind, takers.all) };
}

/** The digest of a file that was staged before. */
export async function digestOf(file: AsyncIterable<Uint8Array>): Promise<string> {
  const hash = createHash("sha256");
  for await (const piece of file) hash.update(piece);
  return hash.digest("hex");
}

async function* hashing(bytes: AsyncIterable<Uint8Array>, hash: ReturnType<typeof createHash>): AsyncGenerator<Uint8Array> {
  for await (const piece of bytes) {
    hash.update(piece);
    yield piece;
  }
}

/** Refuses columns that nothing knows, with what the others were taken for. */
function columnsOf(kind: Kind | undefined, names: readonly string[], options: ImportOptions): Column[] {
  if (!kind) {
    throw new Problem("bad_request", "a table does not say what its rows are", [
      "send it to the path of its kind, as in POST /<kind>/import; here come NDJSON whose objects have a handle or an id, and lines as lists show them",
    ]);
  }
  const columns = nameColumns(kind, names, options).map((one) => (one.name === "" ? { ...one, field: "" } : one));
  const said = new Set(names.map((name) => name.toLowerCase()));
  const missing = [...options.map.keys()].filter((name) => !said.has(name.toLowerCase()));
  if (missing.length > 0) {
    throw new Problem(
      "invalid_value",
      `map names columns that the file has not: ${missing.map((name) => echo(name)).join(", ")}`,
      [`its columns: ${names.map((name) => echo(name)).join(", ")}`],
    );
  }
  const unknown = columns.filter(({ field }) => field === undefined).map(({ name }) => name);
  if (unknown.length > 0 && !options.keeps) throw unknownNames(kind, unknown, "columns", columns);
  return columns;
}

function unknownNames(
  kind: Kind | undefined,
  unknown: readonly string[],
  what: string,
  columns: readonly Column[] = [],
): Problem {
  const names = unknown.map((name) => echo(name, 60)).join(", ");
  return new Problem("invalid_field", `nothing here knows the ${what} ${names}`, hintsOf(kind, unknown, columns));
}

const LINE = { name: "line", plural: "lines" };
const ROW = { name: "row", plural: "rows" };

type Takers = { stage: (n: number, row: SourceRow) => NewRow; refuseUnknown: () => void; all: ReadonlyMap<Kind, Intake> };

/** Each row to the intake of its kind. */
function createTakers(
  catalog: Catalog,
  only: Kind | undefined,
  options: ImportOptions,
  columns: readonly Column[] | undefined,
): Takers {
  const all = new Map<Kind, Intake>();
  const intakeOf = (kind: Kind) => {
    const intake = all.get(kind) ?? createIntake(kind, options, columns);
    all.set(kind, intake);
    return intake;
  };
  function stage(n: number, row: SourceRow): NewRow {
    if ("problem" in row) return { n, row: row.row, kind: only?.name ?? "", problem: row.problem };
    try {
      const kind = only ?? kindOf(catalog, row);
      const { said, ...staged } = intakeOf(kind).take(row);
      return { n, row: row.row, kind: kind.name, said, fields: JSON.stringify(staged) };
    } catch (error) {
      if (!(error instanceof Problem)) throw error;
      return { n, row: row.row, kind: only?.name ?? "", problem: error };
    }
  }
  function refuseUnknown(): void {
    for (const [kind, intake] of all) {
      const unknown = intake.unknown();
      if (unknown.length > 0) throw unknownNames(kind, unknown, "names");
    }
  }
  return { stage, refuseUnknown, all };
}

/** A row names its kind by its handle or its id, as every answer shows it. */
function kindOf(catalog: Catalog, row: Exclude<SourceRow, { problem: Problem }>): Kind {
  const { handle, values = {} } = row.is === "values" ? row : { handle: undefined };
  for (const text of [handle, values["handle"], values["id"]]) {
    const reference = typeof text === "string" ? readId(text) : undefined;
    const kind = reference && catalog.byPrefix(reference.prefix);
    if (kind) return kind;
  }
  const kinds = catalog.kinds.map(({ plural }) => `/${plural}/import`).join(", ");
  throw new Problem("missing_field", "the row does not name its kind by handle or id", `send rows of one kind to ${kinds}`);
}

function factsOf(file: OpenFile, only: Kind | undefined, intakes: ReadonlyMap<Kind, Intake>): FileFacts {
  const { decoding, table, type } = file;
  const columns = (table?.columns ?? []).map(({ name, field = `custom.${customKey(name)}` }) => ({
    column: name,
    field: (only && shownPlace(only, field)) ?? null,
  }));
  const told = only && intakes.get(only)?.facts();
  const readAs = (field: string) =>
    told?.days?.[field] === undefined ? only && moneyShown(only, field, told ?? {}) : "kept as days such as 2026-06-10";
  const shown = { csv: "a table", ndjson: "NDJSON", vcard: "vCard", lines: "lines" }[type];
  const separator =
    table && ` parted by ${{ "\t": "tabs", ";": "semicolons", ",": "commas" }[table.separator] ?? echo(table.separator)}`;
  const notes = [
    `${shown}${separator ?? ""} in ${decoding.encoding}${table && table.headerRow > 1 ? `, its header in line ${table.headerRow}` : ""}`,
    ...(decoding.encoding === "windows-1252"
      ? ["its bytes are no UTF-8, so it was read as windows-1252: look at the accents"]
      : []),
    ...columns
      .filter(({ column }) => column !== "")
      .map(({ column, field }) => {
        if (field === null) return `column ${echo(column)} passed over`;
        const how = readAs(field);
        return `column ${echo(column)} is ${field}${how ? `, ${how}` : ""}`;
      }),
  ];
  if (table && table.foot.lines > 0) notes.push(`left out: ${counted(table.foot.lines, LINE)} at the foot of the report`);
  for (const intake of intakes.values()) {
    if (intake.facts().turned) notes.push('names are written "Doe, Jane": Doe is the last_name, Jane the first_name');
    for (const [name, count] of [...intake.skipped].slice(0, 20))
      notes.push(`left out: ${echo(name)} of ${counted(count, ROW)}`);
  }
  const facts = Object.fromEntries([...intakes].map(([kind, intake]) => [kind.name, intake.facts()]));
  return { facts, notes, columns };
}
