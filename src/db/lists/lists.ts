import type { Deleted } from "../../derive/query.ts";
import { createWholeView, type Row } from "../../derive/view.ts";
import { type IdSource, readId } from "../../kit/id.ts";
import { compatible } from "../../kit/text.ts";
import { toTimestamp } from "../../kit/time.ts";
import { count, ident, join, raw, type Statement, sql } from "../../postgres/sql.ts";
import type { Catalog } from "../../records/catalog.ts";
import { type Kind, SHARED_TABLE } from "../../records/kind.ts";
import { savedList } from "../../views/list.ts";
import type { Author, Database } from "../database.ts";
import { lockWorkspaces } from "../people/locks.ts";
import { withNewHandles } from "../records/handles.ts";
import { idMatches } from "../records/references.ts";
import { rowsOf } from "../records/table.ts";

/** A saved list as filters use it. */
export type SavedList = { id: string; slug: string; kind: string; query: string | null };

export const LIST_VIEW = createWholeView(savedList);

export const MOST_LISTS = 500;

/** `Hot leads!` -> `hot-leads`: what tells lists apart, and what `list=` takes. */
export const slugOf = (name: string): string =>
  compatible(name)
    .toLowerCase()
    .replace(/[^\p{L}\p{M}\p{N}]+/gu, "-")
    .replace(/^-|-$/g, "");

/** By handle or id, or by the name in any spelling that gives the slug. A name goes before the end of an id that reads like it. */
function isAsked(asked: string): Statement {
  const reference = readId(asked, savedList);
  const slug = sql`l.slug = ${slugOf(asked)}`;
  return reference?.prefix === savedList.prefix ? sql`(${slug} or ${idMatches(raw("l.id"), reference.key)})` : slug;
}

/** Of the living ones unless said; of deleted ones that were called so, the last. */
export async function findList(
  { pool }: Database,
  workspaceId: string,
  asked: string,
  deleted?: Deleted,
): Promise<SavedList | undefined> {
  const [row] = await pool.rows(
    sql`select l.id, l.slug, l.kind, l.query from lists l where l.workspace_id = ${workspaceId} and ${isAsked(asked)} and ${among(deleted)}
      order by l.deleted_at is not null, l.slug = ${slugOf(asked)} desc, l.deleted_at desc limit 1`,
    { retry: true },
  );
  if (!row) return undefined;
  const [id, slug, kind, query] = row as [string, string, string, string | null];
  return { id, slug, kind, query };
}

const among = (deleted: Deleted | undefined): Statement =>
  raw(deleted === "include" ? "true" : `l.deleted_at is ${deleted === "only" ? "not null" : "null"}`);

export async function slugsOf({ pool }: Database, workspaceId: string): Promise<string[]> {
  const rows = await pool.rows(
    sql`select l.slug from lists l where l.workspace_id = ${workspaceId} and l.deleted_at is null order by l.slug`,
    {
      retry: true,
    },
  );
  return rows.map(([slug]) => slug as string);
}

/** The living lists unless said, or the one of this id, as rows of LIST_VIEW. */
export async function listLists(
  { pool, catalog }: Database,
  workspaceId: string,
  { id, deleted }: { id?: string; deleted?: Deleted | undefined },
): Promise<Row[]> {
  const only = id === undefined ? among(deleted) : sql`l.id = ${id}`;
  const columns = LIST_VIEW.columns.map(({ name }) =>
    name === "members" ? membersSql(catalog, workspaceId) : sql`l.${ident(name)}`,
  );
  return pool.rows(
    sql`select l.id, 1, ${join(columns)} from lists l where l.workspace_id = ${workspaceId} and ${only} order by lower(l.name), l.id`,
    { retry: true },
  );
}

/** Those that are not deleted. */
function membersSql({ kinds }: Catalog, workspaceId: string): Statement {
  const living = (table: string) => sql`(select count(*)::int from list_members m where m.workspace_id = ${workspaceId}
      and m.list_id = l.id and exists (select from ${ident(table)} r where r.workspace_id = ${workspaceId} and r.id = m.record_id and r.deleted_at is null))`;
  const cases = kinds
    .filter(({ shared }) => !shared)
    .map(({ name, table }) => sql`when ${raw(`'${name}'`)} then ${living(table)}`);
  return sql`case when l.query is null then case l.kind ${join(cases, " ")} else ${living(SHARED_TABLE)} end end`;
}

