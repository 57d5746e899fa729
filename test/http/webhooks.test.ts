import assert from "node:assert/strict";
import { after, before, beforeEach, test } from "node:test";
import { createLog } from "../../src/kit/log.ts";
import { sql } from "../../src/postgres/sql.ts";
import { type Endpoint, startEndpoint, verifies } from "../helpers/endpoint.ts";
import { settled } from "../helpers/feed.ts";
import { type Client, type Service, startService } from "../helpers/service.ts";

/** Webhooks: what they are told, how it is signed, and who may make them. */

let clock = Date.parse("2026-06-10T12:00:00Z");
let service: Service;
let ann: Client;
let endpoint: Endpoint;
const log: string[] = [];
before(async () => {
  endpoint = await startEndpoint();
  service = await startService({
    now: () => clock,
    mail: true,
    config: { CRM_WEBHOOK_HOSTS: "127.0.0.1", CRM_ACCESS_LOG: "on" },
    log: createLog((line) => log.push(line), Date.now),
    lookup: async (host) => (host === "inner.example" ? [{ address: "10.0.0.1", family: 4 }] : []),
  });
  ann = await service.signIn();
});
after(async () => {
  await service.close();
  await endpoint.close();
});
beforeEach(async () => {
  await service.pool.rows(sql`delete from webhooks`);
  endpoint.received.length = 0;
  endpoint.answer = (_, response) => response.writeHead(204).end();
});

type Made = { id: string; secret: string };

async function hook(body: object, who: Pick<Client, "send"> = ann): Promise<Made> {
  const made = await who.send("POST", "/webhooks?format=json", { url: endpoint.url, ...body });
  assert.equal(made.status, 201, made.text);
  const { id, secret } = made.json();
  return { id: id.split("/")[1], secret };
}

async function make(path: string, body: object): Promise<string> {
  const made = await ann.send("POST", `${path}?format=json`, body);
  assert.equal(made.status, 201, made.text);
  return made.json().id;
}

async function told(): Promise<string[]> {
  await settled(service.pool);
  await service.tell();
  return endpoint.received.map(({ type }) => type);
}

const confirmed = async (path: string, query = "", method = "DELETE", body?: object) => {
  const asked = await ann.send(method, `${path}?format=json${query}`, body);
  const done = await ann.send(method, `${path}?format=json${query}&confirm=${asked.json().confirm}`, body);
  assert.equal(done.status, 200, done.text);
};

test("a change is told as GET /changes shows it, signed as Standard Webhooks says", async () => {
  const { secret } = await hook({ events: ["contact.*"] });
  assert.match(secret, /^whsec_[A-Za-z0-9+/]{44}$/);
  const id = await make("/contacts", { name: "Jane", stage: "lead", notes: "ü".repeat(100_000) });
  await ann.send("PATCH", `/contacts/${id}`, { stage: "customer" });
  await make("/companies", { name: "Not asked for" });
  assert.deepEqual(await told(), ["contact.created", "contact.updated"]);
  const [first, second] = endpoint.received;
  const { data, headers, text } = second!;
  assert.ok(verifies(second!, secret));
  assert.ok(!verifies({ ...second!, text: `${text} ` }, secret));
  assert.equal(headers["webhook-timestamp"], String(clock / 1000));
  assert.match(headers["webhook-id"] as string, /^wd_\w{26}$/);
  assert.notEqual(first!.id, second!.id);
  assert.equal(JSON.parse(text).timestamp, "2026-06-10T12:00:00Z");
  const shown = await ann.send("GET", `/changes?format=json&record=${id}&since=&fields=${Object.keys(data).join()}`);
  assert.deepEqual(data, shown.json().items[1]);
  assert.deepEqual([data.before.stage, data.after.stage, data.changes.stage.to], ["lead", "customer", "customer"]);
});

