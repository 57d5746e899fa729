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

type Made = { id: string; [field: string]: unknown };

async function make(path: string, body: object): Promise<Made> {
  const reply = await ann.send("POST", `${path}?format=json`, body);
  assert.ok(reply.status < 300, reply.text);
  return reply.json();
}

const read = async (path: string) => (await ann.send("GET", `${path}?format=json`)).json();
const changeOf = (reply: { headers: Headers }) => reply.headers.get("x-change")!;
const undo = (body: object, query = "") => ann.send("POST", `/undo${query}`, body);

async function remove(path: string) {
  const { confirm } = (await ann.send("DELETE", `${path}?format=json`)).json();
  const reply = await ann.send("DELETE", `${path}?confirm=${confirm}`);
  assert.equal(reply.status, 200, reply.text);
  return reply;
}

/** A record without what every write moves on. */
const lasting = ({ version: _, updated_at: __, ...rest }: Record<string, unknown>) => rest;

test("a change of fields goes back, those of others stay and are told", async () => {
  const { id } = await make("/contacts", { name: "Una Do", stage: "lead", custom: { a: 1, b: 2 } });
  const path = `/contacts/${id}`;
  const change = changeOf(await ann.send("PATCH", path, { stage: "won", title: "CTO", custom: { a: 9, c: 3 } }));
  await ann.send("PATCH", path, { title: "CEO", custom: { d: 4 } });
  const reply = await undo({ change });
  assert.match(
    reply.text,
    /^OK undone: 1 contact updated\nundone=1\nleft=1\n.*left contact\/c_\w+ title: it has been changed since/s,
  );
  const now = await read(path);
  assert.deepEqual([now.stage, now.title, now.custom], ["lead", "CEO", { a: 1, b: 2, d: 4 }]);
  const [entry] = (await read(`${path}/history`)).items;
  assert.deepEqual([entry.action, entry.changes.stage], ["updated", { from: "won", to: "lead" }]);
  const again = await undo({ change });
  assert.match(again.text, /^OK undone: nothing/);
  assert.match((await undo({ change, force: true })).text, /undone=1\nleft=0/);
  assert.equal((await read(path)).title, null);
});

test("an undo is a change, and is undone like one", async () => {
  const { id } = await make("/contacts", { name: "Twice", stage: "lead" });
  const change = changeOf(await ann.send("PATCH", `/contacts/${id}`, { stage: "won" }));
  const undone = await undo({ change });
  assert.equal((await read(`/contacts/${id}`)).stage, "lead");
  await undo({ change: changeOf(undone) });
  assert.equal((await read(`/contacts/${id}`)).stage, "won");
});

test("a deletion goes back with the links and dependents it took, under the same ids", async () => {
  const company = await make("/companies", { name: "Back Ltd", domain: "back.example" });
  const contact = await make("/contacts", { name: "Bea Back", email: "bea@back.example", company_id: company.id });
  const deal = await make("/deals", { title: "Backwards", contact_id: contact.id });
  const activity = await make("/activities", { kind: "call", body: "hello", contact_id: contact.id });
  const gone = await remove(`/contacts/${contact.id}`);
  assert.match(gone.text, /HINT {2}to take this back: POST \/undo \{"change":"ch_\w{8}"\}/);
  assert.equal((await read(`/deals/${deal.id}`)).contact_id, null);
  const hint = (await ann.send("GET", `/contacts/${contact.id}`)).text;
  assert.match(hint, /deleted .* by ann@example\.com/);
  assert.match(hint, new RegExp(`POST /contacts/c_${contact.id.slice(-8)}/restore`));
  const back = await undo({ change: changeOf(gone) });
  assert.match(back.text, /1 contact restored/);
  assert.deepEqual(lasting(await read(`/contacts/${contact.id}`)), lasting(contact));
  assert.deepEqual(lasting(await read(`/deals/${deal.id}`)), lasting(deal));
  assert.deepEqual(lasting(await read(`/activities/${activity.id}`)), lasting(activity));
});

