import { z } from "zod";
import { asciiDomain, canonicalDomain, withLetters } from "../kit/domain.ts";
import { quotedParts, quoteIfNeeded } from "../kit/line.ts";
import { isCurrency } from "../kit/money.ts";
import { oncePer } from "../kit/oncePer.ts";
import { collapsed, collapsedWithin, composed, isVisible } from "../kit/text.ts";
import { EQUALITY, ORDER, PARTS, scalarPredicate } from "./operators.ts";
import type { FieldType } from "./type.ts";

/** PostgreSQL stores neither NUL nor half a surrogate pair: such text is refused rather than changed. */
export const UNSTORABLE = /[\0\p{Surrogate}]/u;
export const UNSTORABLE_HINT = "leave out NUL characters and lone surrogates, and send UTF-8";
export const storable = (text: string) => !UNSTORABLE.test(text);

export const keep = (value: unknown) => value;

/** Most values are plain ASCII, which JSON holds as it is: two thirds of the time of JSON.stringify. */
const ESCAPED_IN_JSON = /[^ !#-[\]-~]/;

export const asJson = (stored: unknown) =>
  typeof stored === "string" && !ESCAPED_IN_JSON.test(stored) ? `"${stored}"` : JSON.stringify(stored);

/** Of a text whose values are short enough to be shown two hundred at once. */
const MOST_SHORT = 10_000;

const AS_SENT = scalarPredicate((text) => text);

/** There are few lengths, and many fields. */
const storableOf = oncePer((most: number) => z.string().max(most).refine(storable));

/** Text of at most `most` characters (UTF-16 units). Indexed text stays under 500: a B-tree entry holds 2,700 bytes. */
export function textType(most: number, expects = most > 1_000 ? "text" : `text of at most ${most} characters`): FieldType {
  return {
    name: "text",
    sqlType: "text",
    operators: [...EQUALITY, ...ORDER, ...PARTS],
    expects,
    schema: storableOf(most),
    refusal: "invalid_value",
    fromText: keep,
    toColumn: keep,
    predicate: AS_SENT,
    toLine: quoteIfNeeded,
    toJson: asJson,
    sortsFolded: true,
    ...(most > MOST_SHORT ? { long: true, toLineParts: quotedParts } : {}),
  };
}

/** Text on one line that people call something by: blanks around it are dropped, and several within are one. */
export function phraseType(most: number, expects?: string): FieldType {
  return {
    ...textType(most, expects),
    phrase: true,
    seen: true,
    fromText: collapsed,
    predicate: scalarPredicate(collapsed, collapsedWithin),
  };
}

/** A phrase whose usual values are known; any other is taken too. In lower case, so that `Call` is `call`. */
export function knownType(known: readonly [string, ...string[]]): FieldType {
  const read = (text: string) => collapsed(text).toLowerCase();
  return {
    ...phraseType(60, `${known.join(", ")}, or a word of your own`),
    name: "known",
    known,
    fromText: read,
    predicate: scalarPredicate(read, collapsedWithin),
  };
}

/** Kept as it was written. */
export const phoneType: FieldType = {
  ...textType(60, "a phone number"),
  name: "phone",
  seen: true,
  schema: z.string().max(60).refine(storable).refine(isVisible),
  signed: true,
  searchFinds: "the number however it is spaced",
  searched: (column) => [column, `crm_digits(${column})`],
  searchedIn: (column) => [`crm_words(${column})`, `crm_digits_of(${column})`],
};

/** Of a domain: what a letter or digit begins and ends. Joiners are a matter of script, which `asciiDomain` knows (RFC 5892). */
const LABEL = "[\\p{L}\\p{N}](?:[\\p{L}\\p{N}\\p{M}\\u200c\\u200d-]{0,61}[\\p{L}\\p{N}\\p{M}])?";
const HOST = `(?:${LABEL}\\.)+[\\p{L}\\p{N}\\p{M}\\u200c\\u200d-]{2,63}`;
const DOMAIN = new RegExp(`^${HOST}$`, "u");

const isDomain = (text: string) => DOMAIN.test(text) && (/^[ -~]*$/.test(text) || asciiDomain(text) !== undefined);

/** A mailbox as people write it (RFC 5321 without quoted local parts; RFC 6531), kept in lower case so that it is one record's only. */
const EMAIL = new RegExp(`^[^\\s@"(),:;<>[\\]\\\\\\p{C}\\p{Default_Ignorable_Code_Point}]{1,64}@${HOST}$`, "u");

export const isEmail = (text: string) =>
  text.length <= 254 && EMAIL.test(text) && isDomain(text.slice(text.lastIndexOf("@") + 1));

export function readEmail(text: string): string {
  const lower = composed(text.trim().toLowerCase());
  const at = lower.lastIndexOf("@") + 1;
  return lower.slice(0, at) + canonicalDomain(lower.slice(at));
}

/** Shells forget to encode `+`, which arrives as a space. */
const withPlus = (text: string) => text.replaceAll(" ", "+");

export const emailType: FieldType = {
  ...textType(254, "an e-mail address such as jane@acme.com"),
  name: "email",
  sortsFolded: false,
  schema: z.string().max(254).regex(EMAIL).refine(isEmail),
  refusal: "invalid_email",
  fromText: readEmail,
  toColumn: (value) => readEmail(value as string),
  predicate: scalarPredicate(
    (text) => withPlus(readEmail(text)),
    (part) => withPlus(withLetters(part)),
  ),
};

/** The e-mail address or name of whoever looks after a record; `me` stands for the caller. An address has the form that members have. */
export const personType: FieldType = {
  ...phraseType(254, "a name or an e-mail address; me is you"),
  name: "person",
  person: true,
  toColumn: (value, { me }) => readPerson(value as string, me),
  predicate: scalarPredicate((text, { me }) => readPerson(text, me), collapsedWithin),
};

function readPerson(text: string, me: string): string {
  const name = collapsed(text);
  if (/^me$/i.test(name)) return me;
  const address = readEmail(name);
  return isEmail(address) ? address : name;
}

/** A host name without scheme, path or `www.`, unless `www` is the name itself. */
export function readDomain(text: string): string {
  const host = text
    .trim()
    .replace(/^[a-z][a-z0-9+.-]*:\/\//i, "")
    .replace(/[/?#].*$/s, "");
  // All of them at once: what is read twice must stay what it is.
  return canonicalDomain(host)
    .replace(/\.$/, "")
    .replace(/^(?:www\.)+(?=[^.]+\.[^.])/, "");
}

export const domainType: FieldType = {
  ...textType(253, "a domain such as acme.com"),
  name: "domain",
  sortsFolded: false,
  schema: z.string().max(253).regex(DOMAIN).refine(isDomain),
  fromText: readDomain,
  toColumn: (value) => readDomain(value as string),
  predicate: scalarPredicate(readDomain, withLetters),
};

export function choiceType(choices: readonly [string, ...string[]]): FieldType {
  const lower = (text: string) => text.trim().toLowerCase();
  return {
    ...textType(60, `one of ${choices.join(", ")}`),
    name: "choice",
    operators: EQUALITY,
    choices,
    schema: z.enum(choices),
    fromText: lower,
    predicate: scalarPredicate((text) => (choices.includes(lower(text)) ? lower(text) : undefined)),
  };
}

/** An ISO 4217 code in upper case. */
export const currencyType: FieldType = {
  ...textType(3, "an ISO 4217 currency code such as EUR"),
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

function wholeType(name: string, sqlType: keyof typeof MOST, expects: string): FieldType {
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
export const centsType: FieldType = {
  ...wholeType("cents", "bigint", "a whole number of cents such as 125000"),
  money: true,
};
export const countType = wholeType("number", "integer", "a whole number");

const YES = /^\s*(true|t|yes|y|on|1)\s*$/i;
const NO = /^\s*(false|f|no|n|off|0)\s*$/i;
const readBoolean = (text: string) => (YES.test(text) ? true : NO.test(text) ? false : undefined);

export const booleanType: FieldType = {
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

/** A whole number, exact to 2^53. */
export const integerType = wholeType("integer", "bigint", "a whole number");
