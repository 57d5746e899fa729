import { z } from "zod";
import { quoteIfNeeded } from "../kit/line.ts";
import { isCurrency } from "../kit/money.ts";
import type { FieldKind } from "./kind.ts";
import { EQUALITY, ORDER, scalarPredicate } from "./operators.ts";

/** PostgreSQL stores neither NUL nor half a surrogate pair: such text is refused rather than changed. */
export const UNSTORABLE = /[\0\p{Surrogate}]/u;
export const UNSTORABLE_HINT = "leave out NUL characters and lone surrogates, and send UTF-8";
export const storable = (text: string) => !UNSTORABLE.test(text);

export const keep = (value: unknown) => value;

/** Most values are plain ASCII, which JSON holds as it is: two thirds of the time of JSON.stringify. */
const ESCAPED_IN_JSON = /[^ !#-[\]-~]/;

export const asJson = (stored: unknown) =>
  typeof stored === "string" && !ESCAPED_IN_JSON.test(stored) ? `"${stored}"` : JSON.stringify(stored);

/** Text of at most `most` characters (UTF-16 units). Indexed text stays under 500: a B-tree entry holds 2,700 bytes. */
export function textKind(most: number, expects = most > 1_000 ? "text" : `text of at most ${most} characters`): FieldKind {
  return {
    name: "text",
    sqlType: "text",
    operators: [...EQUALITY, ...ORDER, "like"],
    expects,
    schema: z.string().max(most).refine(storable),
    refusal: "invalid_value",
    fromText: keep,
    toColumn: keep,
    predicate: scalarPredicate((text) => text),
    toLine: quoteIfNeeded,
    toJson: asJson,
    sortsFolded: true,
  };
}

/** The e-mail address or name of whoever looks after a record; `me` stands for the caller. */
export const personKind: FieldKind = {
  ...textKind(254, "a name or an e-mail address; me is you"),
  name: "person",
  toColumn: (value, reading) => (value === "me" ? reading.me : value),
  predicate: scalarPredicate((text, reading) => (text === "me" ? reading.me : text)),
};

/** Kept as it was written. The `+` of a country code arrives as a space where nobody encoded it. */
const readPhone = (text: string) => text.replace(/^ (?=[1-9])/, "+");

export const phoneKind: FieldKind = {
  ...textKind(60, "a phone number"),
  name: "phone",
  searchFinds: "the number however it is spaced",
  fromText: readPhone,
  predicate: scalarPredicate(readPhone, readPhone),
};

/** A mailbox as people write it (RFC 5321 without quoted local parts), kept in lower case so that it is one record's only. */
const EMAIL = /^[^\s@"(),:;<>[\]\\\p{C}]{1,64}@(?:[\p{L}\p{N}](?:[\p{L}\p{N}-]{0,61}[\p{L}\p{N}])?\.)+[\p{L}\p{N}-]{2,63}$/u;

const readEmail = (text: string) => text.trim().toLowerCase();

/** Shells forget to encode `+`, which arrives as a space. */
const withPlus = (text: string) => text.replaceAll(" ", "+");

export const isEmail = (text: string) => text.length <= 254 && EMAIL.test(text);

export const emailKind: FieldKind = {
  ...textKind(254, "an e-mail address such as jane@acme.com"),
  name: "email",
  sortsFolded: false,
  schema: z.string().max(254).regex(EMAIL),
  refusal: "invalid_email",
  fromText: readEmail,
  toColumn: (value) => readEmail(value as string),
  predicate: scalarPredicate((text) => withPlus(readEmail(text)), withPlus),
};

/** A host name without scheme, path or `www.`, in lower case. */
const DOMAIN = /^(?:[\p{L}\p{N}](?:[\p{L}\p{N}-]{0,61}[\p{L}\p{N}])?\.)+[\p{L}\p{N}-]{2,63}$/u;

const readDomain = (text: string) =>
  text
    .trim()
    .toLowerCase()
    .replace(/^[a-z][a-z0-9+.-]*:\/\//, "")
    .replace(/[/?#].*$/s, "")
    .replace(/^www\./, "")
    .replace(/\.$/, "");

export const domainKind: FieldKind = {
  ...textKind(253, "a domain such as acme.com"),
  name: "domain",
  sortsFolded: false,
  schema: z.string().max(253).regex(DOMAIN),
  fromText: readDomain,
  toColumn: (value) => readDomain(value as string),
  predicate: scalarPredicate(readDomain),
};

export function choiceKind(choices: readonly [string, ...string[]]): FieldKind {
  const lower = (text: string) => text.trim().toLowerCase();
  return {
    ...textKind(60, `one of ${choices.join(", ")}`),
    name: "choice",
    operators: EQUALITY,
    choices,
    schema: z.enum(choices),
    fromText: lower,
    predicate: scalarPredicate((text) => (choices.includes(lower(text)) ? lower(text) : undefined)),
  };
}

/** An ISO 4217 code in upper case. */
export const currencyKind: FieldKind = {
  ...textKind(3, "an ISO 4217 currency code such as EUR"),
  name: "currency",
  operators: EQUALITY,
  schema: z
    .string()
    .regex(/^[A-Z]{3}$/)
    .refine(isCurrency),
  fromText: (text) => text.trim().toUpperCase(),
  predicate: scalarPredicate((text) => (isCurrency(text.trim().toUpperCase()) ? text.trim().toUpperCase() : undefined)),
};

const MOST = { bigint: Number.MAX_SAFE_INTEGER, integer: 2 ** 31 - 1 };

function wholeKind(name: string, sqlType: keyof typeof MOST, expects: string): FieldKind {
  const readWhole = (text: string) =>
    /^\s*[+-]?\d{1,16}\s*$/.test(text) && Math.abs(+text) <= MOST[sqlType] ? +text : undefined;
  return {
    name,
    sqlType,
    operators: [...EQUALITY, ...ORDER],
    expects,
    schema: z.int().min(-MOST[sqlType]).max(MOST[sqlType]),
    refusal: "invalid_value",
    fromText: (text) => readWhole(text) ?? text,
    toColumn: keep,
    predicate: scalarPredicate(readWhole),
    toLine: String,
    toJson: String,
  };
}

/** Money in the smallest unit of its currency, exact to 2^53. */
export const centsKind = wholeKind("cents", "bigint", "a whole number of cents such as 125000");
export const countKind = wholeKind("number", "integer", "a whole number");

const YES = /^\s*(true|t|yes|y|on|1)\s*$/i;
const NO = /^\s*(false|f|no|n|off|0)\s*$/i;
const readBoolean = (text: string) => (YES.test(text) ? true : NO.test(text) ? false : undefined);

export const booleanKind: FieldKind = {
  name: "boolean",
  sqlType: "boolean",
  operators: EQUALITY,
  expects: "true or false",
  choices: ["true", "false"],
  schema: z.boolean(),
  refusal: "invalid_value",
  fromText: (text) => readBoolean(text) ?? text,
  toColumn: keep,
  predicate: scalarPredicate(readBoolean),
  toLine: String,
  toJson: String,
};
