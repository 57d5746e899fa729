import { comparedSql } from "../../fields/folding.ts";
import { Problem } from "../../kit/problem.ts";
import { ident, raw, type Statement, sql } from "../../postgres/sql.ts";
import type { Transaction } from "../../postgres/transaction.ts";
import { columnName, type Field, type Kind, numberField } from "../../records/kind.ts";
import { rowsOf } from "../records/table.ts";
import type { Hold } from "./imports.ts";

/** A linked record as rows name it: by its name, by its natural key, or by both. */
export type Wanted = { name: string; key: string | null };

/** The id of the record that is meant; none, or more than one. */
export type Found = { id: string } | { none: true } | { several: readonly string[] };

type Rows = Pick<Transaction, "rows">;

/**
 * Finds records by natural key or number, else by name whatever case and accents, as a write does that names one (`namedRecords`), for all rows of a
 * chunk in one statement. Of several records of a name that with its very accents is meant.
 */
export async function findNamed(tx: Rows, workspaceId: string, target: Kind, wanted: readonly Wanted[]): Promise<Found[]> {
  if (wanted.length === 0) return [];
  const { keyField } = target;
  const title = sql`r.${ident(columnName(target.titleField))}`;
  const living = sql`r.workspace_id = ${workspaceId} and r.deleted_at is null`;
  const called = (text: Statement) => sql`"left"(crm_fold(${text}), 200)`;
  const by = (field: Field, is: string) =>
    sql`union all (select r.id, 2 as how from ${rowsOf(target)} r where ${living} and r.${ident(columnName(field))} is not null and ${raw(is)} limit 1)`;
  const byKey = keyField
    ? by(
        keyField,
        `${comparedSql(keyField.type, `r."${columnName(keyField)}"`)} = ${comparedSql(keyField.type, 'u.key collate "C"')}`,
      )
    : raw("");
  const number = numberField(target);
  const byNumber = number ? by(number, `lower(r."${columnName(number)}") = lower(u.name collate "C")`) : raw("");
  const rows = await tx.rows(sql`select u.n::int, f.id, f.how from unnest(${wanted.map(({ name }) => name)}::text[],
      ${wanted.map(({ key }) => key)}::text[]) with ordinality as u(name, key, n)
    cross join lateral (
      (select r.id, (lower(${title} collate "default") = lower(u.name collate "default"))::int as how from ${rowsOf(target)} r
        where ${living} and ${called(title)} = ${called(sql`u.name`)} and crm_fold(${title}) = crm_fold(u.name) order by 2 desc, r.id limit 4)
      ${byKey} ${byNumber}) f`);
  const found = wanted.map((): { id: string; how: number }[] => []);
  for (const [n, id, how] of rows) found[(n as number) - 1]!.push({ id: id as string, how: how as number });
  return found.map(chosen);
}

function chosen(found: readonly { id: string; how: number }[]): Found {
  const best = Math.max(-1, ...found.map(({ how }) => how));
  const ids = [...new Set(found.filter(({ how }) => how === best).map(({ id }) => id))];
  return ids.length === 0 ? { none: true } : ids.length === 1 ? { id: ids[0]! } : { several: ids };
}

/** The living records of these ids, by the last eight characters of each; among them those that rows of the import call so themselves. */
export async function findIds(tx: Rows, hold: Hold, target: Kind, ends: readonly string[]): Promise<Map<string, string>> {
  if (ends.length === 0) return new Map();
  const { workspaceId, id } = hold;
  const living = await tx.rows(sql`select right(r.id, 8), r.id from ${rowsOf(target)} r
    where r.workspace_id = ${workspaceId} and right(r.id, 8) = any (${ends}::text[]) and r.deleted_at is null`);
  const found = new Map(living.map(([end, full]) => [end as string, full as string]));
  const missing = ends.filter((end) => !found.has(end));
  if (missing.length === 0) return found;
  const said =
    await tx.rows(sql`select said, record_id from import_rows where workspace_id = ${workspaceId} and import_id = ${id}
    and said = any (${missing}::text[]) and kind = ${target.name} and record_id is not null`);
  for (const [end, full] of said) found.set(end as string, full as string);
  return found;
}

/** Two imports that want the same new company wait for each other, so that one of them finds what the other has made. */
export async function lockMaking(tx: Rows, workspaceId: string, target: Kind): Promise<void> {
  await tx.rows(sql`select pg_advisory_xact_lock(hashtextextended(${`import ${workspaceId} ${target.name}`}, 0))`);
}

/**
 * Which of these records are there and locked against deletion until the transaction ends. By the ends of their ids: of a new workspace the
 * planner knows nothing, takes all indexes for equally good, and would read all of the workspace for each record by most of them.
 */
export async function lockLiving(tx: Rows, workspaceId: string, target: Kind, ids: readonly string[]): Promise<Set<string>> {
  if (ids.length === 0) return new Set();
  const rows = await tx.rows(sql`select f.id from unnest(${[...new Set(ids)].sort()}::text[]) as u(id)
    cross join lateral (select r.id from ${rowsOf(target)} r where r.workspace_id = ${workspaceId}
      and right(r.id, 8) = right(u.id, 8) and r.id = u.id and r.deleted_at is null offset 0 for key share) f`);
  return new Set(rows.map(([id]) => id as string));
}

export const missingLink = (target: Kind) =>
  new Problem("unprocessable", `a ${target.name} that it links to is not there`, `find it: GET /${target.plural}?search=…`);
