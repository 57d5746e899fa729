import { Problem } from "../../kit/problem.ts";
import type { Reply, Values } from "../dialect.ts";
import { toOurs } from "../vocabulary.ts";
import { Misfit } from "./fits.ts";
import { at, shown } from "./query.ts";
import { creating, getting, holding, listing, type Of, told, updating, without } from "./records.ts";
import { answer, id, object, text, written } from "./schemas.ts";
import type { Tool, Work } from "./tool.ts";

/** What came of calls: executions of scripts, and qualifications. */

const EXECUTION: Of = {
  family: "Script Executions",
  table: "execution",
  one: "execution",
  many: "executions",
  key: "executionId",
};

const getExecution: Tool = {
  ...getting(EXECUTION, {
    name: "get_script_execution",
    about:
      "One execution of a script: the path that was taken, the answers, and the next step. Without its id the newest with that contact.",
    example: (known) => ({ executionId: known("execution") }),
  }),
  input: () =>
    object(
      {
        executionId: id("execution"),
        contactId: id("contact"),
        campaignContactId: id("campaign contact"),
        scriptTemplateId: id("script template"),
      },
      [],
      { minProperties: 1 },
    ),
  async run(work) {
    const { input, words, get } = work;
    const of = words(EXECUTION.table);
    if (input.executionId !== undefined)
      return { data: { execution: shown(of, (await get(at(of.kind.plural, input.executionId))).json) } };
    const found = await newest(work, input, []);
    if (found) return { data: { execution: shown(of, found) } };
    throw new Misfit("input", "not_found", "no script was executed so yet", "upsert_script_execution begins one");
  },
};

/** The newest execution with these links. */
async function newest({ words, get }: Work, links: Values, more: [string, string][]): Promise<Values | undefined> {
  const of = words(EXECUTION.table);
  const filters = Object.entries(toOurs(of, links)).map(([name, value]): [string, string] => [name, String(value)]);
  const { json } = await get(`/${of.kind.plural}`, [...filters, ...more, ["sort", "-created_at"], ["limit", "1"]]);
  return (json.items as Values[])[0];
}

/** What an execution is of; it does not change. */
const LINKS = ["scriptTemplateId", "contactId", "campaignContactId", "campaignId"];

const upsertExecution: Tool = {
  name: "upsert_script_execution",
  family: EXECUTION.family,
  table: EXECUTION.table,
  about:
    "Records answers along a script, step by step: goes on with the execution that is named or open with that contact, or begins one. The answer tells the next step. answers holds them by step id; null takes one back.",
  risk: "medium",
  input: (words) => {
    const fields = written(words(EXECUTION.table));
    return object({ executionId: id("execution"), ...fields }, [], { minProperties: 1 });
  },
  output: (words) => holding("execution", words(EXECUTION.table)),
  example: (known) => ({
    contactId: known("contact"),
    scriptTemplateId: known("scriptTemplate"),
    outcome: "asked for an offer",
    dryRun: true,
  }),
  async run(work) {
    const { input, words, write } = work;
    const of = words(EXECUTION.table);
    const values = without(input, "executionId");
    const begin = () => write("POST", `/${of.kind.plural}`, { body: toOurs(of, values) });
    const goOn = (which: unknown) => write("PATCH", at(of.kind.plural, which), { body: toOurs(of, without(values, ...LINKS)) });
    if (input.executionId !== undefined) return told("execution", of, await goOn(input.executionId));
    const links = Object.fromEntries(
      LINKS.filter((name) => typeof input[name] === "string").map((name) => [name, input[name]]),
    );
    const open = Object.keys(links).length > 0 ? await newest(work, links, [["status", "open"]]) : undefined;
    const reply = open ? await once(() => goOn(open.id), begin) : await once(begin, () => again(work, links));
    return told("execution", of, reply);
  },
};

/** Under a request id that is known already the other way was gone. */
async function once(write: () => Promise<Reply>, other: () => Promise<Reply>): Promise<Reply> {
  try {
    return await write();
  } catch (error) {
    if (error instanceof Problem && error.code === "idempotency_mismatch") return other();
    throw error;
  }
}

async function again(work: Work, links: Values): Promise<Reply> {
  const found = await newest(work, links, []);
  return { status: 200, headers: {}, json: found ?? {} };
}

const QUALIFICATION: Of = {
  family: "Qualifications",
  table: "qualification",
  one: "qualification",
  many: "qualifications",
  key: "qualificationId",
};

const schema: Tool = {
  name: "get_qualification_schema",
  family: QUALIFICATION.family,
  table: "qualificationTemplate",
  about:
    "The JSON Schema of the answers that a qualification template takes, by its id or by the campaign that it is attached to.",
  risk: "low",
  input: () =>
    object({ qualificationTemplateId: id("qualification template"), campaignId: id("campaign") }, [], {
      minProperties: 1,
      maxProperties: 1,
    }),
  output: () =>
    answer({
      qualificationTemplateId: text("its id"),
      schema: { type: "object", description: "JSON Schema 2020-12 of answers" },
    }),
  example: (known) => ({ qualificationTemplateId: known("qualificationTemplate") }),
  async run({ input, words, get }) {
    const { plural } = words("qualificationTemplate").kind;
    const which = input.qualificationTemplateId ?? (await attached(input.campaignId, words, get));
    const { json } = await get(at(plural, which, "schema"));
    return { data: { qualificationTemplateId: which, schema: json } };
  },
};

async function attached(campaignId: unknown, words: Work["words"], get: Work["get"]): Promise<unknown> {
  const of = words("campaign");
  const { qualificationTemplateId } = shown(of, (await get(at(of.kind.plural, campaignId))).json);
  if (typeof qualificationTemplateId === "string") return qualificationTemplateId;
  throw new Misfit(
    "input.campaignId",
    "not_found",
    "the campaign has no qualification template",
    "attach_campaign_templates attaches one",
  );
}

export const EXECUTIONS: readonly Tool[] = [getExecution, upsertExecution];

export const QUALIFICATIONS: readonly Tool[] = [
  schema,
  getting(QUALIFICATION, {
    name: "get_qualification",
    about: "One qualification: the answers about a contact, deal or campaign contact.",
    example: (known) => ({ qualificationId: known("qualification") }),
  }),
  creating(QUALIFICATION, {
    name: "create_qualification",
    about:
      "Keeps the answers to a qualification template about a contact, deal or campaign contact. get_qualification_schema tells what answers holds.",
    example: (known) => ({
      qualificationTemplateId: known("qualificationTemplate"),
      contactId: known("contact"),
      answers: known.answers,
      dryRun: true,
    }),
  }),
  updating(
    QUALIFICATION,
    {
      name: "update_qualification",
      about: "Changes the fields of a qualification that are sent; answers merge question by question, null takes one back.",
      example: (known) => ({ qualificationId: known("qualification"), outcome: "wants an offer" }),
    },
    ["form_id", "form"],
  ),
  listing(QUALIFICATION, {
    name: "list_qualifications",
    about: "Lists qualifications, newest change first.",
    example: (known) => ({ filter: { qualificationTemplateId: known("qualificationTemplate") }, limit: 20 }),
  }),
];
