import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import postgres from "postgres";
import { home, type Served, serve, until } from "../helpers/process.ts";

/** kill -9 in the middle of a bulk change, a merge and an undo: all of a request is there afterwards or nothing of it, and its key likewise. */

const MANY = 60;
/** Kills at any moment, besides those in the middle. */
const ROUNDS = Number(process.env["ROUNDS"] ?? 1);
let service: Served;
let token = "";
const folder = () => join(home, "data", "postgres");
const connect = () => postgres({ host: folder(), port: 5432, user: "crm", database: "crm", max: 1, onnotice: () => {} });

type Answer = { status: number; text: string; request: string };

async function send(method: string, path: string, body?: unknown, key = ""): Promise<Answer> {
  const headers = { authorization: `Bearer ${token}`, ...(key && { "idempotency-key": key }) };
  const sent = body === undefined ? {} : { body: typeof body === "string" ? body : JSON.stringify(body) };
  const reply = await fetch(service.url + path, { method, headers, ...sent });
  return { status: reply.status, text: await reply.text(), request: reply.headers.get("x-request-id")! };
}

async function succeed(method: string, path: string, body?: unknown): Promise<Answer> {
  const answer = await send(method, path, body);
  assert.ok(answer.status < 300, answer.text);
  return answer;
}

const withConfirm = async (method: string, path: string, body: object): Promise<string> => {
  const sign = path.includes("?") ? "&" : "?";
  const asked = await send(method, `${path}${sign}format=json`, body);
  assert.equal(asked.status, 409, asked.text);
  return `${path}${sign}confirm=${JSON.parse(asked.text).confirm}`;
};

const bulk = async (tag: string, body: object) => {
  const path = `/contacts?tags=has:${tag}`;
  return succeed("PATCH", await withConfirm("PATCH", path, body), body);
};

const company = async (domain: string): Promise<string> =>
  JSON.parse((await succeed("POST", "/companies?format=json", { domain })).text).id;

/** One request that changes many records. `done`: of how many of them it is done. */
type Deed = { key: string; method: string; path: string; body: object; done: () => Promise<number> };

const count = async (path: string): Promise<number> => {
  const { text } = await succeed("GET", `/contacts?${path}&limit=1&count=true&format=json`);
  return JSON.parse(text).total;
};

let kept = "";
let turn = 0;

/** A bulk change, a merge and an undo, all three prepared and none of them done. */
async function prepare(): Promise<Deed[]> {
  turn += 1;
  const stage = `turn${turn}`;
  const { request } = await bulk("undone", { stage });
  const other = await company(`other${turn}.example`);
  await bulk("moved", { company_id: other });
  const path = "/contacts?tags=has:changed";
  const merge = `/companies/${kept}/merge`;
  return [
    {
      key: `bulk-${turn}`,
      method: "PATCH",
      path: await withConfirm("PATCH", path, { stage }),
      body: { stage },
      done: () => count(`tags=has:changed&stage=${stage}`),
    },
    {
      key: `merge-${turn}`,
      method: "POST",
      path: await withConfirm("POST", merge, { from: other }),
      body: { from: other },
      done: () => count(`tags=has:moved&company_id=${kept}`),
    },
    {
      key: `undo-${turn}`,
      method: "POST",
      path: "/undo",
      body: { request },
      done: () => count("tags=has:undone&stage=is:null"),
    },
  ];
}

const begin = (deeds: readonly Deed[]) =>
  deeds.map(({ method, path, body, key }) => send(method, path, body, key).catch(() => undefined));

/** Of each deed whether it is done; fails where a part of one is. */
async function outcomes(deeds: readonly Deed[]): Promise<boolean[]> {
  const sql = connect();
  try {
    const [torn] =
      await sql`select count(*)::int as many from contacts r where r.version <> (select max(c.version) from changes c where c.record_id = r.id)`;
    assert.equal(torn!["many"], 0, "records without their history, or the other way round");
    const done: boolean[] = [];
    for (const { key, done: many } of deeds) {
      const found = await many();
      assert.ok(found === 0 || found === MANY, `${key}: ${found} of ${MANY}`);
      const keys = await sql`select 1 from idempotency_keys where key = ${key}`;
      assert.equal(keys.length, found === 0 ? 0 : 1, `${key}: the key and the change`);
      done.push(found > 0);
    }
    return done;
  } finally {
    await sql.end();
  }
}

