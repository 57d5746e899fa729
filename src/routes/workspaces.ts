import { countRecords } from "../db/usage.ts";
import {
  changeRole,
  changeWorkspace,
  createWorkspace,
  deleteWorkspace,
  findMember,
  findMembership,
  invite,
  listMembers,
  listWorkspaces,
  type Member,
  removeMember,
  withdrawInvite,
} from "../db/workspaces.ts";
import { createWholeView } from "../derive/render.ts";
import type { Answer } from "../http/reply.ts";
import { prefixOf, readId, shortId } from "../kit/id.ts";
import { echo } from "../kit/line.ts";
import { Problem } from "../kit/problem.ts";
import { covers, ROLES, type Role } from "../kit/scope.ts";
import { zone } from "../kit/time.ts";
import { counted } from "../kit/words.ts";
import { emailKind, isEmail, storable } from "../records/kinds.ts";
import { member, workspace } from "../records/workspace.ts";
import { stepUp } from "./codes.ts";
import { confirm } from "./confirm.ts";
import { listAnswer } from "./lists.ts";
import { type Authenticated, allowParameters, type Route } from "./route.ts";
import { mint, readWish } from "./tokens.ts";

export const workspaceRoutes: Route[] = [
  { method: "GET", path: "/workspaces", about: "the workspaces you belong to", needs: "member", handle: list },
  { method: "POST", path: "/workspaces", about: "make one: name, timezone", needs: "member", handle: create },
  { method: "GET", path: "/workspaces/{id}", about: "one workspace", needs: "member", handle: get },
  { method: "PATCH", path: "/workspaces/{id}", about: "change name or timezone (admin)", needs: "member", handle: change },
  {
    method: "DELETE",
    path: "/workspaces/{id}",
    about: "delete it with all its data (admin, mailed code)",
    needs: "member",
    handle: remove,
  },
  {
    method: "POST",
    path: "/workspaces/{id}/tokens",
    about: "a token for another of your workspaces",
    needs: "member",
    handle: mintFor,
  },
  { method: "GET", path: "/workspaces/{id}/members", about: "members and open invites", needs: "member", handle: members },
  {
    method: "POST",
    path: "/workspaces/{id}/invites",
    about: "invite by mail: email, role (admin)",
    needs: "member",
    handle: inviteSomebody,
  },
  {
    method: "DELETE",
    path: "/workspaces/{id}/invites/{invite}",
    about: "withdraw an invite (admin)",
    needs: "member",
    handle: withdraw,
  },
  {
    method: "POST",
    path: "/workspaces/{id}/members/{user}/role",
    about: "change a role (admin)",
    needs: "member",
    handle: setRole,
  },
  {
    method: "DELETE",
    path: "/workspaces/{id}/members/{user}",
    about: "remove a member (admin), or leave",
    needs: "member",
    handle: removeSomebody,
  },
];

async function list(context: Authenticated): Promise<Answer> {
  allowParameters(context.parameters, []);
  const rows = await listWorkspaces(context.services.db.pool, context.session.userId, context.session.workspaceId);
  return listAnswer(createWholeView(workspace), { rows, nextCursor: null });
}

async function get(context: Authenticated): Promise<Answer> {
  allowParameters(context.parameters, []);
  const { id } = await membership(context);
  return show(context, id);
}

async function show({ services, session }: Authenticated, id: string, outcome?: string): Promise<Answer> {
  const rows = await listWorkspaces(services.db.pool, session.userId, session.workspaceId);
  const row = rows.find((each) => each[0] === id)!;
  return { is: "record", view: createWholeView(workspace), row, ...(outcome ? { outcome } : {}) };
}

async function create(context: Authenticated): Promise<Answer> {
  allowParameters(context.parameters, []);
  wholeToken(context);
  const { name, timezone } = readWorkspace(context, true);
  const id = context.services.ids("ws");
  await createWorkspace(
    context.services.db.pool,
    context.session.userId,
    { id, name: name!, timezone: timezone ?? "UTC" },
    context.reading.now,
  );
  return { ...(await show(context, id, "created")), status: 201 };
}

