import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { type Client, type Service, startService } from "../helpers/service.ts";

let service: Service;
let ann: Client;
before(async () => {
  service = await startService();
  ann = await service.signIn();
});
after(() => service.close());

const key = (value: string) => ({ "idempotency-key": value });

test("a create that is repeated with its key is made once, however many come at once", async () => {
  const answers = await Promise.all(
    Array.from({ length: 20 }, () => ann.send("POST", "/deals", { title: "Once" }, key('"k-1"'))),
  );
  assert.equal(answers.filter(({ status }) => status === 201).length, 1);
  assert.equal(new Set(answers.map(({ lines }) => lines[0]?.split(" ")[0])).size, 1);
  assert.equal((await ann.send("GET", "/deals?title=Once")).lines.length, 1);
});

test("the same key for another request is refused and changes nothing", async () => {
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

test("keys of two workspaces have nothing to do with each other", async () => {
  const bob = await service.signIn("bob@example.com");
  await ann.send("POST", "/tasks", { title: "Ours" }, key("k-5"));
  assert.equal((await bob.send("POST", "/tasks", { title: "Theirs" }, key("k-5"))).status, 201);
});

test("an upsert with a key updates once and is unchanged afterwards", async () => {
  await ann.send("POST", "/contacts", { email: "jane@acme.com" });
  const first = await ann.send("POST", "/contacts", { email: "jane@acme.com", stage: "lead" }, key("k-6"));
  assert.match(first.text, /# updated\n$/);
  await ann.send("POST", "/contacts", { email: "jane@acme.com", stage: "customer" });
  const again = await ann.send("POST", "/contacts", { email: "jane@acme.com", stage: "lead" }, key("k-6"));
  assert.match(again.text, / stage=customer .*\n# unchanged\n$/);
});

test("an upsert that finds all as it was sent is an update, and its repetition under a key is not", async () => {
  const body = { email: "same@acme.com", stage: "lead" };
  await ann.send("POST", "/contacts", body);
  for (const headers of [{}, {}, key("k-7")])
    assert.match((await ann.send("POST", "/contacts", body, headers)).text, /\n# updated \(unchanged\)\n$/);
  assert.match((await ann.send("POST", "/contacts", body, key("k-7"))).text, /\n# unchanged\n$/);
  const company = { domain: "same.com", name: "Same" };
  assert.match((await ann.send("POST", "/companies", company, key("k-8"))).text, /\n# created\n$/);
  assert.match((await ann.send("POST", "/companies", company, key("k-8"))).text, /\n# unchanged\n$/);
  assert.match((await ann.send("POST", "/companies", company, key("k-9"))).text, /\n# updated \(unchanged\)\n$/);
});

test("a key whose record was deleted since makes no other, of whatever kind, made or found by its address", async () => {
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
