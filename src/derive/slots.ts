import type { FieldType } from "../fields/type.ts";
import { columnName, type Field, type Kind, slotsOf } from "../records/kind.ts";

/**
 * The seam to storage of what workspaces declare at run time, when no table can change. Every record's table has a column `own` (jsonb), which
 * holds the values of own fields by slot: `{"t1":"VW","i1":12000}`. The letter of a slot says how its values are read and compared, `a0` is
 * the title and `k0` the natural key of an own kind. Records of own kinds are rows of one table, told apart by `kind`; it has
 * indexes on the first slots of each letter. A slot never changes, so renaming a field touches no record and no history.
 *
 * Reading: `rowsFrom` is a sub-select which shows the slots as columns of their own. PostgreSQL flattens it, so the rest of
 * the program reads `r.t1` of any kind, and indexes serve it. Writing: `asStored` puts what is sent under `own`; `crm_own` merges it there.
 * The history and `putRows` know slots as columns, beside all others: `to_jsonb` of a row, and its `own` laid over it.
 */

export const TITLE_SLOT = "a0";
export const KEY_SLOT = "k0";

/** Under which a write names the links among its own fields, with where they lead. */
export const OWN_LINKS = "=links";

/** Under which a write has the values that a record gets where it is still without them: of amounts the currency. Among the fields by their names. */
export const OWN_USUAL = "=usual";

/** A natural key of an own kind is the same in any letter case, whatever its type, so that one index serves all. */
export const OWN_KEY = `lower((own ->> '${KEY_SLOT}') collate "C")`;
export const OWN_KEYED = `${OWN_KEY} is not null`;

/** The letters of slots, each with the SQL of a value: `at` is `own -> 't1'`, `text` is `own ->> 't1'`. */
const READS = {
  /** Text that search looks at; a phone number, which it finds however it is spaced; a long text. */
  t: "text",
  p: "text",
  w: "text",
  a: "text",
  k: "text",
  /** Text with few values: search does not look at it. */
  c: "text",
  /** The id of a linked record. */
  l: "text",
  i: "bigint",
  n: "numeric",
  b: "boolean",
  d: "date",
  /** A moment. */
  m: "timestamptz",
  g: "text[]",
  j: "jsonb",
  /** A vector, as text. */
  v: "text",
} as const;

export type Letter = keyof typeof READS;

/** A value of a slot as SQL, of a row that has `own`. */
export function slotSql(slot: string, own: string): string {
  const text = `(${own} ->> '${slot}')`;
  const reads = READS[slot[0] as Letter];
  if (reads === "text") return `(${text} collate "C")`;
  if (reads === "date") return `crm_own_date${text}`;
  if (reads === "timestamptz") return `crm_own_time${text}`;
  if (reads === "text[]") return `crm_own_list(${own} -> '${slot}')`;
  if (reads === "jsonb") return `(${own} -> '${slot}')`;
  return `(${text}::${reads})`;
}

/** The letter for values of a type. */
export function letterOf({ name, sqlType, link, long, choices, dimensions }: FieldType): Letter {
  if (link) return "l";
  if (dimensions !== undefined) return "v";
  if (sqlType === "bigint" || sqlType === "integer") return "i";
  if (sqlType === "boolean") return "b";
  if (sqlType === "date") return "d";
  if (sqlType === "timestamptz") return "m";
  if (sqlType === "text[]") return "g";
  if (sqlType === "jsonb") return "j";
  if (sqlType !== "text") return "n";
  if (long) return "w";
  if (choices || name === "currency" || name === "country") return "c";
  return name === "phone" ? "p" : "t";
}

/** What a statement reads the records of a kind from, as text: its table, or what a function gives of it. */
export function rowsFrom(kind: Kind, source: string): string {
  const place = source === kind.table ? "s.ctid, " : "";
  const slots = slotsOf(kind);
  if (!kind.shared && slots.length === 0) return source;
  const columns = slots.map((field) => `, ${slotSql(columnName(field), "s.own")} as "${columnName(field)}"`);
  const where = kind.shared ? ` where s.kind = '${kind.name}'` : "";
  return `(select ${place}s.*${columns.join("")} from ${source} s${where})`;
}

/** Values by field as a write function takes them: those of own fields under `own`. `sent`: the links among them are named. */
export function asStored(kind: Kind, values: Record<string, unknown>, sent: boolean): Record<string, unknown> {
  const slots = slotsOf(kind).filter(({ name }) => name in values);
  const { [OWN_USUAL]: usual, ...others } = values;
  const rest = { ...others, ...(kind.shared ? { kind: kind.name } : {}) };
  if (slots.length === 0) return rest;
  for (const { name } of slots) delete rest[name as keyof typeof rest];
  const own = Object.fromEntries(slots.map((field) => [columnName(field), values[field.name]]));
  if (usual) own[OWN_USUAL] = bySlot(kind, usual as Record<string, unknown>);
  const links = slots.filter((field) => field.link && values[field.name] != null).map(linkOf);
  return { ...rest, own, ...(sent && links.length > 0 ? { [OWN_LINKS]: Object.fromEntries(links) } : {}) };
}

const bySlot = (kind: Kind, values: Record<string, unknown>) =>
  Object.fromEntries(Object.entries(values).map(([name, value]) => [columnName(kind.field(name)!), value]));

function linkOf(field: Field): [string, { table: string; prefix: string }] {
  const { table, prefix } = field.link!.target;
  return [columnName(field), { table, prefix: `${prefix}_` }];
}
