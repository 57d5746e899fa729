import { FIRST_COLUMN, type Row, type View } from "../../derive/view.ts";
import { count, join, raw, type Statement, sql } from "../../postgres/sql.ts";
import type { Field } from "../../records/kind.ts";
import type { Table } from "./table.ts";

/** Of the values of a page that may be long, as they are stored: the row with which they come to more is its last. */
const MOST_BYTES = 4_000_000;

/** A page whose rows begin with a view's columns and have `more` after those. */
export type Page = { workspaceId: string; table: Table; view: View; rows: Statement; more: number };

/**
 * The first rows of a page, until their long values come to too much. What is beyond them never leaves the database: two hundred records can
 * hold hundreds of megabytes. Each row gets one more column, to be taken off by `bounded`.
 */
export function boundedSql({ workspaceId, table, view, rows, more }: Page): Statement {
  if (view.long.length === 0) return rows;
  const names = namesOf({ view, more });
  const nameOf = (field: Field) => names[FIRST_COLUMN + view.columns.indexOf(field)]!;
  const size = join(
    view.long.flatMap((field) => {
      const added = table.added?.(field, nameOf(field));
      return [sizeSql(field, nameOf(field)), ...(added ? [sql`coalesce(${added}, 0)`] : [])];
    }),
    " + ",
  );
  // The rows of a window without an order come as they are.
  return sql`select ${join(shownOf({ workspaceId, table, view, more }, names))}, goes_on from (select *, lead(true, 1, false) over () as goes_on,
      sum(${size}) over (rows between unbounded preceding and 1 preceding) as bytes_before
    from (${rows}) page(${join(names)})) sized where coalesce(bytes_before, 0) < ${count(MOST_BYTES)}`;
}

/** The same rows, all of them: where a column of a page stands in for what it shows, that comes in its place. */
export function unboundedSql({ rows, ...page }: Page): Statement {
  if (!page.table.late || page.view.long.length === 0) return rows;
  const names = namesOf(page);
  return sql`select ${join(shownOf(page, names))} from (${rows}) page(${join(names)})`;
}

const namesOf = ({ view, more }: Pick<Page, "view" | "more">) =>
  Array.from({ length: FIRST_COLUMN + view.columns.length + more }, (_, i) => raw(`c${i}`));

function shownOf({ workspaceId, table, view }: Omit<Page, "rows">, names: readonly Statement[]): Statement[] {
  const shown = [...names];
  for (const field of view.long) {
    const late = table.late?.(field, workspaceId, names[0]!);
    if (late) shown[FIRST_COLUMN + view.columns.indexOf(field)] = late;
  }
  return shown;
}

/**
 * Bytes. What octet_length needs is known without reading a text; JSON has to be unpacked, and written where it is more than a little. Where it is
 * large, writing takes the database up to 100 ms a megabyte, for rows that may never be shown: twice what is unpacked stands for it.
 */
function sizeSql({ type }: Field, column: Statement): Statement {
  if (type.sqlType !== "jsonb") return sql`coalesce(octet_length(${column}), 0)`;
  return sql`coalesce((select case when unpacked between 2000 and 20000 then octet_length(${column}::text) when unpacked > 20000 then 2 * unpacked else unpacked end
    from (select pg_column_size(${column} #> '{}') as unpacked offset 0) sized), 0)`;
}

/** The page's own rows, and whether it has others that are too much. */
export function bounded(rows: unknown[][], { long }: View): { rows: Row[]; cut: boolean } {
  if (long.length === 0) return { rows, cut: false };
  let goesOn: unknown = false;
  for (const row of rows) goesOn = row.pop();
  return { rows, cut: goesOn === true };
}
