import { Problem } from "../kit/problem.ts";
import type { Field } from "../records/kind.ts";
import type { Call, Values } from "./dialect.ts";
import type { Vocabulary } from "./vocabulary.ts";

/** What stands beside the values of a request and says how they are read: by the names of our fields, the currency of its amounts. */

/**
 * Of a body: as it is sent, as the record at `target` has it, or as a new record would. `target` is a path of ours, of the record that the body
 * changes.
 */
export async function besideBody(call: Call, words: Vocabulary, target?: string): Promise<Values> {
  const { kind, entries } = words;
  const names = new Set(Object.keys(call.body).map((name) => words.named(name)?.value?.per));
  const beside: Values = {};
  for (const name of names) {
    if (name === undefined) continue;
    const field = kind.field(name)!;
    const sent = (ours: string) => call.body[entries.find((entry) => entry.ours === ours)!.theirs];
    const other =
      target ?? (field.like && sent(field.like) ? `/${kind.plural}/${encodeURIComponent(String(sent(field.like)))}` : "");
    beside[name] =
      sent(name) ?? (other ? (await call.ask("GET", other)).json[name] : (field.initially ?? (await setting(call, field))));
  }
  return beside;
}

/** Of the filters of a list: as the workspace has it. Filters that name a currency go before it. */
export async function besideFilters(call: Call, { kind, entries }: Vocabulary): Promise<Values> {
  const told = entries.filter(({ theirs, value }) => value?.per && call.parameters.some(([, text]) => text.includes(theirs)));
  const beside: Values = {};
  for (const name of new Set(told.map(({ value }) => value!.per!))) beside[name] = await setting(call, kind.field(name)!);
  return beside;
}

async function setting({ ask, session }: Call, { setting: name, name: own }: Field): Promise<unknown> {
  if (!session) return undefined;
  try {
    return (await ask("GET", `/workspaces/${session.workspaceId}`)).json[name ?? own];
  } catch (error) {
    if (error instanceof Problem && error.status === 404) return undefined;
    throw error;
  }
}
