import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { catalog } from "../../src/records/all.ts";
import { type Client, type Reply, type Service, startService } from "../helpers/service.ts";

let service: Service;
let ann: Client;
let bob: Client;
before(async () => {
  service = await startService({ config: { CRM_SQL_SECONDS: "2" } });
  [ann, bob] = [await service.signIn(), await service.signIn("bob@example.com")];
  await ann.send("POST", "/companies", { name: "Acme", domain: "acme.com" });
  await ann.send("POST", "/contacts", {
    name: "Jane",
    email: "jane@acme.com",
    company: "Acme",
    tags: ["vip", "eu"],
    stage: "lead",
    custom: { seats: 5 },
  });
  await ann.send("POST", "/contacts", { name: "Bo", email: "bo@acme.com", company: "Acme", stage: "lead" });
  await ann.send("POST", "/deals", { title: "Seats", amount_cents: 125_000, currency: "EUR", company: "Acme" });
  await bob.send("POST", "/contacts", { name: "Secret Sam", email: "sam@secret.example" });
  await ask(bob, "select 1");
});
after(() => service.close());

const ask = (caller: Client, sql: string, params?: unknown[], query = ""): Promise<Reply> =>
  caller.send("POST", `/sql${query}`, { sql, ...(params && { params }) });

const rowsOf = async (sql: string, params?: unknown[]) => (await ask(ann, sql, params, "?format=json")).json().rows;

