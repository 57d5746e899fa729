import type { PartRow } from "../../formats/files/workspacePart.ts";
import { echo } from "../../kit/line.ts";
import { UTC } from "../../kit/time.ts";
import { columnName, type Field, type Kind, slotsOf } from "../../records/kind.ts";

/**
 * What is wrong with values that are kept by slot (derive/slots.ts), whose column in the database takes anything; undefined where nothing is.
 * `whole`: there is nothing else among them.
 */
export function faultOfSlots(kind: Kind, values: PartRow, whole: boolean): string | undefined {
  for (const field of slotsOf(kind)) {
    const value = values[columnName(field)] ?? null;
    if (value !== null && !fits(field, value)) return `${field.name} cannot be ${echo(JSON.stringify(value) ?? "", 60)}`;
  }
  if (!whole) return undefined;
  const odd = Object.keys(values).find((slot) => !kind.stored(slot)?.slot);
  return odd === undefined ? undefined : `own has a value of no field: ${echo(odd, 60)}`;
}

function fits({ type, link, column }: Field, value: unknown): boolean {
  const { choices, sqlType, dimensions } = type;
  if (dimensions !== undefined) return isVector(type, value);
  if (link)
    return (
      typeof value === "string" && value.startsWith(`${link.target.prefix}_`) && /_[0-7][0-9a-hjkmnp-tv-z]{25}$/.test(value)
    );
  if (choices && sqlType === "text" && column?.startsWith("c")) return choices.includes(value as string);
  return HOLDS[sqlType](value, type);
}

/** Just as it was written: PostgreSQL reads it at every comparison. */
function isVector({ fromText, schema, toColumn }: Field["type"], value: unknown): boolean {
  const numbers = typeof value === "string" ? fromText(value) : undefined;
  return schema.safeParse(numbers).success && toColumn(numbers, { now: 0, zone: UTC, me: "" }) === value;
}

/** As the service writes them into `own`. */
const HOLDS: Record<Field["type"]["sqlType"], (value: unknown, type: Field["type"]) => boolean> = {
  text: (value) => typeof value === "string" && value !== "" && value.length <= 1_048_576,
  bigint: (value) => Number.isInteger(value) && Math.abs(value as number) < 2 ** 63,
  integer: (value) => Number.isInteger(value) && Math.abs(value as number) < 2 ** 31,
  boolean: (value) => typeof value === "boolean",
  date: (value) => isDay(value),
  timestamptz: (value) => isMoment(value),
  "text[]": (value, { schema }) => Array.isArray(value) && value.length > 0 && schema.safeParse(value).success,
  jsonb: (value) => typeof value === "object" && !Array.isArray(value),
  "numeric(18,6)": (value) => /^-?\d{1,12}(?:\.\d{1,6})?$/.test(String(value)) && ["string", "number"].includes(typeof value),
};

const isDay = (value: unknown): boolean =>
  typeof value === "string" && /^\d{4}-\d\d-\d\d$/.test(value) && isMoment(`${value}T00:00:00Z`);

/** A time that exists: in February there is no 30th. */
function isMoment(value: unknown): boolean {
  if (typeof value !== "string" || !/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d{1,6})?Z?$/.test(value)) return false;
  const ms = Date.parse(value.endsWith("Z") ? value : `${value}Z`);
  return !Number.isNaN(ms) && new Date(ms).toISOString().startsWith(value.slice(0, 10));
}
