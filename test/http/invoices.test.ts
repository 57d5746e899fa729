import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import fc from "fast-check";
import { type Client, type Service, startService } from "../helpers/service.ts";

/** Documents: their totals, their numbers, what holds them still, and what is paid. */

let service: Service;
let ann: Client;
let company: string;
before(async () => {
  service = await startService();
  ann = await service.signIn();
  company = (await post("/companies", { name: "Acme GmbH", domain: "acme.example", city: "Berlin", country: "DE" })).id;
});
after(() => service.close());

type Json = Record<string, unknown> & { id: string };

async function post(path: string, body: unknown = {}, status = 201, by = ann): Promise<Json> {
  const reply = await by.send("POST", `${path}${path.includes("?") ? "&" : "?"}format=json`, body);
  assert.equal(reply.status, status, `POST ${path} ${JSON.stringify(body)} ${reply.text}`);
  return reply.json();
}

async function get(path: string): Promise<Json> {
  const reply = await ann.send("GET", path, undefined, { accept: "application/json" });
  assert.equal(reply.status, 200, reply.text);
  return reply.json();
}

const ITEMS = [
  { description: "Panel", quantity: 12, unit: "piece", unit_price_cents: 18_900, discount_percent: 2.5, tax_rate: 19 },
  { description: "Work", quantity: 3.25, unit: "hour", unit_price_cents: 9_555, tax_rate: 7 },
];
const draft = (more: object = {}) => post("/invoices", { company_id: company, currency: "EUR", items: ITEMS, ...more });
const issued = async (more: object = {}) => post(`/invoices/${(await draft(more)).id}/issue`, { due_date: "2099-01-31" }, 200);

test("totals are what an exact computation of its own makes of them", async () => {
  const item = fc.record({
    description: fc.constant("x"),
    quantity: fc.integer({ min: -50_000, max: 50_000 }).map((n) => n / 1000),
    unit_price_cents: fc.integer({ min: 0, max: 100_000 }),
    discount_percent: fc.integer({ min: 0, max: 1000 }).map((n) => n / 10),
    tax_rate: fc.constantFrom(0, 7, 7.5, 19, 25.5),
  });
  const round = (top: bigint, bottom: bigint) => {
    const size = top < 0n ? -top : top;
    const whole = (size * 2n + bottom) / (bottom * 2n);
    return top < 0n ? -whole : whole;
  };
  await fc.assert(
    fc.asyncProperty(fc.array(item, { minLength: 1, maxLength: 12 }), async (items) => {
      const nets = items.map(({ quantity, unit_price_cents, discount_percent }) =>
        round(
          BigInt(Math.round(quantity * 1000)) * BigInt(unit_price_cents) * (1000n - BigInt(Math.round(discount_percent * 10))),
          1_000_000n,
        ),
      );
      const rates = new Map<number, bigint>();
      for (const [i, { tax_rate }] of items.entries()) rates.set(tax_rate, (rates.get(tax_rate) ?? 0n) + nets[i]!);
      const taxes = [...rates].map(([rate, net]) => round(net * BigInt(rate * 10), 1000n));
      const [net, tax] = [nets, taxes].map((each) => Number(each.reduce((sum, one) => sum + one, 0n)));
      const made = await post("/quotes", { items });
      assert.deepEqual([made.net_cents, made.tax_cents, made.gross_cents], [net, tax, net! + tax!]);
      assert.deepEqual(
        (made.items as Json[]).map(({ net_cents }) => net_cents),
        nets.map(Number),
      );
    }),
    { numRuns: 25 },
  );
});

test("an item takes from the product that it names, and the workspace gives the rest", async () => {
  await post("/products", {
    name: "Solar panel",
    sku: "SP-1",
    unit_price_cents: 500,
    currency: "USD",
    tax_rate: 8,
    unit: "piece",
  });
  const made = await post("/invoices", { items: [{ product: "sp-1", quantity: 2 }] });
  assert.equal(made.currency, "USD");
  const [item] = made.items as Json[];
  assert.deepEqual([item!.description, item!.unit, item!.unit_price_cents, item!.tax_rate], ["Solar panel", "piece", 500, 8]);
  const wrong = await ann.send("POST", "/invoices", { currency: "EUR", items: [{ product: "SP-1" }] });
  assert.equal(wrong.status, 422);
  assert.match(wrong.text, /priced in USD, the document is in EUR/);
  const patched = await ann.send("PATCH", `/invoices/${made.id}?format=json`, { items: made.items });
  assert.equal(patched.status, 200, "what was read can be written");
});

