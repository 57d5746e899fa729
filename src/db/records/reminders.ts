import { pendingSql } from "../../derive/ddl.ts";
import { DEFAULT_LIMIT } from "../../derive/query.ts";
import type { Row } from "../../derive/view.ts";
import type { Position } from "../../kit/cursor.ts";
import { toTimestamp } from "../../kit/time.ts";
import { count, ident, join, raw, type Statement, sql } from "../../postgres/sql.ts";
import { columnName, type Kind } from "../../records/kind.ts";
import type { Database } from "../database.ts";
import { COUNT_CAP } from "./rows.ts";
import { type Batches, batchesOf } from "./stream.ts";
import { rowsOf } from "./table.ts";

export type ReminderQuery = {
  /** Due at this time or later, epoch ms. */
  from?: number | undefined;
  /** Due before this time, epoch ms. */
  until: number;
  now: number;
  /** Where the workspace's day began, epoch ms: due before it is overdue. */
  today: number;
  /** Whose; null for those that nobody owns. */
  owner: string | null | undefined;
  /** The names of the kinds to look at; all that remind when undefined. */
  kinds: readonly string[] | undefined;
  position: Position | undefined;
  limit: number;
  /** Whether the rows hold the handles of their records, which lines begin with anyway. */
  handles: boolean;
};

/** Notes of a task can be long; a reminder shows how they begin. */
const NOTE_LENGTH = "300";

/**
 * What is due, the oldest first: a page of each kind by its own index, merged, and only then whom to call. Rows hold id, null
 * for a version, then handle, when, due_at, name, note, owner, company, phone, email, kind and updated_at, in the order of the reminder's fields.
 */
export async function listReminders(
  db: Database,
  workspaceId: string,
  query: ReminderQuery,
): Promise<{ rows: Row[]; more: boolean }> {
  const sources = sourcesOf(db, query);
  if (sources.length === 0) return { rows: [], more: false };
  const rows = await db.pool.rows(remindersSql(sources, workspaceId, query, sql`limit ${count(query.limit + 1)}`), {
    plan: query.limit === DEFAULT_LIMIT ? "named" : "custom",
    retry: true,
    brief: true,
  });
  return { rows: rows.slice(0, query.limit), more: rows.length > query.limit };
}

/** How many reminders there are, whatever the page, up to a cap. */
export async function countReminders(
  db: Database,
  workspaceId: string,
  query: ReminderQuery,
): Promise<{ rows: number; capped: boolean }> {
  const sources = sourcesOf(db, query);
  if (sources.length === 0) return { rows: 0, capped: false };
  const most = sql`limit ${count(COUNT_CAP + 1)}`;
  const parts = sources.map((kind) => {
    const where = join(pendingFilters(kind, workspaceId, query), " and ");
    return sql`(select 1 from ${rowsOf(kind)} r where ${where} ${most})`;
  });
  const counting = sql`select count(*)::int from (select * from (${join(parts, " union all ")}) each_kind ${most}) due`;
  const [row] = await db.pool.rows(counting, { retry: true });
  const rows = row![0] as number;
  return { rows: Math.min(rows, COUNT_CAP), capped: rows > COUNT_CAP };
}

/** All that is due, in the same order. */
export function streamReminders(db: Database, workspaceId: string, query: ReminderQuery): Batches {
  const sources = sourcesOf(db, query);
  if (sources.length === 0) return async function* nothing() {};
  return batchesOf(db, workspaceId, remindersSql(sources, workspaceId, query, raw("")), [], true);
}

function sourcesOf({ catalog }: Database, query: ReminderQuery): Kind[] {
  return catalog.kinds.filter(({ name, reminder }) => reminder && (query.kinds?.includes(name) ?? true));
}

