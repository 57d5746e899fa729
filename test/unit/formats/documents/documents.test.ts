import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import type { Item, TaxLine } from "../../../../src/fields/items.ts";
import type { Paper } from "../../../../src/formats/documents/paper.ts";
import { printOf } from "../../../../src/formats/documents/print.ts";
import { sheetOf } from "../../../../src/formats/documents/sheet.ts";
import { ublOf, unfitForUbl } from "../../../../src/formats/documents/ubl.ts";
import { unitCode } from "../../../../src/formats/documents/ublCodes.ts";
import { netOf } from "../../../../src/kit/amounts.ts";
import { HOSTILE_TEXTS } from "../../../helpers/values.ts";

/** The documents of random invoices, held to the rules of EN 16931 by the amounts that they show. */

/** The tax on a net at a rate of one decimal at most; halves away from zero. */
function taxOf(net: bigint, rate: number): bigint {
  const thousandths = net * BigInt(Math.round(rate * 10));
  return (thousandths + (thousandths < 0n ? -500n : 500n)) / 1000n;
}

const RATES = [
  { tax_category: "S", tax_rate: 19 },
  { tax_category: "S", tax_rate: 7.5 },
  { tax_category: "Z", tax_rate: 0 },
  { tax_category: "E", tax_rate: 0, tax_reason: "Article 132" },
  { tax_category: "AE", tax_rate: 0, tax_reason: "Reverse charge" },
] as const;

const anyItem: fc.Arbitrary<Item> = fc
  .record({
    description: fc.constantFrom(...HOSTILE_TEXTS),
    quantity: fc.integer({ min: 1, max: 99_999 }).map((n) => n / 1000),
    unit_price_cents: fc.integer({ min: 0, max: 1_000_000 }),
    discount_percent: fc.constantFrom(0, 2.5, 33.33, 100),
    unit: fc.constantFrom("hour", "piece", "kg", "no such unit"),
    rate: fc.constantFrom(...RATES),
  })
  .map(({ rate, ...item }) => ({ ...item, ...rate }));

function paperOf(items: readonly Item[], takesBack: boolean, text = "x"): Paper {
  const groups = new Map<string, TaxLine>();
  for (const item of items) {
    const { tax_category, tax_rate, tax_reason } = item;
    const key = `${tax_category} ${tax_rate}`;
    const known = groups.get(key)?.net_cents ?? 0;
    groups.set(key, {
      tax_category,
      tax_rate,
      ...(tax_reason ? { tax_reason } : {}),
      net_cents: known + Number(netOf(item)),
      tax_cents: 0,
    });
  }
  const taxes = [...groups.values()].map((each) => ({
    ...each,
    tax_cents: Number(taxOf(BigInt(each.net_cents), each.tax_rate)),
  }));
  const sum = (name: "net_cents" | "tax_cents") => taxes.reduce((all, each) => all + BigInt(each[name]), 0n);
  const party = {
    name: text,
    street: text,
    city: text,
    postal_code: text,
    country: "DE",
    tax_id: "DE123456789",
    email: "a@b.example",
    phone: "+49 30 123456",
  };
  return {
    ...{
      name: "invoice",
      takesBack,
      number: "2026-0001",
      date: "2026-06-01",
      due: "2026-06-15",
      dueName: "Due",
      delivered: null,
    },
    ...{
      currency: "EUR",
      heading: text,
      note: text,
      reference: text,
      series: null,
      mark: null,
      credits: takesBack ? { number: "1", date: null } : undefined,
    },
    ...{ seller: { ...party, iban: "DE89370400440532013000" }, buyer: party, items, taxes },
    ...{ net: sum("net_cents"), tax: sum("tax_cents"), gross: sum("net_cents") + sum("tax_cents") },
  };
}

const cents = (text: string) => BigInt(text.replace(".", ""));
const allOf = (xml: string, name: string) =>
  [...xml.matchAll(new RegExp(`<${name}(?: [^>]*)?>(.*?)</${name}>`, "gs"))].map(([, inner]) => inner!);
const only = (xml: string, name: string) => allOf(xml, name)[0]!;
const total = (each: readonly string[]) => each.reduce((sum, text) => sum + cents(text), 0n);

