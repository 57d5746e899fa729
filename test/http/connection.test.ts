import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import postgres from "postgres";
import { sql } from "../../src/postgres/sql.ts";
import { catalog } from "../../src/records/all.ts";
import { company } from "../../src/records/company.ts";
import { compile } from "../../src/records/compile.ts";
import { contact } from "../../src/records/contact.ts";
import { type Client, type Service, startService } from "../helpers/service.ts";

const DAY = 86_400_000;

let service: Service;
let ann: Client;
let bob: Client;
let ahead = 0;
before(async () => {
  service = await startService({
    config: { CRM_SQL_URL: "postgres://db.example.com:6432/?sslmode=require" },
    now: () => Date.now() + ahead,
  });
  [ann, bob] = [await service.signIn(), await service.signIn("bob@example.com")];
  await ann.send("POST", "/contacts", { name: "Jane" });
  await bob.send("POST", "/contacts", { name: "Secret Sam" });
});
after(() => service.close());

const one = async (statement: Parameters<Service["pool"]["rows"]>[0]) => (await service.pool.rows(statement))[0]?.[0];
const roleCount = () => one(sql`select count(*)::int from pg_roles where rolname in (select name from sql_roles)`);
const query = async (caller: Client, text: string) => (await caller.send("POST", "/sql", { sql: text })).text;

/** Logs in on the socket of the tests' server, which asks for no password. */
async function login(user: string): Promise<postgres.Sql> {
  const database = (await one(sql`select current_database()::text`)) as string;
  const host = process.env["CARDFILE_TEST_PG"]!;
  return postgres({ host, port: 5432, user, database, max: 1, fetch_types: false, onnotice() {}, connect_timeout: 5 });
}

async function connect(caller: Client): Promise<URL> {
  const reply = await caller.send("POST", "/connection?format=json", {});
  assert.equal(reply.status, 201, reply.text);
  return new URL(reply.json().url);
}

const code = (work: PromiseLike<unknown>): Promise<string> =>
  Promise.resolve(work).then(
    () => "nothing",
    (error) => String(error.code),
  );

/** What happens beside an answer has happened soon. */
async function soon(what: () => Promise<boolean>): Promise<void> {
  for (let i = 0; i < 100 && !(await what()); i++) await new Promise((done) => setTimeout(done, 50));
  assert.ok(await what());
}

