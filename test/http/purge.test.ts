import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { sql } from "../../src/postgres/sql.ts";
import { catalog } from "../../src/records/all.ts";
import { settled } from "../helpers/feed.ts";
import { type Client, type Reply, type Service, startService } from "../helpers/service.ts";

let service: Service;
let ann: Client;
before(async () => {
  service = await startService();
  ann = await service.signIn();
});
after(() => service.close());

async function make(path: string, body: object): Promise<string> {
  const reply = await ann.send("POST", `${path}?format=json`, body);
  assert.equal(reply.status, 201, reply.text);
  return reply.json().id;
}

/** Both steps of a deletion, or of an erasure with `?purge=true`. */
async function twice(path: string): Promise<Reply> {
  const sign = path.includes("?") ? "&" : "?";
  const asked = await ann.send("DELETE", `${path}${sign}format=json`);
  assert.equal(asked.status, 409, asked.text);
  const reply = await ann.send("DELETE", `${path}${sign}confirm=${asked.json().confirm}`);
  assert.equal(reply.status, 200, reply.text);
  return reply;
}

/** All that the database holds of this text, by table. */
async function kept(text: string): Promise<string[]> {
  const tables = ["changes", "proposals", "idempotency_keys", "dismissed_pairs", ...catalog.kinds.map(({ plural }) => plural)];
  const found = [];
  for (const table of tables) {
    const { ident } = await import("../../src/postgres/sql.ts");
    const rows = await service.pool.rows(sql`select 1 from ${ident(table)} t where t::text ilike ${`%${text}%`}`);
    if (rows.length > 0) found.push(table);
  }
  return found;
}

const linkless = ({ example, links }: (typeof catalog.kinds)[number]) => {
  const names = links.flatMap(({ id, shown }) => [id.name, shown.name]);
  return Object.fromEntries(Object.entries(example).filter(([name]) => !names.includes(name)));
};

/** The records that a kind links to, with what those need. */
async function linksOf(kind: (typeof catalog.kinds)[number]): Promise<Record<string, string>> {
  const links: Record<string, string> = {};
  for (const { id, target } of kind.links) {
    const { [target.naturalKey ?? ""]: _, ...body } = linkless(target);
    const needed = target.links.some((link) => link.id.required) ? await linksOf(target) : {};
    links[id.name] = await make(`/${target.plural}`, { ...body, ...needed });
  }
  return links;
}

for (const kind of catalog.kinds) {
  for (const first of ["living", "deleted"]) {
    test(`a ${first} ${kind.name} is erased: what is left is who did what when`, async () => {
      const links = await linksOf(kind);
      const secret = `zq${kind.prefix}${first}x`;
      const key = kind.naturalKey
        ? { [kind.naturalKey]: kind.keyField!.type.name === "email" ? `${secret}@x.example` : `${secret}.example` }
        : {};
      const id = await make(`/${kind.plural}`, {
        ...linkless(kind),
        ...links,
        ...key,
        [kind.title]: `${secret} one`,
        custom: { note: secret },
      });
      const path = `/${kind.plural}/${id}`;
      await ann.send(
        "PATCH",
        path,
        { [kind.title]: `${secret} two` },
        { "x-reason": `${secret} asked for it`, "idempotency-key": secret },
      );
      await ann.send("PATCH", `${path}?propose=true`, { [kind.title]: `${secret} three` });
      if (first === "deleted") await twice(path);
      const asked = await ann.send("DELETE", `${path}?purge=true`);
      assert.match(
        asked.text,
        new RegExp(`^ERROR confirmation_required this would erase ${kind.name}/\\S+ "${secret} two" for good, its history too`),
      );
      assert.notDeepEqual(await kept(secret), []);
      const done = await twice(`${path}?purge=true`);
      assert.match(done.text, new RegExp(`^OK erased ${kind.name}/\\S+ for good\n`));
      assert.deepEqual(await kept(secret), []);
      for (const [method, at, body] of [
        ["GET", path, undefined],
        ["GET", `${path}?deleted=include`, undefined],
        ["GET", `${path}?deleted=only`, undefined],
        ["PATCH", path, { [kind.title]: "x" }],
        ["DELETE", path, undefined],
        ["DELETE", `${path}?purge=true`, undefined],
        ["POST", `${path}/restore`, undefined],
        ["POST", `${path}/merge`, { from: id }],
        ["POST", "/undo", { record: id, version: 1 }],
      ] as const) {
        const reply = await ann.send(method, at, body);
        assert.equal(reply.status, 410, `${method} ${at}: ${reply.text}`);
        assert.match(reply.text, /^ERROR purged .* was erased for good \S+ by ann@example\.com/);
      }
      const { items } = (await ann.send("GET", `${path}/history?format=json`)).json();
      const actions = items.map(({ action }: { action: string }) => action);
      assert.deepEqual(actions, ["purged", "deleted", "updated", "created"]);
      for (const { actor, at, changes } of items.slice(1))
        assert.deepEqual([actor, typeof at, changes], ["ann@example.com", "string", {}]);
      for (const { id: change } of items) {
        const undone = await ann.send("POST", "/undo", { change });
        assert.match(undone.text, /^OK undone: nothing.*\nundone=0\nleft=\d\n.*it is gone for good/s, undone.text);
      }
      for (const deleted of ["only", "include"]) {
        const list = (await ann.send("GET", `/${kind.plural}?deleted=${deleted}&format=json&limit=200`)).json();
        assert.equal(
          list.items.some((item: { id: string }) => item.id === id),
          false,
        );
      }
      await settled(service.pool);
      const feed = await ann.send("GET", `/changes?record=${id}&format=json`);
      assert.deepEqual([feed.status, feed.json().items.length], [200, 4]);
    });
  }
}

