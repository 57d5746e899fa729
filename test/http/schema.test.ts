import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import postgres from "postgres";
import { workspaceTables } from "../../src/db/spread/tables.ts";
import { catalog } from "../../src/records/all.ts";
import { hasName, isAlways, stored } from "../../src/records/kind.ts";
import { missingSql } from "../helpers/migration.ts";
import { type TestDatabase, testDatabase } from "../helpers/postgres.ts";

/** The tables against the definitions, and against what keeps them fit for Citus (the paragraph on top of sql/0001-core.sql). */

/** Tables that are no tenant's: read everywhere and rarely written, or written often and read in one place. */
const REFERENCE_TABLES = ["users", "workspaces", "memberships", "invites", "schema_migrations"];
const LOCAL_TABLES = [
  "tokens",
  "calendars",
  "access_tokens",
  "oauth_clients",
  "codes",
  "authorization_codes",
  "mails",
  "sql_roles",
  "tallies",
];
const GLOBAL_TABLES = [...REFERENCE_TABLES, ...LOCAL_TABLES];

/** What a record's table has besides its fields. */
const SYSTEM_COLUMNS: Record<string, string> = {
  workspace_id: "text",
  merged_into: "text",
  search: "text",
  xid: "xid8",
  own: "jsonb",
};

const definitions = catalog.kinds;

let database: TestDatabase;
let sql: postgres.Sql;
before(async () => {
  database = await testDatabase();
  sql = postgres({ ...database.connection, max: 1 });
});
after(async () => {
  await sql.end();
  await database.drop();
});

const ours = () =>
  sql`select c.oid, c.relname as name from pg_class c where c.relnamespace = 'public'::regnamespace and c.relkind in ('r', 'p')`;

async function tenantTables(): Promise<{ oid: number; name: string }[]> {
  const tables = (await ours()) as unknown as { oid: number; name: string }[];
  const names = tables.map(({ name }) => name);
  assert.deepEqual(
    GLOBAL_TABLES.filter((name) => !names.includes(name)),
    [],
    "a global table is gone: take it off the list",
  );
  return tables.filter(({ name }) => !GLOBAL_TABLES.includes(name));
}

/** Lists what breaks a rule: the test names it. */
async function none(rule: string, rows: postgres.PendingQuery<postgres.Row[]>): Promise<void> {
  assert.deepEqual([...(await rows)], [], rule);
}

test("a tenant's table belongs to its workspace by its key", async () => {
  const tenants = await tenantTables();
  assert.deepEqual(
    tenants.map(({ name }) => name).sort(),
    workspaceTables(catalog).sort(),
    "the list that distributes and empties tables has all of them",
  );
  for (const { oid, name } of tenants) {
    const [column] = await sql`select attnotnull from pg_attribute where attrelid = ${oid} and attname = 'workspace_id'`;
    assert.ok(column?.attnotnull, `${name}.workspace_id is there and not null; a global table stands in a list above`);
    const uniques = await sql`select indexrelid::regclass::text as name, indisprimary as primary,
      array(select a.attname::text from unnest(indkey::int2[]) with ordinality as part (number, place)
        join pg_attribute a on a.attrelid = indrelid and a.attnum = number order by place) as columns
      from pg_index where indrelid = ${oid} and indisunique`;
    assert.equal(uniques.filter((index) => index.primary).length, 1, `${name} has a primary key`);
    for (const index of uniques) {
      assert.ok(index.columns.includes("workspace_id"), `${index.name} holds workspace_id as a plain column`);
      if (index.primary) assert.equal(index.columns[0], "workspace_id", `${index.name} begins with workspace_id`);
    }
  }
});

test("a foreign key between tenants stays in the workspace, and no global table points to a tenant", async () => {
  const tenants = (await tenantTables()).map(({ name }) => name);
  const keys =
    await sql`select k.conname as name, k.conrelid::regclass::text as "from", k.confrelid::regclass::text as "to", k.confdeltype, k.confupdtype,
    array(select a.attname || '=' || b.attname from unnest(k.conkey, k.confkey) as pair (own, other)
      join pg_attribute a on a.attrelid = k.conrelid and a.attnum = own join pg_attribute b on b.attrelid = k.confrelid and b.attnum = other) as columns
    from pg_constraint k where k.contype = 'f'`;
  assert.ok(keys.length > 0);
  for (const { name, from, to, columns, confdeltype, confupdtype } of keys) {
    if (!tenants.includes(from)) assert.ok(!tenants.includes(to), `${name}: the global ${from} points to the tenant's ${to}`);
    if (!tenants.includes(from) || !tenants.includes(to)) continue;
    assert.ok(columns.includes("workspace_id=workspace_id"), `${name} carries workspace_id`);
    // `n` SET NULL and `d` SET DEFAULT would write workspace_id.
    assert.ok(!/[nd]/.test(confdeltype + confupdtype), `${name} clears nothing by itself`);
  }
});

