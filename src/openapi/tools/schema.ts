import { FILTERING, LIST_PARAMETERS } from "../../records/reserved.ts";
import type { Json } from "../names.ts";
import type { Parameter, Reading, Told } from "../told.ts";

/** What a tool takes, and where each of it goes. */
export type Input = { schema: Json; path: string[]; query: string[]; body: string[]; filters: string[] };

/** Said beside the input, or by those who run a tool. */
const ASIDE: readonly string[] = ["format", "pretty", "reason", "dry_run", "propose", "fields", "expand", "cursor", "offset"];

/** What a list takes by names of its own; all else that it takes is a filter. */
const OF_LISTS: readonly string[] = [
  "search",
  "list",
  "sort",
  "limit",
  "cursor",
  "fields",
  "expand",
  "group_by",
  "sum",
  "count",
];

/**
 * One object holds the values of the path, the parameters and the body. Filters are an object in it: each as a property of its own would make
 * a list the largest of all tools. `brief` leaves out what the names of fields say themselves.
 */
export function inputOf({ route, told }: Told, { resolve }: Pick<Reading, "resolve">, brief: boolean): Input {
  const parameters = (told["parameters"] as Json[]).map(resolve) as Parameter[];
  const path = parameters.filter((each) => each.in === "path");
  const { filters, body } = route;
  const own = Object.keys(route.parameters ?? {});
  const listed = filters && !filters.only && !filters.bulk ? OF_LISTS : filters ? FILTERING : [];
  const query = parameters.filter(
    ({ name, in: where }) =>
      where === "query" && (listed.includes(name) || (own.includes(name) && (!ASIDE.includes(name) || name === "cursor"))),
  );
  const names = filters?.of.fields.filter(({ type }) => type.operators.length > 0).map(({ name }) => name) ?? [];
  const written = body ? writtenOf(body.is, told, resolve) : { properties: {}, required: [] };
  // What a new record does not have is left out. Of a change, the name of a field says enough to whoever has seen the creation.
  const clears = body?.is !== "create";
  const fieldAbout = ({ description }: Json): string | undefined => {
    if (!brief) return String(description ?? "");
    return clears
      ? undefined
      : String(description ?? "")
          .split(/[;:]/)[0]!
          .slice(0, 60);
  };
  const properties: Record<string, Json> = {
    ...Object.fromEntries(path.map(({ name, description }) => [name, { type: "string", ...about(description, brief) }])),
    ...(filters ? { filters: filtersSchema(names) } : {}),
    ...Object.fromEntries(
      query.map(({ name, schema, description }) => [name, plain(schema, parameterAbout(name, description, brief))]),
    ),
    ...Object.fromEntries(
      Object.entries(written.properties).map(([name, each]) => [name, plain(each, fieldAbout(each), clears)]),
    ),
  };
  const needed = [...path, ...query.filter(({ required }) => required)].map(({ name }) => name);
  return {
    schema: { type: "object", properties, required: [...needed, ...written.required], additionalProperties: false },
    path: path.map(({ name }) => name),
    query: query.map(({ name }) => name),
    body: Object.keys(written.properties),
    filters: filters ? names : [],
  };
}

function writtenOf(
  is: string,
  told: Json,
  resolve: Reading["resolve"],
): { properties: Record<string, Json>; required: readonly string[] } {
  if (is === "file")
    return { properties: { file: { type: "string", description: "the text of the file" } }, required: ["file"] };
  const { content } = told["requestBody"] as { content: Record<string, { schema: Json }> };
  const { properties, required = [] } = resolve(content["application/json"]!.schema) as {
    properties: Record<string, Json>;
    required?: readonly string[];
  };
  const { version: _, ...others } = properties;
  return { properties: others, required };
}

const filtersSchema = (names: readonly string[]): Json => ({
  type: "object",
  description: `field: value, or operator:value (eq ne gt gte lt lte like starts in has; is:null). Fields: ${names.join(", ")}`,
  additionalProperties: { type: "string" },
});

/** A schema that every reader of schemas knows: no references, no alternatives, one type, and null where it clears. */
function plain(schema: Json, description: string | undefined, nullable = true): Json {
  const alternatives = (schema["anyOf"] ?? schema["oneOf"]) as Json[] | undefined;
  const chosen = alternatives ? alternatives[0]! : schema;
  const { type, enum: choices, items } = chosen as { type?: string | string[]; enum?: unknown[]; items?: Json };
  const clears = nullable && [type, ...(alternatives ?? []).map((each) => each["type"])].flat().includes("null");
  const first = Array.isArray(type) ? type[0] : (type ?? "string");
  const known = clears ? choices : choices?.filter((each) => each !== null);
  return {
    type: clears ? [first, "null"] : first,
    ...(known && known.length <= 12 ? { enum: known } : {}),
    ...(first === "array" ? { items: items?.["type"] ? plain(items, undefined) : { type: "string" } } : {}),
    ...about(description, false),
  };
}

/** Lists say the same of each of theirs in every tool. */
const parameterAbout = (name: string, description: string | undefined, brief: boolean) =>
  brief && (LIST_PARAMETERS as readonly string[]).includes(name) ? undefined : description;

function about(description: string | undefined, brief: boolean): Json {
  return description === undefined || description === "" || brief ? {} : { description };
}
