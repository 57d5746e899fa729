import { entrySql } from "../../derive/entry.ts";
import type { IdReference, IdSource } from "../../kit/id.ts";
import { ident, join, numbered, raw, type Statement, sql } from "../../postgres/sql.ts";
import type { Transaction } from "../../postgres/transaction.ts";
import { derived } from "../../records/derived.ts";
import { columnName, type Field, type Kind, stored, writable } from "../../records/kind.ts";
import type { Author, Database } from "../database.ts";
import { inUnit, ofMany } from "../unit.ts";
import { ENTRY_AUTHOR, entryAuthorValues, near } from "./author.ts";
import { long } from "./deadlines.ts";
import { withNewHandles } from "./handles.ts";
import { forgetMentions } from "./mentions.ts";
import { type Erased, type Purge, planPurge } from "./purgePlan.ts";
import { timeOf } from "./put.ts";
import { LOCK, removeAll } from "./remove.ts";

/** What a purge would do, for the question that comes before it. */
export async function previewPurge(db: Database, workspaceId: string, kind: Kind, reference: IdReference): Promise<Purge> {
  return (await planPurge(db, (each) => db.pool.rows(each, long(workspaceId)), workspaceId, kind, reference, raw(""))).purge;
}

/**
 * Erases a record for good, living or deleted, with what cannot be without it and what was merged into it. Of each an empty row stays, so that
 * whatever links to it can, and of its history who did what when.
 */
export function purgeRow(
  db: Database,
  author: Author,
  ids: IdSource,
  kind: Kind,
  reference: IdReference,
  agree: (purge: Purge) => void,
): Promise<Purge & { change: string }> {
  const { workspaceId } = author;
  return withNewHandles(() =>
    inUnit(
      db,
      async (unit, tx) => {
        const { purge, root, erased, dependents } = await planPurge(unit, tx.rows, workspaceId, kind, reference, LOCK);
        agree(purge);
        const roots = erased.some(({ id, living }) => living && id === root.id) ? [root] : [];
        if (roots.length > 0) await removeAll(tx, author, ids, roots, dependents);
        const entries = new Map(erased.map(({ id }) => [id, ids("ch")]));
        const change = entries.get(root.id)!;
        await forget(tx, workspaceId, erased);
        for (const of of new Set(erased.map((each) => each.kind))) {
          const those = erased.filter((each) => each.kind === of).map(({ id }) => id);
          await tx.rows(emptySql(of, author, those));
          await forgetMentions(tx, workspaceId, of, those);
          const rows = those.map((id) => ({ id, entry: entries.get(id), cause: id === root.id ? null : change }));
          await tx.rows(entriesOf(of)([...entryAuthorValues(author), { rows }]), near(author));
          await tx.rows(
            sql`insert into purged_records (workspace_id, id, at, actor) select ${workspaceId}, id, ${timeOf(author)}::timestamptz, ${author.actor}
              from unnest(${those}::text[]) id`,
            near(author),
          );
        }
        return { ...purge, change };
      },
      ofMany(workspaceId),
    ),
  );
}

