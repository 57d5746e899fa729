import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { timelineOf } from "../../src/derive/timeline.ts";
import { catalog } from "../../src/records/all.ts";
import type { Json } from "../helpers/lines.ts";
import { type Client, type Service, startService } from "../helpers/service.ts";

/** `GET /contacts/{id}/timeline`: what is declared to stand there, in one order of time. */

let service: Service;
let ann: Client;
before(async () => {
  service = await startService();
  ann = await service.signIn();
});
after(() => service.close());

async function make(path: string, body: object, client = ann): Promise<Json & { id: string }> {
  const reply = await client.send("POST", `${path}?format=json`, body);
  assert.ok(reply.status < 300, `POST ${path} ${JSON.stringify(body)} ${reply.text}`);
  return reply.json();
}

const read = async (path: string): Promise<Json> => {
  const reply = await ann.send("GET", path);
  assert.equal(reply.status, 200, `${path} ${reply.text}`);
  return reply.json();
};

async function handles(path: string): Promise<string[]> {
  return ((await read(`${path}${path.includes("?") ? "&" : "?"}format=json`))["items"] as Json[]).map(
    ({ handle }) => handle as string,
  );
}

test("what stands on timelines is declared", () => {
  const told = catalog.kinds.flatMap((kind) => {
    const sources = timelineOf(kind, catalog).map((source) => `${source.is} ${source.kind.plural}`);
    return sources.length > 0 ? [`${kind.name}: ${sources.join(", ")}`] : [];
  });
  assert.deepEqual(told, [
    "contact: changes deals, linked activities, linked tasks, linked tickets, mentioning emails",
    "company: changes deals, linked activities, linked tasks, linked tickets, mentioning emails",
    "deal: linked activities, linked tasks, changes deals",
    "campaign: linked activities, linked tasks",
  ]);
});

/** A contact with a bit of everything at times that repeat. */
async function eventful() {
  const jane = await make("/contacts", { name: "Jane", email: "jane@t.example", emails: ["j@t.example"] });
  const company = await make("/companies", { name: "T", domain: "t.example" });
  const of = { contact_id: jane.id, company_id: company.id };
  const deals: string[] = [];
  for (let i = 0; i < 6; i++) {
    const at = `2026-01-0${1 + (i % 3)}T09:00:00Z`;
    await make("/activities", { ...of, body: `Call ${i}`, at });
    await make("/emails", { from: "jane@t.example", to: ["j@t.example"], subject: `Mail ${i}`, sent_at: at });
    await make("/tasks", { ...of, title: `Task ${i}` });
    deals.push((await make("/deals", { ...of, title: `Deal ${i}` })).id);
  }
  await make("/tickets", { requester_id: jane.id, company_id: company.id, subject: "Ticket" });
  for (const id of [...deals, ...deals.slice(0, 3)])
    assert.equal((await ann.send("PATCH", `/deals/${id}`, { stage: `s${deals.indexOf(id)}${Math.random()}` })).status, 200);
  return { jane, company, deals };
}

const timeOf = (item: Json) => (item["at"] ?? item["sent_at"] ?? item["updated_at"]) as string;

test("a timeline has everything once, newest first, and pages through it however small the pages are", async () => {
  const { jane, company, deals } = await eventful();
  for (const path of [`/contacts/${jane.id}/timeline`, `/companies/${company.id}/timeline`]) {
    const all = (await read(`${path}?format=json&limit=200`))["items"] as Json[];
    const kinds = all.map(({ handle }) => (handle as string).split("/")[0]!);
    const count = (kind: string) => kinds.filter((each) => each === kind).length;
    assert.deepEqual(["activity", "email", "task", "ticket", "change"].map(count), [6, 6, 6, 1, 15]);
    const times = all.map(timeOf);
    assert.deepEqual(times, times.toSorted().toReversed());
    for (const limit of [1, 4, 33]) {
      const walked: string[] = [];
      for (let cursor: string | null = ""; cursor !== null; ) {
        const page: Json = await read(`${path}?format=json&limit=${limit}&cursor=${cursor}`);
        walked.push(...(page["items"] as Json[]).map(({ handle }) => handle as string));
        cursor = page["next_cursor"] as string | null;
      }
      assert.deepEqual(
        walked,
        all.map(({ handle }) => handle),
        `${path} ${limit}`,
      );
    }
    assert.equal((await handles(`${path}?kind=email,tasks&limit=200`)).length, 12);
    for (const kind of ["deal", "changes"]) assert.equal((await handles(`${path}?kind=${kind}&limit=200`)).length, 15);
  }
  const { text } = await ann.send("GET", `/contacts/${jane.id}/timeline?limit=2&kind=deal`);
  assert.match(
    text,
    /^(change\/ch_\w{8} at=\S+ actor=ann@example.com action=updated kind=deal .*\n){2}# 2 entries\n# next: \S+\n$/,
  );
  assert.deepEqual((await handles(`/deals/${deals[0]}/timeline`)).length, 3, "a deal shows its own changes");
});

test("what is deleted, moved, or attached later is told at once", async () => {
  const jane = await make("/contacts", { name: "Jane" });
  const path = `/contacts/${jane.id}/timeline`;
  const mail = await make("/emails", { from: "late@u.example" });
  const deal = await make("/deals", { title: "Deal", contact_id: jane.id });
  const task = await make("/tasks", { title: "Task", contact_id: jane.id });
  assert.equal((await handles(path)).length, 2);
  await ann.send("PATCH", `/contacts/${jane.id}`, { email: "late@u.example" });
  assert.equal((await handles(path)).includes(mail["handle"] as string), true);
  await ann.send("PATCH", `/tasks/${task.id}`, { contact_id: null });
  const asked = await ann.send("DELETE", `/deals/${deal.id}?format=json`);
  assert.equal((await ann.send("DELETE", `/deals/${deal.id}?confirm=${asked.json().confirm}`)).status, 200);
  assert.deepEqual(await handles(path), [mail["handle"]]);
});

