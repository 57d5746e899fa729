import type { Row, View } from "../../derive/view.ts";
import { count, join, type Statement, sql } from "../../postgres/sql.ts";
import type { Database } from "../database.ts";
import { bounded, boundedSql } from "../records/bounded.ts";
import { long } from "../records/deadlines.ts";
import type { Table } from "../records/table.ts";
import { MOST_SIMILAR } from "./tiers.ts";

export const NEAR_THRESHOLD = 0.4;
const NEAR_CANDIDATES = 500;
/** A search that found nothing is worth a third of a second more, not ten. */
const NEAR_MS = 300;

export const nearMs = (db: Database): number => db.nearMs ?? NEAR_MS;
/**
 * Rows that have for each word of a search one that looks like it; refused as busy when it takes longer than `nearMs`. Planned without
 * its values: PostgreSQL would hold them against each text it has a sample of, and that takes longer than finding them in a small workspace.
 */
export async function nearMisses(
  db: Database,
  workspaceId: string,
  table: Table,
  view: View,
  scope: Statement[],
  words: readonly string[],
  limit: number,
): Promise<Row[]> {
  const looks = words.map((word) => sql`crm_fold(${word}) operator(public.<%) r.search`);
  const near = sql`select r.* from ${table.name} r where ${join([...scope, ...looks], " and ")} limit ${NEAR_CANDIDATES}`;
  const alike = words.map((word) => sql`public.word_similarity(crm_fold(${word}), r.search)`);
  const similarity = sql`(${count(MOST_SIMILAR)} + round(${count(MOST_SIMILAR)} * (${join(alike, " + ")}) / ${count(words.length)}))::int`;
  return db.pool.transaction(async (tx) => {
    const timeout = sql`set_config('statement_timeout', ${String(nearMs(db))}, true)`;
    // Citus plans with the values only, and the other servers have the threshold as a setting of the database.
    await tx.rows(
      tx.spread
        ? sql`select ${timeout}`
        : sql`select set_config('pg_trgm.word_similarity_threshold', ${String(NEAR_THRESHOLD)}, true), ${timeout},
            set_config('plan_cache_mode', 'force_generic_plan', true)`,
    );
    const rows = sql`select ${table.select(view, workspaceId)}, ${similarity} from (${near}) r order by ${similarity} desc, r.updated_at desc, r.id desc limit ${limit}`;
    return bounded(await tx.rows(boundedSql({ workspaceId, table, view, rows, more: 1 })), view).rows;
  }, long(workspaceId));
}
