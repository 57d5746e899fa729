import { z } from "zod";
import { EQUALITY, ORDER, scalarPredicate } from "./operators.ts";
import { keep } from "./text.ts";
import type { FieldType } from "./type.ts";

const DIGITS = 6;
const WRITTEN = new RegExp(`^[+-]?\\d{1,12}(\\.\\d{1,${DIGITS}})?$`);

/** `+007.50` -> `7.5`: one text for one value. */
function readDecimal(text: string): string | undefined {
  const written = text.trim();
  if (!WRITTEN.test(written)) return undefined;
  const [, sign, whole = "", part = ""] = /^([+-]?)0*(\d+?)(?:\.(\d*?)0*)?$/.exec(written) ?? [];
  const value = part ? `${whole}.${part}` : whole;
  return sign === "-" && value !== "0" ? `-${value}` : value;
}

/**
 * An exact decimal of at most 12 digits before the point and 6 behind it: rates and quantities, which floating point would round. It travels
 * as text between here and PostgreSQL, and is a number in JSON.
 */
export const decimalType: FieldType = {
  name: "decimal",
  sqlType: "numeric(18,6)",
  operators: [...EQUALITY, ...ORDER],
  expects: `a number with at most ${DIGITS} decimals such as 19 or 7.5`,
  schema: z.union([z.number(), z.string()]).refine((value) => readDecimal(String(value)) !== undefined),
  shown: z.number(),
  refusal: "invalid_value",
  fromText: keep,
  toColumn: (value) => readDecimal(String(value)),
  predicate: scalarPredicate(readDecimal),
  toLine: (stored: string) => readDecimal(stored) ?? stored,
  toJson: (stored: string) => readDecimal(stored) ?? stored,
};
