import type { FieldType, MembersType, Showing } from "../fields/type.ts";
import { similarity } from "../fields/vector.ts";
import { fnv1a } from "../kit/hash.ts";
import { shortId } from "../kit/id.ts";
import { LargeJson, wholeOf } from "../kit/largeJson.ts";
import { formatLine } from "../kit/line.ts";
import { createRecent } from "../kit/recent.ts";
import { derived } from "../records/derived.ts";
import { type Field, isIdentity, type Kind } from "../records/kind.ts";

/** A row as the database gives it for a view: id, version, then one value for each of the view's columns. */
export type Row = readonly unknown[];

/** Where a row holds what several fields show. */
const SHARED: Record<string, number> = { id: 0, version: 1 };
export const FIRST_COLUMN = 2;

/** No column holds an empty text; what is computed may come to one. */
const EMPTY = '""';

export const rowId = (row: Row) => row[0] as string;
export const rowVersion = (row: Row) => row[1] as number;

/** A choice of a kind's fields, with what it takes to show a row of them. Made from the definition alone. */
export type View = {
  kind: Kind;
  fields: readonly Field[];
  /** What is selected, in this order, after id and version: a column for each field that neither of them shows. */
  columns: readonly Field[];
  /** Tells this view from every other, of whatever kind: a key for what is kept about it. */
  serial: number;
  /** Tells views of a kind apart by their fields. */
  fingerprint: string;
  /** Whether a row's version changes with all that it shows, but for the names of linked records. */
  versioned: boolean;
  /** Where a row holds those. */
  linkedNames: readonly number[];
  /** Those of the columns whose values may be long. */
  long: readonly Field[];
  /** Where a row holds those. */
  longAt: readonly number[];
  /** What a table shows of a row: the fields that were chosen, and where the row holds them. */
  cells: readonly { name: string; type: FieldType; at: number }[];
  line: (row: Row, showing: Showing) => string;
  json: (row: Row, showing: Showing) => string;
  /** The lines of one record: its own, and under it one for each part of its values that have such. */
  lines: (row: Row, showing: Showing) => string;
  /** The same in parts, between which others may have their turn; an empty one is only a moment to pause. */
  lineParts: (row: Row, showing: Showing) => Iterable<string>;
  jsonParts: (row: Row, showing: Showing) => Iterable<string>;
};

/** Of a row's long values together: it is shown in parts. */
const MOST_AT_ONCE = 50_000;

export function isLarge({ longAt }: View, row: Row): boolean {
  let length = 0;
  for (const at of longAt) {
    const value = row[at];
    if (value instanceof LargeJson) return true;
    if (typeof value === "string") length += value.length;
  }
  return length > MOST_AT_ONCE;
}

let nextSerial = 1;

type PartsPrinter = (stored: never, showing: Showing) => Iterable<string>;
type Printer = (stored: never, showing: Showing) => string;

/**
 * `kindOf` names the kind of a row where a view shows several; `onLine` and `inTable` choose among the fields that are selected, `short` shows an
 * id on a line.
 */
export function createView(
  kind: Kind,
  fields: readonly Field[],
  kindOf = (_: Row) => kind.name,
  onLine = (_: Field) => true,
  inTable = (_: Field) => true,
  short = shortId,
): View {
  const columns = fields.filter(({ column }) => column === undefined || SHARED[column] === undefined);
  const placeOf = (field: Field) => SHARED[field.column ?? ""] ?? columns.indexOf(field) + FIRST_COLUMN;
  const printed = fields.flatMap((field) => {
    const { name, type } = field;
    const { toLine: print, toLineParts: printParts }: { toLine: Printer; toLineParts?: PartsPrinter } = type;
    const member = type.members && memberPrinter(name, type.members);
    const shown = { at: placeOf(field), key: ` ${name}=`, print, printParts, member, rows: type.rows };
    return name !== "handle" && onLine(field) ? [shown] : [];
  });
  // Whatever is chosen, JSON says which record it is, as a line does.
  const identity = kind.fields.filter((field) => field.column === "id" && !fields.includes(field));
  const inJson = [...identity, ...fields];
  const places = inJson.map(placeOf);
  const jsonKeys = inJson.map((field, index) => `${index === 0 ? "{" : ","}"${field.name}":`);
  const jsonPrinters: Printer[] = inJson.map((field) => field.type.toJson);
  const absent = inJson.map((field) => field.type.absent ?? "null");

  const inRows = printed.filter(({ rows }) => rows);
  const alone = printed.filter(({ rows }) => !rows);
  const long = columns.filter(({ type }) => type.long);
  const headOf = (row: Row) => (kind.nameless ? kind.name : `${kindOf(row)}/${short(row[0] as string)}`);

  function* read(stored: unknown): Generator<string, unknown> {
    const value = wholeOf(stored);
    if (stored instanceof LargeJson) yield "";
    return value;
  }

  function* tokenParts(field: (typeof printed)[number], row: Row, showing: Showing): Generator<string> {
    const { at, key, printParts } = field;
    const value = yield* read(row[at]);
    if (value === null || !printParts) return yield tokenOf(field, value, showing);
    yield key;
    yield* printParts(value as never, showing);
  }

  function tokenOf({ key, print, member }: (typeof printed)[number], value: unknown, showing: Showing): string {
    if (value === null) return "";
    if (member) return member(value as Record<string, unknown>);
    const token = print(value as never, showing);
    return token === EMPTY ? "" : key + token;
  }

  function memberOf(i: number, value: unknown, showing: Showing): string {
    return jsonKeys[i] + (value === null ? absent[i]! : jsonPrinters[i]!(value as never, showing));
  }

  return {
    kind,
    fields,
    columns,
    serial: nextSerial++,
    fingerprint: fnv1a(fields.map(({ name }) => name).join()),
    versioned: kind.fields.some(({ column }) => column === "version"),
    long,
    longAt: long.map((field) => columns.indexOf(field) + FIRST_COLUMN),
    cells: fields.filter(inTable).map((field) => ({ name: field.name, type: field.type, at: placeOf(field) })),
    linkedNames: columns.flatMap(({ type, touched, mentioned, turns, across }, i) =>
      type.borrowed || across || touched || mentioned || turns ? [i + FIRST_COLUMN] : [],
    ),
    line(row, showing) {
      let line = headOf(row);
      for (const field of printed) line += tokenOf(field, row[field.at], showing);
      return line;
    },
    lines(row, showing) {
      let lines = headOf(row);
      for (const field of alone) lines += tokenOf(field, wholeOf(row[field.at]), showing);
      for (const { at, rows } of inRows) {
        const value = wholeOf(row[at]);
        if (value === null) continue;
        for (const { name, pairs } of rows!(value as never)) lines += `\n${formatLine(`${headOf(row)}.${name}`, pairs)}`;
      }
      return lines;
    },
    json(row, showing) {
      if (jsonKeys.length === 0) return "{}";
      let text = "";
      for (let i = 0; i < jsonKeys.length; i++) text += memberOf(i, row[places[i]!], showing);
      return `${text}}`;
    },
    *lineParts(row, showing) {
      yield headOf(row);
      for (const field of printed) yield* tokenParts(field, row, showing);
    },
    *jsonParts(row, showing) {
      if (jsonKeys.length === 0) return yield "{}";
      for (let i = 0; i < jsonKeys.length; i++) yield memberOf(i, yield* read(row[places[i]!]), showing);
      yield "}";
    },
  };
}

