import type { Scopes } from "../../kit/scope.ts";
import { toTimestamp } from "../../kit/time.ts";
import type { Pool } from "../../postgres/pool.ts";
import { count, raw, type Statement, sql } from "../../postgres/sql.ts";
import type { Place } from "../records/horizon.ts";
import { readEverywhere } from "../spread/everywhere.ts";
import { insertTellings, type Outcome, reportOutcomes, type Telling } from "./deliveries.ts";
import { type Secrets, waitingSql } from "./webhooks.ts";

/** Deliveries of a webhook that may wait before it takes no more from the feed: what is behind them stays in the history until then. */
export const MOST_WAITING = 500;

/** A webhook that this process works on until its lease ends. */
export type Claimed = {
  workspaceId: string;
  id: string;
  lease: string;
  url: string;
  events: readonly string[];
  fields: readonly string[] | null;
  query: string | null;
  style: string;
  secrets: Secrets;
  place: Place;
  system: string;
  failures: number;
  /** Epoch ms. */
  resumesAt: number;
  createdAt: number;
  timezone: string;
  maker: { email: string; scopes: Scopes; isAdmin: boolean; isTokenGood: boolean };
  workspaceName: string;
};

type Asked = { now: number; until: number; busy: readonly string[] };

/**
 * Claims a webhook that has something to do, first of all the one that was served longest ago. `busy`: workspaces of which this process works on as
 * many as it may.
 */
export async function claimWebhook(pool: Pool, lease: string, asked: Asked): Promise<Claimed | undefined> {
  const held = await (pool.spread ? holdOneOf(pool, lease, asked) : holdNext(pool, lease, asked));
  return held && readHeld(pool, lease, held, asked.now);
}

type Name = { workspaceId: string; id: string };

const holdSql = (lease: string, { now, until }: Asked): Statement =>
  sql`update webhooks w set lease = ${lease}, leased_until = ${toTimestamp(until)}::timestamptz, served_at = ${toTimestamp(now)}::timestamptz`;

async function holdNext(pool: Pool, lease: string, asked: Asked): Promise<Name | undefined> {
  const due = dueFrom(asked, raw("webhooks"), raw("deliveries"), raw("changes"));
  const [row] = await pool.rows(
    sql`with due as (select w.workspace_id, w.id ${due} order by w.served_at limit 1 for update of w skip locked)
      ${holdSql(lease, asked)} from due where w.workspace_id = due.workspace_id and w.id = due.id returning w.workspace_id, w.id`,
  );
  return row && ({ workspaceId: row[0], id: row[1] } as Name);
}

/** Webhooks that are tried where the database is spread: others may claim them meanwhile. */
const MOST_TRIED = 8;

async function holdOneOf(pool: Pool, lease: string, asked: Asked): Promise<Name | undefined> {
  const due = await readEverywhere(
    pool,
    ["webhooks", "deliveries", "changes"],
    (webhooks, deliveries, changes) =>
      sql`select w.workspace_id, w.id, extract(epoch from w.served_at) ${dueFrom(asked, webhooks, deliveries, changes)}
        order by w.served_at limit ${count(MOST_TRIED)}`,
    { retry: true },
  );
  for (const [workspaceId, id] of due.toSorted((a, b) => Number(a[2]) - Number(b[2]))) {
    const held = await pool.rows(
      sql`${holdSql(lease, asked)} where w.workspace_id = ${workspaceId} and w.id = ${id}
        and w.active and w.leased_until <= ${toTimestamp(asked.now)}::timestamptz returning w.id`,
    );
    if (held.length > 0) return { workspaceId, id } as Name;
  }
  return undefined;
}

/** As SQL. One whose place is of another cluster has to find its place anew. */
function dueFrom({ now, busy }: Asked, webhooks: Statement, deliveries: Statement, changes: Statement): Statement {
  const at = toTimestamp(now);
  return sql`from ${webhooks} w, pg_control_system() c
    where w.active and w.leased_until <= ${at}::timestamptz and w.workspace_id <> all (${busy}::text[])
      and ((w.resumes_at <= ${at}::timestamptz and exists (select from ${deliveries} d where d.workspace_id = w.workspace_id and d.webhook_id = w.id and d.due_at <= ${at}::timestamptz
          and d.record_id <> all (array(select b.record_id from ${deliveries} b where b.workspace_id = w.workspace_id and b.webhook_id = w.id and b.due_at > ${at}::timestamptz))))
        or w.system <> c.system_identifier::text
        or (exists (select from ${changes} h where h.workspace_id = w.workspace_id and (h.xid, h.at, h.id) > (w.xid, w.at, w.entry)
            and h.xid < pg_snapshot_xmin(pg_current_snapshot()))
          and (select count(*) from (select from ${deliveries} d where d.workspace_id = w.workspace_id and d.webhook_id = w.id and d.due_at is not null
            limit ${count(MOST_WAITING)}) waits) < ${MOST_WAITING}::int))`;
}

