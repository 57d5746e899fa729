import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { catalog } from "../../src/records/all.ts";
import { type Client, type Service, startService } from "../helpers/service.ts";

let service: Service;
let ann: Client;
before(async () => {
  service = await startService();
  ann = await service.signIn();
});
after(() => service.close());

const read = async (path: string) => (await ann.send("GET", `${path}${path.includes("?") ? "&" : "?"}format=json`)).json();

async function make(path: string, body: object): Promise<string> {
  const reply = await ann.send("POST", `${path}?format=json`, body);
  assert.ok(reply.status < 300, reply.text);
  return reply.json().id;
}

/** Both steps. */
async function bulk(method: string, path: string, body?: object) {
  const asked = await ann.send(method, `${path}&format=json`, body);
  assert.equal(asked.status, 409, asked.text);
  return ann.send(method, `${path}&confirm=${asked.json().confirm}`, body);
}

const people = async (tag: string, count: number) => {
  for (let i = 0; i < count; i++) await make("/contacts", { name: `${tag} ${i}`, tags: [tag], stage: "lead" });
};

test("all that the filters find is changed in two steps, and one undo takes it back", async () => {
  await people("bulk", 7);
  const asked = await ann.send("PATCH", "/contacts?tags=has:bulk", { stage: "customer", tags: { add: ["vip"] } });
  assert.equal(asked.status, 409);
  assert.match(
    asked.text,
    /^ERROR confirmation_required this would change 7 contacts\n(HINT {2}contact\/c_\w{8} "bulk \d"\n){5}HINT {2}and 2 more\n/,
  );
  assert.match(asked.text, /PATCH \/contacts\?tags=has%3Abulk&confirm=/);
  const done = await bulk("PATCH", "/contacts?tags=has:bulk", { stage: "customer", tags: { add: ["vip"] } });
  assert.match(
    done.text,
    /^OK updated 7 contacts\nupdated=7\nunchanged=0\nrequest=req_\w+\nHINT {2}to take all of it back: POST \/undo/,
  );
  assert.equal((await read("/contacts?tags=has:vip&stage=customer")).items.length, 7);
  assert.match(
    (await bulk("PATCH", "/contacts?tags=has:bulk", { stage: "customer" })).text,
    /updated 0 contacts, 7 were so already/,
  );
  const request = /request=(\S+)/.exec(done.text)![1];
  assert.match((await ann.send("POST", "/undo", { request })).text, /7 contacts updated/);
  assert.equal((await read("/contacts?tags=bulk&stage=lead")).items.length, 7);
});

test("a field is dealt out in turn", async () => {
  await people("dealt", 6);
  await bulk("PATCH", "/contacts?tags=has:dealt", { owner: { evenly: ["sam@x.example", "kim@x.example", "lee@x.example"] } });
  for (const owner of ["sam", "kim", "lee"])
    assert.equal((await read(`/contacts?tags=has:dealt&owner=${owner}@x.example`)).items.length, 2);
  assert.equal((await ann.send("PATCH", "/contacts?tags=has:dealt", { owner: { evenly: [] } })).status, 400);
});

test("the token stands for exactly the set that was told, in its versions, and for the body", async () => {
  await people("moved", 2);
  const path = "/contacts?tags=has:moved";
  const confirmOf = async (body: object) => (await ann.send("PATCH", `${path}&format=json`, body)).json().confirm;
  const token = await confirmOf({ stage: "won" });
  assert.equal((await ann.send("PATCH", `${path}&confirm=${token}`, { stage: "lost" })).status, 409);
  await people("moved", 1);
  assert.equal((await ann.send("PATCH", `${path}&confirm=${token}`, { stage: "won" })).status, 409);
  const fresh = await confirmOf({ stage: "won" });
  const [first] = (await read(path)).items;
  await ann.send("PATCH", `/contacts/${first.id}`, { title: "moved on" });
  assert.equal((await ann.send("PATCH", `${path}&confirm=${fresh}`, { stage: "won" })).status, 409);
  assert.equal((await ann.send("DELETE", `${path}&confirm=${await confirmOf({ stage: "won" })}`)).status, 409);
  assert.equal((await read(`${path}&stage=won`)).items.length, 0);
});

test("no filter needs all=true; pages, keys, versions and unknown words are refused", async () => {
  const refused = async (method: string, path: string, body: object | undefined, said: RegExp) => {
    const reply = await ann.send(method, path, body);
    assert.deepEqual([reply.status, said.test(reply.text)], [400, true], reply.text);
  };
  await refused("PATCH", "/contacts", { stage: "x" }, /all=true/);
  await refused("DELETE", "/companies?format=text", undefined, /all=true/);
  await refused("PATCH", "/contacts?tags=has:a&limit=5", { stage: "x" }, /limit means nothing here/);
  await refused("PATCH", "/contacts?tags=has:a", { email: "a@b.example" }, /belongs to one contact/);
  await refused("PATCH", "/contacts?tags=has:a", { version: 1 }, /version is of one record/);
  await refused("PATCH", "/contacts?taggs=has:a", { stage: "x" }, /taggs/);
  assert.match((await ann.send("PATCH", "/contacts?tags=has:nobody", { stage: "x" })).text, /^OK the filters find no contacts/);
  assert.equal((await ann.send("PATCH", "/contacts?all=true", { stage: "x" })).status, 409);
});

