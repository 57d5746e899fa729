import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { type Client, type Service, startService } from "../helpers/service.ts";

/** What is sold, who does it, and the fields that documents will print. */

let service: Service;
let ann: Client;
before(async () => {
  service = await startService();
  ann = await service.signIn();
});
after(() => service.close());

const json = async (method: string, path: string, body?: unknown) =>
  (await ann.send(method, `${path}?format=json`, body)).json();

for (const plural of ["products", "services"])
  test(`${plural} are known by their article number in any letter case`, async () => {
    const made = await json("POST", `/${plural}`, { name: "Panel", sku: "SP-400", unit_price_cents: 18900, currency: "EUR" });
    const again = await ann.send("POST", `/${plural}`, { name: "Panel 400 W", sku: " sp-400 ", tax_rate: "19" });
    assert.match(again.text, new RegExp(`^${made.handle} name="Panel 400 W" sku=SP-400 unit_price_cents=18900 .*tax_rate=19 `));
    assert.match(again.text, /\n# updated ch_\w{8}\n$/);
    const found = (await ann.send("GET", `/${plural}?sku=Sp-400`)).lines;
    assert.equal(found.length, 1);
  });

test("a rate is exact in and out, compared by value and never rounded", async () => {
  const rates = ["0.1", "0.2", "7.50", "10", "19", "0.000001"];
  for (const rate of rates) {
    const made = await json("POST", "/employees", { name: `At ${rate}`, rate });
    assert.equal(made.rate, Number(rate));
    const { text } = await ann.send("GET", `/employees/${made.id}`);
    assert.match(text, new RegExp(` rate=${Number(rate) < 0.001 ? rate : String(Number(rate))} `));
  }
  const list = (await ann.send("GET", "/employees?sort=rate&fields=rate&rate=lt:10.0")).lines;
  assert.deepEqual(
    list.map((line) => line.replace(/^.* rate=/, "")),
    ["0.000001", "0.1", "0.2", "7.5"],
  );
  for (const body of ['{"name":"x","rate":0.30000000000000004}', '{"name":"x","rate":1e-7}', '{"name":"x","rate":1000000000}'])
    assert.match(
      (await ann.send("POST", "/employees", body)).text,
      /^ERROR invalid_value rate cannot be .*\nHINT {2}rate expects /,
    );
  const [entry] = (await ann.send("GET", "/audit?kind=employee&format=json&limit=1&fields=after")).json().items;
  assert.equal(entry.after?.rate, 0.000001);
});

test("a percentage is between 0 and 100", async () => {
  assert.match((await ann.send("POST", "/deals", "title=Big&probability=62.5%25", FORM)).text, / probability=62.5 /);
  for (const probability of [-1, 100.5, "half"])
    assert.match(
      (await ann.send("POST", "/deals", { title: "x", probability })).text,
      /HINT {2}probability expects a percentage from 0 to 100/,
    );
});

const FORM = { "content-type": "application/x-www-form-urlencoded" };

test("a name is made of its parts where none is sent, and stands beside them", async () => {
  const parts = { first_name: "Jane", last_name: "Doe" };
  assert.equal((await json("POST", "/contacts", parts)).name, "Jane Doe");
  assert.equal((await json("POST", "/contacts", { last_name: "Doe", email: "doe@acme.com" })).name, "Doe");
  assert.equal((await json("POST", "/contacts", { ...parts, name: "Jane A. Doe" })).name, "Jane A. Doe");
  const jane = await json("POST", "/contacts", { ...parts, name: "Ms Doe", email: "jane@acme.com" });
  assert.equal((await json("POST", "/contacts", { first_name: "Janet", email: "jane@acme.com" })).name, "Ms Doe");
  assert.match((await ann.send("GET", `/contacts/${jane.id}`)).text, / first_name=Janet last_name=Doe /);
  assert.doesNotMatch((await ann.send("GET", "/contacts")).text, /first_name/);
});

test("addresses are filtered by country and town, and shown with one record", async () => {
  const address = { street: "Hauptstr. 1", postal_code: "10115", city: "Berlin", region: "BE", country: "de" };
  for (const plural of ["contacts", "companies"]) {
    const made = await ann.send("POST", `/${plural}`, { name: "Here", ...address });
    assert.match(made.text, / street="Hauptstr. 1" postal_code=10115 city=Berlin region=BE country=DE /);
    await ann.send("POST", `/${plural}`, { name: "There", country: "AT" });
    for (const query of ["country=DE", "country=de", "city=Berlin", "country=in:DE,FR&postal_code=starts:10"]) {
      const { lines } = await ann.send("GET", `/${plural}?${query}`);
      assert.deepEqual([lines.length, /country=/.test(lines.join())], [1, false], query);
    }
    const refused = await ann.send("POST", `/${plural}`, { name: "x", country: "Germany" });
    assert.match(refused.text, /^ERROR invalid_value country cannot be .*\nHINT {2}country expects an ISO 3166 country code/);
  }
});
