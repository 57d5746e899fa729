import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { type Client, type Service, startService } from "../helpers/service.ts";

/** Vectors: fields of a workspace's own, and lists that put the nearest first. */

let service: Service;
let ann: Client;
let bob: Client;
const ids: Record<string, string> = {};
before(async () => {
  service = await startService();
  ann = await service.signIn();
  bob = await service.signIn("bob@example.com");
  await done(ann, "POST", "/kinds", {
    name: "doc",
    natural_key: "name",
    fields: { name: "text", topic: "text", meaning: "vector(3)", of_id: { link: "contact" } },
  });
  const docs = { east: [1, 0, 0], north: [0, 1, 0], up: [0, 0, 0.1], west: [-2, 0, 0], northeast: [0.5, 0.5, 0], none: null };
  for (const [name, meaning] of Object.entries(docs))
    ids[name] = (await done(ann, "POST", "/docs", { name, topic: name.slice(0, 1), meaning })).id;
});
after(() => service.close());

async function done(client: Client, method: string, path: string, body?: unknown) {
  const reply = await client.send(method, `${path}${path.includes("?") ? "&" : "?"}format=json`, body);
  assert.ok(reply.status < 300, `${method} ${path} ${reply.text}`);
  return reply.json();
}

const near = async (query: string, client = ann) =>
  (await done(client, "GET", `/docs?${query}`)).items.map(({ name }: { name: string }) => name);

const refused = async (path: string, says: RegExp, method = "GET", body?: unknown, client = ann) =>
  assert.match((await client.send(method, path, body)).text, says);

