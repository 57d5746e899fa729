import { isDeepStrictEqual } from "node:util";
import { z } from "zod";
import { parseExact } from "../kit/json.ts";
import { quoteIfNeeded } from "../kit/line.ts";
import { Problem } from "../kit/problem.ts";
import { faultIn, taken } from "./fault.ts";
import { NULLS } from "./operators.ts";
import { type Branch, END, MOST_STEPS, readSteps, STEP_TYPES, type Step } from "./stepReading.ts";
import type { FieldType } from "./type.ts";

/** Whether parts are just what reading them as they are shown makes of them. Of a record that was erased there are none. */
export function isAsRead<Part>(value: unknown, shown: (part: Part) => unknown, read: (parts: unknown) => Part[]): boolean {
  if (!Array.isArray(value) || !value.every((each) => typeof each === "object" && each !== null)) return false;
  if (value.length === 0) return true;
  try {
    return isDeepStrictEqual(read(value.map((each) => shown(each as Part))), value);
  } catch {
    return false;
  }
}

/** JSON in a form is JSON. */
export function jsonFromText(text: string): unknown {
  try {
    return parseExact(text);
  } catch (error) {
    if (error instanceof Problem) throw error;
    return text;
  }
}

/** What documents tell of a step. `readSteps` decides. */
const STEP = z.looseObject({
  id: z.string().optional().describe("letters, digits, _ and -; s1, s2 … unless sent"),
  type: z.string().describe(STEP_TYPES.join(", ")),
  text: z.string().describe("what is read out or asked"),
  options: z.array(z.string()).optional().describe("of select and yesno: what can be answered"),
  branches: z.unknown().optional().describe('of select and yesno: [{"label":"Yes","steps":[…]},{"label":"No","next":"end"}]'),
  next: z.string().optional().describe("the id of the step that comes after it, or end; the one behind it unless sent"),
});

/** The path of a call. */
export const stepsType: FieldType = {
  name: "steps",
  sqlType: "jsonb",
  operators: NULLS,
  expects: `a list of at most ${MOST_STEPS} steps such as {"type":"yesno","text":"Do you own the house?","options":["Yes","No"],"branches":[{"label":"No","next":"end"}]}; types: ${STEP_TYPES.join(", ")}`,
  schema: z.array(STEP),
  refusal: "invalid_value",
  fault: (value) => faultIn(readSteps, value),
  fromText: jsonFromText,
  toColumn: (value) => taken(readSteps, value),
  isStored: (value) => isAsRead(value, shownStep, readSteps),
  predicate: () => undefined,
  toLine: (steps: readonly Step[]) => quoteIfNeeded(JSON.stringify(steps.map(shownStep))),
  toJson: (steps: readonly Step[]) => JSON.stringify(steps.map(shownStep)),
  absent: "[]",
  long: true,
  rows: (steps: readonly Step[]) => rowsOf(steps),
};

/** A step as its writer would send it, in the order of its keys: PostgreSQL keeps none. */
export function shownStep({ id, type, text, options, branches, next }: Step): Record<string, unknown> {
  return {
    id,
    type,
    text,
    ...(options ? { options } : {}),
    ...(branches ? { branches: branches.map(shownBranch) } : {}),
    ...(next === undefined ? {} : { next }),
  };
}

const shownBranch = ({ label, steps, next }: Branch): Record<string, unknown> => ({
  label,
  ...(steps ? { steps: steps.map(shownStep) } : {}),
  ...(next === undefined ? {} : { next }),
});

/** All steps in reading order. */
export const allSteps = (steps: readonly Step[]): Step[] =>
  steps.flatMap((step) => [step, ...(step.branches ?? []).flatMap((branch) => allSteps(branch.steps ?? []))]);

/** A line a step: what can be answered, and where each answer leads. */
const rowsOf = (steps: readonly Step[]) =>
  allSteps(steps).map((step, i): { name: string; pairs: [string, string][] } => {
    const { id, type, text, options = [], branches = [], to = END } = step;
    const leads = options.map((option) => {
      const branch = branches.find(({ label }) => label === option);
      return `${option} -> ${branch ? (branch.to ?? END) : to}`;
    });
    return {
      name: String(i + 1),
      pairs: [
        ["id", id],
        ["type", type],
        ["text", text],
        ["leads", leads.length > 0 ? leads.join(", ") : to],
      ],
    };
  });

/** What an execution waits for, as sql/0052 has worked it out. `read`: what is read out before it. */
export type Next = { step?: string; type: string; text?: string; options?: string[]; read: string[] };

const shownNext = ({ step, type, text, options, read }: Next) => ({
  ...(step === undefined ? {} : { step }),
  type,
  ...(text === undefined ? {} : { text }),
  ...(options ? { options } : {}),
  read,
});

export const nextType: FieldType = {
  name: "next",
  sqlType: "jsonb",
  operators: NULLS,
  expects: "an object with step, type, text, options and read",
  schema: z.object({
    step: z.string().optional(),
    type: z.string().describe("question, yesno or select; end where nothing is left to ask"),
    text: z.string().optional(),
    options: z.array(z.string()).optional(),
    read: z.array(z.string()).describe("what is read out before it"),
  }),
  refusal: "invalid_value",
  fromText: (text) => text,
  toColumn: (value) => value,
  predicate: () => undefined,
  toLine: (next: Next) => quoteIfNeeded(JSON.stringify(shownNext(next))),
  toJson: (next: Next) => JSON.stringify(shownNext(next)),
  rows: (next: Next) => [
    ...next.read.map((text, i): { name: string; pairs: [string, string][] } => ({
      name: `read${i + 1}`,
      pairs: [["text", text]],
    })),
    {
      name: "next",
      pairs: Object.entries(shownNext(next))
        .filter(([key]) => key !== "read")
        .map(([key, value]) => [key, Array.isArray(value) ? value.join(" | ") : String(value)]),
    },
  ],
};
