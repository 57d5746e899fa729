import { Problem } from "../../kit/problem.ts";
import type { Pool } from "../../postgres/pool.ts";
import { count, ident, sql } from "../../postgres/sql.ts";
import { SHARED_TABLE } from "../../records/kind.ts";
import type { Database } from "../database.ts";
import { noneOfMissing } from "../spread/everywhere.ts";

/**
 * The history in commit order. An entry has the number of its transaction (see derive/entry.ts), and is shown once no transaction up to that
 * number is open: what is shown later has a higher number. A long write transaction anywhere in the cluster holds the feed back. Where the database
 * is spread over several servers, each gives out numbers of its own, and all of a workspace are those of the server that has it.
 */

/** An entry's place in the feed. A place without an id is before all entries of that number and time. */
export type Place = { xid: string; at: string; id: string };

export const BEGINNING: Place = { xid: "0", at: "-infinity", id: "" };
const before = (xid: string): Place => ({ xid, at: "-infinity", id: "" });

/** How far the feed is, as of one moment. */
export type Horizon = {
  /** The number of the oldest open transaction: entries below it are all there, and stay. */
  xmin: string;
  /** Every number up to here has been given out. */
  xmax: string;
  /** The cluster, which numbers belong to. */
  system: string;
  /** The last entry to show. */
  newest: Place | undefined;
  /** Epoch ms of the first entry that waits for another transaction. */
  heldSince: number | undefined;
  /** Whether the entry that the reader has come to is in the history. */
  known: boolean;
  /** The version of the workspace's kinds: they hold the kind of every entry to show. */
  kindsVersion: number;
};

/** `from`: where the reader has come to. */
export async function readHorizon(db: Database, workspaceId: string, from: Place): Promise<Horizon> {
  if (db.pool.spread) return readHorizonThere(db, workspaceId, from);
  const [row] = await db.pool.rows(
    sql`select s.xmin::text, s.xmax::text, (select system_identifier::text from pg_control_system()), newest.xid::text, newest.at::text, newest.id,
      (select (extract(epoch from h.at) * 1000)::bigint from changes h where h.workspace_id = ${workspaceId} and h.xid >= s.xmin
        order by h.xid, h.at, h.id limit 1),
      ${from.id}::text = '' or exists (select from changes k where k.workspace_id = ${workspaceId} and k.id = ${from.id} and k.xid = ${from.xid}::xid8),
      coalesce((select w.kinds_version from workspaces w where w.id = ${workspaceId}), 0)
    from (select pg_snapshot_xmin(pg_current_snapshot()) as xmin, pg_snapshot_xmax(pg_current_snapshot()) as xmax offset 0) s
    left join lateral (select n.xid, n.at, n.id from changes n where n.workspace_id = ${workspaceId} and n.xid < s.xmin
      order by n.xid desc, n.at desc, n.id desc limit 1) newest on true`,
    { retry: true, brief: true },
  );
  const [xmin, xmax, system, xid, at, id, heldSince, known, kindsVersion] = row as [
    ...[string, string, string, string | null, string, string, number | null, boolean, number],
  ];
  return {
    ...{ xmin, xmax, system, known, kindsVersion },
    newest: xid === null ? undefined : { xid, at, id },
    heldSince: heldSince ?? undefined,
  };
}

/**
 * The same on the server that has the workspace: first its numbers, then what lies below them, for a statement on tables is taken apart. What came
 * from another server, with numbers that this one has not given out, would not be shown for long.
 */
async function readHorizonThere({ pool }: Database, workspaceId: string, from: Place): Promise<Horizon> {
  const [numbers] = await pool.rows(
    sql`select pg_snapshot_xmin(pg_current_snapshot())::text, pg_snapshot_xmax(pg_current_snapshot())::text, system_identifier::text
      from pg_control_system()`,
    { near: workspaceId, retry: true },
  );
  const [xmin, xmax, system] = numbers as [string, string, string];
  const of = sql`from changes h where h.workspace_id = ${workspaceId}`;
  const [row] = await pool.rows(
    sql`select (select array[h.xid::text, h.at::text, h.id] ${of} and h.xid < ${xmin}::xid8 order by h.xid desc, h.at desc, h.id desc limit 1),
      (select (extract(epoch from h.at) * 1000)::bigint ${of} and h.xid >= ${xmin}::xid8 order by h.xid, h.at, h.id limit 1),
      ${from.id}::text = '' or exists (select ${of} and h.id = ${from.id} and h.xid = ${from.xid}::xid8),
      exists (select ${of} and h.xid >= ${xmax}::xid8),
      coalesce((select w.kinds_version from workspaces w where w.id = ${workspaceId}), 0)`,
    { retry: true },
  );
  const [newest, heldSince, known, ahead, kindsVersion] = row as [string[] | null, number | null, boolean, boolean, number];
  // What was written between the two statements is ahead as well, and will not be at the next look.
  if (ahead && !(await isGivenOut(pool, workspaceId)))
    throw new Problem("not_ready", "the workspace has come to another server, whose feed is not in order yet", [
      "tell who runs it: cardfile distribute puts it in order; GET /audit shows the changes by their time",
    ]);
  const [xid, at, id] = newest ?? [];
  return {
    ...{ xmin, xmax, system, known, kindsVersion },
    newest: xid === undefined ? undefined : { xid, at: at!, id: id! },
    heldSince: heldSince ?? undefined,
  };
}

