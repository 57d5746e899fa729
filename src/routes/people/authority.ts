import { findMembership, type Membership } from "../../db/people/members.ts";
import { readId, shortId } from "../../kit/id.ts";
import { echo } from "../../kit/line.ts";
import { Problem } from "../../kit/problem.ts";
import { covers } from "../../kit/scope.ts";
import type { Authenticated } from "../../service/route.ts";
import { workspace } from "../../views/workspace.ts";

/**
 * The membership in the workspace of the path. Strangers get 404. So do narrowed tokens of another workspace, such as a
 * program's, which must not reveal the owner's other workspaces.
 */
export async function membership({ services, session, path }: Authenticated): Promise<Membership> {
  const reference = readId(path.id!, workspace);
  const found = reference?.prefix === "ws" ? await findMembership(services.db.pool, session.userId, reference.key) : undefined;
  if (found && (session.scopes === null || found.id === session.workspaceId)) return found;
  throw unknownWorkspace(path.id!);
}

export function unknownWorkspace(id: string): Problem {
  return new Problem("not_found", `you belong to no workspace ${echo(id)}`, [
    "GET /workspaces lists yours; a token with scopes knows its own only",
  ]);
}

/** The same, for admins with a token that has the scope. */
export async function authority(context: Authenticated): Promise<Membership> {
  const found = await membership(context);
  if (found.role !== "admin")
    throw new Problem(
      "admin_required",
      `only an admin of ${echo(found.name)} may do this`,
      `you are ${found.role} there; GET /workspaces/${shortId(found.id)}/members shows who is admin`,
    );
  if (!covers(context.session.scopes, "admin"))
    throw new Problem("scope_required", "the token lacks the scope admin", "use a token that has it");
  return found;
}

/** Refuses a narrowed token for actions beyond its workspace. */
export function wholeToken({ session }: Authenticated): void {
  if (session.scopes === null) return;
  throw new Problem(
    "scope_required",
    "a token with scopes acts in its own workspace only",
    "use a token without scopes: sign in",
  );
}
