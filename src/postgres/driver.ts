import type { Readable, Writable } from "node:stream";
import type postgres from "postgres";
import { encode } from "./codec.ts";

/**
 * The only file that uses private parts of postgres.js (3.4.9, pinned in package.json). test/unit/postgres/driver.test.ts fails when
 * those parts change. The public API was measured and tried first, on a read of one record through the whole service:
 *
 * - `unsafe(text, values, { prepare: true })` costs 1.29 times the CPU of the bare floor, the `Query` below 1.01 times. The public query is a
 *   subclass of Promise, hashes types and text for each run, and needs two round trips for an unnamed statement.
 * - Pipelining it is unsafe. When a prepared statement has gone stale (a migration under load), the driver prepares it again in two round
 *   trips. A statement that is sent between the two receives the other one's rows. Without pipelining it costs 1.6 to 2.1 times the floor.
 * - `copy … from stdin` loses an error that comes after the last chunk: the stream never ends, or ends as if all had been stored.
 * - `copy … to stdout` gives its stream a moment late. When the server refuses in its first packet, the error event has no listener yet and
 *   ends the process.
 */

/** Rows as arrays of values in the order of the columns. */
export type Rows = unknown[][];

export type Result = Rows & { command: string; count: number };

/** Called by the driver. A COPY resolves twice: with its stream, then with its result. */
export type Settle = { resolve: (result: Result | Readable | Writable) => void; reject: (error: unknown) => void };

const NAMED = { prepare: true, simple: false };
const UNNAMED = { prepare: false, simple: false };
const SIMPLE = { prepare: false, simple: true };

/** Hands a query to the client, which executes it or keeps it until it is connected. */
export type Execute = (query: Query) => void;

export function executeOf(client: postgres.Sql<Record<never, never>>): Execute {
  return (client.unsafe("") as unknown as { handler: Execute }).handler;
}

/** A statement whose parameter types are known, with its values written out: it needs one round trip, named or not. */
export function statementQuery(
  text: string,
  values: readonly unknown[],
  types: readonly number[],
  named: boolean,
  settle: Settle,
): Query {
  const query = new Query(text, named ? NAMED : UNNAMED, settle);
  query.parameters = values.map((value, i) => (value === null ? null : encode(types[i], value)));
  return query;
}

export function copyQuery(text: string, settle: Settle): Query {
  return new Query(text, SIMPLE, settle);
}

/** A query with the fields that the driver's src/connection.js reads and writes, in place of the driver's own. */
export class Query {
  readonly tagged = false;
  readonly origin = "";
  readonly isRaw = "values";
  readonly strings: readonly [string];
  readonly args: readonly never[] = [];
  readonly options: { readonly prepare: boolean; readonly simple: boolean };
  readonly resolve: Settle["resolve"];
  readonly reject: Settle["reject"];
  /** Set before the driver builds the message, so that it leaves them as they are and sends types of 0: the server infers them. */
  parameters: (string | null)[] | undefined = undefined;
  // The driver writes the rest. It stands here so that V8 gives all queries one hidden class.
  state: unknown = null;
  statement: unknown = null;
  string = "";
  signature: unknown = "";
  prepare = false;
  prepared = false;
  describeFirst: unknown = false;
  active = false;
  cancelled = null;
  retried: unknown = undefined;
  parsing = false;

  constructor(text: string, options: Query["options"], settle: Settle) {
    this.strings = [text];
    this.options = options;
    this.resolve = settle.resolve;
    this.reject = settle.reject;
  }
}
