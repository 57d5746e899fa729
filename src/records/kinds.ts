import { z } from "zod";
import { readId, shortId } from "../kit/id.ts";
import { customText, joinList, quoteIfNeeded } from "../kit/line.ts";
import { isCurrency } from "../kit/money.ts";
import { DATE_FORMS, readDate, readMoment, showTime, TIME_FORMS, toTimestamp } from "../kit/time.ts";
import { oneOf } from "../kit/words.ts";
import { areMembers, KEY_FORM, membersSchema } from "./custom.ts";
import type { FieldKind, Reading } from "./kind.ts";
import type { Operator, Predicate, Scalar } from "./predicate.ts";

const NULLS = ["is", "not"] as const;
const EQUALITY = ["eq", "ne", "in", ...NULLS] as const;
const ORDER = ["gt", "gte", "lt", "lte"] as const;

/** PostgreSQL stores neither NUL nor half a surrogate pair: such text is refused rather than changed. */
export const UNSTORABLE = /[\0\p{Surrogate}]/u;
export const storable = (text: string) => !UNSTORABLE.test(text);

const keep = (value: unknown) => value;
const asJson = (stored: unknown) => JSON.stringify(stored);

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

/** A point in time, shown and compared to the second: `eq` with a date holds all day. */
export const timeKind: FieldKind = {
  name: "time",
  sqlType: "timestamptz",
  operators: [...EQUALITY, ...ORDER],
  expects: `a time: ${TIME_FORMS}`,
  schema: z.string().max(60),
  shown: z.iso.datetime({ offset: true }),
  refusal: "invalid_value",
  fromText: keep,
  toColumn: (value, reading) => {
    const moment = readMoment(value as string, reading);
    return moment && toTimestamp(moment.from);
  },
  predicate: (operator, operands, reading) => {
    const moments = operands.map((operand) => readMoment(operand, reading));
    if (!moments.every((moment) => moment !== undefined)) return undefined;
    const within: Predicate[] = moments.map(({ from, to }) => ({ is: "all", of: [from_(from), before(to)] }));
    const [first] = moments;
    return compare(operator, {
      eq: within[0]!,
      in: { is: "any", of: within },
      gt: from_(first!.to),
      gte: from_(first!.from),
      lt: before(first!.from),
      lte: before(first!.to),
    });
  },
  toLine: (stored, { zone }) => showTime(stored, zone),
  toJson: (stored, { zone }) => `"${showTime(stored, zone)}"`,
};

const from_ = (ms: number): Predicate => ({ is: "gte", value: toTimestamp(ms) });
const before = (ms: number): Predicate => ({ is: "lt", value: toTimestamp(ms) });

/** A calendar day without a time. */
export const dateKind: FieldKind = {
  name: "date",
  sqlType: "date",
  operators: [...EQUALITY, ...ORDER],
  expects: `a date: ${DATE_FORMS}`,
  schema: z.string().max(60),
  shown: z.iso.date(),
  refusal: "invalid_value",
  fromText: keep,
  toColumn: (value, reading) => readDate(value as string, reading),
  predicate: scalarPredicate(readDate),
  toLine: quoteIfNeeded,
  toJson: asJson,
};

