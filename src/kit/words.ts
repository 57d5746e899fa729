/** `a contact`, `an activity`. */
export function oneOf(noun: string): string {
  return `${/^[aeiou]/.test(noun) ? "an" : "a"} ${noun}`;
}

/** `1 deal`, `3 deals`. */
export function counted(count: number, { name, plural }: { name: string; plural: string }): string {
  return `${count} ${count === 1 ? name : plural}`;
}

/** True when the text holds a letter or a digit. Search ignores everything else. */
export const isSearchable = (text: string): boolean => /[\p{L}\p{N}]/u.test(text);

/** Turns a message into a sentence with a capital and a full stop, for pages. */
export const sentence = (text: string) => `${text.charAt(0).toUpperCase()}${text.slice(1)}.`;