test("the invoice of a quote names the products of its items, but those that have gone, and takes nothing new from them", async () => {
  const made = async (sku: string) => post("/products", { name: sku, sku, unit_price_cents: 500, currency: "EUR" });
  const [kept, gone] = [await made("KEPT"), await made("GONE")];
  const quote = await post("/quotes", {
    company_id: company,
    currency: "EUR",
    items: [{ product: "KEPT" }, { product: "GONE" }],
  });
  for (const act of ["send", "accept"]) await post(`/quotes/${quote.id}/${act}`, {}, 200);
  await ann.send("PATCH", `/products/${kept.id}`, { unit: "box", name: "Changed" });
  const { confirm } = (await ann.send("DELETE", `/products/${gone.id}?format=json`)).json();
  await ann.send("DELETE", `/products/${gone.id}?confirm=${confirm}`);
  const invoice = await post(`/quotes/${quote.id}/invoice`);
  const [first, second] = quote.items as Json[];
  const { product: _, ...rest } = second!;
  assert.deepEqual(invoice.items, [first, rest]);
  assert.ok(first!.product);
});

test("totals and numbers are not for callers to say", async () => {
  for (const field of ["net_cents", "gross_cents", "number", "status", "paid_cents", "issued_at", "buyer"]) {
    const reply = await ann.send("POST", "/invoices", { items: ITEMS, [field]: 5 });
    assert.equal(reply.status, 400, field);
    assert.match(reply.text, /read-only/);
  }
  const stale = await ann.send("POST", "/invoices", { items: [{ ...ITEMS[0], net_cents: 1 }] });
  assert.match(stale.text, /item 1 comes to 221130, not 1/);
  const third = await ann.send("POST", "/invoices", { items: [{ ...ITEMS[0], quantity: 1 / 3 }] });
  assert.match(third.text, /item 1: quantity: it may have 9 digits before the point and 6 behind it/);
});

test("fifty who issue at once get numbers without a gap, a dry run and a refusal take none", async () => {
  const series = "RACE";
  const ids = (await Promise.all(Array.from({ length: 50 }, () => draft({ series })))).map(({ id }) => id);
  await ann.send("POST", `/invoices/${ids[0]}/issue?dry_run=true`, {});
  const empty = await post("/invoices", { company_id: company, series });
  assert.equal((await ann.send("POST", `/invoices/${empty.id}/issue`, {})).status, 400);
  const numbers = await Promise.all(
    ids.map(async (id) => (await post(`/invoices/${id}/issue`, { date: "2026-03-01", due_date: "2099-01-31" }, 200)).number),
  );
  const expected = Array.from({ length: 50 }, (_, i) => `RACE-2026-${String(i + 1).padStart(4, "0")}`);
  assert.deepEqual(numbers.sort(), expected);
  const again = await post(`/invoices/${ids[0]}/issue`, {}, 200);
  assert.ok(expected.includes(String(again.number)), "a retry changes nothing");
});

