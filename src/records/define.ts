import { handleType, idType } from "../fields/link.ts";
import { countType, personType } from "../fields/text.ts";
import { timeType } from "../fields/time.ts";
import type { FieldType } from "../fields/type.ts";

/** How a field is declared: its kind and what callers may do with it. */
export type FieldSpec = {
  type: FieldType;
  about: string;
  /** The record cannot be without it. */
  required?: boolean;
  readOnly?: boolean;
  /** No record is without it, though nobody sends it: answers never show null. */
  always?: true;
  /** The value of a new record that did not name one. */
  initially?: string | number | boolean;
  /** Lists can be ordered by it, which an index does. */
  sort?: boolean;
  /** An index pages the records of one value of it in the order of lists, however many there are; it does for every link. */
  paged?: boolean;
  /** Text that people sort records by into groups of their own. */
  label?: boolean;
  /** `search=` and `GET /search` look at it. */
  search?: boolean;
  /** Where it shows: `detail` not on the lines of a list, `json` on no line, `asked` only where `fields=` names it. */
  shown?: "detail" | "json" | "asked";
  /** What it becomes by itself when another field is written; a value that is sent along wins. */
  derived?: Derivation;
  /** A record whose `field` has this value ought to have one: a write that leaves it without says so. */
  wanted?: { field: string; value: string };
  /** The column, where it is not called like the field. */
  column?: string;
  /** Further fields that this declaration brings along, e.g. the name beside the id of a linked record. */
  also?: Record<string, FieldSpec>;
};

/** `left-at`: the time of the change in which `field` left `value`; null again once it returns. */
export type Derivation = { is: "left-at"; field: string; value: string };

export type Field = FieldSpec & { name: string };

/** Where a kind feeds `GET /reminders`: the names of its fields. */
export type ReminderSource = { at: string; note?: string; owner?: string; doneWhen?: string; phone?: string; email?: string };

/** One kind of record: everything the rest of the program knows about it is derived from this. */
export type Kind = {
  /** Singular, as in the handle `contact/c_…`. */
  name: string;
  /** As in the path `/contacts`; also the table. */
  plural: string;
  prefix: string;
  about: string;
  /** The field that names the record to a person. */
  title: string;
  /** POST with a known value of this field updates that record. */
  naturalKey?: string;
  /** A record without any of these is refused. */
  needsOneOf?: readonly string[];
  reminder?: ReminderSource;
  /** An amount worth adding up, by the field that says what it is an amount of: totals are never mixed. */
  sums?: { amount: string; per: string };
  /** Its list takes parameters of its own and no filters. */
  unfiltered?: true;
  /** The order of a list that names none; `-` is descending. */
  order: string;
  fields: readonly Field[];
  /** The values that make a good example; checked by a test, shown in hints, manual and OpenAPI. */
  example: Record<string, unknown>;
};

type Declaration = Omit<Kind, "fields" | "order"> & { order?: string; fields: Record<string, FieldSpec> };

/** Names that lists use as parameters, so no field may have them. */
export const LIST_PARAMETERS = ["search", "sort", "limit", "cursor", "fields", "count", "format", "pretty"] as const;

/** A kind with a table of its own: identity before its fields, version and origin after them. */
export function defineRecord(declaration: Declaration): Kind {
  return defineView({
    ...declaration,
    fields: {
      ...identity(declaration.name),
      ...declaration.fields,
      version: {
        type: countType,
        about: "counts the changes; If-Match takes it",
        readOnly: true,
        shown: "detail",
        column: "version",
      },
      created_at: { type: timeType, about: "when it was made", readOnly: true, sort: true, shown: "detail" },
      created_by: { type: personType, about: "who made it", readOnly: true, shown: "detail" },
      updated_at: { type: timeType, about: "when it last changed", readOnly: true, sort: true },
    },
  });
}

function identity(name: string): Record<string, FieldSpec> {
  return {
    id: { type: idType(name), about: "the whole id", readOnly: true, shown: "json", column: "id" },
    handle: {
      type: handleType(name),
      about: "the short name that lines begin with",
      readOnly: true,
      shown: "json",
      column: "id",
    },
  };
}

