import { pendingSql } from "../../derive/ddl.ts";
import { ident, join, raw, type Statement, sql } from "../../postgres/sql.ts";
import { columnName, type Kind } from "../../records/kind.ts";
import type { Database } from "../database.ts";
import { long } from "./deadlines.ts";
import { dueSql } from "./reminders.ts";
import { rowsOf } from "./table.ts";

/** How many records of a kind there are, how many of them are still to be done, and how many are due. Null where the kind knows no such thing. */
export type KindCounts = { kind: Kind; records: number; open: number | null; due: number | null };

/** Each figure by the index that has it: one pass over all records would read every row. `now` is a timestamp. */
export async function countKinds(
  db: Database,
  workspaceId: string,
  kinds: readonly Kind[],
  now: string,
): Promise<KindCounts[]> {
  if (kinds.length === 0) return [];
  const figures = kinds.map((kind) => {
    const pending = pendingSql(kind, "r.").map(raw);
    const counted = (...conditions: Statement[]) =>
      sql`(select count(*)::int from ${rowsOf(kind)} r where ${join([sql`r.workspace_id = ${workspaceId} and r.deleted_at is null`, ...conditions], " and ")})`;
    const open = kind.reminder?.doneWhen ? counted(...pending) : raw("null::int");
    const due = kind.reminder ? counted(sql`${dueSql(kind)} <= ${now}::timestamptz`, ...pending) : raw("null::int");
    return sql`select ${counted()}, ${open}, ${due}`;
  });
  const rows = await db.pool.rows(
    sql`select f.* from (${join(
      figures.map((each, i) => sql`select ${raw(String(i))} as n, k.* from (${each}) k(records, open, due)`),
      " union all ",
    )}) f order by f.n`,
    long(workspaceId),
  );
  return rows.map(([n, records, open, due]) => ({
    kind: kinds[n as number]!,
    records: records as number,
    open: open as number | null,
    due: due as number | null,
  }));
}

/** What the open records of a pipeline come to in each currency, the largest first: currency, how many, sum as text. */
export async function sumOpen(db: Database, workspaceId: string, kind: Kind): Promise<readonly (readonly unknown[])[]> {
  const { open } = kind.pipeline!;
  const [amount, per] = [kind.sums!.amount, kind.sums!.per].map((name) => sql`r.${ident(columnName(kind.field(name)!))}`);
  return db.pool.rows(
    sql`select ${per}, count(*)::int, coalesce(sum(${amount}), 0)::text from ${rowsOf(kind)} r
      where r.workspace_id = ${workspaceId} and r.deleted_at is null and r.${ident(columnName(kind.field(open.field)!))} = ${open.is}
      group by 1 order by coalesce(sum(${amount}), 0) desc, 1 limit 100`,
    long(workspaceId),
  );
}
