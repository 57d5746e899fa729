import { take } from "../../db/people/tallies.ts";
import { openWorkspace } from "../../db/people/unclaimed.ts";
import { listWorkspaces } from "../../db/people/workspaces.ts";
import { createWholeView } from "../../derive/view.ts";
import { required, text } from "../../fields/vocabulary.ts";
import type { Answer } from "../../http/reply.ts";
import { shortId } from "../../kit/id.ts";
import { isNobodys, nobodysAddress } from "../../kit/nobody.ts";
import { Problem } from "../../kit/problem.ts";
import { type Authenticated, type Context, type Route, seenBaseUrl } from "../../service/route.ts";
import { authRequired } from "../../service/session.ts";
import { SETTING_NAMES, workspace } from "../../views/workspace.ts";
import { ALLOWED } from "./allowances.ts";
import { wholeToken } from "./authority.ts";
import { giveTo, UNCLAIMED_MS } from "./claiming.ts";
import { CLAIM_FORM, CLAIM_PAGE, proceed, showPage } from "./claimPage.ts";
import { newToken } from "./tokens.ts";

export const claimRoutes: Route[] = [
  {
    method: "GET",
    path: "/claim/{claim}",
    about: "the page where a person claims a workspace that was made without an account",
    ...CLAIM_PAGE,
    handle: showPage,
  },
  {
    method: "POST",
    path: "/claim/{claim}/form",
    about: "the forms of that page",
    ...CLAIM_PAGE,
    body: CLAIM_FORM,
    handle: proceed,
  },
  {
    method: "POST",
    path: "/claim/{claim}",
    about: "become the admin of a workspace that was made without an account",
    needs: "member",
    answers: { is: "message", values: { workspace: required(text({ about: "its handle" })) } },
    refuses: ["plan_limit_reached"],
    handle: claim,
  },
];

/** Makes a workspace for a caller without a token, and the token that acts in it. */
export async function openToStranger(context: Context): Promise<Answer> {
  const { services, address, reading, body } = context;
  const { ids, db, config, mail, log } = services;
  const { now } = reading;
  if (!config.openWorkspaces) throw authRequired();
  for (const allowed of [ALLOWED.unclaimedFrom(address, mail !== undefined), ALLOWED.unclaimedInAll(mail !== undefined)])
    if (!(await take(db.pool, allowed, now)))
      throw new Problem("rate_limited", "many workspaces were made without an account lately", "sign in: POST /auth/request", {
        headers: { "Retry-After": String(allowed.ms / 1000) },
      });
  const { name, timezone, token_name } = body.values as Record<string, string | null | undefined>;
  const made = { id: ids("ws"), name: name ?? "unclaimed workspace", timezone: timezone ?? "UTC" };
  const userId = ids("u");
  const nobody = { userId, email: nobodysAddress(userId), endsAt: now + UNCLAIMED_MS };
  const { secret, ...token } = newToken(services, token_name ?? "default");
  await openWorkspace(db.pool, made, nobody, token, now);
  log.info("workspace_opened", { workspace_id: made.id });
  const [row] = await listWorkspaces(db.pool, userId, made.id, SETTING_NAMES);
  const view = createWholeView(workspace);
  const own = { token: secret, claim: claimAddress(context, made.id, nobody.endsAt) };
  return {
    is: "record",
    view,
    row: workspace.fields.map(({ name }, i) => (own as Record<string, unknown>)[name] ?? row![i]),
    outcome: "created",
    status: 201,
    lines: [
      "keep the token, it is shown once; send it with every request: Authorization: Bearer <token>",
      "give claim to a person: who opens it and signs in keeps the workspace; else all of it ends at expires_at",
    ],
  };
}

/** The address at which a person claims a workspace. It is the same until the workspace ends, and holds the proof that it was given. */
export function claimAddress(context: Pick<Context, "services" | "headers">, workspaceId: string, endsAt: number): string {
  const proof = context.services.seal.issue("claim", [workspaceId], endsAt);
  return `${seenBaseUrl(context)}/claim/${workspaceId.slice("ws_".length)}.${proof}`;
}

async function claim(context: Authenticated): Promise<Answer> {
  wholeToken(context);
  const { session } = context;
  if (isNobodys(session.email))
    throw new Problem("scope_required", "a person claims a workspace, and this key is nobody's", [
      "give the address to the user, who opens it, or signs in: POST /auth/request",
    ]);
  const handle = `workspace/${shortId(await giveTo(context, session.userId, session.plan))}`;
  return {
    is: "message",
    message: `${handle} is yours; its old key only reads, for 7 more days`,
    values: { workspace: handle },
    hints: [`POST /workspaces/${handle.split("/")[1]}/tokens {"name":"<who uses it>"} gives a token for it`],
  };
}
