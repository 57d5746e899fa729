import assert from "node:assert/strict";
import test, { after, before } from "node:test";
import { setImmediate as nextTurn, setTimeout as sleep } from "node:timers/promises";
import { silentLog } from "../../../src/kit/log.ts";
import type { PoolOptions } from "../../../src/postgres/leases.ts";
import { createPool, type Pool } from "../../../src/postgres/pool.ts";
import { ident, type Statement, sql } from "../../../src/postgres/sql.ts";
import { type TestDatabase, testDatabase } from "../../helpers/postgres.ts";

let database: TestDatabase;

before(async () => {
  database = await testDatabase();
});

after(() => database.drop());

/** One connection, on which the statements of this file are prepared. */
async function withPool(some: Partial<PoolOptions>, work: (pool: Pool) => Promise<void>): Promise<void> {
  const { connection } = database;
  const pool = createPool({
    ...{ connection, size: 1, queueLimit: 20, waitMs: 5_000, deadlineMs: 5_000, prepare: true, log: silentLog },
    ...some,
  });
  for (let i = 0; i < 2; i++) await Promise.all([nap(pool, 0), number(pool, 0), write(pool, 0)]);
  await work(pool).finally(() => pool.close());
}

/** A read that the pool takes for a short one. */
const nap = (pool: Pool, seconds: number, deadlineMs = 5_000) =>
  pool.rows(sql`select pg_sleep(${seconds}), 1`, { retry: true, deadlineMs });
/** Resolves when the statement is at the server. */
async function begun(awake: Promise<unknown>): Promise<{ awake: Promise<unknown> }> {
  awake.catch(() => {});
  await sleep(30);
  return { awake };
}

const asleep = (pool: Pool, seconds: number, deadlineMs?: number) => begun(nap(pool, seconds, deadlineMs));
const writing = (pool: Pool, seconds: number) => begun(write(pool, seconds));

const number = (pool: Pool, n: number) => pool.rows(sql`select ${n}::int`, { retry: true });

const BRIEF = { retry: true, brief: true } as const;
const brief = (pool: Pool, n: number) => pool.rows(sql`select ${n}::int`, BRIEF);

/** A write that the pool takes for a short one. Division by zero is refused. */
const write = (pool: Pool, seconds: number, by = 1) =>
  pool.rows(sql`select pg_sleep(${seconds}), 8 / ${by}::int`, { short: true });

const OTHERS = sql`from pg_stat_activity
  where datname = current_database() and application_name = 'cardfile' and pid <> pg_backend_pid()`;

/** Runs on a connection outside of the pool under test. */
async function elsewhere(statement: Statement): Promise<void> {
  const { connection } = database;
  const pool = createPool({
    ...{ connection, size: 1, queueLimit: 5, waitMs: 5_000, deadlineMs: 5_000, prepare: true, log: silentLog },
  });
  await pool.rows(statement).finally(() => pool.close());
}

test("short reads are pipelined, and each gets its own answer", async () => {
  await withPool({}, async (pool) => {
    const { awake } = await asleep(pool, 0.1);
    const others = [1, 2, 3, 4].map((n) => number(pool, n));
    assert.deepEqual([pool.stats().busy, pool.stats().waiting], [1, 0]);
    assert.deepEqual(await Promise.all(others), [[[1]], [[2]], [[3]], [[4]]]);
    await awake;
    assert.deepEqual([pool.stats().opened, pool.stats().lost, pool.stats().idle], [1, 0, 1]);
  });
});

