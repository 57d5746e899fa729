import type { Stored } from "../../derive/differences.ts";
import type { Item, Party, TaxLine } from "../../fields/items.ts";
import type { Paper } from "../../formats/documents/paper.ts";
import type { IdReference } from "../../kit/id.ts";
import { wholeOf } from "../../kit/largeJson.ts";
import { ident, sql } from "../../postgres/sql.ts";
import type { Kind } from "../../records/kind.ts";
import type { Database } from "../database.ts";
import { readParty, readSettings } from "./parties.ts";
import { gone, idMatches, wrongKind } from "./references.ts";

/** A document as it is printed. The parties of a draft are as they are now, those of any other as they were when it was given out. */
export async function readPaper(db: Database, workspaceId: string, kind: Kind, reference: IdReference): Promise<Paper> {
  if (reference.prefix !== kind.prefix) throw wrongKind(db, kind, reference);
  const { pool } = db;
  const read = { rows: (statement: Parameters<typeof pool.rows>[0]) => pool.rows(statement, { retry: true }) };
  const source = kind.document!;
  const [row] = await read.rows(
    sql`select to_jsonb(r) from ${ident(kind.plural)} r where r.workspace_id = ${workspaceId} and ${idMatches(sql`r.id`, reference.key)} and r.deleted_at is null`,
  );
  if (!row) throw await gone(db, workspaceId, kind, reference.key);
  const doc = wholeOf(row[0]) as Stored;
  const text = (name: string | undefined) => (name === undefined ? null : ((doc[name] ?? null) as string | null));
  const creditedId = text(source.cancels?.link);
  const [credited] = creditedId
    ? await read.rows(
        sql`select r.${ident(source.number)}, r.${ident(source.date)}::text from ${ident(kind.plural)} r
          where r.workspace_id = ${workspaceId} and r.id = ${creditedId}`,
      )
    : [];
  const seller = (doc[source.seller] ?? (await readSettings(read, workspaceId)).seller) as Party;
  const buyer = (doc[source.buyer] ?? (await readParty(read, workspaceId, kind, doc)) ?? {}) as Party;
  const total = (name: string) => {
    const value = BigInt(doc[name] as number);
    return creditedId ? -value : value;
  };
  return {
    name: creditedId ? "credit note" : kind.name,
    takesBack: Boolean(creditedId),
    number: text(source.number),
    date: text(source.date),
    // What takes back is not to be paid.
    due: creditedId ? null : text(source.due),
    dueName: source.dueLabel,
    delivered: text(source.delivered),
    currency: text(source.currency) ?? "USD",
    heading: text(source.heading),
    note: text(source.note),
    reference: text(source.reference),
    series: text(source.series),
    mark: text(source.mark),
    credits: credited?.[0] ? { number: credited[0] as string, date: (credited[1] ?? null) as string | null } : undefined,
    seller,
    buyer,
    items: (doc[source.items] ?? []) as Item[],
    taxes: (doc[source.totals.taxes] ?? []) as TaxLine[],
    net: total(source.totals.net),
    tax: total(source.totals.tax),
    gross: total(source.totals.gross),
  };
}
