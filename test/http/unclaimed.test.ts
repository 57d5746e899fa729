import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { endUnclaimed } from "../../src/db/people/unclaimed.ts";
import { sweepWorkspaces } from "../../src/db/people/workspaces.ts";
import { sql } from "../../src/postgres/sql.ts";
import { catalog } from "../../src/records/all.ts";
import { type Client, type Reply, type Service, startService } from "../helpers/service.ts";

const DAY = 86_400_000;

let time = Date.now();
let service: Service;
before(async () => {
  service = await startService({ now: () => time, config: { CRM_OPEN_WORKSPACES: "on" } });
});
after(() => service.close());

type Opened = { token: string; claim: string; id: string; expires_at: string };

const bearer = (token: string) => ({ authorization: `Bearer ${token}` });
const as = (token: string, method: string, path: string, body?: unknown): Promise<Reply> =>
  service.send(method, path, body, bearer(token));

async function open(body: object = {}): Promise<Opened> {
  const reply = await service.send("POST", "/workspaces?format=json", body);
  assert.equal(reply.status, 201, reply.text);
  return reply.json();
}
const pathOf = (claim: string) => new URL(claim).pathname;

test("a stranger makes a workspace with one request, and its key works like any other", async () => {
  const made = await service.send("POST", "/workspaces");
  assert.equal(made.status, 201, made.text);
  assert.match(made.text, /^workspace\/ws_\w{8} name="unclaimed workspace" .* token=ck_\w+ claim=http:\S+ expires_at=\S+$/m);
  const [, token] = / token=(\S+)/.exec(made.text)!;
  const contact = await as(token!, "POST", "/contacts", { email: "sarah@acme.com", owner: "me" });
  assert.equal(contact.status, 201, contact.text);
  const whoami = await as(token!, "GET", "/whoami");
  assert.match(whoami.text, /^email=key-\w{8}@cardfile\.invalid$/m);
  assert.match(whoami.text, /^claim=http\S+\/claim\/\w{26}\.\S+$/m);
  assert.equal(/^claim=(.*)$/m.exec(whoami.text)![1], / claim=(\S+)/.exec(made.text)![1]);
});

test("who signs in and claims it becomes its admin; the old key reads for seven days more and ends", async () => {
  const { token, claim, id } = await open({ name: "Acme" });
  await as(token, "POST", "/contacts", { email: "sarah@acme.com" });
  const ann = await service.signIn("ann@example.com");
  const [first, second] = await Promise.all([
    ann.send("POST", pathOf(claim)),
    service.signIn("eve@example.com").then((eve) => eve.send("POST", pathOf(claim))),
  ]);
  const [won, lost, owner] = first.status === 200 ? [first, second, ann] : [second, first, undefined];
  assert.deepEqual([won!.status, lost!.status], [200, 404], won!.text + lost!.text);
  if (owner) assert.equal((await owner.send("POST", pathOf(claim))).status, 200, "a repeat is answered alike");
  assert.equal((await as(token, "GET", "/contacts")).lines.length, 1);
  assert.match((await as(token, "POST", "/contacts", { email: "x@acme.com" })).text, /^ERROR scope_required a viewer/);
  assert.doesNotMatch((await as(token, "GET", "/whoami")).text, /^claim=/m);
  time += 7 * DAY + 60_000;
  assert.equal((await as(token, "GET", "/contacts")).status, 401);
  await endUnclaimed(service.pool, time);
  await sweepWorkspaces(service.pool, catalog);
  const [left] = await service.pool.rows(sql`select count(*)::int from contacts where workspace_id = ${id}`);
  assert.equal(left![0], 1, "the claimed workspace stays");
});

test("what nobody claims ends with all its records", async () => {
  const { token, claim, id } = await open();
  await as(token, "POST", "/contacts", { email: "gone@acme.com" });
  time += 7 * DAY + 60_000;
  assert.match((await as(token, "GET", "/contacts")).text, /^ERROR token_expired /);
  const ann = await service.signIn("late@example.com");
  assert.equal((await ann.send("POST", pathOf(claim))).status, 404);
  await endUnclaimed(service.pool, time);
  for (let i = 0; i < 2; i++) await sweepWorkspaces(service.pool, catalog);
  const [left] = await service.pool.rows(
    sql`select (select count(*)::int from contacts where workspace_id = ${id}), (select count(*)::int from workspaces where id = ${id})`,
  );
  assert.deepEqual(left, [0, 0]);
});

