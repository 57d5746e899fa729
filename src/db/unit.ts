import { setTimeout as sleep } from "node:timers/promises";
import { Problem } from "../kit/problem.ts";
import type { Log } from "../log.ts";
import { addressOf, type Connection } from "./address.ts";
import { gone } from "./dial.ts";
import { tooSlow, unreachable } from "./failure.ts";
import { createTurns, goneAway, onAbort, type Turn } from "./turns.ts";
import { createWire, type Wire } from "./wire.ts";
import type { Shapes } from "./wireQuery.ts";

export type PoolOptions = {
  connection: Connection;
  /** Connections, 4-8 of them, and a third as many for work of unknown length; opened when first needed. */
  size: number;
  /** Callers that may wait for a connection, and for how long. */
  queueLimit: number;
  waitMs: number;
  /** How long a unit of work may take once it has its turn, connecting included. */
  deadlineMs: number;
  /** False names no statement, for PgBouncer before 1.21. */
  prepare: boolean;
  log: Log;
};

/** `signal` is aborted when the caller has gone away: stops waiting, and what runs. */
export type UnitOptions = Turn & {
  /** In place of the pool's. */
  deadlineMs?: number;
};

/** One caller's turn: at most one connection, and the reason once it has been told to stop. */
export type Unit = {
  turn: Turn;
  wire: Wire | undefined;
  stopped: Problem | undefined;
  /** Set when the connection may have been left in a state of its own: it is closed and not used again. */
  spent: boolean;
  /** Ends a caller that waits for something other than a statement. */
  halt: ((reason: Problem) => void) | undefined;
  timer: NodeJS.Timeout | undefined;
  unlisten: (() => void) | undefined;
};

/** What shares a connection: no read waits for a write, which may have to wait for a lock. */
export type Sort = "read" | "write";

export type Units = {
  /** `shares`: for a short statement, which others of its sort may follow on its connection when all are in use. */
  enter: (options: UnitOptions, shares?: Sort) => Unit | Promise<Unit>;
  /**
   * Sends a short statement on a connection that has one of its sort at work, when all are in use and nobody waits for one; undefined: there
   * is none. It may fail for what befalls the other.
   */
  ride: <T>(sort: Sort, send: (wire: Wire) => Promise<T>, deadlineMs?: number) => Promise<T> | undefined;
  /** The unit's connection, a new one if it has none or lost it. */
  connect: (unit: Unit) => Wire | Promise<Wire>;
  leave: (unit: Unit) => void;
  stats: () => { size: number; busy: number; idle: number; waiting: number; opened: number; lost: number };
  close: () => Promise<void>;
};

/** From the TCP handshake to the first answer. */
const CONNECT_MS = 2_000;
/** Between two attempts: a server that restarts refuses for a moment. */
const AGAIN_MS = 100;
/** Statements that may be at the server on one connection: the last waits for the others, as it would in the queue. */
const MOST_SHARED = 8;
/** A connection that has not answered for so long may wait for a lock, and is not followed. */
const STUCK_MS = 100;
/** How long a cancelled statement has to end, so that the caller can be told whether it did anything. */
const GRACE_MS = 500;

