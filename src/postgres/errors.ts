import postgres from "postgres";
import { Problem, type ProblemCode } from "../kit/problem.ts";
import { UNSTORABLE_HINT } from "../records/textKinds.ts";

/** What a refusal of PostgreSQL means to the caller. Anything else is a fault of ours: `internal`, its details only in the cause. */
export function toProblem(error: unknown): Problem {
  if (error instanceof Problem) return error;
  if (isLost(error)) return unreachable(error);
  const state = sqlstateOf(error) ?? "";
  const meaning = MEANINGS[state] ?? MEANINGS[state.slice(0, 2)];
  if (!meaning) return new Problem("internal", "the database refused a statement of the service", [], { cause: error });
  const headers = isUnavailable(meaning.code) ? RETRY_AFTER : {};
  return new Problem(meaning.code, meaning.message, meaning.hint, { headers, cause: error });
}

/** The database was not reached, or not in time: another attempt may. */
export const isUnavailable = (code: ProblemCode): boolean => code === "busy" || code === "not_ready";

type Meaning = { code: ProblemCode; message: string; hint: string };

const RETRY_AFTER = { "Retry-After": "1" };

/** Only for what is known to have changed nothing. */
const AGAIN = "nothing was changed: wait as long as Retry-After says, then repeat the request";

const WRONG_VALUE = {
  code: "invalid_value",
  message: "a value does not fit its field",
  hint: "GET /help has a page on every kind: its fields and what they hold",
} as const;
const WRONG_TIME = {
  code: "invalid_value",
  message: "a time or date does not exist or is out of range",
  hint: "write 2026-06-01T09:00:00Z, 2026-06-01, today or +2d",
} as const;
const WRONG_TEXT = {
  code: "invalid_value",
  message: "a text holds a character that cannot be stored",
  hint: UNSTORABLE_HINT,
} as const;
const TOO_LARGE = {
  code: "invalid_value",
  message: "a value is too long or nested too deeply to be stored",
  hint: "shorten it, or split it over several records",
} as const;
const TOO_SLOW = {
  code: "busy",
  message: "the query took too long and was stopped",
  hint: "add a filter, or ask for less",
} as const;
const IN_THE_WAY = { code: "busy", message: "others were changing the same records", hint: "repeat the request" } as const;
const NOT_WRITABLE = { code: "not_ready", message: "the database takes no changes at the moment", hint: AGAIN } as const;
const NO_ROOM = { code: "not_ready", message: "the database is out of room", hint: AGAIN } as const;
const UNREACHABLE = { code: "not_ready", message: "the database cannot be reached", hint: AGAIN } as const;

/** By SQLSTATE, or by its class: https://www.postgresql.org/docs/current/errcodes-appendix.html */
const MEANINGS: Record<string, Meaning> = {
  "23505": { code: "already_exists", message: "another record holds this value", hint: "search= finds it: change that one" },
  "23503": {
    code: "unprocessable",
    message: "the request refers to a record that is not there",
    hint: "search= finds what there is",
  },
  "23502": WRONG_VALUE,
  "23514": WRONG_VALUE,
  "22P02": WRONG_VALUE,
  "22003": WRONG_VALUE,
  "22001": TOO_LARGE,
  "54000": TOO_LARGE,
  "54001": TOO_LARGE,
  "22007": WRONG_TIME,
  "22008": WRONG_TIME,
  "22021": WRONG_TEXT,
  "22P05": WRONG_TEXT,
  "57014": TOO_SLOW,
  "40001": IN_THE_WAY,
  "40P01": IN_THE_WAY,
  "55P03": IN_THE_WAY,
  "25006": NOT_WRITABLE,
  "53": NO_ROOM,
  "53300": { code: "not_ready", message: "the database takes no more connections", hint: AGAIN },
  "57": UNREACHABLE,
  "08": UNREACHABLE,
};

export function unreachable(cause: unknown): Problem {
  return new Problem(UNREACHABLE.code, UNREACHABLE.message, UNREACHABLE.hint, { headers: RETRY_AFTER, cause });
}

