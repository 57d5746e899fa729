import type { Problem } from "../kit/problem.ts";
import type { Connection } from "./connection.ts";
import { gone } from "./dial.ts";
import { stalled, tooSlow } from "./errors.ts";
import type { Access } from "./pipeline.ts";
import { type Entry, goneAway, onAbort } from "./queue.ts";

/** `signal` is aborted when the caller has gone away: a waiting or leading lease stops, a follower runs on. */
export type LeaseOptions = Entry & {
  /** In place of the pool's. */
  deadlineMs?: number | undefined;
  /** Of one short statement, which may be pipelined with others of its access when all connections are in use. */
  access?: Access | undefined;
  /** The number of the server of a spread database that has the rows, where that is known: see `breakOff`. */
  server?: number | undefined;
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

/** The time in which a cancelled statement may still answer, so that the caller can be told if it did anything. */
const CANCEL_MS = 500;

/** A lease that leads, on an idle connection if there is one. At its deadline it is stopped. */
export function createLeader(options: LeaseOptions, connection: Connection | undefined, deadlineMs: number): Lease {
  const lease = createLease(options, undefined, connection);
  const { signal } = options;
  lease.timer = setTimeout(outOfTime, deadlineMs, lease, deadlineMs);
  if (signal) lease.unlisten = onAbort(signal, () => stop(lease, goneAway(signal)));
  return lease;
}

/** Its deadline drops the connection for all who share it, so it comes after the statements before it were stopped at theirs. */
export function createFollower(options: LeaseOptions, shared: Connection, deadlineMs: number): Lease {
  const lease = createLease(options, shared, undefined);
  lease.timer = setTimeout(dropShared, deadlineMs + CANCEL_MS, lease, shared, deadlineMs);
  return lease;
}

/** Makes no closure for each lease: tsx names every one through defineProperty, which is slow. */
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
  stopFollower(lease, shared, tooSlow(deadlineMs));
}

function stopFollower(lease: Lease, shared: Connection, reason: Problem): void {
  lease.stopped = reason;
  shared.cancel();
  shared.lose(gone());
}

/** Ends a lease before its deadline. */
export function breakOff(lease: Lease, reason: Problem): void {
  if (lease.shared) stopFollower(lease, lease.shared, reason);
  else stop(lease, reason);
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
function stop(lease: Lease, reason: Problem): void {
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
