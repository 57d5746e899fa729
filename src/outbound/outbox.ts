import { dropMail, keepMail, takeDueMails } from "../db/people/mails.ts";
import type { IdSource } from "../kit/id.ts";
import type { Log } from "../kit/log.ts";
import type { Seal } from "../kit/seal.ts";
import type { Pool } from "../postgres/pool.ts";
import type { Mail } from "./mail.ts";

const MINUTE = 60_000;

/** A mail that could not be sent for this long is given up; codes are long void by then. */
const GIVE_UP_MS = 24 * 60 * MINUTE;

export type Outbox = {
  /** Sends a mail, at once if it can. False: it is kept and tried again. */
  post: (mail: Mail) => Promise<boolean>;
  /** Tries again what is due. */
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

/** Mails in the database until the mail command took them: they survive a crash of either. A mail may go out twice, never not at all. */
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