test("UBL holds BR-CO-10, 13, 14, 15, 16, 17, BR-S-08, BR-Z-08, BR-E-08, BR-AE-08 and BR-AE-10", () => {
  fc.assert(
    fc.property(fc.array(anyItem, { minLength: 1, maxLength: 8 }), fc.boolean(), (items, takesBack) => {
      const paper = paperOf(items, takesBack);
      assert.deepEqual(unfitForUbl(paper), []);
      const xml = ublOf(paper);
      const lines = allOf(xml, takesBack ? "cac:CreditNoteLine" : "cac:InvoiceLine");
      assert.equal(lines.length, items.length);
      const totals = only(xml, "cac:LegalMonetaryTotal");
      const amount = (name: string) => cents(only(totals, `cbc:${name}`));
      const nets = lines.map((line) => only(line, "cbc:LineExtensionAmount"));
      assert.equal(amount("LineExtensionAmount"), total(nets), "BR-CO-10");
      assert.equal(amount("TaxExclusiveAmount"), amount("LineExtensionAmount"), "BR-CO-13");
      const tax = only(xml, "cac:TaxTotal");
      const subtotals = allOf(tax, "cac:TaxSubtotal");
      const taxed = total(subtotals.map((each) => only(each, "cbc:TaxAmount")));
      assert.equal(cents(only(tax, "cbc:TaxAmount")), taxed, "BR-CO-14");
      assert.equal(amount("TaxInclusiveAmount"), amount("TaxExclusiveAmount") + taxed, "BR-CO-15");
      assert.equal(amount("PayableAmount"), amount("TaxInclusiveAmount"), "BR-CO-16");
      for (const each of subtotals) {
        const [id, percent] = [only(each, "cbc:ID"), only(each, "cbc:Percent")];
        const taxable = cents(only(each, "cbc:TaxableAmount"));
        assert.equal(cents(only(each, "cbc:TaxAmount")), taxOf(taxable, Number(percent)), "BR-CO-17");
        const ofRate = lines.filter((line) => {
          const category = only(line, "cac:ClassifiedTaxCategory");
          return only(category, "cbc:ID") === id && only(category, "cbc:Percent") === percent;
        });
        assert.equal(taxable, total(ofRate.map((line) => only(line, "cbc:LineExtensionAmount"))), `BR-${id}-08`);
        const says = allOf(each, "cbc:TaxExemptionReason").length > 0;
        assert.equal(says, id === "E" || id === "AE", `BR-${id}-10`);
      }
      for (const line of lines) {
        const [allowance] = allOf(line, "cac:AllowanceCharge");
        if (!allowance) continue;
        const [base, less] = [cents(only(allowance, "cbc:BaseAmount")), cents(only(allowance, "cbc:Amount"))];
        assert.equal(base - less, cents(only(line, "cbc:LineExtensionAmount")), "the net of a line");
      }
    }),
    { numRuns: 100 },
  );
});

