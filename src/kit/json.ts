/**
 * Reads JSON without rounding numbers. A double holds some seventeen digits; ids, prices and rates of other systems can have
 * more.
 */
import { echo } from "./line.ts";
import { Problem } from "./problem.ts";

/**
 * Throws a SyntaxError on invalid JSON, and a Problem on a number that a double would round. A silent change would corrupt the
 * value.
 */
export function parseExact(json: string): unknown {
  const value: unknown = JSON.parse(json);
  const rounded = MAY_ROUND.test(json) ? roundedNumber(json) : undefined;
  if (rounded === undefined) return value;
  const kept = Number(rounded);
  const becomes = Number.isFinite(kept) ? `would be kept as ${kept}` : "is larger than any that can be kept";
  throw new Problem("invalid_value", `the number ${echo(rounded, 40)} ${becomes}`, "send it as text, in quotes");
}

/** Matches texts that may hold a rounded number. Shorter numbers without an exponent are always exact. */
const MAY_ROUND = /\d[\d.]{15}|\d[eE][+-]?\d/;

const NUMBER = /-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?/y;

/** The first number of a JSON text that a double would change. */
function roundedNumber(json: string): string | undefined {
  for (let at = 0; at < json.length; at++) {
    const code = json.charCodeAt(at);
    if (code === QUOTE) at = endOfString(json, at);
    if (code !== MINUS && (code < ZERO || code > NINE)) continue;
    NUMBER.lastIndex = at;
    const literal = NUMBER.exec(json)![0];
    if (!isExact(literal)) return literal;
    at += literal.length - 1;
  }
  return undefined;
}

const [QUOTE, MINUS, ZERO, NINE] = [34, 45, 48, 57];

/**
 * The index of the closing quote of the string that begins at `start`. This is a loop, because a megabyte of backslashes would
 * exhaust a regular expression's stack.
 */
export function endOfString(json: string, start: number): number {
  for (let at = json.indexOf('"', start + 1); at >= 0; at = json.indexOf('"', at + 1)) {
    let slashes = 0;
    while (json[at - 1 - slashes] === "\\") slashes += 1;
    if (slashes % 2 === 0) return at;
  }
  return json.length;
}

/** True when a number in JSON's grammar keeps its value when it is parsed and printed again. */
export const isExact = (literal: string): boolean =>
  literal.length <= 15 && !/[eE]/.test(literal) ? true : sameNumber(literal);

function sameNumber(literal: string): boolean {
  const [written, shown] = [significant(literal), significant(String(Number(literal)))];
  return written !== undefined && shown !== undefined && written === shown;
}

/** `-12.50e3` -> `-125e2`; undefined for Infinity. */
function significant(number: string): string | undefined {
  const [, sign, whole = "", fraction = "", exponent = "0"] = /^(-?)(\d+)(?:\.(\d+))?(?:e([+-]?\d+))?$/i.exec(number) ?? [];
  if (sign === undefined) return undefined;
  const digits = `${whole}${fraction}`.replace(/^0+/, "");
  if (digits === "") return "0";
  const short = trimZeros(digits);
  return `${sign}${short}e${Number(exponent) - fraction.length + digits.length - short.length}`;
}

/** Written as a loop. A regular expression takes quadratic time on a long run of zeros that does not end the text. */
function trimZeros(digits: string): string {
  let end = digits.length;
  while (digits[end - 1] === "0") end -= 1;
  return digits.slice(0, end);
}
