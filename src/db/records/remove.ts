import { createHash } from "node:crypto";
import { pendingSql } from "../../derive/ddl.ts";
import type { IdReference, IdSource } from "../../kit/id.ts";
import { ident, join, raw, type Statement, sql } from "../../postgres/sql.ts";
import type { Transaction } from "../../postgres/transaction.ts";
import { columnName, type Holder, type Kind, type Link } from "../../records/kind.ts";
import type { Author, Database } from "../database.ts";
import { frozenProblem } from "./frozen.ts";
import { withNewHandles } from "./handles.ts";
import { type Put, putRows, timeOf } from "./put.ts";
import { gone, idMatches, wrongKind } from "./references.ts";
import { rowsOf } from "./table.ts";

/** What a deletion does: `clears` counts the records of each kind that lose a link, `removes` those that are deleted with it. */
export type Removal = {
  id: string;
  version: number;
  title: string;
  /** Stands for exactly the records that lose a link, and for those that are deleted with it in their versions. */
  set: string;
  affected: { kind: Kind; clears: number; removes: number }[];
};

export type Rows = (statement: Statement) => Promise<readonly unknown[][]>;

/** A record that links to one that is deleted. It `goes` along when it cannot be without that link. */
export type Dependent = {
  kind: Kind;
  id: string;
  version: number;
  goes: boolean;
  links: Links;
  /** The record whose deletion it goes with, or loses a link with, where it does not link to that. */
  because?: string;
  /** Columns that it loses though what they name stays. */
  detached?: readonly string[];
};

/** Ids that a record links to, by column. */
type Links = Readonly<Record<string, string | null>>;

/** `change`: the entry of the record itself, which is the cause of all others. */
export type Removed = Removal & { change: string };

/** What a deletion would do, for the question that comes before it. */
export async function previewRemoval(
  db: Database,
  workspaceId: string,
  kind: Kind,
  reference: IdReference,
  detach: boolean,
): Promise<Removal> {
  const rows: Rows = (statement) => db.pool.rows(statement, { retry: true });
  const root = await findRoot(db, rows, workspaceId, kind, reference, raw(""));
  return removalOf(root, await dependentsOf(db, rows, workspaceId, [root], raw(""), { detach }));
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
  detach: boolean,
  agree: (removal: Removal) => void,
): Promise<Removed> {
  return withNewHandles(() =>
    db.pool.transaction(async (tx) => {
      const root = await findRoot(db, tx.rows, author.workspaceId, kind, reference, LOCK);
      const dependents = await dependentsOf(db, tx.rows, author.workspaceId, [root], LOCK, { detach });
      const removal = removalOf(root, dependents);
      agree(removal);
      const entries = await removeAll(tx, author, ids, [root], dependents);
      return { ...removal, change: entries.get(removal.id)! };
    }),
  );
}

export const LOCK = raw("for update of r");

/** A record that is deleted for its own sake. */
export type Root = Dependent & { title: string; sealed: boolean };

/** What tells of a record that is to be deleted: a row of `r` for `rootOf`. */
export const rootColumns = (kind: Kind): Statement =>
  sql`r.id, r.version, coalesce(left(r.${ident(columnName(kind.titleField))}, 100), ''), ${linksSql(kind)}, ${kind.frozen ? raw("r.seal is not null") : raw("false")}`;

export function rootOf(kind: Kind, row: readonly unknown[]): Root {
  const [id, version, title, links, sealed] = row as [string, number, string, Links, boolean];
  return { kind, id, version, title, links, sealed, goes: true };
}

/** A frozen record is not deleted: it is refused before anybody is asked to confirm. */
export function unsealed(root: Root): Root {
  if (root.sealed) throw frozenProblem(root.kind, root.id);
  return root;
}

async function findRoot(
  db: Database,
  rows: Rows,
  workspaceId: string,
  kind: Kind,
  reference: IdReference,
  lock: Statement,
): Promise<Root> {
  if (reference.prefix !== kind.prefix) throw wrongKind(db, kind, reference);
  const [record] = await rows(
    sql`select ${rootColumns(kind)} from ${rowsOf(kind)} r
      where r.workspace_id = ${workspaceId} and ${idMatches(raw("r.id"), reference.key)} and r.deleted_at is null ${lock}`,
  );
  if (!record) throw await gone({ pool: { rows } }, workspaceId, kind, reference.key);
  return unsealed(rootOf(kind, record));
}

