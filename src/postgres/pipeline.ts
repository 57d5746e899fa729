import type { Connection } from "./connection.ts";

/** Reads are pipelined with reads and writes with writes: no read waits behind a write, which may have to wait for a lock. */
export type Access = "read" | "write";

/**
 * Connections that short statements share. The first statement there leads and holds a slot `S` of the queue. Others of its access follow: the
 * server answers them in order. When the leader is done first, the slot stays with the followers, so that whatever comes next on the
 * connection, such as a transaction, finds it empty.
 */
export type Pipelines<S> = {
  /** A statement leads on this connection. `brief`: a read that brief reads of the same turn of the event loop may join. */
  lead: (connection: Connection, access: Access, brief: boolean) => void;
  /** The connection of this turn's brief reads, as long as it has room. */
  joinTurn: () => Connection | undefined;
  /** The connection of this turn, or else the one with the fewest followers; undefined when there is none. */
  join: (access: Access) => Connection | undefined;
  /** The leader is done. Gives the slot back, unless others follow. */
  leaderDone: (connection: Connection, slot: S) => S | undefined;
  /** A follower is done. Gives the slot back after the last one. */
  followerDone: (connection: Connection) => S | undefined;
  /** Nobody may join any more. Gives the slot back if only followers were there. */
  remove: (connection: Connection) => S | undefined;
};

/**
 * Reads that leave in one write: postgres.js sends what a turn of the event loop has gathered at its end, or once there is 1 kB. A write to
 * a socket costs a fifth of the CPU of a short read. Each change waits for the disk, so changes run better side by side.
 */
const TOGETHER_LIMIT = 4;
/** On one connection: the last one waits for all others. */
const FOLLOWER_LIMIT = 7;
/** A connection that has not answered for so long may wait for a lock. Nobody may join it. */
const STUCK_MS = 100;

export function createPipelines<S>(): Pipelines<S> {
  const pipelines = new Map<Connection, { access: Access; followers: number; slot: S | undefined }>();
  let turn: { connection: Connection; room: number; brief: boolean } | undefined;

  function gather(connection: Connection, brief: boolean): void {
    if (!turn) setImmediate(endTurn);
    turn = { connection, room: TOGETHER_LIMIT - 1, brief };
  }

  function endTurn(): void {
    turn = undefined;
  }

  function joinGathering(): Connection | undefined {
    if (!turn?.room) return undefined;
    const pipeline = pipelines.get(turn.connection);
    if (pipeline?.access !== "read" || pipeline.followers >= FOLLOWER_LIMIT) return undefined;
    turn.room -= 1;
    pipeline.followers += 1;
    return turn.connection;
  }

  function joinShortest(access: Access): Connection | undefined {
    const stuck = performance.now() - STUCK_MS;
    let found: Connection | undefined;
    let fewest = FOLLOWER_LIMIT;
    for (const [connection, pipeline] of pipelines) {
      if (pipeline.access !== access || pipeline.followers >= fewest) continue;
      if (connection.running && connection.progressAt < stuck) continue;
      [found, fewest] = [connection, pipeline.followers];
    }
    if (!found) return undefined;
    pipelines.get(found)!.followers += 1;
    if (access === "read") gather(found, false);
    return found;
  }

  function remove(connection: Connection): S | undefined {
    const slot = pipelines.get(connection)?.slot;
    pipelines.delete(connection);
    return slot;
  }

  return {
    lead(connection, access, brief) {
      pipelines.set(connection, { access, followers: 0, slot: undefined });
      if (brief) gather(connection, true);
    },
    joinTurn: () => (turn?.brief ? joinGathering() : undefined),
    join: (access) => (access === "read" ? joinGathering() : undefined) ?? joinShortest(access),
    leaderDone(connection, slot) {
      const pipeline = pipelines.get(connection);
      if (!pipeline?.followers) {
        pipelines.delete(connection);
        return slot;
      }
      pipeline.slot = slot;
      return undefined;
    },
    followerDone(connection) {
      const pipeline = pipelines.get(connection);
      if (!pipeline) return undefined;
      pipeline.followers -= 1;
      return pipeline.followers === 0 && pipeline.slot !== undefined ? remove(connection) : undefined;
    },
    remove,
  };
}