test("an issued invoice stays as it is, whichever way it is written", async () => {
  const { id, number } = await issued({ title: "Held" });
  const before = await get(`/invoices/${id}`);
  const refused = async (method: string, path: string, body?: unknown) => {
    const reply = await ann.send(method, path, body);
    assert.equal(reply.status, 422, `${method} ${path} ${reply.text}`);
    assert.match(reply.text, /cancel makes the credit note/);
  };
  for (const body of [{ title: "x" }, { items: [] }, { currency: "USD" }, { due_date: "2099-02-01" }, { terms: "x" }])
    await refused("PATCH", `/invoices/${id}`, body);
  await refused("DELETE", `/invoices/${id}`);
  await refused("DELETE", `/invoices/${id}?purge=true`);
  await refused("DELETE", `/invoices?id=${id}`);
  const asked = await ann.send("PATCH", `/invoices?id=${id}&format=json`, { title: "bulk" });
  await refused("PATCH", `/invoices?id=${id}&confirm=${asked.json().confirm}`, { title: "bulk" });
  const other = await draft();
  const merging = await ann.send("POST", `/invoices/${other.id}/merge?format=json`, { from: id });
  await refused("POST", `/invoices/${other.id}/merge?confirm=${merging.json().confirm}`, { from: id });
  const line = JSON.stringify({ id, title: "import" });
  const imported = await ann.send("POST", "/invoices/import", `${line}\n`, { "content-type": "application/x-ndjson" });
  assert.doesNotMatch(imported.text, /updated invoice/);
  const { items } = (await get(`/invoices/${id}/history`)) as unknown as { items: Json[] };
  for (const change of items) {
    const undone = await ann.send("POST", "/undo", { change: change.id, force: true });
    assert.match(undone.text, /cancel makes the credit note/);
  }
  assert.deepEqual(await get(`/invoices/${id}`), before);
  assert.equal((await ann.send("PATCH", `/invoices/${id}`, { notes: "free", tags: ["x"] })).status, 200);
  assert.equal((await get(`/invoices/${id}`)).number, number);
});

test("a file of drafts is filled like a body, and its payments are booked", async () => {
  const send = (path: string, rows: readonly object[]) =>
    ann.send("POST", `${path}?format=json`, `${rows.map((row) => JSON.stringify(row)).join("\n")}\n`, {
      "content-type": "application/x-ndjson",
    });
  const rows = [
    { title: "From a file", company: "Acme GmbH", items: [{ description: "x", unit_price_cents: 100, tax_rate: 19 }] },
    { title: "From a file", items: [{ product: "nowhere" }] },
  ];
  const read = (await send("/invoices/import", rows)).json();
  assert.deepEqual(
    read.items.map((each: Json) => each.outcome),
    ["created", "refused"],
  );
  const { items } = await get("/invoices?title=From%20a%20file");
  const [made] = items as Json[];
  assert.deepEqual([made!.gross_cents, made!.currency], [119, "USD"]);
  await post(`/invoices/${made!.id}/issue`, { due_date: "2099-01-31" }, 200);
  const paid = { invoice_id: made!.id, amount_cents: 119 };
  const payments = (await send("/payments/import", [paid])).json();
  assert.equal(payments.items[0].outcome, "created", JSON.stringify(payments));
  assert.equal((await get(`/invoices/${made!.id}`)).status, "paid");
  const over = (await send("/payments/import", [paid])).json();
  assert.equal(over.items[0].outcome, "refused", JSON.stringify(over));
});

test("the parties are copied with the issue; links and their records may change after", async () => {
  const buyer = await post("/companies", { name: "Before", domain: "copied.example" });
  const { id } = await issued({ company_id: buyer.id });
  await ann.send("PATCH", `/companies/${buyer.id}`, { name: "After" });
  const shown = await get(`/invoices/${id}`);
  assert.deepEqual([(shown.buyer as Json).name, shown.company], ["Before", "After"]);
});

