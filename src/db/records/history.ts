import type { ListQuery } from "../../derive/query.ts";
import type { View } from "../../derive/view.ts";
import type { IdReference } from "../../kit/id.ts";
import type { Seal } from "../../kit/seal.ts";
import { ident, raw, type Statement, sql } from "../../postgres/sql.ts";
import type { Catalog } from "../../records/catalog.ts";
import { derived } from "../../records/derived.ts";
import type { Field, Kind } from "../../records/kind.ts";
import { change } from "../../views/change.ts";
import type { Database } from "../database.ts";
import { idMatches, missing, wrongKind } from "./references.ts";
import { listRows, type Page } from "./rows.ts";
import { namedRow, shapeRecords, type ViewOf } from "./snapshots.ts";
import { createTableOf, type Table } from "./table.ts";

const changesTable = derived(createChangesTable);

/** Whole records come with their kind, which says what shape they have. They are worked out once it is known that a page has room for them. */
function createChangesTable(catalog: Catalog): Table {
  const computed: Record<string, Statement> = {
    name: raw("left(coalesce(r.row ->> 'name', r.row ->> 'title', r.row ->> 'body'), 80)"),
    changes: raw(`jsonb_build_array(${before("before.row")}, r.row)`),
    before: raw(before(`jsonb_build_array(before.kind, ${namedRow(catalog, "before")})`)),
    after: raw(`jsonb_build_array(r.kind, ${namedRow(catalog, "r")})`),
  };
  const shown = (field: Field) => computed[field.name] ?? sql`r.${ident(field.column ?? field.name)}`;
  return createTableOf({
    name: raw("changes"),
    living: raw("true"),
    column: (field) => (field.type.long ? raw("r.row") : shown(field)),
    late: (field, workspaceId, id) =>
      field.type.long && sql`(select ${shown(field)} from changes r where r.workspace_id = ${workspaceId} and r.id = ${id})`,
    linked: () => undefined,
  });
}

/** Of the entry before this one of the same record: together they tell what changed. */
const before = (what: string) => `(select ${what} from changes before where before.workspace_id = r.workspace_id
  and right(before.record_id, 8) = right(r.record_id, 8) and before.record_id = r.record_id and before.version = r.version - 1)`;

const WHOLE = change.fields.filter(({ shown }) => shown === "asked");

/** The history of the workspace, filtered and paged like any list. `viewOf` is what the reader sees of a kind. */
export async function listChanges(
  db: Database,
  workspaceId: string,
  view: View,
  query: ListQuery,
  binding: readonly string[],
  seal: Seal,
  viewOf: ViewOf,
): Promise<Page> {
  const page = await listRows(db, workspaceId, view, query, binding, seal, changesTable(db.catalog));
  return { ...page, rows: shapeRecords(view, WHOLE, viewOf, page.rows) };
}

/** The history of one record, deleted ones included. */
export async function listRecordChanges(
  db: Database,
  workspaceId: string,
  view: View,
  query: ListQuery,
  binding: readonly string[],
  seal: Seal,
  viewOf: ViewOf,
  of: { kind: Kind; reference: IdReference },
): Promise<Page> {
  const { kind, reference } = of;
  if (reference.prefix !== kind.prefix) throw wrongKind(db, kind, reference);
  const [found] = await db.pool.rows(
    sql`select r.id from ${ident(kind.plural)} r where r.workspace_id = ${workspaceId} and ${idMatches(raw("r.id"), reference.key)}`,
    { retry: true },
  );
  if (!found) throw missing(kind, reference.key);
  const field = change.field("record")!;
  const conditions = [...query.conditions, { field, predicate: field.type.predicate("eq", [found[0] as string], NOTHING)! }];
  return listChanges(db, workspaceId, view, { ...query, conditions }, [...binding, found[0] as string], seal, viewOf);
}

/** A record's id means the same whenever and wherever it is read. */
const NOTHING = { now: 0, me: "", zone: undefined as never };
