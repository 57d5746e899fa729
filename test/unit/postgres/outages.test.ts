import assert from "node:assert/strict";
import { once } from "node:events";
import net from "node:net";
import test, { after, before } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { createLog, silentLog } from "../../../src/kit/log.ts";
import { Problem } from "../../../src/kit/problem.ts";
import type { PoolOptions } from "../../../src/postgres/leases.ts";
import { createPool, type Pool } from "../../../src/postgres/pool.ts";
import { sql } from "../../../src/postgres/sql.ts";
import { type Network, startNetwork } from "../../helpers/network.ts";
import { type TestDatabase, testDatabase } from "../../helpers/postgres.ts";

let database: TestDatabase;
let network: Network;

before(async () => {
  database = await testDatabase();
  network = await startNetwork(database.connection);
});

after(async () => {
  await network.down();
  await database.drop();
});

async function withPool(some: Partial<PoolOptions>, work: (pool: Pool) => Promise<void>): Promise<void> {
  const pool = createPool({
    ...{
      connection: { url: network.url },
      size: 2,
      queueLimit: 50,
      waitMs: 5_000,
      deadlineMs: 5_000,
      prepare: true,
      log: silentLog,
    },
    ...some,
  });
  await work(pool).finally(() => pool.close());
}

/** The code, and what is known of the outcome. */
async function refused(work: Promise<unknown>): Promise<[code: string, outcome: unknown]> {
  const error = await work.then(
    () => assert.fail("it was answered"),
    (error) => error,
  );
  assert.ok(error instanceof Problem, String(error));
  if (error.values["outcome"] === undefined) assert.equal(error.headers["Retry-After"], "1");
  return [error.code, error.values["outcome"]];
}

test("while the server is down all is not_ready, logged once; when it is back, work goes on", async () => {
  const lines: string[] = [];
  const log = createLog((line) => void lines.push(line), Date.now);
  await withPool({ log }, async (pool) => {
    await network.down();
    for (let i = 0; i < 3; i++) assert.deepEqual(await refused(pool.rows(sql`select 1`)), ["not_ready", undefined]);
    assert.deepEqual(await refused(pool.transaction(() => assert.fail("it began"))), ["not_ready", undefined]);
    await network.up();
    assert.deepEqual(await pool.rows(sql`select 1`), [[1]]);
    assert.deepEqual(pool.stats().busy, 0);
    assert.deepEqual(
      lines.map((line) => /event=(\w+)/.exec(line)?.[1]),
      ["database_unreachable", "database_reachable"],
    );
  });
});

test("a database or a socket that does not exist is not_ready", async () => {
  const { connection } = database;
  for (const wrong of [{ database: "no_such_database" }, { host: "/no/such/folder" }, { user: "nobody_of_that_name" }]) {
    await withPool({ connection: { ...connection, ...wrong } }, async (pool) => {
      assert.deepEqual(await refused(pool.rows(sql`select 1`)), ["not_ready", undefined]);
    });
  }
});

test("a network that drops each new connection is tried twice", async () => {
  await withPool({}, async (pool) => {
    network.slam();
    const before = network.accepted;
    assert.deepEqual(await refused(pool.rows(sql`select 1`)), ["not_ready", undefined]);
    assert.equal(network.accepted - before, 2);
    network.heal();
    assert.deepEqual(await pool.rows(sql`select 1`), [[1]]);
  });
});

test("sslmode decides if a server without TLS may be used", async () => {
  const using = (mode: string) => ({ connection: { url: `${network.url}?sslmode=${mode}` } });
  await withPool(using("prefer"), async (pool) => assert.deepEqual(await pool.rows(sql`select 1`), [[1]]));
  for (const mode of ["require", "verify-ca", "verify-full"]) {
    await withPool(using(mode), async (pool) => {
      assert.deepEqual(await refused(pool.rows(sql`select 1`)), ["not_ready", undefined]);
    });
  }
});

test("a server that answers nonsense is not_ready", async () => {
  for (const answer of ["S", "SS", "Sgarbage", "N", "NN", "E", "HTTP/1.1 400 Bad Request\r\n\r\n"]) {
    const server = net.createServer((socket) => {
      socket.on("error", () => {});
      socket.once("data", () => socket.end(answer));
    });
    await once(server.listen(0, "127.0.0.1"), "listening");
    const { port } = server.address() as net.AddressInfo;
    for (const mode of ["disable", "prefer", "require"]) {
      await withPool({ connection: { url: `postgres://crm@127.0.0.1:${port}/crm?sslmode=${mode}` } }, async (pool) => {
        assert.deepEqual(await refused(pool.rows(sql`select 1`)), ["not_ready", undefined], `${answer} ${mode}`);
      });
    }
    server.close();
  }
});

test("when the network swallows all bytes, callers are answered at their deadline", async () => {
  await withPool({ deadlineMs: 300, size: 1 }, async (pool) => {
    assert.deepEqual(await pool.rows(sql`select 1`), [[1]]);
    network.freeze();
    const [write, transaction] = [pool.rows(sql`select 2`), pool.transaction((tx) => tx.rows(sql`select 2`))];
    assert.deepEqual(await refused(write), ["busy", "unknown"]);
    assert.deepEqual(await refused(transaction), ["not_ready", undefined], "it never got a connection");
    network.heal();
    assert.deepEqual(await pool.rows(sql`select 3`), [[3]]);
    network.freeze();
    assert.deepEqual(await refused(pool.rows(sql`select 4`, { retry: true })), ["busy", undefined]);
    network.heal();
    network.cut();
    assert.deepEqual(await pool.rows(sql`select 5`), [[5]]);
  });
});

test("when a connection breaks, a read is repeated and the outcome of a write is unknown", async () => {
  await withPool({ size: 1 }, async (pool) => {
    const breaking = async (work: Promise<unknown>) => {
      await sleep(150);
      network.cut();
      return work;
    };
    const read = pool.rows(sql`select 1, pg_sleep(0.3)`, { retry: true });
    assert.deepEqual(((await breaking(read)) as unknown[][])[0]![0], 1);
    assert.deepEqual(await refused(breaking(pool.rows(sql`select pg_sleep(0.3)`))), ["not_ready", "unknown"]);
    const transaction = pool.transaction((tx) => tx.rows(sql`select pg_sleep(0.3)`));
    assert.deepEqual(await refused(breaking(transaction)), ["not_ready", undefined], "it was not committed");
  });
});

test("idle connections that break are replaced unnoticed", async () => {
  await withPool({ size: 2 }, async (pool) => {
    for (let i = 0; i < 3; i++) {
      assert.equal((await Promise.all([1, 2].map(() => pool.rows(sql`select pg_sleep(0.02)`)))).length, 2);
      network.cut();
      while (pool.stats().idle > 0) await sleep(5);
    }
    assert.deepEqual(pool.stats().lost, 6);
  });
});

test("a cancel request that cannot be delivered does no harm", async () => {
  await withPool({ size: 1, deadlineMs: 200 }, async (pool) => {
    const slow = pool.rows(sql`select pg_sleep(1)`);
    await sleep(100);
    network.slam();
    assert.deepEqual(await refused(slow), ["busy", "unknown"]);
    network.heal();
    assert.deepEqual(await pool.rows(sql`select 1`), [[1]]);
  });
});
