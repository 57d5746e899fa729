import { single } from "../../derive/query.ts";
import type { Json } from "../../openapi/names.ts";
import type { Call, Said, Values } from "../dialect.ts";
import { kindOf, tableOf } from "../engine.ts";
import { readable } from "../verbs.ts";
import { AUTHORING_RULES } from "./authoring.ts";
import { enter, isOn } from "./enter.ts";
import { MOST_REASON, MOST_REQUEST_ID } from "./request.ts";
import { type Known, type Tool, writes } from "./tool.ts";
import { inputOf, outputOf, TOOLS, toolNamed } from "./tools.ts";

const SCHEMA = "https://json-schema.org/draft/2020-12/schema";

/** What there is: every tool with its schemas, and an example that runs in the caller's workspace. */
export async function capabilities(call: Call): Promise<Said> {
  const asked = single(call.parameters, "organizationId");
  if (asked !== undefined) await enter(call, asked);
  const told = chosen(single(call.parameters, "tools"));
  const known = await knownOf(call);
  const { workspaceId, workspaceName } = call.session!;
  const row = {
    version: "1",
    organization: { organizationId: workspaceId, name: workspaceName, crmEnabled: await isOn(call) },
    execute: {
      method: "POST",
      path: "/crm/agent/tools/{toolName}",
      body: {
        organizationId: "needed by every tool but crm_resolve_workspace",
        input: "what the tool takes: its inputSchema",
        reason: `why, for the history; at most ${MOST_REASON} characters`,
        requestId: `at most ${MOST_REQUEST_ID} characters: the same tool, requestId and input are done once within a day`,
        dryRun: "true answers what would be and changes nothing; in the input or beside it",
        confirm: "true does what requiresConfirm tells of; in the input or beside it",
      },
    },
    rules: RULES,
    scriptAuthoringRules: AUTHORING_RULES,
    families: [...new Set(TOOLS.map(({ family }) => family))].map((family) => ({
      name: family,
      tools: TOOLS.filter((tool) => tool.family === family).map(({ name }) => name),
    })),
    tools: told.map((tool) => toldTool(tool, call, known)),
  };
  return { is: "one", row, meta: { organizationId: workspaceId, tools: told.length } };
}

/** `list_campaigns,get_campaign`: all of them, unless some are named. */
const chosen = (names: string | undefined): readonly Tool[] =>
  names === undefined ? TOOLS : [...new Set(names.split(",").map((name) => toolNamed(name.trim())))];

function toldTool(tool: Tool, call: Call, known: Known): Values {
  const { name, family, about, risk } = tool;
  const input = tool.example(known);
  const organizationId = call.session!.workspaceId;
  return {
    name,
    family,
    description: about,
    riskLevel: risk,
    readOnly: !writes(tool),
    scoped: tool.unscoped !== true,
    supportsDryRun: writes(tool),
    requiresConfirm: tool.confirms === true,
    inputSchema: whole(inputOf(tool, call)),
    outputSchema: whole(outputOf(tool, call)),
    examples: [
      {
        ...(tool.unscoped ? {} : { organizationId }),
        input,
        ...(writes(tool) ? { reason: "asked for by the user", requestId: `example-${name}` } : {}),
      },
    ],
  };
}

const whole = (schema: Json): Json => ({ $schema: SCHEMA, ...schema });

/** The newest record of each table, so that an example is one that runs. */
async function knownOf(call: Call): Promise<Known> {
  const found = new Map<string, string>();
  for (const { name } of call.dialect.tables) {
    const { plural, prefix } = kindOf(call, tableOf(call, name));
    const ids = await newest(call, plural);
    found.set(name, ids[0] ?? `${prefix}_t4v6w8y0`);
    found.set(`${name} 2`, ids[1] ?? `${prefix}_5h2k8m3q`);
  }
  found.set("workspace", call.session!.workspaceName);
  const known = (name: string): string => found.get(name)!;
  return Object.assign(known, { answers: await answersTo(call, known("qualificationTemplate")) });
}

/** Answers that a form takes, to what it must have. */
async function answersTo(call: Call, form: string): Promise<Values> {
  const { plural } = kindOf(call, tableOf(call, "qualificationTemplate"));
  const schema = await readable(async () => (await call.ask("GET", `/${plural}/${form}/schema`)).json);
  const { properties = {}, required = [] } = (schema ?? {}) as { properties?: Record<string, Json>; required?: string[] };
  return Object.fromEntries(required.map((name) => [name, sampleOf(properties[name] ?? {})]));
}

/** A value that fits a simple schema. */
function sampleOf({ type, enum: choices, items, minimum = 1, format }: Json): unknown {
  if (Array.isArray(choices)) return choices[0];
  if (type === "array") return [sampleOf(items as Json)];
  if (type === "boolean") return true;
  if (type === "number" || type === "integer") return minimum;
  return format === "date" ? "2026-06-01" : "yes";
}

async function newest(call: Call, plural: string): Promise<string[]> {
  const reply = await readable(() => call.ask("GET", `/${plural}?limit=2&fields=id`));
  return ((reply?.json.items ?? []) as Values[]).map(({ id }) => String(id));
}

const RULES: readonly string[] = [
  "Start with crm_resolve_workspace; every other tool takes its organizationId.",
  "Compare campaigns by find_contacts_in_multiple_campaigns, get_campaign_contact_overlap and bulk_get_campaign_contact_counts, not by paging through list_outbound_contacts.",
  "Send bulk tools with dryRun first. Assigning, removing and deleting need confirm: true when dryRun is not true: ask the user before.",
  "Everything that is written can be taken back: POST /undo with the traceId of the answer's meta as request.",
];
