import type { Showing } from "../fields/type.ts";
import { joinList } from "../kit/line.ts";
import { showTime } from "../kit/time.ts";
import { parseArray } from "../postgres/codec.ts";
import type { Cell } from "./files/csvWrite.ts";
import type { TableColumn } from "./format.ts";

/** A value of a query, by the name that PostgreSQL has for its type. Names that are not here are text. */
const NUMBERS = new Set(["smallint", "integer", "bigint", "numeric", "real", "double precision", "oid"]);
const ELEMENT = /^(.+)\[\]$/;

/** A number as JSON writes it: PostgreSQL prints `NaN` and `Infinity` too. */
const NUMBER = /^-?\d+(\.\d+)?([eE][+-]?\d+)?$/;

/** As JSON. A number keeps all its digits. */
export function jsonOf(type: string, text: string | null, showing: Showing): string {
  if (text === null) return "null";
  if (NUMBERS.has(type)) return NUMBER.test(text) ? text : JSON.stringify(text);
  switch (type) {
    case "boolean":
      return text === "t" ? "true" : "false";
    case "timestamptz":
      return JSON.stringify(showTime(text, showing.zone));
    case "jsonb":
      return text;
    case "json":
      // It is kept as it was written, line breaks among it.
      return JSON.stringify(JSON.parse(text));
  }
  const items = itemsOf(type, text);
  return items ? `[${items.map((item) => jsonOf(items.type, item, showing)).join()}]` : JSON.stringify(text);
}

/** As a cell of CSV. Digits stay text, because a number of JavaScript would round them; nothing in them runs in a spreadsheet. */
export function tableCell(type: string, text: string | null, showing: Showing): Cell {
  if (text === null) return null;
  if (!NUMBERS.has(type) || !NUMBER.test(text)) return shownText(type, text, showing);
  return String(Number(text)) === text ? Number(text) : text;
}

/** As text, before it is quoted. */
export function shownText(type: string, text: string, showing: Showing): string {
  if (type === "boolean") return text === "t" ? "true" : "false";
  if (type === "timestamptz") return showTime(text, showing.zone);
  const items = itemsOf(type, text);
  return items ? joinList(items.map((item) => (item === null ? "null" : shownText(items.type, item, showing)))) : text;
}

/** The items of an array of one dimension that begins at 1. */
function itemsOf(type: string, text: string): ((string | null)[] & { type: string }) | undefined {
  const [, element] = ELEMENT.exec(type) ?? [];
  if (element === undefined || !text.startsWith("{") || text.startsWith("{{")) return undefined;
  return Object.assign(parseArray(text), { type: element });
}

/** The names of the columns, the second of two equal ones numbered: an object holds each name once. */
export function distinct(columns: readonly TableColumn[]): string[] {
  const seen = new Map<string, number>();
  return columns.map(({ name }) => {
    const times = (seen.get(name) ?? 0) + 1;
    seen.set(name, times);
    return times === 1 ? name : `${name}_${times}`;
  });
}
