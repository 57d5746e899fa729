import { Problem } from "../../kit/problem.ts";
import { createLines, type Line } from "./lines.ts";
import { MAX_ROW, type Refused, tooLong, unstorable } from "./row.ts";
import type { Machine } from "./stream.ts";

export type JsonObject = { [key: string]: unknown };
export type JsonRow = { row: number; value: JsonObject } | Refused;

/** Deeper values would exhaust the stack of what walks through them later. */
const DEEPEST = 100;

/**
 * One JSON object a line (NDJSON). Blank lines are passed over. `most` is for exports of the service: escaped in JSON, a
 * record is up to six times as long, and a change holds it twice.
 */
export function createNdjsonReader(most = MAX_ROW): Machine<string, JsonRow> {
  const lines = createLines(most);
  const read = (some: readonly Line[]) => some.filter(({ text }) => text.trim() !== "").map((line) => readJsonLine(line, most));
  return { push: (piece) => read(lines.push(piece)), end: () => read(lines.end()) };
}

export function readJsonLine(line: Line, most: number): JsonRow {
  const { row } = line;
  const value = line.cut ? tooLong("the line", most) : readObject(line);
  return value instanceof Problem ? { row, problem: value } : { row, value };
}

function readObject({ text, suspect }: Line): JsonObject | Problem {
  const raw = suspect ? unstorable(text) : undefined;
  if (raw) return raw;
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    const hint = /^\s*\[/.test(text) ? "send each object of the list on a line of its own" : 'a line is {"name":"Jane Doe"}';
    return new Problem("bad_request", "the line is no JSON", hint);
  }
  if (typeof value !== "object" || value === null || Array.isArray(value)) {
    return new Problem("bad_request", "the line is no JSON object", 'a line is {"name":"Jane Doe"}');
  }
  return faultWithin(text, value) ?? (value as JsonObject);
}

/** Level by level and not by recursion, so that no depth exhausts the stack before it is refused. */
function faultWithin(text: string, value: object): Problem | undefined {
  const escapes = /\\u(?:0000|d[89a-f])/i.test(text);
  let level: unknown[] = [value];
  for (let depth = 0; level.length > 0; depth++) {
    if (depth > DEEPEST) return new Problem("bad_request", `the object is nested deeper than ${DEEPEST} levels`);
    const below: unknown[] = [];
    for (const one of level) {
      if (typeof one === "string") {
        const problem = escapes ? unstorable(one) : undefined;
        if (problem) return problem;
      } else if (typeof one === "object" && one !== null) {
        for (const [key, inner] of Object.entries(one)) below.push(key, inner);
      }
    }
    level = below;
  }
  return undefined;
}

/** Strings may hold anything: JSON.stringify escapes what would end the line. */
export async function* writeNdjson(values: AsyncIterable<JsonObject>): AsyncGenerator<string> {
  for await (const value of values) yield `${JSON.stringify(value)}\n`;
}
