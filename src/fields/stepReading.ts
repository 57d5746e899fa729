import { echo } from "../kit/line.ts";
import { nearest } from "../kit/nearest.ts";
import { Fault } from "./fault.ts";
import { giveIds, isParts, readLabel, readOptions, readPartId, readParts, readText, readWord } from "./stepParts.ts";

/** The steps of a call, as they are kept: a tree in reading order, in which each step knows where it leads. */

export const STEP_TYPES = ["instruction", "question", "yesno", "select"] as const;
export type StepType = (typeof STEP_TYPES)[number];

export type Step = {
  id: string;
  type: StepType;
  text: string;
  options?: string[];
  branches?: Branch[];
  /** Where the writer sends the call: the id of a step, or `end`. */
  next?: string;
  /** Where it leads, which is worked out; the end where there is none. */
  to?: string;
};
export type Branch = { label: string; steps?: Step[]; next?: string; to?: string };

export const END = "end";

export const MOST_STEPS = 300;
const MOST_TEXT = 5_000;
const DEEPEST = 20;

const STEP_KEYS = ["id", "type", "text", "options", "branches", "next"];
const BRANCH_KEYS = ["label", "steps", "next"];
const SUCH_STEP = '{"type":"question","text":"What matters most to you?"}';

type Placed = Step & { place: string };

/** Reads the steps that somebody sent, and refuses by name what no call could follow. */
export function readSteps(value: unknown): Step[] {
  if (!Array.isArray(value)) throw new Fault(`they are a list of steps such as [${SUCH_STEP}]`);
  if (value.length === 0) throw new Fault(`there is no step: a script has at least one, such as ${SUCH_STEP}`);
  const all: Placed[] = [];
  const steps = readLevel(value, "step ", all, 1);
  giveIds(all, "s");
  lead(steps, undefined, new Map(all.map((step) => [step.id, step])));
  refuseUnreached(all);
  refuseEndless(all);
  for (const step of all) delete (step as Partial<Placed>).place;
  return steps;
}

function readLevel(values: readonly unknown[], before: string, all: Placed[], depth: number): Step[] {
  if (depth > DEEPEST)
    throw new Fault(`${before}1 stands ${depth} levels deep: ${DEEPEST} are the most; send its branch on by next`);
  return values.map((value, i) => {
    const place = `${before}${i + 1}`;
    if (all.length === MOST_STEPS) throw new Fault(`there are more than ${MOST_STEPS} steps`);
    return readStep(value, place, all, depth);
  });
}

function readStep(value: unknown, at: string, all: Placed[], depth: number): Step {
  const parts = readParts(value, at, STEP_KEYS, SUCH_STEP);
  const id = readPartId(parts.id, at);
  if (id === END) throw new Fault(`the id of ${at} cannot be ${END}: "next":"${END}" ends the call`);
  const place = id === undefined ? at : `${at} (${id})`;
  const type = readWord(parts.type, place, STEP_TYPES);
  const step: Placed = { id: id ?? "", place, type, text: readText(parts.text, place, "text", MOST_TEXT) };
  all.push(step);
  const next = readNext(parts.next, place);
  if (next !== undefined) step.next = next;
  const branches = asBranches(parts.branches, place);
  if (type === "instruction" || type === "question") {
    const instead = type === "question" ? "its answer is free text" : "nothing is answered to it";
    if (branches.length > 0)
      throw new Fault(`${place} is of the type ${type} and has branches: ${instead}; branch by yesno or select`);
    if (parts.options != null)
      throw new Fault(`${place} is of the type ${type} and has options: ${instead}; offer them by yesno or select`);
    return step;
  }
  const labels = branches.map((branch) => readLabel(branch.label, `a branch of ${place}`));
  step.options = optionsOf(type, parts.options, labels, place);
  for (const [i, branch] of branches.entries()) readBranch(branch, labels[i]!, step, all, depth);
  return step;
}

function readNext(value: unknown, place: string): string | undefined {
  if (value == null || value === "") return undefined;
  if (typeof value === "string") return readPartId(value, `the step that ${place} leads to`);
  throw new Fault(`next of ${place} is the id of a step, or "${END}"`);
}

/** A branch as it was sent, in whichever form: a list with labels, or an object by label whose members are steps, the id of one, or both. */
function asBranches(value: unknown, place: string): Record<string, unknown>[] {
  if (value == null) return [];
  const such = '[{"label":"Yes","steps":[…]},{"label":"No","next":"end"}]';
  if (Array.isArray(value))
    return value.map((each, i) => ({ ...readParts(each, `branch ${i + 1} of ${place}`, BRANCH_KEYS, such) }));
  if (!isParts(value)) throw new Fault(`the branches of ${place} are a list such as ${such}`);
  return Object.entries(value).map(([label, to]) => {
    if (Array.isArray(to)) return { label, steps: to };
    if (typeof to === "string") return { label, next: to };
    return { ...readParts(to ?? {}, `the branch ${echo(label, 40)} of ${place}`, ["steps", "next"], '{"next":"end"}'), label };
  });
}

