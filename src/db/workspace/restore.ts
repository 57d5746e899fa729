import type { WorkspaceCounts } from "../../formats/files/workspaceFile.ts";
import type { Header, Part } from "../../formats/files/workspacePart.ts";
import type { ReadLine } from "../../formats/files/workspaceRead.ts";
import type { IdSource } from "../../kit/id.ts";
import { Problem } from "../../kit/problem.ts";
import { ident, join, sql } from "../../postgres/sql.ts";
import type { Transaction } from "../../postgres/transaction.ts";
import type { Catalog } from "../../records/catalog.ts";
import { columnName, type Kind } from "../../records/kind.ts";
import type { Author, Database } from "../database.ts";
import { storeKinds } from "../kinds/kinds.ts";
import { changeWorkspace } from "../people/workspaces.ts";
import { near } from "../records/author.ts";
import { rowsOf } from "../records/table.ts";
import { learnTable } from "../statistics.ts";
import { inUnit } from "../unit.ts";
import { batchesOfLines, findRefused, isRefusedValue, storeBatch } from "./batch.ts";
import { partsOf, WORKSPACE_KIND } from "./parts.ts";

/** A file that was read to its end once, so that its lines are whole. */
export type CheckedFile = {
  header: Header;
  /** The kinds of the workspace that was written, those that are deleted too. */
  catalog: Catalog;
  settings: Readonly<Record<string, unknown>>;
  counts: WorkspaceCounts;
  /** How many of them are deleted, by kind or table. */
  deleted: Readonly<Record<string, number>>;
  lines: () => AsyncIterable<readonly ReadLine[]>;
};

export type Restore = {
  file: CheckedFile;
  ids: IdSource;
  capOf: (kind: Kind) => number | undefined;
  /** In the same transaction, before anything is stored: who imports, and into which workspace. */
  into: (unit: Database) => Promise<Author>;
  /** In the same transaction, once all is stored. */
  ending?: (unit: Database, change: string) => Promise<void>;
  /** Hears how many lines are stored. */
  told?: (lines: number) => void;
};

/** An import of gigabytes takes hours on a slow disk; each of its statements is short. */
const DEADLINE_MS = 12 * 3_600_000;
const STATEMENT_MS = 600_000;

/**
 * Makes an empty workspace the one of a file, in one transaction: whatever ends it midway, nothing is left. Resolves with the workspace and the
 * entry of the history that tells of it. When the database refuses a value, all is done once more with care, which finds the line.
 */
export async function restoreWorkspace(db: Database, restore: Restore): Promise<{ workspaceId: string; change: string }> {
  const work = (careful: number) =>
    inUnit(db, (unit, tx) => fill(unit, tx, restore, careful), { longFor: "restore", deadlineMs: DEADLINE_MS });
  try {
    return await work(Number.POSITIVE_INFINITY);
  } catch (error) {
    if (!(error instanceof BatchRefused)) throw error;
    return work(error.place);
  }
}

/** The database refused a value of this batch. */
class BatchRefused extends Error {
  readonly place: number;

  constructor(place: number, cause: unknown) {
    super("a batch was refused", { cause });
    this.place = place;
  }
}

/** From the batch `careful` on, each is stored within a savepoint: a savepoint for each of thousands would slow all others down. */
async function fill(
  unit: Database,
  tx: Transaction,
  restore: Restore,
  careful: number,
): Promise<{ workspaceId: string; change: string }> {
  const { file, ids, into, ending, told = () => {} } = restore;
  const { catalog, header, settings } = file;
  const author = await into(unit);
  const { workspaceId } = author;
  await tx.rows(sql`select set_config('statement_timeout', ${String(STATEMENT_MS)}, true)`);
  await lockForRestore(tx, workspaceId);
  await requireEmpty(unit, tx, workspaceId);
  await storeKinds(tx, workspaceId, header.kinds);
  const target = { tx, workspaceId, catalog };
  let place = 0;
  let lines = 0;
  let last: { part: Part; lines: number } | undefined;
  for await (const batch of batchesOfLines(file.lines())) {
    if (last?.part !== batch.part) {
      if (last) await learnTable(tx, last.part.table, last.lines);
      last = { part: batch.part, lines: 0 };
    }
    last.lines += batch.lines.length;
    if (place >= careful) await findRefused(target, batch);
    else
      await storeBatch(target, batch).catch((error: unknown) => {
        throw isRefusedValue(error) ? new BatchRefused(place, error) : error;
      });
    place += 1;
    lines += batch.lines.length;
    told(lines);
  }
  for (const kind of catalog.kinds) {
    await checkMerges(tx, workspaceId, kind);
    await checkOwnLinks(tx, workspaceId, kind);
  }
  await countUsage(tx, workspaceId, catalog.kinds, restore.capOf);
  await changeWorkspace(tx, workspaceId, header, settings);
  const change = await tellImport(tx, author, ids("ch"), file);
  await ending?.(unit, change);
  return { workspaceId, change };
}

async function lockForRestore(tx: Transaction, workspaceId: string): Promise<void> {
  const [row] = await tx.rows(sql`select pg_try_advisory_xact_lock(hashtextextended(${`restore ${workspaceId}`}, 0))`);
  if (row![0] !== true)
    throw new Problem("busy", "this workspace is being imported into already", "wait for that: GET /audit?action=imported", {
      headers: { "Retry-After": "30" },
    });
}

