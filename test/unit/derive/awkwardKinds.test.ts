import assert from "node:assert/strict";
import test, { after, before } from "node:test";
import postgres from "postgres";
import { listChanges } from "../../../src/db/records/history.ts";
import { getRow, listRows } from "../../../src/db/records/rows.ts";
import { updateRow, upsertRow } from "../../../src/db/records/write.ts";
import { searchRows } from "../../../src/db/search/search.ts";
import { readRecord } from "../../../src/derive/body.ts";
import { ddl } from "../../../src/derive/ddl.ts";
import { isPaged } from "../../../src/derive/paging.ts";
import { type Parameters, readListQuery } from "../../../src/derive/query.ts";
import { type Row, rowId, viewsOf } from "../../../src/derive/view.ts";
import { code, custom, link, required, text } from "../../../src/fields/vocabulary.ts";
import { FORMATS } from "../../../src/formats/all.ts";
import { createIds, readId } from "../../../src/kit/id.ts";
import { silentLog } from "../../../src/kit/log.ts";
import { Problem, type ProblemCode } from "../../../src/kit/problem.ts";
import { createRandom } from "../../../src/kit/random.ts";
import { createSeal } from "../../../src/kit/seal.ts";
import { zone } from "../../../src/kit/time.ts";
import { openApi } from "../../../src/openapi/document.ts";
import { createPool, type Pool } from "../../../src/postgres/pool.ts";
import { company } from "../../../src/records/company.ts";
import { compile } from "../../../src/records/compile.ts";
import { defineRecord } from "../../../src/records/define.ts";
import type { Kind } from "../../../src/records/kind.ts";
import { recordRoutes } from "../../../src/routes/records.ts";
import { change } from "../../../src/views/change.ts";
import { type TestDatabase, testDatabase } from "../../helpers/postgres.ts";

/** Two kinds with every trait that the shipped ones lack, from the body to the table. */

/** Its title is its key, which is the same in any letter case; it has two links to one kind, of which one is required. */
const part = defineRecord({
  name: "part",
  plural: "parts",
  prefix: "pa",
  about: "Something that is built in.",
  title: "sku",
  naturalKey: "sku",
  fields: {
    sku: required(code({ about: "article number", sort: true, search: true })),
    maker_id: required(link("company", { about: "who makes it" })),
    supplier_id: link("company", { about: "who sells it" }),
    place: text({ about: "where it lies", sort: true, search: true }),
    position: text({ about: "where it is built in" }),
    custom: custom({ about: "more" }),
    extra: custom({ about: "still more" }),
  },
  example: { sku: "AB-100", maker: "Acme" },
});

/** It has a subject and no name, and a key beside it. */
const memo = defineRecord({
  name: "memo",
  plural: "memos",
  prefix: "me",
  about: "A note about a part.",
  title: "subject",
  naturalKey: "number",
  fields: {
    subject: required(text({ about: "what it is about", sort: true, search: true })),
    number: code({ about: "its number", sort: true }),
    part_id: link("part", { about: "the part" }),
  },
  example: { subject: "Broken" },
});

const catalog = compile([company, part, memo]);
const [companies, parts, memos] = catalog.kinds as [Kind, Kind, Kind];

const reading = { now: Date.parse("2026-06-10T12:00:00Z"), zone: zone("UTC"), me: "ann@example.com" };
const showing = { zone: reading.zone };
const ids = createIds(() => reading.now, createRandom());
const seal = createSeal("0123456789abcdef0123456789abcdef");
const author = {
  workspaceId: "w1",
  actor: "ann@example.com",
  tokenId: null,
  agent: null,
  reason: null,
  requestId: "r1",
  now: reading.now,
  mayRead: () => true,
};

let database: TestDatabase;
let pool: Pool;

before(async () => {
  database = await testDatabase();
  const sql = postgres({ ...database.connection, max: 1, onnotice: () => {} });
  for (const kind of [parts, memos]) await sql.unsafe(ddl(kind));
  await sql.end();
  const limits = { size: 2, queueLimit: 10, waitMs: 5_000, deadlineMs: 5_000, prepare: true };
  pool = createPool({ connection: database.connection, ...limits, log: silentLog });
  await create(companies, { name: "Acme", domain: "acme.com" });
  await create(companies, { name: "Bolt" });
});
after(async () => {
  await pool.close();
  await database.drop();
});

