import { StartError } from "../../kit/startError.ts";
import type { Pool } from "../../postgres/pool.ts";
import { count, ident, sql } from "../../postgres/sql.ts";
import type { Transaction } from "../../postgres/transaction.ts";
import type { Catalog } from "../../records/catalog.ts";
import { NEAR_THRESHOLD } from "../search/nearMisses.ts";
import { COPIED_TABLES, workspaceTables } from "./tables.ts";

/**
 * A database that is spread over several servers by Citus: the rows of a workspace lie together on one of them. Each step here does what is
 * missing, so that a migration spreads the tables it has made, and a distribution that was broken off goes on.
 */

const LONG = { deadlineMs: 86_400_000 };

/** Extensions that indexes and functions of ours use on every server. */
const EXTENSIONS = ["pg_trgm", "btree_gin", "unaccent"];

type Rows = Pick<Pool, "rows">;

/** Whether tables of ours are spread. */
export async function isSpread({ rows }: Rows): Promise<boolean> {
  const [there] = await rows(sql`select to_regclass('pg_catalog.pg_dist_partition') is not null`);
  if (!there![0]) return false;
  return (await rows(sql`select from pg_dist_partition where logicalrelid = to_regclass('public.changes')`)).length > 0;
}

/** Tables that are spread by workspace. */
export async function spreadTables({ rows }: Rows): Promise<Set<string>> {
  return new Set((await rows(sql`select logicalrelid::text from pg_dist_partition where partmethod = 'h'`)).map(String));
}

/** The names of the servers that rows are spread over. Refuses a database that cannot be spread yet, and says what to do. */
export async function workersOf(pool: Pool): Promise<string[]> {
  const [version] = await pool.rows(sql`select extversion from pg_extension where extname = 'citus'`);
  if (!version)
    throw new StartError(
      "this database has no Citus: on every server set shared_preload_libraries = 'citus' and run create extension citus, then\n" +
        "  on this one select citus_set_coordinator_host('ITS NAME', 5432) and select citus_add_node('NAME OF A WORKER', 5432) for each",
    );
  if (Number.parseInt(version[0] as string, 10) < 13)
    throw new StartError(`Citus here is ${version[0]}: update it to 13 or newer`);
  const nodes = await pool.rows(
    sql`select nodename, nodeport, groupid from pg_dist_node where noderole = 'primary' and isactive order by nodeid`,
  );
  const workers = nodes.filter(([, , group]) => group !== 0).map(([name, port]) => `${name}:${port}`);
  if (workers.length === 0)
    throw new StartError(
      "Citus has no worker here: select citus_add_node('NAME OF A WORKER', 5432) for each, then run this again",
    );
  if (workers.length === nodes.length)
    throw new StartError("the workers do not know this server: select citus_set_coordinator_host('ITS NAME', 5432)");
  const available = `select count(*) from pg_available_extensions where name in ('${EXTENSIONS.join("', '")}')`;
  const told = await pool.rows(sql`select nodename, nodeport, success, result from run_command_on_workers(${available})`);
  for (const [name, port, success, result] of told) {
    if (!success) throw new StartError(`the worker ${name}:${port} does not answer: ${result}`);
    if (Number(result) < EXTENSIONS.length)
      throw new StartError(
        `the worker ${name}:${port} lacks ${EXTENSIONS.join(", ")}: install PostgreSQL's contrib modules there`,
      );
  }
  return workers;
}

/** Refuses while a server of ours runs: it would go on writing as if all rows were here. */
export async function refuseRunning(pool: Pool): Promise<void> {
  const [running] =
    await pool.rows(sql`select from pg_stat_activity where datname = current_database() and application_name = 'cardfile'
    and backend_type = 'client backend' and pid <> pg_backend_pid() limit 1`);
  if (running) throw new StartError("a Cardfile server uses this database: stop it, distribute, and start it again");
}

/** What is not spread yet. */
export async function missingTables({ rows }: Rows, catalog: Catalog): Promise<{ copied: string[]; spread: string[] }> {
  const done = new Set(
    (await rows(sql`select logicalrelid::text from pg_dist_partition where partmethod = 'h' or repmodel = 't'`)).map(String),
  );
  const missing = (tables: readonly string[]) => tables.filter((table) => !done.has(table));
  return { copied: missing(COPIED_TABLES), spread: missing(workspaceTables(catalog)) };
}

