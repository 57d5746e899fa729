import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { promisify } from "node:util";
import { isInstalled } from "../helpers/bash.ts";
import { noSql } from "../helpers/citus.ts";
import { type Client, type Service, startService } from "../helpers/service.ts";

/** Every line of agentCRM's document that a program could send, as printed there, with another host and key. */

const HOST = "https://www.tryagentcrm.com";

const QUICKSTART = `# 1. Create an anonymous workspace (no auth needed)
KEY=$(curl -sX POST https://www.tryagentcrm.com/v1/workspaces | jq -r .data.api_key)
# 2. Create a contact via the typed REST endpoint
curl -sX POST https://www.tryagentcrm.com/v1/contacts \\
  -H "Authorization: Bearer $KEY" \\
  -H "Content-Type: application/json" \\
  --data '{"email":"sarah@acme.com","first_name":"Sarah"}'
# 3. Or drop to SQL for joins / aggregates
curl -sX POST https://www.tryagentcrm.com/v1/sql \\
  -H "Authorization: Bearer $KEY" \\
  -H "Content-Type: application/json" \\
  --data @body.json`;

/** The lines of its chapters on endpoints, e-mails and the feed. */
const LINES = `POST /v1/workspaces
POST /v1/claim/:ws_id
POST /v1/keys/rotate?ws=ws_
POST /v1/connection?ws=ws_
GET /v1/members?ws=ws_
DELETE /v1/members?ws=ws_&user_id=
POST /v1/members/invite
POST /v1/members/accept/:token
POST /v1/sql
GET /v1/{table}
GET /v1/{table}/:id
GET /v1/{table}/search?q=
POST /v1/{table}
PATCH /v1/{table}/:id
POST /v1/{table}/:id/restore
DELETE /v1/{table}/:id
GET /v1/tables
GET /v1/schema
GET /v1/activity
GET /v1/lists/:id/rows
POST /v1/lists/:id/members
DELETE /v1/lists/:id/members/:member_id
GET /v1/emails?from_contact=c_xyz&limit=1
GET /v1/emails?involves_contact=c_xyz
GET /v1/activity?since=2026-04-28T00:00:00Z
GET /v1/activity?subject_type=contact&subject_id=c_xyz
GET /v1/activity?actor=api_key:ak_...
GET /v1/activity?verb=deleted
GET /openapi.json
GET /llms.txt`.split("\n");

/** The columns of its built-in tables, each of which is there in a row and in SQL. */
const TABLES = `companies (id, name, domain, industry, size, custom, created_at, updated_at, deleted_at)
contacts (id, email, first_name, last_name, phone, title, company_id, custom, created_at, updated_at, deleted_at)
deals (id, name, stage, amount_cents, currency, close_date, contact_id, company_id, custom, created_at, updated_at, deleted_at)
emails (id, thread_id, provider, provider_msg_id, direction, from_addr, to_addrs, cc_addrs, subject, snippet, body_text, body_html, sent_at, received_at, contact_ids, company_ids, deal_ids, custom, created_at, updated_at, deleted_at)
activity (id, occurred_at, actor, verb, subject_type, subject_id, subject_repr, changes, custom)
lists (id, name, description, target_table, kind, filter_predicate, filter_params, config, custom, created_at, updated_at, deleted_at)
list_members (id, list_id, member_id, added_at, added_by, custom)`.split("\n");

let service: Service;
let ann: Client;
before(async () => {
  service = await startService();
  ann = await service.signIn();
});
after(() => service.close());

type Row = Record<string, unknown> & { id: string };

async function row(method: string, path: string, body?: object, client = ann): Promise<Row> {
  const reply = await client.send(method, path, body);
  assert.ok(reply.status < 300, `${method} ${path} ${reply.status} ${reply.text}`);
  return reply.json().data;
}

const programs = isInstalled("curl") && isInstalled("jq");

