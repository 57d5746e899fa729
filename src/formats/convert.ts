/** Staged values as the body of a write has them: dates, amounts and answers as spreadsheets show them are read here. */
import type { Values } from "../derive/bodyValues.ts";
import { echo } from "../kit/line.ts";
import { Problem } from "../kit/problem.ts";
import type { Field, Kind } from "../records/kind.ts";
import { dayOfCell } from "./dayColumns.ts";
import { readCountryName } from "./files/countries.ts";
import { type DateOrder, readSheetDate } from "./files/dates.ts";
import { turnName } from "./files/gather.ts";
import { readAmount } from "./files/numbers.ts";
import { readPhone, readYesNo } from "./files/words.ts";
import { type Facts, linkKeyName, type Staged } from "./intake.ts";
import { putMoney, wholeUnits } from "./money.ts";
import { putOutcome } from "./outcome.ts";

/** `keys`: the natural keys of linked records, by the name of the link. */
export type Converted = Values & { keys: Record<string, string> };

/** `dates`: what the sender says of dates that can be read in two ways. `today`: in the workspace's zone. `currency`: of amounts that name none. */
export type Converting = { dates: DateOrder | undefined; today: string; currency: string };

/** Reads one row. Throws the Problem that names the field. */
export function convert(kind: Kind, { is, fields }: Staged, facts: Facts, { dates, today, currency }: Converting): Converted {
  const values: Record<string, unknown> = {};
  const keys: Record<string, string> = {};
  for (const name in fields) {
    const value = fields[name];
    const field = kind.field(name);
    if (wholeUnits(kind).has(name)) continue;
    const day = facts.days?.[name];
    if (typeof value === "string" && day && is === "texts") values[name] = dayOfCell(value, day);
    else if (typeof value !== "string" || !field) values[name] = value;
    else if (field.type.name === "country") values[name] = readCountryName(value);
    else if (is === "values") values[name] = value;
    else values[name] = readCell(field, value, dates ?? orderOf(facts, name));
  }
  putMoney(kind, values, fields, facts, currency);
  for (const link of kind.links) {
    const name = linkKeyName(link);
    if (name === undefined || kind.field(name) || values[name] === undefined) continue;
    const key = String(values[name]);
    delete values[name];
    keys[link.name] = key;
    if (values[link.shown.name] === undefined && values[link.id.name] === undefined) values[link.shown.name] = key;
  }
  if (is === "texts") putOutcome(kind, values, today);
  if (facts.turned && is === "texts") turnWhole(values);
  return { values, form: is === "texts", keys };
}

/** The name is made of its parts again where it is written. */
function turnWhole(values: Record<string, unknown>): void {
  const { name, first_name, last_name } = values;
  if (typeof name !== "string" || first_name !== undefined || last_name !== undefined) return;
  delete values["name"];
  turnName(values, name);
}

const orderOf = ({ dates }: Facts, name: string): DateOrder | undefined => {
  const order = dates[name];
  return order === "mixed" ? undefined : order;
};

function readCell(field: Field, cell: string, order: DateOrder | undefined): unknown {
  const { sqlType, name, signed } = field.type;
  if (sqlType === "date" || sqlType === "timestamptz") return readTime(field, cell, order);
  if (sqlType === "boolean") return String(readYesNo(cell) ?? cell);
  if (sqlType === "integer") return /^[+-]?\d+$/.test(cell) ? cell : wholeOf(cell);
  if (name === "currency") return readAmount(`1 ${cell}`, true)?.currency ?? cell;
  if (!signed) return cell;
  const phone = readPhone(cell);
  if (phone !== undefined) return phone;
  throw new Problem("invalid_value", `${field.name} ${echo(cell)} has lost its last digits`, [
    "a spreadsheet shortened it: format the column as text, then export again",
  ]);
}

function readTime(field: Field, cell: string, order: DateOrder | undefined): string {
  const found = readSheetDate(cell, { order });
  if (found === "ambiguous") {
    throw new Problem(
      "invalid_value",
      `${field.name} ${echo(cell)} can be two days`,
      "say which comes first: dates=dmy or dates=mdy",
    );
  }
  // What is no date of a spreadsheet may still be one here, such as +3d.
  if (found === "none") return cell;
  return field.type.sqlType === "date" || found.clock === "" ? found.day : `${found.day} ${found.clock}`;
}

/** A whole number as spreadsheets group it. What is none is left for its field to refuse. */
function wholeOf(cell: string): string {
  const found = readAmount(cell, false)?.decimal.replace(/\.0+$/, "");
  return found !== undefined && /^-?\d+$/.test(found) ? found : cell;
}