test("events, fields and a query choose what is told", async () => {
  await hook({ events: ["*"], url: `${endpoint.url}/all` });
  await hook({ events: ["contacts.Updated", "*.deleted"], url: `${endpoint.url}/some` });
  await hook({ events: ["contact.*"], fields: ["stage"], url: `${endpoint.url}/stage` });
  await hook({ events: ["contact.*"], query: "stage=customer&company.industry=energy", url: `${endpoint.url}/query` });
  const company = await make("/companies", { name: "Acme", industry: "energy" });
  const id = await make("/contacts", { name: "Jane", stage: "lead", company_id: company });
  await ann.send("PATCH", `/contacts/${id}`, { title: "CTO" });
  await told();
  await ann.send("PATCH", `/contacts/${id}`, { stage: "customer" });
  const other = await make("/contacts", { name: "Other" });
  await confirmed(`/contacts/${id}/merge`, "", "POST", { from: other });
  await confirmed(`/contacts/${id}`);
  await ann.send("POST", `/contacts/${id}/restore`);
  await told();
  const of = (path: string) => endpoint.received.filter((each) => each.path === path).map(({ type }) => type);
  const ofRecord = (record: string) =>
    endpoint.received.filter((each) => each.path === "/all" && each.data.record === record).map(({ type }) => type);
  assert.deepEqual(ofRecord(company), ["company.created"]);
  assert.deepEqual(ofRecord(other), ["contact.created", "contact.merged"]);
  assert.deepEqual(ofRecord(id), [
    ...["contact.created", "contact.updated", "contact.updated", "contact.deleted", "contact.restored"],
  ]);
  const merged = endpoint.received.find(({ type }) => type === "contact.merged")!;
  assert.deepEqual([merged.data.record, merged.data.merged_into], [other, id]);
  assert.deepEqual(of("/some").filter((type) => type.endsWith("deleted")).length, 2, "a merged record is deleted too");
  assert.deepEqual([...new Set(of("/some"))].sort(), ["contact.deleted", "contact.updated"]);
  assert.deepEqual(of("/stage"), ["contact.created", "contact.updated", "contact.deleted", "contact.restored"]);
  assert.ok(of("/query").length >= 3 && !of("/query").includes("contact.created"), String(of("/query")));
});

test("the secret is shown once: stored encrypted, listed nowhere, in no log and no export", async () => {
  const { id, secret } = await hook({ events: ["*"] });
  await told();
  const [row] = await service.pool.rows(sql`select jsonb_agg(to_jsonb(w))::text from webhooks w`);
  const texts = [row![0] as string, log.join("")];
  for (const path of ["/webhooks", `/webhooks/${id}`, "/export", "/audit"])
    for (const format of ["json", "text"]) texts.push((await ann.send("GET", `${path}?format=${format}`)).text);
  for (const text of texts) assert.ok(!text.includes(secret.slice(6, 30)), text.slice(0, 200));
});

test("after a rotation both secrets sign for a day, then the new one alone", async () => {
  const { id, secret } = await hook({ events: ["*"] });
  const rotated = (await ann.send("POST", `/webhooks/${id}/rotate?format=json`)).json();
  assert.notEqual(rotated.secret, secret);
  const check = async (name: string) => {
    await make("/companies", { name });
    await told();
    return [secret, rotated.secret].map((each) => verifies(endpoint.received.at(-1)!, each));
  };
  assert.deepEqual(await check("One"), [true, true]);
  clock += 24 * 3_600_000 + 1_000;
  assert.deepEqual(await check("Two"), [false, true]);
});

test("a test message is sent at once, and its answer told", async () => {
  const { id, secret } = await hook({ events: ["deal.*"] });
  endpoint.answer = (_, response) => response.writeHead(418).end("short and stout\0\u001b[31m");
  const tried = (await ann.send("POST", `/webhooks/${id}/test?format=json`)).json();
  assert.deepEqual([tried.status, tried.problem, tried.answer], [418, "it answered 418", "short and stout [31m"]);
  const [received] = endpoint.received;
  assert.equal(received!.type, "webhook.test");
  assert.ok(verifies(received!, secret));
  const { items } = (await ann.send("GET", `/webhooks/${id}/deliveries?format=json`)).json();
  assert.deepEqual([items[0].event, items[0].state, items[0].attempts.length], ["webhook.test", "failed", 1]);
  const again = await ann.send("POST", `/deliveries/${items[0].handle.split("/")[1]}/redeliver`);
  assert.match(again.text, /^ERROR unprocessable a test is sent by POST/);
});

