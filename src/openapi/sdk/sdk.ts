import { OPERATORS } from "../../fields/predicate.ts";
import { PROBLEMS } from "../../kit/problem.ts";
import type { Kind } from "../../records/kind.ts";
import type { ApiSource } from "../document.ts";
import { capital, type Json } from "../schemas.ts";
import { readDocument } from "../told.ts";
import { filtersOf } from "./filters.ts";
import { type Making, methodOf, planOf } from "./methods.ts";
import { createNames } from "./names.ts";
import { comment, type Direction, memberOf, typeOf } from "./types.ts";

/** A client in one file of TypeScript, made of the OpenAPI document. `runtime` is the part that is the same for everybody. */
export function sdk(source: ApiSource, runtime: string): string {
  const { baseUrl, version } = source;
  const { operations, kinds, components, resolve } = readDocument(source);
  const named = createNames(runtime);
  const making: Making = { named, resolve };
  const listed = [...new Set(operations.flatMap(({ route: { filters } }) => (filters ? [filters.of] : [])))];

  return [
    `// The client of Cardfile ${version} at ${baseUrl}, made by GET /sdk.ts.`,
    "// It wants TypeScript 5 or newer with target es2020 or newer, and fetch: Node 20, Deno, a browser.",
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
    ...typesOf(components["schemas"]!, kinds, named),
    ...listed.map((kind) => filtersOf(kind, named, (name) => components["parameters"]![`${kind.name}.${name}`])),
    "",
    "export interface Client {",
    ...operations.map((each) => methodOf(each, making)),
    "}",
    "",
    "const OPERATIONS: Readonly<Record<string, string>> = {",
    ...operations.map((each) => `  ${each.id}: ${JSON.stringify(planOf(each, making))},`),
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
function typesOf(schemas: Record<string, Json>, kinds: readonly Kind[], named: (name: string) => string): string[] {
  return Object.entries(schemas).flatMap(([name, schema]) => {
    const kind = kinds.find((each) => capital(each.name) === name);
    if (kind) return [interfaceOf(name, { ...schema, required: alwaysThere(kind, schema) }, "shown", named)];
    if (!/^\w+(?:Create|Patch)$/.test(name)) return [];
    return [interfaceOf(name, schema, "sent", named)];
  });
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
