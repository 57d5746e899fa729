import type { ListQuery } from "../derive/query.ts";
import type { View } from "../derive/render.ts";
import type { IdReference } from "../kit/id.ts";
import type { Seal } from "../kit/seal.ts";
import { change } from "../records/change.ts";
import { type Field, fieldOf, type RecordDefinition } from "../records/define.ts";
import type { Database } from "./database.ts";
import { idMatches, missing, wrongKind } from "./references.ts";
import { listRows, type Page } from "./rows.ts";
import { ident, raw, type Statement, sql } from "./sql.ts";
import { createTableOf } from "./table.ts";

const changesTable = createTableOf({
  name: raw("changes"),
  living: raw("true"),
  column: changeColumn,
  linked: () => undefined,
});

/** The record in the entry before this one of the same record: together they tell what changed. */
const BEFORE = `(select before.row from changes before where before.workspace_id = r.workspace_id
  and right(before.record_id, 8) = right(r.record_id, 8) and before.record_id = r.record_id and before.version = r.version - 1)`;

function changeColumn(field: Field): Statement {
  const computed: Record<string, Statement> = {
    name: raw("left(coalesce(r.row ->> 'name', r.row ->> 'title', r.row ->> 'body'), 80)"),
    changes: raw(`jsonb_build_array(${BEFORE}, r.row)`),
    before: raw(BEFORE),
    after: raw("r.row"),
  };
  return computed[field.name] ?? sql`r.${ident(field.column ?? field.name)}`;
}

/** The history of the workspace, filtered and paged like any list. */
export function listChanges(
  db: Database,
  workspaceId: string,
  view: View,
  query: ListQuery,
  binding: readonly string[],
  seal: Seal,
): Promise<Page> {
  return listRows(db, workspaceId, view, query, binding, seal, changesTable);
}

/** The history of one record, deleted ones included. */
export async function listRecordChanges(
  db: Database,
  workspaceId: string,
  view: View,
  query: ListQuery,
  binding: readonly string[],
  seal: Seal,
  of: { definition: RecordDefinition; reference: IdReference },
): Promise<Page> {
  const { definition, reference } = of;
  if (reference.prefix !== definition.prefix) throw wrongKind(db, definition, reference);
  const [found] = await db.pool.rows(
    sql`select r.id from ${ident(definition.plural)} r where r.workspace_id = ${workspaceId} and ${idMatches(raw("r.id"), reference.key)}`,
    { retry: true },
  );
  if (!found) throw missing(definition, reference.key);
  const field = fieldOf(change, "record")!;
  const conditions = [...query.conditions, { field, predicate: field.kind.predicate("eq", [found[0] as string], NOTHING)! }];
  return listChanges(db, workspaceId, view, { ...query, conditions }, [...binding, found[0] as string], seal);
}

/** A record's id means the same whenever and wherever it is read. */
const NOTHING = { now: 0, me: "", zone: undefined as never };
