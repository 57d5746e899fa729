import { ident, sql } from "../postgres/sql.ts";
import type { Transaction } from "../postgres/transaction.ts";

/**
 * Has PostgreSQL look at a table that has got more rows than it knows of. Of a new table it knows nothing until autovacuum comes, a minute later or,
 * for rows that are not committed, never: then any index that begins with the workspace seems as good as the right one, also to the check of each
 * foreign key, which so reads all of a workspace for each new row. That a workspace has many rows and ids differ is enough to know, and columns by
 * themselves are looked at quickly; autovacuum does the rest in its time.
 */
export async function learnTable({ rows }: Pick<Transaction, "rows">, table: string, added: number): Promise<void> {
  if (added < LEAST) return;
  const [known] = await rows(sql`select c.reltuples::float8 from pg_class c where c.oid = to_regclass(${table})`);
  if ((known![0] as number) < added) await rows(sql`analyze ${ident(table)} (workspace_id, id)`);
}

/** Of fewer rows it does not matter by which index they are found. */
const LEAST = 500;
