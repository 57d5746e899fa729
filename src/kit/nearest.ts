/** The candidates that `word` may misspell, nearest first, for "did you mean". */
export function nearest(word: string, candidates: Iterable<string>, most = 3): string[] {
  const wanted = word.toLowerCase().slice(0, 64);
  const reach = Math.max(1, Math.floor(wanted.length / 3));
  const found: { candidate: string; far: number }[] = [];
  for (const candidate of candidates) {
    const begins = wanted.length > 2 && candidate.startsWith(wanted);
    const far = begins ? candidate.length - wanted.length : distance(wanted, candidate.toLowerCase(), reach);
    if (begins || far <= reach) found.push({ candidate, far });
  }
  return found
    .sort((a, b) => a.far - b.far)
    .slice(0, most)
    .map(({ candidate }) => candidate);
}

/** Optimal string alignment distance: insertions, deletions, substitutions and swaps of neighbours (Damerau 1964). */
function distance(a: string, b: string, reach: number): number {
  if (!isWithin(a, b, reach)) return Number.POSITIVE_INFINITY;
  let before: number[] = [];
  let above = Array.from({ length: b.length + 1 }, (_, j) => j);
  for (let i = 1; i <= a.length; i++) {
    const row = [i];
    for (let j = 1; j <= b.length; j++) {
      const same = a[i - 1] === b[j - 1];
      row[j] = Math.min(above[j]! + 1, row[j - 1]! + 1, above[j - 1]! + (same ? 0 : 1));
      if (i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1]) row[j] = Math.min(row[j]!, before[j - 2]! + 1);
    }
    [before, above] = [above, row];
  }
  return above[b.length]!;
}

const counts = new Int32Array(128);

/** False where one of them has so many letters which the other lacks that they are further apart. There may be thousands of candidates. */
function isWithin(a: string, b: string, reach: number): boolean {
  if (Math.abs(a.length - b.length) > reach) return false;
  counts.fill(0);
  for (let i = 0; i < a.length; i++) counts[a.charCodeAt(i) & 127]! += 1;
  let lacking = 0;
  for (let i = 0; i < b.length; i++) {
    const left = counts[b.charCodeAt(i) & 127]!--;
    if (left <= 0) lacking += 1;
  }
  return lacking <= reach;
}
