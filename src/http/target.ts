import { echo } from "../kit/line.ts";
import { Problem } from "../kit/problem.ts";
import { composed } from "../kit/text.ts";

/**
 * A decoded pair. `signed` keeps a bare leading `+` that decoding turns into a space. Forms mean a space by it; a person who
 * types a phone number means a plus.
 */
export type Parameter = [name: string, value: string, signed?: string];

/** What a request is aimed at: decoded path segments and decoded parameters in the order they came. */
export type Target = {
  path: string;
  segments: string[];
  parameters: Parameter[];
  /** As it came. */
  query: string;
};

/** The length that RFC 9110, section 4.1, asks every server to accept. */
const LONGEST = 8_000;

/** Of a request inside another, whose body holds the address: a long vector fits (`near=`). */
export const LONGEST_INSIDE = 100_000;

/** Matches half of a surrogate pair. UTF-8 cannot hold one, but the JSON of an inner request can. */
export const LONE_SURROGATE = /\p{Surrogate}/u;

/**
 * Reads a request target (RFC 9112, section 3.2) without `new URL`, which throws on some targets and changes the host of others.
 * A proxy's absolute form counts by its path. Malformed percent-encoding and bad UTF-8 are refused.
 */
export function readTarget(url: string, longest = LONGEST): Target {
  if (url.length > longest)
    throw new Problem("uri_too_long", `the address is longer than ${longest} characters`, [
      `ask for less in one request${longest < LONGEST_INSIDE ? `, or in POST /batch, where an address may have ${LONGEST_INSIDE}` : ""}`,
    ]);
  if (LONE_SURROGATE.test(url))
    throw new Problem("bad_request", "the address holds half of a surrogate pair", "send UTF-8, percent-encoded");
  const local = /^\/(?!\/)/.test(url) ? url : url.replace(/^https?:\/\/[^/?#]*/i, "").replace(/^\/\/+/, "/");
  const hash = local.indexOf("#");
  const beforeHash = hash < 0 ? local : local.slice(0, hash);
  const mark = beforeHash.indexOf("?");
  const path = mark < 0 ? beforeHash : beforeHash.slice(0, mark);
  const query = mark < 0 ? "" : beforeHash.slice(mark + 1);
  if (path !== "" && !path.startsWith("/"))
    throw new Problem("bad_request", `the request target ${echo(url)} is no path`, "GET /help");
  const trimmed = path.length > 1 && path.endsWith("/") ? path.slice(0, -1) : path;
  return { path: trimmed || "/", segments: trimmed.split("/").slice(1).map(decode), parameters: readParameters(query), query };
}

/** Nothing of it ends the `<…>` of a Link header, and all of it is ASCII. */
const UNSAFE = /[^!#-;=?-[\]_a-z~]/gu;

/** The same address at a cursor. */
export function pageAt({ path, query }: Target, cursor: string): string {
  const others = query.split("&").filter((part) => part !== "" && decode(spaced(part.split("=")[0]!)) !== "cursor");
  return `${path}?${[...others, `cursor=${encodeURIComponent(cursor)}`].join("&")}`.replace(UNSAFE, encodeURIComponent);
}

/**
 * Parses `application/x-www-form-urlencoded` (WHATWG URL, section 5): a query or a `curl -d` body. `plus` is the meaning of a
 * `+`.
 */
export function readParameters(text: string, plus: " " | "+" = " "): Parameter[] {
  if (text === "") return [];
  return text
    .split("&")
    .filter((part) => part !== "")
    .map((part) => {
      const equals = part.indexOf("=");
      const [name, value] = equals < 0 ? [part, ""] : [part.slice(0, equals), part.slice(equals + 1)];
      if (plus === "+") return [decode(name), decode(value)];
      const [key, read, signed] = [decode(spaced(name)), decode(spaced(value)), withSigns(value)];
      return signed === value ? [key, read] : [key, read, decode(spaced(signed))];
    });
}

/** Encodes the `+` of a value that begins with a number, after its operator. In a list every item counts. */
function withSigns(value: string): string {
  if (value.startsWith("in:")) return value.replace(/(^in:|,)\+(?=[1-9])/g, "$1%2B");
  return value.replace(/^((?:[a-z]{1,8}:)?)\+(?=[1-9])/, "$1%2B");
}

/** Replaces `+` by bytes in long texts. For a megabyte of `+`, replaceAll takes half a second; this takes a hundredth of it. */
function spaced(text: string): string {
  if (text.length < 10_000) return text.replaceAll("+", " ");
  const bytes = Buffer.from(text);
  for (let i = 0; i < bytes.length; i++) if (bytes[i] === 43) bytes[i] = 32;
  return bytes.toString();
}

function decode(text: string): string {
  if (!text.includes("%")) return composed(text);
  try {
    return composed(decodeURIComponent(text));
  } catch {
    throw new Problem(
      "bad_request",
      `${echo(text)} is not percent-encoded UTF-8`,
      "encode % as %25, or let curl do it: --data-urlencode 'name=value', with -G when it is a filter",
    );
  }
}
