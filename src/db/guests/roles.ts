import { Problem } from "../../kit/problem.ts";
import type { Pool } from "../../postgres/pool.ts";
import { ident, raw, type Statement, sql } from "../../postgres/sql.ts";
import type { Transaction } from "../../postgres/transaction.ts";
import type { Catalog } from "../../records/catalog.ts";
import { type Views, viewsIn } from "./views.ts";
import { refuseLeak, refuseUnfit, WALL } from "./wall.ts";

/** A role and a schema that nobody uses for so long end, and come back at the next call. */
export const IDLE_MS = 7 * 86_400_000;

/** Its last use is noted once in so long. */
const NOTED_MS = 3_600_000;

/** A new role: an opaque name, because every role of a server sees the names of all others. */
export type NewRole = { name: () => string; verifier: (name: string) => string };

/** The roles of a server are those of all its databases, so a name may be taken. */
async function freeName(tx: Transaction, { name }: NewRole): Promise<string> {
  for (;;) {
    const drawn = name();
    const [taken] = await tx.rows(sql`select 1 from pg_roles where rolname = ${drawn}`);
    if (!taken) return drawn;
  }
}

/** The role cannot log in: it is made anew at its next use. */
export const forgetRole = (pool: Pool, name: string) =>
  pool.rows(sql`update sql_roles set fingerprint = '' where name = ${name}`);

/** Limits that a guest's sessions begin with. The service has deadlines of its own, since a session may set some of these anew. */
const SETTINGS: Readonly<Record<string, string>> = {
  default_transaction_read_only: "on",
  lock_timeout: "1s",
  idle_in_transaction_session_timeout: "60s",
  idle_session_timeout: "1h",
  work_mem: "16MB",
  max_parallel_workers_per_gather: "0",
  jit: "off",
};

/** Sessions of one role at once, whatever asks for them. */
const SESSIONS = 6;

/** One at a time: two that make roles and grants at once would disturb each other. It is let go at the end of the transaction. */
const LOCK = sql`select pg_advisory_xact_lock(hashtextextended('cardfile guests', 0))`;

const iso = (ms: number) => new Date(ms).toISOString();

type Known = { name: string; fits: boolean; noted: boolean };

/**
 * The role for this workspace's SQL, which is also the name of its schema. Both are made at the first use and after a pause, the schema anew when
 * the kinds have changed.
 */
export async function admitRole(
  pool: Pool,
  catalog: Catalog,
  workspaceId: string,
  fresh: NewRole,
  seconds: number,
  now: number,
): Promise<string> {
  const views = await viewsIn(catalog);
  const { fingerprint } = views;
  const [found] = await pool.rows(knownSql(workspaceId, fingerprint, now), { retry: true });
  const known = readKnown(found);
  if (known?.fits) {
    if (!known.noted) await pool.rows(sql`update sql_roles set used_at = ${iso(now)} where name = ${known.name}`);
    return known.name;
  }
  const { name, old } = await pool.transaction(async (tx) => {
    await tx.rows(LOCK);
    const [again] = await tx.rows(knownSql(workspaceId, fingerprint, now));
    const meanwhile = readKnown(again);
    if (meanwhile?.fits) return { name: meanwhile.name, old: undefined };
    const superuser = await refuseUnfit(tx);
    const name = meanwhile?.name ?? (await freeName(tx, fresh));
    await tx.rows(
      sql`insert into sql_roles (name, workspace_id, fingerprint, created_at, used_at)
        values (${name}, ${workspaceId}, ${fingerprint}, ${iso(now)}, ${iso(now)})
        on conflict (name) do update set fingerprint = excluded.fingerprint, used_at = excluded.used_at`,
    );
    await tx.simple(WALL);
    await makeRole(tx, name, fresh.verifier(name), seconds, superuser);
    const old = await makeSchema(tx, views, name);
    await openSchema(tx, workspaceId, name);
    await refuseLeak(tx, name, name);
    return { name, old };
  }, BUILDING);
  if (old !== undefined) await dropOldSchema(pool, old);
  return name;
}

const BUILDING = { deadlineMs: 30_000 } as const;

const knownSql = (workspaceId: string, fingerprint: string, now: number): Statement =>
  sql`select g.name, g.fingerprint = ${fingerprint} and exists (select from pg_roles where rolname = g.name and rolcanlogin)
      and exists (select from pg_namespace where nspname = g.name), g.used_at > ${iso(now - NOTED_MS)}
    from sql_roles g where g.workspace_id = ${workspaceId} and g.token_id is null`;

function readKnown(row: readonly unknown[] | undefined): Known | undefined {
  return row && { name: row[0] as string, fits: row[1] as boolean, noted: row[2] as boolean };
}

