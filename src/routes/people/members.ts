import {
  changeRole,
  findMember,
  invite,
  listMembers,
  type Member,
  removeMember,
  withdrawInvite,
} from "../../db/people/members.ts";
import { take } from "../../db/people/tallies.ts";
import { valuesOf } from "../../derive/operation.ts";
import { CONFIRM, STEP_UP } from "../../derive/parameters.ts";
import { createWholeView } from "../../derive/view.ts";
import { choice, required, text } from "../../fields/vocabulary.ts";
import type { Answer } from "../../http/reply.ts";
import { prefixOf, readId, shortId } from "../../kit/id.ts";
import { echo, oneLine } from "../../kit/line.ts";
import { isNobodys } from "../../kit/nobody.ts";
import { Problem } from "../../kit/problem.ts";
import { ROLES, type Role } from "../../kit/scope.ts";
import type { Authenticated, Route } from "../../service/route.ts";
import { member } from "../../views/workspace.ts";
import { confirm } from "../confirm.ts";
import { listAnswer } from "../lists.ts";
import { ALLOWED } from "./allowances.ts";
import { authority, membership, wholeToken } from "./authority.ts";
import { stepUp } from "./codes.ts";

export const memberRoutes: Route[] = [
  {
    method: "GET",
    path: "/workspaces/{id}/members",
    about: "list the members and open invites of a workspace",
    needs: "member",
    answers: { is: "list", of: [member] },
    handle: members,
  },
  {
    method: "POST",
    path: "/workspaces/{id}/invites",
    about: "invite somebody by mail (admin)",
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
    about: "change the role of a member (admin)",
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

async function members(context: Authenticated): Promise<Answer> {
  const { id } = await membership(context);
  const view = createWholeView(member, (row) => (prefixOf(row[0] as string) === "inv" ? "invite" : "user"));
  return listAnswer(view, { rows: await listMembers(context.services.db.pool, id), more: false });
}

async function inviteSomebody(context: Authenticated): Promise<Answer> {
  const { services, session, body, reading } = context;
  const { id: workspaceId, name, plan } = await authority(context);
  const { email, role } = body.values as { email: string; role: Role };
  if (isNobodys(session.email))
    throw new Problem("scope_required", "nobody has claimed this workspace, so nobody can be invited to it", [
      "give its claim address to the user: GET /whoami shows it",
    ]);
  if (role === "admin") await stepUp(context, `invite ${email} as admin`, workspaceId);
  if (services.mail && !(await take(services.db.pool, ALLOWED.invitesBy(session), reading.now))) throw tooManyInvites();
  const id = await invite(
    services.db.pool,
    { id: services.ids("inv"), workspaceId, email, role },
    session,
    reading.now,
    services.plans.of(plan).caps.members,
  );
  const delivery = await mailInvite(context, workspaceId, email, oneLine(name, 80), role);
  return {
    is: "message",
    status: 201,
    message: `invited ${email} as ${role}; ${delivery}`,
    values: { invite: `invite/${shortId(id)}`, email, role },
  };
}

function tooManyInvites(): Problem {
  return new Problem("rate_limited", "you have invited many already", "invite the others in an hour", {
    headers: { "Retry-After": "3600" },
  });
}

/**
 * Mails an invite and returns what happened to the mail. A mailbox over its limit gets none, but the invite is valid all the
 * same.
 */
async function mailInvite(context: Authenticated, workspaceId: string, to: string, name: string, role: Role): Promise<string> {
  const { services, session, reading } = context;
  const { mail, db, baseUrl } = services;
  if (!mail) return "in local mode no mail is sent: tell them to sign in with that address";
  if (!(await take(db.pool, ALLOWED.inviteMails(to, workspaceId), reading.now)))
    return "they were mailed in the last hour and are not mailed again: they sign in with that address";
  if (!(await take(db.pool, ALLOWED.inviteMailsTo(to), reading.now)))
    return "that mailbox has had many invites, so no mail is sent: tell them to sign in with that address";
  await mail({
    to,
    subject: `${session.email} invites you to ${name}`,
    text: `${session.email} invites you to the workspace ${name} as ${role}.\n\nSign in with this address and you are in: ${baseUrl}/help\n`,
  });
  return "a mail tells them how to sign in";
}

async function withdraw(context: Authenticated): Promise<Answer> {
  const { id } = await authority(context);
  const reference = readId(context.path.invite!, { name: "invite", prefix: "inv" });
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
  const { services, session, body } = context;
  const { id } = await authority(context);
  const { userId, email, role: before } = await findUser(context, id);
  const { role } = body.values as { role: Role };
  if (role === "admin" && before !== "admin") await stepUp(context, `make ${email} admin`, `${id} ${userId}`);
  if (!(await changeRole(services.db.pool, id, userId, role, session.userId))) throw noMember(context, id);
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
    `DELETE /workspaces/${shortId(workspaceOf.id)}/members/${shortId(userId)}`,
  );
  await removeMember(services.db.pool, workspaceOf.id, userId, session.userId);
  services.forget(userId);
  return { is: "message", message: `${email} is no member any more`, values: { removed: `user/${shortId(userId)}` } };
}

async function findUser(context: Authenticated, workspaceId: string): Promise<Member> {
  const reference = readId(context.path.user!, { name: "user", prefix: "u" });
  const { pool } = context.services.db;
  const found = reference?.prefix === "u" ? await findMember(pool, workspaceId, reference.key) : undefined;
  if (found) return found;
  throw noMember(context, workspaceId);
}

function noMember({ path }: Authenticated, workspaceId: string): Problem {
  return new Problem(
    "not_found",
    `there is no member ${echo(path.user!)} here`,
    `GET /workspaces/${shortId(workspaceId)}/members lists them`,
  );
}