async function change(context: Authenticated): Promise<Answer> {
  allowParameters(context.parameters, []);
  const { id } = await authority(context);
  const { name, timezone } = readWorkspace(context, false);
  await changeWorkspace(context.services.db.pool, id, { name, timezone });
  context.services.forget(id);
  return show(context, id, "updated");
}

function readWorkspace({ body }: Authenticated, fresh: boolean): { name: string | null; timezone: string | null } {
  const { name = null, timezone = null, ...rest } = body.values;
  const [unknown] = Object.keys(rest);
  if (unknown !== undefined)
    throw new Problem("invalid_field", `workspaces have no field ${echo(unknown)} to write`, "fields: name, timezone");
  if (fresh && (name === null || name === ""))
    throw new Problem("missing_field", "a workspace needs a name", 'POST /workspaces {"name":"Acme sales"}');
  if (name !== null && (typeof name !== "string" || name === "" || name.length > 200 || !storable(name))) {
    throw new Problem("invalid_value", "name is a text of at most 200 characters", 'e.g. "Acme sales"');
  }
  return { name, timezone: timezone === null ? null : readTimezone(timezone) };
}

function readTimezone(text: unknown): string {
  try {
    if (typeof text === "string") return zone(text).name;
  } catch {
    // told below
  }
  throw new Problem(
    "invalid_value",
    `timezone cannot be ${echo(String(text))}`,
    "timezone expects an IANA name such as Europe/Berlin or UTC",
  );
}

/** The mailed code is the second step here: nothing brings a workspace back. */
async function remove(context: Authenticated): Promise<Answer> {
  allowParameters(context.parameters, ["code", "reason"]);
  const { services } = context;
  const { id, name } = await authority(context);
  const counts = await countRecords(services.db, id);
  const holds = counts.map(({ definition, rows }) => counted(rows, definition)).join(", ") || "no records";
  await stepUp(context, `delete the workspace ${echo(name)} with ${holds}`, id);
  await deleteWorkspace(services.db.pool, services.db.dictionary, id);
  services.forget(id);
  return {
    is: "message",
    message: `deleted workspace/${shortId(id)} ${echo(name)} with ${holds}`,
    values: { deleted: `workspace/${shortId(id)}` },
  };
}

/** A token that may do everything in another workspace is as much as being signed in there, so it takes a code. */
async function mintFor(context: Authenticated): Promise<Answer> {
  const { id, name } = await membership(context);
  const wish = readWish(context);
  const elsewhere = id !== context.session.workspaceId;
  if (elsewhere) wholeToken(context);
  if (elsewhere && wish.scopes === null) await stepUp(context, `mint a full token for the workspace ${echo(name)}`, id);
  return mint(context, id, wish);
}

async function members(context: Authenticated): Promise<Answer> {
  allowParameters(context.parameters, []);
  const { id } = await membership(context);
  const view = createWholeView(member, (row) => (prefixOf(row[0] as string) === "inv" ? "invite" : "user"));
  return listAnswer(view, { rows: await listMembers(context.services.db.pool, id), nextCursor: null });
}

async function inviteSomebody(context: Authenticated): Promise<Answer> {
  allowParameters(context.parameters, ["code"]);
  const { services, session, body, reading } = context;
  const { id: workspaceId, name } = await authority(context);
  const email = typeof body.values.email === "string" ? (emailKind.fromText(body.values.email) as string) : "";
  if (!isEmail(email))
    throw new Problem(
      "invalid_email",
      `${echo(String(body.values.email))} is not an e-mail address`,
      '{"email":"bob@acme.com","role":"member"}',
    );
  const role = readRole(body.values.role ?? "member");
  if (role === "admin") await stepUp(context, `invite ${email} as admin`, workspaceId);
  const id = await invite(
    services.db.pool,
    { id: services.ids("inv"), workspaceId, email, role, invitedBy: session.email },
    reading.now,
  );
  await services.mail?.({
    to: email,
    subject: `${session.email} invites you to ${name}`,
    text: `${session.email} invites you to the workspace ${name} as ${role}.\n\nSign in with this address and you are in: ${services.baseUrl}/help\n`,
  });
  const told = services.mail
    ? "a mail tells them how to sign in"
    : "in local mode no mail is sent: tell them to sign in with that address";
  return {
    is: "message",
    status: 201,
    message: `invited ${email} as ${role}; ${told}`,
    values: { invite: `invite/${shortId(id)}`, email, role },
  };
}