test("restore brings a record back, or names who has its place", async () => {
  const made = await make("/contacts", { name: "Res Tore", email: "res@back.example" });
  await remove(`/contacts/${made.id}`);
  const other = await make("/contacts", { name: "New Owner", email: "RES@back.example" });
  assert.notEqual(other.id, made.id);
  const refused = await ann.send("POST", `/contacts/${made.id}/restore`);
  assert.equal(refused.status, 409, refused.text);
  assert.match(refused.text, new RegExp(`contact c_${other.id.slice(-8)} has its email now`));
  await ann.send("PATCH", `/contacts/${other.id}`, { email: "other@back.example" });
  const restored = await ann.send("POST", `/contacts/${made.id}/restore`);
  assert.match(restored.text, /^contact\/c_\w{8} name="Res Tore" email=res@back.example .*\n# restored ch_\w{8}\n$/s);
  assert.match((await ann.send("POST", `/contacts/${made.id}/restore`)).text, /# unchanged\n$/);
});

test("a creation goes back as a deletion, unless it is in use by now", async () => {
  const lonely = await ann.send("POST", "/companies", { name: "Lonely Ltd" });
  assert.match((await undo({ change: changeOf(lonely) })).text, /1 company deleted/);
  const used = await ann.send("POST", "/companies", { name: "Used Ltd" });
  const id = /company\/(\S+)/.exec(used.text)![1]!;
  const { id: contact } = await make("/contacts", { name: "User", company_id: id });
  assert.match((await undo({ change: changeOf(used) })).text, /left company\/co_\w+: contact c_\w+ links to it/);
  assert.match((await undo({ change: changeOf(used), force: true })).text, /1 company deleted, 1 contact updated/);
  assert.equal((await read(`/contacts/${contact}`)).company_id, null);
});

test("a record goes back to a version", async () => {
  const { id } = await make("/contacts", { name: "Version One", tags: ["a"] });
  await ann.send("PATCH", `/contacts/${id}`, { name: "Version Two", tags: ["b"], phone: "+49 30 1234567" });
  await ann.send("PATCH", `/contacts/${id}`, { title: "Third" });
  assert.match((await undo({ record: id, version: 1 })).text, /1 contact updated/);
  const now = await read(`/contacts/${id}`);
  assert.deepEqual([now.name, now.tags, now.phone, now.title, now.version], ["Version One", ["a"], null, null, 4]);
  assert.equal((await undo({ record: id, version: 9 })).status, 404);
});

test("what a token or an agent did since goes back, newest first, and keys that were swapped are swapped back", async () => {
  const one = await make("/contacts", { name: "One", email: "one@swap.example" });
  const two = await make("/contacts", { name: "Two", email: "two@swap.example" });
  const minted = (await ann.send("POST", "/tokens?format=json", { name: "bot" })).json();
  const bot = (method: string, path: string, body?: unknown) =>
    ann.send(method, path, body, { authorization: `Bearer ${minted.token}`, "x-agent": "swapper" });
  await bot("PATCH", `/contacts/${one.id}`, { email: "tmp@swap.example" });
  await bot("PATCH", `/contacts/${two.id}`, { email: "one@swap.example" });
  await bot("PATCH", `/contacts/${one.id}`, { email: "two@swap.example" });
  await bot("POST", "/contacts", { name: "Three", email: "three@swap.example" });
  const misnamed = await undo({ agent: "swap", since: "-1h" });
  assert.match(misnamed.text, /not_found .* of the agent swap\nHINT {2}changes since then are of: .*"swapper"/);
  const [entry] = (await read("/audit")).items;
  for (const wish of [{ token: entry.token_id }, { agent: "swapper" }]) {
    assert.equal((await undo(wish)).status, 400, "since is needed");
    const reply = await undo({ ...wish, since: "-1h" });
    assert.match(reply.text, wish.token ? /2 contacts updated/ : /nothing/);
  }
  assert.equal((await read(`/contacts/${one.id}`)).email, "one@swap.example");
  assert.equal((await read(`/contacts/${two.id}`)).email, "two@swap.example");
  assert.equal((await ann.send("GET", "/contacts?email=three@swap.example&format=json")).json().items.length, 0);
});

test("a dry run of any write changes nothing and says what would be", async () => {
  const before = (await read("/audit")).items[0].id;
  const created = await ann.send("POST", "/contacts?dry_run=true", { name: "Dry", email: "dry@run.example" });
  assert.match(created.text, /^contact\/c_\w+ name=Dry .*\n# would be created\n$/s);
  assert.equal(created.status, 200);
  const { id } = await make("/contacts", { name: "Wet", email: "wet@run.example" });
  const change = changeOf(await ann.send("PATCH", `/contacts/${id}`, { stage: "won" }));
  const patched = await ann.send("PATCH", `/contacts/${id}?dry_run=1&format=json`, { stage: "lost" });
  assert.deepEqual([patched.json().stage, patched.json().dry_run, patched.headers.get("x-change")], ["lost", true, null]);
  assert.match(
    (await ann.send("DELETE", `/contacts/${id}?dry_run=true`)).text,
    /^OK dry run, nothing is changed; deleted contact\/.*\ndry_run=true\n/s,
  );
  assert.match((await undo({ change }, "?dry_run=true")).text, /^OK dry run, .*1 contact updated/);
  assert.equal((await ann.send("POST", "/contacts?dry_run=maybe", { name: "Never" })).status, 400);
  const token = await ann.send("POST", "/tokens?dry_run=true", { name: "x" });
  assert.deepEqual([token.status, /POST \/tokens is no write of records/.test(token.text)], [400, true], token.text);
  assert.equal((await read(`/contacts/${id}`)).stage, "won");
  const { items } = await read("/audit");
  assert.deepEqual(items.map((item: Made) => item.id).indexOf(before), 2, "two real changes since");
});

test("undo needs the scopes of the inverse writes, and reaches no other workspace", async () => {
  const made = await ann.send("POST", "/companies", { name: "Scoped Ltd" });
  const minted = (await ann.send("POST", "/tokens?format=json", { name: "few", scopes: ["read", "write"] })).json();
  const few = { authorization: `Bearer ${minted.token}` };
  const refused = await ann.send("POST", "/undo", { change: changeOf(made) }, few);
  assert.deepEqual([refused.status, /delete/.test(refused.text)], [403, true], refused.text);
  const bob = await service.signIn("bob@example.com");
  assert.equal((await bob.send("POST", "/undo", { change: changeOf(made) })).status, 404);
  assert.equal((await bob.send("POST", "/undo", { request: made.headers.get("x-request-id")! })).status, 404);
  assert.match((await undo({ request: made.headers.get("x-request-id")! })).text, /1 company deleted/);
});

test("every write is done once for its key, and a refused one leaves the key free", async () => {
  const key = (name: string) => ({ "idempotency-key": name });
  const { id } = await make("/contacts", { name: "Keyed", stage: "lead", tags: ["a"] });
  const path = `/contacts/${id}`;
  const patch = (body: object, name: string) => ann.send("PATCH", path, body, key(name));
  assert.match((await patch({ stage: "won", version: 9 }, "p1")).text, /^ERROR version_conflict/);
  assert.match((await patch({ stage: "won", version: 1 }, "p1")).text, /version=2 .*# updated ch_/s);
  await ann.send("PATCH", path, { stage: "lost" });
  assert.match((await patch({ stage: "won", version: 1 }, "p1")).text, / stage=lost .*# unchanged\n$/s);
  assert.equal((await patch({ stage: "other" }, "p1")).status, 422);
  assert.match((await patch({ stage: "lost" }, "p2")).text, /# unchanged\n$/);
  await ann.send("PATCH", path, { stage: "won" });
  assert.match((await patch({ stage: "lost" }, "p2")).text, / stage=won .*# unchanged\n$/s, "an unchanged write keeps its key");
  const asked = await ann.send("DELETE", `${path}?format=json`, undefined, key("d1"));
  const done = await ann.send("DELETE", `${path}?confirm=${asked.json().confirm}`, undefined, key("d1"));
  assert.equal(done.status, 200, done.text);
  assert.equal((await ann.send("DELETE", path, undefined, key("d1"))).text, done.text);
  const change = changeOf(done);
  const undone = await ann.send("POST", "/undo", { change }, key("u1"));
  await remove(path);
  assert.equal((await ann.send("POST", "/undo", { change }, key("u1"))).text, undone.text);
  assert.equal((await ann.send("GET", path)).status, 404, "nothing came back again");
  assert.match((await ann.send("POST", `${path}/restore`, undefined, key("r1"))).text, /# restored ch_/);
  assert.match((await ann.send("POST", `${path}/restore`, undefined, key("r1"))).text, /# unchanged\n$/);
});

test("a list is changed in place, in creates and upserts too, and never beyond its limit", async () => {
  const email = "tags@list.example";
  const made = await make("/contacts", { name: "Tagged", email, tags: { add: ["a", "b", "a"], remove: ["z"] } });
  assert.deepEqual(made.tags, ["a", "b"]);
  const change = await ann.send("PATCH", `/contacts/${made.id}`, { tags: { add: ["c", "b"], remove: ["a", "none"] } });
  assert.match(change.text, / tags=b,c /);
  assert.match((await ann.send("POST", "/contacts", { email, tags: { add: ["d"] } })).text, / tags=b,c,d /);
  assert.match((await ann.send("POST", "/contacts", { email, tags: { remove: ["none"] } })).text, /# updated \(unchanged\)/);
  await Promise.all(
    Array.from({ length: 8 }, (_, i) => ann.send("PATCH", `/contacts/${made.id}`, { tags: { add: [`t${i}`] } })),
  );
  assert.equal((await read(`/contacts/${made.id}`)).tags.length, 11, "none of the racing ones is lost");
  const many = Array.from({ length: 95 }, (_, i) => `m${i}`);
  const refused = await ann.send("PATCH", `/contacts/${made.id}`, { tags: { add: many } });
  assert.deepEqual([refused.status, /more than 100/.test(refused.text)], [400, true], refused.text);
  assert.equal((await ann.send("PATCH", `/contacts/${made.id}`, { tags: { plus: ["x"] } })).status, 400);
  await ann.send("PATCH", `/contacts/${made.id}`, { tags: { remove: (await read(`/contacts/${made.id}`)).tags } });
  assert.deepEqual((await read(`/contacts/${made.id}`)).tags, []);
});

test("If-None-Match: * makes a POST refuse what would be an update", async () => {
  const only = { "if-none-match": "*" };
  assert.match((await ann.send("POST", "/contacts", { email: "only@new.example" }, only)).text, /# created ch_/);
  const refused = await ann.send("POST", "/contacts", { email: "ONLY@new.example", title: "x" }, only);
  assert.deepEqual([refused.status, refused.text.split(" ")[1]], [409, "already_exists"]);
  const racing = await Promise.all(
    Array.from({ length: 8 }, (_, i) => ann.send("POST", "/contacts", { email: "race@new.example", title: `t${i}` }, only)),
  );
  assert.deepEqual(racing.map(({ status }) => status).sort(), [201, 409, 409, 409, 409, 409, 409, 409]);
});
