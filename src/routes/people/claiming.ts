import { claimWorkspace } from "../../db/people/unclaimed.ts";
import { Problem } from "../../kit/problem.ts";
import type { Context } from "../../service/route.ts";

/** How long a workspace lasts that nobody claims, and how long its key reads after the claim. */
export const UNCLAIMED_MS = 7 * 86_400_000;

/** The id of the workspace that a claim address names. */
export function readClaim({ services, path, reading }: Pick<Context, "services" | "path" | "reading">): string {
  const [, key, proof] = /^([0-9a-z]{26})\.([\w-]{1,60})$/.exec(path.claim!) ?? [];
  const id = `ws_${key}`;
  if (proof !== undefined && services.seal.holds("claim", [id], proof, reading.now)) return id;
  throw noClaim();
}

export const noClaim = () =>
  new Problem("not_found", "there is no such claim, somebody has made it, or its time is over", [
    "GET /whoami with the workspace's key shows the address; POST /workspaces makes a new workspace",
  ]);

/** Gives the workspace of a claim address to a person, and returns its id. */
export async function giveTo(context: Context, userId: string, plan: string | null): Promise<string> {
  const { services, reading } = context;
  const workspaceId = readClaim(context);
  const claimed = { workspaceId, userId, keyEndsAt: reading.now + UNCLAIMED_MS };
  const { caps } = services.plans.of(plan);
  const changed = await claimWorkspace(services.db.pool, claimed, reading.now, caps.workspaces);
  if (!changed) throw noClaim();
  for (const id of changed) services.forget(id);
  return workspaceId;
}
