import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { shortId } from "../../src/kit/id.ts";
import { ident, sql } from "../../src/postgres/sql.ts";
import type { Kind } from "../../src/records/kind.ts";
import { createWorld, definitions, leastOf, post } from "../helpers/dictionary.ts";
import { assertRefused, type Json } from "../helpers/lines.ts";
import { type Client, type Service, startService } from "../helpers/service.ts";
import type { World } from "../helpers/values.ts";

/** A saved list narrows whatever takes filters: by its query, asked anew, or by the records that were put on it. */

let clock = Date.parse("2026-06-10T12:00:00Z");
let service: Service;
let ann: Client;
let world: World;
before(async () => {
  service = await startService({ now: () => clock });
  ann = await service.signIn();
  world = await createWorld(ann);
});
after(() => service.close());

async function save(body: object, client = ann): Promise<Json & { id: string }> {
  const reply = await client.send("POST", "/lists?format=json", body);
  assert.equal(reply.status, 201, reply.text);
  return reply.json();
}

async function ids(path: string, client = ann): Promise<string[]> {
  const reply = await client.send("GET", `${path}${path.includes("?") ? "&" : "?"}format=json`);
  assert.equal(reply.status, 200, `${path} ${reply.text}`);
  return (reply.json().items as Json[]).map(({ id }) => id as string).sort();
}

async function remove(path: string, client = ann): Promise<void> {
  const { confirm } = (await client.send("DELETE", `${path}?format=json`)).json();
  const reply = await client.send("DELETE", `${path}?confirm=${confirm}`);
  assert.equal(reply.status, 200, reply.text);
}

const made = async (kind: Kind, more: object = {}) => (await post(ann, kind, { ...leastOf(kind, world), ...more })).id;

for (const kind of definitions) {
  describe(kind.plural, () => {
    test("a list of members filters every list of its kind, with whatever else is asked", async () => {
      const members = [await made(kind), await made(kind)];
      const other = await made(kind);
      const { id, members: many } = await save({ name: `static ${kind.plural}`, kind: kind.name, members });
      assert.equal(many, 2);
      const slug = `static-${kind.plural}`;
      for (const named of [slug, `static ${kind.plural}`, id, shortId(id), `list/${shortId(id)}`]) {
        assert.deepEqual(await ids(`/${kind.plural}?list=${encodeURIComponent(named)}`), members.toSorted(), named);
        assert.deepEqual(await ids(`/lists/${encodeURIComponent(named)}/records`), members.toSorted(), named);
      }
      assert.deepEqual(await ids(`/${kind.plural}?list=${slug}&id=${other}`), []);
      assert.deepEqual(await ids(`/${kind.plural}?list=${slug}&id=${members[0]}&sort=updated_at&count=true`), [members[0]]);
      const { items } = (await ann.send("GET", `/${kind.plural}?list=${slug}&group_by=updated_at:year&format=json`)).json();
      assert.deepEqual(items, [{ updated_at: "2026", [kind.plural]: 2 }]);
      const page = (await ann.send("GET", `/lists/${slug}/records?limit=1&format=json`)).json();
      const rest = await ids(`/lists/${slug}/records?limit=1&cursor=${page.next_cursor}`);
      assert.deepEqual([page.items[0].id, ...rest].sort(), members.toSorted());

      await remove(`/${kind.plural}/${members[0]}`);
      assert.deepEqual(await ids(`/${kind.plural}?list=${slug}`), [members[1]]);
      assert.equal((await ann.send("GET", `/lists/${slug}?format=json`)).json().members, 1);
      await service.pool.rows(
        sql`update ${ident(kind.plural)} set deleted_at = null where workspace_id = ${await workspace(ann)} and id = ${members[0]!}`,
      );
      assert.deepEqual(await ids(`/${kind.plural}?list=${slug}`), members.toSorted(), "it is there again once it is restored");

      const added = await ann.send("POST", `/lists/${slug}/members?format=json`, { members: [shortId(other), members[0]] });
      assert.deepEqual([added.status, added.json().added], [200, 1]);
      const off = await ann.send("DELETE", `/lists/${slug}/members/${shortId(members[1]!)}`);
      assert.equal(off.status, 200, off.text);
      assert.deepEqual(await ids(`/${kind.plural}?list=${slug}`), [members[0]!, other].sort());
      assertRefused(await ann.send("DELETE", `/lists/${slug}/members/${members[1]}`), 404, "not_found", "again");
      for (const each of definitions.filter((one) => one !== kind))
        assertRefused(await ann.send("GET", `/${each.plural}?list=${slug}`), 400, "invalid_filter", each.plural);
    });

    test("a list with a query finds what the query finds, and its search is a filter", async () => {
      const name = `zz${kind.name}`;
      const found = await made(kind, { [kind.title]: `${name} one` });
      await made(kind, { [kind.title]: `${name} two` });
      await save({ name: `query ${kind.plural}`, kind: kind.plural, query: `${kind.title}=like:one&search=${name}` });
      assert.deepEqual(await ids(`/${kind.plural}?list=query-${kind.plural}`), [found]);
      assert.deepEqual(await ids(`/lists/query-${kind.plural}/records?search=${name}`), [found]);
      assert.deepEqual(await ids(`/${kind.plural}?list=query-${kind.plural}&search=${name}&sort=updated_at`), [found]);
      assert.deepEqual(await ids(`/${kind.plural}?list=query-${kind.plural}&list=static-${kind.plural}`), []);
    });
  });
}

