import { differencesOf, type Stored } from "../../../derive/differences.ts";
import type { IdReference } from "../../../kit/id.ts";
import { timeOfId } from "../../../kit/id.ts";
import { wholeOf } from "../../../kit/largeJson.ts";
import { echo } from "../../../kit/line.ts";
import { Problem } from "../../../kit/problem.ts";
import { raw, type Statement, sql } from "../../../postgres/sql.ts";
import type { Database } from "../../database.ts";
import { long } from "../deadlines.ts";
import { changesSql } from "../history.ts";
import { idMatches } from "../references.ts";
import type { Entry } from "./plan.ts";

/** Which entries of the history are meant. */
export type Selector =
  | { is: "change"; reference: IdReference }
  | { is: "request"; id: string }
  /** Of a token, or of a program under any token, since a time in epoch ms. */
  | { is: "run"; token?: IdReference; agent?: string; since: number };

/** Where a walk through the history, newest first, has come to. */
export type Place = { at: string; id: string };

const BATCH = 500;
const DAY = 86_400_000;
/** Clocks of processes differ by less. */
const MINUTE = 60_000;

/**
 * The condition on entries that a selector comes to. A change takes along what it dragged along, and a request is looked for on the day that
 * its id was made, so that the index of times leads to either.
 */
export async function selectSql(db: Database, workspaceId: string, selector: Selector): Promise<Statement> {
  if (selector.is === "run") {
    const { token, agent, since } = selector;
    const who = token ? idMatches(raw("r.token_id"), token.key) : sql`r.agent = ${agent ?? ""}`;
    return sql`r.at >= ${iso(since)}::timestamptz and ${who}`;
  }
  if (selector.is === "request") {
    const begun = timeOfId(selector.id);
    if (begun === undefined) throw noSuch("request", selector.id);
    return sql`${within(begun - MINUTE)} and r.request_id = ${selector.id}`;
  }
  const [change] = await db.pool.rows(
    sql`select r.id, (extract(epoch from r.at) * 1000)::float8 from changes r
      where r.workspace_id = ${workspaceId} and ${idMatches(raw("r.id"), selector.reference.key)}`,
    { retry: true },
  );
  if (!change) throw noSuch("change", selector.reference.key);
  const [id, at] = change as [string, number];
  return sql`${within(at - MINUTE)} and (r.id = ${id} or r.cause = ${id})`;
}

const iso = (ms: number) => new Date(ms).toISOString();

const within = (from: number) => sql`r.at >= ${iso(from)}::timestamptz and r.at < ${iso(from + DAY)}::timestamptz`;

/** `others`: of whom there are changes. */
export const noSuch = (what: string, asked: string, others: readonly string[] = []) =>
  new Problem("not_found", `no change of this workspace is of the ${what} ${asked}`, [
    ...(others.length > 0 ? [`changes since then are of: ${others.map((each) => echo(each)).join(", ")}`] : []),
    "GET /audit shows what changed",
  ]);

/** The next entries of those, newest first, at most `most`, and where they end. */
export async function readEntries(
  db: Database,
  workspaceId: string,
  selected: Statement,
  from: Place | undefined,
  most: number,
): Promise<{ entries: Entry[]; end: Place | undefined }> {
  const entries: Entry[] = [];
  let end = from;
  while (entries.length < most) {
    const batch = Math.min(BATCH, most - entries.length);
    const after = end ? sql`and (r.at, r.id) < (${end.at}::timestamptz, ${end.id})` : raw("");
    const rows = await db.pool.rows(
      sql`select r.id, r.at::text, r.kind, r.record_id, r.action, ${changesSql(workspaceId)} from changes r
        where r.workspace_id = ${workspaceId} and r.action <> 'conflict' and ${selected} ${after} order by r.at desc, r.id desc limit ${batch}`,
      long(workspaceId),
    );
    for (const row of rows) {
      const [id, at, kind, recordId, action, versions] = row as [string, string, string, string, string, unknown];
      const known = db.catalog.get(kind);
      const [before, after] = wholeOf(versions) as [Stored | null, Stored];
      if (known) entries.push({ id, kind: known, recordId, action, differences: differencesOf(known, before ?? {}, after) });
      end = { at, id };
    }
    if (rows.length < batch) break;
  }
  return { entries, end };
}
