import assert from "node:assert/strict";
import test, { after, before } from "node:test";
import fc from "fast-check";
import { silentLog } from "../../../src/kit/log.ts";
import { createPool, type Pool } from "../../../src/postgres/pool.ts";
import { sql } from "../../../src/postgres/sql.ts";
import { type TestDatabase, testDatabase } from "../../helpers/postgres.ts";

let database: TestDatabase;
let pool: Pool;

before(async () => {
  database = await testDatabase();
  const { connection } = database;
  pool = createPool({ connection, size: 1, queueLimit: 10, waitMs: 1_000, deadlineMs: 10_000, prepare: true, log: silentLog });
});

after(async () => {
  await pool.close();
  await database.drop();
});

/** Sent and read back in each of the ways a statement can travel: first and later runs, with and without a name. */
async function returned(values: unknown[], types: string[]): Promise<unknown[]> {
  const text = `select ${types.map((type) => `§::${type}`).join(", ")}`.split("§");
  const statement = sql(Object.assign(text, { raw: text }), ...values);
  const answers: unknown[][] = [];
  for (const plan of ["named", "named", "custom", "custom"] as const) answers.push((await pool.rows(statement, { plan }))[0]!);
  for (const answer of answers) assert.deepEqual(answer, answers[0]);
  return answers[0]!;
}

const HOSTILE = [
  "",
  " ",
  "NULL",
  "null",
  "{}",
  "{a,b}",
  '"',
  '""',
  "\\",
  '\\"',
  "a,b",
  "a\nb",
  "\t",
  "'",
  "$1",
  "é",
  "🦊",
  "\u2028",
  "%_",
];

test("text and lists of text come back as they went", async () => {
  for (const text of HOSTILE) assert.deepEqual(await returned([text], ["text"]), [text]);
  for (const list of [HOSTILE, [], [""], [null, "a", null], ["NULL", null], ["a", "b"]]) {
    assert.deepEqual(await returned([list, list], ["text[]", "varchar[]"]), [list, list]);
  }
  const long = ['x\\"y,'.repeat(20_000), "é".repeat(100_000)];
  assert.deepEqual(await returned([long], ["text[]"]), [long]);
});

test("any list of text comes back as it went", async () => {
  const storable = fc.string({ unit: "grapheme" }).filter((text) => !text.includes("\0"));
  const list = fc.array(fc.option(storable, { nil: null }));
  await fc.assert(
    fc.asyncProperty(list, async (items) => assert.deepEqual(await returned([items], ["text[]"]), [items])),
    { numRuns: 50 },
  );
});

test("JSON is any value, and a string is a JSON string even when it looks like JSON", async () => {
  const values = [
    {},
    { a: { b: [1, null, "ü"] } },
    [],
    [1, "2"],
    "text",
    "",
    '{"a":1}',
    "null",
    "12",
    12,
    1.5,
    true,
    false,
    HOSTILE,
  ];
  for (const value of values) assert.deepEqual(await returned([value, value], ["jsonb", "json"]), [value, value]);
  assert.deepEqual(await returned([[{ a: 1 }, "x", null, [2]]], ["jsonb[]"]), [[{ a: 1 }, "x", null, [2]]]);
  const own = JSON.parse('{"__proto__":1}');
  assert.deepEqual(await returned([own], ["jsonb"]), [own]);
});

test("whole numbers up to 2^53 - 1 are numbers, larger ones are text", async () => {
  for (const number of [0, -1, 2 ** 31, Number.MAX_SAFE_INTEGER, Number.MIN_SAFE_INTEGER]) {
    assert.deepEqual(await returned([number], ["int8"]), [number]);
  }
  assert.deepEqual(await returned([2n ** 63n - 1n, "-9223372036854775808"], ["int8", "int8"]), [
    "9223372036854775807",
    "-9223372036854775808",
  ]);
  assert.deepEqual(await returned([[1, null, 2]], ["int8[]"]), [[1, null, 2]]);
  assert.deepEqual(await returned([7, 1.5, "1.10", 3], ["int4", "float8", "numeric", "int2"]), [7, 1.5, "1.10", 3]);
});

test("times keep their microseconds, dates stay dates, and strings are read by the server", async () => {
  const types = ["timestamptz", "timestamp", "date", "time"];
  const values = ["2026-06-01 08:12:44.123456+00", "2026-06-01 08:12:44.000001", "2026-06-01", "08:12:44.5"];
  assert.deepEqual(await returned(values, types), values);
  const [local] = await returned(["2026-06-01T10:12:44.123456+02:00"], ["timestamptz"]);
  assert.equal(local, values[0]);
  assert.deepEqual(await returned([new Date(0)], ["timestamptz"]), ["1970-01-01 00:00:00+00"]);
  assert.deepEqual(await returned(["infinity"], ["timestamptz"]), ["infinity"]);
});

test("booleans, bytes and null", async () => {
  assert.deepEqual(await returned([true, false, null, "on"], ["bool", "bool", "bool", "bool"]), [true, false, null, true]);
  const bytes = Buffer.from([0, 1, 92, 255]);
  assert.deepEqual(await returned([bytes, new Uint8Array()], ["bytea", "bytea"]), [bytes, Buffer.alloc(0)]);
  assert.deepEqual(await returned([null, null, null], ["jsonb", "text[]", "int8"]), [null, null, null]);
});

test("a value's JavaScript type makes no second prepared statement", async () => {
  const before = await pool.rows(sql`select count(*) from pg_prepared_statements`, { plan: "custom" });
  for (const value of [true, null, "false"]) await pool.rows(sql`select 'once', ${value}::bool`);
  const after = await pool.rows(sql`select count(*) from pg_prepared_statements`, { plan: "custom" });
  assert.equal((after[0]![0] as number) - (before[0]![0] as number), 1);
});

test("when a table changes, its prepared statement is repeated with the same values", async () => {
  await pool.rows(sql`create table notes (body jsonb, done boolean, tags text[])`, { plan: "custom" });
  const insert = () => pool.rows(sql`insert into notes values (${{ a: "x" }}, ${true}, ${["t"]}) returning *`);
  for (const _ of ["learnt", "prepared"]) assert.deepEqual(await insert(), [[{ a: "x" }, true, ["t"]]]);
  await pool.rows(sql`alter table notes add column added int`, { plan: "custom" });
  assert.deepEqual(await insert(), [[{ a: "x" }, true, ["t"], null]]);
  const custom = () => pool.rows(sql`select * from notes where body = ${{ a: "x" }} and done = ${true}`, { plan: "custom" });
  assert.equal((await custom()).length, 3);
  await pool.rows(sql`alter table notes alter body type text using body::text`, { plan: "custom" });
  await pool.rows(sql`alter table notes alter body type jsonb using body::jsonb`, { plan: "custom" });
  assert.equal((await custom()).length, 3);
});
