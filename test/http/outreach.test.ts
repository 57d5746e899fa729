import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { assertRefused } from "../helpers/lines.ts";
import { type Client, type Service, startService } from "../helpers/service.ts";

/** Who logged what for whom, what is done and since when, and where a program finds out about it all. */

const NOW = Date.parse("2026-06-10T12:00:00Z");

let service: Service;
let ann: Client;
before(async () => {
  service = await startService({ now: () => NOW });
  ann = await service.signIn();
});
after(() => service.close());

const ask = async (method: string, path: string, body?: object | string) => {
  const reply = await ann.send(method, `${path}${path.includes("?") ? "&" : "?"}format=json`, body);
  return { ...reply, body: reply.json() };
};

test("an activity tells on its line who logged it, and for whom", async () => {
  const { id } = (await ask("POST", "/contacts", { name: "Jane" })).body;
  const logged = await ann.send("POST", `/contacts/${id}/activities`, {
    kind: "call",
    body: "x",
    on_behalf_of: "Sam@x.example",
  });
  assert.match(logged.text, / on_behalf_of=sam@x.example by=ann@example.com /);
  assert.match((await ann.send("GET", `/contacts/${id}/activities`)).text, / on_behalf_of=sam@x.example by=ann@example.com /);
  await ask("POST", `/contacts/${id}/activities`, { kind: "call", body: "y", on_behalf_of: "the board" });
  assert.equal((await ask("GET", "/activities?by=me&on_behalf_of=SAM@x.example")).body.items.length, 1);
  assert.equal((await ask("GET", "/activities?by=ne:me")).body.items.length, 0);
  assert.deepEqual((await ask("GET", "/activities?group_by=by")).body.items, [{ by: "ann@example.com", activities: 2 }]);
  assertRefused(
    await ann.send("POST", `/contacts/${id}/activities`, { body: "z", by: "bob@x.example" }),
    400,
    "invalid_field",
    "read-only",
  );
});

test("a call is outreach, a note is not", async () => {
  const make = async (name: string) => (await ask("POST", "/contacts", { name, tags: ["reach"] })).body.id as string;
  const [called, noted] = [await make("Called"), await make("Noted")];
  await make("Untouched");
  await ask("POST", `/contacts/${called}/activities`, { kind: "Call", body: "hello" });
  await ask("POST", `/contacts/${noted}/activities`, { kind: "note", body: "saw her" });
  const names = async (query: string) =>
    (await ask("GET", `/contacts?tags=reach&sort=name&${query}`)).body.items.map(({ name }: { name: string }) => name);
  assert.deepEqual(await names("last_outreach_at=is:null"), ["Noted", "Untouched"]);
  assert.deepEqual(await names("outreach_count=gte:1"), ["Called"]);
  assert.deepEqual(await names("activity_count=gte:1"), ["Called", "Noted"]);
  const shown = await ann.send("GET", `/contacts/${called}?fields=name,last_outreach_at,outreach_count`);
  assert.match(shown.text, /name=Called last_outreach_at=2026-06-10T12:00:00Z outreach_count=1\n/);
  assert.match(
    (await ann.send("GET", `/contacts/${noted}?fields=last_outreach_at,outreach_count`)).text,
    /^contact\/\w+ outreach_count=0\n/,
  );
});

