import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { type Client, type Service, startService } from "../helpers/service.ts";

/** What leads on from a bill: to another one, to its payments, out of the reminders. */

let service: Service;
let ann: Client;
let company: string;
before(async () => {
  service = await startService();
  ann = await service.signIn();
  company = (await post("/companies", { name: "Acme", country: "DE" })).id;
});
after(() => service.close());

type Json = Record<string, unknown> & { id: string };

async function post(path: string, body: unknown = {}, status = 201): Promise<Json> {
  const reply = await ann.send("POST", `${path}${path.includes("?") ? "&" : "?"}format=json`, body);
  assert.equal(reply.status, status, `POST ${path} ${reply.text}`);
  return reply.json();
}

const ITEMS = [{ description: "Panel", unit_price_cents: 10_000, tax_rate: 0 }];
const short = ({ id }: Json) => id.replace(/^([a-z]+)_.*(.{8})$/, "$1_$2");
const trailers = ({ text }: { text: string }) => text.split("\n").filter((line) => /^(#|ERROR|HINT)/.test(line));

test("a payment tells what is still open, and a cancellation which payments may go back", async () => {
  const draft = await post("/invoices", { company_id: company, currency: "EUR", items: ITEMS });
  const pay = async (amount_cents: number) => ann.send("POST", `/invoices/${draft.id}/payments`, { amount_cents });
  assert.equal(trailers(await pay(1_000)).length, 1, "it waits");
  const { number } = await post(`/invoices/${draft.id}/issue`, { due_date: "2099-01-31" }, 200);
  const which = `invoice/${short(draft)} (${number})`;
  const part = await pay(2_500);
  assert.equal(trailers(part)[0], `# ${which} has 65.00 EUR (6500) open`);
  const { id } = await post("/payments", { amount_cents: 500, currency: "EUR" });
  const linked = await ann.send("PATCH", `/payments/${id}`, { invoice_id: draft.id });
  assert.equal(trailers(linked)[0], `# ${which} has 60.00 EUR (6000) open`);
  assert.equal(trailers(await pay(6_000))[0], `# ${which} is paid`);
  const handle = /^payment\/(\S+)/.exec(part.text)![1]!;
  assert.equal(trailers(await ann.send("POST", `/payments/${handle}/reverse`))[0], `# ${which} has 25.00 EUR (2500) open`);
  const cancelled = trailers(await ann.send("POST", `/invoices/${draft.id}/cancel`));
  const back = (await ann.send("GET", `/invoices/${draft.id}/payments?amount_cents=gt:0&sort=created_at&format=json`)).json();
  const paths = back.items.map(short).filter((each: string) => each !== handle);
  assert.equal(paths.length, 3);
  const reversals = paths.map((each: string) => `POST /payments/${each}/reverse`).join(", ");
  assert.equal(cancelled[1], `# 75.00 EUR (7500) were paid; when the money went back: ${reversals}`);
  const last = await ann.send("POST", `/payments/${paths[0]}/reverse`);
  assert.equal(trailers(last)[0], `# nothing of ${which} is to be paid any more`);
});

test("an overdue invoice says how it ends, and is neither snoozed nor done by hand", async () => {
  const { id } = await post("/invoices", { company_id: company, currency: "EUR", items: ITEMS });
  const late = await post(`/invoices/${id}/issue`, { date: "2026-01-01" }, 200);
  const hints = async (path: string) => trailers(await ann.send("GET", path)).filter((line) => line.includes("POST "));
  const ends = (which: string) =>
    `an invoice reminds until it is settled: POST /invoices/${which}/payments, or POST /invoices/${which}/cancel`;
  assert.deepEqual(await hints("/reminders?kind=invoice"), [`# ${ends("{id}")}`]);
  await post("/tasks", { title: "Call", due_at: "2026-01-02" });
  const moved = '# POST /reminders/{handle}/done, or /reminders/{handle}/snooze {"until":"+1w"}';
  assert.deepEqual(await hints("/reminders"), [moved, `# ${ends("{id}")}`]);
  assert.deepEqual(await hints("/reminders?limit=all"), [moved, `# ${ends("{id}")}`]);
  assert.deepEqual(await hints("/reminders?kind=task"), [moved]);
  for (const [act, body] of [
    ["done", {}],
    ["snooze", { until: "+1w" }],
  ] as const)
    assert.deepEqual(trailers(await ann.send("POST", `/reminders/${short(late)}/${act}`, body)), [
      `ERROR unprocessable overdue_at of invoice/${short(late)} moves with what is open of it`,
      `HINT  ${ends(short(late))}`,
    ]);
  await post(`/invoices/${id}/payments`, { amount_cents: 10_000 });
  assert.deepEqual(await hints("/reminders?kind=invoice"), []);
});

test("a quote is billed again once its invoice was cancelled, and not before", async () => {
  const quote = await post("/quotes", { company_id: company, currency: "EUR", items: ITEMS });
  for (const act of ["send", "accept"]) await post(`/quotes/${quote.id}/${act}`, {}, 200);
  const first = await post(`/quotes/${quote.id}/invoice`);
  await post(`/invoices/${first.id}/issue`, {}, 200);
  const again = await ann.send("POST", `/quotes/${quote.id}/invoice`);
  assert.deepEqual(trailers(again), [`# invoice/${short(first)} was made of it before`, "# unchanged"]);
  const note = await post(`/invoices/${first.id}/cancel`);
  // A credit note that names the quote is no bill for it.
  await ann.send("PATCH", `/invoices/${note.id}`, { quote_id: quote.id });
  const second = await post(`/quotes/${quote.id}/invoice`);
  assert.deepEqual([second.status, second.quote_id === quote.id, second.gross_cents], ["draft", true, 10_000]);
  assert.notEqual(second.id, first.id);
  assert.equal((await post(`/quotes/${quote.id}/invoice`, {}, 200)).id, second.id);
});
