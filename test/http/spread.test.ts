import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { dropOldDeliveries } from "../../src/db/webhooks/deliveries.ts";
import { sql } from "../../src/postgres/sql.ts";
import { noCitus } from "../helpers/citus.ts";
import { type Endpoint, startEndpoint } from "../helpers/endpoint.ts";
import { settled } from "../helpers/feed.ts";
import { type Client, type Reply, type Service, startService } from "../helpers/service.ts";

/** A database that is spread over several servers: see helpers/citus.ts. */

let service: Service;
let endpoint: Endpoint;
let ann: Client;
before(async () => {
  if (noCitus) return;
  endpoint = await startEndpoint();
  service = await startService({ config: { CRM_METRICS_TOKEN: "metrics", CRM_WEBHOOK_HOSTS: "127.0.0.1" } });
  ann = await service.signIn();
});
after(async () => {
  await service?.close();
  await endpoint?.close();
});

async function ok(sent: Promise<Reply>): Promise<Reply> {
  const reply = await sent;
  assert.ok(reply.status < 300, `${reply.status} ${reply.text.slice(0, 500)}`);
  return reply;
}

const json = async (method: string, path: string, body?: unknown, headers = {}) =>
  (await ok(ann.send(method, `${path}${path.includes("?") ? "&" : "?"}format=json`, body, headers))).json();

async function workspace(): Promise<string> {
  const [own] = await service.pool.rows(sql`select default_workspace_id from users where email = ${ann.email}`);
  return own![0] as string;
}

/** Transactions that several servers had to agree on. Citus keeps each for some minutes, to finish it after a fault. */
const agreed = async () => (await service.pool.rows(sql`select count(*)::int from pg_dist_transaction`))[0]![0] as number;

/** Requests that write, each with what makes it ready. */
const WRITES: Record<string, () => Promise<() => Promise<unknown>>> = {
  "a create": async () => () => json("POST", "/contacts", { name: "Bob", email: "bob@x.example", emails: ["b@x.example"] }),
  "a create with a link": async () => {
    const { id } = await json("POST", "/companies", { name: "Acme", domain: "acme.example" });
    return () => json("POST", "/contacts", { name: "Cy", email: "cy@x.example", company: id, tags: ["a"], custom: { a: 1 } });
  },
  "a create under a key": async () => () => json("POST", "/tasks", { title: "Call" }, { "idempotency-key": "k1" }),
  "an upsert of a product": async () => {
    await json("POST", "/products", { name: "Nut", sku: "N1" });
    return () => json("POST", "/products", { name: "Nut 2", sku: "N1" });
  },
  "a change": async () => {
    const { id } = await json("POST", "/contacts", { name: "Dee", email: "dee@x.example" });
    return () => json("PATCH", `/contacts/${id}`, { name: "Dee D", tags: ["b"] });
  },
  "a deletion and its undo": async () => {
    const { id } = await json("POST", "/contacts", { name: "Eve", email: "eve@x.example" });
    return async () => {
      const asked = await ann.send("DELETE", `/contacts/${id}?format=json`);
      const { change } = await json("DELETE", `/contacts/${id}?confirm=${asked.json().confirm}`);
      await json("POST", "/undo", { change });
    };
  },
  "a purge": async () => {
    const { id } = await json("POST", "/contacts", { name: "Flo", email: "flo@x.example" });
    return async () => {
      const asked = await ann.send("DELETE", `/contacts/${id}?purge=true&format=json`);
      await json("DELETE", `/contacts/${id}?purge=true&confirm=${asked.json().confirm}`);
    };
  },
  "an invitation": async () => {
    const { items } = await json("GET", "/workspaces");
    return () => json("POST", `/workspaces/${items[0].id}/invites`, { email: "guest@example.com", role: "member" });
  },
  "a bulk change": async () => {
    for (const n of [1, 2, 3]) await json("POST", "/contacts", { name: `F${n}`, email: `f${n}@x.example`, title: "bulk" });
    return async () => {
      const asked = await ann.send("PATCH", "/contacts?title=bulk&format=json", { title: "done" });
      await json("PATCH", `/contacts?title=bulk&confirm=${asked.json().confirm}`, { title: "done" });
    };
  },
  "a merge": async () => {
    const a = await json("POST", "/contacts", { name: "G1", email: "g1@x.example" });
    const b = await json("POST", "/contacts", { name: "G2", email: "g2@x.example" });
    await json("POST", "/tasks", { title: "of g2", contact: b.id });
    return async () => {
      const asked = await ann.send("POST", `/contacts/${a.id}/merge?format=json`, { from: b.id });
      await json("POST", `/contacts/${a.id}/merge?confirm=${asked.json().confirm}`, { from: b.id });
    };
  },
  "a file": async () => () =>
    ok(ann.send("POST", "/contacts/import", "name,email\nH1,h1@x.example\nH2,h2@x.example\n", { "content-type": "text/csv" })),
  "a batch": async () => () =>
    json(
      "POST",
      "/batch?atomic=true",
      JSON.stringify([
        { method: "POST", path: "/tasks", body: { title: "one" } },
        { method: "POST", path: "/deals", body: { title: "two" } },
      ]),
    ),
};

