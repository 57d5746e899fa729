import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { createIndexKeeper } from "../../src/db/vectors/keep.ts";
import { silentLog } from "../../src/kit/log.ts";
import { createRandom } from "../../src/kit/random.ts";
import { sql } from "../../src/postgres/sql.ts";
import { catalog } from "../../src/records/all.ts";
import { noPgvector } from "../helpers/pgvector.ts";
import { type Client, type Service, startService } from "../helpers/service.ts";

/** Lists by `near=` where pgvector has an index: they show what comparing all records shows. */

const skip = noPgvector;
let service: Service;
let ann: Client;
let bob: Client;
before(async () => {
  service = await startService();
  ann = await service.signIn();
  bob = await service.signIn("bob@example.com");
  const kind = { name: "doc", natural_key: "name", fields: { name: "text", topic: "text", meaning: "vector(8)" } };
  for (const client of [ann, bob]) await done(client, "POST", "/kinds", kind);
  await done(ann, "POST", "/kinds/contact/fields", { fields: { face: "vector(2500)", voice: "vector(4096)" } });
  for (let i = 0; i < (noPgvector ? 12 : 120); i++)
    await done(ann, "POST", "/docs", { name: `d${i}`, topic: i % 3 === 0 ? "third" : "other", meaning: vector() });
  for (let i = 0; i < 3; i++) await done(bob, "POST", "/docs", { name: `bob's ${i}`, meaning: vector() });
});
after(() => service.close());

const random = createRandom();
const vector = (length = 8) => Array.from({ length }, () => random() - 0.5);

async function done(client: Client, method: string, path: string, body?: unknown) {
  const reply = await client.send(method, `${path}${path.includes("?") ? "&" : "?"}format=json`, body);
  assert.ok(reply.status < 300, `${method} ${path} ${reply.text}`);
  return reply.json();
}

const near = async (query: string, client = ann): Promise<string[]> =>
  (await done(client, "GET", `/docs?${query}`)).items.map(({ name }: { name: string }) => name);

const events: string[] = [];
const log = { ...silentLog, info: (event: string) => events.push(event), warn: (event: string) => events.push(event) };
const keeper = () =>
  createIndexKeeper({ pool: service.pool, direct: service.database.connection, catalog, log, worth: { from: 10, until: 5 } });

/** What keeping the indexes did. */
async function kept(): Promise<string[]> {
  events.length = 0;
  await keeper().keep();
  return events;
}

const indexes = async () =>
  (await service.pool.rows(sql`select c.relname::text from pg_class c where c.relname ~ '^near_' order by 1`)).map(String);
const scans = async () =>
  (
    await service.pool.rows(sql`select coalesce(sum(idx_scan), 0)::int from pg_stat_user_indexes where indexrelname ~ '^near_'`)
  )[0]![0];

async function walked(query: string): Promise<string[]> {
  const found: string[] = [];
  for (let cursor = ""; ; ) {
    const page = await done(ann, "GET", `/docs?${query}&limit=7${cursor && `&cursor=${cursor}`}`);
    found.push(...page.items.map(({ name }: { name: string }) => name));
    if (page.next_cursor === null) return found;
    cursor = page.next_cursor;
  }
}

test("a kind of many records gets an index, and lists show the same by it", { skip }, async () => {
  const queries = Array.from({ length: 10 }, () => `near=[${vector().join()}]`);
  const asked = queries.flatMap((query) => [`${query}&limit=5`, `${query}&limit=5&topic=third`, `${query}&limit=2&name=d7`]);
  const before = await Promise.all(asked.map((query) => near(query)));
  const pages = await walked(queries[0]!);
  assert.equal(pages.length, 120);
  assert.deepEqual(await kept(), ["vector_index_made"], "the other workspace has too few records");
  assert.deepEqual(await kept(), []);
  assert.deepEqual(await Promise.all(asked.map((query) => near(query))), before);
  assert.deepEqual(await walked(queries[0]!), pages);
  for (let tries = 0; (await scans()) === 0; tries++) {
    assert.ok(tries < 50, "the index was not used");
    await sleep(100);
  }
  assert.deepEqual((await near(`${queries[0]}&limit=2`, bob)).length, 2);
});

