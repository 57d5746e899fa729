import type { FieldType } from "../fields/type.ts";
import { formatLine, type Pair } from "../kit/line.ts";
import { each } from "../kit/turns.ts";
import { type Field, isAlways, type Kind, stored } from "../records/kind.ts";
import { columnsOf, exampleQueries, TOLD } from "./columns.ts";

/** What a program needs to compose a request or a query: kinds, fields, types, links. */
export type Schema = {
  kinds: readonly KindFacts[];
  /** Operators by the name of the type. */
  types: Readonly<Record<string, { operators: readonly string[]; expects: string }>>;
  /** `tables`: those that are no kinds, with the types of their columns. */
  sql: { request: string; tables: typeof TOLD; examples: readonly string[]; notes: readonly string[] };
};

/** `plural` is the path and the table. */
type KindFacts = {
  name: string;
  plural: string;
  prefix: string;
  title: string;
  natural_key: string | null;
  about: string;
  fields: readonly FieldFacts[];
};

type FieldFacts = {
  name: string;
  type: string;
  /** The type of its column; null where SQL has none of it. */
  sql: string | null;
  required: boolean;
  read_only: boolean;
  /** No record is without it. */
  always: boolean;
  sort: boolean;
  search: boolean;
  link: string | null;
  choices: readonly string[] | null;
  known: readonly string[] | null;
  /** Where they are others than those of the type. */
  operators?: readonly string[];
  about: string;
};

/** Piece by piece: there may be many kinds. */
export function* describing(kinds: readonly Kind[]): Generator<void, Schema, void> {
  const types: Record<string, { operators: readonly string[]; expects: string }> = {};
  for (const { fields } of kinds)
    for (const { type } of fields) types[type.name] ??= { operators: type.operators, expects: type.expects };
  return {
    kinds: yield* each(kinds, (kind) => kindFacts(kind, types)),
    types,
    sql: {
      request: `POST /sql ${JSON.stringify(parameterExample(kinds))}`,
      tables: TOLD,
      examples: exampleQueries(kinds),
      notes: [
        "one query that reads; tables and columns are called like paths and fields; links hold whole ids: join … on c.id = d.company_id",
        'a name that SQL has a use for stands in double quotes: "from"',
        "changes is the history, lists and list_members are the saved lists: no kinds, and tables too",
        "deleted records are in no table; tags and further values are arrays, custom is jsonb, times are timestamptz in the workspace's zone",
      ],
    },
  };
}

function parameterExample(kinds: readonly Kind[]): { sql: string; params: unknown[] } {
  const kind = kinds.find(({ naturalKey, example }) => naturalKey !== undefined && naturalKey in example) ?? kinds[0]!;
  const by = kind.naturalKey ?? kind.title;
  return { sql: `select ${kind.title} from ${kind.plural} where ${by} = $1`, params: [kind.example[by] ?? ""] };
}

function kindFacts(kind: Kind, types: Schema["types"]): KindFacts {
  const { name, plural, prefix, title, naturalKey, about, fields } = kind;
  const columns = new Map(columnsOf(kind).map((column) => [column.name, column.type]));
  return {
    name,
    plural,
    prefix,
    title,
    natural_key: naturalKey ?? null,
    about,
    fields: fields.map((field) => fieldFacts(field, columns.get(field.name) ?? null, types)),
  };
}

function fieldFacts(field: Field, sql: string | null, types: Schema["types"]): FieldFacts {
  const { name, type, about, required = false, readOnly = false, sort = false, search = false, link } = field;
  const usual = sameOperators(types[type.name]!.operators, type);
  return {
    name,
    type: type.name,
    sql,
    required,
    read_only: readOnly,
    always: isAlways(field) && stored(field),
    sort,
    search,
    link: link?.target.name ?? null,
    choices: type.choices ?? null,
    known: type.known ?? null,
    ...(usual ? {} : { operators: type.operators }),
    about,
  };
}

const sameOperators = (usual: readonly string[], { operators }: FieldType) => usual.join() === operators.join();

/** A line for each kind, field, type and example. */
export function* schemaLines({ kinds, types, sql }: Schema): Generator<string, void, void> {
  for (const { fields, ...kind } of kinds) {
    yield `${formatLine(`kind/${kind.name}`, pairsOf({ ...kind, name: null }))}\n`;
    for (const { name, ...field } of fields) yield `${formatLine(`field/${kind.name}.${name}`, pairsOf(field))}\n`;
  }
  const lines = [
    ...Object.entries(types).map(([name, type]) => formatLine(`type/${name}`, pairsOf(type))),
    ...Object.entries(sql.tables).map(([name, columns]) => formatLine(`table/${name}`, Object.entries(columns))),
    ...sql.examples.map((example) => formatLine("query", [["sql", example]])),
  ];
  const fields = kinds.reduce((sum, kind) => sum + kind.fields.length, 0);
  const notes = [`${kinds.length === 1 ? "1 kind" : `${kinds.length} kinds`}, ${fields} fields`, sql.request, ...sql.notes];
  yield `${lines.join("\n")}\n${notes.map((note) => `# ${note}\n`).join("")}`;
}

/** What is false or nothing is left out, as on every line. */
function pairsOf(facts: Record<string, unknown>): Pair[] {
  return Object.entries(facts).flatMap(([key, value]): Pair[] => {
    if (value === null || value === undefined || value === false) return [];
    return [[key, Array.isArray(value) ? value.join(",") : String(value)]];
  });
}
