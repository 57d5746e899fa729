import type { ListQuery } from "../../derive/query.ts";
import { asStored } from "../../derive/slots.ts";
import type { Written } from "../../derive/written.ts";
import type { IdSource } from "../../kit/id.ts";
import { Problem } from "../../kit/problem.ts";
import { join, raw, type Statement, sql } from "../../postgres/sql.ts";
import type { Transaction } from "../../postgres/transaction.ts";
import type { Kind } from "../../records/kind.ts";
import type { Author, Database } from "../database.ts";
import { inUnit, ofMany } from "../unit.ts";
import { authorValues, near } from "./author.ts";
import { inTime, long } from "./deadlines.ts";
import { withNewHandles } from "./handles.ts";
import { type Making, withLinked } from "./linked.ts";
import { refusal } from "./refusal.ts";
import {
  affectedBy,
  dependentsOf,
  LOCK,
  type Removal,
  type Root,
  type Rows,
  removeAll,
  rootColumns,
  rootOf,
  setOf,
  unsealed,
} from "./remove.ts";
import { filtersOf } from "./rows.ts";
import { rowsOf } from "./table.ts";
import { livingLinks, prepareValues } from "./write.ts";
import { changeStatement } from "./writeStatement.ts";

/** Records that one request changes at most. */
export const MOST_BULK = 10_000;
const CHUNK = 1_000;

/** The records that a bulk request is about. */
export type Found = {
  records: readonly Root[];
  /** Stands for exactly these records in their versions, and for what hangs on them where they are deleted. */
  set: string;
  affected: Removal["affected"];
};

/** `detach`: what was logged for both sides of a record that puts one thing into another loses its link to the one. */
export type Removing = { detach: boolean };

/** What a bulk request would be about, for the question that comes before it. */
export const previewBulk = (
  db: Database,
  workspaceId: string,
  kind: Kind,
  query: ListQuery,
  removal?: Removing,
): Promise<Found> =>
  inTime(
    kind,
    query,
    async () =>
      (await find(db, (each) => db.pool.rows(each, long(workspaceId)), workspaceId, kind, query, removal, raw(""))).found,
  );

/** Changes what the filters find, in one transaction. Record after record gets one option after the other. Resolves with how many changed. */
export function changeBulk(
  db: Database,
  author: Author,
  ids: IdSource,
  kind: Kind,
  query: ListQuery,
  options: readonly Written[],
  making: Making,
  agree: (found: Found) => void,
): Promise<{ found: Found; changed: number }> {
  return inTransaction(db, author, async (unit, rows, tx) => {
    const values = [];
    for (const option of options) {
      const { written } = await withLinked(unit, author, kind, option, making);
      const prepared = await prepareValues(unit, author, kind, written);
      values.push({ ...prepared, sent: (await livingLinks(unit, author, kind, prepared.sent)) ?? prepared.sent });
    }
    const { found } = await find(unit, rows, author.workspaceId, kind, query, undefined, LOCK);
    agree(found);
    let changed = 0;
    for (let at = 0; at < found.records.length; at += CHUNK) {
      const chunk = found.records.slice(at, at + CHUNK).map(({ id }) => id);
      const entries = chunk.map(() => ids("ch"));
      const picks = chunk.map((_, i) => (at + i) % options.length);
      const all = { options: values.map(({ sent, removed }) => ({ sent: asStored(kind, sent, true), removed })) };
      const statement = changeStatement(kind)([...authorValues(author), chunk, entries, picks, all]);
      changed += (await tx.rows(statement, near(author)).catch((error) => Promise.reject(refusal(kind, error, {})))).length;
    }
    return { found, changed };
  });
}

/** Deletes what the filters find, in one transaction, with all that cannot be without it. */
export function removeBulk(
  db: Database,
  author: Author,
  ids: IdSource,
  kind: Kind,
  query: ListQuery,
  removal: Removing,
  agree: (found: Found) => void,
): Promise<Found> {
  return inTransaction(db, author, async (unit, rows, tx) => {
    const { found, dependents } = await find(unit, rows, author.workspaceId, kind, query, removal, LOCK);
    agree(found);
    await removeAll(tx, author, ids, found.records, dependents);
    return found;
  });
}

/** On a connection for long work, and again where a new handle is taken. */
function inTransaction<T>(
  db: Database,
  { workspaceId }: Author,
  work: (unit: Database, rows: Rows, tx: Transaction) => Promise<T>,
): Promise<T> {
  return withNewHandles(() => inUnit(db, (unit, tx) => work(unit, tx.rows, tx), ofMany(workspaceId)));
}

/** The records that the filters find, in the order of ids, so that two such requests lock them one behind the other. */
async function find(
  db: Database,
  rows: Rows,
  workspaceId: string,
  kind: Kind,
  query: ListQuery,
  removal: Removing | undefined,
  lock: Statement,
): Promise<{ found: Found; dependents: Awaited<ReturnType<typeof dependentsOf>> }> {
  const filters = await filtersOf(db, workspaceId, kind, query);
  const found = await rows(
    sql`select ${rootColumns(kind)} from ${rowsOf(kind)} r where ${join(filters, " and ")} order by r.id limit ${MOST_BULK + 1} ${lock}`,
  );
  if (found.length > MOST_BULK) throw refuseTooMany(kind);
  const records = found.map((row) => (removal ? unsealed(rootOf(kind, row)) : rootOf(kind, row)));
  const dependents = removal ? await dependentsOf(db, rows, workspaceId, records, lock, removal) : [];
  return { found: { records, set: setOf([...records, ...dependents]), affected: affectedBy(dependents) }, dependents };
}

export const refuseTooMany = ({ plural }: Kind) =>
  new Problem("unprocessable", `the filters find more than ${MOST_BULK} ${plural}`, [
    "narrow them, and do the rest with further requests: add created_at=lt:… or owner=…",
  ]);
