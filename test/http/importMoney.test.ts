import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { readKinds } from "../../src/db/kinds/kinds.ts";
import { wholeUnits } from "../../src/formats/money.ts";
import { sql } from "../../src/postgres/sql.ts";
import { catalog, declarations } from "../../src/records/all.ts";
import { currencyOf, type Kind, writable } from "../../src/records/kind.ts";
import { compileOwn } from "../../src/records/own.ts";
import { createWorld, leastOf } from "../helpers/dictionary.ts";
import { type Client, type Service, startService } from "../helpers/service.ts";
import type { World } from "../helpers/values.ts";

/** Amounts in cells: none is read as a hundredth or a hundredfold of what it says, in whatever field of whatever kind. */

let service: Service;
let ann: Client;
let world: World;
let kinds: readonly Kind[];

before(async () => {
  service = await startService();
  ann = await service.signIn();
  world = await createWorld(ann);
  const lot = { name: "lot", fields: { name: "text", price: { type: "cents", currency: "EUR" }, fee_cents: "cents" } };
  assert.equal((await ann.send("POST", "/kinds", lot)).status, 201);
  for (const { name } of catalog.kinds)
    await ann.send("POST", `/kinds/${name}/fields`, { fields: { extra: "cents", extra_cents: "cents" } });
  const [row] = await service.pool.rows(sql`select workspace_id from kinds where name = 'lot'`);
  const own = await readKinds(service.pool, row![0] as string);
  kinds = compileOwn(declarations, own.kinds).kinds;
});
after(() => service.close());

const send = (plural: string, query: string, header: readonly string[], rows: readonly (readonly string[])[]) =>
  ann.send(
    "POST",
    `/${plural}/import?${query}`,
    [header, ...rows].map((cells) => cells.map((cell) => `"${cell.replaceAll('"', '""')}"`).join(";")).join("\n"),
    { "content-type": "text/csv" },
  );

/** What came of a column called `header`: an amount and its currency for each cell, or why it was refused. */
async function read(kind: Kind, field: string, header: string, cells: readonly string[], map?: string): Promise<string[]> {
  const query = map === undefined ? "" : `&map=${encodeURIComponent(header)}:${map}`;
  const least = Object.entries(leastOf(kind, world)).filter(([name]) => name !== field && name !== "currency");
  const names = [...least.map(([name]) => name), header];
  const rows = cells.map((cell) => [
    ...least.map(([, value]) => (typeof value === "object" ? JSON.stringify(value) : String(value))),
    cell,
  ]);
  const { text } = await send(kind.plural, `dry_run=true${query}`, names, rows);
  const verdicts = text.split("\n").filter((line) => line.startsWith("row="));
  return verdicts.map((line) => {
    if (line.includes("ERROR")) return /ERROR \w+ (\w+)/.exec(line)![0];
    const [, cents] = new RegExp(` ${field}=(-?\\d+)`).exec(line)!;
    const [, currency = ""] = new RegExp(` ${currencyOf(kind)!.name}=([A-Z]{3})`).exec(line) ?? [];
    return `${cents} ${currency}`.trim();
  });
}

const everyField = () =>
  kinds.flatMap((kind) => writable(kind).flatMap((field) => (field.type.money ? [{ kind, field }] : [])));

describe("of every field in cents of every kind", () => {
  test("there are the built-in ones and those of own fields", () => {
    const names = everyField().map(({ kind, field }) => `${kind.name}.${field.name}`);
    for (const name of ["deal.amount_cents", "product.unit_price_cents", "payment.amount_cents", "contact.extra", "lot.price"])
      assert.ok(names.includes(name), name);
  });

  const CELLS = ["12,00 €", "1.200,00 €", "12,50", "€ 7", "1200", "(3,10 EUR)"];
  /** Of the row without a currency only a record shows it that takes its own from another. */
  const amounts = (shown: readonly string[]) => shown.map((one) => one.split(" ")[0]);

  test("a cell with decimals or a currency is in whole units; a bare one as its column", async () => {
    for (const { kind, field } of everyField()) {
      const where = `${kind.name}.${field.name}`;
      const says = field.name.endsWith("_cents");
      const bare = says ? "1200" : "120000";
      const own = await read(kind, field.name, field.name, CELLS.slice(0, 5));
      assert.deepEqual(amounts(own), ["1200", "120000", "1250", "700", bare], where);
      assert.deepEqual([own[0], own[3]], ["1200 EUR", "700 EUR"], where);
      const mapped = await read(kind, field.name, "Zeile", CELLS.slice(0, 5), field.name);
      assert.deepEqual(amounts(mapped), ["1200", "120000", "1250", "700", "120000"], `${where}, mapped`);
      const said = await read(kind, field.name, "Zeile in Cent", CELLS.slice(0, 5), field.name);
      assert.deepEqual(amounts(said), ["1200", "120000", "1250", "700", "1200"], `${where}, mapped from cents`);
    }
  });

  test("a column of whole numbers is in cents, and one called without _cents in whole units", async () => {
    for (const { kind, field } of everyField()) {
      const where = `${kind.name}.${field.name}`;
      for (const [header, map] of [[field.name], ["Zeile", field.name]] as const)
        assert.deepEqual(
          amounts(await read(kind, field.name, header, ["1200", "7", "1200.0"], map)),
          ["1200", "7", "1200"],
          where,
        );
    }
    for (const kind of kinds)
      for (const [name, field] of wholeUnits(kind))
        for (const [header, map] of [[name], ["Zeile", name]] as const)
          assert.deepEqual(
            amounts(await read(kind, field.name, header, ["1200", "7", "12.5"], map)),
            ["120000", "700", "1250"],
            `${kind.name}.${name}`,
          );
  });
});

