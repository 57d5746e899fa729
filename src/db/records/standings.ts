import { pendingSql } from "../../derive/ddl.ts";
import type { Row } from "../../derive/view.ts";
import { ident, join, raw, type Statement, sql } from "../../postgres/sql.ts";
import { columnName } from "../../records/kind.ts";
import type { Database } from "../database.ts";
import { long } from "./deadlines.ts";
import type { Joining } from "./joined.ts";
import { dueSql } from "./reminders.ts";
import { rowsOf } from "./table.ts";

/** How far those are who were put into something: the members of campaigns. */

/** What is counted: of which of the things they are put into, undefined for all; by which states; due by which time. */
export type Counting = { among: readonly string[] | undefined; states: readonly string[]; now: string };

/** How many there are of each state, in one of what things are put into. */
export async function countStates(
  db: Database,
  workspaceId: string,
  { kind, into }: Joining,
  id: string,
): Promise<Map<string, number>> {
  const state = ident(kind.joins!.state);
  const rows = await db.pool.rows(
    sql`select r.${state}, count(*)::int from ${rowsOf(kind)} r
      where r.workspace_id = ${workspaceId} and r.${ident(columnName(into.id))} = ${id} and r.deleted_at is null group by 1`,
    { retry: true },
  );
  return new Map(rows as [string, number][]);
}

/** Who is in more than one of these: id, a version nobody sees, name, how many, ids of those it is in. */
export async function overlapRows(
  db: Database,
  workspaceId: string,
  { kind, into, whom }: Joining,
  among: readonly string[] | undefined,
  limit: number,
): Promise<{ rows: Row[]; all: number }> {
  const [put, to] = [ident(columnName(whom.id)), ident(columnName(into.id))];
  const title = ident(columnName(whom.target.titleField));
  const within = among ? sql` and r.${to} = any (${among}::text[])` : raw("");
  const rows = await db.pool.rows(
    sql`select o.id, 1, o.id, (select t.${title} from ${rowsOf(whom.target)} t where t.workspace_id = ${workspaceId} and t.id = o.id), o.many, o.in_ids, o.total
      from (select r.${put} as id, count(*)::int as many, array_agg(r.${to} order by r.${to}) as in_ids, (count(*) over ())::int as total from ${rowsOf(kind)} r
        where r.workspace_id = ${workspaceId} and r.deleted_at is null${within} group by 1 having count(*) > 1 order by 2 desc, 1 limit ${limit}) o
      order by o.many desc, o.id`,
    long(workspaceId),
  );
  return { rows: rows.map((row) => row.slice(0, 6)), all: (rows[0]?.[6] as number | undefined) ?? 0 };
}

const counted = (condition: Statement) => sql`(count(*) filter (where ${condition}))::int`;

/** Which are still to be done, which of these are due, and how many have each state. */
function figuresOf({ kind }: Joining, { states, now }: Counting) {
  const open = join([raw("true"), ...pendingSql(kind, "r.").map(raw)], " and ");
  const due = sql`${open} and ${dueSql(kind)} <= ${now}::timestamptz`;
  return { open, due, states: states.map((each) => counted(sql`r.${ident(kind.joins!.state)} = ${each}`)) };
}

const within = (column: Statement, { among }: Counting) => (among ? sql` and ${column} = any (${among}::text[])` : raw(""));

/** What each person has to do, those with the most first: person, how many in all, how many are open and due, in how many, and one count a state. */
export function workloadRows(db: Database, workspaceId: string, joining: Joining, counting: Counting): Promise<Row[]> {
  const { kind, into } = joining;
  const { open, due, states } = figuresOf(joining, counting);
  const [by, to] = [ident(kind.joins!.by), ident(columnName(into.id))];
  return db.pool.rows(
    sql`select '', 1, r.${by}, count(*)::int, ${counted(open)}, ${counted(due)}, count(distinct r.${to})::int, ${join(states)}
      from ${rowsOf(kind)} r where r.workspace_id = ${workspaceId} and r.deleted_at is null${within(sql`r.${to}`, counting)}
      group by r.${by} order by 5 desc, 3 nulls last limit 1000`,
    long(workspaceId),
  );
}

/**
 * How far each of those is that things are put into, where most is left to do first: id, a version nobody sees, id, name, how many are in it, how
 * many are open, due and nobody's, then one count a state.
 */
export function tallyRows(
  db: Database,
  workspaceId: string,
  joining: Joining,
  counting: Counting,
  limit: number,
): Promise<Row[]> {
  const { kind, into } = joining;
  const { open, due, states } = figuresOf(joining, counting);
  const [to, title] = [ident(columnName(into.id)), ident(columnName(into.target.titleField))];
  const nobodys = sql`${open} and r.${ident(kind.joins!.by)} is null`;
  const figures = [raw("count(*)::int"), counted(open), counted(due), counted(nobodys), ...states];
  const names = figures.map((_, i) => ident(`f${i}`));
  return db.pool.rows(
    sql`select c.id, 1, c.id, c.${title}, ${join(names.map((name) => sql`coalesce(m.${name}, 0)`))}
      from ${rowsOf(into.target)} c left join (select r.${to} as into_id, ${join(figures.map((each, i) => sql`${each} as ${names[i]!}`))}
        from ${rowsOf(kind)} r where r.workspace_id = ${workspaceId} and r.deleted_at is null${within(sql`r.${to}`, counting)} group by r.${to}) m on m.into_id = c.id
      where c.workspace_id = ${workspaceId} and c.deleted_at is null${within(raw("c.id"), counting)}
      order by coalesce(m.f1, 0) desc, c.updated_at desc, c.id limit ${limit}`,
    long(workspaceId),
  );
}
