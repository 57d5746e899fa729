import { parseJson } from "../http/body.ts";
import { gather } from "../http/gather.ts";
import type { Encoded } from "../http/reply.ts";
import type { InnerRequest } from "../http/request.ts";
import { jsonParts, parsingJson } from "../kit/jsonPieces.ts";
import { echo } from "../kit/line.ts";
import { nearest } from "../kit/nearest.ts";
import { PROBLEMS, Problem, type ProblemCode, type ProblemValues } from "../kit/problem.ts";
import { inTurns } from "../kit/turns.ts";
import type { Kind } from "../records/kind.ts";
import type { Call, Dialect, Phrase, Reply, Said, Table, Values } from "./dialect.ts";
import { isObject, type Vocabulary, vocabularyOf } from "./vocabulary.ts";

/** A request to a dialect, as it came. `ask` makes an inner request as its caller. */
export type Heard = Omit<Call, "dialect" | "body" | "ask"> & {
  text: string;
  headers: Readonly<Record<string, string | string[] | undefined>>;
  ask: (request: InnerRequest) => Promise<Encoded>;
};

export type Spoken = { status: number; headers: Record<string, string>; type: string; text: string | Buffer };

const JSON_TYPE = "application/json; charset=utf-8";

/** Answers one request of a dialect. Whatever it does, it asks our own routes for it, with the rights of the caller. */
export async function speak(dialect: Dialect, phrase: Phrase, heard: Heard): Promise<Spoken> {
  const { text, headers, ask, ...asked } = { ...heard, parameters: heard.parameters.filter(isTold) };
  const body = readObject(text);
  const carried = carriedHeaders(headers);
  const call: Call = {
    ...asked,
    dialect,
    body,
    async ask(method, target, sent, more) {
      const type = sent === undefined ? {} : { "content-type": "application/json" };
      return await read(
        await ask({
          method,
          target,
          headers: { ...carried, ...type, ...more, accept: "application/json" },
          body: typeof sent === "string" ? sent : sent === undefined ? "" : JSON.stringify(sent),
        }),
      );
    },
  };
  if (phrase.takes) allow(phrase.takes, call);
  try {
    const said = await phrase.answer(call);
    if (!dialect.facts || said.is === "whole" || said.is === "text") return await encode(dialect, said, call);
    return await encode(dialect, { ...said, meta: { ...(await dialect.facts(call)), ...said.meta } }, call);
  } catch (error) {
    throw error instanceof Problem ? retold(call, error) : error;
  }
}

/** It answers in JSON, so whoever asks for that may say so. */
const isTold = ([name, value]: Call["parameters"][number]) => !(name === "format" && value === "json") && name !== "pretty";

function readObject(text: string): Values {
  if (text.trim() === "") return {};
  const hint = 'send a JSON object, e.g. {"email":"sarah@acme.com"}';
  let value: unknown;
  try {
    value = parseJson(text);
  } catch (error) {
    if (error instanceof Problem) throw error;
    throw new Problem("bad_request", `the body is not JSON: ${(error as Error).message.replace(/\s+/g, " ")}`, hint);
  }
  if (!isObject(value)) throw new Problem("bad_request", "the body is not a JSON object", hint);
  return value;
}

/** What says who acts and how often goes along with every inner request. */
const CARRIED = ["host", "user-agent", "x-agent", "x-reason", "x-escalation-code", "idempotency-key"];

function carriedHeaders(headers: Heard["headers"]): Record<string, string> {
  const sent = CARRIED.map((name) => [name, headers[name]] as const).filter(([, value]) => value !== undefined);
  return Object.fromEntries(sent.map(([name, value]) => [name, Buffer.from(String(value), "latin1").toString("utf8")]));
}

/** Nothing is passed over: a parameter that does nothing is refused. */
function allow(names: readonly string[], { parameters }: Call): void {
  const unknown = parameters.map(([name]) => name).find((name) => !names.includes(name));
  if (unknown === undefined) return;
  const near = nearest(unknown, names);
  throw new Problem("invalid_filter", `there is no parameter ${echo(unknown)} here`, [
    `${near.length > 0 ? `did you mean ${near.join(" or ")}? ` : ""}parameters: ${names.join(", ") || "none"}`,
  ]);
}

