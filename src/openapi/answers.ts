import { shownExample } from "../derive/example.ts";
import { isRecordWrite, type Operation, type OperationAnswer } from "../derive/operation.ts";
import { refusalsOf } from "../derive/refusals.ts";
import { PROBLEMS, type ProblemCode } from "../kit/problem.ts";
import { counted } from "../kit/words.ts";
import type { Catalog } from "../records/catalog.ts";
import type { Kind } from "../records/kind.ts";
import { pageSchema, reportSchema, tableSchema } from "./answerSchemas.ts";
import { capital, type Json, schemaRef } from "./names.ts";
import { valuesSchema } from "./schemas.ts";

const headerRefs = (...names: (keyof typeof componentHeaders)[]): Json =>
  Object.fromEntries(names.map((name) => [name, { $ref: `#/components/headers/${name}` }]));

/** A format as documents tell of it. */
export type MediaType = { mediaTypes: readonly [string, ...string[]]; shows: (operation: Operation) => boolean };

/** Every answer has these, but for RateLimit on what is refused before it is counted. */
const ALWAYS = headerRefs("X-Request-Id", "RateLimit", "RateLimit-Policy");

/** All that an operation may answer: what it is for, 304 where it knows an ETag, and its refusals by status. */
export function answersOf(operation: Operation, formats: readonly MediaType[]): Json {
  const { method, answers } = operation;
  const { statuses = [200] } = answers;
  const success = statuses.map((status) => [status, successOf(operation, status, formats)]);
  const unchanged = { description: "what you have is what there is", headers: { ...ALWAYS, ...headerRefs("ETag") } };
  const cached = answers.is === "record" && method === "GET" ? [[304, unchanged]] : [];
  const proposed = isRecordWrite(operation)
    ? [[202, responseRef("Proposal", "kept as a proposal, for somebody to approve")]]
    : [];
  const refused = Object.entries(byStatus(refusalsOf(operation))).map(([status, codes]) => [
    status,
    responseRef(status, codes.join(", ")),
  ]);
  return Object.fromEntries([...success, ...proposed, ...cached, ...refused]);
}

function byStatus(codes: readonly ProblemCode[]): Record<string, ProblemCode[]> {
  const statuses = new Set(codes.map((code) => PROBLEMS[code].status));
  return Object.fromEntries([...statuses].map((status) => [status, codes.filter((code) => PROBLEMS[code].status === status)]));
}

const responseRef = (name: string, description: string): Json => ({ $ref: `#/components/responses/${name}`, description });

function successOf(operation: Operation, status: number, formats: readonly MediaType[]): Json {
  const { about, answers, body } = operation;
  if (answers.is === "record") return responseRef(recordResponse(answers.of, status === 201 && body?.is === "create"), about);
  if (answers.is === "list" && answers.of.length === 1) return responseRef(pageResponse(answers.of[0]!), about);
  return {
    description: about,
    headers: ALWAYS,
    content: { ...contentOf(answers), ...(answers.is === "list" || answers.is === "table" ? filesOf(operation, formats) : {}) },
  };
}

const recordResponse = ({ name }: Kind, created: boolean) => `${capital(name)}${created ? "Created" : ""}`;
const pageResponse = ({ name }: Kind) => `${capital(name)}Page`;

function contentOf(answers: Exclude<OperationAnswer, { is: "record" }>): Json {
  switch (answers.is) {
    case "document":
      return {
        ...Object.fromEntries((answers.also ?? []).map((type) => [type, { schema: { type: "object" } }])),
        [answers.type]: { schema: { type: "string" } },
      };
    case "json":
      return { "application/json": { schema: { type: "object" } } };
    case "list":
      return both(pageSchema(answers.of));
    case "table":
      return both(tableSchema());
    case "report":
      return both(reportSchema());
    default:
      return both(valuesSchema(answers));
  }
}

/** The formats of files, which have no schema of their own. */
function filesOf(operation: Operation, formats: readonly MediaType[]): Json {
  const shown = formats.filter(({ shows }) => shows(operation)).map(({ mediaTypes }) => mediaTypes[0]);
  const files = shown.filter((type) => type !== "application/json" && type !== "text/plain");
  return Object.fromEntries(files.map((type) => [type, { schema: { type: "string" } }]));
}

