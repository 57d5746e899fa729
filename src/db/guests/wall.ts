import { Problem } from "../../kit/problem.ts";
import { sql } from "../../postgres/sql.ts";
import type { Transaction } from "../../postgres/transaction.ts";

/** Functions by which a query could change settings, take locks, keep rows or wake others. Only a superuser can take them from everybody. */
const TAKEN = [
  ...["set_config", "pg_notify", "pg_export_snapshot", "pg_logical_emit_message"],
  ...["lo_create", "lo_creat", "lo_from_bytea", "lo_put", "lo_unlink", "lowrite", "lo_open", "lo_export", "lo_import"],
  ...["pg_advisory_lock", "pg_advisory_lock_shared", "pg_try_advisory_lock", "pg_try_advisory_lock_shared"],
  ...["pg_advisory_xact_lock", "pg_advisory_xact_lock_shared", "pg_try_advisory_xact_lock", "pg_try_advisory_xact_lock_shared"],
];

/**
 * Takes from everybody what a role gets without a grant: our functions, temporary tables, new objects in public. Immutable functions read
 * nothing, and views call them as the caller. Done with every new schema, because migrations make new functions.
 */
export const WALL = `do $wall$
declare
  called regprocedure;
  super boolean := (select rolsuper from pg_roles where rolname = current_user);
begin
  for called in select p.oid from pg_proc p where p.pronamespace = 'public'::regnamespace and p.prokind = 'f'
      and pg_has_role(p.proowner, 'usage') and p.proname <> 'crm_sql_workspace' and p.provolatile <> 'i' and has_function_privilege('public', p.oid, 'execute')
      and (p.proname like 'crm\\_%' or p.proname like '%\\_write')
  loop execute format('revoke execute on function %s from public', called); end loop;
  if super then
    for called in select p.oid from pg_proc p where p.pronamespace = 'pg_catalog'::regnamespace and p.prokind = 'f'
        and p.proname = any ('{${TAKEN.join()}}') and has_function_privilege('public', p.oid, 'execute')
    loop execute format('revoke execute on function %s from public', called); end loop;
  end if;
  if has_database_privilege('public', current_database(), 'temporary')
      and (super or pg_has_role((select datdba from pg_database where datname = current_database()), 'usage'))
  then execute format('revoke temporary on database %I from public', current_database()); end if;
  if has_schema_privilege('public', 'public', 'create')
      and (super or pg_has_role((select nspowner from pg_namespace where nspname = 'public'), 'usage'))
  then revoke create on schema public from public; end if;
end $wall$;`;

const ASK_OPERATOR =
  "tell who runs this server; lists, filters and group_by= answer most questions without it: GET /help/query";

export const notAvailable = (message: string, hint: string = ASK_OPERATOR, cause?: unknown) =>
  new Problem("not_available", message, hint, { cause });

/** Refuses where the database cannot hold the wall. Gives whether we are a superuser. */
export async function refuseUnfit(tx: Transaction): Promise<boolean> {
  const [row] = await tx.rows(
    sql`select rolsuper, rolsuper or rolcreaterole, exists (select from pg_extension where extname = 'citus') from pg_roles where rolname = current_user`,
  );
  const [superuser, mayMake, spread] = row as [boolean, boolean, boolean];
  if (spread) throw notAvailable("there is no SQL here: the database is spread over several servers");
  if (!mayMake)
    throw notAvailable(
      "there is no SQL here: the service's role in the database may not make roles",
      "tell who runs this server: alter role … createrole",
    );
  return superuser;
}

/** A table of ours that a guest can read past its views means that somebody has granted it to everybody. */
export async function refuseLeak(tx: Transaction, guest: string, schema: string): Promise<void> {
  const [open] = await tx.rows(
    sql`select c.oid::regclass::text from pg_class c join pg_namespace n on n.oid = c.relnamespace
      where c.relkind in ('r', 'p', 'v', 'm', 'f') and n.nspname !~ ${`^${schema}(_old[0-9]+)?$`} and c.relowner = (select oid from pg_roles where rolname = current_user)
        and n.nspname not in ('pg_catalog', 'information_schema') and n.nspname not like 'pg\\_toast%'
        and has_any_column_privilege(${guest}, c.oid, 'select') limit 1`,
  );
  if (open) throw notAvailable(`there is no SQL here: the database lets every role read ${open[0]}`);
}
