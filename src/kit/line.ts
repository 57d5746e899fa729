/**
 * The line format and its parser: `head key=value key=value`, which is logfmt with a head in front. Every record is one physical
 * line, and parsing gives back the stored text. Clients that use grep and cut rely on both.
 *
 * `text` is a value as it is stored; `token` is the same value as it is written on the line.
 */

import { createEscape } from "./escape.ts";

export type Pair = [key: string, text: string];
export type Token = [key: string, token: string];

/** Characters that break a line, turn its direction or cannot be seen. White space other than a plain space has its own rule. */
const HIDDEN = "\\p{Cc}\\p{Cf}\\p{Cs}\\p{Zl}\\p{Zp}\\p{Default_Ignorable_Code_Point}\\p{Noncharacter_Code_Point}";
const BARE = `[^\\s"=\\\\${HIDDEN}]`;

const hidden = new RegExp(`[${HIDDEN}]`, "u");
const bareRun = new RegExp(`${BARE}+`, "uy");
const notBare = new RegExp(`[\\s"=\\\\${HIDDEN}]`, "u");
// Nearly every value is ASCII, and these two, which need no table of Unicode, settle it ten times faster.
const notAsciiBare = /[^!#-<>-[\]-~]/;
const notAsciiQuotable = /[^ !#-[\]-~]/;
const notAsciiShown = /[^\n -~]/;

const escapeQuoted = createEscape(`"\\\\${HIDDEN}`, escapeCharacter);
const escapeHidden = createEscape(HIDDEN, (character) => (character === "\n" ? character : escapeCharacter(character)));

const JSON_SCALAR = /^(?:true|false|null|-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?)$/;

/** Formats a line of stored texts. The caller leaves out null and empty fields; an empty text is written as `key=""`. */
export function formatLine(head: string, pairs: Iterable<Pair>): string {
  let line = quoteIfNeeded(head);
  for (const [key, text] of pairs) line += ` ${quoteIfNeeded(key)}=${quoteIfNeeded(text)}`;
  return line;
}

/** Formats a line of tokens, such as those that `customText` makes. A key that could forge a pair is quoted like a value. */
export function formatTokens(head: string, tokens: Iterable<Token>): string {
  let line = quoteIfNeeded(head);
  for (const [key, token] of tokens) line += ` ${quoteIfNeeded(key)}=${token}`;
  return line;
}

/** Formats `key=value key=value` for logs and messages. Absent values are left out. */
export function formatPairs(pairs: Record<string, string | number | boolean | null | undefined>): string {
  let line = "";
  for (const [key, value] of Object.entries(pairs)) {
    if (value === null || value === undefined) continue;
    line += `${line === "" ? "" : " "}${quoteIfNeeded(key)}=${quoteIfNeeded(String(value))}`;
  }
  return line;
}

/** The token of a text: bare when nobody can misread it, else a JSON string (RFC 8259). */
export function quoteIfNeeded(text: string): string {
  if (!notAsciiBare.test(text)) return text === "" ? '""' : text;
  if (!notAsciiQuotable.test(text)) return `"${text}"`;
  return notBare.test(text) ? quote(text) : text;
}

/** Characters of a long text that are quoted at once. */
const SLICE = 65_536;

/** The same as `quoteIfNeeded` in parts, between which others may have their turn. */
export function* quotedParts(text: string): Generator<string> {
  if (text.length <= SLICE || !notBare.test(text)) return yield quoteIfNeeded(text);
  yield '"';
  for (let from = 0; from < text.length; ) {
    const end = from + SLICE;
    // Never between the halves of a surrogate pair.
    const to = text.codePointAt(end - 1)! > 0xffff ? end + 1 : end;
    yield escapeQuoted(text.slice(from, to));
    from = to;
  }
  yield '"';
}

/** A text as a JSON string in which nothing is invisible: `JSON.parse` gives it back. */
export function quote(text: string): string {
  return `"${escapeQuoted(text)}"`;
}

/** What a message holds of the caller's is quoted where it is put in; this is the wall behind it. */
export const messageLine = (text: string) => quote(text).slice(1, -1).replaceAll('\\"', '"').replaceAll("\\\\", "\\");

/** Lines of text, or JSON, in which nothing is invisible but the ends of the lines. */
export function reveal(text: string): string {
  return notAsciiShown.test(text) ? escapeHidden(text) : text;
}

const broken = /[\s\p{Cc}\p{Zl}\p{Zp}]+/gu;
const unseen = new RegExp(`[${HIDDEN}]`, "gu");

/**
 * Makes a text safe inside a sentence of a mail or page. White space and line breaks become one space; invisible and
 * direction-changing characters are removed. The result is cut after `max` characters.
 */
export function oneLine(text: string, max = Number.POSITIVE_INFINITY): string {
  const line = text.replace(broken, " ").replace(unseen, "").replace(/ {2,}/g, " ").trim();
  const characters = line.length > max ? Array.from(line) : [];
  return characters.length > max ? `${characters.slice(0, max).join("")}…` : line;
}

/** JSON's short escapes that people and other logfmt parsers know. */
const SHORT: Record<string, string> = { '"': '\\"', "\\": "\\\\", "\n": "\\n", "\r": "\\r", "\t": "\\t" };

function escapeCharacter(character: string): string {
  const short = SHORT[character];
  if (short !== undefined) return short;
  let units = "";
  for (let i = 0; i < character.length; i++) units += `\\u${character.charCodeAt(i).toString(16).padStart(4, "0")}`;
  return units;
}

/** Quotes a caller's text for an error message. It is cut after `max` UTF-16 units, with the … outside the quotes. */
export function echo(text: string, max = 80): string {
  if (text.length <= max) return quote(text);
  const cut = text.slice(0, max);
  return `${quote(/[\uD800-\uDBFF]$/.test(cut) ? cut.slice(0, -1) : cut)}…`;
}

/** Parses a line into texts. Throws a SyntaxError on anything that `formatLine` does not write. */
export function parseLine(line: string): { head: string; pairs: Pair[] } {
  const { head, tokens } = parseTokens(line);
  return { head, pairs: tokens.map(([key, token]) => [key, unquote(token)]) };
}

/** The inverse of `formatPairs`. Every value is a string. */
export function parsePairs(line: string): Pair[] {
  return parsePairTokens(line).map(([key, token]) => [key, unquote(token)]);
}

/** The same as `parsePairs`, but with tokens instead of texts. */
export function parsePairTokens(line: string): Token[] {
  return line === "" ? [] : readTokens(visible(line), 0);
}

/** Parses a line into tokens. `parseCustomText` needs them, because the quotes of a custom value carry its type. */
export function parseTokens(line: string): { head: string; tokens: Token[] } {
  const end = tokenEnd(visible(line), 0);
  return { head: unquote(line.slice(0, end)), tokens: end === line.length ? [] : readTokens(line, skip(line, end, " ")) };
}

function visible(line: string): string {
  if (hidden.test(line)) throw new SyntaxError("an invisible character or a line break stands in the line");
  return line;
}

function readTokens(line: string, start: number): Token[] {
  const tokens: Token[] = [];
  for (let at = start; ; ) {
    const keyEnd = tokenEnd(line, at);
    const valueStart = skip(line, keyEnd, "=");
    const valueEnd = tokenEnd(line, valueStart);
    tokens.push([unquote(line.slice(at, keyEnd)), line.slice(valueStart, valueEnd)]);
    if (valueEnd === line.length) return tokens;
    at = skip(line, valueEnd, " ");
  }
}

function skip(line: string, at: number, expected: string): number {
  if (line[at] !== expected) throw new SyntaxError(`"${expected}" expected at column ${at + 1}`);
  return at + 1;
}

function tokenEnd(line: string, start: number): number {
  if (line[start] !== '"') {
    bareRun.lastIndex = start;
    if (!bareRun.test(line)) throw new SyntaxError(`a value expected at column ${start + 1}`);
    return bareRun.lastIndex;
  }
  // A loop, because a megabyte of backslashes would exhaust a regular expression's stack.
  for (let at = start + 1; at < line.length; at++) {
    if (line[at] === "\\") at++;
    else if (line[at] === '"') return at + 1;
  }
  throw new SyntaxError(`the quote opened at column ${start + 1} is never closed`);
}

/** The text that a token stands for. */
export function unquote(token: string): string {
  return token.startsWith('"') ? JSON.parse(token) : token;
}

/**
 * Joins a list into one text, which is quoted later. An item that is empty, holds a comma or begins with a quote becomes a JSON
 * string. Callers write such items the same way in an `in:` filter.
 */
export function joinList(items: readonly string[]): string {
  return items
    .map((item) => (item === "" || item.includes(",") || item.startsWith('"') ? JSON.stringify(item) : item))
    .join(",");
}

/** The inverse of `joinList`. Throws a SyntaxError on a quoted item that is not a JSON string. */
export function splitList(text: string): string[] {
  if (!text.includes('"')) return text === "" ? [] : text.split(",");
  const items: string[] = [];
  for (let at = 0; ; ) {
    const comma = text.indexOf(",", at);
    const end = text[at] === '"' ? tokenEnd(text, at) : comma < 0 ? text.length : comma;
    items.push(unquote(text.slice(at, end)));
    if (end === text.length) return items;
    at = skip(text, end, ",");
  }
}

/**
 * The token of one JSON value, which keeps its type. A bare scalar is itself, so the string `5` is written `"5"`. Objects and
 * lists are compact JSON; a string that looks like JSON is encoded twice.
 */
export function customText(value: unknown): string {
  if (typeof value !== "string") return quoteIfNeeded(JSON.stringify(value));
  if (JSON_SCALAR.test(value)) return quote(value);
  return quoteIfNeeded(readsAsJson(value) ? JSON.stringify(value) : value);
}

/** The inverse of `customText`, except that -0 comes back as 0. */
export function parseCustomText(token: string): unknown {
  return JSON.parse(customJson(token));
}

/** The JSON of such a token, with all digits of its numbers. */
export function customJson(token: string): string {
  const text = unquote(token);
  const isJson = readsAsJson(text) || (text === token && JSON_SCALAR.test(text));
  return isJson ? text : JSON.stringify(text);
}

function readsAsJson(text: string): boolean {
  if (!/^[{["]/.test(text)) return false;
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}