function removalOf({ id, version, title }: Root, dependents: readonly Dependent[]): Removal {
  return { id, version, title, set: setOf(dependents), affected: affectedBy(dependents) };
}

/** Stands for exactly these records: those that go in their versions. */
export function setOf(dependents: readonly Dependent[]): string {
  const hash = createHash("sha256");
  for (const each of dependents) hash.update(each.goes ? `${each.id} ${each.version}\n` : `${each.id}\n`);
  return hash.digest("base64url");
}

export function affectedBy(dependents: readonly Dependent[]): Removal["affected"] {
  const kinds = [...new Set(dependents.map((each) => each.kind))];
  const count = (of: Kind, goes: boolean) => dependents.filter((each) => each.kind === of && each.goes === goes).length;
  return kinds.map((of) => ({ kind: of, clears: count(of, false), removes: count(of, true) }));
}

/**
 * The records that link to some that are deleted, then those that link to what goes along with them, and so on. `hidden`: those that are
 * deleted already, too. `detach`: also what was logged for both sides of a record that puts one thing into another, which then stands for itself.
 */
export async function dependentsOf(
  { catalog }: Pick<Database, "catalog">,
  rows: Rows,
  workspaceId: string,
  roots: readonly { kind: Kind; id: string }[],
  lock: Statement,
  { hidden = false, detach = false }: { hidden?: boolean; detach?: boolean } = {},
): Promise<Dependent[]> {
  const found = new Map<string, Dependent>();
  const given = new Set(roots.map(({ id }) => id));
  // A record is looked at again whenever one that it links to goes, so that of several links the last one counts.
  const gone = new Set(given);
  const goesToo = (those: Map<Kind, string[]>, kind: Kind, id: string) => {
    gone.add(id);
    add(those, kind, id);
  };
  let deleted = new Map<Kind, string[]>();
  for (const { kind, id } of roots) add(deleted, kind, id);
  while (deleted.size > 0) {
    const next = new Map<Kind, string[]>();
    for (const [target, ids] of deleted)
      for (const [holder, links] of holdersOf(catalog.heldBy(target))) {
        const hanging = await rows(hangingSql(workspaceId, holder, links, ids, lock, hidden));
        for (const [id, version, tied] of hanging as [string, number, Links][]) {
          if (found.get(id)?.goes || given.has(id)) continue;
          const goes = cannotBe(holder, tied, gone);
          found.set(id, { kind: holder, id, version, goes, links: tied });
          if (goes) goesToo(next, holder, id);
        }
      }
    for (const [kind, ids] of hidden ? [] : deleted)
      for (const { kind: holder, column, finished, statement } of sharedSql(workspaceId, kind, ids, lock)) {
        if (finished && !detach) continue;
        for (const [id, version, tied, because] of (await rows(statement)) as [string, number, Links, string][]) {
          if (found.get(id)?.goes || given.has(id)) continue;
          const lost = finished ? { goes: false, detached: [column] } : { goes: true };
          found.set(id, { kind: holder, id, version, links: tied, because, ...lost });
          if (!finished) goesToo(next, holder, id);
        }
      }
    deleted = next;
  }
  return [...found.values()];
}

/** What links to both sides of records that put one thing into another: what is still to be done, and what is `finished`, or was only logged. */
type Shared = { kind: Kind; column: string; finished: boolean; statement: Statement };

