import assert from "node:assert/strict";
import test, { after, before, beforeEach } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { silentLog } from "../../../src/kit/log.ts";
import { Problem } from "../../../src/kit/problem.ts";
import { sqlstateOf } from "../../../src/postgres/errors.ts";
import type { PoolOptions } from "../../../src/postgres/leases.ts";
import { createPool, type Pool } from "../../../src/postgres/pool.ts";
import { sql } from "../../../src/postgres/sql.ts";
import { type TestDatabase, testDatabase } from "../../helpers/postgres.ts";

let database: TestDatabase;
let pool: Pool;
let watcher: Pool;

before(async () => {
  database = await testDatabase();
  pool = createPool(options());
  watcher = createPool(options());
  await watcher.simple("create table rows (n int primary key, word text not null)");
});

beforeEach(() => watcher.simple("truncate rows"));

after(async () => {
  await Promise.all([pool.close(), watcher.close()]);
  await database.drop();
});

/** One connection for long work. */
function options(): PoolOptions {
  const { connection } = database;
  return { connection, size: 2, queueLimit: 10, waitMs: 5_000, deadlineMs: 5_000, prepare: true, log: silentLog };
}

const stored = async () => (await watcher.rows(sql`select count(*) from rows`))[0]![0];
const INTO = sql`copy rows (n, word) from stdin`;
const usable = async () => assert.deepEqual(await pool.rows(sql`select 1`, { longFor: "ws_a" }), [[1]]);

const OTHERS = sql`from pg_stat_activity
  where datname = current_database() and application_name = 'cardfile' and pid <> pg_backend_pid()`;

async function quiet(): Promise<void> {
  for (let attempt = 0; attempt < 150; attempt++) {
    if ((await watcher.rows(sql`select count(*) ${OTHERS} and state <> 'idle'`))[0]![0] === 0) return;
    await sleep(20);
  }
  assert.fail("a backend is still at work");
}

const refusedAs =
  (code: string, message = /./) =>
  (error: unknown) =>
    error instanceof Problem && error.code === code && message.test(error.message);

/** `rows` lines in chunks that are cut anywhere. */
async function* lines(from: number, rows: number): AsyncGenerator<string> {
  let text = "";
  for (let n = from; n < from + rows; n++) text += `${n}\t${"é".repeat(n % 50)}!\n`;
  for (let at = 0; at < text.length; at += 7_001) yield text.slice(at, at + 7_001);
}

async function bytesOf(chunks: AsyncIterable<Buffer>): Promise<Buffer> {
  const all: Buffer[] = [];
  for await (const chunk of chunks) all.push(chunk);
  return Buffer.concat(all);
}

test("rows copied in are all there, and come out again as they went in", async () => {
  assert.equal(await pool.copyIn(INTO, lines(1, 20_000)), 20_000);
  assert.equal(await stored(), 20_000);
  assert.equal(await pool.copyIn(INTO, [Buffer.from("20001\tx\n"), "20002\ty\n"]), 2);
  assert.equal(await pool.copyIn(INTO, []), 0);
  const out = await bytesOf(pool.copyOut(sql`copy (select n, word from rows where n <= ${20_000} order by n) to stdout`));
  let sent = "";
  for await (const chunk of lines(1, 20_000)) sent += chunk;
  assert.equal(out.toString(), sent);
  await usable();
});

