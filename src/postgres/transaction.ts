import { Problem } from "../kit/problem.ts";
import type { Connection } from "./connection.ts";
import { type Chunks, copyInto } from "./copy.ts";
import type { Rows } from "./driver.ts";
import type { Hints } from "./errors.ts";
import { type Lease, type LeaseOptions, progress } from "./lease.ts";
import type { Leases } from "./leases.ts";
import type { PreparedStatements } from "./preparedStatements.ts";
import { firstOn, refusal } from "./retry.ts";
import type { Statement, StatementOptions } from "./sql.ts";

/** Each refusal is a Problem whose cause is the driver's error. */
export type Transaction = {
  /** Planned `custom` unless asked: within a transaction a name that a pooler does not know (PgBouncer before 1.21) cannot be repeated. */
  rows: (statement: Statement, options?: StatementOptions) => Promise<Rows>;
  /** Several statements without values, for migrations. */
  simple: (text: string) => Promise<void>;
  /** Runs `copy … from stdin`, and gives the number of rows stored. The deadline counts anew from each chunk. */
  copyIn: (statement: Statement, chunks: Chunks) => Promise<number>;
  /** What the work did is undone when it throws; the transaction itself goes on. Until it ends, only the inner transaction takes statements. */
  savepoint: <T>(work: (inner: Transaction) => Promise<T>) => Promise<T>;
  /** The rows lie on several servers. */
  spread?: true;
};

export type TransactionDefaults = { prepared: PreparedStatements; hints: Hints | undefined; deadlineMs: number };

type Running = TransactionDefaults & {
  lease: Lease;
  connection: Connection;
  /** Rejects when the lease is stopped. */
  halted: Promise<never>;
};

/** begin … commit, or rollback when the work throws, on a connection of its own. */
export async function runTransaction<T>(
  leases: Leases,
  options: LeaseOptions,
  defaults: TransactionDefaults,
  work: (tx: Transaction) => Promise<T>,
): Promise<T> {
  const lease = await leases.acquire(options);
  const halted = new Promise<never>((_, reject) => {
    lease.halt = reject;
  });
  halted.catch(() => {});
  try {
    const connection = await begin(leases, lease, "begin");
    const tx = transactionOn({ ...defaults, lease, connection, halted, deadlineMs: options.deadlineMs ?? defaults.deadlineMs });
    try {
      const result = await Promise.race([work(tx.transaction), halted]);
      await tx.finish();
      await commit(lease, connection);
      return result;
    } catch (error) {
      await tx.finish();
      await rollback(lease, connection);
      throw error;
    }
  } finally {
    leases.release(lease);
  }
}

/** `text` begins the transaction. */
export function begin(leases: Leases, lease: Lease, text: string): Promise<Connection> {
  return firstOn(leases, lease, async (connection) => {
    await connection.script(text);
    return connection;
  });
}

/** Runs one statement after the other, awaited or not: a statement that the work left running must not run after the rollback. */
function transactionOn(running: Running, depth = 0) {
  const { lease, connection, halted, prepared, hints, deadlineMs } = running;
  let last: Promise<unknown> = Promise.resolve();
  let over = false;
  let inner = false;

  function inTurn<T>(run: () => Promise<T>): Promise<T> {
    if (over) return Promise.reject(new Problem("internal", "a statement after the end of its transaction"));
    if (inner) return Promise.reject(new Problem("internal", "a statement outside of the savepoint that is open"));
    const mine = last.then(() => {
      if (lease.stopped) throw lease.stopped;
      return run();
    });
    last = mine.catch(() => {});
    return mine;
  }

  const refuse = (error: unknown): never => {
    throw refusal(lease, connection, error, false, hints);
  };

  async function copyIn(statement: Statement, chunks: Chunks): Promise<number> {
    try {
      return await copyInto(connection, statement.literal, chunks, () => progress(lease, deadlineMs));
    } catch (error) {
      // The driver cannot use a connection again whose COPY was refused.
      lease.spent = true;
      return refuse(error);
    }
  }

  async function savepoint<T>(work: (tx: Transaction) => Promise<T>): Promise<T> {
    const name = `s${depth + 1}`;
    await connection.script(`savepoint ${name}`).catch(refuse);
    inner = true;
    const nested = transactionOn(running, depth + 1);
    try {
      const result = await Promise.race([work(nested.transaction), halted]);
      await nested.finish();
      if (lease.stopped) throw lease.stopped;
      await connection.script(`release savepoint ${name}`).catch(refuse);
      return result;
    } catch (error) {
      await nested.finish();
      if (lease.stopped) throw lease.stopped;
      // When this is refused too, the transaction is broken and the commit says so.
      if (!connection.lost) await connection.script(`rollback to savepoint ${name}; release savepoint ${name}`).catch(refuse);
      throw error;
    } finally {
      inner = false;
    }
  }

  const transaction: Transaction = {
    rows: ({ text, values }, asked = {}) =>
      inTurn(() => connection.run(text, values, prepared.note(text, { plan: "custom", ...asked })).catch(refuse)),
    simple(text) {
      lease.spent = true;
      return inTurn(async () => void (await connection.script(text).catch(refuse)));
    },
    copyIn: (statement, chunks) => inTurn(() => copyIn(statement, chunks)),
    savepoint: (work) => inTurn(() => savepoint(work)),
  };
  const finish = async () => {
    over = true;
    await last;
  };
  return { transaction, finish };
}

/** A committed transaction answers COMMIT. One that a failed statement had broken answers ROLLBACK, even if the work caught the error. */
async function commit(lease: Lease, connection: Connection): Promise<void> {
  if (lease.stopped) throw lease.stopped;
  const command = await connection.script("commit").catch((error) => {
    throw refusal(lease, connection, error, true);
  });
  if (command !== "COMMIT") throw new Problem("internal", "the transaction had failed and was rolled back");
}

async function rollback(lease: Lease, connection: Connection): Promise<void> {
  if (lease.stopped || connection.lost) return;
  await connection.script("rollback").catch((error) => connection.lose(error));
}
