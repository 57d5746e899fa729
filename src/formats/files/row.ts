import { Problem } from "../../kit/problem.ts";

/** A line or a row of cells is at most so long, in UTF-16 units: a reader holds no more than one of them. */
export const MAX_ROW = 1_048_576;

/** A row that cannot be read. `row` is the physical line, counted from 1, on which it begins. */
export type Refused = { row: number; problem: Problem };

/** The decoder writes a byte that its encoding does not know as a lone surrogate of this range (Python's PEP 383). */
export const BAD_BYTE = 0xdc00;

const UNSTORABLE = /\0|\p{Surrogate}/u;
const ESCAPED_BYTE = /[\udc80-\udcff]/;
const SUSPECT = /[\0\ud800-\udfff]/;

/** Whether a part of a text may hold something unstorable. A pair of surrogates is suspect too: its halves may come apart. */
export const isSuspect = (part: string): boolean => SUSPECT.test(part);

/** The refusal of a row that holds what PostgreSQL's text cannot: a NUL, a half of a surrogate pair, a byte of no character. */
export function unstorable(text: string): Problem | undefined {
  const found = UNSTORABLE.exec(text)?.[0];
  if (found === undefined) return undefined;
  if (found === "\0") return new Problem("invalid_value", "the row holds a NUL character", "save the file as UTF-8 text");
  if (!ESCAPED_BYTE.test(found)) {
    return new Problem("invalid_value", "the row holds half of a surrogate pair", "save the file as UTF-8 again");
  }
  const byte = (found.charCodeAt(0) - BAD_BYTE).toString(16);
  return new Problem("invalid_value", `the row holds the byte 0x${byte}, which is no character of the file's encoding`, [
    "most of the file is in another encoding than this row: save it as UTF-8 again",
  ]);
}

export function tooLong(what: string, most = MAX_ROW): Problem {
  return new Problem("body_too_large", `${what} is longer than ${most} characters`, "split it, or leave the long value out");
}
