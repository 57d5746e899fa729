import { forgetNumbers } from "../db/records/horizon.ts";
import {
  isAhead,
  missingTables,
  refuseRunning,
  sendFunctions,
  settleSpread,
  spreadMissing,
  workersOf,
} from "../db/spread/distribute.ts";
import { StartError } from "../kit/startError.ts";
import type { Pool } from "../postgres/pool.ts";
import { catalog } from "../records/all.ts";

export const DISTRIBUTE = "distribute [--shards 32] [--dry-run]   spreads the database over the workers of a Citus cluster";

const MOST_SHARDS = 4_096;

const LONG = { deadlineMs: 86_400_000 };

type Wish = { shards: number; dryRun: boolean };

/** Spreads the database over the workers that Citus knows, or tells what that would do. Returns the lines to print. */
export async function distributeCommand(words: readonly string[], pool: Pool): Promise<string[]> {
  const { shards, dryRun } = readWish(words);
  const workers = await workersOf(pool);
  const { copied, spread } = await missingTables(pool, catalog);
  const over = `${workers.length} workers (${workers.join(", ")})`;
  if (dryRun)
    return [
      ...copied.map((table) => `would copy ${table} to every server`),
      ...spread.map((table) => `would spread ${table} over ${over} by workspace`),
      ...(copied.length + spread.length === 0 ? ["OK everything is spread"] : []),
    ];
  await refuseRunning(pool);
  await pool.transaction(sendFunctions, LONG);
  await pool.transaction((tx) => spreadMissing(tx, catalog, shards), LONG);
  await settleSpread(pool, catalog);
  if (await isAhead(pool)) await forgetNumbers(pool, catalog);
  return [`OK spread ${spread.length} tables over ${over}, copied ${copied.length}`];
}

function readWish(words: readonly string[]): Wish {
  const wish: Wish = { shards: 32, dryRun: false };
  for (let i = 0; i < words.length; i++) {
    const [name, value] = words[i]!.split("=", 2);
    if (name === "--dry-run" && value === undefined) wish.dryRun = true;
    else if (name === "--shards") wish.shards = Number(value ?? words[++i]);
    else throw new StartError(`usage: ${DISTRIBUTE}`);
  }
  if (!Number.isInteger(wish.shards) || wish.shards < 1 || wish.shards > MOST_SHARDS)
    throw new StartError(`--shards is a whole number from 1 to ${MOST_SHARDS}`);
  return wish;
}
