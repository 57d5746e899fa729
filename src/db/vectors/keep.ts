import type { Log } from "../../kit/log.ts";
import { addressOf, type ConnectionOptions } from "../../postgres/address.ts";
import { type Connection, createConnection } from "../../postgres/connection.ts";
import { createParameterTypes } from "../../postgres/parameterTypes.ts";
import type { Pool } from "../../postgres/pool.ts";
import { ident, type Statement, sql } from "../../postgres/sql.ts";
import type { Catalog } from "../../records/catalog.ts";
import { createIndexSql, indexName } from "./indexed.ts";
import { type Plan, planIndexes, type Worth } from "./plan.ts";

export type IndexKeeper = { keep: () => Promise<void>; stop: () => void };

export type IndexKeeperOptions = {
  pool: Pool;
  /** The database without a pooler between: the lock belongs to a session. */
  direct: ConnectionOptions;
  catalog: Catalog;
  log: Log;
  worth?: Worth;
};

const WORTH: Worth = { from: 10_000, until: 5_000 };

/** Only one process makes indexes at a time; the number is arbitrary and ours. */
const LOCK = 4_741_002;

const CONNECT_MS = 5_000;

/** By default nothing ends the making of an index, which takes minutes. Several processes at it would want shared memory, which containers lack. */
const SETTINGS = "set statement_timeout = 0; set maintenance_work_mem = '512MB'; set max_parallel_maintenance_workers = 0";

/** Makes and drops the indexes of vectors, on a connection of its own. None where the database is spread. */
export function createIndexKeeper({ pool, direct, catalog, log, worth = WORTH }: IndexKeeperOptions): IndexKeeper {
  let running: Connection | undefined;
  return {
    async keep() {
      if (pool.spread || !(await planIndexes(pool, catalog, worth))) return;
      const connection = createConnection(addressOf(direct), createParameterTypes(), () => {});
      running = connection;
      try {
        await connection.open(CONNECT_MS);
        const rows = ({ text, values }: Statement) => connection.run(text, values, false);
        const [locked] = await rows(sql`select pg_try_advisory_lock(${LOCK}::bigint)`);
        const plan = locked![0] ? await planIndexes({ rows }, catalog, worth) : undefined;
        if (plan) await carryOut(connection, plan, log);
      } finally {
        running = undefined;
        await connection.close();
      }
    },
    /** An index that is half made is dropped and made anew by whoever comes next. */
    stop() {
      running?.cancel();
      running?.lose(new Error("the service stops"));
    },
  };
}

async function carryOut(connection: Connection, { drop, create }: Plan, log: Log): Promise<void> {
  await connection.script(SETTINGS);
  for (const name of drop) {
    await connection.script(`drop index concurrently if exists ${ident(name).text}`);
    log.info("vector_index_dropped", { name });
  }
  if (create.length === 0) return;
  await connection.script("create extension if not exists vector");
  const [schema] = (await connection.run(SCHEMA, [], false))[0] as [string];
  for (const field of create) {
    const since = performance.now();
    const name = indexName(field);
    try {
      await connection.script(createIndexSql(field, schema));
      log.info("vector_index_made", { name, kind: field.kind.name, ms: Math.round(performance.now() - since) });
    } catch (error) {
      if (connection.lost) throw error;
      log.warn("vector_index_failed", { name, kind: field.kind.name, cause: String(error) });
    }
  }
}

const SCHEMA =
  "select quote_ident(n.nspname) from pg_extension e join pg_namespace n on n.oid = e.extnamespace where e.extname = 'vector'";
