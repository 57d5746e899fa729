import { z } from "zod";
import { collapsed, isVisible } from "../kit/text.ts";
import { scalarPredicate } from "./operators.ts";
import { storable, textType } from "./text.ts";
import type { FieldType } from "./type.ts";

const ASCII = /^[\0-\x7f]*$/;

/** The database compares capital and small letters of ASCII as equal, and of no other script (`lower` in the collation "C"). */
const readCode = (text: string): string => {
  const code = collapsed(text);
  return ASCII.test(code) ? code : code.toUpperCase().replaceAll("ẞ", "SS").normalize("NFC");
};

/**
 * A code that people give to things, such as an article number, the same in any letter case: shown as it was written, but in capitals where it
 * has letters beyond ASCII. Good as a natural key.
 */
export const codeType: FieldType = {
  ...textType(100, "a code such as AB-100"),
  name: "code",
  caseless: true,
  schema: z
    .string()
    .min(1)
    .max(100)
    .refine((text) => storable(text) && isVisible(text) && !/\s{2}|^\s|\s$|\p{C}/u.test(text)),
  fromText: readCode,
  toColumn: (value) => readCode(value as string),
  predicate: scalarPredicate(readCode, readCode),
};
