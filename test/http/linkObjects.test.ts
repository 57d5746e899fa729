import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { catalog } from "../../src/records/all.ts";
import type { Kind } from "../../src/records/kind.ts";
import { leastOf } from "../helpers/dictionary.ts";
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
const found = async (path: string): Promise<Shown[]> => (await ann.send("GET", `${path}&format=json`)).json().items;

async function make(path: string, body: object): Promise<Shown> {
  const reply = await ann.send("POST", `${path}?format=json`, body);
  assert.ok(reply.status < 300, reply.text);
  return reply.json();
}

test("a linked record is made in the same change, with an entry of its own, and undone with it", async () => {
  const company = { name: "Northwind", domain: "https://www.Northwind.example/", industry: "Trade" };
  const reply = await ann.send("POST", "/contacts", { name: "Nora", email: "nora@northwind.example", company });
  assert.equal(reply.status, 201);
  assert.match(reply.text, / company=Northwind [^\n]*\n# company "Northwind" was made with it\n# created ch_\w{8}\n$/);
  const [made] = await found("/companies?domain=northwind.example");
  assert.equal(made!.industry, "Trade");
  const [contact] = await found("/contacts?email=nora@northwind.example");
  assert.equal(contact!.company_id, made!.id);
  const [entry] = (await read(`/companies/${made!.id}/history`)).items as Shown[];
  assert.equal(entry!.action, "created");
  const undone = await ann.send("POST", "/undo", { request: reply.headers.get("x-request-id") });
  assert.equal(undone.status, 200, undone.text);
  assert.deepEqual([await found("/companies?domain=northwind.example"), await found("/contacts?search=nora")], [[], []]);
});

test("a known record is found by natural key, by further ones, and by its name, and left as it is", async () => {
  const known = await make("/companies", { name: "Known Ltd", domain: "known.example", domains: ["known.test"] });
  const keyless = await make("/companies", { name: "Keyless Ltd" });
  const companyOf = async (company: object) => (await make("/contacts", { name: "X", company })).company_id;
  assert.equal(await companyOf({ name: "Another name", domain: "known.example", industry: "lost" }), known.id);
  assert.equal(await companyOf({ domain: "KNOWN.test" }), known.id);
  assert.equal(await companyOf({ name: "known ltd" }), known.id);
  assert.equal(await companyOf({ id: known.id }), known.id);
  assert.equal(await companyOf({ name: "Keyless Ltd", domain: "keyless.example" }), keyless.id);
  assert.deepEqual(await read(`/companies/${known.id}`), known);
  // Another domain is another company, whatever its name.
  const other = await companyOf({ name: "Known Ltd", domain: "other.example" });
  assert.ok(![known.id, keyless.id].includes(String(other)));
  const twice = await ann.send("POST", "/contacts", { name: "X", company: { name: "Known Ltd" } });
  assert.equal(twice.status, 422);
  assert.match(twice.text, /more than one company "Known Ltd"/);
});

test("bodies within bodies are made inside out, by PATCH too", async () => {
  const deal = await make("/deals", {
    title: "Nested",
    contact: { first_name: "Ida", last_name: "Inner", emails: ["ida@in.example"], company: { domain: "in.example" } },
  });
  const ida = await read(`/contacts/${deal.contact_id}`);
  const company = await read(`/companies/${ida.company_id}`);
  assert.deepEqual(
    [ida.name, ida.email, company.domain, deal.company_id],
    ["Ida Inner", "ida@in.example", "in.example", company.id],
  );
  const patched = await ann.send("PATCH", `/deals/${deal.id}?format=json`, { contact: { name: "New One" } });
  assert.equal(patched.json().contact, "New One");
});

test("nothing is made where the write is refused, or is only tried", async () => {
  const none = async () => assert.deepEqual(await found("/companies?domain=never.example"), []);
  const company = { name: "Never", domain: "never.example" };
  for (const [method, path, body, status] of [
    ["POST", "/contacts", { name: "N", deal: 1, company }, 400],
    ["POST", "/deals", { title: "N", company, contact: "nobody of this name" }, 422],
    ["PATCH", "/contacts/c_00000000", { company }, 404],
    ["POST", "/contacts", { name: "N", company: { ...company, nmae: "x" } }, 400],
    ["POST", "/contacts", { name: "N", company: { domain: "no domain" } }, 400],
    ["POST", "/contacts", { name: "N", company: {} }, 400],
    ["POST", "/contacts", { name: "N", company: [company] }, 400],
    ["POST", "/contacts", { name: "N", company, company_id: "co_00000000" }, 400],
    ["POST", "/contacts", { name: "N", company_id: company }, 400],
  ] as const) {
    const reply = await ann.send(method, path, body);
    assert.equal(reply.status, status, reply.text);
    await none();
  }
  const dry = await ann.send("POST", "/contacts?dry_run=true", { name: "N", company });
  assert.match(dry.text, /company=Never.*# would be created\n/s);
  await none();
  const few = (await ann.send("POST", "/tokens?format=json", { name: "few", scopes: ["read", "contacts.write"] })).json();
  const as = { authorization: `Bearer ${few.token}` };
  const refused = await ann.send("POST", "/contacts", { name: "N", company }, as);
  assert.equal(refused.status, 403);
  assert.match(refused.text, /^ERROR scope_required the token lacks the scope create or companies\.create/);
  await none();
  await make("/companies", { domain: "there.example" });
  assert.equal((await ann.send("POST", "/contacts", { name: "N", company: { domain: "there.example" } }, as)).status, 201);
});

test("a proposal makes it once it is approved", async () => {
  const body = { name: "Pro Posed", company: { name: "Proposed Ltd", domain: "proposed.example" } };
  const proposed = await ann.send("POST", "/contacts?propose=true&format=json", body);
  assert.equal(proposed.status, 202, proposed.text);
  assert.deepEqual(await found("/companies?domain=proposed.example"), []);
  const { id, mark } = proposed.json();
  const approved = await ann.send("POST", `/proposals/${id}/approve`, { mark });
  assert.equal(approved.status, 200, approved.text);
  const [made] = await found("/companies?domain=proposed.example");
  assert.equal((await found("/contacts?search=posed"))[0]!.company_id, made!.id);
});

test("a request that is repeated under its key makes nothing again", async () => {
  const key = { "idempotency-key": "linked-once" };
  const body = { name: "Once", company: { name: "Once Ltd" } };
  const first = await ann.send("POST", "/contacts?format=json", body, key);
  const again = await ann.send("POST", "/contacts?format=json", body, key);
  assert.deepEqual([first.status, again.status, again.json().id], [201, 200, first.json().id]);
  assert.equal((await found("/companies?name=Once Ltd")).length, 1);
});

test("sixteen callers who name one company, by domain or by name alone, make it once", async () => {
  for (const company of [{ name: "Race Ltd", domain: "race.example" }, { name: "Nameless Race" }]) {
    const replies = await Promise.all(
      Array.from({ length: 16 }, (_, i) => ann.send("POST", "/contacts?format=json", { name: `Racer ${i}`, company })),
    );
    for (const reply of replies) assert.equal(reply.status, 201, reply.text);
    assert.equal(new Set(replies.map((reply) => reply.json().company_id)).size, 1);
    assert.equal((await found(`/companies?name=${company.name}`)).length, 1);
  }
});

test("all that a filter finds can be linked to one that is made", async () => {
  for (const name of ["Bulk A", "Bulk B"]) await make("/contacts", { name, city: "Bulkville" });
  const body = { company: { name: "Bulk Ltd" } };
  const asked = await ann.send("PATCH", "/contacts?city=Bulkville&format=json", body);
  const reply = await ann.send("PATCH", `/contacts?city=Bulkville&confirm=${asked.json().confirm}`, body);
  assert.equal(reply.status, 200, reply.text);
  assert.equal((await found("/contacts?company=Bulk Ltd")).length, 2);
});

/** What a body of that kind cannot be without, links aside. */
const needed = (kind: Kind) =>
  Object.fromEntries(
    kind.fields
      .filter(({ required, readOnly, link, name }) => required && !readOnly && !link && name in kind.example)
      .map(({ name }) => [name, kind.example[name]]),
  );

for (const kind of catalog.kinds)
  for (const { name, id, target } of kind.links.filter(({ target }) => !target.joins))
    test(`the ${name} of ${kind.plural} takes a body`, async () => {
      const world = { me: ann.email, linked: new Map() };
      // Besides the link itself: another of which one is needed, and those that always are.
      const wanted = kind.needsOneOf?.includes(id.name) ? [] : (kind.needsOneOf ?? []).slice(0, 1);
      const others = kind.links.filter(
        (link) => link.id !== id && (link.id.required || link.id.fixed || wanted.includes(link.id.name)),
      );
      const bodies = others.map((link) => [
        link.name,
        { ...needed(link.target), [link.target.title]: `Beside ${kind.plural} ${name}` },
      ]);
      const needs = kind.needsOneOf || kind.joins ? Object.fromEntries(bodies) : leastOf(kind, world);
      const { [kind.naturalKey ?? ""]: _, ...example } = kind.example;
      const values = Object.fromEntries(
        kind.fields.filter(({ required, link }) => required && !link).map((field) => [field.name, example[field.name]]),
      );
      const title = `Made for ${kind.plural} ${name}`;
      const made = await make(`/${kind.plural}`, { ...needs, ...values, [name]: { ...needed(target), [target.title]: title } });
      assert.equal((await read(`/${target.plural}/${made[id.name]}`))[target.title], title);
    });

test("many at once who name one new record, beside somebody unknown, all get through", async () => {
  const body = { title: "T", owner: "Nobody Known", contact: { name: "Sought", email: "sought@acme.example" } };
  const replies = await Promise.all(Array.from({ length: 12 }, () => ann.send("POST", "/deals?format=json", body)));
  assert.deepEqual([...new Set(replies.map(({ status }) => status))], [201]);
  assert.equal(new Set(replies.map((reply) => reply.json().contact_id)).size, 1);
});

test("another workspace's records are not found", async () => {
  const bob = await service.signIn("bob@example.com");
  const mine = await make("/companies", { name: "Mine", domain: "mine.example" });
  const theirs = await bob.send("POST", "/contacts?format=json", {
    name: "T",
    company: { name: "Mine", domain: "mine.example" },
  });
  assert.equal(theirs.status, 201, theirs.text);
  assert.notEqual(theirs.json().company_id, mine.id);
});
