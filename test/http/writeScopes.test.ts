import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { catalog } from "../../src/records/all.ts";
import { type Client, type Reply, type Service, startService } from "../helpers/service.ts";

/** `write` is two scopes: `create` adds records and changes none, `update` changes records and adds none. */

let service: Service;
let ann: Client;
before(async () => {
  service = await startService();
  ann = await service.signIn();
});
after(() => service.close());

async function narrowed(...scopes: string[]): Promise<Client["send"]> {
  const { token } = (await ann.send("POST", "/tokens?format=json", { name: "narrow", scopes })).json();
  return (method, path, body, headers = {}) =>
    service.send(method, path, body, { ...headers, authorization: `Bearer ${token}` });
}

function assertLacks(reply: Reply, verb: string, plural: string): void {
  assert.equal(reply.status, 403, reply.text);
  assert.ok(reply.text.startsWith(`ERROR scope_required the token lacks the scope ${verb} or ${plural}.${verb}\n`), reply.text);
  assert.match(reply.headers.get("www-authenticate") ?? "", new RegExp(`error="insufficient_scope", scope="${verb}"`));
}

const made = async (path: string, body: object): Promise<string> =>
  (await ann.send("POST", `${path}?format=json`, body)).json().id;

test("create adds records, and changes none by PATCH or upsert", async () => {
  const id = await made("/contacts", { name: "Known", email: "known@acme.com" });
  for (const scope of ["create", "contacts.create"]) {
    const send = await narrowed("read", scope);
    const email = `${scope}@acme.com`;
    assert.match((await send("POST", "/contacts", { name: "New", email })).text, / name=New .*\n# created ch_\w{8}\n$/);
    assert.equal((await send("POST", "/contacts", { name: "No address" })).status, 201);
    for (const known of ["known@acme.com", "KNOWN@acme.com", email])
      for (const more of [{ name: "Changed" }, { name: "Known" }, {}])
        assertLacks(await send("POST", "/contacts", { email: known, ...more }), "update", "contacts");
    assertLacks(await send("PATCH", `/contacts/${id}`, { name: "Changed" }), "update", "contacts");
    assert.equal((await send("DELETE", `/contacts/${id}`)).status, 403);
  }
  const { name, version } = (await ann.send("GET", `/contacts/${id}?format=json`)).json();
  assert.deepEqual([name, version], ["Known", 1]);
});

test("update changes records by PATCH or upsert, and adds none", async () => {
  for (const scope of ["update", "contacts.update"]) {
    const email = `old.${scope}@acme.com`;
    const id = await made("/contacts", { name: "Old", email, custom: { kept: 1 } });
    const send = await narrowed("read", scope);
    const upsert = (body: object, headers = {}) => send("POST", "/contacts", { email, ...body }, headers);
    assert.match((await upsert({ stage: "lead", custom: { more: 2 } })).text, / stage=lead .*\n# updated ch_\w{8}\n$/s);
    assert.match((await upsert({ stage: "lead" })).text, /\n# updated \(unchanged\)\n$/);
    assert.match((await send("POST", "/contacts", { email: email.toUpperCase() })).text, /\n# updated \(unchanged\)\n$/);
    assert.match((await send("PATCH", `/contacts/${id}`, { name: "Newer" })).text, /\n# updated ch_\w{8}\n$/);
    assert.equal((await upsert({ stage: "x", version: 1 })).status, 412);
    const key = { "idempotency-key": `k-${scope}` };
    assert.match((await upsert({ stage: "won" }, key)).text, /\n# updated ch_\w{8}\n$/);
    await ann.send("PATCH", `/contacts/${id}`, { stage: "later" });
    assert.match((await upsert({ stage: "won" }, key)).text, / stage=later /, "once for its key");
    assertLacks(await send("POST", "/contacts", { name: "New", email: "new@acme.com" }), "create", "contacts");
    assertLacks(await send("POST", "/contacts", { name: "No address" }), "create", "contacts");
    const { email: now, custom, version } = (await ann.send("GET", `/contacts/${id}?format=json`)).json();
    assert.deepEqual([now, custom, version], [email, { kept: 1, more: 2 }, 5]);
  }
  assert.match((await ann.send("GET", "/contacts?email=new@acme.com")).text, /# 0 contacts/);
});

test("a kind without a natural key asks for create alone, also under another record", async () => {
  const contact = await made("/contacts", { name: "Held" });
  for (const { plural, naturalKey, example, needsOneOf, links } of catalog.kinds) {
    // Of those with links that must be there, the tests of campaigns tell.
    if (naturalKey !== undefined || links.some(({ id }) => id.required || id.fixed)) continue;
    const linking = links.flatMap(({ id, shown }) => [id.name, shown.name]);
    const body = Object.fromEntries(Object.entries(example).filter(([name]) => !linking.includes(name)));
    const linked = needsOneOf ? { ...body, contact_id: contact } : body;
    const held = links.some(({ target }) => target.name === "contact") ? [`/contacts/${contact}/${plural}`] : [];
    for (const path of [`/${plural}`, ...held]) {
      const sent = path === `/${plural}` ? linked : body;
      assertLacks(await (await narrowed(`${plural}.update`))("POST", path, sent), "create", plural);
      assertLacks(await (await narrowed("contacts.create"))("POST", path, sent), "create", plural);
      const { status, text } = await (await narrowed(`${plural}.create`))("POST", path, sent);
      assert.equal(status, 201, text);
    }
  }
});

test("with neither a POST that may do either names write", async () => {
  assertLacks(await (await narrowed("read"))("POST", "/contacts", { name: "x" }), "write", "contacts");
  assertLacks(await (await narrowed("deals.write"))("POST", "/contacts", { name: "x" }), "write", "contacts");
});

test("a create repeated under its key is answered, and a refused one leaves its key free", async () => {
  const send = await narrowed("read", "create");
  const body = { name: "Once", email: "once@acme.com" };
  const key = { "idempotency-key": "once" };
  assert.equal((await send("POST", "/contacts", body, key)).status, 201);
  assert.match((await send("POST", "/contacts", body, key)).text, /\n# unchanged\n$/);
  const other = { "idempotency-key": "other" };
  for (let n = 0; n < 2; n++)
    assertLacks(await send("POST", "/contacts", { ...body, stage: "won" }, other), "update", "contacts");
  assert.match(
    (await ann.send("POST", "/contacts", { ...body, stage: "won" }, other)).text,
    / stage=won .*\n# updated ch_\w{8}\n$/s,
  );
});

test("of many creates at once one is made, and the others change nothing", async () => {
  const send = await narrowed("create");
  const race = Array.from({ length: 12 }, (_, n) => send("POST", "/contacts", { name: `Racer ${n}`, email: "race@acme.com" }));
  const statuses = (await Promise.all(race)).map(({ status }) => status);
  assert.deepEqual(statuses.sort(), [201, ...new Array(11).fill(403)]);
  assert.equal((await ann.send("GET", "/contacts?email=race@acme.com&format=json")).json().items[0].version, 1);
});

test("write hands out its halves, both halves hand out write, and one does not", async () => {
  const mint = async (own: string[], scopes: string[]) =>
    (await (await narrowed(...own))("POST", "/tokens", { name: "child", scopes })).status;
  assert.equal(await mint(["write"], ["create", "contacts.update"]), 201);
  assert.equal(await mint(["contacts.write"], ["contacts.create"]), 201);
  assert.equal(await mint(["create", "update"], ["write", "deals.write"]), 201);
  assert.equal(await mint(["create"], ["write"]), 403);
  assert.equal(await mint(["create"], ["update"]), 403);
  assert.equal(await mint(["contacts.create"], ["create"]), 403);
  assert.equal(await mint(["contacts.create", "update"], ["contacts.write"]), 201);
  assert.equal((await ann.send("POST", "/tokens", { scopes: ["contacts.admin"] })).status, 400);
});
