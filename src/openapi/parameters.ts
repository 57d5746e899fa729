import { membersFilter } from "../derive/filter.ts";
import { type FigureName, figureNames } from "../derive/grouping.ts";
import { type Named, type Operation, takesKey } from "../derive/operation.ts";
import { COMMON_PARAMETERS, listParameters } from "../derive/parameters.ts";
import { refusalsOf } from "../derive/refusals.ts";
import type { FieldSpec } from "../fields/spec.ts";
import { derived } from "../records/derived.ts";
import { type Field, isRecord, type Kind, type Link, membersOf } from "../records/kind.ts";
import { FILTERING, GROUPING } from "../records/reserved.ts";
import type { Json } from "./names.ts";
import { writtenSchema } from "./schemas.ts";

const parameterRef = (name: string): Json => ({ $ref: `#/components/parameters/${name}` });

/** Everything a request of this operation may say outside its body. */
export function parametersOf(operation: Operation, kinds: readonly Kind[]): Json[] {
  const { parameters = {}, filters } = operation;
  const path = toldPath(operation.path, kinds);
  return [
    ...[...path.matchAll(/([\w-]*)\/\{(\w+)\}/g)].map(([, before, name]) => pathParameter(name!, before!, kinds)),
    ...Object.entries(parameters).map(([name, spec]) => queryParameter(name, spec)),
    ...(filters ? listed(filters) : []),
    ...Object.keys(COMMON_PARAMETERS).map(parameterRef),
    ...headersOf(operation).map(parameterRef),
  ];
}

/**
 * `/contacts/{id}/deals` -> `/contacts/{contact_handle}/deals`: a function has one argument of a name, and deals are filtered by their id,
 * contact_id and contact.
 */
export function toldPath(path: string, kinds: readonly Kind[]): string {
  return path.replace(/([\w-]+)\/\{id\}/g, (whole, before: string) => {
    const kind = kindBehind(before, kinds);
    return kind ? `${before}/{${kind.name}_handle}` : whole;
  });
}

/** The kind is the one whose plural stands before. */
export const kindBehind = (before: string, kinds: readonly Kind[]): Kind | undefined => indexOf(kinds).plurals.get(before);
export const kindNamed = (kinds: readonly Kind[], name: string): Kind | undefined => indexOf(kinds).names.get(name);

/** The first of each name, for there may be hundreds. */
const indexOf = derived((kinds: readonly Kind[]) => {
  const reversed = kinds.toReversed();
  return {
    names: new Map(reversed.map((kind) => [kind.name, kind])),
    plurals: new Map(reversed.map((kind) => [kind.plural, kind])),
  };
});

function pathParameter(name: string, before: string, kinds: readonly Kind[]): Json {
  const kind = kindBehind(before, kinds);
  const schema = { type: "string" };
  if (!kind) return { name, in: "path", required: true, schema, description: `one of the ${before}` };
  const example = `${kind.prefix}_t4v6w8y0`;
  const description = `the ${kind.name}: its id, or the short form that lines show, in any letter case`;
  return { name, in: "path", required: true, schema, description, example };
}

function queryParameter(name: string, spec: FieldSpec): Json {
  const { description, ...schema } = writtenSchema(spec);
  return {
    name,
    in: "query",
    description,
    ...(spec.required ? { required: true } : {}),
    // `?pretty` and `?count` alone mean true.
    ...(schema.type === "boolean" ? { allowEmptyValue: true } : {}),
    schema,
  };
}

function listed({ of, most, only, bulk }: NonNullable<Operation["filters"]>): Json[] {
  // The fields of the body have the names of the filters.
  if (bulk) return [parameterRef(BULK_FILTERS)];
  const own = Object.keys(ownParameters(of, most)).filter((name) => !only || FILTERING.includes(name));
  const names = [...own, ...filterable(of).map(({ name }) => name)];
  const objects = [...membersOf(of).map(membersFilter), ...of.links.map(acrossName)];
  return [...names.map((name) => listName(of, name)), ...objects].map(parameterRef);
}

/** What a list takes besides filters and what every route takes. No field is called so. */
function ownParameters(of: Kind, most: number): Named {
  const own = Object.entries(listParameters(of, most)).filter(([name]) => {
    if (name === "search") return of.fields.some((field) => field.search);
    if (name === "list") return isRecord(of);
    if ((GROUPING as readonly string[]).includes(name))
      return isRecord(of) && (name === "group_by" || figureNames(of, name as FigureName).length > 0);
    return !(name in COMMON_PARAMETERS);
  });
  return Object.fromEntries(own);
}

const filterable = ({ fields }: Kind) => fields.filter(({ type }) => type.operators.length > 0);
const listName = ({ name }: Kind, parameter: string) => `${name}.${parameter}`;
const acrossName = ({ name, target }: Link) => `${target.name}.by.${name}`;

