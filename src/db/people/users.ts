import type { IdSource } from "../../kit/id.ts";
import type { Pool } from "../../postgres/pool.ts";
import { sql } from "../../postgres/sql.ts";
import type { Transaction } from "../../postgres/transaction.ts";
import { lockPeople, lockWorkspaces } from "./locks.ts";
import { insertToken, type NewToken } from "./sessions.ts";

export type NewPerson = { email: string; userId: string; workspaceId: string; workspaceName: string; timezone: string };

/** The ids, workspace and zone for a person's first sign-in. */
export function newPerson(email: string, ids: IdSource): NewPerson {
  return {
    email,
    userId: ids("u"),
    workspaceId: ids("ws"),
    workspaceName: `${email.split("@")[0]}'s workspace`,
    timezone: "UTC",
  };
}

/**
 * Signs a person in. The first sign-in creates the user, and open invites become memberships. A person without a workspace gets a
 * default one. A token for the default workspace is made when one is wanted.
 */
export async function signIn(
  pool: Pool,
  person: NewPerson,
  token: NewToken | undefined,
  now: number,
): Promise<{ userId: string; workspaceId: string; joined: string[] }> {
  return pool.transaction(async (tx) => {
    const { userId, usual, isNew } = await findOrMake(tx, person, now);
    const joined = await joinInvited(tx, userId, person.email, now);
    const known = isNew ? undefined : ((await stillMember(tx, userId, usual)) ?? (await takeDefault(tx, userId)));
    const workspaceId = known ?? (await makeDefault(tx, userId, person, now));
    if (token)
      await tx.rows(insertToken({ ...token, userId, workspaceId, scopes: null, expiresAt: null, parentId: null }, now));
    return { userId, workspaceId, joined };
  });
}

/**
 * Locks the person, so concurrent sign-ins of one person run one after the other. A known person is not written: users is a table of which
 * every machine of a cluster has a copy.
 */
async function findOrMake(tx: Transaction, { userId, email }: NewPerson, now: number): Promise<Person> {
  await lockPeople(tx, sql`email = ${email}`);
  const [known] = await tx.rows(sql`select id, default_workspace_id from users where email = ${email}`);
  if (known) return { userId: known[0] as string, usual: known[1] as string | null, isNew: false };
  const [made] = await tx.rows(sql`insert into users (id, email, created_at) values (${userId}, ${email}, ${iso(now)})
    on conflict (email) do update set email = excluded.email returning id, default_workspace_id`);
  const [id, usual] = made as [string, string | null];
  return { userId: id, usual, isNew: id === userId };
}

/** `usual`: the workspace that they sign in to. */
type Person = { userId: string; usual: string | null; isNew: boolean };

/**
 * Turns open invites into memberships. It locks the workspaces first, because a workspace that is being deleted takes its invites
 * along and must get no new member.
 */
async function joinInvited(tx: Transaction, userId: string, email: string, now: number): Promise<string[]> {
  const [invited] = await tx.rows(sql`select 1 from invites where email = ${email} limit 1`);
  if (!invited) return [];
  await lockWorkspaces(tx, sql`id in (select workspace_id from invites where email = ${email})`, "shared");
  const rows = await tx.rows(sql`with accepted as (delete from invites where email = ${email} returning workspace_id, role)
    insert into memberships (workspace_id, user_id, role, created_at) select workspace_id, ${userId}, role, ${iso(now)} from accepted
    on conflict do nothing returning workspace_id`);
  return rows.map(([id]) => id as string);
}

async function stillMember(tx: Transaction, userId: string, workspaceId: string | null): Promise<string | undefined> {
  if (workspaceId === null) return undefined;
  const [row] = await tx.rows(
    sql`select workspace_id from memberships where user_id = ${userId} and workspace_id = ${workspaceId}`,
  );
  return row?.[0] as string | undefined;
}

/** Makes the oldest workspace of which the person is admin their default, after the former one was deleted. */
async function takeDefault(tx: Transaction, userId: string): Promise<string | undefined> {
  const [row] = await tx.rows(
    sql`select workspace_id from memberships where user_id = ${userId} and role = 'admin' order by created_at, workspace_id limit 1`,
  );
  if (!row) return undefined;
  await tx.rows(sql`update users set default_workspace_id = ${row[0]} where id = ${userId}`);
  return row[0] as string;
}

async function makeDefault(tx: Transaction, userId: string, person: NewPerson, now: number): Promise<string> {
  const { workspaceId, workspaceName, timezone } = person;
  await tx.rows(
    sql`insert into workspaces (id, name, timezone, created_at) values (${workspaceId}, ${workspaceName}, ${timezone}, ${iso(now)})`,
  );
  await tx.rows(
    sql`insert into memberships (workspace_id, user_id, role, created_at) values (${workspaceId}, ${userId}, 'admin', ${iso(now)})`,
  );
  await tx.rows(sql`update users set default_workspace_id = ${workspaceId} where id = ${userId}`);
  return workspaceId;
}

const iso = (ms: number) => new Date(ms).toISOString();
