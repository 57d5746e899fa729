export type Escape = (text: string) => string;

/** What is longer goes through the table. */
const LONG = 2_000;

/** How the table says that a character stands as it is, and that it is written `\uXXXX`; any other is written as a `\` before this one. */
const PLAIN = 0;
const BY_NUMBER = 1;

const BACKSLASH = 0x5c;
const LETTER_U = 0x75;
const HEX = new Uint8Array(Buffer.from("0123456789abcdef"));
/** Of the units that one unit becomes. */
const MOST = 6;

const beyondLatin1 = /[^\0-\xff]/;

/**
 * Escapes the characters of a class of regular expressions, each as `escapeOf` writes it: `\uXXXX` for each of its units, or a `\` and one
 * letter. Long texts go through a table: an expression calls back for every character, and a megabyte of them would hold up everybody for a
 * third of a second.
 */
export function createEscape(characters: string, escapeOf: (character: string) => string): Escape {
  const all = new RegExp(`[${characters}]`, "gu");
  const one = new RegExp(`^[${characters}]$`, "u");
  const table = new Uint8Array(0x11_0000);
  /** Which 256 code points of the table have been filled. */
  const known = new Uint8Array(0x1100);

  function learn(block: number): void {
    for (let codePoint = block << 8; codePoint < (block + 1) << 8; codePoint++) {
      const character = String.fromCodePoint(codePoint);
      if (!one.test(character)) continue;
      const written = escapeOf(character);
      if (written !== character) table[codePoint] = written.length === 2 ? written.charCodeAt(1) : BY_NUMBER;
    }
    known[block] = 1;
  }

  /** A text of Latin-1, which takes a third of the time. */
  function narrow(text: string): string {
    if (known[0] === 0) learn(0);
    const from = Buffer.from(text, "latin1");
    const to = Buffer.allocUnsafeSlow(from.length * MOST);
    let at = 0;
    for (let i = 0; i < from.length; i++) {
      const unit = from[i]!;
      const way = table[unit]!;
      if (way === PLAIN) {
        to[at++] = unit;
        continue;
      }
      to[at++] = BACKSLASH;
      if (way !== BY_NUMBER) {
        to[at++] = way;
        continue;
      }
      to[at++] = LETTER_U;
      to[at++] = HEX[0]!;
      to[at++] = HEX[0]!;
      to[at++] = HEX[unit >> 4]!;
      to[at++] = HEX[unit & 15]!;
    }
    return to.toString("latin1", 0, at);
  }

  function wide(text: string): string {
    const bytes = Buffer.allocUnsafeSlow(text.length * MOST * 2);
    const to = new Uint16Array(bytes.buffer, 0, text.length * MOST);
    let at = 0;
    for (let i = 0; i < text.length; i++) {
      const unit = text.charCodeAt(i);
      const codePoint = (unit & 0xfc00) === 0xd800 ? text.codePointAt(i)! : unit;
      if (known[codePoint >> 8] === 0) learn(codePoint >> 8);
      const way = table[codePoint]!;
      if (way === PLAIN) {
        to[at++] = unit;
        if (codePoint > 0xffff) to[at++] = text.charCodeAt(++i);
        continue;
      }
      to[at++] = BACKSLASH;
      if (way !== BY_NUMBER) {
        to[at++] = way;
        continue;
      }
      at = number(to, at, unit);
      if (codePoint > 0xffff) {
        to[at++] = BACKSLASH;
        at = number(to, at, text.charCodeAt(++i));
      }
    }
    return bytes.toString("utf16le", 0, at * 2);
  }

  function escapeLong(text: string): string {
    return beyondLatin1.test(text) ? wide(text) : narrow(text);
  }

  return (text) => (text.length < LONG ? text.replace(all, escapeOf) : escapeLong(text));
}

function number(to: Uint16Array, at: number, unit: number): number {
  to[at] = LETTER_U;
  to[at + 1] = HEX[unit >> 12]!;
  to[at + 2] = HEX[(unit >> 8) & 15]!;
  to[at + 3] = HEX[(unit >> 4) & 15]!;
  to[at + 4] = HEX[unit & 15]!;
  return at + 5;
}
