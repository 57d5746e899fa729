import type { Pool } from "../db/client.ts";
import { dropExpiredCodes } from "../db/codes.ts";
import { dropOldKeys } from "../db/retries.ts";
import type { Job } from "./loop.ts";

const MINUTE = 60_000;

/** Everything that recurs. */
export function createJobs(pool: Pool, outbox: { retry: () => Promise<void> } | undefined, now: () => number): Job[] {
  return [
    { name: "drop expired sign-in codes", everyMs: 10 * MINUTE, run: () => dropExpiredCodes(pool, now()) },
    ...(outbox ? [{ name: "send waiting mails", everyMs: MINUTE, run: outbox.retry }] : []),
    { name: "drop old idempotency keys", everyMs: 60 * MINUTE, run: () => dropOldKeys(pool, now()) },
  ];
}