test("the nearest come first, each with its similarity, with filters and page by page", async () => {
  const { text } = await ann.send("GET", "/docs?near=[1,0.1,0]&limit=3");
  const lines = text.split("\n");
  assert.match(lines[0]!, /^doc\/zd_\w{8} name=east .*similarity=0\.995037$/);
  assert.match(lines[1]!, /name=northeast .*similarity=0\.773957$/);
  assert.match(lines[2]!, /name=north .*similarity=0\.099504$/);
  assert.match(text, /# 3 docs\n# next: \S+\n$/);
  assert.deepEqual(
    await near("near=[-1,0,0]"),
    ["west", "up", "north", "northeast", "east"].sort((a, b) => order(a) - order(b)),
  );
  assert.deepEqual(await near("near=1,0,0&topic=n"), ["northeast", "north"]);
  assert.deepEqual(await near("near=meaning:[0,0,5]&limit=1"), ["up"]);
  const walked: string[] = [];
  for (let cursor = ""; ; ) {
    const page = await done(ann, "GET", `/docs?near=[1,0,0]&limit=2${cursor && `&cursor=${cursor}`}`);
    walked.push(...page.items.map(({ name }: { name: string }) => name));
    if (page.next_cursor === null) break;
    cursor = page.next_cursor;
    if (walked.length === 2) await refused(`/docs?near=[0,1,0]&limit=2&cursor=${cursor}`, /^ERROR invalid_cursor/);
  }
  assert.deepEqual(walked, await near("near=[1,0,0]&limit=200"));
  assert.equal(walked.length, 5);
  const [first] = (await done(ann, "GET", "/docs?near=[1,0,0]&limit=1&fields=meaning")).items;
  assert.deepEqual([first.meaning, first.similarity], [[1, 0, 0], 1]);
  await done(ann, "POST", "/lists", { name: "tees", kind: "doc", query: "topic=in:u,e" });
  assert.deepEqual(await near("near=[0,0,1]&list=tees&limit=5"), ["up", "east"]);
});

/** As the rows tie: by id, the newest first. */
const order = (name: string) => ({ west: 0, up: 1, north: 2, northeast: 3, east: 4 })[name]!;

test("a vector reads back in single precision, shows where it is asked for, and unchanged is unchanged", async () => {
  const sent = [0.1, -1.5e-7, 16_777_217];
  await done(ann, "PATCH", `/docs/${ids.none}`, { meaning: sent });
  const { meaning } = await done(ann, "GET", `/docs/${ids.none}?fields=meaning`);
  assert.deepEqual(meaning, [0.1, -1.5e-7, 16_777_216]);
  assert.equal((await done(ann, "GET", `/docs/${ids.none}`)).meaning, undefined);
  assert.match((await ann.send("PATCH", `/docs/${ids.none}`, { meaning: [0.1, -1.5e-7, 16_777_216] })).text, /# unchanged/);
  assert.match((await ann.send("GET", `/docs/${ids.none}?fields=meaning`)).text, /meaning=\[0\.1,-1\.5e-7,16777216\]/);
  assert.deepEqual((await near("meaning=not:null&limit=10")).length, 6);
  await done(ann, "POST", "/docs", { name: "formed", meaning: "0.5, 0.5, 0" });
  const form = await ann.send("POST", "/docs?format=json", "name=form&meaning=[1,2,3]", {
    "content-type": "application/x-www-form-urlencoded",
  });
  assert.equal(form.status, 201, form.text);
  const csv = 'name,meaning\nfile,"[3,2,1]"\nodd,"[1,2]"\n';
  const read = await ann.send("POST", "/docs/import", csv, { "content-type": "text/csv" });
  assert.match(read.text, /row=2 created/);
  assert.match(read.text, /row=3 ERROR invalid_value .*3 numbers/);
});

test("its history shows what it was, and undo brings it back", async () => {
  const { id } = await done(ann, "POST", "/docs", { name: "past", meaning: [1, 1, 1] });
  const changed = await ann.send("PATCH", `/docs/${id}`, { meaning: [2, 1, 1] });
  const [entry] = (await done(ann, "GET", `/docs/${id}/history?fields=changes,before,after`)).items;
  assert.deepEqual(entry.changes.meaning, { from: "[1,1,1]", to: "[2,1,1]" });
  await done(ann, "POST", "/undo", { change: changed.headers.get("x-change") });
  assert.deepEqual((await done(ann, "GET", `/docs/${id}?fields=meaning`)).meaning, [1, 1, 1]);
  const { id: other } = await done(ann, "POST", "/docs", { name: "other" });
  const asked = await ann.send("POST", `/docs/${other}/merge?format=json`, { from: id });
  await done(ann, "POST", `/docs/${other}/merge?confirm=${asked.json().confirm}`, { from: id });
  assert.deepEqual((await done(ann, "GET", `/docs/${other}?fields=meaning`)).meaning, [1, 1, 1]);
});

test("what is no vector, or no place to ask for one, is refused with the reason", async () => {
  const bad: [unknown, RegExp][] = [
    [[1, 2], /^ERROR invalid_value meaning [\s\S]*3 numbers/],
    [[0, 0, 0], /not all zero/],
    [[0, 0, 1e-60], /not all zero/],
    [[1e39, 0, 0], /3 numbers/],
    [["1", 0, 0], /3 numbers/],
    [[null, 0, 0], /3 numbers/],
    ["[NaN,1,1]", /3 numbers/],
    ["[Infinity,1,1]", /3 numbers/],
    [{}, /3 numbers/],
  ];
  for (const [meaning, says] of bad) await refused("/docs", says, "POST", { name: "bad", meaning });
  await refused("/docs", /^ERROR/, "POST", '{"name":"bad","meaning":[1e999,0,0]}');
  await refused("/docs?near=[1,2]", /^ERROR invalid_value near cannot be so: it has 2 numbers, and 3 are expected/);
  await refused("/docs?near=[0,0,0]", /points nowhere/);
  await refused("/docs?near=[NaN,0,0]", /no list of numbers/);
  await refused("/docs?near=[1e999,0,0]", /place 1 is no number/);
  await refused("/docs?near=x'); drop table contacts", /no list of numbers/);
  await refused("/docs?near=meanin:[1,0,0]", /no vector "?meanin"?[\s\S]*did you mean meaning/);
  await refused("/docs?near=[1,0,0]&sort=name", /near and sort= do not go together/);
  await refused("/docs?near=[1,0,0]&search=a", /do not go together/);
  await refused("/docs?near=[1,0,0]&limit=all", /do not go together/);
  await refused("/docs?near=[1,0,0]&near=[1,0,0]", /stands 2 times/);
  await refused("/docs?meaning=[1,0,0]", /^ERROR invalid_op/);
  await refused("/docs?sort=meaning", /^ERROR invalid_sort/);
  await refused("/contacts?near=[1,0,0]", /^ERROR invalid_filter/);
  await refused("/docs?near=[1,0,0]", /^ERROR invalid_filter/, "DELETE");
  await refused("/lists", /^ERROR invalid_filter/, "POST", { name: "n", kind: "doc", query: "near=[1,0,0]" });
  for (const type of ["vector", "vector(0)", "vector(4097)", "vector(1.5)", "vector(3);--", "vector(n)"])
    await refused("/kinds/doc/fields", /^ERROR invalid_value .*vector[\s\S]*how many numbers, at most 4096/, "POST", {
      name: "v2",
      type,
    });
  await refused("/kinds", /^ERROR (invalid_value|missing_field)/, "POST", {
    name: "v",
    title: "a",
    fields: { a: "vector(3)" },
  });
  await refused("/kinds", /^ERROR/, "POST", { name: "v", natural_key: "a", fields: { name: "text", a: "vector(3)" } });
});

test("built-in kinds have vectors too, several of them, and another workspace has none of it", async () => {
  await done(ann, "POST", "/kinds/contact/fields", { fields: { face: "vector(2)", voice: "Vector (4)" } });
  const jane = await done(ann, "POST", "/contacts", { name: "Jane", face: [1, 0], voice: [0, 0, 0, 1] });
  await done(ann, "POST", "/contacts", { name: "Kim", face: [0, 1], voice: [1, 0, 0, 0] });
  const first = async (query: string) => (await done(ann, "GET", `/contacts?${query}&limit=1`)).items[0].name;
  assert.equal(await first("near=face:[1,0.2]"), "Jane");
  assert.equal(await first("near=voice:[1,0,0,0.2]"), "Kim");
  await refused("/contacts?near=[1,0]", /does not say which vector/);
  await done(ann, "PATCH", `/docs/${ids.east}`, { of_id: jane.id });
  assert.equal((await done(ann, "GET", `/contacts/${jane.id}/docs?near=[1,0,0]`)).items[0].name, "east");
  await refused("/docs?near=[1,0,0]", /^ERROR not_found/, "GET", undefined, bob);
  await done(bob, "POST", "/kinds", { name: "doc", fields: { name: "text", meaning: "vector(2)" } });
  await done(bob, "POST", "/docs", { name: "Bob's", meaning: [1, 1] });
  assert.deepEqual(await near("near=[1,0]", bob), ["Bob's"]);
  const openapi = (await ann.send("GET", "/openapi.json")).text;
  assert.match(openapi, /"near"/);
  assert.doesNotMatch((await service.send("GET", "/openapi.json")).text, /"name":"near"/);
});

test("a vector that no address has room for goes in a batch", async () => {
  await done(ann, "POST", "/kinds", { name: "page", fields: { name: "text", gist: "vector(1536)" } });
  const gist = Array.from({ length: 1536 }, (_, i) => Math.sin(i + 1));
  await done(ann, "POST", "/pages", { name: "one", gist });
  const path = `/pages?near=[${gist.join()}]`;
  await refused(path.slice(0, 9_000), /^ERROR uri_too_long[\s\S]*POST \/batch/);
  const { text } = await ann.send("POST", "/batch", [{ path }]);
  assert.match(text, /^# \$1 200[\s\S]*name=one .*similarity=1\b/);
  assert.match((await ann.send("POST", "/batch", [{ path: path.repeat(4) }])).text, /^# \$1 414[\s\S]*less in one request$/m);
  const called = { name: "read", arguments: { path } };
  const { text: told } = await ann.send("POST", "/mcp", { jsonrpc: "2.0", id: 1, method: "tools/call", params: called });
  assert.match(told, /similarity=1\b/);
});

test("the whole workspace goes out and in with its vectors", async () => {
  const { text } = await ann.send("GET", "/export");
  const odd = text.replace(/"\[1,0,0\]"/, '"[1,0]"').replace(/"\[1, ?0, ?0\]"/, '"[1,0]"');
  const type = { "content-type": "application/x-ndjson" };
  const other = await startService();
  const dora = await other.signIn("dora@example.com");
  assert.match(
    (await dora.send("POST", "/import", odd, type)).text,
    /^ERROR invalid_value line \d+ is refused: .*meaning cannot be/,
  );
  const read = await dora.send("POST", "/import", text, type);
  assert.equal(read.status, 200, read.text);
  assert.deepEqual(await near("near=[1,0,0]", dora), await near("near=[1,0,0]"));
  await other.close();
});
