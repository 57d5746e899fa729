import { echo, parseTokens, type Token, unquote } from "../../kit/line.ts";
import { Problem } from "../../kit/problem.ts";
import { createLines, type Line } from "./lines.ts";
import { type Refused, tooLong, unstorable } from "./row.ts";
import type { Machine } from "./stream.ts";

/**
 * A record's line as the service writes it. A token keeps its quotes, which carry meaning: `unquote` gives a text,
 * `splitList` of that a list, `parseCustomText` a value of `custom`. A trailer tells about the list, `# next:` that it goes on.
 */
export type OwnLine = { row: number; handle: string; tokens: Token[] } | { row: number; trailer: string } | Refused;

const HINT = 'a line is contact/c_t4v6w8y0 name="Jane Doe" email=jane@acme.com';

/** Where a token may hold a NUL or half of a surrogate pair: raw, neither is a part of a line. */
const ESCAPES = /\\u(?:0000|d[89a-f])/i;

export function createOwnLinesReader(): Machine<string, OwnLine> {
  const lines = createLines();
  const read = (some: readonly Line[]) => some.filter(({ text }) => text !== "").map(readLine);
  return { push: (piece) => read(lines.push(piece)), end: () => read(lines.end()) };
}

function readLine({ row, text, cut }: Line): OwnLine {
  if (cut) return { row, problem: tooLong("the line") };
  if (/^(?:#|OK|HINT)(?: |$)/.test(text)) return { row, trailer: text };
  if (/^ERROR /.test(text)) {
    return { row, problem: new Problem("bad_request", `the file holds an answer that failed: ${echo(text)}`) };
  }
  try {
    const { head, tokens } = parseTokens(text);
    const problem = ESCAPES.test(text) ? unstorable(tokens.flat().map(unquote).join(" ")) : undefined;
    return problem ? { row, problem } : { row, handle: head, tokens };
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error;
    return { row, problem: new Problem("bad_request", `the line cannot be read: ${error.message}`, HINT) };
  }
}
