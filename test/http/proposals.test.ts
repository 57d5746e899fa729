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

const read = async (path: string) => (await ann.send("GET", `${path}?format=json`)).json();

async function make(path: string, body: object) {
  const reply = await ann.send("POST", `${path}?format=json`, body);
  assert.ok(reply.status < 300, reply.text);
  return reply.json();
}

async function bot(scopes: string[]) {
  const { token } = (await ann.send("POST", "/tokens?format=json", { name: "bot", scopes })).json();
  return (method: string, path: string, body?: unknown) =>
    ann.send(method, path, body, { authorization: `Bearer ${token}`, "x-agent": "bot/1", "x-reason": "because" });
}

test("a token that may only propose changes nothing until its proposal is approved", async () => {
  const { id } = await make("/contacts", { name: "Pro Posed", stage: "lead" });
  const send = await bot(["read", "propose"]);
  const kept = await send("PATCH", `/contacts/${id}`, { stage: "won", follow_up_at: "+1d" });
  assert.equal(kept.status, 202, kept.text);
  assert.match(
    kept.text,
    /^proposal\/pp_\w{8} .*state=open request="?PATCH \/contacts\/\S+ changes=1 mark=\S+ reason=because agent=bot\/1/,
  );
  assert.match(kept.text, /\n# contact\/c_\w{8} updated: stage: "?lead"? -> "?won"?; follow_up_at: null -> /);
  assert.equal((await read(`/contacts/${id}`)).stage, "lead");
  const { items } = await read("/proposals");
  const { handle, mark, diff } = items[0];
  assert.deepEqual(diff[0].changes.stage, { from: "lead", to: "won" });
  const path = `/${handle.replace("proposal/", "proposals/")}`;
  assert.equal((await send("POST", `${path}/approve`, { mark })).status, 403, "not by the one who may only propose");
  assert.equal((await ann.send("POST", `${path}/approve`, { mark: "other" })).status, 412);
  const approved = await ann.send("POST", `${path}/approve`, { mark });
  assert.match(approved.text, /state=approved .*decided_by=ann@example\.com.*# approved\n$/s);
  assert.equal((await read(`/contacts/${id}`)).stage, "won");
  const [entry] = (await read(`/contacts/${id}/history`)).items;
  assert.equal(entry.actor, "ann@example.com");
  assert.match(entry.reason, /^pp_\w{8}, proposed by ann@example\.com \(bot\/1\): because$/);
  assert.equal((await ann.send("POST", `${path}/approve`, { mark })).status, 409);
});

test("every kind of write can be proposed: creates, deletions, bulk changes, merges and undos", async () => {
  const send = await bot(["read", "propose"]);
  const one = await make("/contacts", { name: "One", tags: ["p"] });
  const two = await make("/contacts", { name: "Two", tags: ["p"] });
  const approve = async (method: string, path: string, body?: object) => {
    const before = (await read("/audit")).items[0].id;
    const kept = await send(method, `${path}${path.includes("?") ? "&" : "?"}format=json`, body);
    assert.equal(kept.status, 202, kept.text);
    assert.equal((await read("/audit")).items[0].id, before, "nothing was written");
    const { id, mark } = kept.json();
    const done = await ann.send("POST", `/proposals/${id}/approve`, { mark });
    assert.equal(done.status, 200, done.text);
  };
  await approve("POST", "/companies", { name: "Proposed Ltd", domain: "proposed.example" });
  assert.equal((await ann.send("GET", "/companies?domain=proposed.example&format=json")).json().items.length, 1);
  await approve("PATCH", "/contacts?tags=has:p", { stage: "customer" });
  assert.equal((await read(`/contacts/${two.id}`)).stage, "customer");
  await approve("POST", `/contacts/${one.id}/merge`, { from: two.id });
  assert.equal((await read(`/contacts/${two.id}`)).id, one.id);
  const [entry] = (await read(`/contacts/${two.id}/history`)).items;
  await approve("POST", "/undo", { request: entry.request_id });
  assert.equal((await read(`/contacts/${two.id}`)).id, two.id);
  await approve("DELETE", `/contacts/${one.id}`);
  assert.equal((await ann.send("GET", `/contacts/${one.id}`)).status, 404);
});

test("a proposal whose records have moved on says so, and is approved with its new mark", async () => {
  const { id } = await make("/contacts", { name: "Moves", stage: "lead" });
  const kept = (await ann.send("PATCH", `/contacts/${id}?propose=true&format=json`, { stage: "won" })).json();
  await ann.send("PATCH", `/contacts/${id}`, { stage: "customer" });
  const moved = await ann.send("POST", `/proposals/${kept.id}/approve`, { mark: kept.mark });
  assert.deepEqual([moved.status, /stage: "?customer"? -> "?won"?/.test(moved.text)], [412, true], moved.text);
  assert.equal((await read(`/contacts/${id}`)).stage, "customer");
  const { mark } = await read(`/proposals/${kept.id}`);
  assert.notEqual(mark, kept.mark);
  assert.equal((await ann.send("POST", `/proposals/${kept.id}/approve`, { mark })).status, 200);
  assert.equal((await read(`/contacts/${id}`)).stage, "won");
});

test("a proposal is rejected with a reason, and what is refused is not kept", async () => {
  const { id } = await make("/contacts", { name: "Rejected" });
  const kept = (await ann.send("DELETE", `/contacts/${id}?propose=true&format=json`)).json();
  const rejected = await ann.send("POST", `/proposals/${kept.id}/reject`, { reason: "keep her" });
  assert.match(rejected.text, /state=rejected .*decision="keep her"/);
  assert.equal((await ann.send("POST", `/proposals/${kept.id}/approve`, { mark: kept.mark })).status, 409);
  const count = (await read("/proposals")).items.length;
  assert.equal((await ann.send("PATCH", `/contacts/${id}?propose=true`, { nmae: "x" })).status, 400);
  assert.equal((await ann.send("PATCH", `/contacts/${id}?propose=perhaps`, { name: "x" })).status, 400);
  assert.equal((await read("/proposals")).items.length, count);
});

test("two who approve at once make the change once; another workspace sees no proposal", async () => {
  const kept = (await ann.send("POST", "/tasks?propose=true&format=json", { title: "Once" })).json();
  const approve = () => ann.send("POST", `/proposals/${kept.id}/approve`, { mark: kept.mark });
  const replies = await Promise.all([approve(), approve(), approve()]);
  assert.deepEqual(replies.map(({ status }) => status).sort(), [200, 409, 409]);
  assert.equal((await ann.send("GET", "/tasks?title=Once&format=json")).json().items.length, 1);
  const bob = await service.signIn("bob@example.com");
  assert.equal((await bob.send("GET", `/proposals/${kept.id}`)).status, 404);
  assert.equal((await bob.send("GET", "/proposals?format=json")).json().items.length, 0);
  const other = (await ann.send("POST", "/tasks?propose=true&format=json", { title: "Not theirs" })).json();
  assert.equal((await bob.send("POST", `/proposals/${other.id}/approve`, { mark: other.mark })).status, 404);
});

test("a token that may write and not delete is refused a deletion, and no proposal is made of it", async () => {
  const { id } = await make("/contacts", { name: "Stays" });
  const count = (await read("/proposals")).items.length;
  const send = await bot(["read", "write"]);
  assert.equal((await send("DELETE", `/contacts/${id}`)).status, 403);
  assert.equal((await read("/proposals")).items.length, count);
});

test("a proposal is found and approved under its handle, too", async () => {
  const { handle, mark } = (await ann.send("POST", "/tasks?propose=true&format=json", { title: "By its handle" })).json();
  assert.equal((await ann.send("GET", `/${handle}`)).status, 200);
  assert.equal((await ann.send("POST", `/${handle}/approve`, { mark })).status, 200);
});
