import { echo } from "../kit/line.ts";
import { nearest } from "../kit/nearest.ts";
import { isVisible } from "../kit/text.ts";
import { customType } from "./collections.ts";
import { KEY_FORM } from "./custom.ts";
import type { Question } from "./questions.ts";
import type { Next } from "./steps.ts";
import type { FieldType } from "./type.ts";

/**
 * Answers by the id of what they answer: to the steps of a call, or to the questions of a form, which another field of the record holds. The
 * database holds them to it (sql/0052), so that no way in leads around it.
 */
export const answersType = (name: "answers" | "responses", to: string): FieldType => ({
  ...customType,
  name,
  toColumn: (value, reading) => (unseenIn(value) === undefined ? customType.toColumn(value, reading) : undefined),
  fault: (value) => {
    const id = unseenIn(value);
    return id === undefined ? undefined : `nothing of the answer to ${echo(id)} can be seen`;
  },
  expects: `an object of answers by the id of the ${name === "answers" ? "step" : "question"}: {"s2":"Yes"}; null takes one back; ${KEY_FORM}`,
  inserted: (sent, of) => `${FUNCTIONS[name]}(${of(to)}, null, ${sent}, '{}')`,
  merged: (former, sent, field, of) =>
    `${FUNCTIONS[name]}(${of(to)}, ${former}, ${sent}, array(select substr(k, ${field.length + 2}) from unnest(p_removed) k where starts_with(k, '${field}.')))`,
  unanswered: (detail) => (name === "answers" ? stepRefusal(detail) : questionRefusal(detail)),
});

/** The first answer that is a text which a reader would take for none. Blanks alone are left to the database, as other answers are. */
const unseenIn = (answers: unknown): string | undefined =>
  typeof answers !== "object" || answers === null
    ? undefined
    : Object.entries(answers).find(([, answer]) => typeof answer === "string" && /\S/.test(answer) && !isVisible(answer))?.[0];

const FUNCTIONS = { answers: "crm_answered", responses: "crm_qualified" };

/** Why the database refused an answer, as crm_refuse_answer says it. */
export type Refused = {
  is: string;
  id: string;
  ids?: string[];
  answer?: string | null;
  options?: string[];
  next?: Next;
  question?: Question;
  most?: number;
};

/** What is wrong, and what would be right. */
export type Refusal = { message: string; expects: string };

function stepRefusal({ is, id, ids = [], answer, options = [], next, most }: Refused): Refusal {
  switch (is) {
    case "unknown":
      return unknown("step", id, ids);
    case "instruction":
      return {
        message: `the step ${id} is an instruction: it is read out, and nothing is answered to it`,
        expects: "an answer to the step that next names",
      };
    case "option":
      return {
        message: `${answer == null ? "that" : echo(answer)} is no option of the step ${id}`,
        expects: `one of these for ${id}: ${options.map((each) => echo(each)).join(", ")}`,
      };
    case "off":
      return {
        message: `the step ${id} is not on the path that the answers take`,
        expects:
          next?.step === undefined
            ? "no more: the path has ended. An answer to an earlier step changes it"
            : `an answer to ${next.step} next: ${JSON.stringify({ [next.step]: next.options?.[0] ?? "…" })}`,
      };
    case "long":
      return tooLong(id, most);
    default:
      return { message: `the step ${id} is answered by a text`, expects: `a text, a number, true or false for ${id}` };
  }
}

function questionRefusal({ is, id, ids = [], answer, question, most }: Refused): Refusal {
  switch (is) {
    case "unknown":
      return unknown("question", id, ids);
    case "required":
      return { message: `${id}: ${echo(question!.label)}`, expects: wanted(question!) };
    case "range":
      return { message: `${id} is out of range at ${answer}`, expects: wanted(question!) };
    case "long":
      return tooLong(id, most);
    default:
      return { message: `${id} is ${answer == null ? "nothing" : echo(answer)}`, expects: wanted(question!) };
  }
}

const tooLong = (id: string, most = 0): Refusal => ({
  message: `the answer to ${id} has more than ${most} characters`,
  expects: `at most ${most} characters for ${id}: keep the rest in notes`,
});

function unknown(what: string, id: string, ids: readonly string[]): Refusal {
  const near = nearest(id, ids, 1)[0];
  return {
    message: `there is no ${what} ${echo(id)} to answer${near ? `; did you mean ${near}?` : ""}`,
    expects: `answers to these ${what}s: ${ids.join(", ")}`,
  };
}

function wanted({ id, type, options = [], min, max }: Question): string {
  const bounds = [...(min == null ? [] : [`at least ${min}`]), ...(max == null ? [] : [`at most ${max}`])].join(" and ");
  const listed = options.map((each) => echo(each)).join(", ");
  const forms: Record<Question["type"], string> = {
    text: "a text",
    long_text: "a text",
    number: `a number ${bounds}`,
    integer: `a whole number ${bounds}`,
    boolean: "true or false",
    date: "a day such as 2026-06-10",
    choice: `one of ${listed}`,
    choices: `a list of these: ${listed}`,
  };
  return `${forms[type].trim()} for ${id}`;
}
