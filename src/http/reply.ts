import { isLarge, rowVersion } from "../derive/view.ts";
import type { Showing } from "../fields/type.ts";
import { SPEAKING } from "../formats/all.ts";
import type { Format, List, Report, Short, Single, Speaking, Stream, Table } from "../formats/format.ts";
import { json as jsonFormat } from "../formats/json.ts";
import { listParts, streamParts, tableParts } from "../formats/rows.ts";
import { fnv1a } from "../kit/hash.ts";
import { shortId } from "../kit/id.ts";
import type { Problem } from "../kit/problem.ts";
import { notAcceptable } from "./accept.ts";
import { type Chunks, createChunks } from "./chunks.ts";
import { gather } from "./gather.ts";

/** A document of any length, made as it is sent. */
export type Flow = { is: "flow"; type: string; parts: (signal: AbortSignal) => AsyncGenerator<string, void, undefined> };

/** A long one is given as bytes. */
type Document = { is: "document"; text: string | Buffer; type: string };

type Head = {
  status?: number;
  headers?: Record<string, string>;
  /** Overrides the request's time zone, when the request has changed it. */
  showing?: Showing;
};

/** What a handler answers with; only formats know how it looks on the wire. */
export type Answer = Head & (Single | List | Stream | Table | Report | Short | Document | Flow);

/** One that never takes long to put together. */
export type ShortAnswer = Head & (Short | Document);

/** How this caller wants it. */
export type Style = {
  format: Format;
  pretty: boolean;
  showing: Showing;
  /** The address of the page at a cursor. */
  pageAt: (cursor: string) => string;
};

export type Encoded = {
  status: number;
  headers: Record<string, string>;
  body: string | Buffer;
  /** In place of a body: one of any length, sent as it is made. */
  chunks?: Chunks;
};

/**
 * An encoded answer. `common` lists the headers of every answer as name, value, name, value, which node:http takes. An object
 * that grows header by header changes its hidden class each time. This cost a third of a short answer's time.
 */
export type Outgoing = Encoded & {
  common: string[];
  /** Told of a fault after which the rest of `chunks` is missing. */
  onCut?: (error: unknown) => void;
};

/** What is long is put together in turns with other work. */
export function encode(answer: Answer, asked: Style): Encoded | Promise<Encoded> {
  const style = answer.showing ? { ...asked, showing: answer.showing } : asked;
  if (answer.is === "list") return encodeList(answer, style);
  if (answer.is === "record") return encodeRecord(answer, style);
  if (answer.is === "stream") return encodeStream(answer, style);
  if (answer.is === "table") return encodeTable(answer, style);
  if (answer.is === "flow") return chunked(answer, answer.type, answer.parts);
  if (answer.is === "report") return encodeReport(answer, style);
  return encodeShort(answer, style);
}

export function encodeShort(answer: ShortAnswer, style: Pick<Style, "format" | "pretty">): Encoded {
  if (answer.is === "document") return headed(answer, answer.type, answer.text);
  const format = answer.is === "json" ? jsonFormat : style.format;
  if (!format.message) throw notAcceptable(format.name, SPEAKING);
  return headed(answer, format.contentType, finished(format.message(answer), format, style.pretty));
}

function headed(answer: Head, type: string, body: string | Buffer): Encoded {
  const headers = { "Content-Type": type };
  return { status: answer.status ?? 200, headers: answer.headers ? Object.assign(headers, answer.headers) : headers, body };
}

const finished = (body: string, { indented, end }: Format, pretty: boolean) =>
  (pretty && indented ? indented(body) : body) + end;

function encodeRecord(answer: Head & Single, style: Style): Encoded | Promise<Encoded> {
  const { view, row } = answer;
  const { format, showing, pretty } = style;
  if (!format.record || !format.recordParts) throw notAcceptable(format.name, SPEAKING);
  const tagged = (body: string | Buffer) => {
    const encoded = headed(answer, format.contentType, body);
    if (answer.change) encoded.headers["X-Change"] = shortId(answer.change);
    encoded.headers.ETag = `"${rowVersion(row)}-${fnv1a(seenIn(answer, style))}"`;
    return encoded;
  };
  if (!isLarge(view, row)) return tagged(finished(format.record(answer, showing), format, pretty));
  const body = gather(format.recordParts(answer, showing), format.end);
  return typeof body === "string" ? tagged(finished(body, format, pretty)) : body.then(tagged);
}

/**
 * The part of an answer that the record's version does not cover: fields, format, zone, and names of linked records, which change
 * without it. A record without versions is covered whole.
 */
function seenIn({ view, row }: Single, { format, pretty, showing }: Style): string {
  let seen = `${view.fingerprint} ${format.name}${pretty ? " pretty" : ""} ${showing.zone.name}`;
  if (!view.versioned) return `${seen} ${view.line(row, showing)}`;
  for (const at of view.linkedNames) seen += ` ${row[at]}`;
  return seen;
}

function encodeList(answer: Head & List, style: Style): Encoded | Promise<Encoded> {
  const { format, showing, pretty, pageAt } = style;
  if (!format.list) throw notAcceptable(format.name, SPEAKING);
  let cursor: string | null = null;
  function* parts(): Generator<string> {
    cursor = (yield* listParts(answer, format.list!, showing)).nextCursor;
  }
  const linked = (body: string | Buffer) => {
    const encoded = headed(answer, format.contentType, body);
    if (format.linksNext && cursor !== null) encoded.headers.Link = `<${pageAt(cursor)}>; rel="next"`;
    return encoded;
  };
  const body = gather(parts(), format.end);
  return typeof body === "string" ? linked(finished(body, format, pretty)) : body.then(linked);
}

function encodeStream(answer: Head & Stream, { format, showing }: Style): Promise<Encoded> {
  const { list, contentType, end } = format;
  if (!list) throw notAcceptable(format.name, SPEAKING);
  return chunked(answer, contentType, async function* parts(signal) {
    yield* streamParts(answer, list, showing, signal);
    if (end !== "") yield end;
  });
}

function encodeTable(answer: Head & Table, { format, showing }: Style): Promise<Encoded> {
  const { table, contentType, end } = format;
  if (!table) throw notAcceptable(format.name, SPEAKING);
  return chunked(answer, contentType, async function* parts(signal) {
    yield* tableParts(answer, table, showing, signal);
    if (end !== "") yield end;
  });
}

/** Its parts go out as they come. Its status is told before its end is known. */
function encodeReport(answer: Head & Report, { format, showing }: Style): Promise<Encoded> {
  const { report, contentType } = format;
  if (!report) throw notAcceptable(format.name, SPEAKING);
  return chunked(answer, contentType, async function* parts() {
    yield* report(answer, showing);
  });
}

async function chunked(answer: Head, type: string, parts: Flow["parts"]): Promise<Encoded> {
  const chunks = await createChunks(parts);
  return { ...headed(answer, type, ""), chunks };
}

/** Every 401 needs a challenge (RFC 9110, section 15.5.2). A refusal that knows the fault sends its own. */
const CHALLENGE = { "WWW-Authenticate": 'Bearer realm="cardfile"' };

/** A refusal, in the same shape for every way in. */
export function encodeProblem(problem: Problem, format: Speaking, requestId: string): Encoded {
  const challenge = problem.status === 401 ? CHALLENGE : {};
  const headers = { "Content-Type": format.contentType, ...challenge, ...problem.headers };
  return { status: problem.status, headers, body: format.problem(problem, requestId) + format.end };
}