export type NewList = {
  name: string;
  kind: Kind;
  query: string | null;
  description: string | null;
  custom: object | null;
  members: readonly string[];
};

/** The id of the new list; undefined when another has its name, `full` when there are as many as there may be. */
export function insertList(
  { pool }: Database,
  author: Author,
  ids: IdSource,
  { name, kind, query, description, custom, members }: NewList,
): Promise<string | "full" | undefined> {
  const { workspaceId, actor, now } = author;
  const at = toTimestamp(now);
  return withNewHandles(() =>
    pool.transaction(async (tx) => {
      await lockWorkspaces(tx, sql`id = ${workspaceId}`);
      const [many] = await tx.rows(
        sql`select count(*)::int from lists l where l.workspace_id = ${workspaceId} and l.deleted_at is null`,
      );
      if ((many![0] as number) >= MOST_LISTS) return "full";
      const [made] = await tx.rows(
        sql`insert into lists (workspace_id, id, name, slug, kind, query, description, custom, created_at, created_by, updated_at)
          values (${workspaceId}, ${ids(savedList.prefix)}, ${name}, ${slugOf(name)}, ${kind.name}, ${query}, ${description},
            ${custom}::jsonb, ${at}, ${actor}, ${at})
          on conflict (workspace_id, slug) where deleted_at is null do nothing returning id`,
      );
      if (!made) return undefined;
      const id = made[0] as string;
      if (members.length > 0) await tx.rows(addSql(author, id, members));
      return id;
    }),
  );
}

/** What is not there stays; of `custom` each key by itself, and a key that is null goes. */
export type ListChange = { name?: string; query?: string; description?: string | null; custom?: Record<string, unknown> };

function merged(custom: Record<string, unknown>): Statement {
  const removed = Object.keys(custom).filter((key) => custom[key] === null);
  const kept = Object.fromEntries(Object.entries(custom).filter(([, value]) => value !== null));
  return sql`nullif((coalesce(l.custom, '{}') || ${kept}::jsonb) - ${removed}::text[], '{}')`;
}

/** Whether the merged `custom` is no larger than that of a record may be. */
export async function customFits(
  { pool }: Database,
  workspaceId: string,
  id: string,
  custom: Record<string, unknown>,
): Promise<boolean> {
  const [row] = await pool.rows(
    sql`select crm_custom_fits(${merged(custom)}) from lists l where l.workspace_id = ${workspaceId} and l.id = ${id}`,
  );
  return row?.[0] !== false;
}

/** Whether the list is now called so: false when another list is. */
export async function updateList(
  { pool }: Database,
  { workspaceId, now }: Author,
  id: string,
  { name, query, description, custom }: ListChange,
): Promise<boolean> {
  const changes = [
    ...(name === undefined ? [] : [sql`name = ${name}, slug = ${slugOf(name)}`]),
    ...(query === undefined ? [] : [sql`query = ${query}`]),
    ...(description === undefined ? [] : [sql`description = ${description}`]),
    ...(custom === undefined ? [] : [sql`custom = ${merged(custom)}`]),
    sql`updated_at = ${toTimestamp(now)}`,
  ];
  const free =
    name === undefined
      ? raw("true")
      : sql`not exists (select from lists o where o.workspace_id = ${workspaceId} and o.slug = ${slugOf(name)} and o.id <> ${id} and o.deleted_at is null)`;
  const rows = await pool.rows(
    sql`update lists l set ${join(changes)} where l.workspace_id = ${workspaceId} and l.id = ${id} and ${free} returning l.id`,
  );
  return rows.length > 0;
}

/** A digest of a list and of its members. It changes when either does. */
export async function listSet({ pool }: Database, workspaceId: string, id: string): Promise<string> {
  const [row] = await pool.rows(
    sql`select md5(concat_ws(E'\n', l.name, l.query, l.description, l.custom,
        (select sum(hashtextextended(m.record_id, 0)) from list_members m where m.workspace_id = ${workspaceId} and m.list_id = ${id})))
      from lists l where l.workspace_id = ${workspaceId} and l.id = ${id}`,
  );
  return String(row?.[0]);
}

