import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import postgres from "postgres";
import { shapes } from "../../bench/shapes.ts";
import { listReminders } from "../../src/db/records/reminders.ts";
import { getRow, listRows } from "../../src/db/records/rows.ts";
import { searchRows } from "../../src/db/search/search.ts";
import { readListQuery } from "../../src/derive/query.ts";
import { viewsOf } from "../../src/derive/view.ts";
import type { FieldType } from "../../src/fields/type.ts";
import { writeCursor } from "../../src/kit/cursor.ts";
import { createSeal } from "../../src/kit/seal.ts";
import { zone } from "../../src/kit/time.ts";
import type { Pool } from "../../src/postgres/pool.ts";
import type { Statement, StatementOptions } from "../../src/postgres/sql.ts";
import { catalog } from "../../src/records/all.ts";
import { type Field, hasName, type Kind, stored, writable } from "../../src/records/kind.ts";
import { type TestDatabase, testDatabase } from "../helpers/postgres.ts";

/**
 * Every list that the product says an index pages follows one. A named statement is planned without its values here, as PostgreSQL does
 * after five runs: then every workspace is of average size, and a plan that reads all of one looks cheap.
 */

const BIG = "ws_big";
const ROWS = 6_000;
const reading = { now: Date.parse("2026-06-10T12:00:00Z"), zone: zone("UTC"), me: "ann@example.com" };
const seal = createSeal("a secret of the tests, long enough");

let database: TestDatabase;
let sql: postgres.Sql;
before(async () => {
  database = await testDatabase();
  sql = postgres({ ...database.connection, max: 1, onnotice: () => {} });
  await sql.unsafe("set session_replication_role = replica; set random_page_cost = 4; set effective_cache_size = '4GB'");
  for (const kind of catalog.kinds) await sql.unsafe(fill(kind));
  for (const { name, plural, naturalKey, furtherKey } of catalog.kinds)
    if (furtherKey)
      await sql.unsafe(`insert into addresses (workspace_id, kind, value, record_id)
        select workspace_id, '${name}', ${naturalKey}, id from ${plural} where ${naturalKey} is not null and deleted_at is null`);
  for (const { name, plural, mentions } of catalog.kinds)
    if (mentions)
      await sql.unsafe(`insert into mentions (workspace_id, kind, value, at, record_id)
        select workspace_id, '${name}', n % 1000 || '@email.example.com', ${mentions.at}, id
        from (select *, row_number() over (order by id) n from ${plural}) r`);
  await sql.unsafe("analyze");
});
after(async () => {
  await sql.end();
  await database.drop();
});

/** One large workspace among many small ones. What a column holds does not matter, only how often it holds the same. */
function fill(kind: Kind): string {
  const workspace = `case when n < ${ROWS} then '${BIG}' else 'ws_' || n % 100 end`;
  const columns = new Map([["workspace_id", workspace], ...Object.entries(MADE), ["id", idSql(kind, "n")]]);
  for (const field of writable(kind).filter(stored)) {
    const value = valueSql(kind, field);
    if (value !== undefined) columns.set(field.name, value);
  }
  return `insert into ${kind.plural} ("${[...columns.keys()].join('", "')}")
    select ${[...columns.values()].join(", ")} from generate_series(0, ${ROWS * 1.5}) n`;
}

const MADE = {
  version: "1",
  created_by: "'ann@example.com'",
  created_at: "timestamptz '2026-01-01' + n * interval '1 minute'",
  updated_at: "timestamptz '2026-01-01' + n * 7919 % 30000 * interval '1 minute'",
};

const idSql = ({ prefix }: Kind, n: string) => `'${prefix}_01' || lpad((${n})::text, 24, '0')`;

/** By what the declaration says of the field: a name is nearly unique, a key is, and a label is one of a few. */
function valueSql(kind: Kind, field: Field): string | undefined {
  const always = field.required || field.name === kind.needsOneOf?.[0];
  const some = (value: string, unlessEvery: number) => (always ? value : `case when n % ${unlessEvery} > 0 then ${value} end`);
  const { type, link } = field;
  // One thing is in another once.
  if (link && field.name === kind.joins?.whom) return idSql(link.target, "n");
  if (link) return some(idSql(link.target, "n % 1000"), 3);
  const few = type.sqlType === "text" && (type.choices ?? type.known);
  if (few) return `(array['${few.join("', '")}'])[1 + n % ${few.length}]`;
  if (field === kind.titleField) return `'${field.name} ' || n % 5000`;
  if (field === kind.keyField) return some(`n || '@${field.name}.example.com'`, 10);
  // So that rows are as wide as real ones: what reads all of them has its price.
  if (type.long && field.search) return some("repeat('as long as what people write is, ', 8)", 2);
  if (type.sqlType === "text") return field.paged ? some(`'${field.name} ' || n % 7`, 20) : undefined;
  if (type.sqlType === "jsonb" && always) return "'[]'";
  const value = BY_TYPE[type.sqlType];
  return value && some(value, type.sqlType === "text[]" ? 2 : 5);
}