test("what was merged into it and what went along is erased, what only linked to it stays without the link", async () => {
  const kept1 = await make("/contacts", { name: "Zkept Person", email: "zkept@p.example" });
  const merged = await make("/contacts", { name: "Zmerged Person", email: "zmerged@p.example", phone: "+49 30 5550123" });
  const { confirm } = (await ann.send("POST", `/contacts/${kept1}/merge?format=json`, { from: merged })).json();
  assert.equal((await ann.send("POST", `/contacts/${kept1}/merge?confirm=${confirm}`, { from: merged })).status, 200);
  const call = await make("/activities", { kind: "call", body: "zsecret talk", contact_id: kept1 });
  const earlier = await make("/activities", { kind: "call", body: "zearlier talk", contact_id: kept1 });
  await twice(`/activities/${earlier}`);
  const deal = await make("/deals", { title: "Stays", contact_id: kept1 });
  const other = await make("/contacts", { name: "Zkept Person" });
  await ann.send("POST", "/contacts/duplicates/dismiss", { pair: [kept1, other] });
  const asked = await ann.send("DELETE", `/contacts/${kept1}?purge=true`);
  assert.match(asked.text, /for good, its history too, with 2 activities, 1 contact, clearing its link on 1 deal/);
  const done = await twice(`/contacts/${kept1}?purge=true`);
  for (const text of ["zsecret", "zearlier", "zmerged", "zkept@", "5550123"]) assert.deepEqual(await kept(text), [], text);
  assert.deepEqual(await kept(kept1.slice(-8)).then((tables) => tables.filter((table) => table === "dismissed_pairs")), []);
  for (const path of [`/contacts/${merged}`, `/activities/${call}`, `/activities/${earlier}`])
    assert.equal((await ann.send("GET", path)).status, 410, path);
  const { contact_id, title } = (await ann.send("GET", `/deals/${deal}?format=json`)).json();
  assert.deepEqual([contact_id, title], [null, "Stays"]);
  const undone = await ann.send("POST", "/undo", { request: done.headers.get("x-request-id") });
  assert.match(undone.text, /it is gone for good/);
  assert.equal((await ann.send("GET", `/deals/${deal}?format=json`)).json().contact_id, null);
  assert.equal((await ann.send("POST", "/contacts?format=json", { name: "New", email: "zkept@p.example" })).status, 201);
  assert.equal((await ann.send("POST", "/deals", { title: "No", contact_id: kept1 })).status, 422);
});

