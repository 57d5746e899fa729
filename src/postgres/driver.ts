import { type Given, given, textOf } from "./codec.ts";

/** Rows as arrays of values in the order of the columns. */
export type Rows = unknown[][];

/** Rows, and what postgres.js knows besides. */
export type Result = Rows & { command: string; state: { pid: number; secret: number } };

export type Settle = { resolve: (result: Result | Result[]) => void; reject: (error: unknown) => void };

/** Parameter types (pg_type.oid) by statement text, as the server told them the first time. */
export type Shapes = Map<string, readonly number[]>;

/** All are forgotten when there are more, for callers choose the shapes of lists; what is longer is not learnt. */
const SHAPES_LIMIT = 1_000;
const LONGEST_SHAPE = 8_000;

const NAMED = { prepare: true, simple: false };
const UNNAMED = { prepare: false, simple: false };
const SCRIPT = { prepare: false, simple: true };

/**
 * A statement seen for the first time is planned for its values, and its shape learnt. From then on its values are written out here: they
 * leave with it in one round trip, and a named one, prepared once a connection, is found by its text as it is, where postgres.js would
 * join the types to that text and hash it all for every query.
 */
export function valuedQuery(text: string, values: readonly unknown[], named: boolean, shapes: Shapes, settle: Settle): Query {
  const types = shapes.get(text);
  if (!types) return new Query(text, given(values), UNNAMED, settle);
  const query = new Query(text, [], named ? NAMED : UNNAMED, settle);
  query.parameters = values.map((value, i) => (value === null ? null : textOf(types[i], value)));
  return query;
}

/** Several statements without values. */
export function scriptQuery(text: string, settle: Settle): Query {
  return new Query(text, [], SCRIPT, settle);
}

/** What an unnamed query has taught; nothing more of it once it failed, for a column's type may have changed. */
export function learn({ strings, statement, options }: Query, shapes: Shapes, succeeded: boolean): void {
  const [text] = strings;
  if (!succeeded) shapes.delete(text);
  if (options !== UNNAMED || !succeeded || !statement || shapes.has(text) || text.length > LONGEST_SHAPE) return;
  if (shapes.size >= SHAPES_LIMIT) shapes.clear();
  shapes.set(text, statement.types);
}

/**
 * A query as the connection of postgres.js reads one (3.4.9, which package.json pins; its src/connection.js names every field), handed
 * over in place of its own. That one is a subclass of Promise which outlives several garbage collections, up to half of what a query
 * costs in CPU, and it needs two round trips for an unnamed statement: parse, wait for the types, then bind.
 */
export class Query {
  readonly tagged = false;
  readonly origin = "";
  readonly isRaw = "values";
  readonly strings: readonly [string];
  readonly args: readonly (Given | null)[];
  readonly options: { readonly prepare: boolean; readonly simple: boolean };
  readonly resolve: Settle["resolve"];
  readonly reject: Settle["reject"];
  /** Set beforehand they leave as they are, the server works their types out, and one round trip does. */
  parameters: (string | null)[] | undefined = undefined;
  // The rest is written by the connection; it stands here so that all queries have one hidden class.
  state: unknown = null;
  statement: { types: number[] } | null = null;
  string = "";
  signature: unknown = "";
  prepare = false;
  prepared = false;
  describeFirst: unknown = false;
  active = false;
  cancelled = null;
  retried: unknown = undefined;
  parsing = false;

  constructor(text: string, args: readonly (Given | null)[], options: Query["options"], settle: Settle) {
    this.strings = [text];
    this.args = args;
    this.options = options;
    this.resolve = settle.resolve;
    this.reject = settle.reject;
  }
}
