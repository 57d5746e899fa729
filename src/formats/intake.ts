/** Rows of a file as they are staged: each value under the name of what it was taken for. */
import { readId } from "../kit/id.ts";
import { echo } from "../kit/line.ts";
import { Problem } from "../kit/problem.ts";
import { derived } from "../records/derived.ts";
import { type Kind, type Link, memberNamed, membersOf, stored, writable } from "../records/kind.ts";
import { createDayColumns } from "./dayColumns.ts";
import { type Column, customKey, mapColumns } from "./files/columns.ts";
import { LAST_FIRST } from "./files/columnsOfPrograms.ts";
import { createDateOrder, type DateOrder } from "./files/dates.ts";
import { type Gathered, gatherer } from "./files/gather.ts";
import { createNameOrder } from "./files/nameOrder.ts";
import type { SourceRow } from "./files/open.ts";
import { createMoneyColumns, type MoneyFacts, wholeUnits } from "./money.ts";

/** Texts as cells are, or values as JSON has them. `said` is the last eight characters of the id that the row gives itself. */
export type Staged = { is: "texts" | "values"; fields: Record<string, unknown>; said?: string };

/** What the whole of a column tells of its values. `days`: those under `custom` that are days. `turned`: the names are written `Doe, Jane`. */
export type Facts = MoneyFacts & {
  dates: Record<string, DateOrder | "mixed">;
  days?: Readonly<Record<string, DateOrder>>;
  turned?: boolean;
};

export type NamingOptions = {
  /** What the sender says of columns: `Firma` -> `company`. An empty name passes a column over. */
  map: ReadonlyMap<string, string>;
  /** Whether what nothing knows is kept under a name of its own. */
  keeps: boolean;
  /** What the sender says of dates that can be read in two ways. */
  dates?: DateOrder | undefined;
};

/** What only the name is made of. */
const NAME_PARTS = ["first_name", "middle_name", "last_name", LAST_FIRST];

/** `company_domain`: the key by which a linked record is found. */
export const linkKeyName = ({ name, target }: Link) => target.keyField && `${name}_${target.keyField.name}`;

/** Where a value goes that was taken for `name`; undefined where it is passed over: nobody writes it. */
export function placeOf(kind: Kind, name: string): string | undefined {
  if (name === "") return undefined;
  const field = kind.field(name);
  if (field) return field.readOnly && field.column !== "id" ? undefined : name;
  if (memberNamed(kind, name)) return name;
  if (wholeUnits(kind).has(name)) return name;
  if (kind.links.some((link) => linkKeyName(link) === name && !kind.field(name))) return name;
  const [members] = membersOf(kind);
  return members && `${members.name}.${name}`;
}

/** The same for people: a part of a name that is no field goes into the name. */
export const shownPlace = (kind: Kind, name: string): string | undefined =>
  NAME_PARTS.includes(name) && !kind.field(name) && kind.field("last_name") ? kind.title : placeOf(kind, name);

const ownNames = derived((kind: Kind) => [...kind.fields.map(({ name }) => name), ...wholeUnits(kind).keys()]);

/** What the columns of a header are, and what stands in the header that nothing knows. */
export function nameColumns(kind: Kind, names: readonly string[], { map }: NamingOptions): Column[] {
  const said = new Map([...map].map(([name, field]) => [name.toLowerCase(), field]));
  return mapColumns(names, kind.name, ownNames(kind)).map((column) => {
    const field = said.get(column.name.toLowerCase());
    return field === undefined ? column : { ...column, field };
  });
}

/** Refuses a `map` to what is no field of the kind. */
export function checkMap(kind: Kind, map: ReadonlyMap<string, string>): void {
  for (const [name, field] of map) {
    const isKnown =
      field === "" ||
      kind.field(field) ||
      memberNamed(kind, field) ||
      NAME_PARTS.includes(field) ||
      placeOf(kind, field) === field;
    if (isKnown) continue;
    const names = [...wholeUnits(kind).keys(), ...writable(kind).map((each) => each.name)];
    throw new Problem("invalid_field", `map puts ${echo(name)} into ${echo(field)}, which ${kind.plural} do not have`, [
      `${kind.plural} take: ${names.join(", ")}`,
    ]);
  }
}

export type Intake = {
  /** The row as it is staged. Throws the Problem that refuses it. */
  take: (row: Exclude<SourceRow, { problem: Problem }>) => Staged;
  /** Names that nothing knows, in the order in which they came. */
  unknown: () => string[];
  /** What rows hold and nothing here keeps, with how many. */
  skipped: ReadonlyMap<string, number>;
  facts: () => Facts;
};

/** At most so many unknown names are told. */
const MOST_TOLD = 50;

