import { differencesOf, type Stored } from "../../../derive/differences.ts";
import type { IdReference, IdSource } from "../../../kit/id.ts";
import { wholeOf } from "../../../kit/largeJson.ts";
import { Problem } from "../../../kit/problem.ts";
import { oneOf } from "../../../kit/words.ts";
import { raw, sql } from "../../../postgres/sql.ts";
import type { Kind } from "../../../records/kind.ts";
import type { Author, Database } from "../../database.ts";
import { inUnit, ofMany } from "../../unit.ts";
import { long } from "../deadlines.ts";
import { withNewHandles } from "../handles.ts";
import { wholeSql } from "../history.ts";
import { isPurged } from "../purged.ts";
import { type Put, putRows, timeOf } from "../put.ts";
import { gone, idMatches, missing } from "../references.ts";
import { rowsOf } from "../table.ts";
import { noSuch, type Place, readEntries, type Selector, selectSql } from "./entries.ts";
import { type Entry, type Left, planUndo, putOf } from "./plan.ts";
import { lockRecords, settle } from "./settle.ts";

/** What an undo did. `end`: the entry it came to, where there are more to take back. */
export type Undone = {
  puts: readonly Put[];
  changes: ReadonlyMap<string, string>;
  left: readonly Left[];
  end: Place | undefined;
};

export type Terms = {
  /** Also takes back what has been changed since. */
  force: boolean;
  caps: Readonly<Record<string, number>>;
  /** Throws where the caller may not do this. */
  agree: (puts: readonly Put[], left: readonly Left[]) => void;
};

/** Entries that are taken back in a moment. */
const FEW = 50;

/** Entries that one transaction takes back. */
export const MOST_UNDONE = 10_000;

/** Takes back the newest of the entries that a selector means, in one transaction. `from`: where an undo before has come to. */
export async function undoEntries(
  db: Database,
  author: Author,
  ids: IdSource,
  selector: Selector,
  terms: Terms,
  from?: Place,
): Promise<Undone> {
  const selected = await selectSql(db, author.workspaceId, selector);
  const { entries, end } = await readEntries(db, author.workspaceId, selected, from, MOST_UNDONE);
  if (entries.length === 0 && !from) throw end ? ofNoRecord() : await nothing(db, author.workspaceId, selector);
  const cause = selector.is === "change" ? entries.at(-1)?.recordId : undefined;
  const undone = await takeBack(db, author, ids, entries, terms, cause);
  return { ...undone, end: entries.length === MOST_UNDONE ? end : undefined };
}

const ofNoRecord = () =>
  new Problem(
    "unprocessable",
    "that a workspace was imported is not taken back by an undo",
    "to be rid of all of it, delete the workspace: DELETE /workspaces/{id}",
  );

async function nothing({ pool }: Database, workspaceId: string, selector: Selector): Promise<Problem> {
  if (selector.is === "change") return noSuch("change", selector.reference.key);
  if (selector.is === "request") return noSuch("request", selector.id);
  const { token, agent = "", since } = selector;
  if (token) return noSuch("token", token.key);
  const rows = await pool.rows(
    sql`select distinct r.agent from changes r where r.workspace_id = ${workspaceId} and r.at >= ${new Date(since).toISOString()}::timestamptz
      and r.agent is not null limit ${MOST_NAMED}`,
    { ...long(workspaceId), retry: true },
  );
  return noSuch(
    "agent",
    agent,
    rows.map(([name]) => name as string),
  );
}

/** Programs that a refusal names. */
const MOST_NAMED = 10;

