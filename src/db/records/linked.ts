import { rowId, viewsOf } from "../../derive/view.ts";
import type { LinkChoice, Written } from "../../derive/written.ts";
import type { IdSource } from "../../kit/id.ts";
import { ident, sql } from "../../postgres/sql.ts";
import { columnName, type Kind, type Link } from "../../records/kind.ts";
import type { Author, Database } from "../database.ts";
import { holderSql } from "./addresses.ts";
import { namedRecords, resolveLink } from "./references.ts";
import { rowsOf } from "./table.ts";
import { type Terms, upsertRow } from "./write.ts";

/** How records are made beside the one that links to them. */
export type Making = { ids: IdSource; termsOf: (kind: Kind) => Terms };

/** A record that was made for a link. */
export type Made = { kind: Kind; title: string };

/**
 * Finds or makes the records that a write names by bodies of their own, and gives the write with their ids. It runs in the unit of that write, so
 * that none stays behind where the write is refused.
 */
export async function withLinked(
  unit: Database,
  author: Author,
  kind: Kind,
  written: Written,
  making: Making,
): Promise<{ written: Written; made: Made[] }> {
  const links: Record<string, LinkChoice> = { ...written.links };
  const made: Made[] = [];
  for (const link of kind.links) {
    const body = links[link.name]?.body;
    if (!body) continue;
    const key =
      (await findRecord(unit, author, link, body)) ?? (await makeRecord(unit, author, link.target, body, making, made));
    links[link.name] = { id: { prefix: link.target.prefix, key } };
  }
  return { written: { ...written, links }, made };
}

/**
 * The record that has the natural key; else the one that is called so. One with another natural key is another record, whatever its name. Callers at
 * once who name one record wait for each other here, since no index keeps names apart.
 */
async function findRecord(unit: Database, author: Author, link: Link, body: Written): Promise<string | undefined> {
  const { target } = link;
  const { workspaceId } = author;
  const key = target.keyField && (body.sent[target.keyField.name] as string | null | undefined);
  if (key) {
    const [row] = await unit.pool.rows(sql`select ${holderSql(target, workspaceId, key)}`);
    if (row![0] !== null) return row![0] as string;
  }
  const name = (body.sent[target.title] ?? body.initial[target.title]) as string | null | undefined;
  if (!name || name === key) return undefined;
  const lock = JSON.stringify([workspaceId, target.name, name.toLowerCase()]);
  await unit.pool.rows(sql`select pg_advisory_xact_lock(hashtextextended(${lock}, 0))`);
  const named = await namedRecords(unit, workspaceId, target, name);
  if (!key) return named.length === 0 ? undefined : ((await resolveLink(unit, author, link, { name })) ?? undefined);
  const keyless = await unit.pool.rows(
    sql`select r.id from ${rowsOf(target)} r where r.workspace_id = ${workspaceId} and r.id = any (${named}::text[])
      and r.${ident(columnName(target.keyField!))} is null and r.deleted_at is null`,
  );
  return keyless.length === 1 ? (keyless[0]![0] as string) : undefined;
}

/** What the new record links to may be a body as well. */
async function makeRecord(
  unit: Database,
  author: Author,
  kind: Kind,
  body: Written,
  making: Making,
  made: Made[],
): Promise<string> {
  const terms = making.termsOf(kind);
  if (terms.lacks?.create) throw terms.lacks.create;
  const inner = await withLinked(unit, author, kind, body, making);
  const { row } = await upsertRow(unit, author, making.ids, viewsOf(kind).record, inner.written, terms);
  made.push(...inner.made, { kind, title: String(body.sent[kind.title] ?? body.initial[kind.title]) });
  return rowId(row);
}
