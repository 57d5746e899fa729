import postgres from "postgres";
import { migrate } from "../../src/db/migrate.ts";
import { silentLog } from "../../src/kit/log.ts";
import { createPool } from "../../src/postgres/pool.ts";
import { distributeCommand } from "../../src/start/distribute.ts";
import type { Connection } from "./postgres.ts";

/**
 * A real Citus for the tests: `CRM_TEST_CITUS` names its servers, the coordinator first, as `127.0.0.1:5500,127.0.0.1:5501`. Without it the
 * tests that need one are skipped. The user is `crm`, a superuser without a password.
 */
export const NODES: readonly { host: string; port: number }[] = (process.env["CRM_TEST_CITUS"] ?? "")
  .split(",")
  .filter((node) => node !== "")
  .map((node) => ({ host: node.split(":")[0]!, port: Number(node.split(":")[1]) }));

/** Why tests of `POST /sql` are skipped on a Citus: there it refuses. */
export const noSql = NODES.length > 0 && "there is no SQL where the database is spread";

export const noCitus = NODES.length === 0 && "CRM_TEST_CITUS names no cluster";

export const citusConnection = (node: number, database: string): Connection => ({ ...NODES[node]!, user: "crm", database });

export async function onNode<T>(node: number, database: string, work: (sql: postgres.Sql) => Promise<T>): Promise<T> {
  const sql = postgres({ ...citusConnection(node, database), max: 1, fetch_types: false, onnotice: () => {} });
  return work(sql).finally(() => sql.end());
}

const onAll = (database: string, work: (sql: postgres.Sql) => Promise<unknown>) =>
  Promise.all(NODES.map((_, node) => onNode(node, database, work)));

/** An empty database of that name on all servers, which know each other. */
export async function createCluster(name: string): Promise<void> {
  await dropCluster(name);
  await onAll("postgres", (sql) => sql`create database ${sql(name)}`);
  await connectNodes(name);
}

async function connectNodes(name: string): Promise<void> {
  await onAll(name, (sql) => sql`create extension citus`);
  await onNode(0, name, async (sql) => {
    await sql`select citus_set_coordinator_host(${NODES[0]!.host}, ${NODES[0]!.port})`;
    for (const { host, port } of NODES.slice(1)) await sql`select citus_add_node(${host}, ${port})`;
  });
}

export async function dropCluster(name: string): Promise<void> {
  await onAll("postgres", (sql) => sql`drop database if exists ${sql(name)} with (force)`);
}

/** A role that is no superuser on all servers, and an empty database of its own on the coordinator alone, which knows nothing of Citus. */
export async function createPlain(name: string, owner: string): Promise<Connection> {
  await dropCluster(name);
  await onAll("postgres", async (sql) => {
    const [there] = await sql`select from pg_roles where rolname = ${owner}`;
    if (!there) await sql`create role ${sql(owner)} login`;
  });
  await onNode(0, "postgres", (sql) => sql`create database ${sql(name)} owner ${sql(owner)}`);
  return { ...citusConnection(0, name), user: owner };
}

/** What an operator does before `distribute`: the database on the workers too, and all servers know each other. */
export async function joinCluster(name: string, owner: string): Promise<void> {
  for (const node of NODES.keys())
    if (node > 0) await onNode(node, "postgres", (sql) => sql`create database ${sql(name)} owner ${sql(owner)}`);
  await connectNodes(name);
}

/** A spread database with the whole schema, which `cloneCluster` copies. With CRM_TEST_CITUS_KEEP that of the run before is kept. */
export async function createClusterTemplate(name: string): Promise<void> {
  if (process.env["CRM_TEST_CITUS_KEEP"]) return;
  await createCluster(name);
  const limits = { size: 1, queueLimit: 10, waitMs: 10_000, deadlineMs: 60_000, prepare: true };
  const pool = createPool({ connection: citusConnection(0, name), ...limits, log: silentLog });
  await migrate(pool, Date.now);
  await distributeCommand(["--shards", "4"], pool).finally(pool.close);
  await onAll("postgres", (sql) => sql`alter database ${sql(name)} with allow_connections false`);
}

/** Citus keeps what it knows of a cluster in the database itself, so copies on all servers make another one. */
export async function cloneCluster(template: string, name: string): Promise<void> {
  await dropCluster(name);
  await onAll("postgres", async (sql) => {
    await sql`select pg_terminate_backend(pid) from pg_stat_activity where datname = ${template}`;
    await sql`create database ${sql(name)} template ${sql(template)} strategy file_copy`;
  });
  // A copy has the tables of its template and not its settings.
  await onAll("postgres", (sql) => sql`alter database ${sql(name)} set pg_trgm.word_similarity_threshold = 0.4`);
}