test("payments are counted, never beyond what is open, and taken back by others", async () => {
  const { id, gross_cents: gross } = await issued();
  const pay = (amount_cents: number) => ann.send("POST", `/invoices/${id}/payments?format=json`, { amount_cents });
  const part = (await pay(1_000)).json();
  assert.equal((await get(`/invoices/${id}`)).status, "partly_paid");
  const rest = Number(gross) - 1_000;
  const raced = await Promise.all(Array.from({ length: 6 }, () => pay(rest)));
  assert.deepEqual(raced.map(({ status }) => status).sort(), [201, 422, 422, 422, 422, 422]);
  const over = raced.find(({ status }) => status === 422)!.text;
  assert.match(over, /message":"invoice\/i_\w+ \(\S+\) has 0.00 EUR open, not/);
  const line = JSON.stringify({ invoice_id: id, amount_cents: 5 });
  const file = await ann.send("POST", "/payments/import", `${line}\n`, { "content-type": "application/x-ndjson" });
  assert.match(file.text, /has 0.00 EUR open, not 0.05 EUR/);
  const paid = await get(`/invoices/${id}`);
  assert.deepEqual([paid.status, paid.open_cents, paid.paid_cents], ["paid", 0, gross]);
  for (const [method, body] of [
    ["PATCH", { amount_cents: 1 }],
    ["DELETE", undefined],
  ] as const) {
    const reply = await ann.send(method, `/payments/${part.id}`, body);
    assert.equal(reply.status, 422);
    assert.match(reply.text, /reverse takes it back/);
  }
  const change = (await ann.send("GET", `/payments/${part.id}/history?format=json`)).json().items[0].id;
  assert.match((await ann.send("POST", "/undo", { change })).text, /reverse takes it back/);
  const back = await Promise.all(Array.from({ length: 4 }, () => ann.send("POST", `/payments/${part.id}/reverse`, {})));
  assert.deepEqual(back.map(({ status }) => status).sort(), [200, 200, 200, 201]);
  assert.equal((await get(`/invoices/${id}`)).paid_cents, rest);
});

test("a payment that comes before the issue is booked with it", async () => {
  const { id } = await draft();
  const early = await post(`/invoices/${id}/payments`, { amount_cents: 500 });
  assert.equal(early.booked_at, null);
  await post(`/invoices/${id}/issue`, { due_date: "2099-01-31" }, 200);
  assert.equal((await get(`/invoices/${id}`)).paid_cents, 500);
  assert.notEqual((await get(`/payments/${early.id}`)).booked_at, null);
});

