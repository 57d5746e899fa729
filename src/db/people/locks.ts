import { Problem } from "../../kit/problem.ts";
import { type Statement, sql } from "../../postgres/sql.ts";
import type { Transaction } from "../../postgres/transaction.ts";

/**
 * Locks people, in the order of their ids. Whoever makes or ends a token or a membership locks its person first. So a revocation finds every
 * token that was minted before it, and whatever is minted after it finds the parent revoked. The lock has a statement of its own, before all
 * others: a statement sees only what was committed when it began, and not what it waited for.
 */
export async function lockPeople(tx: Transaction, which: Statement): Promise<void> {
  await tx.rows(sql`select id from users where ${which} order by id for no key update`);
}

/** The admins of a workspace, locked so that two of them cannot step down at once, each counting on the other. */
export async function lockAdmins(tx: Transaction, workspaceId: string): Promise<string[]> {
  const admins = await tx.rows(
    sql`select user_id from memberships where workspace_id = ${workspaceId} and role = 'admin' order by user_id for update`,
  );
  return admins.map(([id]) => id as string);
}

/** Whoever was admin when the request came may have been removed since, by one that was faster. */
export function requireAdmin(admins: readonly string[], userId: string): void {
  if (admins.includes(userId)) return;
  throw new Problem(
    "admin_required",
    "only an admin of the workspace may do this, and you are none any more",
    "GET /workspaces shows what you are",
  );
}