test("deliveries are listed in pages, and any is sent again under its id", async () => {
  const { id } = await hook({ events: ["company.created"] });
  for (const name of ["One", "Two", "Three"]) await make("/companies", { name });
  await told();
  const path = `/webhooks/${id}/deliveries?format=json&limit=2`;
  const first = (await ann.send("GET", path)).json();
  const second = (await ann.send("GET", `${path}&cursor=${first.next_cursor}`)).json();
  const all = [...first.items, ...second.items];
  assert.equal(second.next_cursor, null);
  assert.deepEqual(
    all.map((each) => each.id),
    endpoint.received.map((each) => each.id).reverse(),
  );
  assert.deepEqual([all[0].state, all[0].status, all[0].tries, all[0].problem], ["delivered", 204, 1, null]);
  const one = all[2];
  assert.equal((await ann.send("POST", `/deliveries/${one.id}/redeliver`)).status, 200);
  await told();
  assert.deepEqual([endpoint.received.length, endpoint.received[3]!.id], [4, one.id]);
  const shown = (await ann.send("GET", `/deliveries/${one.id}?format=json`)).json();
  assert.deepEqual([shown.state, shown.attempts.length], ["delivered", 2]);
});

for (const [body, message, hint] of [
  [
    { url: "http://example.com/", events: ["*"] },
    /^ERROR invalid_value url cannot be .*: it is not https/,
    "CRM_WEBHOOK_HOSTS=example.com",
  ],
  [{ url: "https://u:p@example.com/", events: ["*"] }, /holds a name or password/, "https://example.com/hooks"],
  [{ url: "https://example.com:22/", events: ["*"] }, /its port/, "https://example.com/hooks"],
  [{ url: "nonsense", events: ["*"] }, /it is no URL/, "https://example.com/hooks"],
  [
    { url: "https://example.com/", events: ["contact.crated"] },
    /there is no event "?contact\.crated/,
    "did you mean contact.created",
  ],
  [{ url: "https://example.com/" }, /^ERROR missing_field events is missing/, ""],
  [{ url: "https://example.com/", events: ["*"], fields: ["stag"] }, /fields cannot be "?stag/, "did you mean stage"],
  [{ url: "https://example.com/", events: ["*"], query: "stage=lead" }, /query needs events of one kind/, "contact.*"],
  [{ url: "https://example.com/", events: ["contact.*"], query: "stag=lead" }, /stag/, "did you mean stage"],
  [{ url: "https://example.com/", events: ["contact.*"], query: "search=lead" }, /no search/, "filter"],
] as const)
  test(`${JSON.stringify(body)} is refused with a way out`, async () => {
    const { status, text } = await ann.send("POST", "/webhooks", body);
    assert.equal(status, 400, text);
    assert.match(text, message);
    assert.ok(text.includes(hint), text);
  });

test("a private address is never reached, and says no more than a name that is none", async () => {
  const answers = [];
  for (const host of ["inner.example", "none.example", "10.1.2.3", "169.254.169.254", "[::1]", "2130706434"]) {
    const { id } = await hook({ url: `https://${host}/`, events: ["*"] });
    const { problem, status, ms } = (await ann.send("POST", `/webhooks/${id}/test?format=json`)).json();
    answers.push(problem);
    assert.equal(status, undefined);
    if (host.endsWith(".example")) assert.ok(ms >= 490, "a fast answer would tell which names there are");
  }
  assert.deepEqual(new Set(answers), new Set(["the host has no public address"]));
});

test("only admins see and make webhooks, and another workspace has its own", async () => {
  const { id } = await hook({ events: ["*"] });
  const delivered = await make("/companies", { name: "Mine" }).then(told);
  assert.deepEqual(delivered, ["company.created"]);
  const { items } = (await ann.send("GET", `/webhooks/${id}/deliveries?format=json`)).json();
  const bob = await service.signIn("bob@example.com");
  const { token } = (await ann.send("POST", "/tokens?format=json", { scopes: ["read", "write", "delete"] })).json();
  const narrow: Client["send"] = (method, path, body) => service.send(method, path, body, { authorization: `Bearer ${token}` });
  for (const [method, path] of [
    ["GET", `/webhooks/${id}`],
    ["PATCH", `/webhooks/${id}`],
    ["DELETE", `/webhooks/${id}`],
    ["POST", `/webhooks/${id}/rotate`],
    ["POST", `/webhooks/${id}/test`],
    ["GET", `/webhooks/${id}/deliveries`],
    ["GET", `/deliveries/${items[0].id}`],
    ["POST", `/deliveries/${items[0].id}/redeliver`],
  ] as const) {
    const body = method === "PATCH" ? { active: true } : undefined;
    assert.equal((await bob.send(method, path, body)).status, 404, `${method} ${path}`);
    assert.equal((await narrow(method, path, body)).status, 403, `${method} ${path}`);
  }
  assert.equal((await bob.send("GET", "/webhooks")).lines.length, 0);
  assert.equal((await narrow("GET", "/webhooks")).status, 403);
});

test("a webhook tells what its maker's token may read, and ends with the token", async () => {
  const { token, id } = (await ann.send("POST", "/tokens?format=json", { scopes: ["admin", "contacts.read"] })).json();
  const send: Client["send"] = (method, path, body) => service.send(method, path, body, { authorization: `Bearer ${token}` });
  const refused = await send("POST", "/webhooks", { url: endpoint.url, events: ["company.*"] });
  assert.match(refused.text, /^ERROR scope_required the token lacks the scope read or companies\.read/);
  const made = await hook({ events: ["*"] }, { send });
  const company = await make("/companies", { name: "Hidden" });
  await make("/contacts", { name: "Seen", company_id: company });
  assert.deepEqual(await told(), ["contact.created"]);
  assert.ok(!endpoint.received[0]!.text.includes("Hidden"), "not even the name of what it may not read");
  assert.equal((await ann.send("DELETE", `/tokens/${id}`)).status, 200);
  await make("/contacts", { name: "Later" });
  assert.deepEqual(await told(), ["contact.created"]);
  const { active, problem } = (await ann.send("GET", `/webhooks/${made.id}?format=json`)).json();
  assert.deepEqual([active, problem], [false, "the token with which ann@example.com made it was revoked"]);
  assert.match(service.mails.at(-1)!.text, new RegExp(`PATCH /webhooks/${made.id} {"active":true}`));
  await ann.send("PATCH", `/webhooks/${made.id}`, { active: true });
  assert.deepEqual(await told(), ["contact.created", "contact.created"], "who switches it on is told what was missed");
  const rest = (await ann.send("POST", "/tokens?format=json", { scopes: ["admin", "contacts.read"] })).json().token;
  const narrow = { authorization: `Bearer ${rest}` };
  endpoint.received.length = 0;
  await make("/companies", { name: "Not for that token" });
  const moved = await service.send("PATCH", `/webhooks/${made.id}`, { url: `${endpoint.url}/mine` }, narrow);
  assert.equal(moved.status, 200, moved.text);
  assert.deepEqual(await told(), [], "who sends it elsewhere is told what they may read");
  const ending = (await ann.send("POST", "/tokens?format=json", { expires_at: "+1d" })).json().token;
  const short = await service.send(
    "POST",
    "/webhooks",
    { url: endpoint.url, events: ["*"] },
    { authorization: `Bearer ${ending}` },
  );
  assert.match(short.text, /^ERROR scope_required this token is for one address or ends by itself/);
});

test("the same wish twice is one webhook; deleting takes two steps", async () => {
  const { id } = await hook({ events: ["contact.created", "*.deleted"] });
  const both = await Promise.all(
    [1, 2].map(() => ann.send("POST", "/webhooks", { url: endpoint.url, events: ["*.deleted", "contact.created"] })),
  );
  for (const { text } of both) assert.match(text, new RegExp(`^ERROR already_exists webhook/${id} `));
  await confirmed(`/webhooks/${id}`);
  assert.equal((await ann.send("GET", `/webhooks/${id}`)).status, 404);
  await make("/contacts", { name: "Nobody is told" });
  assert.deepEqual(await told(), []);
});

test("a purged record's content goes: from what waits, and from what its endpoint answered", async () => {
  const { id } = await hook({ events: ["contact.created"] });
  endpoint.answer = ({ text }, response) => response.writeHead(500).end(text.slice(0, 400));
  const contact = await make("/contacts", { name: "Zaphod", email: "zaphod@example.com" });
  await told();
  const list = async () => (await ann.send("GET", `/webhooks/${id}/deliveries?format=json`)).text;
  assert.match(await list(), /"record":"c_/);
  await confirmed(`/contacts/${contact}`, "&purge=true");
  const kept = await service.pool.rows(sql`select jsonb_agg(to_jsonb(d))::text from deliveries d`);
  assert.ok(!(kept[0]![0] as string).includes("aphod"));
  clock += 60_000;
  endpoint.received.length = 0;
  endpoint.answer = (_, response) => response.writeHead(204).end();
  await told();
  assert.ok(!endpoint.received.some(({ text }) => text.includes("aphod")));
});

test("deleting the workspace ends its webhooks", async () => {
  const cleo = await service.signIn("cleo@example.com");
  await hook({ events: ["*"] }, cleo);
  const { workspace } = (await cleo.send("GET", "/whoami?format=json")).json();
  const path = `/${workspace.replace("workspace/", "workspaces/")}?format=json`;
  await cleo.send("DELETE", path);
  const code = /\b\d{6}\b/.exec(service.mails.findLast(({ to }) => to === cleo.email)!.text)![0];
  const gone = await cleo.send("DELETE", `${path}&code=${code}`);
  assert.equal(gone.status, 200, gone.text);
  const [left] = await service.pool.rows(sql`select count(*)::int from webhooks`);
  assert.equal(left![0], 0);
});

test("it is switched off when its maker is no admin any more, and ends with the membership", async () => {
  const workspace = (await ann.send("GET", "/whoami?format=json")).json().workspace.split("/")[1];
  const members = `/workspaces/${workspace}/members`;
  const stepUp = async (method: string, path: string, body: object, who: Client["send"], email: string) => {
    await who(method, `${path}?format=json`, body);
    const code = /\b\d{6}\b/.exec(service.mails.findLast(({ to }) => to === email)!.text)![0];
    const done = await who(method, `${path}?format=json&code=${code}`, body);
    assert.ok(done.status < 300, done.text);
    return done.json();
  };
  const dora = "dora@example.com";
  await stepUp("POST", `/workspaces/${workspace}/invites`, { email: dora, role: "admin" }, ann.send, ann.email);
  const other = await service.signIn(dora);
  const { token } = await stepUp("POST", `/workspaces/${workspace}/tokens`, { name: "here" }, other.send, dora);
  const send: Client["send"] = (method, path, body) => service.send(method, path, body, { authorization: `Bearer ${token}` });
  const { id } = await hook({ events: ["company.*"] }, { send });
  const { items } = (await ann.send("GET", `${members}?format=json`)).json();
  const user = items.find(({ email }: { email: string }) => email === dora).handle.split("/")[1];
  assert.equal((await ann.send("POST", `${members}/${user}/role`, { role: "member" })).status, 200);
  await make("/companies", { name: "Not for a member" });
  assert.deepEqual(await told(), []);
  const { problem } = (await ann.send("GET", `/webhooks/${id}?format=json`)).json();
  assert.equal(problem, "dora@example.com is no admin any more");
  await confirmed(`${members}/${user}`);
  assert.equal((await ann.send("GET", `/webhooks/${id}`)).status, 404);
});