describe("a query", () => {
  test("may be called query, and not both", async () => {
    const named = await ann.send("POST", "/sql?format=json", { query: "select $1::int as one", parameters: [1] });
    assert.deepEqual(named.json().rows, [[1]]);
    const bare = await ask(ann, "select from, to from emails");
    assert.match(bare.text, /HINT {2}a column that is called like a word of SQL stands in double quotes: "from"/);
    const both = await ann.send("POST", "/sql", { query: "select 1", sql: "select 2" });
    assert.match(both.text, /ERROR invalid_field there is no field "query" here/);
  });

  test("may be the body itself", async () => {
    const plain = "select name from contacts where name = 'Bo'";
    for (const type of ["text/plain", "application/sql; charset=utf-8", "application/x-www-form-urlencoded"])
      assert.match((await ann.send("POST", "/sql", plain, { "content-type": type })).text, /^row name=Bo\n# 1 row/, type);
    assert.match((await ann.send("POST", "/sql", "sql=select 1%2B1 as n")).text, /^row n=2\n/);
  });

  test("is answered with a line a row", async () => {
    const joined = await ask(
      ann,
      "select c.name, c.company, c.tags, d.amount_cents, d.closed_at from contacts c join deals d on d.company_id = c.company_id order by c.name desc",
    );
    assert.equal(
      joined.text,
      "row name=Jane company=Acme tags=vip,eu amount_cents=125000\nrow name=Bo company=Acme amount_cents=125000\n# 2 rows\n",
    );
    assert.equal(
      (await ask(ann, "select stage, count(*) from contacts group by 1;")).text,
      "row stage=lead count=2\n# 1 row\n",
    );
    assert.equal((await ask(ann, "select name from tasks")).status, 400);
    assert.equal((await ask(ann, "select title from tasks")).text, "# 0 rows\n");
  });

  test("is answered in JSON, CSV and NDJSON with the types of its columns", async () => {
    const sql = `select 1 as one, 2.50 as two, true as yes, null as none, 'a,b' as text, array['x','y,z'] as list, '{"a": [1]}'::jsonb as object,
      timestamptz '2026-06-01 10:00+02' as at, date '2026-06-01' as day, 12345678901234567890 as big, 'NaN'::float8 as nan, 1 as one`;
    const json = (await ask(ann, sql, undefined, "?format=json")).text;
    assert.match(json, /"big"[^}]*\}|12345678901234567890/);
    const { columns, rows, row_count, truncated } = JSON.parse(json);
    assert.deepEqual(columns.slice(0, 4), [
      { name: "one", type: "integer" },
      { name: "two", type: "numeric" },
      { name: "yes", type: "boolean" },
      { name: "none", type: "text" },
    ]);
    assert.deepEqual(rows[0].slice(0, 9), [
      1,
      2.5,
      true,
      null,
      "a,b",
      ["x", "y,z"],
      { a: [1] },
      "2026-06-01T08:00:00Z",
      "2026-06-01",
    ]);
    assert.deepEqual([rows[0][10], row_count, truncated], ["NaN", 1, false]);
    assert.match(json, /12345678901234567890/, "a number keeps its digits");
    const csv = (await ask(ann, sql, undefined, "?format=csv")).text.split("\r\n");
    assert.equal(csv[0], "one,two,yes,none,text,list,object,at,day,big,nan,one");
    assert.match(csv[1]!, /^1,2\.50,true,,"a,b"/);
    const ndjson = JSON.parse((await ask(ann, sql, undefined, "?format=ndjson")).text);
    assert.deepEqual([ndjson.one, ndjson.one_2], [1, 1], "an object holds each name once");
  });

  test("takes values apart from its text", async () => {
    assert.deepEqual(await rowsOf("select name from contacts where email = $1 and tags @> $2", ["jane@acme.com", ["vip"]]), [
      ["Jane"],
    ]);
    assert.deepEqual(await rowsOf("select $1::int + 1, $2::bool, $3::jsonb, $4::text", [5, true, { a: 1 }, null]), [
      [6, true, { a: 1 }, null],
    ]);
    assert.deepEqual(await rowsOf("select count(*) from contacts where name = $1", ["x' or true --"]), [[0]]);
    for (const params of [["a\0b"], ["\ud800"], [{ "a\0": 1 }], "x", 5]) {
      const reply = await ann.send("POST", "/sql", { sql: "select $1::text", params });
      assert.deepEqual([reply.status, reply.text.split(" ")[1]], [400, "invalid_value"], JSON.stringify(params));
    }
    const few = (await ask(ann, "select $1::text, $2::text", ["a"], "?format=json")).json();
    assert.deepEqual([few.error, few.sqlstate], ["sql_error", "08P01"]);
    const none = (await ask(ann, "select $1::text", undefined, "?format=json")).json();
    assert.equal(none.error, "sql_error");
  });

  test("sees every field of every kind, and deleted records not", async () => {
    for (const kind of catalog.kinds) {
      const fields = kind.fields.filter(({ name }) => name !== "deleted_at").map(({ name }) => `"${name}"`);
      assert.equal((await ask(ann, `select ${fields.join(", ")} from ${kind.plural}`)).status, 200, kind.plural);
    }
    const made = (await ann.send("POST", "/tasks?format=json", { title: "Gone soon" })).json();
    const [[handle]] = await rowsOf("select handle from tasks where id = $1", [made.id]);
    assert.equal(handle, made.handle);
    const asked = await ann.send("DELETE", `/tasks/${made.id}?format=json`);
    await ann.send("DELETE", `/tasks/${made.id}?confirm=${asked.json().confirm}`);
    assert.deepEqual(await rowsOf("select count(*) from tasks"), [[0]]);
  });

  test("reads and cuts times in the zone of the workspace", async () => {
    const { id } = (await ann.send("GET", "/whoami?format=json")).json().workspace ?? {};
    assert.equal(id === undefined || typeof id === "string", true);
    const workspaces = (await ann.send("GET", "/workspaces?format=json")).json().items;
    await ann.send("PATCH", `/workspaces/${workspaces[0].id}`, { timezone: "Asia/Tokyo" });
    const reply = await ask(ann, "select date_trunc('day', timestamptz '2026-06-01T20:00:00Z') as day");
    await ann.send("PATCH", `/workspaces/${workspaces[0].id}`, { timezone: "UTC" });
    assert.equal(reply.text, "row day=2026-06-02T00:00:00+09:00\n# 1 row\n");
  });

  test("can be one of a batch, where it has the room of a page", async () => {
    const body = ["select 1 as n", "select repeat('x', 1000) from generate_series(1, 5000)"].map((sql) => ({
      method: "POST",
      path: "/sql",
      body: { sql },
    }));
    const reply = await ann.send("POST", "/batch", JSON.stringify(body));
    assert.match(reply.text, /row n=1/);
    assert.match(reply.text, /ERROR not_acceptable inside another answer there is room for 4 MB/);
    assert.equal((await ask(ann, "select 1 as n")).text, "row n=1\n# 1 row\n");
  });

  test("stops at its limit of rows, and says so", async () => {
    const cut = await ask(ann, "select generate_series(1, 100) as n", undefined, "?limit=3");
    assert.match(cut.text, /^row n=1\nrow n=2\nrow n=3\n# 3 rows\n# there are more rows: limit=30 /);
    assert.equal((await ask(ann, "select generate_series(1, 3) as n", undefined, "?limit=3")).text.split("\n").length, 5);
    const json = (await ask(ann, "select generate_series(1, 20000)", undefined, "?format=json")).json();
    assert.deepEqual([json.row_count, json.rows.length, json.truncated], [10_000, 10_000, true]);
  });
});

