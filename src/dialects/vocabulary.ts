import { echo } from "../kit/line.ts";
import { nearest } from "../kit/nearest.ts";
import { Problem } from "../kit/problem.ts";
import { derived } from "../records/derived.ts";
import { type Field, type Kind, membersOf } from "../records/kind.ts";
import type { Dialect, Table, Translation, Values } from "./dialect.ts";

/** A field as it is called on both sides. `member`: it is kept in an object of ours under this key. */
export type Entry = { theirs: string; ours: string; field: Field; member?: string; value?: Translation; absent?: unknown };

/** The words of a dialect for one kind. */
export type Vocabulary = {
  dialect: Dialect;
  table: Table;
  kind: Kind;
  /** In the order in which they are shown. */
  entries: readonly Entry[];
  /** The entry of a name there, `custom.<key>` too. */
  named: (theirs: string) => Entry | undefined;
  /** A text of ours about this kind in their words. */
  retold: (text: string) => string;
};

const known = derived((_: Kind) => new Map<Dialect, Vocabulary>());

export function vocabularyOf(dialect: Dialect, table: Table, kind: Kind): Vocabulary {
  const made = known(kind);
  const vocabulary = made.get(dialect) ?? compile(dialect, table, kind);
  made.set(dialect, vocabulary);
  return vocabulary;
}

function compile(dialect: Dialect, table: Table, kind: Kind): Vocabulary {
  const words = table.words ?? [];
  const spoken = words.map(({ ours, ...word }): Entry => {
    const [name = "", member] = ours.split(".");
    const field = kind.field(name);
    if (!field) throw new Error(`${dialect.name} has a word for ${kind.name}.${ours}, and there is no such field`);
    return { ...word, ours, field, ...(member === undefined ? {} : { member }) };
  });
  const renamed = new Set(words.map(({ ours }) => ours));
  const plain = kind.fields
    .filter(({ name }) => !renamed.has(name) && !dialect.hidden.includes(name))
    .filter((field) => dialect.linkNames || field.link?.shown !== field)
    .map((field): Entry => ({ theirs: dialect.spell(field.name), ours: field.name, field }))
    // A word of the dialect goes before a field of ours that is called so.
    .filter(({ theirs }) => !words.some((word) => word.theirs === theirs));
  const all = [...spoken, ...plain];
  const first = table.columns.map((column) => {
    const entry = all.find(({ theirs }) => theirs === column);
    if (!entry) throw new Error(`${dialect.name} shows ${table.name}.${column}, and no field of ours is called so`);
    return entry;
  });
  const entries = [...first, ...all.filter((entry) => !first.includes(entry))];
  const byName = new Map(entries.map((entry) => [entry.theirs, entry]));
  return {
    dialect,
    table,
    kind,
    entries,
    named: (theirs) => byName.get(theirs) ?? memberEntry(kind, byName, theirs),
    retold: retelling(entries),
  };
}

/** `custom.seats` is a member of `custom`. */
function memberEntry(kind: Kind, byName: ReadonlyMap<string, Entry>, theirs: string): Entry | undefined {
  const [, before = "", member] = /^([^.]+)\.(.+)$/s.exec(theirs) ?? [];
  const holder = byName.get(before);
  if (member === undefined || !holder || !membersOf(kind).includes(holder.field)) return undefined;
  return { theirs, ours: `${holder.ours}.${member}`, field: holder.field, member };
}

/** Replaces our names of fields that are called otherwise there. */
function retelling(entries: readonly Entry[]): (text: string) => string {
  const renamed = new Map(entries.filter(({ ours, theirs }) => ours !== theirs).map(({ ours, theirs }) => [ours, theirs]));
  for (const { value } of entries)
    for (const [ours, theirs] of Object.entries(value?.words ?? {})) if (!renamed.has(ours)) renamed.set(ours, theirs);
  if (renamed.size === 0) return (text) => text;
  const names = [...renamed.keys()].sort((a, b) => b.length - a.length).map((name) => name.replaceAll(".", "\\."));
  const pattern = new RegExp(`(?<![\\w.])(?:${names.join("|")})(?![\\w])`, "g");
  return (text) => text.replace(pattern, (name) => renamed.get(name)!);
}

/** A record of ours in their words. */
export function toTheirs({ dialect, table, entries }: Vocabulary, record: Values): Values {
  const shown: Values = {};
  for (const entry of entries) {
    const { theirs } = entry;
    const value = shownValue(entries, entry, record);
    const isColumn = table.columns.includes(theirs);
    if (!isColumn && value === undefined) continue;
    if (isColumn || dialect.showsAll || !isNothing(value)) shown[theirs] = value ?? null;
  }
  return shown;
}

function shownValue(entries: readonly Entry[], { ours, field, member, value, absent = null }: Entry, record: Values): unknown {
  const held = record[field.name];
  if (member !== undefined) return (held as Values | null | undefined)?.[member] ?? absent;
  if (held !== null && held !== undefined && value) return value.theirs(held, perOf(value, record));
  const members = entries.filter((each) => each.member !== undefined && each.field.name === ours).map((each) => each.member!);
  return members.length > 0 && isObject(held) ? without(held, members) : held;
}

const perOf = ({ per }: Translation, beside: Values): unknown => (per === undefined ? undefined : beside[per]);

const without = (object: Values, keys: readonly string[]): Values =>
  Object.fromEntries(Object.entries(object).filter(([key]) => !keys.includes(key)));

const isNothing = (value: unknown): boolean =>
  value === null ||
  value === undefined ||
  (Array.isArray(value) ? value.length === 0 : isObject(value) && Object.keys(value).length === 0);

export const isObject = (value: unknown): value is Values =>
  typeof value === "object" && value !== null && !Array.isArray(value);

/** A body of theirs in our words. `beside` holds what says how its values are read, by the names of our fields. */
export function toOurs(vocabulary: Vocabulary, body: Values, beside: Values = {}): Values {
  const ours: Values = {};
  const members: Values = {};
  for (const [name, sent] of Object.entries(body)) {
    const entry = vocabulary.named(name);
    if (!entry) throw unknownColumn(vocabulary, name);
    const value = sent === null || sent === undefined || !entry.value ? sent : translated(entry, sent, beside);
    if (entry.member === undefined) ours[entry.ours] = value;
    else members[entry.field.name] = { ...(members[entry.field.name] as Values | undefined), [entry.member]: value };
  }
  for (const [name, held] of Object.entries(members)) {
    ours[name] = isObject(ours[name]) ? { ...(ours[name] as Values), ...(held as Values) } : held;
  }
  return ours;
}

export function translated({ theirs, value }: Entry, sent: unknown, beside: Values = {}): unknown {
  try {
    return value!.ours(sent, perOf(value!, beside));
  } catch (error) {
    if (!(error instanceof TypeError)) throw error;
    throw new Problem("invalid_value", `${theirs} cannot be ${echo(String(JSON.stringify(sent)), 80)}`, error.message);
  }
}

export function unknownColumn({ table, entries }: Vocabulary, name: string): Problem {
  const names = entries.map(({ theirs }) => theirs);
  const near = nearest(name, names);
  return new Problem("invalid_field", `column ${echo(name)} of ${table.name} does not exist`, [
    `${near.length > 0 ? `did you mean ${near.join(" or ")}? ` : ""}columns: ${names.join(", ")}`,
  ]);
}
