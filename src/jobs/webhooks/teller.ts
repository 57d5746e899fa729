import type { Database } from "../../db/database.ts";
import { readVersion } from "../../db/kinds/kinds.ts";
import { type Claimed, claimWebhook, endLease, renewLease, switchOff } from "../../db/webhooks/claims.ts";
import { type IdSource, shortId } from "../../kit/id.ts";
import type { Log } from "../../kit/log.ts";
import { Problem } from "../../kit/problem.ts";
import type { Seal } from "../../kit/seal.ts";
import type { Mail } from "../../outbound/mail.ts";
import { type Line, openLine, type WebhookNetwork } from "../../outbound/webhookPost.ts";
import type { Catalogs } from "../../service/catalogs.ts";
import { gather } from "./gather.ts";
import { AT_ONCE, runRound } from "./round.ts";

/** How long a webhook is a process's own, unless the process renews it. After a crash, others wait for this. */
const LEASE_MS = 60_000;

/** How long a webhook is worked on before others have their turn. */
const TURN_MS = 5_000;

/** How long a webhook is left alone after a fault of ours. */
const REST_MS = 5_000;

/** Webhooks that a process works on at once, and those of one workspace among them. */
const MOST = 16;
const MOST_OF_ONE = 2;

export type TellerParts = {
  db: Database;
  catalogs: Pick<Catalogs, "of">;
  seal: Seal;
  ids: IdSource;
  now: () => number;
  log: Log;
  network: WebhookNetwork;
  hosts: readonly string[];
  /** Undefined in local mode. */
  mail: ((mail: Mail) => Promise<unknown>) | undefined;
};

/** Tells the webhooks of all workspaces what happened. */
export type Teller = {
  /** Begins to work on the webhooks that have something to do. It is the job of every second. */
  begin: () => Promise<void>;
  /** The same until nothing is due. */
  finish: () => Promise<void>;
  /** Ends what runs; what was not reported is told again. */
  stop: () => Promise<void>;
};

/**
 * Several processes may tell at once: each webhook is worked on by the one that holds its lease. In its turn, a webhook takes changes from the
 * feed and is told them, round by round.
 */
export function createTeller({ db, catalogs, seal, ids, now, log, network, hosts, mail }: TellerParts): Teller {
  const turns = new Map<Promise<void>, string>();
  let stopped = false;
  const lines = new Set<Line>();

  function busy(): string[] {
    const workspaces = [...turns.values()];
    return [...new Set(workspaces)].filter((id) => workspaces.filter((each) => each === id).length >= MOST_OF_ONE);
  }

  async function begin(): Promise<void> {
    while (!stopped && turns.size < MOST) {
      const asked = { now: now(), until: now() + LEASE_MS, busy: busy() };
      const hook = await claimWebhook(db.pool, ids("lease"), asked);
      if (!hook) return;
      const turn = take(hook).then((isDone) => {
        turns.delete(turn);
        if (!isDone) begin().catch((error: unknown) => log.warn("webhooks not claimed", { cause: String(error) }));
      });
      turns.set(turn, hook.workspaceId);
    }
  }

  async function finish(): Promise<void> {
    for (;;) {
      await begin();
      if (turns.size === 0) return;
      await Promise.race(turns.keys());
    }
  }

  /** True when nothing is left to do for now. */
  async function take(hook: Claimed): Promise<boolean> {
    const { id: webhook } = hook;
    let [isDone, restMs] = [true, 0];
    const line = openLine(network, hosts, AT_ONCE);
    lines.add(line);
    try {
      const secrets = hook.secrets.map((sealed) => seal.decrypt("webhook", sealed));
      const came = lostRights(hook) ?? (await work(hook, line, secrets));
      if (typeof came === "string") await end(hook, came);
      else isDone = came;
    } catch (error) {
      if (error instanceof Problem && error.status < 500) await end(hook, `${error.message}; ${error.hints.join("; ")}`);
      else {
        log.warn("webhook not told", { webhook, cause: String(error) });
        restMs = REST_MS;
      }
    } finally {
      line.close();
      lines.delete(line);
      const until = now() + restMs;
      await endLease(db.pool, hook, until).catch((error) => log.warn("lease not ended", { webhook, cause: String(error) }));
    }
    return isDone;
  }

  /** Gives a reason to switch the webhook off, or whether nothing is left to do for now. */
  async function work(hook: Claimed, line: Line, secrets: readonly string[]): Promise<string | boolean> {
    const until = performance.now() + TURN_MS;
    const { workspaceId } = hook;
    const withKinds = async (kindsVersion: number) => ({ ...db, catalog: await catalogs.of({ workspaceId, kindsVersion }) });
    do {
      const moved = await gather(db, withKinds, ids, hook, now());
      const came = await runRound(
        await withKinds(await readVersion(db.pool, workspaceId)),
        line,
        hook,
        secrets,
        now,
        () => stopped,
      );
      if (typeof came === "object") return came.off;
      if (!moved && came === "idle") return true;
    } while (!stopped && performance.now() < until && (await renewLease(db.pool, hook, now() + LEASE_MS)));
    return false;
  }

  /** The mail goes first: after a crash between the two it goes twice, and is not lost. */
  async function end(hook: Claimed, problem: string): Promise<void> {
    log.warn("webhook switched off", { webhook: hook.id, problem });
    await mail?.(mailOf(hook, problem));
    await switchOff(db.pool, hook, problem, now());
  }

  return {
    begin,
    finish,
    async stop() {
      stopped = true;
      for (const line of lines) line.close();
      await Promise.all(turns.keys());
    },
  };
}

/** A webhook is told what its maker may see, with the rights of an admin: when these end, so does it. */
function lostRights({ maker }: Claimed): string | undefined {
  if (!maker.isAdmin) return `${maker.email} is no admin any more`;
  return maker.isTokenGood ? undefined : `the token with which ${maker.email} made it was revoked`;
}

const mailOf = ({ id, url, workspaceName, maker }: Claimed, problem: string): Mail => ({
  to: maker.email,
  subject: `A webhook of ${workspaceName} was switched off`,
  text: [
    `webhook/${shortId(id)} of ${workspaceName}, which tells ${url}, was switched off:`,
    problem,
    "",
    "Nothing is lost: what happens meanwhile is kept. Once the endpoint is well, go on with it:",
    `PATCH /webhooks/${shortId(id)} {"active":true}`,
    `GET /webhooks/${shortId(id)}/deliveries shows every attempt.`,
    "",
  ].join("\n"),
});
