import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { sql } from "../../src/postgres/sql.ts";
import { type Client, type Service, startService } from "../helpers/service.ts";

let service: Service;
let ann: Client;
before(async () => {
  service = await startService();
  ann = await service.signIn();
});
after(() => service.close());

const key = (value: string) => ({ "idempotency-key": value });

test("a create repeated with its key happens once, also concurrently", async () => {
  const answers = await Promise.all(
    Array.from({ length: 20 }, () => ann.send("POST", "/deals", { title: "Once" }, key('"k-1"'))),
  );
  assert.equal(answers.filter(({ status }) => status === 201).length, 1);
  assert.equal(new Set(answers.map(({ lines }) => lines[0]?.split(" ")[0])).size, 1);
  assert.equal((await ann.send("GET", "/deals?title=Once")).lines.length, 1);
});

test("reusing a key for another request is refused and changes nothing", async () => {
  await ann.send("POST", "/deals", { title: "First" }, key("k-2"));
  const other = await ann.send("POST", "/deals", { title: "Second" }, key("k-2"));
  assert.equal(other.status, 422);
  assert.match(other.text, /^ERROR idempotency_mismatch /);
  assert.equal((await ann.send("GET", "/deals?title=Second")).lines.length, 0);
});

test("a refused create does not use up its key", async () => {
  const refused = await ann.send("POST", "/deals", { title: "Later", company_id: "co_00000000" }, key("k-3"));
  assert.equal(refused.status, 422);
  assert.equal((await ann.send("POST", "/deals", { title: "Later" }, key("k-3"))).status, 201);
});

test("each workspace has its own keys", async () => {
  const bob = await service.signIn("bob@example.com");
  await ann.send("POST", "/tasks", { title: "Ours" }, key("k-5"));
  assert.equal((await bob.send("POST", "/tasks", { title: "Theirs" }, key("k-5"))).status, 201);
});

test("an upsert with a key updates once, and its retry changes nothing", async () => {
  await ann.send("POST", "/contacts", { email: "jane@acme.com" });
  const first = await ann.send("POST", "/contacts", { email: "jane@acme.com", stage: "lead" }, key("k-6"));
  assert.match(first.text, /# updated ch_\w{8}\n$/);
  await ann.send("POST", "/contacts", { email: "jane@acme.com", stage: "customer" });
  const again = await ann.send("POST", "/contacts", { email: "jane@acme.com", stage: "lead" }, key("k-6"));
  assert.match(again.text, / stage=customer .*\n# unchanged\n$/);
});

test("an upsert without a difference reports an update, and its retry under a key does not", async () => {
  const body = { email: "same@acme.com", stage: "lead" };
  await ann.send("POST", "/contacts", body);
  for (const headers of [{}, {}, key("k-7")])
    assert.match((await ann.send("POST", "/contacts", body, headers)).text, /\n# updated \(unchanged\)\n$/);
  assert.match((await ann.send("POST", "/contacts", body, key("k-7"))).text, /\n# unchanged\n$/);
  const company = { domain: "same.com", name: "Same" };
  assert.match((await ann.send("POST", "/companies", company, key("k-8"))).text, /\n# created ch_\w{8}\n$/);
  assert.match((await ann.send("POST", "/companies", company, key("k-8"))).text, /\n# unchanged\n$/);
  assert.match((await ann.send("POST", "/companies", company, key("k-9"))).text, /\n# updated \(unchanged\)\n$/);
});

test("a retry under a key whose record was deleted makes no new one, for creates and upserts of every kind", async () => {
  await ann.send("POST", "/contacts", { email: "was-there@acme.com" });
  const requests: [path: string, body: Record<string, string>][] = [
    ["/deals", { title: "Gone" }],
    ["/contacts", { name: "Gone" }],
    ["/contacts", { email: "gone@acme.com" }],
    ["/contacts", { email: "was-there@acme.com", stage: "lead" }],
    ["/companies", { domain: "gone.com" }],
  ];
  for (const [i, [path, body]] of requests.entries()) {
    const send = () => ann.send("POST", path, body, key(`k-gone-${i}`));
    const handle = (await send()).lines[0]!.split(" ")[0]!;
    const asked = await ann.send("DELETE", `/${handle}?format=json`);
    assert.equal((await ann.send("DELETE", `/${handle}?confirm=${asked.json().confirm}`)).status, 200);
    const again = await send();
    assert.match(again.text, /^ERROR idempotency_conflict the \w+ made with this Idempotency-Key was deleted since\n/);
    assert.equal(again.status, 409);
  }
});

test("what is no record is made once under a key, and its secret is told again", async () => {
  for (const [path, body, other] of [
    ["/tokens", { name: "nightly" }, { name: "daily" }],
    ["/calendars", { name: "phone" }, { name: "desk" }],
    [
      "/webhooks",
      { url: "https://hooks.example.com/a", events: ["contact.*"] },
      { url: "https://b.example.com", events: ["*"] },
    ],
    ["/lists", { name: "leads", kind: "contact", query: "stage=lead" }, { name: "all", kind: "contact", query: "" }],
    ["/workspaces", { name: "Second office" }, { name: "Third office" }],
  ] as const) {
    const count = async () => (await ann.send("GET", path)).lines.length;
    const before = await count();
    const [first, ...others] = await Promise.all(
      Array.from({ length: 3 }, () => ann.send("POST", path, body, key(`once${path}`))),
    );
    const again = await ann.send("POST", path, body, key(`once${path}`));
    for (const { status, text } of [first!, ...others, again]) assert.ok(status < 300, `${path} ${text}`);
    assert.equal(await count(), before + 1, path);
    const told = (text: string) => text.replace(/^# .*/gm, "");
    for (const { text } of [...others, again]) assert.equal(told(text), told(first!.text), path);
    assert.match((await ann.send("POST", path, other, key(`once${path}`))).text, /^ERROR idempotency_mismatch /, path);
  }
});

test("a key of one token tells another token no secret", async () => {
  const first = await ann.send("POST", "/tokens", { name: "ci" }, key("ci"));
  const secret = /\btoken=(\S+)/.exec(first.text)![1]!;
  const asked = await ann.send("POST", "/tokens", { name: "ci" }, { ...key("ci"), authorization: `Bearer ${secret}` });
  assert.match(asked.text, /^ERROR idempotency_mismatch /);
  assert.equal(asked.text.includes(secret), false);
  const kept = await service.pool.rows(sql`select answer::text from idempotency_keys where key = 'ci'`);
  assert.equal(String(kept[0]![0]).includes(secret), false);
});
