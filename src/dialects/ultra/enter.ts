import { readId } from "../../kit/id.ts";
import { echo } from "../../kit/line.ts";
import { Problem } from "../../kit/problem.ts";
import type { Call } from "../dialect.ts";
import { Misfit } from "./fits.ts";

const FIND = 'POST /crm/agent/tools/crm_resolve_workspace {"input":{"query":"…"}} finds it by name, slug or owner';

/** A token acts in one workspace: the id of any other one is refused as that of none. */
export async function enter(call: Call, organizationId: string | undefined): Promise<void> {
  if (organizationId === undefined) throw new Misfit("organizationId", "missing_field", "organizationId is missing", FIND);
  const { workspaceId } = call.session!;
  const id = readId(organizationId, { name: "workspace", prefix: "ws" });
  if (id?.prefix !== "ws" || !workspaceId.endsWith(id.key))
    throw new Misfit(
      "organizationId",
      "not_found",
      `there is no organization ${echo(organizationId, 80)} for this token`,
      FIND,
    );
  if (!(await isOn(call)))
    throw new Problem("scope_required", "the CRM agent tools are switched off in this workspace", [
      `an admin switches them on: PATCH /workspaces/${workspaceId} {"crm_agent":true}`,
    ]);
}

export async function isOn(call: Call): Promise<boolean> {
  const { json } = await call.ask("GET", `/workspaces/${call.session!.workspaceId}`);
  return json.crm_agent !== false;
}
