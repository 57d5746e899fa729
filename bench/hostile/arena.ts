import { mkdir, rm } from "node:fs/promises";
import { join } from "node:path";
import postgres from "postgres";
import { migrate } from "../../src/db/migrate.ts";
import { type EmbeddedServer, startEmbedded } from "../../src/embedded/server.ts";
import { silentLog } from "../../src/kit/log.ts";
import { createPool } from "../../src/postgres/pool.ts";
import { DATA, type Sql, urlOf } from "../place.ts";
import { type Contender, startProduct } from "../servers.ts";

/** Where the product is treated badly: an empty database that lasts as long as the run, with fsync on as in earnest. */
export type Arena = {
  database: EmbeddedServer;
  sql: Sql;
  /** A product on it, with these settings besides the benchmark's. */
  start: (settings?: Record<string, string>, flags?: readonly string[]) => Promise<Contender>;
  /** Notes what was found; false is what must not be. */
  check: (what: string, holds: boolean, found?: string) => void;
};

/** Runs the parts one after the other, each on a database of its own; gives how many checks failed. */
export async function inArena(parts: Record<string, (arena: Arena) => Promise<void>>): Promise<number> {
  const folder = join(DATA, "hostile");
  await mkdir(DATA, { recursive: true, mode: 0o755 });
  let failed = 0;
  for (const [name, part] of Object.entries(parts)) {
    await rm(folder, { recursive: true, force: true });
    const database = await startEmbedded({ folder, database: "crm", log: silentLog });
    const { host, port, user } = database;
    const sql = postgres({
      host,
      port,
      user,
      database: database.database,
      max: 2,
      fetch_types: false,
      backoff: () => 0.1,
      onnotice: () => {},
    });
    const started: Contender[] = [];
    const check: Arena["check"] = (what, holds, found) => {
      if (!holds) failed += 1;
      process.stdout.write(`${holds ? "ok    " : "FAILED"} ${name}: ${what}${found === undefined ? "" : ` (${found})`}\n`);
    };
    const start: Arena["start"] = async (settings = {}, flags = []) => {
      const product = await startProduct(database, flags, undefined, settings);
      started.push(product);
      return product;
    };
    try {
      await migrated(database);
      await part({ database, sql, start, check });
    } catch (error) {
      check(`ran to its end: ${String(error)}`, false);
    } finally {
      await Promise.all(started.map((product) => product.stop()));
      await sql.end({ timeout: 1 });
      await database.stop();
      await rm(folder, { recursive: true, force: true });
    }
  }
  return failed;
}

async function migrated(database: EmbeddedServer): Promise<void> {
  const limits = { size: 1, queueLimit: 1, waitMs: 10_000, deadlineMs: 60_000, prepare: true, log: silentLog };
  const pool = createPool({ connection: { url: urlOf(database) }, ...limits });
  await migrate(pool, Date.now).finally(pool.close);
}
