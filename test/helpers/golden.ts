import assert from "node:assert/strict";
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { relative } from "node:path";

/** Set to rewrite the golden files with what happens now; a look at the difference in git is then the test. */
const UPDATE = (process.env["UPDATE"] ?? "") !== "";

const fileOf = (name: string) => new URL(`../golden/${name}`, import.meta.url);

export function readGolden(name: string): string {
  return existsSync(fileOf(name)) ? readFileSync(fileOf(name), "utf8") : "";
}

/** Compares byte for byte. */
export function assertGolden(name: string, actual: string): void {
  if (UPDATE && actual !== readGolden(name)) writeFileSync(fileOf(name), actual);
  if (actual === readGolden(name)) return;
  // assert.equal leaves most of a long text out of its difference.
  const test = relative("", process.argv[1] ?? "");
  const how = `if it is meant to: UPDATE=1 npx tsx test/run.ts ${test}, then read the difference in git`;
  assert.fail(`test/golden/${name} differs; ${how}\n${differenceOf(readGolden(name), actual)}`);
}

/** The lines that went (-) and came (+), in the order of a longest common subsequence. */
export function differenceOf(before: string, after: string): string {
  const [a, b] = unequal(before.split("\n"), after.split("\n"));
  // common[i][j]: how many lines a from i and b from j have in common.
  const common = Array.from({ length: a.length + 1 }, () => new Array<number>(b.length + 1).fill(0));
  for (let i = a.length - 1; i >= 0; i--)
    for (let j = b.length - 1; j >= 0; j--)
      common[i]![j] = a[i] === b[j] ? common[i + 1]![j + 1]! + 1 : Math.max(common[i + 1]![j]!, common[i]![j + 1]!);
  const lines: string[] = [];
  for (let i = 0, j = 0; i < a.length || j < b.length; ) {
    if (i < a.length && j < b.length && a[i] === b[j]) {
      i++;
      j++;
    } else if (i < a.length && (j === b.length || common[i + 1]![j]! >= common[i]![j + 1]!)) lines.push(`-${a[i++]}`);
    else lines.push(`+${b[j++]}`);
  }
  return lines.join("\n");
}

/** Without the lines they begin and end with alike: a table of all pairs of lines is too large for the whole of a long file. */
function unequal(a: string[], b: string[]): [string[], string[]] {
  const least = Math.min(a.length, b.length);
  let head = 0;
  while (head < least && a[head] === b[head]) head++;
  let tail = 0;
  while (tail < least - head && a.at(-1 - tail) === b.at(-1 - tail)) tail++;
  return [a.slice(head, a.length - tail), b.slice(head, b.length - tail)];
}