/** The answers that operations refer to by name: records, pages of them, and for each status the refusals. */
export function* componentResponses(
  routes: readonly Operation[],
  catalog: Catalog,
  formats: readonly MediaType[],
): Generator<void, Json, void> {
  // Several routes answer the same: it is made once.
  const named = new Map<string, () => Json>();
  const created = { ...ALWAYS, ...headerRefs("Location") };
  for (const route of routes) {
    const { answers, body } = route;
    if (answers.is === "list" && answers.of.length === 1) {
      const [of] = answers.of as [Kind];
      named.set(pageResponse(of), () => pageOf(of, catalog, filesOf(route, formats)));
    } else if (answers.is === "record") {
      const { of } = answers;
      named.set(recordResponse(of, false), () => recordOf(of, catalog, ALWAYS));
      if (body?.is === "create") named.set(recordResponse(of, true), () => recordOf(of, catalog, created));
    }
  }
  const shown: [string, Json][] = [];
  for (const [name, make] of named) {
    shown.push([name, make()]);
    yield;
  }
  const used = new Set(routes.flatMap(refusalsOf));
  const refused = Object.entries(byStatus([...used])).map(([status, codes]) => [status, refusal(status, codes)]);
  return Object.fromEntries([...shown, ...refused]);
}

function recordOf(kind: Kind, catalog: Catalog, headers: Json): Json {
  const { line, json } = shownExample(kind, catalog);
  const content = both(schemaRef(capital(kind.name)), json, line);
  return { description: kind.about, headers: { ...headers, ...headerRefs("ETag") }, content };
}

function pageOf(kind: Kind, catalog: Catalog, files: Json): Json {
  const { listed, json } = shownExample(kind, catalog);
  const content = both(schemaRef(pageResponse(kind)), { items: [json], next_cursor: null }, `${listed}# ${counted(1, kind)}\n`);
  return {
    description: `a page of ${kind.plural}`,
    headers: { ...ALWAYS, ...headerRefs("Link") },
    content: { ...content, ...files },
  };
}

function refusal(status: string, codes: readonly ProblemCode[]): Json {
  const [code] = codes as [ProblemCode];
  const { about } = PROBLEMS[code];
  const json = { error: code, message: about, hint: "GET /help/errors", request_id: "req_01k9x2v7m3q8r0s2n5t4v6w8y0" };
  const content = both(schemaRef("Problem"), json, `ERROR ${code} ${about}\nHINT  GET /help/errors\n`);
  return { description: codes.join(", "), headers: { ...ALWAYS, ...refusalHeaders(status) }, content };
}

function refusalHeaders(status: string): Json {
  if (status === "401" || status === "403") return headerRefs("WWW-Authenticate");
  return status === "429" || status === "503" ? headerRefs("Retry-After") : {};
}

function both(schema: Json, json?: unknown, text?: string): Json {
  return {
    "application/json": { schema, ...(json === undefined ? {} : { example: json }) },
    "text/plain": { schema: { type: "string" }, ...(text === undefined ? {} : { example: text }) },
  };
}

const header = (description: string, example: string): Json => ({ description, schema: { type: "string" }, example });

export const componentHeaders = {
  "X-Request-Id": header("names this request in the log of the service and in the history", "req_01k9x2v7m3q8r0s2n5t4v6w8y0"),
  RateLimit: header("what is left (draft-ietf-httpapi-ratelimit-headers-11): r requests in t seconds", '"default";r=598;t=37'),
  "RateLimit-Policy": header("how much there is: q requests in w seconds", '"default";q=600;w=60'),
  ETag: header("the version of what is shown, for If-Match and If-None-Match", '"3-Zk3x0PqWb1"'),
  Link: header("the next page, of CSV, NDJSON, vCard and iCalendar", '</contacts.csv?cursor=WyJ…>; rel="next"'),
  Location: header("the path of the new record", "/contacts/c_t4v6w8y0"),
  "Retry-After": header("seconds to wait", "30"),
  "WWW-Authenticate": header("how to sign in (RFC 6750)", 'Bearer realm="cardfile"'),
};
