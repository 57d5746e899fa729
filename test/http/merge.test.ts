import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { catalog } from "../../src/records/all.ts";
import { type Client, type Service, startService } from "../helpers/service.ts";

let service: Service;
let ann: Client;
before(async () => {
  service = await startService();
  ann = await service.signIn();
});
after(() => service.close());

type Shown = Record<string, unknown> & { id: string };

const read = async (path: string): Promise<Shown> => (await ann.send("GET", `${path}?format=json`)).json();

async function make(path: string, body: object): Promise<Shown> {
  const reply = await ann.send("POST", `${path}?format=json`, body);
  assert.ok(reply.status < 300, reply.text);
  return reply.json();
}

async function merge(plural: string, into: string, body: object) {
  const path = `/${plural}/${into}/merge`;
  const asked = await ann.send("POST", `${path}?format=json`, body);
  assert.equal(asked.status, 409, asked.text);
  return ann.send("POST", `${path}?confirm=${asked.json().confirm}`, body);
}

const lasting = ({ version: _, updated_at: __, ...rest }: Shown) => rest;

test("the kept record wins, gaps are filled, lists and members are united, notes stand one under the other", async () => {
  const kept = await make("/contacts", {
    name: "Jane Doe",
    email: "jane@m.example",
    tags: ["a"],
    notes: "first",
    custom: { x: 1, y: 1 },
  });
  const body = {
    name: "J. Doe",
    email: "doe@m.example",
    phone: "+49 30 1234567",
    tags: ["b", "a"],
    notes: "second",
    custom: { y: 2, z: 3 },
  };
  const other = await make("/contacts", body);
  const asked = await ann.send("POST", `/contacts/${kept.id}/merge`, { from: other.id, take: ["name"] });
  assert.equal(asked.status, 409);
  for (const line of [
    /name: "?J\. Doe"? stays, "?Jane Doe"? goes/,
    /phone: \S.* from the other/,
    /tags: both/,
    /email: "jane@m\.example" stays, "doe@m\.example" goes/,
  ])
    assert.match(asked.text, line);
  const merged = await merge("contacts", kept.id, { from: other.id, take: ["name"] });
  assert.match(merged.text, /# merged ch_\w{8}\n$/);
  const now = await read(`/contacts/${kept.id}`);
  assert.deepEqual(
    [now.name, now.email, now.phone, now.tags, now.notes, now.custom],
    ["J. Doe", "jane@m.example", "+49 30 1234567", ["a", "b"], "first\n\nsecond", { x: 1, y: 1, z: 3 }],
  );
  assert.equal((await ann.send("POST", "/undo", { change: merged.headers.get("x-change") })).status, 200);
  assert.deepEqual(lasting(await read(`/contacts/${kept.id}`)), lasting(kept));
  assert.deepEqual(lasting(await read(`/contacts/${other.id}`)), lasting(other));
});

test("what linked to the other links to the kept one; its id leads there; what was added since stays after an undo", async () => {
  const kept = await make("/companies", { name: "Kept Ltd" });
  const other = await make("/companies", { name: "Other Ltd" });
  const contact = await make("/contacts", { name: "Mover", company_id: other.id });
  const deal = await make("/deals", { title: "Moving", company_id: other.id });
  const merged = await merge("companies", kept.id, { from: other.id });
  assert.equal((await read(`/contacts/${contact.id}`)).company_id, kept.id);
  assert.equal((await read(`/companies/${other.id}`)).id, kept.id);
  assert.equal((await ann.send("GET", `/companies/${other.id}?deleted=only`)).status, 200);
  const patched = await ann.send("PATCH", `/companies/${other.id}`, { industry: "energy" });
  assert.match(patched.text, new RegExp(`^company/co_${kept.id.slice(-8)} .*industry=energy`));
  assert.equal((await ann.send("GET", `/contacts?company_id=${other.id}&format=json`)).json().items.length, 1);
  const late = await make("/contacts", { name: "Late", company_id: kept.id });
  await ann.send("POST", "/undo", { change: merged.headers.get("x-change") });
  assert.equal((await read(`/contacts/${contact.id}`)).company_id, other.id);
  assert.equal((await read(`/deals/${deal.id}`)).company_id, other.id);
  assert.equal((await read(`/contacts/${late.id}`)).company_id, kept.id);
  assert.equal((await read(`/companies/${kept.id}`)).industry, "energy");
});

test("chains of merges lead to the last, and a merge is refused that makes no sense", async () => {
  const [a, b, c] = [
    await make("/contacts", { name: "A" }),
    await make("/contacts", { name: "B" }),
    await make("/contacts", { name: "C" }),
  ];
  await merge("contacts", b.id, { from: a.id });
  await merge("contacts", c.id, { from: b.id });
  assert.equal((await read(`/contacts/${a.id}`)).id, c.id);
  const refused = async (body: object, status: number) =>
    assert.equal((await ann.send("POST", `/contacts/${c.id}/merge`, body)).status, status);
  await refused({ from: c.id }, 422);
  await refused({ from: "c_00000000" }, 404);
  await refused({ from: "co_00000000" }, 404);
  await refused({}, 400);
  await refused({ from: c.id, take: ["nmae"] }, 400);
});

test("the kept record takes the other's place on lists until the merge is undone", async () => {
  const [kept, other, both] = [
    await make("/contacts", { name: "Listed" }),
    await make("/contacts", { name: "Listed too" }),
    await make("/contacts", { name: "Listed as well" }),
  ];
  const { id: mine } = await make("/lists", { name: "one of two", kind: "contact", members: [other.id] });
  const { id: ours } = await make("/lists", { name: "both of two", kind: "contact", members: [both.id, kept.id] });
  const on = async (list: string) =>
    (await ann.send("GET", `/lists/${list}/records?format=json`))
      .json()
      .items.map(({ id }: Shown) => id)
      .sort();
  const first = await merge("contacts", kept.id, { from: other.id });
  const second = await merge("contacts", kept.id, { from: both.id });
  assert.deepEqual([await on(mine), await on(ours)], [[kept.id], [kept.id]]);
  for (const merged of [second, first]) await ann.send("POST", "/undo", { change: merged.headers.get("x-change") });
  assert.deepEqual([await on(mine), await on(ours)], [[other.id], [kept.id, both.id].sort()]);
});

test("a write that links to a merged record links to the kept one", async () => {
  const [kept, other] = [await make("/companies", { name: "Stays Ltd" }), await make("/companies", { name: "Goes Ltd" })];
  const deal = await make("/deals", { title: "Linked", tags: ["linked"] });
  await merge("companies", kept.id, { from: other.id });
  const named = await make("/deals", { title: "By its id", company_id: other.id });
  assert.equal(named.company_id, kept.id);
  const key = { "idempotency-key": "linked-once" };
  const upsert = () => ann.send("POST", "/contacts?format=json", { email: "linked@m.example", company_id: other.id }, key);
  assert.deepEqual([(await upsert()).json().company_id, (await upsert()).json().version], [kept.id, 1]);
  const short = await ann.send("PATCH", `/deals/${deal.id}?format=json`, { company_id: `co_${other.id.slice(-8)}` });
  assert.equal(short.json().company_id, kept.id);
  assert.match((await ann.send("PATCH", `/deals/${deal.id}`, { company_id: other.id })).text, /# unchanged\n$/);
  await ann.send("PATCH", `/deals/${deal.id}`, { company_id: null });
  const bulk = { company_id: other.id };
  const { confirm } = (await ann.send("PATCH", "/deals?tags=has:linked&format=json", bulk)).json();
  assert.equal((await ann.send("PATCH", `/deals?tags=has:linked&confirm=${confirm}`, bulk)).status, 200);
  assert.equal((await read(`/deals/${deal.id}`)).company_id, kept.id);
});

test("two callers who merge at once end in one record", async () => {
  const kept = await make("/contacts", { name: "Race" });
  const other = await make("/contacts", { name: "Race too", tags: ["t"] });
  const confirmOf = async () =>
    (await ann.send("POST", `/contacts/${kept.id}/merge?format=json`, { from: other.id })).json().confirm as string;
  const tokens = [await confirmOf(), await confirmOf(), await confirmOf()];
  const replies = await Promise.all(
    tokens.map((token) => ann.send("POST", `/contacts/${kept.id}/merge?confirm=${token}`, { from: other.id })),
  );
  assert.equal(replies.filter(({ status }) => status === 200).length, 1);
  assert.deepEqual((await read(`/contacts/${kept.id}`)).tags, ["t"]);
});

test("a merge needs the right to delete, and reaches no other workspace", async () => {
  const kept = await make("/contacts", { name: "Mine" });
  const bob = await service.signIn("bob@example.com");
  const theirs = (await bob.send("POST", "/contacts?format=json", { name: "Theirs" })).json();
  assert.equal((await ann.send("POST", `/contacts/${kept.id}/merge`, { from: theirs.id })).status, 404);
  const few = (await ann.send("POST", "/tokens?format=json", { name: "few", scopes: ["read", "write"] })).json();
  const reply = await ann.send(
    "POST",
    `/contacts/${kept.id}/merge`,
    { from: kept.id },
    { authorization: `Bearer ${few.token}` },
  );
  assert.equal(reply.status, 403);
});

for (const kind of catalog.kinds) {
  test(`two ${kind.plural} are merged and parted again`, async () => {
    const links: Record<string, string> = {};
    // What is in another is left out: it would need records of its own.
    for (const { id, target } of kind.links.filter(({ target }) => !target.joins))
      links[id.name] = (await make(`/${target.plural}`, linkless(target))).id;
    const example = { ...linkless(kind), ...links };
    const key = kind.naturalKey ?? "";
    const kept = await make(`/${kind.plural}`, example);
    const another = { ...example, ...(key && example[key] ? { [key]: `other-${example[key]}` } : {}) };
    // One thing is in another once.
    const whom = kind.links.find(({ id }) => id.name === kind.joins?.whom);
    const apart = whom ? { [whom.id.name]: (await make(`/${whom.target.plural}`, { [whom.target.title]: "Another" })).id } : {};
    const other = await make(`/${kind.plural}`, { ...another, ...apart });
    const dry = await ann.send("POST", `/${kind.plural}/${kept.id}/merge?dry_run=true`, { from: other.id });
    assert.match(dry.text, /# would be merged\n$/);
    const merged = await merge(kind.plural, kept.id, { from: other.id });
    assert.equal(merged.status, 200, merged.text);
    await ann.send("POST", "/undo", { change: merged.headers.get("x-change") });
    assert.deepEqual(lasting(await read(`/${kind.plural}/${kept.id}`)), lasting(kept));
    assert.deepEqual(lasting(await read(`/${kind.plural}/${other.id}`)), lasting(other));
  });
}

function linkless({ example, links }: (typeof catalog.kinds)[number]): Record<string, unknown> {
  const names = links.flatMap(({ id, shown }) => [id.name, shown.name]);
  return Object.fromEntries(Object.entries(example).filter(([name]) => !names.includes(name)));
}
