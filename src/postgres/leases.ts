import { setTimeout as sleep } from "node:timers/promises";
import type { Log } from "../kit/log.ts";
import { Problem } from "../kit/problem.ts";
import { addressOf, type ConnectionOptions } from "./address.ts";
import { type Connection, createConnection } from "./connection.ts";
import { type Hints, unreachable } from "./errors.ts";
import { breakOff, createFollower, createLeader, type Lease, type LeaseOptions } from "./lease.ts";
import { createParameterTypes } from "./parameterTypes.ts";
import { createPipelines } from "./pipeline.ts";
import { createQueue } from "./queue.ts";

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

export type Leases = {
  /** True when the parameter types of this text are known. Only then may it be pipelined. */
  knows: (text: string) => boolean;
  acquire: (options: LeaseOptions) => Lease | Promise<Lease>;
  /** The lease's connection; a new one if it has none or lost it. */
  connect: (lease: Lease) => Connection | Promise<Connection>;
  release: (lease: Lease) => void;
  /** Ends what waits for a server of a spread database. */
  breakOff: (server: number, reason: Problem) => void;
  stats: () => { size: number; busy: number; idle: number; waiting: number; opened: number; lost: number };
  close: () => Promise<void>;
};

/** From the TCP handshake to the first answer. */
const CONNECT_MS = 2_000;
/** Between two attempts: a server that restarts refuses for a moment. */
const RECONNECT_MS = 100;
/** The connections to one database, `size` at most, and the queue for them. */
export function createLeases(options: PoolOptions): Leases {
  const address = addressOf(options.connection);
  const idle: Connection[] = [];
  const pipelines = createPipelines<LeaseOptions>();
  const types = createParameterTypes();
  const queue = createQueue<LeaseOptions, Connection>(options.size, options.queueLimit, options.waitMs);
  const counts = { opened: 0, lost: 0 };
  /** Leases of which it is known for which server they wait. */
  const placed = new Set<Lease>();
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

  function lead(asked: LeaseOptions): Lease {
    const { deadlineMs = options.deadlineMs, access, brief = false } = asked;
    const lease = createLeader(asked, idle.pop(), deadlineMs);
    place(lease);
    if (access && lease.connection) pipelines.lead(lease.connection, access, brief);
    queue.share(joinAny);
    return lease;
  }

  function follow(asked: LeaseOptions, shared: Connection): Lease {
    const lease = createFollower(asked, shared, asked.deadlineMs ?? options.deadlineMs);
    place(lease);
    return lease;
  }

  function place(lease: Lease): void {
    if (lease.options.server !== undefined) placed.add(lease);
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
    if (lease.options.server !== undefined) placed.delete(lease);
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
    breakOff(server, reason) {
      for (const lease of placed) if (lease.options.server === server) breakOff(lease, reason);
    },
    stats: () => ({ size: options.size, idle: idle.length, ...queue.stats(), ...counts }),
    close() {
      closed ??= finish();
      return closed;
    },
  };
}

function shuttingDown(): Problem {
  return new Problem("not_ready", "the service is shutting down", "nothing was changed: repeat the request in a moment", {
    headers: { "Retry-After": "1" },
  });
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
