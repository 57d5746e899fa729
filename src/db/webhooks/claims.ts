import type { Scopes } from "../../kit/scope.ts";
import { toTimestamp } from "../../kit/time.ts";
import type { Pool } from "../../postgres/pool.ts";
import { count, raw, sql } from "../../postgres/sql.ts";
import type { Place } from "../records/feed.ts";
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

/**
 * Claims webhooks that have something to do, those first that were served longest ago. `busy`: workspaces of which this process works on as many
 * as it may. A webhook whose place is of another cluster has to find its place anew. The statement is about all workspaces.
 */
export async function claimWebhooks(
  pool: Pool,
  lease: string,
  { now, until, busy, most }: { now: number; until: number; busy: readonly string[]; most: number },
): Promise<Claimed[]> {
  // Webhooks are refused there: no statement sees those of all servers as of one moment.
  if (pool.spread) return [];
  const [at, end] = [toTimestamp(now), toTimestamp(until)];
  const rows = await pool.rows(
    sql`with due as (select w.workspace_id, w.id from webhooks w, pg_control_system() c
        where w.active and w.leased_until <= ${at}::timestamptz and w.workspace_id <> all (${busy}::text[])
          and ((w.resumes_at <= ${at}::timestamptz and exists (select from deliveries d where d.workspace_id = w.workspace_id and d.webhook_id = w.id and d.due_at <= ${at}::timestamptz
              and d.record_id <> all (array(select b.record_id from deliveries b where b.workspace_id = w.workspace_id and b.webhook_id = w.id and b.due_at > ${at}::timestamptz))))
            or w.system <> c.system_identifier::text
            or (exists (select from changes h where h.workspace_id = w.workspace_id and (h.xid, h.at, h.id) > (w.xid, w.at, w.entry)
                and h.xid < pg_snapshot_xmin(pg_current_snapshot()))
              and (select count(*) from (select from deliveries d where d.workspace_id = w.workspace_id and d.webhook_id = w.id and d.due_at is not null
                limit ${count(MOST_WAITING)}) waits) < ${MOST_WAITING}::int))
        order by w.served_at limit ${count(most)} for update of w skip locked)
      update webhooks w set lease = ${lease}, leased_until = ${end}::timestamptz, served_at = ${at}::timestamptz
      from due, workspaces s, users u, memberships m
      where w.workspace_id = due.workspace_id and w.id = due.id and s.id = w.workspace_id and u.id = w.user_id
        and m.workspace_id = w.workspace_id and m.user_id = w.user_id
      returning w.workspace_id, w.id, w.url, w.events, w.fields, w.query, w.style, w.secret,
        case when w.former_until > ${at}::timestamptz then w.former_secret end, w.xid::text, w.at::text, w.entry, w.system, w.failures,
        (extract(epoch from w.resumes_at at time zone 'UTC') * 1000)::bigint, (extract(epoch from w.created_at at time zone 'UTC') * 1000)::bigint, s.timezone, s.name,
        u.email, w.scopes, m.role = 'admin', exists (select from tokens t where t.id = w.token_id and t.revoked_at is null)`,
  );
  return rows.map((row) => readClaimed(row, lease));
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
  const { workspaceId, id } = held;
  const rows = await pool.rows(
    sql`with moved as (${moved}) ${insertTellings(workspaceId, id, tellings, now, raw("moved"))} returning id`,
  );
  return rows.length > 0;
}

/** What came of a round, and how many have failed in a row since something was taken. */
export async function reportRound(
  pool: Pool,
  held: Held,
  outcomes: readonly Outcome[],
  { failures, resumesAt }: { failures: number; resumesAt: number },
  now: number,
): Promise<void> {
  await pool.rows(sql`with held as (update webhooks set failures = ${failures}::int, resumes_at = ${toTimestamp(resumesAt)}::timestamptz
    where ${heldBy(held)} returning id) ${reportOutcomes(held.workspaceId, outcomes, now, raw("held"))}`);
}

/** What waits stays, for who switches it on again. */
export async function switchOff(pool: Pool, held: Held, problem: string, now: number): Promise<void> {
  await pool.rows(
    sql`update webhooks set active = false, problem = ${problem}, leased_until = ${toTimestamp(now)}::timestamptz where ${heldBy(held)}`,
  );
}