/** Spreads tables and functions that are not spread yet; later tables get as many shards as the first one has. */
export async function spreadMissing(tx: Transaction, catalog: Catalog, shards = 32): Promise<void> {
  // Shards that refer to others are made one after the other.
  await tx.rows(sql`set local citus.multi_shard_modify_mode = 'sequential'`);
  await sendFunctions(tx);
  const { copied, spread } = await missingTables(tx, catalog);
  for (const table of copied) await tx.rows(sql`select create_reference_table(${table}::text::regclass)`);
  const [first] = workspaceTables(catalog);
  for (const table of spread)
    await (table === first
      ? tx.rows(
          sql`select create_distributed_table(${table}::text::regclass, 'workspace_id', colocate_with => 'none', shard_count => ${count(shards)})`,
        )
      : tx.rows(sql`select create_distributed_table(${table}::text::regclass, 'workspace_id', colocate_with => ${first!})`));
  await tx.rows(sql`select create_distributed_function(p.oid::regprocedure, 'p_workspace', colocate_with => ${first!}, force_delegation => true)
    from pg_proc p where p.pronamespace = 'public'::regnamespace and p.proname like '%\\_write'
      and not exists (select from pg_dist_object d where d.classid = 'pg_proc'::regclass and d.objid = p.oid and d.distribution_argument_index is not null)`);
}

/**
 * Makes our functions again, and what they use, so that Citus makes them on every server: it does not see what the body of a function calls. Those
 * that act for the owner are about logins, of which only this server knows. A database that was in use before it had Citus sends them in a transaction
 * of its own: in that one, Citus makes an extension as the role and marks it as a superuser, who does not see it before the commit.
 */
export async function sendFunctions(tx: Transaction): Promise<void> {
  const sent = await tx.rows(sql`select from pg_dist_object d join pg_extension e on e.oid = d.objid
    where d.classid = 'pg_extension'::regclass and e.extname = 'unaccent'`);
  if (sent.length === 0) await tx.simple("drop extension unaccent; create extension unaccent with schema public");
  await tx.simple(`do $$ declare f oid; begin
    for f in select p.oid from pg_proc p where p.pronamespace = 'public'::regnamespace and p.proname like 'crm\\_%' and not p.prosecdef
        and not exists (select from pg_dist_object d where d.classid = 'pg_proc'::regclass and d.objid = p.oid)
      order by p.prolang, p.proname
    loop execute pg_get_functiondef(f); end loop; end $$`);
}

/** What comes after the commit: rows that were here take no more room here, and the shards get what Citus does not copy. */
export async function settleSpread(pool: Pool, catalog: Catalog): Promise<void> {
  for (const table of workspaceTables(catalog)) {
    await pool.rows(sql`select truncate_local_data_after_distributing_table(${table}::text::regclass)`, LONG);
    const [tuned] = await pool.rows(sql`select array_to_string(attoptions, ', ') from pg_attribute
      where attrelid = ${table}::text::regclass and attname = 'workspace_id' and attoptions is not null`);
    if (tuned) await onShards(pool, table, `alter table %s alter column workspace_id set (${tuned[0]})`);
    await pool.rows(sql`analyze ${ident(table)}`, LONG);
  }
  await setThreshold(pool);
}

/**
 * A setting of the database, as searches want it, on each server by itself: a session that has not used pg_trgm takes its settings from a superuser
 * only, and such a session would be the one by which Citus passes it on.
 */
async function setThreshold(pool: Pool): Promise<void> {
  const set = `do $$ begin
    perform word_similarity('a', 'b'), set_config('citus.enable_ddl_propagation', 'off', true);
    execute format('alter database %I set pg_trgm.word_similarity_threshold = ${NEAR_THRESHOLD}', current_database());
  end $$`;
  await pool.simple(set);
  const failed = await pool.rows(sql`select result from run_command_on_workers(${set}) where not success limit 1`);
  if (failed.length > 0) throw new StartError(`the workers take no setting of the database: ${failed[0]![0]}`);
}

/** Runs a command about a table (`%s`) on each of its shards. */
export async function onShards({ rows }: Rows, table: string, command: string): Promise<void> {
  const failed = await rows(
    sql`select result from run_command_on_shards(${table}::text::regclass, ${command}) where not success limit 1`,
    LONG,
  );
  if (failed.length > 0) throw new StartError(`${table}: ${failed[0]![0]}`);
}

/** Whether a shard has entries with numbers that its server has not given out: they came from another one. */
export async function isAhead({ rows }: Rows): Promise<boolean> {
  const look = "select exists (select from %s where xid >= pg_snapshot_xmax(pg_current_snapshot()))";
  const told = await rows(sql`select success, result from run_command_on_shards('changes', ${look})`, LONG);
  const failed = told.find(([success]) => !success);
  if (failed) throw new StartError(`changes: ${failed[1]}`);
  return told.some(([, result]) => result === "t");
}
