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
  type Membership,
  removeMember,
  withdrawInvite,
} from "../db/workspaces.ts";
import { valuesOf } from "../derive/operation.ts";
import { CONFIRM, STEP_UP, WHY } from "../derive/parameters.ts";
import { createWholeView } from "../derive/render.ts";
import type { Answer } from "../http/reply.ts";
import { prefixOf, readId, shortId } from "../kit/id.ts";
import { echo } from "../kit/line.ts";
import { Problem } from "../kit/problem.ts";
import { covers, ROLES, type Role } from "../kit/scope.ts";
import { counted } from "../kit/words.ts";
import { choice, required, text } from "../records/fields.ts";
import { member, workspace } from "../records/workspace.ts";
import { stepUp } from "./codes.ts";
import { confirm } from "./confirm.ts";
import { listAnswer } from "./lists.ts";
import type { Authenticated, Route } from "./route.ts";
import { MINTED, mint, readWish, WISH } from "./tokens.ts";

export const workspaceRoutes: Route[] = [
  {
    method: "GET",
    path: "/workspaces",
    about: "the workspaces you belong to",
    needs: "member",
    answers: { is: "list", of: [workspace] },
    handle: list,
  },
  {
    method: "POST",
    path: "/workspaces",
    about: "make one",
    needs: "member",
    body: {
      is: "values",
      values: valuesOf(workspace, "name", "timezone"),
      example: { name: "Acme sales", timezone: "Europe/Berlin" },
    },
    answers: { is: "record", of: workspace, statuses: [201] },
    handle: create,
  },
  {
    method: "GET",
    path: "/workspaces/{id}",
    about: "one workspace",
    needs: "member",
    answers: { is: "record", of: workspace },
    handle: get,
  },
  {
    method: "PATCH",
    path: "/workspaces/{id}",
    about: "change it (admin)",
    needs: "member",
    body: {
      is: "values",
      values: valuesOf(workspace, "name", "timezone"),
      partial: true,
      example: { timezone: "Europe/Berlin" },
    },
    answers: { is: "record", of: workspace },
    refuses: ["admin_required"],
    handle: change,
  },
  {
    method: "DELETE",
    path: "/workspaces/{id}",
    about: "delete it with all its data (admin, mailed code)",
    needs: "member",
    parameters: { ...STEP_UP, ...WHY },
    answers: { is: "message", values: { deleted: required(text({ about: "its handle" })) } },
    refuses: ["admin_required", "escalation_required"],
    handle: remove,
  },
  {
    method: "POST",
    path: "/workspaces/{id}/tokens",
    about: "a token for another of your workspaces",
    needs: "member",
    parameters: STEP_UP,
    body: WISH,
    answers: MINTED,
    refuses: ["escalation_required"],
    handle: mintFor,
  },
  {
    method: "GET",
    path: "/workspaces/{id}/members",
    about: "members and open invites",
    needs: "member",
    answers: { is: "list", of: [member] },
    handle: members,
  },
  {
    method: "POST",
    path: "/workspaces/{id}/invites",
    about: "invite by mail (admin)",
    needs: "member",
    parameters: STEP_UP,
    body: { is: "values", values: valuesOf(member, "email", "role"), example: { email: "bob@acme.com", role: "member" } },
    answers: {
      is: "message",
      statuses: [201],
      values: { invite: required(text({ about: "the handle of the invite" })), ...valuesOf(member, "email", "role") },
    },
    refuses: ["admin_required", "escalation_required", "already_exists"],
    handle: inviteSomebody,
  },
  {
    method: "DELETE",
    path: "/workspaces/{id}/invites/{invite}",
    about: "withdraw an invite (admin)",
    needs: "member",
    answers: { is: "message", values: {} },
    refuses: ["admin_required"],
    handle: withdraw,
  },
  {
    method: "POST",
    path: "/workspaces/{id}/members/{user}/role",
    about: "change a role (admin)",
    needs: "member",
    parameters: STEP_UP,
    body: {
      is: "values",
      values: { role: required(choice(ROLES, { about: "what they shall be" })) },
      example: { role: "viewer" },
    },
    answers: {
      is: "message",
      values: { user: required(text({ about: "the handle of the member" })), ...valuesOf(member, "email", "role") },
    },
    refuses: ["admin_required", "escalation_required", "last_admin"],
    handle: setRole,
  },
  {
    method: "DELETE",
    path: "/workspaces/{id}/members/{user}",
    about: "remove a member (admin), or leave",
    needs: "member",
    parameters: CONFIRM,
    answers: { is: "message", values: { removed: required(text({ about: "the handle of the member" })) } },
    refuses: ["admin_required", "confirmation_required", "last_admin"],
    handle: removeSomebody,
  },
];

async function list(context: Authenticated): Promise<Answer> {
  const rows = await listWorkspaces(context.services.db.pool, context.session.userId, context.session.workspaceId);
  return listAnswer(createWholeView(workspace), { rows, nextCursor: null });
}

async function get(context: Authenticated): Promise<Answer> {
  const { id } = await membership(context);
  return show(context, id);
}

async function show({ services, session }: Authenticated, id: string, outcome?: string): Promise<Answer> {
  const rows = await listWorkspaces(services.db.pool, session.userId, session.workspaceId);
  const row = rows.find((each) => each[0] === id)!;
  return { is: "record", view: createWholeView(workspace), row, ...(outcome ? { outcome } : {}) };
}

async function create(context: Authenticated): Promise<Answer> {
  wholeToken(context);
  const { name, timezone } = context.body.values as { name: string; timezone?: string | null };
  const id = context.services.ids("ws");
  await createWorkspace(
    context.services.db.pool,
    context.session.userId,
    { id, name, timezone: timezone ?? "UTC" },
    context.reading.now,
    context.services.plans.of(context.session.plan).caps.workspaces,
  );
  return { ...(await show(context, id, "created")), status: 201 };
}

async function change(context: Authenticated): Promise<Answer> {
  const { id } = await authority(context);
  const { name = null, timezone = null } = context.body.values as { name?: string; timezone?: string | null };
  await changeWorkspace(context.services.db.pool, id, { name, timezone });
  context.services.forget(id);
  return show(context, id, "updated");
}

/** The mailed code is the second step here: nothing brings a workspace back. */
async function remove(context: Authenticated): Promise<Answer> {
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
  const { id } = await membership(context);
  const view = createWholeView(member, (row) => (prefixOf(row[0] as string) === "inv" ? "invite" : "user"));
  return listAnswer(view, { rows: await listMembers(context.services.db.pool, id), nextCursor: null });
}

async function inviteSomebody(context: Authenticated): Promise<Answer> {
  const { services, session, body, reading } = context;
  const { id: workspaceId, name, plan } = await authority(context);
  const { email, role } = body.values as { email: string; role: Role };
  if (role === "admin") await stepUp(context, `invite ${email} as admin`, workspaceId);
  const id = await invite(
    services.db.pool,
    { id: services.ids("inv"), workspaceId, email, role, invitedBy: session.email },
    reading.now,
    services.plans.of(plan).caps.members,
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
  const { services, body } = context;
  const { id } = await authority(context);
  const { userId, email, role: before } = await findUser(context, id);
  const { role } = body.values as { role: Role };
  if (role === "admin" && before !== "admin") await stepUp(context, `make ${email} admin`, `${id} ${userId}`);
  await changeRole(services.db.pool, id, userId, role);
  services.forget(userId);
  return { is: "message", message: `${email} is ${role} now`, values: { user: `user/${shortId(userId)}`, email, role } };
}

async function removeSomebody(context: Authenticated): Promise<Answer> {
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
