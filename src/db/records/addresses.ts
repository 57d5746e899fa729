import type { Condition } from "../../derive/filter.ts";
import { ident, numbered, type Statement, sql } from "../../postgres/sql.ts";
import type { Transaction } from "../../postgres/transaction.ts";
import { derived } from "../../records/derived.ts";
import { columnName, type Kind } from "../../records/kind.ts";
import type { Database } from "../database.ts";
import { hasKey } from "./condition.ts";
import { rowsOf } from "./table.ts";

/**
 * The index of the values of a natural key that may be several, main and further ones: each belongs to one living record. The functions that
 * write single records keep it themselves (derive/further.ts).
 */

/** The id of the living record that has this value, as SQL; null where there is none. */
export function holderSql(kind: Kind, workspaceId: string, value: string): Statement {
  const { name, keyField, furtherKey } = kind;
  const main = hasKey(keyField!, sql`k.${ident(columnName(keyField!))}`, value);
  const byMain = sql`(select k.id from ${rowsOf(kind)} k where k.workspace_id = ${workspaceId} and ${main} and k.deleted_at is null)`;
  if (!furtherKey) return byMain;
  return sql`coalesce(${byMain}, (select a.record_id from addresses a
    where a.workspace_id = ${workspaceId} and a.kind = ${name} and a.value = ${value}))`;
}

/** A filter for one value of such a key, as SQL about the living record `r`: the primary key finds it. Undefined for any other filter. */
export function heldBySql(kind: Kind, workspaceId: string, { field, predicate }: Condition): Statement | undefined {
  if (!kind.furtherKey || field !== kind.keyField || predicate.is !== "eq") return undefined;
  return sql`r.id = ${holderSql(kind, workspaceId, String(predicate.value))}`;
}

/** The living records, other than one, that have some of these values: each value with the id of its record. */
export const holdersSql = ({ name }: Kind, workspaceId: string, values: readonly string[], but: string): Statement =>
  sql`select a.value, a.record_id from addresses a where a.workspace_id = ${workspaceId} and a.kind = ${name}
    and a.value = any (${values}::text[]) and not (${but} <> '' and right(a.record_id, length(${but})) = ${but}) order by a.value limit 1`;

/** Whether a deleted record had this value, and was not merged. */
export async function wasDeleted({ pool }: Database, workspaceId: string, kind: Kind, value: string): Promise<boolean> {
  const { keyField, furtherKey } = kind;
  const main = hasKey(keyField!, sql`r.${ident(columnName(keyField!))}`, value);
  const has = furtherKey ? sql`(${main} or r.${ident(furtherKey.name)} && ${[value]}::text[])` : main;
  const rows = await pool.rows(
    sql`select from ${rowsOf(kind)} r where r.workspace_id = ${workspaceId} and ${has} and r.deleted_at is not null
      and r.merged_into is null limit 1`,
    { retry: true, brief: true },
  );
  return rows.length > 0;
}

/** Takes the addresses of records, as these are stored, out of the index. */
export async function freeAddresses(tx: Transaction, workspaceId: string, kind: Kind, ids: readonly string[]): Promise<void> {
  if (kind.furtherKey && ids.length > 0) await tx.rows(freeOf(kind)([workspaceId, ids]));
}

/** Puts them there again for those that live. Another record's address is refused by the primary key. */
export async function takeAddresses(tx: Transaction, workspaceId: string, kind: Kind, ids: readonly string[]): Promise<void> {
  if (kind.furtherKey && ids.length > 0) await tx.rows(takeOf(kind)([workspaceId, ids]), { near: workspaceId });
}

/** All addresses of the row `r`. */
const ofRow = ({ keyField, furtherKey }: Kind) => `unnest(r."${furtherKey!.name}" || r."${keyField!.name}") v`;

/** `$1` workspace, `$2` ids. */
const freeOf = derived((kind: Kind) =>
  numbered(`delete from addresses a using ${kind.plural} r cross join lateral ${ofRow(kind)}
    where r.workspace_id = $1 and r.id = any ($2::text[]) and a.workspace_id = $1 and a.kind = '${kind.name}' and a.value = v and a.record_id = r.id`),
);

const takeOf = derived((kind: Kind) =>
  numbered(`insert into addresses (workspace_id, kind, value, record_id)
    select distinct $1::text, '${kind.name}', v, r.id from ${kind.plural} r cross join lateral ${ofRow(kind)}
    where r.workspace_id = $1 and r.id = any ($2::text[]) and r.deleted_at is null and v is not null order by v`),
);