test("whatever a caller stored stays text: no element, attribute or page of its own", () => {
  for (const text of [...HOSTILE_TEXTS, '<script src="//evil">', "</td></table>", "]]>", "&amp;", "<!--"]) {
    const paper = paperOf([{ ...RATES[0], description: text, quantity: 1, unit_price_cents: 1, unit: text }], false, text);
    const tags = (markup: string) =>
      [...markup.matchAll(/<[^>]*>/g)].map(([each]) => each.replace(/unitCode="\w+"/, "")).join("");
    const harmless = paperOf([{ ...RATES[0], description: "x", quantity: 1, unit_price_cents: 1, unit: "x" }], false, "x");
    if (text.trim() !== "" && !/^[\p{C}\s]+$/u.test(text)) {
      assert.equal(tags(printOf(paper)), tags(printOf(harmless)), text);
      assert.equal(tags(ublOf(paper)), tags(ublOf(harmless)), text);
    }
    assert.doesNotMatch(tags(printOf(paper)), /(?:src|href|url\()/, text);
    for (const line of sheetOf(paper).split("\n")) assert.ok([...line].length <= 78, `${text}: ${line}`);
  }
});

test("what lacks something that the rules want is told so", () => {
  const paper = paperOf([{ ...RATES[4], description: "x", quantity: 1, unit_price_cents: 1 }], false);
  assert.deepEqual(unfitForUbl({ ...paper, number: null }), ["it is a draft: it has no number"]);
  assert.match(unfitForUbl({ ...paper, buyer: { name: "x" } }).join(), /the buyer has no country.*reverse charge/);
  assert.match(unfitForUbl({ ...paper, seller: { ...paper.seller, phone: "" } }).join(), /no phone, which Germany needs/);
  assert.match(unfitForUbl({ ...paper, currency: "KWD" }).join(), /two decimals/);
});

test("lines in whole yen come to quantity times price less discount within 0.02", () => {
  const yen = (quantity: number, unit_price_cents: number, discount_percent: number) =>
    ublOf({
      ...paperOf([{ ...RATES[0], description: "x", quantity, unit_price_cents, discount_percent }], false),
      currency: "JPY",
    });
  for (const xml of [yen(0.333, 18_900, 3), yen(123_456.789, 333, 12.345), yen(0.000001, 1, 0), yen(2, 18_900, 3)]) {
    const line = only(xml, "cac:InvoiceLine");
    const less = Number(allOf(line, "cbc:Amount")[0] ?? 0);
    const exact = Number(only(line, "cbc:InvoicedQuantity")) * Number(only(line, "cbc:PriceAmount")) - less;
    assert.ok(Math.abs(exact - Number(only(line, "cbc:LineExtensionAmount"))) <= 0.02, line);
    assert.doesNotMatch(line, /MultiplierFactorNumeric|BaseAmount/);
  }
});

test("a tax number is a VAT number only where it begins with a country, and gives the address in its scheme", () => {
  const paper = paperOf([{ ...RATES[0], description: "x", quantity: 1, unit_price_cents: 1 }], false);
  const seller = (more: object) =>
    only(ublOf({ ...paper, seller: { ...paper.seller, ...more } }), "cac:AccountingSupplierParty");
  const national = seller({ tax_id: "12/345/67890" });
  assert.deepEqual([only(national, "cbc:EndpointID"), allOf(national, "cbc:CompanyID")], ["a@b.example", ["12/345/67890"]]);
  assert.match(only(national, "cac:PartyTaxScheme"), /<cbc:ID>TAX</);
  for (const [country, tax_id, endpoint] of [
    ["DE", "DE 123.456-789", ' schemeID="9930">DE123456789<'],
    ["NO", "NO923456783MVA", ' schemeID="0192">923456783<'],
    ["SE", "SE556036079301", ' schemeID="0007">5560360793<'],
    ["GR", "EL094259216", ' schemeID="9933">094259216<'],
  ])
    assert.ok(seller({ country, tax_id }).includes(`<cbc:EndpointID${endpoint}`), country);
});

test("a party's own address goes before that which follows from its numbers, and Iceland's kennitala is one", () => {
  const paper = paperOf([{ ...RATES[0], description: "x", quantity: 1, unit_price_cents: 1 }], false);
  const seller = { ...paper.seller, country: "IS", tax_id: "IS12345", registration_id: "450401-3150" };
  const iceland = { ...paper, seller, buyer: { ...paper.buyer, endpoint: "0192:923456783" } };
  assert.deepEqual(unfitForUbl(iceland), []);
  const xml = ublOf(iceland);
  assert.deepEqual(allOf(xml, "cbc:EndpointID"), ["4504013150", "923456783"]);
  assert.match(xml, /<cbc:CompanyID schemeID="0196">4504013150</);
  assert.match(
    unfitForUbl({ ...iceland, seller: { ...seller, registration_id: "" } }).join(),
    /registration_id, which Iceland/,
  );
});

test("a Greek seller's number has six parts, and the mark stands with it", () => {
  const paper = paperOf([{ ...RATES[0], description: "x", quantity: 1, unit_price_cents: 1 }], true);
  const greek = {
    ...paper,
    credits: { number: "2026-0001", date: "2026-05-30" },
    seller: { ...paper.seller, country: "GR", tax_id: "EL094259216" },
  };
  assert.match(unfitForUbl(greek).join(), /no mark/);
  const marked = { ...greek, mark: "400001234567890" };
  assert.deepEqual(unfitForUbl(marked), []);
  assert.deepEqual(allOf(ublOf(marked), "cbc:ID").slice(0, 3), [
    "094259216|01/06/2026|0|5.1|0|2026-0001",
    "094259216|30/05/2026|0|1.1|0|2026-0001",
    "400001234567890",
  ]);
  assert.match(unfitForUbl({ ...marked, seller: { ...greek.seller, tax_id: "094259216" } }).join(), /tax_id such as EL/);
});

test("units are UN/ECE codes", () => {
  assert.deepEqual(["hour", "Piece", "KGM", "visit", undefined].map(unitCode), ["HUR", "H87", "KGM", "C62", "C62"]);
});
