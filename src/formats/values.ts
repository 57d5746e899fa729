import type { Row, View } from "../derive/view.ts";
import type { FieldType, Showing } from "../fields/type.ts";
import { wholeOf } from "../kit/largeJson.ts";

/** A row as its JSON has it, by the names of its fields. */
export function valuesOf({ cells }: View, row: Row, showing: Showing): Map<string, unknown> {
  return new Map(cells.map(({ name, type, at }) => [name, readValue(type, wholeOf(row[at]), showing)]));
}

function readValue(type: FieldType, stored: unknown, showing: Showing): unknown {
  return stored === null ? null : JSON.parse(type.toJson(stored as never, showing));
}