test("a bulk deletion takes dependents along and is undone whole, or record by record", async () => {
  const company = await make("/companies", { name: "Bulk Ltd" });
  const ids = [];
  for (const n of [1, 2, 3]) ids.push(await make("/contacts", { name: `Gone ${n}`, tags: ["gone"], company_id: company }));
  const call = await make("/activities", { kind: "call", contact_id: ids[0] });
  const deal = await make("/deals", { title: "Left", contact_id: ids[1] });
  const done = await bulk("DELETE", "/contacts?tags=has:gone");
  assert.match(done.text, /^OK deleted 3 contacts, clearing its link on .*1 deal/);
  assert.equal((await read(`/deals/${deal}`)).contact_id, null);
  assert.equal((await ann.send("POST", `/contacts/${ids[1]}/restore`)).status, 200);
  assert.equal((await read(`/deals/${deal}`)).contact_id, ids[1]);
  await ann.send("POST", "/undo", { request: /request=(\S+)/.exec(done.text)![1] });
  assert.equal((await read("/contacts?tags=has:gone")).items.length, 3);
  assert.equal((await read(`/activities/${call}`)).contact_id, ids[0]);
});

test("a dry run of a bulk request needs no token and changes nothing; a key does it once", async () => {
  await people("dry", 3);
  const path = "/contacts?tags=has:dry";
  assert.match(
    (await ann.send("PATCH", `${path}&dry_run=true`, { stage: "won" })).text,
    /^OK dry run, nothing is changed; updated 3 contacts\n/,
  );
  assert.match((await ann.send("DELETE", `${path}&dry_run=true`)).text, /^OK dry run, nothing is changed; deleted 3 contacts/);
  assert.equal((await read(`${path}&stage=lead`)).items.length, 3);
  const key = { "idempotency-key": "bulk-1" };
  const { confirm } = (await ann.send("PATCH", `${path}&format=json`, { stage: "won" }, key)).json();
  const first = await ann.send("PATCH", `${path}&confirm=${confirm}`, { stage: "won" }, key);
  await ann.send("PATCH", `/contacts/${(await read(path)).items[0].id}`, { stage: "other" });
  assert.equal((await ann.send("PATCH", path, { stage: "won" }, key)).text, first.text);
  assert.equal((await read(`${path}&stage=other`)).items.length, 1);
});

test("whoever makes one change record by record, or reads what went in bulk, is told how it is done for all at once", async () => {
  const ids = [];
  for (const n of [1, 2, 3]) ids.push(await make("/contacts", { name: `One by one ${n}`, tags: ["byone"] }));
  const notes = [];
  for (const id of ids)
    notes.push(/# many\? .*/.exec((await ann.send("PATCH", `/contacts/${id}`, { stage: "won" })).text)?.[0]);
  const [first, second] = ids.map((id) => `c_${id.slice(-8)}`);
  const many = `# many? PATCH /contacts?id=in:${first},${second},… changes all of them, other filters too: GET /help/bulk`;
  assert.deepEqual(notes, [undefined, many, undefined]);
  await bulk("DELETE", "/contacts?tags=has:byone");
  const [, request] = /bring all of them back: POST \/undo (\{.*\})/.exec((await ann.send("GET", `/contacts/${ids[1]}`)).text)!;
  assert.match((await ann.send("POST", "/undo", request)).text, /3 contacts restored/);
  assert.match(
    (await ann.send("PATCH", "/contacts?deleted=only", { stage: "x" })).text,
    /bring one back: POST \/contacts\/\{id\}\/restore/,
  );
});

test("another workspace's records are neither counted nor changed", async () => {
  const bob = await service.signIn("bob@example.com");
  await bob.send("POST", "/contacts", { name: "Bob's", tags: ["shared"] });
  await people("shared", 1);
  assert.match((await bulk("DELETE", "/contacts?tags=has:shared")).text, /deleted 1 contact\b/);
  assert.equal((await bob.send("GET", "/contacts?tags=has:shared&format=json")).json().items.length, 1);
});

for (const kind of catalog.kinds) {
  test(`${kind.plural} are deleted and restored in bulk`, async () => {
    const links: Record<string, string> = {};
    // What is in another is left out: it would need records of its own.
    for (const { id, target } of kind.links.filter(({ target }) => !target.joins))
      links[id.name] = await make(`/${target.plural}`, linkless(target.example, target.links));
    const made = await make(`/${kind.plural}`, { ...linkless(kind.example, kind.links), ...links });
    const before = await read(`/${kind.plural}/${made}`);
    const done = await bulk("DELETE", `/${kind.plural}?id=${made}`);
    assert.equal(done.status, 200, done.text);
    assert.equal((await read(`/${kind.plural}?id=${made}`)).items?.length ?? 0, 0);
    await ann.send("POST", "/undo", { request: /request=(\S+)/.exec(done.text)![1] });
    const { version: _, updated_at: __, ...now } = await read(`/${kind.plural}/${made}`);
    const { version: ___, updated_at: ____, ...then } = before;
    assert.deepEqual(now, then);
  });
}

function linkless(example: Record<string, unknown>, links: (typeof catalog.kinds)[number]["links"]): Record<string, unknown> {
  const names = links.flatMap(({ id, shown }) => [id.name, shown.name]);
  return Object.fromEntries(Object.entries(example).filter(([name]) => !names.includes(name)));
}
