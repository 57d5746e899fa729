import { keptSql } from "../../derive/entry.ts";
import type { IdReference, IdSource } from "../../kit/id.ts";
import { ident, join, numbered, raw, type Statement, sql } from "../../postgres/sql.ts";
import type { Kind } from "../../records/kind.ts";
import type { Author, Database } from "../database.ts";
import { authorValues, HISTORY_COLUMNS, historySelect } from "./columns.ts";
import { withNewHandles } from "./handles.ts";
import { idMatches, missing, wrongKind } from "./references.ts";
import { NO_CAP } from "./usage.ts";

/** What a deletion would do: `clears` counts the records of each kind that lose a link, `removes` those that go along. */
export type Removal = {
  id: string;
  version: number;
  title: string;
  /** Stands for exactly the records that lose a link, and those that go along in their versions: a sum of hashes, whatever their order. */
  set: string;
  affected: { kind: Kind; clears: number; removes: number }[];
};

/** What would go with a record, for the question before the deletion. */
export function previewRemoval(db: Database, workspaceId: string, kind: Kind, reference: IdReference): Promise<Removal> {
  return readRemoval(db, (statement) => db.pool.rows(statement, { retry: true }), workspaceId, kind, reference, raw(""));
}

/**
 * Hides the record and frees its unique values, clears every link to it, and takes along what has no other link: rows and history in one
 * statement. The record is locked first, so that no link to it can appear meanwhile (see `for key share` in write.ts), then all that hangs on
 * it. `agree` is given what will be done, and throws where that is not what was asked for.
 */
export function removeRow(
  db: Database,
  author: Author,
  ids: IdSource,
  kind: Kind,
  reference: IdReference,
  agree: (removal: Removal) => void,
): Promise<Removal> {
  const once = () =>
    db.pool.transaction(async (tx) => {
      const removal = await readRemoval(db, tx.rows, author.workspaceId, kind, reference, raw("for update of r"));
      agree(removal);
      const dragged = removal.affected.reduce((sum, { clears, removes }) => sum + clears + removes, 0);
      const entries = Array.from({ length: dragged }, () => ids("ch"));
      await tx.rows(numbered(removalSql(kind))([...authorValues(author), ids("ch"), removal.id, entries]));
      return removal;
    });
  return withNewHandles(once);
}

async function readRemoval(
  db: Database,
  rows: (statement: Statement) => Promise<readonly unknown[][]>,
  workspaceId: string,
  kind: Kind,
  reference: IdReference,
  lock: Statement,
): Promise<Removal> {
  if (reference.prefix !== kind.prefix) throw wrongKind(db, kind, reference);
  const [record] = await rows(
    sql`select r.id, r.version, coalesce(left(r.${ident(kind.title)}, 100), '') from ${ident(kind.plural)} r
      where r.workspace_id = ${workspaceId} and ${idMatches(raw("r.id"), reference.key)} and r.deleted_at is null ${lock}`,
  );
  if (!record) throw missing(kind, reference.key);
  const [id, version, title] = record as [string, number, string];
  const holders = columnsTo(kind);
  if (holders.length === 0) return { id, version, title, set: "", affected: [] };
  const counts = holders.map(
    ({ kind: holder, column }) => sql`select count(*) filter (where not goes)::int, count(*) filter (where goes)::int,
        sum(('x' || md5(case when goes then id || ' ' || version else id end))::bit(64)::bigint)::text
      from (select r.id, r.version, ${goesAlong(holder, column)} as goes from ${ident(holder.plural)} r
        where r.workspace_id = ${workspaceId} and r.${ident(column)} = ${id} and r.deleted_at is null ${inOrder(lock)}) hanging`,
  );
  const found = await rows(join(counts, " union all "));
  const affected = holders.map(({ kind: holder }, i) => ({
    kind: holder,
    clears: found[i]![0] as number,
    removes: found[i]![1] as number,
  }));
  const set = JSON.stringify(found);
  return { id, version, title, set, affected: affected.filter(({ clears, removes }) => clears + removes > 0) };
}

/** Two deletions that share what hangs on them lock it in one order, so that neither waits for the other. */
const inOrder = (lock: Statement) => (lock.text === "" ? lock : sql`order by r.id ${lock}`);

/** The columns of other kinds that hold the id of a record of this one. */
const columnsTo = ({ holders }: Kind) => holders.map(({ kind, link }) => ({ kind, column: link.id.name }));

/** True of a row that may not be without a link and has no other. */
function goesAlong(holder: Kind, column: string): Statement {
  const others = (holder.needsOneOf ?? []).filter((name) => name !== column);
  if (!holder.needsOneOf?.includes(column)) return raw("false");
  return sql`(${
    others.length === 0
      ? raw("true")
      : join(
          others.map((name) => sql`r.${ident(name)} is null`),
          " and ",
        )
  })`;
}

/** `$8` id of the history entry, `$9` the record, `$10` ids for the entries of everything it drags along. */
function removalSql(kind: Kind): string {
  const holders = columnsTo(kind);
  const touched = holders.map(
    ({
      kind: holder,
      column,
    }) => `touched_${holder.plural} as (update ${holder.plural} r set ${column} = null, version = r.version + 1, updated_at = crm_after(r.updated_at, $2),
      deleted_at = case when ${goesAlong(holder, column).text} then $2::timestamptz end
      where r.workspace_id = $1 and r.${column} = $9 and r.deleted_at is null returning r.*)`,
  );
  const dragged = holders.map(
    ({ kind: holder }) =>
      `select '${holder.name}' as kind, id, version, updated_at, deleted_at, ${keptSql(holder, "t")} as row from touched_${holder.plural} t`,
  );
  const draggedHistory = `, dragged as (${dragged.join(" union all ")}),
    dragged_history as (insert into changes (${HISTORY_COLUMNS})
      select $1, ($10::text[])[row_number() over ()], kind, id, version, case when deleted_at is null then 'updated' else 'deleted' end,
        updated_at, $3, $4, $5, $6, $7, $8, row from dragged)`;
  const counted = [
    `select '${kind.name}' as kind, count(*) as rows from gone`,
    ...holders.map(
      ({ kind: each }) => `select '${each.name}', count(*) from touched_${each.plural} where deleted_at is not null`,
    ),
  ];
  return `with gone as (update ${kind.plural} r set deleted_at = $2, version = r.version + 1, updated_at = crm_after(r.updated_at, $2)
      where r.workspace_id = $1 and r.id = $9 and r.deleted_at is null returning r.*),
    history as (insert into changes (${HISTORY_COLUMNS}) ${historySelect("gone", kind, { id: "$8", action: "'deleted'", row: keptSql(kind, "gone") })})
    ${holders.length > 0 ? `, ${touched.join(",\n")} ${draggedHistory}` : ""},
    uncounted as (update usage u set used = u.used - n.rows, cap = ${NO_CAP} from (${counted.join(" union all ")}) n
      where u.workspace_id = $1 and u.kind = n.kind and n.rows > 0)
    select id from gone`;
}
