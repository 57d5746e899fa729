import type { Stored } from "../../../derive/differences.ts";
import { viewsOf } from "../../../derive/view.ts";
import type { Written } from "../../../derive/written.ts";
import type { IdReference, IdSource } from "../../../kit/id.ts";
import { wholeOf } from "../../../kit/largeJson.ts";
import { ident, sql } from "../../../postgres/sql.ts";
import type { Transaction } from "../../../postgres/transaction.ts";
import type { Kind } from "../../../records/kind.ts";
import type { Author, Database } from "../../database.ts";
import { inUnit } from "../../unit.ts";
import { withNewHandles } from "../handles.ts";
import { gone, idMatches, wrongKind } from "../references.ts";
import { upsertRow } from "../write.ts";

/** Acts on documents, such as issuing and cancelling. Each is one transaction, which locks the row of the document first. */

/** The result of an act: the id of the record to show, and of the change; no change where everything was done before. */
export type Done = { id: string; isNew?: true; change?: string | undefined; notes: string[] };

export type Making = { ids: IdSource; cap?: number | undefined };

/** Days that the caller names; others follow. */
export type Days = { date?: string | undefined; due?: string | undefined; today: string };

/** A locked record, its columns by name. */
export type Locked = Stored & { id: string };

export const work = <T>(db: Database, act: (unit: Database, tx: Transaction) => Promise<T>): Promise<T> =>
  withNewHandles(() => inUnit(db, act));

export async function lock(
  db: Database,
  tx: Transaction,
  workspaceId: string,
  kind: Kind,
  reference: IdReference,
): Promise<Locked> {
  if (reference.prefix !== kind.prefix) throw wrongKind(db, kind, reference);
  const [row] = await tx.rows(
    sql`select to_jsonb(r) from ${ident(kind.plural)} r where r.workspace_id = ${workspaceId} and ${idMatches(sql`r.id`, reference.key)}
      and r.deleted_at is null for update`,
  );
  if (!row) throw await gone({ pool: tx }, workspaceId, kind, reference.key);
  return wholeOf(row[0]) as Locked;
}

/** Makes a record of these columns; ids of links are whole. */
export async function make(
  unit: Database,
  author: Author,
  { ids, cap }: Making,
  kind: Kind,
  columns: Stored,
): Promise<{ id: string; change: string | undefined }> {
  const isLink = (name: string) => kind.field(name)?.link?.id.name === name;
  const given = Object.entries(columns).filter(([, value]) => value !== null && value !== undefined);
  const written: Written = {
    sent: Object.fromEntries(given.filter(([name]) => !isLink(name))),
    initial: {},
    links: Object.fromEntries(
      given
        .filter(([name]) => isLink(name))
        .map(([name, id]) => {
          const { target, name: link } = kind.field(name)!.link!;
          return [link, { id: { prefix: target.prefix, key: id as string } }];
        }),
    ),
    length: 0,
    whole: true,
  };
  const { row, change } = await upsertRow(unit, author, ids, viewsOf(kind).record, written, { cap });
  return { id: row[0] as string, change };
}
