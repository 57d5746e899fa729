import { inUnit, ofMany } from "../db/unit.ts";
import { WRITING } from "../derive/parameters.ts";
import { isSet } from "../derive/query.ts";
import { boolean } from "../fields/vocabulary.ts";
import { json } from "../formats/json.ts";
import { text } from "../formats/text.ts";
import { gather } from "../http/gather.ts";
import { type Answer, type Encoded, encodeProblem } from "../http/reply.ts";
import { parseExact } from "../kit/json.ts";
import { echo } from "../kit/line.ts";
import { Problem } from "../kit/problem.ts";
import type { Ask, Authenticated, Route } from "../service/route.ts";
import { innerProblem } from "./innerProblem.ts";

const MOST = 100;
const METHODS = ["GET", "POST", "PATCH", "DELETE"];

export const batchRoutes: Route[] = [
  {
    method: "POST",
    path: "/batch",
    about: `up to ${MOST} requests in one, as a JSON array or a line each; atomic=true does all or nothing`,
    needs: "member",
    raw: true,
    parameters: { atomic: boolean({ about: "all or nothing; writes of records and reads only" }), ...WRITING },
    answers: { is: "document", type: "text/plain; charset=utf-8", also: ["application/json"] },
    refuses: ["unprocessable"],
    handle: batch,
  },
];

/** One request of a batch, as it was sent. */
type Part = { method: string; path: string; body: unknown };

/** What one of them was answered: its status and its text, and the id of the record in it. */
type Done = { method: string; path: string; status: number; text: string; id: string | undefined };

async function batch(context: Authenticated, ask: Ask): Promise<Answer> {
  const parts = readParts(context.body.text);
  const { db, dryRun, session, style } = context;
  const atomic = isSet(context.parameters, "atomic");
  // Who approves a proposal must see all of it.
  const proposed = dryRun && !isSet(context.parameters, "dry_run");
  const done = atomic
    ? await inUnit(db, (unit) => run({ ...context, db: unit }, ask, parts, true), ofMany(session.workspaceId))
    : await run(context, ask, parts, proposed);
  const { name, contentType } = style.format.name === "json" ? json : text;
  const said = name === "json" ? jsonOf(done, dryRun) : linesOf(done, dryRun);
  return { is: "document", type: contentType, text: await gather(said) };
}

function* jsonOf(done: readonly Done[], dryRun: boolean): Generator<string, void, void> {
  yield '{"items":[';
  for (const [i, { status, text }] of done.entries()) {
    yield `${i === 0 ? "" : ","}{"status":${status},"body":`;
    yield text.trim() || "null";
    yield "}";
  }
  yield `]${dryRun ? ',"dry_run":true' : ""}}\n`;
}

function* linesOf(done: readonly Done[], dryRun: boolean): Generator<string, void, void> {
  for (const [i, { method, path, status, text }] of done.entries()) {
    yield `# $${i + 1} ${status} ${method} ${path}\n`;
    if (text !== "") yield text;
  }
  const refused = done.filter(({ status }) => status >= 400).length;
  const told = [
    `${done.length} request${done.length === 1 ? "" : "s"}`,
    ...(refused > 0 ? [`${refused} refused`] : []),
    ...(dryRun ? ["dry run, nothing is changed"] : []),
  ];
  yield `# ${told.join(", ")}\n`;
}

/** Runs them in order. In an atomic batch the first refusal ends it, and takes back what was done. */
async function run(context: Authenticated, ask: Ask, parts: readonly Part[], atomic: boolean): Promise<Done[]> {
  const { headers, author, style } = context;
  const done: Done[] = [];
  const said = {
    accept: style.format.name === "json" ? "application/json" : "text/plain",
    ...(author.agent === null ? {} : { "x-agent": author.agent }),
    ...(author.reason === null ? {} : { "x-reason": author.reason }),
    ...(headers.host === undefined ? {} : { host: headers.host }),
  };
  for (const [i, part] of parts.entries()) {
    const answer = await answerOf(context, ask, part, said, done);
    if (atomic && answer.status >= 400) throw refusedAt(i, parts.length, part, answer);
    done.push({ ...part, status: answer.status, text: String(answer.body), id: idIn(answer) });
  }
  return done;
}

/** A reference that means nothing is the refusal of the request that has it. */
async function answerOf(
  context: Authenticated,
  ask: Ask,
  part: Part,
  headers: Record<string, string>,
  done: readonly Done[],
): Promise<Encoded> {
  try {
    const body = part.body === undefined ? "" : JSON.stringify(withIds(part.body, done));
    const type: Record<string, string> = body === "" ? {} : { "content-type": "application/json" };
    const request = { method: part.method, target: withIds(part.path, done), headers: { ...headers, ...type }, body };
    return await ask(context, request, done.length > 0);
  } catch (error) {
    if (!(error instanceof Problem)) throw error;
    return encodeProblem(error, context.style.format.name === "json" ? json : text, context.requestId);
  }
}