/** Makes the role, or gives one that is there its password and limits again. */
async function makeRole(tx: Transaction, name: string, verifier: string, seconds: number, superuser: boolean): Promise<void> {
  const [there] = await tx.rows(sql`select 1 from pg_roles where rolname = ${name}`);
  const verb = raw(there ? "alter" : "create");
  const made = sql`${verb} role ${ident(name)} with login noinherit connection limit ${raw(String(SESSIONS))} password ${verifier}`;
  const settings = {
    ...SETTINGS,
    statement_timeout: `${seconds}s`,
    ...(superuser ? { temp_file_limit: "256MB" } : {}),
  };
  const set = Object.entries(settings).map(([setting, value]) => `alter role ${name} set ${setting} = '${value}';`);
  const path = `alter role ${name} set search_path = ${name}, public;`;
  // Whoever is no superuser may end the sessions of a role only as a member of it.
  const joined = superuser || there ? "" : `grant ${name} to current_user;`;
  await tx.simple(`${made.literal}; ${set.join(" ")} ${path} ${joined}`);
}

/** The schema with its views, under its name. An older one makes way under another: sessions find the new one without a pause. */
async function makeSchema(tx: Transaction, views: Views, schema: string): Promise<string | undefined> {
  const [there] = await tx.rows(sql`select 1 from pg_namespace where nspname = ${schema}`);
  const [unused] = await tx.rows(
    sql`select n::int from generate_series(1, 1000) n where not exists (select from pg_namespace where nspname = ${schema} || '_old' || n) limit 1`,
  );
  const old = `${schema}_old${String(unused![0])}`;
  const away = there ? `alter schema ${schema} rename to ${old};` : "";
  await tx.simple(`${away} create schema ${schema}; ${views.sql(schema)}`);
  return there ? old : undefined;
}

/** Lets all roles of the workspace read the views. */
async function openSchema(tx: Transaction, workspaceId: string, schema: string): Promise<void> {
  const roles = await tx.rows(
    sql`select g.name from sql_roles g where g.workspace_id = ${workspaceId} and exists (select from pg_roles where rolname = g.name)`,
  );
  const names = roles.map(([name]) => name as string).join(", ");
  await tx.simple(`grant usage on schema ${schema} to ${names}; grant select on all tables in schema ${schema} to ${names};`);
}

/** Queries may still run on its views. Then a job drops it later. */
async function dropOldSchema(pool: Pool, schema: string): Promise<void> {
  await pool.simple(`set lock_timeout = '500ms'; drop schema if exists ${ident(schema).text} cascade`).catch(() => {});
}

export async function dropOldSchemas(pool: Pool): Promise<void> {
  const schemas = await pool.rows(
    sql`select n.nspname::text from pg_namespace n where n.nspname ~ '^q_[0-9a-z]{20}_old[0-9]+$' and pg_has_role(n.nspowner, 'usage')`,
  );
  for (const [schema] of schemas) await dropOldSchema(pool, schema as string);
}

/** A role that logs in from elsewhere until its token ends. Gives its name; a second call replaces the password of the first. */
export async function admitConnection(
  pool: Pool,
  schema: string,
  of: { workspaceId: string; tokenId: string; expiresAt: number | null },
  fresh: NewRole,
  seconds: number,
  now: number,
): Promise<string> {
  return pool.transaction(async (tx) => {
    await tx.rows(LOCK);
    // A revocation waits until the login is made, and ends it then.
    const living = await tx.rows(sql`select id from tokens where id = ${of.tokenId} and revoked_at is null for share`);
    if (living.length === 0) throw new Problem("invalid_token", "the token was revoked", "sign in: POST /auth/request");
    const superuser = await refuseUnfit(tx);
    const drawn = await freeName(tx, fresh);
    const [row] = await tx.rows(
      sql`insert into sql_roles (name, workspace_id, token_id, fingerprint, created_at, used_at)
        values (${drawn}, ${of.workspaceId}, ${of.tokenId}, '', ${iso(now)}, ${iso(now)})
        on conflict (token_id) where token_id is not null do update set used_at = excluded.used_at returning name`,
    );
    const name = row![0] as string;
    await makeRole(tx, name, fresh.verifier(name), seconds, superuser);
    const until = of.expiresAt === null ? "infinity" : iso(of.expiresAt);
    await tx.simple(`alter role ${name} set search_path = ${schema}, public; alter role ${name} valid until '${until}';`);
    await openSchema(tx, of.workspaceId, schema);
    await refuseLeak(tx, name, schema);
    return name;
  }, BUILDING);
}
