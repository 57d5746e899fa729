import { text } from "../formats/text.ts";
import { type Encoded, encodeProblem } from "../http/reply.ts";
import type { InnerRequest } from "../http/request.ts";
import { LONE_SURROGATE, LONGEST_INSIDE, readTarget } from "../http/target.ts";
import { customJson, echo, parsePairTokens, reveal, type Token, unquote } from "../kit/line.ts";
import { nearest } from "../kit/nearest.ts";
import { Problem } from "../kit/problem.ts";
import { isObject } from "./message.ts";
import type { Tool } from "./tools.ts";

/** A tool's result, which the model reads. */
export type ToolResult = { content: { type: "text"; text: string }[]; isError: boolean };

/** The longest answer in characters, some ten thousand tokens. Clients cut or refuse longer ones. */
export const LONGEST = 40_000;

/** The longest line. A record with a megabyte of text still leaves room for the service's own words. */
export const LONGEST_LINE = 20_000;

/**
 * Makes the request of a tool call. A faulty argument becomes a result instead of a protocol error, because only the model can
 * correct it.
 */
export async function callTool<Answer extends Encoded>(
  tool: Tool,
  values: Record<string, unknown>,
  ask: (request: InnerRequest) => Promise<Answer>,
): Promise<Answer | Encoded> {
  try {
    return await ask(readCall(tool, values));
  } catch (error) {
    if (error instanceof Problem) return encodeProblem(error, text, "");
    throw error;
  }
}

function readCall(tool: Tool, values: Record<string, unknown>): InnerRequest {
  refuseUnknown(tool, values);
  const { path, body } = values;
  const method = values.method ?? "GET";
  const key = values.idempotency_key ?? undefined;
  if (typeof path !== "string" || path.trim() === "") throw new Problem("missing_field", "path is missing", "path: /help");
  // Models use # as a character, never as a URL fragment, so it is encoded.
  const target = path
    .trim()
    .replaceAll("#", "%23")
    .replace(/^(?!\/|https?:)/i, "/");
  if (isMcpPath(target)) throw new Problem("not_found", "/mcp is what you are calling already", "path: /help tells all paths");
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

/** Refuses unknown arguments. If a misspelt filter were ignored, the answer would look like a filtered one. */
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

function isMcpPath(target: string): boolean {
  try {
    return readTarget(target, LONGEST_INSIDE).segments[0] === "mcp";
  } catch {
    return false; // the service refuses it with a reason
  }
}

/**
 * Encodes a body. An object becomes JSON. Text is recognised as JSON, as values of a line (`name="Jane Doe" stage=lead`), or as a
 * form.
 */
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

/**
 * Converts line tokens into form pairs, where every value is text. Members of an object (`name.member=`) are collected into one JSON
 * value, because they carry types.
 */
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

/** The service's answer without invisible characters, cut to the length that a model can read. */
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

/** Cuts a line before escaping it, because a line can have megabytes. */
function readableLine(line: string): string {
  const seen = reveal(line.slice(0, LONGEST_LINE + 1));
  if (seen.length <= LONGEST_LINE) return seen;
  return `${seen.slice(0, LONGEST_LINE)}\n# cut: the rest of this line is not shown; limit= and fields= ask for less`;
}
