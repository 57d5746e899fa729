import type { Json } from "../names.ts";

/** How a name is written as a property. */
export const property = (name: string): string => (/^[A-Za-z_$][\w$]*$/.test(name) ? name : JSON.stringify(name));

/** A comment. Kinds and fields of workspaces bring words of their own, which must not end it. */
export function comment(text: unknown, indent = ""): string {
  const words = String(text ?? "")
    .replace(/\s+/g, " ")
    .replaceAll("*/", "*\u200b/")
    .trim();
  return words === "" ? "" : `${indent}/** ${words} */\n`;
}

/** Of what is sent, lists may be read-only and values undefined, which is not sent. */
export type Direction = "sent" | "shown";

/** The type of TypeScript that a JSON Schema of the document describes. */
export function typeOf(schema: Json, direction: Direction, named: (name: string) => string): string {
  const inner = (each: unknown) => typeOf(each as Json, direction, named);
  if (typeof schema["$ref"] === "string") return named(schema["$ref"].split("/").at(-1)!);
  if (schema["const"] !== undefined) return JSON.stringify(schema["const"]);
  if (Array.isArray(schema["enum"])) return union(schema["enum"].map((each) => JSON.stringify(each)));
  const either = schema["anyOf"] ?? schema["oneOf"];
  if (Array.isArray(either)) return union(either.map(inner));
  if (Array.isArray(schema["type"])) return union(schema["type"].map((type) => inner({ ...schema, type })));
  switch (schema["type"]) {
    case "string":
    case "boolean":
    case "null":
      return schema["type"];
    case "integer":
    case "number":
      return "number";
    case "array":
      return arrayOf(inner(schema["items"] ?? {}), direction);
    case "object":
      return objectOf(schema, direction, named);
    default:
      return "unknown";
  }
}

const union = (types: readonly string[]): string => [...new Set(types)].join(" | ");

function arrayOf(item: string, direction: Direction): string {
  const list = /[ |]/.test(item) ? `(${item})[]` : `${item}[]`;
  return direction === "sent" ? `readonly ${list}` : list;
}

function objectOf(schema: Json, direction: Direction, named: (name: string) => string): string {
  const {
    properties,
    required = [],
    additionalProperties,
  } = schema as {
    properties?: Record<string, Json>;
    required?: readonly string[];
    additionalProperties?: Json | boolean;
  };
  if (properties) {
    const members = Object.entries(properties).map(([name, each]) =>
      memberOf(name, typeOf(each, direction, named), required.includes(name), direction),
    );
    return `{ ${members.join(" ")} }`;
  }
  const value = typeof additionalProperties === "object" ? typeOf(additionalProperties, direction, named) : "unknown";
  return `{ [name: string]: ${value} }`;
}

/** A property, which may be missing unless it is required. */
export function memberOf(name: string, type: string, required: boolean, direction: Direction): string {
  const unsent = !required && direction === "sent" ? " | undefined" : "";
  return `${property(name)}${required ? "" : "?"}: ${type}${unsent};`;
}