/** The labels of a yes or no are the script's own; two branches say them as well. */
function optionsOf(type: "yesno" | "select", sent: unknown, labels: readonly string[], place: string): string[] {
  const implied = type === "yesno" && sent == null;
  if (sent == null && !implied) throw new Fault(`${place} is a select without options: {"options":["A","B"]}`);
  const options = readOptions(implied ? labels : sent, place);
  if (type === "yesno" && options.length !== 2)
    throw new Fault(`${place} is a yesno, which has exactly two labels, and has ${listed(options)}: {"options":["Yes","No"]}`);
  if (options.length < 2) throw new Fault(`${place} is a select, which has two options or more, and has ${listed(options)}`);
  return options;
}

const listed = (texts: readonly string[]) => (texts.length === 0 ? "none" : texts.map((text) => echo(text, 40)).join(", "));

function readBranch(branch: Record<string, unknown>, label: string, of: Placed, all: Placed[], depth: number): void {
  const { place, options = [] } = of;
  if (!options.includes(label)) {
    const near = options.find((option) => option.toLowerCase() === label.toLowerCase()) ?? nearest(label, options, 1)[0];
    const hint = near === undefined ? "" : `; did you mean ${echo(near, 40)}?`;
    throw new Fault(`the branch ${echo(label)} of ${place} matches no option: ${listed(options)}${hint}`);
  }
  if (of.branches?.some((other) => other.label === label)) throw new Fault(`${place} has two branches ${echo(label)}`);
  const read: Branch = { label };
  of.branches = [...(of.branches ?? []), read];
  const next = readNext(branch.next, `the branch ${echo(label, 40)} of ${place}`);
  if (next !== undefined) read.next = next;
  if (branch.steps != null && !Array.isArray(branch.steps))
    throw new Fault(`steps of the branch ${echo(label, 40)} of ${place} are a list of steps`);
  if (branch.steps?.length) read.steps = readLevel(branch.steps, `${place} > ${label} > `, all, depth + 1);
}

/** Says of each step and branch where it leads. After the last step of a branch the call goes on behind the step that branched. */
function lead(steps: readonly Step[], after: string | undefined, known: ReadonlyMap<string, Placed>): void {
  const set = (on: Step | Branch, to: string | undefined) => {
    if (to !== undefined) on.to = to;
  };
  for (const [i, step] of steps.entries()) {
    const { place } = known.get(step.id)!;
    const on = step.next === undefined ? (steps[i + 1]?.id ?? after) : target(step.next, place, known);
    set(step, on);
    for (const branch of step.branches ?? []) {
      const where = `the branch ${echo(branch.label, 40)} of ${place}`;
      const then = branch.next === undefined ? on : target(branch.next, where, known);
      set(branch, branch.steps ? branch.steps[0]!.id : then);
      if (branch.steps) lead(branch.steps, then, known);
    }
  }
}

function target(next: string, place: string, known: ReadonlyMap<string, Placed>): string | undefined {
  if (next === END) return undefined;
  if (known.has(next)) return next;
  const near = nearest(next, known.keys(), 1)[0];
  const ids = [...known.keys()].slice(0, 20).join(", ");
  throw new Fault(
    `${place} leads to ${echo(next)}, and no step has this id: ${near ? `did you mean ${near}? ` : ""}ids are ${ids}, and ${END}`,
  );
}

/** Where a call may go on from a step. Undefined is the end. */
function waysFrom({ to, options = [], branches = [] }: Step): (string | undefined)[] {
  const every = options.length > 0 && options.every((option) => branches.some(({ label }) => label === option));
  return [...branches.map((branch) => branch.to), ...(every ? [] : [to])];
}

function refuseUnreached(all: readonly Placed[]): void {
  const steps = new Map(all.map((step) => [step.id, step]));
  const reached = new Set([all[0]!.id]);
  for (const id of reached) for (const to of waysFrom(steps.get(id)!)) if (to !== undefined) reached.add(to);
  const lost = all.filter(({ id }) => !reached.has(id));
  if (lost.length === 0) return;
  const more = lost.length > 1 ? ` (and ${lost.length - 1} more)` : "";
  throw new Fault(`nothing leads to ${named(lost[0]!)}${more}: lead there by next, or take it out`);
}

function refuseEndless(all: readonly Placed[]): void {
  const ends = new Set<string>();
  for (let before = -1; before < ends.size; ) {
    before = ends.size;
    for (const step of all) if (waysFrom(step).some((to) => to === undefined || ends.has(to))) ends.add(step.id);
  }
  const endless = all.filter(({ id }) => !ends.has(id));
  if (endless.length === 0) return;
  throw new Fault(
    `from ${named(endless[0]!)} the call goes in a circle and never ends: let a branch of it lead out, or to "${END}"`,
  );
}

const named = ({ place, id }: Placed) => (place.endsWith(`(${id})`) ? place : `${place} (${id})`);
