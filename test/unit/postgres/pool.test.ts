import assert from "node:assert/strict";
import test, { after, before } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { silentLog } from "../../../src/kit/log.ts";
import { Problem } from "../../../src/kit/problem.ts";
import type { PoolOptions } from "../../../src/postgres/leases.ts";
import { createPool, type Pool } from "../../../src/postgres/pool.ts";
import { sql } from "../../../src/postgres/sql.ts";
import { type TestDatabase, testDatabase } from "../../helpers/postgres.ts";

let database: TestDatabase;
let watcher: Pool;

before(async () => {
  database = await testDatabase();
  watcher = pool({ size: 1 });
});

after(async () => {
  await watcher.close();
  await database.drop();
});

function pool(some: Partial<PoolOptions> = {}): Pool {
  const { connection } = database;
  return createPool({
    ...{ connection, size: 2, queueLimit: 10, waitMs: 5_000, deadlineMs: 5_000, prepare: true, log: silentLog },
    ...some,
  });
}

async function withPool(some: Partial<PoolOptions>, work: (pool: Pool) => Promise<void>): Promise<void> {
  const made = pool(some);
  await work(made).finally(() => made.close());
}

/** Waits until the expected number of `pg_sleep` statements run at the server. */
async function sleepers(expected: number): Promise<void> {
  for (let attempt = 0; attempt < 100; attempt++) {
    const [row] = await watcher.rows(sql`
      select count(*) from pg_stat_activity
      where state = 'active' and query like '%pg_sleep%' and pid <> pg_backend_pid() and datname = current_database()`);
    if (row![0] === expected) return;
    await sleep(20);
  }
  assert.fail(`there are not ${expected} statements asleep`);
}

const refusedAs = (code: string) => (error: unknown) => error instanceof Problem && error.code === code;

test("callers that find all connections in use are served in order", async () => {
  await withPool({ size: 1 }, async (pool) => {
    const served: number[] = [];
    const first = pool.rows(sql`select pg_sleep(0.1)`);
    const others = [1, 2, 3].map((i) => pool.rows(sql`select ${i}::int`).then(([row]) => served.push(row![0] as number)));
    assert.equal(pool.stats().waiting, 3);
    await Promise.all([first, ...others]);
    assert.deepEqual(served, [1, 2, 3]);
    assert.deepEqual({ ...pool.stats(), named: 0 }, { size: 1, busy: 0, idle: 1, waiting: 0, opened: 1, lost: 0, named: 0 });
  });
});

test("a caller that finds the queue full is refused at once", async () => {
  await withPool({ size: 1, queueLimit: 2 }, async (pool) => {
    const running = pool.rows(sql`select pg_sleep(0.2)`);
    const waiting = [pool.rows(sql`select 1`), pool.rows(sql`select 1`)];
    await assert.rejects(pool.rows(sql`select 1`), (error) => {
      assert.ok(error instanceof Problem);
      return error.code === "busy" && error.headers["Retry-After"] === "1" && pool.stats().busy === 1;
    });
    await Promise.all([running, ...waiting]);
  });
});

test("a caller waits for a limited time", async () => {
  await withPool({ size: 1, waitMs: 50 }, async (pool) => {
    const running = pool.rows(sql`select pg_sleep(0.4)`);
    await assert.rejects(pool.rows(sql`select 1`), refusedAs("busy"));
    assert.deepEqual([pool.stats().busy, pool.stats().waiting], [1, 0]);
    await running;
  });
});

test("a statement past its deadline is cancelled at the server, and its connection replaced", async () => {
  await withPool({ size: 1, deadlineMs: 300 }, async (pool) => {
    const slow = pool.rows(sql`select pg_sleep(60)`);
    await sleepers(1);
    await assert.rejects(slow, (error) => {
      assert.ok(error instanceof Problem);
      assert.equal(error.values["outcome"], undefined, "it was cancelled for certain");
      return error.code === "busy" && /longer than 0.3 s/.test(error.message) && /filter/.test(error.hints[0]!);
    });
    await sleepers(0);
    assert.deepEqual(await pool.rows(sql`select 1`), [[1]]);
    assert.equal(pool.stats().opened, 2);
  });
});

test("a statement may have its own deadline", async () => {
  await withPool({ size: 1, deadlineMs: 50 }, async (pool) => {
    assert.equal((await pool.rows(sql`select pg_sleep(0.2)`, { deadlineMs: 5_000 })).length, 1);
    await assert.rejects(pool.rows(sql`select pg_sleep(60)`), refusedAs("busy"));
  });
});

