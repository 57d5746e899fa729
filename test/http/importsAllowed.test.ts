import assert from "node:assert/strict";
import { mkdtempSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { dropOldImports } from "../../src/db/imports/imports.ts";
import { sql } from "../../src/postgres/sql.ts";
import { type Client, type Service, startService } from "../helpers/service.ts";

/** An import may do no more than single writes of the same caller. */

let service: Service;
let ann: Client;
before(async () => {
  const file = join(mkdtempSync(join(tmpdir(), "cardfile-plans-")), "plans.json");
  writeFileSync(file, JSON.stringify({ default: { contacts: 5 } }));
  service = await startService({ config: { CRM_PLANS: file } });
  ann = await service.signIn();
});
after(() => service.close());

async function narrowed(...scopes: string[]): Promise<Client> {
  const { token } = (await ann.send("POST", "/tokens?format=json", { name: "narrow", scopes })).json();
  const send: Client["send"] = (method, path, body, headers = {}) =>
    service.send(method, path, body, { ...headers, authorization: `Bearer ${token}` });
  return { ...ann, token, send };
}

const table = (...names: string[]) =>
  `name,email\n${names.map((name) => `${name},${name.toLowerCase()}@allowed.example\n`).join("")}`;

test("the plan's cap holds: rows up to it go in, the others are refused, known ones are updated", async () => {
  const dry = await ann.send("POST", "/contacts/import?dry_run=true", table("A", "B", "C", "D", "E", "F", "G"));
  assert.match(dry.text, /^# would be created: 5, would be updated: 0, refused: 2$/m);
  const reply = await ann.send("POST", "/contacts/import", table("A", "B", "C", "D", "E", "F", "G"));
  assert.match(reply.text, /^row=7 ERROR plan_limit_reached .*\nrow=8 ERROR plan_limit_reached /m);
  assert.match(reply.text, /^# 5 created, 0 updated, 0 unchanged, 2 refused$/m);
  assert.match((await ann.send("GET", "/whoami")).text, /^contacts="5 \/ 5"$/m);
  const again = await ann.send("POST", "/contacts/import", table("H", "A").replace("A,", "Anew,"));
  assert.match(again.text, /^row=2 ERROR plan_limit_reached .*\nrow=3 updated /m);
});

test("a token that may only create changes nothing, and one that may only change creates nothing", async () => {
  const creates = await narrowed("companies.create");
  await ann.send("POST", "/companies", { name: "Known", domain: "known.example" });
  const file = "name,domain\nChanged,known.example\nNew,new.example\n";
  const created = await creates.send("POST", "/companies/import", file);
  assert.match(created.text, /^row=2 ERROR scope_required .*\nrow=3 created /m);
  const changes = await narrowed("companies.update");
  const changed = await changes.send("POST", "/companies/import", file.replace("new.ex", "newer.ex"));
  assert.match(changed.text, /^row=2 updated .*\nrow=3 ERROR scope_required /m);
  assert.match((await ann.send("GET", "/companies?domain=known.example")).text, /name=Changed/);
});

test("a linked record is made only by a token that may make one", async () => {
  const deals = await narrowed("deals.write");
  const reply = await deals.send("POST", "/deals/import", "title,company\nWith,Known\nWithout,Nowhere\nChanged one,Changed\n");
  assert.match(reply.text, /^row=3 ERROR scope_required there is no company "Nowhere", and none can be made/m);
  assert.match(reply.text, /^row=4 created /m);
  assert.equal((await deals.send("POST", "/contacts/import", table("Z"))).status, 403);
  const mixed = 'contact/c_00000000 name=Nobody email=n@x.example\ndeal/d_00000000 title="By a line"\n';
  const rows = await deals.send("POST", "/import", mixed);
  assert.match(rows.text, /^row=1 ERROR scope_required /m);
  assert.match(rows.text, /^row=2 created deal\//m);
  assert.equal((await (await narrowed("read")).send("POST", "/import", mixed)).status, 403);
});

test("two imports of the same new company at once make it once", async () => {
  const file = (n: number) => `title,company\n${Array.from({ length: 40 }, (_, i) => `D${n}-${i},Racing Ltd\n`).join("")}`;
  const replies = await Promise.all([1, 2, 3].map((n) => ann.send("POST", "/deals/import", file(n))));
  for (const { text } of replies) assert.match(text, /^# 40 created/m);
  const { items } = (await ann.send("GET", "/companies?format=json&name=Racing+Ltd")).json();
  assert.equal(items.length, 1);
});

test("imports of the same people in opposite orders at once end well", async () => {
  const rows = Array.from({ length: 300 }, (_, i) => `Co ${i},race${i}.example\n`);
  const file = (lines: string[]) => `name,domain\n${lines.join("")}`;
  const replies = await Promise.all(
    [rows, rows.toReversed()].map((lines) => ann.send("POST", "/companies/import", file(lines))),
  );
  for (const { text } of replies) assert.match(text, /, 0 refused$/m);
  const count = await ann.send("GET", "/companies?count=true&domain=like:race&limit=1");
  assert.match(count.text, /^# 1 of 300 companies$/m);
});

test("what came of an import is kept for a day", async () => {
  const day = 86_400_000;
  await dropOldImports(service.pool, Date.now() + day - 60_000);
  assert.match((await ann.send("GET", "/imports")).text, /^import\/im_/);
  await dropOldImports(service.pool, Date.now() + day + 60_000);
  assert.equal((await ann.send("GET", "/imports")).text, "# 0 imports\n");
  const [left] = await service.pool.rows(sql`select count(*)::int from import_rows`);
  assert.equal(left![0], 0);
});
