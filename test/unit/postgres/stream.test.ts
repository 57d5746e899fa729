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
  watcher = createPool(options({}));
  await watcher.simple("create table numbers (n int primary key, word text)");
  await watcher.rows(sql`insert into numbers select n, repeat('x', 100) from generate_series(1, 20000) n`);
});

after(async () => {
  await watcher.close();
  await database.drop();
});

function options(some: Partial<PoolOptions>): PoolOptions {
  const { connection } = database;
  return {
    ...{ connection, size: 1, queueLimit: 10, waitMs: 2_000, deadlineMs: 5_000, prepare: true, log: silentLog },
    ...some,
  };
}

async function withPool(some: Partial<PoolOptions>, work: (pool: Pool) => Promise<void>): Promise<void> {
  const pool = createPool(options(some));
  await work(pool).finally(() => pool.close());
}

const OTHERS = sql`from pg_stat_activity
  where datname = current_database() and application_name = 'cardfile' and pid <> pg_backend_pid()`;

/** Waits until no other backend runs a statement or holds a transaction open. */
async function quiet(): Promise<void> {
  for (let attempt = 0; attempt < 150; attempt++) {
    const [row] = await watcher.rows(sql`select count(*) ${OTHERS} and state <> 'idle'`);
    if (row![0] === 0) return;
    await sleep(20);
  }
  assert.fail("a backend is still at work");
}

const refusedAs =
  (code: string, message = /./) =>
  (error: unknown) =>
    error instanceof Problem && error.code === code && message.test(error.message);

const ABOVE = (n: number) => sql`select n, word from numbers where n > ${n} order by n`;
/** Reads as fast as the server works: 100 ms a row. */
const SLOW = sql`select n, pg_sleep(0.1) from generate_series(1, 100) n`;

test("all rows come in batches of the size asked for, in order", async () => {
  await withPool({}, async (pool) => {
    for (const [above, sizes] of [
      [19_300, [300, 300, 100]],
      [19_400, [300, 300]],
      [20_000, []],
    ] as const) {
      const batches: unknown[][][] = [];
      for await (const rows of pool.stream(ABOVE(above), 300)) batches.push(rows);
      assert.deepEqual(
        batches.map((rows) => rows.length),
        sizes,
      );
      assert.deepEqual(
        batches.flat().map(([n]) => n),
        Array.from({ length: 20_000 - above }, (_, i) => above + 1 + i),
      );
    }
    assert.deepEqual(await pool.rows(sql`select 1`, { longFor: "ws_a" }), [[1]], "the connection is free again");
  });
});

test("the rows are all as of one moment", async () => {
  await withPool({ size: 4 }, async (pool) => {
    await pool.simple("create table moving (n int); insert into moving select generate_series(1, 100)");
    const seen: unknown[] = [];
    for await (const rows of pool.stream(sql`select n from moving`, 10)) {
      seen.push(...rows.flat());
      await pool.rows(sql`update moving set n = n + 1000`);
    }
    assert.ok(seen.length === 100 && seen.every((n) => (n as number) <= 100));
  });
});

test("the server works one batch ahead of the consumer and no further", async () => {
  await withPool({}, async (pool) => {
    await pool.simple("create sequence fetched");
    const drawn = async () => (await watcher.rows(sql`select last_value from fetched`, { plan: "custom" }))[0]![0];
    const draws = sql`select setval('fetched', n) from generate_series(1, 1000) n`;
    // A read-only transaction may not draw from a sequence: the statement is refused, and says so.
    await assert.rejects(async () => {
      for await (const _ of pool.stream(draws, 10)) assert.fail("it wrote");
    }, refusedAs("not_ready"));
    assert.equal(await drawn(), 1);
    const batches = pool.stream(SLOW, 2)[Symbol.asyncIterator]();
    await batches.next();
    await sleep(600);
    const states = await watcher.rows(sql`select state ${OTHERS} and query like 'fetch%'`);
    assert.deepEqual(states, [["idle in transaction"]], "it has fetched one batch ahead, and waits");
    await batches.return!();
    await quiet();
  });
});

test("a consumer that stops cancels what runs, and gives the connection back", async () => {
  await withPool({}, async (pool) => {
    for await (const _ of pool.stream(SLOW, 2)) break;
    await quiet();
    for await (const _ of pool.stream(ABOVE(0), 100)) break;
    await quiet();
    assert.deepEqual(await pool.rows(sql`select 1`, { longFor: "ws_a" }), [[1]]);
  });
});

