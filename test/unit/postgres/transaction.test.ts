import assert from "node:assert/strict";
import test, { after, before, beforeEach } from "node:test";
import { silentLog } from "../../../src/kit/log.ts";
import { Problem } from "../../../src/kit/problem.ts";
import { createPool, type Pool } from "../../../src/postgres/pool.ts";
import { sql } from "../../../src/postgres/sql.ts";
import type { Transaction } from "../../../src/postgres/transaction.ts";
import { type TestDatabase, testDatabase } from "../../helpers/postgres.ts";

let database: TestDatabase;
let pool: Pool;

before(async () => {
  database = await testDatabase();
  const { connection } = database;
  pool = createPool({ connection, size: 2, queueLimit: 10, waitMs: 5_000, deadlineMs: 5_000, prepare: true, log: silentLog });
  await pool.simple("create table ledger (entry int primary key)");
});

beforeEach(() => pool.simple("truncate ledger"));

after(async () => {
  await pool.close();
  await database.drop();
});

const enter = (tx: Pick<Transaction, "rows">, entry: number) =>
  tx.rows(sql`insert into ledger values (${entry}) returning entry`);
const entries = async () => (await pool.rows(sql`select entry from ledger order by entry`)).map(([entry]) => entry);
const refusedAs = (code: string) => (error: unknown) => error instanceof Problem && error.code === code;

test("the result of the work is returned after the commit", async () => {
  const rows = await pool.transaction(async (tx) => {
    await enter(tx, 1);
    assert.deepEqual(await entries(), [], "nobody else sees it yet");
    return enter(tx, 2);
  });
  assert.deepEqual(rows, [[2]]);
  assert.deepEqual(await entries(), [1, 2]);
});

test("an error of the work undoes it and is thrown on", async () => {
  const fault = new Error("changed my mind");
  const work = pool.transaction(async (tx) => {
    await enter(tx, 1);
    throw fault;
  });
  await assert.rejects(work, (error) => error === fault);
  assert.deepEqual(await entries(), []);
});

test("a refused statement undoes it", async () => {
  const work = pool.transaction(async (tx) => {
    await enter(tx, 1);
    await enter(tx, 1);
  });
  await assert.rejects(work, refusedAs("already_exists"));
  assert.deepEqual(await entries(), []);
});

test("work that goes on after a refused statement is not told that it was committed", async () => {
  const work = pool.transaction(async (tx) => {
    await enter(tx, 1);
    await enter(tx, 1).catch(() => {});
  });
  await assert.rejects(work, refusedAs("internal"));
  assert.deepEqual(await entries(), []);
});

test("statements that were not awaited run in turn, and none after the end", async () => {
  let late: Promise<unknown> | undefined;
  await pool.transaction(async (tx) => {
    for (const entry of [1, 2, 3]) void enter(tx, entry);
    setTimeout(() => {
      late = enter(tx, 4).catch((error) => error);
    }, 50);
  });
  assert.deepEqual(await entries(), [1, 2, 3]);
  while (!late) await new Promise((resolve) => setTimeout(resolve, 10));
  assert.ok(refusedAs("internal")(await late));
  assert.deepEqual(await entries(), [1, 2, 3]);
});

test("work that throws while a statement runs undoes that statement too", async () => {
  const work = pool.transaction(async (tx) => {
    await Promise.all([enter(tx, 1), enter(tx, 1), enter(tx, 2)]);
  });
  await assert.rejects(work, refusedAs("already_exists"));
  assert.deepEqual(await entries(), []);
});

test("work that waits for something other than a statement is undone at the deadline", async () => {
  const work = pool.transaction(
    async (tx) => {
      await enter(tx, 1);
      await new Promise(() => {});
    },
    { deadlineMs: 200 },
  );
  await assert.rejects(work, refusedAs("busy"));
  assert.deepEqual(await entries(), []);
});

test("a statement past the deadline undoes the transaction, and the work gets no further", async () => {
  const after: string[] = [];
  const work = pool.transaction(
    async (tx) => {
      await enter(tx, 1);
      await tx.rows(sql`select pg_sleep(60)`).catch((error: Problem) => after.push(error.code));
      await enter(tx, 2).catch((error: Problem) => after.push(error.code));
    },
    { deadlineMs: 200 },
  );
  await assert.rejects(work, refusedAs("busy"));
  assert.deepEqual(await entries(), []);
  assert.deepEqual(after, ["busy", "busy"]);
});

