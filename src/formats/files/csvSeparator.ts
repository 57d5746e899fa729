import { createCsvScanner } from "./csvScan.ts";

const SEPARATORS = [",", ";", "\t", "|"];
const MOST_ROWS = 50;

/** The line with which Excel is told the separator: `sep=;`. */
const DECLARED = /^(?:sep=([^\r\n"])|"sep=([^\r\n"])")(?:\r\n?|\n|$)/i;

export type Separator = { separator: string; declared: boolean };

/**
 * The separator of a file by its first characters: the one that a first line declares; else the one whose cells hold the
 * most known names in a row; else the one that most rows have equally often, and most often.
 */
export function findSeparator(sample: string, isWhole: boolean, isKnown: (name: string) => boolean): Separator {
  const [, bare, quoted] = DECLARED.exec(sample) ?? [];
  if (bare ?? quoted) return { separator: (bare ?? quoted)!, declared: true };
  const tries = SEPARATORS.map((separator) => ({ separator, ...tryOut(separator, sample, isWhole, isKnown) }));
  const fits = (a: (typeof tries)[number], b: (typeof tries)[number]) =>
    a.known - b.known || a.alike - b.alike || a.width - b.width;
  return { separator: tries.reduce((best, one) => (fits(one, best) > 0 ? one : best)).separator, declared: false };
}

/** `alike` is the share of rows that have as many cells as most have, 0 where that is one. */
function tryOut(separator: string, sample: string, isWhole: boolean, isKnown: (name: string) => boolean) {
  const scanner = createCsvScanner(separator);
  const scanned = [...scanner.push(sample), ...(isWhole ? scanner.end() : [])].slice(0, MOST_ROWS);
  const counts = new Map<number, number>();
  let known = 0;
  for (const one of scanned) {
    const cells = "cells" in one ? one.cells : [];
    counts.set(cells.length, (counts.get(cells.length) ?? 0) + 1);
    if (cells.length > 1) known = Math.max(known, cells.filter(isKnown).length);
  }
  const [width, count] = [...counts].reduce((best, one) => (one[1] > best[1] ? one : best), [1, 0]);
  return { known, width, alike: width > 1 ? count / scanned.length : 0 };
}
