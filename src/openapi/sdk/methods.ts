import { isRecord } from "../../records/kind.ts";
import { capital, type Json } from "../names.ts";
import type { Parameter, Told } from "../told.ts";
import { filtersName, queryName } from "./filters.ts";
import { comment, memberOf, typeOf } from "./types.ts";

/** What the methods of a client are made with: names of types, and what the document keeps under a name. */
export type Making = { named: (name: string) => string; resolve: (each: Json) => Json };

/** What the client says by other means. */
const ASIDE: readonly string[] = ["fields", "format", "pretty", "propose"];

/** A member of the client's type. */
export function methodOf(told: Told, making: Making): string {
  const { route, id, path } = told;
  return `${comment(`${route.about}. ${route.method} ${path}`, "  ")}  ${id}: ${signatureOf(told, making)};`;
}

function signatureOf(told: Told, making: Making): string {
  const { answers, filters, parameters = {} } = told.route;
  const given = `[${givenOf(told, making).join(", ")}]`;
  const { query, needed } = queryOf(told, making);
  if (answers.is === "list") {
    const items = answers.of.map(({ name }) => making.named(capital(name))).join(" | ");
    const choosing = filters !== undefined && !filters.only && !filters.bulk;
    const which = needed ? "Finding" : choosing ? (isRecord(filters.of) ? "Counting" : "Listing") : "Pages";
    return `${which}<${given}, ${query}, ${items}>`;
  }
  const answer = answerOf(told, making);
  const [chosen, proposed] = [parameters["fields"] !== undefined, parameters["propose"] !== undefined];
  if (proposed) return `${chosen ? "Writing" : "Doing"}<${given}, ${query}, ${answer}, ${making.named("Proposal")}>`;
  return `${chosen ? "Reading" : "Call"}<${given}, ${query}, ${answer}>`;
}

/** The values of the path, and the body. */
function givenOf({ route, path, told }: Told, { named }: Making): string[] {
  const segments = [...path.matchAll(/\{(\w+)\}/g)].map(([, name]) => `${name}: string`);
  const { body, raw } = route;
  if (raw) return [...segments, "body: unknown"];
  if (!body) return segments;
  if (body.is === "file") return [...segments, "file: string"];
  const { required, content } = told["requestBody"] as { required?: boolean; content: Record<string, { schema: Json }> };
  const type =
    body.is === "create" && body.given !== undefined
      ? `Omit<${named(`${capital(body.of.name)}Create`)}, ${JSON.stringify(body.given)}>`
      : typeOf(content["application/json"]!.schema, "sent", named);
  return [...segments, `body${required ? "" : "?"}: ${type}`];
}

function queryOf({ route, told }: Told, { named, resolve }: Making): { query: string; needed: boolean } {
  const { filters } = route;
  const own = Object.keys(route.parameters ?? {}).filter((name) => !ASIDE.includes(name));
  const all = (told["parameters"] as Json[]).map(resolve) as Parameter[];
  const writing = own.includes("reason") && own.includes("dry_run");
  const inline = all.filter(
    ({ name, in: where }) => where === "query" && own.includes(name) && !(writing && (name === "reason" || name === "dry_run")),
  );
  const members = inline.map(({ name, schema, required = false }) =>
    memberOf(name, typeOf(schema, "sent", named), required, "sent"),
  );
  const parts = [
    ...(filters ? [named(filters.only || filters.bulk ? filtersName(filters.of) : queryName(filters.of))] : []),
    ...(writing ? ["WriteQuery"] : []),
    ...(members.length > 0 ? [`{ ${members.join(" ")} }`] : []),
  ];
  return { query: parts.join(" & ") || "Nothing", needed: inline.some(({ required }) => required) };
}

function answerOf({ told }: Told, { named, resolve }: Making): string {
  const responses = Object.entries(told["responses"] as Record<string, Json>).filter(([status]) => /^20[01]$/.test(status));
  const types = responses.map(([, each]) => {
    const { content = {} } = resolve(each) as { content?: Record<string, { schema: Json }> };
    const { schema } = Object.entries(content).find(([type]) => /json$/.test(type))?.[1] ?? {};
    return schema ? typeOf(schema, "shown", named) : "string";
  });
  return [...new Set(types)].join(" | ");
}

/** The same for the program: what is sent where. */
export function planOf({ route, path, told }: Told, { resolve }: Making): string {
  const parameters = (told["parameters"] as Json[]).map(resolve) as Parameter[];
  const isKeyed = parameters.some(({ name }) => name === "Idempotency-Key");
  const limit = parameters.find(({ name, in: where }) => name === "limit" && where === "query")?.schema;
  const most = [limit, ...((limit?.["anyOf"] as Json[] | undefined) ?? [])].find((each) => each?.["maximum"])?.["maximum"];
  return [
    route.method,
    path,
    ...(route.body?.is === "file" ? ["file"] : route.body || route.raw ? ["body"] : []),
    ...(isKeyed && route.body?.is !== "file" ? ["key"] : []),
    ...(route.answers.is === "list" ? ["list", ...(most === undefined ? [] : [String(most)])] : []),
  ].join(" ");
}
