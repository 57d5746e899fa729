import { endOfString, parseExact } from "../kit/json.ts";
import { Problem } from "../kit/problem.ts";
import { composed, composedJson } from "../kit/text.ts";
import type { Request } from "./request.ts";
import { readParameters } from "./target.ts";

/**
 * A parsed body. Form values are text, or a list of texts when a name repeats. `text` is the raw body. `signed` keeps form values
 * with a bare leading `+`, which decoding turns into a space.
 */
export type Body = {
  values: Record<string, unknown>;
  /** As they came, where `values` are read already: `+1w` is another time a minute later, and the same request. */
  sent?: Record<string, unknown>;
  form: boolean;
  text: string;
  signed?: Record<string, string>;
  /** The bytes of a file, in place of all the others. They come as they are taken, and once. */
  file?: AsyncIterable<Uint8Array>;
};

export const NO_BODY: Body = { values: {}, form: false, text: "" };

/** Reads a body as raw text, for handlers that parse it themselves. */
export async function readRaw(request: Request, limit: number): Promise<Body> {
  refuseForeignTypes(request);
  return { ...NO_BODY, text: await request.text(limit) };
}

/** A body that is a file: nothing of it is read yet. */
export function openFileBody(request: Request): Body {
  const { "content-type": type = "", "content-encoding": encoding = "identity" } = request.headers;
  const hint = "send the file itself: curl -X POST -T people.csv …, or --data-binary @people.csv";
  if (/^multipart\//i.test(type)) throw new Problem("unsupported_media_type", "a body of several parts is not read", hint);
  if (encoding !== "identity") {
    throw new Problem("unsupported_media_type", "a compressed file is not read", "unpack it first, and send it as it is");
  }
  return { ...NO_BODY, file: request.bytes() };
}

/**
 * Reads a body of at most `limit` bytes of UTF-8. A JSON object is recognised under any Content-Type, because curl sends the form
 * type by default. Anything else is a form; or, where it does not begin with a name and `=`, the value of the field `plain`.
 */
export async function readBody(request: Request, limit: number, plain?: string): Promise<Body> {
  refuseForeignTypes(request);
  const text = await request.text(limit);
  const trimmed = text.trimStart();
  if (trimmed === "") return NO_BODY;
  const json = /^application\/([\w.+-]+\+)?json\b/i.test(request.headers["content-type"] ?? "");
  if (json || /^[{["]/.test(trimmed)) return parseObject(text);
  if (LINE.test(trimmed.slice(0, 10_000)))
    throw new Problem("bad_request", "the body reads like a line, of which this is no form", [
      "send a JSON object, or each value by itself: -d name='Jane Doe' -d stage=lead",
    ]);
  return plain !== undefined && !NAMED.test(trimmed)
    ? { values: { [plain]: composed(text) }, form: false, text }
    : formObject(text);
}

/** Values of a line, `name="Jane Doe" stage=lead`: as a form all of it would be the name. */
const LINE = /^[\w.]+="(?:[^"\\]|\\.)*"[ \t]+[\w.]+=/;

const NAMED = /^[\w.%[\]-]+=/;

function refuseForeignTypes({ headers }: Request): void {
  const type = headers["content-type"] ?? "";
  const hint = 'send a JSON object or an urlencoded form: -d \'{"name":"Jane"}\' or -d name=Jane';
  if (/^(multipart\/|text\/(csv|xml|html)|application\/(xml|octet-stream|zip)|image\/|audio\/|video\/)/i.test(type)) {
    throw new Problem("unsupported_media_type", `a body of type ${type.split(";")[0]} is not read`, hint, {
      headers: { Accept: "application/json, application/x-www-form-urlencoded" },
    });
  }
  if (/charset=/i.test(type) && !/charset="?(utf-?8|us-ascii)/i.test(type)) {
    throw new Problem("unsupported_media_type", "the body must be UTF-8", hint);
  }
  if (headers["content-encoding"] && headers["content-encoding"] !== "identity") {
    throw new Problem("unsupported_media_type", "a compressed body is not read", "send it without Content-Encoding", {
      headers: { "Accept-Encoding": "identity" },
    });
  }
}

function parseObject(text: string): Body {
  let value: unknown;
  try {
    value = parseJson(text);
  } catch (error) {
    if (error instanceof Problem) throw error;
    const hint = "in a shell, put single quotes around the JSON, or send a form: -d name='Jane Doe' -d email=jane@acme.com";
    throw new Problem("bad_request", `the body is not JSON: ${(error as Error).message.replace(/\s+/g, " ")}`, hint);
  }
  if (typeof value === "object" && value !== null && !Array.isArray(value))
    return { values: value as Record<string, unknown>, form: false, text };
  throw new Problem("bad_request", "the body is not a JSON object", [
    'send one object, e.g. {"name":"Jane Doe"}',
    ...(Array.isArray(value) ? ["several: POST /batch takes requests, POST /<kind>/import a file of records"] : []),
  ]);
}

/** Matches texts that NFC may change: characters beyond U+02FF, or escapes that may hold them. */
const MAY_COMPOSE = /[^\0-\u02ff]|\\u/;

/**
 * Parses JSON. Throws a SyntaxError on invalid JSON, and a Problem on too many values, deep nesting or numbers that would lose
 * digits.
 */
export function parseJson(text: string): unknown {
  if (text.length > ALWAYS_READ && countValues(text) > MOST_VALUES) throw tooManyValues();
  const value = parseExact(text);
  return MAY_COMPOSE.test(text) ? composedJson(value) : value;
}

/**
 * A body may hold this many values. A megabyte of small values takes a hundred times as long as one text and would block all
 * other requests. Bodies shorter than `ALWAYS_READ` are not counted, because they cannot hold enough values to matter.
 */
const MOST_VALUES = 20_000;
const ALWAYS_READ = 65_536;

const tooManyValues = () =>
  new Problem("body_too_large", `the body holds more than ${MOST_VALUES} values`, "send less at once", {
    headers: { Connection: "close" },
  });

/** Whether JSON is nested more than `most` deep. What walks through a value calls itself for each level, and the stack ends. */
export function isDeep(json: string, most: number): boolean {
  let opened = 0;
  for (let i = 0; i < json.length && opened <= most; i++) if (isOpening(json.charCodeAt(i))) opened += 1;
  if (opened <= most) return false;
  let depth = 0;
  for (let i = 0; i < json.length; i++) {
    const code = json.charCodeAt(i);
    if (code === QUOTE) i = endOfString(json, i);
    else if (isOpening(code) && ++depth > most) return true;
    else if (code === 0x5d || code === 0x7d) depth -= 1;
  }
  return false;
}

const QUOTE = 0x22;
const isOpening = (code: number) => code === 0x5b || code === 0x7b;

/** Counts values. It stops soon after the limit. */
function countValues(json: string): number {
  let count = 0;
  for (let i = 0; i < json.length && count <= MOST_VALUES; i++) {
    const character = json[i];
    if (character === '"') i = endOfString(json, i);
    else if (character === "," || character === "[" || character === "{") count += 1;
  }
  return count;
}

/** Characters that every form encoder escapes. */
const UNENCODED = /[ "@:/{}<>\u0080-\uffff]/;

/**
 * Parses a form. `curl -d` sends typed text unencoded; `--data-urlencode` and programs encode. One body may mix both.
 *
 * A pair is typed when it holds a character that every encoder escapes. In a typed pair a `+` is a plus, as in a phone number; in
 * an encoded pair it is a space.
 */
function formObject(text: string): Body {
  const pairs = text.split("&", MOST_VALUES + 1);
  if (pairs.length > MOST_VALUES) throw tooManyValues();
  const fields = new Map<string, string | string[]>();
  const signs: [string, string][] = [];
  for (const pair of pairs) {
    const typed = UNENCODED.test(pair) && !/%[0-9a-f]{2}/i.test(pair);
    for (const [name, value, signed] of typed ? readParameters(pair, "+") : readParameters(pair.trim())) {
      const before = fields.get(name);
      if (Array.isArray(before)) before.push(value);
      else fields.set(name, before === undefined ? value : [before, value]);
      if (signed !== undefined) signs.push([name, signed]);
    }
  }
  return { values: Object.fromEntries(fields), form: true, text, signed: Object.fromEntries(signs) };
}
