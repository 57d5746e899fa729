import type { View } from "../../derive/view.ts";
import { ordersFolded } from "../../fields/folding.ts";
import { ident, join, raw, type Statement, sql } from "../../postgres/sql.ts";
import { derived } from "../../records/derived.ts";
import type { Field, Kind } from "../../records/kind.ts";

/** What SQL calls the parts of a record kind. The record itself is `r`; a linked record is called by its link's name. */
export type Table = {
  name: Statement;
  /** What tells the rows that are there from those that are deleted. */
  living: Statement;
  /**
   * What a field shows. The name of a linked record is looked up by a subselect, which PostgreSQL runs for the rows of a page once the page
   * is cut. A join would be planned before that, and for a workspace of average size: a large one's page read all its companies.
   */
  column: (field: Field) => Statement;
  /** What a field shows where `column` stands in for it, about as large, until it is known that a page has room: of the row with this id. */
  late?: (field: Field, workspaceId: string, id: Statement) => Statement | undefined;
  /** Bytes that what a field shows has besides those of `column`, the stand-in: what an entry of the history left out. */
  added?: (field: Field, column: Statement) => Statement | undefined;
  /** For the name of a linked record, that record. */
  linked: (field: Field) => Linked | undefined;
  /** What `sort=` orders by. */
  sortKey: (field: Field) => Statement;
  /** Id, version and a view's columns, as `derive/render` wants them. */
  select: (view: View) => Statement;
};

export type Linked = {
  /** Of the linked record, in the row. */
  id: Statement;
  /** `from … where …`: the linked record. */
  from: Statement;
  living: Statement;
  /** What names it. */
  title: { field: Field; column: Statement; search: Statement };
  /** Names it as well. */
  key: { field: Field; column: Statement } | undefined;
};

/** The table of a kind. */
export const tableOf = derived(createTable);

function createTable(kind: Kind): Table {
  const linked = (field: Field): Linked | undefined => {
    const { link } = field;
    if (link?.shown !== field) return undefined;
    const { target } = link;
    const { plural, keyField } = target;
    const alias = ident(link.name);
    const id = sql`r.${ident(link.id.name)}`;
    return {
      id,
      from: sql`from ${ident(plural)} ${alias} where ${alias}.workspace_id = r.workspace_id and ${alias}.id = ${id}`,
      living: sql`${alias}.deleted_at is null`,
      title: {
        field: target.titleField,
        column: sql`${alias}.${ident(target.title)}`,
        search: sql`${alias}.search`,
      },
      key: keyField && { field: keyField, column: sql`${alias}.${ident(keyField.name)}` },
    };
  };
  const column = (field: Field): Statement => {
    const other = linked(field);
    return other ? sql`(select ${other.title.column} ${other.from})` : sql`r.${ident(field.column ?? field.name)}`;
  };
  return createTableOf({ name: ident(kind.plural), living: raw("r.deleted_at is null"), column, linked });
}

/** A table from its parts, for what is shown like a record and kept in another way. */
export function createTableOf(parts: Pick<Table, "name" | "living" | "column" | "late" | "added" | "linked">): Table {
  const { column } = parts;
  const selects = new WeakMap<View, Statement>();
  return {
    ...parts,
    sortKey: (field) => (ordersFolded(field.type) ? sql`lower(${column(field)})` : column(field)),
    select(view) {
      let select = selects.get(view);
      if (!select) {
        select = join([raw("r.id"), raw("r.version"), ...view.columns.map(column)]);
        selects.set(view, select);
      }
      return select;
    },
  };
}
