import { fasterLists, isPaged } from "../derive/paging.ts";
import { DEFAULT_LIMIT, type ListQuery } from "../derive/query.ts";
import { columnOf, type Row, rowId, type View } from "../derive/render.ts";
import { type Position, readCursor, writeCursor } from "../kit/cursor.ts";
import type { IdReference } from "../kit/id.ts";
import { Problem } from "../kit/problem.ts";
import type { Seal } from "../kit/seal.ts";
import type { Field, RecordDefinition } from "../records/define.ts";
import type { RowsOptions } from "./client.ts";
import { conditionSql } from "./condition.ts";
import type { Database } from "./database.ts";
import { isTooSlow } from "./failure.ts";
import { missing, resolveConditions, wrongKind } from "./references.ts";
import { searchWords, wordSql } from "./search.ts";
import { count, ident, join, numbered, raw, type Statement, sql } from "./sql.ts";
import { type Table, tableOf } from "./table.ts";

export type Page = {
  rows: Row[];
  nextCursor: string | null;
  /** All rows that match, where the caller asked; `capped` when there are more than `rows`. */
  total?: {
    rows: number;
    capped: boolean;
    /** What they add up to, by currency. */
    sums: Record<string, string | number>[];
  };
  /** The rows are near misses of a search that found nothing. */
  near?: boolean;
};

/** One living record in a view. Not there, of another kind and of another workspace are the same `not_found`. */
export async function getRow(db: Database, workspaceId: string, view: View, { prefix, key }: IdReference): Promise<Row> {
  const { definition } = view;
  if (prefix !== definition.prefix) throw wrongKind(db, definition, { prefix, key });
  const [row] = await db.pool.rows(getStatement(db, view)([workspaceId, key.slice(-8), key]), { retry: true });
  if (!row) throw missing(definition, key);
  return row;
}

const getStatements = new WeakMap<View, (values: unknown[]) => Statement>();

/** `$1` workspace, `$2` the last eight characters of the id, `$3` the id or its end. */
function getStatement(db: Database, view: View): (values: unknown[]) => Statement {
  let statement = getStatements.get(view);
  if (!statement) {
    const table = tableOf(view.definition, db.dictionary);
    const select = `select ${table.select(view).text} from ${table.name.text} r`;
    statement = numbered(
      `${select} where r.workspace_id = $1 and right(r.id, 8) = $2 and right(r.id, length($3)) = $3 and r.deleted_at is null`,
    );
    getStatements.set(view, statement);
  }
  return statement;
}

/**
 * One page of a list (keyset pagination: use-the-index-luke.com/no-offset). `binding` names the list for its cursors.
 * Rows without a sort value come last; they are a second range of the same walk, so that each range can follow an index.
 */
export async function listRows(
  db: Database,
  workspaceId: string,
  view: View,
  query: ListQuery,
  binding: readonly string[],
  seal: Seal,
  table = tableOf(view.definition, db.dictionary),
): Promise<Page> {
  const conditions = await resolveConditions(db, workspaceId, query.conditions);
  const filters = [
    sql`r.workspace_id = ${workspaceId} and ${table.living}`,
    ...conditions.map((condition) => conditionSql(table, condition)),
    ...searchWords(query.search ?? "").map(wordSql),
  ];
  const list = [workspaceId, ...binding, ...query.identity];
  const position = query.cursor === undefined ? undefined : readPosition(query.cursor, list, seal);

  const options = optionsOf(view.definition, query);
  const empty = conditions.filter(({ field, predicate }) => field.paged && predicate.is === "null");
  const leading = empty.map(({ field }) => table.column(field));
  const rows: Row[] = [];
  const total = await inTime(view.definition, query, async () => {
    for (const range of rangesOf(query.sort.field, position)) {
      const wanted = query.limit + 1 - rows.length;
      if (wanted <= 0) break;
      rows.push(...(await db.pool.rows(rangeSql(table, view, query, filters, leading, range, position, wanted), options)));
    }
    return query.count ? countRows(db, table, view.definition, filters) : undefined;
  });
  const more = rows.length > query.limit;
  const page = more ? rows.slice(0, query.limit) : rows;
  return {
    rows: page,
    nextCursor: more ? writeCursor(positionOf(page.at(-1)!, view, query), list, seal) : null,
    ...(total && { total }),
  };
}

/** How long one statement of a list may take. */
const LIST_MS = 3_000;

/**
 * A list that no index pages takes as long as there are records to look at: planned for its values each time, on connections of its own.
 * Under a name it would after five runs be planned for an average workspace, and read all of a large one.
 */
export const LONG = { plan: "custom", long: true, deadlineMs: LIST_MS, retry: true } as const;