test("the whole quickstart runs as printed, with another host", {
  skip: programs ? noSql : "curl or jq is not installed",
}, async () => {
  const folder = await mkdtemp(join(tmpdir(), "cardfile-quickstart-"));
  await writeFile(join(folder, "body.json"), '{"sql":"select count(*) as n, max(first_name) as who from contacts"}');
  const script = `${QUICKSTART.replaceAll(HOST, service.baseUrl)}\necho\necho "$KEY"`;
  const { stdout } = await promisify(execFile)("bash", ["--norc", "-c", script.replace("--data '{", "-w '\\n' --data '{")], {
    cwd: folder,
  });
  await rm(folder, { recursive: true });
  const [contact, answer, key] = stdout.trim().split("\n");
  assert.equal(JSON.parse(contact!).data.first_name, "Sarah");
  const { data, _meta } = JSON.parse(answer!);
  assert.deepEqual([data.columns, data.rows], [["n", "who"], [{ n: 1, who: "Sarah" }]]);
  assert.match(_meta.claim_url, /^http/);
  assert.match(key!, /^acrm_dev_\w+$/);
});

test("every line that it prints is answered", async () => {
  const made = (await service.send("POST", "/v1/workspaces")).json().data;
  const workspace = (await ann.send("GET", "/v1/members")).json()._meta.workspace_id;
  const before = await service.signIn("bo@example.com");
  const invited = await row("POST", "/v1/members/invite", { workspace_id: workspace, email: before.email, role: "member" });
  assert.equal(typeof invited.token, "string");
  const early = await before.send("POST", `/v1/members/accept/${invited.token}`);
  assert.deepEqual([early.status, /signing in/.test(early.json().hint)], [404, true], early.text);
  const bo = await service.signIn("bo@example.com");
  await row("POST", `/v1/members/accept/${invited.token}`, undefined, bo);
  const members = (await ann.send("GET", "/v1/members")).json().data as { user_id: string; email: string }[];
  const user = members.find(({ email }) => email === bo.email)!.user_id;
  const contact = await row("POST", "/v1/contacts", { email: "jim@acme.com", first_name: "Jim" });
  const list = await row("POST", "/v1/lists", { name: "l", target_table: "contacts", kind: "static" });
  await row("POST", `/v1/lists/${list.id}/members`, { member_id: contact.id });
  const bodies: Record<string, object> = {
    "POST /v1/members/invite": { workspace_id: workspace, email: "cy@example.com" },
    "POST /v1/sql": { sql: "select 1", params: [] },
    "POST /v1/{table}": { email: "kim@acme.com" },
    "PATCH /v1/{table}/:id": { custom: { tier: "gold" } },
    "POST /v1/lists/:id/members": { member_id: contact.id },
  };
  // What takes away comes last: the lists' member, the record, and who was let in.
  const last = ["DELETE /v1/lists", "/restore", "DELETE /v1/{table}", "DELETE /v1/members"];
  const order = (line: string) => last.findIndex((part) => line.includes(part));
  const sent = LINES.toSorted((a, b) => order(a) - order(b));
  const statuses: Record<string, number> = {};
  for (const line of sent) {
    const [method, path] = line.split(" ") as [string, string];
    const of = path.startsWith("/v1/lists") ? list.id : contact.id;
    const asked = path
      .replace(":ws_id", String(made.claim_url).split("/").at(-1)!)
      .replace(":token", String(invited.token))
      .replace("{table}", "contacts")
      .replace(":id", of)
      .replace(":member_id", contact.id)
      .replace("ws=ws_", `ws=${workspace}`)
      .replace("user_id=", `user_id=${user}`)
      .replace(/q=$/, "q=jim");
    if (path.endsWith("/restore")) await row("DELETE", asked.replace("/restore", ""));
    const rotates = line.includes("/keys/rotate");
    const client = rotates ? await service.signIn() : line.startsWith("POST /v1/claim") || line.includes("accept") ? bo : ann;
    statuses[line] = (await client.send(method, asked, bodies[line])).status;
  }
  const others = Object.entries(statuses).filter(([, status]) => status !== 200 && status !== 201);
  // Where the operator has told no address of the database, there is none; the rest is answered.
  assert.deepEqual(
    others,
    [["POST /v1/connection?ws=ws_", 501], ...(noSql ? [["POST /v1/sql", 501]] : [])],
    JSON.stringify(statuses),
  );
});

