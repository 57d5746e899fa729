import type { Database } from "../../db/database.ts";
import { type Claimed, reportRound } from "../../db/webhooks/claims.ts";
import { type Due, dueDeliveries, type Outcome } from "../../db/webhooks/deliveries.ts";
import { type Row, viewsOf } from "../../derive/view.ts";
import { webhookHeaders } from "../../kit/standardWebhooks.ts";
import { showInstant, UTC, zone } from "../../kit/time.ts";
import { changeMessage, kindOfEntry, readContents } from "../../outbound/webhookMessage.ts";
import type { Attempt, Line } from "../../outbound/webhookPost.ts";
import { readableView } from "../../routes/readable.ts";
import { readableOf } from "../../routes/webhooks/wish.ts";
import { LONGEST_MS, pauseAfter } from "./schedule.ts";

/** Messages of a round, and how many are on their way at once. */
const MOST = 64;
export const AT_ONCE = 8;

/** A round starts no message after this time, so that it ends well within the lease. */
const STARTS_MS = 15_000;

/** An endpoint that has taken none of so many is not asked further in this round. */
const MOST_FAILED = 3;

/** What a round came to: `idle` when nothing was due. The others are reasons to switch the webhook off. */
export type Came = "idle" | "on" | { off: string };

/** Delivers what is due: in order for each record, and of several records at once. */
export async function runRound(
  db: Database,
  line: Line,
  hook: Claimed,
  secrets: readonly string[],
  now: () => number,
  isStopped: () => boolean,
): Promise<Came> {
  if (hook.resumesAt > now()) return "idle";
  const due = await dueDeliveries(db.pool, hook.workspaceId, hook.id, now(), MOST);
  if (due.length === 0) return "idle";
  const viewOf = (name: string) => {
    const kind = db.catalog.get(name);
    return kind && readableView({ session: hook.maker }, viewsOf(kind).json);
  };
  const changes = due.map(({ changeId }) => changeId);
  const { entries, cut } = await readContents(db, hook.workspaceId, changes, viewOf);
  // Its maker may be another by now, who may read less.
  const readable = readableOf({ session: hook.maker }, db.catalog).map(({ name }) => name);
  const showing = { zone: zone(hook.timezone) };
  const outcomes: Outcome[] = [];
  const begun = performance.now();
  let [taken, failed, asked] = [0, 0, 0];
  let off: string | undefined;

  const isOver = () =>
    off !== undefined || isStopped() || performance.now() - begun > STARTS_MS || (taken === 0 && failed >= MOST_FAILED);

  async function deliver(one: Due, entry: Row): Promise<boolean> {
    const at = now();
    const body = changeMessage(one.event, entry, showing);
    const attempt = await line.post({ url: hook.url, body, headers: webhookHeaders(secrets, { id: one.id, at, body }) });
    const delivered = attempt.problem === null;
    // What the service cut off itself was no failure of the endpoint: it is tried again soon, and counts for nothing.
    if (!delivered && isStopped()) return false;
    outcomes.push(outcomeOf(one, attempt, at));
    if (delivered) taken += 1;
    else {
      failed += 1;
      asked = Math.max(asked, attempt.retryAfter ?? 0);
      off ??= reasonToEnd(one, attempt, at);
    }
    return delivered;
  }

  /** Stops at the first that fails: those behind it wait. */
  async function deliverInOrder(chain: readonly Due[]): Promise<void> {
    for (const one of chain) {
      const entry = entries.get(one.changeId);
      if (!entry && cut) return;
      if (!entry || !readable.includes(kindOfEntry(entry)))
        outcomes.push({ id: one.id, dueAt: null, firstTryAt: one.firstTryAt, attempt: null });
      else if (isOver() || !(await deliver(one, entry))) return;
    }
  }

  await inTurns(chainsOf(due), AT_ONCE, deliverInOrder);
  hook.failures = taken > 0 ? 0 : hook.failures + (failed > 0 ? 1 : 0);
  hook.resumesAt = now() + (failed === 0 ? 0 : pauseAfter(hook.failures, asked));
  await reportRound(db.pool, hook, outcomes, hook, now());
  return off === undefined ? (outcomes.length > 0 ? "on" : "idle") : { off };
}

/** The deliveries of each record, in their order. */
function chainsOf(due: readonly Due[]): Due[][] {
  const chains = new Map<string, Due[]>();
  for (const one of due) {
    const chain = chains.get(one.recordId);
    if (chain) chain.push(one);
    else chains.set(one.recordId, [one]);
  }
  return [...chains.values()];
}

async function inTurns<T>(items: readonly T[], most: number, work: (item: T) => Promise<void>): Promise<void> {
  let next = 0;
  const walk = async () => {
    while (next < items.length) await work(items[next++]!);
  };
  await Promise.all(Array.from({ length: Math.min(most, items.length) }, walk));
}

function outcomeOf(one: Due, { status, ms, problem, answer, retryAfter }: Attempt, at: number): Outcome {
  const dueAt = problem === null ? null : at + ms + pauseAfter(one.tries + 1, retryAfter);
  return {
    id: one.id,
    dueAt,
    firstTryAt: one.firstTryAt ?? at,
    attempt: { at: showInstant(at, UTC), status, ms, problem, answer },
  };
}

const GONE = 410;

function reasonToEnd({ firstTryAt }: Due, { status, problem }: Attempt, at: number): string | undefined {
  if (status === GONE) return "the endpoint answered 410: it is gone for good";
  if (firstTryAt === null || at - firstTryAt < LONGEST_MS) return undefined;
  return `a delivery failed for three days; at last: ${problem}`;
}
