import type { Field, Kind } from "../../records/kind.ts";
import { membersOf } from "../../records/kind.ts";
import { FILTERING, GROUPING, LIST_PARAMETERS } from "../../records/reserved.ts";
import { capital, type Json } from "../names.ts";
import { writtenSchema } from "../schemas.ts";
import { memberOf, typeOf } from "./types.ts";

/** The client asks for JSON, and has other words for these. */
const ELSEWHERE: readonly string[] = ["fields", "format", "pretty", ...GROUPING];

export const filtersName = ({ name }: Kind): string => `${capital(name)}Filters`;
export const queryName = ({ name }: Kind): string => `${capital(name)}Query`;

/** What finds records of a kind, and what else its lists take. `told` is a parameter as the document has it. */
export function filtersOf(kind: Kind, named: (name: string) => string, told: (name: string) => Json | undefined): string {
  const own = LIST_PARAMETERS.filter((name) => told(name) !== undefined && !ELSEWHERE.includes(name));
  const ofList = (name: string) => {
    const { schema } = told(name) as { schema: Json };
    return `  ${memberOf(name, typeOf(schema, "sent", named), false, "sent")}`;
  };
  const behind = [...membersOf(kind), ...kind.links].map(({ name }) => `  [name: \`${name}.\${string}\`]: AnyFilter;`);
  const fields = kind.fields.filter(({ type }) => type.operators.length > 0);
  return [
    `export interface ${named(filtersName(kind))} {`,
    ...own.filter((name) => FILTERING.includes(name)).map(ofList),
    ...fields.map((field) => `  ${memberOf(field.name, filterOf(field), false, "shown")}`),
    ...behind,
    "}",
    `export interface ${named(queryName(kind))} extends ${named(filtersName(kind))} {`,
    ...own.filter((name) => !FILTERING.includes(name)).map(ofList),
    "}",
  ].join("\n");
}

/** The values that a filter on a field takes. Where any text will do, operators before it are text too. */
function filterOf({ type, about }: Field): string {
  const literal = (values: readonly string[]) => values.map((value) => JSON.stringify(value)).join(" | ");
  const { type: json } = writtenSchema({ type, about });
  if (json === "boolean") return "Filter<boolean>";
  if (type.choices) return `Filter<${literal(type.choices)}>`;
  if (type.known) return `OneOrMore<${literal(type.known)} | (string & {})> | undefined`;
  if (json === "integer" || json === "number") return "Filter<number>";
  return "TextFilter";
}
