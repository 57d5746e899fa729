import type { Wire } from "./connection.ts";

/** What shares a connection: no read waits for a write, which may have to wait for a lock. */
export type Sort = "read" | "write";

/**
 * Connections with a short statement at work, which others of its sort may follow there. `P` is a place: who came first has it, and who
 * follows keeps it, for what is not short, as a transaction, must find nobody on its connection.
 */
export type Hosts<P> = {
  /** `brief`: a read that others may board. */
  open: (wire: Wire, sort: Sort, brief: boolean) => void;
  /** Where brief reads of this turn of the event loop go, as long as there is room. */
  board: () => Wire | undefined;
  /** One of this turn, or else the one that the fewest follow; undefined when there is none. */
  join: (sort: Sort) => Wire | undefined;
  /** Who came first goes; gives the place back unless somebody follows. */
  leave: (wire: Wire, place: P) => P | undefined;
  /** Who followed goes; gives the place back if they are the last. */
  part: (wire: Wire) => P | undefined;
  /** Nobody follows there any more; gives the place back if only who followed was there. */
  close: (wire: Wire) => P | undefined;
};

/**
 * Reads that leave together: postgres.js writes what a turn of the event loop has gathered at its end, or once there is 1 kB. Each write to a
 * connection costs a fifth of what a short read costs this process. Changes each wait for the disk, and had better do so side by side.
 */
const MOST_TOGETHER = 4;
/** On one connection: the last waits for the others. */
const MOST_FOLLOWERS = 7;
/** A connection that has not answered for so long may wait for a lock, and is not followed. */
const STUCK_MS = 100;

export function createHosts<P>(): Hosts<P> {
  const hosts = new Map<Wire, { sort: Sort; followers: number; place: P | undefined }>();
  let together: { wire: Wire; room: number; brief: boolean } | undefined;

  function gather(wire: Wire, brief: boolean): void {
    if (!together) setImmediate(depart);
    together = { wire, room: MOST_TOGETHER - 1, brief };
  }

  function depart(): void {
    together = undefined;
  }

  function joinTogether(): Wire | undefined {
    if (!together?.room) return undefined;
    const host = hosts.get(together.wire);
    if (host?.sort !== "read" || host.followers >= MOST_FOLLOWERS) return undefined;
    together.room -= 1;
    host.followers += 1;
    return together.wire;
  }

  function joinFewest(sort: Sort): Wire | undefined {
    const stuck = performance.now() - STUCK_MS;
    let found: Wire | undefined;
    let fewest = MOST_FOLLOWERS;
    for (const [wire, host] of hosts) {
      if (host.sort !== sort || host.followers >= fewest || (wire.running && wire.movedAt < stuck)) continue;
      [found, fewest] = [wire, host.followers];
    }
    if (!found) return undefined;
    hosts.get(found)!.followers += 1;
    if (sort === "read") gather(found, false);
    return found;
  }

  function close(wire: Wire): P | undefined {
    const place = hosts.get(wire)?.place;
    hosts.delete(wire);
    return place;
  }

  return {
    open(wire, sort, brief) {
      hosts.set(wire, { sort, followers: 0, place: undefined });
      if (brief) gather(wire, true);
    },
    board: () => (together?.brief ? joinTogether() : undefined),
    join: (sort) => (sort === "read" ? joinTogether() : undefined) ?? joinFewest(sort),
    leave(wire, place) {
      const host = hosts.get(wire);
      if (!host?.followers) {
        hosts.delete(wire);
        return place;
      }
      host.place = place;
      return undefined;
    },
    part(wire) {
      const host = hosts.get(wire);
      if (!host) return undefined;
      host.followers -= 1;
      return host.followers === 0 && host.place !== undefined ? close(wire) : undefined;
    },
    close,
  };
}
