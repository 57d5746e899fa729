import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import postgres from "postgres";
import { migrate } from "../../src/db/migrate.ts";
import { silentLog } from "../../src/kit/log.ts";
import { createPool } from "../../src/postgres/pool.ts";
import { sql as statement } from "../../src/postgres/sql.ts";
import { connectionTo } from "../helpers/postgres.ts";
import { type Client, type Service, startService } from "../helpers/service.ts";

/** The service as an operator's PostgreSQL has it: its role owns the database, may make roles, and is no superuser. */
const OWNER = `owner_${process.pid}`;
const HOST = process.env["CARDFILE_TEST_PG"]!;

let admin: postgres.Sql;
let service: Service;
let ann: Client;
let bob: Client;
before(async () => {
  admin = postgres({ ...connectionTo(HOST, "postgres"), max: 1, fetch_types: false, onnotice() {} });
  await admin.unsafe(`create role ${OWNER} login createrole`);
  await admin.unsafe(`create database ${OWNER} owner ${OWNER}`);
  const connection = { ...connectionTo(HOST, OWNER), user: OWNER };
  const limits = { size: 1, queueLimit: 10, waitMs: 10_000, deadlineMs: 60_000, prepare: true };
  const pool = createPool({ connection, ...limits, log: silentLog });
  await migrate(pool, Date.now).finally(pool.close);
  const database = {
    name: OWNER,
    connection,
    drop: async () => void (await admin.unsafe(`drop database ${OWNER} with (force)`)),
  };
  service = await startService({ database, config: { CRM_SQL_URL: "postgres://db.example.com" } });
  [ann, bob] = [await service.signIn(), await service.signIn("bob@example.com")];
  await ann.send("POST", "/contacts", { name: "Jane" });
  await bob.send("POST", "/contacts", { name: "Secret Sam" });
});
after(async () => {
  const guests = (await service.pool.rows(statement`select name from sql_roles`)) as [string][];
  await service.close();
  await admin.unsafe([...guests.map(([name]) => name), OWNER].map((name) => `drop role if exists ${name}`).join(";"));
  await admin.end();
});

const ask = async (caller: Client, sql: string) => (await caller.send("POST", "/sql", { sql })).text;

test("a role that owns the database and is no superuser keeps the wall as well", async () => {
  assert.equal(await ask(bob, "select name from contacts"), 'row name="Secret Sam"\n# 1 row\n');
  assert.equal(await ask(ann, "select name from contacts"), "row name=Jane\n# 1 row\n");
  const [[other]] = (await service.pool.rows(
    statement`select r.name from sql_roles r join memberships m on m.workspace_id = r.workspace_id join users u on u.id = m.user_id where u.email = 'bob@example.com'`,
  )) as [[string]];
  for (const refused of [
    "select * from public.contacts",
    "select * from tokens",
    `select * from ${other}.contacts`,
    `select set_config('role', '${OWNER}', false)`,
    `select set_config('session_authorization', '${OWNER}', false)`,
    `select set_config('role', '${other}', false)`,
    "select pg_terminate_backend(pid) from pg_stat_activity where usename <> current_user",
    `select query_to_xml('select * from public.contacts', true, false, '')`,
  ])
    assert.match(await ask(ann, refused), /^ERROR sql_error (permission denied|must be a superuser)/, refused);
  const leave = "select set_config('transaction_read_only', 'off', false)";
  assert.match(await ask(ann, leave), /^ERROR sql_error .*transaction read-write mode/);
});

test("an address ends with its sessions there too", async () => {
  const { url } = (await ann.send("POST", "/connection?format=json", {})).json();
  const { username } = new URL(url);
  const guest = postgres({ ...connectionTo(HOST, OWNER), user: username, max: 1, fetch_types: false, onnotice() {} });
  assert.deepEqual([...(await guest`select name from contacts`)], [{ name: "Jane" }]);
  assert.equal((await ann.send("DELETE", "/connection")).status, 200);
  const open = async () => (await admin`select count(*)::int as n from pg_stat_activity where usename = ${username}`)[0]!.n;
  for (let i = 0; i < 100 && (await open()) > 0; i++) await new Promise((done) => setTimeout(done, 50));
  assert.equal(await open(), 0);
  await guest.end({ timeout: 0 });
});

test("where the role may not make roles, that is said once, and all else works", async () => {
  const cleo = await service.signIn("cleo@example.com");
  await admin.unsafe(`alter role ${OWNER} nocreaterole`);
  const refused = await cleo.send("POST", "/sql", { sql: "select 1" });
  assert.equal(refused.status, 501);
  assert.match(
    refused.text,
    /^ERROR not_available there is no SQL here: .* may not make roles\nHINT {2}tell who runs this server/,
  );
  assert.equal((await cleo.send("POST", "/contacts", { name: "Cy" })).status, 201);
  assert.equal((await cleo.send("GET", "/schema")).status, 200);
  await admin.unsafe(`alter role ${OWNER} createrole`);
  assert.equal(await ask(cleo, "select name from contacts"), "row name=Cy\n# 1 row\n");
});
