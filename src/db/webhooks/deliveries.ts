import { createWholeView, type Row } from "../../derive/view.ts";
import { toTimestamp } from "../../kit/time.ts";
import type { Pool } from "../../postgres/pool.ts";
import { count, join, raw, sql } from "../../postgres/sql.ts";
import type { Transaction } from "../../postgres/transaction.ts";
import { delivery } from "../../views/delivery.ts";
import { idMatches } from "../records/references.ts";
import { sweepEverywhere } from "../spread/everywhere.ts";

export const DELIVERY_VIEW = createWholeView(delivery);

/** Attempts that a delivery keeps. */
const MOST_ATTEMPTS = 20;

const LAST = "d.attempts -> -1";
const SHOWN: Record<string, string> = {
  webhook: "d.webhook_id",
  change: "d.change_id",
  record: "d.record_id",
  status: `(${LAST} ->> 'status')::int`,
  ms: `(${LAST} ->> 'ms')::int`,
  problem: `${LAST} ->> 'problem'`,
  answer: `${LAST} ->> 'answer'`,
};
const COLUMNS = join(DELIVERY_VIEW.columns.map(({ name }) => raw(SHOWN[name] ?? `d."${name}"`)));

/** Those of a webhook, newest first, as rows of DELIVERY_VIEW with their number behind. `before`: the number to go on below. */
export function listDeliveries(
  pool: Pool,
  workspaceId: string,
  webhookId: string,
  { state, before, limit }: { state: string | undefined; before: number | undefined; limit: number },
): Promise<Row[]> {
  const only = state === undefined ? raw("true") : sql`d.state = ${state}`;
  const below = before === undefined ? raw("true") : sql`d.number < ${before}::bigint`;
  return pool.rows(
    sql`select d.id, 1, ${COLUMNS}, d.number from deliveries d where d.workspace_id = ${workspaceId} and d.webhook_id = ${webhookId}
      and ${only} and ${below} order by d.number desc limit ${count(limit + 1)}`,
    { retry: true, plan: "custom" },
  );
}

/** One of a webhook that is still there. */
export async function findDelivery(
  pool: Pool,
  workspaceId: string,
  key: string,
): Promise<{ row: Row; webhookId: string; active: boolean } | undefined> {
  const [row] = await pool.rows(
    sql`select d.id, 1, ${COLUMNS}, d.webhook_id, w.active from deliveries d join webhooks w on w.workspace_id = ${workspaceId} and w.id = d.webhook_id
      where d.workspace_id = ${workspaceId} and ${idMatches(raw("d.id"), key)}`,
    { retry: true },
  );
  return row && { row: row.slice(0, -2), webhookId: row.at(-2) as string, active: row.at(-1) as boolean };
}

/** To be told once more, as if it had never been tried. */
export async function redeliver(pool: Pool, workspaceId: string, id: string, now: number): Promise<void> {
  await pool.rows(sql`update deliveries set state = 'waiting', due_at = ${toTimestamp(now)}, first_try_at = null, tries = 0, done_at = null
    where workspace_id = ${workspaceId} and id = ${id}`);
}

/** Keeps what came of a test. */
export async function keepTest(
  pool: Pool,
  workspaceId: string,
  webhookId: string,
  { id, event, delivered, attempt, now }: { id: string; event: string; delivered: boolean; attempt: object; now: number },
): Promise<void> {
  const at = toTimestamp(now);
  await pool.transaction(async (tx) => {
    const [row] = await tx.rows(
      sql`update webhooks set told = told + 1 where workspace_id = ${workspaceId} and id = ${webhookId} returning told`,
    );
    if (row)
      await tx.rows(sql`insert into deliveries (workspace_id, id, webhook_id, number, event, state, tries, attempts, created_at, done_at)
        values (${workspaceId}, ${id}, ${webhookId}, ${row[0]}, ${event}, ${delivered ? "delivered" : "failed"}, 1, ${[attempt]}::jsonb, ${at}, ${at})`);
  });
}

/** A change to be told, under the name that its webhook knows. */
export type Telling = { id: string; event: string; changeId: string; recordId: string };

