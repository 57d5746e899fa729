import type { Session } from "../db/people/sessions.ts";
import type { Parameters } from "../derive/query.ts";
import type { Problem } from "../kit/problem.ts";
import type { Verb } from "../kit/scope.ts";
import type { Catalog } from "../records/catalog.ts";
import type { Kind } from "../records/kind.ts";
import type { Vocabulary } from "./vocabulary.ts";

/** Values of JSON, as they are sent and answered. */
export type Values = Record<string, unknown>;

/** A value that is written otherwise over there. `ours` may throw a TypeError that says what the value should be. */
export type Translation = {
  /** The JSON Schema of the value there. */
  schema: Values;
  /** The field of ours that says how it is read: the currency of an amount. Both are given its value, where there is one. */
  per?: string;
  ours: (value: unknown, per?: unknown) => unknown;
  theirs: (value: unknown, per?: unknown) => unknown;
  /** Our names within the value that are others there. */
  words?: Readonly<Record<string, string>>;
  /** The value there as an expression of SQL over our column. */
  sql?: (column: string) => string;
};

/** Filters of ours that a parameter of a list stands for, where it has to be looked up. */
export type Lookup = (value: string, call: Call) => Promise<Parameters>;

/** What a field is called over there: `name` for our `title`. `custom.size` is a member of our field `custom`. `absent`: shown in place of null. */
export type Word = { theirs: string; ours: string; value?: Translation; absent?: unknown };

/** A kind of record in another system's words. */
export type Table = {
  /** The segment of the path there. */
  name: string;
  /** Many of them, where that is not `name`. */
  plural?: string;
  /** One record of it, as activity and events call it. */
  singular: string;
  /** Our kind, by its plural. */
  of: string;
  /** The words that differ from ours. */
  words?: readonly Word[];
  /** The columns that the other system's document names, in its order: they are always shown. */
  columns: readonly string[];
  /** Field names there that make the title here: a change of one of them changes it too. */
  title?: { ours: string; parts: readonly string[] };
  /** Columns that compare without regard to case in queries. */
  folded?: readonly string[];
  /** Parameters of its list that are no columns. */
  lookups?: Readonly<Record<string, Lookup>>;
  /** Our kinds whose records one record is shown with, by their plurals. */
  holds?: readonly string[];
};

/** A list as it was asked for, in our words. */
export type Asked = { query: Parameters; page: Page };

/** The page that was asked for: by a number, or as large as `limit`. */
export type Page = { limit: number; number?: number };

/** What an operation has to say: records in their words. `page` tells where a list goes on. */
export type Said = { status?: number; headers?: Record<string, string> } & (
  | { is: "one"; row: unknown; meta?: Values }
  | { is: "many"; rows: readonly unknown[]; page?: Page & { next: string | null; total?: number }; meta?: Values }
  | { is: "whole"; body: unknown }
  | { is: "text"; type: string; text: string }
);

/** What our service answered to an inner request. */
export type Reply = { status: number; headers: Record<string, string>; json: Values };

/** A request in the words of a dialect, with what its answer may need. */
export type Call = {
  dialect: Dialect;
  catalog: Catalog;
  baseUrl: string;
  /** Who asks; undefined only where a phrase is open. */
  session: Session | undefined;
  requestId: string;
  /** The values of the path's `{…}` segments. */
  path: Record<string, string>;
  parameters: Parameters;
  body: Values;
  /** Asks one of our routes as the caller; a body that is a text is a file. A refusal is thrown. */
  ask: (method: string, target: string, body?: Values | string, headers?: Record<string, string>) => Promise<Reply>;
};

/** An operation of a dialect. `path` stands below the dialect's own. */
export type Phrase = {
  method: "GET" | "POST" | "PUT" | "PATCH" | "DELETE";
  path: string;
  about: string;
  open?: true | "or with a token";
  /** The parameters that it takes, where it is no list of records. */
  takes?: readonly string[];
  answer: (call: Call) => Promise<Said> | Said;
};

/** Another system's words: data over our own routes. */
export type Dialect = {
  /** The system's name. */
  name: string;
  /** Where its paths begin. */
  base: string;
  tables: readonly Table[];
  /** What a kind that no table names is called. */
  other: (kind: Kind) => Pick<Table, "name" | "plural">;
  /** What a field of ours is called where no word says so. */
  spell: (ours: string) => string;
  /** Our fields that it does not know. */
  hidden: readonly string[];
  /** Whether a record holds the name of what it links to, beside its id. */
  linkNames: boolean;
  /** Whether every field is shown, or only those that its document names and those that have a value. */
  showsAll: boolean;
  /** `beside` holds what says how values are read, by the names of our fields (beside.ts). */
  readQuery: (parameters: Parameters, vocabulary: Vocabulary, beside?: Values) => Asked;
  envelope: (said: Exclude<Said, { is: "whole" | "text" }>, call: Pick<Call, "session" | "requestId">) => Values;
  refusal: (problem: Problem, requestId: string, baseUrl: string) => { status: number; body: Values };
  /** What every answer of this caller tells besides. */
  facts?: (call: Call) => Promise<Values>;
  /** What a token must be good for before anything is asked; any will do unless said. */
  needs?: Verb;
  /** Whether X-RateLimit-Reset is a time in epoch seconds, in place of seconds from now. */
  epochReset?: true;
  phrases: readonly Phrase[];
};
