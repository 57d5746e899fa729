import { storable, UNSTORABLE_HINT } from "../fields/text.ts";
import type { FieldType, Reading } from "../fields/type.ts";
import { echo } from "../kit/line.ts";
import { Problem } from "../kit/problem.ts";
import type { Field } from "../records/kind.ts";

/** The refusal of a value that its field does not take. */
export function unfit(field: Field, value: unknown, reading?: Reading): Problem {
  const { name, type } = field;
  const unstorable = typeof value === "string" && !storable(value);
  const wrong = type.fault?.(value);
  if (wrong !== undefined)
    return new Problem(type.refusal, `${name} cannot be like that: ${wrong}`, `${name} expects ${type.expects}`);
  const fault = type.items?.fault(value);
  return new Problem(type.refusal, `${name} cannot be ${shownValue(value)}${fault === undefined ? "" : `: ${fault}`}`, [
    ...(reading && typeof value === "string" ? explained(type, value, reading) : []),
    `${name} expects ${type.expects}`,
    ...(reading && isReadAsText(field, value, reading) ? [`send it as text, in quotes: ${asText(name, value)}`] : []),
    ...(unstorable ? [UNSTORABLE_HINT] : []),
  ]);
}

export function explained({ explains }: FieldType, text: string, reading: Reading): string[] {
  const why = explains?.(text, reading);
  return why === undefined ? [] : [why];
}

/** With its type, where that may be what does not fit: the number 5 is not the text "5". */
function shownValue(value: unknown): string {
  if (typeof value === "string") return echo(value);
  if (typeof value === "number") return `the number ${value}`;
  if (typeof value !== "object" || value === null) return `${value}`;
  return `${Array.isArray(value) ? "the list" : "the object"} ${echo(jsonText(value))}`;
}

/** Whether the same characters would be taken as text; of a list, those of each item. */
function isReadAsText({ type }: Field, value: unknown, reading: Reading): boolean {
  const fits = (text: unknown) => type.schema.safeParse(text).success && type.toColumn(text, reading) !== undefined;
  if (Array.isArray(value)) return value.some(isBare) && type.sqlType === "text[]" && fits(value.map(String));
  if (!isBare(value)) return false;
  const text = type.fromText(`${value}`);
  return type.sqlType === "text[]" ? fits([`${value}`]) : typeof text === "string" && fits(text);
}

const isBare = (value: unknown) => typeof value === "number" || typeof value === "boolean";

const asText = (name: string, value: unknown) =>
  jsonText({ [name]: Array.isArray(value) ? value.map(String) : String(value) }).slice(0, 200);

/** JSON that is nested deeply enough can be read and not be written: it would exhaust the stack. */
function jsonText(value: unknown): string {
  try {
    return JSON.stringify(value) ?? "nothing";
  } catch {
    return "JSON nested that deeply";
  }
}
