import type { Json } from "../openapi/names.ts";

/** A JSON Schema of 2020-12 as OpenAPI 3.0 has it, where null is no type and there is no `const`. */
export function schema30(schema: unknown): Json {
  if (typeof schema !== "object" || schema === null) return {};
  const { type, anyOf, const: only, exclusiveMinimum, exclusiveMaximum, enum: choices, ...rest } = schema as Json;
  const told: Json = Object.fromEntries(
    Object.entries(rest)
      .filter(([name]) => KNOWN.includes(name))
      .map(([name, value]) => [name, within(name, value)]),
  );
  const types = [type].flat().filter((each) => each !== undefined && each !== "null");
  const nullable = [type].flat().includes("null");
  if (types.length === 1) told.type = types[0];
  if (types.length > 1) told.anyOf = types.map((each) => ({ type: each }));
  if (Array.isArray(anyOf)) Object.assign(told, oneSchema(anyOf));
  if (only !== undefined) told.enum = [only];
  if (Array.isArray(choices)) told.enum = choices;
  if (typeof exclusiveMinimum === "number") Object.assign(told, { minimum: exclusiveMinimum, exclusiveMinimum: true });
  if (typeof exclusiveMaximum === "number") Object.assign(told, { maximum: exclusiveMaximum, exclusiveMaximum: true });
  return nullable ? { ...told, nullable: true } : told;
}

/** Keywords that mean the same in both. */
const KNOWN = [
  ...["description", "format", "pattern", "minLength", "maxLength", "minimum", "maximum", "multipleOf", "items", "minItems"],
  ...["maxItems", "properties", "required", "additionalProperties", "default"],
];

function within(name: string, value: unknown): unknown {
  if (name === "items") return schema30(value);
  if (name === "additionalProperties") return typeof value === "object" ? schema30(value) : value;
  if (name !== "properties") return value;
  return Object.fromEntries(Object.entries(value as Json).map(([key, each]) => [key, schema30(each)]));
}

/** Alternatives without null, which becomes a keyword. */
function oneSchema(anyOf: readonly unknown[]): Json {
  const others = anyOf.filter((each) => (each as Json).type !== "null").map(schema30);
  const nullable = others.length < anyOf.length ? { nullable: true } : {};
  const [only] = others;
  return others.length === 1 && only ? { ...only, ...nullable } : { anyOf: others, ...nullable };
}
