import type { ServerResponse } from "node:http";
import { setTimeout as sleep, setImmediate as turn } from "node:timers/promises";

/** A body that is sent as it is made, no faster than it is read. `stop` ends what makes it, whatever that waits for. */
export type Chunks = { next: () => Promise<IteratorResult<string, void>>; stop: () => void };

/** How long a head waits for the first part: what hinders that is then a refusal, with a status of its own. Later it cuts the answer. */
const HEAD_MS = 500;

/** A reader who takes less than a part of 64 kB in this time has its connection closed, for it holds one of the database. */
const STALLED_MS = 60_000;

/** Begins to make a body. Rejects when it fails before it has begun. */
export async function createChunks(parts: (signal: AbortSignal) => AsyncGenerator<string, void, undefined>): Promise<Chunks> {
  const gone = new AbortController();
  const made = parts(gone.signal);
  let first: Promise<IteratorResult<string, void>> | undefined = made.next();
  // It may fail while nobody waits for it.
  first.catch(() => {});
  await Promise.race([first, sleep(HEAD_MS, undefined, { ref: false })]);
  return {
    next() {
      const next = first ?? made.next();
      first = undefined;
      return next;
    },
    stop() {
      gone.abort();
      made.return().catch(() => {});
    },
  };
}

/**
 * Sends the chunks and ends the response. A fault closes the connection instead: the end of a chunked body is then missing, which is how every
 * client knows that an answer is not whole (RFC 9112, section 8).
 */
export async function sendChunks(
  response: ServerResponse,
  chunks: Chunks,
  onCut: (error: unknown) => void,
  stalledMs = STALLED_MS,
): Promise<void> {
  response.once("close", chunks.stop);
  try {
    // Gone before there was anything to send.
    if (response.destroyed) return;
    for (let next = await chunks.next(); next.done !== true; next = await chunks.next()) {
      if (response.destroyed) return;
      if (next.value !== "" && !response.write(next.value)) await drained(response, stalledMs);
      // Others have their turn, however fast the parts come.
      else await turn();
    }
    response.end();
  } catch (error) {
    if (response.destroyed) return;
    onCut(error);
    cut(response);
  } finally {
    chunks.stop();
  }
}

/** Resolves when the client has taken enough to go on, or has gone. */
function drained(response: ServerResponse, stalledMs: number): Promise<void> {
  if (response.destroyed) return Promise.resolve();
  return new Promise((resolve) => {
    const timer = setTimeout(() => cut(response), stalledMs);
    const done = () => {
      clearTimeout(timer);
      response.off("drain", done).off("close", done);
      resolve();
    };
    response.on("drain", done).on("close", done);
  });
}

/** HTTP/1.0 has no chunks, and takes the end of the connection for that of the answer: there only a reset says otherwise. */
function cut(response: ServerResponse): void {
  if (response.useChunkedEncodingByDefault) response.destroy();
  else response.socket?.resetAndDestroy();
}
