import { findWebhook, type Webhook } from "../../db/webhooks/webhooks.ts";
import { readId } from "../../kit/id.ts";
import { echo } from "../../kit/line.ts";
import { Problem } from "../../kit/problem.ts";
import type { Authenticated } from "../../service/route.ts";
import { webhook } from "../../views/webhook.ts";

/** The webhook that the path names. */
export async function webhookNamed({ db, session, path, reading }: Authenticated): Promise<Webhook> {
  const reference = readId(path.id!, webhook);
  const found =
    reference?.prefix === webhook.prefix ? await findWebhook(db.pool, session.workspaceId, reference, reading.now) : undefined;
  if (found) return found;
  throw new Problem(
    "not_found",
    `there is no webhook ${echo(path.id!)} in this workspace`,
    "GET /webhooks shows what there is",
  );
}

/** For what its secrets are encrypted. */
export const PURPOSE = "webhook";

/** Those that sign now. */
export const secretsOf = ({ services }: Authenticated, { secrets }: Webhook): string[] =>
  secrets.map((sealed) => services.seal.decrypt(PURPOSE, sealed));
