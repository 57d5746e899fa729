import { z } from "zod";
import { EQUALITY, ORDER, scalarPredicate } from "./operators.ts";
import type { FieldType } from "./type.ts";

/** Digits before the point and behind it: fifteen together, which every reader of JSON keeps, for a double holds them without loss. */
const [WHOLE, PART] = [9, 6];
const WRITTEN = new RegExp(`^([+-]?)0*(\\d{1,${WHOLE}})(?:\\.(\\d{1,${PART}}?)0*)?$`);

/** `+007.50` -> `7.5`: one text for one value. */
function readDecimal(text: string): string | undefined {
  const [, sign, whole, part = "0"] = WRITTEN.exec(text.trim()) ?? [];
  if (whole === undefined) return undefined;
  const value = part === "0" ? whole : `${whole}.${part}`;
  return sign === "-" && value !== "0" ? `-${value}` : value;
}

type Range = { least: number; most: number };

const ANY: Range = { least: -(10 ** WHOLE), most: 10 ** WHOLE };

/**
 * An exact decimal: rates and quantities, which sums in floating point would round. PostgreSQL keeps and compares it as a numeric; between
 * here and there it is text, and in JSON a number that says exactly the same. What has more digits than that is refused, never rounded.
 */
function exactType(name: string, expects: string, { least, most }: Range, bare: (text: string) => string): FieldType {
  const read = (text: string) => readDecimal(bare(text));
  const shown = (stored: string | number) => readDecimal(String(stored)) ?? String(stored);
  return {
    name,
    sqlType: "numeric(18,6)",
    operators: [...EQUALITY, ...ORDER],
    expects,
    schema: z
      .number()
      .min(least)
      .max(most)
      .refine(
        (value) => readDecimal(String(value)) !== undefined,
        `it may have ${WHOLE} digits before the point and ${PART} behind it`,
      ),
    refusal: "invalid_value",
    fromText: (text) => {
      const decimal = read(text);
      return decimal === undefined ? text : Number(decimal);
    },
    toColumn: (value) => readDecimal(String(value)),
    predicate: scalarPredicate(read),
    toLine: shown,
    toJson: shown,
  };
}

export const decimalType = exactType(
  "decimal",
  `a number such as 85.5, of at most ${WHOLE} digits before the point and ${PART} behind it`,
  ANY,
  (text) => text,
);

/** In percent: 7.5, which may be written `7.5%`. */
export const percentType = exactType(
  "percent",
  `a percentage from 0 to 100 such as 19 or 7.5, of at most ${PART} decimals`,
  { least: 0, most: 100 },
  (text) => text.trim().replace(/\s*%$/, ""),
);
