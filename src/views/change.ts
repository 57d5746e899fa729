import { z } from "zod";
import { handleType, idType } from "../fields/link.ts";
import { EQUALITY } from "../fields/operators.ts";
import type { Predicate } from "../fields/predicate.ts";
import { countType, textType } from "../fields/text.ts";
import type { FieldType, Showing } from "../fields/type.ts";
import { choice, person, text, time } from "../fields/vocabulary.ts";
import { readId, shortId } from "../kit/id.ts";
import { joinList, quotedParts, quoteIfNeeded } from "../kit/line.ts";
import { showTime, type Zone } from "../kit/time.ts";
import { defineView } from "../records/define.ts";

type Fields = Record<string, unknown>;
/** Two versions of a record as the history keeps them: the one before (null when there was none) and the one it became. */
type Versions = [before: Fields | null, after: Fields];

const UNTOLD = new Set(["id", "version", "created_at", "created_by", "updated_at", "deleted_at"]);

type Difference = { name: string; from: unknown; to: unknown };

/** The fields that differ, and of a value that is an object, its members: `custom.seats`. Most are equal, so little is done for those. */
function differences([before, after]: Versions, zone: Zone): Difference[] {
  const values: Difference[] = [];
  const members: Difference[] = [];
  eachUnequal(living(before), living(after), (name, from, to) => {
    if (UNTOLD.has(name)) return;
    add(values, name, shown(isObject(from) ? null : from, zone), shown(isObject(to) ? null : to, zone));
    eachUnequal(isObject(from) ? from : NO_MEMBERS, isObject(to) ? to : NO_MEMBERS, (key, was, is) => {
      // A member of `custom` is the caller's own text, also where it reads like a time.
      if (name === "custom") add(members, `${name}.${key}`, was, is);
      else add(members, `${name}.${key}`, shown(was, zone), shown(is, zone));
    });
  });
  return [...values, ...members];
}

const NO_MEMBERS: Fields = {};

function add(found: Difference[], name: string, from: unknown, to: unknown): void {
  if (!isSame(from, to)) found.push({ name, from, to });
}

function eachUnequal(was: Fields, is: Fields, tell: (name: string, from: unknown, to: unknown) => void): void {
  for (const name of Object.keys(was)) {
    const [from, to] = [was[name], ownValue(is, name)];
    if (!isSame(from, to)) tell(name, from, to);
  }
  for (const name of Object.keys(is)) if (!Object.hasOwn(was, name) && is[name] !== null) tell(name, null, is[name]);
}

/** Null where there is none. Members have names like `constructor`, too. */
const ownValue = (fields: Fields, name: string) => (Object.hasOwn(fields, name) ? fields[name] : null);

/** Texts, which may be long, without writing them out. */
function isSame(from: unknown, to: unknown): boolean {
  if (from === to) return true;
  if (typeof from === "string" || typeof to === "string") return from === to;
  return JSON.stringify(from) === JSON.stringify(to);
}

/** A deleted record holds nothing any more: its deletion tells all that was lost. */
const living = (row: Fields | null) => (row === null || row["deleted_at"] != null ? {} : row);

const isObject = (value: unknown): value is Fields => typeof value === "object" && value !== null && !Array.isArray(value);

/** PostgreSQL's JSON of a timestamptz, in whatever zone the server thinks. */
const STORED_TIME = /^\d{4,6}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}(\.\d+)?[+-]\d{2}:\d{2}$/;

/** The same time as the driver gives it. */
export const timeOfJson = (text: string) => text.replace("T", " ").replace(/([+-]\d{2}):00$/, "$1");

const shown = (value: unknown, zone: Zone) =>
  typeof value === "string" && STORED_TIME.test(value) ? showTime(timeOfJson(value), zone) : value;

const LONGEST = 80;

/** A list of texts joined as on a line, an id short, anything else that is no text as JSON. */
function told(value: unknown): string {
  const isList = Array.isArray(value) && value.every((item) => typeof item === "string");
  const text = isList ? joinList(value) : typeof value === "string" ? value : JSON.stringify(value);
  if (text.length <= LONGEST && readId(text)?.key === text) return shortId(text);
  // Never half of a surrogate pair.
  return text.length > LONGEST ? `${text.slice(0, LONGEST).replace(/[\uD800-\uDBFF]$/, "")}…` : text;
}

/** `stage: lead -> customer; title: null -> CTO` */
const differenceType: FieldType = {
  ...textType(1_000_000),
  name: "changes",
  sqlType: "jsonb",
  operators: [],
  shown: z.record(z.string(), z.object({ from: z.unknown(), to: z.unknown() })),
  toLine: (versions: Versions, { zone }) =>
    quoteIfNeeded(
      differences(versions, zone)
        .map(({ name, from, to }) => `${name}: ${told(from)} -> ${told(to)}`)
        .join("; "),
    ),
  toLineParts: (versions: Versions, showing) => [differenceType.toLine(versions as never, showing)],
  toJson: (versions: Versions, { zone }) =>
    JSON.stringify(Object.fromEntries(differences(versions, zone).map(({ name, from, to }) => [name, { from, to }]))),
};