test("every column that it prints is in rows and in SQL", { skip: noSql }, async () => {
  const { id } = await row("POST", "/v1/companies", { name: "Acme", domain: "acme.example" });
  const contact = await row("POST", "/v1/contacts", { email: "x@acme.example", company_id: id });
  await row("POST", "/v1/deals", { name: "D", company_id: id, contact_id: contact.id });
  await row("POST", "/v1/emails", { from_addr: "x@acme.example", to_addrs: ["ann@example.com"], subject: "S" });
  const list = await row("POST", "/v1/lists", { name: "columns", target_table: "contacts", kind: "static" });
  await row("POST", `/v1/lists/${list.id}/members`, { member_id: contact.id });
  for (const line of TABLES) {
    const [, table, named] = /^(\w+) \((.*)\)$/.exec(line)!;
    const columns = named!.split(", ");
    const [first] = (await ann.send("GET", `/v1/${table}?limit=1`)).json().data;
    for (const column of columns) assert.ok(Object.hasOwn(first, column), `${table}.${column}`);
    if (noSql) continue;
    const asked = await row("POST", "/v1/sql", {
      sql: `select ${columns.map((each) => `${table}.${each}`).join()} from ${table}`,
    });
    assert.deepEqual(asked.columns, columns, table);
  }
});

test("ids and keys begin as it prints them, and are taken as we call them too", async () => {
  const company = await row("POST", "/v1/companies", { name: "Ids" });
  const contact = await row("POST", "/v1/contacts", { email: "ids@acme.example" });
  const deal = await row("POST", "/v1/deals", { name: "Ids" });
  const mail = await row("POST", "/v1/emails", { from_addr: "ids@acme.example", subject: "Ids" });
  const [entry] = (await ann.send("GET", `/v1/activity?subject_id=${deal.id}`)).json().data;
  const prefixes = [company, contact, deal, mail, entry].map((each: Row) => /^[a-z]+_/.exec(each.id)![0]);
  assert.deepEqual(prefixes, ["co_", "c_", "d_", "e_", "a_"]);
  const ours = (await ann.send("GET", `/deals/${deal.id}/history?format=json`)).json().items[0].id as string;
  assert.equal(entry.id, ours.replace("ch_", "a_"));
  for (const id of [entry.id, ours]) assert.equal((await row("GET", `/v1/activity/${id}`)).id, entry.id);
  assert.match(entry.actor, /^api_key:ak_\w{26}$/);
  for (const actor of [entry.actor, entry.actor.replace("ak_", "tok_")])
    assert.equal((await ann.send("GET", `/v1/activity?subject_id=${deal.id}&actor=${actor}`)).json().data.length, 1);
  if (!noSql) {
    const sql = `select id, actor from activity where id = '${entry.id}'`;
    assert.deepEqual((await row("POST", "/v1/sql", { sql })).rows, [{ id: entry.id, actor: entry.actor }]);
  }
  const { data, _meta } = (await service.send("POST", "/v1/workspaces")).json();
  assert.match(data.api_key, /^acrm_dev_\w{43}$/);
  assert.match(data.workspace_id, /^ws_/);
  const see = async (key: string, path = "/v1/contacts", header = "authorization") =>
    (await service.send("GET", path, undefined, { [header]: header === "x-api-key" ? key : `Bearer ${key}` })).status;
  assert.deepEqual(
    [await see(data.api_key), await see(data.api_key, "/contacts"), await see(data.api_key, "/contacts", "x-api-key")],
    [200, 200, 200],
  );
  assert.equal(await see(data.api_key.replace("acrm_dev_", "ck_")), 200);
  for (const key of [data.api_key.slice(9), `acrm_${data.api_key}`, data.api_key.replace("dev", "test"), `${data.api_key}x`])
    assert.equal(await see(key), 401, key);
  const claim = String(_meta.claim_url).split("/").at(-1);
  const claimed = await row("POST", `/v1/claim/${claim}`);
  assert.match(String(claimed.api_key), /^acrm_live_\w{43}$/);
  assert.equal(await see(String(claimed.api_key)), 200);
});
