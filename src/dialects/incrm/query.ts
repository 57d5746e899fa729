import type { Parameters } from "../../derive/query.ts";
import { echo } from "../../kit/line.ts";
import { nearest } from "../../kit/nearest.ts";
import { Problem } from "../../kit/problem.ts";
import type { Asked, Values } from "../dialect.ts";
import { type Entry, translated, unknownColumn, type Vocabulary } from "../vocabulary.ts";

const MOST = 100;
const INITIALLY = 10;

export const LIST_PARAMETERS = ["page", "perPage", "where", "orderBy", "search"];

/** Reads `?page=2&perPage=25&where=firstName:John&orderBy=createdAt:desc`. */
export function readQuery(parameters: Parameters, vocabulary: Vocabulary, beside: Values = {}): Asked {
  const unknown = parameters.find(([name]) => !LIST_PARAMETERS.includes(name));
  if (unknown) throw unknownParameter(unknown[0]);
  const all = (name: string) => parameters.filter(([each, value]) => each === name && value !== "").map(([, value]) => value);
  const number = readNumber("page", all("page").at(-1), 1, 1_000_000);
  const limit = readNumber("perPage", all("perPage").at(-1), INITIALLY, MOST);
  const [search] = all("search");
  const orders = all("orderBy").map((order) => sortOf(vocabulary, order));
  if (orders.length > 1)
    throw new Problem(
      "invalid_sort",
      "a list has one order here",
      "orderBy=createdAt:desc; ties are in the order of their ids",
    );
  // A search comes best first, and pages are counted in an order.
  const sort = orders[0] ?? (search === undefined ? undefined : "-updated_at");
  const conditions = all("where")
    .flatMap(conditionsOf)
    .map((condition) => readCondition(vocabulary, condition));
  const named = conditions
    .filter(({ ours }) => ours === "eq")
    .map(({ entry, rest }) => [entry.ours, rest.trim().toUpperCase()]);
  const read = { ...beside, ...Object.fromEntries(named) };
  const query: [string, string][] = [
    ...conditions.map((condition) => filterOf(condition, read)),
    ...(search === undefined ? [] : [["search", search] as [string, string]]),
    ...(sort === undefined ? [] : [["sort", sort] as [string, string]]),
  ];
  return { query, page: { limit, number } };
}

function unknownParameter(name: string): Problem {
  const near = nearest(name, LIST_PARAMETERS);
  return new Problem("invalid_filter", `there is no parameter ${echo(name)} here`, [
    `${near.length > 0 ? `did you mean ${near.join(" or ")}? ` : ""}parameters: ${LIST_PARAMETERS.join(", ")}; filter by where=field:value`,
  ]);
}

function readNumber(name: string, text: string | undefined, initially: number, most: number): number {
  if (text === undefined) return initially;
  const number = /^\d{1,7}$/.test(text) ? Number(text) : 0;
  if (number >= 1 && number <= most) return number;
  throw new Problem("invalid_value", `${name} cannot be ${echo(text)}`, `${name} is a number from 1 to ${most}`);
}

function sortOf(vocabulary: Vocabulary, order: string): string {
  const [, name = "", direction = "asc"] = /^\s*([^:]+?)\s*(?::\s*(asc|desc)\s*)?$/i.exec(order) ?? [];
  if (name === "") throw new Problem("invalid_sort", `orderBy cannot be ${echo(order)}`, "orderBy=createdAt:desc or field:asc");
  return `${direction.toLowerCase() === "desc" ? "-" : ""}${entryOf(vocabulary, name).ours}`;
}

/** Conditions are AND-ed with commas. A comma that no `field:` follows, or that stands in brackets, belongs to the value. */
function conditionsOf(where: string): string[] {
  return where.split(/,(?=\s*[a-z]\w*(?:\.[\w-]+)?\s*:)(?![^(]*\))/i);
}

/** What a condition may say between field and value. Some say it with a colon behind, others with a space. */
const OPERATORS: Record<string, string> = {
  equals: "eq",
  not: "ne",
  gt: "gt",
  gte: "gte",
  lt: "lt",
  lte: "lte",
  contains: "like",
  startsWith: "starts",
  in: "in",
  has: "has",
};

const CONDITION = new RegExp(`^(?:(${Object.keys(OPERATORS).join("|")})(?::|\\s+))?\\s*(.*)$`, "is");

type Condition = { entry: Entry; ours: string; rest: string };

function readCondition(vocabulary: Vocabulary, condition: string): Condition {
  const colon = condition.indexOf(":");
  if (colon < 1)
    throw new Problem("invalid_filter", `where cannot be ${echo(condition)}`, [
      "where=field:value or where=field:operator:value, e.g. where=firstName:John or where=unitPrice:gte:100",
    ]);
  const entry = entryOf(vocabulary, condition.slice(0, colon).trim());
  const [, operator = "equals", rest = ""] = CONDITION.exec(condition.slice(colon + 1).trim()) ?? [];
  const ours = OPERATORS[Object.keys(OPERATORS).find((name) => name.toLowerCase() === operator.toLowerCase())!]!;
  return { entry, ours, rest };
}

function filterOf({ entry, ours, rest }: Condition, beside: Values): [string, string] {
  if (rest.trim() === "null" && (ours === "eq" || ours === "ne")) return [entry.ours, ours === "eq" ? "is:null" : "not:null"];
  if (ours === "in")
    return [
      entry.ours,
      `in:${elementsOf(rest)
        .map((each) => JSON.stringify(operandOf(entry, each, beside)))
        .join(",")}`,
    ];
  return [entry.ours, `${ours}:${operandOf(entry, rest, beside)}`];
}

/** `array(int(1), int(2))` or `a,b` */
const elementsOf = (text: string) => (/^array\((.*)\)$/is.exec(text.trim())?.[1] ?? text).split(",").map((each) => each.trim());

/** `int(100)` is 100: a type around a value says nothing that the field does not know. */
function operandOf(entry: Entry, text: string, beside: Values): string {
  const [, type, inner] = /^(string|int|float|boolean|bool|date|datetime)\((.*)\)$/is.exec(text.trim()) ?? [];
  const value = inner ?? text;
  if (type?.toLowerCase() === "datetime")
    return value
      .trim()
      .replace(" ", "T")
      .replace(/(?<=:\d\d(?:\.\d+)?)$/, "Z");
  return entry.value ? String(translated(entry, value, beside)) : value;
}

function entryOf(vocabulary: Vocabulary, name: string): Entry {
  const entry = vocabulary.named(name);
  if (entry) return entry;
  throw unknownColumn(vocabulary, name);
}
