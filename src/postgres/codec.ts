/**
 * How values travel. Rows come back as text, parsed here by column type; parameters leave as text, which the server reads by the type
 * it worked out for them, so nothing is guessed from a value's JavaScript type and one statement text is one prepared statement.
 */

/**
 * A value not yet written out. postgres.js overwrites a parameter with its text and, when it repeats a statement whose plan went stale
 * (a migration under load), writes that text out again: jsonb would be stored as a quoted string of itself. What is a plain string by
 * then has been written already.
 */
export class Given {
  readonly value: unknown;

  constructor(value: unknown) {
    this.value = value;
  }

  toString(): string {
    return textOf(undefined, this.value);
  }
}

export function given(values: readonly unknown[]): (Given | null)[] {
  return values.map((value) => (value === null ? null : new Given(value)));
}

/** As the server reads a value for a parameter of this type (pg_type.oid), and for any other type when it is not known. */
export function textOf(type: number | undefined, value: unknown): string {
  if (type === JSONB || type === JSON_TEXT) return JSON.stringify(value);
  if (type !== JSONB_ARRAY || !Array.isArray(value)) return written(value);
  return arrayLiteral(value.map((item) => (item === null ? null : JSON.stringify(item))));
}

const JSON_TEXT = 114;
const JSONB = 3802;
const JSONB_ARRAY = 3807;

function written(value: unknown): string {
  if (typeof value === "string") return value;
  if (value === undefined) throw new TypeError("undefined inside a value");
  if (typeof value !== "object" || value === null) return String(value);
  if (Array.isArray(value)) return arrayLiteral(value.map((item) => (item === null ? null : written(item))));
  if (value instanceof Date) return value.toISOString();
  if (value instanceof Uint8Array) return `\\x${Buffer.from(value).toString("hex")}`;
  return JSON.stringify(value);
}

/** https://www.postgresql.org/docs/current/arrays.html#ARRAYS-IO; everything quoted, so that no item can be read as NULL or as syntax. */
function arrayLiteral(items: readonly (string | null)[]): string {
  return `{${items.map((item) => (item === null ? "NULL" : `"${item.replace(/["\\]/g, "\\$&")}"`)).join(",")}}`;
}

/** One dimension, as every array column here has. */
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

/** The server quotes an item that is the word NULL. */
function bareItem(text: string): string | null {
  return text === "NULL" ? null : text;
}

/** Exact: a number up to 2^53 - 1, beyond that (nothing Cardfile writes itself) the digits as text. */
function parseInt8(text: string): number | string {
  const number = Number(text);
  return Number.isSafeInteger(number) ? number : text;
}

/**
 * By type number (pg_type.oid). Every type postgres.js serializes by itself stands here, because its own ways are wrong for `Given`
 * and for text already written: `date` would make a Date of any string, `boolean` would make `f` of everything but `true`.
 * Types that are not here, numeric above all, are read as text: no double holds them exactly, and a statement that wants a number
 * says so (`sum(amount_cents)::bigint`). So are times, which a Date would cut to milliseconds.
 */
export const TYPES = {
  text: { to: 25, from: [1082, 1114, 1184], serialize: String, parse: (text: string) => text },
  bool: { to: 16, from: [16], serialize: String, parse: (text: string) => text === "t" },
  int8: { to: 20, from: [20], serialize: String, parse: parseInt8 },
  bytea: { to: 17, from: [17], serialize: String, parse: (text: string) => Buffer.from(text.slice(2), "hex") },
  json: {
    to: JSONB,
    from: [JSON_TEXT, JSONB],
    serialize: unlessWritten(JSONB),
    parse: (text: string): unknown => JSON.parse(text),
  },
  jsonArray: {
    to: JSONB_ARRAY,
    from: [JSONB_ARRAY],
    serialize: unlessWritten(JSONB_ARRAY),
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

function unlessWritten(type: number) {
  return (value: unknown) => (value instanceof Given ? textOf(type, value.value) : String(value));
}