/** The same requests again: each is done, and however often it comes, once. */
async function repeat(deeds: readonly Deed[]): Promise<void> {
  for (const { method, path, body, key, done } of deeds) {
    const answer = await send(method, path, body, key);
    assert.equal(answer.status, 200, `${key}: ${answer.text}`);
    assert.equal(await done(), MANY, key);
  }
  const newest = async () => (await succeed("GET", "/audit?limit=1")).text;
  const before = await newest();
  for (const { method, path, body, key } of deeds) assert.equal((await send(method, path, body, key)).status, 200, key);
  assert.equal(await newest(), before);
}

const postmaster = async () => Number.parseInt(await readFile(join(folder(), "postmaster.pid"), "utf8"), 10);

async function killPostgres(): Promise<void> {
  const killed = await postmaster();
  process.kill(killed, "SIGKILL");
  // Its backends may live for a moment longer, and still answer.
  await until("another PostgreSQL", async () => (await postmaster().catch(() => killed)) !== killed);
  await until("PostgreSQL is back", async () => (await send("GET", "/contacts?limit=1")).status === 200);
}

async function killService(): Promise<void> {
  const killed = await postmaster();
  service.child.kill("SIGKILL");
  await service.ended;
  const isAlive = (pid: number) => {
    try {
      return process.kill(pid, 0);
    } catch {
      return false;
    }
  };
  await until("no PostgreSQL without its service", () => !isAlive(killed));
  service = await serve({ CRM_DATA: join(home, "data") });
}

/** Holds every transaction at its first entry of the history, with its first records written. */
async function hold(many: number): Promise<{ reached: () => Promise<void>; end: () => Promise<void> }> {
  const sql = connect();
  await sql`create or replace function held() returns trigger language plpgsql as
    'begin perform pg_advisory_xact_lock_shared(77); return null; end'`;
  await sql`create or replace trigger held after insert on changes for each statement execute function held()`;
  await sql`select pg_advisory_lock(77)`;
  const waiting = async () => (await sql`select 1 from pg_locks where locktype = 'advisory' and not granted`).length;
  return {
    reached: () => until("all are in the middle", async () => (await waiting()) === many),
    end: () => sql.end({ timeout: 0 }),
  };
}

test("whatever is killed in the middle of a request of many records leaves all of it or nothing", async () => {
  service = await serve({ CRM_DATA: join(home, "data") });
  const email = "ann@example.com";
  const { code } = JSON.parse((await succeed("POST", "/auth/request?format=json", { email })).text);
  ({ token } = JSON.parse((await succeed("POST", "/auth/verify?format=json", { email, code })).text));
  kept = await company("kept.example");
  const people = ["changed", "moved", "undone"].flatMap((tag) => Array.from({ length: MANY }, (_, n) => `${tag} ${n},${tag}`));
  await succeed("POST", "/contacts/import", `name,tags\n${people.join("\n")}\n`);

  for (const kill of [killService, killPostgres]) {
    const deeds = await prepare();
    const held = await hold(deeds.length);
    const answers = begin(deeds);
    await held.reached();
    await kill();
    await held.end();
    await settle(deeds, answers);
  }
  for (let round = 0; round < ROUNDS; round++) {
    const deeds = await prepare();
    const answers = begin(deeds);
    await sleep(Math.random() * 400);
    await killPostgres();
    await settle(deeds, answers);
  }
});

async function settle(deeds: readonly Deed[], answers: ReturnType<typeof begin>): Promise<void> {
  const told = await Promise.all(answers);
  const done = await outcomes(deeds);
  for (const [i, answer] of told.entries()) {
    if (answer?.status === 200) assert.ok(done[i], `${deeds[i]!.key} was acknowledged`);
    else if (answer) assert.match(`${answer.status} ${answer.text}`, /^503 ERROR (not_ready|busy) /);
  }
  await repeat(deeds);
}