/** Takes what the records held out of everything that is kept besides them. */
async function forget(tx: Transaction, workspaceId: string, erased: readonly Erased[]): Promise<void> {
  const ids = erased.map(({ id }) => id);
  const named = [...ids.map((id) => id.slice(-8)), ...(await keysOf(tx, workspaceId, erased))];
  const mentions = (text: string) =>
    sql`exists (select from unnest(${named}::text[]) n where strpos(lower(${raw(text)}), lower(n)) > 0)`;
  const ofThem = sql`c.workspace_id = ${workspaceId} and right(c.record_id, 8) = any (${ids.map((id) => id.slice(-8))}::text[]) and c.record_id = any (${ids}::text[])`;
  // A proposal that made one of them may not name it: the history says which one it was.
  const proposed = await tx.rows(
    sql`select distinct substring(c.reason from '^pp_(\\w{8}), proposed by ') from changes c where ${ofThem} and c.reason like 'pp\\_%'`,
  );
  const proposals = proposed.flatMap(([id]) => (id === null ? [] : [id as string]));
  await tx.rows(
    sql`delete from proposals p where p.workspace_id = ${workspaceId} and (right(p.id, 8) = any (${proposals}::text[])
      or ${mentions("p.target || ' ' || p.body || ' ' || p.diff::text")})`,
  );
  await tx.rows(
    sql`delete from idempotency_keys k where k.workspace_id = ${workspaceId} and (k.record_id = any (${ids}::text[]) or ${mentions("k.answer::text")})`,
  );
  await tx.rows(
    sql`delete from dismissed_pairs d where d.workspace_id = ${workspaceId} and (d.a = any (${ids}::text[]) or d.b = any (${ids}::text[]))`,
  );
  // What endpoints of webhooks answered may repeat what they were told.
  await tx.rows(
    sql`update deliveries d set attempts = '[]' where d.workspace_id = ${workspaceId} and (d.record_id = any (${ids}::text[]) or ${mentions("d.attempts::text")})`,
  );
  await tx.rows(
    // Of functions that depend on no session, as Citus wants them.
    sql`update changes c set reason = null, row = jsonb_object(array['id', c.record_id]) || ('{"version":' || c.version || '}')::jsonb
        || case when c.row ->> 'deleted_at' is null then '{}' else jsonb_object(array['deleted_at', c.row ->> 'deleted_at']) end
      where ${ofThem}`,
  );
}

/** The natural keys that the records have and had. */
async function keysOf(tx: Transaction, workspaceId: string, erased: readonly Erased[]): Promise<string[]> {
  const found: string[] = [];
  for (const { keyField, name } of new Set(erased.map(({ kind }) => kind))) {
    if (!keyField) continue;
    const ids = erased.filter(({ kind }) => kind.name === name).map(({ id }) => id);
    const keys = await tx.rows(
      sql`select distinct c.row ->> ${columnName(keyField)} from changes c where c.workspace_id = ${workspaceId}
        and right(c.record_id, 8) = any (${ids.map((id) => id.slice(-8))}::text[]) and c.record_id = any (${ids}::text[]) and c.row ->> ${columnName(keyField)} is not null`,
    );
    for (const [key] of keys) found.push(key as string);
  }
  return found;
}

/** What a column that must have a value holds where there is none. */
const EMPTY: Record<Field["type"]["sqlType"], string> = {
  text: "''",
  bigint: "0",
  integer: "0",
  boolean: "false",
  timestamptz: "r.created_at",
  date: "(r.created_at at time zone 'UTC')::date",
  "text[]": "'{}'",
  jsonb: "'{}'",
  "numeric(18,6)": "0",
};

function emptySql(kind: Kind, author: Author, ids: readonly string[]): Statement {
  const columns = writable(kind).filter((field) => stored(field) && !field.slot);
  const set = columns.map((field) => sql`${ident(field.name)} = ${raw(field.required ? emptyOf(field) : "null")}`);
  return sql`update ${ident(kind.table)} r set ${join([...set, raw("own = null")])}, merged_into = null, version = r.version + 1,
      updated_at = crm_after(r.updated_at, ${timeOf(author)}::timestamptz), deleted_at = coalesce(r.deleted_at, ${timeOf(author)}::timestamptz)
    where r.workspace_id = ${author.workspaceId} and r.id = any (${ids}::text[])`;
}

/** A link that must be there leads on, for an id is no content. */
function emptyOf({ name, type }: Field): string {
  if (type.link) return `r."${name}"`;
  if (type.sqlType === "jsonb" && type.absent) return `'${type.absent}'`;
  return type.choices?.[0] === undefined ? EMPTY[type.sqlType] : `'${type.choices[0]}'`;
}

/** `$1` to `$6` the author, `$7` rows. */
const entriesOf = derived((kind: Kind) =>
  numbered(
    entrySql(kind, {
      id: "e.entry",
      action: "'purged'",
      cause: "e.cause",
      row: "r",
      sets: () => "true",
      author: ENTRY_AUTHOR,
      from: `jsonb_to_recordset($7::jsonb -> 'rows') as e (id text, entry text, cause text) join ${kind.table} r on r.workspace_id = $1 and r.id = e.id`,
    }),
  ),
);
