import type { IdReference } from "../../kit/id.ts";
import { Problem } from "../../kit/problem.ts";
import { raw, type Statement, sql } from "../../postgres/sql.ts";
import type { Kind } from "../../records/kind.ts";
import type { Database } from "../database.ts";
import { isPurged } from "./purged.ts";
import { gone, idMatches, wrongKind } from "./references.ts";
import {
  affectedBy,
  type Dependent,
  dependentsOf,
  type Removal,
  type Root,
  type Rows,
  rootColumns,
  rootOf,
  setOf,
  unsealed,
} from "./remove.ts";
import { rowsOf } from "./table.ts";

/** A record that is erased. `living`: it has not been deleted yet. */
export type Erased = { kind: Kind; id: string; version: number; living: boolean };

/** What a purge does. `with`: what goes along with the record, deleted already or not. */
export type Purge = Pick<Removal, "id" | "version" | "title" | "set" | "affected"> & {
  with: readonly { kind: Kind; count: number }[];
};

/** Records that one purge erases at most. */
const MOST = 10_000;

/** `dependents`: the living records that go along, or lose their link. */
export type PurgePlan = { purge: Purge; root: Root; erased: readonly Erased[]; dependents: readonly Dependent[] };

/** Finds what is erased with a record, and locks all of it. */
export async function planPurge(
  db: Database,
  rows: Rows,
  workspaceId: string,
  kind: Kind,
  reference: IdReference,
  lock: Statement,
): Promise<PurgePlan> {
  if (reference.prefix !== kind.prefix) throw wrongKind(db, kind, reference);
  const [found] = await rows(
    sql`select ${rootColumns(kind)}, r.deleted_at is null from ${rowsOf(kind)} r
      where r.workspace_id = ${workspaceId} and ${idMatches(raw("r.id"), reference.key)} and not ${isPurged(workspaceId, raw("r.id"))} ${lock}`,
  );
  if (!found) throw await gone({ pool: { rows } }, workspaceId, kind, reference.key);
  const root = unsealed(rootOf(kind, found));
  const living = found.at(-1) as boolean;
  const dependents = living ? await dependentsOf(db, rows, workspaceId, [root], lock) : [];
  const erased = new Map<string, Erased>([[root.id, { kind, id: root.id, version: root.version, living }]]);
  for (const { kind: of, id, version, goes } of dependents) if (goes) erased.set(id, { kind: of, id, version, living: true });
  let next = [...erased.values()];
  while (next.length > 0) {
    const more = await hangingOn(db, rows, workspaceId, next, lock);
    next = more.filter(({ id }) => !erased.has(id));
    for (const each of next) erased.set(each.id, each);
    if (erased.size > MOST)
      throw new Problem("unprocessable", `more than ${MOST} records would go along`, "purge those first: DELETE …?purge=true");
  }
  const all = [...erased.values()];
  const others = all.slice(1);
  const set = setOf([...all.map((each) => ({ ...each, goes: true, links: {} })), ...dependents.filter(({ goes }) => !goes)]);
  return {
    purge: {
      id: root.id,
      version: root.version,
      title: root.title,
      set,
      affected: affectedBy(dependents.filter(({ goes }) => !goes)),
      with: [...new Set(others.map((each) => each.kind))].map((of) => ({
        kind: of,
        count: others.filter((each) => each.kind === of).length,
      })),
    },
    root,
    erased: all,
    dependents,
  };
}

/** What is deleted and belongs to these: merged into them, deleted along with them, or nothing without them. */
async function hangingOn(
  db: Database,
  rows: Rows,
  workspaceId: string,
  erased: readonly Erased[],
  lock: Statement,
): Promise<Erased[]> {
  const hanging: Erased[] = [];
  const take = async (kind: Kind, condition: Statement) => {
    const found = await rows(
      sql`select r.id, r.version from ${rowsOf(kind)} r where r.workspace_id = ${workspaceId} and r.deleted_at is not null
        and not ${isPurged(workspaceId, raw("r.id"))} and ${condition} order by r.id ${lock}`,
    );
    for (const [id, version] of found as [string, number][]) hanging.push({ kind, id, version, living: false });
  };
  for (const kind of new Set(erased.map((each) => each.kind))) {
    const ids = erased.filter((each) => each.kind === kind).map(({ id }) => id);
    await take(kind, sql`r.merged_into = any (${ids}::text[])`);
  }
  const tied = (await dependentsOf(db, rows, workspaceId, erased, lock, { hidden: true })).filter(({ goes }) => goes);
  const along = await deletedAlong(rows, workspaceId, erased);
  for (const kind of db.catalog.kinds) {
    const ids = [
      ...tied.filter((each) => each.kind === kind).map(({ id }) => id),
      ...along.filter(([name]) => name === kind.name).map(([, id]) => id),
    ];
    if (ids.length > 0) await take(kind, sql`r.id = any (${ids}::text[])`);
  }
  return hanging;
}

/** Kind and id of the records that the last deletion of these took along. */
async function deletedAlong(rows: Rows, workspaceId: string, erased: readonly Erased[]): Promise<[string, string][]> {
  const ids = erased.filter(({ living }) => !living).map(({ id }) => id);
  if (ids.length === 0) return [];
  const found = await rows(
    sql`select distinct c.kind, c.record_id from unnest(${ids}::text[]) e (id)
      cross join lateral (select d.id, d.at from changes d where d.workspace_id = ${workspaceId} and right(d.record_id, 8) = right(e.id, 8)
        and d.record_id = e.id and d.action = 'deleted' order by d.version desc limit 1) gone
      join changes c on c.workspace_id = ${workspaceId} and c.at >= gone.at - interval '1 minute' and c.at < gone.at + interval '1 day'
        and c.cause = gone.id and c.action = 'deleted'`,
  );
  return found as [string, string][];
}
