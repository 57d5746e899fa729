import type { Rows } from "../../postgres/driver.ts";
import type { Pool, RowsOptions } from "../../postgres/pool.ts";
import { type Statement, sql } from "../../postgres/sql.ts";
import type { BatchSize } from "../../postgres/stream.ts";
import type { Transaction } from "../../postgres/transaction.ts";
import { isSpread } from "./distribute.ts";
import { createWatch, type Watch } from "./watch.ts";

/**
 * A pool on the coordinator of a spread database. A statement that is `near` a workspace goes as a whole to the server that has it: Citus would
 * run one with an insert inside on all of them, and give its entries in the history numbers of its own transactions. `asking` has the connections
 * on which servers are asked one by one.
 */
export function spreadPool(pool: Pool, asking: Pool): Pool {
  const watch = createWatch(relaying(asking.rows), pool.breakOff);
  return {
    ...pool,
    spread: watch,
    rows: relaying(admitting(watch, pool.rows)),
    transaction: (work, options) => pool.transaction((tx) => work(spreadTransaction(watch, tx)), options),
    stream: (...asked) => admittedStream(pool, watch, ...asked),
    close: async () => void (await Promise.all([pool.close(), asking.close()])),
  };
}

async function* admittedStream(
  pool: Pool,
  watch: Watch,
  statement: Statement,
  batch: BatchSize,
  options?: Parameters<Pool["stream"]>[2],
): AsyncIterable<Rows> {
  await watch.admit(statement);
  yield* pool.stream(statement, batch, options);
}

/** The pool as its database wants it used. Asked once: a database is spread while no server of ours runs. */
export const spreadAware = async (pool: Pool, asking: () => Pool): Promise<Pool> =>
  (await isSpread(pool)) ? spreadPool(pool, asking()) : pool;

const spreadTransaction = (watch: Watch, tx: Transaction): Transaction => ({
  ...tx,
  spread: true,
  rows: relaying(admitting(watch, tx.rows)),
  savepoint: (work) => tx.savepoint((inner) => work(spreadTransaction(watch, inner))),
});

type Run = (statement: Statement, options?: RowsOptions) => Promise<Rows>;

/** No promise more while all servers answer. */
const admitting =
  ({ admit, serverOf }: Watch, rows: Run): Run =>
  (statement, options) => {
    const placed = { ...options, server: serverOf(statement) };
    const waits = admit(statement);
    return waits ? waits.then(() => rows(statement, placed)) : rows(statement, placed);
  };

const GIVES_ROWS = /^\s*select\b|\breturning\b/i;

/** Values of the rows come as JSON has them: such statements give ids and numbers. */
function relaying(rows: Run): Run {
  return async (statement, options = {}) => {
    const { near, ...others } = options;
    if (near === undefined) return rows(statement, others);
    const { text, literal } = statement;
    const told = await rows(sql`select r.line from crm_write(${near}, ${literal}, ${GIVES_ROWS.test(text)}) r (line)`, others);
    return told.map(([line]) => line as unknown[]);
  };
}
