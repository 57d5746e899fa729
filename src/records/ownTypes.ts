import { codeType } from "../fields/code.ts";
import { customType, tagsType } from "../fields/collections.ts";
import { countryType } from "../fields/country.ts";
import { decimalType, percentType } from "../fields/decimal.ts";
import { referenceType } from "../fields/link.ts";
import {
  booleanType,
  centsType,
  choiceType,
  currencyType,
  domainType,
  emailType,
  integerType,
  personType,
  phoneType,
  phraseType,
  textType,
} from "../fields/text.ts";
import { dateType, timeType } from "../fields/time.ts";
import type { FieldType } from "../fields/type.ts";
import { urlType } from "../fields/url.ts";
import { MOST_DIMENSIONS, vectorType } from "../fields/vector.ts";

/** The types of fields that a workspace may declare, by the names that callers use, each with a value for examples. */
const TYPES: Record<string, { type: FieldType; example: unknown }> = {
  text: { type: textType(500), example: "a few words" },
  long_text: { type: textType(100_000), example: "as much as there is to say" },
  number: { type: decimalType, example: 85.5 },
  integer: { type: integerType, example: 12 },
  cents: { type: centsType, example: 125000 },
  currency: { type: currencyType, example: "EUR" },
  percent: { type: percentType, example: 19 },
  boolean: { type: booleanType, example: true },
  date: { type: dateType, example: "2026-06-10" },
  time: { type: timeType, example: "2026-06-10T09:00:00Z" },
  tags: { type: tagsType, example: ["red", "new"] },
  email: { type: emailType, example: "jane@acme.com" },
  phone: { type: phoneType, example: "+49 30 1234567" },
  domain: { type: domainType, example: "acme.com" },
  url: { type: urlType, example: "https://acme.com/team" },
  person: { type: personType, example: "me" },
  country: { type: countryType, example: "DE" },
  json: { type: { ...customType, name: "json" }, example: { size: "L" } },
};

export const OWN_TYPES = [...Object.keys(TYPES), "choice", "link", "vector(n)"];

/** `vector(384)`: how many numbers each has; undefined where it is no such type. */
export function dimensionsOf(type: string): number | undefined {
  const dimensions = Number(/^vector\(([1-9]\d{0,3})\)$/.exec(type)?.[1]);
  return dimensions <= MOST_DIMENSIONS ? dimensions : undefined;
}

/** Whether a field may be declared to be of it. */
export const isOwnType = (type: string): boolean =>
  Object.hasOwn(TYPES, type) || type === "choice" || type === "link" || dimensionsOf(type) !== undefined;

/** What a stored field says about its type. */
type Typed = { type: string; link?: string; choices?: readonly string[] };

/** The type of a field that is no title and no natural key. */
export function ownType({ type, link, choices }: Typed): FieldType {
  if (type === "link") return referenceType(link!);
  if (type === "choice") return choiceType(choices as [string, ...string[]]);
  const dimensions = dimensionsOf(type);
  return dimensions === undefined ? TYPES[type]!.type : vectorType(dimensions);
}

/** What names a record stands on one line. */
export const titleType = (type: string): FieldType => (type === "text" ? phraseType(500) : TYPES[type]!.type);

/** A natural key is the same in any letter case. */
export const keyType = (type: string): FieldType => (type === "text" ? codeType : { ...TYPES[type]!.type, caseless: true });

export function exampleOfType({ type, choices }: Typed): unknown {
  const dimensions = dimensionsOf(type);
  if (dimensions !== undefined) return Array.from({ length: dimensions }, (_, i) => (i === 0 ? 1 : 0));
  return choices?.[0] ?? TYPES[type]?.example;
}

/** Types whose values can be a title, and those that can be a natural key. */
export const TITLE_TYPES = ["text", "email", "phone", "domain", "url", "person"];
export const KEY_TYPES = ["text", "email", "domain"];