function remindersSql(sources: readonly Kind[], workspaceId: string, query: ReminderQuery, most: Statement): Statement {
  const parts = sources.map((kind) => sourceSql(kind, workspaceId, query, most));
  const when = sql`case when due_at < ${toTimestamp(query.today)}::timestamptz then 'overdue' when due_at <= ${toTimestamp(query.now)}::timestamptz then 'due' else 'upcoming' end`;
  const handle = query.handles ? sql`handle || right(due.id, 8)` : raw("null");
  const shown = (of: (kind: Kind) => Statement | undefined) => byKind(sources, of);
  const named = shown((kind) => (kind.joins ? linkedValue(kind, workspaceId, "person", (target) => target.title) : undefined));
  return sql`select due.id, null, ${handle}, ${when}, due_at, coalesce(${named}, title),
        case when length(note) > ${raw(NOTE_LENGTH)} then left(note, ${raw(NOTE_LENGTH)}) || '…' else note end, owner,
        ${shown((kind) => linkedValue(kind, workspaceId, "company", (target) => target.title))},
        coalesce(due.phone, ${shown((kind) => linkedValue(kind, workspaceId, "person", (target) => target.reminder?.phone))}),
        coalesce(due.email, ${shown((kind) => linkedValue(kind, workspaceId, "person", (target) => target.reminder?.email))}), kind, updated_at
      from (select * from (${join(parts, " union all ")}) each_kind order by due_at, id ${most}) due
      order by due.due_at, due.id`;
}

/** A value that each kind finds in its own way. */
function byKind(kinds: readonly Kind[], of: (kind: Kind) => Statement | undefined): Statement {
  const cases = kinds.flatMap((kind) => {
    const value = of(kind);
    return value ? [sql`when ${raw(`'${kind.name}'`)} then ${value}`] : [];
  });
  return cases.length === 0 ? raw("null::text") : sql`case kind ${join(cases, " ")} end`;
}

/** A field of the record that a reminder's `person` or `company` links to. */
function linkedValue(
  kind: Kind,
  workspaceId: string,
  through: "person" | "company",
  fieldOf: (target: Kind) => string | undefined,
): Statement | undefined {
  const target = kind.field(kind.reminder?.[through] ?? "")?.link?.target;
  const field = target && fieldOf(target);
  if (!field) return undefined;
  return sql`(select l.${ident(columnName(target.field(field)!))} from ${rowsOf(target)} l where l.workspace_id = ${workspaceId} and l.id = due.${raw(`${through}_id`)})`;
}

function sourceSql(kind: Kind, workspaceId: string, query: ReminderQuery, most: Statement): Statement {
  const { name, prefix, title } = kind;
  const { note, owner, phone, email, person, company } = kind.reminder!;
  const column = (field: string | undefined) => columnSql(kind, field);
  const due = dueSql(kind);
  const where = pendingFilters(kind, workspaceId, query);
  if (query.position) where.push(sql`(${due}, r.id) > (${query.position.value}, ${query.position.id})`);
  return sql`(select ${raw(`'${name}'`)} as kind, ${raw(`'${name}/${prefix}_'`)} as handle, r.id, r.updated_at, ${due} as due_at, ${column(title)} as title,
    ${column(note)} as note, ${column(owner)} as owner, ${column(phone)} as phone, ${column(email)} as email, ${column(company)} as company_id,
    ${column(person)} as person_id from ${rowsOf(kind)} r where ${join(where, " and ")} order by ${due}, r.id ${most})`;
}

const columnSql = (kind: Kind, field: string | undefined): Statement =>
  field ? sql`r.${ident(columnName(kind.field(field)!))}` : raw("null::text");

/** When a record reminds. A day is due as it begins in UTC. */
export function dueSql(kind: Kind): Statement {
  const { at } = kind.reminder!;
  const column = columnSql(kind, at);
  return kind.field(at)!.type.sqlType === "date" ? sql`(${column}::timestamp at time zone 'UTC')` : column;
}

/** What holds of the records of a kind that remind, whatever the page. */
function pendingFilters(kind: Kind, workspaceId: string, { from, until, owner }: ReminderQuery): Statement[] {
  const due = dueSql(kind);
  const owned = columnSql(kind, kind.reminder!.owner);
  return [
    sql`r.workspace_id = ${workspaceId} and r.deleted_at is null and ${due} < ${toTimestamp(until)}`,
    ...(from === undefined ? [] : [sql`${due} >= ${toTimestamp(from)}`]),
    ...pendingSql(kind, "r.").map(raw),
    ...(owner === undefined ? [] : [owner === null ? sql`${owned} is null` : sql`${owned} = ${owner}`]),
  ];
}
