import { type Statement, sql } from "../../postgres/sql.ts";

/** The settings of a workspace that new records take; null where the workspace has not set one. */
export type Settings = { currency: string | null; tax_rate: string | null };

/** The values where the workspace has not set any. */
export const USUAL = { currency: "USD", tax_rate: "0" } as const;

/** Runs a statement: on a pool, or in a transaction. */
export type Rows = (statement: Statement) => Promise<readonly (readonly unknown[])[]>;

export async function settingsOf(rows: Rows, workspaceId: string): Promise<Settings> {
  const [row] = await rows(sql`select currency, tax_rate::text from workspaces where id = ${workspaceId}`);
  const [currency = null, tax_rate = null] = (row ?? []) as (string | null)[];
  return { currency, tax_rate };
}

/** The same, read once, and only where it is needed: for many records of one unit. */
export function settingsOnce(rows: Rows, workspaceId: string): () => Promise<Settings> {
  let read: Promise<Settings> | undefined;
  return () => (read ??= settingsOf(rows, workspaceId));
}
