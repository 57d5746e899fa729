import { fasterLists } from "../../derive/paging.ts";
import { DEFAULT_LIMIT, type ListQuery } from "../../derive/query.ts";
import { Problem } from "../../kit/problem.ts";
import { isTooSlow } from "../../postgres/errors.ts";
import type { RowsOptions } from "../../postgres/pool.ts";
import type { Kind } from "../../records/kind.ts";

/** The deadline of one statement of a list. */
const LIST_MS = 3_000;

/**
 * For a list that an index pages. Its plan is the same for all values, so a text that many callers send gets a name. A range does not: without
 * its values the planner expects few rows, and fetches and sorts them all.
 */
export function pagedOptions({ conditions, limit }: ListQuery): RowsOptions {
  const [condition, ...others] = conditions;
  const common = limit === DEFAULT_LIMIT && others.length === 0;
  const ranged = condition !== undefined && !["eq", "null", "refers"].includes(condition.predicate.is);
  return { plan: common && !ranged ? "named" : "custom", deadlineMs: LIST_MS, retry: true, brief: true };
}

/**
 * For a list that no index pages, which takes longer the more records there are. It is planned for its values each time, on the connections for
 * long work. A named statement would be planned for an average workspace after five runs, and read all of a large one.
 */
export const long = (workspaceId: string) =>
  ({ plan: "custom", longFor: workspaceId, deadlineMs: LIST_MS, retry: true }) as const;

/** The deadline of the first of two ways. */
const HOPEFUL_MS = 500;

/**
 * The first way follows the order of the list until enough rows match: fast where many do. When the matches are at the end of the order, as for
 * `created_at=lt:…` among the newest changes, the second way collects all matches and sorts them.
 */
export async function eitherWay<T>(
  workspaceId: string,
  first: (options: RowsOptions) => Promise<T>,
  second: typeof first,
): Promise<T> {
  try {
    return await first({ ...long(workspaceId), deadlineMs: HOPEFUL_MS });
  } catch (error) {
    if (!isTooSlow(error)) throw error;
    return second(long(workspaceId));
  }
}

/** Refuses a list that took too long with hints for a faster one. It has no Retry-After: the same list would take as long again. */
export async function inTime<T>(kind: Kind, query: ListQuery, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if (!isTooSlow(error)) throw error;
    throw new Problem("busy", `the list took longer than ${LIST_MS / 1000} s`, fasterLists(kind, query), {
      cause: error,
    });
  }
}
