import type { Database } from "../db/database.ts";
import { bounded, boundedSql } from "../db/records/bounded.ts";
import { changesTable, WHOLE } from "../db/records/history.ts";
import { shapeRecords, type ViewOf } from "../db/records/snapshots.ts";
import { TEST_EVENT } from "../derive/events.ts";
import { chosenView, isLarge, type Row, rowId, type View } from "../derive/view.ts";
import type { Showing } from "../fields/type.ts";
import { showInstant, UTC } from "../kit/time.ts";
import { sql } from "../postgres/sql.ts";
import { change } from "../views/change.ts";

/** What a webhook is told: `{"type","timestamp","data"}`, as Standard Webhooks advises. */

/** All of an entry, as GET /changes shows it, and the whole record before and after. */
const ENTRY: View = chosenView(change, change.fields);

const AT = change.field("at")!;

/** The entries that could be read at once, by their ids; `cut`: there are more. */
export type Contents = { entries: ReadonlyMap<string, Row>; cut: boolean };

/** Reads entries in the order of the feed, until they come to too much. */
export async function readContents(
  db: Database,
  workspaceId: string,
  ids: readonly string[],
  viewOf: ViewOf,
): Promise<Contents> {
  const table = await changesTable(db.catalog);
  const rows = sql`select ${table.select(ENTRY, workspaceId)}, r.row ->> 'merged_into' from changes r
    where r.workspace_id = ${workspaceId} and r.id = any (${ids}::text[]) order by r.xid, r.at, r.id`;
  const asked = boundedSql({ workspaceId, table, view: ENTRY, rows, more: 1 });
  const page = bounded(await db.pool.rows(asked, { plan: "custom", retry: true, longFor: workspaceId }), ENTRY);
  const shaped = shapeRecords(ENTRY, WHOLE, viewOf, page.rows);
  return { entries: new Map(shaped.map((row) => [rowId(row), row])), cut: page.cut };
}

const KIND_COLUMN = ENTRY.columns.indexOf(change.field("kind")!) + 2;

/** The name of the kind that an entry is about. */
export const kindOfEntry = (entry: Row): string => entry[KIND_COLUMN] as string;

const AT_COLUMN = ENTRY.columns.indexOf(AT) + 2;

export function changeMessage(event: string, entry: Row, showing: Showing): string {
  const data = isLarge(ENTRY, entry) ? [...ENTRY.jsonParts(entry, showing)].join("") : ENTRY.json(entry, showing);
  const into = entry.at(-1) as string | null;
  const merged = into === null ? data : `${data.slice(0, -1)},"merged_into":${JSON.stringify(into)}}`;
  return `{"type":${JSON.stringify(event)},"timestamp":${AT.type.toJson(entry[AT_COLUMN] as never, { zone: UTC })},"data":${merged}}`;
}

export const testMessage = (webhookId: string, now: number): string =>
  JSON.stringify({ type: TEST_EVENT, timestamp: showInstant(now, UTC), data: { webhook: webhookId } });
