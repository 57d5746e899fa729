import postgres from "postgres";
import { Problem, type ProblemCode } from "../kit/problem.ts";

/** Hints by SQLSTATE, in the words of the program that uses the pool, in place of the ones here. */
export type Hints = Readonly<Record<string, string>>;

/** The Problem that an error of PostgreSQL means to the caller. An error without a meaning is `internal`, its details only in the cause. */
export function toProblem(error: unknown, hints: Hints = {}): Problem {
  if (error instanceof Problem) return error;
  if (isLost(error)) return unreachable(error);
  const state = sqlstateOf(error) ?? "";
  const meaning = isAborted(error) ? UNREACHABLE : (MEANINGS[state] ?? MEANINGS[state.slice(0, 2)]);
  if (!meaning) return new Problem("internal", "the database refused a statement of the service", [], { cause: error });
  const headers = isUnavailable(meaning.code) ? RETRY_AFTER : {};
  return new Problem(meaning.code, meaning.message, hints[state] ?? meaning.hint, { headers, cause: error });
}

/** True when the database was not reached, or not in time: another attempt may succeed. */
export const isUnavailable = (code: ProblemCode): boolean => code === "busy" || code === "not_ready";

type Meaning = { code: ProblemCode; message: string; hint: string };

const RETRY_AFTER = { "Retry-After": "1" };

/** Only for a statement that is known to have changed nothing. */
const AGAIN = "nothing was changed: wait as long as Retry-After says, then repeat the request";