const db = () => ({ pool, catalog });
const body = (kind: Kind, values: Record<string, unknown>, existing = false) =>
  readRecord(kind, { values, form: false }, existing, reading);

const create = (kind: Kind, values: Record<string, unknown>) =>
  upsertRow(db(), author, ids, viewsOf(kind).json, body(kind, values));
const patch = (kind: Kind, id: string, values: Record<string, unknown>) =>
  updateRow(db(), author, ids, viewsOf(kind).json, readId(id)!, body(kind, values, true));

const json = (kind: Kind, row: Row) => JSON.parse(viewsOf(kind).json.json(row, showing)) as Record<string, unknown>;

function query(kind: Kind, parameters: string) {
  return readListQuery(kind, [...new URLSearchParams(parameters)] as Parameters, reading);
}

/** What names the records that a list has, in its order. */
async function list(kind: Kind, parameters: string): Promise<unknown[]> {
  const asked = query(kind, parameters);
  const ranked = asked.search !== undefined && !asked.sort.asked;
  const { rows } = await (ranked ? searchRows : listRows)(db(), author.workspaceId, viewsOf(kind).json, asked, [], seal);
  return rows.map((row) => json(kind, row)[kind.title]);
}

const refusedAs = (code: ProblemCode, message: RegExp) => (error: unknown) => {
  assert.ok(error instanceof Problem, String(error));
  assert.equal(error.code, code);
  assert.match(error.message, message);
  return true;
};

test("a required link is satisfied by either of its fields, and neither can clear it", () => {
  const id = "co_t4v6w8y0";
  assert.deepEqual(body(parts, { sku: "A", maker_id: id }).links, { maker: { id: readId(id) } });
  assert.deepEqual(body(parts, { sku: "A", maker: "Acme", supplier: id }).links, {
    maker: { name: "Acme" },
    supplier: { id: readId(id) },
  });
  const needed = refusedAs("missing_field", /^a part needs maker_id or maker: the id of a company$/);
  for (const maker of [{}, { maker: null }, { maker_id: "" }, { supplier: "Acme" }])
    assert.throws(() => body(parts, { sku: "A", ...maker }), needed);
  const kept = refusedAs("missing_field", /^a part cannot be without maker_id$/);
  for (const maker of [{ maker: null }, { maker_id: null }]) assert.throws(() => body(parts, maker, true), kept);
  assert.deepEqual(body(parts, { maker_id: null, maker: "Acme" }, true).links, { maker: { name: "Acme" } });
  assert.throws(
    () => body(parts, { supplier_id: id, supplier: "co_xxxxxxxx" }, true),
    (error) => error instanceof Problem && error.hints[0] === "send supplier_id alone",
  );
});

test("a record whose title is its key needs that one field", () => {
  assert.throws(() => body(parts, { maker: "Acme" }), refusedAs("missing_field", /^a part needs sku: a code/));
  assert.throws(() => body(memos, {}), refusedAs("missing_field", /^a memo needs a subject or a number$/));
  assert.deepEqual(body(memos, { number: "M-1" }).initial, { subject: "M-1" });
});

test("the members of every such field are addressed by its own name", () => {
  const sent = { sku: "A", maker: "Acme", "custom.a": 1, "extra.a": null, extra: { b: "x" } };
  assert.deepEqual(body(parts, sent).sent, { sku: "A", custom: { a: 1 }, extra: { b: "x", a: null } });
  const asked = query(parts, "extra.seats=gt:5&extra[b]=x&custom_filters[extra.b]=y&extra_filters[a]=1");
  assert.deepEqual(
    asked.conditions.map(({ field, predicate }) => [field.name, "key" in predicate && predicate.key]),
    [
      ["extra", "seats"],
      ["extra", "b"],
      ["custom", "extra.b"],
      ["extra", "a"],
    ],
  );
  assert.throws(() => query(parts, "extra.a b=1"), refusedAs("invalid_filter", /^"a b" is no extra key$/));
  assert.throws(() => query(parts, "place.a=1"), refusedAs("invalid_filter", /^there is no field "place.a" on parts$/));
  assert.throws(() => body(memos, { "custom.a": 1 }), refusedAs("invalid_field", /^memos have no field "custom.a"$/));
});

