import { z } from "zod";
import { echo } from "../../kit/line.ts";
import { nearest } from "../../kit/nearest.ts";
import { Problem } from "../../kit/problem.ts";
import type { Json } from "../../openapi/names.ts";
import type { Values } from "../dialect.ts";

/** A refusal that says which part of the request does not fit. */
export class Misfit extends Problem {
  readonly field: string;
  constructor(field: string, ...[code, message, hints]: ConstructorParameters<typeof Problem>) {
    super(code, message, hints);
    this.field = field;
  }
}

const readers = new WeakMap<Json, z.ZodType>();

/** Holds an input against the schema that capabilities tell of it. */
export function fit(schema: Json, input: Values): void {
  const reader = readers.get(schema) ?? z.fromJSONSchema(schema as never);
  readers.set(schema, reader);
  const { error } = reader.safeParse(input);
  if (error) throw misfit(deepest(error.issues[0]!), schema, input);
}

type Issue = { code?: string; path: PropertyKey[]; message: string; keys?: string[]; errors?: Issue[][] };

/** Of alternatives, what is wrong with the one that fits best. */
function deepest(issue: z.core.$ZodIssue | Issue): Issue {
  const { path, errors = [] } = issue as Issue;
  const further = errors.flat().filter((each) => each.path.length > 0);
  const [first] = further;
  return first ? deepest({ ...first, path: [...path, ...first.path] }) : (issue as Issue);
}

function misfit({ code, path, message, keys = [] }: Issue, schema: Json, input: Values): Misfit {
  const [unknown] = keys;
  const at = unknown === undefined ? path : [...path, unknown];
  const name = `input${at.map((each) => (typeof each === "number" ? `[${each}]` : `.${String(each)}`)).join("")}`;
  const shown = /^[\w.[\]]{1,120}$/.test(name) ? name : echo(name, 120);
  if (code === "unrecognized_keys" && unknown !== undefined) {
    const known = Object.keys((schemaAt(schema, path)?.["properties"] ?? {}) as Json);
    const near = nearest(unknown, known);
    const hint = `${near.length > 0 ? `did you mean ${near.join(" or ")}? ` : ""}it takes ${known.join(", ") || "nothing"}`;
    return new Misfit(name, "invalid_field", `there is no ${shown}`, hint);
  }
  const told = schemaAt(schema, path) ?? {};
  const { description: what, properties } = told;
  const takes = properties ? [`it takes ${Object.keys(properties).join(", ")}`] : [];
  const hints = typeof what === "string" ? [`${String(path.at(-1))}: ${what}`] : takes;
  if (valueAt(input, path) === undefined) return new Misfit(name, "missing_field", `${shown} is missing`, hints);
  return new Misfit(name, "invalid_value", `${shown} does not fit: ${toldFault(message, told)}`, hints);
}

/** Of several types, none of which fits, the reader says no more than that. */
function toldFault(message: string, { type, enum: choices, maxLength, maxItems }: Json): string {
  if (message !== "Invalid input" || type === undefined) return message.replace(/^Invalid \w+: /, "");
  if (Array.isArray(choices)) return `expected one of ${choices.map((each) => JSON.stringify(each)).join(", ")}`;
  const most = maxLength === undefined ? "" : ` of at most ${maxLength} characters`;
  return `expected ${[type].flat().join(" or ")}${most}${maxItems === undefined ? "" : ` of at most ${maxItems} items`}`;
}

/** The part of a schema that tells of a value in it, as far as one does. */
function schemaAt(schema: Json | undefined, [first, ...rest]: readonly PropertyKey[]): Json | undefined {
  if (!schema || first === undefined) return schema;
  const { properties = {}, items, anyOf = [] } = schema as { properties?: Json; items?: Json; anyOf?: Json[] };
  const next = (typeof first === "number" ? items : properties[String(first)]) as Json | undefined;
  if (next) return schemaAt(next, rest);
  return anyOf.map((each) => schemaAt(each, [first, ...rest])).find((each) => each !== undefined);
}

function valueAt(value: unknown, path: readonly PropertyKey[]): unknown {
  return path.reduce<unknown>((at, key) => (at as Record<PropertyKey, unknown> | undefined | null)?.[key], value);
}
