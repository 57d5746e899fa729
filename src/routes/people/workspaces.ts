import { changeWorkspace, createWorkspace, deleteWorkspace, listWorkspaces } from "../../db/people/workspaces.ts";
import { countRecords } from "../../db/records/usage.ts";
import { valuesOf } from "../../derive/operation.ts";
import { STEP_UP, WHY } from "../../derive/parameters.ts";
import { createWholeView } from "../../derive/view.ts";
import { phrase, required, text } from "../../fields/vocabulary.ts";
import type { Answer } from "../../http/reply.ts";
import { shortId } from "../../kit/id.ts";
import { echo } from "../../kit/line.ts";
import { Problem } from "../../kit/problem.ts";
import { covers, coversRole } from "../../kit/scope.ts";
import { zone } from "../../kit/time.ts";
import { counted } from "../../kit/words.ts";
import type { Authenticated, Route } from "../../service/route.ts";
import { SETTING_NAMES, workspace } from "../../views/workspace.ts";
import { listAnswer } from "../lists.ts";
import { authority, membership, unknownWorkspace, wholeToken } from "./authority.ts";
import { openToStranger } from "./claim.ts";
import { stepUp } from "./codes.ts";
import { MINTED, mint, readWish, WISH } from "./tokens.ts";

const NAME = phrase({ about: "what it is called; with a token it is needed" }, 200);
const TOKEN_NAME = phrase({ about: "without a token: who uses the one that is made" }, 100);

export const workspaceRoutes: Route[] = [
  {
    method: "GET",
    path: "/workspaces",
    about: "list the workspaces you belong to",
    needs: "member",
    answers: { is: "list", of: [workspace] },
    handle: list,
  },
  {
    method: "POST",
    path: "/workspaces",
    about: "make a workspace; without a token one that lasts seven days, unless a person claims it",
    open: "or with a token",
    needs: "member",
    body: {
      is: "values",
      values: { ...valuesOf(workspace, "timezone"), name: NAME, token_name: TOKEN_NAME },
      example: { name: "Acme sales", timezone: "Europe/Berlin" },
    },
    answers: { is: "record", of: workspace, statuses: [201] },
    keyed: true,
    again: (context, id) => show(context, id, "unchanged"),
    handle: (context) => (context.session ? create({ ...context, session: context.session }) : openToStranger(context)),
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
    about: "change a workspace (admin)",
    needs: "member",
    body: {
      is: "values",
      values: valuesOf(workspace, "name", "timezone", ...SETTING_NAMES),
      partial: true,
      example: { timezone: "Europe/Berlin", currency: "EUR", tax_rate: 19, company_name: "Acme GmbH" },
    },
    answers: { is: "record", of: workspace },
    refuses: ["admin_required"],
    handle: change,
  },
  {
    method: "DELETE",
    path: "/workspaces/{id}",
    about: "delete a workspace with all its data (admin, mailed code)",
    needs: "member",
    parameters: { ...STEP_UP, ...WHY },
    answers: { is: "message", values: { deleted: required(text({ about: "its handle" })) } },
    refuses: ["admin_required", "escalation_required"],
    handle: remove,
  },
  {
    method: "POST",
    path: "/workspaces/{id}/tokens",
    about: "mint a token for another of your workspaces",
    needs: "member",
    parameters: STEP_UP,
    body: WISH,
    answers: MINTED,
    keyed: true,
    refuses: ["escalation_required"],
    handle: mintFor,
  },
];

async function list(context: Authenticated): Promise<Answer> {
  const rows = await seenWorkspaces(context);
  return listAnswer(createWholeView(workspace), { rows, more: false });
}

/** The workspaces that the token may see. A narrowed token sees only its own. */
async function seenWorkspaces({ db, session }: Authenticated): Promise<unknown[][]> {
  const { userId, workspaceId, scopes } = session;
  const rows = await listWorkspaces(db.pool, userId, workspaceId, SETTING_NAMES);
  return scopes === null ? rows : rows.filter(([id]) => id === workspaceId);
}

