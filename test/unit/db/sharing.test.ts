import assert from "node:assert/strict";
import test, { after, before } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { createPool, type Pool } from "../../../src/db/client.ts";
import { sql } from "../../../src/db/sql.ts";
import type { PoolOptions } from "../../../src/db/unit.ts";
import { silentLog } from "../../../src/log.ts";
import { type TestDatabase, testDatabase } from "../../helpers/postgres.ts";

let database: TestDatabase;

before(async () => {
  database = await testDatabase();
});

after(() => database.drop());

/** One connection, that has the reads of this file prepared. */
async function withPool(some: Partial<PoolOptions>, work: (pool: Pool) => Promise<void>): Promise<void> {
  const { connection } = database;
  const pool = createPool({
    ...{ connection, size: 1, queueLimit: 20, waitMs: 5_000, deadlineMs: 5_000, prepare: true, log: silentLog },
    ...some,
  });
  for (let i = 0; i < 2; i++) await Promise.all([nap(pool, 0), number(pool, 0)]);
  await work(pool).finally(() => pool.close());
}

/** Short reads, for all the pool knows. */
const nap = (pool: Pool, seconds: number, deadlineMs = 5_000) =>
  pool.rows(sql`select pg_sleep(${seconds}), 1`, { retry: true, deadlineMs });
/** One that is at the server by now. */
async function asleep(pool: Pool, seconds: number, deadlineMs?: number): Promise<{ awake: Promise<unknown> }> {
  const awake = nap(pool, seconds, deadlineMs);
  awake.catch(() => {});
  await sleep(30);
  return { awake };
}

const number = (pool: Pool, n: number) => pool.rows(sql`select ${n}::int`, { retry: true });

test("short reads follow another's on its connection, and each gets its own answer", async () => {
  await withPool({}, async (pool) => {
    const { awake } = await asleep(pool, 0.1);
    const others = [1, 2, 3, 4].map((n) => number(pool, n));
    assert.deepEqual([pool.stats().busy, pool.stats().waiting], [1, 0]);
    assert.deepEqual(await Promise.all(others), [[[1]], [[2]], [[3]], [[4]]]);
    await awake;
    assert.deepEqual([pool.stats().opened, pool.stats().lost, pool.stats().idle], [1, 0, 1]);
  });
});

test("not more than a few follow, the rest wait in the queue", async () => {
  await withPool({}, async (pool) => {
    const { awake } = await asleep(pool, 0.1);
    const others = Array.from({ length: 20 }, (_, n) => number(pool, n));
    assert.equal(pool.stats().waiting, 13);
    assert.deepEqual(
      await Promise.all(others),
      Array.from({ length: 20 }, (_, n) => [[n]]),
    );
    await awake;
  });
});

test("what writes, and whatever is not known to be short, has its connection to itself", async () => {
  await withPool({}, async (pool) => {
    const { awake } = await asleep(pool, 0.1);
    const write = pool.rows(sql`select 1, 2`);
    assert.equal(pool.stats().waiting, 1);
    const custom = pool.rows(sql`select 1, 2, 3`, { plan: "custom", retry: true });
    assert.equal(pool.stats().waiting, 2);
    await Promise.all([awake, write, custom]);
    const writing = pool.rows(sql`select pg_sleep(0.1), 2`);
    const read = number(pool, 1);
    assert.equal(pool.stats().waiting, 1, "no read follows a write");
    await Promise.all([writing, read]);
  });
});

test("who waits is not overtaken", async () => {
  await withPool({}, async (pool) => {
    const done: string[] = [];
    const { awake } = await asleep(pool, 0.1);
    const write = pool.rows(sql`select 1, 2`).then(() => done.push("write"));
    const read = number(pool, 1).then(() => done.push("read"));
    assert.equal(pool.stats().waiting, 2);
    await Promise.all([awake, write, read]);
    assert.deepEqual(done, ["write", "read"]);
  });
});

test("a connection that others still read on is the last to be taken", async () => {
  await withPool({ size: 2 }, async (pool) => {
    const slow = [nap(pool, 0.1), nap(pool, 0.05)];
    await sleep(20);
    const rider = nap(pool, 0.5);
    await Promise.all(slow);
    const since = performance.now();
    await pool.rows(sql`select 1, 2`);
    assert.ok(performance.now() - since < 300, "the write went where nobody was before it");
    await rider;
  });
});

test("a read that fails fails alone", async () => {
  await withPool({}, async (pool) => {
    const divide = (by: number) => pool.rows(sql`select 1 / ${by}::int`, { retry: true });
    for (let i = 0; i < 2; i++) await divide(1);
    const { awake } = await asleep(pool, 0.1);
    const [failing, other] = await Promise.allSettled([divide(0), number(pool, 7)]);
    assert.equal(failing.status, "rejected");
    assert.deepEqual(other, { status: "fulfilled", value: [[7]] });
    await awake;
  });
});

test("when the first is stopped at its deadline, who followed is answered all the same", async () => {
  await withPool({}, async (pool) => {
    const { awake } = await asleep(pool, 60, 200);
    const others = [1, 2, 3].map((n) => number(pool, n));
    await assert.rejects(awake);
    assert.deepEqual(await Promise.all(others), [[[1]], [[2]], [[3]]]);
  });
});

test("who follows has a deadline too, by which the connection is given up", async () => {
  await withPool({}, async (pool) => {
    const { awake } = await asleep(pool, 0.5);
    const since = performance.now();
    assert.equal((await nap(pool, 0, 100)).length, 1, "in its turn, by itself");
    assert.ok(performance.now() - since > 300, "the first was repeated, and ended, before");
    await awake;
    assert.equal(pool.stats().lost, 1);
  });
});

test("a backend that dies takes nobody along who only read", async () => {
  await withPool({ size: 2 }, async (pool) => {
    const killer = createPool({
      ...{ connection: database.connection, size: 1, queueLimit: 5, waitMs: 5_000, deadlineMs: 5_000 },
      ...{ prepare: true, log: silentLog },
    });
    const slow = [nap(pool, 0.3), nap(pool, 0.3)];
    await sleep(30);
    const others = Array.from({ length: 8 }, (_, n) => number(pool, n));
    await sleep(50);
    await killer.rows(sql`select pg_terminate_backend(pid) from pg_stat_activity
      where datname = current_database() and application_name = 'cardfile' and pid <> pg_backend_pid()`);
    assert.deepEqual(
      await Promise.all(others),
      Array.from({ length: 8 }, (_, n) => [[n]]),
    );
    await Promise.all(slow);
    await killer.close();
    assert.deepEqual([pool.stats().busy, pool.stats().waiting], [0, 0]);
    assert.ok(pool.stats().idle <= 2, "and no more connections are kept than before");
  });
});