/** A tag stands unquoted in a comma list and in a filter. */
const TAG = /^[^\s,"\p{Cc}\p{Surrogate}]{1,100}$/u;

export const tagsKind: FieldKind = {
  name: "tags",
  sqlType: "text[]",
  operators: ["eq", "ne", "has", "in", "like", ...NULLS],
  expects: "a list of tags without comma, quote or white space, such as saas,vip",
  schema: z.array(z.string().regex(TAG)).max(100),
  refusal: "invalid_value",
  fromText: (text) =>
    text
      .split(",")
      .map((tag) => tag.trim())
      .filter((tag) => tag !== ""),
  toColumn: (value) => {
    const tags = [...new Set(value as string[])];
    return tags.length === 0 ? null : tags;
  },
  predicate: (operator, operands) => {
    const listed = operands.flatMap((operand) => operand.split(",")).map((tag) => tag.trim());
    // The line shows commas where the searched text has spaces.
    if (operator === "like") return { is: "contains", text: operands[0]!.replaceAll(",", " ") };
    return compare(operator, {
      eq: { is: "holds", items: listed },
      has: { is: "holds", items: [operands[0]!.trim()] },
      in: { is: "any", of: listed.map((tag) => ({ is: "holds", items: [tag] })) },
    });
  },
  toLine: (tags) => quoteIfNeeded(joinList(tags)),
  toJson: asJson,
  absent: "[]",
};

/** The id of a record of another kind, written in any form, shown short on lines and whole in JSON. */
export function referenceKind(target: string): FieldKind {
  return {
    name: "reference",
    sqlType: "text",
    operators: EQUALITY,
    expects: `the id of ${oneOf(target)}`,
    schema: z.string().max(80),
    refusal: "invalid_value",
    fromText: (text) => text.trim(),
    toColumn: (value) => readId(value as string),
    predicate: (operator, operands) => {
      const to = operands.map(readId);
      if (!to.every((reference) => reference !== undefined)) return undefined;
      return compare(operator, { eq: { is: "refers", target, to }, in: { is: "refers", target, to } });
    },
    toLine: shortId,
    toJson: asJson,
    link: { target, shows: "id" },
  };
}

/** The id of the record itself. */
export function idKind(target: string): FieldKind {
  const { link: _, ...kind } = { ...referenceKind(target), name: "id", toLine: quoteIfNeeded };
  return { ...kind, operators: ["eq", "ne", "in"] };
}

export const handleOf = (name: string, id: string) => `${name}/${shortId(id)}`;

export function handleKind(target: string): FieldKind {
  return {
    ...idKind(target),
    name: "handle",
    toLine: (id) => handleOf(target, id),
    toJson: (id) => `"${handleOf(target, id)}"`,
  };
}

/** The name of the linked record. Where an id is written instead of a name, the id is meant. */
export function linkedNameKind(target: string): FieldKind {
  const byName = scalarPredicate((text) => text);
  const byId = referenceKind(target).predicate;
  return {
    ...textKind(500, `the name or the id of ${oneOf(target)}`),
    name: "name",
    predicate: (operator, operands, reading) =>
      operator !== "like" && operands.every(readId) ? byId(operator, operands, reading) : byName(operator, operands, reading),
    link: { target, shows: "name" },
  };
}

/** Any further facts under keys of the caller's choosing; a filter names one as `custom.<key>`. */
export const customKind: FieldKind = {
  name: "custom",
  sqlType: "jsonb",
  operators: NULLS,
  expects: `a JSON object; ${KEY_FORM}`,
  schema: membersSchema,
  refusal: "invalid_value",
  fromText: (text) => {
    try {
      return JSON.parse(text) as unknown;
    } catch {
      return text;
    }
  },
  toColumn: (value) => (areMembers(value as object) ? value : undefined),
  predicate: () => undefined,
  toLine: customText,
  toJson: asJson,
  absent: "{}",
};

/** The predicates of a kind whose values are one scalar each. `readPart` reads what `like` looks for: a part of a value. */
function scalarPredicate(
  read: (text: string, reading: Reading) => Scalar | undefined,
  readPart = (text: string) => text,
): FieldKind["predicate"] {
  return (operator, operands, reading) => {
    if (operator === "like") return { is: "contains", text: readPart(operands[0]!) };
    const values = operands.map((operand) => read(operand, reading));
    if (!values.every((value) => value !== undefined)) return undefined;
    const value = values[0]!;
    const ordered = (is: "gt" | "gte" | "lt" | "lte"): Predicate => ({ is, value });
    return compare(operator, {
      eq: { is: "eq", value },
      in: { is: "in", values },
      gt: ordered("gt"),
      gte: ordered("gte"),
      lt: ordered("lt"),
      lte: ordered("lte"),
    });
  };
}

/** `ne` is whatever `eq` is not; the rest a kind names itself. */
function compare(
  operator: Operator,
  meanings: Partial<Record<Operator, Predicate>> & { eq: Predicate },
): Predicate | undefined {
  return operator === "ne" ? { is: "not", of: meanings.eq } : meanings[operator];
}
