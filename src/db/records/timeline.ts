import type { Source } from "../../derive/timeline.ts";
import { type Row, rowId, type View } from "../../derive/view.ts";
import type { Position } from "../../kit/cursor.ts";
import { count, ident, join, raw, type Statement, sql } from "../../postgres/sql.ts";
import { columnName, type Link } from "../../records/kind.ts";
import type { Database } from "../database.ts";
import { bounded, boundedSql } from "./bounded.ts";
import { changesTable } from "./history.ts";
import { addressesSql, walkSql } from "./mentions.ts";
import { rowsOf, type Table, tableOf } from "./table.ts";

/** A row of a timeline, the view that shows it, and where it stands. */
export type Entry = { view: View; row: Row; position: Position };

/** `of`: the full id of the record whose timeline it is. `view`: what the reader sees of a source. */
export type TimelineQuery = {
  of: string;
  sources: readonly Source[];
  view: (source: Source) => View;
  position: Position | undefined;
  limit: number;
};

/**
 * A page of what happened, the newest first. Each source gives as many as a page has by its own index, from where the page begins; the newest of
 * them all are the page. So it costs the same however much there is. What they show is read only of those.
 */
export async function listTimeline(
  db: Database,
  workspaceId: string,
  query: TimelineQuery,
): Promise<{ entries: Entry[]; more: boolean }> {
  const { sources, limit } = query;
  if (sources.length === 0) return { entries: [], more: false };
  const found = await db.pool.rows(placesSql(workspaceId, query), { plan: "custom", retry: true, brief: true });
  const places = found.slice(0, limit) as [source: number, at: string, id: string][];
  const known = new Map<string, Row>();
  const cut = new Set<number>();
  for (const [i, source] of sources.entries()) {
    const ids = places.filter(([of]) => of === i).map(([, , id]) => id);
    if (ids.length === 0) continue;
    const view = query.view(source);
    const table = source.is === "changes" ? await changesTable(db.catalog) : tableOf(source.kind);
    const page = bounded(await db.pool.rows(rowsSql(workspaceId, table, view, ids), { plan: "custom", retry: true }), view);
    for (const row of page.rows) known.set(rowId(row), row);
    if (page.cut) cut.add(i);
  }
  const entries: Entry[] = [];
  for (const [i, at, id] of places) {
    const row = known.get(id);
    // A page ends where the rows of one source come to more than a page may. A record that was deleted meanwhile is left out.
    if (!row && cut.has(i)) return { entries, more: true };
    if (row) entries.push({ view: query.view(sources[i]!), row, position: { value: at, id } });
  }
  return { entries, more: found.length > limit };
}

/** The places of a page and one more: the number of the source, the time, the id. */
function placesSql(workspaceId: string, query: TimelineQuery): Statement {
  const limit = sql` limit ${count(query.limit + 1)}`;
  const parts = query.sources.map(
    (source, i) =>
      sql`(select ${raw(String(i))} as source, at, id from (${sourceSql(workspaceId, source, query, limit)}) s${raw(String(i))})`,
  );
  return sql`select source, at::text, id from (${join(parts, " union all ")}) page order by page.at desc, id desc${limit}`;
}

/** `select at, id`: the newest of one source. */
function sourceSql(workspaceId: string, source: Source, query: TimelineQuery, limit: Statement): Statement {
  const { of, position } = query;
  const beyond = (at: Statement, id: Statement) =>
    position ? [sql`(${at}, ${id}) < (${position.value}::timestamptz, ${position.id})`] : [];
  if (source.is === "linked") {
    const at = sql`r.${ident(columnName(source.at))}`;
    const where = [linkedSql(workspaceId, source.link, of), ...beyond(at, raw("r.id"))];
    return sql`select ${at} as at, r.id from ${rowsOf(source.kind)} r where ${join(where, " and ")} order by ${at} desc, r.id desc${limit}`;
  }
  if (source.is === "mentioning") {
    const values = addressesSql(source.field.mentioned!.target!, of, workspaceId);
    const where = [raw("r.deleted_at is null"), ...beyond(raw("m.at"), raw("m.record_id"))];
    return sql`select at, record_id as id from (${walkSql(source.kind, values, workspaceId, { where, descending: true, limit })}) m`;
  }
  const ofRecord = sql`c.workspace_id = ${workspaceId} and right(c.record_id, 8) = right(r.id, 8) and c.record_id = r.id`;
  const changes = sql`select c.at, c.id from changes c where ${join([ofRecord, ...beyond(raw("c.at"), raw("c.id"))], " and ")}
    order by c.version desc${limit}`;
  return sql`select at, c.id from (${changedSql(workspaceId, source, query, limit)}) r cross join lateral (${changes}) c order by at desc, c.id desc${limit}`;
}

const linkedSql = (workspaceId: string, { id }: Link, of: string) =>
  sql`r.workspace_id = ${workspaceId} and r.${ident(columnName(id))} = ${of} and r.deleted_at is null`;

/**
 * `select id`: the records whose changes may be on the page. The last change of each is when it was updated: of those that were last changed
 * before the page begins, the newest are enough, and of the others the page before has shown one each.
 */
function changedSql(
  workspaceId: string,
  source: Source & { is: "changes" },
  { of, position }: TimelineQuery,
  limit: Statement,
): Statement {
  if (!source.link) return sql`select ${of}::text collate "C" as id`;
  const linked = linkedSql(workspaceId, source.link, of);
  const last = (where: Statement) =>
    sql`(select r.id from ${rowsOf(source.kind)} r where ${linked}${where} order by r.updated_at desc, r.id desc${limit})`;
  if (!position) return last(raw(""));
  const before = last(sql` and r.updated_at < ${position.value}::timestamptz`);
  return sql`${before} union all (select r.id from ${rowsOf(source.kind)} r where ${linked} and r.updated_at >= ${position.value}::timestamptz)`;
}

/** The rows in the order of the ids, as far as a page may hold them. */
function rowsSql(workspaceId: string, table: Table, view: View, ids: readonly string[]): Statement {
  const rows = sql`select ${table.select(view, workspaceId)} from unnest(${ids}::text[]) with ordinality wanted (id, place)
    join ${table.name} r on r.workspace_id = ${workspaceId} and r.id = wanted.id where ${table.living} order by place`;
  return boundedSql({ workspaceId, table, view, rows, more: 0 });
}