/** A workspace is empty if it holds nothing that its file would have, deleted records and their history included. */
export async function requireEmpty(
  { catalog }: Database,
  { rows }: Pick<Transaction, "rows">,
  workspaceId: string,
): Promise<void> {
  const tables = [...new Set([...partsOf(catalog).map(({ table }) => table), "kinds"])];
  const [found] = await rows(
    sql`select ${join(tables.map((table) => sql`exists (select from ${ident(table)} r where r.workspace_id = ${workspaceId})`))}`,
  );
  const held = tables.filter((_, i) => found![i] === true);
  if (held.length === 0) return;
  throw new Problem("already_exists", `the workspace is not empty: it has ${held.slice(0, 3).join(", ")}, or had some`, [
    'make a new one, POST /workspaces {"name":"Restored"}, and a token for it, POST /workspaces/{id}/tokens: then import with that token; it ends with this one',
    "rows to add to this one: POST /<kind>/import",
  ]);
}

/** What was merged leads to a record that was not, by however many merges: a circle would have no end. */
async function checkMerges(tx: Transaction, workspaceId: string, kind: Kind): Promise<void> {
  const [lost] = await tx.rows(sql`with recursive merged as materialized (
      select r.id, r.merged_into from ${rowsOf(kind)} r where r.workspace_id = ${workspaceId} and r.merged_into is not null),
    led (id) as (
      select m.id from merged m where exists (select from ${rowsOf(kind)} r
        where r.workspace_id = ${workspaceId} and r.id = m.merged_into and r.merged_into is null)
      union select m.id from led join merged m on m.merged_into = led.id)
    select m.id from merged m where m.id not in (select id from led) limit 1`);
  if (lost)
    throw new Problem(
      "invalid_value",
      `the ${kind.name} ${lost[0]} was merged into one that the file does not have, or in a circle`,
      "nothing was written",
    );
}

/** No foreign key holds a link that a workspace has declared. */
async function checkOwnLinks(tx: Transaction, workspaceId: string, kind: Kind): Promise<void> {
  for (const { id, target } of kind.links.filter((link) => link.id.slot)) {
    const slot = ident(columnName(id));
    const [lost] =
      await tx.rows(sql`select r.id from ${rowsOf(kind)} r where r.workspace_id = ${workspaceId} and r.${slot} is not null
      and not exists (select from ${rowsOf(target)} t where t.workspace_id = ${workspaceId} and t.id = r.${slot}) limit 1`);
    if (lost)
      throw new Problem(
        "invalid_value",
        `the ${kind.name} ${lost[0]} links by ${id.name} to a ${target.name} that the file does not have`,
        "nothing was written",
      );
  }
}

async function countUsage(
  tx: Transaction,
  workspaceId: string,
  kinds: readonly Kind[],
  capOf: Restore["capOf"],
): Promise<void> {
  for (const kind of kinds) {
    const cap = capOf(kind);
    if (cap === undefined) continue;
    const [row] = await tx.rows(
      sql`select count(*)::int from ${rowsOf(kind)} r where r.workspace_id = ${workspaceId} and r.deleted_at is null`,
    );
    const used = row![0] as number;
    if (used > cap)
      throw new Problem(
        "plan_limit_reached",
        `the file has ${used} ${kind.plural}, and the plan allows ${cap}`,
        "nothing was written: GET /whoami shows the caps",
      );
    await tx.rows(sql`insert into usage as u (workspace_id, kind, used, cap) values (${workspaceId}, ${kind.name}, ${used}, ${cap})
      on conflict (workspace_id, kind) do update set used = excluded.used, cap = excluded.cap`);
  }
}

/** Writes into the history that the workspace was imported, by whom, and what came. */
async function tellImport(tx: Transaction, author: Author, id: string, { header, counts }: CheckedFile): Promise<string> {
  const { workspaceId, actor, tokenId, agent, reason, requestId, now } = author;
  const came = { name: header.name, imported_from: header.id, exported_at: header.exportedAt, ...flatCounts(counts) };
  const [last] = await tx.rows(sql`select coalesce(max(c.version), 0) from changes c where c.workspace_id = ${workspaceId}
    and right(c.record_id, 8) = right(${workspaceId}, 8) and c.record_id = ${workspaceId}`);
  const version = (last![0] as number) + 1;
  await tx.rows(
    sql`insert into changes (workspace_id, id, kind, record_id, version, action, at, actor, token_id, agent, reason, request_id, cause, xid, row)
      values (${workspaceId}, ${id}, ${WORKSPACE_KIND}, ${workspaceId}, ${version}, 'imported', ${new Date(now).toISOString()}, ${actor}, ${tokenId}, ${agent},
        ${reason}, ${requestId}, null, pg_current_xact_id(), ${{ ...came, id: workspaceId, version }}::jsonb)`,
    near(author),
  );
  return id;
}

/** All counts above nothing, by what they are of. */
export const flatCounts = ({ records, ...others }: WorkspaceCounts): Record<string, number> =>
  Object.fromEntries(Object.entries({ ...records, ...(others as Record<string, number>) }).filter(([, count]) => count > 0));

/** How many lines with rows there are. */
export const linesOf = (counts: WorkspaceCounts): number =>
  Object.values(flatCounts(counts)).reduce((sum, each) => sum + each, 0);
