import { Problem } from "../kit/problem.ts";
import { queueFull, waitedLong } from "./errors.ts";

/** Who may work when: so many at a time, the others in one queue. `H`: what one may go along with in place of a turn of its own. */
export type Turns<T extends Turn, H> = {
  /** Resolves when it is the caller's turn; undefined: it is at once. With a host, it goes along with that one and has no place. */
  take: (turn: T) => Promise<H | undefined> | undefined;
  /** Hands the place over to the next. */
  give: (turn: T) => void;
  /** Lets those at the front of the queue go along, as long as there is a host for the next. */
  pass: (hostOf: (turn: T) => H | undefined) => void;
  refuseAll: (reason: Problem) => void;
  stats: () => { busy: number; waiting: number };
  /** Resolves when nobody works. */
  idle: () => Promise<void>;
};

export type Turn = {
  /** Whose work it is, where one should not keep others from theirs: of those who wait, whose least is running is next. */
  holder?: string | undefined;
  signal?: AbortSignal | undefined;
};

type Waiter<T extends Turn, H> = {
  turn: T;
  resolve: (host?: H) => void;
  reject: (reason: Problem) => void;
  timer: NodeJS.Timeout | undefined;
  unlisten: (() => void) | undefined;
};

export function createTurns<T extends Turn, H = never>(places: number, queueLimit: number, waitMs: number): Turns<T, H> {
  const queue = new Set<Waiter<T, H>>();
  const running = new Map<string, number>();
  let busy = 0;
  let drained: (() => void) | undefined;

  function take(turn: T): Promise<H | undefined> | undefined {
    if (turn.signal?.aborted) throw goneAway(turn.signal);
    if (busy === places) return wait(turn);
    busy += 1;
    count(turn, 1);
    return undefined;
  }

  function wait(turn: T): Promise<H | undefined> {
    if (queue.size >= queueLimit || waitingOf(turn) >= queueLimit / 2) return Promise.reject(queueFull());
    return new Promise((resolve, reject) => {
      const waiter: Waiter<T, H> = { turn, resolve, reject, timer: undefined, unlisten: undefined };
      const { signal } = turn;
      waiter.timer = setTimeout(refuse, waitMs, waiter);
      if (signal) waiter.unlisten = onAbort(signal, () => refuse(waiter, goneAway(signal)));
      queue.add(waiter);
    });
  }

  /** Half of the queue is the most that one holder fills. */
  function waitingOf({ holder }: Turn): number {
    if (holder === undefined) return 0;
    let waiting = 0;
    for (const waiter of queue) if (waiter.turn.holder === holder) waiting += 1;
    return waiting;
  }

  function refuse(waiter: Waiter<T, H>, reason: Problem = waitedLong()): void {
    stopWaiting(waiter);
    waiter.reject(reason);
  }

  function stopWaiting(waiter: Waiter<T, H>): void {
    queue.delete(waiter);
    clearTimeout(waiter.timer);
    waiter.unlisten?.();
  }

  /** The place goes on to the next, so `busy` stays as it is. */
  function give(turn: T): void {
    count(turn, -1);
    const next = nextInTurn();
    if (next) {
      stopWaiting(next);
      count(next.turn, 1);
      next.resolve();
    } else if (--busy === 0) drained?.();
  }

  function pass(hostOf: (turn: T) => H | undefined): void {
    for (let next = nextInTurn(); next; next = nextInTurn()) {
      const host = hostOf(next.turn);
      if (!host) return;
      stopWaiting(next);
      next.resolve(host);
    }
  }

  /** First come, first served, among those whose least is running. */
  function nextInTurn(): Waiter<T, H> | undefined {
    let next: Waiter<T, H> | undefined;
    let least = Number.POSITIVE_INFINITY;
    for (const waiter of queue) {
      const runs = runningOf(waiter.turn);
      if (runs < least) [next, least] = [waiter, runs];
      if (least === 0) break;
    }
    return next;
  }

  const runningOf = ({ holder }: Turn) => (holder === undefined ? 0 : (running.get(holder) ?? 0));

  function count(turn: Turn, by: number): void {
    if (turn.holder === undefined) return;
    const runs = runningOf(turn) + by;
    if (runs === 0) running.delete(turn.holder);
    else running.set(turn.holder, runs);
  }

  return {
    take,
    give,
    pass,
    refuseAll(reason) {
      for (const waiter of queue) refuse(waiter, reason);
    },
    stats: () => ({ busy, waiting: queue.size }),
    async idle() {
      if (busy > 0) await new Promise<void>((resolve) => (drained = resolve));
    },
  };
}

export function onAbort(signal: AbortSignal, then: () => void): () => void {
  signal.addEventListener("abort", then);
  return () => signal.removeEventListener("abort", then);
}

/** Nobody reads it: the caller has hung up. */
export function goneAway(signal: AbortSignal | undefined): Problem {
  return new Problem("busy", "the caller went away before the answer was ready", [], { cause: signal?.reason });
}
