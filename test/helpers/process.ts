import assert from "node:assert/strict";
import { type ChildProcess, spawn } from "node:child_process";
import { chmod, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import postgres from "postgres";
import { type TestDatabase, testDatabase } from "./postgres.ts";

/** The service as a process of its own, with signals, exit codes and a disk. Whatever a test file starts is gone when it has ended. */

const ROOT = new URL("../../", import.meta.url).pathname;
export const SECRET = "a secret of the tests, long enough";

/** A folder for data folders. */
export let home = "";
const started = new Set<Run>();
const databases: TestDatabase[] = [];

before(async () => {
  home = await mkdtemp(join(tmpdir(), "cardfile-process-"));
  await chmod(home, 0o755); // as root, PostgreSQL runs as another account
});
after(async () => {
  for (const { child } of started) child.kill("SIGTERM");
  for (const { ended } of started) await ended;
  await rm(home, { recursive: true, force: true });
  for (const database of databases) await database.drop();
});

export type Run = { child: ChildProcess; out: () => string; err: () => string; ended: Promise<number | null> };

/** `src/cardfile.cjs` with these settings and no others, on any free port. */
export function run(settings: Record<string, string>, ...words: string[]): Run {
  const { PATH = "", PG_BIN } = process.env;
  const env = { PATH, ...(PG_BIN && { PG_BIN }), CRM_DATA: join(home, "unused"), CRM_PORT: "0", ...settings };
  const child = spawn(process.execPath, ["src/cardfile.cjs", ...words], {
    cwd: ROOT,
    env,
    stdio: ["ignore", "pipe", "pipe"],
  });
  let [out, err] = ["", ""];
  child.stdout.on("data", (bytes) => (out += bytes));
  child.stderr.on("data", (bytes) => (err += bytes));
  const ended = new Promise<number | null>((resolve) => child.on("close", resolve));
  const made = { child, out: () => out, err: () => err, ended };
  started.add(made);
  return made;
}

export async function until(what: string, happened: () => boolean | Promise<boolean>): Promise<void> {
  for (let tries = 0; tries < 3_000; tries++) {
    if (await happened()) return;
    await sleep(10);
  }
  assert.fail(`within 30 s: ${what}`);
}

export type Served = Run & { url: string };

/** Until it prints where it listens. */
export async function serve(settings: Record<string, string>): Promise<Served> {
  const process = run(settings, "serve");
  const address = () => /answers at (http:\S+)\. /.exec(process.out())?.[1];
  await until(`an address; ${process.err()}`, () => address() !== undefined || process.child.exitCode !== null);
  const url = address();
  assert.ok(url, process.err());
  return { ...process, url };
}

/** A new database of the run's server. */
export async function database(): Promise<TestDatabase> {
  const made = await testDatabase();
  databases.push(made);
  return made;
}

/** A new database as DATABASE_URL names it; `empty` without any schema. */
export async function databaseUrl({ empty = false } = {}): Promise<string> {
  const made = await database();
  if (empty) {
    const sql = postgres({ ...made.connection, max: 1, onnotice: () => {} });
    await sql`drop schema public cascade`;
    await sql`create schema public`;
    await sql.end();
  }
  return urlOf(made);
}

export const urlOf = ({ name, connection: { host, port } }: TestDatabase) =>
  host.startsWith("/")
    ? `postgres://crm@localhost/${name}?host=${encodeURIComponent(host)}`
    : `postgres://crm@${host}:${port}/${name}`;