test("nothing happens behind a statement's back: no trigger, no rule, no counter, no default that is made up", async () => {
  await none(
    "triggers",
    sql`select tgname from pg_trigger where not tgisinternal and tgrelid in (select oid from (${ours()}) t)`,
  );
  await none("rules", sql`select rulename from pg_rules where schemaname = 'public'`);
  await none("sequences", sql`select relname from pg_class where relnamespace = 'public'::regnamespace and relkind = 'S'`);
  await none(
    "identity",
    sql`select attrelid::regclass::text, attname from pg_attribute where attrelid in (select oid from (${ours()}) t) and attidentity <> ''`,
  );
  const defaults =
    await sql`select d.adrelid::regclass::text || '.' || a.attname as name, pg_get_expr(d.adbin, d.adrelid) as value
    from pg_attrdef d join pg_attribute a on a.attrelid = d.adrelid and a.attnum = d.adnum
    where a.attgenerated = '' and d.adrelid in (select oid from (${ours()}) t)`;
  for (const { name, value } of defaults)
    assert.doesNotMatch(value, /\(|current_|localtime/i, `${name} has a constant default`);
  await none(
    "functions of ours that no index or generated column could use, but for those that write records",
    sql`select p.proname from pg_proc p where p.pronamespace = 'public'::regnamespace and p.provolatile <> 'i' and p.proname not like '%\_write' and p.proname <> 'crm_linked'
      and not exists (select from pg_depend d where d.objid = p.oid and d.deptype = 'e')`,
  );
});

test("the migrations have made what the declarations say: make migration would write nothing", async () => {
  assert.deepEqual(await missingSql(sql, catalog), []);
});

test("a tenant's text is collated C, so that pages go on wherever they are read", async () => {
  const tenants = (await tenantTables()).map(({ oid }) => oid);
  await none(
    "text that lists order by in the database's own collation",
    sql`select attrelid::regclass::text as table, attname as column from pg_attribute where attrelid in ${sql(tenants)} and attnum > 0
      and not attisdropped and atttypid = 'text'::regtype and attgenerated = '' and attcollation <> 'pg_catalog."C"'::regcollation`,
  );
});

for (const kind of definitions) {
  const { name, plural, fields } = kind;

  test(`the table of ${plural} has the columns of its fields and no other`, async () => {
    const own = fields.filter(stored);
    const columns =
      await sql`select attname as name, format_type(atttypid, atttypmod) as type, attnotnull as required from pg_attribute
      where attrelid = ${plural}::regclass and attnum > 0 and not attisdropped`;
    const types = Object.fromEntries(columns.map((column) => [column.name, column.type]));
    const expected = Object.fromEntries(
      own.map((field) => [field.name, field.type.sqlType.replace("timestamptz", "timestamp with time zone")]),
    );
    assert.deepEqual(types, { ...expected, ...SYSTEM_COLUMNS, ...(kind.frozen ? { seal: "text" } : {}) });
    for (const field of own) {
      const { required } = columns.find((column) => column.name === field.name)!;
      assert.equal(required, isAlways(field), `${name}.${field.name} ${required ? "is never null" : "may be null"}`);
    }
  });

  test(`the search of ${plural} looks at their search fields, those that workspaces have added, and nothing else`, async () => {
    const searched = await sql`select a.attname as name from pg_attrdef d
      join pg_attribute own on own.attrelid = d.adrelid and own.attnum = d.adnum and own.attname = 'search'
      join pg_depend on pg_depend.classid = 'pg_attrdef'::regclass and pg_depend.objid = d.oid and pg_depend.refobjid = d.adrelid
      join pg_attribute a on a.attrelid = d.adrelid and a.attnum = pg_depend.refobjsubid and a.attname <> 'search'
      where d.adrelid = ${plural}::regclass`;
    const wanted = fields.filter(({ search }) => search).map((field) => field.name);
    assert.deepEqual(searched.map((column) => column.name).sort(), [...wanted, "own"].sort());
    const [made] = await sql`select pg_get_expr(d.adbin, d.adrelid) as text from pg_attrdef d
      join pg_attribute a on a.attrelid = d.adrelid and a.attnum = d.adnum and a.attname = 'search' where d.adrelid = ${plural}::regclass`;
    const first = wanted.toSorted((a, b) => made!.text.search(`\\b${a}\\b`) - made!.text.search(`\\b${b}\\b`))[0];
    assert.equal(first, kind.title, "it begins with the title, which decides the rank");
  });

  test(`the database knows the links and the natural key of ${plural}`, async () => {
    const links = await sql`select a.attname as column, k.confrelid::regclass::text as target from pg_constraint k
      join pg_attribute a on a.attrelid = k.conrelid and a.attnum = any (k.conkey) and a.attname <> 'workspace_id'
      where k.contype = 'f' and k.conrelid = ${plural}::regclass order by 1`;
    const wanted = kind.links.map(({ id, target }) => ({
      column: id.name,
      target: target.plural,
    }));
    assert.deepEqual(
      [...links],
      wanted.sort((a, b) => (a.column < b.column ? -1 : 1)),
    );
    const uniques = await sql`select indexrelid::regclass::text as name, pg_get_indexdef(indexrelid) as text from pg_index
      where indrelid = ${plural}::regclass and indisunique and not indisprimary`;
    const keys = Object.fromEntries(uniques.map((index) => [index.name, index.text.replace(/^.* USING btree /, "")]));
    const handle = { [`${plural}_handle_key`]: '(workspace_id, "right"(id, 8))' };
    const key = kind.naturalKey;
    // Whoever holds a value is known by the living; a deleted record gives it free.
    const compared = kind.keyField?.type.caseless ? `lower(${key})` : key;
    const natural = key
      ? { [`${plural}_${key}_key`]: `(workspace_id, ${compared}) WHERE ((${key} IS NOT NULL) AND (deleted_at IS NULL))` }
      : {};
    const { into, whom } = kind.joins ?? {};
    const once = into ? { [`${plural}_once_key`]: `(workspace_id, ${into}, ${whom}) WHERE (deleted_at IS NULL)` } : {};
    assert.deepEqual(keys, { ...handle, ...natural, ...once });
    if (key) assert.equal(kind.field(key)!.type.sqlType, "text");
  });

  test(`an index has the words of ${plural}, those of their titles marked where they are names`, async () => {
    const indexes = await sql`select pg_get_indexdef(indexrelid) as text from pg_index where indrelid = ${plural}::regclass`;
    const searched = hasName(kind) ? "search" : "('\n'::text || search)";
    const wanted = `USING gin (crm_lexemes(workspace_id, ${searched})) WHERE (deleted_at IS NULL)`;
    const known = indexes.map((index) => index.text.replace(/^.* USING gin/s, "USING gin"));
    assert.ok(known.includes(wanted), known.join("\n"));
  });

  test(`an index pages ${plural} in every order, and in theirs by every paged value and link`, async () => {
    const indexes = await sql`select pg_get_indexdef(indexrelid) as text from pg_index where indrelid = ${plural}::regclass`;
    // PostgreSQL writes some names in quotes.
    const known = indexes.map((index) => index.text.replace(/^.* USING btree /, "").replaceAll('"', ""));
    const order = kind.order.replace("-", "");
    const { naturalKey } = kind;
    // What is worked out from other records has no column; the index of their link by time has its order.
    const kept = fields.filter(({ touched }) => !touched);
    const wanted = kept.flatMap(({ name: field, sort, paged, type }) => {
      const key = type.sortsFolded ? `lower(${field})` : field;
      // The unique index has the order of those with a value, unless they are folded.
      const none = field === naturalKey && key === field ? `(${field} IS NULL) AND ` : "";
      const living = none ? `WHERE (${none}(deleted_at IS NULL))` : "WHERE (deleted_at IS NULL)";
      const linked = `WHERE ((${field} IS NOT NULL) AND (deleted_at IS NULL))`;
      return [
        ...(sort ? [`(workspace_id, ${key}, id) ${living}`] : []),
        ...(paged ? [`(workspace_id, ${field}, ${order}, id) WHERE (deleted_at IS NULL)`] : []),
        ...(type.link ? [`(workspace_id, ${field}, ${order}, id) ${linked}`] : []),
      ];
    });
    assert.deepEqual(
      wanted.filter((text) => !known.includes(text)),
      [],
    );
  });
}

test("a function that refuses under the name of a constraint says the name in its message: nothing else comes from another server", async () => {
  const functions = await sql`select proname as name, prosrc as body from pg_proc where pronamespace = 'public'::regnamespace`;
  const raised = functions.flatMap(({ name, body }) =>
    (body.match(/raise \w+ using constraint[^;]*/g) ?? []).map((text: string) => `${name}: ${text}`),
  );
  assert.ok(raised.length > 5, String(raised.length));
  assert.deepEqual(
    raised.filter((text) => !/constraint = '(\w+)', message = 'refused by constraint "\1"'/.test(text)),
    [],
  );
});
