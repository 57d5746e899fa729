import { isUtf8 } from "node:buffer";
import { fromLatin1 } from "./encoding.ts";

/** `item1.TEL;TYPE=CELL,VOICE;PREF=1:+49 151` as its parts. Names are upper case, a value is still escaped. */
export type Property = { group: string; name: string; params: ReadonlyMap<string, string[]>; value: string };

const NAME = /^(?:([\w-]+)\.)?([\w-]+)(?=[;:])/;

/** vCard 2.1 names some parameters by their value alone. */
const BARE: { readonly [value: string]: string } = {
  "QUOTED-PRINTABLE": "ENCODING",
  BASE64: "ENCODING",
  "8BIT": "ENCODING",
  "7BIT": "ENCODING",
};

/** The parts of an unfolded line. Undefined when it is no property. */
export function readProperty(line: string): Property | undefined {
  const [head, group = "", name] = NAME.exec(line) ?? [];
  if (head === undefined || name === undefined) return undefined;
  const params = new Map<string, string[]>();
  let at = head.length;
  while (line[at] === ";") {
    const end = paramEnd(line, at + 1);
    if (end < 0) return undefined;
    addParam(params, line.slice(at + 1, end));
    at = end;
  }
  return { group: group.toLowerCase(), name: name.toUpperCase(), params, value: line.slice(at + 1) };
}

/** The next `;` or `:` outside quotes, -1 when there is none. */
function paramEnd(line: string, start: number): number {
  let quoted = false;
  for (let at = start; at < line.length; at++) {
    if (line[at] === '"') quoted = !quoted;
    else if (!quoted && (line[at] === ";" || line[at] === ":")) return at;
  }
  return -1;
}

function addParam(params: Map<string, string[]>, written: string): void {
  const equals = written.indexOf("=");
  const bare = written.trim().toUpperCase();
  const name = equals < 0 ? (BARE[bare] ?? "TYPE") : written.slice(0, equals).trim().toUpperCase();
  const values = (equals < 0 ? bare : written.slice(equals + 1)).replaceAll('"', "").split(",");
  params.set(name, [...(params.get(name) ?? []), ...values.map((value) => value.trim())]);
}

export const isQuotedPrintable = ({ params }: Property): boolean => has(params, "ENCODING", "QUOTED-PRINTABLE");

export function has(params: Property["params"], name: string, value: string): boolean {
  return params.get(name)?.some((one) => one.toUpperCase() === value) ?? false;
}

/** A quoted-printable value (RFC 2045) in its own encoding; UTF-8 or windows-1252 when none is named. Undefined: not readable. */
export function decodeQuotedPrintable(value: string, charset: string | undefined): string | undefined {
  let readable = true;
  // What is no ASCII was never encoded, but the file's own text.
  const text = value.replace(/[\0-\x7f]+/g, (ascii) => {
    const bytes = ascii.replace(/=([0-9a-f]{2})/gi, (_, hex: string) => String.fromCharCode(Number.parseInt(hex, 16)));
    const decoded = decodeBytes(Buffer.from(bytes, "latin1"), charset);
    readable &&= decoded !== undefined;
    return decoded ?? "";
  });
  return readable ? text : undefined;
}

function decodeBytes(bytes: Buffer, charset = "utf-8"): string | undefined {
  if (/^(?:utf-?8|us-ascii)$/i.test(charset)) return isUtf8(bytes) ? bytes.toString() : fromLatin1(bytes.toString("latin1"));
  if (/^(?:iso-8859-1|latin-?1|windows-1252|cp1252)$/i.test(charset)) return fromLatin1(bytes.toString("latin1"));
  try {
    return new TextDecoder(charset, { fatal: true }).decode(bytes);
  } catch (error) {
    if (error instanceof RangeError || error instanceof TypeError) return undefined;
    throw error;
  }
}