/** What is not here is left empty. */
const BY_TYPE: Partial<Record<FieldType["sqlType"], string>> = {
  bigint: "n * 7919 % 100000",
  integer: "n % 100",
  "numeric(18,6)": "n * 7919 % 1000 / 10.0",
  boolean: "n % 3 > 0",
  date: "date '2026-01-01' + n % 500",
  timestamptz: "timestamptz '2026-01-01' + n * interval '1 minute'",
  "text[]": "array['saas', 'tag' || n % 10]",
};

/** What the statements of a list would do. They find nothing, so that a list goes on to all of its statements. */
async function plansOf(list: (pool: Pool) => Promise<unknown>): Promise<Plan[]> {
  const plans: Plan[] = [];
  const rows = async ({ text, values }: Statement, { plan = "named" }: StatementOptions = {}) => {
    if (text.startsWith("select r.id from")) return [["c_01000000000000000000000001"]];
    await sql.unsafe(`set plan_cache_mode = force_${plan === "named" ? "generic" : "custom"}_plan; prepare asked as ${text}`);
    const given = values
      .map((value) => (value === null ? "null" : `'${Array.isArray(value) ? `{${value}}` : value}'`))
      .join(", ");
    const [told] = await sql.unsafe(`explain (format json) execute asked ${given && `(${given})`}`);
    await sql.unsafe("deallocate asked");
    plans.push(told!["QUERY PLAN"][0].Plan);
    // A search goes on to all of its ways: only the last has found enough, and that is nothing.
    const bounded = text.includes("goes_on") ? [false] : [];
    return text.startsWith("with found") ? [[null, text.includes("count(*) >= 0"), null, ...bounded]] : [];
  };
  await list({ rows } as unknown as Pool);
  return plans;
}

type Plan = {
  "Node Type": string;
  "Parent Relationship"?: string;
  "Plan Rows": number;
  "Relation Name"?: string;
  "Index Name"?: string;
  Plans?: Plan[];
};

const nodesOf = (plan: Plan): Plan[] => [plan, ...(plan.Plans ?? []).flatMap(nodesOf)];

/** Incremental: by a unique value first, so that there is nothing left to sort. */
const READS_ALL = new Set(["Seq Scan", "Bitmap Heap Scan", "Sort", "Hash", "Materialize", "Aggregate", "Gather", "Merge Join"]);

/** What a unique value finds, and what a required field finds that is asked to be null. */
const isOneRow = (node: Plan) => node["Node Type"] === "Sort" && node["Plan Rows"] <= 1;

/** Walks that end at a limit each, merged into one order. */
const isMerge = (node: Plan) => node["Node Type"] === "Sort" && nodesOf(node).some((below) => below["Node Type"] === "Limit");

/** A list of what one row mentions is gathered and sorted. Only how its members are found is looked at. */
function readsOf(plan: Plan): Plan[] {
  const below = (plan.Plans ?? []).flatMap(readsOf);
  const ofARow = plan["Node Type"] === "Aggregate" && plan["Parent Relationship"] === "SubPlan";
  return ofARow ? below.filter((node) => node["Node Type"] !== "Sort") : [plan, ...below];
}

function assertPaged(what: string, plans: readonly Plan[]): void {
  assert.ok(plans.length > 0, what);
  const bad = plans.flatMap(readsOf).filter((node) => READS_ALL.has(node["Node Type"]) && !isOneRow(node) && !isMerge(node));
  assert.deepEqual(
    bad.map((node) => `${node["Node Type"]} ${node["Relation Name"] ?? ""}`.trim()),
    [],
    `${what} ${JSON.stringify(bad)}`,
  );
}