test("what a deletion took along is erased with what was deleted", async () => {
  const contact = await make("/contacts", { name: "Along Root" });
  const call = await make("/activities", { kind: "call", body: "zalong talk", contact_id: contact });
  await twice(`/contacts/${contact}`);
  await twice(`/contacts/${contact}?purge=true`);
  assert.deepEqual(await kept("zalong"), []);
  assert.equal((await ann.send("GET", `/activities/${call}`)).status, 410);
});

test("a proposal that made the record goes, and an approved one no longer tells of it", async () => {
  const proposed = await ann.send("POST", "/contacts?propose=true&format=json", {
    name: "Zproposed",
    title: "zproposed title",
  });
  const { id, mark } = proposed.json();
  assert.equal((await ann.send("POST", `/proposals/${id}/approve`, { mark })).status, 200);
  const [made] = (await ann.send("GET", "/contacts?name=Zproposed&format=json")).json().items;
  await twice(`/contacts/${made.id}?purge=true`);
  assert.deepEqual(await kept("zproposed"), []);
});

test("an erasure needs the scope admin and the second step, and reaches no other workspace", async () => {
  const id = await make("/contacts", { name: "Guarded" });
  const path = `/contacts/${id}?purge=true`;
  const { token } = (
    await ann.send("POST", "/tokens?format=json", { name: "few", scopes: ["read", "write", "delete"] })
  ).json();
  const few = await ann.send("DELETE", path, undefined, { authorization: `Bearer ${token}` });
  assert.deepEqual([few.status, /scope admin/.test(few.text)], [403, true], few.text);
  const bob = await service.signIn("bob@example.com");
  assert.equal((await bob.send("DELETE", path)).status, 404);
  assert.equal((await ann.send("DELETE", `${path}&confirm=abc`)).status, 409);
  assert.equal((await ann.send("DELETE", `/contacts/${id}?purge=maybe`)).status, 400);
  assert.equal((await ann.send("DELETE", "/contacts?purge=true&name=Guarded")).status, 400);
  assert.equal((await ann.send("DELETE", `${path}&propose=true`)).status, 422);
  const { confirm } = (await ann.send("DELETE", `/contacts/${id}?format=json`)).json();
  assert.equal((await ann.send("DELETE", `${path}&confirm=${confirm}`)).status, 409, "a token of a deletion is none");
  const dry = await ann.send("DELETE", `${path}&dry_run=true`);
  assert.match(dry.text, /^OK dry run, nothing is changed; erased contact/);
  const stale = (await ann.send("DELETE", `${path}&format=json`)).json().confirm;
  await ann.send("PATCH", `/contacts/${id}`, { title: "moved on" });
  assert.equal((await ann.send("DELETE", `${path}&confirm=${stale}`)).status, 409);
  assert.equal((await ann.send("GET", `/contacts/${id}`)).status, 200);
});

test("names that look like patterns erase nothing else", async () => {
  const other = await make("/contacts", { name: "Bystander", email: "bystander@p.example" });
  const proposal = await ann.send("PATCH", `/contacts/${other}?propose=true&format=json`, { title: "kept" });
  const id = await make("/contacts", { name: "%_\\'; drop table contacts; --", email: "%_%@p.example" });
  await twice(`/contacts/${id}?purge=true`);
  assert.equal((await ann.send("GET", `/contacts/${other}`)).status, 200);
  assert.equal((await ann.send("GET", `/proposals/${proposal.json().id}`)).status, 200);
});

test("a key does an erasure once, and its answer tells nothing", async () => {
  const id = await make("/contacts", { name: "Zkeyed Person" });
  const key = { "idempotency-key": "purge-1" };
  const { confirm } = (await ann.send("DELETE", `/contacts/${id}?purge=true&format=json`, undefined, key)).json();
  const first = await ann.send("DELETE", `/contacts/${id}?purge=true&confirm=${confirm}`, undefined, key);
  assert.equal(first.status, 200, first.text);
  assert.equal((await ann.send("DELETE", `/contacts/${id}?purge=true`, undefined, key)).text, first.text);
  assert.deepEqual(await kept("zkeyed"), []);
});