/** Hides a list, which can be restored. Of the deleted ones the newest are kept, as many as there may be living ones. */
export async function deleteList({ pool }: Database, { workspaceId, now }: Author, id: string): Promise<void> {
  await pool.transaction(async (tx) => {
    await tx.rows(
      sql`update lists set deleted_at = ${toTimestamp(now)} where workspace_id = ${workspaceId} and id = ${id} and deleted_at is null`,
    );
    await tx.rows(
      sql`delete from lists where workspace_id = ${workspaceId} and id in (select l.id from lists l where l.workspace_id = ${workspaceId}
        and l.deleted_at is not null order by l.deleted_at desc, l.id desc offset ${count(MOST_LISTS)})`,
    );
  });
}

/** Deletes a list for good. */
export async function purgeList({ pool }: Database, workspaceId: string, id: string): Promise<void> {
  await pool.rows(sql`delete from lists where workspace_id = ${workspaceId} and id = ${id}`);
}

/** Restores a deleted list. `taken`: another list has its name by now. `full`: the workspace has as many lists as it may. */
export function restoreList(
  { pool }: Database,
  { workspaceId, now }: Author,
  { id, slug }: SavedList,
): Promise<"restored" | "taken" | "full"> {
  return pool.transaction(async (tx) => {
    await lockWorkspaces(tx, sql`id = ${workspaceId}`);
    const [many] = await tx.rows(
      sql`select count(*)::int, coalesce(bool_or(l.slug = ${slug} and l.id <> ${id}), false) from lists l
        where l.workspace_id = ${workspaceId} and l.deleted_at is null`,
    );
    const [living, taken] = many as [number, boolean];
    if (taken) return "taken";
    if (living >= MOST_LISTS) return "full";
    await tx.rows(
      sql`update lists set deleted_at = null, updated_at = ${toTimestamp(now)} where workspace_id = ${workspaceId} and id = ${id} and deleted_at is not null`,
    );
    return "restored";
  });
}

/** How many of them were not on the list. */
export async function addMembers({ pool }: Database, author: Author, id: string, members: readonly string[]): Promise<number> {
  const added = await pool.rows(addSql(author, id, members));
  if (added.length > 0) await touch(pool, author, id);
  return added.length;
}

function addSql({ workspaceId, actor, now }: Author, id: string, members: readonly string[]): Statement {
  const rows = members.map((each) => sql`(${workspaceId}, ${id}, ${each}, ${toTimestamp(now)}, ${actor})`);
  return sql`insert into list_members (workspace_id, list_id, record_id, added_at, added_by) values ${join(rows)}
    on conflict do nothing returning record_id`;
}

/** The member that was taken off; undefined when it was not on the list. Deleted records can be taken off too. */
export async function removeMember({ pool }: Database, author: Author, id: string, key: string): Promise<string | undefined> {
  const { workspaceId } = author;
  const [gone] = await pool.rows(
    sql`delete from list_members m where m.workspace_id = ${workspaceId} and m.list_id = ${id} and ${idMatches(raw("m.record_id"), key)} returning m.record_id`,
  );
  if (gone) await touch(pool, author, id);
  return gone?.[0] as string | undefined;
}

async function touch(pool: Database["pool"], { workspaceId, now }: Author, id: string): Promise<void> {
  await pool.rows(sql`update lists set updated_at = ${toTimestamp(now)} where workspace_id = ${workspaceId} and id = ${id}`);
}

/** The ids of the living records among those that were named by the ends of their ids. */
export async function livingIds(
  { pool }: Database,
  workspaceId: string,
  kind: Kind,
  keys: readonly string[],
): Promise<string[]> {
  const rows = await pool.rows(
    sql`select r.id from ${rowsOf(kind)} r where r.workspace_id = ${workspaceId} and right(r.id, 8) = any (${keys.map((key) => key.slice(-8))}::text[])
      and r.deleted_at is null`,
    { plan: "custom", retry: true },
  );
  return rows.map(([id]) => id as string);
}