function sharedSql(workspaceId: string, { table, links, joins }: Kind, ids: readonly string[], lock: Statement): Shared[] {
  if (!joins) return [];
  const linkOf = (name: string) => links.find(({ id }) => id.name === name)!;
  const [into, whom] = [linkOf(joins.into), linkOf(joins.whom)];
  return into.target.holders.flatMap(({ kind, link }): Shared[] => {
    const other = kind.links.find(({ target }) => target === whom.target);
    if (!other || kind.table === table) return [];
    const column = columnName(link.id);
    const pending = pendingSql(kind, "r.").join(" and ");
    const sharedWhere = (condition: string) =>
      sql`select r.id, r.version, ${linksSql(kind)}, j.id from ${ident(table)} j
      join ${rowsOf(kind)} r on r.workspace_id = ${workspaceId} and r.${ident(column)} = j.${ident(columnName(into.id))}
        and r.${ident(columnName(other.id))} = j.${ident(columnName(whom.id))}
      where j.workspace_id = ${workspaceId} and j.id = any (${ids}::text[]) and r.deleted_at is null and ${raw(condition)} order by r.id ${lock}`;
    // A record that has to be in one cannot be without it.
    const logged: Shared[] = link.id.required
      ? []
      : [{ kind, column, finished: true, statement: sharedWhere(pending === "" ? "true" : `(${pending}) is not true`) }];
    if (pending === "") return logged;
    return [{ kind, column, finished: false, statement: sharedWhere(pending) }, ...logged];
  });
}

function add(ids: Map<Kind, string[]>, kind: Kind, id: string): void {
  const those = ids.get(kind);
  if (those) those.push(id);
  else ids.set(kind, [id]);
}

/** The kinds that link to this one, each with its links to it. */
function holdersOf(all: readonly Holder[]): Map<Kind, Link[]> {
  const holders = new Map<Kind, Link[]>();
  for (const { kind, link } of all) holders.set(kind, [...(holders.get(kind) ?? []), link]);
  return holders;
}

/** In the order of ids: two deletions with common dependents lock these in one order, so that neither waits for the other. */
function hangingSql(
  workspaceId: string,
  holder: Kind,
  links: readonly Link[],
  ids: readonly string[],
  lock: Statement,
  hidden: boolean,
): Statement {
  const there = hidden ? raw("") : raw("and r.deleted_at is null");
  const hangs = links.map(({ id }) => sql`r.${ident(columnName(id))} = any (${ids}::text[])`);
  return sql`select r.id, r.version, ${linksSql(holder)} from ${rowsOf(holder)} r
    where r.workspace_id = ${workspaceId} and (${join(hangs, " or ")}) ${there} order by r.id ${lock}`;
}

/** Whether a record must have a link that is gone, or needs one of several and has none left. */
function cannotBe({ links, needsOneOf = [] }: Kind, held: Links, gone: ReadonlySet<string>): boolean {
  const isGone = (name: string) => gone.has(held[name] ?? "");
  if (links.some(({ id }) => id.required && isGone(columnName(id)))) return true;
  return needsOneOf.some(isGone) && needsOneOf.every((name) => held[name] == null || isGone(name));
}

/**
 * Hides what goes, and clears the links to it. A link that must be there stays. The deletion that a record hangs on is the cause of what
 * happens to it.
 */
export function removeAll(
  tx: Transaction,
  author: Author,
  ids: IdSource,
  roots: readonly Dependent[],
  dependents: readonly Dependent[],
): Promise<Map<string, string>> {
  const causes = new Map(roots.map(({ id }) => [id, id]));
  const gone = new Set([...roots, ...dependents.filter(({ goes }) => goes)].map(({ id }) => id));
  const puts = [...roots, ...dependents].map(({ kind, id, goes, links, because, detached = [] }): Put => {
    const hanging = kind.links.filter((link) => gone.has(links[columnName(link.id)] ?? ""));
    const reasons = [...(because === undefined ? [] : [because]), ...hanging.map((link) => links[columnName(link.id)]!)];
    const cause = reasons.map((each) => causes.get(each)).find((each) => each !== undefined);
    if (!causes.has(id) && cause) causes.set(id, cause);
    const cleared = [...hanging.filter((link) => !link.id.required).map((link) => columnName(link.id)), ...detached];
    const sets = Object.fromEntries(cleared.map((column) => [column, null]));
    return goes
      ? { kind, id, action: "deleted", sets: { ...sets, deleted_at: timeOf(author) } }
      : { kind, id, action: "updated", sets };
  });
  return putRows(tx, author, ids, puts, { causeOf: (id) => causes.get(id) });
}

const linksSql = ({ links }: Kind): Statement =>
  sql`jsonb_build_object(${join(
    links.map(({ id }) => sql`${raw(`'${columnName(id)}'`)}, r.${ident(columnName(id))}`),
    ", ",
  )})`;