/**
 * All connections are in use. Who is refused for it is one of very many: they are asked to come again in one, two or three seconds by turns,
 * for as one crowd they would be refused again. Made once, since to note where a Problem was made costs half as much as the rest of refusing.
 */
function refusals(message: string): () => Problem {
  const all = ["1", "2", "3"].map((seconds) => new Problem("busy", message, AGAIN, { headers: { "Retry-After": seconds } }));
  let last = 0;
  return () => all[last++ % all.length]!;
}

export const queueFull = refusals("too many requests wait for the database");
export const waitedLong = refusals("all connections to the database are in use");

const DEADLINE = new Error("the deadline has passed");

/** `milliseconds` is what the unit of work was given. */
export function tooSlow(milliseconds: number): Problem {
  return new Problem(TOO_SLOW.code, `the query took longer than ${milliseconds / 1000} s`, TOO_SLOW.hint, {
    headers: RETRY_AFTER,
    cause: DEADLINE,
  });
}

/** Whether it was stopped for the time it took, rather than kept from starting. */
export function isTooSlow(error: unknown): boolean {
  return error instanceof Problem && (error.cause === DEADLINE || isCancelled(error));
}

/** Whether the server stopped it: it did nothing. */
export const isCancelled = (error: unknown): boolean => sqlstateOf(error) === "57014";

/** Without Retry-After: a program that repeats the write on its own might make it twice. */
export function unknownOutcome(code: "busy" | "not_ready", cause: unknown): Problem {
  const message = "the answer of the database was lost, so it is not known whether the change was made";
  return new Problem(code, message, "read the record before you repeat the request", { values: { outcome: "unknown" }, cause });
}

/** Whether the answer was lost with the connection, rather than not waited for. */
export function isOutcomeUnknown(error: unknown): error is Problem {
  return error instanceof Problem && error.code === "not_ready" && error.values["outcome"] === "unknown";
}

/** The SQLSTATE of an error of PostgreSQL, or of the Problem made from it. */
export function sqlstateOf(error: unknown): string | undefined {
  return serverError(error)?.code;
}

/** The unique, foreign key or check constraint that refused. */
export function constraintOf(error: unknown): string | undefined {
  return serverError(error)?.constraint_name;
}

function serverError(error: unknown): postgres.PostgresError | undefined {
  const source = error instanceof Problem ? error.cause : error;
  return source instanceof postgres.PostgresError ? source : undefined;
}

/** The connection is gone, and with it the answer. */
export function isLost(error: unknown): boolean {
  if (!(error instanceof Error)) return false;
  const state = sqlstateOf(error);
  if (state) return /^(08|57P|25P03)/.test(state);
  // Codes of postgres.js (CONNECTION_CLOSED, CONNECT_TIMEOUT), of the system (ECONNRESET, EPIPE) and of TLS.
  return "code" in error && /^(CONNECT|E(?!RR_)|ERR_SSL|ERR_STREAM)/.test(String(error.code));
}

/** A prepared statement that the server, or a pooler before it, no longer has or can no longer use. It was not executed. */
export function isStale(error: unknown): boolean {
  const state = sqlstateOf(error);
  return isForgotten(error) || (state === "0A000" && serverError(error)?.routine === "RevalidateCachedQuery");
}

/** A prepared statement of a name that the server does not know. */
export function isForgotten(error: unknown): boolean {
  return sqlstateOf(error) === "26000";
}

/** Rolled back because of others: it may succeed at once. */
export function isConflict(error: unknown): boolean {
  const state = sqlstateOf(error);
  return state === "40001" || state === "40P01";
}

/** Whether it is not known what became of the statement: no refusal of the server came, or one that ends the connection. */
export const isUnanswered = (error: unknown): boolean => sqlstateOf(error) === undefined || isLost(error);

/** Whether the connection must not be used again. 25006: it leads to what is no longer the primary. */
export function isBroken(error: unknown): boolean {
  return isUnanswered(error) || isStale(error) || sqlstateOf(error) === "25006";
}
