import type { Step } from "../fields/stepReading.ts";
import { allSteps, type Next } from "../fields/steps.ts";
import { oneLine } from "../kit/line.ts";

/** Pages of text for who makes a call. What a caller stored may hide or move a cursor: such characters are left out. */

/** A script as a tree: what is said and asked, and under each answer what comes of it. The numbers are those of its lines. */
export function scriptPage(name: string, steps: readonly Step[]): string {
  const numbers = new Map(allSteps(steps).map(({ id }, i) => [id, i + 1]));
  return page(name, treeOf(steps, "", undefined, numbers));
}

/** `after`: the step that follows by itself behind the last of these. */
function treeOf(
  steps: readonly Step[],
  indent: string,
  after: string | undefined,
  numbers: ReadonlyMap<string, number>,
): string[] {
  const lead = (to: string | undefined) => (to === undefined ? "-> end of the call" : `-> ${numbers.get(to)} (${to})`);
  return steps.flatMap((step, i) => {
    const { id, type, text, options = [], branches = [], to } = step;
    const behind = steps[i + 1]?.id ?? after;
    const inner = `${indent}      `;
    const ways = options.flatMap((option) => {
      const branch = branches.find(({ label }) => label === option);
      const label = `${inner}[${oneLine(option)}]`;
      if (branch?.steps)
        return [label, ...treeOf(branch.steps, `${inner}  `, branch.next === undefined ? to : undefined, numbers)];
      const on = branch ? branch.to : to;
      return [on === behind && on !== undefined ? label : `${label} ${lead(on)}`];
    });
    const onward = options.length === 0 && (to !== behind || to === undefined) ? [`${inner}${lead(to)}`] : [];
    return [
      ...told(`${indent}${`${numbers.get(id)}.`.padEnd(4)}${type === "instruction" ? "SAY " : "ASK "}`, text),
      ...ways,
      ...onward,
    ];
  });
}

/** What was asked and answered on one call, and what comes next. */
export function walkPage(
  name: string,
  steps: readonly Step[],
  answers: Readonly<Record<string, unknown>>,
  path: readonly string[],
  next: Next,
): string {
  const known = new Map(allSteps(steps).map((step) => [step.id, step]));
  const lines: string[] = [];
  let at = steps[0]?.id;
  for (const id of path) {
    at = said(at);
    if (at !== id) break;
    const { text, to, branches = [] } = known.get(id)!;
    lines.push(...told("ASK ", text), ...told("  > ", String(answers[id] ?? "")));
    const branch = branches.find(({ label }) => label === answers[id]);
    at = branch ? branch.to : to;
  }
  for (const text of next.read) lines.push(...told("SAY ", text));
  if (next.text === undefined) lines.push("", "The call is at its end.");
  else
    lines.push(
      "",
      ...told("NEXT: ", next.text),
      ...(next.options ? [`      [${next.options.map((each) => oneLine(each)).join("] [")}]`] : []),
    );
  return page(name, lines);

  /** Instructions up to the next step that is answered. */
  function said(from: string | undefined): string | undefined {
    for (let id = from; id !== undefined; ) {
      const step = known.get(id);
      if (step?.type !== "instruction") return id;
      lines.push(...told("SAY ", step.text));
      id = step.to;
    }
    return undefined;
  }
}

/** A text of several lines stays under its first. */
function told(head: string, text: string): string[] {
  const [first = "", ...rest] = text.split(/\r\n|[\n\r\u2028\u2029]/).map((line) => oneLine(line));
  return [`${head}${first}`, ...rest.filter((line) => line !== "").map((line) => `${" ".repeat(head.length)}${line}`)];
}

function page(name: string, lines: readonly string[]): string {
  const title = oneLine(name);
  return `${title}\n${"=".repeat(Math.min([...title].length, 76))}\n\n${lines.join("\n")}\n`;
}
