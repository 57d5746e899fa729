import { echo } from "../../kit/line.ts";
import { nearest } from "../../kit/nearest.ts";
import { Problem } from "../../kit/problem.ts";
import type { Json } from "../../openapi/names.ts";
import type { Catalog } from "../../records/catalog.ts";
import { derived } from "../../records/derived.ts";
import type { Call } from "../dialect.ts";
import { tableOf, vocabularyFor } from "../engine.ts";
import { agents, workloads } from "./agents.ts";
import { analyze } from "./analysis.ts";
import { EXECUTIONS, QUALIFICATIONS } from "./answers.ts";
import { CAMPAIGNS } from "./campaigns.ts";
import { CONTACTS } from "./contacts.ts";
import { flag } from "./schemas.ts";
import { FORMS, SCRIPTS } from "./templates.ts";
import { type Tool, type Words, writes } from "./tool.ts";
import { overview, resolve } from "./workspaces.ts";

/** All of them, in the order of ultra-api's document. */
export const TOOLS: readonly Tool[] = [
  resolve,
  overview,
  agents,
  workloads,
  CAMPAIGNS.list,
  CAMPAIGNS.get,
  CAMPAIGNS.create,
  CAMPAIGNS.update,
  CAMPAIGNS.attach,
  CONTACTS.add,
  CONTACTS.remove,
  CAMPAIGNS.several,
  CAMPAIGNS.compare,
  CAMPAIGNS.counts,
  analyze,
  CONTACTS.assign,
  CONTACTS.list,
  ...SCRIPTS,
  ...FORMS,
  ...EXECUTIONS,
  ...QUALIFICATIONS,
];

export function toolNamed(name: string): Tool {
  const tool = TOOLS.find((each) => each.name === name);
  if (tool) return tool;
  const near = nearest(
    name,
    TOOLS.map((each) => each.name),
  );
  throw new Problem("not_found", `there is no tool ${echo(name, 80)}`, [
    `${near.length > 0 ? `did you mean ${near.join(" or ")}? ` : ""}GET /crm/agent/capabilities lists them`,
  ]);
}

type Speaking = Pick<Call, "dialect" | "catalog">;

export const wordsOf = (call: Speaking): Words => {
  const asked = call as Call;
  return (name) => vocabularyFor(asked, tableOf(asked, name));
};

const inputs = derived((_: Catalog) => new Map<Tool, Json>());
const outputs = derived((_: Catalog) => new Map<Tool, Json>());

/** What a tool takes in this workspace. `dryRun` and `confirm` are taken beside it too. */
export const inputOf = (tool: Tool, call: Speaking): Json =>
  once(inputs(call.catalog), tool, () => steered(tool, tool.input(wordsOf(call))));

/** What it answers. */
export const outputOf = (tool: Tool, call: Speaking): Json =>
  once(outputs(call.catalog), tool, () => tool.output(wordsOf(call)));

function once(made: Map<Tool, Json>, tool: Tool, make: () => Json): Json {
  const schema = made.get(tool) ?? make();
  made.set(tool, schema);
  return schema;
}

function steered(tool: Tool, input: Json): Json {
  const properties = {
    ...(input["properties"] as Json),
    ...(writes(tool) ? { dryRun: flag("answers what would be, and changes nothing") } : {}),
    ...(tool.confirms ? { confirm: flag("needed to do it, when dryRun is not true") } : {}),
  };
  return { ...input, properties };
}
