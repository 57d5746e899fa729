import { Problem } from "../../kit/problem.ts";
import type { Pool } from "../../postgres/pool.ts";
import { ident, join, sql } from "../../postgres/sql.ts";
import type { Catalog } from "../../records/catalog.ts";
import { workspaceTables } from "../spread/tables.ts";
import { lockAdmins, lockPeople, lockWorkspaces, requireAdmin } from "./locks.ts";

const iso = (ms: number) => new Date(ms).toISOString();

/** The workspaces of a person, oldest first, as rows in the order of the workspace's fields. */
export function listWorkspaces(
  pool: Pool,
  userId: string,
  currentId: string,
  settings: readonly string[] = [],
): Promise<unknown[][]> {
  return pool.rows(
    sql`select w.id, 1, ${join(["name", "timezone", ...settings].map((name) => sql`w.${ident(name)}`))}, m.role, w.id = ${currentId}, w.created_at,
        null, null, case when m.role = 'admin' then u.ends_at end
      from memberships m join users u on u.id = m.user_id join workspaces w on w.id = m.workspace_id where m.user_id = ${userId} order by w.created_at, w.id`,
    { retry: true },
  ) as Promise<unknown[][]>;
}

export type NewWorkspace = { id: string; name: string; timezone: string };

/** Creates a workspace with its maker as admin. `cap` limits the workspaces that one person manages. */
export async function createWorkspace(
  pool: Pool,
  userId: string,
  made: NewWorkspace,
  now: number,
  cap: number | undefined,
): Promise<void> {
  const { id, name, timezone } = made;
  await pool.transaction(async (tx) => {
    await tx.rows(sql`select id from users where id = ${userId} for update`);
    const [count] = await tx.rows(sql`select count(*)::int from memberships where user_id = ${userId} and role = 'admin'`);
    if (cap !== undefined && (count![0] as number) >= cap) throw limitReached("workspaces", cap);
    await tx.rows(
      sql`insert into workspaces (id, name, timezone, created_at) values (${id}, ${name}, ${timezone}, ${iso(now)})`,
    );
    await tx.rows(
      sql`insert into memberships (workspace_id, user_id, role, created_at) values (${id}, ${userId}, 'admin', ${iso(now)})`,
    );
  });
}

export function limitReached(what: string, cap: number): Problem {
  return new Problem(
    "plan_limit_reached",
    `the plan allows ${cap} ${what}`,
    "do not retry: tell the user; GET /whoami shows the plan",
  );
}

export async function changeWorkspace(
  { rows }: Pick<Pool, "rows">,
  id: string,
  { name, timezone }: { name: string | null; timezone: string | null },
  settings: Readonly<Record<string, unknown>>,
): Promise<void> {
  const set = [
    sql`name = coalesce(${name}, w.name)`,
    sql`timezone = coalesce(${timezone}, w.timezone)`,
    ...Object.keys(settings).map((each) => sql`${ident(each)} = n.${ident(each)}`),
  ];
  await rows(
    sql`update workspaces w set ${join(set)}
      from jsonb_populate_record(null::workspaces, ${settings}::jsonb) n where w.id = ${id}`,
  );
}

/**
 * Deletes a workspace on behalf of an admin: its memberships, records and history. A member's concurrent write may still add a
 * row. So the workspace row stays, hidden, until `sweepWorkspaces` finds it empty.
 */
export async function deleteWorkspace(pool: Pool, catalog: Catalog, id: string, by: string): Promise<void> {
  await pool.transaction(async (tx) => {
    await lockPeople(tx, sql`id in (select user_id from memberships where workspace_id = ${id})`);
    requireAdmin(await lockAdmins(tx, id), by);
    await lockWorkspaces(tx, sql`id = ${id}`);
    await tx.rows(sql`update users set default_workspace_id = null where default_workspace_id = ${id}`);
    for (const table of ["invites", "authorization_codes", "tokens", "memberships"])
      await tx.rows(sql`delete from ${ident(table)} where workspace_id = ${id}`);
  });
  await emptyWorkspace(pool, catalog, id);
}

/** Deletes rows that late writes left in deleted workspaces, and the workspace rows that were already empty. */
export async function sweepWorkspaces(pool: Pool, catalog: Catalog): Promise<void> {
  const ended = await pool.rows(
    sql`select w.id from workspaces w where not exists (select from memberships m where m.workspace_id = w.id)`,
  );
  for (const [id] of ended) {
    if ((await emptyWorkspace(pool, catalog, id as string)) > 0) continue;
    await pool.rows(
      sql`delete from workspaces w where w.id = ${id} and not exists (select from memberships m where m.workspace_id = w.id)`,
    );
  }
}

/** Deletes all rows of a workspace and returns their number. */
async function emptyWorkspace(pool: Pool, catalog: Catalog, id: string): Promise<number> {
  let rows = 0;
  for (const table of workspaceTables(catalog).reverse()) {
    const deleted = sql`with gone as (delete from ${ident(table)} where workspace_id = ${id} returning 1) select count(*)::int from gone`;
    const [count] = await pool.rows(deleted, { deadlineMs: 600_000 });
    rows += count![0] as number;
  }
  return rows;
}
