import { getRow } from "../db/records/rows.ts";
import { updateRow } from "../db/records/write.ts";
import { readRecord } from "../derive/body.ts";
import { chosenFields, WRITING } from "../derive/parameters.ts";
import { single } from "../derive/query.ts";
import { chosenView, columnOf } from "../derive/view.ts";
import type { Step } from "../fields/stepReading.ts";
import type { Next } from "../fields/steps.ts";
import { longText, required, text } from "../fields/vocabulary.ts";
import { scriptPage, walkPage } from "../formats/callPage.ts";
import type { Answer } from "../http/reply.ts";
import { wholeOf } from "../kit/largeJson.ts";
import { Problem } from "../kit/problem.ts";
import { oneOf } from "../kit/words.ts";
import type { Catalog } from "../records/catalog.ts";
import { type Field, type Kind, writable } from "../records/kind.ts";
import { type Authenticated, type Route, readPathId } from "../service/route.ts";
import { mayRead, recordView } from "./readable.ts";

/** What scripts, calls and forms have besides what every record has: pages to read from, files to keep, the schema of answers. */
export const scriptRoutes = ({ kinds }: Catalog): Route[] => [
  ...kinds.filter(({ exported }) => exported).map(exportOf),
  ...kinds.filter((kind) => kind.exported && questionsOf(kind)).map(schemaOf),
  ...kinds.filter(({ walks }) => walks).map(answering),
];

const questionsOf = ({ fields }: Kind): Field | undefined => fields.find(({ type }) => type.answersSchema);

const exportOf = (kind: Kind): Route => ({
  method: "GET",
  path: `/${kind.plural}/{id}/export`,
  kind,
  about: `${oneOf(kind.name)} as JSON that POST /${kind.plural} takes, here or elsewhere`,
  answers: { is: "json" },
  handle: async (context) => {
    // Who looks after it here is nobody elsewhere.
    const fields = writable(kind).filter(({ type }) => !type.person);
    const values = await read(context, kind, fields);
    const said = fields.flatMap(({ name, type }, i) =>
      values[i] === null ? [] : [`${JSON.stringify(name)}:${type.toJson(values[i] as never, context.reading)}`],
    );
    return { is: "json", json: `{${said.join(",")}}` };
  },
});

const schemaOf = (kind: Kind): Route => ({
  method: "GET",
  path: `/${kind.plural}/{id}/schema`,
  kind,
  about: `the JSON Schema (2020-12) of the answers to ${oneOf(kind.name)}`,
  answers: { is: "json" },
  handle: async (context) => {
    const field = questionsOf(kind)!;
    const [questions, title] = await read(context, kind, [field, kind.titleField]);
    const schema = field.type.answersSchema!(questions as never) as Record<string, unknown>;
    return { is: "json", json: JSON.stringify({ ...schema, title }) };
  },
});

const answering = (kind: Kind): Route => ({
  method: "POST",
  path: `/${kind.plural}/{id}/${kind.walks!.answers}`,
  kind,
  needs: "update",
  about: "answer one step, the next or an earlier one; tells what comes next",
  parameters: { ...chosenFields(kind), ...WRITING },
  body: {
    is: "values",
    values: {
      step: text({ about: "which step; the next unless sent", also: ["step_id"] }),
      answer: required(
        longText({ about: "what was answered: of yesno and select one of its options", also: ["value", "text"] }),
      ),
    },
    example: { step: "owner", answer: "Yes" },
  },
  answers: { is: "record", of: kind },
  refuses: ["invalid_value", "unprocessable", "version_conflict"],
  handle: (context) => answer(context, kind),
});

async function answer(context: Authenticated, kind: Kind): Promise<Answer> {
  const { db, author, services, claim, body, ifMatch } = context;
  const { walks } = kind;
  const { step, answer } = body.values as { step?: string | null; answer: string };
  const reference = readPathId(kind, context.path.id!);
  const at = step ?? (await nextStep(context, kind));
  const written = readRecord(kind, { values: { [walks!.answers]: { [at]: answer } }, form: false }, true, context.reading);
  const versions = ifMatch === undefined ? {} : { versions: ifMatch };
  const view = recordView(context, kind);
  const saved = await updateRow(db, author, services.ids, view, reference, { ...written, ...versions }, claim);
  return { is: "record", view, row: saved.row, outcome: saved.outcome, change: saved.change };
}

async function nextStep(context: Authenticated, kind: Kind): Promise<string> {
  const [next] = await read(context, kind, [kind.field(kind.walks!.next)!]);
  const { step } = next as Next;
  if (step !== undefined) return step;
  throw new Problem("unprocessable", "the path has ended: no step waits for an answer", [
    'to change an earlier answer, name its step: {"step":"…","answer":"…"}',
  ]);
}

/** The page of a script, or of a call, where `format=text` asks for it: every program accepts text, so Accept does not. */
export async function callPage(context: Authenticated, kind: Kind): Promise<Answer | undefined> {
  const { parameters, style } = context;
  const { walks } = kind;
  const steps = kind.fields.find(({ type, readOnly }) => type.name === "steps" && !readOnly);
  if (!walks && !steps) return undefined;
  const others = ["fields", "deleted"].some((name) => single(parameters, name) !== undefined);
  if (style.format.name !== "text" || single(parameters, "format") !== "text" || others || !mayRead(context, kind))
    return undefined;
  return {
    is: "document",
    type: "text/plain; charset=utf-8",
    text: await (walks ? walked(context, kind) : listed(context, kind, steps!)),
  };
}

async function listed(context: Authenticated, kind: Kind, steps: Field): Promise<string> {
  const [name, path] = await read(context, kind, [kind.titleField, steps]);
  return scriptPage(name as string, path as Step[]);
}

async function walked(context: Authenticated, kind: Kind): Promise<string> {
  const { steps, answers, next, path, script, whom } = kind.walks!;
  const names = [script, whom].flatMap((link) => {
    const shown = kind.field(link)!.link!.shown;
    return mayRead(context, shown.link!.target) ? [shown] : [];
  });
  const stored = [steps, answers, next, path].map((name) => kind.field(name)!);
  const [along, said, waits, ids, ...titles] = await read(context, kind, [...stored, ...names]);
  const title = titles.filter((each) => each !== null).join(" - ") || kind.name;
  return walkPage(title, along as Step[], (said ?? {}) as Record<string, unknown>, (ids ?? []) as string[], waits as Next);
}

/** The stored values of some fields of the record that the path names. */
async function read(context: Authenticated, kind: Kind, fields: readonly Field[]): Promise<unknown[]> {
  const view = chosenView(kind, fields);
  const row = await getRow(context.db, context.session.workspaceId, view, readPathId(kind, context.path.id!));
  return fields.map((field) => wholeOf(row[columnOf(view, field)!]));
}
