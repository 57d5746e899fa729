import { Problem } from "../kit/problem.ts";
import { queueFull, waitedLong } from "./failure.ts";

/** Who may work when: so many at a time, the others in one queue. */
export type Turns = {
  /** Resolves when it is the caller's turn; undefined: it is at once. */
  take: (turn: Turn) => Promise<void> | undefined;
  /** Hands the place over to the next. */
  give: (turn: Turn) => void;
  refuseAll: (reason: Problem) => void;
  stats: () => { busy: number; waiting: number };
  /** Resolves when nobody works. */
  idle: () => Promise<void>;
};

export type Turn = {
  /** Whose work it is, where one should not keep others from theirs: of those who wait, whose least is running is next. */
  holder?: string;
  signal?: AbortSignal;
};

type Waiter = {
  turn: Turn;
  resolve: () => void;
  reject: (reason: Problem) => void;
  timer: NodeJS.Timeout | undefined;
  unlisten: (() => void) | undefined;
};

export function createTurns(places: number, queueLimit: number, waitMs: number): Turns {
  const queue = new Set<Waiter>();
  const running = new Map<string, number>();
  let busy = 0;
  let drained: (() => void) | undefined;

  function take(turn: Turn): Promise<void> | undefined {
    if (turn.signal?.aborted) throw goneAway(turn.signal);
    if (busy === places) return wait(turn);
    busy += 1;
    count(turn, 1);
    return undefined;
  }

  function wait(turn: Turn): Promise<void> {
    if (queue.size >= queueLimit || waitingOf(turn) >= queueLimit / 2) return Promise.reject(queueFull());
    return new Promise((resolve, reject) => {
      const waiter: Waiter = { turn, resolve, reject, timer: undefined, unlisten: undefined };
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

  function refuse(waiter: Waiter, reason: Problem = waitedLong()): void {
    stopWaiting(waiter);
    waiter.reject(reason);
  }

  function stopWaiting(waiter: Waiter): void {
    queue.delete(waiter);
    clearTimeout(waiter.timer);
    waiter.unlisten?.();
  }

  /** The place goes on to the next, so `busy` stays as it is. */
  function give(turn: Turn): void {
    count(turn, -1);
    const next = nextInTurn();
    if (next) {
      stopWaiting(next);
      count(next.turn, 1);
      next.resolve();
    } else if (--busy === 0) drained?.();
  }

  /** First come, first served, among those whose least is running. */
  function nextInTurn(): Waiter | undefined {
    let next: Waiter | undefined;
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
