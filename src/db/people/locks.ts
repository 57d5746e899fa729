import { Problem } from "../../kit/problem.ts";
import { type Statement, sql } from "../../postgres/sql.ts";
import type { Transaction } from "../../postgres/transaction.ts";

/**
 * Locks people in the order of their ids, so that no deadlock arises. Every transaction that creates or ends a token or a
 * membership locks its person first. So a revocation sees every earlier token, and a later mint sees the revoked parent.
 *
 * The lock must be its own first statement. A statement sees only what was committed when it began, not what it waited for.
 */
export async function lockPeople(tx: Transaction, which: Statement): Promise<void> {
  await tx.rows(sql`select id from users where ${which} order by id for no key update`);
}

/** Locks the admins of a workspace. Otherwise two admins could step down at once, each counting on the other. */
export async function lockAdmins(tx: Transaction, workspaceId: string): Promise<string[]> {
  const admins = await tx.rows(
    sql`select user_id from memberships where workspace_id = ${workspaceId} and role = 'admin' order by user_id for update`,
  );
  return admins.map(([id]) => id as string);
}

/** Refuses a person who is no longer an admin. A concurrent request may have removed them after authentication. */
export function requireAdmin(admins: readonly string[], userId: string): void {
  if (admins.includes(userId)) return;
  throw new Problem(
    "admin_required",
    "only an admin of the workspace may do this, and you are none any more",
    "GET /workspaces shows what you are",
  );
}
