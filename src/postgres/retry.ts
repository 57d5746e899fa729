import type { Problem } from "../kit/problem.ts";
import type { Connection } from "./connection.ts";
import {
  type Hints,
  isBroken,
  isConflict,
  isLost,
  isLostBehind,
  isStale,
  isUnsure,
  toProblem,
  unknownOutcome,
} from "./errors.ts";
import type { Lease } from "./lease.ts";
import type { Leases } from "./leases.ts";

const CONFLICT_REPEATS = 3;
/** For statements that are safe to run again: when several connections break at once, the next one may be broken too. */
export const LOST_REPEATS = 2;

/** The Problem for the caller. Drops a broken connection. `commits`: when the answer is lost, the change may have been made. */
export function refusal(lease: Lease, connection: Connection, error: unknown, commits: boolean, hints?: Hints): Problem {
  if (isBroken(error)) connection.lose(error as Error);
  const lost = isLost(error) || isLostBehind(error) ? isUnsure(error) : error === lease.stopped;
  if (lost && commits) return unknownOutcome(lease.stopped?.code === "busy" ? "busy" : "not_ready", error);
  return lease.stopped ?? toProblem(error, hints);
}

/** A refused statement did nothing, and may be repeated where that can help. One whose answer was lost only if it is `safe`. */
export function mayRepeat(lease: Lease, error: unknown, attempt: number, safe: boolean): boolean {
  if (lease.stopped) return false;
  if (isConflict(error)) return attempt <= CONFLICT_REPEATS;
  if (safe && (isLost(error) || isLostBehind(error))) return attempt <= LOST_REPEATS;
  return attempt === 1 && isStale(error);
}

/** Runs what comes first on a lease. It must have done nothing if its connection is lost, which is then replaced. */
export async function firstOn<T>(
  leases: Leases,
  lease: Lease,
  run: (connection: Connection) => Promise<T>,
  hints?: Hints,
): Promise<T> {
  for (let attempt = 1; ; attempt++) {
    const connection = await leases.connect(lease);
    try {
      return await run(connection);
    } catch (error) {
      const answer = refusal(lease, connection, error, false, hints);
      if (!mayRepeat(lease, error, attempt, true)) throw answer;
    }
  }
}