test("what is due is overdue the day after, found by the usual filter, and reminds", async () => {
  const { id } = await post(`/invoices/${(await draft({ title: "Late" })).id}/issue`, { date: "2026-01-01" }, 200);
  const late = await get("/invoices?status=overdue&title=Late");
  assert.deepEqual(
    (late.items as Json[]).map((each) => each.id),
    [id],
  );
  assert.match((await ann.send("GET", "/invoices?status=issued&title=Late")).text, /# 0 invoices/);
  assert.match((await ann.send("GET", "/invoices?group_by=status&sum=open_cents&title=Late")).text, /status=overdue/);
  assert.match((await ann.send("GET", "/reminders?kind=invoice")).text, /name=Late/);
  await post(`/invoices/${id}/cancel`);
  assert.doesNotMatch((await ann.send("GET", "/reminders?kind=invoice")).text, /name=Late/);
});

test("an invoice is cancelled once, by a credit note over all of it; parts are credited by hand", async () => {
  const { id, gross_cents: gross } = await issued();
  const raced = await Promise.all(Array.from({ length: 4 }, () => ann.send("POST", `/invoices/${id}/cancel?format=json`, {})));
  assert.deepEqual(raced.map(({ status }) => status).sort(), [200, 200, 200, 201]);
  const note = raced.find(({ status }) => status === 201)!.json();
  assert.deepEqual([note.document, note.gross_cents, note.status], ["credit_note", -Number(gross), "issued"]);
  const cancelled = await get(`/invoices/${id}`);
  assert.deepEqual([cancelled.status, cancelled.open_cents], ["cancelled", null]);
  const part = await issued();
  const credit = await post("/invoices", {
    credits_id: part.id,
    items: [{ description: "One panel", unit_price_cents: 10_000, tax_rate: 19 }],
  });
  await post(`/invoices/${credit.id}/issue`, {}, 200);
  assert.equal((await get(`/invoices/${part.id}`)).open_cents, Number(part.gross_cents) - 11_900);
  const more = await post("/invoices", { credits_id: part.id, items: ITEMS });
  assert.equal((await ann.send("POST", `/invoices/${more.id}/issue`, {})).status, 422);
});

test("a document is named by its number, in a link, a filter and a file", async () => {
  const { id, number } = await issued({ title: "By its number" });
  const paid = await post("/payments", { invoice: String(number).toLowerCase(), amount_cents: 100 });
  assert.equal(paid.invoice_id, id);
  for (const filter of [`invoice=${number}`, `invoice=in:nothing,${number}`, `invoice_id=${id}`]) {
    const { items } = (await get(`/payments?${filter}`)) as unknown as { items: Json[] };
    assert.deepEqual([items.length, items[0]?.id], [1, paid.id], filter);
  }
  const line = JSON.stringify({ invoice: number, amount_cents: 200 });
  const sent = await ann.send("POST", "/payments/import?format=json", `${line}\n`, { "content-type": "application/x-ndjson" });
  assert.equal(sent.json().items[0].outcome, "created", sent.text);
  assert.equal((await get(`/invoices/${id}`)).paid_cents, 300);
});

test("another workspace, and a token that only reads, do nothing here", async () => {
  const { id } = await draft();
  const bob = await service.signIn("bob@example.com");
  for (const [act, body] of [
    ["issue", {}],
    ["cancel", {}],
    ["payments", { amount_cents: 1 }],
  ] as const)
    assert.equal((await bob.send("POST", `/invoices/${id}/${act}`, body)).status, 404, act);
  assert.equal((await bob.send("GET", `/invoices/${id}?format=html`)).status, 404);
  const minted = (await ann.send("POST", "/tokens?format=json", { name: "reader", scopes: ["read"] })).json();
  const reads = (method: string, path: string, body?: unknown) =>
    service.send(method, path, body, { authorization: `Bearer ${minted.token}` });
  for (const act of ["issue", "cancel", "payments"])
    assert.equal((await reads("POST", `/invoices/${id}/${act}`, {})).status, 403);
  assert.equal((await reads("GET", `/invoices/${id}?format=text`)).status, 200);
  const proposes = (await ann.send("POST", "/tokens?format=json", { name: "p", scopes: ["read", "propose"] })).json();
  const proposed = await service.send(
    "POST",
    `/invoices/${id}/issue?format=json`,
    {},
    { authorization: `Bearer ${proposes.token}` },
  );
  assert.equal(proposed.status, 202);
  assert.equal((await get(`/invoices/${id}`)).number, null);
});

test("a quote that was sent or rejected is undone whole, numbers and copies included, until it is accepted", async () => {
  const { id } = await post("/quotes", { company_id: company, currency: "EUR", items: ITEMS });
  const act = async (path: string, body?: object) => (await ann.send("POST", path, body)).headers.get("x-change");
  const lasting = async () => {
    const { version: _, updated_at: __, ...rest } = await get(`/quotes/${id}`);
    return rest;
  };
  const drafted = await lasting();
  const change = await act(`/quotes/${id}/send`);
  const sent = await lasting();
  await act("/undo", { change: await act(`/quotes/${id}/reject`) });
  assert.deepEqual(await lasting(), sent);
  const undone = await act("/undo", { change });
  assert.deepEqual(await lasting(), drafted);
  await act("/undo", { change: undone });
  assert.deepEqual(await lasting(), sent);
  const accepted = await act(`/quotes/${id}/accept`);
  const left = await ann.send("POST", "/undo", { change: accepted });
  assert.match(left.text, /undone=0\nleft=1\n.*an accepted quote stays as it is/s);
});

test("of an issued invoice undo takes back what is free, and a merge of one is refused before it is asked for", async () => {
  const [one, other] = [await issued(), await draft()];
  await post(`/invoices/${one.id}/payments`, { amount_cents: 100 });
  await ann.send("PATCH", `/invoices/${one.id}`, { notes: "late" });
  const { version } = await get(`/invoices/${one.id}`);
  const reply = await ann.send("POST", "/undo", { record: one.id, version: (version as number) - 2 });
  assert.match(reply.text, /undone=1\nleft=1\n.*an issued invoice stays as it is/s);
  const { notes, paid_cents } = await get(`/invoices/${one.id}`);
  assert.deepEqual([notes, paid_cents], [null, 100]);
  assert.equal((await ann.send("POST", `/invoices/${other.id}/merge`, { from: one.id })).status, 422);
  assert.equal((await ann.send("POST", `/invoices/${one.id}/merge`, { from: other.id, take: ["items"] })).status, 409);
});
