import { bodyExample, type Operation, type OperationBody, type Scope, scopeOf } from "../derive/operation.ts";
import { OPERATORS } from "../fields/predicate.ts";
import { atOnce } from "../kit/turns.ts";
import type { Catalog } from "../records/catalog.ts";
import { isRecord, type Kind, membersOf } from "../records/kind.ts";
import { answersOf, componentHeaders, componentResponses, type MediaType } from "./answers.ts";
import { capital, type Json } from "./names.ts";
import { componentParameters, kindBehind, kindNamed, parametersOf, toldPath } from "./parameters.ts";
import { bodySchemaOf, componentSchemas, shownKinds } from "./schemas.ts";

export type ApiSource = {
  routes: readonly Operation[];
  catalog: Catalog;
  baseUrl: string;
  version: string;
  /** What answers can be had in. */
  formats: readonly MediaType[];
};

/** The OpenAPI 3.1 document (spec.openapis.org/oas/v3.1.1) of these routes, made of their declarations and of nothing else. */
export const openApi = (source: ApiSource): Json => atOnce(writingOpenApi(source));

/** The same piece by piece. */
export function* writingOpenApi({ routes: all, catalog, baseUrl, version, formats }: ApiSource): Generator<void, Json, void> {
  const routes = all.filter(({ standard }) => !standard);
  const kinds = shownKinds(routes);
  const plurals = new Set(catalog.kinds.map(({ plural }) => plural));
  const paths: Record<string, Json> = {};
  for (const route of routes) {
    const path = toldPath(route.path, kinds);
    paths[path] ??= {};
    paths[path]![route.method.toLowerCase()] = operationOf(route, kinds, plurals, formats);
    yield;
  }
  return {
    openapi: "3.1.1",
    info: {
      title: "Cardfile",
      version,
      summary: "A CRM you can grep.",
      description: about(),
      contact: { name: "The manual", url: `${baseUrl}/help` },
      license: { name: "MIT", identifier: "MIT" },
    },
    servers: [{ url: baseUrl }],
    security: SECURITY,
    tags: tagsOf(routes, kinds),
    paths,
    components: {
      schemas: yield* componentSchemas(routes),
      parameters: yield* componentParameters(routes),
      headers: componentHeaders,
      responses: yield* componentResponses(routes, catalog, formats),
      securitySchemes: {
        bearer: { type: "http", scheme: "bearer", description: "the token of POST /auth/verify" },
        apiKey: { type: "apiKey", in: "header", name: "X-Api-Key", description: "the same token" },
      },
    },
  };
}

/** Either will do. */
const SECURITY = [{ bearer: [] }, { apiKey: [] }];

function about(): string {
  const operators = Object.entries(OPERATORS).map(([name, what]) => `- \`${name}\` ${what}`);
  return [
    "A headless CRM. `GET /help` is the manual; it says more than this document.",
    "",
    "`Accept: */*` and no Accept at all, as fetch sends, are answered in text, one line a record. A client that reads JSON sends",
    "`Accept: application/json` with every request; most let a header be set once for all. `format=json` goes before it.",
    "HEAD works wherever GET does. `/contact/c_t4v6w8y0` is `/contacts/c_t4v6w8y0`: a handle is a path.",
    "",
    "Lists are filtered by `field=value` or `field=operator:value`; several are AND-ed, the same field too. Operators:",
    "",
    ...operators,
  ].join("\n");
}

function tagsOf(routes: readonly Operation[], kinds: readonly Kind[]): Json[] {
  const abouts = new Map<string, Set<string>>();
  for (const route of routes) {
    const tag = tagOf(route);
    const those = abouts.get(tag);
    if (those) those.add(route.about);
    else abouts.set(tag, new Set([route.about]));
  }
  return [...abouts].map(([name, those]) => ({
    name,
    description: kindBehind(name, kinds)?.about ?? [...those].join("; "),
  }));
}

/** A family of routes: all that have the first segment in common, and the manual's pages. */
const tagOf = ({ path, answers }: Operation) => (answers.is === "document" ? "manual" : path.split("/")[1]!);

export function operationOf(
  route: Operation,
  kinds: readonly Kind[],
  plurals: ReadonlySet<string>,
  formats: readonly MediaType[],
): Json {
  const { about: summary, open, body } = route;
  return {
    operationId: operationId(route, kinds),
    summary,
    description: explain(route, kinds, plurals),
    tags: [tagOf(route)],
    ...(open ? { security: open === true ? [] : [{}, ...SECURITY] } : {}),
    parameters: parametersOf(route, kinds),
    ...(body ? { requestBody: requestBody(body) } : {}),
    responses: answersOf(route, formats),
  };
}

/**
 * What the operation does, and what a caller should know before the first try. Makers of tools show a model the description and not the
 * summary, so it begins with the same words.
 */
