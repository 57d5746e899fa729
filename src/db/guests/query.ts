import type { Address } from "../../postgres/address.ts";
import { AS_TEXT } from "../../postgres/codec.ts";
import { createConnection, type Described } from "../../postgres/connection.ts";
import { tooSlow } from "../../postgres/errors.ts";
import { createParameterTypes } from "../../postgres/parameterTypes.ts";
import { BEFORE, tooLarge } from "./refusals.ts";
import { nameTypes } from "./types.ts";

/** A statement of a caller, and how much of its answer there may be. */
export type Question = {
  text: string;
  params: readonly unknown[];
  /** The zone in which PostgreSQL reads and cuts times. */
  timezone: string;
  rows: number;
  signal: AbortSignal;
};

export type Limits = {
  /** Milliseconds that the database may work on it. The whole answer may take four times as long. */
  deadlineMs: number;
  /** Of one batch of rows, and of the whole answer. */
  batchBytes: number;
  bytes: number;
};

/** A row's values as PostgreSQL writes them. */
export type TextRow = readonly (string | null)[];

export type Result = {
  columns: readonly { name: string; type: string }[];
  /** Gives each row once. The connection is closed when it ends, or was stopped. */
  batches: () => AsyncGenerator<readonly TextRow[], void, undefined>;
  /** Known when all has been read: what the answer was cut at. */
  cut: () => "rows" | "bytes" | undefined;
};

const CONNECT_MS = 5_000;
const FIRST_ROWS = 50;
const MOST_ROWS = 2_000;
const AIM_BYTES = 262_144;

/** Runs a query as the role that the address names, on a connection of its own, and reads its first rows. */
export async function runQuery(to: Address, question: Question, limits: Limits): Promise<Result> {
  const { text, params, timezone, rows: most, signal } = question;
  let arrived = 0;
  let batchFrom = 0;
  const connection = createConnection(to, createParameterTypes(), () => {}, {
    parsers: AS_TEXT,
    onBytes(bytes) {
      arrived += bytes;
      if (arrived - batchFrom > limits.batchBytes) stop(tooLarge(limits.batchBytes));
    },
  });
  function stop(reason: Error): void {
    connection.cancel();
    connection.lose(reason);
  }
  const leave = () => stop(new Error("the caller has gone"));
  signal.addEventListener("abort", leave, { once: true });
  const last = setTimeout(() => stop(tooSlow(limits.deadlineMs * 4)), limits.deadlineMs * 4).unref();

  let left = limits.deadlineMs;
  async function inTime<T>(work: Promise<T>): Promise<T> {
    const since = performance.now();
    const timer = setTimeout(() => stop(tooSlow(limits.deadlineMs)), Math.max(1, left));
    try {
      return await work;
    } finally {
      clearTimeout(timer);
      left -= performance.now() - since;
    }
  }

  async function close(): Promise<void> {
    clearTimeout(last);
    signal.removeEventListener("abort", leave);
    if (connection.running) stop(new Error("the answer was not read to its end"));
    await connection.close();
  }

  let size = Math.min(FIRST_ROWS, most + 1);
  let read = 0;
  let cut: "rows" | "bytes" | undefined;

  async function fetch(): Promise<Described> {
    batchFrom = arrived;
    const asked = size;
    const found = await inTime(connection.described(`fetch forward ${asked} from rows`, []));
    const bytes = Math.max(1, (arrived - batchFrom) / Math.max(1, found.rows.length));
    read += found.rows.length;
    size = Math.max(1, Math.min(size * 2, Math.floor(AIM_BYTES / bytes), MOST_ROWS, most + 1 - read));
    return found.rows.length < asked ? { ...found, rows: Object.assign(found.rows, { last: true }) } : found;
  }

  try {
    if (signal.aborted) leave();
    await inTime(connection.open(CONNECT_MS));
    // A zone that this server does not know is no reason to refuse: times are then those of UTC.
    if (/^[A-Za-z0-9_+/-]+$/.test(timezone)) await inTime(connection.script(`set timezone to '${timezone}'`)).catch(() => {});
    await inTime(connection.script("begin read only"));
    await inTime(connection.described(BEFORE + text, params));
    const first = await fetch();
    const types = await nameTypes(first.columns, (statement, values) => inTime(connection.described(statement, values)));
    const columns = first.columns.map(({ name, type }) => ({ name, type: types.get(type) ?? "unknown" }));
    async function* batches(): AsyncGenerator<readonly TextRow[], void, undefined> {
      try {
        for (let found = first; ; found = await fetch()) {
          const rows = found.rows as unknown as TextRow[] & { last?: boolean };
          if (read > most) cut = "rows";
          const shown = cut ? rows.slice(0, rows.length - (read - most)) : rows;
          if (shown.length > 0) yield shown;
          if (rows.last || cut) return;
          if (arrived > limits.bytes) {
            cut = "bytes";
            return;
          }
        }
      } finally {
        await close();
      }
    }
    return { columns, batches, cut: () => cut };
  } catch (error) {
    await close();
    throw error;
  }
}
