import type { Pool } from "../../src/postgres/pool.ts";
import { sql } from "../../src/postgres/sql.ts";

/** The text of every statement that goes through the pool from now on. */
export function recordStatements(pool: Pool): Set<string> {
  const texts = new Set<string>();
  const { rows, transaction } = pool;
  pool.rows = (statement, options) => {
    texts.add(statement.text);
    return rows(statement, options);
  };
  pool.transaction = (work, options) =>
    transaction((tx) => {
      const recorded: typeof tx.rows = (statement, asked) => {
        texts.add(statement.text);
        return tx.rows(statement, asked);
      };
      return work({ ...tx, rows: recorded });
    }, options);
  return texts;
}

/** Tables whose rows each belong to one workspace, as their primary key says; tokens and the like are looked up by other keys. */
export async function tenantTables(pool: Pool): Promise<string[]> {
  const rows = await pool.rows(sql`select c.relname from pg_class c
    join pg_index i on i.indrelid = c.oid and i.indisprimary
    join pg_attribute a on a.attrelid = c.oid and a.attnum = i.indkey[0]
    where c.relnamespace = 'public'::regnamespace and a.attname = 'workspace_id' and c.relname not in ('memberships', 'invites')`);
  return rows.map(([name]) => name as string);
}

/** Whether a statement compares the workspaces of two tables' rows, by which Citus cannot tell where it has to run. */
export const comparesWorkspaces = (statement: string): boolean =>
  /\bworkspace_id\s*=\s*\w+\.workspace_id\b/.test(statement.replaceAll('"', ""));

/**
 * Whether each mention of a tenant's table comes with a condition on workspace_id, or, where rows are made, with the column: that is what
 * Citus routes by, and the first wall between tenants. A count, for one condition too few is what a forgotten one looks like.
 */
export function namesWorkspace(statement: string, tenants: readonly string[]): boolean {
  const text = statement.replaceAll('"', "");
  const mentions = text.match(new RegExp(`\\b(from|join|update|into)\\s+(${tenants.join("|")})\\b`, "gi")) ?? [];
  const made = text.match(/\binsert into \w+(?: as \w+)?\s+\([^)]*\bworkspace_id\b/gi) ?? [];
  const beside = text.replace(/\b(insert into \w+(?: as \w+)?|on conflict)\s+\([^)]*\)/gi, "");
  const conditions = beside.match(/\bworkspace_id\s*(=|in\b|<> all\b)|,\s*workspace_id\)\s*=|\(workspace_id,/gi) ?? [];
  return mentions.length <= made.length + conditions.length;
}