test("a consumer that throws stops it too, and its error is thrown on", async () => {
  await withPool({}, async (pool) => {
    const fault = new Error("the disk is full");
    const work = async () => {
      for await (const _ of pool.stream(ABOVE(0), 100)) throw fault;
    };
    await assert.rejects(work, (error) => error === fault);
    await quiet();
  });
});

test("the deadline counts from the last progress: a long stream is not stopped, a silent server is", async () => {
  await withPool({}, async (pool) => {
    let rows = 0;
    for await (const batch of pool.stream(sql`select n, pg_sleep(0.01) from generate_series(1, 80) n`, 10, {
      deadlineMs: 400,
    })) {
      rows += batch.length;
    }
    assert.equal(rows, 80, "it took twice its deadline");
    const silent = async () => {
      for await (const _ of pool.stream(sql`select pg_sleep(60)`, 10, { deadlineMs: 200 })) assert.fail("it answered");
    };
    await assert.rejects(silent, refusedAs("busy", /no progress|longer than/));
    await quiet();
    assert.deepEqual(await pool.rows(sql`select 1`, { longFor: "ws_a" }), [[1]]);
  });
});

test("a consumer that takes nothing more is given up, though it never says so", async () => {
  await withPool({}, async (pool) => {
    const batches = pool.stream(ABOVE(0), 100, { deadlineMs: 200 })[Symbol.asyncIterator]();
    await batches.next();
    assert.deepEqual(await pool.rows(sql`select 1`, { longFor: "ws_a" }), [[1]], "the connection was given to the next");
    await quiet();
    await assert.rejects(async () => batches.next(), refusedAs("busy", /no progress for 0.2 s/));
    assert.deepEqual(await pool.rows(sql`select 2`, { longFor: "ws_a" }), [[2]]);
  });
});

test("a caller who goes away stops it", async () => {
  await withPool({}, async (pool) => {
    const caller = new AbortController();
    const work = async () => {
      for await (const _ of pool.stream(SLOW, 2, { signal: caller.signal })) caller.abort();
    };
    await assert.rejects(work, refusedAs("busy", /went away/));
    await quiet();
  });
});

test("a backend that dies in the middle is an error, never a short result", async () => {
  await withPool({}, async (pool) => {
    const work = async () => {
      for await (const rows of pool.stream(ABOVE(0), 100)) {
        if (rows[0]![0] !== 101) continue;
        await watcher.rows(sql`select pg_terminate_backend(pid) ${OTHERS}`);
        await sleep(100);
      }
    };
    await assert.rejects(work, refusedAs("not_ready"));
    assert.deepEqual(await pool.rows(sql`select 1`, { longFor: "ws_a" }), [[1]]);
  });
});

test("a connection that broke while it was idle is replaced unnoticed", async () => {
  await withPool({}, async (pool) => {
    for (let i = 0; i < 2; i++) {
      let rows = 0;
      for await (const batch of pool.stream(ABOVE(19_000), 600)) rows += batch.length;
      assert.equal(rows, 1000);
      await watcher.rows(sql`select pg_terminate_backend(pid) ${OTHERS}`);
    }
  });
});

test("a refused statement says why", async () => {
  await withPool({}, async (pool) => {
    const work = async () => {
      for await (const _ of pool.stream(sql`select 1 / (n - 150) from numbers`, 100)) await sleep(1);
    };
    await assert.rejects(work, (error: Problem) => error.code === "internal" && /division by zero/.test(String(error.cause)));
    assert.deepEqual(await pool.rows(sql`select 1`, { longFor: "ws_a" }), [[1]]);
  });
});

test("streams have connections of their own, half of them for one owner, and refuse at once when these are in use", async () => {
  await withPool({ size: 3, waitMs: 2_000 }, async (pool) => {
    const begin = async (owner: string) => {
      const batches = pool.stream(ABOVE(0), 100, { longFor: owner })[Symbol.asyncIterator]();
      await batches.next();
      return batches;
    };
    const streams = [await begin("ws_a"), await begin("ws_a")];
    const since = performance.now();
    await assert.rejects(begin("ws_a"), refusedAs("busy"));
    streams.push(await begin("ws_b"), await begin("ws_c"));
    await assert.rejects(begin("ws_d"), refusedAs("busy"));
    assert.ok(performance.now() - since < 1_000, "nobody waited");
    assert.deepEqual(await pool.rows(sql`select 1`), [[1]]);
    assert.deepEqual(await pool.rows(sql`select 1`, { longFor: "ws_a" }), [[1]]);
    for (const stream of streams) await stream.return!();
    await (await begin("ws_a")).return!();
  });
});
