import { setTimeout as sleep } from "node:timers/promises";
import { Problem } from "../../kit/problem.ts";
import { isUnavailable } from "../../postgres/errors.ts";
import type { Chunk } from "./chunk.ts";
import { ChunkFault } from "./chunkFault.ts";

/** Rows of a chunk at most, and how long one shall take: a write transaction holds others back. */
export const MOST_ROWS = 1_000;
const CHUNK_MS = 800;
const FIRST_ROWS = 250;
/** How often a chunk is tried again that failed for what may pass, and how long is waited before. */
export const ATTEMPTS = 8;
export const PAUSE_MS = 250;

/**
 * Calls `work` until no row is left. The size of a chunk follows the time that one takes. When a row fails it in the database, the chunks
 * become smaller until that row is alone, and is refused.
 */
export async function chunkByChunk(
  work: (after: number, most: number) => Promise<Chunk>,
  refuse: (after: number, fault: ChunkFault) => Promise<number>,
): Promise<void> {
  let most = FIRST_ROWS;
  let attempt = 1;
  for (let after = 0; ; ) {
    const since = performance.now();
    try {
      const { last } = await work(after, most);
      if (last === undefined) return;
      after = last;
      attempt = 1;
      const ms = performance.now() - since;
      most = Math.max(1, Math.min(MOST_ROWS, ms > CHUNK_MS ? Math.floor((most * CHUNK_MS) / ms) : most * 2));
    } catch (error) {
      const passing = error instanceof ChunkFault ? error.passing : error instanceof Problem && isUnavailable(error.code);
      if (passing && attempt < ATTEMPTS) {
        await sleep(PAUSE_MS * attempt, undefined, { ref: false });
        attempt += 1;
      } else if (error instanceof ChunkFault && !passing) {
        if (most === 1) after = await refuse(after, error);
        else most = Math.ceil(most / 4);
      } else throw error;
    }
  }
}