function explain(route: Operation, kinds: readonly Kind[], plurals: ReadonlySet<string>): string {
  const { about, path, open, filters, body, refuses = [] } = route;
  const scope = open ? undefined : scopeOf(route, plurals);
  const kind = kindBehind(path.slice(1), kinds);
  const key = body?.is === "create" ? body.of.naturalKey : undefined;
  return [
    `${about.replace(/^\p{L}/u, (first) => first.toUpperCase())}.`,
    ...(kind ? [`${kind.name}: ${kind.about}`] : []),
    ...(key ? [`A known ${key} updates that record and answers 200.`] : []),
    ...(filters?.only ? ["Filters and search work as in every list: GET /help/query."] : []),
    ...(filters && isList(filters) ? ["Filters, search, order and pages work as in every list: GET /help/query."] : []),
    ...(filters && isList(filters) && isRecord(filters.of)
      ? [
          "With group_by=, sum=, avg=, min= or max= the items are groups and their figures in the place of records: GET /help/adding-up.",
        ]
      : []),
    ...(refuses.includes("confirmation_required")
      ? ["The first call answers 409 and a confirm token; the same call with confirm= that token goes through."]
      : []),
    ...(refuses.includes("escalation_required")
      ? ["It may answer 403 at first and mail a code; the same call with code= that code goes through."]
      : []),
    open ? "Needs no token." : scope ? `Needs the scope ${scopeText(scope)}.` : "Needs a token, whatever its scopes.",
  ].join(" ");
}

function scopeText({ verb, plural, partly }: Scope): string {
  const named = plural ? `${verb} or ${plural}.${verb}` : verb;
  return partly ? `${named}; create is enough for a new record, update for a known one` : named;
}

/** `listContacts`, `createContact`, `getContact`, `listContactActivities`: the path in words, singular before an id. */
export function operationId({ method, path, answers, kind }: Operation, kinds: readonly Kind[]): string {
  const verbs = {
    GET: answers.is === "list" ? "list" : "get",
    POST: answers.statuses?.includes(201) ? "create" : "post",
    PUT: "put",
    PATCH: "update",
    DELETE: "delete",
  };
  const segments = path.split("/").slice(1);
  // `POST /quotes/{id}/invoice` makes the one invoice that follows, where `POST /quotes/{id}/invoices` creates any.
  const last = kindNamed(kinds, segments.at(-1)!);
  const verb = last && isRecord(last) ? "make" : verbs[method];
  // What is in a campaign has a path of its own too, by which it is called otherwise.
  const { as } = kind?.joins ?? {};
  if (as !== undefined && segments.at(-1) === as)
    return `${verbs[method]}${capital(as)}Of${capital(singular(segments[0]!, kinds))}`;
  const words = segments.map((segment, i) => {
    const parameter = /^\{(\w+)\}$/.exec(segment)?.[1];
    if (parameter) return segments[i - 1]?.endsWith("s") ? "" : capital(parameter);
    const one = segments[i + 1]?.startsWith("{") || (i === segments.length - 1 && verb === "create");
    return capitalWords(one ? singular(segment, kinds) : segment);
  });
  return `${verb}${words.join("") || "Root"}`;
}

const capitalWords = (segment: string) => capital(segment.replace(/[^a-z]+/g, "_"));

function singular(segment: string, kinds: readonly Kind[]): string {
  const kind = kindBehind(segment, kinds);
  return kind?.plural.startsWith(kind.name.slice(0, -1)) ? kind.name : segment.replace(/s$/, "");
}

/** The formats of files that are read. */
const FILES = ["text/csv", "text/tab-separated-values", "application/x-ndjson", "text/vcard", "text/plain"];

function requestBody(body: OperationBody): Json {
  if (body.is === "file") {
    const types = body.of ? FILES : ["application/x-ndjson", "text/plain"];
    return { required: true, content: Object.fromEntries(types.map((type) => [type, { schema: { type: "string" } }])) };
  }
  const schema = bodySchemaOf(body);
  return {
    // A body may be empty where nothing in it is required.
    ...(schema.required || body.is === "create" ? { required: true } : {}),
    content: {
      "application/json": { schema, example: bodyExample(body) },
      "application/x-www-form-urlencoded": { schema, ...formEncoding(body) },
    },
  };
}

/** What is no text and no list of texts stands in a form as JSON. */
function formEncoding(body: Exclude<OperationBody, { is: "file" }>): Json {
  const objects = body.is === "values" ? [] : membersOf(body.of);
  if (objects.length === 0) return {};
  return { encoding: Object.fromEntries(objects.map(({ name }) => [name, { contentType: "application/json" }])) };
}

const isList = ({ only, bulk }: NonNullable<Operation["filters"]>) => !only && !bulk;
