import { capital, type Json, schemaRef } from "../../openapi/names.ts";
import { shownProperty, writtenProperty } from "../../openapi/schemas.ts";
import type { Catalog } from "../../records/catalog.ts";
import { derived } from "../../records/derived.ts";
import type { Call, Said, Table } from "../dialect.ts";
import { kindOf, tablesOf } from "../engine.ts";
import { schema30 } from "../schema30.ts";
import { type Entry, vocabularyOf } from "../vocabulary.ts";

/** What the dialect's document and its client are made of: one entity, and what can be done with it. */
export type Entity = {
  table: Table;
  /** `Client`, `Clients` */
  one: string;
  many: string;
  about: string;
  shown: Json;
  created: Json;
  updated: Json;
};

type Speaking = Pick<Call, "dialect" | "catalog">;

export const entitiesOf = ({ dialect, catalog }: Speaking): Entity[] =>
  tablesOf({ dialect, catalog }).map((table) => {
    const kind = kindOf({ catalog }, table);
    const { entries } = vocabularyOf(dialect, table, kind);
    const there = entries.filter(({ field }) => field.shown !== "asked");
    const sent = entries.filter(({ field }) => !field.readOnly && !field.derived && field.shown !== "asked");
    const of = (some: readonly Entry[], schemaOf: (entry: Entry) => Json) =>
      Object.fromEntries(some.map((entry) => [entry.theirs, schemaOf(entry)]));
    const [one, many] = [capital(table.name), capital(table.plural ?? `${table.name}s`)];
    const body = { type: "object", properties: of(sent, writtenThere), additionalProperties: false };
    return {
      table,
      one,
      many,
      about: kind.about,
      shown: { type: "object", description: kind.about, properties: of(there, shownThere), ...always(there) },
      created: body,
      updated: { ...body, description: "What is not sent stays, null clears." },
    };
  });

/** What a record is always shown with. The name of what it links to is left out where the key may not read that. */
const always = (there: readonly Entry[]): Json => ({
  required: there.filter(({ field }) => field.link?.shown !== field).map(({ theirs }) => theirs),
});

function shownThere({ field, member, value }: Entry): Json {
  if (value) return { ...value.schema, nullable: true, description: field.about };
  return member === undefined ? schema30(shownProperty(field)) : { type: "string", nullable: true };
}

function writtenThere({ field, member, value }: Entry): Json {
  if (value) return { ...value.schema, nullable: true, description: field.about };
  return member === undefined ? schema30(writtenProperty(field)) : { type: "string", nullable: true };
}

const documents = derived((_: Catalog) => new Map<string, Json>());

/** Needs no key, as it says the same to everybody. */
export function document(call: Call): Said {
  const made = documents(call.catalog);
  const body = made.get(call.baseUrl) ?? openApi30(call);
  made.set(call.baseUrl, body);
  return { is: "whole", body };
}

const LIST_QUERY: Json[] = [
  parameter("page", { type: "integer", minimum: 1, default: 1 }, "the number of the page"),
  parameter("perPage", { type: "integer", minimum: 1, maximum: 100, default: 10 }, "rows a page"),
  parameter(
    "where",
    { type: "string" },
    "field:value or field:operator:value; conditions are joined by commas, e.g. firstName:John",
  ),
  parameter("orderBy", { type: "string" }, "field:asc or field:desc, e.g. createdAt:desc"),
  parameter("search", { type: "string" }, "words to find"),
];

const ID = { name: "id", in: "path", required: true, schema: { type: "string" } };

function parameter(name: string, schema: Json, description: string): Json {
  return { name, in: "query", required: false, schema, description };
}

function openApi30(call: Call): Json {
  const entities = entitiesOf(call);
  const paths = Object.fromEntries(entities.flatMap((entity) => pathsOf(call, entity)));
  const schemas = entities.flatMap(({ one, shown, created, updated }): [string, Json][] => [
    [one, shown],
    [`Create${one}`, created],
    [`Update${one}`, updated],
    [`${one}Response`, answer(schemaRef(one))],
    [`${one}List`, { ...answer({ type: "array", items: schemaRef(one) }, schemaRef("Meta")) }],
  ]);
  return {
    openapi: "3.0.3",
    info: { title: "Cardfile in the words of InCRM", version: "1", description: "GET /help/dialects tells more." },
    servers: [{ url: call.baseUrl }],
    security: [{ apiKey: [] }],
    paths,
    components: {
      schemas: { ...Object.fromEntries(schemas), Meta: META, Error: ERROR },
      securitySchemes: {
        apiKey: { type: "apiKey", in: "header", name: "X-Api-Key" },
        bearer: { type: "http", scheme: "bearer" },
      },
    },
  };
}

function answer(data: Json, meta?: Json): Json {
  const properties = { success: { type: "boolean" }, data, ...(meta ? { meta } : {}) };
  return { type: "object", properties, required: Object.keys(properties) };
}

const number = { type: "integer" };
const META: Json = {
  type: "object",
  properties: {
    ...{ total: number, page: number, perPage: number, currentPage: number, lastPage: number },
    prev: { type: "integer", nullable: true },
    next: { type: "integer", nullable: true },
  },
  required: ["total", "page", "perPage", "currentPage", "lastPage", "prev", "next"],
};

const ERROR: Json = {
  type: "object",
  properties: {
    success: { type: "boolean" },
    error: {
      type: "object",
      properties: { code: { type: "integer" }, message: { type: "string" }, type: { type: "string" } },
      required: ["code", "message"],
    },
  },
  required: ["success", "error"],
};

function pathsOf({ dialect }: Call, { table, one, many, about }: Entity): [string, Json][] {
  const at = `${dialect.base}/${table.name}`;
  const operation = (operationId: string, summary: string, status: number, schema: string, more: Json = {}): Json => ({
    operationId,
    summary,
    tags: [table.name],
    ...more,
    responses: {
      [status]: { description: summary, content: { "application/json": { schema: schemaRef(schema) } } },
      default: { description: "a refusal", content: { "application/json": { schema: schemaRef("Error") } } },
    },
  });
  const body = (name: string): Json => ({
    requestBody: { required: true, content: { "application/json": { schema: schemaRef(name) } } },
  });
  return [
    [
      at,
      {
        get: operation(`list${many}`, `List ${table.plural ?? table.name}. ${about}`, 200, `${one}List`, {
          parameters: LIST_QUERY,
        }),
        post: operation(`create${one}`, `Create a ${table.name}`, 201, `${one}Response`, body(`Create${one}`)),
      },
    ],
    [
      `${at}/{id}`,
      {
        get: operation(`get${one}`, `Get a ${table.name}`, 200, `${one}Response`, { parameters: [ID] }),
        put: operation(`update${one}`, `Update a ${table.name}`, 200, `${one}Response`, {
          parameters: [ID],
          ...body(`Update${one}`),
        }),
        delete: operation(`delete${one}`, `Delete a ${table.name}`, 200, `${one}Response`, { parameters: [ID] }),
      },
    ],
  ];
}