/** The parameters that operations refer to by name: filters, what every route takes, and headers. */
export function* componentParameters(routes: readonly Operation[]): Generator<void, Json, void> {
  // Of each kind there are several.
  const byKind = new Map(routes.flatMap(({ filters }) => (filters && !filters.bulk ? [[filters.of, filters] as const] : [])));
  const lists = [...byKind.values()];
  const listed: [string, Json][] = [];
  for (const { of, most } of lists) {
    for (const [name, spec] of Object.entries(ownParameters(of, most)))
      listed.push([listName(of, name), queryParameter(name, spec)]);
    for (const field of filterable(of)) listed.push([listName(of, field.name), filterParameter(field)]);
    yield;
  }
  const common = Object.entries(COMMON_PARAMETERS).map(([name, spec]) => [name, queryParameter(name, spec)]);
  const members = lists.flatMap(({ of }) => membersOf(of)).map((field) => [membersFilter(field), memberFilters(field)]);
  const across = lists.flatMap(({ of }) => of.links).map((link) => [acrossName(link), acrossFilters(link)]);
  const named = Object.fromEntries([...listed, ...common, ...members, ...across]);
  return { ...named, [BULK_FILTERS]: bulkFilters, ...HEADERS };
}

/** What stands in an address as its own text: a number or a boolean may be given as it is, for callers that know the field's type. */
const BARE: readonly unknown[] = ["integer", "number", "boolean"];

/** Text, since an operator may stand before the value; a list of texts is the parameter sent several times, which is AND-ed. */
function filterParameter({ name, about, type }: Field): Json {
  const { type: json } = writtenSchema({ type, about });
  const bare = BARE.includes(json) ? [{ type: json }] : [];
  const description = `filter: ${about}; ${type.expects}. Operators: ${type.operators.join(", ")}`;
  const text = { type: "string" };
  const [first, second] = type.choices ?? type.known ?? [];
  const example = second === undefined ? first : `in:${first},${second}`;
  return {
    ...filter(name, description, { anyOf: [text, ...bare, { type: "array", items: text }] }),
    ...(example === undefined ? {} : { example }),
  };
}

const filter = (name: string, description: string, schema: Json): Json => ({
  name,
  in: "query",
  description,
  style: "form",
  explode: true,
  schema,
});

/** OpenAPI has no parameter with a name of the caller's choosing but the members of an object that are spread out. */
function memberFilters(field: Field): Json {
  const { name, type } = field;
  const operators = type.members!.operators.join(", ");
  const description = `filters on keys of ${name}, each sent under its own name: ${name}.seats=gt:10. Operators: ${operators}`;
  const schema = {
    type: "object",
    propertyNames: { pattern: `^${name}\\.` },
    additionalProperties: { type: ["string", "number", "boolean"] },
  };
  return { ...filter(membersFilter(field), description, schema), example: { [`${name}.seats`]: "gt:10" } };
}

const BULK_FILTERS = "filters";

const bulkFilters: Json = {
  ...filter(BULK_FILTERS, "the filters of the list, and search, each sent under its own name: stage=lead", {
    type: "object",
    additionalProperties: { type: ["string", "number", "boolean"] },
  }),
  example: { stage: "lead" },
};
/** One parameter for all fields of the linked record: one for each would make the document three times as large. */
function acrossFilters(link: Link): Json {
  const { name, target } = link;
  const names = [...filterable(target).map((field) => field.name), ...membersOf(target).map((field) => `${field.name}.<key>`)];
  const operators = `the operators of GET /${target.plural}`;
  const description = `filters on fields of the ${name}, each sent under its own name with ${operators}. Fields: ${names.join(", ")}`;
  const schema = {
    type: "object",
    propertyNames: { pattern: `^${name}\\.` },
    additionalProperties: { type: ["string", "number", "boolean"] },
  };
  return { ...filter(membersFilter(link), description, schema), example: { [`${name}.${target.title}`]: "like:acme" } };
}

/** The headers an operation reads, as names of components. */
function headersOf(operation: Operation): (keyof typeof HEADERS)[] {
  const { method, parameters = {}, answers, refuses = [] } = operation;
  const codes = refusalsOf(operation);
  return [
    ...(method === "GET" && answers.is === "record" ? (["If-None-Match"] as const) : []),
    ...(codes.includes("version_conflict") ? (["If-Match"] as const) : []),
    ...(takesKey(operation) ? (["Idempotency-Key"] as const) : []),
    ...(parameters.reason ? (["X-Reason", "X-Agent"] as const) : []),
    ...(refuses.includes("escalation_required") ? (["X-Escalation-Code"] as const) : []),
  ];
}

const header = (name: string, description: string, example?: string): Json => ({
  name,
  in: "header",
  description,
  schema: { type: "string" },
  ...(example === undefined ? {} : { example }),
});

const HEADERS = {
  "If-None-Match": header("If-None-Match", "the ETag you have; 304 when nothing changed", '"3-Zk3x0PqWb1"'),
  "If-Match": header("If-Match", "the ETag you have; 412 when the record moved on", '"3-Zk3x0PqWb1"'),
  "Idempotency-Key": header("Idempotency-Key", "a random name of this write; sent again within a day it changes nothing twice"),
  "X-Reason": header("X-Reason", "why, for the history"),
  "X-Agent": header("X-Agent", "the program that acts, for the history; else its User-Agent"),
  "X-Escalation-Code": header("X-Escalation-Code", "the code that the first call had mailed; also as code="),
};
