import type { Problem } from "../kit/problem.ts";
import type { Connection } from "./connection.ts";
import type { Chunks } from "./copy.ts";
import type { Rows } from "./driver.ts";
import { isBroken, isCancelled, isConflict, isForgotten, isUnsure, toProblem, unknownOutcome } from "./errors.ts";
import type { Lease, LeaseOptions } from "./lease.ts";
import { createLeases, type Leases, type PoolOptions } from "./leases.ts";
import type { Access } from "./pipeline.ts";
import { createPreparedStatements } from "./preparedStatements.ts";
import { mayRepeat, refusal } from "./retry.ts";
import { createShares } from "./shares.ts";
import type { Statement, StatementOptions } from "./sql.ts";
import { type BatchSize, streamCopy, streamRows } from "./stream.ts";
import { runTransaction, type Transaction } from "./transaction.ts";

export type WorkOptions = Omit<LeaseOptions, "owner" | "access" | "brief"> & {
  /** Whose long work it is. Long work has connections of its own, so that it cannot keep the rest waiting, and is shared out among owners. */
  longFor?: string;
};

export type RowsOptions = StatementOptions &
  WorkOptions & {
    /** A read, or else safe to run again: it is repeated when its connection was lost. */
    retry?: boolean;
    /**
     * A write as short as that of one record. It may be pipelined with others, and then lose its answer to what befalls one of them: for
     * callers that can find out if it was done.
     */
    short?: boolean;
    /** The number of the server of a spread database that has the rows, where that is known. */
    server?: number | undefined;
    /** A read of a few rows by an index. It is pipelined with others of the same turn of the event loop, even if connections are free. */
    brief?: boolean;
  };

/** The servers of a spread database. `near` leads to one of them. */
export type Servers = {
  /** The answer of one server; undefined when it hangs. It waits on connections of its own. */
  ask: (server: { id: number; near: string }, statement: Statement, options: RowsOptions) => Promise<Rows | undefined>;
  hangs: (id: number) => boolean;
};

export type Pool = {
  /** Runs one statement, atomic by itself. codec.ts tells how values are encoded. */
  rows: (statement: Statement, options?: RowsOptions) => Promise<Rows>;
  /** begin … commit, or rollback when the work throws. For the few changes that need several statements. */
  transaction: <T>(work: (tx: Transaction) => Promise<T>, options?: WorkOptions) => Promise<T>;
  /** Several statements without values. Nothing they set stays: the connection is closed afterwards. */
  simple: (text: string, options?: WorkOptions) => Promise<void>;
  /**
   * The rows of a statement in batches, all as of one moment, for results of any length. Here and in the two below, `deadlineMs` is the
   * longest time without progress. It has a connection until the loop ends, of those for streams: these are as slow as whoever takes the rows,
   * so other long work does not wait for them. Who already has as many as one may have (`longFor`) is refused at once.
   */
  stream: (statement: Statement, batch: BatchSize, options?: WorkOptions & { soon?: boolean }) => AsyncIterable<Rows>;
  /** The bytes of `copy (…) to stdout` in chunks. */
  copyOut: (statement: Statement, options?: WorkOptions) => AsyncIterable<Buffer>;
  /** Runs `copy … from stdin` and resolves with the number of rows stored: all of the chunks, or none. */
  copyIn: (statement: Statement, chunks: Chunks, options?: WorkOptions) => Promise<number>;
  /** Ends the statements that are known to wait for that server. What they might have changed is not known. */
  breakOff: (server: number, reason: Problem) => void;
  /** Where the rows lie on several servers: see `near`. */
  spread?: Servers;
  stats: () => ReturnType<Leases["stats"]> & { named: number };
  /** Refuses the callers that wait, lets those that run finish, and closes the connections. */
  close: () => Promise<void>;
};

/** Connections for streams, and how many of them one owner may have. */
const STREAMS = 4;
const STREAMS_OF_ONE = STREAMS / 2;

/** A statement that was pipelined and must run by itself in the end has at least this long. */
const LEAST_MS = 500;

