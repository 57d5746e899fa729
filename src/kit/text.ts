/**
 * The one form of a text. Two texts that a reader cannot tell apart must be one to every comparison, key and index, so all that callers send is
 * brought into Unicode's composed form (NFC, UAX #15) when it is read, and what is searched by is folded further.
 */

/** Below U+0300 nothing is composed of others, and most text is there. */
const MAY_CHANGE = /[^\0-\u02ff]/;

export const composed = (text: string): string => (MAY_CHANGE.test(text) ? text.normalize("NFC") : text);

/** What a search compares: full-width and other variants of a character as the character itself (NFKC). */
export const compatible = (text: string): string => (MAY_CHANGE.test(text) ? text.normalize("NFKC") : text);

type Members = Record<string, unknown>;

/**
 * A value of JSON with every text and key in it composed; changed in place. A loop and not a recursion: JSON can be nested more deeply than a
 * stack is. The last of two keys that are one now is kept, as of two equal ones.
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

/** Not by assignment, which would take `__proto__` for the prototype. */
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

/** White space, and what stands for nothing but a place where a line may break. */
const BLANKS = /[\s\u0085\u180e\u200b\u2060]+/g;

/** Most names: ASCII without a blank but single spaces. */
const PLAIN = /^(?:[!-~]| (?! ))*$/;

/** As a name is compared: composed, without blanks around it and with one between words. */
export const collapsed = (text: string): string => collapsedWithin(text).trim();

/** The same for a part of a name, where a blank at its end is that of a word. */
export const collapsedWithin = (text: string): string => (PLAIN.test(text) ? text : composed(text).replace(BLANKS, " "));

const INVISIBLE = /^[\s\p{Cc}\p{Cf}\p{Default_Ignorable_Code_Point}\u2800]*$/u;

/** Whether a reader sees anything of it. */
export const isVisible = (text: string): boolean => !INVISIBLE.test(text);
