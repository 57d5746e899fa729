import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { catalog } from "../../src/records/all.ts";
import { type Client, type Service, startService } from "../helpers/service.ts";

/** Fields that a workspace has added to kinds whose records freeze: these are given out, paid, answered and taken back as before. */

let service: Service;
let ann: Client;

async function done(method: string, path: string, body?: unknown) {
  const reply = await ann.send(method, `${path}${path.includes("?") ? "&" : "?"}format=json`, body);
  assert.ok(reply.status < 300, `${method} ${path} ${reply.text}`);
  return reply.json();
}

before(async () => {
  service = await startService();
  ann = await service.signIn();
  for (const { name, frozen } of catalog.kinds)
    if (frozen)
      await done("POST", `/kinds/${name}/fields`, { fields: { channel: "text", fee_cents: "cents", seen_at: "time" } });
});
after(() => service.close());

test("they are free on what is frozen, and what was there stays", async () => {
  const own = { channel: "web", fee_cents: 250, seen_at: "2026-12-01T09:00:00Z" };
  const item = { description: "Work", unit_price_cents: 50_000 };
  const made = { company: { name: "Acme" }, items: [item], ...own };
  const quote = await done("POST", "/quotes", made);
  await done("POST", `/quotes/${quote.id}/send`);
  await done("POST", `/quotes/${quote.id}/accept`);
  const { id } = await done("POST", `/quotes/${quote.id}/invoice`);
  await done("PATCH", `/invoices/${id}`, own);
  const early = await done("POST", "/payments", { invoice_id: id, amount_cents: 10_000, ...own });
  await done("POST", `/invoices/${id}/issue`);
  const late = await done("POST", "/payments", { invoice_id: id, amount_cents: 15_000, ...own });
  await done("POST", `/payments/${late.id}/reverse`);
  for (const [path, status] of [
    [`/quotes/${quote.id}`, "accepted"],
    [`/invoices/${id}`, "partly_paid"],
    [`/payments/${early.id}`, undefined],
    [`/payments/${late.id}`, undefined],
  ] as const) {
    const shown = await done("GET", path);
    assert.deepEqual([shown.channel, shown.fee_cents, shown.status], ["web", 250, status], path);
    assert.equal((await done("PATCH", path, { channel: "phone", fee_cents: 300 })).channel, "phone", path);
    const [{ id: change }] = (await done("GET", `${path}/history`)).items;
    await done("POST", "/undo", { change });
    assert.equal((await done("GET", path)).channel, "web", path);
  }
  const held = await ann.send("PATCH", `/invoices/${id}`, { terms: "others" });
  assert.equal(held.status, 422);
  assert.match(held.text, /what may still change: .*channel, fee_cents, seen_at/);
  await done("POST", `/invoices/${id}/cancel`);
  assert.equal((await done("GET", `/invoices/${id}`)).status, "cancelled");
});
