import { type IdReference, prefixOf, readId } from "../../kit/id.ts";
import { raw, sql } from "../../postgres/sql.ts";
import type { Database } from "../database.ts";
import { idMatches } from "./references.ts";

/**
 * The id of a record of any kind as a caller wrote it: by the prefix of its kind, by the name of it (`contact_t4v6w8y0`), or by its end alone, which
 * the history knows. Undefined where it is no id, or one end is that of several records.
 */
export async function readAnyId(
  { catalog, pool }: Pick<Database, "catalog" | "pool">,
  workspaceId: string,
  text: string,
): Promise<IdReference | undefined> {
  const written = text.trim().toLowerCase();
  const named = catalog.kinds.find(({ name }) => written.startsWith(`${name}_`));
  const reference = (named && readId(text, named)) ?? readId(text) ?? readId(text, { name: "" });
  if (reference?.prefix !== "") return reference;
  const rows = await pool.rows(
    sql`select distinct c.record_id from changes c where c.workspace_id = ${workspaceId} and ${idMatches(raw("c.record_id"), reference.key)} limit 2`,
    { retry: true },
  );
  const [id] = rows.length === 1 ? (rows[0] as [string]) : [];
  return id === undefined ? undefined : { prefix: prefixOf(id), key: id };
}
