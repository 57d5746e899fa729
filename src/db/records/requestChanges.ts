import { createHash } from "node:crypto";
import { differencesOf, nameShown, type Stored } from "../../derive/differences.ts";
import { shortId } from "../../kit/id.ts";
import { wholeOf } from "../../kit/largeJson.ts";
import { sql } from "../../postgres/sql.ts";
import type { Database } from "../database.ts";
import { changesSql } from "./history.ts";

/** What a request does to one record. `record` is null for one that it creates. */
export type Difference = {
  kind: string;
  record: string | null;
  action: string;
  changes: Record<string, { from: unknown; to: unknown }>;
};

export type RequestChanges = {
  /** The first of them. */
  diff: Difference[];
  count: number;
  /** Stands for exactly these changes: it is the same when the same request does the same again. */
  mark: string;
};

const SHOWN = 100;
/** More than any request changes in one transaction, with its dependents. */
const MOST = 50_000;

/** What a request has changed so far, by the history of the unit of work that it runs in. */
export async function requestChanges(
  db: Database,
  workspaceId: string,
  requestId: string,
  now: number,
): Promise<RequestChanges> {
  const rows = await db.pool.rows(
    sql`select r.kind, r.record_id, r.action, ${changesSql(workspaceId)} from changes r
      where r.workspace_id = ${workspaceId} and r.at >= ${new Date(now - 60_000).toISOString()}::timestamptz
        and r.request_id = ${requestId} order by r.id limit ${MOST}`,
    { retry: true },
  );
  const made = new Map<string, string>();
  const hash = createHash("sha256");
  const diff: Difference[] = [];
  for (const [name, id, action, versions] of rows as [string, string, string, unknown][]) {
    const kind = db.catalog.get(name)!;
    const [before, after] = wholeOf(versions) as [Stored | null, Stored];
    if (action === "created") made.set(id, `new ${made.size + 1}`);
    const differences = [...differencesOf(kind, before ?? {}, after)].filter(([field]) => field !== "deleted_at");
    // Ids, numbers and times that the request itself makes are others each time.
    const lasting = differences.filter(([field]) => !kind.field(field)?.derived && !kind.field(field)?.kept);
    const marked = lasting.map(([field, [from, to]]) => [field, from ?? null, made.get(to as string) ?? to ?? null]);
    hash.update(`${JSON.stringify([name, made.get(id) ?? id, action, marked])}\n`);
    if (diff.length === SHOWN) continue;
    const changes = Object.fromEntries(
      differences.map(([field, [from = null, to = null]]) => [nameShown(kind, field), { from, to }]),
    );
    diff.push({ kind: name, record: action === "created" ? null : shortId(id), action, changes });
  }
  return { diff, count: rows.length, mark: hash.digest("base64url").slice(0, 12) };
}