test("what is in two currencies, or not to be read, is refused by row", async () => {
  const rows = [
    ["a", "12,00 €", "USD"],
    ["b", "12,00 €", "eur"],
    ["c", "1200 ¥", "JPY"],
    ["d", "12,5051 €", ""],
    ["e", "many", ""],
    ["f", "12.50", "KWD"],
  ];
  const { text } = await send("deals", "dry_run=true", ["title", "amount_cents", "currency"], rows);
  const verdicts = text.split("\n").filter((line) => line.startsWith("row="));
  assert.match(verdicts[0]!, /row=2 ERROR invalid_value amount_cents "12,00 €" is in another currency than USD/);
  assert.match(verdicts[1]!, /currency=EUR amount_cents=1200$/);
  assert.match(verdicts[2]!, /currency=JPY amount_cents=1200$/);
  assert.match(verdicts[3]!, /row=5 ERROR invalid_value amount_cents "12,5051 €" cannot be read as an amount of EUR/);
  assert.match(verdicts[4]!, /row=6 ERROR invalid_value amount_cents/);
  assert.match(verdicts[5]!, /currency=KWD amount_cents=12500$/);
  const two = await send("lots", "dry_run=true", ["name", "price", "fee_cents"], [["a", "1,00 €", "2,00 USD"]]);
  assert.match(two.text, /row=2 ERROR invalid_value \w+ ".*" is in another currency than/);
});

test("what is written is what the preview shows, and the preview says how each column is read", async () => {
  const rows = [
    ["A", "12,00 €"],
    ["B", "1.200,00 €"],
    ["C", "12,50 €"],
  ];
  const preview = await send("deals", "dry_run=true&map=Wert:amount_cents", ["title", "Wert"], rows);
  assert.match(preview.text, /^# column "Wert" is amount_cents, in whole units of the currency$/m);
  const plain = await send("deals", "dry_run=true", ["title", "amount_cents"], [["A", "125000"]]);
  assert.match(plain.text, /^# column "amount_cents" is amount_cents, in cents, but for amounts with decimals or a currency$/m);
  await send("deals", "map=Wert:amount_cents", ["title", "Wert"], rows);
  const { items } = (await ann.send("GET", "/deals?format=json&currency=EUR&sort=title")).json();
  assert.deepEqual(
    (items as Record<string, unknown>[]).map(({ title, amount_cents }) => `${title} ${amount_cents}`),
    ["A 1200", "B 120000", "C 1250"],
  );
});

test("a payment whose cell names no currency is read in the workspace's, and refused where the invoice is in another", async () => {
  const item = { description: "Work", unit_price_cents: 50_000 };
  const issued = async (currency: string) => {
    const { id } = (
      await ann.send("POST", "/invoices?format=json", { currency, company: { name: "Acme" }, items: [item] })
    ).json();
    const done = await ann.send("POST", `/invoices/${id}/issue`);
    assert.equal(done.status, 200, done.text);
    return id as string;
  };
  const [usd, jpy] = [await issued("USD"), await issued("JPY")];
  const rows = [
    ["one", usd, "12,50"],
    ["two", jpy, "1250"],
    ["three", jpy, "1250 JPY"],
  ];
  const { text } = await send("payments", "", ["reference", "invoice_id", "amount"], rows);
  assert.match(text, /^row=3 ERROR \w+ .*(?:JPY|USD)/m);
  const { items } = (await ann.send("GET", "/payments?format=json&sort=amount_cents")).json();
  assert.deepEqual(
    (items as Record<string, unknown>[])
      .filter(({ reference }) => ["one", "two", "three"].includes(reference as string))
      .map(({ reference, amount_cents, currency }) => `${reference} ${amount_cents} ${currency}`),
    ["one 1250 USD", "three 1250 JPY"],
  );
});

test("columns that people call by the price or the amount are in whole units, in a price list and a list of payments too", async () => {
  const prices = await send("products", "", ["Bezeichnung", "Artikelnummer", "Preis"], [["Panel", "P-1", "189"]]);
  assert.match(prices.text, /^# column "Preis" is unit_price, in whole units of the currency$/m);
  assert.equal((await ann.send("GET", "/products?format=json&sku=P-1")).json().items[0].unit_price_cents, 18_900);
  const paid = await send("payments", "", ["Verwendungszweck", "Betrag", "Buchungstag"], [["R-1", "12,00 €", "15.12.2026"]]);
  assert.match(paid.text, /^# column "Betrag" is amount, in whole units of the currency$/m);
  const [payment] = (await ann.send("GET", "/payments?format=json&reference=R-1")).json().items;
  assert.deepEqual([payment.amount_cents, payment.currency, payment.paid_on], [1200, "EUR", "2026-12-15"]);
});