const seen = async (context: Authenticated, id: string) => (await seenWorkspaces(context)).find((each) => each[0] === id);

async function get(context: Authenticated): Promise<Answer> {
  const { id } = await membership(context);
  return show(context, id);
}

async function show(context: Authenticated, id: string, outcome?: string): Promise<Answer> {
  const row = await seen(context, id);
  if (!row) throw unknownWorkspace(`workspace/${shortId(id)}`); // it ended meanwhile
  return { is: "record", view: createWholeView(workspace), row, ...(outcome ? { outcome } : {}) };
}

async function create(context: Authenticated): Promise<Answer> {
  wholeToken(context);
  const { name, timezone } = context.body.values as { name?: string | null; timezone?: string | null };
  if (!name) throw new Problem("missing_field", "name is missing", `POST /workspaces {"name":"Acme sales"}`);
  const id = context.services.ids("ws");
  await createWorkspace(
    context.db.pool,
    context.session.userId,
    { id, name, timezone: timezone ?? "UTC" },
    context.reading.now,
    context.services.plans.of(context.session.plan).caps.workspaces,
  );
  return { ...(await show(context, id, "created")), status: 201 };
}

async function change(context: Authenticated): Promise<Answer> {
  const { id } = await authority(context);
  const {
    name = null,
    timezone = null,
    ...settings
  } = context.body.values as {
    name?: string;
    timezone?: string | null;
    [setting: string]: unknown;
  };
  const before = await seen(context, id);
  await changeWorkspace(context.services.db.pool, id, { name, timezone }, settings);
  context.services.forget(id);
  const answer = await show(context, id, "updated");
  const former = before?.[workspace.fields.findIndex((field) => field.name === "timezone")];
  const moved =
    timezone !== null && former !== timezone
      ? { lines: [`times stay the moments they are: midnight in ${former} is another hour in ${timezone}`] }
      : {};
  // The new zone applies to this answer too.
  const showing = timezone !== null && id === context.session.workspaceId ? { showing: { zone: zone(timezone) } } : {};
  return { ...answer, ...moved, ...showing };
}

/** Records of a kind, from which on a code holds for that many only. */
const MANY = 100;

/** Deletes a workspace. The mailed code replaces the confirm token as the second step, because a deletion cannot be undone. */
async function remove(context: Authenticated): Promise<Answer> {
  const { services } = context;
  const { id, name } = await authority(context);
  const { catalog } = await services.catalogs.now(id);
  const counts = await countRecords({ ...services.db, catalog }, id);
  const holds = counts.map(({ kind, rows }) => counted(rows, kind)).join(", ") || "no records";
  // A record more or less is no other workspace: people go on working while the mail is under way.
  const roughly = counts.filter(({ rows }) => rows >= MANY).map(({ kind, rows }) => `${kind.name}:${String(rows).length}`);
  await stepUp(context, `delete the workspace ${echo(name)}`, [id, ...roughly].join(" "), `it holds ${holds}`);
  await deleteWorkspace(services.db.pool, services.db.catalog, id, context.session.userId);
  services.forget(id);
  return {
    is: "message",
    message: `deleted workspace/${shortId(id)} ${echo(name)} with ${holds}`,
    values: { deleted: `workspace/${shortId(id)}` },
    hints: [
      "its tokens have ended, and all that were minted with them, also those for other workspaces: sign in for a new one",
    ],
  };
}

/**
 * Mints a token for another workspace. A token with all of its owner's rights equals a sign-in there, however its scopes are
 * named, so it requires a code. A token with `admin` requires one too, because a second token for records would complete it.
 */
async function mintFor(context: Authenticated): Promise<Answer> {
  const { db, session } = context;
  const { id, name, role } = await membership(context);
  const wish = readWish(context);
  const plurals = db.catalog.kinds.map(({ plural }) => plural);
  const needsCode = covers(wish.scopes, "admin") || coversRole(wish.scopes, role, plurals);
  if (id !== session.workspaceId && needsCode) await stepUp(context, `mint a full token for the workspace ${echo(name)}`, id);
  return mint(context, id, wish);
}
