import type { ListQuery } from "../../derive/query.ts";
import type { Row, View } from "../../derive/view.ts";
import { LargeJson } from "../../kit/largeJson.ts";
import type { Seal } from "../../kit/seal.ts";
import type { Statement } from "../../postgres/sql.ts";
import type { BatchSize } from "../../postgres/stream.ts";
import type { Database } from "../database.ts";
import { wholeSql } from "./ranges.ts";
import { readWalk } from "./rows.ts";
import { tableOf } from "./table.ts";

/** The rows of a stream, all as of one moment. It holds a connection from the first batch until it ends or the signal does. */
export type Batches = (signal: AbortSignal) => AsyncIterable<Row[]>;

/** All rows of a list. What it refuses is refused before it begins. */
export async function streamRows(
  db: Database,
  workspaceId: string,
  view: View,
  query: ListQuery,
  binding: readonly string[],
  seal: Seal,
  table = tableOf(view.kind),
): Promise<Batches> {
  const walk = await readWalk(db, workspaceId, view, query, binding, seal, table);
  return batchesOf(db, workspaceId, wholeSql(walk), view.longAt, query.sort.asked || walk.position !== undefined);
}

/** The longest time in which the database sends nothing, or the caller takes no batch. A socket that nobody reads is closed sooner. */
const IDLE_MS = 120_000;

export function batchesOf(
  { pool }: Database,
  workspaceId: string,
  statement: Statement,
  longAt: readonly number[],
  soon = false,
): Batches {
  return (signal) =>
    pool.stream(statement, createBatchSize(longAt), { longFor: workspaceId, deadlineMs: IDLE_MS, signal, soon });
}

const FIRST_ROWS = 32;
const MOST_ROWS = 1_000;
/** Where one row may hold megabytes, and nobody knows of the next ones. */
const MOST_LONG_ROWS = 128;
/** Characters of the long values of a batch. */
const AIM = 262_144;

/**
 * Few rows first, so that they come at once, then more with each batch, as long as their long values stay small: two batches are in memory. A
 * row may hold megabytes of them.
 */
export function createBatchSize(longAt: readonly number[]): BatchSize {
  const most = longAt.length > 0 ? MOST_LONG_ROWS : MOST_ROWS;
  let size = FIRST_ROWS;
  return (last) => {
    if (!last) return size;
    const room = Math.floor((last.length * AIM) / (lengthOf(last, longAt) + 1));
    size = Math.max(1, Math.min(size * 2, room, most));
    return size;
  };
}

function lengthOf(rows: readonly Row[], longAt: readonly number[]): number {
  let length = 0;
  for (const row of rows) for (const at of longAt) length += lengthOfValue(row[at]);
  return length;
}

/** About: of a value that was parsed, the texts in it. */
function lengthOfValue(value: unknown): number {
  if (typeof value === "string") return value.length;
  if (value instanceof LargeJson) return value.text.length;
  if (typeof value !== "object" || value === null) return 8;
  let length = 8;
  for (const key in value) length += key.length + lengthOfValue((value as Record<string, unknown>)[key]);
  return length;
}
