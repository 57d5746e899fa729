import { each, inTurns } from "../../kit/turns.ts";
import type { Call, Said, Table, Values } from "../dialect.ts";
import { kindOf, tableOfKind, tablesOf, vocabularyFor } from "../engine.ts";
import { PLAIN } from "./plain.ts";

const BUILT_IN = ["companies", "contacts", "deals", "emails", "activity", "lists", "list_members"];

/** `GET /v1/tables` */
export async function tables(call: Call): Promise<Said> {
  const rows = [
    ...(await inTurns(each(tablesOf(call), (table) => ({ name: table.name, ...about(call, table) })))),
    ...Object.keys(PLAIN).map((name) => ({ name, built_in: true, columns: Object.keys(PLAIN[name]!) })),
  ];
  return { is: "many", rows };
}

const about = (call: Call, table: Table): Values => ({
  built_in: BUILT_IN.includes(table.name),
  description: kindOf(call, table).about,
  columns: vocabularyFor(call, table).entries.map(({ theirs }) => theirs),
});

/** `GET /v1/schema`: what is needed to compose joins. */
export async function schema(call: Call): Promise<Said> {
  const records = await inTurns(each(tablesOf(call), (table) => graphOf(call, table)));
  const plain = Object.entries(PLAIN).map(([name, columns]) => ({
    name,
    columns: Object.entries(columns).map(([column, type]) => ({ name: column, type, nullable: column !== "id" })),
    primary_key: ["id"],
    foreign_keys: name === "list_members" ? [{ column: "list_id", references: { table: "lists", column: "id" } }] : [],
    indexes: [{ columns: ["id"], unique: true }],
  }));
  return { is: "one", row: { tables: [...records, ...plain] } };
}

function graphOf(call: Call, table: Table): Values {
  const { entries, kind } = vocabularyFor(call, table);
  const name = (ours: string) => entries.find((entry) => entry.ours === ours)?.theirs ?? ours;
  const key = kind.naturalKey === undefined ? [] : [{ columns: [name(kind.naturalKey)], unique: true }];
  return {
    name: table.name,
    columns: entries.map(({ theirs, field, member, absent }) => ({
      name: theirs,
      type: member === undefined ? field.type.sqlType : Array.isArray(absent) ? "text[]" : "text",
      nullable: member !== undefined || !(field.required || field.readOnly) || field.optional === true,
      description: field.about,
      ...(field.type.choices ? { values: field.type.choices } : {}),
    })),
    primary_key: ["id"],
    foreign_keys: kind.links.map(({ id, target }) => ({
      column: name(id.name),
      references: { table: tableOfKind(call.dialect, target).name, column: "id" },
    })),
    indexes: [{ columns: ["id"], unique: true }, ...key],
  };
}
