import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { type Client, type Service, startService } from "../helpers/service.ts";

/** Money whose currency nobody says is in that of the workspace, in every kind that has a currency and however it is written. */

let service: Service;
let ann: Client;
let bob: Client;
before(async () => {
  service = await startService();
  ann = await service.signIn();
  bob = await service.signIn("bob@example.com");
  const { id } = (await ann.send("GET", "/workspaces?format=json")).json().items[0];
  const set = await ann.send("PATCH", `/workspaces/${id}`, { currency: "JPY" });
  assert.equal(set.status, 200, set.text);
  for (const client of [ann, bob]) await make(client, "/kinds", { name: "gadget", fields: { name: "text", price: "cents" } });
});
after(() => service.close());

async function make(client: Client, path: string, body: unknown) {
  const reply = await client.send("POST", `${path}?format=json`, body);
  assert.ok(reply.status < 300, `${path} ${reply.text}`);
  return reply.json();
}

const BODIES: Readonly<Record<string, object>> = {
  deals: { title: "A deal", amount_cents: 5 },
  products: { name: "A product", unit_price_cents: 5 },
  services: { name: "A service", unit_price_cents: 5 },
  employees: { name: "Somebody", rate: 5 },
  quotes: { title: "A quote" },
  invoices: { title: "An invoice" },
  gadgets: { name: "A gadget", price: 5 },
};

for (const [plural, body] of Object.entries(BODIES))
  test(`new ${plural} have the workspace's currency unless they say another`, async () => {
    assert.equal((await make(ann, `/${plural}`, body)).currency, "JPY");
    assert.equal((await make(ann, `/${plural}`, { ...body, currency: "CHF" })).currency, "CHF");
    assert.equal((await make(bob, `/${plural}`, body)).currency, "USD");
    const [batched] = (await ann.send("POST", "/batch?format=json", [{ method: "POST", path: `/${plural}`, body }])).json()
      .items;
    assert.equal(batched.body.currency, "JPY");
    const [title, amount] = Object.entries(body);
    const [names, cells] = amount ? [`${title![0]},${amount[0]}`, "From a file,7"] : [title![0], "From a file"];
    const told = await ann.send("POST", `/${plural}/import`, `${names}\n${cells}\n`, { "content-type": "text/csv" });
    assert.ok(told.status < 300, told.text);
    const found = await ann.send("GET", `/${plural}?${title![0]}=From a file&fields=currency`);
    assert.match(found.text, / currency=JPY\n/);
  });

test("a whole amount of a file is in whole yen, and a record made for a link has the currency too", async () => {
  const headers = { "content-type": "text/csv" };
  await ann.send("POST", "/deals/import", "title,amount\nYen,1200\n", headers);
  assert.match((await ann.send("GET", "/deals?title=Yen")).text, / amount_cents=1200 currency=JPY /);
  await ann.send("POST", "/activities", { kind: "note", body: "x", deal: { title: "By a body" } });
  await ann.send("POST", "/activities/import", "kind,body,deal\nnote,y,By a file\n", headers);
  assert.match((await ann.send("GET", "/deals?title=By a body")).text, / currency=JPY /);
  assert.match((await ann.send("GET", "/deals?title=By a file")).text, / currency=JPY /);
});

test("where the workspace has none, a document takes that of what it sells", async () => {
  await make(bob, "/products", { name: "Panel", sku: "P", unit_price_cents: 100, currency: "EUR" });
  await make(bob, "/products", { name: "Clamp", sku: "C", unit_price_cents: 100, currency: "CHF" });
  const items = [{ description: "Advice", unit_price_cents: 5 }, { product: "P" }];
  assert.equal((await make(bob, "/quotes", { items })).currency, "EUR");
  const mixed = await bob.send("POST", "/quotes", { items: [...items, { product: "C" }] });
  assert.match(mixed.text, /^ERROR unprocessable item 3: product \S+ is priced in CHF, the document is in EUR\n/);
  const own = await make(bob, "/quotes", { items: [{ product: "P", unit_price_cents: 7 }] });
  assert.equal(own.currency, "USD");
  await make(ann, "/products", { name: "Panel", sku: "P", unit_price_cents: 100, currency: "EUR" });
  const refused = await ann.send("POST", "/quotes", { items: [{ product: "P" }] });
  assert.match(
    refused.text,
    /^ERROR unprocessable item 1: .* priced in EUR, the document is in JPY\nHINT {2}send "currency":"EUR"/,
  );
});

