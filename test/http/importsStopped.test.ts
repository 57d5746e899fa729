import assert from "node:assert/strict";
import { request } from "node:http";
import { after, before, describe, test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { sql } from "../../src/postgres/sql.ts";
import { databaseUrl, SECRET, type Served, serve, until } from "../helpers/process.ts";
import { type Client, type Service, startService } from "../helpers/service.ts";

/** An import outlives its client, and a crash: what was told stays, the rest goes in, and nothing twice. */

const people = (count: number, from = 0) =>
  `name,email,company\n${Array.from({ length: count }, (_, i) => `P ${from + i},p${from + i}@crash.example,Crash ${i % 7}\n`).join("")}`;

async function signIn(url: string): Promise<Record<string, string>> {
  const post = async (path: string, body: object) =>
    (await (await fetch(`${url}${path}?format=json`, { method: "POST", body: JSON.stringify(body) })).json()) as Record<
      string,
      string
    >;
  const { code } = await post("/auth/request", { email: "ann@example.com" });
  const { token } = await post("/auth/verify", { email: "ann@example.com", code, token_name: "test" });
  return { authorization: `Bearer ${token}` };
}

test("after kill -9 in the middle the same request writes the rest, and no row twice", async () => {
  const rows = 4_000;
  const settings = { DATABASE_URL: await databaseUrl(), CRM_SECRET: SECRET };
  const first = await serve(settings);
  const headers = { ...(await signIn(first.url)), "idempotency-key": "one-file", "content-type": "text/csv" };
  const body = people(rows);
  const told = await untilTold(first, headers, body, 300);
  first.child.kill("SIGKILL");
  await first.ended;
  assert.ok(told < rows, `it was stopped in the middle: ${told}`);

  const second = await serve(settings);
  const send = async (sent: string) => {
    const response = await fetch(`${second.url}/contacts/import`, { method: "POST", headers, body: sent });
    return { status: response.status, text: await response.text() };
  };
  let reply = await send(body);
  assert.equal(reply.status, 409, "the first may still run");
  assert.match(reply.text, /^ERROR idempotency_conflict /);
  await until("the first has been silent for long enough", async () => {
    await sleep(500);
    reply = await send(body);
    return reply.status !== 409;
  });
  assert.match(reply.text, /^# \d+ rows were written before: GET \/imports\/im_/m);
  assert.match(reply.text, new RegExp(`^# ${rows} created, 0 updated, 0 unchanged, 0 refused$`, "m"));
  const list = await (await fetch(`${second.url}/contacts?count=true&offset=0&limit=1&version=1`, { headers })).text();
  assert.match(list, new RegExp(`^# 1 of ${rows} contacts$`, "m"));
  const companies = await (await fetch(`${second.url}/companies?count=true&limit=1`, { headers })).text();
  assert.match(companies, /^# 1 of 7 companies$/m);
  const again = await send(body);
  assert.equal(again.text.match(/^row=\d+ created contact\/c_\w+$/gm)?.length, rows, "the verdicts once more");
  assert.equal((await send(people(3))).status, 422, "another file");
});

/** Sends a file and reads until so many rows were told. */
async function untilTold({ url }: Served, headers: Record<string, string>, body: string, least: number): Promise<number> {
  const response = await fetch(`${url}/contacts/import`, { method: "POST", headers, body });
  let text = "";
  for await (const piece of response.body as unknown as AsyncIterable<Uint8Array>) {
    text += Buffer.from(piece).toString();
    const count = text.match(/^row=/gm)?.length ?? 0;
    if (count >= least) return count;
  }
  assert.fail(`it ended: ${text.slice(-200)}`);
}

describe("a client", () => {
  let service: Service;
  let ann: Client;
  before(async () => {
    service = await startService();
    ann = await service.signIn();
  });
  after(() => service.close());

  /** A request that is let go of. */
  function call(headers: Record<string, string>) {
    const made = request(`${service.baseUrl}/contacts/import`, {
      method: "POST",
      agent: false,
      headers: { authorization: `Bearer ${ann.token}`, "content-type": "text/csv", ...headers },
    });
    made.on("error", () => {});
    return made;
  }

  const states = async () => [...(await ann.send("GET", "/imports")).text.matchAll(/state=(\w+)/g)].map(([, state]) => state);

  test("that goes away while it sends leaves nothing, and its key is free", async () => {
    const key = { "idempotency-key": "gone-early" };
    const sending = call(key);
    sending.write(people(5_000));
    await until("it is staging", async () => (await states()).includes("staging"));
    sending.destroy();
    await until("it is gone", async () => (await states()).length === 0);
    const [left] = await service.pool.rows(sql`select count(*)::int from import_rows`);
    assert.equal(left![0], 0);
    const reply = await ann.send("POST", "/contacts/import", people(1), key);
    assert.match(reply.text, /^# 1 created/m);
  });

  test("that goes away while it is told of it changes nothing: the import goes on to its end", async () => {
    const sending = call({});
    const body = people(2_000, 10_000);
    sending.end(body);
    await new Promise<void>((resolve) => sending.on("response", (response) => response.once("data", () => resolve())));
    sending.destroy();
    await until("it is done", async () => (await states()).every((state) => state === "done"));
    assert.match((await ann.send("GET", "/imports")).text, /rows=2000 created=2000/);
  });

  test("that reads nothing is not waited for", async () => {
    const sending = call({});
    sending.end(people(3_000, 20_000));
    const response = await new Promise<import("node:http").IncomingMessage>((resolve) => sending.on("response", resolve));
    response.pause();
    await until("it is done", async () => /rows=3000 created=3000/.test((await ann.send("GET", "/imports")).text));
    response.destroy();
  });

  test("whose file comes in pieces of a few bytes is read like any other", async () => {
    const sending = call({});
    for (const piece of people(40, 30_000).match(/[\s\S]{1,7}/g)!) {
      sending.write(piece);
      if (Math.random() < 0.2) await sleep(1);
    }
    sending.end();
    const response = await new Promise<import("node:http").IncomingMessage>((resolve) => sending.on("response", resolve));
    let text = "";
    for await (const piece of response) text += piece;
    assert.match(text, /^# 40 created, 0 updated, 0 unchanged, 0 refused$/m);
  });
});
