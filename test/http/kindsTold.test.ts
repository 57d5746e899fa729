import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { type Endpoint, startEndpoint } from "../helpers/endpoint.ts";
import { settled } from "../helpers/feed.ts";
import { type Client, type Service, startService } from "../helpers/service.ts";

/** Kinds and fields of a workspace's own, as webhooks and the feed tell of them. */

let clock = Date.parse("2026-06-10T12:00:00Z");
let service: Service;
let ann: Client;
let bob: Client;
let endpoint: Endpoint;
before(async () => {
  endpoint = await startEndpoint();
  endpoint.answer = (_, response) => response.writeHead(204).end();
  service = await startService({ now: () => clock, config: { CRM_WEBHOOK_HOSTS: "127.0.0.1" } });
  ann = await service.signIn();
  bob = await service.signIn("bob@example.com");
});
after(async () => {
  await service.close();
  await endpoint.close();
});

async function done(client: Client, method: string, path: string, body?: unknown) {
  const reply = await client.send(method, `${path}${path.includes("?") ? "&" : "?"}format=json`, body);
  assert.ok(reply.status < 300, `${method} ${path} ${reply.text}`);
  return reply.json();
}

const hook = (body: object, client = ann) => done(client, "POST", "/webhooks", { url: endpoint.url, ...body });

type Told = {
  type: string;
  path: string;
  data: { changes: unknown; before: Record<string, unknown>; after: Record<string, unknown> };
};

async function told(): Promise<Told[]> {
  await settled(service.pool);
  endpoint.received.length = 0;
  await service.tell();
  clock += 1_000;
  return endpoint.received as never;
}

