import { z } from "zod";
import { quoteIfNeeded } from "../kit/line.ts";
import { oncePer } from "../kit/oncePer.ts";
import { NULLS } from "./operators.ts";
import type { FieldSpec } from "./spec.ts";
import type { FieldType } from "./type.ts";

/** Longer ones are no embeddings that anybody makes. */
export const MOST_DIMENSIONS = 4_096;

/** A list of so many numbers, as models make them of texts and pictures: single precision, stored as text that PostgreSQL reads as `real[]`. */
export const vectorType = oncePer((dimensions: number): FieldType => {
  return {
    name: "vector",
    sqlType: "text",
    operators: [...NULLS],
    expects: `a list of ${dimensions} numbers that are not all zero: [0.12,-0.5,…]`,
    explains: (text) => faultOf(fromText(text), dimensions),
    schema: z
      .array(z.number())
      .length(dimensions)
      .refine((numbers) => faultOf(numbers, dimensions) === undefined),
    refusal: "invalid_value",
    fromText,
    toColumn: (numbers) => `[${(numbers as number[]).map(shortest).join(",")}]`,
    predicate: () => undefined,
    toLine: (stored: string) => quoteIfNeeded(stored),
    toJson: (stored: string) => stored,
    long: true,
    dimensions,
  };
});

/** `0.1,0.2` is read as well as `[0.1,0.2]`. */
function fromText(text: string): unknown {
  const inner = text.trim().replace(/^\[|\]$/g, "");
  try {
    return JSON.parse(`[${inner}]`);
  } catch {
    return text;
  }
}

/** Why this is no vector of so many dimensions; undefined where it is one. */
export function faultOf(sent: unknown, dimensions: number): string | undefined {
  if (!Array.isArray(sent)) return "it is no list of numbers";
  if (sent.length !== dimensions) return `it has ${sent.length} numbers, and ${dimensions} are expected`;
  const odd = sent.findIndex((each) => typeof each !== "number" || !Number.isFinite(Math.fround(each)));
  if (odd >= 0) return `what stands at place ${odd + 1} is no number that a vector can hold`;
  // The squares are added up in double precision, so whatever single precision holds has a length.
  return sent.every((each) => Math.fround(each) === 0) ? "all its numbers are zero, so it points nowhere" : undefined;
}

/** The shortest decimal that is the same number in single precision. */
function shortest(number: number): string {
  const single = Math.fround(number);
  if (single === 0) return "0";
  for (let digits = 6; digits < 9; digits++) {
    const text = String(Number(single.toPrecision(digits)));
    if (Math.fround(Number(text)) === single) return text;
  }
  return String(Number(single.toPrecision(9)));
}

/** How like the vector that was asked for a record's is: 1 points the same way, 0 has nothing in common, -1 is the opposite. */
export const similarity: FieldSpec & { name: string } = {
  name: "similarity",
  about: "how near it is to what near= named, from 1 to -1",
  readOnly: true,
  type: {
    name: "similarity",
    sqlType: "numeric(18,6)",
    operators: [],
    expects: "a number from -1 to 1",
    schema: z.number(),
    refusal: "invalid_value",
    fromText: (text) => text,
    toColumn: (value) => value,
    predicate: () => undefined,
    toLine: (stored: number) => shown(stored),
    toJson: (stored: number) => shown(stored),
  },
};

const shown = (cosine: number) => String(Math.round(cosine * 1e6) / 1e6);