test("seven statements follow at most, the rest wait in the queue", async () => {
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

test("the queue drains while callers keep coming", async () => {
  await withPool({}, async (pool) => {
    const long = pool.rows(sql`select pg_sleep(0.05), 3`);
    let over = false;
    const callers = Array.from({ length: 6 }, async () => {
      while (!over) await nap(pool, 0.002);
    });
    assert.equal(pool.stats().waiting, 6);
    await long;
    await sleep(100);
    assert.deepEqual([pool.stats().busy, pool.stats().waiting], [1, 0]);
    over = true;
    await Promise.all(callers);
  });
});

test("brief reads of one turn of the event loop share a connection, four at a time; others take free connections", async () => {
  await withPool({ size: 6 }, async (pool) => {
    const reads = Array.from({ length: 9 }, (_, n) => brief(pool, n));
    assert.deepEqual([pool.stats().busy, pool.stats().waiting], [3, 0]);
    await nextTurn();
    const later = brief(pool, 9);
    assert.equal(pool.stats().busy, 4, "nor does a read follow them once they have left");
    assert.deepEqual(
      await Promise.all([...reads, later]),
      Array.from({ length: 10 }, (_, n) => [[n]]),
    );
    const each = [write(pool, 0), number(pool, 1), brief(pool, 2), number(pool, 3), write(pool, 0)];
    assert.equal(pool.stats().busy, 5);
    await Promise.all(each);
  });
});

test("a follower is answered when its leader is stopped at the same deadline", async () => {
  await withPool({ size: 6 }, async (pool) => {
    for (let i = 0; i < 2; i++) await pool.rows(sql`select pg_sleep(${0}), 4`, BRIEF);
    const slow = pool.rows(sql`select pg_sleep(${60}), 4`, { ...BRIEF, deadlineMs: 300 });
    const other = pool.rows(sql`select ${1}::int`, { ...BRIEF, deadlineMs: 300 });
    assert.equal(pool.stats().busy, 1);
    await assert.rejects(slow, /took longer than 0.3 s/);
    assert.deepEqual(await other, [[1]]);
  });
});

test("a statement that is not known to be short has its connection to itself", async () => {
  await withPool({}, async (pool) => {
    const { awake } = await asleep(pool, 0.1);
    const any = pool.rows(sql`select 1, 2`);
    assert.equal(pool.stats().waiting, 1);
    const custom = pool.rows(sql`select 1, 2, 3`, { plan: "custom", retry: true });
    assert.equal(pool.stats().waiting, 2);
    await Promise.all([awake, any, custom]);
    const some = pool.rows(sql`select pg_sleep(0.1), 2`);
    const read = number(pool, 1);
    assert.equal(pool.stats().waiting, 1, "nor does anything follow it");
    await Promise.all([some, read]);
  });
});

test("short writes are pipelined with writes, never with reads", async () => {
  await withPool({}, async (pool) => {
    const slow = await writing(pool, 0.1);
    const others = [write(pool, 0), write(pool, 0)];
    assert.equal(pool.stats().waiting, 0);
    const read = number(pool, 1);
    assert.equal(pool.stats().waiting, 1, "no read follows a write");
    await Promise.all([slow.awake, ...others, read]);
    const { awake } = await asleep(pool, 0.1);
    const late = write(pool, 0);
    assert.equal(pool.stats().waiting, 1, "no write follows a read");
    await Promise.all([awake, late]);
    assert.equal(pool.stats().lost, 0);
  });
});

test("a refused write does not affect the others of its pipeline", async () => {
  await withPool({}, async (pool) => {
    const slow = await writing(pool, 0.1);
    const [failing, other] = await Promise.allSettled([write(pool, 0, 0), write(pool, 0)]);
    assert.equal(failing.status, "rejected");
    assert.match(String(failing.reason.cause), /division by zero/);
    assert.deepEqual(other, { status: "fulfilled", value: [["", 8]] });
    await slow.awake;
  });
});

test("a write that is lost with another's connection has an unknown outcome and is not repeated", async () => {
  await withPool({ deadlineMs: 200 }, async (pool) => {
    const slow = await writing(pool, 0.1);
    const others = await Promise.allSettled([write(pool, 60), write(pool, 0)]);
    const told = others.map((each) =>
      each.status === "rejected" ? [each.reason.code, each.reason.values.outcome] : each.value,
    );
    assert.deepEqual(told, [
      ["busy", "unknown"],
      ["not_ready", "unknown"],
    ]);
    await slow.awake;
    assert.deepEqual([pool.stats().busy, pool.stats().waiting], [0, 0]);
  });
});

test("a write that was cancelled in place of another runs again by itself", async () => {
  await withPool({}, async (pool) => {
    const slow = await writing(pool, 0.05);
    const behind = write(pool, 0.2);
    await slow.awake;
    await sleep(30);
    await elsewhere(sql`select pg_cancel_backend(pid) ${OTHERS}`);
    assert.deepEqual(await behind, [["", 8]]);
  });
});

test("a transaction begins on an empty connection, even while a statement there is prepared again", async () => {
  await withPool({}, async (pool) => {
    await pool.rows(sql`create table notes_of_test (id int)`);
    const note = (id: number) => pool.rows(sql`insert into notes_of_test values (${id}) returning *`, { short: true });
    for (let i = 0; i < 3; i++) await note(i);
    await elsewhere(sql`alter table notes_of_test add column more text`);
    const slow = await writing(pool, 0.05);
    const between = write(pool, 0.1);
    const noted = note(7);
    const undone = pool.transaction(async (tx) => {
      await tx.rows(sql`select 1`);
      throw new Error("undone");
    });
    await assert.rejects(undone, /undone/);
    assert.deepEqual(await noted, [[7, null]]);
    await Promise.all([slow.awake, between]);
    assert.deepEqual(await pool.rows(sql`select count(*)::int from notes_of_test where id = 7`), [[1]]);
  });
});

test("each statement gets its own answer while one is prepared again and another runs first", async () => {
  await withPool({}, async (pool) => {
    await pool.rows(sql`create table shapes_of_test (id int)`);
    const read = (id: number) => pool.rows(sql`select *, ${id}::int from shapes_of_test`, { retry: true });
    for (let i = 0; i < 3; i++) await read(i);
    await pool.rows(sql`insert into shapes_of_test values (1)`);
    const halve = (n: number) => pool.rows(sql`select ${n}::int / 2, 1 / ${n}::int`, { retry: true });
    for (let i = 0; i < 2; i++) await halve(6);
    await assert.rejects(halve(0), /division by zero|refused/); // its parameter types are forgotten
    await elsewhere(sql`alter table shapes_of_test add column more text`);
    const { awake } = await asleep(pool, 0.1);
    const answers = await Promise.all([read(5), halve(8), number(pool, 9), read(6)]);
    assert.deepEqual(answers, [[[1, null, 5]], [[4, 0]], [[9]], [[1, null, 6]]]);
    await awake;
  });
});

/** postgres.js prepares a stale statement again in two round trips, and gives a statement sent between the two the other one's rows. */
test("statements sent while another is prepared again get their own answers", async () => {
  await withPool({ queueLimit: 200 }, async (pool) => {
    await pool.rows(sql`create table changing (id int)`);
    await pool.rows(sql`insert into changing values (1)`);
    const read = (id: number) => pool.rows(sql`select *, ${id}::int as asked from changing`, { retry: true });
    for (let i = 0; i < 3; i++) await read(i);
    for (let round = 0; round < 10; round++) {
      await elsewhere(sql`alter table changing add column ${ident(`column_${round}`)} int`);
      const stale = read(1000 + round);
      const others: Promise<unknown>[] = [];
      for (let n = 0; n < 40; n++) {
        await nextTurn();
        others.push(number(pool, n));
      }
      assert.equal((await stale)[0]!.at(-1), 1000 + round);
      assert.deepEqual(
        await Promise.all(others),
        Array.from({ length: 40 }, (_, n) => [[n]]),
      );
    }
  });
});

test("closing waits for followers", async () => {
  await withPool({}, async (pool) => {
    const slow = await writing(pool, 0.05);
    const others = [write(pool, 0.7), write(pool, 0.7)];
    await slow.awake;
    await pool.close();
    assert.deepEqual(await Promise.all(others), [[["", 8]], [["", 8]]]);
  });
});

test("nothing joins a connection that has not answered for a while", async () => {
  await withPool({}, async (pool) => {
    const slow = await writing(pool, 0.3);
    await sleep(120);
    const late = write(pool, 0);
    assert.equal(pool.stats().waiting, 1);
    await Promise.all([slow.awake, late]);
  });
});

test("a waiting caller is not overtaken", async () => {
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

test("a connection with followers is taken last", async () => {
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

test("a failed read does not affect the others of its pipeline", async () => {
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

test("followers are answered when the leader is stopped at its deadline", async () => {
  await withPool({}, async (pool) => {
    const { awake } = await asleep(pool, 60, 200);
    const others = [1, 2, 3].map((n) => number(pool, n));
    await assert.rejects(awake);
    assert.deepEqual(await Promise.all(others), [[[1]], [[2]], [[3]]]);
  });
});

test("a follower has a deadline, at which the connection is dropped", async () => {
  await withPool({}, async (pool) => {
    const { awake } = await asleep(pool, 2);
    const since = performance.now();
    const other = number(pool, 7);
    await assert.rejects(nap(pool, 0, 100), /took longer than 0.1 s/);
    assert.ok(performance.now() - since < 1_500, "before the first could end");
    assert.deepEqual(await other, [[7]]);
    await awake;
    assert.equal(pool.stats().lost, 1);
    const next = await asleep(pool, 0.1);
    const follower = number(pool, 8);
    assert.equal(pool.stats().waiting, 0, "reads share afterwards as before");
    await Promise.all([next.awake, follower]);
    assert.equal(pool.stats().lost, 1);
  });
});

test("reads of a pipeline survive the death of their backend", async () => {
  await withPool({ size: 2 }, async (pool) => {
    const slow = [nap(pool, 0.3), nap(pool, 0.3)];
    await sleep(30);
    const others = Array.from({ length: 8 }, (_, n) => number(pool, n));
    await sleep(50);
    await elsewhere(sql`select pg_terminate_backend(pid) ${OTHERS}`);
    assert.deepEqual(
      await Promise.all(others),
      Array.from({ length: 8 }, (_, n) => [[n]]),
    );
    await Promise.all(slow);
    assert.deepEqual([pool.stats().busy, pool.stats().waiting], [0, 0]);
    assert.ok(pool.stats().idle <= 2, "and the pool keeps no more connections than before");
  });
});
