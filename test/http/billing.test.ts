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
