import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import postgres from "postgres";
import { scramVerifier } from "../../../src/kit/scram.ts";
import { type TestDatabase, testDatabase } from "../../helpers/postgres.ts";

let database: TestDatabase;
let sql: postgres.Sql;
before(async () => {
  database = await testDatabase();
  sql = postgres({ ...database.connection, max: 1, onnotice() {} });
});
after(async () => {
  await sql.end();
  await database.drop();
});

test("a password is stored as PostgreSQL itself would store it", async () => {
  const role = `scram_${process.pid}`;
  try {
    await sql.unsafe(`create role ${role} password 'Passw0rd-of_the.tests'`);
    const [row] = await sql`select rolpassword from pg_authid where rolname = ${role}`;
    const [, salt] = /^SCRAM-SHA-256\$4096:([^$]+)\$/.exec(row!.rolpassword) ?? [];
    assert.equal(scramVerifier("Passw0rd-of_the.tests", Buffer.from(salt!, "base64")), row!.rolpassword);
  } finally {
    await sql.unsafe(`drop role if exists ${role}`);
  }
});
