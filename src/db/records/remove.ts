import { createHash } from "node:crypto";
import { entrySql } from "../../derive/entry.ts";
import type { IdReference, IdSource } from "../../kit/id.ts";
import { ident, join, numbered, raw, type Statement, sql } from "../../postgres/sql.ts";
import type { Transaction } from "../../postgres/transaction.ts";
import type { Kind, Link } from "../../records/kind.ts";
import type { Author, Database } from "../database.ts";
import { ENTRY_AUTHOR, entryAuthorValues } from "./author.ts";
import { withNewHandles } from "./handles.ts";
import { idMatches, missing, wrongKind } from "./references.ts";
import { NO_CAP } from "./usage.ts";

/** What a deletion does: `clears` counts the records of each kind that lose a link, `removes` those that are deleted with it. */
export type Removal = {
  id: string;
  version: number;
  title: string;
  /** Stands for exactly the records that lose a link, and for those that are deleted with it in their versions. */
  set: string;
  affected: { kind: Kind; clears: number; removes: number }[];
};

type Rows = (statement: Statement) => Promise<readonly unknown[][]>;

/** A record that links to one that is deleted. It `goes` along when it cannot be without that link. */
type Dependent = { kind: Kind; id: string; version: number; goes: boolean };

/** What a deletion would do, for the question that comes before it. */
export async function previewRemoval(db: Database, workspaceId: string, kind: Kind, reference: IdReference): Promise<Removal> {
  const rows: Rows = (statement) => db.pool.rows(statement, { retry: true });
  return (await plan(db, rows, workspaceId, kind, reference, raw(""))).removal;
}

/**
 * Hides the record and frees its unique values, clears the links to it, and deletes what cannot be without them, with the history of it all.
 * The record is locked first, so that no link to it can appear meanwhile, then its dependents. `agree` is given what will be done and
 * throws where that is not what was asked for.
 */
export function removeRow(
  db: Database,
  author: Author,
  ids: IdSource,
  kind: Kind,
  reference: IdReference,
  agree: (removal: Removal) => void,
): Promise<Removal> {
  return withNewHandles(() =>
    db.pool.transaction(async (tx) => {
      const { removal, dependents } = await plan(db, tx.rows, author.workspaceId, kind, reference, raw("for update of r"));
      agree(removal);
      await remove(tx, author, ids, { kind, id: removal.id }, dependents);
      return removal;
    }),
  );
}

/** Finds the record and its dependents. */
async function plan(
  db: Database,
  rows: Rows,
  workspaceId: string,
  kind: Kind,
  reference: IdReference,
  lock: Statement,
): Promise<{ removal: Removal; dependents: Dependent[] }> {
  if (reference.prefix !== kind.prefix) throw wrongKind(db, kind, reference);
  const [record] = await rows(
    sql`select r.id, r.version, coalesce(left(r.${ident(kind.title)}, 100), '') from ${ident(kind.plural)} r
      where r.workspace_id = ${workspaceId} and ${idMatches(raw("r.id"), reference.key)} and r.deleted_at is null ${lock}`,
  );
  if (!record) throw missing(kind, reference.key);
  const [id, version, title] = record as [string, number, string];
  const dependents = await dependentsOf(rows, workspaceId, { kind, id }, lock);
  const hash = createHash("sha256");
  for (const each of dependents) hash.update(each.goes ? `${each.id} ${each.version}\n` : `${each.id}\n`);
  const kinds = [...new Set(dependents.map((each) => each.kind))];
  const count = (of: Kind, goes: boolean) => dependents.filter((each) => each.kind === of && each.goes === goes).length;
  const affected = kinds.map((of) => ({ kind: of, clears: count(of, false), removes: count(of, true) }));
  return { removal: { id, version, title, set: hash.digest("base64url"), affected }, dependents };
}

/** The records that link to one that is deleted, then those that link to what goes along with it, and so on. */
async function dependentsOf(
  rows: Rows,
  workspaceId: string,
  root: { kind: Kind; id: string },
  lock: Statement,
): Promise<Dependent[]> {
  const found = new Map<string, Dependent>();
  let deleted = new Map([[root.kind, [root.id]]]);
  while (deleted.size > 0) {
    const next = new Map<Kind, string[]>();
    for (const [target, ids] of deleted)
      for (const [holder, links] of holdersOf(target)) {
        const hanging = await rows(hangingSql(workspaceId, holder, links, ids, lock));
        for (const [id, version, goes] of hanging as [string, number, boolean][]) {
          if (found.get(id)?.goes || id === root.id) continue;
          found.set(id, { kind: holder, id, version, goes });
          if (goes) next.set(holder, [...(next.get(holder) ?? []), id]);
        }
      }
    deleted = next;
  }
  return [...found.values()];
}

