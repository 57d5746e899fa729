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

test("an upsert creates, updates and leaves alone", async () => {
  const created = await ann.send("POST", "/contacts", { name: "Jane", email: "Jane@Acme.com" });
  assert.equal(created.status, 201);
  assert.match(created.text, /^contact\/c_[0-9a-z]{8} name=Jane email=jane@acme\.com .*\n# created ch_\w{8}\n$/);
  const updated = await ann.send("POST", "/contacts", { email: "JANE@acme.com", stage: "lead" });
  assert.match(updated.text, / stage=lead .*\n# updated ch_\w{8}\n$/);
  const unchanged = await ann.send("POST", "/contacts", { email: "jane@acme.com", stage: "lead" });
  assert.match(unchanged.text, / version=2 .*\n# updated \(unchanged\)\n$/);
});