test("a forged, foreign or cut claim is unknown, and a key claims nothing", async () => {
  const { token, claim } = await open();
  const other = await open();
  const ann = await service.signIn("ann@example.com");
  const [, proof] = pathOf(claim).split(".");
  const foreign = `${pathOf(other.claim).split(".")[0]}.${proof}`;
  for (const path of [foreign, pathOf(claim).slice(0, -1), "/claim/x", `/claim/${"0".repeat(26)}.a-b`])
    assert.equal((await ann.send("POST", path)).status, 404, path);
  assert.match((await as(token, "POST", pathOf(claim))).text, /^ERROR scope_required a person claims/);
  const narrow = await ann.send("POST", "/tokens", { scopes: ["read"] });
  const [, secret] = /token=(ck_\S+)/.exec(narrow.text)!;
  assert.match((await as(secret!, "POST", pathOf(claim))).text, /^ERROR scope_required/);
});

test("a key invites nobody, and nobody signs in with its address", async () => {
  const { token, id } = await open();
  const invite = await as(token, "POST", `/workspaces/${id}/invites`, { email: "x@example.com", role: "member" });
  assert.match(invite.text, /^ERROR scope_required nobody has claimed/);
  const [, address] = /^email=(\S+)$/m.exec((await as(token, "GET", "/whoami")).text)!;
  assert.match((await service.send("POST", "/auth/request", { email: address })).text, /^ERROR invalid_email no mail reaches/);
});

