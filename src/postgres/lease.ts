import { setTimeout as sleep } from "node:timers/promises";
import { Problem } from "../kit/problem.ts";
import type { Log } from "../log.ts";
import { addressOf, type ConnectionOptions } from "./address.ts";
import { createWire, type Wire } from "./connection.ts";
import { gone } from "./dial.ts";
import type { Shapes } from "./driver.ts";
import { tooSlow, unreachable } from "./errors.ts";
import { createHosts, type Sort } from "./pipeline.ts";
import { createTurns, goneAway, onAbort, type Turn } from "./queue.ts";

export type PoolOptions = {
  connection: ConnectionOptions;
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

/** `signal` is aborted when the caller has gone away: stops waiting, and what runs; what follows others runs on. */
export type UnitOptions = Turn & {
  /** In place of the pool's. */
  deadlineMs?: number | undefined;
  /** Of one short statement, which may follow another of its sort on a connection, and be followed by others, when all are in use. */
  sort?: Sort | undefined;
  /** Of a read: so short that it had better follow those of this turn of the event loop, though connections are free. */
  brief?: boolean;
};

/** One caller's turn: at most one connection, and the reason once it has been told to stop. */
export type Unit = {
  turn: UnitOptions;
  /** Where it follows others: it has no connection of its own, and may fail for what befalls them. */
  host: Wire | undefined;
  wire: Wire | undefined;
  stopped: Problem | undefined;
  /** Set when the connection may have been left in a state of its own: it is closed and not used again. */
  spent: boolean;
  /** Ends a caller that waits for something other than a statement. */
  halt: ((reason: Problem) => void) | undefined;
  timer: NodeJS.Timeout | undefined;
  unlisten: (() => void) | undefined;
};

export type Units = {
  /** Whether the types of this text's values are known: nothing else follows on a connection (see learn in wireQuery.ts). */
  knows: (text: string) => boolean;
  enter: (options: UnitOptions) => Unit | Promise<Unit>;
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
/** How long a cancelled statement has to end, so that the caller can be told whether it did anything. */
const GRACE_MS = 500;

/** Who works on the database: `size` units at a time. */
export function createUnits(options: PoolOptions): Units {
  const address = addressOf(options.connection);
  const idle: Wire[] = [];
  const hosts = createHosts<UnitOptions>();
  const shapes: Shapes = new Map();
  const turns = createTurns<UnitOptions, Wire>(options.size, options.queueLimit, options.waitMs);
  const counts = { opened: 0, lost: 0 };
  let reachable = true;
  let crowdTold = false;
  let closed: Promise<void> | undefined;

  /** At once where there is room, as mostly: each wait for a promise that has nothing to wait for costs. */
  function enter(turn: UnitOptions): Unit | Promise<Unit> {
    if (closed) throw shuttingDown();
    const { busy, waiting } = turns.stats();
    const host = waiting > 0 ? undefined : busy === options.size ? joinHost(turn) : boardHost(turn);
    if (host) return follow(turn, host);
    const wait = turns.take(turn);
    return wait ? wait.then((found) => (found ? follow(turn, found) : begin(turn)), crowdedOut) : begin(turn);
  }

  /** Told once, until nobody waits any more. */
  function crowdedOut(refusal: Problem): never {
    if (!crowdTold) options.log.warn("database_crowded", { reason: refusal.message, ...turns.stats() });
    crowdTold = true;
    throw refusal;
  }

  /** Functions made here for each unit would be slow: tsx gives every one its name through defineProperty. */
  function begin(turn: UnitOptions): Unit {
    const { deadlineMs = options.deadlineMs, signal, sort, brief = false } = turn;
    const unit = unitOf(turn, undefined, idle.pop());
    if (sort && unit.wire) hosts.open(unit.wire, sort, brief);
    unit.timer = setTimeout(outOfTime, deadlineMs, unit, deadlineMs);
    if (signal) unit.unlisten = onAbort(signal, () => stop(unit, goneAway(signal)));
    turns.pass(joinHost);
    return unit;
  }

  /** A connection that does not answer is given up with all that is on it: only after those before it have been stopped at their deadline. */
  function follow(turn: UnitOptions, host: Wire): Unit {
    const unit = unitOf(turn, host, undefined);
    const { deadlineMs = options.deadlineMs } = turn;
    unit.timer = setTimeout(giveUp, deadlineMs + GRACE_MS, unit, host, deadlineMs);
    return unit;
  }

  /**
   * For who comes when all connections are in use, and for who waits, whenever a statement begins or one that followed ends: who comes while
   * others wait has to wait, so that a queue which has formed once would else last as long as there are callers.
   */
  function joinHost({ sort }: UnitOptions): Wire | undefined {
    return sort && hosts.join(sort);
  }

  /** For who comes when connections are free. What follows cannot be stopped when its caller goes away. */
  function boardHost({ sort, brief, signal }: UnitOptions): Wire | undefined {
    return sort && brief && !signal ? hosts.board() : undefined;
  }

  function leave(unit: Unit): void {
    clearTimeout(unit.timer);
    if (unit.host) leaveHost(unit.host);
    else release(unit);
    if (crowdTold && turns.stats().waiting === 0) crowdTold = false;
  }

  function release({ turn, wire, stopped, spent, unlisten }: Unit): void {
    unlisten?.();
    // A cancel request may still be on its way and would hit whatever runs next.
    if (stopped) wire?.lose(stopped);
    if (spent) void wire?.close();
    giveBack(wire ? hosts.leave(wire, turn) : turn, wire);
  }

  function leaveHost(host: Wire): void {
    giveBack(hosts.part(host), host);
    turns.pass(joinHost);
  }

  function giveBack(place: UnitOptions | undefined, wire: Wire | undefined): void {
    if (!place) return;
    if (wire && !wire.lost) idle.push(wire);
    turns.give(place);
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
    giveBack(hosts.close(wire), wire);
  }

  async function finish(): Promise<void> {
    turns.refuseAll(shuttingDown());
    await turns.idle();
    await Promise.all(idle.splice(0).map((wire) => wire.close()));
  }

  return {
    knows: (text) => shapes.has(text),
    enter,
    connect,
    leave,
    stats: () => ({ size: options.size, idle: idle.length, ...turns.stats(), ...counts }),
    close() {
      closed ??= finish();
      return closed;
    },
  };
}

function unitOf(turn: UnitOptions, host: Wire | undefined, wire: Wire | undefined): Unit {
  return { turn, host, wire, stopped: undefined, spent: false, halt: undefined, timer: undefined, unlisten: undefined };
}

function giveUp(unit: Unit, host: Wire, deadlineMs: number): void {
  unit.stopped = tooSlow(deadlineMs);
  host.cancel();
  host.lose(gone());
}

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
