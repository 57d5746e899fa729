import type { View } from "../derive/render.ts";
import { type Dictionary, definitionOf, type Field, linksOf, type RecordDefinition } from "../records/define.ts";
import { ident, join, raw, type Statement, sql } from "./sql.ts";

/** What SQL calls the parts of a record kind. The record itself is `r`; each linked record is called by its name. */
export type Table = {
  name: Statement;
  /** `left join companies company on …` for every link, so that its name can be shown, filtered and sorted by. */
  joins: Statement;
  /** What tells the rows that are there from those that are deleted. */
  living: Statement;
  column: (field: Field) => Statement;
  /** For the name of a linked record, the column of its natural key, which names it as well. */
  naturalKey: (field: Field) => Statement | undefined;
  /** What `sort=` orders by. */
  sortKey: (field: Field) => Statement;
  /** Id, version and a view's fields, as `derive/render` wants them. */
  select: (view: View) => Statement;
};

const known = new WeakMap<RecordDefinition, Table>();

export function tableOf(definition: RecordDefinition, dictionary: Dictionary): Table {
  let table = known.get(definition);
  if (!table) {
    table = createTable(definition, dictionary);
    known.set(definition, table);
  }
  return table;
}

function createTable(definition: RecordDefinition, dictionary: Dictionary): Table {
  const joins = linksOf(definition).map(({ field, name, target }) => {
    const linked = ident(definitionOf(dictionary, target).plural);
    const alias = ident(name);
    return sql`left join ${linked} ${alias} on ${alias}.workspace_id = r.workspace_id and ${alias}.id = r.${ident(field.name)}`;
  });
  const column = (field: Field): Statement => {
    const link = field.kind.link;
    if (link?.shows === "name") return sql`${ident(field.name)}.${ident(definitionOf(dictionary, link.target).title)}`;
    return sql`r.${ident(field.column ?? field.name)}`;
  };
  const naturalKey = (field: Field): Statement | undefined => {
    const link = field.kind.link;
    const key = link?.shows === "name" ? definitionOf(dictionary, link.target).naturalKey : undefined;
    return key ? sql`${ident(field.name)}.${ident(key)}` : undefined;
  };
  return createTableOf({
    name: ident(definition.plural),
    joins: join(joins, " "),
    living: raw("r.deleted_at is null"),
    column,
    naturalKey,
  });
}

/** A table from its parts, for what is shown like a record and kept in another way. */
export function createTableOf(parts: Pick<Table, "name" | "joins" | "living" | "column" | "naturalKey">): Table {
  const { column } = parts;
  const selects = new WeakMap<View, Statement>();
  return {
    ...parts,
    sortKey: (field) => (field.kind.sortsFolded ? sql`lower(${column(field)})` : column(field)),
    select(view) {
      let select = selects.get(view);
      if (!select) {
        select = join([raw("r.id"), raw("r.version"), ...view.fields.map(column)]);
        selects.set(view, select);
      }
      return select;
    },
  };
}
