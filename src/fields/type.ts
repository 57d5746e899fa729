import type { z } from "zod";
import type { IdReference } from "../kit/id.ts";
import type { ProblemCode } from "../kit/problem.ts";
import type { Zone } from "../kit/time.ts";
import type { Refusal, Refused } from "./answers.ts";
import type { Operator, Predicate } from "./predicate.ts";

/** What a value is read against: the time of the request, the workspace's zone, the caller's e-mail address. */
export type Reading = { now: number; zone: Zone; me: string };

/** What a value is shown in. */
export type Showing = { zone: Zone };

/** A linked record as a body names it: by id or by name. */
export type LinkName = { id: IdReference } | { name: string };

/** What callers may put into a value that is made of members. Each is addressed as `<field>.<key>` in filters, bodies and lines. */
export type MembersType = {
  isKey: (key: string) => boolean;
  /** What a key looks like, for hints. */
  keyForm: string;
  operators: readonly Operator[];
  /** The predicate of `<field>.<key>=operator:operands`. */
  predicate: (key: string, operator: Operator, operands: readonly string[], reading: Reading) => Predicate | undefined;
  /** The JSON value that a member in a form stands for; null where it says nothing. */
  fromText: (text: string) => unknown;
  /** A stored member on the line. */
  toLine: (member: unknown) => string;
};

/**
 * The kind of a field answers every question about its values, so that shared code never asks which kind it is.
 * A stored value is what the driver gives: text, number, boolean, string[] or parsed JSON; times and dates are text.
 * `toLine` and `toJson` are never called with null.
 */
export type FieldType = {
  name: string;
  /** The column's type in PostgreSQL. */
  sqlType: "text" | "bigint" | "integer" | "boolean" | "timestamptz" | "date" | "text[]" | "jsonb" | "numeric(18,6)";
  operators: readonly Operator[];
  /** What a value looks like; hints and the manual end with it. */
  expects: string;
  /** Why just this text is no value, where the type can tell. */
  explains?: (text: string, reading: Reading) => string | undefined;
  /** What `search=` finds where a filter, which compares whole values, does not. */
  searchFinds?: string;
  /** The values a filter or a body may hold, where they are few. */
  choices?: readonly string[];
  /** Values that are usual; others are taken too. */
  known?: readonly string[];
  /** Text of which blanks around and double ones within are no part. */
  phrase?: true;
  /** Text that is empty where nothing in it can be seen, as a phrase is. */
  seen?: true;
  /** Its values name people: those that name a member are the member's address. */
  person?: true;
  /** An amount of money, which adds up only with others in the same currency. */
  money?: true;
  /** A value may begin with a `+`, which is one where nobody encoded it either. */
  signed?: true;
  /** A written value in JSON; the request schema and OpenAPI are made of it. */
  schema: z.ZodType;
  /** A shown value in JSON, where it differs from a written one. */
  shown?: z.ZodType;
  refusal: ProblemCode;
  /** The JSON value that a text from a form or a CSV cell stands for; text it cannot read is given back for `schema` to refuse. */
  fromText: (text: string) => unknown;
  /** The stored value for a valid JSON value; undefined when it turns out not to be one after all. */
  toColumn: (value: unknown, reading: Reading) => unknown;
  /** The predicate of `operator:operands`; `operands` has one element, more with `in`. Undefined: cannot be read. */
  predicate: (operator: Operator, operands: readonly string[], reading: Reading) => Predicate | undefined;
  /** The value on the line, quoted where the line grammar says so. */
  toLine: (stored: never, showing: Showing) => string;
  /** The same in parts, where a long value takes more than a moment; an empty one is only a moment to pause. */
  toLineParts?: (stored: never, showing: Showing) => Iterable<string>;
  /** The value as JSON text. */
  toJson: (stored: never, showing: Showing) => string;
  /** What an absent value is in JSON text; `null` unless the kind has an empty value. */
  absent?: string;
  /** What `sort=` orders by: the value itself unless the kind folds case first. */
  sortsFolded?: boolean;
  /** One value may be as large as the body of a request, so that pages of it are bounded by what they hold. */
  long?: true;
  /** Two texts that differ only in letter case are one value of it, as with the key of a product. */
  caseless?: boolean;
  /** What search looks at, as SQL about the column; the column itself unless the type says so. */
  searched?: (column: string) => readonly string[];
  /** The same of a list of such values. */
  searchedIn?: (column: string) => readonly string[];
  /** The SQL expression that the column is held to, and what to tell a caller whose write breaks it. */
  check?: { sql: (column: string) => string; broken: (field: string) => { message: string; hint: string } };
  /** Further gin indexes, each with a name, what it is on, and where it holds; `untold`: its statistics would mislead. */
  indexed?: (column: string) => readonly { name: string; on: string; where?: string; untold?: true }[];
  /** What a new record stores for a sent value, and what a change makes of the former and the sent one, as SQL. `of` is another field of the row. */
  inserted?: (sent: string, of: (field: string) => string) => string;
  /** What a body may send in place of a value, to change the former one. */
  edit?: z.ZodType;
  /** What a write of this value sets, and what it takes out, which `merged` finds in `p_removed` as `<field>.<name>`. */
  split?: (sent: unknown) => { set: unknown; removed: readonly string[] };
  merged?: (former: string, sent: string, field: string, of: (field: string) => string) => string;
  /** For a value that is made of members. */
  members?: MembersType;
  /** A value of several parts, each of which is a line of its own under that of its record: `invoice/i_x7k2m9q1.1 description=…`. */
  rows?: (stored: never) => readonly { name: string; pairs: [key: string, text: string][] }[];
  /** For what is sold, line by line: under which names a line may point to a record, and what is wrong with which line. */
  items?: { links: readonly string[]; fault: (value: unknown) => string | undefined };
  /** What is wrong with which part of a value of many, where the type can tell. */
  fault?: (value: unknown) => string | undefined;
  /** Whether a value is as it would have been stored, where that is more than its column knows. */
  isStored?: (value: unknown) => boolean;
  /** For answers, which the database holds to what they answer: what a refusal of it means. */
  unanswered?: (detail: Refused) => Refusal;
  /** For questions: JSON Schema of the answers to these. */
  answersSchema?: (stored: never) => Record<string, unknown>;
  /** For the id of a record of another kind: which kind, and the type of the field beside it that shows what names that record. */
  link?: { target: string; shown: FieldType };
  /** For what is read from the addresses that a record names: the kind of the records that have them; without a target, the addresses themselves. */
  mentions?: { target?: string };
  /** For a vector: how many numbers it has. */
  dimensions?: number;
  /** Its value is read from the linked record: it has no column. */
  borrowed?: true;
  /** For both fields of a link: which record a sent value names. Undefined: cannot be read. */
  names?: (value: unknown, reading: Reading) => LinkName | undefined;
};
