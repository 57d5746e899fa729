import assert from "node:assert/strict";
import type { ServerResponse } from "node:http";
import { after, before, beforeEach, test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { silentLog } from "../../src/kit/log.ts";
import { sql } from "../../src/postgres/sql.ts";
import { type Endpoint, type Received, startEndpoint } from "../helpers/endpoint.ts";
import { settled } from "../helpers/feed.ts";
import { type Client, type Service, startService } from "../helpers/service.ts";

/** Endpoints that fail in every way, processes that die, and several at once. Time is the test's. */

const SECOND = 1_000;
const HOUR = 3_600 * SECOND;
const START = Date.parse("2026-06-10T12:00:00Z");

let clock = START;
let service: Service;
let ann: Client;
let endpoint: Endpoint;
before(async () => {
  endpoint = await startEndpoint();
  service = await startService({
    now: () => clock,
    mail: true,
    config: { CRM_WEBHOOK_HOSTS: "127.0.0.1" },
    webhookMs: 2_000,
    log: { ...silentLog, warn: (event, facts) => event !== "webhook switched off" && console.error(event, facts) },
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
  endpoint.answer = taken;
});

const taken = (_: unknown, response: ServerResponse) => response.writeHead(204).end();
const failing = (_: unknown, response: ServerResponse) => response.writeHead(500).end("no");

async function hook(body: object = {}, who: Pick<Client, "send"> = ann): Promise<string> {
  const made = await who.send("POST", "/webhooks?format=json", { url: endpoint.url, events: ["*"], ...body });
  assert.equal(made.status, 201, made.text);
  return made.json().id.split("/")[1];
}

async function make(name: string, who: Pick<Client, "send"> = ann): Promise<string> {
  const made = await who.send("POST", "/companies?format=json", { name });
  assert.equal(made.status, 201, made.text);
  return made.json().id;
}

async function tell(): Promise<void> {
  await settled(service.pool);
  await service.tell();
}

const shown = async (id: string) => (await ann.send("GET", `/webhooks/${id}?format=json`)).json();
const deliveries = async (id: string) => (await ann.send("GET", `/webhooks/${id}/deliveries?format=json`)).json().items;
const versions = (received: readonly Received[]) => received.map(({ data }) => `${data.after.name}${data.version}`);

for (const [what, answer, status, problem] of [
  ["answers nothing", () => {}, null, "no answer within 2 s"],
  ["hangs up", (response: ServerResponse) => response.destroy(), null, "no connection: ECONNRESET"],
  ["answers 500", (response: ServerResponse) => response.writeHead(500).end(), 500, "it answered 500"],
  [
    "redirects",
    (response: ServerResponse) => response.writeHead(302, { location: `${endpoint.url}/other` }).end(),
    302,
    "it redirects, and redirects are not followed",
  ],
] as const)
  test(`an endpoint that ${what} is tried again, and nothing is sent twice that was taken`, async () => {
    const id = await hook();
    endpoint.answer = (_, response) => void answer(response);
    await make("Acme");
    await tell();
    const [first] = await deliveries(id);
    assert.deepEqual([first.state, first.status, first.problem, first.tries], ["waiting", status, problem, 1]);
    assert.equal(endpoint.received.length, 1);
    assert.equal((await shown(id)).resumes_at, "2026-06-10T12:00:05Z");
    await tell();
    assert.equal(endpoint.received.length, 1, "not before its pause is over");
    endpoint.answer = taken;
    clock += 10 * SECOND;
    await tell();
    clock += HOUR;
    await tell();
    assert.equal(endpoint.received.length, 2);
    assert.equal(endpoint.received[0]!.id, endpoint.received[1]!.id);
    const [second] = await deliveries(id);
    assert.deepEqual([second.state, second.attempts.length], ["delivered", 2]);
    clock = START;
  });

test("10 MB of an answer are not read", async () => {
  const id = await hook();
  let sent = 0;
  endpoint.answer = (_, response) => {
    response.writeHead(200);
    const more = () => {
      while (sent < 10_000_000 && !response.destroyed) {
        sent += 65_536;
        if (!response.write(Buffer.alloc(65_536, "x"))) return void response.once("drain", more);
      }
      response.end();
    };
    more();
  };
  await make("Acme");
  await tell();
  const [one] = await deliveries(id);
  assert.deepEqual([one.state, one.status, one.answer.length], ["delivered", 200, 500]);
  assert.ok(sent < 10_000_000, String(sent));
});

test("pauses grow for three days; then it is switched off with a mail, and goes on where it stopped", async () => {
  const id = await hook();
  endpoint.answer = failing;
  await make("First");
  const pauses: number[] = [];
  let last = clock;
  for (let hours = 0; hours < 90; ) {
    await tell();
    const { active, resumes_at } = await shown(id);
    if (!active) break;
    const next = Date.parse(resumes_at);
    pauses.push((next - clock) / SECOND);
    hours = (next - START) / HOUR;
    last = clock;
    clock = next + SECOND;
  }
  assert.deepEqual(pauses.slice(0, 10), [5, 30, 120, 600, 1_800, 3_600, 7_200, 14_400, 28_800, 28_800]);
  assert.ok(last - START < 72 * HOUR && clock - START >= 72 * HOUR, String((clock - START) / HOUR));
  const mail = service.mails.at(-1)!;
  assert.equal(mail.to, ann.email);
  assert.match(mail.text, /a delivery failed for three days; at last: it answered 500/);
  await make("Second");
  const sent = endpoint.received.length;
  clock += HOUR;
  await tell();
  assert.equal(endpoint.received.length, sent, "nothing is sent while it is off");
  endpoint.answer = taken;
  assert.equal((await ann.send("PATCH", `/webhooks/${id}`, { active: true })).status, 200);
  await tell();
  assert.deepEqual(versions(endpoint.received.slice(sent)), ["First1", "Second1"]);
  clock = START;
});

test("410 ends it at once", async () => {
  const id = await hook();
  endpoint.answer = (_, response) => response.writeHead(410).end();
  await make("Acme");
  await tell();
  const { active, problem } = await shown(id);
  assert.deepEqual([active, problem], [false, "the endpoint answered 410: it is gone for good"]);
  assert.match(service.mails.at(-1)!.text, /410/);
});

test("changes of a record come in order: those behind one that failed wait, others do not", async () => {
  const id = await hook();
  const bad = await make("Bad");
  endpoint.answer = ({ data }, response) => (data.record === bad ? failing : taken)(undefined, response);
  for (let i = 0; i < 5; i++) {
    await ann.send("PATCH", `/companies/${bad}`, { industry: `i${i}` });
    await make(`Good${i}`);
  }
  await tell();
  assert.equal(endpoint.received.filter(({ data }) => data.record === bad).length, 1);
  assert.equal(endpoint.received.length, 6);
  assert.equal((await shown(id)).waiting, 6);
  endpoint.answer = taken;
  clock += 6 * SECOND;
  await ann.send("PATCH", `/companies/${bad}`, { industry: "last" });
  await tell();
  const told = endpoint.received.filter(({ data }) => data.record === bad).map(({ data }) => data.version);
  assert.deepEqual(told, [1, 1, 2, 3, 4, 5, 6, 7]);
  clock = START;
});

test("two processes tell each change once, in order for each record", async () => {
  await Promise.all(Array.from({ length: 6 }, (_, i) => hook({ url: `${endpoint.url}/${i}` })));
  const ids = await Promise.all(Array.from({ length: 10 }, (_, i) => make(`Acme${i}`)));
  for (let i = 0; i < 5; i++) await Promise.all(ids.map((id) => ann.send("PATCH", `/companies/${id}`, { industry: `i${i}` })));
  await settled(service.pool);
  const others = [service.anotherTeller(), service.anotherTeller()];
  await Promise.all([service.tell(), ...others.map((each) => each.finish())]);
  // A webhook rests for some seconds after a process found all connections in use.
  for (let turn = 0; turn < 20 && endpoint.received.length < 6 * 60; turn++) {
    clock += 6 * SECOND;
    await service.tell();
  }
  assert.equal(endpoint.received.length, 6 * 60);
  assert.equal(new Set(endpoint.received.map((each) => each.id)).size, 6 * 60);
  for (let i = 0; i < 6; i++)
    for (const id of ids) {
      const mine = endpoint.received.filter(({ path, data }) => path === `/${i}` && data.record === id);
      assert.deepEqual(
        mine.map(({ data }) => data.version),
        [1, 2, 3, 4, 5, 6],
      );
    }
  clock = START;
});

test("a process that dies between claim and report loses nothing: another goes on once the lease has ended", async () => {
  const id = await hook();
  for (let i = 0; i < 20; i++) await make(`Acme${i}`);
  await settled(service.pool);
  const dying = service.anotherTeller();
  // It dies with the first message on its way: what it had claimed and taken is never reported.
  const arrived = new Promise<void>((done) => (endpoint.answer = () => done()));
  await dying.begin();
  await arrived;
  await service.pool.rows(sql`update webhooks set lease = 'dead'`);
  await dying.stop();
  await sleep(100);
  const before = endpoint.received.length;
  endpoint.answer = taken;
  await service.tell();
  assert.equal(endpoint.received.length, before, "it is the dead one's until the lease ends");
  clock += 61 * SECOND;
  await service.tell();
  assert.equal((await shown(id)).waiting, 0);
  const names = new Set(endpoint.received.slice(before).map(({ data }) => data.after.name));
  assert.equal(names.size, 20);
  clock = START;
});

test("one dead endpoint holds back neither the others of its workspace nor other workspaces", async () => {
  const bob = await service.signIn("bob@example.com");
  const silent = () => {};
  endpoint.answer = ({ path }, response) => (path === "/dead" ? silent() : taken(undefined, response));
  await hook({ url: `${endpoint.url}/dead` });
  await hook({ url: `${endpoint.url}/well` });
  await hook({ url: `${endpoint.url}/bob` }, bob);
  for (let i = 0; i < 30; i++) await make(`Acme${i}`);
  await make("Bob's", bob);
  await tell();
  const of = (path: string) => endpoint.received.filter((each) => each.path === path).length;
  assert.deepEqual([of("/well"), of("/bob")], [30, 1]);
  assert.ok(of("/dead") <= 10, "after some failures in a row nothing more is sent");
});

test("a backlog waits in the history: no more than some hundred deliveries stand by", async () => {
  const id = await hook();
  endpoint.answer = failing;
  const rows = Array.from({ length: 800 }, (_, i) => JSON.stringify({ name: `Many${i}` })).join("\n");
  await ann.send("POST", "/companies/import", rows, { "content-type": "application/x-ndjson" });
  await tell();
  const { waiting } = await shown(id);
  assert.ok(waiting >= 500 && waiting <= 700, String(waiting));
  endpoint.answer = taken;
  endpoint.received.length = 0;
  clock += 6 * SECOND;
  await tell();
  clock += 60 * SECOND;
  await tell();
  assert.equal(new Set(endpoint.received.map(({ data }) => data.record)).size, 800);
  clock = START;
});
