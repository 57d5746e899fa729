import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { migrate } from "../../src/db/migrate.ts";
import { onShards } from "../../src/db/spread/distribute.ts";
import { workspaceTables } from "../../src/db/spread/tables.ts";
import { silentLog } from "../../src/kit/log.ts";
import { createPool, type Pool } from "../../src/postgres/pool.ts";
import { ident, sql } from "../../src/postgres/sql.ts";
import { catalog } from "../../src/records/all.ts";
import { distributeCommand } from "../../src/start/distribute.ts";
import { createPlain, dropCluster, joinCluster, noCitus } from "../helpers/citus.ts";
import { type TestDatabase, testDatabase } from "../helpers/postgres.ts";

let database: TestDatabase;
let pool: Pool;
before(async () => {
  database = await testDatabase();
  const { connection } = database;
  pool = createPool({ connection, size: 1, queueLimit: 10, waitMs: 1_000, deadlineMs: 60_000, prepare: true, log: silentLog });
});
after(async () => {
  await pool.close();
  await database.drop();
});

test("a plain PostgreSQL is refused, with what to do", { skip: !noCitus && "this is a Citus" }, async () => {
  for (const words of [[], ["--dry-run"], ["--shards", "8"]])
    await assert.rejects(distributeCommand(words, pool), /has no Citus: on every server .*create extension citus/s);
});

test("options that are none are refused", async () => {
  for (const words of [["--shard", "8"], ["--shards"], ["--shards", "0"], ["--shards=1.5"], ["now"], ["--dry-run=yes"]])
    await assert.rejects(distributeCommand(words, pool), /usage: distribute|whole number/, words.join(" "));
});

test("all tables of workspaces lie together on shards, and doing it again does nothing", { skip: noCitus }, async () => {
  const rows = await pool.rows(
    sql`select logicalrelid::text, colocationid from pg_dist_partition where partmethod = 'h' order by 1`,
  );
  assert.deepEqual(
    rows.map(([table]) => table),
    workspaceTables(catalog).sort(),
  );
  assert.equal(new Set(rows.map(([, together]) => together)).size, 1);
  assert.deepEqual(await distributeCommand(["--dry-run"], pool), ["OK everything is spread"]);
  assert.match((await distributeCommand([], pool))[0]!, /^OK spread 0 tables over \d workers/);
});

test("a migration of a spread database spreads its tables and tunes the shards", { skip: noCitus }, async () => {
  await pool.rows(sql`delete from schema_migrations where name like '%list%'`);
  await pool.simple("drop table list_members; drop table lists;");
  assert.deepEqual(
    (await migrate(pool, Date.now)).map((name) => name.slice(5)),
    ["lists.sql", "list-custom.sql", "restorable-lists.sql"],
  );
  const [spread] = await pool.rows(
    sql`select count(*)::int from pg_dist_partition where partmethod = 'h' and logicalrelid::text in ('lists', 'list_members')`,
  );
  assert.equal(spread![0], 2);
  await onShards(pool, "lists", "select count(*) from %s");
});

test("a migration makes functions, and indexes with them, on tables that are spread already", { skip: noCitus }, async () => {
  const indexes = await pool.rows(sql`select indexname from pg_indexes where indexname ~ '^own_records_.*_same_idx$'`);
  assert.ok(indexes.length > 1);
  for (const [index] of indexes) await pool.rows(sql`drop index ${ident(index as string)}`);
  await pool.rows(sql`drop function crm_own_mark`);
  await pool.rows(sql`delete from schema_migrations where name like '%own-duplicates%'`);
  assert.deepEqual(await migrate(pool, Date.now), ["0060-own-duplicates.sql"]);
});

test("a database that was in use is spread by a role that is no superuser, with its rows", { skip: noCitus }, async () => {
  const [name, owner] = ["test_in_use", "cardfile_owner"];
  const connection = await createPlain(name, owner);
  const made = createPool({
    connection,
    size: 1,
    queueLimit: 10,
    waitMs: 1_000,
    deadlineMs: 60_000,
    prepare: true,
    log: silentLog,
  });
  try {
    await migrate(made, Date.now);
    await made.rows(sql`insert into workspaces (id, name, timezone, created_at) values ('ws_used', 'Used', 'UTC', now())`);
    await made.rows(sql`insert into lists (workspace_id, id, name, slug, kind, created_at, created_by, updated_at)
      values ('ws_used', 'list_00000001', 'Kept', 'kept', 'contact', now(), 'a@x.example', now())`);
    await joinCluster(name, owner);
    assert.match(
      (await distributeCommand(["--shards", "4"], made))[0]!,
      /^OK spread \d+ tables over \d+ workers .*, copied 3$/,
    );
    assert.deepEqual(await made.rows(sql`select name from lists where workspace_id = 'ws_used'`), [["Kept"]]);
    assert.deepEqual(await distributeCommand(["--dry-run"], made), ["OK everything is spread"]);
  } finally {
    await made.close();
    await dropCluster(name);
  }
});