test("what is written is found at once, and what is deleted is not", { skip }, async () => {
  const at = vector();
  const first = async () => (await near(`near=[${at.join()}]&limit=1`))[0];
  const { id } = await done(ann, "POST", "/docs", { name: "new", meaning: at });
  assert.equal(await first(), "new");
  await done(ann, "PATCH", `/docs/${id}`, { meaning: at.map((each) => -each) });
  assert.notEqual(await first(), "new");
  await done(ann, "PATCH", `/docs/${id}`, { meaning: at.map((each) => each * 1e38) });
  assert.equal(await first(), "new");
  await done(ann, "PATCH", `/docs/${id}`, { meaning: at.map((each) => each * 1e-38) });
  assert.equal(await first(), "new");
  await done(ann, "PATCH", `/docs/${id}`, { meaning: [1.4e-45, ...Array(7).fill(0)] });
  await done(ann, "PATCH", `/docs/${id}`, { meaning: [3.4028235e38, 1.2e-38, ...Array(6).fill(-3.4028235e38)] });
  await done(ann, "PATCH", `/docs/${id}`, { meaning: at });
  const asked = await ann.send("DELETE", `/docs/${id}?format=json`);
  await done(ann, "DELETE", `/docs/${id}?confirm=${asked.json().confirm}`);
  assert.notEqual(await first(), "new");
  await done(ann, "POST", `/docs/${id}/restore`);
  assert.equal(await first(), "new");
});

test("built-in kinds have indexes too, of at most 4,000 numbers", { skip }, async () => {
  for (let i = 0; i < 12; i++)
    await done(ann, "POST", "/contacts", { name: `c${i}`, face: vector(2500), voice: i === 0 ? vector(4096) : null });
  assert.deepEqual(await kept(), ["vector_index_made"]);
  const face = vector(2500).map((each) => Math.round(each * 19));
  const kim = await done(ann, "POST", "/contacts", { name: "Kim", face });
  assert.equal((await done(ann, "GET", `/contacts?near=face:[${face.join()}]&limit=1`)).items[0].id, kim.id);
});

test("an index goes with its kind and comes back with it, is made once, and anew where it was broken off", {
  skip,
}, async () => {
  const all = await indexes();
  assert.equal(all.length, 2);
  const asked = await ann.send("DELETE", "/kinds/doc?format=json");
  await done(ann, "DELETE", `/kinds/doc?confirm=${asked.json().confirm}`);
  assert.deepEqual(await kept(), ["vector_index_dropped"]);
  await done(ann, "POST", "/kinds/doc/restore");
  events.length = 0;
  await Promise.all([keeper().keep(), keeper().keep(), keeper().keep()]);
  assert.deepEqual(events, ["vector_index_made"]);
  assert.deepEqual(await indexes(), all);
  await service.pool.rows(sql`update pg_index set indisvalid = false where indexrelid = any (${all}::regclass[])`);
  assert.equal((await near(`near=[${vector().join()}]&limit=3`)).length, 3);
  assert.deepEqual((await kept()).sort(), [...Array(2).fill("vector_index_dropped"), ...Array(2).fill("vector_index_made")]);
  assert.deepEqual(await indexes(), all);
});

test("a service that stops breaks the making off", { skip }, async () => {
  const one = keeper();
  await service.pool.rows(sql`update pg_index set indisvalid = false where indexrelid::regclass::text ~ '^near_'`);
  const making = assert.rejects(one.keep());
  setTimeout(one.stop, 30);
  await making;
  await kept();
  assert.equal((await indexes()).length, 2);
});

test("without pgvector nothing is done", { skip: noPgvector ? false : "this PostgreSQL has pgvector" }, async () => {
  assert.deepEqual(await kept(), []);
  assert.deepEqual(await indexes(), []);
});