/** Where a walk may be in an order of that type. */
const ON_THE_WAY: Record<string, string> = {
  text: "m",
  bigint: "5000",
  "numeric(18,6)": "19.000000",
  date: "2026-03-01",
  timestamptz: "2026-01-03",
};

for (const kind of catalog.kinds) {
  const { plural } = kind;
  test(`what an index pages of ${plural} follows it whatever the values`, async () => {
    const paged = shapes().filter(({ path, paged }) => paged && new RegExp(`^/${plural}(\\?|$)`).test(path));
    assert.ok(paged.length > 10);
    for (const { path } of paged) {
      const query = path.split("?")[1]?.replace(/\$(\w+)/g, (_, name) => `${catalog.get(name)!.prefix}_00000001`) ?? "";
      const parameters = [...new URLSearchParams(query)].filter(([name]) => name !== "count");
      const list = readListQuery(kind, parameters, reading);
      const view = viewsOf(kind).list;
      for (const value of [undefined, ON_THE_WAY[list.sort.field.type.sqlType], null]) {
        const cursor = value !== undefined && { cursor: writeCursor({ value, id: "x" }, [BIG, ...list.identity], seal) };
        const asked = { ...list, ...cursor };
        const plans = await plansOf((pool) => listRows({ pool, catalog }, BIG, view, asked, [], seal));
        assertPaged(`${path} after ${value}`, plans);
      }
    }
  });
}

test("starts is served by the index that serves like", async () => {
  for (const kind of catalog.kinds) {
    const indexesOf = async (value: string) => {
      const query = readListQuery(kind, [[kind.title, value]], reading);
      const plans = await plansOf((pool) => listRows({ pool, catalog }, BIG, viewsOf(kind).list, query, [], seal));
      const nodes = plans.flatMap(nodesOf).filter((node) => node["Node Type"] === "Bitmap Index Scan");
      return nodes.map((node) => node["Index Name"]);
    };
    const indexes = await indexesOf("like:quizzical zebra");
    assert.ok(indexes.includes(`${kind.plural}_search_idx`), `${kind.plural} ${indexes}`);
    assert.deepEqual(await indexesOf("starts:quizzical zebra"), indexes, kind.plural);
  }
});

for (const kind of catalog.kinds) {
  test(`a search of ${kind.plural} finds words by their index whatever the values`, async () => {
    const query = readListQuery(kind, [["search", "name 7"]], reading);
    const plans = await plansOf((pool) => {
      const transaction = async () => [];
      return searchRows({ pool: { ...pool, transaction }, catalog } as never, BIG, viewsOf(kind).list, query, [], seal);
    });
    // Of three ways for each tier the second follows an order; here, where a workspace is half of all, PostgreSQL may rather sort.
    const gathered = plans.slice(0, hasName(kind) ? 6 : 3).filter((_, i) => i % 3 !== 1);
    const nodes = gathered.flatMap(nodesOf);
    assert.ok(nodes.every((node) => node["Node Type"] !== "Seq Scan"));
    const indexes = nodes.filter((node) => node["Node Type"] === "Bitmap Index Scan").map((node) => node["Index Name"]);
    assert.deepEqual([...new Set(indexes)], [`${kind.plural}_lexemes_idx`]);
    assert.equal(indexes.length, gathered.length);
  });
}

test("reminders follow an index for each kind", async () => {
  const due = {
    until: reading.now,
    now: reading.now,
    today: reading.now,
    owner: undefined,
    kinds: undefined,
    position: undefined,
    handles: false,
  };
  const position = { value: "2026-01-01 00:00:00+00", id: "c_01" };
  for (const more of [
    {},
    { owner: "owner 1" },
    { kinds: ["task"] },
    { owner: "owner 1", kinds: ["contact"] },
    { from: reading.now - 9e9 },
    { position },
  ]) {
    const reminders = (pool: Pool) => listReminders({ pool, catalog }, BIG, { ...due, ...more, limit: 50 });
    assertPaged(`reminders ${JSON.stringify(more)}`, await plansOf(reminders));
  }
});

test("one record is found by an index", async () => {
  for (const kind of catalog.kinds) {
    const one = { prefix: kind.prefix, key: "00000001" };
    const get = (pool: Pool) => getRow({ pool, catalog }, BIG, viewsOf(kind).record, one).catch(() => {});
    // What follows looks for one that was deleted or merged, in tables that are empty here.
    assertPaged(kind.name, (await plansOf(get)).slice(0, 1));
  }
});