test("a person claims it in a browser with a mailed code", async () => {
  const { claim, token } = await open({ name: "<b>Acme</b>" });
  const page = await service.send("GET", pathOf(claim));
  assert.match(page.text, /Keep &#60;b&#62;Acme/);
  const form = (values: Record<string, string>, headers = {}) =>
    service.send("POST", `${pathOf(claim)}/form`, new URLSearchParams(values).toString(), {
      "content-type": "application/x-www-form-urlencoded",
      "sec-fetch-site": "same-origin",
      ...headers,
    });
  assert.equal((await form({ step: "send", email: "bo@example.com" }, { "sec-fetch-site": "cross-site" })).status, 403);
  assert.equal((await form({ step: "send", email: "no address" })).status, 400);
  const asked = await form({ step: "send", email: "bo@example.com" });
  const [, code] = /value="(\d{6})"/.exec(asked.text)!;
  assert.equal((await form({ step: "verify", email: "bo@example.com", code: "1x" })).status, 400);
  const done = await form({ step: "verify", email: "bo@example.com", code: code! });
  assert.match(done.text, /is yours/);
  assert.equal((await service.send("GET", pathOf(claim))).status, 404);
  const bo = await service.signIn("bo@example.com");
  assert.match((await bo.send("GET", "/workspaces")).text, /name=<b>Acme<\/b> timezone=UTC role=admin/);
  assert.equal((await as(token, "DELETE", "/contacts/c_00000000")).status, 403);
});

test("where the operator has not allowed it, a token is needed; each address and all together have a limit", async () => {
  const closed = await startService({ mail: true, now: () => time });
  try {
    assert.match((await closed.send("POST", "/workspaces")).text, /^ERROR auth_required /);
  } finally {
    await closed.close();
  }
  const limited = await startService({ mail: true, now: () => time, config: { CRM_OPEN_WORKSPACES: "on" } });
  try {
    const replies = await Promise.all(Array.from({ length: 14 }, () => limited.send("POST", "/workspaces")));
    assert.deepEqual(
      [replies.filter(({ status }) => status === 201).length, replies.filter(({ status }) => status === 429).length],
      [10, 4],
    );
  } finally {
    await limited.close();
  }
});

test("a signed-in person still makes one that lasts, and has to name it", async () => {
  const ann = await service.signIn("ann@example.com");
  assert.match((await ann.send("POST", "/workspaces", {})).text, /^ERROR missing_field name is missing/);
  const made = await ann.send("POST", "/workspaces", { name: "Second" });
  assert.match(made.text, /^workspace\/ws_\w{8} name=Second timezone=UTC role=admin current=false created_at=\S+$/m);
});

async function rotate(client: Client, body = {}): Promise<{ token: string; id: string }> {
  const reply = await client.send("POST", `/tokens/${await tokenId(client.token)}/rotate?format=json`, body);
  assert.equal(reply.status, 201, reply.text);
  return reply.json();
}
const tokenId = async (token: string) => /^token=token\/(tok_\w{8})$/m.exec((await as(token, "GET", "/whoami")).text)![1]!;

test("a rotated token ends at once, or after the overlap; its children and its rights go to the new one", async () => {
  const cy = await service.signIn("cy@example.com");
  const child = (await cy.send("POST", "/tokens?format=json", { name: "child", scopes: ["read"] })).json().token;
  const made = await rotate(cy);
  assert.equal((await as(cy.token, "GET", "/contacts")).status, 401);
  assert.equal((await as(made.token, "GET", "/contacts")).status, 200);
  assert.equal((await as(child, "GET", "/contacts")).status, 200);

  const overlapping = await rotate(
    { ...cy, token: made.token, send: (...sent) => as(made.token, sent[0], sent[1], sent[2]) },
    { overlap: "1h" },
  );
  assert.equal((await as(made.token, "GET", "/contacts")).status, 200);
  time += 3_601_000;
  assert.equal((await as(made.token, "GET", "/contacts")).status, 401);
  assert.equal((await as(overlapping.token, "DELETE", `/tokens/${overlapping.id.split("/")[1]}`)).status, 200);
  assert.equal((await as(child, "GET", "/contacts")).status, 401, "it ends with the token it belongs to");
});

test("a narrow token rotates itself and no other, and gains nothing", async () => {
  const di = await service.signIn("di@example.com");
  const child = (await di.send("POST", "/tokens?format=json", { name: "child", scopes: ["read"], expires_at: "+1d" })).json()
    .token;
  const whole = await tokenId(di.token);
  assert.equal((await as(child, "POST", `/tokens/${whole}/rotate`)).status, 403);
  const turned = (await as(child, "POST", `/tokens/${await tokenId(child)}/rotate?format=json`, { overlap: "30m" })).json();
  assert.equal(turned.scopes, "read");
  assert.ok(Date.parse(turned.expires_at) <= time + DAY + 1_000);
  assert.equal((await as(turned.token, "POST", "/contacts", { email: "y@acme.com" })).status, 403);
  for (const overlap of ["8d", "1x", "-1h"])
    assert.equal((await as(turned.token, "POST", `/tokens/${await tokenId(turned.token)}/rotate`, { overlap })).status, 400);
  const eve = await service.signIn("eve2@example.com");
  assert.equal((await eve.send("POST", `/tokens/${whole}/rotate`)).status, 404);
});

test("a token replaces itself and those it minted, and no other of its owner's", async () => {
  const flo = await service.signIn("flo@example.com");
  const other = await tokenId((await service.signIn("flo@example.com")).token);
  const minted = (await flo.send("POST", "/tokens?format=json", { scopes: ["admin"], expires_at: "+1h" })).json().token;
  for (const token of [flo.token, minted]) {
    const refused = await as(token, "POST", `/tokens/${other}/rotate`);
    assert.match(refused.text, /^ERROR not_found this token has minted no token "tok_/);
  }
  assert.equal((await as(minted, "POST", `/tokens/${await tokenId(flo.token)}/rotate`)).status, 404);
  const replaced = await as(flo.token, "POST", `/tokens/${await tokenId(minted)}/rotate?format=json`);
  assert.equal(replaced.json().scopes, "admin");
  assert.equal((await as(flo.token, "DELETE", `/tokens/${await tokenId(flo.token)}`)).status, 200);
  assert.equal((await as(replaced.json().token, "GET", "/whoami")).status, 401);
});
