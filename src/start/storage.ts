import { randomBytes } from "node:crypto";
import { existsSync, linkSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { HINTS } from "../db/hints.ts";
import { spreadAware } from "../db/spread/pool.ts";
import { startEmbedded } from "../embedded/server.ts";
import type { Log } from "../kit/log.ts";
import type { ConnectionOptions } from "../postgres/address.ts";
import { createPool, type Pool } from "../postgres/pool.ts";
import type { Config } from "../service/config.ts";

/** Addresses of the database. `direct` bypasses a pooler, for migrations. */
export type Storage = { connection: ConnectionOptions; direct: ConnectionOptions; about: string; stop: () => Promise<void> };

/** Opens the database of DATABASE_URL, or starts the embedded one. */
export async function openStorage(config: Config, log: Log): Promise<Storage> {
  if (config.databaseUrl) {
    return {
      connection: { url: config.databaseUrl },
      direct: { url: config.directUrl },
      about: "DATABASE_URL",
      stop: async () => {},
    };
  }
  mkdirSync(config.data, { recursive: true, mode: 0o755 });
  const folder = join(config.data, "postgres");
  const server = await startEmbedded({ folder, database: "crm", log, ...(config.pgBin ? { binaries: config.pgBin } : {}) });
  const { host, port, user, database, major, owned } = server;
  const connection = { host, port, user, database };
  return {
    connection,
    direct: connection,
    about: `embedded PostgreSQL ${major}${owned ? "" : ", run by another process"}`,
    stop: server.stop,
  };
}

/** The deadline of one unit of database work, and the longest wait in the queue. */
const DEADLINE_MS = 10_000;
const WAIT_MS = 2_000;

export function openPool(connection: ConnectionOptions, config: Config, log: Log, size: number): Pool {
  return createPool({
    connection,
    size,
    queueLimit: size * 50,
    waitMs: WAIT_MS,
    deadlineMs: DEADLINE_MS,
    prepare: config.prepare,
    log,
    hints: HINTS,
  });
}

/** Runs work with a pool and closes the pool. */
export async function withPool<T>(
  connection: ConnectionOptions,
  config: Config,
  log: Log,
  work: (pool: Pool) => Promise<T>,
): Promise<T> {
  const pool = openPool(connection, config, log, 1);
  try {
    const aware = await spreadAware(pool, () => openPool(connection, config, log, 1));
    return await work(aware).finally(aware.close);
  } finally {
    await pool.close();
  }
}

/** Reads the key of all seals: CRM_SECRET, or a key made once and stored beside the data. */
export function readSecret({ secret, data }: Config): string {
  if (secret) return secret;
  const file = resolve(data, "secret");
  if (!existsSync(file)) {
    mkdirSync(data, { recursive: true });
    const fresh = `${file}.${process.pid}`;
    writeFileSync(fresh, randomBytes(32).toString("base64url"), { mode: 0o600 });
    try {
      // When two processes start at once, the first link wins, and both read its key.
      linkSync(fresh, file);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== "EEXIST") throw error;
    } finally {
      rmSync(fresh);
    }
  }
  return readFileSync(file, "utf8").trim();
}
