import { z } from "zod";
import { scalarPredicate } from "./operators.ts";
import { storable, textType } from "./text.ts";
import type { FieldType } from "./type.ts";

const readCode = (text: string) => text.normalize("NFC").trim().replace(/ {2,}/g, " ");

/**
 * A code that people give to things, such as an article number: shown as it was written, and the same in any letter case of ASCII. Good as a
 * natural key.
 */
export const codeType: FieldType = {
  ...textType(100, "a code such as AB-100"),
  name: "code",
  caseless: true,
  schema: z
    .string()
    .min(1)
    .max(100)
    .refine((text) => storable(text) && !/\s{2}|^\s|\s$|\p{C}/u.test(text)),
  fromText: readCode,
  toColumn: (value) => readCode(value as string),
  predicate: scalarPredicate(readCode, readCode),
};
