import { dropExpiredCodes } from "../db/codes.ts";
import type { Database } from "../db/database.ts";
import { dropOldKeys } from "../db/retries.ts";
import { sweepWorkspaces } from "../db/workspaces.ts";
import type { Job } from "./loop.ts";

const MINUTE = 60_000;

/** Everything that recurs. */
export function createJobs(
  { pool, dictionary }: Database,
  outbox: { retry: () => Promise<void> } | undefined,
  now: () => number,
): Job[] {
  return [
    { name: "drop expired sign-in codes", everyMs: 10 * MINUTE, run: () => dropExpiredCodes(pool, now()) },
    ...(outbox ? [{ name: "send waiting mails", everyMs: MINUTE, run: outbox.retry }] : []),
    { name: "sweep ended workspaces", everyMs: MINUTE, run: () => sweepWorkspaces(pool, dictionary) },
    { name: "drop old idempotency keys", everyMs: 60 * MINUTE, run: () => dropOldKeys(pool, now()) },
  ];
}
