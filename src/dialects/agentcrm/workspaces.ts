import { Problem } from "../../kit/problem.ts";
import type { Call, Said, Values } from "../dialect.ts";
import { agreed } from "../verbs.ts";
import { idThere, keyThere } from "./ids.ts";

/** Without a token: a workspace for seven days and its key. With one: a workspace of the caller's own. */
export async function openWorkspace(call: Call): Promise<Said> {
  const { session, body } = call;
  const name = body.name === undefined ? {} : { name: body.name };
  if (session === undefined) {
    const { json } = await call.ask("POST", "/workspaces", name);
    const claim = { claim_url: json.claim, ttl_expires_at: json.expires_at };
    const row = { workspace_id: json.id, name: json.name, api_key: keyThere(json.token, false), ...claim };
    return { is: "one", status: 201, row, meta: { workspace_id: json.id, ...claim } };
  }
  const { json } = await call.ask("POST", "/workspaces", { name: "workspace", ...name });
  const row = { workspace_id: json.id, name: json.name };
  try {
    return { is: "one", status: 201, row: { ...row, ...(await keyFor(call, String(json.id))) } };
  } catch (error) {
    if (!(error instanceof Problem) || error.code !== "escalation_required") throw error;
    return {
      is: "one",
      status: 201,
      row: { ...row, api_key: null },
      meta: { hint: [error.message, ...error.hints].join("\n") },
    };
  }
}

/** A new key for a workspace of the caller. */
export async function keyFor(call: Call, workspace: string): Promise<Values> {
  const target = `/workspaces/${encodeURIComponent(workspace)}/tokens`;
  const { json } = await agreed(call, "POST", target, [], { name: "agentCRM" });
  return { api_key: keyThere(json.token, true), key_id: keyId(json.id) };
}

const keyId = (told: unknown): string => idThere("key", String(told).replace("token/", ""));

/** The whole id of a workspace of the caller, of whose id we were told the end. */
async function wholeId(call: Call, told: unknown): Promise<string> {
  const short = String(told).replace("workspace/", "");
  const { json } = await call.ask("GET", "/workspaces");
  const ids = (json.items as Values[]).map(({ id }) => String(id));
  return ids.find((id) => id.endsWith(short.replace(/^ws_/, ""))) ?? short;
}

/** A key for the workspace that the caller came into. */
export async function entered(call: Call, told: unknown, more: Values = {}): Promise<Values> {
  const workspace = await wholeId(call, told);
  return { workspace_id: workspace, ...more, ...(await keyFor(call, workspace)) };
}

/** The path holds what claim_url ends with: it is the proof that the address was handed on. */
export async function claim(call: Call): Promise<Said> {
  const { json } = await call.ask("POST", `/claim/${encodeURIComponent(call.path.claim!)}`);
  return { is: "one", row: await entered(call, json.workspace, { claimed: true }) };
}

/** The key of this request is replaced, where it is the one of the workspace that is meant. */
export async function rotate(call: Call): Promise<Said> {
  const { session, parameters } = call;
  const asked = parameters.find(([name]) => name === "ws")?.[1];
  const own = session!.workspaceId;
  const isOwn = asked === undefined || (asked.length > 8 && own.endsWith(asked.replace(/^ws_/, "")));
  if (!isOwn) return { is: "one", status: 201, row: { workspace_id: asked, ...(await keyFor(call, asked)), revoked: null } };
  const { json } = await agreed(call, "POST", `/tokens/${session!.tokenId}/rotate`, []);
  const row = {
    workspace_id: own,
    api_key: keyThere(json.token, session!.unclaimedUntil === null),
    key_id: keyId(json.id),
    revoked: idThere("key", session!.tokenId),
  };
  return { is: "one", status: 201, row };
}

/** As long as nobody has claimed a workspace, each answer says where that is done. */
export async function facts(call: Call): Promise<Values> {
  if (!call.session || call.session.unclaimedUntil === null) return {};
  const { claim, expires_at } = (await call.ask("GET", "/whoami")).json;
  return { claim_url: claim ?? null, ttl_expires_at: expires_at ?? null };
}
