import { shortId } from "../../kit/id.ts";
import { Problem } from "../../kit/problem.ts";
import type { Call, Said, Values } from "../dialect.ts";
import { agreed } from "../verbs.ts";
import { entered } from "./workspaces.ts";

const once = ({ parameters }: Call, name: string) => parameters.find(([each]) => each === name)?.[1] || undefined;

const workspaceOf = (call: Call): string =>
  once(call, "ws") ?? (call.body.workspace_id as string | undefined) ?? call.session!.workspaceId;

const at = (workspace: string, path: string) => `/workspaces/${encodeURIComponent(workspace)}/${path}`;

/** Our admin is their owner. */
const roleThere = (role: unknown) => (role === "admin" ? "owner" : role);
const roleHere = (role: unknown) => (role === "owner" ? "admin" : (role ?? "member"));

export async function members(call: Call): Promise<Said> {
  const { json } = await call.ask("GET", at(workspaceOf(call), "members"));
  const rows = (json.items as Values[]).map(({ id, email, role, status, created_at }) => ({
    user_id: id,
    email,
    role: roleThere(role),
    status,
    created_at,
  }));
  return { is: "many", rows };
}

export async function removeMember(call: Call): Promise<Said> {
  const user = once(call, "user_id");
  if (user === undefined)
    throw new Problem(
      "missing_field",
      "user_id is missing",
      "DELETE /v1/members?ws=ws_…&user_id=u_…; GET /v1/members lists them",
    );
  const { json } = await agreed(call, "DELETE", at(workspaceOf(call), `members/${encodeURIComponent(user)}`), []);
  return { is: "one", row: { user_id: user, removed: true, message: json.message } };
}

/** The token names workspace and invite. It opens nothing by itself: whoever accepts has signed in with the invited address. */
export async function invite(call: Call): Promise<Said> {
  const { body, baseUrl } = call;
  const workspace = workspaceOf(call);
  const sent = { email: body.email, role: roleHere(body.role) };
  const { json } = await agreed(call, "POST", at(workspace, "invites"), [], sent);
  const token = `${shortId(workspace)}.${String(json.invite).replace("invite/", "")}`;
  const row = {
    workspace_id: workspace,
    email: json.email,
    role: roleThere(json.role),
    token,
    accept_url: `${baseUrl}/v1/members/accept/${token}`,
  };
  return { is: "one", status: 201, row, meta: { hint: json.message } };
}

/** The membership began when the invited person signed in; this gives them a key for the workspace. */
export async function accept(call: Call): Promise<Said> {
  const [workspace = ""] = call.path.token!.split(".");
  try {
    return { is: "one", status: 201, row: await entered(call, workspace) };
  } catch (error) {
    if (!(error instanceof Problem) || error.code !== "not_found") throw error;
    const hint =
      "an invite is taken by signing in: POST /auth/request and /auth/verify with the invited address, then this again";
    throw new Problem("not_found", error.message, hint, { cause: error });
  }
}
