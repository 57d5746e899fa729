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
