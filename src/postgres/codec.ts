import { readJson } from "../kit/largeJson.ts";
import { unstorable } from "./errors.ts";

/**
 * Values are sent and received as text. A parameter is read by the type that the server infers for it, a column is parsed here by its type.
 * Nothing is guessed from a value's JavaScript type, so one statement text is one prepared statement.
 */

/**
 * A value that has no text yet. postgres.js replaces a parameter by its text, and encodes that text again when it repeats a stale statement
 * (a migration under load). jsonb would then be stored as a quoted string. A plain string is therefore taken as encoded already.
 */
export class Unencoded {
  readonly value: unknown;

  constructor(value: unknown) {
    this.value = value;
  }

  toString(): string {
    return encode(undefined, this.value);
  }
}

export function unencoded(values: readonly unknown[]): (Unencoded | null)[] {
  return values.map((value) => (value === null ? null : new Unencoded(value)));
}

/** The text of a value for a parameter of this type (pg_type.oid). Undefined stands for every type without an encoding of its own. */
export function encode(type: number | undefined, value: unknown): string {
  if (type === JSONB || type === JSON_TEXT) return JSON.stringify(value);
  if (type !== JSONB_ARRAY || !Array.isArray(value)) return encodePlain(value);
  return arrayLiteral(value.map((item) => (item === null ? null : JSON.stringify(item))));
}

/** A value as a literal of unknown type, which the server reads like a parameter. The escape syntax holds whatever the server's settings are. */
export function literalOf(value: unknown): string {
  if (value === null) return "null";
  const text = encode(undefined, value);
  // The server would take it for the end of the whole text.
  if (text.includes("\0")) throw unstorable();
  return `E'${text.replace(/\\/g, "\\\\").replace(/'/g, "''")}'`;
}

const JSON_TEXT = 114;
const JSONB = 3802;
const JSONB_ARRAY = 3807;

function encodePlain(value: unknown): string {
  if (typeof value === "string") return value;
  if (value === undefined) throw new TypeError("undefined inside a value");
  if (typeof value !== "object" || value === null) return String(value);
  if (Array.isArray(value)) return arrayLiteral(value.map((item) => (item === null ? null : encodePlain(item))));
  if (value instanceof Date) return value.toISOString();
  if (value instanceof Uint8Array) return `\\x${Buffer.from(value).toString("hex")}`;
  return JSON.stringify(value);
}

/** https://www.postgresql.org/docs/current/arrays.html#ARRAYS-IO. All items are quoted: none can be read as NULL or as syntax. */
function arrayLiteral(items: readonly (string | null)[]): string {
  return `{${items.map((item) => (item === null ? "NULL" : `"${item.replace(/["\\]/g, "\\$&")}"`)).join(",")}}`;
}

/** Reads an array of one dimension. */
export function parseArray(text: string): (string | null)[] {
  const inner = text.slice(1, -1);
  if (inner === "") return [];
  if (!inner.includes('"')) return inner.split(",").map(bareItem);
  const items: (string | null)[] = [];
  for (const [, quoted, bare] of inner.matchAll(/"([^"\\]*(?:\\.[^"\\]*)*)"|([^,"]+)/gs)) {
    items.push(quoted === undefined ? bareItem(bare ?? "") : quoted.replace(/\\(.)/gs, "$1"));
  }
  return items;
}

/** An unquoted NULL is the null value: the server quotes the text "NULL". */
function bareItem(text: string): string | null {
  return text === "NULL" ? null : text;
}

/** A number up to 2^53 - 1; beyond that the digits as text, because a double would round them. */
function parseInt8(text: string): number | string {
  const number = Number(text);
  return Number.isSafeInteger(number) ? number : text;
}

/**
 * Types by number (pg_type.oid). Each type that postgres.js serializes itself is replaced, because its serializers misread text that is
 * encoded already: `date` makes a Date of any string, `boolean` makes `f` of everything but `true`.
 * Other types are read as text. No double holds a numeric exactly; a statement that wants a number casts it (`sum(…)::bigint`).
 * Times stay text too, because a Date has no microseconds.
 */
export const TYPES = {
  text: { to: 25, from: [1082, 1114, 1184], serialize: String, parse: (text: string) => text },
  bool: { to: 16, from: [16], serialize: String, parse: (text: string) => text === "t" },
  int8: { to: 20, from: [20], serialize: String, parse: parseInt8 },
  bytea: { to: 17, from: [17], serialize: String, parse: (text: string) => Buffer.from(text.slice(2), "hex") },
  json: {
    to: JSONB,
    from: [JSON_TEXT, JSONB],
    serialize: unlessEncoded(JSONB),
    parse: readJson,
  },
  jsonArray: {
    to: JSONB_ARRAY,
    from: [JSONB_ARRAY],
    serialize: unlessEncoded(JSONB_ARRAY),
    parse: (text: string) => parseArray(text).map((item): unknown => (item === null ? null : JSON.parse(item))),
  },
  textArray: { to: 1009, from: [1009, 1015], serialize: String, parse: parseArray },
  int8Array: {
    to: 1016,
    from: [1007, 1016],
    serialize: String,
    parse: (text: string) => parseArray(text).map((item) => (item === null ? null : parseInt8(item))),
  },
};

/** The types that the driver parses by itself, besides those above: int2, int4, oid, float4, float8. */
const NUMBERS = [21, 23, 26, 700, 701];

const asText = (text: string) => text;

/** The same for parameters, while every column stays the text that the server sent. */
export const AS_TEXT = Object.fromEntries(
  Object.entries(TYPES).map(([name, type]) => [
    name,
    { ...type, from: name === "text" ? [...type.from, ...NUMBERS] : type.from, parse: asText },
  ]),
) as unknown as typeof TYPES;

function unlessEncoded(type: number) {
  return (value: unknown) => (value instanceof Unencoded ? encode(type, value.value) : String(value));
}
