import { type Parameters, readLimit } from "../../derive/query.ts";
import { echo } from "../../kit/line.ts";
import { Problem } from "../../kit/problem.ts";
import type { Asked } from "../dialect.ts";
import { type Entry, translated, unknownColumn, type Vocabulary } from "../vocabulary.ts";
import { idOrNone, idsIn } from "./ids.ts";

type Parameter = readonly [name: string, value: string];

export const MOST = 200;

/** What a parameter name may end with, and the filter of ours that it is. */
const SUFFIXES: Record<string, (value: string, column: string) => string> = {
  after: (value) => `gt:${value}`,
  before: (value) => `lte:${value}`,
  gte: (value) => `gte:${value}`,
  lte: (value) => `lte:${value}`,
  contains: (value) => `like:${value}`,
  starts: (value) => `starts:${value}`,
  has: (value) => `has:${value}`,
  present: (value, column) => (isTrue(`${column}_present`, value) ? "not:null" : "is:null"),
};

/** Reads `GET /v1/{table}`: a column and a suffix make a filter of ours. */
export function readQuery(parameters: Parameters, vocabulary: Vocabulary): Asked {
  const once = (name: string) => parameters.filter(([each]) => each === name).at(-1)?.[1];
  const limit = readLimit(once("limit") || undefined, MOST);
  const query = parameters.flatMap(([name, value]): Parameter[] => {
    const own = OWN[name];
    return own ? own(value, vocabulary) : [filterOf(vocabulary, name, value)];
  });
  return { query: [...query, ["limit", String(limit)]], page: { limit } };
}

/** Parameters that are no filters. */
const OWN: Record<string, (value: string, vocabulary: Vocabulary) => Parameter[]> = {
  limit: () => [],
  cursor: (value) => (value === "" ? [] : [["cursor", value]]),
  include_deleted: (value) => (isTrue("include_deleted", value) ? [["deleted", "include"]] : []),
  only_deleted: (value) => (isTrue("only_deleted", value) ? [["deleted", "only"]] : []),
  q: (value) => [["search", value]],
  search: (value) => [["search", value]],
  sort: (value, vocabulary) => {
    const [, sign = "", name = ""] = /^(-?)(.*)$/s.exec(value) ?? [];
    return [["sort", sign + entryOf(vocabulary, name).ours]];
  },
};

/** The column and the ending of a parameter of a table that has just these columns; a key of `custom` may be called anything. */
export function filterNamed(name: string, columns: readonly string[]): [column: string, suffix?: string] | undefined {
  if (columns.includes(name)) return [name];
  const [, column = "", suffix = ""] = /^(.+)_([a-z]+)$/s.exec(name) ?? [];
  const isColumn = (each: string) => columns.includes(each) || each.startsWith("custom.");
  if (Object.hasOwn(SUFFIXES, suffix) && isColumn(column)) return [column, suffix];
  return isColumn(name) ? [name] : undefined;
}

function filterOf(vocabulary: Vocabulary, name: string, value: string): Parameter {
  const exact = vocabulary.named(name);
  const [, column = "", suffix = ""] = /^(.+)_([a-z]+)$/s.exec(name) ?? [];
  const read = Object.hasOwn(SUFFIXES, suffix) ? SUFFIXES[suffix] : undefined;
  // A key of `custom` may be called anything, so a suffix goes before it; a column is called what it is.
  if (read && (!exact || exact.theirs.includes("."))) {
    const entry = entryOf(vocabulary, column);
    const plain = suffix === "present" || !entry.value;
    const ids = suffix === "has" ? idsIn(vocabulary, entry) : undefined;
    const asked = ids ? idOrNone(value, ids) : value;
    return [entry.ours, read(plain ? asked : String(translated(entry, asked)), column)];
  }
  const entry = exact ?? entryOf(vocabulary, name);
  const { ours } = entry;
  const ids = idsIn(vocabulary, entry);
  const sent = value.split(",").map((each) => (ids ? idOrNone(each, ids) : each));
  const values = sent.map((each) => (entry.value ? String(translated(entry, each)) : each));
  return [ours, values.length === 1 ? `eq:${values[0]}` : `in:${values.map(inList).join(",")}`];
}

/** An element of a list; one that would be read otherwise stands in quotes. */
const inList = (element: string): string => (/^[\w.@:+-]+$/.test(element) ? element : JSON.stringify(element));

function entryOf(vocabulary: Vocabulary, name: string): Entry {
  const entry = vocabulary.named(name);
  if (entry) return entry;
  const { code, message, hints } = unknownColumn(vocabulary, name);
  const endings = Object.keys(SUFFIXES).map((suffix) => `_${suffix}`);
  throw new Problem(code, message, [
    ...hints,
    `a column may end with ${endings.join(", ")}; custom.key=v asks for a key of custom`,
  ]);
}

function isTrue(name: string, value: string): boolean {
  if (["true", "1", ""].includes(value.toLowerCase())) return true;
  if (["false", "0"].includes(value.toLowerCase())) return false;
  throw new Problem("invalid_value", `${name} cannot be ${echo(value)}`, `${name}=true or ${name}=false`);
}
