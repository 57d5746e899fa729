import type { FieldSpec } from "../fields/spec.ts";
import type { MembersType } from "../fields/type.ts";
import type { Declaration } from "./declaration.ts";

/** A field of a compiled kind. */
export type Field = FieldSpec & {
  name: string;
  /** The link that this field holds the id of, or shows the name of. */
  link?: Link;
  /** Worked out from the records that touch this one: when the last was, or how many there are. It is never stored, so it is always right. */
  touched?: Touched;
  /** Worked out from the addresses that the record names. It is never stored, so it is right whatever becomes of the other records. */
  mentioned?: Mentioned;
  /** The list of its further values: `emails` of `email`. */
  list?: Field;
  /** Of a linked record: this field of what the link leads to. */
  across?: { link: Link; field: Field };
};

/** The records of `kind` that link here, and when they happened. `only` those count of which a field has one of these values. */
export type Touched = {
  is: "last" | "count";
  kind: Kind;
  link: Link;
  at: Field;
  only?: { field: Field; is: readonly string[] };
};

/** The addresses and domains that a record of `kind` names; or, with a target, the records of that kind which have them. */
export type Mentioned = { kind: Kind; target?: Kind };

/** The records of `kind` that mention records of another one, which `field` shows. */
export type Mention = { kind: Kind; field: Field };

/** A link to a record of another kind: `company_id` holds the id, `company` shows the name. */
export type Link = { name: string; target: Kind; id: Field; shown: Field };

/** A kind whose records link to another: the link's own kind. */
export type Holder = { kind: Kind; link: Link };

/** The kind whose records pay those of this one: payments of invoices. */
export const settlerOf = ({ holders }: Kind): Kind | undefined =>
  holders.find(({ kind, link }) => kind.settles?.link === link.id.name)?.kind;

/** A kind of record, compiled: everything the rest of the program knows about it is derived from this. */
export type Kind = Omit<Declaration, "fields" | "order"> & {
  order: string;
  mostRows: number;
  /** Where its records are kept. */
  table: string;
  /** In the order of the line. */
  fields: readonly Field[];
  field: (name: string) => Field | undefined;
  /** The field that is stored in a column, or under that name in `own`. */
  stored: (column: string) => Field | undefined;
  /** The field that `title` names. */
  titleField: Field;
  /** The field that `naturalKey` names. */
  keyField: Field | undefined;
  /** The list of further values of `naturalKey`: each of them, too, belongs to one living record. */
  furtherKey: Field | undefined;
  /** Its links to other kinds. */
  links: readonly Link[];
  /** The links of other kinds to this one, but for those that a workspace has made: these come and go, and the catalog knows them (`heldBy`). */
  holders: readonly Holder[];
  /** The kinds whose records mention records of this one. */
  mentionedBy: readonly Mention[];
};

/** The id and the handle, which is made of it: JSON has them whatever fields a caller chose. */
export const isIdentity = ({ column }: Field): boolean => column === "id";

/** Whether a workspace has put a field out of sight. Vectors, too, show only where they are asked for, and are not meant. */
export const isHidden = ({ shown, slot, type }: Field): boolean =>
  shown === "asked" && slot === true && type.dimensions === undefined;

/** Fields that a caller names people in: `owner`. */
export const personsOf = ({ fields }: Kind): Field[] => fields.filter(({ type, readOnly }) => type.person && !readOnly);

/** Fields that mostly take one of a few values. */
export const knownOf = ({ fields }: Kind): Field[] => fields.filter(({ type }) => type.known);

/** Fields that ought to have a value where another field has a certain one: `lost_reason`. */
export const wantedOf = ({ fields }: Kind): Field[] => fields.filter(({ wanted }) => wanted);

/** Text fields that people sort records by into groups of their own: `stage`. */
export const labelsOf = ({ fields }: Kind): Field[] => fields.filter(({ label }) => label);

/** Fields that take one of a few values: `status`. */
export const choicesOf = ({ fields }: Kind): Field[] => fields.filter(({ type }) => type.choices);

/** Whether a field has a column of its own, or a slot: the name of a linked record and the handle have none. */
export const stored = ({ name, column, slot, type, touched, mentioned }: Field): boolean =>
  (slot || (column ?? name) === name) && !type.borrowed && !touched && !mentioned;

/** What a stored record, and the history, call a field. It stays when the field is renamed. */
export const columnName = ({ name, column }: Field): string => column ?? name;

/** The fields that are kept in `own`. */
export const slotsOf = ({ fields }: Kind): Field[] => fields.filter(({ slot }) => slot);

/** The table of all kinds that workspaces make. */
export const SHARED_TABLE = "own_records";

/** Fields whose members callers address one by one: `custom`. */
export const membersOf = ({ fields }: Kind): Field[] => fields.filter(({ type }) => type.members);

/** The field and the key that `<field>.<key>` names. */
export function memberNamed(kind: Kind, name: string): { field: Field; members: MembersType; key: string } | undefined {
  const [, before, key] = /^([^.]+)\.(.*)$/s.exec(name) ?? [];
  const field = before === undefined ? undefined : kind.field(before);
  const members = field?.type.members;
  return field && members && key !== undefined ? { field, members, key } : undefined;
}

/** Whether what names a record is a name. The body of an activity is not: the words of its first line say no more than the others. */
/** The number by which people call a document, where the kind is one. */
export const numberField = ({ document, field }: Kind): Field | undefined => document && field(document.number);

export const hasName = ({ titleField }: Kind): boolean => titleField.sort === true;

/** The field that says in which currency a record's money is. */
export const currencyOf = ({ fields }: Kind): Field | undefined => fields.find(({ type }) => type.name === "currency");

/** Whether every record has a value of it. */
export const isAlways = ({ required, readOnly, optional, always }: FieldSpec): boolean =>
  Boolean(required || (readOnly && !optional) || always);
/** Whether its records are kept in a table of their own; what is only shown like a record is a view. */
export const isRecord = (kind: Kind): boolean => kind.field("version")?.column === "version";

/** What callers may write. */
export const writable = ({ fields }: Kind): Field[] => fields.filter((field) => !field.readOnly);

/** What callers may send: also what is written as another field. */
export const sendable = ({ fields }: Kind): Field[] => fields.filter(({ readOnly, sets }) => !readOnly || sets);