/** Numbers them in their order; `told` is the number of the last one. */
export async function insertTellings(
  tx: Transaction,
  workspaceId: string,
  webhookId: string,
  tellings: readonly Telling[],
  told: number,
  now: number,
): Promise<void> {
  const at = toTimestamp(now);
  await tx.rows(
    sql`insert into deliveries (workspace_id, id, webhook_id, number, event, change_id, record_id, state, due_at, tries, attempts, created_at)
      select ${workspaceId}, t.id, ${webhookId}, ${told - tellings.length}::bigint + t.place, t.event, t.change_id, t.record_id, 'waiting', ${at}::timestamptz, 0, '[]', ${at}::timestamptz
      from unnest(${tellings.map(({ id }) => id)}::text[], ${tellings.map(({ event }) => event)}::text[],
        ${tellings.map(({ changeId }) => changeId)}::text[], ${tellings.map(({ recordId }) => recordId)}::text[]) with ordinality t (id, event, change_id, record_id, place)`,
    { near: workspaceId },
  );
}

/** What is due of a webhook. */
export type Due = {
  id: string;
  event: string;
  changeId: string;
  recordId: string;
  tries: number;
  /** Epoch ms; null where it was not tried yet. */
  firstTryAt: number | null;
};

/** In order, without those whose record has a former one that failed and waits. */
export async function dueDeliveries(
  pool: Pool,
  workspaceId: string,
  webhookId: string,
  now: number,
  most: number,
): Promise<Due[]> {
  const at = toTimestamp(now);
  const waiting = sql`d.workspace_id = ${workspaceId} and d.webhook_id = ${webhookId} and d.due_at is not null`;
  const rows = await pool.rows(
    sql`select d.id, d.event, d.change_id, d.record_id, d.tries, (extract(epoch from d.first_try_at at time zone 'UTC') * 1000)::bigint from deliveries d
      where ${waiting} and d.due_at <= ${at}::timestamptz
        and d.record_id <> all (array(select d.record_id from deliveries d where ${waiting} and d.due_at > ${at}::timestamptz))
      order by d.number limit ${count(most)}`,
    { retry: true },
  );
  return rows.map(
    ([id, event, changeId, recordId, tries, firstTryAt]) => ({ id, event, changeId, recordId, tries, firstTryAt }) as Due,
  );
}

/** What came of trying one. Without `dueAt` it is done. */
export type Outcome = {
  id: string;
  dueAt: number | null;
  firstTryAt: number | null;
  /** Null where there was nothing to send any more. */
  attempt: object | null;
};

export async function reportOutcomes(
  tx: Transaction,
  workspaceId: string,
  outcomes: readonly Outcome[],
  now: number,
): Promise<void> {
  const rows = outcomes.map(({ id, dueAt, firstTryAt, attempt }) => ({
    id,
    state: dueAt === null ? "delivered" : "waiting",
    due_at: dueAt === null ? null : toTimestamp(dueAt),
    done_at: dueAt === null ? toTimestamp(now) : null,
    first_try_at: firstTryAt === null ? null : toTimestamp(firstTryAt),
    attempts: attempt === null ? [] : [attempt],
  }));
  // Citus takes no function in a `case` that depends on a session, as jsonb_build_array does.
  await tx.rows(
    sql`update deliveries d set state = o.state, due_at = o.due_at, first_try_at = o.first_try_at, done_at = o.done_at,
        tries = d.tries + jsonb_array_length(o.attempts),
        attempts = case when jsonb_array_length(d.attempts) >= ${MOST_ATTEMPTS}::int then d.attempts - 0 else d.attempts end || o.attempts
      from jsonb_to_recordset(${{ rows }}::jsonb -> 'rows') as o (id text, state text, due_at timestamptz, done_at timestamptz, first_try_at timestamptz, attempts jsonb)
      where d.workspace_id = ${workspaceId} and d.id = o.id`,
    { near: workspaceId },
  );
}

const KEPT_MS = 7 * 24 * 3_600_000;
const SWEPT_AT_ONCE = 10_000;

/** Deletes what was done a week ago, and what is left of webhooks that are gone. */
export async function dropOldDeliveries(pool: Pool, now: number): Promise<void> {
  const most = count(SWEPT_AT_ONCE);
  const long = { deadlineMs: 60_000 };
  await sweepEverywhere(
    pool,
    ["deliveries"],
    (deliveries) =>
      sql`delete from ${deliveries} where ctid = any (array(select ctid from ${deliveries} where done_at < ${toTimestamp(now - KEPT_MS)}::timestamptz limit ${most}))`,
    long,
  );
  await sweepEverywhere(
    pool,
    ["deliveries", "webhooks"],
    (deliveries, webhooks) => sql`delete from ${deliveries} where ctid = any (array(select d.ctid from ${deliveries} d
      where not exists (select from ${webhooks} w where w.workspace_id = d.workspace_id and w.id = d.webhook_id) limit ${most}))`,
    long,
  );
}