/** Whether the server of a workspace has given out all numbers that are there. */
async function isGivenOut({ rows }: Pool, workspaceId: string): Promise<boolean> {
  const [highest] = await rows(
    sql`select h.xid::text from changes h where h.workspace_id = ${workspaceId} order by h.xid desc, h.at desc, h.id desc limit 1`,
    { retry: true },
  );
  const [numbers] = await rows(sql`select pg_snapshot_xmax(pg_current_snapshot())::text`, { near: workspaceId, retry: true });
  return BigInt((highest?.[0] ?? "0") as string) < BigInt(numbers![0] as string);
}

/** The id of the newest entry to show of each workspace that has one, for readers that wait. */
export async function newestEntries(pool: Pool, workspaceIds: readonly string[]): Promise<Map<string, string>> {
  if (pool.spread) {
    // Readers of the others are woken all the same.
    const each = await Promise.all(workspaceIds.map((id) => newestEntryThere(pool, id).catch(noneOfMissing)));
    return new Map(workspaceIds.flatMap((id, i) => (each[i] === undefined ? [] : [[id, each[i]]])));
  }
  const rows = await pool.rows(
    sql`select w.id, newest.id from unnest(${workspaceIds}::text[]) w (id) cross join lateral (select n.id from changes n
      where n.workspace_id = w.id and n.xid < pg_snapshot_xmin(pg_current_snapshot()) order by n.xid desc, n.at desc, n.id desc limit 1) newest`,
    { retry: true },
  );
  return new Map(rows as [string, string][]);
}

async function newestEntryThere({ rows }: Pool, workspaceId: string): Promise<string | undefined> {
  const [newest] = await rows(
    sql`select n.id from changes n where n.workspace_id = ${workspaceId} and n.xid < pg_snapshot_xmin(pg_current_snapshot())
      order by n.xid desc, n.at desc, n.id desc limit 1`,
    { retry: true },
  );
  return newest?.[0] as string | undefined;
}

/** Entries among which the lowest number of those since a time is looked for. */
const MOST_ODD = 5_000;

/** The place before all entries from a time on. What was dated before and stored after it comes too. */
export async function placeAt(db: Database, workspaceId: string, ms: number, { xmin }: Horizon): Promise<Place> {
  const at = new Date(ms).toISOString();
  const [first] = await db.pool.rows(
    sql`select early.xid::text from (select r.xid from changes r where r.workspace_id = ${workspaceId} and r.at >= ${at}::timestamptz
      order by r.at, r.id limit ${count(MOST_ODD)}) early order by early.xid limit 1`,
    { plan: "custom", retry: true },
  );
  const xid = first?.[0] as string | undefined;
  // Entries from before there was a feed have no number, and come by their time.
  if (xid === "0") return { xid, at, id: "" };
  return before(xid !== undefined && BigInt(xid) < BigInt(xmin) ? xid : xmin);
}

/** The place from which only what happens from now on is shown. */
export const placeNow = ({ xmin }: Horizon): Place => before(xmin);

/**
 * After a restore into another cluster, the numbers of old entries may be ahead of its counter: such entries would not be shown, and new ones
 * would come before them. Then all lose their numbers, and cursors begin anew.
 */
export async function settleFeed({ pool, catalog }: Pick<Database, "pool" | "catalog">): Promise<void> {
  // There it is for `cardfile distribute`, which looks at each server.
  if (pool.spread) return;
  const ahead = await pool.rows(
    sql`select from workspaces w cross join lateral (select n.xid from changes n where n.workspace_id = w.id
      order by n.xid desc, n.at desc, n.id desc limit 1) newest where newest.xid >= pg_snapshot_xmax(pg_current_snapshot()) limit 1`,
  );
  if (ahead.length > 0) await forgetNumbers(pool, catalog);
}

/** Takes the numbers from all records and entries. */
export async function forgetNumbers(pool: Pool, catalog: Database["catalog"]): Promise<void> {
  await pool.transaction(
    async (tx) => {
      for (const table of [...catalog.kinds.map((kind) => kind.table), SHARED_TABLE])
        await tx.rows(
          sql`update ${ident(table)} set xid = null where workspace_id in (select id from workspaces) and xid is not null`,
        );
      await tx.rows(sql`update changes set xid = '0' where workspace_id in (select id from workspaces) and xid <> '0'`);
    },
    { deadlineMs: 3_600_000 },
  );
}
