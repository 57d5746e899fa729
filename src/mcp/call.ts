import { type Encoded, encodeProblem } from "../http/reply.ts";
import type { InnerRequest } from "../http/request.ts";
import { LONE_SURROGATE, readTarget } from "../http/target.ts";
import { customJson, echo, parsePairTokens, reveal, type Token, unquote } from "../kit/line.ts";
import { nearest } from "../kit/nearest.ts";
import { Problem } from "../kit/problem.ts";
import { isObject } from "./message.ts";
import type { Tool } from "./tools.ts";

/** What the model of a client gets to see. */
export type ToolResult = { content: { type: "text"; text: string }[]; isError: boolean };

/** An answer longer than this is cut, in characters: some ten thousand tokens. Clients cut or refuse what is longer themselves. */
export const LONGEST = 40_000;

/** So that a record with a megabyte of text still leaves room for what the server says of it. */
export const LONGEST_LINE = 20_000;

/** Makes the request that a call asks for. What is wrong with it is told to the model, which can mend it, and not to its client. */
export async function callTool<Answer extends Encoded>(
  tool: Tool,
  values: Record<string, unknown>,
  ask: (request: InnerRequest) => Promise<Answer>,
): Promise<Answer | Encoded> {
  try {
    return await ask(readCall(tool, values));
  } catch (error) {
    if (error instanceof Problem) return encodeProblem(error, "text", "");
    throw error;
  }
}

function readCall(tool: Tool, values: Record<string, unknown>): InnerRequest {
  refuseUnknown(tool, values);
  const { path, body } = values;
  const method = values.method ?? "GET";
  const key = values.idempotency_key ?? undefined;
  if (typeof path !== "string" || path.trim() === "") throw new Problem("missing_field", "path is missing", "path: /help");
  // Nobody who writes # here means a place on the page.
  const target = path
    .trim()
    .replaceAll("#", "%23")
    .replace(/^(?!\/|https?:)/i, "/");
  if (leadsBack(target)) throw new Problem("not_found", "/mcp is what you are calling already", "path: /help tells all paths");
  return {
    method: plain("method", method).trim().toUpperCase(),
    target,
    headers: key === undefined ? {} : { "idempotency-key": plain("idempotency_key", key) },
    body: textOf(body),
  };
}

function plain(name: string, value: unknown): string {
  if (typeof value === "string" || typeof value === "number") return `${value}`;
  throw new Problem("invalid_value", `${name} is no text`, `${name} is a JSON string`);
}

/** What is passed over in silence, a filter for one, would make an answer look like another. */
function refuseUnknown({ inputSchema }: Tool, values: Record<string, unknown>): void {
  const known = Object.keys(inputSchema.properties);
  const unknown = Object.keys(values).find((name) => !known.includes(name));
  if (unknown === undefined) return;
  const near = nearest(unknown, known);
  throw new Problem("invalid_field", `there is no argument ${echo(unknown)}`, [
    `${near.length > 0 ? `did you mean ${near.join(" or ")}? ` : ""}arguments: ${known.join(", ")}`,
    "parameters stand in path, behind a ?: /contacts?stage=lead",
  ]);
}

function leadsBack(target: string): boolean {
  try {
    return readTarget(target).segments[0] === "mcp";
  } catch {
    return false; // the service will tell what is wrong with it
  }
}

/** An object is JSON. Text is what it looks like: JSON, values as on a line (`name="Jane Doe" stage=lead`), or a form. */
function textOf(body: unknown): string {
  if (body === undefined || body === null || (isObject(body) && Object.keys(body).length === 0)) return "";
  if (typeof body !== "string") return JSON.stringify(body);
  if (LONE_SURROGATE.test(body))
    throw new Problem(
      "bad_request",
      "body holds half of a surrogate pair",
      "send whole characters: what is half cannot be kept",
    );
  const pairs = linePairs(body.trim());
  return pairs ? new URLSearchParams(pairs).toString() : body;
}

function linePairs(text: string): [string, string][] | undefined {
  try {
    return /^[^{["]/.test(text) ? typedPairs(parsePairTokens(text)) : undefined;
  } catch {
    return undefined;
  }
}

/** As a form, in which every value is text; what has types on a line, the members of an object, is one value of JSON. */
function typedPairs(tokens: readonly Token[]): [string, string][] {
  const members = new Map<string, string[]>();
  const pairs: [string, string][] = [];
  for (const [key, token] of tokens) {
    const [, object, member] = /^(\w+)\.(.+)$/.exec(key) ?? [];
    if (object === undefined || member === undefined) pairs.push([key, unquote(token)]);
    else members.set(object, [...(members.get(object) ?? []), `${JSON.stringify(member)}:${customJson(token)}`]);
  }
  return [...pairs, ...[...members].map(([object, all]): [string, string] => [object, `{${all.join(",")}}`])];
}

/** The service's own words, with nothing in them that the model cannot see, and no more of them than it can take in. */
export function toolResult({ status, body }: Encoded): ToolResult {
  return { content: [{ type: "text", text: readable(body.toString()) }], isError: status >= 400 };
}

function readable(text: string): string {
  const whole = text.length <= LONGEST ? reveal(text) : text;
  if (whole.length <= LONGEST) return whole;
  const shown: string[] = [];
  let room = LONGEST;
  let records = 0;
  for (const line of text.split("\n")) {
    const seen = readableLine(line);
    room -= seen.length + 1;
    if (room < 0) {
      const again = `repeat with limit=${records} and follow its cursor, or shorten them with fields=`;
      return [...shown, `# cut: ${records} lines are shown; ${again}`, ""].join("\n");
    }
    shown.push(seen);
    if (line !== "" && !line.startsWith("#")) records += 1;
  }
  return shown.join("\n");
}

/** Cut before it is looked through too: a line can have megabytes. */
function readableLine(line: string): string {
  const seen = reveal(line.slice(0, LONGEST_LINE + 1));
  if (seen.length <= LONGEST_LINE) return seen;
  return `${seen.slice(0, LONGEST_LINE)}\n# cut: the rest of this line is not shown; limit= and fields= ask for less`;
}
