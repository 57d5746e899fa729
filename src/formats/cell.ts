import { asJson } from "../fields/text.ts";
import type { FieldType, Showing } from "../fields/type.ts";
import type { Cell } from "./files/csvWrite.ts";

/** A value as one cell of a table. `fromText` of its type reads it back: items of a list stand between commas, an object is JSON. */
export function cellOf(type: FieldType, stored: unknown, showing: Showing): Cell {
  if (stored === null) return null;
  // What JSON shows as it is stored need not become JSON and be read again, which took a third of a table's time.
  if (type.toJson === asJson) {
    if (typeof stored === "string") return stored;
    if (Array.isArray(stored) && stored.every((item) => typeof item === "string")) return stored.join(",");
  }
  const json = type.toJson(stored as never, showing);
  const first = json.charCodeAt(0);
  if (first === QUOTE) return json.includes("\\") ? (JSON.parse(json) as string) : json.slice(1, -1);
  if (first === BRACKET) return joined(JSON.parse(json) as unknown[], json);
  return first === MINUS || (first >= ZERO && first <= NINE) ? Number(json) : json;
}

const [QUOTE, BRACKET, MINUS, ZERO, NINE] = [34, 91, 45, 48, 57] as const;

const joined = (items: readonly unknown[], json: string) =>
  items.every((item) => typeof item === "string") ? items.join(",") : json;
