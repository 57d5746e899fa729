/** `node --import tsx bench/load.ts [--rows 1000000] [--fresh]`: makes and fills the database; one that is there is migrated. */
import { existsSync } from "node:fs";
import { rename, rm } from "node:fs/promises";
import { migrate } from "../src/db/migrate.ts";
import type { EmbeddedServer } from "../src/embedded/server.ts";
import { silentLog } from "../src/kit/log.ts";
import { createPool } from "../src/postgres/pool.ts";
import { FILL, FUNCTIONS, roomsSql } from "./fill.ts";
import { connect, folderOf, openServer, readArguments, readRows, type Sql } from "./place.ts";

/** For the load alone: a crash means loading again, and nothing reads meanwhile. about 15 minutes and 6 GB for a million on 2 cores. */
const FAST = {
  fsync: "off",
  synchronous_commit: "off",
  full_page_writes: "off",
  wal_level: "minimal",
  max_wal_senders: "0",
  max_wal_size: "4GB",
  autovacuum: "off",
  maintenance_work_mem: "1GB",
  statement_timeout: "0",
};

/** What was cut off is not taken for a database: it is filled aside and renamed when it is whole. */
export async function ensureLoaded(rows: number, say: (line: string) => void, fresh = false): Promise<void> {
  const folder = folderOf(rows);
  if (!fresh && existsSync(folder)) return renew(rows, say);
  const aside = `${folder}.filling`;
  await rm(aside, { recursive: true, force: true });
  await load(rows, aside, say);
  const there = existsSync(folder) ? await openServer(rows) : undefined;
  await there?.stop();
  if (there?.owned === false) throw new Error(`${folder} is in use: the new one is ${aside}`);
  await rm(folder, { recursive: true, force: true });
  await rename(aside, folder);
}

/** What a newer product adds takes a minute, where filling takes a quarter of an hour. */
async function renew(rows: number, say: (line: string) => void): Promise<void> {
  const server = await openServer(rows);
  try {
    const names = await migrateOn(server);
    if (names.length === 0) return;
    say(`migrated: ${names.join(", ")}`);
    const sql = connect(server);
    await sql.unsafe("vacuum (analyze)");
    await sql.end();
  } finally {
    await server.stop();
  }
}

async function migrateOn({ host, port, user, database }: EmbeddedServer): Promise<string[]> {
  const limits = { size: 1, queueLimit: 1, waitMs: 10_000, deadlineMs: 60_000, prepare: true, log: silentLog };
  const pool = createPool({ connection: { host, port, user, database }, ...limits });
  return migrate(pool, Date.now).finally(pool.close);
}

async function load(rows: number, folder: string, say: (line: string) => void): Promise<void> {
  const server = await openServer(rows, FAST, folder);
  const started = performance.now();
  const done = (what: string) => say(`${((performance.now() - started) / 1000).toFixed(0)} s: ${what}`);
  try {
    await migrateOn(server);
    const sql = connect(server);
    await fill(sql, rows, done);
    await sql.end();
  } finally {
    await server.stop();
  }
}

/** Foreign keys are not looked at (replica): every link is made from a number that has a row. */
async function fill(sql: Sql, rows: number, done: (what: string) => void): Promise<void> {
  await sql.unsafe("set session_replication_role = replica");
  await sql.unsafe(FUNCTIONS);
  await sql.unsafe(roomsSql(rows));
  for (const [table, insert] of Object.entries(FILL)) {
    const indexes = await sql<{ name: string; definition: string }[]>`
      select i.indexrelid::regclass::text as name, pg_get_indexdef(i.indexrelid) as definition
      from pg_index i where i.indrelid = ${table}::regclass and not i.indisprimary`;
    for (const { name } of indexes) await sql.unsafe(`drop index ${name}`);
    await sql.unsafe(insert);
    const [count] = await sql.unsafe(`select count(*)::int as rows from ${table}`);
    done(`${count!["rows"]} ${table}`);
    for (const { definition } of indexes) await sql.unsafe(definition);
    done(`their ${indexes.length} indexes`);
  }
  await sql.unsafe("vacuum (analyze, freeze)");
  const [size] = await sql`select pg_size_pretty(pg_database_size(current_database())) as size`;
  done(`vacuumed and analyzed, ${size!["size"]}`);
}

if (process.argv[1] === import.meta.filename) {
  const { options } = readArguments(process.argv.slice(2), ["rows", "fresh"]);
  await ensureLoaded(readRows(options), (line) => process.stderr.write(`${line}\n`), options.has("fresh"));
}