/** Finds ids as they are written, without looking a record up: it may be deleted by now. */
const writtenIds: FieldType["predicate"] = (operator, operands) => {
  const ids = operands.map(writtenId);
  if (!ids.every((id) => id !== undefined)) return undefined;
  const any: Predicate = { is: "any", of: ids };
  return operator === "ne" ? { is: "not", of: any } : any;
};

function writtenId(operand: string): Predicate | undefined {
  const reference = readId(operand) ?? readId(operand.replace(/^\s*[a-z]+[_/]/i, ""), { name: "" });
  if (!reference) return undefined;
  const { prefix, key } = reference;
  // `task_t4v6w8y0` may stand for `t_t4v6w8y0`: eight characters tell a record well enough.
  if (prefix === "" || prefix.length > 3) return { is: "tail", text: key.slice(-8) };
  // All ids of a prefix lie between `c_` and the character after `_`.
  const ofKind = [{ is: "gte", value: `${prefix}_` } as const, { is: "lt", value: `${prefix}\`` } as const];
  return {
    is: "all",
    of: [{ is: "tail", text: key.slice(-8) }, ...(key.length > 8 ? [{ is: "eq", value: key } as const] : ofKind)],
  };
}

/** A record of any kind, shown short. */
const anyRecordType: FieldType = {
  ...idType("record"),
  name: "record",
  expects: "the id of a record",
  predicate: writtenIds,
  toLine: shortId,
};

/** Which token it was, shown short; it may have ended, or be another person's. */
const tokenIdKind: FieldType = {
  ...idType("token"),
  name: "token",
  operators: [...EQUALITY],
  predicate: writtenIds,
  toLine: shortId,
};

/** A record as it was, in the shape of its kind: its JSON, once it is known how the reader wants times shown. */
export type Snapshot = (showing: Showing) => string;

const wholeType: FieldType = {
  ...textType(0, "a whole record"),
  name: "row",
  sqlType: "jsonb",
  operators: [],
  shown: z.record(z.string(), z.unknown()),
  toLine: (snapshot: Snapshot, showing) => quoteIfNeeded(snapshot(showing)),
  *toLineParts(snapshot: Snapshot, showing) {
    const json = snapshot(showing);
    yield "";
    yield* quotedParts(json);
  },
  toJson: (snapshot: Snapshot, showing) => snapshot(showing),
  long: true,
};

/** One entry of the history: who changed which record, when, why, and into what. */
export const change = defineView({
  name: "change",
  plural: "changes",
  prefix: "ch",
  about: "One change of a record: who, when, what and why.",
  title: "action",
  order: "-at",
  mostRows: 500,
  fields: {
    id: {
      type: { ...idType("change"), predicate: writtenIds },
      about: "the whole id",
      always: true,
      shown: "json",
      column: "id",
    },
    handle: {
      type: { ...handleType("change"), predicate: writtenIds },
      about: "the short name that lines begin with",
      always: true,
      shown: "json",
      column: "id",
    },
    at: time({ about: "when", sort: true, required: true }),
    actor: person({ about: "who", always: true }),
    action: choice(["created", "updated", "deleted", "restored", "purged", "imported", "conflict"], {
      about: "what happened; conflict: a create was refused, because this record has the value",
      always: true,
    }),
    kind: text({ about: "the kind of the record; workspace where all of it was imported", always: true }),
    record: { type: anyRecordType, about: "the record", always: true, column: "record_id" },
    name: text({ about: "what the record was called then" }),
    changes: { type: differenceType, about: "every field that changed, before and after", always: true },
    reason: text({ about: "why, where the caller said so (X-Reason or reason=)" }),
    agent: text({ about: "the program that acted: its X-Agent, else its User-Agent" }),
    token_id: { type: tokenIdKind, about: "the token it came with" },
    request_id: text({ about: "the X-Request-Id of the request", shown: "json" }),
    cause: text({ about: "the change that dragged this one along", shown: "detail" }),
    version: { type: countType, about: "the version the record had afterwards; a conflict has none", always: true },
    before: {
      type: wholeType,
      about: "the whole record before, in the shape it has as JSON",
      shown: "asked",
    },
    after: { type: wholeType, about: "the whole record afterwards; a deleted one has deleted_at too", shown: "asked" },
  },
  example: {
    at: "2026-06-01T08:12:44Z",
    actor: "ann@example.com",
    action: "updated",
    kind: "contact",
    record: "c_t4v6w8y0",
    name: "Jane Doe",
    changes: [{ stage: "lead" }, { stage: "customer" }],
    reason: "signed the contract",
    agent: "curl/8.5.0",
    version: 4,
  },
});