test("a timeline shows what a token may read, of the own workspace, and refuses what it does not know", async () => {
  const jane = await make("/contacts", { name: "Jane", email: "jane@v.example" });
  await make("/activities", { contact_id: jane.id, body: "Called" });
  await make("/emails", { from: "jane@v.example" });
  const path = `/contacts/${jane.id}/timeline`;
  const { token } = await make("/tokens", { name: "n", scopes: ["contacts.read", "emails.read"] });
  const some = await service.send("GET", path, undefined, { authorization: `Bearer ${token}` });
  assert.match(
    some.text,
    /^email\/\S+ [^\n]*\n# the token may not read deals, activities, tasks, tickets: they are left out\n# 1 entry\n$/,
  );
  const bob = await service.signIn("bob@example.com");
  assert.equal((await bob.send("GET", path)).status, 404);
  for (const [query, code] of [
    ["kind=contact", "invalid_value"],
    ["limit=0", "invalid_value"],
    ["limit=all", "invalid_value"],
    ["cursor=x", "invalid_cursor"],
    ["stage=x", "invalid_filter"],
  ])
    assert.match((await ann.send("GET", `${path}?${query}`)).text, new RegExp(`^ERROR ${code} `), query);
  const other = (await ann.send("GET", `${path}?format=json&limit=1`)).json().next_cursor;
  assert.match((await ann.send("GET", `${path}?kind=email&cursor=${other}`)).text, /^ERROR invalid_cursor /);
  assert.equal((await ann.send("GET", "/products/pr_00000000/timeline")).status, 404);
});

test("a record of an own kind has a timeline of what links to it and of its own changes, and stands on those of others", async () => {
  const at = await service.signIn("kinds@example.com");
  const send = async (method: string, path: string, body?: object) => {
    const reply = await at.send(method, `${path}${path.includes("?") ? "&" : "?"}format=json`, body);
    assert.ok(reply.status < 300, `${method} ${path} ${reply.text}`);
    return reply.json();
  };
  const shown = async (path: string) =>
    (await send("GET", path)).items.map(({ handle }: Json) => (handle as string).split("/")[0]);
  await send("POST", "/kinds", { name: "boat", fields: { name: "text", owner_id: { link: "contact" } } });
  await send("POST", "/kinds", {
    name: "trip",
    fields: { name: "text", boat_id: { link: "boat" }, second_id: { link: "boat" } },
  });
  await send("POST", "/kinds/activity/fields", { name: "boat_id", link: "boat" });
  const jane = await send("POST", "/contacts", { name: "Jane" });
  const boat = await send("POST", "/boats", { name: "Elsa", owner_id: jane.id });
  const other = await send("POST", "/boats", { name: "Ida" });
  const path = `/boats/${boat.id}/timeline`;
  assert.deepEqual(await shown(path), ["change"]);
  const table = await at.send("GET", `/trips/${(await send("POST", "/trips", { name: "East" })).id}/timeline.csv`);
  assert.match(table.text, /^id,[^\n]*\r\nch_\S+,[^\n]*\r\n$/);
  const trip = await send("POST", "/trips", { name: "North", boat_id: boat.id });
  await send("POST", "/trips", { name: "South", boat_id: other.id });
  await send("POST", "/activities", { body: "Hauled out", boat_id: boat.id, contact_id: jane.id, at: "2026-01-01T09:00:00Z" });
  await send("PATCH", `/boats/${boat.id}`, { name: "Elsa II" });
  assert.deepEqual(await shown(path), ["change", "trip", "change", "activity"]);
  const walked: string[] = [];
  for (let cursor: string | null = ""; cursor !== null; ) {
    const page: Json = await send("GET", `${path}?limit=1&cursor=${cursor}`);
    walked.push(...(page["items"] as Json[]).map(({ handle }) => handle as string));
    cursor = page["next_cursor"] as string | null;
  }
  assert.deepEqual([walked.length, new Set(walked).size, walked[1]], [4, 4, trip.handle]);
  assert.deepEqual(await shown(`${path}?kind=trip,activities`), ["trip", "activity"]);
  assert.deepEqual((await shown(`/contacts/${jane.id}/timeline`)).sort(), ["activity", "boat"]);
  const about = (await at.send("GET", "/help/routes")).text;
  assert.match(about, /GET {4}\/boats\/\{id\}\/timeline +what happened with a boat, newest first: records of your own kinds/);
});

test("of many own kinds a timeline shows some, and those that kind= names", async () => {
  const at = await service.signIn("many@example.com");
  const jane = (await at.send("POST", "/contacts?format=json", { name: "Jane" })).json();
  for (let i = 0; i < 13; i++) {
    const made = await at.send("POST", "/kinds", { name: `part${i}`, fields: { name: "text", owner_id: { link: "contact" } } });
    assert.equal(made.status, 201, made.text);
    assert.equal((await at.send("POST", `/part${i}s`, { name: "A part", owner_id: jane.id })).status, 201);
  }
  const { lines, text } = await at.send("GET", `/contacts/${jane.id}/timeline?limit=200`);
  assert.equal(lines.length, 10);
  assert.match(text, /\n# 3 more kinds of your own link to it: kind= names those to show\n/);
  assert.equal((await at.send("GET", `/contacts/${jane.id}/timeline?kind=part12`)).lines.length, 1);
});
