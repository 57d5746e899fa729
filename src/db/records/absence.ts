import type { Condition } from "../../derive/filter.ts";
import { isTooSlow } from "../../postgres/errors.ts";
import { count, join, type Statement, sql } from "../../postgres/sql.ts";
import type { Kind, Link } from "../../records/kind.ts";
import type { Database } from "../database.ts";
import { livingSql } from "../search/tiers.ts";
import { holdsWords } from "../search/words.ts";
import { conditionSql } from "./condition.ts";
import { long } from "./deadlines.ts";
import { resolveConditions } from "./references.ts";
import { tableOf } from "./table.ts";

/** Why a list is empty is worth a third of a second more, not three. */
const WHY_MS = 300;

/** Counts are told up to here, `1000+` beyond. */
export const MOST_COUNTED = 1_000;

/** How many records of the kind have each of the words by itself, and fulfil the conditions; undefined when that takes too long. */
export async function countWords(
  db: Database,
  workspaceId: string,
  kind: Kind,
  conditions: readonly Condition[],
  words: readonly string[],
): Promise<number[] | undefined> {
  const resolved = await resolveConditions(db, workspaceId, conditions);
  const filters = resolved.map((condition) => conditionSql(tableOf(kind), condition, workspaceId));
  return countEach(
    db,
    workspaceId,
    words.map((word) => ({ kind, filters: [...filters, ...holdsWords(workspaceId, kind, word)] })),
  );
}

/** How many records of the kind fulfil each of the conditions by itself; undefined when that takes too long. */
export async function countConditions(
  db: Database,
  workspaceId: string,
  kind: Kind,
  conditions: readonly Condition[],
): Promise<number[] | undefined> {
  const resolved = await resolveConditions(db, workspaceId, conditions);
  const each = resolved.map((condition) => ({ kind, filters: [conditionSql(tableOf(kind), condition, workspaceId)] }));
  return countEach(db, workspaceId, each);
}

/** How many linked records there are of which the condition holds, whatever links to them; undefined when that takes too long. */
export async function countLinked(
  db: Database,
  workspaceId: string,
  { target }: Link,
  condition: Condition,
): Promise<number | undefined> {
  const [resolved] = await resolveConditions(db, workspaceId, [condition]);
  const counts = await countEach(db, workspaceId, [
    { kind: target, filters: [conditionSql(tableOf(target), resolved!, workspaceId)] },
  ]);
  return counts?.[0];
}

/** Of each record which of the words it has nowhere, inside words too. */
export async function wordsMissed(
  { pool }: Database,
  workspaceId: string,
  kind: Kind,
  ids: readonly string[],
  words: readonly string[],
): Promise<Map<string, string[]>> {
  const has = words.map((word) => sql`strpos(r.search, crm_fold(${word})) > 0`);
  const rows = await pool.rows(
    sql`select r.id, ${join(has)} from ${tableOf(kind).name} r where r.workspace_id = ${workspaceId} and r.id = any(${[...ids]}::text[])`,
    { retry: true },
  );
  return new Map(rows.map(([id, ...each]) => [id as string, words.filter((_, i) => !each[i])]));
}

async function countEach(
  { pool }: Database,
  workspaceId: string,
  asked: readonly { kind: Kind; filters: readonly Statement[] }[],
): Promise<number[] | undefined> {
  const counts = asked.map(
    ({ kind, filters }) => sql`(select count(*)::int from (select 1 from ${tableOf(kind).name} r
      where ${join([livingSql(workspaceId), ...filters], " and ")} limit ${count(MOST_COUNTED + 1)}) matching)`,
  );
  try {
    const [row] = await pool.rows(sql`select ${join(counts)}`, { ...long(workspaceId), deadlineMs: WHY_MS });
    return row as number[];
  } catch (error) {
    if (isTooSlow(error)) return undefined;
    throw error;
  }
}
