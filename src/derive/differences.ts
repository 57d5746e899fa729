import { columnName, type Kind, stored, writable } from "../records/kind.ts";
import { keptOf } from "./computed.ts";

/** A record as the history keeps it: PostgreSQL's JSON of its columns. */
export type Stored = Readonly<Record<string, unknown>>;

/** What a change made of a value: by column, or by `<column>.<key>` where the members of a value are written one by one. */
export type Differences = Map<string, [before: unknown, after: unknown]>;

const HIDING = ["deleted_at", "merged_into"];

/**
 * Columns that are written after a record was made, by callers or by the service itself. `deleted_at` hides the record, `merged_into` is the id of
 * the one it became part of.
 */
export const settable = (kind: Kind): string[] => [
  ...writable(kind).filter(stored).map(columnName),
  ...keptOf(kind).map(({ name }) => name),
  ...HIDING,
];

/** The differences of two versions. A column that `after` leaves out did not change, but for one in a slot, which is there if it has a value. */
export function differencesOf(kind: Kind, before: Stored, after: Stored): Differences {
  const found: Differences = new Map();
  for (const name of settable(kind)) {
    if (!Object.hasOwn(after, name) && !kind.stored(name)?.slot) continue;
    const [was, is] = [before[name] ?? null, after[name] ?? null];
    if (!kind.stored(name)?.type.members) {
      if (!isSame(kind, name, was, is)) found.set(name, [was, is]);
      continue;
    }
    const [from, to] = [(was ?? {}) as Stored, (is ?? {}) as Stored];
    for (const key of new Set([...Object.keys(from), ...Object.keys(to)]))
      if (!isSame(kind, name, from[key], to[key])) found.set(`${name}.${key}`, [from[key], to[key]]);
  }
  return found;
}

/** Whether two values of a column are one. An absent member differs from one that is null. */
export function isSame(kind: Kind, name: string, a: unknown, b: unknown): boolean {
  if (a === b) return true;
  const isTime = name === "deleted_at" || kind.stored(name)?.type.sqlType === "timestamptz";
  if (isTime && typeof a === "string" && typeof b === "string") return instantOf(a) === instantOf(b);
  return a !== undefined && b !== undefined && ordered(a) === ordered(b);
}

/** As JSON. The keys of an object have no order. */
const ordered = (value: unknown): string =>
  JSON.stringify(value, (_, each: unknown) =>
    typeof each === "object" && each !== null && !Array.isArray(each) ? Object.fromEntries(Object.entries(each).sort()) : each,
  );

/** A time to the microsecond, whatever the zone that it is written in. */
function instantOf(time: string): string {
  const fraction = /\.(\d+)/.exec(time)?.[1] ?? "";
  return `${Math.floor(Date.parse(time) / 1000)}.${fraction.padEnd(6, "0")}`;
}

/** What callers know a name of `Differences` by. */
export function nameShown(kind: Kind, name: string): string {
  const [column, ...rest] = name.split(".");
  const field = kind.stored(column!);
  return field?.slot ? [field.name, ...rest].join(".") : name;
}

/** The value that a name of `Differences` has in a record. */
export function valueAt(state: Stored, name: string): unknown {
  const dot = name.indexOf(".");
  if (dot < 0) return state[name] ?? null;
  return (state[name.slice(0, dot)] as Stored | null)?.[name.slice(dot + 1)];
}

/** The record with another value at that name. An undefined member goes, and a value without members is null. */
export function withValue(state: Stored, name: string, value: unknown): Stored {
  const dot = name.indexOf(".");
  if (dot < 0) return { ...state, [name]: value };
  const [column, key] = [name.slice(0, dot), name.slice(dot + 1)];
  const { [key]: _, ...others } = (state[column] ?? {}) as Stored;
  const members = value === undefined ? others : { ...others, [key]: value };
  return { ...state, [column]: Object.keys(members).length === 0 ? null : members };
}