async function workspace({ email }: Client): Promise<string> {
  const [row] = await service.pool.rows(
    sql`select t.workspace_id from tokens t join users u on u.id = t.user_id where u.email = ${email} limit 1`,
  );
  return row![0] as string;
}

test("the contract's list: made, shown, renamed, asked over a link, deleted", async () => {
  await ann.send("POST", "/companies", { name: "Windworks", industry: "energy" });
  const hot = (await ann.send("POST", "/contacts?format=json", { name: "Hot", stage: "lead", company: "Windworks" })).json().id;
  await ann.send("POST", "/contacts", { name: "Cold", stage: "lead" });
  const body = { name: "hot leads", kind: "contact", query: "stage=lead&company.industry=energy" };
  const reply = await ann.send("POST", "/lists", body);
  assert.match(
    reply.text,
    /^list\/l_\w{8} name="hot leads" slug=hot-leads kind=contact query="stage=lead&company.industry=energy" .*\n# created\n$/,
  );
  assert.deepEqual(await ids("/contacts?list=hot-leads"), [hot]);
  assertRefused(await ann.send("POST", "/lists", { ...body, name: "Hot  Leads!" }), 409, "already_exists", "the same slug");
  const patched = await ann.send("PATCH", "/lists/hot-leads?format=json", { name: "warm leads", query: "stage=lead" });
  assert.deepEqual([patched.status, patched.json().slug, patched.json().query], [200, "warm-leads", "stage=lead"]);
  assert.equal((await ids("/contacts?list=warm%20leads")).length, 2);
  assertRefused(await ann.send("PATCH", "/lists/warm-leads", { name: "static deals" }), 409, "already_exists", "taken");
  const missed = await ann.send("GET", "/contacts?list=warm-lead");
  assertRefused(missed, 404, "not_found", "near");
  assert.match(missed.text, /did you mean warm-leads\?/);
  assert.match((await ann.send("GET", "/lists")).text, /name="warm leads" .*# \d+ lists\n$/s);
  await remove("/lists/warm-leads");
  assertRefused(await ann.send("GET", "/lists/warm-leads"), 404, "not_found", "deleted");
  assert.equal((await ann.send("GET", `/contacts/${hot}`)).status, 200);
});

test("a deleted list is hidden, leaves its name free, and comes back with its members, unless it was purged", async () => {
  const member = (await ann.send("POST", "/contacts?format=json", { name: "Kept" })).json().id;
  const body = { name: "fair 2026", kind: "contact", members: [member] };
  const { id } = await save(body);
  await remove("/lists/fair-2026");
  const gone = await ann.send("GET", "/contacts?list=fair-2026");
  assertRefused(gone, 404, "not_found", "list=");
  assert.match(gone.text, /POST \/lists\/fair-2026\/restore/);
  assert.match((await ann.send("GET", "/lists?deleted=only")).text, /slug=fair-2026 .* deleted_at=.*# \d+ lists?\n$/s);
  assert.doesNotMatch((await ann.send("GET", "/lists")).text, /fair-2026/);
  const other = await save(body);
  assertRefused(await ann.send("POST", `/lists/${id}/restore`), 409, "already_exists", "its name is taken");
  await remove(`/lists/${other.id}`);
  const back = await ann.send("POST", `/lists/${id}/restore?format=json`);
  assert.deepEqual([back.status, back.json().members, back.json().deleted_at], [200, 1, null]);
  assert.deepEqual(await ids("/contacts?list=fair-2026"), [member]);
  await remove(`/lists/${id}`);
  const { confirm } = (await ann.send("DELETE", `/lists/${id}?purge=true&format=json`)).json();
  assert.equal((await ann.send("DELETE", `/lists/${id}?purge=true&confirm=${confirm}`)).status, 200);
  assertRefused(await ann.send("POST", `/lists/${id}/restore`), 404, "not_found", "purged");
});

test("a query is read by the clock and the person who asks", async () => {
  await save({ name: "mine of late", kind: "task", query: "assignee=me&created_at=gte:-1d" });
  const task = (await ann.send("POST", "/tasks?format=json", { title: "t", assignee: "me" })).json().id;
  assert.deepEqual(await ids("/tasks?list=mine-of-late"), [task]);
  clock += 2 * 86_400_000;
  assert.deepEqual(await ids("/tasks?list=mine-of-late"), []);
  clock -= 2 * 86_400_000;
});

test("a query is checked when it is saved, and so are members", async () => {
  const refused = async (body: object, status: number, code: string) => {
    const reply = await ann.send("POST", "/lists", { name: "wrong", kind: "contact", ...body });
    assertRefused(reply, status, code, JSON.stringify(body));
  };
  await refused({ query: "stag=lead" }, 400, "invalid_filter");
  await refused({ query: "updated_at=nonsense" }, 400, "invalid_value");
  await refused({ query: "company_id=co_t4v6w8y0" }, 404, "not_found");
  await refused({ query: "stage=lead&sort=name" }, 400, "invalid_filter");
  await refused({ query: "list=static-contacts" }, 400, "invalid_filter");
  await refused({ query: "" }, 400, "missing_field");
  await refused({}, 400, "missing_field");
  await refused({ query: "stage=lead", members: ["c_t4v6w8y0"] }, 400, "invalid_value");
  await refused({ members: ["c_t4v6w8y0"] }, 422, "unprocessable");
  await refused({ members: ["co_t4v6w8y0"] }, 400, "invalid_value");
  await refused({ kind: "contcat", query: "stage=lead" }, 400, "invalid_value");
  await refused({ name: "!!!", query: "stage=lead" }, 400, "invalid_value");
  const onQuery = await ann.send("POST", "/lists/query-contacts/members", { members: ["c_t4v6w8y0"] });
  assertRefused(onQuery, 400, "invalid_value", "members of a query");
  assertRefused(
    await ann.send("PATCH", "/lists/static-contacts", { query: "stage=lead" }),
    400,
    "invalid_value",
    "a query of members",
  );
  assertRefused(await ann.send("GET", "/audit?list=static-contacts"), 400, "invalid_filter", "/audit");
});

test("a list is begun empty, is described, and keeps fields of its own, which merge", async () => {
  const body = { name: "begun", kind: "contact", members: [], description: "to call", custom: { team: "west", n: 1 } };
  const { id, members, description, custom } = await save(body);
  assert.deepEqual([members, description, custom], [0, "to call", { team: "west", n: 1 }]);
  const change = { custom: { n: null, city: "Oslo" }, description: null };
  const changed = (await ann.send("PATCH", `/lists/${id}?format=json`, change)).json();
  assert.deepEqual([changed.name, changed.description, changed.custom], ["begun", null, { team: "west", city: "Oslo" }]);
  assert.deepEqual(await ids(`/contacts?list=${id}`), []);
  for (let i = 0; i < 2; i++) {
    const keys = Object.fromEntries(Array.from({ length: 150 }, (_, n) => [`k${i}_${n}`, n]));
    assert.equal((await ann.send("PATCH", `/lists/${id}`, { custom: keys })).status, i === 0 ? 200 : 400);
  }
  await remove(`/lists/${id}`);
});

test("lists are of one workspace, and a token that may not read what a query asks is refused", async () => {
  const bob = await service.signIn("bob@example.com");
  assertRefused(await bob.send("GET", "/contacts?list=static-contacts"), 404, "not_found", "bob");
  assert.match((await bob.send("GET", "/lists")).text, /^# 0 lists\n$/);
  const [mine] = await ids("/lists");
  for (const path of [`/lists/${mine}`, `/lists/${mine}/records`])
    assertRefused(await bob.send("GET", path), 404, "not_found", path);
  const other = (await bob.send("POST", "/contacts?format=json", { name: "Bob's" })).json().id;
  assertRefused(
    await ann.send("POST", "/lists", { name: "theirs", kind: "contact", members: [other] }),
    422,
    "unprocessable",
    "theirs",
  );
  await save({ name: "energy people", kind: "contact", query: "company.industry=energy" });
  const { token } = (await ann.send("POST", "/tokens?format=json", { name: "narrow", scopes: ["contacts.read"] })).json();
  const narrow = (path: string) => service.send("GET", path, undefined, { authorization: `Bearer ${token}` });
  assertRefused(await narrow("/contacts?list=energy-people"), 403, "scope_required", "over a link");
  assert.equal((await narrow("/contacts?list=static-contacts")).status, 200);
});

test("a query may be sent as filter, and as the address of a list", async () => {
  const named = (name: string, query: string) => ann.send("POST", "/lists", { name, kind: "contacts", filter: query });
  for (const [i, query] of ["stage=quaint", "?stage=quaint", "/contacts?stage=quaint"].entries()) {
    assert.equal((await named(`quaint ${i}`, query)).status, 201);
    const { text } = await ann.send("GET", `/contacts?list=quaint-${i}`);
    assert.match(text, /^# .*0 contacts|^# 0 contacts/m);
  }
  assert.equal((await named("other", "/deals?stage=quaint")).status, 400);
  const object = await ann.send("POST", "/lists", { name: "o", kind: "contact", query: { stage: "quaint" } });
  assert.match(object.text, /HINT {2}query expects filters as an address has them, such as stage=lead/);
});

test("of several deleted lists of one name, restored at once, one comes back and the others are refused", async () => {
  const made: string[] = [];
  for (let n = 0; n < 5; n++) {
    const { id } = await save({ name: "twins", kind: "contact", query: "stage=lead" });
    await remove(`/lists/${id}`);
    made.push(id);
  }
  const replies = await Promise.all(made.map((id) => ann.send("POST", `/lists/${id}/restore`)));
  assert.deepEqual(replies.map(({ status }) => status).sort(), [200, 409, 409, 409, 409]);
});