test("values of a COPY are literals, whatever they hold", async () => {
  for (const word of ["it's", "\\", "\\'; drop table rows; --", "E'", "$1", "é\n\t", "''"]) {
    const statement = sql`copy (select ${word}::text, ${null}::text, ${7}::int, ${["a'b", "c\\"]}::text[]) to stdout`;
    const [text, none, seven, list] = (await bytesOf(pool.copyOut(statement))).toString().trimEnd().split("\t");
    const read = await pool.rows(sql`select ${word}::text`);
    assert.equal(
      text!.replace(/\\n/g, "\n").replace(/\\t/g, "\t").replace(/\\\\/g, "\\"),
      (read[0]![0] as string).replace(/\t/g, "\t"),
    );
    assert.deepEqual([none, seven], ["\\N", "7"]);
    assert.match(list!, /^\{a'b,"c/);
  }
  assert.throws(() => pool.copyOut(sql`copy (select ${"a\0b"}) to stdout`), refusedAs("invalid_value"));
});

test("a line that is refused stores nothing, says why, and leaves the pool usable", async () => {
  for (const [last, state] of [
    ["7\tagain\n", "23505"],
    ["many\tx\n", "22P02"],
    ["8\n", "22P04"],
  ] as const) {
    const failing = pool.copyIn(INTO, ["7\tx\n", last]);
    await assert.rejects(failing, (error) => sqlstateOf(error) === state);
    assert.equal(await stored(), 0);
    await usable();
  }
});

test("a refusal in the middle of many chunks ends it early", async () => {
  let asked = 0;
  async function* endless() {
    yield "no number\tx\n";
    for (;;) {
      asked += 1;
      yield `${asked}\t${"x".repeat(10_000)}\n`;
      await sleep(1);
    }
  }
  await assert.rejects(pool.copyIn(INTO, endless()), (error) => sqlstateOf(error) === "22P02");
  assert.ok(asked < 2_000);
  await usable();
});

test("chunks that fail store nothing, and their error is thrown on", async () => {
  async function* failing() {
    yield "1\tx\n";
    throw new Problem("invalid_value", "line 2 is wrong");
  }
  await assert.rejects(pool.copyIn(INTO, failing()), refusedAs("invalid_value", /line 2/));
  assert.equal(await stored(), 0);
  await usable();
});

test("the deadline counts from the last chunk, in and out", async () => {
  async function* slowly() {
    for (let n = 0; n < 10; n++) {
      yield `${n}\tx\n`;
      await sleep(60);
    }
  }
  assert.equal(await pool.copyIn(INTO, slowly(), { deadlineMs: 400 }), 10);
  async function* never() {
    yield "100\tx\n";
    await sleep(60_000, undefined, { ref: false });
  }
  await assert.rejects(pool.copyIn(INTO, never(), { deadlineMs: 200 }), refusedAs("busy", /no progress/));
  await quiet();
  assert.equal(await stored(), 10);
  const silent = bytesOf(pool.copyOut(sql`copy (select pg_sleep(60)) to stdout`, { deadlineMs: 200 }));
  await assert.rejects(silent, refusedAs("busy"));
  await quiet();
  await usable();
});

test("the server sends no further than the consumer reads; one that stops cancels it", async () => {
  const endless = sql`copy (select repeat('x', 1000) from generate_series(1, 10000) a, generate_series(1, 10000) b) to stdout`;
  const chunks = pool.copyOut(endless)[Symbol.asyncIterator]();
  await chunks.next();
  const before = process.memoryUsage().rss;
  await sleep(500);
  assert.ok(process.memoryUsage().rss - before < 30_000_000, "what is not read is not sent");
  await chunks.return!();
  await quiet();
  for await (const _ of pool.copyOut(endless)) break;
  await quiet();
  await usable();
});

test("a consumer that takes nothing more is given up, though it never says so", async () => {
  const endless = sql`copy (select repeat('x', 1000) from generate_series(1, 10000) a, generate_series(1, 10000) b) to stdout`;
  const chunks = pool.copyOut(endless, { deadlineMs: 200 })[Symbol.asyncIterator]();
  await chunks.next();
  await usable();
  await quiet();
  await assert.rejects(
    async () => {
      while (!(await chunks.next()).done);
    },
    refusedAs("busy", /no progress/),
  );
});

test("many results larger than the buffers come whole, one after the other on one connection", async () => {
  for (let i = 0; i < 5; i++) {
    let bytes = 0;
    for await (const chunk of pool.copyOut(
      sql`copy (select repeat('x', 999) from generate_series(1, ${3000 + i})) to stdout`,
    )) {
      bytes += chunk.length;
      if (i % 2) await new Promise((done) => setImmediate(done));
    }
    assert.equal(bytes, 1000 * (3000 + i));
    await usable();
  }
});

test("a backend that dies in the middle is an error, in and out, and nothing is stored", async () => {
  async function* dying() {
    yield "1\tx\n";
    await watcher.rows(sql`select pg_terminate_backend(pid) ${OTHERS}`);
    await sleep(50);
    yield "2\tx\n";
  }
  await assert.rejects(pool.copyIn(INTO, dying()), refusedAs("not_ready"));
  assert.equal(await stored(), 0);
  const reading = async () => {
    for await (const _ of pool.copyOut(
      sql`copy (select repeat('x', 1000) from generate_series(1, 10000) a, generate_series(1, 10000) b) to stdout`,
    )) {
      await watcher.rows(sql`select pg_terminate_backend(pid) ${OTHERS}`);
    }
  };
  await assert.rejects(reading, refusedAs("not_ready"));
  await usable();
});

test("two COPYs in one transaction, into tables of its own", async () => {
  const counts = await pool.transaction(async (tx) => {
    await tx.rows(sql`create temp table staged (n int, word text) on commit drop`);
    const first = await tx.copyIn(sql`copy staged from stdin`, lines(1, 500));
    const second = await tx.copyIn(sql`copy staged from stdin`, lines(501, 700));
    await tx.rows(sql`insert into rows select n, word from staged`);
    return [first, second];
  });
  assert.deepEqual(counts, [500, 700]);
  assert.equal(await stored(), 1200);
  const undone = pool.transaction(async (tx) => {
    await tx.copyIn(INTO, lines(5000, 10));
    throw new Error("undone");
  });
  await assert.rejects(undone, /undone/);
  assert.equal(await stored(), 1200);
});
