import { randomBytes } from "node:crypto";
import { existsSync, mkdirSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import type { Server } from "node:http";
import type { AddressInfo } from "node:net";
import { join, resolve } from "node:path";
import { createApp } from "./app.ts";
import { type Config, readConfig } from "./config.ts";
import type { Connection } from "./db/address.ts";
import { createPool, type Pool } from "./db/client.ts";
import { startEmbedded } from "./db/embedded.ts";
import { migrate, pendingMigrations } from "./db/migrate.ts";
import { createHttpServer } from "./http/server.ts";
import { createJobs } from "./jobs/all.ts";
import { startJobs } from "./jobs/loop.ts";
import { createIds } from "./kit/id.ts";
import { Problem } from "./kit/problem.ts";
import { createRandom } from "./kit/random.ts";
import { createSeal } from "./kit/seal.ts";
import { StartError } from "./kit/startError.ts";
import { createLog, type Log } from "./log.ts";
import { createMailer } from "./mail.ts";
import { dictionary } from "./records/all.ts";
import { welcome } from "./welcome.ts";

const USAGE = "usage: npm start | node --import tsx src/main.ts serve | migrate [--dry-run]";

async function main([command = "serve", ...options]: string[]): Promise<void> {
  const config = readConfig(process.env);
  const log = createLog((line) => process.stderr.write(line), Date.now);
  if (command === "serve" && options.length === 0) return serve(config, log);
  if (command === "migrate" && options.every((option) => option === "--dry-run"))
    return migrateOnly(config, log, options.length > 0);
  throw new StartError(USAGE);
}

async function serve(config: Config, log: Log): Promise<void> {
  const database = await openDatabase(config, log);
  await withPool(database.direct, config, log, async (pool) => {
    for (const name of await migrate(pool, Date.now)) log.info("migrated", { name });
  });
  const pool = poolOf(database.connection, config, log, config.pool);
  const ids = createIds(Date.now, createRandom());
  // The address is known only once the server listens, and the app wants it: the first request waits for it.
  let answer: ReturnType<typeof createApp> | undefined;
  const server = createHttpServer((request) => answer!(request), ids);
  await listen(server, config);
  const { port } = server.address() as AddressInfo;
  const baseUrl = config.baseUrl || `http://${config.host.includes(":") ? `[${config.host}]` : config.host}:${port}`;
  answer = createApp({
    config,
    baseUrl,
    db: { pool, dictionary },
    seal: createSeal(config.secret || readSecret(config.data)),
    ids,
    random: createRandom(),
    now: Date.now,
    log,
    mail: config.sendmail ? createMailer(config.sendmail, config.mailFrom, Date.now) : undefined,
  });
  const stopJobs = startJobs(createJobs(pool, Date.now), log);
  log.info("listening", { url: baseUrl, database: database.about });
  process.stdout.write(welcome(baseUrl, config));
  await interrupted();
  log.info("stopping");
  stopJobs();
  await close(server);
  await pool.close();
  await database.stop();
}

type OpenDatabase = { connection: Connection; direct: Connection; about: string; stop: () => Promise<void> };

async function openDatabase(config: Config, log: Log): Promise<OpenDatabase> {
  if (config.databaseUrl) {
    return {
      connection: { url: config.databaseUrl },
      direct: { url: config.directUrl },
      about: "DATABASE_URL",
      stop: async () => {},
    };
  }
  mkdirSync(config.data, { recursive: true, mode: 0o755 });
  const server = await startEmbedded({
    folder: join(config.data, "postgres"),
    database: "crm",
    log,
    ...(config.pgBin ? { binaries: config.pgBin } : {}),
  });
  const { host, port, user, database, major, owned } = server;
  const connection = { host, port, user, database };
  return {
    connection,
    direct: connection,
    about: `embedded PostgreSQL ${major}${owned ? "" : ", run by another process"}`,
    stop: server.stop,
  };
}

/** How long one unit of database work may take, and how long it may wait for its turn. */
const DEADLINE_MS = 10_000;
const WAIT_MS = 2_000;

function poolOf(connection: Connection, config: Config, log: Log, size: number): Pool {
  return createPool({
    connection,
    size,
    queueLimit: size * 50,
    waitMs: WAIT_MS,
    deadlineMs: DEADLINE_MS,
    prepare: config.prepare,
    log,
  });
}

async function withPool<T>(connection: Connection, config: Config, log: Log, work: (pool: Pool) => Promise<T>): Promise<T> {
  const pool = poolOf(connection, config, log, 1);
  try {
    return await work(pool);
  } finally {
    await pool.close();
  }
}

async function migrateOnly(config: Config, log: Log, dryRun: boolean): Promise<void> {
  const database = await openDatabase(config, log);
  try {
    const names = await withPool(database.direct, config, log, async (pool) =>
      dryRun ? (await pendingMigrations(pool)).map(({ name }) => name) : migrate(pool, Date.now),
    );
    const verb = dryRun ? "pending" : "applied";
    process.stdout.write(names.length === 0 ? "OK nothing is pending\n" : names.map((name) => `${verb} ${name}\n`).join(""));
  } finally {
    await database.stop();
  }
}

/** The key of everything sealed, made once and kept beside the data. */
function readSecret(folder: string): string {
  const file = resolve(folder, "secret");
  if (!existsSync(file)) {
    mkdirSync(folder, { recursive: true });
    writeFileSync(`${file}.new`, randomBytes(32).toString("base64url"), { mode: 0o600 });
    renameSync(`${file}.new`, file);
  }
  return readFileSync(file, "utf8").trim();
}

function listen(server: Server, { host, port }: Config): Promise<void> {
  return new Promise((done, fail) => {
    server.once("error", (error: NodeJS.ErrnoException) => {
      const why = {
        EADDRINUSE: `port ${port} on ${host} is taken: stop what uses it, or set CRM_PORT`,
        EACCES: `port ${port} may not be used: set CRM_PORT to one above 1023`,
      };
      fail(new StartError(why[error.code as keyof typeof why] ?? `cannot listen on ${host}:${port}: ${error.message}`));
    });
    server.listen(port, host, done);
  });
}

function interrupted(): Promise<void> {
  return new Promise((done) => {
    for (const signal of ["SIGINT", "SIGTERM"] as const) process.once(signal, () => done());
  });
}

const GRACE_MS = 10_000;

/** Takes no new connections and lets the requests in flight finish. */
async function close(server: Server): Promise<void> {
  const closed = new Promise<void>((done) => server.close(() => done()));
  server.closeIdleConnections();
  const timer = setTimeout(() => server.closeAllConnections(), GRACE_MS);
  await closed;
  clearTimeout(timer);
}

try {
  await main(process.argv.slice(2));
} catch (error) {
  if (!(error instanceof StartError || error instanceof Problem)) throw error;
  process.stderr.write(`cardfile: ${error.message}\n`);
  process.exit(1);
}
