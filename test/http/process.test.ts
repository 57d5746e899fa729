import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { once } from "node:events";
import { existsSync } from "node:fs";
import { mkdir, readFile, writeFile } from "node:fs/promises";
import net from "node:net";
import { join } from "node:path";
import { test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { promisify } from "node:util";
import postgres from "postgres";
import { isInstalled } from "../helpers/bash.ts";
import { noCitus } from "../helpers/citus.ts";
import { startNetwork } from "../helpers/network.ts";
import { database, databaseUrl, home, run, SECRET, serve, until, urlOf } from "../helpers/process.ts";

type Answer = { status: number; headers: Headers; text: string };

async function call(url: string, path: string, token?: string, body?: unknown): Promise<Answer> {
  const headers = token === undefined ? {} : { authorization: `Bearer ${token}` };
  const sent = body === undefined ? {} : { method: "POST", body: JSON.stringify(body) };
  const answer = await fetch(url + path, { ...sent, headers });
  return { status: answer.status, headers: answer.headers, text: await answer.text() };
}

async function signIn(url: string): Promise<string> {
  const email = "ann@example.com";
  const { code } = JSON.parse((await call(url, "/auth/request?format=json", undefined, { email })).text);
  return JSON.parse((await call(url, "/auth/verify?format=json", undefined, { email, code })).text).token;
}

/** Writes with eight concurrent callers until stopped, and records the acknowledged writes. */
function load(url: string, token: string, mark: string) {
  const acknowledged: string[] = [];
  const refused: Answer[] = [];
  let stopping = false;
  let count = 0;
  const hand = async () => {
    while (!stopping) {
      const title = `${mark} ${++count}`;
      const answer = await call(url, "/deals", token, { title }).catch(() => undefined);
      if (answer?.status === 201) acknowledged.push(title);
      else if (answer) refused.push(answer);
      if (answer?.status !== 201) await sleep(20);
    }
  };
  const hands = Array.from({ length: 8 }, hand);
  return {
    acknowledged,
    refused,
    async stop() {
      stopping = true;
      await Promise.all(hands);
    },
  };
}

async function assertKept(url: string, token: string, titles: string[]): Promise<void> {
  const found = new Set<string>();
  for (let cursor = ""; ; ) {
    const page = JSON.parse(
      (await call(url, `/deals?format=json&limit=200&fields=title&sort=created_at${cursor}`, token)).text,
    );
    for (const { title } of page.items) found.add(title);
    if (page.next_cursor === null) break;
    cursor = `&cursor=${page.next_cursor}`;
  }
  assert.deepEqual(
    titles.filter((title) => !found.has(title)),
    [],
  );
}

const postmaster = async (data: string) =>
  Number.parseInt(await readFile(join(data, "postgres", "postmaster.pid"), "utf8"), 10);

function isAlive(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
}

test("an empty folder becomes a service whose commands can be pasted; kill -9 loses nothing; SIGTERM finishes running requests", async () => {
  const CRM_DATA = join(home, "data");
  let service = await serve({ CRM_DATA });
  const paste = service
    .out()
    .split("\n")
    .filter((line) => line.startsWith("  "))
    .join("\n");
  for (const told of [`B=${service.url} `, "/auth/verify", "crm /contacts -d name=", "crm /reminders"])
    assert.ok(paste.includes(told), paste);
  if (isInstalled("bash") && isInstalled("curl")) {
    const { stdout } = await promisify(execFile)("bash", ["--norc", "-c", paste], { env: { PATH: process.env["PATH"] } });
    assert.match(stdout, /^contact\/c_\w{8} name="Jane Doe" email=jane@acme\.com .*\n# created ch_\w{8}\n/);
    assert.match(stdout, /\n# 1 reminder: /);
  }
  const token = await signIn(service.url);

  let writing = load(service.url, token, "service killed");
  await until("writes", () => writing.acknowledged.length > 100);
  const orphan = await postmaster(CRM_DATA);
  service.child.kill("SIGKILL");
  await writing.stop();
  await until("no PostgreSQL without its service", () => !isAlive(orphan));
  service = await serve({ CRM_DATA });
  await assertKept(service.url, token, writing.acknowledged);

  const before = writing.acknowledged;
  writing = load(service.url, token, "postgres killed");
  await until("writes", () => writing.acknowledged.length > 100);
  const killed = await postmaster(CRM_DATA);
  process.kill(killed, "SIGKILL");
  const reached = writing.acknowledged.length;
  await until("writes after PostgreSQL came back by itself", () => writing.acknowledged.length > reached + 100);
  await writing.stop();
  for (const { status, text } of writing.refused)
    assert.match(`${status} ${text}`, /^503 ERROR (not_ready|busy) [^\n]+\n(\w+=\w+\n)?HINT {2}/);
  assert.notEqual(await postmaster(CRM_DATA), killed);
  await assertKept(service.url, token, [...before, ...writing.acknowledged]);

  const socket = net.connect(Number(new URL(service.url).port), "127.0.0.1");
  const body = '{"title":"in flight"}';
  const head = `POST /deals HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: Bearer ${token}\r\nContent-Length: ${body.length}\r\n\r\n`;
  socket.write(head + body.slice(0, 9));
  await call(service.url, "/healthz"); // so the first half has arrived
  service.child.kill("SIGTERM");
  await until("the news that it stops", () => service.err().includes("event=stopping"));
  await assert.rejects(fetch(`${service.url}/healthz`, { headers: { connection: "close" } }), "no new connections");
  socket.write(body.slice(9));
  const [answer] = await once(socket, "data");
  assert.match(String(answer), /^HTTP\/1\.1 201 .*\r\n\r\ndeal\/d_\w{8} title="in flight" .*# created ch_\w{8}\n$/s);
  const last = await postmaster(CRM_DATA).catch(() => 0);
  assert.equal(await service.ended, 0, service.err());
  assert.ok(last === 0 || !isAlive(last));
  assert.ok(!existsSync(join(CRM_DATA, "postgres", "postmaster.pid")));
  assert.ok(!service.out().includes(token) && !service.err().includes(token));
});

test("a failed start prints one line and exits with code 1", async () => {
  const url = await databaseUrl();
  const newer = await database();
  const sql = postgres({ ...newer.connection, max: 1 });
  await sql`insert into schema_migrations (version, name, digest, applied_at) values (9999, 'later', '', now())`;
  await sql.end();
  const old = join(home, "old");
  await mkdir(join(old, "postgres"), { recursive: true });
  await writeFile(join(old, "postgres", "PG_VERSION"), "9\n");
  const other = join(home, "other");
  await mkdir(join(other, "postgres"), { recursive: true });
  await writeFile(join(other, "postgres", "holiday.jpg"), "");
  const taken = net.createServer().listen(0, "127.0.0.1").unref();
  await once(taken, "listening");
  const port = String((taken.address() as net.AddressInfo).port);

  const cases: [settings: Record<string, string>, says: RegExp, ...words: string[]][] = [
    [{ DATABASE_URL: url, CRM_SECRET: SECRET, CRM_PORT: port }, new RegExp(`port ${port} .* is taken: .*CRM_PORT`)],
    [{ DATABASE_URL: url, CRM_SECRET: SECRET, CRM_PORT: port, CRM_WORKERS: "2" }, new RegExp(`port ${port} .* is taken`)],
    [{ CRM_PROT: "80" }, /there is no setting CRM_PROT.*CRM_PORT/],
    [{ CRM_PORT: "http" }, /CRM_PORT must be a whole number/],
    [{ CRM_SECRET: "short" }, /CRM_SECRET must have 32 characters/],
    [{ CRM_HOST: "0.0.0.0" }, /CRM_SENDMAIL.*CRM_HOST must be a loopback address/],
    [{ DATABASE_URL: "postgres://crm@127.0.0.1:1/crm" }, /the database cannot be reached/],
    [{ DATABASE_URL: "localhost:5432" }, /DATABASE_URL/],
    [{ DATABASE_URL: urlOf(newer) }, /schema 9999.*newer/],
    [{ CRM_DATA: old }, /PostgreSQL 9/],
    [{ CRM_DATA: other }, /no PostgreSQL data.*CRM_DATA/],
    [{}, /usage: .*serve/s, "sevre"],
  ];
  const runs = cases.map(([settings, , ...words]) => run(settings, ...(words.length > 0 ? words : ["serve"])));
  for (const [i, [settings, says]] of cases.entries()) {
    const { ended, out, err } = runs[i]!;
    const what = `${JSON.stringify(settings)}: ${await ended} ${out()} ${err()}`;
    assert.equal(await ended, 1, what);
    assert.equal(out(), "", what);
    const told = err()
      .split("\n")
      .filter((line) => line !== "" && !line.startsWith("time="));
    assert.match(told.join("\n"), says, what);
    if (!says.flags.includes("s")) assert.equal(told.length, 1, what);
    assert.match(told[0]!, /^cardfile: /, what);
    assert.doesNotMatch(err(), /\n {4}at /, what);
  }
  taken.close();
});

const noEmptying = !noCitus && "it empties a database, which takes the tables of Citus with it";

test("migrate lists pending migrations and applies them once, and two concurrent starts both serve", {
  skip: noEmptying,
}, async () => {
  const settings = { DATABASE_URL: await databaseUrl({ empty: true }), CRM_SECRET: SECRET };
  const migrate = async (...options: string[]) => {
    const { ended, out, err } = run(settings, "migrate", ...options);
    assert.equal(await ended, 0, err());
    return out();
  };
  const pending = await migrate("--dry-run");
  assert.match(pending, /^(pending \d{4}-[\w-]+\.sql\n)+$/);
  assert.equal(await migrate("--dry-run"), pending, "naming them applies none");
  const services = await Promise.all([serve(settings), serve(settings)]);
  const token = await signIn(services[0]!.url);
  const made = await call(services[0]!.url, "/deals", token, { title: "Shared" });
  assert.equal(made.status, 201);
  assert.match((await call(services[1]!.url, "/deals", token)).text, /title=Shared/);
  assert.equal(await migrate("--dry-run"), "OK nothing is pending\n");
  assert.equal(await migrate(), "OK nothing is pending\n");
  for (const { child } of services) child.kill("SIGTERM");
  for (const { ended } of services) assert.equal(await ended, 0);

  const other = { ...settings, DATABASE_URL: await databaseUrl({ empty: true }) };
  const { ended, out } = run(other, "migrate");
  assert.equal(await ended, 0);
  assert.equal(out(), pending.replaceAll("pending", "applied"));
});

test("without a database the service answers not_ready with Retry-After, and recovers by itself", async () => {
  const network = await startNetwork((await database()).connection);
  const service = await serve({ DATABASE_URL: network.url, CRM_SECRET: SECRET, CRM_WORKERS: "2" });
  const token = await signIn(service.url);
  assert.equal((await call(service.url, "/readyz")).status, 200);
  await network.down();
  for (const path of ["/contacts", "/readyz", "/search?q=x"]) {
    const { status, headers, text } = await call(service.url, path, token);
    assert.equal(status, 503, text);
    assert.match(text, /^ERROR not_ready [^\n]+\nHINT {2}[^\n]+\n$/);
    assert.match(headers.get("retry-after") ?? "", /^\d+$/);
  }
  assert.equal((await call(service.url, "/contacts", token, { name: "Lost" })).status, 503);
  assert.equal((await call(service.url, "/healthz")).status, 200);
  await network.up();
  await until("an answer", async () => (await call(service.url, "/contacts", token)).status === 200);
  assert.equal((await call(service.url, "/contacts", token, { name: "Back" })).status, 201);
  service.child.kill("SIGINT");
  assert.equal(await service.ended, 0, service.err());
  await network.down();
});
