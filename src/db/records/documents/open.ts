import { ident, sql } from "../../../postgres/sql.ts";
import type { Kind } from "../../../records/kind.ts";
import type { Database } from "../../database.ts";

/** The document that a booked payment pays, with the amount still to be paid. `open` is null for a cancelled document. */
export type Open = { id: string; number: string; currency: string; open: string | null };

/** Undefined of a payment that waits for the issue of its document, or has none. */
export async function readOpen(db: Database, workspaceId: string, kind: Kind, id: string): Promise<Open | undefined> {
  const { link, booked } = kind.settles!;
  const { plural, document } = kind.field(link)!.link!.target;
  const { number, currency, cancels } = document!;
  const [row] = await db.pool.rows(
    sql`select t.id, t.${ident(number)}, t.${ident(currency)}, t.${ident(cancels!.open)}::text from ${ident(plural)} t where t.workspace_id = ${workspaceId}
      and t.id = (select r.${ident(link)} from ${ident(kind.plural)} r where r.workspace_id = ${workspaceId} and r.id = ${id} and r.${ident(booked)} is not null)`,
    { retry: true },
  );
  if (!row) return undefined;
  const [document_id, given, per, open] = row as [string, string, string, string | null];
  return { id: document_id, number: given, currency: per, open };
}
