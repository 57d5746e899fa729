import { once } from "node:events";
import type { Connection } from "./connection.ts";

/** Bytes of COPY's text format, cut anywhere. Each chunk is one message to the server: about 64 kB is a good size. */
export type Chunks = AsyncIterable<string | Uint8Array> | Iterable<string | Uint8Array>;

/**
 * Sends the chunks as fast as the server takes them, and resolves with the number of rows stored. `onProgress` is called after each chunk.
 * When it rejects, no row is stored, and the connection must not be used for another COPY.
 */
export async function copyInto(connection: Connection, text: string, chunks: Chunks, onProgress: () => void): Promise<number> {
  const { stream, rows: stored } = await connection.copyIn(text);
  const refused = new Promise<never>((_, reject) => void stored.catch(reject));
  refused.catch(() => {});
  const closed = new Promise((resolve) => stream.once("close", resolve));
  const iterator = Symbol.asyncIterator in chunks ? chunks[Symbol.asyncIterator]() : chunks[Symbol.iterator]();
  try {
    for (;;) {
      const next = await Promise.race([iterator.next(), refused]);
      if (next.done) break;
      if (!stream.write(next.value)) await Promise.race([once(stream, "drain"), refused]);
      onProgress();
    }
    stream.end();
    const rows = await stored;
    // When the driver closes its stream it sends a CopyFail, which must reach the server before the next statement does.
    await closed;
    return rows;
  } catch (error) {
    // Sends a CopyFail: the server drops the rows, and its refusal ends the statement.
    stream.destroy(new Error("the sender gave up"));
    await stored.catch(() => {});
    // Not awaited: a generator that waits for its next chunk returns after that.
    Promise.resolve(iterator.return?.()).catch(() => {});
    throw error;
  }
}
