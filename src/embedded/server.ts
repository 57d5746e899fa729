import { mkdir, rmdir } from "node:fs/promises";
import { dirname, resolve } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import postgres from "postgres";
import type { Log } from "../kit/log.ts";
import { StartError } from "../kit/startError.ts";
import { chooseAccount, handOver } from "./account.ts";
import { findBinaries } from "./binaries.ts";
import { initFolder, majorOf, makeSocketFolder, oneLine, postmasterOf, socketFolder } from "./folder.ts";
import { launchServer } from "./process.ts";

export type EmbeddedOptions = {
  /** The data folder, e.g. `.data/postgres`. A first start works beside it, and the library links of a read-only npm package go there too. */
  folder: string;
  /** Made when missing. */
  database: string;
  log: Log;
  /** Further `-c` settings, e.g. `fsync: "off"` in tests. */
  settings?: Record<string, string>;
  /** PG_BIN: the only folder in which postgres and initdb are looked for. */
  binaries?: string;
  /** Called whenever the server has ended or did not start again. It is started again in any case. */
  onExit?: (reason: string) => void;
};

export type EmbeddedServer = {
  /** The folder and number of the socket, as postgres.js takes them. Without the number it would read PGPORT. */
  host: string;
  port: 5432;
  user: "crm";
  database: string;
  major: number;
  /** False while another process runs the server. When that one stops, this one takes over. */
  readonly owned: boolean;
  stop: () => Promise<void>;
};

/** `gone` resolves with the reason once the server has ended; `whyNot` tells why it did not start. */
type Running = {
  pid: number | undefined;
  owned: boolean;
  major: number;
  gone: Promise<string>;
  whyNot: () => Promise<string>;
  stop: () => Promise<void>;
};

/** How long a server may stay silent. A server that says it is starting up, as in crash recovery, has as long as it lives. */
const PATIENCE_MS = 30_000;
const SHORTEST_PAUSE_MS = 50;
const LONGEST_PAUSE_MS = 30_000;

/** Starts PostgreSQL on the folder, or attaches to the one that runs there, and brings it back whenever it goes, until `stop`. */
export async function startEmbedded(options: EmbeddedOptions): Promise<EmbeddedServer> {
  const folder = resolve(options.folder);
  const stopping = new AbortController();
  const up = () => bringUp(folder, options, stopping.signal).catch(explain(folder));
  let running = await up();
  const watch = keepUp();

  async function keepUp(): Promise<void> {
    let pause = SHORTEST_PAUSE_MS;
    while (!stopping.signal.aborted) {
      const since = performance.now();
      const reason = await running.gone;
      if (stopping.signal.aborted) return;
      options.log.error("postgres_gone", { reason });
      options.onExit?.(reason);
      pause = performance.now() - since > 60_000 ? SHORTEST_PAUSE_MS : Math.min(pause * 2, LONGEST_PAUSE_MS);
      await sleep(pause, undefined, { signal: stopping.signal }).catch(() => {});
      running = await up().catch((error) => ({ ...running, owned: false, gone: Promise.resolve(String(error)) }));
    }
    await running.stop();
  }

  return {
    host: socketFolder(folder),
    port: 5432,
    user: "crm",
    database: options.database,
    major: running.major,
    get owned() {
      return running.owned;
    },
    async stop() {
      stopping.abort();
      await running.stop();
      await watch;
    },
  };
}

/** The caller must mend a folder that cannot be read or written, so the error shows no stack. */
function explain(folder: string): (error: Error & { syscall?: string }) => never {
  return (error) => {
    if (error.syscall) throw new StartError(`cannot keep PostgreSQL's data in ${folder}: ${error.message}`, { cause: error });
    throw error;
  };
}