/** Undefined when its maker has left meanwhile: then it ends. */
async function readHeld(pool: Pool, lease: string, { workspaceId, id }: Name, now: number): Promise<Claimed | undefined> {
  const [row] = await pool.rows(
    sql`select w.workspace_id, w.id, w.url, w.events, w.fields, w.query, w.style, w.secret,
        case when w.former_until > ${toTimestamp(now)}::timestamptz then w.former_secret end, w.xid::text, w.at::text, w.entry, w.system, w.failures,
        (extract(epoch from w.resumes_at at time zone 'UTC') * 1000)::bigint, (extract(epoch from w.created_at at time zone 'UTC') * 1000)::bigint, s.timezone, s.name,
        u.email, w.scopes, m.role = 'admin', w.token_id
      from webhooks w, workspaces s, users u, memberships m
      where w.workspace_id = ${workspaceId} and w.id = ${id} and w.lease = ${lease}
        and s.id = ${workspaceId} and u.id = w.user_id and m.workspace_id = ${workspaceId} and m.user_id = w.user_id`,
    { retry: true },
  );
  if (!row) return undefined;
  const good = await pool.rows(sql`select from tokens t where t.id = ${row.at(-1)} and t.revoked_at is null`, { retry: true });
  return readClaimed([...row.slice(0, -1), good.length > 0], lease);
}

function readClaimed(row: readonly unknown[], lease: string): Claimed {
  const [workspaceId, id, url, events, fields, query, style, secret, former, xid, at, entry, system, ...rest] = row as [
    ...[
      string,
      string,
      string,
      string[],
      string[] | null,
      string | null,
      string,
      Buffer,
      Buffer | null,
      string,
      string,
      string,
      string,
    ],
    ...[number, number, number, string, string, string, Scopes, boolean, boolean],
  ];
  const [failures, resumesAt, createdAt, timezone, workspaceName, email, scopes, isAdmin, isTokenGood] = rest;
  return {
    ...{
      workspaceId,
      id,
      lease,
      url,
      events,
      fields,
      query,
      style,
      system,
      failures,
      resumesAt,
      createdAt,
      timezone,
      workspaceName,
    },
    secrets: former ? [secret, former] : [secret],
    place: { xid, at, id: entry },
    maker: { email, scopes, isAdmin, isTokenGood },
  };
}

/** Whether it takes more from the feed. */
export async function hasRoom(pool: Pool, { workspaceId, id }: Held): Promise<boolean> {
  const [row] = await pool.rows(sql`select ${waitingSql(workspaceId, sql`${id}`)} < ${MOST_WAITING}::int`, {
    retry: true,
    brief: true,
  });
  return row![0] as boolean;
}

type Held = Pick<Claimed, "workspaceId" | "id" | "lease">;

const heldBy = ({ workspaceId, id, lease }: Held) =>
  sql`workspace_id = ${workspaceId} and id = ${id} and lease = ${lease} and active`;

/** Keeps the webhook. False: another process has it by now, or it was switched off. */
export async function renewLease(pool: Pool, held: Held, until: number): Promise<boolean> {
  const rows = await pool.rows(
    sql`update webhooks set leased_until = ${toTimestamp(until)}::timestamptz where ${heldBy(held)} returning id`,
  );
  return rows.length > 0;
}

export async function endLease(pool: Pool, { workspaceId, id, lease }: Held, now: number): Promise<void> {
  await pool.rows(
    sql`update webhooks set leased_until = ${toTimestamp(now)}::timestamptz where workspace_id = ${workspaceId} and id = ${id} and lease = ${lease}`,
  );
}

/** What is to be told, and the place behind it: both or neither is kept, so nothing is lost or told for want of the other. */
export async function keepTellings(
  pool: Pool,
  held: Held,
  tellings: readonly Telling[],
  { place, system }: { place: Place; system: string },
  now: number,
): Promise<boolean> {
  const moved = sql`update webhooks set xid = ${place.xid}::xid8, at = ${place.at}::timestamptz, entry = ${place.id}, system = ${system},
    told = told + ${tellings.length}::bigint where ${heldBy(held)} returning told`;
  if (tellings.length === 0) return (await pool.rows(moved)).length > 0;
  return pool.transaction(async (tx) => {
    const [row] = await tx.rows(moved);
    if (row) await insertTellings(tx, held.workspaceId, held.id, tellings, Number(row[0]), now);
    return row !== undefined;
  });
}

/** What came of a round, and how many have failed in a row since something was taken. */
export async function reportRound(
  pool: Pool,
  held: Held,
  outcomes: readonly Outcome[],
  { failures, resumesAt }: { failures: number; resumesAt: number },
  now: number,
): Promise<void> {
  await pool.transaction(async (tx) => {
    const rows =
      await tx.rows(sql`update webhooks set failures = ${failures}::int, resumes_at = ${toTimestamp(resumesAt)}::timestamptz
      where ${heldBy(held)} returning id`);
    if (rows.length > 0) await reportOutcomes(tx, held.workspaceId, outcomes, now);
  });
}

/** What waits stays, for who switches it on again. */
export async function switchOff(pool: Pool, held: Held, problem: string, now: number): Promise<void> {
  await pool.rows(
    sql`update webhooks set active = false, problem = ${problem}, leased_until = ${toTimestamp(now)}::timestamptz where ${heldBy(held)}`,
  );
}
