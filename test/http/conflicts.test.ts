import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { settled } from "../helpers/feed.ts";
import { type Client, type Service, startService } from "../helpers/service.ts";

/** A create that a taken value refused is told in the feed and in the history, and nothing else comes of it. */

let now = Date.parse("2026-06-10T10:00:20Z");
let service: Service;
let ann: Client;
before(async () => {
  service = await startService({ now: () => now });
  ann = await service.signIn();
});
after(() => service.close());

const ONLY_NEW = { "if-none-match": "*" };
type Entry = {
  handle: string;
  action: string;
  record: string;
  version: number | null;
  changes: object;
  reason: string | null;
  after?: unknown;
};

async function feed(query: string) {
  await settled(service.pool);
  return ann.send("GET", `/changes?${query}`);
}

async function conflicts(client = ann, more = ""): Promise<Entry[]> {
  const reply = await client.send("GET", `/audit?action=conflict&limit=500&format=json${more}`);
  assert.equal(reply.status, 200, reply.text);
  return reply.json().items;
}

test("the entry names the record that has the value, who tried and why, and holds nothing of either", async () => {
  const secret = { email: "secret@acme.com", name: "Secret Person", notes: "hidden notes" };
  const { id, handle } = (await ann.send("POST", "/contacts?format=json", secret)).json();
  const since = /next: (\S+)/.exec((await feed("since=now")).text)![1]!;
  const refused = await ann.send(
    "POST",
    "/contacts",
    { name: "Intruder", email: "SECRET@acme.com" },
    { ...ONLY_NEW, "x-reason": "import" },
  );
  assert.equal(refused.status, 409);
  const told = await feed(`since=${since}`);
  assert.match(told.text, /^change\/ch_\w+ .*action=conflict kind=contact record=c_\w+ .*reason=import/m);
  assert.doesNotMatch(told.text, /Secret|secret@|hidden|Intruder/i);
  const [entry, ...others] = await conflicts(ann, "&fields=handle,action,record,version,changes,reason,before,after");
  assert.equal(others.length, 0);
  assert.deepEqual(
    { ...entry, id: undefined, handle: undefined, record: undefined },
    {
      ...{ id: undefined, handle: undefined, action: "conflict", record: undefined, version: null },
      ...{ changes: {}, reason: "import", before: null, after: null },
    },
  );
  assert.equal(entry!.record, id);
  assert.match((await ann.send("GET", `/${handle}/history`)).text, /action=conflict/);
  assert.equal((await ann.send("GET", `/${handle}?format=json`)).json().version, 1, "the record is as it was");
  assert.equal((await ann.send("GET", `/changes?kind=contact&actor=me&since=-1h`)).status, 200);
});

test("a further address that is somebody else's is one too", async () => {
  await ann.send("POST", "/contacts", { name: "Two Addresses", email: "two@acme.com", emails: ["deux@acme.com"] });
  const before = (await conflicts()).length;
  const refused = await ann.send("POST", "/contacts", { name: "Third", email: "third@acme.com", emails: ["deux@acme.com"] });
  assert.equal(refused.status, 409, refused.text);
  assert.equal((await conflicts()).length, before + 1);
  assert.equal((await ann.send("GET", "/contacts?email=third@acme.com&format=json")).json().items.length, 0);
});

test("a loop of conflicts is one entry an hour for each record, however many callers race", async () => {
  await ann.send("POST", "/companies", { name: "Looped", domain: "looped.com" });
  const before = (await conflicts()).length;
  const attempt = () => ann.send("POST", "/companies", { name: "Again", domain: "looped.com" }, ONLY_NEW);
  const replies = await Promise.all(Array.from({ length: 12 }, attempt));
  assert.ok(replies.every(({ status }) => status === 409));
  assert.equal((await conflicts()).length, before + 1);
  now += 3_600_000;
  await attempt();
  await attempt();
  assert.equal((await conflicts()).length, before + 2);
});

