import { dropMail, keepMail, takeDueMails } from "../db/people/mails.ts";
import type { IdSource } from "../kit/id.ts";
import type { Log } from "../kit/log.ts";
import type { Seal } from "../kit/seal.ts";
import type { Pool } from "../postgres/pool.ts";
import type { Mail } from "./mail.ts";

const MINUTE = 60_000;

/** A mail is given up after failing for this long. Codes have expired long before. */
const GIVE_UP_MS = 24 * 60 * MINUTE;

export type Outbox = {
  /** Sends a mail at once. Returns false when that failed and the mail is retried later. */
  post: (mail: Mail) => Promise<boolean>;
  /** Retries the mails that are due. */
  retry: () => Promise<void>;
};

export type OutboxParts = {
  pool: Pool;
  seal: Seal;
  ids: IdSource;
  now: () => number;
  log: Log;
  send: (mail: Mail) => Promise<void>;
};

/**
 * The outbox keeps each mail in the database until the mail command has accepted it, so it survives a crash. A mail may be sent
 * twice, but is never lost.
 */
export function createOutbox({ pool, seal, ids, now, log, send }: OutboxParts): Outbox {
  const attempt = async (id: string, mail: Mail): Promise<boolean> => {
    try {
      await send(mail);
    } catch (error) {
      log.warn("mail not sent", { id, to: mail.to, cause: String((error as Error).cause ?? error) });
      return false;
    }
    await dropMail(pool, id);
    return true;
  };

  return {
    async post(mail) {
      const id = ids("mail");
      await keepMail(pool, id, seal.encrypt("mail", JSON.stringify(mail)), now(), now() + MINUTE);
      return attempt(id, mail);
    },
    async retry() {
      for (const { id, sealed, attempts, createdAt } of await takeDueMails(pool, now(), now() + 5 * MINUTE)) {
        if (now() - createdAt > GIVE_UP_MS) {
          log.error("mail given up", { id, attempts });
          await dropMail(pool, id);
          continue;
        }
        await attempt(id, JSON.parse(seal.decrypt("mail", sealed)) as Mail);
      }
    },
  };
}
