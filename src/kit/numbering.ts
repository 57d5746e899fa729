/** How documents are numbered: `RE-{year}-{number:4}` makes `RE-2026-0001`. */
const NUMBER = /\{number(?::(\d))?\}/;

/** Digits of a number whose pattern does not say. */
const USUAL_WIDTH = 4;

/** Whether a text is such a pattern: one place for the number, and no other braces than those of the year. */
export function isNumbering(pattern: string): boolean {
  const rest = pattern.replace(NUMBER, "");
  return rest !== pattern && !/[{}]/.test(rest.replaceAll("{year}", ""));
}

/** The series that a document of this year is counted in: where the pattern names the year, each has its own. */
export function seriesOf(
  pattern: string,
  series: string | null,
  year: string,
): { name: string; numbered: (n: string) => string } {
  const dated = `${series === null ? "" : `${series}-`}${pattern.replaceAll("{year}", year)}`;
  return {
    name: dated.replace(NUMBER, "#"),
    numbered: (n) => dated.replace(NUMBER, (_, width?: string) => n.padStart(Number(width ?? USUAL_WIDTH), "0")),
  };
}
