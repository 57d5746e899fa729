import { setTimeout as sleep } from "node:timers/promises";
import { Problem } from "../kit/problem.ts";
import type { Log } from "../log.ts";
import { addressOf, type ConnectionOptions } from "./address.ts";
import { type Connection, createConnection } from "./connection.ts";
import { gone } from "./dial.ts";
import { type Hints, stalled, tooSlow, unreachable } from "./errors.ts";
import { createParameterTypes } from "./parameterTypes.ts";
import { type Access, createPipelines } from "./pipeline.ts";
import { createQueue, type Entry, goneAway, onAbort } from "./queue.ts";

export type PoolOptions = {
  connection: ConnectionOptions;
  /** Connections, 4-8 of them, and a third as many for long work; each is opened when it is first needed. */
  size: number;
  /** How many callers may wait for a connection, and for how long. */
  queueLimit: number;
  waitMs: number;
  /** How long a lease may last, connecting included. */
  deadlineMs: number;
  /** False names no statement, for PgBouncer before 1.21. */
  prepare: boolean;
  log: Log;
  /** Hints of refusals by SQLSTATE, in place of the library's own. */
  hints?: Hints;
};

/** `signal` is aborted when the caller has gone away: a waiting or leading lease stops, a follower runs on. */
export type LeaseOptions = Entry & {
  /** In place of the pool's. */
  deadlineMs?: number | undefined;
  /** Of one short statement, which may be pipelined with others of its access when all connections are in use. */
  access?: Access | undefined;
  /** Of a read so short that it joins those of this turn of the event loop, even if a connection is free. */
  brief?: boolean;
};

/**
 * The use of one connection by one caller. A lease leads on a connection of its own, or follows on another's (`shared`). It is running until it
 * is released; `stopped` holds the reason once it was told to stop.
 */
export type Lease = {
  options: LeaseOptions;
  /** The connection of another lease that this one follows. It may fail for what befalls the others there. */
  shared: Connection | undefined;
  connection: Connection | undefined;
  stopped: Problem | undefined;
  /** True when the connection may be left in a state of its own: it is then closed and not used again. */
  spent: boolean;
  /** Ends a caller that waits for something other than a statement. */
  halt: ((reason: Problem) => void) | undefined;
  timer: NodeJS.Timeout | undefined;
  unlisten: (() => void) | undefined;
};

export type Leases = {
  /** True when the parameter types of this text are known. Only then may it be pipelined. */
  knows: (text: string) => boolean;
  acquire: (options: LeaseOptions) => Lease | Promise<Lease>;
  /** The lease's connection; a new one if it has none or lost it. */
  connect: (lease: Lease) => Connection | Promise<Connection>;
  release: (lease: Lease) => void;
  stats: () => { size: number; busy: number; idle: number; waiting: number; opened: number; lost: number };
  close: () => Promise<void>;
};

/** From the TCP handshake to the first answer. */
const CONNECT_MS = 2_000;
/** Between two attempts: a server that restarts refuses for a moment. */
const RECONNECT_MS = 100;
/** The time in which a cancelled statement may still answer, so that the caller can be told if it did anything. */
const CANCEL_MS = 500;

