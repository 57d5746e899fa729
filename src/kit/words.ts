/** `a contact`, `an activity`. */
export function oneOf(noun: string): string {
  return `${/^[aeiou]/.test(noun) ? "an" : "a"} ${noun}`;
}

/** `1 deal`, `3 deals`. */
export function counted(count: number, { name, plural }: { name: string; plural: string }): string {
  return `${count} ${count === 1 ? name : plural}`;
}

/** Whether there is a letter or a digit in a text, as in all that a search can look for. */
export const isSearchable = (text: string): boolean => /[\p{L}\p{N}]/u.test(text);

/** What a refusal says in passing, as a person reads it on a page. */
export const sentence = (text: string) => `${text.charAt(0).toUpperCase()}${text.slice(1)}.`;
