import type { Connection } from "./connection.ts";
import type { Rows } from "./driver.ts";
import { type Hints, streamStopped } from "./errors.ts";
import { type Lease, type LeaseOptions, progress } from "./lease.ts";
import type { Leases } from "./leases.ts";
import { firstOn, refusal } from "./retry.ts";
import type { Statement } from "./sql.ts";
import { begin } from "./transaction.ts";

/** `idleMs`: a stream ends when the server has sent nothing, or the consumer taken nothing, for so long. */
export type StreamOptions = {
  lease: LeaseOptions;
  idleMs: number;
  hints: Hints | undefined;
  /** The first rows matter more than the time of all: an index that has the order is followed, in place of sorting all rows first. */
  soon?: boolean | undefined;
};

/** Rows a batch, or how many the next one should have after the last one. */
export type BatchSize = number | ((last: Rows | undefined) => number);

/** A cursor is planned for its first rows unless it is told that all will be read. */
const BEGIN = "begin read only; set local cursor_tuple_fraction = 1";
const BEGIN_SOON = "begin read only; set local cursor_tuple_fraction = 0.001";

/**
 * The rows of a statement in batches, all as of one moment. The server works one batch ahead of the consumer and no further. When the consumer
 * stops, what runs is cancelled.
 */
export async function* streamRows(
  leases: Leases,
  { text, values }: Statement,
  batch: BatchSize,
  { lease: asked, idleMs, hints, soon = false }: StreamOptions,
): AsyncGenerator<Rows, void, undefined> {
  const lease = await leases.acquire(asked);
  const release = releaseOnce(leases, lease);
  progress(lease, idleMs);
  let connection: Connection | undefined;
  try {
    const found = await begin(leases, lease, soon ? BEGIN_SOON : BEGIN);
    connection = found;
    const run = (statement: string, given: readonly unknown[]) =>
      found.run(statement, given, false).catch((error) => {
        throw refusal(lease, found, error, false, hints);
      });
    const sizeAfter = (last?: Rows) => (typeof batch === "number" ? batch : batch(last));
    const fetch = (size: number) => run(`fetch forward ${size} from rows`, []);
    await run(`declare rows no scroll cursor for ${text}`, values);
    let size = sizeAfter();
    for (let next: Promise<Rows> | undefined = fetch(size); next; ) {
      const rows: Rows = await next;
      progress(lease, idleMs);
      const more = rows.length === size;
      if (more) size = sizeAfter(rows);
      next = more ? fetch(size) : undefined;
      next?.catch(() => {}); // the consumer may stop before it is awaited
      if (rows.length > 0) yield rows;
      if (next && lease.stopped) throw lease.stopped;
      progress(lease, idleMs);
    }
  } finally {
    if (connection?.running) abandon(connection);
    else if (connection && !connection.lost) await connection.script("rollback").catch((error) => connection?.lose(error));
    release();
  }
}

/** The bytes of `copy … to stdout` in chunks. The server sends no further than the consumer reads. When it stops, the COPY is cancelled. */
export async function* streamCopy(
  leases: Leases,
  text: string,
  { lease: asked, idleMs, hints }: StreamOptions,
): AsyncGenerator<Buffer, void, undefined> {
  const lease = await leases.acquire(asked);
  const release = releaseOnce(leases, lease);
  progress(lease, idleMs);
  let connection: Connection | undefined;
  let complete = false;
  try {
    const { stream, rows } = await firstOn(
      leases,
      lease,
      (opened) => {
        connection = opened;
        return opened.copyOut(text);
      },
      hints,
    );
    for await (const chunk of stream) {
      progress(lease, idleMs);
      yield chunk as Buffer;
      progress(lease, idleMs);
    }
    await rows;
    complete = true;
  } catch (error) {
    throw connection ? refusal(lease, connection, error, false, hints) : error;
  } finally {
    if (!complete && connection) abandon(connection);
    release();
  }
}

/** Gives a lease back once: when the generator ends, or when the lease is stopped and the consumer may never come back. */
function releaseOnce(leases: Leases, lease: Lease): () => void {
  let released = false;
  const release = () => {
    if (released) return;
    released = true;
    leases.release(lease);
  };
  lease.halt = release;
  return release;
}

function abandon(connection: Connection): void {
  connection.cancel();
  connection.lose(streamStopped());
}
