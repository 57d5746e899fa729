import type { Parameters } from "../../derive/query.ts";
import { Problem } from "../../kit/problem.ts";
import type { Json } from "../../openapi/names.ts";
import type { Values } from "../dialect.ts";
import { toOurs } from "../vocabulary.ts";
import { warningsOf } from "./authoring.ts";
import { FORM_EXAMPLE, SCRIPT_EXAMPLE } from "./examples.ts";
import { Misfit } from "./fits.ts";
import { at, listQuery, pageOf, rowsOf, shown } from "./query.ts";
import { creating, getting, MESSAGE, type Of, updating, without } from "./records.ts";
import { answer, id, listOf, needed, object, page, paging, record, text, whole, written } from "./schemas.ts";
import type { Tool, Words } from "./tool.ts";

/** Templates: the scripts of calls, and the forms of what is asked in them. They are read one by one, and moved as JSON. */

const SCRIPT: Of = {
  family: "Script Templates",
  table: "scriptTemplate",
  one: "template",
  many: "templates",
  key: "scriptTemplateId",
};
const FORM: Of = {
  family: "Qualification Templates",
  table: "qualificationTemplate",
  one: "template",
  many: "templates",
  key: "qualificationTemplateId",
};

/** What a template is made of, which lists leave out. */
const PARTS = ["steps", "questions"];

const listed = (of: Of, name: string, about: string): Tool => ({
  name,
  about,
  family: of.family,
  table: of.table,
  risk: "low",
  input: (words) => object(paging(words(of.table))),
  output: (words) => page(of.many, record(words(of.table), {}, PARTS)),
  example: () => ({ limit: 20 }),
  async run({ input, words, get }) {
    const speaking = words(of.table);
    const fields = speaking.entries.filter(({ field }) => field.shown !== "asked").map(({ field }) => field.name);
    const chosen: Parameters = [["fields", fields.filter((each) => !PARTS.includes(each)).join(",")]];
    const reply = await get(`/${speaking.kind.plural}`, [...listQuery(speaking, input), ...chosen]);
    return { data: pageOf(of.many, reply, rowsOf(speaking)) };
  },
});

const MOST = 100;

const templateSchema = (of: Of, words: Words): Json => object(written(words(of.table)), needed(words(of.table)));

/** All of them or none. */
const importing = (of: Of, name: string, about: string, example: Values): Tool => ({
  name,
  about,
  family: of.family,
  table: of.table,
  risk: "high",
  input: (words) =>
    object(
      {
        templates: listOf(templateSchema(of, words), "as the export tool gives them", { minItems: 1, maxItems: MOST }),
      },
      ["templates"],
    ),
  output: (words) =>
    answer({
      imported: whole("how many were made, or would be"),
      templates: listOf(record(words(of.table)), "as they are now"),
    }),
  example: () => ({ templates: [example], dryRun: true }),
  async run({ input, words, write }) {
    const speaking = words(of.table);
    const templates = input.templates as Values[];
    const parts = templates.map((each) => ({
      method: "POST",
      path: `/${speaking.kind.plural}`,
      body: toOurs(speaking, each),
    }));
    try {
      const { json } = await write("POST", "/batch", { query: [["atomic", "true"]], body: parts as unknown as Values });
      const made = (json.items as { body: Values }[]).map(({ body }) => shown(speaking, body));
      return { data: { imported: made.length, templates: made }, meta: warned(templates) };
    } catch (error) {
      throw error instanceof Problem ? atTemplate(error) : error;
    }
  },
});

/** A refusal of a batch says which of its requests it was. */
function atTemplate(problem: Problem): Problem {
  const [, n, message] = /^request (\d+) of \d+ .*? so nothing was done: (.*)$/s.exec(problem.message) ?? [];
  if (n === undefined) return problem;
  const field = `input.templates[${Number(n) - 1}]`;
  return new Misfit(field, problem.code, `${field} is refused, so nothing was done: ${message}`, problem.hints);
}