test("a record has the currency of an added amount with the amount, however it is written, and keeps its own", async () => {
  await make(ann, "/kinds/contact/fields", { name: "credit_limit", type: "cents" });
  const found = async (id: string) => (await ann.send("GET", `/contacts/${id}?format=json`)).json();
  const told = async (id: string) => {
    const { credit_limit, currency } = await found(id);
    return [credit_limit, currency];
  };
  const plain = (name: string) => make(ann, "/contacts", { name, email: `${name}@acme.example` });
  const [patched, upserted, dealt, own, imported] = await Promise.all(["a", "b", "c", "d", "e"].map(plain));
  for (const { id, currency } of [patched, upserted]) assert.deepEqual([currency, await told(id)], [null, [null, null]]);
  assert.equal((await make(ann, "/contacts", { name: "New", credit_limit: 0 })).currency, "JPY");
  const change = await ann.send("PATCH", `/contacts/${patched.id}`, { credit_limit: 5 });
  assert.match(change.text, / credit_limit=5 currency=JPY /);
  assert.match((await ann.send("PATCH", `/contacts/${patched.id}`, { credit_limit: 5 })).text, /# unchanged\n/);
  await make(ann, "/contacts", { email: "b@acme.example", credit_limit: 6 });
  await ann.send("PATCH", `/contacts/${own.id}`, { credit_limit: 7, currency: "CHF" });
  for (const credit_limit of [8, null, 9]) await ann.send("PATCH", `/contacts/${own.id}`, { credit_limit });
  assert.deepEqual(
    [await told(patched.id), await told(upserted.id), await told(own.id)],
    [
      [5, "JPY"],
      [6, "JPY"],
      [9, "CHF"],
    ],
  );
  const bulk = `/contacts?email=in:c@acme.example,d@acme.example`;
  const { confirm } = (await ann.send("PATCH", `${bulk}&format=json`, { credit_limit: 10 })).json();
  await ann.send("PATCH", `${bulk}&confirm=${confirm}`, { credit_limit: 10 });
  assert.deepEqual(
    [await told(dealt.id), await told(own.id)],
    [
      [10, "JPY"],
      [10, "CHF"],
    ],
  );
  const csv = "email,credit_limit\ne@acme.example,11\nf@acme.example,12\ng@acme.example,\n";
  await ann.send("POST", "/contacts/import", csv, { "content-type": "text/csv" });
  assert.deepEqual(await told(imported.id), [11, "JPY"]);
  assert.equal((await ann.send("GET", "/contacts?email=in:f@acme.example,g@acme.example&currency=JPY")).lines.length, 1);
  await ann.send("PATCH", `/contacts/${own.id}`, { currency: null, credit_limit: 1 });
  assert.deepEqual(await told(own.id), [1, "JPY"]);
  await ann.send("POST", "/undo", { change: /# updated (ch_\w+)/.exec(change.text)![1]! });
  assert.deepEqual(await told(patched.id), [null, null]);
  const { after } = (await ann.send("GET", `/contacts/${own.id}/history?format=json&fields=after&limit=1`)).json().items[0];
  assert.deepEqual(
    [after.credit_limit, after.currency, Object.keys(after).filter((key) => key.startsWith("="))],
    [1, "JPY", []],
  );
});

test("an own kind with a currency of its own has that with the amount, and not before", async () => {
  await make(ann, "/kinds", { name: "yacht", fields: { name: "text", price: { type: "cents", currency: "EUR" } } });
  const bare = await make(ann, "/yachts", { name: "Bare" });
  assert.equal(bare.currency, null);
  assert.match((await ann.send("PATCH", `/yachts/${bare.id}`, { price: 1 })).text, / price=1 currency=EUR /);
  assert.equal((await make(ann, "/yachts", { name: "Full", price: 2 })).currency, "EUR");
});

test("what a field begins with changes, and a currency that begins with none is the workspace's", async () => {
  await make(ann, "/kinds", { name: "barge", fields: { name: "text", price: { type: "cents", currency: "USD" } } });
  const next = async () => (await make(ann, "/barges", { name: "x", price: 1 })).currency;
  const begin = (initially: unknown) => ann.send("PATCH", "/kinds/barge", { fields: { currency: { initially } } });
  assert.equal(await next(), "USD");
  assert.equal((await begin("chf")).status, 200);
  assert.equal(await next(), "CHF");
  assert.match(
    (await begin("nowhere")).text,
    /^ERROR invalid_value "currency" cannot be .* initially\nHINT {2}it expects an ISO 4217/,
  );
  assert.equal((await begin(null)).status, 200);
  assert.equal(await next(), "JPY");
});

test("a hidden amount takes its currency along, and no refusal names either", async () => {
  await make(bob, "/kinds/contact/fields", { fields: { credit_limit: "cents", face: "vector(3)" } });
  const { id } = await make(bob, "/contacts", { name: "Jane", credit_limit: 5 });
  await bob.send("PATCH", "/kinds/contact", { fields: { credit_limit: { hidden: true } } });
  assert.doesNotMatch((await bob.send("GET", `/contacts/${id}`)).text, /credit_limit|currency/);
  assert.match((await bob.send("GET", `/contacts/${id}?fields=credit_limit,currency`)).text, / credit_limit=5 currency=USD\n/);
  const refused = await bob.send("POST", "/contacts", { name: "x", wobble: 1 });
  assert.match(refused.text, /contacts take: name, .*face/);
  assert.doesNotMatch(refused.text, /credit_limit|currency/);
  assert.match((await bob.send("POST", "/contacts", { name: "x", credit_limt: 1 })).text, /did you mean credit_limit\?/);
});
