import type { Database } from "../../db/database.ts";
import { conditionSql } from "../../db/records/condition.ts";
import { readFeed } from "../../db/records/feed.ts";
import { type Horizon, type Place, placeAt, readHorizon } from "../../db/records/horizon.ts";
import { tableOf } from "../../db/records/table.ts";
import { type Claimed, hasRoom, keepTellings } from "../../db/webhooks/claims.ts";
import type { Telling } from "../../db/webhooks/deliveries.ts";
import { eventOf, kindsOfEvents } from "../../derive/events.ts";
import { chosenView, columnOf, type Row, rowId } from "../../derive/view.ts";
import type { IdSource } from "../../kit/id.ts";
import { zone } from "../../kit/time.ts";
import { join, sql } from "../../postgres/sql.ts";
import type { Kind } from "../../records/kind.ts";
import { pathsOf } from "../../routes/feed/filters.ts";
import { conditionsOf, readableOf } from "../../routes/webhooks/wish.ts";
import { change } from "../../views/change.ts";
import { delivery } from "../../views/delivery.ts";

/** Entries of the feed that are taken at once. */
const PAGE = 200;

const ENTRY = chosenView(
  change,
  ["action", "kind", "record"].map((name) => change.field(name)!),
);
const [ACTION, KIND, RECORD] = ["action", "kind", "record"].map((name) => columnOf(ENTRY, change.field(name)!)!) as [
  number,
  number,
  number,
];

/**
 * Takes the next entries of the feed that the webhook is to be told, and moves its place behind them. False: there were none, or enough wait.
 * The kinds are read after the horizon: whatever is below it is of a kind that they hold.
 */
export async function gather(
  { pool, catalog }: Database,
  withKinds: (version: number) => Promise<Database>,
  ids: IdSource,
  hook: Claimed,
  now: number,
): Promise<boolean> {
  const { workspaceId, place } = hook;
  if (!(await hasRoom(pool, hook))) return false;
  const horizon = await readHorizon({ pool, catalog }, workspaceId, place);
  const db = await withKinds(horizon.kindsVersion);
  const readable = readableOf({ session: hook.maker }, db.catalog);
  const kinds = kindsOfEvents(hook.events, readable);
  const from = await beginAt(db, hook, horizon);
  // Of a kind that was deleted nothing is told, so its fields need not be there.
  const touched = hook.fields && kinds.length > 0 ? [pathsOf("fields", hook.fields, kinds)] : [];
  const names = kinds.length === db.catalog.kinds.length ? undefined : kinds.map(({ name }) => name);
  const query = { conditions: [], kinds: names, touched, limit: PAGE };
  const page = await readFeed(db, workspaceId, ENTRY, query, from, horizon, notShown);
  if (page.rows.length === 0 && isSame(page.end, place) && hook.system === horizon.system) return false;
  const tellings = await select(db, ids, hook, kinds, page.rows, now);
  const { end } = page;
  if (!(await keepTellings(db.pool, hook, tellings, { place: end, system: horizon.system }, now))) return false;
  hook.place = end;
  hook.system = horizon.system;
  return true;
}

const notShown = () => {
  throw new Error("what is gathered shows no whole record");
};

const isSame = (a: Place, b: Place) => a.xid === b.xid && a.id === b.id;

/** In another cluster, numbers of transactions mean something else: the webhook goes on by time, and is told some changes again. */
function beginAt(db: Database, { workspaceId, place, system, createdAt }: Claimed, horizon: Horizon): Place | Promise<Place> {
  if (system === horizon.system && horizon.known && BigInt(place.xid) <= BigInt(horizon.xmax)) return place;
  const at = Date.parse(place.at);
  return placeAt(db, workspaceId, Number.isNaN(at) ? createdAt : at, horizon);
}

/** Those that the webhook asks for, under the names by which it asks. */
async function select(
  db: Database,
  ids: IdSource,
  hook: Claimed,
  kinds: readonly Kind[],
  rows: readonly Row[],
  now: number,
): Promise<Telling[]> {
  const merged = await mergedAmong(db, hook, rows);
  const named = rows.flatMap((row) => {
    const event = eventOf(hook.events, row[KIND] as string, row[ACTION] as string, merged.has(rowId(row)));
    return event ? [{ event, changeId: rowId(row), recordId: row[RECORD] as string }] : [];
  });
  const found = hook.query === null ? undefined : await foundAmong(db, hook, kinds[0]!, named, now);
  return named.filter(({ recordId }) => found?.has(recordId) !== false).map((each) => ({ ...each, id: ids(delivery.prefix) }));
}

/** The entries in which a record became part of another. */
async function mergedAmong(db: Database, { workspaceId }: Claimed, rows: readonly Row[]): Promise<ReadonlySet<string>> {
  const deleted = rows.filter((row) => row[ACTION] === "deleted").map(rowId);
  if (deleted.length === 0) return new Set();
  const merged = await db.pool.rows(
    sql`select c.id from changes c where c.workspace_id = ${workspaceId} and c.id = any (${deleted}::text[]) and c.row ->> 'merged_into' is not null`,
    { retry: true },
  );
  return new Set(merged.map(([id]) => id as string));
}

/** The records that the query finds as they are now; a deleted one as it was last. */
async function foundAmong(
  db: Database,
  { workspaceId, maker, query, timezone }: Claimed,
  kind: Kind,
  tellings: readonly { recordId: string }[],
  now: number,
): Promise<ReadonlySet<string>> {
  const asked = [...new Set(tellings.map(({ recordId }) => recordId))];
  if (asked.length === 0) return new Set();
  const reading = { now, zone: zone(timezone), me: maker.email };
  const conditions = await conditionsOf({ db, session: { workspaceId, scopes: maker.scopes }, reading }, kind, query!);
  const table = tableOf(kind);
  const filters = join(
    conditions.map((condition) => conditionSql(table, condition, workspaceId)),
    " and ",
  );
  const rows = await db.pool.rows(
    sql`select r.id from ${table.name} r where r.workspace_id = ${workspaceId} and right(r.id, 8) = any (${asked.map((id) => id.slice(-8))}::text[])
      and r.id = any (${asked}::text[]) and ${filters}`,
    { plan: "custom", retry: true, longFor: workspaceId },
  );
  return new Set(rows.map(([id]) => id as string));
}
