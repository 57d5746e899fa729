import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync } from "node:fs";
import { chmod, mkdir, mkdtemp, readdir, readFile, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, afterEach, before, test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import postgres from "postgres";
import { type EmbeddedOptions, type EmbeddedServer, startEmbedded } from "../../../src/embedded/server.ts";
import { silentLog } from "../../../src/kit/log.ts";
import { StartError } from "../../../src/kit/startError.ts";

const EMBEDDED = new URL("../../../src/embedded/server.ts", import.meta.url).href;
const LOG = new URL("../../../src/kit/log.ts", import.meta.url).href;
const binaries = process.env["PG_BIN"];
const running = new Set<EmbeddedServer>();
let home = "";
let folder = "";

before(async () => {
  home = await mkdtemp(join(tmpdir(), "cardfile-embedded-"));
  await chmod(home, 0o755); // as root, PostgreSQL runs as another account
  folder = join(home, "postgres");
});

afterEach(async () => {
  for (const server of running) await stop(server);
});

after(async () => {
  await rm(home, { recursive: true, force: true });
});

async function start(options: Partial<EmbeddedOptions> = {}): Promise<EmbeddedServer> {
  const server = await startEmbedded({ folder, database: "crm", log: silentLog, ...(binaries && { binaries }), ...options });
  running.add(server);
  return server;
}

async function stop(server: EmbeddedServer): Promise<void> {
  running.delete(server);
  await server.stop();
}

async function query(server: EmbeddedServer, text: string): Promise<unknown[]> {
  const { host, port, user, database } = server;
  const sql = postgres({ host, port, user, database, max: 1, fetch_types: false });
  const rows = await sql
    .unsafe(text)
    .values()
    .finally(() => sql.end({ timeout: 1 }));
  return Array.from(rows);
}

async function postmaster(): Promise<number> {
  return Number.parseInt(await readFile(join(folder, "postmaster.pid"), "utf8"), 10);
}

async function until(happened: () => boolean | Promise<boolean>): Promise<void> {
  for (let tries = 0; tries < 1500; tries++) {
    if (await happened()) return;
    await sleep(10);
  }
  assert.fail("it did not happen within 15 s");
}

async function words(server: EmbeddedServer): Promise<unknown[]> {
  return (await query(server, "select word from kept order by word")).flat();
}

test("a first start makes a durable UTF-8 database behind a socket of its owner alone", async () => {
  const server = await start();
  assert.equal(server.owned, true);
  assert.equal(server.host, folder);
  assert.equal((await stat(join(folder, ".s.PGSQL.5432"))).mode & 0o777, 0o700);
  const names = ["fsync", "synchronous_commit", "full_page_writes", "listen_addresses", "TimeZone", "server_encoding"];
  const settings = await query(server, `select ${names.map((name) => `current_setting('${name}')`).join(", ")}`);
  assert.deepEqual(settings, [["on", "on", "on", "", "UTC", "UTF8"]]);
  const behaviour = "select lower('ÄÉ'), 'ß' < 'z', current_setting('server_version_num')::int / 10000";
  assert.deepEqual(await query(server, behaviour), [["äé", false, server.major]]);
  await query(server, "create table kept (word text)");
  await query(server, "insert into kept values ('a: first start')");
  await stop(server);
  assert.equal(existsSync(join(folder, "postmaster.pid")), false);
});

test("a restart keeps the data, even when the pid file names a process that is no PostgreSQL", async () => {
  await writeFile(join(folder, "postmaster.pid"), `${process.pid}\n${folder}\n`);
  const server = await start();
  assert.equal(server.owned, true);
  assert.deepEqual(await words(server), ["a: first start"]);
});

test("a second start attaches to the running server, leaves it running, and takes over when its owner stops it", async () => {
  const owner = await start();
  const guest = await start();
  const visitor = await start();
  assert.deepEqual([owner.owned, guest.owned, visitor.owned], [true, false, false]);
  await stop(visitor);
  assert.deepEqual(await words(owner), ["a: first start"]);
  await stop(owner);
  await until(() => guest.owned);
  assert.deepEqual(await words(guest), ["a: first start"]);
});

test("after kill -9 of PostgreSQL it restarts with every acknowledged write", async () => {
  const reasons: string[] = [];
  const server = await start({ onExit: (reason) => reasons.push(reason) });
  await query(server, "insert into kept values ('b: server killed')");
  const killed = await postmaster();
  process.kill(killed, "SIGKILL");
  await until(() => query(server, "select 1").then(Boolean, () => false));
  assert.notEqual(await postmaster(), killed);
  assert.deepEqual(reasons, ["SIGKILL"]);
  assert.equal(server.owned, true);
  assert.deepEqual(await words(server), ["a: first start", "b: server killed"]);
});

test("after kill -9 of its parent PostgreSQL shuts down by itself and keeps every acknowledged write", async () => {
  const options = JSON.stringify({ folder, database: "crm", ...(binaries && { binaries }) });
  const code = `
    const { default: postgres } = await import("postgres");
    const { startEmbedded } = await import("${EMBEDDED}");
    const { silentLog } = await import("${LOG}");
    const { host, port, user, database } = await startEmbedded({ ...${options}, log: silentLog });
    await postgres({ host, port, user, database })\`insert into kept values ('c: owner killed')\`;
    console.log("written");`;
  const owner = spawn(process.execPath, ["--import", "tsx", "--input-type=module", "-e", code], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  await Promise.race([once(owner.stdout, "data"), once(owner, "exit").then(() => assert.fail("the owner did not start"))]);
  owner.kill("SIGKILL");
  await until(() => !existsSync(join(folder, "postmaster.pid"))); // only an orderly shutdown removes it
  const server = await start();
  assert.equal(server.owned, true);
  assert.deepEqual(await words(server), ["a: first start", "b: server killed", "c: owner killed"]);
});

test("a folder whose path is too long for a socket gets one elsewhere", async () => {
  const deep = join(home, "a".repeat(60), "b".repeat(60));
  await mkdir(deep, { recursive: true });
  const server = await start({ folder: join(deep, "postgres"), settings: { fsync: "off" } });
  assert.match(server.host, /^\/tmp\/cardfile-[0-9a-f]{16}$/);
  assert.deepEqual(await query(server, "select current_setting('fsync')"), [["off"]]);
  await stop(server);
  assert.equal(existsSync(server.host), false);
});

test("a data folder of another major version is refused, with what to do", async () => {
  const old = join(home, "old");
  await mkdir(old);
  await writeFile(join(old, "PG_VERSION"), "11\n");
  await assert.rejects(start({ folder: old }), (error: Error) => {
    assert.ok(error instanceof StartError);
    assert.match(
      error.message,
      /made by PostgreSQL 11, but .* is PostgreSQL \d\d: start with PG_BIN=.*PostgreSQL 11.*CRM_DATA$/,
    );
    return true;
  });
});

test("a folder with other files, and a PG_BIN without PostgreSQL, are refused and left alone", async () => {
  const other = join(home, "other");
  await mkdir(other);
  await writeFile(join(other, "letter.txt"), "dear");
  await assert.rejects(start({ folder: other }), { name: "StartError", message: /not empty and holds no PostgreSQL data/ });
  await assert.rejects(start({ folder: join(home, "new"), binaries: other }), {
    name: "StartError",
    message: /^PG_BIN=.*ENOENT$/,
  });
  assert.deepEqual(await readdir(other), ["letter.txt"]);
  assert.equal(existsSync(join(home, "new")), false);
});