for (const [what, prepare] of Object.entries(WRITES)) {
  test(`${what} is written on one server, which nobody has to agree with`, { skip: noCitus }, async () => {
    const write = await prepare();
    const before = await agreed();
    await write();
    assert.equal((await agreed()) - before, 0);
  });
}

test("the feed tells every change once, in order, with the numbers of the workspace's server", { skip: noCitus }, async () => {
  await settled(service.pool, await workspace());
  const seen: string[] = [];
  let since = "";
  for (let page = 0; page < 100; page++) {
    const { items, next_cursor } = await json("GET", `/changes?limit=7${since}`);
    seen.push(...(items as { id: string }[]).map(({ id }) => id));
    since = `&since=${encodeURIComponent(next_cursor)}`;
    if (items.length === 0) break;
  }
  const [count] = await service.pool.rows(sql`select count(*)::int from changes`);
  assert.equal(seen.length, count![0]);
  assert.equal(new Set(seen).size, seen.length);
});

test("a transaction that is open there holds the feed back, and nothing is passed by", { skip: noCitus }, async () => {
  await settled(service.pool, await workspace());
  const { next_cursor } = await json("GET", "/changes?since=now");
  const since = `/changes?since=${encodeURIComponent(next_cursor)}`;
  const near = await workspace();
  await service.pool.transaction(async (tx) => {
    await tx.rows(sql`select pg_current_xact_id()`, { near });
    await json("POST", "/tasks", { title: "Held back" });
    assert.deepEqual((await json("GET", since)).items, []);
  });
  assert.equal((await json("GET", `${since}&wait=5`)).items.length, 1);
});

test("webhooks of workspaces on several servers are told, without a transaction of several", { skip: noCitus }, async () => {
  const people = await Promise.all(Array.from({ length: 12 }, (_, i) => service.signIn(`hook${i}@example.com`)));
  for (const { send } of people)
    await ok(send("POST", "/webhooks?format=json", { url: endpoint.url, events: ["contact.created"] }));
  const [servers] = await service.pool.rows(sql`select count(distinct p.groupid)::int from webhooks w
    join pg_dist_placement p on p.shardid = get_shard_id_for_distribution_column('webhooks', w.workspace_id)`);
  assert.ok((servers![0] as number) > 1);
  const before = await agreed();
  for (const { send, email } of people) await ok(send("POST", "/contacts?format=json", { name: email }));
  for (let i = 0; i < 50 && endpoint.received.length < people.length; i++) await service.tell().then(() => sleep(50));
  assert.deepEqual(endpoint.received.map(({ data }) => data.after.name).sort(), people.map(({ email }) => email).sort());
  await dropOldDeliveries(service.pool, Date.now() + 8 * 86_400_000);
  const [left] = await service.pool.rows(sql`select count(*)::int from deliveries`);
  assert.equal(left![0], 0);
  assert.equal((await agreed()) - before, 0);
});

test("a webhook made under a key begins where the feed of its workspace is, on its server", { skip: noCitus }, async () => {
  const body = { url: endpoint.url, events: ["deal.created"] };
  const made = await json("POST", "/webhooks", body, { "idempotency-key": "a-webhook" });
  const [kept] = await service.pool.rows(
    sql`select system from webhooks where workspace_id = ${await workspace()} and right(id, 8) = ${made.id.slice(-8)}`,
  );
  const [there] = await service.pool.rows(sql`select system_identifier::text from pg_control_system()`, {
    near: await workspace(),
  });
  assert.deepEqual(kept, there);
});

test("what is not spread says so, and what is missing is told", { skip: noCitus }, async () => {
  const refused = await ann.send("POST", "/sql?format=json", { sql: "select 1" });
  assert.match(refused.json().message, /spread over several servers/);
  assert.match((await service.send("GET", "/readyz")).text, /^OK ready$/m);
  const metrics = await service.send("GET", "/metrics", undefined, { authorization: "Bearer metrics" });
  assert.match(metrics.text, /cardfile_database_workers\{state="missing"\} 0/);
});
