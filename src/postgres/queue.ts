import { Problem } from "../kit/problem.ts";
import { queueFull, waitedLong } from "./errors.ts";

/**
 * A fixed number of slots, and one bounded queue for them. A caller is waiting, then holds a slot; `S` is what a waiting caller may share
 * instead of getting a slot.
 */
export type Queue<T extends Entry, S> = {
  /** Undefined: the caller has a slot at once. Else resolves when it gets one, or with what it shares in place of a slot. */
  acquire: (entry: T) => Promise<S | undefined> | undefined;
  /** Hands the slot over to the next caller. */
  release: (entry: T) => void;
  /** Lets callers at the front of the queue share, as long as there is something to share for the next one. */
  share: (sharedBy: (entry: T) => S | undefined) => void;
  refuseAll: (reason: Problem) => void;
  stats: () => { busy: number; waiting: number };
  /** Resolves when no slot is held. */
  idle: () => Promise<void>;
};

export type Entry = {
  /** Whose work it is. The waiting caller whose owner holds the fewest slots is next, so that one owner cannot keep others waiting. */
  owner?: string | undefined;
  signal?: AbortSignal | undefined;
};

type Waiter<T extends Entry, S> = {
  entry: T;
  resolve: (shared?: S) => void;
  reject: (reason: Problem) => void;
  timer: NodeJS.Timeout | undefined;
  unlisten: (() => void) | undefined;
};

export function createQueue<T extends Entry, S = never>(slots: number, queueLimit: number, waitMs: number): Queue<T, S> {
  const queue = new Set<Waiter<T, S>>();
  const running = new Map<string, number>();
  let busy = 0;
  let drained: (() => void) | undefined;

  function acquire(entry: T): Promise<S | undefined> | undefined {
    if (entry.signal?.aborted) throw goneAway(entry.signal);
    if (busy === slots) return wait(entry);
    busy += 1;
    count(entry, 1);
    return undefined;
  }

  function wait(entry: T): Promise<S | undefined> {
    if (queue.size >= queueLimit || waitingOf(entry) >= queueLimit / 2) return Promise.reject(queueFull());
    return new Promise((resolve, reject) => {
      const waiter: Waiter<T, S> = { entry, resolve, reject, timer: undefined, unlisten: undefined };
      const { signal } = entry;
      waiter.timer = setTimeout(refuse, waitMs, waiter);
      if (signal) waiter.unlisten = onAbort(signal, () => refuse(waiter, goneAway(signal)));
      queue.add(waiter);
    });
  }

  /** One owner may fill half of the queue at most. */
  function waitingOf({ owner }: Entry): number {
    if (owner === undefined) return 0;
    let waiting = 0;
    for (const waiter of queue) if (waiter.entry.owner === owner) waiting += 1;
    return waiting;
  }

  function refuse(waiter: Waiter<T, S>, reason: Problem = waitedLong()): void {
    stopWaiting(waiter);
    waiter.reject(reason);
  }

  function stopWaiting(waiter: Waiter<T, S>): void {
    queue.delete(waiter);
    clearTimeout(waiter.timer);
    waiter.unlisten?.();
  }

  /** When the slot goes to the next caller, `busy` stays as it is. */
  function release(entry: T): void {
    count(entry, -1);
    const next = nextInTurn();
    if (next) {
      stopWaiting(next);
      count(next.entry, 1);
      next.resolve();
    } else if (--busy === 0) drained?.();
  }

  function share(sharedBy: (entry: T) => S | undefined): void {
    for (let next = nextInTurn(); next; next = nextInTurn()) {
      const shared = sharedBy(next.entry);
      if (!shared) return;
      stopWaiting(next);
      next.resolve(shared);
    }
  }

  /** First come, first served, among the callers whose owners hold the fewest slots. */
  function nextInTurn(): Waiter<T, S> | undefined {
    let next: Waiter<T, S> | undefined;
    let least = Number.POSITIVE_INFINITY;
    for (const waiter of queue) {
      const runs = runningOf(waiter.entry);
      if (runs < least) [next, least] = [waiter, runs];
      if (least === 0) break;
    }
    return next;
  }

  const runningOf = ({ owner }: Entry) => (owner === undefined ? 0 : (running.get(owner) ?? 0));

  function count(entry: Entry, by: number): void {
    if (entry.owner === undefined) return;
    const runs = runningOf(entry) + by;
    if (runs === 0) running.delete(entry.owner);
    else running.set(entry.owner, runs);
  }

  return {
    acquire,
    release,
    share,
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

/** No caller sees this: the one who asked has hung up. */
export function goneAway(signal: AbortSignal | undefined): Problem {
  return new Problem("busy", "the caller went away before the answer was ready", [], { cause: signal?.reason });
}
