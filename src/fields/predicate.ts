import type { Clocks } from "../kit/clocks.ts";
import type { IdReference } from "../kit/id.ts";

export type Scalar = string | number | boolean;

/** An instant in epoch ms, and the clocks around it that local times are read by. */
export type Bound = { at: number; clocks: Clocks };

/** What a filter asks of one column, free of SQL: field kinds make it from `op:value`, `db/` turns it into a condition. */
export type Predicate =
  | { is: "eq" | "lt" | "lte" | "gt" | "gte"; value: Scalar }
  | { is: "in"; values: readonly Scalar[] }
  /** The text holds this text, whatever its case and accents. */
  | { is: "contains"; text: string }
  /** The text begins with this text, whatever its case and accents; of a list, one of its items does. */
  | { is: "starts"; text: string }
  /** The list holds all of these items. */
  | { is: "holds"; items: readonly string[] }
  /** The column holds the id of one of these records of kind `target`; resolved to full ids before it becomes SQL. */
  | { is: "refers"; target: string; to: readonly IdReference[] }
  /** The column holds the id of a record that was put on this saved list. */
  | { is: "listed"; list: string }
  /** The text ends with these eight characters, as an id with its handle. */
  | { is: "tail"; text: string }
  | { is: "null" }
  | { is: "not"; of: Predicate }
  | { is: "all"; of: readonly Predicate[] }
  | { is: "any"; of: readonly Predicate[] }
  /** Something about the member `key` of a JSON object, taken as text or number. */
  | { is: "member"; key: string; as: "text" | "number"; of: Predicate }
  /** The member `key` is a time from `from` on and before `to`, of which one may be missing; `item`: it is a list that holds such a time. */
  | { is: "member-time"; key: string; from?: Bound; to?: Bound; item?: true }
  /** The member `key` is one of these JSON values. */
  | { is: "member-in"; key: string; values: readonly unknown[] }
  /** The member `key` is a list that holds one of these scalars. */
  | { is: "member-holds"; key: string; items: readonly unknown[] };

/** How many values a predicate holds against a column. */
export function countValues(predicate: Predicate): number {
  switch (predicate.is) {
    case "in":
      return predicate.values.length;
    case "member-in":
      // What reads as JSON is looked for as text too.
      return Math.ceil(predicate.values.length / 2);
    case "holds":
    case "member-holds":
      return predicate.items.length;
    case "refers":
      return predicate.to.length;
    case "any":
      return predicate.of.reduce((sum, each) => sum + countValues(each), 0);
    case "not":
    case "member":
      return countValues(predicate.of);
    default:
      return 1;
  }
}

export const OPERATORS = {
  eq: "equal; the default",
  ne: "not equal, or without a value",
  gt: "greater, later",
  gte: "greater or equal",
  lt: "less, earlier",
  lte: "less or equal",
  like: "contains, whatever case and accents",
  starts: "begins so, whatever case and accents",
  in: "one of a comma list; an element may be a JSON string",
  has: "the list holds it",
  is: "is:null - without a value",
  not: "not:null - with a value",
} as const;

export type Operator = keyof typeof OPERATORS;

export function isOperator(text: string): text is Operator {
  return Object.hasOwn(OPERATORS, text);
}
