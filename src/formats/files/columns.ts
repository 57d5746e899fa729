import { COLUMNS_BY_HAND } from "./columnsByHand.ts";
import { COLUMNS_OF_BOOKS } from "./columnsOfBooks.ts";
import { COLUMNS_OF_PROGRAMS, type KnownColumns } from "./columnsOfPrograms.ts";
import { COLUMNS_OF_SALES } from "./columnsOfSales.ts";
import { fold } from "./fold.ts";

/** The first of two tables that fit equally well is taken: what people write by hand means the least surprising thing. */
export const KNOWN_COLUMNS: readonly KnownColumns[] = [
  ...COLUMNS_BY_HAND,
  ...COLUMNS_OF_PROGRAMS,
  ...COLUMNS_OF_SALES,
  ...COLUMNS_OF_BOOKS,
];

export type Column = {
  /** As it stands in the header. */
  name: string;
  /** What it is here (see columnsOfPrograms.ts); undefined when nothing knows it. */
  field: string | undefined;
  /** The 2 of `E-mail 2 - Value`. */
  number: number;
};

type Lookup = { known: KnownColumns; fields: ReadonlyMap<string, string> };

/** The time zone that HubSpot adds: `Create Date (GMT+1)`. */
const ZONE = /\((?:GMT|UTC|[A-Z]{2,5}T)(?:[+-][\d:]+)?\)\s*$/;

/** `E-mail 1 - Value` -> `email#value`; a `#` of the tables is a number already. */
export const columnKey = (name: string) => fold(name.replace(ZONE, "").replace(/\d+|#/g, " 0 "));

const lookups: readonly Lookup[] = KNOWN_COLUMNS.map((known) => ({
  known,
  fields: new Map(Object.entries(known.columns).map(([name, field]) => [columnKey(name), field])),
}));

/** Whether some table has a column of this name, for finding a header. */
export function isKnownColumn(name: string): boolean {
  const key = columnKey(name);
  return key !== "" && lookups.some(({ fields }) => fields.has(key));
}

/** What a column of this name is in the tables of any kind. */
export const fieldsAnywhere = (name: string): string[] =>
  lookups.flatMap(({ fields }) => {
    const field = fields.get(columnKey(name));
    return field ? [field] : [];
  });

/** Whether several columns of this name are the items of a list. */
export function isListColumn(name: string): boolean {
  const key = columnKey(name);
  return lookups.some(({ fields }) => LISTS.has(fields.get(key) ?? ""));
}

const LISTS = new Set(["email", "emails", "phone", "phones", "tags"]);

/** The kind whose tables know the most of these columns; the first of equals. Undefined when none knows any. */
export function kindOfColumns(names: readonly string[]): string | undefined {
  const counts = new Map<string, number>();
  for (const { known, fields } of lookups) {
    const count = countOf(fields, names);
    if (count > (counts.get(known.kind) ?? 0)) counts.set(known.kind, count);
  }
  return [...counts].reduce<[string | undefined, number]>((best, one) => (one[1] > best[1] ? one : best), [undefined, 0])[0];
}

function countOf(fields: ReadonlyMap<string, string>, names: readonly string[]): number {
  return names.filter((name) => fields.get(columnKey(name))).length;
}

/**
 * What the columns of a file are. A field's own name is that field. Else the table decides that knows the most of the columns,
 * so that Outlook's `Title` is `Dr.` and Salesforce's a job title; else `own` names written otherwise, else any other table.
 */
export function mapColumns(names: readonly string[], kind: string, own: readonly string[]): Column[] {
  const exact = new Set(own);
  const folded = new Map(own.map((name) => [fold(name), name]));
  const tables = lookups
    .filter(({ known }) => known.kind === kind)
    .map(({ fields }) => fields)
    .sort((a, b) => countOf(b, names) - countOf(a, names));
  const fieldOf = (name: string): string | undefined => {
    if (exact.has(name) || name.startsWith("custom.")) return name;
    const [best, ...others] = tables.map((fields) => fields.get(columnKey(name)));
    return best ?? folded.get(fold(name)) ?? others.find((field) => field !== undefined);
  };
  const columns = names.map((name) => ({ name, field: fieldOf(name), number: Number(/\d+/.exec(name)?.[0] ?? 1) }));
  return namesApart(columns, exact);
}

/**
 * `Vorname, Name` and `Prénom, Nom` part a name, `Nom` and `Nombre` alone are all of it. A field's own name stays what it is.
 */
function namesApart(columns: readonly Column[], exact: ReadonlySet<string>): Column[] {
  const has = (field: string) => columns.some((column) => column.field === field);
  const turned = new Map<string, string>();
  if (has("name") && has("first_name") && !has("last_name")) turned.set("name", "last_name");
  if (!has("name") && has("first_name") !== has("last_name")) turned.set("first_name", "name").set("last_name", "name");
  return columns.map((column) => {
    const field = exact.has(column.name) ? undefined : turned.get(column.field ?? "");
    return field === undefined ? column : { ...column, field };
  });
}

/** The key under `custom` for a column that is no field: `Lead Score (%)` -> `lead_score`. */
export function customKey(name: string): string {
  const key = name
    .normalize("NFC")
    .toLowerCase()
    .replace(/[^\p{L}\p{N}]+/gu, "_")
    .slice(0, 60);
  return key.replace(/^_|_$/g, "") || "column";
}
