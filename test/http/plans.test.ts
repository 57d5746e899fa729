import assert from "node:assert/strict";
import { mkdtempSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { prepareUsage } from "../../src/db/records/usage.ts";
import { sql } from "../../src/postgres/sql.ts";
import { catalog } from "../../src/records/all.ts";
import { type Client, type Service, startService } from "../helpers/service.ts";

let service: Service;
let ann: Client;
before(async () => {
  const file = join(mkdtempSync(join(tmpdir(), "cardfile-plans-")), "plans.json");
  writeFileSync(file, JSON.stringify({ default: { contacts: 5, deals: 3 }, team: { contacts: 2 } }));
  service = await startService({ config: { CRM_PLANS: file } });
  ann = await service.signIn();
});
after(() => service.close());

const contact = (client: Client, i: number) => client.send("POST", "/contacts", { email: `p${i}@acme.com` });

test("concurrent creates near the cap succeed exactly up to it", async () => {
  const answers = await Promise.all(Array.from({ length: 20 }, (_, i) => contact(ann, i)));
  assert.equal(answers.filter(({ status }) => status === 201).length, 5);
  assert.equal(answers.filter(({ status, text }) => status === 403 && text.startsWith("ERROR plan_limit_reached ")).length, 15);
  assert.equal((await ann.send("GET", "/contacts")).lines.length, 5);
  assert.match((await ann.send("GET", "/whoami")).text, /^contacts="5 \/ 5"$/m);
});

test("at the cap records can be updated, and a deletion frees one slot", async () => {
  const { lines } = await ann.send("GET", "/contacts?fields=email");
  const email = /email=(\S+)/.exec(lines[0]!)![1]!;
  assert.match((await ann.send("POST", "/contacts", { email, stage: "lead" })).text, /# updated ch_\w{8}\n$/);
  const handle = lines[1]!.split(" ")[0]!;
  const asked = await ann.send("DELETE", `/${handle}`);
  await ann.send("DELETE", `/${handle}?confirm=${/confirm=(\S+)$/m.exec(asked.text)![1]}`);
  assert.equal((await contact(ann, 100)).status, 201);
  assert.equal((await contact(ann, 101)).status, 403);
});

test("a refused create leaves nothing behind, not even in the history", async () => {
  const before = (await ann.send("GET", "/audit?limit=500")).lines.length;
  assert.equal((await contact(ann, 102)).status, 403);
  assert.equal((await ann.send("GET", "/audit?limit=500")).lines.length, before);
});

test("each workspace has its own count, and kinds without a cap are unlimited", async () => {
  const bob = await service.signIn("bob@example.com");
  assert.equal((await contact(bob, 1)).status, 201);
  for (let i = 0; i < 8; i++) assert.equal((await ann.send("POST", "/tasks", { title: `t${i}` })).status, 201);
});

test("a workspace on a plan of its own has that plan's caps", async () => {
  const eve = await service.signIn("eve@example.com");
  await service.pool.rows(
    sql`update workspaces set plan = 'team' where id in (
      select m.workspace_id from memberships m join users u on u.id = m.user_id where u.email = 'eve@example.com')`,
  );
  for (const [i, status] of [201, 201, 403].entries()) assert.equal((await contact(eve, i)).status, status);
  assert.match((await eve.send("GET", "/whoami")).text, /^plan=team\ncontacts="2 \/ 2"$/m);
});

test("a count that starts later includes the existing records", async () => {
  const db = { pool: service.pool, catalog };
  await prepareUsage(db, false);
  await prepareUsage(db, true);
  assert.equal((await contact(ann, 103)).status, 403);
  assert.match((await ann.send("GET", "/whoami")).text, /^contacts="5 \/ 5"$/m);
});
