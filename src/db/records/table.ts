import { rowsFrom } from "../../derive/slots.ts";
import type { View } from "../../derive/view.ts";
import { ordersFolded } from "../../fields/folding.ts";
import { ident, join, numbered, raw, Statement, sql } from "../../postgres/sql.ts";
import { derived } from "../../records/derived.ts";
import { columnName, type Field, type Kind, type Link, numberField, type Touched } from "../../records/kind.ts";
import { shownMentions } from "./mentions.ts";

/** The id of the workspace, or where a statement has it already. */
export type Workspace = string | Statement;

/** The workspace where it is the first value of a numbered statement. */
export const FIRST_VALUE = numbered("$1")([]);

/**
 * What SQL calls the parts of a record kind. The record itself is `r`; a linked record is called by its link's name. Sub-selects compare
 * `workspace_id` with a value and never with another table's column: Citus routes by values.
 */
export type Table = {
  name: Statement;
  /** What SQL calls a row of it. */
  alias: Statement;
  /** What tells the rows that are there from those that are deleted. */
  living: Statement;
  /**
   * What a field shows. The name of a linked record is looked up by a subselect, which PostgreSQL runs for the rows of a page once the page
   * is cut. A join would be planned before that, and for a workspace of average size: a large one's page read all its companies. The workspace
   * may be left out for a field that the row itself holds.
   */
  column: (field: Field, workspace?: Workspace) => Statement;
  /** What a field shows where `column` stands in for it, about as large, until it is known that a page has room: of the row with this id. */
  late?: (field: Field, workspaceId: string, id: Statement) => Statement | undefined;
  /** Bytes that what a field shows has besides those of `column`, the stand-in: what an entry of the history left out. */
  added?: (field: Field, column: Statement) => Statement | undefined;
  /** For the name of a linked record, that record. */
  linked: (field: Field, workspace: Workspace) => Linked | undefined;
  /** What `sort=` orders by. */
  sortKey: (field: Field) => Statement;
  /** Id, version and a view's columns, as `derive/render` wants them. */
  select: (view: View, workspace: Workspace) => Statement;
};

export type Linked = {
  /** Of the linked record, in the row. */
  id: Statement;
  /** `from … where …`: the linked record. */
  from: Statement;
  living: Statement;
  /** What names it. */
  title: { field: Field; column: Statement; search: Statement };
  /** Names it as well; `list`: so do further values. */
  key: { field: Field; column: Statement; list: Statement | undefined } | undefined;
  /** Names a document as well, whatever its case. */
  number: Statement | undefined;
};

/** What a statement reads the records of a kind from. */
export const rowsOf = derived((kind: Kind): Statement => {
  const rows = rowsFrom(kind, kind.table);
  return rows === kind.table ? ident(kind.table) : raw(rows);
});

/** A stored value of the row `r` as it goes into JSON, by its column. Of a slot it is the value that `own` holds, which can be written back. */
export const storedSql = (kind: Kind, column: string): Statement =>
  kind.stored(column)?.slot ? raw(`r.own -> '${column}'`) : sql`r.${ident(column)}`;

/** The table of a kind. */
export const tableOf = derived((kind: Kind) => createTable(kind, "r"));

/** The table that a link leads to, its rows called by the link's name. */
export const tableAcross = derived((link: Link) => createTable(link.target, link.name));

