import type { Hold } from "../http/request.ts";

/** A reader of the feed while its request lasts. */
export type Waiter = {
  /**
   * Runs a read. One write may wake a thousand readers of a workspace: reads with the same `key` that one waking asks for are one, and the
   * others take turns.
   */
  read: <T>(key: string, work: () => Promise<T>) => Promise<T>;
  /**
   * Resolves with true when something happened since the last read began, or the newest entry to show is no longer this one. Resolves with
   * false when the time is up, the service stops, the client has gone or the session has changed.
   */
  news: (newest: string) => Promise<boolean>;
  leave: () => void;
};

export type Waiting = {
  /** `ids` are those of the session: when one of them is forgotten, the reader waits no longer. */
  enter: (reader: { workspaceId: string; ids: readonly string[]; ms: number; hold: Hold }) => Waiter;
  /** Wakes the readers of a workspace, in the other processes too. */
  changed: (workspaceId: string) => void;
  /** Wakes the readers of a workspace in this process. */
  heard: (workspaceId: string) => void;
  /** Ends the waiting of a token, a user or a workspace. */
  forget: (id: string) => void;
  /** Ends all waiting, now and from now on. */
  stop: () => void;
};

/** Writers in other services, and transactions that held entries back, tell nobody. So the database is asked at this interval. */
const LOOK_MS = 1_000;

/** The shortest time between two wakings of a workspace: many writes are one piece of news. */
const CALM_MS = 100;

/** Reads of a workspace that run at once. */
const READS_AT_ONCE = 8;

type Reader = {
  ids: readonly string[];
  newest: string;
  /** Something happened since its last read began. */
  fresh: boolean;
  /** When it was woken last. */
  woken: number;
  tell: ((news: boolean) => void) | undefined;
  end: () => void;
};

/** The readers of a workspace, and the reads that they may share. Times are those of performance.now(). */
type Room = {
  readers: Set<Reader>;
  reads: Map<string, { begun: number; made: Promise<unknown> }>;
  inTurn: Turns;
  woken: number;
  pending: NodeJS.Timeout | undefined;
};

/**
 * `look` gives the id of the newest entry to show of each workspace, in one statement for all readers. `notice` tells other processes of a
 * change. A reader that waits has no connection of the database.
 */
export function createWaiting(
  look: (workspaceIds: readonly string[]) => Promise<ReadonlyMap<string, string>>,
  notice: (workspaceId: string) => void = () => {},
): Waiting {
  const rooms = new Map<string, Room>();
  let timer: NodeJS.Timeout | undefined;
  let looking = false;
  let stopped = false;

  function wake({ readers }: Room, whom = (_: Reader) => true): void {
    const woken = performance.now();
    for (const reader of readers) {
      if (!whom(reader)) continue;
      reader.fresh = true;
      reader.woken = woken;
      reader.tell?.(true);
    }
  }

  function heard(workspaceId: string): void {
    const room = rooms.get(workspaceId);
    if (!room || room.pending) return;
    const calm = room.woken + CALM_MS - performance.now();
    const ring = () => {
      room.pending = undefined;
      room.woken = performance.now();
      wake(room);
    };
    if (calm <= 0) ring();
    else room.pending = setTimeout(ring, calm);
  }

  async function lookAround(): Promise<void> {
    if (looking) return;
    looking = true;
    // Whoever waits asks again when its time is up, and is told then what is wrong.
    const newest = await look([...rooms.keys()]).catch(() => new Map<string, string>());
    looking = false;
    for (const [workspaceId, id] of newest) {
      const room = rooms.get(workspaceId);
      if (room) wake(room, (reader) => reader.tell !== undefined && reader.newest !== id);
    }
  }

  function join(workspaceId: string, reader: Reader): Room {
    const inTurn = createTurns(READS_AT_ONCE);
    const room = rooms.get(workspaceId) ?? { readers: new Set(), reads: new Map(), inTurn, woken: 0, pending: undefined };
    rooms.set(workspaceId, room);
    room.readers.add(reader);
    timer ??= setInterval(lookAround, LOOK_MS).unref();
    return room;
  }

  function part(workspaceId: string, reader: Reader): void {
    const room = rooms.get(workspaceId);
    room?.readers.delete(reader);
    if (room?.readers.size !== 0) return;
    clearTimeout(room.pending);
    rooms.delete(workspaceId);
    if (rooms.size > 0) return;
    clearInterval(timer);
    timer = undefined;
  }

  return {
    enter({ workspaceId, ids, ms, hold }) {
      let over = stopped;
      const reader: Reader = { ids, newest: "", fresh: false, woken: performance.now(), tell: undefined, end };
      function end(): void {
        over = true;
        reader.tell?.(false);
      }
      const room = join(workspaceId, reader);
      const release = hold(ms, end);
      const limit = setTimeout(end, ms);
      return {
        read<T>(key: string, work: () => Promise<T>) {
          reader.fresh = false;
          const known = room.reads.get(key);
          // One that began before the waking may not have seen what it was about.
          return known && known.begun >= reader.woken ? (known.made as Promise<T>) : readIn(room, key, work);
        },
        async news(newest) {
          if (over || reader.fresh) return !over;
          reader.newest = newest;
          const happened = await new Promise<boolean>((tell) => (reader.tell = tell));
          reader.tell = undefined;
          return happened && !over;
        },
        leave() {
          clearTimeout(limit);
          release();
          part(workspaceId, reader);
        },
      };
    },
    changed(workspaceId) {
      heard(workspaceId);
      notice(workspaceId);
    },
    heard,
    forget(id) {
      for (const { readers } of rooms.values()) for (const reader of readers) if (reader.ids.includes(id)) reader.end();
    },
    stop() {
      stopped = true;
      for (const { readers } of rooms.values()) for (const reader of readers) reader.end();
    },
  };
}

function readIn<T>({ reads, inTurn }: Room, key: string, work: () => Promise<T>): Promise<T> {
  const read = { begun: performance.now(), made: inTurn(work) };
  reads.set(key, read);
  const forget = () => {
    if (reads.get(key) === read) reads.delete(key);
  };
  const later = () => setTimeout(forget, CALM_MS).unref();
  read.made.then(later, later);
  return read.made;
}

type Turns = <T>(work: () => Promise<T>) => Promise<T>;

/** Runs at most so many works at once, the others in the order they came. */
function createTurns(most: number): Turns {
  const queue: (() => void)[] = [];
  let running = 0;
  return async (work) => {
    if (running < most) running += 1;
    // The one that ends hands its turn over.
    else await new Promise<void>((begin) => queue.push(begin));
    try {
      return await work();
    } finally {
      const next = queue.shift();
      if (next) next();
      else running -= 1;
    }
  };
}
