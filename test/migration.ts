/** `node --import tsx test/migration.ts NAME`: writes the next `sql/NNNN-NAME.sql` from what the declarations have and the schema has not. */
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import postgres from "postgres";
import { migrate, readMigrations } from "../src/db/migrate.ts";
import { startEmbedded } from "../src/embedded/server.ts";
import { silentLog } from "../src/kit/log.ts";
import { createPool } from "../src/postgres/pool.ts";
import { catalog } from "../src/records/all.ts";
import { missingSql } from "./helpers/migration.ts";
import { connectionTo } from "./helpers/postgres.ts";

const [name = ""] = process.argv.slice(2);
if (!/^[a-z][a-z0-9-]*$/.test(name)) {
  console.error("name it: make migration NAME=tickets");
  process.exit(2);
}
const folder = await mkdtemp(join(tmpdir(), "cardfile-migration-"));
const server = await startEmbedded({
  folder: join(folder, "postgres"),
  database: "crm",
  log: silentLog,
  settings: { fsync: "off" },
});
try {
  const connection = connectionTo(server.host, "crm");
  const limits = { size: 1, queueLimit: 10, waitMs: 10_000, deadlineMs: 60_000, prepare: true };
  const pool = createPool({ connection, ...limits, log: silentLog });
  await migrate(pool, Date.now).finally(pool.close);
  const sql = postgres({ ...connection, max: 1, onnotice: () => {} });
  const statements = await missingSql(sql, catalog).finally(() => sql.end());
  if (statements.length === 0) console.log("the schema has all that is declared");
  else {
    const number = String((readMigrations().at(-1)?.version ?? 0) + 1).padStart(4, "0");
    const file = new URL(`../sql/${number}-${name}.sql`, import.meta.url);
    await writeFile(file, `${statements.join("\n")}\n`);
    console.log(`wrote sql/${number}-${name}.sql: read it, and say on top what it is for`);
  }
} finally {
  await server.stop();
  await rm(folder, { recursive: true, force: true });
}
