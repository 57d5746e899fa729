import type { Values } from "../dialect.ts";
import { toOurs, type Vocabulary } from "../vocabulary.ts";
import { at, listQuery, pageOf, rowsOf, shown } from "./query.ts";
import { id, needed, object, page, paging, record, text, written } from "./schemas.ts";
import type { Known, Tool, Words, Work } from "./tool.ts";

/** What can be done with the records of any table. */
export type Of = {
  family: string;
  table: string;
  /** How it is called in names of members: `campaign` for `{"campaign":{…}}`. */
  one: string;
  many: string;
  /** What names one of them in an input. */
  key: string;
};

type Told = Pick<Tool, "name" | "about" | "example">;

const headers = (input: Values): Record<string, string> =>
  input.version === undefined ? {} : { "if-match": `"${input.version}"` };

const VERSION = {
  type: "integer",
  minimum: 1,
  description: "write only if the record still has this version",
};

export const listing = ({ family, table, many }: Of, told: Told): Tool => ({
  ...told,
  family,
  table,
  risk: "low",
  input: (words) => object(paging(words(table))),
  output: (words) => page(many, record(words(table))),
  async run({ input, words, get }) {
    const of = words(table);
    return { data: pageOf(many, await get(`/${of.kind.plural}`, listQuery(of, input)), rowsOf(of)) };
  },
});

export const getting = ({ family, table, one, key }: Of, told: Told): Tool => ({
  ...told,
  family,
  table,
  risk: "low",
  input: () => object({ [key]: id(one) }, [key]),
  output: (words) => holding(one, words(table)),
  async run({ input, words, get }) {
    const of = words(table);
    return { data: { [one]: shown(of, (await get(at(of.kind.plural, input[key]))).json) } };
  },
});

export const creating = ({ family, table, one }: Of, told: Told): Tool => ({
  ...told,
  family,
  table,
  risk: "medium",
  input: (words) => object(written(words(table)), needed(words(table))),
  output: (words) => holding(one, words(table)),
  run: (work) => create(work, table, one, work.input),
});

export async function create({ words, write }: Work, table: string, one: string, sent: Values) {
  const of = words(table);
  return told(one, of, await write("POST", `/${of.kind.plural}`, { body: toOurs(of, sent) }));
}

export const updating = ({ family, table, one, key }: Of, told: Told, fixed: readonly string[] = []): Tool => ({
  ...told,
  family,
  table,
  risk: "medium",
  input: (words) => object({ ...written(words(table), fixed), [key]: id(one), version: VERSION }, [key]),
  output: (words) => holding(one, words(table)),
  run: (work) => update(work, table, one, work.input[key], without(work.input, key)),
});

export async function update({ words, write }: Work, table: string, one: string, which: unknown, sent: Values) {
  const of = words(table);
  const { version: _, ...values } = sent;
  const path = at(of.kind.plural, which);
  return told(one, of, await write("PATCH", path, { body: toOurs(of, values), headers: headers(sent) }));
}

export function told(one: string, of: Vocabulary, { status, json, headers }: Awaited<ReturnType<Work["write"]>>) {
  const { hint } = json;
  const change = headers["X-Change"];
  return {
    data: { [one]: shown(of, json) },
    meta: {
      created: status === 201,
      ...(change === undefined ? {} : { change }),
      ...(hint === undefined || hint === null ? {} : { hints: String(hint).split("\n") }),
    },
  };
}

export const holding = (one: string, of: Vocabulary) => object({ [one]: record(of) }, [one]);

export const without = (values: Values, ...names: string[]): Values =>
  Object.fromEntries(Object.entries(values).filter(([name]) => !names.includes(name)));

export const MESSAGE = text("what was done, or would be");

export type { Known, Words };
