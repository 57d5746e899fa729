import { fasterLists } from "../derive/paging.ts";
import { DEFAULT_LIMIT, type ListQuery } from "../derive/query.ts";
import { Problem } from "../kit/problem.ts";
import { isTooSlow } from "../postgres/errors.ts";
import type { RowsOptions } from "../postgres/pool.ts";
import type { RecordDefinition } from "../records/define.ts";

/** How long one statement of a list may take. */
const LIST_MS = 3_000;

/**
 * What an index pages has one plan for all values, so that its statement can have a name where its text is one that many send. Not so with
 * a range: without its values PostgreSQL takes it for a small part, and would rather fetch and sort it.
 */
export function pagedOptions({ conditions, limit }: ListQuery): RowsOptions {
  const [condition, ...others] = conditions;
  const common = limit === DEFAULT_LIMIT && others.length === 0;
  const ranged = condition !== undefined && !["eq", "null", "refers"].includes(condition.predicate.is);
  return { plan: common && !ranged ? "named" : "custom", deadlineMs: LIST_MS, retry: true, brief: true };
}

/**
 * A list that no index pages takes as long as there are records to look at: planned for its values each time, on connections of its own.
 * Under a name it would after five runs be planned for an average workspace, and read all of a large one.
 */
export const long = (workspaceId: string) =>
  ({ plan: "custom", longFor: workspaceId, deadlineMs: LIST_MS, retry: true }) as const;

/** For the first of two ways. */
const HOPEFUL_MS = 500;

/**
 * The first way is to follow the order until enough rows have matched, which is soon where many match. Should they all lie at its end, as
 * with `created_at=lt:…` among the newest changes, the second way gathers all that match and sorts them.
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

/** Says what would be faster. Without Retry-After: the same list would take as long again. */
export async function inTime<T>(definition: RecordDefinition, query: ListQuery, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if (!isTooSlow(error)) throw error;
    throw new Problem("busy", `the list took longer than ${LIST_MS / 1000} s`, fasterLists(definition, query), {
      cause: error,
    });
  }
}
