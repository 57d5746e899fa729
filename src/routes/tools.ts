import type { Operation } from "../derive/operation.ts";
import { limitOrAll } from "../derive/parameters.ts";
import { single } from "../derive/query.ts";
import { choice, text } from "../fields/vocabulary.ts";
import { FORMATS } from "../formats/all.ts";
import { json as jsonFormat } from "../formats/json.ts";
import { gatherInTurns } from "../http/gather.ts";
import { type Answer, encodeProblem } from "../http/reply.ts";
import { jsonParts } from "../kit/jsonPieces.ts";
import { echo, quoteIfNeeded } from "../kit/line.ts";
import { nearest } from "../kit/nearest.ts";
import { Problem } from "../kit/problem.ts";
import { inTurns } from "../kit/turns.ts";
import { BODY, readCall } from "../openapi/tools/call.ts";
import { requestOf, type Values } from "../openapi/tools/request.ts";
import { around, SHAPES, type Shape, shaped } from "../openapi/tools/shapes.ts";
import { familyOf, rankingTools, type Tool, type Tools, USUAL } from "../openapi/tools/tools.ts";
import type { Catalog } from "../records/catalog.ts";
import { derivedInTurns } from "../records/derived.ts";
import type { Ask, Authenticated, Context, Refuse, Route } from "../service/route.ts";

const TEXT = "text/plain; charset=utf-8";
const MOST = 1_000;

/** `routes` gives the whole table, of which these are a part. */
export function toolRoutes(routes: () => readonly Route[], catalog: Catalog): Route[] {
  const ranked = derivedInTurns((all: readonly Route[]) => rankingTools({ routes: all, catalog, formats: FORMATS }));
  const tools = () => ranked(routes());
  return [
    {
      method: "GET",
      path: "/tools",
      about: "the operations as functions for language models; for= says in whose shape",
      open: true,
      tailored: true,
      parameters: {
        for: choice(SHAPES, { about: "the shape: what a request of that provider takes as its tools" }),
        only: text({ about: "families of paths, or names of tools: contacts,deals" }),
        limit: { ...limitOrAll(MOST), about: "tools; those with the most use first", initially: USUAL },
      },
      answers: { is: "document", type: TEXT, also: ["application/json"] },
      handle: async (context) => list(context, await tools()),
    },
    {
      method: "POST",
      path: "/tools/{name}",
      about: 'run a tool: {"input":{…},"reason":"…","request_id":"…","dry_run":true}',
      standard: "GET /help/tools",
      needs: "member",
      raw: true,
      answers: { is: "json" },
      refuse,
      handle: async (context, ask) => run(context, ask, await tools()),
    },
  ];
}

async function list({ parameters, style }: Context, tools: Tools): Promise<Answer> {
  const asked = single(parameters, "for");
  if (asked !== undefined && !(SHAPES as readonly string[]).includes(asked))
    throw new Problem("invalid_value", `for cannot be ${echo(asked)}`, `for=${SHAPES.join(", for=")}; without it all is told`);
  const only = single(parameters, "only");
  const found = only === undefined ? tools.operations : await inTurns(chosen(tools, only));
  const usual = only === undefined ? USUAL : Math.min(found.length, MOST);
  const shown = found.slice(0, readLimit(single(parameters, "limit"), usual));
  if (asked === undefined && style.format.name !== "json")
    return { is: "document", type: TEXT, text: await gatherInTurns(lines(shown, found.length, tools)) };
  const parts = jsonOf(shown, tools, asked as Shape | undefined, only === undefined, style.pretty ? 2 : 0);
  return { is: "document", type: jsonFormat.contentType, text: await gatherInTurns(parts) };
}

/** As JSON, tool by tool: each may be long, and is made when its turn comes. */
function* jsonOf(
  shown: readonly Operation[],
  tools: Tools,
  shape: Shape | undefined,
  brief: boolean,
  indent: number,
): Generator<string, void, void> {
  const told = shown.map((operation) => ({ toJSON: () => shaped(tools.toolOf(operation), shape, brief) }));
  const all = around(shape, told);
  yield* jsonParts(all, Array.isArray(all) ? 1 : 2, indent);
  yield "\n";
}

function readLimit(text: string | undefined, usual: number): number {
  if (text === undefined) return usual;
  if (text === "all") return MOST;
  if (/^\d{1,4}$/.test(text) && Number(text) >= 1 && Number(text) <= MOST) return Number(text);
  throw new Problem("invalid_value", `limit cannot be ${echo(text)}`, `limit expects a number from 1 to ${MOST}, or all`);
}