test("the document tells of both fields' members, and asks for a link by neither field alone", () => {
  const routes = [parts, memos].flatMap((kind) => recordRoutes(kind, catalog));
  const document = openApi({ routes, catalog, baseUrl: "http://x", version: "1", formats: FORMATS }) as {
    components: {
      parameters: Record<string, { description: string }>;
      schemas: Record<string, { required?: string[]; description: string }>;
    };
  };
  const { parameters, schemas } = document.components;
  assert.match(parameters["extra_filters"]!.description, /^filters on keys of extra, .* extra\.seats=gt:10/);
  assert.match(parameters["custom_filters"]!.description, /^filters on keys of custom, .* custom\.seats=gt:10/);
  assert.deepEqual(schemas["PartCreate"]!.required, ["sku"]);
  assert.match(schemas["PartCreate"]!.description, /A known sku updates that record\. maker_id or maker must be there\./);
  assert.match(schemas["PartPatch"]!.description, /custom merges key by key\. extra merges key by key\./);
  assert.equal(schemas["MemoCreate"]!.required, undefined);
});

test("a record is written and read back, each link with the name of its own record", async () => {
  const sent = { sku: "Ab-100", maker: "acme.com", supplier: "Bolt", place: "shelf 3", position: "left" };
  const { row, outcome } = await create(parts, { ...sent, custom: { a: 1 }, extra: { a: 2, z: "x y" } });
  assert.equal(outcome, "created");
  const read = await getRow(db(), author.workspaceId, viewsOf(parts).json, readId(rowId(row))!);
  const { sku, maker, supplier, place, position, custom: members, extra } = json(parts, read);
  assert.deepEqual(
    [sku, maker, supplier, place, position, members, extra],
    ["Ab-100", "Acme", "Bolt", "shelf 3", "left", { a: 1 }, { a: 2, z: "x y" }],
  );
  const { record } = viewsOf(parts);
  const shown = await getRow(db(), author.workspaceId, record, readId(rowId(row))!);
  assert.match(record.line(shown, showing), / custom\.a=1 extra\.a=2 extra\.z="x y" /);
  const missing = create(parts, { sku: "x", maker: "Nobody" });
  await assert.rejects(missing, refusedAs("unprocessable", /^there is no company "Nobody"/));
  const two = await create(companies, { name: "Bolt" });
  await assert.rejects(
    create(parts, { sku: "x", maker: "Acme", supplier: "bolt" }),
    (error) => error instanceof Problem && /^name one by its id: supplier_id=co_/.test(error.hints[0]!),
  );
  await patch(companies, rowId(two.row), { name: "Nut" });
});