const exporting = (of: Of, name: string, about: string): Tool => ({
  name,
  about,
  family: of.family,
  table: of.table,
  risk: "low",
  input: () => object({ [of.key]: id("template") }, [of.key]),
  output: (words) => answer({ template: { ...templateSchema(of, words), required: [] } }),
  example: (known) => ({ [of.key]: known(of.table) }),
  async run({ input, words, get }) {
    const speaking = words(of.table);
    const { json } = await get(at(speaking.kind.plural, input[of.key], "export"));
    return { data: { template: without(shown(speaking, json), "id") } };
  },
});

/** What the authoring rules say of the steps that were sent. */
const warned = (templates: readonly Values[]): Values => {
  const warnings = templates.flatMap(({ steps }) => warningsOf(steps));
  return warnings.length > 0 ? { warnings } : {};
};

const warning = (tool: Tool): Tool => ({
  ...tool,
  async run(work) {
    const { data, meta } = await tool.run(work);
    return { data, meta: { ...meta, ...warned([work.input]) } };
  },
});

const removing: Tool = {
  name: "delete_script_template",
  about: "Deletes a script template. Campaigns that it is attached to lose it; executions keep the copy that they walk.",
  family: SCRIPT.family,
  table: SCRIPT.table,
  risk: "high",
  confirms: true,
  input: () => object({ [SCRIPT.key]: id("template") }, [SCRIPT.key]),
  output: () => answer({ deleted: text("its id"), message: MESSAGE }),
  example: (known) => ({ [SCRIPT.key]: known(SCRIPT.table), dryRun: true }),
  async run({ input, words, write }) {
    const { json } = await write("DELETE", at(words(SCRIPT.table).kind.plural, input[SCRIPT.key]));
    return { data: { deleted: input[SCRIPT.key], message: json.message } };
  },
};

export const SCRIPTS: readonly Tool[] = [
  listed(SCRIPT, "list_script_templates", "Lists script templates without their steps, newest change first."),
  getting(SCRIPT, {
    name: "get_script_template",
    about: "One script template with its steps.",
    example: (known) => ({ scriptTemplateId: known("scriptTemplate") }),
  }),
  warning(
    creating(SCRIPT, {
      name: "create_script_template",
      about: "Creates a script template: an interactive call path. The authoring rules stand in capabilities.",
      example: () => SCRIPT_EXAMPLE,
    }),
  ),
  warning(
    updating(SCRIPT, {
      name: "update_script_template",
      about:
        "Changes the fields of a script template that are sent; steps are replaced as a whole. Executions keep the copy that they walk.",
      example: (known) => ({ scriptTemplateId: known("scriptTemplate"), description: "For owners of houses" }),
    }),
  ),
  removing,
  importing(
    SCRIPT,
    "import_script_templates",
    "Creates up to 100 script templates, all or none, from what export_script_template gives.",
    SCRIPT_EXAMPLE,
  ),
  exporting(SCRIPT, "export_script_template", "One script template as JSON that import_script_templates takes."),
];

export const FORMS: readonly Tool[] = [
  listed(FORM, "list_qualification_templates", "Lists qualification templates without their questions, newest change first."),
  getting(FORM, {
    name: "get_qualification_template",
    about: "One qualification template with its questions.",
    example: (known) => ({ qualificationTemplateId: known("qualificationTemplate") }),
  }),
  creating(FORM, {
    name: "create_qualification_template",
    about: "Creates a qualification template: typed questions whose answers are kept of a contact.",
    example: () => FORM_EXAMPLE,
  }),
  updating(FORM, {
    name: "update_qualification_template",
    about: "Changes the fields of a qualification template that are sent; questions are replaced as a whole.",
    example: (known) => ({ qualificationTemplateId: known("qualificationTemplate"), description: "Asked in the first call" }),
  }),
  importing(
    FORM,
    "import_qualification_templates",
    "Creates up to 100 qualification templates, all or none, from what export_qualification_template gives.",
    FORM_EXAMPLE,
  ),
  exporting(
    FORM,
    "export_qualification_template",
    "One qualification template as JSON that import_qualification_templates takes.",
  ),
];