function* chosen({ operations, families, nameOf }: Tools, only: string): Generator<void, Operation[], void> {
  const asked = new Set(only.split(",").map((name) => name.trim()));
  const byFamily = operations.filter((operation) => asked.has(familyOf(operation)));
  if ([...asked].every((name) => families.has(name))) return byFamily;
  const names = new Map<Operation, string>();
  for (const operation of operations) {
    names.set(operation, nameOf(operation));
    yield;
  }
  const known = [...new Set([...families, ...names.values()])];
  for (const name of asked) {
    if (known.includes(name)) continue;
    const near = nearest(name, known);
    throw new Problem("invalid_value", `there are no tools ${echo(name)}`, [
      `${near.length > 0 ? `did you mean ${near.join(" or ")}? ` : ""}only= takes ${[...families].join(", ")}, or names of tools`,
    ]);
  }
  return operations.filter((operation) => asked.has(familyOf(operation)) || asked.has(names.get(operation)!));
}

function* lines(shown: readonly Operation[], all: number, { toolOf }: Tools): Generator<string, void, void> {
  for (const operation of shown) {
    const { name, risk, about, example } = toolOf(operation);
    const quoted = quoteIfNeeded(JSON.stringify(example));
    yield `tool/${name} risk=${risk} about=${quoteIfNeeded(about)} example=${quoted}\n`;
  }
  const more = shown.length < all ? ` of ${all}: limit=all, or only=contacts,deals` : "";
  yield `# ${shown.length} tools${more}\n# POST /tools/{name} {"input":{…}} runs one; schemas: format=json, or for=${SHAPES.join(", for=")}\n`;
}

/** Runs a tool as the request that it stands for, with the rights of the caller. */
async function run(context: Authenticated, ask: Ask, tools: Tools): Promise<Answer> {
  const { path, style, headers, author, parameters } = context;
  const isJson = style.format.name === "json";
  const extra = parameters.map(([name]) => name).find((name) => name !== "format" && name !== "pretty");
  if (extra !== undefined)
    throw new Problem("invalid_filter", `there is no parameter ${echo(extra)} here`, `it belongs into the body: ${BODY}`);
  const tool = await inTurns(toolNamed(tools, path.name!));
  const { input, reason, requestId, isDryRun, confirm } = readCall(context.body.text);
  if (isDryRun && !tool.writes && tool.risk !== "read")
    throw new Problem("bad_request", `${tool.name} cannot be rehearsed`, "it is no write of records: send it without dry_run");
  const further = {
    ...(isDryRun && tool.writes ? { dry_run: "true" } : {}),
    ...(confirm !== undefined && input["confirm"] === undefined ? { confirm } : {}),
  };
  const { target, body = "" } = requestOf(tool, input, further);
  const answer = await ask(context, {
    method: tool.method,
    target,
    headers: {
      accept: isJson ? "application/json" : "text/plain",
      ...(body === "" ? {} : { "content-type": tool.file ? "text/plain" : "application/json" }),
      ...(requestId === undefined ? {} : { "idempotency-key": requestId }),
      ...(author.agent === null ? {} : { "x-agent": author.agent }),
      ...(reason === undefined ? (author.reason === null ? {} : { "x-reason": author.reason }) : { "x-reason": reason }),
      ...(headers.host === undefined ? {} : { host: headers.host }),
    },
    body,
  });
  const told = String(answer.body);
  const carried = Object.entries(answer.headers).filter(([name]) => CARRIED.includes(name.toLowerCase()));
  const head = { status: answer.status, headers: Object.fromEntries(carried) };
  if (!isJson) return { is: "document", ...head, type: TEXT, text: told };
  const isDone = answer.status < 400;
  const value = /json/.test(answer.headers["Content-Type"] ?? "") ? told.trim() || "null" : JSON.stringify(told);
  const meta = {
    tool: tool.name,
    risk: tool.risk,
    status: answer.status,
    request_id: context.requestId,
    dry_run: isDryRun && tool.writes,
  };
  const text = isDone
    ? `{"success":true,"data":${value},"error":null,"meta":${JSON.stringify(meta)}}\n`
    : failure(JSON.parse(value), meta);
  return { is: "document", ...head, type: jsonFormat.contentType, text };
}

const CARRIED = ["etag", "location", "retry-after", "www-authenticate", "x-change"];

/** As everywhere, `error` in words of its own. */
function failure(refusal: Values, meta: Values): string {
  const { error, request_id: _, ...others } = refusal;
  return `${JSON.stringify({ success: false, data: null, error: { code: error, ...others }, meta })}\n`;
}

/** What is refused before a tool runs is answered in the same form. */
const refuse: Refuse = (problem, format, requestId) => {
  const encoded = encodeProblem(problem, format, requestId);
  if (format.name !== "json") return encoded;
  return { ...encoded, body: failure(JSON.parse(String(encoded.body)), { request_id: requestId, status: problem.status }) };
};

function* toolNamed({ operations, nameOf, toolOf }: Tools, name: string): Generator<void, Tool, void> {
  const names: string[] = [];
  for (const operation of operations) {
    const known = nameOf(operation);
    if (known === name) return toolOf(operation);
    names.push(known);
    yield;
  }
  const near = nearest(name, names);
  throw new Problem("not_found", `there is no tool ${echo(name)}`, [
    `${near.length > 0 ? `did you mean ${near.join(" or ")}? ` : ""}GET /tools?limit=all lists them`,
  ]);
}
