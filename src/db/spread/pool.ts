import type { Rows } from "../../postgres/driver.ts";
import type { Pool, RowsOptions } from "../../postgres/pool.ts";
import { type Statement, sql } from "../../postgres/sql.ts";
import type { Transaction } from "../../postgres/transaction.ts";
import { isSpread } from "./distribute.ts";

/**
 * A pool on the coordinator of a spread database. A statement that is `near` a workspace goes as a whole to the server that has it: Citus would
 * run one with an insert inside on all of them, and give its entries in the history numbers of its own transactions.
 */
export function spreadPool(pool: Pool): Pool {
  return {
    ...pool,
    spread: true,
    rows: relaying(pool.rows),
    transaction: (work, options) => pool.transaction((tx) => work(spreadTransaction(tx)), options),
  };
}

/** The pool as its database wants it used. Asked once: a database is spread while no server of ours runs. */
export const spreadAware = async (pool: Pool): Promise<Pool> => ((await isSpread(pool)) ? spreadPool(pool) : pool);

const spreadTransaction = (tx: Transaction): Transaction => ({
  ...tx,
  spread: true,
  rows: relaying(tx.rows),
  savepoint: (work) => tx.savepoint((inner) => work(spreadTransaction(inner))),
});

const GIVES_ROWS = /^\s*select\b|\breturning\b/i;

/** Values of the rows come as JSON has them: such statements give ids and numbers. */
function relaying(rows: (statement: Statement, options?: RowsOptions) => Promise<Rows>): typeof rows {
  return async (statement, options = {}) => {
    const { near, ...others } = options;
    if (near === undefined) return rows(statement, others);
    const { text, literal } = statement;
    const told = await rows(sql`select r.line from crm_write(${near}, ${literal}, ${GIVES_ROWS.test(text)}) r (line)`, others);
    return told.map(([line]) => line as unknown[]);
  };
}