test("webhooks tell of own kinds, also of one that came after them, under the names that fields have now", async () => {
  await hook({ events: ["*"], url: `${endpoint.url}/all` });
  assert.deepEqual(await told(), []);
  assert.match((await ann.send("POST", "/webhooks", { url: endpoint.url, events: ["boat.created"] })).text, /no event "boat/);
  await done(ann, "POST", "/kinds", { name: "boat", natural_key: "sign", fields: { sign: "text", crew: "integer" } });
  await done(ann, "POST", "/kinds", { name: "pier", fields: { name: "text", berths: "integer", depth: "integer" } });
  await hook({ events: ["boats.Created", "boat.deleted"], url: `${endpoint.url}/boat` });
  await hook({ events: ["*"], fields: ["crew"], url: `${endpoint.url}/crew` });
  await hook({ events: ["boat.*"], query: "crew=gt:5", url: `${endpoint.url}/large` });
  const { id } = await done(ann, "POST", "/boats", { sign: "A1", crew: 3 });
  await done(ann, "PATCH", `/boats/${id}`, { crew: 9 });
  const pier = await done(ann, "POST", "/piers", { name: "North", berths: 3 });
  await done(ann, "PATCH", `/piers/${pier.id}`, { depth: 9 });
  const first = await told();
  const of = (path: string, among = first) => among.filter((each) => each.path === path).map(({ type }) => type);
  assert.deepEqual(of("/all").sort(), ["boat.created", "boat.updated", "pier.created", "pier.updated"]);
  assert.deepEqual(of("/boat"), ["boat.created"]);
  assert.deepEqual(of("/crew"), ["boat.created", "boat.updated"], "another kind's field is in the same slot");
  assert.deepEqual(of("/large"), ["boat.created", "boat.updated"], "it is asked as the record is now");
  const { data } = first.find(({ path, type }) => path === "/all" && type === "boat.updated")!;
  assert.deepEqual(data.changes, { crew: { from: 3, to: 9 } });
  assert.deepEqual([data.before.crew, data.after.crew, data.after.sign], [3, 9, "A1"]);
  const shown = await done(ann, "GET", `/changes?record=${id}&since=&fields=${Object.keys(data).join()}`);
  assert.deepEqual(data, shown.items[1]);

  await done(ann, "PATCH", "/kinds/boat", { fields: { crew: { name: "hands" } } });
  await done(ann, "PATCH", `/boats/${id}`, { hands: 4 });
  const renamed = (await told()).find(({ path }) => path === "/all")!;
  assert.deepEqual(renamed.data.changes, { hands: { from: 9, to: 4 } });
  const hooks = (await done(ann, "GET", "/webhooks")).items as { url: string; problem: string | null }[];
  assert.match(hooks.find(({ url }) => url.endsWith("/crew"))!.problem!, /fields cannot be "crew"/);
});

test("a kind's deletion ends what waits of it, and its webhooks stay for when it is restored", async () => {
  const { id } = await done(ann, "POST", "/boats", { sign: "B1" });
  const asked = await ann.send("DELETE", "/kinds/boat?format=json");
  await done(ann, "DELETE", `/kinds/boat?confirm=${asked.json().confirm}`);
  assert.deepEqual(await told(), []);
  await done(ann, "POST", "/companies", { name: "Meanwhile" });
  assert.deepEqual(
    (await told()).map(({ type, path }) => `${type} ${path}`),
    ["company.created /all"],
  );
  await done(ann, "POST", "/kinds/boat/restore");
  await done(ann, "PATCH", `/boats/${id}`, { sign: "B2" });
  await done(ann, "POST", "/boats", { sign: "C1" });
  const types = (await told()).map(({ type, path }) => `${type} ${path}`).sort();
  assert.deepEqual(types, ["boat.created /all", "boat.created /boat", "boat.updated /all"]);
});

test("of another workspace's kind of the same name nothing is told", async () => {
  await done(bob, "POST", "/kinds", { name: "boat", fields: { name: "text" } });
  await hook({ events: ["boat.*"], url: `${endpoint.url}/bob` }, bob);
  await done(ann, "POST", "/boats", { sign: "D1" });
  await done(bob, "POST", "/boats", { name: "Bob's" });
  const found = await told();
  const ofBob = found.filter(({ path }) => path === "/bob");
  assert.deepEqual(
    ofBob.map(({ data }) => data.after.name),
    ["Bob's"],
  );
  assert.ok(found.filter(({ path }) => path !== "/bob").every(({ data }) => !JSON.stringify(data).includes("Bob's")));
});

test("own fields of built-in kinds are told by name", async () => {
  await done(ann, "POST", "/kinds/contact/fields", { name: "badge", type: "text" });
  await hook({ events: ["contact.*"], fields: ["badge"], url: `${endpoint.url}/badge` });
  const { id } = await done(ann, "POST", "/contacts", { name: "Jane" });
  await done(ann, "PATCH", `/contacts/${id}`, { badge: "7" });
  const [one, ...more] = (await told()).filter(({ path }) => path === "/badge");
  assert.deepEqual([one!.data.changes, more], [{ badge: { from: null, to: "7" } }, []]);
});

test("touched= means the field of each kind, whatever others keep in the same slot", async () => {
  const since = (await done(ann, "GET", "/changes?since=now")).next_cursor;
  const boat = await done(ann, "POST", "/boats", { sign: "E1", hands: 1 });
  const pier = await done(ann, "POST", "/piers", { name: "South", berths: 1, depth: 2 });
  await done(ann, "PATCH", `/boats/${boat.id}`, { hands: 2 });
  await done(ann, "PATCH", `/piers/${pier.id}`, { berths: 2 });
  await done(ann, "PATCH", `/piers/${pier.id}`, { custom: { paint: "red" } });
  await settled(service.pool);
  const found = async (query: string) =>
    (await done(ann, "GET", `/changes?since=${since}&${query}`)).items.map(
      ({ kind, action }: { kind: string; action: string }) => `${kind} ${action}`,
    );
  assert.deepEqual(await found("touched=hands"), ["boat created", "boat updated"]);
  assert.deepEqual(await found("touched=berths"), ["pier created", "pier updated"]);
  assert.deepEqual(await found("touched=depth"), ["pier created"]);
  assert.deepEqual(await found("touched=custom.paint"), ["pier updated"]);
});

test("a reader that waits sees the records of a kind that was made meanwhile as they are", async () => {
  const other = await startService({ beside: service, now: () => clock });
  const there = {
    ...ann,
    send: (method: string, path: string) => other.send(method, path, undefined, { authorization: `Bearer ${ann.token}` }),
  };
  await settled(service.pool);
  const since = (await done(there, "GET", "/changes?since=now")).next_cursor;
  const waits = done(there, "GET", `/changes?since=${since}&wait=10&fields=kind,changes,after`);
  await done(ann, "POST", "/kinds", { name: "crane", fields: { name: "text", tons: "integer" } });
  await done(ann, "POST", "/cranes", { name: "Big", tons: 40 });
  const { items } = await waits;
  assert.deepEqual([items[0].changes.tons, items[0].after.tons], [{ from: null, to: 40 }, 40]);
  await other.close();
});
