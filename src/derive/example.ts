import type { FieldType } from "../fields/type.ts";
import { type IdReference, prefixOf } from "../kit/id.ts";
import { zone } from "../kit/time.ts";
import type { Catalog } from "../records/catalog.ts";
import type { Kind } from "../records/kind.ts";
import { createView, type Row, rowId, type View, viewsOf } from "./view.ts";

const UTC = zone("UTC");
const READING = { now: Date.parse("2026-06-01T08:12:44Z"), zone: UTC, me: "ann@example.com" };

/** What every record has besides the fields of its example. */
const MADE = { version: 1, created_at: "now", created_by: "me", updated_at: "now" };

/** The example of a kind as lists, single records and JSON would show it, made by what shows real ones. */
export type Example = { listed: string; line: string; json: unknown };

export function shownExample(kind: Kind, catalog: Catalog): Example {
  const kindOf = (row: Row) => catalog.byPrefix(prefixOf(rowId(row)))?.name ?? kind.name;
  const [listed, line, json] = (["list", "record", "json"] as const).map((which) => {
    const view = createView(kind, viewsOf(kind)[which].fields, kindOf);
    return { view, row: exampleRow(kind, view.columns) };
  });
  const showing = { zone: UTC };
  return {
    listed: `${listed!.view.line(listed!.row, showing)}\n`,
    line: `${line!.view.line(line!.row, showing)}\n`,
    json: JSON.parse(json!.view.json(json!.row, showing)),
  };
}

/** The row the database would give for it. */
function exampleRow({ prefix, example, made }: Kind, shown: View["columns"]): Row {
  const id = typeof example.id === "string" ? example.id : wholeId({ prefix, key: "t4v6w8y0" });
  const values: Record<string, unknown> = { ...MADE, ...example, ...made };
  const columns = shown.map(({ name, type, initially }) => {
    const value = values[name] ?? initially;
    return value === undefined ? null : stored(type, type.toColumn(value, READING));
  });
  return [id, MADE.version, ...columns];
}

/** As the driver gives it back. */
function stored({ sqlType }: FieldType, value: unknown): unknown {
  if (sqlType === "timestamptz") return (value as string).replace("T", " ").replace("Z", "+00");
  const isId = typeof value === "object" && value !== null && "prefix" in value;
  return isId ? wholeId(value as IdReference) : value;
}

const wholeId = ({ prefix, key }: IdReference) => (key.length > 8 ? key : `${prefix}_01k9x2v7m3q8r0s2n5${key}`);
