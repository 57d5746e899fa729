import { single } from "../derive/query.ts";
import { Problem } from "../kit/problem.ts";
import type { Authenticated } from "../service/route.ts";

const CONFIRM_MS = 600_000;

/**
 * The two steps of what cannot simply be taken back: the first call tells what would happen and gives a token for exactly that - this
 * workspace, this caller's token, these facts -, the same call with `?confirm=<token>` goes through. A rehearsal needs none, nor a
 * proposal that is approved.
 */
export function confirm(
  { approved, dryRun, parameters, reading, services, session }: Authenticated,
  purpose: string,
  facts: readonly string[],
  what: string,
  request: string,
  shown: readonly string[] = [],
): void {
  if (dryRun || approved) return;
  const sealed = [session.workspaceId, session.tokenId, ...facts];
  const token = single(parameters, "confirm");
  if (token !== undefined && services.seal.holds(purpose, sealed, token, reading.now)) return;
  const fresh = services.seal.issue(purpose, sealed, reading.now + CONFIRM_MS);
  const stale = token === undefined ? "" : "the confirm token is not valid for this as it is now; ";
  throw new Problem(
    "confirmation_required",
    `${stale}this would ${what}`,
    [...shown, `ask the user, then repeat within 10 minutes: ${request}${request.includes("?") ? "&" : "?"}confirm=${fresh}`],
    {
      values: { confirm: fresh },
    },
  );
}
