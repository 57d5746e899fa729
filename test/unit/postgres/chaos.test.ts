import assert from "node:assert/strict";
import test from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { silentLog } from "../../../src/kit/log.ts";
import { Problem } from "../../../src/kit/problem.ts";
import { createPool, type Pool } from "../../../src/postgres/pool.ts";
import { sql } from "../../../src/postgres/sql.ts";
import { testDatabase } from "../../helpers/postgres.ts";

/** Anything uncaught on the way fails the test by itself. */
test("backends killed at random: nothing torn, nothing acknowledged lost, nobody left hanging", async (t) => {
  const database = await testDatabase();
  const { connection } = database;
  const options = { connection, queueLimit: 100, waitMs: 5_000, deadlineMs: 5_000, prepare: true, log: silentLog };
  const pool = createPool({ ...options, size: 4 });
  const killer = createPool({ ...options, size: 1 });
  t.after(async () => {
    await Promise.all([pool.close(), killer.close()]);
    await database.drop();
  });
  await pool.simple(`
    create table singles (id int primary key);
    create table lefts (id int primary key);
    create table rights (id int primary key)`);

  const acknowledged = { singles: [] as number[], pairs: [] as number[] };
  const known = new Set<string>();
  let next = 0;
  let over = false;

  async function work(): Promise<void> {
    while (!over) {
      const id = ++next;
      await one(id).catch((error) => {
        assert.ok(error instanceof Problem, String(error));
        known.add(`${error.code} ${error.values["outcome"] ?? ""}`.trim());
      });
    }
  }

  async function one(id: number): Promise<void> {
    if (id % 3 === 0) {
      await pool.transaction((tx) => pair(tx, id));
      acknowledged.pairs.push(id);
    } else if (id % 3 === 1) {
      await pool.rows(sql`insert into singles values (${id})`);
      acknowledged.singles.push(id);
    } else {
      assert.deepEqual(await pool.rows(sql`select ${id}::int, pg_sleep(0.001)`, { retry: true, plan: "custom" }), [[id, ""]]);
    }
  }

  async function pair(tx: Pick<Pool, "rows">, id: number): Promise<void> {
    await tx.rows(sql`insert into lefts values (${id})`);
    await tx.rows(sql`insert into rights values (${id})`);
  }

  const count = () => acknowledged.singles.length + acknowledged.pairs.length;
  const workers = Array.from({ length: 8 }, work);
  for (let round = 0; round < 20; round++) {
    const before = count();
    while (count() < before + 10) await sleep(Math.random() * 20);
    await killer.rows(sql`
      select pg_terminate_backend(pid) from pg_stat_activity
      where datname = current_database() and pid <> pg_backend_pid() and random() < 0.6`);
  }
  over = true;
  await Promise.all(workers);

  const column = async (table: "singles" | "lefts" | "rights") => {
    const rows = await killer.rows({ singles: SINGLES, lefts: LEFTS, rights: RIGHTS }[table]);
    return new Set(rows.map(([id]) => id as number));
  };
  const [singles, lefts, rights] = [await column("singles"), await column("lefts"), await column("rights")];
  assert.deepEqual([...lefts], [...rights], "a transaction was torn");
  for (const id of acknowledged.singles) assert.ok(singles.has(id), `insert ${id} was acknowledged and lost`);
  for (const id of acknowledged.pairs) assert.ok(lefts.has(id), `transaction ${id} was acknowledged and lost`);
  assert.ok(acknowledged.singles.length > 0 && acknowledged.pairs.length > 0);
  for (const refusal of known) assert.ok(["not_ready", "not_ready unknown"].includes(refusal), refusal);
  assert.ok(pool.stats().lost > 5, "kills hit connections");
  assert.deepEqual(await pool.rows(sql`select 1`), [[1]]);
  assert.deepEqual([pool.stats().busy, pool.stats().waiting], [0, 0]);
});

const SINGLES = sql`select id from singles order by id`;
const LEFTS = sql`select id from lefts order by id`;
const RIGHTS = sql`select id from rights order by id`;
