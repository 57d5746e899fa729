import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import test, { after, before } from "node:test";
import { silentLog } from "../../../src/kit/log.ts";
import type { Problem } from "../../../src/kit/problem.ts";
import { constraintOf, sqlstateOf, toProblem } from "../../../src/postgres/errors.ts";
import { createPool, type Pool } from "../../../src/postgres/pool.ts";
import { type Statement, sql } from "../../../src/postgres/sql.ts";
import { type TestDatabase, testDatabase } from "../../helpers/postgres.ts";

let database: TestDatabase;
let pool: Pool;

before(async () => {
  database = await testDatabase();
  const { connection } = database;
  pool = createPool({ connection, size: 1, queueLimit: 10, waitMs: 1_000, deadlineMs: 10_000, prepare: true, log: silentLog });
  await pool.simple(`
    create table towns (name text constraint towns_name_key unique not null, people bigint constraint towns_people check (people > 0));
    create table mayors (town text constraint mayors_town_fkey references towns (name), elected date, notes jsonb);
    insert into towns values ('Rome', 2);
    create function fails(state text, said text) returns void language plpgsql as
      $$ begin raise exception using errcode = state, message = said; end $$;`);
});

after(async () => {
  await pool.close();
  await database.drop();
});

async function refusal(statement: Statement): Promise<Problem> {
  return pool.rows(statement).then(() => assert.fail(`accepted: ${statement.text}`), toProblem);
}

/** Statements that PostgreSQL refuses, with the code for the caller and the SQLSTATE. */
const REFUSED: [string, Statement, string, string][] = [
  ["a value taken", sql`insert into towns values (${"Rome"}, 1)`, "already_exists", "23505"],
  ["no such record", sql`insert into mayors values (${"Troy"})`, "unprocessable", "23503"],
  ["no value", sql`insert into towns values (${null}, 1)`, "invalid_value", "23502"],
  ["a failed check", sql`insert into towns values ('a', ${-1})`, "invalid_value", "23514"],
  ["no number", sql`insert into towns values ('a', ${"many"})`, "invalid_value", "22P02"],
  ["too large a number", sql`insert into towns values ('a', ${"9223372036854775808"})`, "invalid_value", "22003"],
  ["no date", sql`insert into mayors (elected) values (${"soon"})`, "invalid_value", "22007"],
  ["a date that is none", sql`insert into mayors (elected) values (${"2026-02-30"})`, "invalid_value", "22008"],
  ["a NUL character", sql`insert into towns values (${"a\0b"}, 1)`, "invalid_value", "22021"],
  ["a NUL character in JSON", sql`insert into mayors (notes) values (${{ a: "\0" }})`, "invalid_value", "22P05"],
  ["too long for an index", sql`insert into towns values (${randomBytes(9_000).toString("hex")}, 1)`, "invalid_value", "54000"],
  ["no such table", sql`select * from secret_plans`, "internal", "42P01"],
];

for (const [what, statement, code, state] of REFUSED) {
  test(`${what}: ${code}`, async () => {
    const problem = await refusal(statement);
    assert.equal(problem.code, code);
    assert.equal(sqlstateOf(problem), state);
    assert.doesNotMatch(`${problem.message} ${problem.hints.join(" ")}`, /towns|mayors|secret_plans|select|insert|Rome/);
  });
}

test("a refusal names the violated constraint to the program", async () => {
  assert.equal(constraintOf(await refusal(REFUSED[0]![1])), "towns_name_key");
  assert.equal(constraintOf(await refusal(REFUSED[1]![1])), "mayors_town_fkey");
  assert.equal(constraintOf(await refusal(REFUSED[3]![1])), "towns_people");
  assert.equal(constraintOf(new Error("no constraint")), undefined);
});

test("an error of the program is internal, a lost connection is not_ready", () => {
  assert.equal(toProblem(new TypeError("x is not a function")).code, "internal");
  assert.equal(toProblem(Object.assign(new TypeError("bad"), { code: "ERR_INVALID_ARG_TYPE" })).code, "internal");
  for (const code of ["ECONNRESET", "EPIPE", "CONNECTION_CLOSED", "CONNECT_TIMEOUT"]) {
    const problem = toProblem(Object.assign(new Error("lost"), { code }));
    assert.deepEqual([problem.code, problem.status, problem.headers["Retry-After"]], ["not_ready", 503, "1"]);
  }
});

test("a refusal of a shard names the constraint of its table", async () => {
  const told = await refusal(
    sql`do $$ begin raise unique_violation using constraint = 'towns_name_key_102027', message = 'taken on a shard'; end $$`,
  );
  assert.equal(constraintOf(told), "towns_name_key");
  const said = 'duplicate key value violates unique constraint "towns_name_key_102027"';
  assert.equal(constraintOf(await refusal(sql`select fails('23505', ${said})`)), "towns_name_key");
  const copied = await refusal(sql`select fails('XX000', ${said})`);
  assert.deepEqual([copied.code, sqlstateOf(copied), constraintOf(copied)], ["already_exists", "23505", "towns_name_key"]);
});

/** What a database says that is spread over several servers: state, message, and what a write may have come to. */
const BEHIND: [string, string, unknown][] = [
  ["08006", "connection to the remote node crm@127.0.0.1:1 failed with the following error: Connection refused", undefined],
  ["08006", "connection to the remote node failed: server closed the connection unexpectedly", "unknown"],
  ["57P01", "terminating connection due to administrator command", "unknown"],
  ["XX000", "failure on connection marked as essential: 127.0.0.1:1", undefined],
];

for (const [state, said, outcome] of BEHIND) {
  test(`another server is lost behind the database (${said}): the connection is kept`, async () => {
    const [pid] = await pool.rows(sql`select pg_backend_pid()`);
    const problem = await refusal(sql`select fails(${state}, ${said})`);
    assert.equal(problem.code, "not_ready");
    assert.equal(problem.values["outcome"], outcome);
    const retried = await pool.rows(sql`select fails(${state}, ${said})`, { retry: true }).catch(toProblem);
    assert.ok("code" in retried && retried.code === "not_ready");
    assert.equal(retried.values["outcome"], undefined, "a read has no outcome");
    assert.deepEqual((await pool.rows(sql`select pg_backend_pid()`))[0], pid);
  });
}

test("a refused statement leaves its connection in use", async () => {
  const [pid] = await pool.rows(sql`select pg_backend_pid()`);
  await refusal(REFUSED[0]![1]);
  assert.deepEqual((await pool.rows(sql`select pg_backend_pid()`))[0], pid);
});
