/**
 * Cards of vCard 2.1, 3.0 (RFC 2426) and 4.0 (RFC 6350). A broken card is refused alone: the next `BEGIN:VCARD` begins anew.
 * Pictures and other binary values are passed over while they are read, so that they take no memory.
 */
import { echo } from "../../kit/line.ts";
import { Problem } from "../../kit/problem.ts";
import type { Gathered } from "./gather.ts";
import { createLines, type Line } from "./lines.ts";
import { isSuspect, MAX_ROW, type Refused, tooLong, unstorable } from "./row.ts";
import type { Machine } from "./stream.ts";
import { fieldsOfCard } from "./vcardFields.ts";
import { decodeQuotedPrintable, isQuotedPrintable, type Property, readProperty } from "./vcardProperty.ts";

/** `row` is the line of `BEGIN:VCARD`; `skipped` names the properties that have no field here, as `PHOTO`. */
export type CardRow = { row: number; fields: Gathered; uid?: string; skipped: string[] } | Refused;

/** An open card. `text` is the property that begins on `line` and may still be continued; `size` is what the card holds. */
type Open = {
  row: number;
  properties: Property[];
  skipped: Set<string>;
  problem?: Problem;
  text: string;
  line: number;
  isQuoted: boolean;
  isSoft: boolean;
  size: number;
};

const BEGIN = /^BEGIN\s*:\s*VCARD\s*$/i;
const END = /^END\s*:\s*VCARD\s*$/i;
const VERSION_2 = /^VERSION:\s*2\.1/i;
/** The beginning of a binary value, sought within the first characters of a line only. What a parameter has in quotes says nothing of it. */
const BINARY =
  /^(?:[\w-]+\.)?(?:(PHOTO|LOGO|SOUND|KEY|X-MS-CARDPICTURE)[;:]|([\w-]+);(?:(?:"[^"]*"|[^":])*;)?(?:ENCODING=)?(?:b|base64)[;:])/i;
const QUOTED_PRINTABLE = /^(?:"[^"]*"|[^":])*;(?:ENCODING=)?QUOTED-PRINTABLE[;:]/i;
const HEAD = 300;
const MOST_PROPERTIES = 2_000;

export function createVcardReader(): Machine<string, CardRow> {
  const lines = createLines();
  let card: Open | undefined;
  let skips: "" | "binary" | "agent" = "";
  let isVersion2 = false;
  let lost = false; // within text that stands in no card, of which the first line is refused

  const read = (some: readonly Line[]) => some.flatMap(readLine);

  function readLine(line: Line): CardRow[] {
    if (BEGIN.test(line.text)) return begin(line.row);
    if (!card) return outside(line);
    if (END.test(line.text)) return end();
    if (skips !== "agent") addLine(card, line);
    return [];
  }

  function begin(row: number): CardRow[] {
    const open = card;
    if (open && isAgent(open)) {
      // The card of an agent within a card: its END is not the outer one's.
      open.skipped.add("AGENT");
      open.text = "";
      skips = "agent";
      return [];
    }
    lost = false;
    skips = "";
    isVersion2 = false;
    card = { row, properties: [], skipped: new Set(), text: "", line: row, isQuoted: false, isSoft: false, size: 0 };
    return open ? [{ row: open.row, problem: open.problem ?? neverEnds() }] : [];
  }

  function outside({ row, text }: Line): CardRow[] {
    if (lost || text.trim() === "") return [];
    lost = true;
    const problem = new Problem("bad_request", `this stands in no card: ${echo(text)}`, "a card is BEGIN:VCARD … END:VCARD");
    return [{ row, problem }];
  }

  function end(): CardRow[] {
    if (skips === "agent") {
      skips = "";
      return [];
    }
    const { row, ...open } = card!;
    endProperty(card!);
    const problem = card!.problem;
    card = undefined;
    if (problem) return [{ row, problem }];
    const { fields, uid, skipped, refused } = fieldsOfCard(open.properties);
    if (refused) return [{ row, problem: refused }];
    const names = [...new Set([...open.skipped, ...skipped])];
    return [{ row, fields, ...(uid !== undefined && { uid }), skipped: names }];
  }

  function addLine(open: Open, { row, text, cut, suspect }: Line): void {
    if (open.problem) return;
    const isContinued = text.startsWith(" ") || text.startsWith("\t");
    // Old phones do not indent the lines of a picture.
    if (skips === "binary" && (isContinued || /^[\w+/=]*$/.test(text))) return;
    if (open.isSoft) append(open, text);
    // In vCard 2.1 the white space that begins a continued line is a part of the value.
    else if (isContinued && open.text !== "") append(open, isVersion2 ? text : text.slice(1));
    else startProperty(open, row, text);
    if (skips === "binary") return;
    open.size += text.length;
    if (cut || open.size > MAX_ROW || open.properties.length > MOST_PROPERTIES) refuse(open, tooLong("the card"));
    else if (suspect) refuse(open, unstorable(text));
  }

  function startProperty(open: Open, row: number, text: string): void {
    endProperty(open);
    skips = "";
    if (VERSION_2.test(text)) isVersion2 = true;
    const [, picture, other] = BINARY.exec(text.slice(0, HEAD)) ?? [];
    const binary = picture ?? other;
    if (binary !== undefined) {
      skips = "binary";
      open.skipped.add(binary.toUpperCase());
    } else if (text.trim() !== "") {
      open.line = row;
      open.isQuoted = QUOTED_PRINTABLE.test(text.slice(0, HEAD));
      append(open, text);
    }
  }

  /** In quoted-printable a `=` at the end of a line says that the value goes on. */
  function append(open: Open, text: string): void {
    open.isSoft = open.isQuoted && text.endsWith("=");
    open.text += open.isSoft ? text.slice(0, -1) : text;
  }

  function endProperty(open: Open): void {
    const { text, line } = open;
    open.text = "";
    open.isSoft = false;
    if (text === "" || open.problem) return;
    const property = readProperty(text);
    const charset = property?.params.get("CHARSET")?.[0];
    const value = property && decoded(property, charset);
    if (!property) refuse(open, new Problem("bad_request", `line ${line} is no property of a card: ${echo(text)}`));
    else if (value === undefined)
      refuse(open, new Problem("bad_request", `line ${line} is in an unknown encoding: ${echo(charset!)}`));
    else if (isSuspect(value) && unstorable(value)) refuse(open, unstorable(value));
    else open.properties.push({ ...property, value });
  }

  /** The first reason stands, and nothing more of the card is kept. */
  function refuse(open: Open, problem: Problem | undefined): void {
    if (!problem) return;
    open.problem = problem;
    open.properties = [];
    open.text = "";
  }

  return {
    push: (piece) => read(lines.push(piece)),
    end: () => [...read(lines.end()), ...(card ? [{ row: card.row, problem: card.problem ?? neverEnds() }] : [])],
  };
}

const isAgent = (open: Open) => /^(?:[\w-]+\.)?AGENT[^:]*:\s*$/i.test(open.text);
const neverEnds = () => new Problem("bad_request", "the card has no END:VCARD");

const decoded = (property: Property, charset: string | undefined) =>
  isQuotedPrintable(property) ? decodeQuotedPrintable(property.value, charset) : property.value;