function createTable(kind: Kind, alias: string): Table {
  const row = ident(alias);
  const linked = (field: Field, workspace: Workspace): Linked | undefined => {
    const { link } = field;
    if (link?.shown !== field) return undefined;
    const { target } = link;
    const { keyField } = target;
    const number = numberField(target);
    // Two steps may go by links of one name.
    const other = ident(alias === "r" ? link.name : `${alias}_${link.name}`);
    const id = sql`${row}.${ident(columnName(link.id))}`;
    return {
      id,
      from: sql`from ${rowsOf(target)} ${other} where ${other}.workspace_id = ${workspace} and ${other}.id = ${id}`,
      living: sql`${other}.deleted_at is null`,
      title: {
        field: target.titleField,
        column: sql`${other}.${ident(columnName(target.titleField))}`,
        search: sql`${other}.search`,
      },
      key: keyField && {
        field: keyField,
        column: sql`${other}.${ident(columnName(keyField))}`,
        list: keyField.list && sql`${other}.${ident(keyField.list.name)}`,
      },
      number: number && sql`${other}.${ident(columnName(number))}`,
    };
  };
  const column = (field: Field, workspace?: Workspace): Statement => {
    if (field.across && workspace !== undefined) {
      const { link, field: far } = field.across;
      return sql`(select ${tableAcross(link).column(far, workspace)} ${linked(link.shown, workspace)!.from})`;
    }
    if (field.turns) return turnedSql(field, field.turns, row);
    if (field.link?.shown !== field && !field.touched && !field.mentioned && !field.across)
      return sql`${row}.${ident(columnName(field))}`;
    if (workspace === undefined) throw new Error(`${field.name} is read from another record, whose workspace is not said`);
    if (field.touched) return touchedSql(field.touched, row, workspace);
    if (field.mentioned) return shownMentions(field.mentioned, row, workspace);
    const other = linked(field, workspace)!;
    return sql`(select ${other.title.column} ${other.from})`;
  };
  return createTableOf({ name: rowsOf(kind), alias: row, living: sql`${row}.deleted_at is null`, column, linked });
}

/** What a value has become with time, though nobody has written it: it is as the clock of the database says. */
const turnedSql = ({ name }: Field, { into, at }: NonNullable<Field["turns"]>, row: Statement): Statement =>
  sql`case when ${row}.${ident(at)} <= now() then ${raw(`'${into}'`)} else ${row}.${ident(name)} end`;

/** What the index of the link by time gives: the last at once, how many there are by counting them. */
function touchedSql(touched: Touched, row: Statement, workspace: Workspace): Statement {
  const value = touched.is === "count" ? raw("count(*)::int") : sql`max(touching.${ident(columnName(touched.at))})`;
  return sql`(select ${value} ${touchingSql(touched, row, workspace)})`;
}

/** `from … where …`: the records that touch the row. */
export function touchingSql(touched: Touched, row: Statement, workspace: Workspace): Statement {
  const { kind, link } = touched;
  return sql`from ${rowsOf(kind)} touching where touching.workspace_id = ${workspace} and touching.${ident(columnName(link.id))} = ${row}.id
    and touching.deleted_at is null${onlySql(touched, raw("touching"))}`;
}

/** ` and …`: the records among those that link here which count. Their values are of the declaration, and stand in the text of the statement. */
export function onlySql({ only }: Touched, row: Statement): Statement {
  if (!only) return raw("");
  return sql` and ${row}.${ident(columnName(only.field))} in (${join(only.is.map((value) => raw(`'${value}'`)))})`;
}

/** A table from its parts, for what is shown like a record and kept in another way. */
export function createTableOf(parts: Pick<Table, "name" | "alias" | "living" | "column" | "late" | "added" | "linked">): Table {
  const { column } = parts;
  const selects = new WeakMap<View, (workspace: Workspace) => Statement>();
  return {
    ...parts,
    sortKey: (field) => (ordersFolded(field.type) ? sql`lower(${column(field)})` : column(field)),
    select(view, workspace) {
      let select = selects.get(view);
      if (!select) {
        const columns = [raw("r.id"), raw("r.version"), ...view.columns.map((field) => column(field, FIRST_VALUE))];
        select = perWorkspace(join(columns).text);
        selects.set(view, select);
      }
      return select(workspace);
    },
  };
}

/** A statement without other values, made once, whose `$1` is the workspace. */
export function perWorkspace(text: string): (workspace: Workspace) => Statement {
  const strings = text.split("$1");
  return (workspace) => new Statement(strings, new Array(strings.length - 1).fill(workspace));
}