function readParts(text: string): Part[] {
  const parts = isWhole(text) ? readArray(text) : readLines(text);
  if (parts.length === 0) throw new Problem("bad_request", "the batch is empty", EXAMPLE);
  if (parts.length > MOST)
    throw new Problem("bad_request", `the batch has ${parts.length} requests`, `send at most ${MOST} at once`);
  return parts.map(readPart);
}

/** An array, or one object with a list in it. */
const isWhole = (text: string) => /^\s*(?:\[|\{\s*"(?:requests|operations|batch)"\s*:)/.test(text);

const EXAMPLE =
  'POST /batch [{"method":"POST","path":"/companies","body":{"name":"Acme"}},{"method":"POST","path":"/contacts","body":{"name":"Jane","company_id":"$1.id"}}]';

function readArray(text: string): unknown[] {
  const whole = parse(text, "the batch");
  if (Array.isArray(whole)) return whole;
  const [[name, listed] = [], ...others] = Object.entries(whole as object);
  return others.length === 0 && LISTS.includes(name!) && Array.isArray(listed) ? listed : [whole];
}

/** What others call the list of requests, where it stands in an object. */
const LISTS = ["requests", "operations", "batch"];

const readLines = (text: string): unknown[] =>
  text
    .split("\n")
    .filter((line) => line.trim() !== "")
    .map((line, i) => parse(line, `line ${i + 1} of the batch`));

function parse(text: string, what: string): unknown {
  try {
    return parseExact(text);
  } catch (error) {
    if (error instanceof Problem) throw error;
    throw new Problem("bad_request", `${what} is no JSON`, EXAMPLE);
  }
}

function readPart(part: unknown, i: number): Part {
  const {
    method = "GET",
    url,
    path = url,
    body,
    ...others
  } = (typeof part === "object" && part !== null ? part : {}) as Record<string, unknown>;
  const refuse = (message: string) => new Problem("bad_request", `request ${i + 1} of the batch ${message}`, EXAMPLE);
  const [unknown] = Object.keys(others);
  if (unknown !== undefined) throw refuse(`has ${echo(unknown)}; it takes method, path and body`);
  if (typeof path !== "string" || !path.startsWith("/")) throw refuse("has no path");
  if (typeof method !== "string" || !METHODS.includes(method.toUpperCase()))
    throw refuse(`has the method ${echo(String(method))}`);
  if (/^\/+(batch|mcp)\b/i.test(path)) throw refuse("is a batch itself");
  return { method: method.toUpperCase(), path, body: body ?? undefined };
}

/** `$1.id` as a whole value or segment of a path is the id that the first request was answered with. */
function withIds<Value>(value: Value, done: readonly Done[]): Value {
  if (typeof value === "string") {
    const spelled = value.startsWith("/") ? value.replace(/(?<=\/|=)\$(\d+)\.id(?=$|[/?&#])/g, (_, n) => idOf(done, n)) : value;
    const [, whole] = /^\$(\d+)\.id$/.exec(spelled) ?? [];
    return (whole === undefined ? spelled : idOf(done, whole)) as Value;
  }
  if (Array.isArray(value)) return value.map((each) => withIds(each, done)) as Value;
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([name, each]) => [name, withIds(each, done)])) as Value;
}

function idOf(done: readonly Done[], n: string): string {
  const answered = done[Number(n) - 1];
  if (answered?.id !== undefined) return answered.id;
  const why = answered
    ? `request ${n} was answered with ${answered.status} and no record`
    : `there is no request ${n} before it`;
  throw new Problem("unprocessable", `$${n}.id means nothing: ${why}`, "a number counts requests from 1, in their order");
}

/** The id of the one record in an answer, in JSON or as the handle of its line. */
function idIn({ status, body, headers }: Encoded): string | undefined {
  if (status >= 300) return undefined;
  const text = String(body);
  if (!headers["Content-Type"]?.startsWith("application/json"))
    return /^[a-z][a-z0-9_]*\/([a-z]+_[0-9a-z]{8}) /.exec(text)?.[1];
  const { id } = JSON.parse(text) as { id?: unknown };
  return typeof id === "string" ? id : undefined;
}

const refusedAt = (i: number, all: number, { method, path }: Part, answer: Encoded): Problem =>
  innerProblem(
    answer,
    (message) =>
      `request ${i + 1} of ${all} (${method} ${path}) was refused with ${answer.status}, so nothing was done: ${message}`,
  );