async function bringUp(folder: string, options: EmbeddedOptions, stopping: AbortSignal): Promise<Running> {
  const deadline = performance.now() + PATIENCE_MS;
  for (;;) {
    const other = await postmasterOf(folder);
    const running = other === undefined ? await launch(folder, options) : await attach(folder, other, stopping);
    const state = await untilReady(running, folder, options.database, stopping);
    if (state === "ready") {
      options.log.info("postgres_ready", { major: running.major, owned: running.owned });
      return running;
    }
    const reason = await running.whyNot();
    await running.stop();
    // Another server was shutting down or started first, or backends of a killed server are still ending.
    const passing = state === "gone" && (!running.owned || /already exists|still in use/.test(reason));
    if (!passing || performance.now() > deadline || stopping.aborted)
      throw new StartError(`PostgreSQL did not start: ${reason}`);
    await sleep(100);
  }
}

async function launch(folder: string, { settings = {}, binaries: named, log }: EmbeddedOptions): Promise<Running> {
  await mkdir(dirname(folder), { recursive: true });
  const made = await majorOf(folder);
  const binaries = await findBinaries({ named, made: made ? { folder, major: made } : undefined, links: `${folder}.lib`, log });
  const account = await chooseAccount(binaries, folder);
  if (!made) await initFolder(folder, binaries, account, settings["fsync"] !== "off");
  await handOver(folder, account.owner);
  const socket = socketFolder(folder);
  if (socket !== folder) await makeSocketFolder(socket, account);
  const server = launchServer({ binaries, account, folder, socket, settings, log });
  return {
    pid: server.pid,
    owned: true,
    major: binaries.major,
    gone: server.ended,
    whyNot: async () => oneLine(await server.lastLines()),
    async stop() {
      await server.stop();
      if (socket !== folder) await rmdir(socket).catch(() => {}); // another process may have taken over
    },
  };
}

async function attach(folder: string, pid: number, stopping: AbortSignal): Promise<Running> {
  async function watch(): Promise<string> {
    while ((await postmasterOf(folder)) === pid) await sleep(500, undefined, { signal: stopping, ref: false });
    return "the process that ran it has stopped";
  }
  return {
    pid,
    owned: false,
    major: (await majorOf(folder)) ?? 0,
    gone: watch().catch(String),
    whyNot: async () => `process ${pid} runs on ${folder} and does not answer: stop it, or choose another folder with CRM_DATA`,
    stop: async () => {},
  };
}

async function untilReady(running: Running, folder: string, database: string, stopping: AbortSignal) {
  let gone = false;
  void running.gone.then(() => {
    gone = true;
  });
  let deadline = performance.now() + PATIENCE_MS;
  while (performance.now() < deadline && !stopping.aborted) {
    const code = await makeDatabase(socketFolder(folder), database);
    // Of two simultaneous starts one fails: it must not take the other's answer for that of its own server.
    if (code === undefined && (await postmasterOf(folder)) === running.pid) return "ready";
    if (gone) return "gone";
    if (code === CANNOT_CONNECT_NOW) deadline = performance.now() + PATIENCE_MS;
    await sleep(10);
  }
  return gone ? "gone" : "silent";
}

const CANNOT_CONNECT_NOW = "57P03";
const DUPLICATE_DATABASE = "42P04";
const UNIQUE_VIOLATION = "23505"; // what the slower of two simultaneous `create database` gets

/** Answers undefined when the database is there, else the SQLSTATE or errno that stands in the way. */
async function makeDatabase(host: string, database: string): Promise<string | undefined> {
  const sql = postgres({ host, port: 5432, user: "crm", database: "postgres", max: 1, fetch_types: false, connect_timeout: 5 });
  try {
    const found = await sql`select 1 from pg_database where datname = ${database}`;
    if (found.length === 0) await sql`create database ${sql(database)}`;
    return undefined;
  } catch (error) {
    const { code = String(error) } = error as { code?: string };
    return code === DUPLICATE_DATABASE || code === UNIQUE_VIOLATION ? undefined : code;
  } finally {
    await sql.end({ timeout: 0 });
  }
}