/** The kinds that link to this one, each with its links to it. */
function holdersOf(target: Kind): Map<Kind, Link[]> {
  const holders = new Map<Kind, Link[]>();
  for (const { kind, link } of target.holders) holders.set(kind, [...(holders.get(kind) ?? []), link]);
  return holders;
}

/** In the order of ids: two deletions with common dependents lock these in one order, so that neither waits for the other. */
function hangingSql(
  workspaceId: string,
  holder: Kind,
  links: readonly Link[],
  ids: readonly string[],
  lock: Statement,
): Statement {
  const hangs = links.map(({ id }) => sql`r.${ident(id.name)} = any (${ids}::text[])`);
  return sql`select r.id, r.version, ${goesSql(holder, links, ids)} from ${ident(holder.plural)} r
    where r.workspace_id = ${workspaceId} and (${join(hangs, " or ")}) and r.deleted_at is null order by r.id ${lock}`;
}

/** True of a record that must have one of these links, or needs one of several and has no other. */
function goesSql({ needsOneOf = [] }: Kind, links: readonly Link[], ids: readonly string[]): Statement {
  const gone = (name: string) => sql`r.${ident(name)} = any (${ids}::text[])`;
  const names = links.map(({ id }) => id.name);
  const must = links.filter(({ id }) => id.required).map(({ id }) => gone(id.name));
  const none = needsOneOf.map((name) =>
    names.includes(name) ? sql`(r.${ident(name)} is null or ${gone(name)})` : sql`r.${ident(name)} is null`,
  );
  const last = needsOneOf.some((name) => names.includes(name)) ? [sql`(${join(none, " and ")})`] : [];
  const all = [...must, ...last];
  return all.length === 0 ? raw("false") : sql`(${join(all, " or ")})`;
}

async function remove(
  tx: Transaction,
  author: Author,
  ids: IdSource,
  root: { kind: Kind; id: string },
  dependents: readonly Dependent[],
): Promise<void> {
  const cause = ids("ch");
  const gone = [root.id, ...dependents.filter(({ goes }) => goes).map(({ id }) => id)];
  await tx.rows(touchSql(author, root.kind, [root.id], gone));
  await tx.rows(entries(root.kind)([...entryAuthorValues(author), null, [root.id], [cause]]));
  await tx.rows(uncountSql(author, root.kind, 1));
  for (const kind of new Set(dependents.map((each) => each.kind))) {
    const those = dependents.filter((each) => each.kind === kind);
    const touched = those.map(({ id }) => id);
    await tx.rows(touchSql(author, kind, touched, gone));
    await tx.rows(entries(kind)([...entryAuthorValues(author), cause, touched, touched.map(() => ids("ch"))]));
    const removed = those.filter(({ goes }) => goes).length;
    if (removed > 0) await tx.rows(uncountSql(author, kind, removed));
  }
}

/** Clears the links of these records to what is gone, and hides those that are gone themselves. A link that must be there stays. */
function touchSql({ workspaceId, now }: Author, kind: Kind, ids: readonly string[], gone: readonly string[]): Statement {
  const at = sql`${new Date(now).toISOString()}::timestamptz`;
  const cleared = kind.links
    .filter(({ id }) => !id.required)
    .map(
      ({ id: { name } }) =>
        sql`${ident(name)} = case when r.${ident(name)} = any (${gone}::text[]) then null else r.${ident(name)} end`,
    );
  return sql`update ${ident(kind.plural)} r set ${join([
    ...cleared,
    sql`version = r.version + 1`,
    sql`updated_at = crm_after(r.updated_at, ${at})`,
    sql`deleted_at = case when r.id = any (${gone}::text[]) then ${at} end`,
  ])} where r.workspace_id = ${workspaceId} and r.id = any (${ids}::text[])`;
}

/** `$7` the entry of the deletion that dragged these along, `$8` the records, `$9` the ids of their entries. */
const entries = (kind: Kind) =>
  numbered(
    entrySql(kind, {
      id: "e.entry_id",
      action: "case when r.deleted_at is null then 'updated' else 'deleted' end",
      cause: "$7::text",
      row: "r",
      author: ENTRY_AUTHOR,
      from: `unnest($8::text[], $9::text[]) as e (id, entry_id) join ${kind.plural} r on r.workspace_id = $1 and r.id = e.id`,
    }),
  );

const uncountSql = ({ workspaceId }: Author, { name }: Kind, rows: number): Statement =>
  sql`update usage set used = used - ${rows}::integer, cap = ${raw(String(NO_CAP))} where workspace_id = ${workspaceId} and kind = ${name}`;
