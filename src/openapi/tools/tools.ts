import { bodyExample, type Operation, scopeOf } from "../../derive/operation.ts";
import { createRecent } from "../../kit/recent.ts";
import { isRecord, type Kind } from "../../records/kind.ts";
import { type ApiSource, operationId } from "../document.ts";
import type { Json } from "../names.ts";
import { shownKinds } from "../schemas.ts";
import { type Parameter, readOperation, type Shared } from "../told.ts";
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
  readonly brief: Json;
  example: Json;
  /** Whether it can be rehearsed, and takes an idempotency key. */
  writes: boolean;
  /** Its body is a file. */
  file: boolean;
};

/** The operations that are tools, those first that most work is done with. What a tool takes is made when it is asked for. */
export type Tools = {
  /** What each is made of. */
  operations: readonly Operation[];
  /** The first segments of their paths. */
  families: ReadonlySet<string>;
  toolOf: (operation: Operation) => Tool;
  nameOf: (operation: Operation) => string;
};

/** Tools that are kept. */
const MOST_MADE = 200;

type Source = Omit<ApiSource, "baseUrl" | "version">;

/** Piece by piece: there may be many operations. */
export function* rankingTools({ routes, catalog, formats }: Source): Generator<void, Tools, void> {
  const shown = routes.filter(({ standard }) => !standard);
  yield;
  const kinds = shownKinds(shown);
  yield;
  const main = catalog.kinds.filter(isRecord).slice(0, MAIN_KINDS);
  const ranks = new Map<number, Operation[]>();
  for (const operation of shown.filter(isTool)) {
    const rank = rankOf(operation, main);
    const those = ranks.get(rank);
    if (those) those.push(operation);
    else ranks.set(rank, [operation]);
    yield;
  }
  const operations = [...ranks].sort(([a], [b]) => a - b).flatMap(([, those]) => those);
  yield;
  const families = new Set(operations.map(familyOf));
  const made = createRecent<Operation, Tool>(MOST_MADE);
  const first = kinds.find(isRecord)!;
  return {
    operations,
    families,
    // Providers take no longer ones.
    nameOf: (operation) => operationId(operation, kinds).slice(0, 64),
    toolOf(operation) {
      const known = made.get(operation);
      if (known) return known;
      const tool = toolOf(operation, { kinds, plurals: catalog.plurals, formats }, first);
      made.set(operation, tool);
      return tool;
    },
  };
}

export const familyOf = ({ path }: Operation): string => path.split("/")[1]!;

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

function toolOf(route: Operation, shared: Shared, first: Kind): Tool {
  const reading = readOperation(route, shared);
  const { told } = reading;
  const { id, path } = told;
  const input = inputOf(told, reading, false);
  const parameters = (told.told["parameters"] as Json[]).map(reading.resolve) as Parameter[];
  const risk = riskOf(route, shared.plurals);
  return {
    name: id.slice(0, 64),
    about: `${aboutOf(route)}${risk === "destructive" ? ". Destructive: ask the user first" : ""}`,
    risk,
    method: route.method,
    path,
    family: familyOf(route),
    input,
    get brief() {
      return inputOf(told, reading, true).schema;
    },
    example: exampleOf(route, parameters, input, first),
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
