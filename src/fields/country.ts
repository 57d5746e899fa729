import { z } from "zod";
import { COUNTRY_CODES } from "../kit/countryCodes.ts";
import { EQUALITY, scalarPredicate } from "./operators.ts";
import { textType } from "./text.ts";
import type { FieldType } from "./type.ts";

const known = new Set(COUNTRY_CODES);

const readCountry = (text: string) => text.trim().toUpperCase();

/** A country by its code in upper case. */
export const countryType: FieldType = {
  ...textType(2, "an ISO 3166 country code of two letters such as DE"),
  name: "country",
  operators: EQUALITY,
  sortsFolded: false,
  schema: z
    .string()
    .regex(/^[A-Z]{2}$/)
    .refine((code) => known.has(code)),
  fromText: readCountry,
  predicate: scalarPredicate((text) => (known.has(readCountry(text)) ? readCountry(text) : undefined)),
};
