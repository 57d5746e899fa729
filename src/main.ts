import { migrate, pendingMigrations } from "./db/migrate.ts";
import { settleFeed } from "./db/records/horizon.ts";
import { prepareUsage } from "./db/records/usage.ts";
import { createIds } from "./kit/id.ts";
import { createLog, type Log } from "./kit/log.ts";
import { Problem } from "./kit/problem.ts";
import { createRandom } from "./kit/random.ts";
import { StartError } from "./kit/startError.ts";
import { catalog } from "./records/all.ts";
import { type Config, readConfig } from "./service/config.ts";
import { NOBODY } from "./service/peers.ts";
import { readPlans } from "./service/plans.ts";
import { COMMANDS, runCommand } from "./start/commands.ts";
import { DISTRIBUTE, distributeCommand } from "./start/distribute.ts";
import { EXPORT, exportCommand } from "./start/export.ts";
import { IMPORT, importCommand } from "./start/import.ts";
import { serve } from "./start/serve.ts";
import { openStorage, readSecret, withPool } from "./start/storage.ts";
import { welcome } from "./start/welcome.ts";
import { isWorker, joinWorkers, startWorkers, workerConnection } from "./start/workers.ts";

const USAGE = `usage: node src/cardfile.cjs <command>
       serve                         what npm start does
       migrate [--dry-run]           applies pending migrations, or names them
       ${COMMANDS}
       ${DISTRIBUTE}
       ${EXPORT}
       ${IMPORT}`;

async function main([command = "serve", ...options]: string[]): Promise<void> {
  const config = readConfig(process.env);
  const log = createLog((line) => process.stderr.write(line), Date.now);
  if (command === "serve" && options.length === 0)
    return isWorker ? serveAsWorker(config, log) : serveUntilStopped(config, log);
  if (command === "migrate" && options.every((option) => option === "--dry-run"))
    return migrateOnly(config, log, options.length > 0);
  if (command === "user" || command === "token") return ownerCommand([command, ...options], config, log);
  if (command === "distribute") return distribute(options, config, log);
  if (command === "export") return exportToFile(options, config, log);
  if (command === "import") return importFromFile(options, config, log);
  throw new StartError(USAGE);
}

async function serveUntilStopped(config: Config, log: Log): Promise<void> {
  const storage = await openStorage(config, log);
  try {
    await withPool(storage.direct, config, log, async (pool) => {
      for (const name of await migrate(pool, Date.now)) log.info("migrated", { name });
      await settleFeed({ pool, catalog });
      await prepareUsage({ pool, catalog }, plansOf(config).limited);
    });
    readSecret(config);
    const { connection, about } = storage;
    const serving = await (config.workers > 1
      ? startWorkers(config.workers, connection, log)
      : serve(config, connection, log, NOBODY));
    log.info("listening", { url: serving.baseUrl, database: about, workers: config.workers });
    process.stdout.write(welcome(serving.baseUrl, config));
    log.info("stopping", { signal: await interrupted() });
    await serving.stop();
  } finally {
    await storage.stop();
  }
}

async function serveAsWorker(config: Config, log: Log): Promise<void> {
  const serving = await joinWorkers((peers) => serve(config, workerConnection(), log, peers));
  await interrupted();
  await serving.stop();
  process.exit(0);
}

async function migrateOnly(config: Config, log: Log, dryRun: boolean): Promise<void> {
  const storage = await openStorage(config, log);
  try {
    const names = await withPool(storage.direct, config, log, async (pool) =>
      dryRun ? (await pendingMigrations(pool)).map(({ name }) => name) : migrate(pool, Date.now),
    );
    const verb = dryRun ? "pending" : "applied";
    process.stdout.write(names.length === 0 ? "OK nothing is pending\n" : names.map((name) => `${verb} ${name}\n`).join(""));
  } finally {
    await storage.stop();
  }
}

async function ownerCommand(words: string[], config: Config, log: Log): Promise<void> {
  const storage = await openStorage(config, log);
  try {
    const lines = await withPool(storage.direct, config, log, async (pool) => {
      await migrate(pool, Date.now);
      return runCommand(words, config, pool);
    });
    for (const line of lines) process.stdout.write(`${line}\n`);
  } finally {
    await storage.stop();
  }
}

async function distribute(words: string[], config: Config, log: Log): Promise<void> {
  if (!config.databaseUrl)
    throw new StartError("distribute is for a database of your own: set DATABASE_URL to the coordinator of a Citus cluster");
  await withPool({ url: config.directUrl }, config, log, async (pool) => {
    if (!words.includes("--dry-run")) await migrate(pool, Date.now);
    for (const line of await distributeCommand(words, pool)) process.stdout.write(`${line}\n`);
  });
}

async function exportToFile(words: string[], config: Config, log: Log): Promise<void> {
  const storage = await openStorage(config, log);
  try {
    const said = await withPool(storage.connection, config, log, (pool) =>
      exportCommand(words, pool, process.stderr, Date.now()),
    );
    process.stdout.write(`${said}\n`);
  } finally {
    await storage.stop();
  }
}

async function importFromFile(words: string[], config: Config, log: Log): Promise<void> {
  const storage = await openStorage(config, log);
  try {
    const { limited } = plansOf(config);
    const ids = createIds(Date.now, createRandom());
    const lines = await withPool(storage.direct, config, log, async (pool) => {
      // Into a new database of ours everything goes that this version knows.
      if (!config.databaseUrl) await migrate(pool, Date.now);
      return importCommand(words, { pool, ids, now: Date.now(), limited, terminal: process.stderr });
    });
    process.stdout.write(lines.map((line) => `${line}\n`).join(""));
  } finally {
    await storage.stop();
  }
}

const plansOf = ({ plans }: Config) =>
  readPlans(
    plans,
    catalog.kinds.map(({ plural }) => plural),
  );

function interrupted(): Promise<string> {
  return new Promise((done) => {
    for (const signal of ["SIGINT", "SIGTERM"] as const) process.once(signal, () => done(signal));
  });
}

/** Callers over HTTP are told no words of the database; whoever runs a command here may need them. */
const reasonOf = (error: Error): string =>
  error instanceof Problem && error.code === "internal" && error.cause instanceof Error ? `: ${error.cause.message}` : "";

main(process.argv.slice(2)).catch((error: unknown) => {
  if (!(error instanceof StartError || error instanceof Problem)) throw error;
  // A worker's reason is told by the process that started it.
  if (!isWorker) process.stderr.write(`cardfile: ${error.message}${reasonOf(error)}\n`);
  process.exit(1);
});