test("a task knows when it was done, and says so in a word too", async () => {
  const { id } = (await ask("POST", "/tasks", { title: "Send quote" })).body;
  const state = async () => {
    const { done, status, done_at } = (await ask("GET", `/tasks/${id}`)).body;
    return [done, status, done_at];
  };
  assert.deepEqual(await state(), [false, "open", null]);
  const done = await ann.send("PATCH", `/tasks/${id}`, { done: true });
  assert.match(done.text, / done=true status=done done_at=2026-06-10T12:00:0\dZ /);
  assert.deepEqual((await ask("GET", "/tasks?done_at=is:null")).body.items, []);
  assert.equal((await ask("GET", "/tasks?status=done")).body.items.length, 1);
  assert.equal((await ask("PATCH", `/tasks/${id}`, { status: "open" })).status, 200);
  assert.deepEqual(await state(), [false, "open", null]);
  assert.equal((await ask("PATCH", `/tasks/${id}`, { status: "Done", done_at: "2026-06-01" })).status, 200);
  assert.deepEqual(await state(), [true, "done", "2026-06-01T00:00:00Z"]);
  assert.match((await ann.send("PATCH", `/tasks/${id}`, "status=done&done=true")).text, /# unchanged\n$/);
  assertRefused(
    await ann.send("PATCH", `/tasks/${id}`, { status: "open", done: true }),
    400,
    "invalid_value",
    "status and done",
  );
  for (const status of ["banana", "", null, 1, "constructor"])
    assertRefused(await ann.send("PATCH", `/tasks/${id}`, { status }), 400, "invalid_value", "status");
  assert.equal((await ask("POST", "/tasks", { title: "Was done", status: "done" })).body.done_at, "2026-06-10T12:00:00Z");
  const { body } = await ask("POST", "/undo", { record: id, version: 1 });
  assert.ok(body.request);
  assert.deepEqual(await state(), [false, "open", null]);
});

test("a search of all kinds can be one of some", async () => {
  await ask("POST", "/companies", { name: "Zebra works" });
  await ask("POST", "/contacts", { name: "Zebra Smith" });
  await ask("POST", "/deals", { title: "Zebra deal" });
  const handles = async (types: string) =>
    (await ann.send("GET", `/search?q=zebra&types=${types}`)).text.match(/^\w+(?=\/)/gm)?.sort();
  assert.deepEqual(await handles("contacts,deal"), ["contact", "deal"]);
  assert.deepEqual(await handles("Companies"), ["company"]);
  assertRefused(await ann.send("GET", "/search?q=zebra&types=contact,dael"), 400, "invalid_value", "did you mean deals?");
  assertRefused(await ann.send("GET", "/search?q=zebra&types=,"), 400, "invalid_value", "types");
});

test("a program that knows the address alone finds the manual and the way in", async () => {
  const card = (await service.send("GET", "/.well-known/agent.json", undefined, { accept: "text/html" })).json();
  assert.equal(card.base_url, service.baseUrl);
  for (const url of [card.manual_url, card.docs_url, card.openapi_url]) assert.equal((await fetch(url)).status, 200, url);
  assert.ok(card.capabilities.includes("campaigns"));
  const begun = await service.send("POST", card.authentication.request_endpoint.slice(service.baseUrl.length), {
    email: "new@example.com",
  });
  assert.equal(begun.status, 200);
});

test("the handles of other programs are taken wherever an id is", async () => {
  const { id: company } = (await ask("POST", "/companies", { name: "Handle works", domain: "handles.example" })).body;
  const { id } = (await ask("POST", "/contacts", { name: "Hannah Handle", email: "hannah@handles.example" })).body;
  const { id: deal } = (await ask("POST", "/deals", { title: "By handle", contact_id: id })).body;
  const { id: campaign } = (await ask("POST", "/campaigns", { name: "Handles" })).body;
  const [end, firm, cm] = [id, company, campaign].map((each) => each.slice(-8)) as [string, string, string];
  for (const form of [`contact_${end}`, end, end.toUpperCase(), `contact/c_${end}`, `c_${end}`, id]) {
    const found = async (path: string) => (await ask("GET", path)).body.items?.map((each: { id: string }) => each.id);
    assert.equal((await ask("GET", `/contacts/${encodeURIComponent(form)}`)).body.id, id, form);
    for (const filter of ["contact", "contact_id", "contact_id=in:", "contact=in:"])
      assert.deepEqual(await found(`/deals?${filter}${filter.includes("=") ? "" : "="}${form}`), [deal], `${filter} ${form}`);
    assert.deepEqual(await found(`/contacts?id=${form}`), [id], form);
    assert.deepEqual(await found(`/deals?contact=ne:${form}&title=By handle`), [], form);
    for (const field of ["contact", "contact_id"]) {
      const made = await ask("POST", "/activities", { kind: "note", body: form, [field]: form });
      assert.equal(made.body.contact_id, id, `${field} ${form} ${made.text}`);
    }
    assert.equal((await ask("GET", `/audit?record=${form}&limit=1`)).body.items.length, 1, form);
    assert.equal((await ask("POST", "/undo?dry_run=true", { record: form, version: 1 })).status, 200, form);
    await ask("PATCH", `/contacts/${id}`, { follow_up_at: "2026-06-01" });
    assert.equal((await ask("POST", `/reminders/${encodeURIComponent(form)}/done`)).status, 200, form);
  }
  const written = await ask("PATCH", `/contacts/contact_${end}`, { company_id: `company_${firm}` });
  assert.equal(written.body.company_id, company, written.text);
  assert.equal((await ask("PATCH", `/contacts/${end}`, { company: firm })).body.company_id, company);
  const attached = await ann.send("POST", `/contacts?campaign=${cm}`, { name: "Hank", email: "hank@handles.example" });
  assert.match(attached.text, new RegExp(`# put into campaign/cm_${cm}\n`));
  assert.equal((await ask("POST", `/campaigns/campaign_${cm}/members`, { contact: end })).body.added, 1);
  // Whoever is called like the end of an id is meant by that name.
  const { id: named } = (await ask("POST", "/contacts", { name: end })).body;
  assert.equal((await ask("POST", "/activities", { body: "x", contact: end })).body.contact_id, named);
  const eve = await service.signIn("eve@elsewhere.example");
  for (const form of [`contact_${end}`, end])
    assert.equal((await eve.send("POST", "/activities", { body: "x", contact: form })).status, 422, form);
  assert.equal((await eve.send("POST", `/reminders/${end}/done`)).status, 404);
  assert.equal((await eve.send("POST", "/undo", { record: end, version: 1 })).status, 400);
});