async function withdraw(context: Authenticated): Promise<Answer> {
  allowParameters(context.parameters, []);
  const { id } = await authority(context);
  const reference = readId(context.path.invite!);
  const email = reference?.prefix === "inv" ? await withdrawInvite(context.services.db.pool, id, reference.key) : undefined;
  if (email === undefined)
    throw new Problem(
      "not_found",
      `there is no invite ${echo(context.path.invite!)} here`,
      `GET /workspaces/${shortId(id)}/members lists them`,
    );
  return { is: "message", message: `withdrew the invite of ${email}` };
}

async function setRole(context: Authenticated): Promise<Answer> {
  allowParameters(context.parameters, ["code"]);
  const { services, body } = context;
  const { id } = await authority(context);
  const { userId, email, role: before } = await findUser(context, id);
  const role = readRole(body.values.role);
  if (role === "admin" && before !== "admin") await stepUp(context, `make ${email} admin`, `${id} ${userId}`);
  await changeRole(services.db.pool, id, userId, role);
  services.forget(userId);
  return { is: "message", message: `${email} is ${role} now`, values: { user: `user/${shortId(userId)}`, email, role } };
}

async function removeSomebody(context: Authenticated): Promise<Answer> {
  allowParameters(context.parameters, ["confirm"]);
  const { services, session } = context;
  const workspaceOf = await membership(context);
  const { userId, email } = await findUser(context, workspaceOf.id);
  if (userId === session.userId) wholeToken(context);
  else await authority(context);
  const what = `end the membership of ${email} in ${echo(workspaceOf.name)}, and their tokens for it`;
  confirm(
    context,
    "remove member",
    [workspaceOf.id, userId],
    what,
    `/workspaces/${shortId(workspaceOf.id)}/members/${shortId(userId)}`,
  );
  await removeMember(services.db.pool, workspaceOf.id, userId);
  services.forget(userId);
  return { is: "message", message: `${email} is no member any more`, values: { removed: `user/${shortId(userId)}` } };
}

async function findUser({ services, path }: Authenticated, workspaceId: string): Promise<Member> {
  const reference = readId(path.user!);
  const found = reference?.prefix === "u" ? await findMember(services.db.pool, workspaceId, reference.key) : undefined;
  if (found) return found;
  throw new Problem(
    "not_found",
    `there is no member ${echo(path.user!)} here`,
    `GET /workspaces/${shortId(workspaceId)}/members lists them`,
  );
}

function readRole(role: unknown): Role {
  if ((ROLES as readonly unknown[]).includes(role)) return role as Role;
  throw new Problem("invalid_value", `role cannot be ${echo(String(role))}`, `role is one of ${ROLES.join(", ")}`);
}

type Membership = { id: string; name: string; role: Role };

/** The workspace of the path, if the caller is in it. To all others it is not there. */
async function membership({ services, session, path }: Authenticated): Promise<Membership> {
  const reference = readId(path.id!);
  const found = reference?.prefix === "ws" ? await findMembership(services.db.pool, session.userId, reference.key) : undefined;
  if (found) return found;
  throw new Problem("not_found", `you belong to no workspace ${echo(path.id!)}`, "GET /workspaces lists yours");
}

/** The same, if the caller may manage it: an admin there, with a token that goes that far. */
async function authority(context: Authenticated): Promise<Membership> {
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
function wholeToken({ session }: Authenticated): void {
  if (session.scopes === null) return;
  throw new Problem(
    "scope_required",
    "a token with scopes acts in its own workspace only",
    "use a token without scopes: sign in",
  );
}
