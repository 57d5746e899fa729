import type { Call, Said, Table, Values } from "../dialect.ts";
import { kindOf, tablesOf, vocabularyFor } from "../engine.ts";

const BUILT_IN = ["companies", "contacts", "deals", "emails", "activity", "lists", "list_members"];

/** Tables that are no records here: what they hold is asked of paths of their own. */
const PLAIN: Record<string, [column: string, type: string][]> = {
  activity: [
    ["id", "text"],
    ["occurred_at", "timestamptz"],
    ["actor", "text"],
    ["verb", "text"],
    ["subject_type", "text"],
    ["subject_id", "text"],
    ["subject_repr", "text"],
    ["changes", "jsonb"],
    ["custom", "jsonb"],
  ],
  lists: [
    ["id", "text"],
    ["name", "text"],
    ["description", "text"],
    ["target_table", "text"],
    ["kind", "text"],
    ["filter_predicate", "text"],
    ["filter_params", "jsonb"],
    ["config", "jsonb"],
    ["custom", "jsonb"],
    ["created_at", "timestamptz"],
    ["updated_at", "timestamptz"],
    ["deleted_at", "timestamptz"],
  ],
  list_members: [
    ["list_id", "text"],
    ["member_id", "text"],
  ],
};

/** `GET /v1/tables` */
export function tables(call: Call): Said {
  const rows = [
    ...tablesOf(call).map((table) => ({ name: table.name, ...about(call, table) })),
    ...Object.keys(PLAIN).map((name) => ({ name, built_in: true, columns: PLAIN[name]!.map(([column]) => column) })),
  ];
  return { is: "many", rows };
}

const about = (call: Call, table: Table): Values => ({
  built_in: BUILT_IN.includes(table.name),
  description: kindOf(call, table).about,
  columns: vocabularyFor(call, table).entries.map(({ theirs }) => theirs),
});

/** `GET /v1/schema`: what is needed to compose joins. */
export function schema(call: Call): Said {
  const records = tablesOf(call).map((table) => graphOf(call, table));
  const plain = Object.entries(PLAIN).map(([name, columns]) => ({
    name,
    columns: columns.map(([column, type]) => ({ name: column, type, nullable: column !== "id" })),
    primary_key: ["id"],
    foreign_keys: [],
    indexes: [],
  }));
  return { is: "one", row: { tables: [...records, ...plain] } };
}

function graphOf(call: Call, table: Table): Values {
  const { entries, kind } = vocabularyFor(call, table);
  const name = (ours: string) => entries.find((entry) => entry.ours === ours)?.theirs ?? ours;
  const target = (plural: string) => tablesOf(call).find(({ of }) => of === plural)?.name ?? plural;
  const key = kind.naturalKey === undefined ? [] : [{ columns: [name(kind.naturalKey)], unique: true }];
  return {
    name: table.name,
    columns: entries.map(({ theirs, field, member }) => ({
      name: theirs,
      type: member === undefined ? field.type.sqlType : "text",
      nullable: member !== undefined || !(field.required || field.readOnly) || field.optional === true,
      description: field.about,
      ...(field.type.choices ? { values: field.type.choices } : {}),
    })),
    primary_key: ["id"],
    foreign_keys: kind.links.map(({ id, target: { plural } }) => ({
      column: name(id.name),
      references: { table: target(plural), column: "id" },
    })),
    indexes: [{ columns: ["id"], unique: true }, ...key],
  };
}
