import { findMembership, type Membership } from "../db/members.ts";
import { readId, shortId } from "../kit/id.ts";
import { echo } from "../kit/line.ts";
import { Problem } from "../kit/problem.ts";
import { covers } from "../kit/scope.ts";
import type { Authenticated } from "./route.ts";

/** The workspace of the path, if the caller is in it. To all others it is not there. */
export async function membership({ services, session, path }: Authenticated): Promise<Membership> {
  const reference = readId(path.id!);
  const found = reference?.prefix === "ws" ? await findMembership(services.db.pool, session.userId, reference.key) : undefined;
  if (found) return found;
  throw new Problem("not_found", `you belong to no workspace ${echo(path.id!)}`, "GET /workspaces lists yours");
}

/** The same, if the caller may manage it: an admin there, with a token that goes that far. */
export async function authority(context: Authenticated): Promise<Membership> {
  const found = await membership(context);
  if (found.role !== "admin")
    throw new Problem(
      "admin_required",
      `only an admin of ${echo(found.name)} may do this`,
      `you are ${found.role} there; GET /workspaces/${shortId(found.id)}/members shows who is admin`,
    );
  if (found.id !== context.session.workspaceId) wholeToken(context);
  if (!covers(context.session.scopes, "admin"))
    throw new Problem("scope_required", "the token lacks the scope admin", "use a token that has it");
  return found;
}

/** A token that was narrowed is for its own workspace only. */
export function wholeToken({ session }: Authenticated): void {
  if (session.scopes === null) return;
  throw new Problem(
    "scope_required",
    "a token with scopes acts in its own workspace only",
    "use a token without scopes: sign in",
  );
}