/** Takes the rows of one kind, and looks at what all of a column tell. `columns`: those of a table. */
export function createIntake(kind: Kind, options: NamingOptions, columns: readonly Column[] = []): Intake {
  const places = new Map<string, string | undefined>();
  const unknown = new Set<string>();
  const skipped = new Map<string, number>();
  const dates = new Map<string, ReturnType<typeof createDateOrder>>();
  const money = createMoneyColumns(kind);
  const days = createDayColumns(options.dates);
  money.note(columns);
  const namings = new Map<string, Naming>();
  const timed = new Set(
    writable(kind).flatMap(({ name, type }) => (/^(?:date|timestamptz)$/.test(type.sqlType) ? [name] : [])),
  );

  const names = createNameOrder();
  const hasParts = Boolean(kind.field("first_name") && kind.field("last_name"));

  function put(fields: Record<string, unknown>, name: string, value: unknown): void {
    if (!places.has(name)) places.set(name, placeOf(kind, name));
    const place = places.get(name);
    if (place === undefined) return;
    fields[place] = value;
    if (typeof value !== "string") return;
    if (timed.has(place)) seen(dates, place, createDateOrder).see(value);
    money.see(place, value);
  }

  function texts(gathered: Gathered): Staged {
    const fields: Record<string, unknown> = {};
    for (const name in gathered) put(fields, name, gathered[name]);
    for (const name in fields) if (memberNamed(kind, name)) days.see(name, String(fields[name]));
    const { name } = gathered;
    if (hasParts && typeof name === "string" && !gathered["first_name"] && !gathered["last_name"]) names.see(name);
    return withId(kind, { is: "texts", fields });
  }

  function take(row: Exclude<SourceRow, { problem: Problem }>): Staged {
    if (row.is === "texts") {
      for (const name of row.skipped ?? []) skipped.set(name, (skipped.get(name) ?? 0) + 1);
      return texts(row.fields);
    }
    const names = Object.keys(row.values);
    const naming = namingOf(names);
    for (const name of naming.unknown) if (unknown.size < MOST_TOLD) unknown.add(name);
    if (naming.gather) return texts(naming.gather(names.map((name) => cellOf(row.values[name]))));
    const fields: Record<string, unknown> = {};
    for (const name of names) put(fields, naming.fields.get(name)!, row.values[name]);
    if (row.handle !== undefined) fields["handle"] ??= row.handle;
    return withId(kind, { is: "values", fields });
  }

  /** Objects mostly have the same names one after the other. */
  function namingOf(names: readonly string[]): Naming {
    const key = names.join("\n");
    const known = namings.get(key);
    if (known) return known;
    if (namings.size > 200) namings.clear();
    const naming = nameKeys(kind, names, options);
    namings.set(key, naming);
    money.note(naming.columns);
    return naming;
  }

  return {
    take,
    unknown: () => (options.keeps ? [] : [...unknown]),
    skipped,
    facts: () => ({
      dates: Object.fromEntries([...dates].flatMap(([name, each]) => (each.order() ? [[name, each.order()!]] : []))),
      ...money.facts(),
      days: days.facts(),
      ...(names.isTurned() && { turned: true }),
    }),
  };
}

function seen<T>(all: Map<string, T>, name: string, make: () => T): T {
  const known = all.get(name) ?? make();
  all.set(name, known);
  return known;
}

type Naming = {
  columns: readonly Column[];
  fields: ReadonlyMap<string, string>;
  unknown: string[];
  gather?: (cells: readonly string[]) => Gathered;
};

/** Names that are our own keep the types of their values. Those of another program are read like the columns of a table. */
function nameKeys(kind: Kind, names: readonly string[], options: NamingOptions): Naming {
  const columns = nameColumns(kind, names, options);
  const unknown = columns.filter(({ field }) => field === undefined).map(({ name }) => name);
  const isOurs = ({ name, field }: Column) =>
    field === name && (kind.field(name) || memberNamed(kind, name) || wholeUnits(kind).has(name));
  const foreign = columns.some((column) => column.field !== undefined && !isOurs(column));
  const [members] = membersOf(kind);
  const fields = new Map(columns.map(({ name, field }) => [name, field ?? `${members?.name}.${customKey(name)}`]));
  return { columns, fields, unknown, ...(foreign && { gather: gatherer(columns) }) };
}

function cellOf(value: unknown): string {
  if (value === null || value === undefined) return "";
  if (typeof value === "string") return value;
  const json = JSON.stringify(value);
  // The point of a number in JSON never groups thousands, as that of a cell may.
  return typeof value === "number" && /\.\d{3}$/.test(json) ? `${json}0` : json;
}

/** Takes out the id that the row gives itself. One of another program is kept beside the others. */
function withId(kind: Kind, { is, fields }: Staged): Staged {
  const { id, handle, ...rest } = fields;
  const own = [handle, id].find((text) => typeof text === "string" && text !== "") as string | undefined;
  if (own === undefined) return { is, fields: rest };
  const reference = readId(own, kind);
  if (reference && (reference.prefix === kind.prefix || reference.prefix === ""))
    return { is, fields: rest, said: reference.key.slice(-8) };
  const [members] = membersOf(kind);
  const kept = members && !members.readOnly && stored(members) ? { [`${members.name}.id`]: own } : {};
  return { is, fields: { ...rest, ...kept } };
}
