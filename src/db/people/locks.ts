import { Problem } from "../../kit/problem.ts";
import type { Rows } from "../../postgres/driver.ts";
import { raw, type Statement, sql } from "../../postgres/sql.ts";
import type { Transaction } from "../../postgres/transaction.ts";

/**
 * Locks people in the order of their ids, so that no deadlock arises. Every transaction that creates or ends a token or a
 * membership locks its person first. So a revocation sees every earlier token, and a later mint sees the revoked parent.
 *
 * The lock must be its own first statement. A statement sees only what was committed when it began, not what it waited for.
 */
export async function lockPeople(tx: Transaction, which: Statement): Promise<void> {
  if (!tx.spread) return void (await tx.rows(sql`select id from users where ${which} order by id for no key update`));
  await lockByIds(tx, await tx.rows(sql`select id from users where ${which} order by id`));
}

/** Locks workspaces in the order of their ids. `shared`: others may do so too, and nobody the former. */
export async function lockWorkspaces(tx: Transaction, which: Statement, how: "alone" | "shared" = "alone"): Promise<void> {
  const shared = how === "shared";
  const rows = sql`select id from workspaces where ${which} order by id`;
  if (!tx.spread) return void (await tx.rows(sql`${rows} ${raw(shared ? "for share" : "for no key update")}`));
  await lockByIds(tx, await tx.rows(rows), raw(shared ? "pg_advisory_xact_lock_shared" : "pg_advisory_xact_lock"));
}

/**
 * The same where the database is spread. Every server has a copy of these tables, and a row of them is locked on the first worker: nobody could
 * sign in while that one is away. All of them are locked by this server.
 */
async function lockByIds(tx: Transaction, rows: Rows, lock = raw("pg_advisory_xact_lock")): Promise<void> {
  if (rows.length === 0) return;
  const ids = rows.map(([id]) => id as string);
  await tx.rows(
    sql`select ${lock}(hashtextextended(u.id, ${OUR_LOCKS})) from unnest(${ids}::text[]) with ordinality u (id, place) order by u.place`,
  );
}

/** Keeps these locks apart from others; the number is arbitrary and ours. */
const OUR_LOCKS = 4_741_002;

/** Locks the admins of a workspace. Otherwise two admins could step down at once, each counting on the other. */
export async function lockAdmins(tx: Transaction, workspaceId: string): Promise<string[]> {
  if (tx.spread) await lockByIds(tx, [[`admins of ${workspaceId}`]]);
  const admins = await tx.rows(
    sql`select user_id from memberships where workspace_id = ${workspaceId} and role = 'admin' order by user_id ${raw(tx.spread ? "" : "for update")}`,
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
