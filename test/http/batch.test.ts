import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { type Client, type Service, startService } from "../helpers/service.ts";

let service: Service;
let ann: Client;
before(async () => {
  service = await startService();
  ann = await service.signIn();
});
after(() => service.close());

const batch = (requests: object[], query = "") => ann.send("POST", `/batch${query}`, JSON.stringify(requests));
const found = async (path: string) => (await ann.send("GET", `${path}&format=json`)).json().items.length;

const SALE = [
  { method: "POST", path: "/companies", body: { name: "Batch Ltd", domain: "batch.example" } },
  {
    method: "POST",
    path: "/contacts",
    body: { name: "Bea Batch", email: "bea@batch.example", company_id: "$1.id", tags: ["$1.id"] },
  },
  { method: "POST", path: "/contacts/$2.id/activities", body: { kind: "call", body: "costs $1.id a piece" } },
  { method: "GET", path: "/contacts?company_id=$1.id&fields=name" },
];

test("requests are answered in order, and later ones take the ids of earlier ones", async () => {
  const { text, status } = await batch(SALE);
  assert.equal(status, 200);
  const heads = text.split("\n").filter((line) => line.startsWith("# $"));
  assert.deepEqual(
    heads.map((line) => line.split(" ")[2]),
    ["201", "201", "201", "200"],
    text,
  );
  assert.match(text, /company="Batch Ltd"/);
  assert.match(text, /body="costs \$1\.id a piece"/);
  assert.match(text, /name="Bea Batch"\n# 1 contact\n# 4 requests\n$/);
});

test("JSON and a line each mean the same; a refused request does not keep the others from being done", async () => {
  const lines = [
    '{"method":"POST","path":"/companies?format=json","body":{"name":"Lines Ltd"}}',
    '{"method":"POST","path":"/contacts","body":{"nmae":"x"}}',
    '{"method":"PATCH","path":"/companies/$2.id","body":{"industry":"x"}}',
    '{"method":"PATCH","path":"/companies/$1.id","body":{"industry":"energy"}}',
  ].join("\n");
  const { items } = (await ann.send("POST", "/batch?format=json", lines)).json();
  assert.deepEqual(
    items.map(({ status }: { status: number }) => status),
    [201, 400, 422, 200],
  );
  assert.equal(items[3].body.industry, "energy");
  assert.match(items[2].body.message, /request 2 was answered with 400/);
});

test("an atomic batch does all or nothing, is undone by its request, and is repeated under its key", async () => {
  const name = "Atomic Ltd";
  const requests = [
    { method: "POST", path: "/companies", body: { name } },
    { method: "POST", path: "/tasks", body: { titel: "x" } },
  ];
  const refused = await batch(requests, "?atomic=true");
  assert.deepEqual([refused.status, refused.text.split(" ")[1]], [400, "invalid_field"], refused.text);
  assert.match(refused.text, /request 2 of 2 \(POST \/tasks\) was refused with 400, so nothing was done/);
  assert.equal(await found("/companies?name=Atomic Ltd"), 0);
  const good = JSON.stringify([
    requests[0],
    { method: "POST", path: "/tasks", body: { title: "after $1.id", company_id: "$1.id" } },
  ]);
  const key = { "idempotency-key": "batch-1" };
  const done = await ann.send("POST", "/batch?atomic=true", good, key);
  assert.equal(done.status, 200, done.text);
  assert.equal((await ann.send("POST", "/batch?atomic=true", good, key)).text, done.text);
  assert.equal((await ann.send("POST", "/batch?atomic=true", good.replace("after", "before"), key)).status, 422);
  assert.equal((await batch([{ path: "/contacts" }], "?atomic=perhaps")).status, 400, "what was meant as all or nothing");
  assert.equal(await found("/companies?name=Atomic Ltd"), 1);
  const undone = await ann.send("POST", "/undo", { request: done.headers.get("x-request-id") });
  assert.match(undone.text, /1 company deleted, 1 task deleted|1 task deleted, 1 company deleted/);
  assert.equal((await batch([{ method: "POST", path: "/tokens", body: { name: "x" } }], "?atomic=true")).status, 400);
});

test("a batch is rehearsed and proposed like any write", async () => {
  const dry = await batch([{ method: "POST", path: "/companies", body: { name: "Dry Ltd" } }], "?dry_run=true");
  assert.match(dry.text, /dry run, nothing is changed\n$/);
  assert.equal(await found("/companies?name=Dry Ltd"), 0);
  const kept = await batch([{ method: "POST", path: "/companies", body: { name: "Kept Ltd" } }], "?propose=true&format=json");
  assert.equal(kept.status, 202, kept.text);
  const { id, mark } = kept.json();
  assert.equal((await ann.send("POST", `/proposals/${id}/approve`, { mark })).status, 200);
  assert.equal(await found("/companies?name=Kept Ltd"), 1);
  const half = [
    { method: "POST", path: "/tasks", body: { title: "a" } },
    { method: "POST", path: "/tasks", body: { titel: "b" } },
  ];
  const open = (await ann.send("GET", "/proposals?format=json")).json().items.length;
  const refused = await batch(half, "?propose=true");
  assert.match(refused.text, /^ERROR invalid_field request 2 of 2 \(POST \/tasks\) was refused/, "who approves sees all of it");
  assert.equal((await ann.send("GET", "/proposals?format=json")).json().items.length, open);
});

test("what is no batch is refused before anything is done", async () => {
  for (const body of [
    "",
    "[]",
    "[1]",
    '[{"path":"contacts"}]',
    '[{"method":"PUT","path":"/contacts"}]',
    '[{"path":"/batch"}]',
    '[{"path":"/a","headers":{}}]',
    "{",
  ])
    assert.equal((await ann.send("POST", "/batch", body)).status, 400, body);
  assert.equal((await batch(Array.from({ length: 101 }, () => ({ path: "/contacts" })))).status, 400);
});

test("what cannot be taken back is refused where a batch is: a rehearsal or a proposal mints no token", async () => {
  const minting = { method: "POST", path: "/tokens", body: { name: "evil", scopes: ["write", "delete"] } };
  const file = { method: "POST", path: "/contacts/import", body: { name: "By a file" } };
  const tokens = async () => (await ann.send("GET", "/tokens?format=json")).json().items.length;
  const { token } = (await ann.send("POST", "/tokens?format=json", { name: "few", scopes: ["read", "propose"] })).json();
  const before = await tokens();
  const few = { authorization: `Bearer ${token}` };
  const proposed = await ann.send("POST", "/batch?format=json", JSON.stringify([minting]), few);
  assert.equal(proposed.json().changes ?? 0, 0);
  for (const query of ["?dry_run=true", "?propose=true", "?atomic=true"]) await batch([minting, file], query);
  await ann.send("POST", "/batch", JSON.stringify([minting]), { "idempotency-key": "mint" });
  const { items } = (await ann.send("GET", "/proposals?state=open&format=json")).json();
  for (const { id, mark } of items) await ann.send("POST", `/proposals/${id}/approve`, { mark });
  assert.equal(await tokens(), before);
  assert.equal(await found("/contacts?name=By a file"), 0);
});

test("the list may stand in an object, and a path may be called url", async () => {
  const send = (body: string) => ann.send("POST", "/batch", body);
  const inside = '[{"method":"GET","url":"/contacts?limit=1"}]';
  assert.match((await send(`{"requests":${inside}}`)).text, /^# \$1 200 GET \/contacts[\s\S]*\n# 1 request\n$/);
  assert.match((await send(`{\n "operations" : ${inside}}`)).text, /^# \$1 200 GET/);
  assert.match((await send(`{"requests":${inside},"x":1}`)).text, /^ERROR bad_request request 1 of the batch has "requests"/);
});
