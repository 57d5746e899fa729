import { LEFT_OUT } from "../../derive/entry.ts";
import type { Condition } from "../../derive/filter.ts";
import { type Row, rowId, type View } from "../../derive/view.ts";
import { count, join, raw, type Statement, sql } from "../../postgres/sql.ts";
import type { Database } from "../database.ts";
import { bounded, boundedSql } from "./bounded.ts";
import { conditionSql } from "./condition.ts";
import { long } from "./deadlines.ts";
import { changesTable, WHOLE, wholeSql } from "./history.ts";
import type { Horizon, Place } from "./horizon.ts";
import { shapeRecords, type ViewOf } from "./snapshots.ts";

/** Where records have a field. In another kind the same slot is another field (derive/slots.ts), so a path that begins with one says its kind. */
export type TouchedPath = { path: readonly string[]; kind?: string };

export type FeedQuery = {
  conditions: readonly Condition[];
  /** Names of the kinds to show; undefined for all. */
  kinds: readonly string[] | undefined;
  /** An entry must have changed one field of each list. */
  touched: readonly (readonly TouchedPath[])[];
  limit: number;
};

export type FeedPage = {
  rows: readonly Row[];
  /** Where the feed goes on after all of these rows. */
  end: Place;
  /** Nothing was found so far, and there is more to look through. */
  unfinished: boolean;
  placeOf: (row: Row) => Place;
};

/** Entries that a statement with filters looks through: few may match, and a feed tells where it has come to in any case. */
const WINDOW = 5_000;

/** How long a request goes on to look for entries that match. */
const SEARCH_MS = 2_000;

/** The entries after `from`. The set of entries below the horizon is closed, so all statements here see the same. */
export async function readFeed(
  db: Database,
  workspaceId: string,
  view: View,
  query: FeedQuery,
  from: Place,
  horizon: Horizon,
  viewOf: ViewOf,
): Promise<FeedPage> {
  const { newest } = horizon;
  const begun = performance.now();
  const placeOf = (row: Row): Place => ({ xid: row.at(-2) as string, at: row.at(-1) as string, id: rowId(row) });
  if (!newest || newest.id === from.id || BigInt(newest.xid) < BigInt(from.xid))
    return { rows: [], end: from, unfinished: false, placeOf };
  const windowed = isFiltered(query) && !query.conditions.some(isOfOneRecord);
  for (let start = from; ; ) {
    const walk = { workspaceId, view, query, from: start, xmin: horizon.xmin, windowed };
    const { rows, cut } = bounded(await db.pool.rows(await feedSql(db, walk), optionsOf(walk)), view);
    const full = rows.length > query.limit || cut;
    const edge = windowed && !full ? await windowEnd(db, walk) : undefined;
    const end = edge ?? newest;
    if (rows.length > 0) {
      const shown = shapeRecords(view, WHOLE, viewOf, rows.slice(0, query.limit));
      return { rows: shown, end: full ? placeOf(shown.at(-1)!) : end, unfinished: false, placeOf };
    }
    if (!edge) return { rows: [], end, unfinished: false, placeOf };
    if (performance.now() - begun > SEARCH_MS) return { rows: [], end, unfinished: true, placeOf };
    start = edge;
  }
}

type Walk = { workspaceId: string; view: View; query: FeedQuery; from: Place; xmin: string; windowed: boolean };

const isFiltered = ({ conditions, kinds, touched }: FeedQuery) => conditions.length + touched.length > 0 || kinds !== undefined;

/** An index finds the entries of a record. */
const isOfOneRecord = ({ field, predicate }: Condition) => field.column === "record_id" && predicate.is === "any";

/** A range is planned for its values, as in deadlines.ts. */
const optionsOf = ({ workspaceId, windowed }: Walk) =>
  windowed ? long(workspaceId) : ({ plan: "custom", deadlineMs: 3_000, retry: true, brief: true } as const);

async function feedSql(db: Database, walk: Walk): Promise<Statement> {
  const { workspaceId, view, query, windowed } = walk;
  const { conditions, kinds, touched, limit } = query;
  const table = await changesTable(db.catalog);
  const filters = [
    ...(db.catalog.gone.length > 0 ? [table.living] : []),
    ...conditions.map((condition) => conditionSql(table, condition, workspaceId)),
    ...(kinds ? [sql`r.kind = any (${kinds}::text[])`] : []),
    ...touched.map(
      (paths) =>
        sql`(${join(
          paths.map((path) => touchedSql(path, workspaceId)),
          " or ",
        )})`,
    ),
  ];
  const order = raw("order by r.xid, r.at, r.id");
  const from = windowed
    ? sql`(select r.* from changes r where ${rangeSql(walk)} ${order} limit ${count(WINDOW)}) r where ${join(filters, " and ")}`
    : sql`changes r where ${join([rangeSql(walk), ...filters], " and ")}`;
  const rows = sql`select ${table.select(view, workspaceId)}, r.xid::text, r.at::text from ${from} ${order} limit ${count(limit + 1)}`;
  return boundedSql({ workspaceId, table, view, rows, more: 2 });
}

const rangeSql = ({ workspaceId, from, xmin }: Walk): Statement =>
  sql`r.workspace_id = ${workspaceId} and (r.xid, r.at, r.id) > (${from.xid}::xid8, ${from.at}::timestamptz, ${from.id}::text)
    and r.xid < ${xmin}::xid8`;

/** The last entry of the window, if there are more behind it. */
async function windowEnd(db: Database, walk: Walk): Promise<Place | undefined> {
  const [last, next] = await db.pool.rows(
    sql`select r.xid::text, r.at::text, r.id from changes r where ${rangeSql(walk)}
      order by r.xid, r.at, r.id offset ${count(WINDOW - 1)} limit 2`,
    optionsOf(walk),
  );
  if (!last || !next) return undefined;
  const [xid, at, id] = last as [string, string, string];
  return { xid, at, id };
}

/** Whether an entry changed what is at this path of the record. A deletion takes all that was there, as the field `changes` tells. */
function touchedSql({ path, kind }: TouchedPath, workspaceId: string): Statement {
  const at = (row: Statement) => sql`nullif((${row}) #> ${path}::text[], 'null')`;
  const was = sql`(select ${at(wholeSql("before", workspaceId))} from changes before where before.workspace_id = ${workspaceId}
    and right(before.record_id, 8) = right(r.record_id, 8) and before.record_id = r.record_id and before.version = r.version - 1
    and before.row ->> 'deleted_at' is null)`;
  const ofKind = kind === undefined ? raw("") : sql`when r.kind <> ${kind} then false`;
  return sql`(case ${ofKind} when r.row ->> 'deleted_at' is not null then ${was} is not null
    when r.row -> ${raw(`'${LEFT_OUT}'`)} ? ${path[0]!}::text then false else ${at(raw("r.row"))} is distinct from ${was} end)`;
}
