import type { Database } from "../db/database.ts";
import { dropOldImports } from "../db/imports/imports.ts";
import { dropExpiredCodes } from "../db/people/codes.ts";
import { dropExpiredGrants } from "../db/people/grants.ts";
import { dropUnusedClients } from "../db/people/oauthClients.ts";
import { dropEndedTallies } from "../db/people/tallies.ts";
import { endUnclaimed } from "../db/people/unclaimed.ts";
import { sweepWorkspaces } from "../db/people/workspaces.ts";
import { dropOldKeys } from "../db/records/idempotencyKeys.ts";
import { dropOldDeliveries } from "../db/webhooks/deliveries.ts";
import type { Config } from "../service/config.ts";
import type { Job } from "./loop.ts";

const SECOND = 1_000;
const MINUTE = 60 * SECOND;

/** The recurring jobs. */
export function createJobs(
  { pool, catalog }: Database,
  { tokenDays }: Pick<Config, "tokenDays">,
  outbox: { retry: () => Promise<void> } | undefined,
  guests: { sweep: () => Promise<void> },
  teller: { begin: () => Promise<void> },
  indexes: { keep: () => Promise<void> },
  now: () => number,
): Job[] {
  return [
    { name: "drop expired sign-in codes", everyMs: 10 * MINUTE, run: () => dropExpiredCodes(pool, now()) },
    { name: "drop limits that have ended", everyMs: 10 * MINUTE, run: () => dropEndedTallies(pool, now()) },
    {
      name: "drop expired codes and access tokens of connections",
      everyMs: 10 * MINUTE,
      run: () => dropExpiredGrants(pool, now()),
    },
    {
      name: "drop clients nobody uses",
      everyMs: 60 * MINUTE,
      run: () => dropUnusedClients(pool, now(), now() - tokenDays * 24 * 60 * MINUTE),
    },
    ...(outbox ? [{ name: "send waiting mails", everyMs: MINUTE, run: outbox.retry }] : []),
    { name: "end workspaces that nobody claimed", everyMs: 10 * MINUTE, run: () => endUnclaimed(pool, now()) },
    { name: "tell webhooks", everyMs: SECOND, run: teller.begin },
    { name: "drop what webhooks were told long ago", everyMs: 10 * MINUTE, run: () => dropOldDeliveries(pool, now()) },
    { name: "sweep ended workspaces", everyMs: MINUTE, run: () => sweepWorkspaces(pool, catalog) },
    { name: "end roles of SQL that nobody uses", everyMs: MINUTE, run: guests.sweep },
    { name: "keep indexes of vectors", everyMs: 5 * MINUTE, run: indexes.keep },
    { name: "drop what came of old imports", everyMs: 60 * MINUTE, run: () => dropOldImports(pool, now()) },
    { name: "drop old idempotency keys", everyMs: 60 * MINUTE, run: () => dropOldKeys(pool, now()) },
  ];
}