test("when the caller goes away, the transaction is undone", async () => {
  const caller = new AbortController();
  const work = pool.transaction(
    async (tx) => {
      await enter(tx, 1);
      caller.abort();
      await enter(tx, 2);
    },
    { signal: caller.signal },
  );
  await assert.rejects(work, refusedAs("busy"));
  assert.deepEqual(await entries(), []);
});

test("when the backend dies before the commit, the transaction is undone and says so", async () => {
  const work = pool.transaction(async (tx) => {
    const [pid] = await tx.rows(sql`select pg_backend_pid()`);
    await enter(tx, 1);
    await pool.rows(sql`select pg_terminate_backend(${pid![0]}::int, 5000)`);
    await enter(tx, 2);
  });
  await assert.rejects(work, (error) => refusedAs("not_ready")(error) && (error as Problem).values["outcome"] === undefined);
  assert.deepEqual(await entries(), []);
});

test("scripts run inside a transaction, and their settings end with its connection", async () => {
  await pool.transaction(async (tx) => {
    await tx.simple("set search_path = pg_catalog, public; insert into ledger values (1); insert into ledger values (2)");
    await enter(tx, 3);
  });
  assert.deepEqual(await entries(), [1, 2, 3]);
  for (let i = 0; i < 4; i++) assert.deepEqual(await pool.rows(sql`show search_path`), [['"$user", public']]);
});

test("when a savepoint's work throws it is undone, and the transaction goes on", async () => {
  await pool.transaction(async (tx) => {
    await enter(tx, 1);
    const twice = tx.savepoint(async (inner) => {
      await enter(inner, 2);
      await enter(inner, 1);
    });
    await assert.rejects(twice, refusedAs("already_exists"));
    const given = await tx.savepoint(async (inner) => {
      await enter(inner, 3);
      await inner
        .savepoint(async (innermost) => {
          await enter(innermost, 4);
          throw new Error("changed my mind");
        })
        .catch(() => {});
      return enter(inner, 5);
    });
    assert.deepEqual(given, [[5]]);
    await enter(tx, 6);
  });
  assert.deepEqual(await entries(), [1, 3, 5, 6]);
});

test("statements that a savepoint's work did not await belong to it, and none runs after its end", async () => {
  await pool.transaction(async (tx) => {
    let leaked: Transaction | undefined;
    const failed = tx.savepoint(async (inner) => {
      leaked = inner;
      for (const entry of [1, 2]) void enter(inner, entry);
      throw new Error("changed my mind");
    });
    await assert.rejects(failed, /changed my mind/);
    await assert.rejects(enter(leaked!, 3), refusedAs("internal"));
    await tx.savepoint(async (inner) => void enter(inner, 4));
  });
  assert.deepEqual(await entries(), [4]);
});

test("while a savepoint is open, its transaction takes no statement outside of it", async () => {
  await pool.transaction((tx) =>
    tx.savepoint(async (inner) => {
      await enter(inner, 1);
      await assert.rejects(enter(tx, 2), refusedAs("internal"));
      await assert.rejects(
        tx.savepoint(async () => {}),
        refusedAs("internal"),
      );
    }),
  );
  assert.deepEqual(await entries(), [1]);
});

test("a deadline or a lost backend inside a savepoint ends the whole transaction, undone", async () => {
  const stuck = pool.transaction(
    async (tx) => {
      await enter(tx, 1);
      await tx.savepoint(() => new Promise(() => {})).catch(() => {});
      await enter(tx, 2);
    },
    { deadlineMs: 200 },
  );
  await assert.rejects(stuck, refusedAs("busy"));
  const killed = pool.transaction(async (tx) => {
    const [pid] = await tx.rows(sql`select pg_backend_pid()`);
    await tx.savepoint(async (inner) => {
      await enter(inner, 1);
      await pool.rows(sql`select pg_terminate_backend(${pid![0]}::int, 5000)`);
      await enter(inner, 2);
    });
  });
  await assert.rejects(killed, refusedAs("not_ready"));
  assert.deepEqual(await entries(), []);
});