describe("a database address", () => {
  test("reads the tables of its workspace and does nothing else", async () => {
    const url = await connect(ann);
    assert.match(url.href, /^postgres:\/\/q_[0-9a-z]{20}:\w{43}@db\.example\.com:6432\/\w+\?sslmode=require$/);
    const guest = await login(url.username);
    try {
      assert.deepEqual([...(await guest`select name from contacts`)], [{ name: "Jane" }]);
      const other = (await one(
        sql`select name from sql_roles where name <> ${url.username} and token_id is null limit 1`,
      )) as string;
      assert.equal((await query(bob, "select name from contacts")).split("\n")[0], 'row name="Secret Sam"');
      const others = (await service.pool.rows(
        sql`select name from sql_roles where workspace_id <> (select workspace_id from sql_roles where name = ${url.username})`,
      )) as [string][];
      await guest`set default_transaction_read_only = off`;
      for (const text of [
        "insert into contacts (name) values ('x')",
        "update contacts set name = 'x'",
        "delete from contacts",
        "truncate contacts",
        "drop view contacts",
        "select * from public.contacts",
        ...others.map(([name]) => `select * from ${name}.contacts`),
        "select * from public.sql_roles",
        "update public.sql_roles set workspace_id = 'x'",
        "set role crm",
        "set session authorization crm",
        ...others.map(([name]) => `set role ${name}`),
        "create temp table t (a int)",
        "create table public.t (a int)",
        "create schema s",
        "create function public.f() returns int language sql as 'select 1'",
        "create extension dblink",
        "create role r",
        "alter role crm nologin",
        ...others.map(([name]) => `alter role ${name} password 'x'`),
        "alter role current_user superuser",
        "copy contacts to program 'id'",
        "copy contacts to '/tmp/cardfile-copy'",
        "copy contacts from program 'id'",
        "select pg_read_file('/etc/passwd')",
        "select lo_create(0)",
        "select lo_import('/etc/passwd')",
        "select pg_advisory_lock(1)",
        "select set_config('work_mem', '1GB', false)",
        "do $$ begin perform * from public.contacts; end $$",
        "do $$ begin execute 'set role crm'; end $$",
        "do $$ begin set local role crm; perform * from public.contacts; end $$",
        "do $$ begin lock table public.contacts; end $$",
        "do $$ begin lock table contacts in access exclusive mode; end $$",
        "alter system set work_mem = '1GB'",
        "set temp_file_limit = -1",
        "load 'x'",
      ])
        assert.match(await code(guest.unsafe(text)), /^(42501|0A000|42602|42704|42809|25006|58P01|55000)$/, text);
      assert.ok(other === undefined || other.startsWith("q_"));
      await guest`grant select on contacts to public`; // a warning: it grants nothing
      const open = sql`select count(*)::int from pg_class c, aclexplode(c.relacl) a where c.relkind = 'v' and c.relname = 'contacts' and a.grantee = 0`;
      assert.equal(await one(open), 0);
      // The workspace is that of the login, whatever a session says it is.
      await guest`set search_path = ${guest(others[0]![0])}, public`.catch(() => {});
      assert.match(await code(guest`select name from contacts`), /^42501$/);
      const terminated =
        await guest`select pg_terminate_backend(pid) from pg_stat_activity where usename = 'crm' and pid <> pg_backend_pid() limit 1`.catch(
          (error) => error.code,
        );
      assert.equal(terminated, "42501");
    } finally {
      await guest.end({ timeout: 1 });
    }
  });

  test("ends with its token, and its sessions with it", async () => {
    const minted = (await ann.send("POST", "/tokens?format=json", { name: "report", scopes: ["read"] })).json();
    const headers = { authorization: `Bearer ${minted.token}` };
    const made = await service.send("POST", "/connection?format=json", {}, headers);
    const user = new URL(made.json().url).username;
    const again = await service.send("POST", "/connection?format=json", {}, headers);
    assert.equal(new URL(again.json().url).username, user, "one login a token");
    assert.notEqual(again.json().url, made.json().url, "with a new password");
    const guest = await login(user);
    assert.equal((await guest`select count(*)::int as n from contacts`)[0]!.n, 1);
    await ann.send("DELETE", `/tokens/${minted.id}`);
    await soon(async () => (await one(sql`select count(*)::int from pg_roles where rolname = ${user}`)) === 0);
    await soon(async () => (await one(sql`select count(*)::int from pg_stat_activity where usename = ${user}`)) === 0);
    assert.notEqual(await code(guest`select 1`), "nothing");
    await guest.end({ timeout: 0 });
    const late = await login(user);
    assert.equal(await code(late`select 1`), "28000");
    await late.end({ timeout: 0 });
  });

  test("is not made for a token that was revoked meanwhile", async () => {
    const minted = (await ann.send("POST", "/tokens?format=json", { name: "cached", scopes: ["read"] })).json();
    const headers = { authorization: `Bearer ${minted.token}` };
    assert.equal((await service.send("GET", "/whoami", undefined, headers)).status, 200);
    const roles = await roleCount();
    // As another process does it: this one still knows the session.
    await service.pool.rows(sql`update tokens set revoked_at = now() where name = 'cached'`);
    assert.equal((await service.send("POST", "/connection", {}, headers)).status, 401);
    assert.equal(await roleCount(), roles);
  });

  test("ends when its caller says so", async () => {
    const { username } = await connect(ann);
    assert.equal((await ann.send("DELETE", "/connection")).text, "OK the address of this token has ended\n");
    assert.equal(await one(sql`select count(*)::int from pg_roles where rolname = ${username}`), 0);
    assert.equal((await ann.send("DELETE", "/connection")).status, 200);
  });

  test("is refused to those who may not read everything, and where the operator offers none", async () => {
    const { token } = (await ann.send("POST", "/tokens?format=json", { name: "few", scopes: ["contacts.read"] })).json();
    assert.equal((await service.send("POST", "/connection", {}, { authorization: `Bearer ${token}` })).status, 403);
    const alone = await startService();
    try {
      const reply = await (await alone.signIn()).send("POST", "/connection", {});
      assert.equal(reply.status, 501);
      assert.match(reply.text, /^ERROR not_available nobody reaches the database .*\nHINT {2}POST \/sql asks it for you/);
    } finally {
      await alone.close();
    }
  });
});