test("a key in another letter case is the same record: upserts, filters, links, orders", async () => {
  const again = await create(parts, { sku: "AB-100", maker: "Acme", place: "shelf 4" });
  assert.equal(again.outcome, "updated");
  assert.deepEqual([json(parts, again.row).sku, json(parts, again.row).version], ["Ab-100", 2], "it keeps its spelling");
  const same = await create(parts, { sku: "ab-100", maker: "Acme", place: "shelf 4" });
  assert.equal(same.outcome, "updated (unchanged)");
  await create(parts, { sku: "aa-1", maker: "Acme" });
  await create(parts, { sku: "AC-1", maker: "Acme" });

  assert.deepEqual(await list(parts, "sku=aB-100"), ["Ab-100"]);
  assert.deepEqual((await list(parts, "sku=in:AB-100,AA-1")).sort(), ["Ab-100", "aa-1"]);
  assert.deepEqual((await list(parts, "sku=ne:AB-100")).sort(), ["AC-1", "aa-1"]);
  assert.deepEqual(await list(parts, "sort=sku"), ["aa-1", "Ab-100", "AC-1"]);
  assert.deepEqual(await list(parts, "sku=gte:AB&sort=sku"), ["Ab-100", "AC-1"]);
  assert.deepEqual(await list(parts, "sku=lt:ac&sort=-sku"), ["Ab-100", "aa-1"]);
  assert.deepEqual(await list(parts, "search=AB-100"), ["Ab-100"]);
  assert.ok(isPaged(parts, query(parts, "sku=gte:AB&sort=sku")));
  assert.ok(isPaged(parts, query(parts, "sku=ab-100")));

  const about = await create(memos, { number: "m-1", part: "AB-100" });
  assert.deepEqual([json(memos, about.row).subject, json(memos, about.row).part], ["m-1", "Ab-100"]);
  assert.deepEqual(await list(memos, "part=aB-100"), ["m-1"]);
  assert.deepEqual(await list(memos, "part=ne:AB-100"), []);
  assert.equal((await create(memos, { number: "M-1", subject: "Broken" })).outcome, "updated");
  assert.deepEqual(await list(memos, "number=M-1"), ["Broken"]);
  assert.deepEqual(await list(memos, "number=is:null"), []);

  const other = await create(memos, { number: "M-2", subject: "Lost" });
  const clash = patch(memos, rowId(other.row), { number: "M-1" });
  await assert.rejects(clash, refusedAs("already_exists", /^another memo has this number$/));
  const spelled = await patch(memos, rowId(about.row), { number: "M-1" });
  assert.equal(json(memos, spelled.row).number, "M-1", "a change may spell it otherwise");
});

test("a filter by a key reads no more than the index of unique values gives", async () => {
  const sql = postgres({ ...database.connection, max: 1 });
  await sql`set enable_seqscan = off`;
  const plan = await sql.unsafe(
    `explain select id from parts r where workspace_id = 'w1' and lower(sku) = lower('AB-100'::text collate "C") and deleted_at is null`,
  );
  await sql.end();
  assert.match(plan.map((row) => row["QUERY PLAN"]).join("\n"), /parts_sku_(key|order_idx)/);
});

test("a key that a write takes out of one field stays in the others", async () => {
  const made = await create(parts, { sku: "M", maker: "Acme", custom: { a: 1, b: 1 }, extra: { a: 1, b: 1 } });
  const { row } = await patch(parts, rowId(made.row), { custom: { a: null, c: 2 }, extra: { b: null } });
  const { custom: members, extra } = json(parts, row);
  assert.deepEqual([members, extra], [{ b: 1, c: 2 }, { a: 1 }]);
});

test("fields called place and position are filtered, sorted and searched like any other", async () => {
  assert.deepEqual(await list(parts, "place=shelf 4&sort=place"), ["Ab-100"]);
  assert.deepEqual(await list(parts, "position=left"), ["Ab-100"]);
  assert.deepEqual(await list(parts, "search=shelf"), ["Ab-100"]);
});

test("the history calls a record by its title, whatever the field is called", async () => {
  const view = viewsOf(change).json;
  const page = await listChanges(db(), author.workspaceId, view, query(change, "limit=100"), [], seal, (kind) => {
    return viewsOf(catalog.get(kind)!).json;
  });
  const named = page.rows.map((row) => JSON.parse(view.json(row, showing)) as Record<string, unknown>);
  const names = (kind: string) => new Set(named.filter((entry) => entry.kind === kind).map(({ name }) => name));
  assert.deepEqual(names("part"), new Set(["Ab-100", "aa-1", "AC-1", "M"]));
  assert.deepEqual(names("memo"), new Set(["m-1", "Broken", "Lost"]));
  const changes = named.flatMap((entry) => Object.keys(entry.changes as object));
  assert.ok(changes.includes("extra.a") && changes.includes("custom.a"), changes.join());
});

test("a natural key is text", () => {
  const wrong = { ...part, naturalKey: "custom" };
  assert.throws(() => compile([company, wrong]), /part.custom is a natural key: it has to be text/);
});
