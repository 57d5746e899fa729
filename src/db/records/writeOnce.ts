import { type Row, rowVersion, type View } from "../../derive/view.ts";
import { Problem } from "../../kit/problem.ts";
import { isOutcomeUnknown, isUnavailable, unknownOutcome } from "../../postgres/errors.ts";
import type { RowsOptions } from "../../postgres/pool.ts";
import { LOST_REPEATS } from "../../postgres/retry.ts";
import { type Statement, sql } from "../../postgres/sql.ts";
import type { Database } from "../database.ts";
import { missing } from "./references.ts";
import { findRow } from "./rows.ts";
import { shownStatement } from "./writeStatement.ts";

/** Of what is sent again: the caller has waited for the first already. */
const AGAIN_MS = 2_000;

export type Written = { row: Row; created: boolean };

/**
 * Runs the statement that writes a record and its history entry `entryId`; undefined when there was nothing to write. Should the answer be
 * lost with the connection, it is sent again: the entry can be there only once, so whichever comes second writes nothing, however late the
 * first arrives. Only where the last is refused, or finds nothing to write, might one that arrives later still be made.
 */
export async function writeOnce(
  db: Database,
  view: View,
  workspaceId: string,
  entryId: string,
  statement: Statement,
  options: RowsOptions,
): Promise<Written | undefined> {
  try {
    return await run(options);
  } catch (error) {
    if (!isOutcomeUnknown(error)) throw error;
    return again(error, 1);
  }

  async function run(asked: RowsOptions): Promise<Written | undefined> {
    const rows = await db.pool.rows(statement, asked);
    if (!db.pool.spread || rows.length === 0) return writtenOf(rows);
    const shown = shownStatement(view)([workspaceId, rows[0]![1]]);
    return writtenOf(
      await db.pool.rows(shown, { retry: true }).catch((error) => Promise.reject(unknownOutcome("not_ready", error))),
    );
  }

  async function again(lost: Problem, repeat: number): Promise<Written | undefined> {
    let refusal: unknown;
    try {
      const written = await run({ deadlineMs: AGAIN_MS });
      if (written) return written;
    } catch (error) {
      if (isOutcomeUnknown(error) && repeat < LOST_REPEATS) return again(lost, repeat + 1);
      if (error instanceof Problem && isUnavailable(error.code)) throw lost;
      refusal = error;
    }
    // Refused, or nothing to write: because the first was made after all?
    const made = await madeBy(db, view, workspaceId, entryId).catch((error) => {
      throw error instanceof Problem && error.code === "not_found" ? error : lost;
    });
    if (!made && refusal !== undefined) throw refusal;
    return made;
  }
}

const writtenOf = ([row]: readonly Row[]): Written | undefined => row && { row, created: rowVersion(row) === 1 };

/** The record as it is now, if the history has the entry; undefined when it has not. Not found: it was deleted since. */
async function madeBy(db: Database, view: View, workspaceId: string, entryId: string): Promise<Written | undefined> {
  const [entry] = await db.pool.rows(
    sql`select record_id, action from changes where workspace_id = ${workspaceId} and id = ${entryId}`,
    { retry: true, deadlineMs: AGAIN_MS },
  );
  if (!entry) return undefined;
  const row = await findRow(db, view, sql`r.workspace_id = ${workspaceId} and r.id = ${entry[0] as string}`);
  if (!row) throw missing(view.kind, entry[0] as string);
  return { row, created: entry[1] === "created" };
}
