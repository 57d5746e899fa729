import type { Problem } from "../kit/problem.ts";
import type { Wire } from "./connection.ts";
import { isBroken, isConflict, isLost, isStale, toProblem, unknownOutcome } from "./errors.ts";
import type { Unit } from "./lease.ts";

const CONFLICT_REPEATS = 3;
/** Of what is safe to run again: where several connections break at once, the next may be one of them. */
export const LOST_REPEATS = 2;

/** What to tell the caller, with the connection dropped if it is no longer good. `commits`: a lost answer may be that of a change made. */
export function refusal(unit: Unit, wire: Wire, error: unknown, commits: boolean): Problem {
  if (isBroken(error)) wire.lose(error as Error);
  const lost = isLost(error) || error === unit.stopped;
  if (lost && commits) return unknownOutcome(unit.stopped?.code === "busy" ? "busy" : "not_ready", error);
  return unit.stopped ?? toProblem(error);
}

/** A statement that was refused did nothing and may be repeated if that can help; one whose answer was lost only if it is `safe`. */
export function mayRepeat(unit: Unit, error: unknown, attempt: number, safe: boolean): boolean {
  if (unit.stopped) return false;
  if (isConflict(error)) return attempt <= CONFLICT_REPEATS;
  if (safe && isLost(error)) return attempt <= LOST_REPEATS;
  return attempt === 1 && isStale(error);
}