/** Makes a record what it was in one of its versions. */
export async function undoTo(
  db: Database,
  author: Author,
  ids: IdSource,
  kind: Kind,
  reference: IdReference,
  version: number,
  terms: Terms,
): Promise<Undone> {
  const [row] = await db.pool.rows(
    sql`select now.record_id, ${wholeSql("was", author.workspaceId)}, ${wholeSql("now", author.workspaceId)}, now.id,
        ${isPurged(author.workspaceId, raw("now.record_id"))} from changes now
      left join changes was on was.workspace_id = ${author.workspaceId} and right(was.record_id, 8) = right(now.record_id, 8)
        and was.record_id = now.record_id and was.version = ${version} and was.action <> 'conflict'
      where now.workspace_id = ${author.workspaceId} and ${idMatches(raw("now.record_id"), reference.key)} and now.kind = ${kind.name}
      order by now.version desc limit 1`,
    { retry: true },
  );
  if (!row) throw missing(kind, reference.key);
  const [recordId, was, now, id, purged] = row as [string, unknown, unknown, string, boolean];
  if (purged) throw await gone(db, author.workspaceId, kind, reference.key);
  if (was === null)
    throw new Problem(
      "not_found",
      `the ${kind.name} has no version ${version}`,
      `GET /${kind.plural}/${recordId}/history shows its versions`,
    );
  const differences = differencesOf(kind, wholeOf(was) as Stored, wholeOf(now) as Stored);
  return {
    ...(await takeBack(db, author, ids, [{ id, kind, recordId, action: "updated", differences }], terms)),
    end: undefined,
  };
}

/** Brings a deleted record back, with the links and dependents that its deletion took. */
export async function restoreRow(
  db: Database,
  author: Author,
  ids: IdSource,
  kind: Kind,
  reference: IdReference,
  terms: Terms,
): Promise<Undone & { id: string }> {
  const { workspaceId } = author;
  const [row] = await db.pool.rows(
    sql`select r.id, r.deleted_at is null, ${isPurged(workspaceId, raw("r.id"))}, (select c.id from changes c where c.workspace_id = ${workspaceId}
        and right(c.record_id, 8) = right(r.id, 8) and c.record_id = r.id and c.action = 'deleted' order by c.version desc limit 1)
      from ${rowsOf(kind)} r where r.workspace_id = ${workspaceId} and ${idMatches(raw("r.id"), reference.key)}`,
    { retry: true },
  );
  if (!row) throw missing(kind, reference.key);
  const [id, living, purged, change] = row as [string, boolean, boolean, string | null];
  if (purged) throw await gone(db, workspaceId, kind, reference.key);
  if (living || change === null) return { id, puts: [], changes: new Map(), left: [], end: undefined };
  const selected = await selectSql(db, workspaceId, { is: "change", reference: { prefix: "ch", key: change } });
  const { entries } = await readEntries(db, workspaceId, selected, undefined, MOST_UNDONE);
  const agree = (puts: readonly Put[], left: readonly Left[]) => {
    const kept = left.find((each) => each.id === id && each.name === undefined);
    if (kept) {
      const message = `${oneOf(kind.name)} cannot come back: ${kept.why}`;
      throw new Problem("already_exists", message, "change or restore that one first");
    }
    terms.agree(puts, left);
  };
  return { ...(await takeBack(db, author, ids, entries, { ...terms, agree }, id)), id, end: undefined };
}

/** Makes records what they were before these entries, newest first. `cause`: the record whose change all others hang on. */
function takeBack(
  db: Database,
  author: Author,
  ids: IdSource,
  entries: readonly Entry[],
  { force, caps, agree }: Terms,
  cause?: string,
): Promise<Omit<Undone, "end">> {
  const { workspaceId } = author;
  return withNewHandles(() =>
    inUnit(
      db,
      async (_, tx) => {
        const currents = await lockRecords(tx, workspaceId, db.catalog.kinds, entries);
        const { targets, left } = planUndo(entries, currents, force);
        const settled = await settle(db, tx, workspaceId, targets, left, force);
        const puts = settled.flatMap((target) => putOf(target, timeOf(author)) ?? []);
        agree(puts, left);
        const main = puts.some(({ id }) => id === cause) ? cause : undefined;
        return { puts, changes: await putRows(tx, author, ids, puts, { causeOf: () => main, caps }), left };
      },
      entries.length > FEW ? ofMany(workspaceId) : {},
    ),
  );
}
