import { bodyExample, type Operation, scopeOf } from "../../derive/operation.ts";
import { isRecord, type Kind } from "../../records/kind.ts";
import type { ApiSource } from "../document.ts";
import type { Json } from "../schemas.ts";
import { type Parameter, type Reading, readDocument, type Told } from "../told.ts";
import { type Input, inputOf } from "./schema.ts";

export type Risk = "read" | "write" | "destructive";

/** An operation as a function that a language model calls. */
export type Tool = {
  name: string;
  about: string;
  risk: Risk;
  method: string;
  path: string;
  /** The first segment of its path: what `only=` names. */
  family: string;
  input: Input;
  /** The same without what the names of fields say themselves. */
  brief: Json;
  example: Json;
  /** Whether it can be rehearsed, and takes an idempotency key. */
  writes: boolean;
  /** Its body is a file. */
  file: boolean;
};

/** All of them, those first that most work is done with. */
export function toolsOf(source: ApiSource): Tool[] {
  const reading = readDocument(source);
  const plurals = new Set(source.catalog.kinds.map(({ plural }) => plural));
  const all = reading.operations.filter(({ route }) => isTool(route));
  const main = source.catalog.kinds.filter(isRecord).slice(0, MAIN_KINDS);
  const ranked = all.map((told, i) => ({ told, rank: rankOf(told.route, main) * 1_000 + i })).sort((a, b) => a.rank - b.rank);
  return ranked.map(({ told }) => toolOf(told, reading, plurals));
}

/** How many tools a list has unless it is asked for more. */
export const USUAL = 20;
const MAIN_KINDS = 5;
const MAIN_PATHS = ["/search", "/reminders", "/undo", "/pipeline", "/help/{topic}"];

/** Lists, creates and changes of the first kinds, then what is asked over all kinds. */
function rankOf({ method, path, filters }: Operation, main: readonly Kind[]): number {
  const kind = main.findIndex(({ plural }) => path === `/${plural}` || path === `/${plural}/{id}`);
  const isList = method === "GET" && filters !== undefined;
  const isChange = method === "PATCH" && filters === undefined;
  if (kind >= 0 && (isList || method === "POST" || isChange)) return kind;
  const place = MAIN_PATHS.indexOf(path);
  return place >= 0 ? MAIN_KINDS + place : 100;
}

/** Not what is for people and for programs that read this already, nor what leads to tokens of others. */
function isTool({ method, path, open, raw, answers }: Operation): boolean {
  if (path === "/help/{topic}") return true;
  if (raw || open === true) return false;
  return (
    (answers.is !== "document" && answers.is !== "json") ||
    (method === "GET" && answers.is === "document" && answers.also !== undefined)
  );
}

function toolOf(told: Told, reading: Reading, plurals: ReadonlySet<string>): Tool {
  const { route, id, path } = told;
  const input = inputOf(told, reading, false);
  const parameters = (told.told["parameters"] as Json[]).map(reading.resolve) as Parameter[];
  const risk = riskOf(route, plurals);
  return {
    // Providers take no longer ones.
    name: id.slice(0, 64),
    about: `${aboutOf(route)}${risk === "destructive" ? ". Destructive: ask the user first" : ""}`,
    risk,
    method: route.method,
    path,
    family: route.path.split("/")[1]!,
    input,
    brief: inputOf(told, reading, true).schema,
    example: exampleOf(route, parameters, input, reading.kinds.find(isRecord)!),
    writes: route.parameters?.["dry_run"] !== undefined,
    file: route.body?.is === "file",
  };
}

function aboutOf({ about, filters, body }: Operation): string {
  const first = about.replace(/^\p{L}/u, (letter) => letter.toUpperCase());
  const key = body?.is === "create" ? body.of.naturalKey : undefined;
  return `${first}${filters && !filters.bulk && !filters.only ? ` (${filters.of.about.replace(/\.$/, "")})` : ""}${key ? `; a known ${key} is updated` : ""}`;
}

/** What deletes, or asks twice, is destructive. Who may read may ask by POST, too; what that makes is no read. */
function riskOf(route: Operation, plurals: ReadonlySet<string>): Risk {
  const { method, refuses = [], answers } = route;
  if (method === "DELETE" || refuses.some((code) => code === "confirmation_required" || code === "escalation_required"))
    return "destructive";
  const verb = scopeOf(route, plurals)?.verb;
  return method === "GET" || (verb === "read" && !answers.statuses?.includes(201)) ? "read" : "write";
}

/** An input that is taken: records in it may not be there. */
function exampleOf({ filters, body }: Operation, parameters: readonly Parameter[], input: Input, first: Kind): Json {
  const path = parameters
    .filter((each) => each.in === "path")
    .map(({ name, example }) => [name, example ?? (name === "topic" ? "query" : "1")]);
  const query = parameters.filter((each) => each.in === "query" && each.required).map(({ name }) => [name, "acme"]);
  const found = filters?.of.titleField.type.operators.includes("like") ? { filters: { [filters.of.title]: "like:acme" } } : {};
  const sent = body?.is === "file" ? { file: fileOf(body.of, first) } : body ? bodyExample(body) : {};
  // What tells one record from the others is not written into many.
  const alone = filters?.bulk ? filters.of.naturalKey : undefined;
  const written = Object.entries(sent).filter(([name]) => input.body.includes(name) && name !== alone);
  return { ...Object.fromEntries([...path, ...query]), ...found, ...Object.fromEntries(written) };
}

/** A file of records of one kind, or of which each names its own. */
const fileOf = (kind: Kind | undefined, first: Kind): string =>
  kind
    ? `${JSON.stringify(kind.example)}\n`
    : `${first.name}/${first.prefix}_t4v6w8y0 ${first.title}="${first.example[first.title]}"\n`;
