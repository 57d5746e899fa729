import type { Condition } from "../../derive/filter.ts";
import { isPaged } from "../../derive/paging.ts";
import { type Deleted, type ListQuery, MOST_OFFSET } from "../../derive/query.ts";
import type { Row, View } from "../../derive/view.ts";
import { type Position, readCursor, writeCursor } from "../../kit/cursor.ts";
import type { IdReference } from "../../kit/id.ts";
import { Problem } from "../../kit/problem.ts";
import type { Seal } from "../../kit/seal.ts";
import type { RowsOptions } from "../../postgres/pool.ts";
import { join, numbered, raw, type Statement, sql } from "../../postgres/sql.ts";
import { derived } from "../../records/derived.ts";
import type { Kind } from "../../records/kind.ts";
import type { Database } from "../database.ts";
import { holdsWords } from "../search/words.ts";
import { heldBySql } from "./addresses.ts";
import { bounded } from "./bounded.ts";
import { conditionSql } from "./condition.ts";
import { eitherWay, inTime, long, pagedOptions } from "./deadlines.ts";
import { walkedValues } from "./mentions.ts";
import { isPurged } from "./purged.ts";
import { pageSql, positionOf, type Walk } from "./ranges.ts";
import { gone, mergedInto, resolveConditions, wrongKind } from "./references.ts";
import { FIRST_VALUE, type Table, tableOf, type Workspace } from "./table.ts";

