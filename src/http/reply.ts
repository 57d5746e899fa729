import { type Row, rowVersion, type View } from "../derive/view.ts";
import type { Showing } from "../fields/type.ts";
import { fnv1a } from "../kit/hash.ts";
import { quote, quoteIfNeeded } from "../kit/line.ts";
import type { Problem } from "../kit/problem.ts";
import type { Format } from "./accept.ts";

export type Value = string | number | boolean | null;

/** What a handler answers with; only this file knows how it looks on the wire. */
export type Answer = {
  status?: number;
  headers?: Record<string, string>;
  /** What values are shown in, where the request has changed that. */
  showing?: Showing;
} & (
  | { is: "record"; view: View; row: Row; outcome?: string; notes?: readonly string[] }
  | {
      is: "list";
      viewOf: (row: Row) => View;
      rows: readonly Row[];
      nextCursor: string | null;
      summary: string;
      /** Said before the records. */
      preface?: string | undefined;
      /** Said after them. */
      notes?: readonly string[];
      facts?: Record<string, Value>;
    }
  | { is: "message"; message: string; values?: Record<string, Value>; hints?: readonly string[] }
  | { is: "values"; values: Record<string, Value> }
  | { is: "document"; text: string; type: string }
  | { is: "json"; json: string }
);

/** How this caller wants it. */
export type Style = { format: Format; pretty: boolean; showing: Showing };

export type Encoded = { status: number; headers: Record<string, string>; body: string };

/**
 * An answer as it leaves. `common` are the headers that every answer has: name, value, name, value, as node:http takes them. An object that
 * grows header by header changes its hidden class each time, which cost a third of all that a short answer costs.
 */
export type Outgoing = Encoded & { common: string[] };

const TEXT = "text/plain; charset=utf-8";
const JSON_TYPE = "application/json; charset=utf-8";

export function encode(answer: Answer, asked: Style): Encoded {
  const style = answer.showing ? { ...asked, showing: answer.showing } : asked;
  const type = answer.is === "document" ? answer.type : answer.is === "json" || style.format === "json" ? JSON_TYPE : TEXT;
  const body =
    answer.is === "document" ? answer.text : type === JSON_TYPE ? jsonBody(answer, style) : textBody(answer, style.showing);
  const headers: Record<string, string> = { "Content-Type": type };
  if (answer.is === "record") headers.ETag = `"${rowVersion(answer.row)}-${fnv1a(seenIn(answer, style))}"`;
  return { status: answer.status ?? 200, headers: answer.headers ? Object.assign(headers, answer.headers) : headers, body };
}

/**
 * What an answer shows that the record's version does not tell: the choice of fields and the form, and the names of linked records, which
 * change by themselves. Where there are no versions, all of it.
 */
function seenIn({ view, row }: Extract<Answer, { is: "record" }>, { format, pretty, showing }: Style): string {
  let seen = `${view.fingerprint} ${format}${pretty ? " pretty" : ""} ${showing.zone.name}`;
  if (!view.versioned) return `${seen} ${view.line(row, showing)}`;
  for (const at of view.linkedNames) seen += ` ${row[at]}`;
  return seen;
}

function textBody(answer: Exclude<Answer, { is: "document" }>, showing: Showing): string {
  switch (answer.is) {
    case "record":
      return `${answer.view.line(answer.row, showing)}\n${noteLines(answer.notes)}${answer.outcome ? `# ${answer.outcome}\n` : ""}`;
    case "list": {
      let text = answer.preface ? `# ${answer.preface}\n` : "";
      for (const row of answer.rows) text += `${answer.viewOf(row).line(row, showing)}\n`;
      text += noteLines(answer.notes);
      return `${text}# ${answer.summary}\n${answer.nextCursor === null ? "" : `# next: ${answer.nextCursor}\n`}`;
    }
    case "message":
      return `OK ${oneLine(answer.message)}\n${valueLines(answer.values ?? {})}${hintLines(answer.hints ?? [])}`;
    case "values":
      return valueLines(answer.values);
    case "json":
      return `${answer.json}\n`;
  }
}

const noteLines = (notes: readonly string[] = []) => notes.map((note) => `# ${oneLine(note)}\n`).join("");

const valueLines = (values: Record<string, Value>) =>
  Object.entries(values)
    .filter(([, value]) => value !== null)
    .map(([key, value]) => `${key}=${quoteIfNeeded(String(value))}\n`)
    .join("");

const hintLines = (hints: readonly string[]) => hints.map((hint) => `HINT  ${oneLine(hint)}\n`).join("");

/** What a message holds of the caller's is quoted where it is put in; this is the wall behind it. */
const oneLine = (text: string) => quote(text).slice(1, -1).replaceAll('\\"', '"').replaceAll("\\\\", "\\");

function jsonBody(answer: Exclude<Answer, { is: "document" }>, style: Style): string {
  const text = compactJson(answer, style.showing);
  return style.pretty ? `${JSON.stringify(JSON.parse(text), null, 2)}\n` : `${text}\n`;
}

function compactJson(answer: Exclude<Answer, { is: "document" }>, showing: Showing): string {
  switch (answer.is) {
    case "record": {
      const record = answer.view.json(answer.row, showing);
      return answer.notes?.length ? `${record.slice(0, -1)},"hint":${JSON.stringify(answer.notes.join("\n"))}}` : record;
    }
    case "list": {
      // Not joined: that would copy each of them once more.
      let items = "";
      for (const row of answer.rows) items += `${items && ","}${answer.viewOf(row).json(row, showing)}`;
      const notes = [...(answer.preface ? [answer.preface] : []), ...(answer.notes ?? [])];
      const told = notes.length > 0 ? `,"notes":${JSON.stringify(notes)}` : "";
      const facts = Object.entries(answer.facts ?? {}).map(
        ([key, value]) => `,${JSON.stringify(key)}:${JSON.stringify(value)}`,
      );
      return `{"items":[${items}],"next_cursor":${JSON.stringify(answer.nextCursor)}${facts.join("")}${told}}`;
    }
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

/** No 401 without one (RFC 9110, section 15.5.2); who knows more of what was wrong sends their own. */
const CHALLENGE = { "WWW-Authenticate": 'Bearer realm="cardfile"' };

/** A refusal, in the same shape for every way in. */
export function encodeProblem(problem: Problem, format: Format, requestId: string): Encoded {
  const { status, code, message, hints, values } = problem;
  const json = () => JSON.stringify({ error: code, message, hint: hints.join("\n") || null, ...values, request_id: requestId });
  const text = () => `ERROR ${code} ${oneLine(message)}\n${hintLines(hints)}${valueLines(values)}`;
  const body = format === "json" ? `${json()}\n` : text();
  const challenge = status === 401 ? CHALLENGE : {};
  return { status, headers: { "Content-Type": format === "json" ? JSON_TYPE : TEXT, ...challenge, ...problem.headers }, body };
}
