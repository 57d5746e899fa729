import type { WorkOptions } from "../postgres/pool.ts";
import { sql } from "../postgres/sql.ts";
import type { Transaction } from "../postgres/transaction.ts";
import type { Database } from "./database.ts";

/**
 * Runs the work as one unit: all its statements are in one transaction, so that several requests are done together or not at all.
 * A statement that is refused is undone by itself, and the unit goes on.
 */
export const inUnit = <T>(
  db: Database,
  work: (unit: Database, tx: Transaction) => Promise<T>,
  options: WorkOptions = {},
): Promise<T> => db.pool.transaction((tx) => work(unitOf(db, tx), tx), options);

/** For a unit of many records, which takes some seconds. */
export const ofMany = (workspaceId: string): WorkOptions => ({ longFor: workspaceId, deadlineMs: 60_000 });

/** How long a rehearsal waits for a lock that others hold. */
const LOCK_MS = 1_000;

/** Runs the work and takes all of it back. The result is what would have been. */
export async function rehearse<T>(db: Database, work: (unit: Database) => Promise<T>, options: WorkOptions = {}): Promise<T> {
  const done: { result?: T } = {};
  try {
    await db.pool.transaction(async (tx) => {
      await tx.rows(sql`select set_config('lock_timeout', ${String(LOCK_MS)}, true)`);
      done.result = await work(unitOf(db, tx));
      throw TAKEN_BACK;
    }, options);
  } catch (error) {
    if (error !== TAKEN_BACK) throw error;
  }
  return done.result!;
}

const TAKEN_BACK = new Error("a rehearsal ends with a rollback");

const unitOf = (db: Database, tx: Transaction): Database => ({
  ...db,
  isUnit: true,
  pool: {
    ...db.pool,
    rows: (statement, { retry = false, near } = {}) =>
      retry ? tx.rows(statement, { near }) : tx.savepoint((inner) => inner.rows(statement, { near })),
    transaction: (work) => tx.savepoint(work),
  },
});
