import { endOfString } from "../../kit/json.ts";
import { echo } from "../../kit/line.ts";
import type { Part, PartColumn, PartRow } from "./workspacePart.ts";

/** What is wrong with a row of the file of a workspace, as far as it can be told from the row alone; undefined where nothing is. */
export function faultOfRow({ columns, check }: Part, row: PartRow): string | undefined {
  const known = namesOf(columns);
  for (const name of Object.keys(row)) {
    if (known.has(name)) continue;
    return `${echo(name)} is no column of it${name === "workspace_id" ? ": its rows become those of the workspace that reads them" : ""}`;
  }
  for (const column of columns) {
    const fault = faultOfValue(column, row[column.name] ?? null);
    if (fault) return `${column.name} ${fault}`;
  }
  return check?.(row);
}

const names = new WeakMap<readonly PartColumn[], ReadonlySet<string>>();

function namesOf(columns: readonly PartColumn[]): ReadonlySet<string> {
  const known = names.get(columns) ?? new Set(columns.map(({ name }) => name));
  names.set(columns, known);
  return known;
}

/** A whole id: a prefix and a ULID. */
const ID = /^([a-z]{1,4})_[0-7][0-9a-hjkmnp-tv-z]{25}$/;
/** As PostgreSQL writes times as JSON; it checks whether they exist. */
const TIME = /^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}(?:\.\d{1,6})?[+-]\d{2}(?::\d{2})?$/;
const DATE = /^\d{4}-\d{2}-\d{2}$/;

function faultOfValue({ holds, required, ids, allows }: PartColumn, value: unknown): string | undefined {
  if (value === null) return required ? "is missing" : undefined;
  const expected = HOLDS[holds];
  if (!expected.test(value)) return `is no ${expected.called}: ${shown(value)}`;
  if (ids && !ids.has(ID.exec(value as string)?.[1] ?? "")) return `is no whole id ${idsOf(ids)}: ${shown(value)}`;
  return allows && !allows(value) ? `cannot be ${shown(value)}` : undefined;
}

const idsOf = (ids: ReadonlySet<string>) => (ids.size === 1 ? `${[...ids][0]}_…` : "of a record");

const shown = (value: unknown) => echo(typeof value === "string" ? value : (JSON.stringify(value) ?? ""), 60);

const isText = (value: unknown) => typeof value === "string";

const HOLDS: Record<PartColumn["holds"], { called: string; test: (value: unknown) => boolean }> = {
  text: { called: "text", test: isText },
  bigint: { called: "whole number", test: (value) => Number.isInteger(value) },
  integer: { called: "whole number", test: (value) => Number.isInteger(value) },
  "numeric(18,6)": { called: "number", test: (value) => typeof value === "number" },
  boolean: { called: "boolean", test: (value) => typeof value === "boolean" },
  timestamptz: { called: "time", test: (value) => isText(value) && TIME.test(value as string) },
  date: { called: "date", test: (value) => isText(value) && DATE.test(value as string) },
  "text[]": { called: "list of texts", test: (value) => Array.isArray(value) && value.every(isText) },
  jsonb: { called: "JSON value", test: (value) => typeof value === "object" },
};

const MAY_HAVE_EXPONENT = /\d[eE][+-]?\d/;

/** Whether a number has an exponent. PostgreSQL writes none, and would write the thousands of digits that a few characters stand for. */
export function hasExponent(json: string): boolean {
  if (!MAY_HAVE_EXPONENT.test(json)) return false;
  const exponent = /[eE][+-]?\d/y;
  for (let at = 0; at < json.length; at++) {
    const code = json.charCodeAt(at);
    if (code === 0x22) at = endOfString(json, at);
    else if (code >= 0x30 && code <= 0x39) {
      exponent.lastIndex = at + 1;
      if (exponent.test(json)) return true;
    }
  }
  return false;
}