test("GET /schema tells the tables, columns and types that there are, and its examples work", async () => {
  const schema = (await ann.send("GET", "/schema?format=json")).json();
  const told = schema.kinds.flatMap(({ plural, fields }: { plural: string; fields: { name: string; sql: string | null }[] }) =>
    fields.flatMap(({ name, sql }) => (sql === null ? [] : [`${plural}.${name} ${sql}`])),
  );
  for (const [table, columns] of Object.entries(schema.sql.tables as Record<string, Record<string, string>>))
    told.push(...Object.entries(columns).map(([name, type]) => `${table}.${name} ${type}`));
  const there =
    await rowsOf(`select c.relname || '.' || a.attname || ' ' || replace(format_type(a.atttypid, a.atttypmod), 'timestamp with time zone', 'timestamptz')
    from pg_class c join pg_attribute a on a.attrelid = c.oid and a.attnum > 0 where c.relkind = 'v' and c.relnamespace = current_schema()::regnamespace`);
  assert.deepEqual(told.sort(), there.flat().sort());
  assert.equal(schema.kinds.length, catalog.kinds.length);
  for (const sql of schema.sql.examples) assert.equal((await ask(ann, sql)).status, 200, sql);
  assert.ok(schema.sql.examples.length >= 3);
  const body = JSON.parse(schema.sql.request.replace("POST /sql ", ""));
  assert.equal((await ask(ann, body.sql, body.params)).status, 200);
  const { lines } = await ann.send("GET", "/schema?kind=deals");
  assert.ok(
    lines.some((line) => line.startsWith("field/deal.stage type=text sql=text sort=true")),
    lines.join("\n"),
  );
  assert.ok(!lines.some((line) => line.startsWith("kind/contact")));
  const wrong = await ann.send("GET", "/schema?kind=dael");
  assert.match(wrong.text, /^ERROR invalid_value there is no kind "dael"\nHINT {2}did you mean deal\?/);
  const reply = await ann.send("GET", "/schema?kind=contact", undefined, { accept: "application/schema+json" });
  assert.equal(reply.headers.get("content-type"), "application/schema+json");
  assert.deepEqual(Object.keys(reply.json().$defs), ["contact"]);
});

