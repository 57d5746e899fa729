import { createHash } from "node:crypto";
import { readdirSync, readFileSync } from "node:fs";
import { StartError } from "../kit/startError.ts";
import type { Pool } from "../postgres/pool.ts";
import { sql } from "../postgres/sql.ts";
import { catalog } from "../records/all.ts";
import { isSpread, onShards, settleSpread, spreadMissing, spreadTables } from "./spread/distribute.ts";
import { forShards } from "./spread/migration.ts";

const FOLDER = new URL("../../sql/", import.meta.url);

/** Only one process migrates at a time; the number is arbitrary and ours. */
const LOCK = 4_741_001;

export type Migration = { version: number; name: string; text: string; digest: string };

/** The files of `sql/`, in order: `0001-core.sql`. */
export function readMigrations(): Migration[] {
  return readdirSync(FOLDER)
    .filter((file) => /^\d{4}-[\w-]+\.sql$/.test(file))
    .sort()
    .map((file) => {
      const text = readFileSync(new URL(file, FOLDER), "utf8");
      return { version: Number(file.slice(0, 4)), name: file, text, digest: createHash("sha256").update(text).digest("hex") };
    });
}

/** The migrations this database has not seen. Refuses one that a newer Cardfile has changed, or whose past was rewritten. */
export async function pendingMigrations(pool: Pool): Promise<Migration[]> {
  const known = readMigrations();
  const [present] = await pool.rows(sql`select to_regclass('schema_migrations') is not null`);
  const rows = present![0] ? await pool.rows(sql`select version, digest from schema_migrations order by version`) : [];
  return compare(known, rows as [number, string][]);
}

function compare(known: Migration[], applied: [version: number, digest: string][]): Migration[] {
  const newest = known.at(-1)?.version ?? 0;
  for (const [version, digest] of applied) {
    const migration = known.find((each) => each.version === version);
    if (!migration)
      throw new StartError(
        `the database is at schema ${version}, this Cardfile knows up to ${newest}: start the newer Cardfile`,
      );
    if (migration.digest !== digest) throw new StartError(`the database was made with another ${migration.name} than this one`);
  }
  return known.filter(({ version }) => !applied.some(([done]) => done === version));
}

/** Applies what is pending, all or nothing, and gives the names. Two processes that start at once wait for each other. */
export async function migrate(pool: Pool, now: () => number): Promise<string[]> {
  const later: { table: string; command: string }[] = [];
  const applied = await pool.transaction(
    async (tx) => {
      await tx.rows(sql`select pg_advisory_xact_lock(${LOCK}::bigint)`);
      await tx.simple(
        "create table if not exists schema_migrations (version integer primary key, name text not null, digest text not null, applied_at timestamptz not null)",
      );
      const applied = await tx.rows(sql`select version, digest from schema_migrations order by version`);
      const pending = compare(readMigrations(), applied as unknown as [number, string][]);
      const spread = pending.length > 0 && (await isSpread(tx));
      if (spread) await tx.rows(sql`set local citus.multi_shard_modify_mode = 'sequential'`);
      for (const { version, name, text, digest } of pending) {
        const { here, onShards } = spread ? forShards(text, await spreadTables(tx)) : { here: [text], onShards: [] };
        for (const statements of here) await tx.simple(statements);
        later.push(...onShards);
        await tx.rows(
          sql`insert into schema_migrations (version, name, digest, applied_at) values (${version}, ${name}, ${digest}, ${new Date(now()).toISOString()})`,
        );
      }
      if (spread) await spreadMissing(tx, catalog);
      return { names: pending.map(({ name }) => name), spread };
    },
    { deadlineMs: 3_600_000 },
  );
  for (const { table, command } of later) await onShards(pool, table, command);
  if (applied.spread) await settleSpread(pool, catalog);
  return applied.names;
}
