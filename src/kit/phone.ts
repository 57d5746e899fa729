import { compatible } from "./text.ts";

const LEAST_DIGITS = 6;

/** Converts a digit of any script to ASCII. The digits of a script follow each other in Unicode, from its zero on. */
function asciiDigit(digit: string): string {
  const code = digit.codePointAt(0)!;
  let value = 0;
  while (value < 9 && /\p{Nd}/u.test(String.fromCodePoint(code - value - 1))) value += 1;
  return String(value);
}

const withAsciiDigits = (text: string) =>
  /[^\0-\x7f]/.test(text)
    ? compatible(text).replace(/\p{Nd}/gu, (digit) => (digit < "\x80" ? digit : asciiDigit(digit)))
    : text;

const digitsIn = (text: string) => text.replace(/[^0-9]+/g, "");
const unprefixed = (digits: string) => digits.replace(/^0+/, "");

/** Matches characters that end a phone number. Separators such as spaces, dots and hyphens are excluded. */
const FOREIGN = /[^0-9+ ().\-/\u00a0-\u00bf\u2000-\u2027\u202a-\u206f\u2212]+/gu;
const BETWEEN_NUMBERS = /((?:[0-9][^0-9/\n]*){6})\/(?=(?:[^0-9/\n]*[0-9]){6})/g;
const ZERO_AFTER_COUNTRY = /^([^0-9+]*(?:\+|00)[^0-9]*[1-9][0-9]{0,2})[^0-9]+0+/;

/**
 * The digits of each phone number in a text, as search compares them. The SQL function crm_digits (sql/0015) computes the same
 * from stored text, so both must change together.
 *
 * Leading zeros and the undialled zero are dropped. When a zero after the country code may be dialled, both forms are given.
 */
export function phoneDigits(text: string): string[] {
  const plain = withAsciiDigits(text)
    .replace(/\( *0 *\)/g, "")
    .replace(FOREIGN, "\n")
    .replaceAll("+", "\n+")
    .replace(BETWEEN_NUMBERS, "$1\n");
  const found = plain.split("\n").flatMap((part) => {
    const digits = unprefixed(digitsIn(part));
    if (digits.length < LEAST_DIGITS) return [];
    return ZERO_AFTER_COUNTRY.test(part) ? [digits, unprefixed(digitsIn(part.replace(ZERO_AFTER_COUNTRY, "$1")))] : [digits];
  });
  const all = unprefixed(digitsIn(plain));
  return found.length < 2 && !found.includes(all) ? [...found, all] : found;
}

/** True when a text may be a phone number: it has no letters and enough digits. */
export const isPhone = (text: string): boolean =>
  /^[^\p{L}\p{M}@#]+$/u.test(text) && unprefixed(digitsIn(withAsciiDigits(text))).length >= LEAST_DIGITS;

/** Digits that no national number has: a number of so many begins with its country, written with `+` or not. */
const LEAST_INTERNATIONAL = 11;

/**
 * True when the number begins with its country: after `+` or `00`, also inside a parenthesis, or without them where it is too long for a
 * national one, as a `+` that an address did not escape leaves it.
 */
export function isInternational(text: string): boolean {
  const plain = withAsciiDigits(text);
  return (
    /^[^\p{L}0-9]*(?:\+|00)/u.test(plain) || (/^[^0-9]*[1-9]/.test(plain) && digitsIn(plain).length >= LEAST_INTERNATIONAL)
  );
}