export function createPool(options: PoolOptions): Pool {
  const { hints } = options;
  const shortWork = createLeases(options);
  const third = (number: number) => Math.ceil(number / 3);
  const longWork = createLeases({ ...options, size: third(options.size), queueLimit: third(options.queueLimit) });
  const streams = createLeases({ ...options, size: STREAMS, queueLimit: 0 });
  const admit = createShares(STREAMS, STREAMS_OF_ONE);
  const prepared = createPreparedStatements(options.prepare, options.log);

  async function rows(statement: Statement, asked: RowsOptions = {}): Promise<Rows> {
    const { text, values } = statement;
    const leases = leasesFor(asked);
    const named = prepared.note(text, asked);
    const access = named && leases.knows(text) ? accessOf(asked) : undefined;
    // Not awaited where there is nothing to wait for: the statements that follow must find this one sent.
    const acquired = leases.acquire(leaseOptions(asked, access));
    let lease = acquired instanceof Promise ? await acquired : acquired;
    if (lease.shared) {
      const found = await runShared(leases, lease, lease.shared, statement);
      if (typeof found !== "number") return found;
      lease = await leases.acquire(leaseOptions({ ...asked, deadlineMs: found }));
    }
    try {
      for (let attempt = 1; ; attempt++) {
        const connected = leases.connect(lease);
        const connection = connected instanceof Promise ? await connected : connected;
        try {
          return await connection.run(text, values, named && prepared.enabled);
        } catch (error) {
          if (isForgotten(error)) prepared.disable();
          const answer = refusal(lease, connection, error, asked.retry !== true, hints);
          if (!mayRepeat(lease, error, attempt, asked.retry === true)) throw answer;
        }
      }
    } finally {
      leases.release(lease);
    }
  }

  /** Runs a follower. A number means that it must run by itself, within so many milliseconds, because it failed for another's reason. */
  async function runShared(
    leases: Leases,
    lease: Lease,
    shared: Connection,
    { text, values }: Statement,
  ): Promise<Rows | number> {
    const { access, deadlineMs = options.deadlineMs } = lease.options;
    const since = performance.now();
    try {
      // It was known when it began to wait, but may have been forgotten since.
      if (prepared.enabled && leases.knows(text)) return await shared.run(text, values, true);
    } catch (error) {
      if (access === "write" && isUnsure(error)) throw unknownOutcome(lease.stopped ? "busy" : "not_ready", error);
      if (lease.stopped) throw lease.stopped;
      if (!isForAnother(error)) throw toProblem(error, hints);
    } finally {
      leases.release(lease);
    }
    return Math.max(LEAST_MS, Math.round(deadlineMs - (performance.now() - since)));
  }

  const leasesFor = ({ longFor }: WorkOptions): Leases => (longFor === undefined ? shortWork : longWork);

  async function simple(text: string, asked: WorkOptions = {}): Promise<void> {
    const lease = await shortWork.acquire(leaseOptions(asked));
    lease.spent = true;
    try {
      const connection = await shortWork.connect(lease);
      await connection.script(text).catch((error) => {
        throw refusal(lease, connection, error, true, hints);
      });
    } finally {
      shortWork.release(lease);
    }
  }

  const transactionOn = <T>(leases: Leases, asked: WorkOptions, work: (tx: Transaction) => Promise<T>): Promise<T> =>
    runTransaction(leases, leaseOptions(asked), { prepared, hints, deadlineMs: options.deadlineMs }, work);

  const streamOptions = (asked: WorkOptions) => ({
    lease: leaseOptions(asked),
    idleMs: asked.deadlineMs ?? options.deadlineMs,
    hints,
  });

  return {
    rows,
    transaction: (work, asked = {}) => transactionOn(leasesFor(asked), asked, work),
    simple,
    stream: (statement, batch, asked = {}) =>
      admit(asked.longFor, () => streamRows(streams, statement, batch, { ...streamOptions(asked), soon: asked.soon })),
    copyOut: (statement, asked = {}) => streamCopy(longWork, statement.literal, streamOptions(asked)),
    copyIn: (statement, chunks, asked = {}) => transactionOn(longWork, asked, (tx) => tx.copyIn(statement, chunks)),
    breakOff(server, reason) {
      for (const leases of [shortWork, longWork]) leases.breakOff(server, reason);
    },
    stats: () => ({ ...shortWork.stats(), named: prepared.size }),
    close: async () => void (await Promise.all([shortWork.close(), longWork.close(), streams.close()])),
  };
}

/** True when it failed for another statement of the connection, or for its name: by itself it may succeed. */
const isForAnother = (error: unknown) => isBroken(error) || isConflict(error) || isCancelled(error);

/** Undefined for a statement that may not be pipelined. */
function accessOf({ retry, short, longFor }: RowsOptions): Access | undefined {
  if (longFor !== undefined) return undefined;
  if (short) return "write";
  return retry ? "read" : undefined;
}

function leaseOptions({ signal, deadlineMs, longFor, server, brief = false }: RowsOptions, access?: Access): LeaseOptions {
  return { signal, deadlineMs, owner: longFor, access, server, brief };
}