const WRONG_VALUE = {
  code: "invalid_value",
  message: "a value does not fit its field",
  hint: "send a value that its column can hold",
} as const;
const WRONG_TIME = {
  code: "invalid_value",
  message: "a time or date does not exist or is out of range",
  hint: "write 2026-06-01T09:00:00Z or 2026-06-01",
} as const;
const WRONG_TEXT = {
  code: "invalid_value",
  message: "a text holds a character that cannot be stored",
  hint: "leave out NUL characters and lone surrogates, and send UTF-8",
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

/** By SQLSTATE, or by the first two letters of it, its class: https://www.postgresql.org/docs/current/errcodes-appendix.html */
const MEANINGS: Record<string, Meaning> = {
  "23505": { code: "already_exists", message: "another record holds this value", hint: "change that record" },
  "23503": {
    code: "unprocessable",
    message: "the request refers to a record that is not there",
    hint: "make the other record first",
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
 * Refusals for an overload. They ask callers to come again in one, two or three seconds by turns, so that they do not return as one crowd.
 * Made once: recording the stack of a Problem costs half as much as the rest of a refusal.
 */
function overloaded(message: string): () => Problem {
  const all = ["1", "2", "3"].map((seconds) => new Problem("busy", message, AGAIN, { headers: { "Retry-After": seconds } }));
  let last = 0;
  return () => all[last++ % all.length]!;
}

export const queueFull = overloaded("too many requests wait for the database");
export const waitedLong = overloaded("all connections to the database are in use");

/** Made for each: it is rare. `mine`: how many of the owner's own run. */
export function tooManyStreams(mine: number | undefined): Problem {
  const running = mine === undefined ? "as many streams as there may be run already" : `${mine} streams of yours run already`;
  return new Problem("busy", running, "wait until one has ended, then repeat the request; pages are not affected", {
    headers: { "Retry-After": "5" },
  });
}

/** A text holds a NUL character. */
export const unstorable = (): Problem => new Problem(WRONG_TEXT.code, WRONG_TEXT.message, WRONG_TEXT.hint);

const DEADLINE = new Error("the deadline has passed");

/** The work took longer than its deadline of so many milliseconds. */
export function tooSlow(milliseconds: number): Problem {
  return new Problem(TOO_SLOW.code, `the query took longer than ${milliseconds / 1000} s`, TOO_SLOW.hint, {
    headers: RETRY_AFTER,
    cause: DEADLINE,
  });
}

/** Nobody sees it: the consumer of the stream has stopped. */
export const streamStopped = (): Error => new Error("the consumer stopped the stream");

/** A stream made no progress for so many milliseconds: the server sent nothing, or the caller took nothing. */
export function stalled(milliseconds: number): Problem {
  return new Problem(TOO_SLOW.code, `the stream made no progress for ${milliseconds / 1000} s`, TOO_SLOW.hint, {
    headers: RETRY_AFTER,
    cause: DEADLINE,
  });
}

/** True when it ran and was stopped at its deadline; false when it never began. */
export function isTooSlow(error: unknown): boolean {
  return error instanceof Problem && (error.cause === DEADLINE || isCancelled(error));
}

/** True when the server cancelled the statement, which then did nothing. */
export const isCancelled = (error: unknown): boolean => sqlstateOf(error) === "57014";

/** Has no Retry-After: a program that repeats the write by itself might make the change twice. */
export function unknownOutcome(code: "busy" | "not_ready", cause: unknown): Problem {
  const message = "the answer of the database was lost, so it is not known whether the change was made";
  return new Problem(code, message, "read the record before you repeat the request", { values: { outcome: "unknown" }, cause });
}

/** True when the answer was lost with the connection; false when nobody waited for it any longer. */
export function isOutcomeUnknown(error: unknown): error is Problem {
  return error instanceof Problem && error.code === "not_ready" && error.values["outcome"] === "unknown";
}

/** The SQLSTATE of an error of PostgreSQL, or of the Problem made from it. */
export function sqlstateOf(error: unknown): string | undefined {
  const refused = serverError(error);
  if (refused?.code !== "XX000") return refused?.code;
  return COPIED.find(([said]) => said.test(refused.message))?.[1] ?? refused.code;
}

/** What Citus tells without the SQLSTATE, where it copies the rows of an insert to another server. */
const COPIED: [RegExp, string][] = [
  [/violates unique constraint "/, "23505"],
  [/violates foreign key constraint "/, "23503"],
  [/violates check constraint "/, "23514"],
  [/violates not-null constraint$/, "23502"],
];

/**
 * The name of the unique, foreign key or check constraint that was violated. Citus tells the name on a shard (`contacts_email_key_102027`), and
 * of what another server refused only in the message.
 */
export function constraintOf(error: unknown): string | undefined {
  const refused = serverError(error);
  const name = refused?.constraint_name ?? /constraint "([^"]+)"/.exec(refused?.message ?? "")?.[1];
  return name?.replace(/_\d{6,}$/, "");
}

/** What a function of the database says of why it refused. */
export function detailOf(error: unknown): string | undefined {
  return serverError(error)?.detail;
}

function serverError(error: unknown): postgres.PostgresError | undefined {
  const source = error instanceof Problem ? error.cause : error;
  return source instanceof postgres.PostgresError ? source : undefined;
}

/** True when the connection broke, and the answer with it. */
export function isLost(error: unknown): boolean {
  if (!(error instanceof Error)) return false;
  const state = sqlstateOf(error);
  // One that leaves the connection open is about another server, which this one had asked.
  if (state) return /^(08|57P|25P03)/.test(state) && serverError(error)?.severity !== "ERROR";
  // Codes of postgres.js (CONNECTION_CLOSED, CONNECT_TIMEOUT), of the system (ECONNRESET, EPIPE) and of TLS.
  return "code" in error && /^(CONNECT|E(?!RR_)|ERR_SSL|ERR_STREAM)/.test(String(error.code));
}

/** True when the server refuses because it has lost, or does not reach, another server that has the rows (Citus). Our connection is good. */
export function isLostBehind(error: unknown): boolean {
  return /^(08(?!P01)|57P)/.test(sqlstateOf(error) ?? "") && !isLost(error);
}

/** True when Citus has rolled a transaction back because it lost a server that took part. It has no SQLSTATE of its own. */
const isAborted = (error: unknown): boolean =>
  sqlstateOf(error) === "XX000" && /^failure on connection marked as essential/.test((serverError(error) as Error).message);

/** Behind the server no connection came about, so the statement was never sent there. */
const NEVER_SENT =
  /Connection refused|could not connect|could not translate|timeout expired|No route to host|Network is unreachable/;

/** True when a change may have been made though its answer is an error, or none. */
export const isUnsure = (error: unknown): boolean =>
  isUnanswered(error) || (isLostBehind(error) && !NEVER_SENT.test((serverError(error) as Error).message));

/** True when the server, or a pooler before it, has lost a prepared statement or cannot use its plan. It was not executed. */
export function isStale(error: unknown): boolean {
  const state = sqlstateOf(error);
  return isForgotten(error) || (state === "0A000" && serverError(error)?.routine === "RevalidateCachedQuery");
}

/** True when the server does not know the name of a prepared statement. */
export function isForgotten(error: unknown): boolean {
  return sqlstateOf(error) === "26000";
}

/** True when other transactions caused the rollback (serialization failure, deadlock): a repeat may succeed at once. */
export function isConflict(error: unknown): boolean {
  const state = sqlstateOf(error);
  return state === "40001" || state === "40P01";
}

/** True when the outcome is unknown: no refusal of the server came, or one that ends the connection. */
export const isUnanswered = (error: unknown): boolean => sqlstateOf(error) === undefined || isLost(error);

/** True when the connection must not be used again. 25006: it leads to a server that is no longer the primary. */
export function isBroken(error: unknown): boolean {
  return isUnanswered(error) || isStale(error) || sqlstateOf(error) === "25006";
}