test("when a caller goes away, its waiting and running statements stop", async () => {
  await withPool({ size: 1 }, async (pool) => {
    const [one, two] = [new AbortController(), new AbortController()];
    const running = pool.rows(sql`select pg_sleep(60)`, { signal: one.signal });
    const waiting = pool.rows(sql`select 1`, { signal: two.signal });
    await sleepers(1);
    two.abort();
    await assert.rejects(waiting, refusedAs("busy"));
    assert.equal(pool.stats().waiting, 0);
    one.abort();
    await assert.rejects(running, refusedAs("busy"));
    await sleepers(0);
    await assert.rejects(pool.rows(sql`select 1`, { signal: one.signal }), refusedAs("busy"));
    assert.deepEqual(await pool.rows(sql`select 1`, { signal: new AbortController().signal }), [[1]]);
  });
});

test("the number of named statements is limited, and custom ones get no name", async () => {
  const prepared = sql`select count(*) from pg_prepared_statements`;
  await withPool({ size: 1 }, async (pool) => {
    await pool.rows(sql`select ${1}::int, 'custom'`, { plan: "custom" });
    assert.deepEqual(await pool.rows(prepared, { plan: "custom" }), [[0]]);
    for (let i = 0; i < 350; i++) {
      const text = Object.assign([`select ${i}`], { raw: [`select ${i}`] });
      // The first run learns the parameter types; the second has a name.
      for (const _ of [1, 2]) assert.deepEqual(await pool.rows(sql(text)), [[i]]);
    }
    assert.deepEqual(await pool.rows(prepared, { plan: "custom" }), [[300]]);
    assert.equal(pool.stats().named, 300);
  });
  await withPool({ size: 1, prepare: false }, async (pool) => {
    for (let i = 0; i < 3; i++) assert.deepEqual(await pool.rows(sql`select ${i}::int`), [[i]]);
    assert.deepEqual(await pool.rows(prepared), [[0]]);
  });
});

test("a statement that others caused to roll back is repeated three times", async () => {
  await withPool({}, async (pool) => {
    await pool.simple(`
      create sequence attempts;
      create function conflict(failures int) returns bigint language plpgsql as $$ begin
        if nextval('attempts') <= failures then raise exception using errcode = '40001'; end if;
        return currval('attempts');
      end $$`);
    assert.deepEqual(await pool.rows(sql`select conflict(3)`), [[4]]);
    await pool.simple("alter sequence attempts restart");
    await assert.rejects(pool.rows(sql`select conflict(4)`), refusedAs("busy"));
  });
});

test("a script runs several statements, and nothing they set stays", async () => {
  await withPool({ size: 1 }, async (pool) => {
    await pool.simple("create table kept (a int); insert into kept values (1), (2)");
    await pool.simple("set search_path = nowhere");
    await pool.simple("begin");
    assert.deepEqual(await pool.rows(sql`select a from kept order by a`), [[1], [2]]);
    await assert.rejects(pool.simple("insert into kept values (3); select 1 / 0"), refusedAs("internal"));
    assert.deepEqual(await pool.rows(sql`select count(*) from kept`), [[2]]);
  });
});

test("closing waits for running statements and refuses waiting ones", async () => {
  const closing = pool({ size: 1 });
  const running = closing.rows(sql`select pg_sleep(0.2), 'done'`);
  const waiting = assert.rejects(closing.rows(sql`select 1`), refusedAs("not_ready"));
  await sleepers(1);
  const closed = closing.close();
  await assert.rejects(closing.rows(sql`select 1`), refusedAs("not_ready"));
  assert.equal((await running)[0]![1], "done");
  await Promise.all([waiting, closed, closing.close()]);
  assert.deepEqual([closing.stats().busy, closing.stats().idle], [0, 0]);
});

test("what waits for one server is broken off, and nothing else", () =>
  withPool({}, async (pool) => {
    const away = new Problem("not_ready", "the server is away", []);
    const begun = performance.now();
    const there = pool.rows(sql`select 1 from pg_sleep(1)`, { server: 8 });
    const gone = assert.rejects(pool.rows(sql`select pg_sleep(5)`, { server: 7 }), away);
    await sleepers(2);
    pool.breakOff(7, away);
    await gone;
    assert.ok(performance.now() - begun < 2_000);
    assert.deepEqual(await there, [[1]]);
    assert.deepEqual(await Promise.all([pool.rows(sql`select 2`), pool.rows(sql`select 3`)]), [[[2]], [[3]]]);
  }));