/** An inner answer; a refusal is thrown, with all that it carries. */
async function read({ status, headers, body }: Encoded): Promise<Reply> {
  const text = String(body);
  const json = (text === "" ? {} : await parsed(text)) as Values;
  if (status < 400) return { status, headers, json };
  const { error, message, hint, request_id: _, ...values } = json;
  const code = (String(error) in PROBLEMS ? error : "unprocessable") as ProblemCode;
  const hints = typeof hint === "string" ? hint.split("\n") : [];
  const told = ["WWW-Authenticate", "Retry-After", "Allow"].filter((name) => headers[name] !== undefined);
  throw new Problem(code, String(message), hints, {
    headers: Object.fromEntries(told.map((name) => [name, headers[name]!])),
    values: values as ProblemValues,
  });
}

/** Characters that are parsed in a millisecond or two. */
const AT_ONCE = 131_072;

/** A page may hold megabytes: it is parsed record by record. */
const parsed = (json: string) => (json.length <= AT_ONCE ? JSON.parse(json) : inTurns(parsingJson(json, 2)));

/** Our words in a refusal become theirs: names of fields, and the paths that a hint says to ask next. */
function retold(call: Call, problem: Problem): Problem {
  const { dialect, path } = call;
  const table = path.table === undefined ? undefined : tableNamed(call, path.table);
  const words = table && vocabularyFor(call, table);
  const tell = (text: string) => pathsRetold(dialect, words ? words.retold(text) : text);
  const { code, message, hints, headers, values } = problem;
  return new Problem(code, tell(message), hints.map(tell), { headers, values, cause: problem.cause });
}

function pathsRetold({ base, tables }: Dialect, text: string): string {
  return text.replace(/(?<=^|[\s(])\/([a-z_]+)/g, (whole, plural: string) => {
    const table = tables.find(({ of }) => of === plural);
    return table ? `${base}/${table.name}` : whole;
  });
}

async function encode(dialect: Dialect, said: Said, call: Call): Promise<Spoken> {
  const { status = 200, headers = {} } = said;
  if (said.is === "text") return { status, headers, type: said.type, text: said.text };
  const body = said.is === "whole" ? said.body : dialect.envelope(said, call);
  return { status, headers, type: JSON_TYPE, text: await gather(jsonParts(body, 3)) };
}

/** The table of that name, or the kind of the caller's workspace that is called so. */
export function tableNamed({ dialect, catalog }: Pick<Call, "dialect" | "catalog">, name: string): Table | undefined {
  const table = dialect.tables.find((each) => each.name === name);
  const kind = table ? undefined : catalog.kinds.find((each) => dialect.other(each).name === name);
  return kind && !isDeclared(dialect, kind) ? tableOfKind(dialect, kind) : table;
}

const isDeclared = ({ tables }: Dialect, { plural }: Kind) => tables.some(({ of }) => of === plural);

export function tableOfKind(dialect: Dialect, kind: Kind): Table {
  const declared = dialect.tables.find(({ of }) => of === kind.plural);
  return declared ?? { ...dialect.other(kind), singular: kind.name, of: kind.plural, columns: [] };
}

export function tableOf(call: Call, name = call.path.table!): Table {
  const table = tableNamed(call, name);
  if (table) return table;
  const names = tablesOf(call).map((each) => each.name);
  const near = nearest(name, names);
  throw new Problem("not_found", `there is no table ${echo(name)}`, [
    `${near.length > 0 ? `did you mean ${near.join(" or ")}? ` : ""}tables: ${names.join(", ")}`,
  ]);
}

/** All tables of the caller's workspace. */
export function tablesOf({ dialect, catalog }: Pick<Call, "dialect" | "catalog">): Table[] {
  const declared = dialect.tables.filter(({ of }) => catalog.byPlural(of));
  const others = catalog.kinds.filter((kind) => !isDeclared(dialect, kind));
  return [...declared, ...others.map((kind) => tableOfKind(dialect, kind))];
}

export function kindOf({ catalog }: Pick<Call, "catalog">, table: Table): Kind {
  const kind = catalog.byPlural(table.of);
  if (kind) return kind;
  throw new Problem("not_found", `there is no table ${echo(table.name)}`, "it comes with a later version");
}

export const vocabularyFor = (call: Call, table = tableOf(call)): Vocabulary =>
  vocabularyOf(call.dialect, table, kindOf(call, table));
