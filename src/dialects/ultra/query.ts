import type { Parameters } from "../../derive/query.ts";
import { echo } from "../../kit/line.ts";
import { nearest } from "../../kit/nearest.ts";
import type { Reply, Values } from "../dialect.ts";
import { type Entry, toTheirs, type Vocabulary } from "../vocabulary.ts";
import { Misfit } from "./fits.ts";

/** Fields with what they must be, as filters of ours. */
export function filtersOf(words: Vocabulary, conditions: Values): Parameters {
  return Object.entries(conditions).flatMap(([name, value]): Parameters => {
    const [ours, isList] = filterNamed(words, name);
    if (value === null) return [[ours, "is:null"]];
    if (!Array.isArray(value)) return [[ours, String(value)]];
    if (isList) return value.map((each) => [ours, `has:${each}`] as const);
    return [[ours, `in:${value.map(element).join(",")}`]];
  });
}

/** Our name of a field, or of one over a link: `company.industry`. */
function filterNamed(words: Vocabulary, name: string): [ours: string, isList: boolean] {
  const entry = words.named(name);
  if (entry) return [entry.ours, entry.member === undefined && entry.field.type.sqlType === "text[]"];
  const [link = "", further] = name.split(/\.(.*)/s);
  const linked = words.entries.find(({ theirs, field }) => theirs === link && field.link);
  if (linked && further !== undefined && /^[\w.]+$/.test(further)) return [`${linked.ours}.${snake(further)}`, false];
  throw unknown(words, `input.filter.${name}`, name, () => true);
}

function unknown({ entries }: Vocabulary, field: string, name: string, may: (entry: Entry) => boolean): Misfit {
  const names = entries.filter(may).map(({ theirs }) => theirs);
  const near = nearest(name, names);
  const hint = `${near.length > 0 ? `did you mean ${near.join(" or ")}? ` : ""}fields: ${names.join(", ")}`;
  return new Misfit(field, "invalid_field", `there is no field ${echo(name, 80)} here`, hint);
}

export const snake = (name: string): string => name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);

/** An element of a list of values: text that would end it stands in quotes. */
const element = (value: unknown): string => {
  const text = String(value);
  return /[,"\\\s]/.test(text) || text === "" ? JSON.stringify(text) : text;
};

/** A list as a tool was asked for it. */
export function listQuery(words: Vocabulary, input: Values): Parameters {
  const {
    search,
    filter = {},
    sort,
    limit = 50,
    cursor,
  } = input as {
    search?: string;
    filter?: Values;
    sort?: string;
    limit?: number;
    cursor?: string;
  };
  return [
    ...filtersOf(words, filter),
    ...(search === undefined ? [] : [["search", search] as const]),
    ...(sort === undefined ? [] : [["sort", orderOf(words, sort)] as const]),
    ["limit", String(limit)],
    ...(cursor === undefined ? [] : [["cursor", cursor] as const]),
    ["count", "true"],
  ];
}

function orderOf(words: Vocabulary, sort: string): string {
  const [, sign = "", name = ""] = /^(-?)(.*)$/s.exec(sort) ?? [];
  const entry = words.named(name);
  if (!entry?.field.sort) throw unknown(words, "input.sort", name, ({ field }) => Boolean(field.sort));
  return sign + entry.ours;
}

/** A page of ours in their words. */
export function pageOf(name: string, { json }: Reply, rows: (items: Values[]) => readonly unknown[]): Values {
  return {
    [name]: rows(json.items as Values[]),
    nextCursor: json.next_cursor,
    total: json.total ?? (json.items as unknown[]).length,
    totalCapped: json.total_capped ?? false,
  };
}

export const rowsOf = (words: Vocabulary) => (items: readonly Values[]) => items.map((item) => shown(words, item));

/** A record as a write or a read answered it. */
export function shown(words: Vocabulary, { dry_run: _, hint: __, ...record }: Values): Values {
  return toTheirs(words, record);
}

/** A path with an id in it: one segment, wherever it would lead. */
export function at(plural: string, id: unknown, ...further: string[]): string {
  const segment = String(id).trim().split("/").at(-1)!;
  if (segment === "" || /^\.+$/.test(segment))
    throw new Misfit(
      "input",
      "invalid_value",
      `${echo(String(id), 80)} is no id`,
      "ids look like cm_t4v6w8y0; lists tell them",
    );
  return ["", plural, encodeURIComponent(segment), ...further].join("/");
}
