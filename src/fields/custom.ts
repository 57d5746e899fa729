import { z } from "zod";
import { clocksAt } from "../kit/clocks.ts";
import { isExact, parseExact } from "../kit/json.ts";
import { type Moment, readMoment } from "../kit/moments.ts";
import type { Bound, Operator, Predicate } from "./predicate.ts";
import type { Reading } from "./type.ts";

/**
 * A key stands bare on the line (`custom.<key>=…`) and in a query, so it holds no white space, quote, `=`, `&` or `\`, and nothing that
 * cannot be seen: there are such letters (U+3164).
 */
const KEY = /^(?!.*\p{Default_Ignorable_Code_Point})[\p{L}\p{N}_][\p{L}\p{N}\p{M}_.:/@-]{0,99}$/u;
export const KEY_FORM = "keys are letters, digits and _ . : / @ -, at most 100 characters";
export const isCustomKey = (key: string) => KEY.test(key) && key !== "__proto__";

/** On one record; what is stored is held to it by crm_custom_fits (sql/0005). */
export const MOST_KEYS = 200;
export const DEEPEST = 20;

/** The members of `custom` for documents; `areMembers` decides. zod would pass over a key `__proto__` and overflow the stack on deep JSON. */
export const membersSchema = z.record(z.string(), z.unknown());

/** Whether these can be stored as they are. */
export function areMembers(members: object): boolean {
  const keys = Object.keys(members);
  return keys.length <= MOST_KEYS && keys.every(isCustomKey) && storableJson(members, DEEPEST);
}

/** PostgreSQL's JSON holds neither NUL nor half a surrogate pair, JSON itself no infinity, which `1e999` is read as. */
function storableJson(value: unknown, depth: number): boolean {
  if (typeof value === "string") return !/[\0\p{Surrogate}]/u.test(value);
  if (typeof value === "number") return Number.isFinite(value);
  if (typeof value !== "object" || value === null) return true;
  if (depth === 0) return false;
  return Object.entries(value).every(([key, member]) => storableJson(key, depth) && storableJson(member, depth - 1));
}

export const CUSTOM_OPERATORS = [
  "eq",
  "ne",
  "gt",
  "gte",
  "lt",
  "lte",
  "like",
  "starts",
  "in",
  "has",
  "is",
  "not",
] as const satisfies Operator[];

/**
 * The predicate of `custom.<key>=operator:operands`. A member has no declared kind, so the operand decides: a number compares with
 * numbers, a time with times, anything else with text; `eq`, `in` and `has` find the value whether it was stored as text, number or boolean, and
 * a time in whichever zone it was written.
 */
export function customPredicate(
  key: string,
  operator: Operator,
  operands: readonly string[],
  reading: Reading,
): Predicate | undefined {
  const [first] = operands as [string];
  switch (operator) {
    case "eq":
    case "in":
      return orAtOneOf({ is: "member-in", key, values: operands.flatMap(readings) }, operands, reading);
    case "ne":
      return { is: "not", of: orAtOneOf({ is: "member-in", key, values: readings(first) }, operands, reading) };
    case "has":
      return orAtOneOf({ is: "member-holds", key, items: readings(first) }, operands, reading);
    case "like":
      return { is: "member", key, as: "text", of: { is: "contains", text: first } };
    case "starts":
      return { is: "member", key, as: "text", of: { is: "starts", text: first } };
    case "gt":
    case "gte":
    case "lt":
    case "lte":
      return ordered(key, operator, first, reading);
    default:
      return undefined;
  }
}

/** The same instant may be written in another zone, and a day holds many: where an operand is a time, times are compared as such besides. */
function orAtOneOf(
  asWritten: Extract<Predicate, { is: "member-in" | "member-holds" }>,
  operands: readonly string[],
  reading: Reading,
): Predicate {
  const item = asWritten.is === "member-holds" ? { item: true as const } : {};
  const moments = operands.flatMap((text) => momentOf(text, reading) ?? []);
  const within = moments.map(({ from, to }): Predicate => {
    return { is: "member-time", key: asWritten.key, from: bound(from, reading), to: bound(to, reading), ...item };
  });
  return within.length === 0 ? asWritten : { is: "any", of: [asWritten, ...within] };
}

/** A word is mostly a text here: `custom.shift=gt:monday`. */
const momentOf = (text: string, reading: Reading): Moment | undefined =>
  /\d/.test(text) || OF_DAYS.test(text) ? readMoment(text, reading) : undefined;

const OF_DAYS = /^\s*(?:now|today|tomorrow|yesterday)\s*(?:\[.*)?$/i;

const bound = (at: number, { zone }: Reading): Bound => ({ at, clocks: clocksAt(at, zone) });

/** Everything that `text` may stand for: itself, and the JSON value that a line shows so. */
function readings(text: string): unknown[] {
  const value = jsonValue(text);
  return value === undefined ? [text] : [text, value];
}

function jsonValue(text: string): unknown {
  try {
    // A number that a double does not hold is stored as text or not at all.
    const value = parseExact(text);
    return typeof value !== "string" && value !== null && areMembers({ value }) ? value : undefined;
  } catch {
    return undefined;
  }
}

/** With all its digits: PostgreSQL compares what a double does not hold. */
function numberOf(text: string): number | string | undefined {
  if (!NUMBER.test(text)) return undefined;
  const isBeyond = +text === 0 || !Number.isFinite(+text);
  return isBeyond || isExact(text) ? +text : text;
}

const NUMBER = /^-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?$/;

function ordered(key: string, operator: "gt" | "gte" | "lt" | "lte", text: string, reading: Reading): Predicate {
  const number = numberOf(text);
  if (number !== undefined) return { is: "member", key, as: "number", of: { is: operator, value: number } };
  const moment = momentOf(text, reading);
  if (!moment) return { is: "member", key, as: "text", of: { is: operator, value: text } };
  if (operator === "gt" || operator === "gte")
    return { is: "member-time", key, from: bound(operator === "gt" ? moment.to : moment.from, reading) };
  return { is: "member-time", key, to: bound(operator === "lte" ? moment.to : moment.from, reading) };
}

/**
 * A form has no types: what JSON writes the same way, `5` and `-0.5` but not `1.10` or `007`, is a number, and so are true and false what they
 * say. An empty member is removed.
 */
export function customFromText(text: string): unknown {
  if (text === "") return null;
  if (text === "true" || text === "false") return text === "true";
  return /^-?\d/.test(text) && String(Number(text)) === text ? Number(text) : text;
}

/** Keys that are sent as null are taken out. */
export function splitMembers(sent: object): { set: object; removed: string[] } {
  const members = Object.entries(sent);
  return {
    set: Object.fromEntries(members.filter(([, value]) => value !== null)),
    removed: members.filter(([, value]) => value === null).map(([key]) => key),
  };
}
