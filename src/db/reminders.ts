import type { Row } from "../derive/render.ts";
import type { Position } from "../kit/cursor.ts";
import { toTimestamp } from "../kit/time.ts";
import { linksOf, type RecordDefinition } from "../records/define.ts";
import type { Database } from "./database.ts";
import { count, ident, join, raw, type Statement, sql } from "./sql.ts";
import { tableOf } from "./table.ts";

export type ReminderQuery = {
  /** Due before this time, epoch ms. */
  until: number;
  now: number;
  /** Where the workspace's day began, epoch ms: due before it is overdue. */
  today: number;
  owner: string | undefined;
  /** The kinds to look at; all that remind when undefined. */
  kind: string | undefined;
  position: Position | undefined;
  limit: number;
};

/** Notes of a task can be long; a reminder shows how they begin. */
const NOTE_LENGTH = 300;

/**
 * What is due, the oldest first: a page of each kind by its own index, merged. Rows hold id, version, id, handle, when, due_at, name,
 * note, owner, company, phone, email, kind and the due time as text for the cursor, in the order of the reminder's fields.
 */
export async function listReminders(
  db: Database,
  workspaceId: string,
  query: ReminderQuery,
): Promise<{ rows: Row[]; more: boolean }> {
  const sources = [...db.dictionary.values()].filter(
    ({ name, reminder }) => reminder && (query.kind === undefined || query.kind === name),
  );
  if (sources.length === 0) return { rows: [], more: false };
  const parts = sources.map((definition) => sourceSql(db, definition, workspaceId, query));
  // A single kind makes no union, and then its own order by would meet the outer one.
  const rows = await db.pool.rows(
    sql`select * from (${join(parts, " union all ")}) due order by due_at, id limit ${count(query.limit + 1)}`,
    // As every list: see rows.ts.
    { plan: "custom", retry: true },
  );
  return { rows: rows.slice(0, query.limit), more: rows.length > query.limit };
}

function sourceSql(db: Database, definition: RecordDefinition, workspaceId: string, query: ReminderQuery): Statement {
  const { at, note, owner, doneWhen } = definition.reminder!;
  const { company, phone, email } = reachSql(definition);
  const due = sql`r.${ident(at)}`;
  const noted = note ? sql`r.${ident(note)}` : raw("null");
  const owned = owner ? sql`r.${ident(owner)}` : raw("null");
  const where = [
    sql`r.workspace_id = ${workspaceId} and r.deleted_at is null and ${due} is not null and ${due} < ${toTimestamp(query.until)}`,
  ];
  if (doneWhen) where.push(sql`not r.${ident(doneWhen)}`);
  if (query.owner !== undefined) where.push(sql`${owned} = ${query.owner}`);
  if (query.position) where.push(sql`(${due}, r.id) > (${query.position.value}, ${query.position.id})`);
  const when = sql`case when ${due} < ${toTimestamp(query.today)}::timestamptz then 'overdue' when ${due} <= ${toTimestamp(query.now)}::timestamptz then 'due' else 'upcoming' end`;
  const short = sql`case when length(${noted}) > ${NOTE_LENGTH} then left(${noted}, ${NOTE_LENGTH}) || '…' else ${noted} end`;
  return sql`(select r.id, r.version, r.id as whole_id, ${raw(`'${definition.name}/${definition.prefix}_' || right(r.id, 8)`)}, ${when}, ${due} as due_at,
    r.${ident(definition.title)}, ${short}, ${owned}, ${company}, ${phone}, ${email}, ${raw(`'${definition.name}'`)}, ${due}::text as due_text
    from (select r.* from ${ident(definition.plural)} r where ${join(where, " and ")} order by ${due}, r.id limit ${count(query.limit + 1)}) r
    ${tableOf(definition, db.dictionary).joins})`;
}

/** Whom to call: the record itself where it has a phone and an address, else the contact it is linked to. */
function reachSql(definition: RecordDefinition): Record<"company" | "phone" | "email", Statement> {
  const { phone, email } = definition.reminder!;
  const links = linksOf(definition).map(({ name }) => name);
  const ofContact = (column: string) => (links.includes("contact") ? raw(`contact.${column}`) : raw("null"));
  return {
    company: links.includes("company") ? raw("company.name") : raw("null"),
    phone: phone ? sql`r.${ident(phone)}` : ofContact("phone"),
    email: email ? sql`r.${ident(email)}` : ofContact("email"),
  };
}