export type Page = {
  rows: readonly Row[];
  /** Whether there are more. */
  more: boolean;
  /** The cursor with which the list goes on after a row of it; undefined where a list has but one page. */
  cursorAfter?: (row: Row) => string;
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

const BY_KEY = { retry: true, brief: true } as const;

/**
 * One record in a view, a living one unless `deleted` says otherwise. Not there, of another kind and of another workspace are the same
 * `not_found`. The id of a record that was merged leads to the one it became part of.
 */
export async function getRow(
  db: Database,
  workspaceId: string,
  view: View,
  { prefix, key }: IdReference,
  deleted?: Deleted,
): Promise<Row> {
  const { kind } = view;
  if (prefix !== kind.prefix) throw wrongKind(db, kind, { prefix, key });
  const [row] = await db.pool.rows(getStatements(view)[deleted ?? "living"]([workspaceId, key.slice(-8), key]), BY_KEY);
  if (row) return row;
  const into = deleted === undefined ? await mergedInto(db, workspaceId, kind, key) : undefined;
  if (into === undefined) throw await gone(db, workspaceId, kind, key);
  return getRow(db, workspaceId, view, { prefix, key: into });
}

/** The living record for which the condition on `r` holds. Its first value is the workspace. */
export async function findRow(db: Database, view: View, condition: Statement): Promise<Row | undefined> {
  const table = tableOf(view.kind);
  const workspaceId = condition.values[0] as string;
  const [row] = await db.pool.rows(
    sql`select ${table.select(view, workspaceId)} from ${table.name} r where ${condition} and r.deleted_at is null`,
    { retry: true },
  );
  return row;
}

/** What is left of a record that was purged is shown nowhere. */
const unpurgedSql = (workspaceId: Workspace): Statement =>
  sql`(r.deleted_at is null or not ${isPurged(workspaceId, raw("r.id"))})`;
const UNPURGED = unpurgedSql(FIRST_VALUE).text;

/** `$1` workspace, `$2` the last eight characters of the id, `$3` the id or its end. */
const getStatements = derived((view: View) => {
  const table = tableOf(view.kind);
  const select = `select ${table.select(view, FIRST_VALUE).text} from ${table.name.text} r
    where r.workspace_id = $1 and right(r.id, 8) = $2 and right(r.id, length($3)) = $3`;
  return {
    living: numbered(`${select} and r.deleted_at is null`),
    include: numbered(`${select} and ${UNPURGED}`),
    only: numbered(`${select} and r.deleted_at is not null and ${UNPURGED}`),
  };
});

/**
 * One page of a list (keyset pagination: use-the-index-luke.com/no-offset). `binding` names the list for its cursors.
 */
export async function listRows(
  db: Database,
  workspaceId: string,
  view: View,
  query: ListQuery,
  binding: readonly string[],
  seal: Seal,
  table = tableOf(view.kind),
): Promise<Page> {
  const walk = await readWalk(db, workspaceId, view, query, binding, seal, table);
  const { all, list } = walk;
  const [found, total] = await inTime(view.kind, query, async () => [
    await pageRows(db, walk),
    query.count ? await countRows(db, workspaceId, table, view.kind, all, capOf(query)) : undefined,
  ]);
  const { rows, cut } = found;
  const more = rows.length > query.limit;
  return {
    rows: more ? rows.slice(0, query.limit) : rows,
    more: more || cut,
    cursorAfter: (row) => writeCursor(positionOf(row, walk), list, seal),
    ...(total && { total }),
  };
}

/** The filters of a list as SQL about `r`; a search means rows that hold its words. */
export async function filtersOf(db: Database, workspaceId: string, kind: Kind, query: ListQuery): Promise<Statement[]> {
  return filtersSql(
    workspaceId,
    kind,
    query,
    tableOf(kind),
    await resolveConditions(db, workspaceId, query.conditions, query.deleted !== undefined),
  );
}

function filtersSql(
  workspaceId: string,
  kind: Kind,
  { deleted, search = "", words }: ListQuery,
  table: Table,
  conditions: readonly Condition[],
): Statement[] {
  const held = (condition: Condition) => (deleted || condition.via ? undefined : heldBySql(kind, workspaceId, condition));
  return [
    sql`r.workspace_id = ${workspaceId} and ${thereSql(workspaceId, table.living, deleted)}`,
    ...conditions.map((condition) => held(condition) ?? conditionSql(table, condition, workspaceId)),
    ...[search, ...words].flatMap((each) => holdsWords(workspaceId, kind, each)),
  ];
}

/** What tells the rows of a list from the others. */
function thereSql(workspaceId: string, living: Statement, deleted: Deleted | undefined): Statement {
  if (deleted === undefined) return living;
  const unpurged = unpurgedSql(workspaceId);
  return deleted === "only" ? sql`not (${living}) and ${unpurged}` : unpurged;
}

/**
 * What a page and a stream begin with: filters and position, read against what there is. `all`: the filters with those that the order itself
 * answers. `list`: what cursors are bound to.
 */
export async function readWalk(
  db: Database,
  workspaceId: string,
  view: View,
  query: ListQuery,
  binding: readonly string[],
  seal: Seal,
  table: Table,
): Promise<Walk & { all: Statement[]; list: readonly string[] }> {
  const conditions = await resolveConditions(db, workspaceId, query.conditions, query.deleted !== undefined);
  const { field } = query.sort;
  const isOfOrder = (condition: Condition) => field.touched !== undefined && !condition.via && condition.field === field;
  const sqlOf = (held: readonly Condition[]) => filtersSql(workspaceId, view.kind, query, table, held);
  const ofOrder = conditions.filter(isOfOrder).map(({ predicate }) => predicate);
  const filters = sqlOf(conditions.filter((condition) => !isOfOrder(condition)));
  const list = [workspaceId, ...binding, ...query.identity];
  const position = query.cursor === undefined ? undefined : readPosition(query.cursor, list, seal);
  const mention = table === tableOf(view.kind) ? mentionOf(workspaceId, view.kind, query, conditions, sqlOf) : undefined;
  return { workspaceId, table, view, query, conditions, filters, mention, all: sqlOf(conditions), ofOrder, position, list };
}

/** A list in the order of time, of what mentions one record or address, is walked by that. */
function mentionOf(
  workspaceId: string,
  kind: Kind,
  { sort, deleted }: ListQuery,
  conditions: readonly Condition[],
  sqlOf: (held: readonly Condition[]) => Statement[],
): Walk["mention"] {
  if (deleted || kind.mentions?.at !== sort.field.name) return undefined;
  for (const condition of conditions) {
    const { field, via, predicate } = condition;
    const values = via || !field.mentioned ? undefined : walkedValues(field.mentioned, predicate, workspaceId);
    if (values) return { values, filters: sqlOf(conditions.filter((each) => each !== condition)) };
  }
  return undefined;
}

function pageRows(db: Database, walk: Walk): Promise<{ rows: Row[]; cut: boolean }> {
  const way = (gathered: boolean) => async (options: RowsOptions) =>
    bounded(await db.pool.rows(pageSql(walk, gathered), options), walk.view);
  const follow = way(false);
  if (isPaged(walk.view.kind, walk.query)) return follow(pagedOptions(walk.query));
  return eitherWay(walk.workspaceId, follow, way(true));
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

/** Enough to say "1000+": counting 300,000 matches would take longer than any list. */
export const COUNT_CAP = 1000;

/** Who pages by numbers counts as far as numbers go. */
const capOf = ({ offset }: ListQuery) => (offset === undefined ? COUNT_CAP : MOST_OFFSET);

/** How many rows match, up to the cap; below it also what they add up to. */
export async function countRows(
  db: Database,
  workspaceId: string,
  table: Table,
  kind: Kind,
  filters: Statement[],
  cap = COUNT_CAP,
): Promise<NonNullable<Page["total"]>> {
  const matching = (columns: Statement) =>
    sql`(select ${columns} from ${table.name} r where ${join(filters, " and ")} limit ${cap + 1}) matching`;
  const [row] = await db.pool.rows(sql`select count(*)::int from ${matching(raw("1"))}`, long(workspaceId));
  const rows = row![0] as number;
  const { sums } = kind;
  if (!sums || rows > cap) return { rows: Math.min(rows, cap), capped: rows > cap, sums: [] };
  const [per, amount] = [sums.per, sums.amount].map((name) => table.column(kind.field(name)!));
  const added = await db.pool.rows(
    sql`select per, sum(amount)::text, count(*)::int from ${matching(sql`${per!} as per, ${amount!} as amount`)}
      where amount is not null group by 1 order by 1`,
    long(workspaceId),
  );
  const named = ([unit, sum, count]: readonly unknown[]) => ({
    [sums.amount]: sum,
    [sums.per]: unit,
    [kind.plural]: count,
  });
  return { rows, capped: false, sums: added.map((each) => named(each) as Record<string, string | number>) };
}