describe("an error", () => {
  const told = async (sql: string) => (await ask(ann, sql, undefined, "?format=json")).json();

  test("tells its place and what comes near", async () => {
    const column = await told("select nmae from contacts");
    assert.deepEqual([column.error, column.sqlstate, column.position], ["sql_error", "42703", 8]);
    assert.match(column.hint, /^did you mean name\? GET \/schema\?kind=contact has all columns/);
    assert.match((await told("select d.titel from deals d")).hint, /did you mean title\?/);
    assert.match((await told("select xyzzyx from deals")).hint, /^columns of deals: id, handle, title/);
    assert.match((await told("select * from contact")).hint, /^did you mean contacts\? tables: contacts, companies/);
    assert.match((await told("select * from dealz")).hint, /^did you mean deals\?/);
    const syntax = await ask(ann, "select name frm contacts x y");
    assert.match(syntax.text, /^ERROR sql_error syntax error at or near "contacts" at character 17/);
    assert.equal((await told("select 1/0")).sqlstate, "22012");
    assert.match((await told("select * from contacts where created_at > '-7d'")).hint, /interval '7 days'/);
    assert.match((await told("select 'ä', nmae from contacts")).message, /at character 13/);
  });

  test("of a write names the request that does it", async () => {
    for (const [sql, hint] of [
      ["insert into deals (title) values ('x')", /^POST \/deals \{/],
      ["update contacts set name = 'x'", /^PATCH \/contacts\/c_t4v6w8y0 \{/],
      ["delete from tasks where done", /^DELETE \/tasks\//],
      ["with gone as (delete from tasks returning *) select * from gone", /^DELETE \/tasks\//],
      ["/* select */ insert into deals default values", /^POST \/deals/],
      ["drop table contacts", /begin with select/],
      ["explain select 1", /begin with select/],
    ] as const) {
      const { error, sqlstate, hint: found } = await told(sql);
      assert.deepEqual([error, sqlstate], ["sql_error", "25006"], sql);
      assert.match(found, hint);
    }
    assert.equal((await rowsOf("select count(*) from contacts"))[0][0], 2);
  });

  test("a token needs to read everything, and no more than that", async () => {
    const mint = async (...scopes: string[]) => {
      const { token } = (await ann.send("POST", "/tokens?format=json", { name: "narrow", scopes })).json();
      const headers = { authorization: `Bearer ${token}` };
      return (await service.send("POST", "/sql", { sql: "select 1" }, headers)).status;
    };
    assert.equal(await mint("read"), 200);
    assert.equal(await mint("contacts.read"), 403);
    assert.equal(await mint("write"), 403);
    assert.equal((await service.send("POST", "/sql", { sql: "select 1" })).status, 401);
  });
});

describe("nobody gets further", () => {
  const OTHERS = ["secret", "Secret", "sam@"];

  /** Each is refused, or shows nothing of others. */
  async function holds(sql: string): Promise<Reply> {
    const reply = await ask(ann, sql);
    const said = reply.status === 200 ? reply.text : "";
    for (const word of OTHERS) assert.ok(!said.includes(word), `${sql}: ${said.slice(0, 300)}`);
    assert.ok(reply.status < 500, `${sql}: ${reply.text}`);
    return reply;
  }

  test("to other workspaces, tables of the service, files and programs", async () => {
    const guests = (await service.pool.rows({ text: "select name from sql_roles", values: [] } as never)).map(
      ([name]) => name as string,
    );
    assert.ok(guests.length >= 2);
    const [[mine]] = await rowsOf("select current_user::text");
    const other = guests.find((name) => name !== mine)!;
    for (const sql of [
      "select * from contacts",
      "select * from public.contacts",
      `select * from ${other}.contacts`,
      "select * from public.tokens",
      "select * from public.sql_roles",
      "select * from users",
      "select * from pg_authid",
      "select * from pg_shadow",
      "select * from pg_stats where tablename = 'contacts'",
      "select * from pg_statistic",
      "select query from pg_stat_activity",
      "select definition from pg_views where schemaname like 'q\\_%'",
      `select query_to_xml('select * from ${other}.contacts', true, false, '')`,
      "select query_to_xml('select * from public.contacts', true, false, '')",
      "select query_to_xml('set role crm; select * from public.contacts', true, false, '')",
      "select table_to_xml('public.contacts', true, false, '')",
      "select database_to_xml(true, false, '')",
      "select schema_to_xml('public', true, false, '')",
      "select cursor_to_xml('rows', 10, true, false, '')",
      "select set_config('role', 'crm', false), (select count(*) from public.contacts)",
      `select set_config('role', '${other}', false)`,
      "select set_config('session_authorization', 'crm', false)",
      `select set_config('search_path', '${other}', false), name from contacts`,
      "select set_config('transaction_read_only', 'off', false)",
      "select pg_read_file('/etc/passwd')",
      "select pg_ls_dir('.')",
      "select pg_stat_file('/etc/passwd')",
      "select lo_import('/etc/passwd')",
      "select lo_create(0)",
      "select lo_from_bytea(0, 'x')",
      "select pg_reload_conf()",
      "select pg_terminate_backend(pid) from pg_stat_activity where usename = 'crm'",
      "select pg_cancel_backend(pid) from pg_stat_activity where usename = 'crm'",
      "select public.contacts_write()",
      "select crm_linked('', '{}', '{}')",
      "select pg_notify('x', 'y')",
      "select pg_advisory_lock(1)",
      "select pg_advisory_xact_lock(hashtextextended('cardfile guests', 0))",
      "select * into mine from contacts",
      "select * from contacts for update",
      "select * from dblink('host=/tmp', 'select 1') as t(n int)",
      "select current_setting('data_directory')",
      `select has_table_privilege('${other}.contacts', 'select')`,
    ])
      await holds(sql);
    for (const sql of [
      "pg_read_file('/etc/passwd')",
      "lo_create(0)",
      "set_config('role', 'crm', false)",
      "pg_advisory_lock(1)",
      "crm_linked('', '{}', '{}')",
    ])
      assert.match((await ask(ann, `select ${sql}`)).text, /^ERROR sql_error permission denied/, sql);
    for (const table of ["public.contacts", `${other}.contacts`, "users", "pg_authid"])
      assert.match((await ask(ann, `select * from ${table}`)).text, /^ERROR sql_error permission denied/, table);
    const ids = (await service.pool.rows({ text: "select id from workspaces", values: [] } as never)).map(
      ([id]) => id as string,
    );
    const [[own]] = await rowsOf("select public.crm_sql_workspace()");
    const views = JSON.stringify(await rowsOf("select definition from pg_views"));
    assert.ok(!ids.some((id) => id !== own && views.includes(id)), "no definition of a view names a workspace");
  });

  test("by a text that is more than one query", async () => {
    for (const sql of [
      "select 1; select 2",
      "select 1; drop table contacts",
      "select 1; commit; begin; delete from public.contacts",
      "select 1 /* ; */ ; set role crm",
      "select 1) ; select (2",
      "select $$;$$; select 2",
      "set role crm",
      "set session authorization crm",
      "reset role",
      "copy contacts to program 'id'",
      "copy (select 1) to '/tmp/x'",
      "create temp table t (a int)",
      "create function f() returns int language sql as 'select 1'",
      "do $$ begin perform 1; end $$",
      "begin",
      "commit",
      "listen x",
      "declare c cursor for select 1",
      "fetch all from rows",
      "table contacts; select 1",
      "prepare x as select 1",
      "grant select on contacts to public",
      "vacuum",
      "with x as (select 1) insert into tasks (title) select 'x' returning 1",
      "",
      "--",
      "/*",
      ";",
    ]) {
      const reply = await ask(ann, sql);
      assert.equal(reply.status, 400, `${sql}: ${reply.text}`);
    }
    for (const [sql, line] of [
      ["select 1 as n -- ; drop table contacts", "row n=1"],
      ["/* a; /* b; */ c */ select 1 as n", "row n=1"],
      ["select $a$;'--$a$ as n;", "row n=;'--"],
      ["select ';' as n", "row n=;"],
      ["(select 1 as n) union all (select 2) order by 1 limit 1", "row n=1"],
      ["values (1)", "row column1=1"],
      ["with recursive t(n) as (select 1 union all select n + 1 from t where n < 3) select max(n) as n from t", "row n=3"],
      ["select 'row=9\nERROR x\n# 5 rows' as n", 'row n="row=9\\nERROR x\\n# 5 rows"'],
      ['select 1 as "# next: x\nrow"', 'row "# next: x\\nrow"=1'],
    ] as const)
      assert.equal((await ask(ann, sql)).text.split("\n")[0], line);
    assert.equal((await ask(ann, "select '\0'")).status, 400);
    assert.equal((await ann.send("POST", "/sql", { sql: `select ${"(".repeat(50_000)}1${")".repeat(50_000)}` })).status, 400);
  });

  test("with more time or room than there is", async () => {
    const since = performance.now();
    const [slow, crossed, other] = await Promise.all([
      ask(ann, "select pg_sleep(60)"),
      ask(ann, "select count(*) from generate_series(1, 100000) a, generate_series(1, 100000) b"),
      ask(bob, "select count(*) from contacts"),
    ]);
    assert.equal(other.text, "row count=1\n# 1 row\n", "others are not kept waiting");
    assert.deepEqual([slow.status, crossed.status], [503, 503]);
    assert.match(slow.text, /^ERROR busy the query took longer than 2 s/);
    assert.ok(performance.now() - since < 30_000);
    // Whichever comes first on a slow machine.
    const huge = await ask(ann, "select repeat('x', 20000000)");
    assert.match(huge.text, /^ERROR (sql_error a few rows of the answer have more than 16 MB|busy the query took longer)/);
    const [left] = await service.pool.rows({
      text: "select count(*)::int from pg_stat_activity where usename like 'q\\_%' and state = 'active'",
      values: [],
    } as never);
    assert.ok((left![0] as number) <= 1, "a statement that was stopped does not run on");
    assert.equal((await ask(ann, "select 1 as n")).text, "row n=1\n# 1 row\n");
  });

  test("by many at once", async () => {
    const replies = await Promise.all(Array.from({ length: 12 }, () => ask(ann, "select count(*) from contacts")));
    for (const reply of replies) assert.equal(reply.text, "row count=2\n# 1 row\n");
  });
});