/** Who works on the database: `size` units at a time. */
export function createUnits(options: PoolOptions): Units {
  const address = addressOf(options.connection);
  const idle: Wire[] = [];
  const shared = new Map<Wire, Sort>();
  const shapes: Shapes = new Map();
  const turns = createTurns(options.size, options.queueLimit, options.waitMs);
  const counts = { opened: 0, lost: 0 };
  let reachable = true;
  let crowdTold = false;
  let closed: Promise<void> | undefined;

  /** At once where there is room, as mostly: each wait for a promise that has nothing to wait for costs. */
  function enter(asked: UnitOptions, shares?: Sort): Unit | Promise<Unit> {
    if (closed) throw shuttingDown();
    const wait = turns.take(asked);
    return wait ? wait.then(() => begin(asked, shares), crowdedOut) : begin(asked, shares);
  }

  /** Told once, until nobody waits any more. */
  function crowdedOut(refusal: Problem): never {
    if (!crowdTold) options.log.warn("database_crowded", { reason: refusal.message, ...turns.stats() });
    crowdTold = true;
    throw refusal;
  }

  /** Functions made here for each unit would be slow: tsx gives every one its name through defineProperty. */
  function begin(turn: UnitOptions, shares: Sort | undefined): Unit {
    const { deadlineMs = options.deadlineMs, signal } = turn;
    const unit: Unit = {
      turn,
      wire: idle.pop(),
      stopped: undefined,
      spent: false,
      halt: undefined,
      timer: undefined,
      unlisten: undefined,
    };
    if (shares && unit.wire) shared.set(unit.wire, shares);
    unit.timer = setTimeout(outOfTime, deadlineMs, unit, deadlineMs);
    if (signal) unit.unlisten = onAbort(signal, () => stop(unit, goneAway(signal)));
    return unit;
  }

  function leave(unit: Unit): void {
    clearTimeout(unit.timer);
    unit.unlisten?.();
    const { wire } = unit;
    if (wire) shared.delete(wire);
    // A cancel request may still be on its way and would hit whatever runs next.
    if (unit.stopped) wire?.lose(unit.stopped);
    if (unit.spent) void wire?.close();
    // One that others still use is the last to be taken.
    if (wire && !wire.lost) idle.splice(wire.load === 0 ? idle.length : 0, 0, wire);
    turns.give(unit.turn);
    if (crowdTold && turns.stats().waiting === 0) crowdTold = false;
  }

  function ride<T>(sort: Sort, send: (wire: Wire) => Promise<T>, deadlineMs = options.deadlineMs): Promise<T> | undefined {
    const { busy, waiting } = turns.stats();
    if (busy < options.size || waiting > 0) return undefined;
    const moved = performance.now() - STUCK_MS;
    let lightest: Wire | undefined;
    for (const [wire, of] of shared) {
      if (of === sort && wire.movedAt > moved && wire.load < (lightest?.load ?? MOST_SHARED)) lightest = wire;
    }
    return lightest && within(deadlineMs, lightest, send);
  }

  function connect(unit: Unit): Wire | Promise<Wire> {
    return unit.wire && !unit.wire.lost ? unit.wire : open(unit);
  }

  async function open(unit: Unit): Promise<Wire> {
    for (let attempt = 1; ; attempt++) {
      if (unit.stopped) throw unit.stopped;
      const wire = createWire(address, shapes, forget);
      unit.wire = wire;
      try {
        await wire.open(CONNECT_MS);
        counts.opened += 1;
        if (!reachable) options.log.info("database_reachable");
        reachable = true;
        return wire;
      } catch (error) {
        wire.lose(error as Error);
        if (unit.stopped) throw unreachable(error);
        if (attempt === 2) throw refused(error);
      }
      await sleep(AGAIN_MS);
    }
  }

  /** Told once, and again when it has come back: with the database down every request would have a line. */
  function refused(error: unknown): Problem {
    if (reachable) options.log.warn("database_unreachable", { reason: messageOf(error) });
    reachable = false;
    return unreachable(error);
  }

  function forget(wire: Wire): void {
    counts.lost += 1;
    const at = idle.indexOf(wire);
    if (at >= 0) idle.splice(at, 1);
  }

  async function finish(): Promise<void> {
    turns.refuseAll(shuttingDown());
    await turns.idle();
    await Promise.all(idle.splice(0).map((wire) => wire.close()));
  }

  return {
    enter,
    ride,
    connect,
    leave,
    stats: () => ({ size: options.size, idle: idle.length, ...turns.stats(), ...counts }),
    close() {
      closed ??= finish();
      return closed;
    },
  };
}

/** A connection that does not answer is given up with all that is on it. */
async function within<T>(deadlineMs: number, wire: Wire, send: (wire: Wire) => Promise<T>): Promise<T> {
  const timer = setTimeout(giveUp, deadlineMs, wire);
  try {
    return await send(wire);
  } finally {
    clearTimeout(timer);
  }
}

const giveUp = (wire: Wire) => wire.lose(gone());

function outOfTime(unit: Unit, deadlineMs: number): void {
  stop(unit, tooSlow(deadlineMs));
}

/** A statement at the server gets a moment to end as cancelled; everything else ends here and now. */
function stop(unit: Unit, reason: Problem): void {
  if (unit.stopped) return;
  unit.stopped = reason;
  clearTimeout(unit.timer);
  if (unit.wire?.running) {
    unit.wire.cancel();
    unit.timer = setTimeout(drop, GRACE_MS, unit, reason);
  } else drop(unit, reason);
}

function drop(unit: Unit, reason: Problem): void {
  unit.wire?.lose(reason);
  unit.halt?.(reason);
}

function shuttingDown(): Problem {
  return new Problem("not_ready", "the service is shutting down", "nothing was changed: repeat the request in a moment", {
    headers: { "Retry-After": "1" },
  });
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