describe("the roles of a workspace", () => {
  test("come back when somebody has dropped them", async () => {
    assert.match(await query(ann, "select 1 as n"), /^row n=1/);
    const role = (await query(ann, "select current_user::text as n")).slice("row n=".length).split("\n")[0]!;
    await service.pool.simple(`drop schema ${role} cascade; drop owned by ${role}; drop role ${role}`);
    assert.match(await query(ann, "select count(*) as n from contacts"), /^row n=1/);
  });

  test("read other views once the kinds are others, also while a query runs on the old ones", async () => {
    const workspaceId = (await one(
      sql`select workspace_id from memberships m join users u on u.id = m.user_id where u.email = 'ann@example.com'`,
    )) as string;
    const few = compile([contact, company]);
    const ask = async (kinds: typeof few, text: string) => {
      const question = { text, params: [], timezone: "UTC", rows: 10, signal: new AbortController().signal };
      const { batches } = await service.guests.ask(workspaceId, kinds, question);
      const rows = [];
      for await (const some of batches()) rows.push(...some);
      return rows;
    };
    const { username } = await connect(ann);
    const guest = await login(username);
    await guest.begin(async (tx) => {
      await tx`select count(*) from deals`;
      assert.deepEqual(await ask(few, "select name from contacts"), [["Jane"]]);
      await assert.rejects(ask(few, "select * from deals"), /relation "deals" does not exist|permission denied/);
      assert.equal(await one(sql`select count(*)::int from pg_namespace where nspname ~ '_old'`), 1, "it waits for the query");
    });
    assert.equal(await code(guest`select * from contacts`), "nothing", "a session goes on");
    assert.notEqual(await code(guest`select * from deals`), "nothing");
    await guest.end({ timeout: 1 });
    assert.deepEqual(await ask(catalog, "select count(*) from deals"), [["0"]]);
    await service.guests.sweep();
    assert.equal(await one(sql`select count(*)::int from pg_namespace where nspname ~ '_old'`), 0);
    await ann.send("DELETE", "/connection");
  });

  test("end after seven days without a use, and come back", async () => {
    await query(ann, "select 1");
    const before = await roleCount();
    ahead = 6 * DAY;
    await service.guests.sweep();
    assert.equal(await roleCount(), before);
    await query(bob, "select 1");
    ahead = 8 * DAY;
    await service.guests.sweep();
    assert.equal(await roleCount(), 1, "bob has used his meanwhile");
    assert.equal(await one(sql`select count(*)::int from pg_namespace where nspname like 'q\\_%'`), 1);
    assert.match(await query(ann, "select count(*) as n from contacts"), /^row n=1/);
  });

  test("end with the workspace", async () => {
    const made = (await bob.send("POST", "/workspaces?format=json", { name: "Short" })).json();
    const path = `/workspaces/${made.id}/tokens?format=json`;
    const wanted = (await bob.send("POST", path, { name: "there" })).json();
    const minted = (await bob.send("POST", `${path}&code=${wanted.code}`, { name: "there" })).json();
    const there = { authorization: `Bearer ${minted.token}` };
    assert.equal((await service.send("POST", "/sql", { sql: "select 1" }, there)).status, 200);
    assert.equal((await service.send("POST", "/connection", {}, there)).status, 201);
    const before = (await roleCount()) as number;
    const asked = await bob.send("DELETE", `/workspaces/${made.id}?format=json`);
    const { confirm, code: step } = asked.json();
    const gone = await bob.send("DELETE", `/workspaces/${made.id}?${confirm ? `confirm=${confirm}` : `code=${step}`}`);
    assert.equal(gone.status, 200, gone.text);
    await service.guests.sweep();
    assert.equal(await roleCount(), before - 2);
  });
});
