/**
 * Bytes to text. A byte order mark decides. Without one a file is UTF-8, unless its first 64 KiB from the first byte that is
 * not ASCII on speak against it: then it is windows-1252. Plain ASCII before that is the same in both.
 */
import { isAscii, isUtf8 } from "node:buffer";
import { BAD_BYTE } from "./row.ts";
import type { Machine } from "./stream.ts";

export type Encoding = "utf-8" | "utf-16le" | "utf-16be" | "windows-1252";

/** How a file was read. It is final when the file has ended. */
export type Decoding = {
  encoding: Encoding;
  /** A byte order mark decided; it is no part of the text. */
  marked: boolean;
  /**
   * What speaks against the decision: in UTF-8 and UTF-16 bytes of no character, each a lone surrogate in the text;
   * in windows-1252 pairs of bytes that look like UTF-8.
   */
  contrary: number;
};

export type Decoder = Machine<Uint8Array, string> & { decoding: Decoding };

const WINDOW = 65_536;
const MARKS: readonly [Encoding, readonly number[]][] = [
  ["utf-8", [0xef, 0xbb, 0xbf]],
  ["utf-16le", [0xff, 0xfe]],
  ["utf-16be", [0xfe, 0xff]],
];

type Step = (bytes: Buffer, last: boolean) => { text: string; rest: Buffer };

const NOTHING = Buffer.alloc(0);

export function createDecoder(): Decoder {
  const decoding: Decoding = { encoding: "utf-8", marked: false, contrary: 0 };
  let step = findMark;
  let held = NOTHING;

  function run(piece: Uint8Array, last: boolean): string[] {
    const bytes = Buffer.from(piece.buffer, piece.byteOffset, piece.byteLength);
    const texts: string[] = [];
    let rest: Buffer = held.length === 0 ? bytes : Buffer.concat([held, bytes]);
    // A step that decides hands over to another one, which may take more of the same bytes.
    for (let before: Step | undefined; before !== step; ) {
      before = step;
      const done = step(rest, last);
      if (done.text !== "") texts.push(done.text);
      rest = done.rest;
    }
    // A copy: the caller may fill its buffer anew.
    held = rest.length === 0 ? NOTHING : Buffer.from(rest);
    return texts;
  }

  function findMark(bytes: Buffer, last: boolean): { text: string; rest: Buffer } {
    for (const [encoding, mark] of MARKS) {
      const seen = mark.slice(0, bytes.length);
      if (!seen.every((byte, i) => bytes[i] === byte)) continue;
      if (seen.length < mark.length) {
        if (!last) return { text: "", rest: bytes };
        continue;
      }
      decoding.encoding = encoding;
      decoding.marked = true;
      step = encoding === "utf-8" ? utf8(decoding) : utf16(decoding);
      return { text: "", rest: bytes.subarray(mark.length) };
    }
    step = findEncoding;
    return { text: "", rest: bytes };
  }

  function findEncoding(bytes: Buffer, last: boolean): { text: string; rest: Buffer } {
    const start = asciiLength(bytes);
    const text = bytes.toString("latin1", 0, start);
    const rest = bytes.subarray(start);
    if (rest.length === 0 || (rest.length < WINDOW && !last)) return { text, rest };
    const isWhole = last && rest.length <= WINDOW;
    decoding.encoding = looksLikeUtf8(rest.subarray(0, WINDOW), isWhole) ? "utf-8" : "windows-1252";
    step = decoding.encoding === "utf-8" ? utf8(decoding) : windows1252(decoding);
    return { text, rest };
  }

  return { decoding, push: (piece) => run(piece, false), end: () => run(NOTHING, true) };
}

function asciiLength(bytes: Buffer): number {
  if (isAscii(bytes)) return bytes.length;
  return bytes.findIndex((byte) => byte >= 0x80);
}

