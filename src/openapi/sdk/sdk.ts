import { OPERATORS } from "../../fields/predicate.ts";
import { PROBLEMS } from "../../kit/problem.ts";
import { each } from "../../kit/turns.ts";
import type { Kind } from "../../records/kind.ts";
import type { ApiSource } from "../document.ts";
import { capital, type Json } from "../names.ts";
import { readingDocument } from "../told.ts";
import { filtersOf } from "./filters.ts";
import { type Making, methodOf, planOf } from "./methods.ts";
import { createNames } from "./names.ts";
import { comment, type Direction, memberOf, typeOf } from "./types.ts";

/** A client in one file of TypeScript, made of the OpenAPI document. `runtime` is the part that is the same for everybody. */
export function* writingSdk(source: ApiSource, runtime: string, left = 0): Generator<void, string, void> {
  const { baseUrl, version } = source;
  const { operations, kinds, components, resolve } = yield* readingDocument(source);
  const named = createNames(runtime);
  const making: Making = { named, resolve };
  const listed = [...new Set(operations.flatMap(({ route: { filters } }) => (filters ? [filters.of] : [])))];

  const types = yield* typesOf(components["schemas"]!, kinds, named);
  const filters = yield* each(listed, (kind) =>
    filtersOf(kind, named, (name) => components["parameters"]![`${kind.name}.${name}`]),
  );
  const methods = yield* each(operations, (told) => methodOf(told, making));
  const plans = yield* each(operations, (told) => `  ${told.id}: ${JSON.stringify(planOf(told, making))},`);
  return [
    `// The client of Cardfile ${version} at ${baseUrl}, made by GET /sdk.ts.`,
    "// It wants TypeScript 5 or newer with target es2020 or newer, and fetch: Node 20, Deno, a browser.",
    ...(left > 0
      ? [`// ${left} further kinds of your own are not in it: GET /sdk.ts?only=vehicles,trips has just those that it names.`]
      : []),
    "//",
    '//   const crm = createClient({ token: "ck_…" });',
    '//   for await (const contact of crm.listContacts.all({ stage: "lead" })) console.log(contact.name);',
    "",
    `const BASE_URL = ${JSON.stringify(baseUrl)};`,
    "",
    comment("What is wrong, for programs: GET /help/errors").trim(),
    `export type ProblemCode = ${literals(Object.keys(PROBLEMS))};`,
    `export type Operator = ${literals(Object.keys(OPERATORS))};`,
    "",
    runtime.replace(/^import .*\n/gm, "").trim(),
    "",
    ...types,
    ...filters,
    "",
    "export interface Client {",
    ...methods,
    "}",
    "",
    "const OPERATIONS: Readonly<Record<string, string>> = {",
    ...plans,
    "};",
    "",
    "export function createClient(options: ClientOptions = {}): Client {",
    "  return clientOf(OPERATIONS, { ...options, baseUrl: options.baseUrl ?? BASE_URL }) as unknown as Client;",
    "}",
    "",
  ].join("\n");
}

const literals = (values: readonly string[]) => values.map((value) => JSON.stringify(value)).join(" | ");

/** Records and bodies. A page is one generic type, and a body whose link the path holds is made of the whole one. */
function* typesOf(
  schemas: Record<string, Json>,
  kinds: readonly Kind[],
  named: (name: string) => string,
): Generator<void, string[], void> {
  const byName = new Map(kinds.toReversed().map((kind) => [capital(kind.name), kind]));
  const all = yield* each(Object.entries(schemas), ([name, schema]) => {
    const kind = byName.get(name);
    if (kind) return [interfaceOf(name, { ...schema, required: alwaysThere(kind, schema) }, "shown", named)];
    if (!/^\w+(?:Create|Patch)$/.test(name)) return [];
    return [interfaceOf(name, schema, "sent", named)];
  });
  return all.flat();
}

/** Without fields= every field is there but those that are only shown when asked for. */
const alwaysThere = ({ fields }: Kind, schema: Json): string[] =>
  fields.filter(({ name, shown }) => shown !== "asked" && name in (schema["properties"] as Json)).map(({ name }) => name);

function interfaceOf(name: string, schema: Json, direction: Direction, named: (name: string) => string): string {
  const { properties, required = [] } = schema as { properties: Record<string, Json>; required?: readonly string[] };
  const members = Object.entries(properties).map(([each, type]) => {
    const about = direction === "sent" ? "" : comment(type["description"], "  ");
    return `${about}  ${memberOf(each, typeOf(type, direction, named), required.includes(each), direction)}`;
  });
  return `${comment(schema["description"])}export interface ${named(name)} {\n${members.join("\n")}\n}`;
}
