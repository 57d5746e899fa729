/**
 * Canonical text. Texts that look alike must be equal in every comparison, key and index. So all input is normalized to NFC (UAX
 * #15) when it is read; search terms are folded further.
 */

/** Characters below U+0300 are never changed by NFC. Most texts hold nothing else. */
const MAY_CHANGE = /[^\0-\u02ff]/;

export const composed = (text: string): string => (MAY_CHANGE.test(text) ? text.normalize("NFC") : text);

/** The form that search compares. NFKC maps full-width and other variants to the plain character. */
export const compatible = (text: string): string => (MAY_CHANGE.test(text) ? text.normalize("NFKC") : text);

type Members = Record<string, unknown>;

/**
 * Normalizes every text and key of a JSON value, in place. This is a loop, because deeply nested JSON would exhaust the stack.
 * When two keys become equal, the last one wins, as in JSON.parse.
 */
export function composedJson(value: unknown): unknown {
  const whole = { value };
  const open: object[] = [whole];
  for (let at = open.pop(); at; at = open.pop()) {
    for (const [key, member] of Object.entries(at)) {
      if (typeof member === "string") setMember(at as Members, key, composed(member));
      else if (typeof member === "object" && member !== null) open.push(member);
    }
    if (!Array.isArray(at)) composeKeys(at as Members);
  }
  return whole.value;
}

/** Uses defineProperty, because assigning `__proto__` would set the prototype. */
function setMember(members: Members, key: string, value: unknown): void {
  if (members[key] !== value)
    Object.defineProperty(members, key, { value, writable: true, enumerable: true, configurable: true });
}

function composeKeys(members: Members): void {
  const entries = Object.entries(members);
  if (entries.every(([key]) => composed(key) === key)) return;
  for (const [key] of entries) delete members[key];
  for (const [key, value] of entries) setMember(members, composed(key), value);
}

/** White space, and invisible characters that only allow or forbid a line break. */
const BLANKS = /[\s\u0085\u180e\u200b\u2060]+/g;

/** Matches most names: ASCII with single spaces only. */
const PLAIN = /^(?:[!-~]| (?! ))*$/;

/** A name as it is compared: normalized, trimmed, with one space between words. */
export const collapsed = (text: string): string => collapsedWithin(text).trim();

/** The same for a part of a name. A space at its end is kept, because it separates words. */
export const collapsedWithin = (text: string): string => (PLAIN.test(text) ? text : composed(text).replace(BLANKS, " "));

const INVISIBLE = /^[\s\p{Cc}\p{Cf}\p{Default_Ignorable_Code_Point}\u2800]*$/u;

/** True when a reader sees anything of the text. */
export const isVisible = (text: string): boolean => !INVISIBLE.test(text);