/** A majority: one byte gone wrong makes no file of another encoding, and text in windows-1252 hardly ever reads as UTF-8. */
function looksLikeUtf8(bytes: Buffer, isWhole: boolean): boolean {
  let good = 0;
  let bad = 0;
  for (let at = 0; at < bytes.length; ) {
    const length = sequenceLength(bytes, at);
    if (length === CUT_OFF && !isWhole) break;
    if (length < 1) bad++;
    else if (length > 1) good++;
    at += Math.max(length, 1);
  }
  return good > 0 && good >= bad;
}

const CUT_OFF = -1;

/** How many bytes the character has that begins here: 0 if it is none, `CUT_OFF` if its rest is missing (Unicode, table 3-7). */
function sequenceLength(bytes: Uint8Array, at: number): number {
  const first = bytes[at]!;
  if (first < 0x80) return 1;
  if (first < 0xc2 || first > 0xf4) return 0;
  const length = first < 0xe0 ? 2 : first < 0xf0 ? 3 : 4;
  for (let i = 1; i < length; i++) {
    const byte = bytes[at + i];
    if (byte === undefined) return CUT_OFF;
    if (byte < (i === 1 ? lowest(first) : 0x80) || byte > (i === 1 ? highest(first) : 0xbf)) return 0;
  }
  return length;
}

const lowest = (first: number) => (first === 0xe0 ? 0xa0 : first === 0xf0 ? 0x90 : 0x80);
const highest = (first: number) => (first === 0xed ? 0x9f : first === 0xf4 ? 0x8f : 0xbf);

function utf8(decoding: Decoding): Step {
  return (bytes, last) => {
    const end = last ? bytes.length : wholeLength(bytes);
    const whole = bytes.subarray(0, end);
    const rest = bytes.subarray(end);
    return { text: isUtf8(whole) ? whole.toString() : decodeBroken(whole, decoding), rest };
  };
}

/** The length without a last character whose rest is yet to come. */
function wholeLength(bytes: Buffer): number {
  for (let at = bytes.length - 1; at >= Math.max(0, bytes.length - 3); at--) {
    if (bytes[at]! >= 0xc0) return sequenceLength(bytes, at) === CUT_OFF ? at : bytes.length;
  }
  return bytes.length;
}

function decodeBroken(bytes: Buffer, decoding: Decoding): string {
  let text = "";
  let start = 0;
  for (let at = 0; at < bytes.length; ) {
    const length = sequenceLength(bytes, at);
    at += Math.max(length, 1);
    if (length > 0) continue;
    text += bytes.toString("utf8", start, at - 1) + String.fromCharCode(BAD_BYTE + bytes[at - 1]!);
    decoding.contrary++;
    start = at;
  }
  return text + bytes.toString("utf8", start);
}

function utf16(decoding: Decoding): Step {
  return (bytes, last) => {
    const end = bytes.length - (bytes.length % 2);
    const whole = bytes.subarray(0, end);
    const text = (decoding.encoding === "utf-16be" ? Buffer.from(whole).swap16() : whole).toString("utf16le");
    if (!last || end === bytes.length) return { text, rest: bytes.subarray(end) };
    decoding.contrary++;
    return { text: text + String.fromCharCode(BAD_BYTE + bytes[end]!), rest: NOTHING };
  };
}

function windows1252(decoding: Decoding): Step {
  let before = "";
  return (bytes) => {
    const text = bytes.toString("latin1");
    decoding.contrary += (before + text).match(/[\xc2-\xf4](?=[\x80-\xbf])/g)?.length ?? 0;
    before = text.slice(-1) || before;
    return { text: fromLatin1(text), rest: NOTHING };
  };
}

/** The characters 0x80 to 0x9F; as in browsers, five unused ones stay control characters (encoding.spec.whatwg.org). */
const C1 = "€\x81‚ƒ„…†‡ˆ‰Š‹Œ\x8dŽ\x8f\x90‘’“”•–—˜™š›œ\x9džŸ";

/** Bytes read as Latin-1, as windows-1252. Some versions of Node take TextDecoder's windows-1252 for Latin-1. */
export function fromLatin1(text: string): string {
  return text.replace(/[\x80-\x9f]/g, (character) => C1[character.charCodeAt(0) - 0x80]!);
}