test("what is only tried out leaves no entry, and a retry under a key is refused again", async () => {
  await ann.send("POST", "/contacts", { name: "Tried", email: "tried@acme.com" });
  const before = (await conflicts()).length;
  const body = { name: "Other", email: "tried@acme.com" };
  assert.equal((await ann.send("POST", "/contacts?dry_run=true", body, ONLY_NEW)).status, 409);
  assert.equal((await ann.send("POST", "/contacts?propose=true", body, ONLY_NEW)).status, 409);
  assert.equal((await conflicts()).length, before);
  for (const _ of [1, 2])
    assert.equal((await ann.send("POST", "/contacts", body, { ...ONLY_NEW, "idempotency-key": "tried-1" })).status, 409);
  assert.equal((await conflicts()).length, before + 1);
});

test("undo passes over a conflict, and no version leads to one", async () => {
  const { id } = (
    await ann.send("POST", "/contacts?format=json", { name: "Undone", email: "undone@acme.com", notes: "kept" })
  ).json();
  await ann.send("PATCH", `/contacts/${id}`, { notes: "changed" });
  const refused = await ann.send(
    "POST",
    "/contacts",
    { name: "X", email: "undone@acme.com" },
    { ...ONLY_NEW, "x-agent": "looper" },
  );
  const [entry] = await conflicts(ann, `&record=${id}`);
  const change = entry!.handle.slice("change/".length);
  assert.equal((await ann.send("POST", "/undo", { change })).status, 404);
  assert.equal((await ann.send("POST", "/undo", { request: refused.headers.get("x-request-id") })).status, 404);
  assert.equal((await ann.send("POST", "/undo", { agent: "looper", since: "-1h" })).status, 404);
  assert.equal((await ann.send("POST", "/undo", { record: id, version: -Math.floor(now / 3_600_000) })).status, 404);
  assert.equal((await ann.send("POST", "/undo", { record: id, version: 1 })).status, 200);
  assert.equal((await ann.send("GET", `/contacts/${id}?format=json`)).json().notes, "kept");
});

test("another workspace sees none of it, and who may not read the kind neither", async () => {
  const bob = await service.signIn("bob@example.com");
  await bob.send("POST", "/contacts", { name: "Mine", email: "secret@acme.com" }, ONLY_NEW);
  assert.equal((await conflicts(bob)).length, 0, "an address of another workspace is free here");
  const { token } = (
    await ann.send("POST", "/tokens?format=json", { name: "t", scopes: ["companies.read", "contacts.create"] })
  ).json();
  const headers = { authorization: `Bearer ${token}` };
  const blind = await service.send(
    "POST",
    "/contacts",
    { name: "Blind", email: "secret@acme.com" },
    { ...headers, ...ONLY_NEW },
  );
  assert.notEqual(blind.status, 201);
  assert.doesNotMatch(blind.text, /c_\w{8}|Secret/);
  assert.doesNotMatch((await service.send("GET", "/changes?since=-1d", undefined, headers)).text, /kind=contact/);
});

test("a purge leaves conflicts that say nothing, and a deleted record's address is free", async () => {
  const { id } = (await ann.send("POST", "/contacts?format=json", { name: "Erased", email: "erased@acme.com" })).json();
  await ann.send("POST", "/contacts", { name: "Y", email: "erased@acme.com" }, { ...ONLY_NEW, "x-reason": "Erased is here" });
  const first = await ann.send("DELETE", `/contacts/${id}?purge=true&format=json`);
  const purged = await ann.send("DELETE", `/contacts/${id}?purge=true&confirm=${first.json().confirm}`);
  assert.equal(purged.status, 200, purged.text);
  assert.doesNotMatch(
    (await ann.send("GET", `/audit?record=${id}&fields=handle,action,reason,name,changes,after`)).text,
    /Erased is here|erased@/,
  );
  assert.equal((await ann.send("POST", "/contacts", { name: "New", email: "erased@acme.com" }, ONLY_NEW)).status, 201);
});
