import type { Reading } from "../fields/type.ts";
import { echo } from "../kit/line.ts";
import { nearest } from "../kit/nearest.ts";
import { Problem } from "../kit/problem.ts";
import type { Field } from "../records/kind.ts";
import { isEmpty } from "./bodyValues.ts";
import type { Named } from "./operation.ts";
import { unfit } from "./unfit.ts";

/**
 * Reads a body that is no record's, each value by its kind; an empty text is null. What was not sent is left out, unless the field has an
 * initial value, which also stands for null. Throws the Problem that names the field.
 */
export function readValues(
  { values, partial }: { values: Named; partial?: true },
  sent: Record<string, unknown>,
  reading: Reading,
): Record<string, unknown> {
  const named = asNamed(values, sent);
  const read = Object.entries(values)
    .filter(([name]) => !partial || named[name] !== undefined)
    .map(([name, spec]) => [name, readValue({ ...spec, name }, named[name], reading)] as const);
  return Object.fromEntries(read.filter(([, value]) => value !== undefined));
}

/** What was sent, under the names of the fields. A field and another name for it are not both taken. */
function asNamed(values: Named, sent: Record<string, unknown>): Record<string, unknown> {
  const named: Record<string, unknown> = {};
  for (const [name, value] of Object.entries(sent)) {
    const field = Object.hasOwn(values, name) ? name : Object.keys(values).find((each) => values[each]!.also?.includes(name));
    if (field === undefined || (field !== name && sent[field] !== undefined)) throw unknownValue(values, name);
    named[field] = value;
  }
  return named;
}

function readValue(field: Field, sent: unknown, reading: Reading): unknown {
  const given = isEmpty(field, sent) ? null : sent;
  const value = given ?? field.initially ?? given;
  const read = value === undefined || value === null ? value : readGiven(field, value, reading);
  if (field.required && (read === undefined || read === null))
    throw new Problem("missing_field", `${field.name} is missing`, [
      `${field.name} expects ${field.type.expects}`,
      `${field.name} is ${field.about}`,
    ]);
  return read;
}

/** Null where a value is as good as none, such as a list of nothing. */
function readGiven(field: Field, value: unknown, reading: Reading): unknown {
  const typed = typeof value === "string" ? field.type.fromText(value) : value;
  const read = field.type.schema.safeParse(typed).success ? field.type.toColumn(typed, reading) : undefined;
  if (read === undefined) throw unfit(field, value, reading);
  return read;
}

function unknownValue(values: Named, name: string): Problem {
  const known = Object.keys(values);
  const near = nearest(name, known);
  return new Problem(
    "invalid_field",
    `there is no field ${echo(name)} here`,
    `${near.length > 0 ? `did you mean ${near.join(" or ")}? ` : ""}fields: ${known.join(", ")}`,
  );
}
