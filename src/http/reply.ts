import { isLarge, type Row, rowVersion, type View } from "../derive/view.ts";
import type { Showing } from "../fields/type.ts";
import { fnv1a } from "../kit/hash.ts";
import { messageLine, quoteIfNeeded } from "../kit/line.ts";
import type { Problem } from "../kit/problem.ts";
import type { Format } from "./accept.ts";
import { gather } from "./gather.ts";
import { type List, listJsonParts, listTextParts, noteLines, type Value } from "./list.ts";

type Short =
  | { is: "message"; message: string; values?: Record<string, Value>; hints?: readonly string[] }
  | { is: "values"; values: Record<string, Value> }
  | { is: "json"; json: string };

type Document = { is: "document"; text: string; type: string };

type Single = { is: "record"; view: View; row: Row; outcome?: string; notes?: readonly string[] };

type Head = {
  status?: number;
  headers?: Record<string, string>;
  /** Overrides the request's time zone, when the request has changed it. */
  showing?: Showing;
};

/** What a handler answers with; only this room knows how it looks on the wire. */
export type Answer = Head & (Single | List | Short | Document);

/** One that never takes long to put together. */
export type ShortAnswer = Head & (Short | Document);

/** The output style that the caller asked for. */
export type Style = { format: Format; pretty: boolean; showing: Showing };

export type Encoded = { status: number; headers: Record<string, string>; body: string | Buffer };

/**
 * An encoded answer. `common` lists the headers of every answer as name, value, name, value, which node:http takes. An object
 * that grows header by header changes its hidden class each time. This cost a third of a short answer's time.
 */
export type Outgoing = Encoded & { common: string[] };

const TEXT = "text/plain; charset=utf-8";
const JSON_TYPE = "application/json; charset=utf-8";

/** What is long is put together in turns with other work. */
export function encode(answer: Answer, asked: Style): Encoded | Promise<Encoded> {
  const style = answer.showing ? { ...asked, showing: answer.showing } : asked;
  if (answer.is === "list") return encodeList(answer, style);
  if (answer.is === "record") return encodeRecord(answer, style);
  return encodeShort(answer, style);
}

export function encodeShort(answer: ShortAnswer, style: Style): Encoded {
  if (answer.is === "document") return headed(answer, answer.type, answer.text);
  if (answer.is === "json" || style.format === "json") return headed(answer, JSON_TYPE, jsonText(shortJson(answer), style));
  return headed(answer, TEXT, shortText(answer));
}

function headed(answer: Head, type: string, body: string | Buffer): Encoded {
  const headers = { "Content-Type": type };
  return { status: answer.status ?? 200, headers: answer.headers ? Object.assign(headers, answer.headers) : headers, body };
}

function encodeRecord(answer: Head & Single, style: Style): Encoded | Promise<Encoded> {
  const { view, row } = answer;
  const json = style.format === "json";
  const tagged = (body: string | Buffer) => {
    const encoded = headed(answer, json ? JSON_TYPE : TEXT, body);
    encoded.headers.ETag = `"${rowVersion(row)}-${fnv1a(seenIn(answer, style))}"`;
    return encoded;
  };
  const body = isLarge(view, row)
    ? gather((json ? recordJsonParts : recordTextParts)(answer, style.showing), json ? "\n" : "")
    : json
      ? `${view.json(row, style.showing).slice(0, -1)}${jsonEnd(answer)}`
      : `${view.line(row, style.showing)}${textEnd(answer)}`;
  if (typeof body !== "string") return body.then(tagged);
  return tagged(json ? jsonText(body, style) : body);
}

function* recordTextParts(answer: Single, showing: Showing): Generator<string> {
  yield* answer.view.lineParts(answer.row, showing);
  yield textEnd(answer);
}

function* recordJsonParts(answer: Single, showing: Showing): Generator<string> {
  for (const part of answer.view.jsonParts(answer.row, showing)) yield part === "}" ? jsonEnd(answer) : part;
}

const textEnd = ({ notes, outcome }: Single) => `\n${noteLines(notes)}${outcome ? `# ${outcome}\n` : ""}`;

const jsonEnd = ({ notes }: Single) => (notes?.length ? `,"hint":${JSON.stringify(notes.join("\n"))}}` : "}");

/**
 * The part of an answer that the record's version does not cover: fields, format, zone, and names of linked records, which change
 * without it. A record without versions is covered whole.
 */
function seenIn({ view, row }: Single, { format, pretty, showing }: Style): string {
  let seen = `${view.fingerprint} ${format}${pretty ? " pretty" : ""} ${showing.zone.name}`;
  if (!view.versioned) return `${seen} ${view.line(row, showing)}`;
  for (const at of view.linkedNames) seen += ` ${row[at]}`;
  return seen;
}

function encodeList(answer: Head & List, style: Style): Encoded | Promise<Encoded> {
  const json = style.format === "json";
  const body = json ? gather(listJsonParts(answer, style.showing), "\n") : gather(listTextParts(answer, style.showing));
  if (typeof body !== "string") return body.then((bytes) => headed(answer, json ? JSON_TYPE : TEXT, bytes));
  return headed(answer, json ? JSON_TYPE : TEXT, json ? jsonText(body, style) : body);
}

function shortText(answer: Short): string {
  switch (answer.is) {
    case "message":
      return `OK ${messageLine(answer.message)}\n${valueLines(answer.values ?? {})}${hintLines(answer.hints ?? [])}`;
    case "values":
      return valueLines(answer.values);
    case "json":
      return `${answer.json}\n`;
  }
}

const valueLines = (values: Record<string, Value>) =>
  Object.entries(values)
    .filter(([, value]) => value !== null)
    .map(([key, value]) => `${key}=${quoteIfNeeded(String(value))}\n`)
    .join("");

const hintLines = (hints: readonly string[]) => hints.map((hint) => `HINT  ${messageLine(hint)}\n`).join("");

/** Longer JSON stays as it is: to indent it takes longer than all the rest, and nobody reads it. */
const MOST_PRETTY = 262_144;

function jsonText(json: string, { pretty }: Style): string {
  return pretty && json.length <= MOST_PRETTY ? `${JSON.stringify(JSON.parse(json), null, 2)}\n` : `${json}\n`;
}

function shortJson(answer: Short): string {
  switch (answer.is) {
    case "message":
      return JSON.stringify({
        message: answer.message,
        ...answer.values,
        ...(answer.hints?.length ? { hint: answer.hints.join("\n") } : {}),
      });
    case "values":
      return JSON.stringify(answer.values);
    case "json":
      return answer.json;
  }
}

/** Every 401 needs a challenge (RFC 9110, section 15.5.2). A refusal that knows the fault sends its own. */
const CHALLENGE = { "WWW-Authenticate": 'Bearer realm="cardfile"' };

/** Encodes a refusal. Every format has the same shape of error. */
export function encodeProblem(problem: Problem, format: Format, requestId: string): Encoded {
  const { status, code, message, hints, values } = problem;
  const json = () => JSON.stringify({ error: code, message, hint: hints.join("\n") || null, ...values, request_id: requestId });
  const text = () => `ERROR ${code} ${messageLine(message)}\n${hintLines(hints)}${valueLines(values)}`;
  const body = format === "json" ? `${json()}\n` : text();
  const challenge = status === 401 ? CHALLENGE : {};
  return { status, headers: { "Content-Type": format === "json" ? JSON_TYPE : TEXT, ...challenge, ...problem.headers }, body };
}