/** The connections to one database, `size` at most, and the queue for them. */
export function createLeases(options: PoolOptions): Leases {
  const address = addressOf(options.connection);
  const idle: Connection[] = [];
  const pipelines = createPipelines<LeaseOptions>();
  const types = createParameterTypes();
  const queue = createQueue<LeaseOptions, Connection>(options.size, options.queueLimit, options.waitMs);
  const counts = { opened: 0, lost: 0 };
  let reachable = true;
  let crowdLogged = false;
  let closed: Promise<void> | undefined;

  /** Returns no promise where there is nothing to wait for, as mostly: awaiting one costs CPU. */
  function acquire(asked: LeaseOptions): Lease | Promise<Lease> {
    if (closed) throw shuttingDown();
    const { busy, waiting } = queue.stats();
    const shared = waiting > 0 ? undefined : busy === options.size ? joinAny(asked) : joinTurn(asked);
    if (shared) return follow(asked, shared);
    const wait = queue.acquire(asked);
    return wait ? wait.then((found) => (found ? follow(asked, found) : lead(asked)), crowdedOut) : lead(asked);
  }

  /** Logged once, until the queue is empty again. */
  function crowdedOut(refusal: Problem): never {
    if (!crowdLogged) options.log.warn("database_crowded", { reason: refusal.message, ...queue.stats() });
    crowdLogged = true;
    throw refusal;
  }

  /** Makes no closure for each lease: tsx names every one through defineProperty, which is slow. */
  function lead(asked: LeaseOptions): Lease {
    const { deadlineMs = options.deadlineMs, signal, access, brief = false } = asked;
    const lease = createLease(asked, undefined, idle.pop());
    if (access && lease.connection) pipelines.lead(lease.connection, access, brief);
    lease.timer = setTimeout(outOfTime, deadlineMs, lease, deadlineMs);
    if (signal) lease.unlisten = onAbort(signal, () => stop(lease, goneAway(signal)));
    queue.share(joinAny);
    return lease;
  }

  /** Its deadline drops the connection for all who share it, so it comes after the statements before it were stopped at theirs. */
  function follow(asked: LeaseOptions, shared: Connection): Lease {
    const lease = createLease(asked, shared, undefined);
    const { deadlineMs = options.deadlineMs } = asked;
    lease.timer = setTimeout(dropShared, deadlineMs + CANCEL_MS, lease, shared, deadlineMs);
    return lease;
  }

  /**
   * Called when all connections are in use, and whenever a statement begins or a pipelined one ends. Queued callers join first; otherwise a
   * queue would never drain while new callers come.
   */
  function joinAny({ access }: LeaseOptions): Connection | undefined {
    return access && pipelines.join(access);
  }

  /** Called when connections are free. A lease with a signal does not join: a follower cannot be stopped alone. */
  function joinTurn({ access, brief, signal }: LeaseOptions): Connection | undefined {
    return access && brief && !signal ? pipelines.joinTurn() : undefined;
  }

  function release(lease: Lease): void {
    clearTimeout(lease.timer);
    if (lease.shared) releaseFollower(lease.shared);
    else releaseLeader(lease);
    if (crowdLogged && queue.stats().waiting === 0) crowdLogged = false;
  }

  function releaseLeader({ options: asked, connection, stopped, spent, unlisten }: Lease): void {
    unlisten?.();
    // A cancel request may still be on its way, and would cancel the next statement.
    if (stopped) connection?.lose(stopped);
    if (spent) void connection?.close();
    giveBack(connection ? pipelines.leaderDone(connection, asked) : asked, connection);
  }

  function releaseFollower(shared: Connection): void {
    giveBack(pipelines.followerDone(shared), shared);
    queue.share(joinAny);
  }

  function giveBack(slot: LeaseOptions | undefined, connection: Connection | undefined): void {
    if (!slot) return;
    if (connection && !connection.lost) idle.push(connection);
    queue.release(slot);
  }

  function connect(lease: Lease): Connection | Promise<Connection> {
    return lease.connection && !lease.connection.lost ? lease.connection : open(lease);
  }

  async function open(lease: Lease): Promise<Connection> {
    for (let attempt = 1; ; attempt++) {
      if (lease.stopped) throw lease.stopped;
      const connection = createConnection(address, types, forget);
      lease.connection = connection;
      try {
        await connection.open(CONNECT_MS);
        counts.opened += 1;
        if (!reachable) options.log.info("database_reachable");
        reachable = true;
        return connection;
      } catch (error) {
        connection.lose(error as Error);
        if (lease.stopped) throw unreachable(error);
        if (attempt === 2) throw refused(error);
      }
      await sleep(RECONNECT_MS);
    }
  }

  /** Logged once per outage: with the database down every request would write a line. */
  function refused(error: unknown): Problem {
    if (reachable) options.log.warn("database_unreachable", { reason: messageOf(error) });
    reachable = false;
    return unreachable(error);
  }

  function forget(connection: Connection): void {
    counts.lost += 1;
    const at = idle.indexOf(connection);
    if (at >= 0) idle.splice(at, 1);
    giveBack(pipelines.remove(connection), connection);
  }

  async function finish(): Promise<void> {
    queue.refuseAll(shuttingDown());
    await queue.idle();
    await Promise.all(idle.splice(0).map((connection) => connection.close()));
  }

  return {
    knows: (text) => types.of(text) !== undefined,
    acquire,
    connect,
    release,
    stats: () => ({ size: options.size, idle: idle.length, ...queue.stats(), ...counts }),
    close() {
      closed ??= finish();
      return closed;
    },
  };
}

function createLease(options: LeaseOptions, shared: Connection | undefined, connection: Connection | undefined): Lease {
  return {
    options,
    shared,
    connection,
    stopped: undefined,
    spent: false,
    halt: undefined,
    timer: undefined,
    unlisten: undefined,
  };
}

function dropShared(lease: Lease, shared: Connection, deadlineMs: number): void {
  lease.stopped = tooSlow(deadlineMs);
  shared.cancel();
  shared.lose(gone());
}

function outOfTime(lease: Lease, deadlineMs: number): void {
  stop(lease, tooSlow(deadlineMs));
}

/** In place of the deadline: the lease of a stream ends when it has made no progress for so long. Called again at each progress. */
export function progress(lease: Lease, idleMs: number): void {
  if (lease.stopped) return;
  clearTimeout(lease.timer);
  lease.timer = setTimeout(noProgress, idleMs, lease, idleMs);
}

function noProgress(lease: Lease, idleMs: number): void {
  stop(lease, stalled(idleMs));
}

/** A statement at the server gets a moment to end as cancelled. Everything else ends at once. */
export function stop(lease: Lease, reason: Problem): void {
  if (lease.stopped) return;
  lease.stopped = reason;
  clearTimeout(lease.timer);
  if (lease.connection?.running) {
    lease.connection.cancel();
    lease.timer = setTimeout(drop, CANCEL_MS, lease, reason);
  } else drop(lease, reason);
}

function drop(lease: Lease, reason: Problem): void {
  lease.connection?.lose(reason);
  lease.halt?.(reason);
}

function shuttingDown(): Problem {
  return new Problem("not_ready", "the service is shutting down", "nothing was changed: repeat the request in a moment", {
    headers: { "Retry-After": "1" },
  });
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