/**
 * What an index pages has one plan for all values, so that its statement can have a name where its text is one that many send. Not so with
 * a range: without its values PostgreSQL takes it for a small part, and would rather fetch and sort it.
 */
function optionsOf(definition: RecordDefinition, query: ListQuery): RowsOptions {
  if (!isPaged(definition, query)) return LONG;
  const [condition, ...others] = query.conditions;
  const common = query.limit === DEFAULT_LIMIT && query.fields === undefined && others.length === 0;
  const ranged = condition !== undefined && !["eq", "null", "refers"].includes(condition.predicate.is);
  return { plan: common && !ranged ? "named" : "custom", deadlineMs: LIST_MS, retry: true };
}

/** Without Retry-After: the same list would take as long again. */
export async function inTime<T>(definition: RecordDefinition, query: ListQuery, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if (!isTooSlow(error)) throw error;
    throw new Problem("busy", `the list took longer than ${LIST_MS / 1000} s`, fasterLists(definition, query), {
      cause: error,
    });
  }
}

export function readPosition(cursor: string, list: readonly string[], seal: Seal): Position {
  const position = readCursor(cursor, list, seal);
  if (!position)
    throw new Problem(
      "invalid_cursor",
      "the cursor is not of this list",
      "send it with the very parameters it came from, or start without cursor",
    );
  return position;
}

type Range = "valued" | "empty";

function rangesOf(field: Field, position: Position | undefined): Range[] {
  if (field.required || field.readOnly) return ["valued"];
  return position?.value === null ? ["empty"] : ["valued", "empty"];
}

function rangeSql(
  table: Table,
  view: View,
  query: ListQuery,
  filters: Statement[],
  leading: Statement[],
  range: Range,
  position: Position | undefined,
  wanted: number,
): Statement {
  const { field, descending } = query.sort;
  const key = table.sortKey(field);
  const beyond = descending ? raw("<") : raw(">");
  const direction = descending ? raw("desc") : raw("asc");
  const where = [...filters];
  if (range === "empty") where.push(sql`${key} is null`);
  else if (!field.required && !field.readOnly) where.push(sql`${key} is not null`);
  if (position && (position.value === null) === (range === "empty")) {
    where.push(
      range === "empty"
        ? sql`r.id ${beyond} ${position.id}`
        : sql`(${key}, r.id) ${beyond} (${position.value}, ${position.id})`,
    );
  }
  // What is null in all rows changes no order, but it tells which index has the order.
  const order = join([...leading, key, raw("r.id")].map((each) => sql`${each} ${direction}`));
  const last = sortColumn(view, query) === undefined ? sql`, ${key}::text` : raw("");
  return sql`select ${table.select(view)}${last} from ${table.name} r where ${join(where, " and ")} order by ${order} limit ${count(wanted)}`;
}

/** Where the rows hold what they are sorted by, as the database printed it; undefined: it is to come last. */
function sortColumn(view: View, { sort: { field } }: ListQuery): number | undefined {
  return field.kind.sortsFolded ? undefined : columnOf(view, field);
}

function positionOf(row: Row, view: View, query: ListQuery): Position {
  return { value: row.at(sortColumn(view, query) ?? -1) as Position["value"], id: rowId(row) };
}

/** Enough to say "1000+": counting 300,000 matches would take longer than any list. */
const COUNT_CAP = 1000;

/** How many rows match, up to the cap; below it also what they add up to. */
export async function countRows(
  db: Database,
  table: Table,
  definition: RecordDefinition,
  filters: Statement[],
): Promise<NonNullable<Page["total"]>> {
  const matching = (columns: Statement) =>
    sql`(select ${columns} from ${table.name} r where ${join(filters, " and ")} limit ${COUNT_CAP + 1}) matching`;
  const [row] = await db.pool.rows(sql`select count(*)::int from ${matching(raw("1"))}`, LONG);
  const rows = row![0] as number;
  const { sums } = definition;
  if (!sums || rows > COUNT_CAP) return { rows: Math.min(rows, COUNT_CAP), capped: rows > COUNT_CAP, sums: [] };
  const [amount, per] = [ident(sums.amount), ident(sums.per)];
  const added = await db.pool.rows(
    sql`select ${per}, sum(${amount})::text, count(*)::int from ${matching(sql`r.${per}, r.${amount}`)}
      where ${amount} is not null group by 1 order by 1`,
    LONG,
  );
  const named = ([unit, sum, count]: readonly unknown[]) => ({
    [sums.amount]: sum,
    [sums.per]: unit,
    [definition.plural]: count,
  });
  return { rows, capped: false, sums: added.map((each) => named(each) as Record<string, string | number>) };
}