/** Where the rows of a view hold a field's value; undefined when they do not. */
export function columnOf({ columns }: View, field: Field): number | undefined {
  const index = columns.indexOf(field);
  return index < 0 ? undefined : index + FIRST_COLUMN;
}

/** ` custom.seats=5 custom.tier=gold`: keys sorted. */
const memberPrinter =
  (name: string, { toLine }: MembersType) =>
  (members: Record<string, unknown>) =>
    Object.keys(members)
      .sort()
      .map((key) => ` ${name}.${key}=${toLine(members[key])}`)
      .join("");

/** Choices of fields that are kept, of each kind: callers are free to send ever new ones. */
const MOST_CHOSEN = 100;

const chosenOf = derived((_: Kind) => createRecent<string, View>(MOST_CHOSEN));

/** The view of the fields that a caller chose, made once for who asks again: to make it costs half as much as to show fifty rows in it. */
export function chosenView(kind: Kind, fields: readonly Field[]): View {
  const views = chosenOf(kind);
  const names = fields.map(({ name }) => name).join();
  const known = views.get(names);
  if (known) return known;
  const view = createChosenView(kind, fields, names);
  views.set(names, view);
  return view;
}

/** JSON tells of which record it speaks whatever was chosen, as a line does. A table's columns come in the order that was asked for. */
function createChosenView(kind: Kind, fields: readonly Field[], names: string): View {
  const shown = [
    ...kind.fields.filter((field) => isIdentity(field) || fields.includes(field)),
    ...fields.filter(({ across }) => across),
  ];
  const chosen = (field: Field) => fields.includes(field);
  const view = createView(kind, shown, undefined, chosen, chosen);
  const place = (name: string) => fields.findIndex((field) => field.name === name);
  const cells = view.cells.toSorted((a, b) => place(a.name) - place(b.name));
  return { ...view, cells, fingerprint: fnv1a(names) };
}

/** The view and behind its fields how near each row is, which no kind has as a field. */
export const withSimilarity = derived((view: View): View => {
  const fields = [...view.fields, similarity];
  const shown = [...view.kind.fields.filter((field) => isIdentity(field) && !view.fields.includes(field)), ...fields];
  const chosen = (field: Field) => fields.includes(field);
  return createView(view.kind, shown, undefined, chosen, chosen);
});

/**
 * A view for rows that always come with all fields, as those of other statements than a list's do: what only JSON shows is left off the
 * line.
 */
export function createWholeView(kind: Kind, kindOf?: (row: Row) => string, short?: (id: string) => string): View {
  const fields = kind.fields.filter((field) => field.shown !== "asked");
  return createView(kind, fields, kindOf, (field) => field.shown === undefined, undefined, short);
}

/** The views a kind is shown in: lines of a list, the line of one record, and JSON, which leaves nothing out. */
export type Views = { list: View; record: View; json: View };

export const viewsOf = derived((kind: Kind): Views => {
  const show = (...shown: Field["shown"][]) =>
    createView(
      kind,
      kind.fields.filter((field) => shown.includes(field.shown)),
    );
  return { list: show(undefined), record: show(undefined, "detail"), json: show(undefined, "detail", "json") };
});
