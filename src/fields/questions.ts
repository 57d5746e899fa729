import { z } from "zod";
import { quoteIfNeeded } from "../kit/line.ts";
import { Fault, faultIn, taken } from "./fault.ts";
import { NULLS } from "./operators.ts";
import { giveIds, readOptions, readPartId, readParts, readText, readWord } from "./stepParts.ts";
import { isAsRead, jsonFromText } from "./steps.ts";
import type { FieldType } from "./type.ts";

/** What a form asks, and what an answer has to be. sql/0052 holds answers to it. */

export const QUESTION_TYPES = ["text", "long_text", "number", "integer", "boolean", "date", "choice", "choices"] as const;
export type QuestionType = (typeof QUESTION_TYPES)[number];

export type Question = {
  id: string;
  label: string;
  type: QuestionType;
  required?: true;
  options?: string[];
  min?: number;
  max?: number;
  max_length?: number;
  hint?: string;
};

const MOST_QUESTIONS = 100;
const KEYS = ["id", "label", "type", "required", "options", "min", "max", "max_length", "hint"];
const SUCH = '{"id":"budget","label":"Budget in euros","type":"integer","min":0}';
/** Characters of an answer, unless the question says less. */
export const MOST_LENGTH = { text: 500, long_text: 20_000 };

export function readQuestions(value: unknown): Question[] {
  if (!Array.isArray(value)) throw new Fault(`they are a list of questions such as [${SUCH}]`);
  if (value.length === 0) throw new Fault(`there is no question: a form has at least one, such as ${SUCH}`);
  if (value.length > MOST_QUESTIONS) throw new Fault(`there are ${value.length} questions: ${MOST_QUESTIONS} are the most`);
  const questions = value.map((each, i) => readQuestion(each, `question ${i + 1}`));
  giveIds(questions, "q");
  return questions.map(({ place: _, ...question }) => question);
}

function readQuestion(value: unknown, at: string): Question & { place: string } {
  const parts = readParts(value, at, KEYS, SUCH);
  const id = readPartId(parts.id, at);
  const place = id === undefined ? at : `${at} (${id})`;
  const type = readWord(parts.type, place, QUESTION_TYPES);
  const question: Question & { place: string } = {
    id: id ?? "",
    place,
    label: readText(parts.label, place, "label", 500),
    type,
  };
  if (parts.required != null && typeof parts.required !== "boolean") throw new Fault(`required of ${place} is true or false`);
  if (parts.required) question.required = true;
  const chooses = type === "choice" || type === "choices";
  const misplaced = (key: string, of: string) => new Fault(`${place} is of the type ${type} and has ${key}, which ${of} have`);
  if (parts.options != null) {
    if (!chooses) throw misplaced("options", "choice and choices");
    question.options = readOptions(parts.options, place);
  }
  if (chooses && !question.options?.length) throw new Fault(`${place} is a ${type} without options: {"options":["A","B"]}`);
  for (const key of ["min", "max"] as const) {
    const bound = parts[key];
    if (bound == null) continue;
    if (type !== "number" && type !== "integer") throw misplaced(key, "number and integer");
    if (typeof bound !== "number" || !Number.isFinite(bound)) throw new Fault(`${key} of ${place} is a number`);
    if (Math.abs(bound) > 1e15) throw new Fault(`${key} of ${place} is between -1e15 and 1e15`);
    question[key] = bound;
  }
  if (question.min !== undefined && question.max !== undefined && question.min > question.max)
    throw new Fault(`${place} has the min ${question.min} above its max ${question.max}: nothing would fit`);
  if (parts.max_length != null) {
    if (type !== "text" && type !== "long_text") throw misplaced("max_length", "text and long_text");
    const most = MOST_LENGTH[type];
    if (!Number.isInteger(parts.max_length) || (parts.max_length as number) < 1 || (parts.max_length as number) > most)
      throw new Fault(`max_length of ${place} is a whole number from 1 to ${most}`);
    question.max_length = parts.max_length as number;
  }
  if (parts.hint != null && parts.hint !== "") question.hint = readText(parts.hint, place, "hint", 1_000);
  return question;
}

export const questionsType: FieldType = {
  name: "questions",
  sqlType: "jsonb",
  operators: NULLS,
  expects: `a list of at most ${MOST_QUESTIONS} questions such as ${SUCH}; types: ${QUESTION_TYPES.join(", ")}`,
  schema: z.array(
    z.looseObject({
      id: z.string().optional().describe("letters, digits, _ and -; q1, q2 … unless sent"),
      label: z.string().describe("the question as people read it"),
      type: z.string().describe(QUESTION_TYPES.join(", ")),
      required: z.boolean().optional(),
      options: z.array(z.string()).optional().describe("of choice and choices"),
      min: z.number().optional(),
      max: z.number().optional(),
      max_length: z.int().optional(),
      hint: z.string().optional(),
    }),
  ),
  refusal: "invalid_value",
  fault: (value) => faultIn(readQuestions, value),
  fromText: jsonFromText,
  toColumn: (value) => taken(readQuestions, value),
  isStored: (value) => isAsRead(value, shownQuestion, readQuestions),
  predicate: () => undefined,
  toLine: (questions: readonly Question[]) => quoteIfNeeded(JSON.stringify(questions.map(shownQuestion))),
  toJson: (questions: readonly Question[]) => JSON.stringify(questions.map(shownQuestion)),
  absent: "[]",
  long: true,
  rows: (questions: readonly Question[]) =>
    questions.map((question, i) => ({
      name: String(i + 1),
      pairs: Object.entries(shownQuestion(question)).map(([key, value]) => [
        key,
        Array.isArray(value) ? value.join(" | ") : String(value),
      ]),
    })),
  answersSchema: (questions: readonly Question[]) => answersSchema(questions),
};

/** In the order of its keys: PostgreSQL keeps none. */
function shownQuestion({ id, label, type, required, options, min, max, max_length, hint }: Question): Record<string, unknown> {
  const shown = { id, label, type, required, options, min, max, max_length, hint };
  return Object.fromEntries(Object.entries(shown).filter(([, value]) => value != null));
}

type Json = Record<string, unknown>;

const JSON_TYPES: Record<QuestionType, Json> = {
  text: { type: "string", minLength: 1 },
  long_text: { type: "string", minLength: 1 },
  number: { type: "number" },
  integer: { type: "integer" },
  boolean: { type: "boolean" },
  date: { type: "string", format: "date" },
  choice: { type: "string" },
  choices: { type: "array", uniqueItems: true },
};

/** JSON Schema 2020-12 of the answers to these questions. */
function answersSchema(questions: readonly Question[]): Json {
  const needed = questions.filter(({ required }) => required).map(({ id }) => id);
  return {
    $schema: "https://json-schema.org/draft/2020-12/schema",
    type: "object",
    properties: Object.fromEntries(questions.map((question) => [question.id, answerSchema(question)])),
    required: needed,
    additionalProperties: false,
  };
}

function answerSchema({ type, label, hint, options, min, max, max_length, required }: Question): Json {
  const most = type === "text" || type === "long_text" ? { maxLength: max_length ?? MOST_LENGTH[type] } : {};
  return {
    title: label,
    ...(hint === undefined ? {} : { description: hint }),
    ...JSON_TYPES[type],
    ...most,
    ...(type === "choice" ? { enum: options } : {}),
    ...(type === "choices" ? { items: { type: "string", enum: options }, ...(required ? { minItems: 1 } : {}) } : {}),
    ...(min === undefined ? {} : { minimum: min }),
    ...(max === undefined ? {} : { maximum: max }),
  };
}