/** A kind that is shown like a record and written in ways of its own. */
export function defineView(declaration: Declaration): Kind {
  const fields = Object.entries(declaration.fields).flatMap(([name, spec]) => expand(name, spec));
  const kind: Kind = { ...declaration, fields, order: declaration.order ?? "-updated_at" };
  const names = fields.map((field) => field.name);
  const wanted = [
    declaration.title,
    declaration.naturalKey,
    ...(declaration.needsOneOf ?? []),
    ...Object.values(declaration.reminder ?? {}),
    ...Object.values(declaration.sums ?? {}),
    ...fields.flatMap(({ derived, wanted: also }) => [derived?.field, also?.field]),
    kind.order.replace("-", ""),
  ];
  for (const name of wanted) {
    if (name !== undefined && !names.includes(name)) throw new Error(`${declaration.name} has no field ${name}`);
  }
  for (const name of names) {
    if (!/^[a-z][a-z0-9_]*$/.test(name)) throw new Error(`${declaration.name}.${name} is no field name`);
    if ((LIST_PARAMETERS as readonly string[]).includes(name))
      throw new Error(`${declaration.name}.${name} is a list parameter`);
  }
  return kind;
}

function expand(name: string, spec: FieldSpec): Field[] {
  const { also = {}, ...own } = spec;
  return [{ ...own, name }, ...Object.entries(also).flatMap(([extra, further]) => expand(extra, further))];
}

/** All kinds a workspace knows, by name. Nothing may depend on the list being fixed: workspaces will bring their own. */
export type Catalog = ReadonlyMap<string, Kind>;

export function createDictionary(definitions: readonly Kind[]): Catalog {
  const dictionary = new Map(definitions.map((kind) => [kind.name, kind]));
  const prefixes = new Set(definitions.map((kind) => kind.prefix));
  if (dictionary.size !== definitions.length || prefixes.size !== definitions.length)
    throw new Error("two kinds share a name or a prefix");
  return dictionary;
}

export function definitionOf(catalog: Catalog, name: string): Kind {
  const kind = catalog.get(name);
  if (!kind) throw new Error(`there is no record kind ${name}`);
  return kind;
}

export function byPrefix(catalog: Catalog, prefix: string): Kind | undefined {
  for (const kind of catalog.values()) if (kind.prefix === prefix) return kind;
  return undefined;
}

/** The id and the handle, which is made of it: JSON has them whatever fields a caller chose. */
export const isIdentity = ({ column }: Field): boolean => column === "id";

export const labelsOf = ({ fields }: Kind): Field[] => fields.filter(({ label }) => label);

/** Fields that a caller names people in: `owner`. */
export const personsOf = ({ fields }: Kind): Field[] => fields.filter(({ type, readOnly }) => type.person && !readOnly);

/** Fields that mostly take one of a few values. */
export const knownOf = ({ fields }: Kind): Field[] => fields.filter(({ type }) => type.known);

/** Fields that take one of a few values: `status`. */
export const choicesOf = ({ fields }: Kind): Field[] => fields.filter(({ type }) => type.choices);

/** Fields that ought to have a value where another field has a certain one: `lost_reason`. */
export const wantedOf = ({ fields }: Kind): Field[] => fields.filter(({ wanted }) => wanted);

export function fieldOf(kind: Kind, name: string): Field | undefined {
  return kind.fields.find((field) => field.name === name);
}

export type Link = { field: Field; name: string; target: string };

const links = new WeakMap<Kind, readonly Link[]>();

/** The links of a kind: the field that holds the other record's id, and the kind it points to. */
export function linksOf(kind: Kind): readonly Link[] {
  let known = links.get(kind);
  if (!known) {
    known = kind.fields.flatMap((field) => {
      const link = field.type.link;
      return link?.shows === "id" ? [{ field, name: field.name.replace(/_id$/, ""), target: link.target }] : [];
    });
    links.set(kind, known);
  }
  return known;
}
