import { LEFT_OUT } from "../../derive/entry.ts";
import type { ListQuery } from "../../derive/query.ts";
import type { View } from "../../derive/view.ts";
import type { IdReference } from "../../kit/id.ts";
import type { Seal } from "../../kit/seal.ts";
import { each } from "../../kit/turns.ts";
import { ident, raw, type Statement, sql } from "../../postgres/sql.ts";
import type { Catalog } from "../../records/catalog.ts";
import { derivedInTurns } from "../../records/derived.ts";
import { columnName, type Field, type Kind, slotsOf } from "../../records/kind.ts";
import { change } from "../../views/change.ts";
import type { Database } from "../database.ts";
import { idMatches, missing, wrongKind } from "./references.ts";
import { listRows, type Page } from "./rows.ts";
import { namedRow, shapeRecords, type ViewOf } from "./snapshots.ts";
import { type Batches, streamRows } from "./stream.ts";
import { createTableOf, perWorkspace, rowsOf, type Table, type Workspace } from "./table.ts";

/** Made in turns with other work: its statements name every kind. */
export const changesTable = derivedInTurns(creatingChangesTable);

/** Whole records come with their kind, which says what shape they have. They are worked out once it is known that a page has room for them. */
export function* creatingChangesTable(catalog: Catalog): Generator<void, Table, void> {
  function* record(entry: string) {
    return `jsonb_build_array(${entry}.kind, ${yield* namedRow(catalog, entry, wholeText(entry))})`;
  }
  const computed: Record<string, ReturnType<typeof perWorkspace>> = {
    name: perWorkspace(`left(${nameSql(catalog)}, 80)`),
    changes: perWorkspace(yield* namedChanges(catalog)),
    before: perWorkspace(ofChange(beforeSql(yield* record("before")))),
    after: perWorkspace(ofChange(yield* record("r"))),
    version: perWorkspace(ofChange("r.version")),
  };
  const shown = ({ name, column }: Field, workspace?: Workspace) => {
    const made = computed[name];
    if (!made) return sql`r.${ident(column ?? name)}`;
    if (workspace === undefined) throw new Error(`${name} is read from other entries, whose workspace is not said`);
    return made(workspace);
  };
  return createTableOf({
    name: raw("changes"),
    alias: raw("r"),
    living: raw(catalog.gone.length > 0 ? `r.kind <> all ('{${catalog.gone.join(",")}}')` : "true"),
    column: (field, workspace) => (field.type.long ? raw("r.row") : shown(field, workspace)),
    late: (field, workspaceId, id) =>
      field.type.long &&
      sql`(select ${shown(field, workspaceId)} from changes r where r.workspace_id = ${workspaceId} and r.id = ${id})`,
    added: (field, column) => {
      const bytes = sql`(select sum(bytes::int) from jsonb_each_text(${column} -> ${raw(`'${LEFT_OUT}'`)}) each(name, bytes))`;
      return WHOLE.includes(field) ? bytes : sql`case when ${column} ->> 'deleted_at' is not null then ${bytes} end`;
    },
    linked: () => undefined,
  });
}

/** A conflict changed nothing, and its version only keeps it apart from others. */
const ofChange = (value: string) => `case when r.action <> 'conflict' then ${value} end`;

/**
 * All that the record of an entry was, but for what `except` names: what the entry left out is found in the nearest version before that has it.
 * This is the exact former state of every version.
 */
/** As text whose `$1` is the workspace. */
export function wholeText(entry: string, except = "null::jsonb"): string {
  const found = `select b.row -> name from changes b where b.workspace_id = $1
    and right(b.record_id, 8) = right(${entry}.record_id, 8) and b.record_id = ${entry}.record_id and b.version < ${entry}.version
    and b.row ? name order by b.version desc limit 1`;
  return `case when ${entry}.row ? '${LEFT_OUT}' then (${entry}.row - '${LEFT_OUT}') || (select coalesce(jsonb_object_agg(name, (${found})), '{}')
    from jsonb_object_keys(${entry}.row -> '${LEFT_OUT}') name where (${except} ? name) is not true) else ${entry}.row end`;
}

/** The same as a statement. */
export const wholeSql = (entry: string, workspaceId: string): Statement => perWorkspace(wholeText(entry))(workspaceId);

/** Something of the entry before this one of the same record: together they tell what changed. */
const beforeSql = (shown: string) => `(select ${shown} from changes before where before.workspace_id = $1
  and right(before.record_id, 8) = right(r.record_id, 8) and before.record_id = r.record_id and before.version = r.version - 1)`;

/** What an entry leaves out has not changed, so it is left out of what was before, too. A deletion tells all that was lost. */
const UNCHANGED = `case when r.row ->> 'deleted_at' is null then r.row -> '${LEFT_OUT}' end`;
const CHANGED = `case when before.row ? '${LEFT_OUT}' or r.row ? '${LEFT_OUT}'
  then (${wholeText("before", `(${UNCHANGED})`)}) - coalesce((select array_agg(name) from jsonb_object_keys(${UNCHANGED}) name), '{}') else before.row end`;

/** The record before and after an entry, but for long values that it did not change. */
const CHANGES = `jsonb_build_array(${beforeSql(CHANGED)}, case when r.row ? '${LEFT_OUT}' then r.row - '${LEFT_OUT}' else r.row end)`;
export const changesSql = perWorkspace(CHANGES);

/** The same with own fields by their names, and not by the slots that they are kept in. */
function* namedChanges({ kinds }: Catalog): Generator<void, string, void> {
  const all = yield* each(kinds, (kind) => {
    const names = slotsOf(kind).map((field) => [columnName(field), field.name]);
    return names.length > 0 ? [`when '${kind.name}' then '${JSON.stringify(Object.fromEntries(names))}'::jsonb`] : [];
  });
  const cases = all.flat();
  return cases.length === 0 ? CHANGES : `crm_named(${CHANGES}, case r.kind ${cases.join(" ")} end)`;
}

/** The versions before and after each entry `r`. */
export function* namedChangesSql(catalog: Catalog, workspace: Workspace): Generator<void, Statement, void> {
  return perWorkspace(yield* namedChanges(catalog))(workspace);
}

/** What names the record. An activity is named by its body, which may be long enough to be left out. */
function nameSql({ kinds }: Catalog): string {
  const title = `(case r.kind ${kinds.map(({ name, titleField }) => `when '${name}' then '${columnName(titleField)}'`).join(" ")} end)`;
  return `coalesce(r.row ->> ${title}, case when r.row -> '${LEFT_OUT}' ? ${title} then (${wholeText("r")}) ->> ${title} end)`;
}

/** Fields that show all of a record. */
export const WHOLE: readonly Field[] = change.fields.filter(({ shown }) => shown === "asked");

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
  const page = await listRows(db, workspaceId, view, query, binding, seal, await changesTable(db.catalog));
  return { ...page, rows: shapeRecords(view, WHOLE, viewOf, page.rows) };
}

/** All of it, as one stream. */
export async function streamChanges(
  db: Database,
  workspaceId: string,
  view: View,
  query: ListQuery,
  binding: readonly string[],
  seal: Seal,
  viewOf: ViewOf,
): Promise<Batches> {
  const batches = await streamRows(db, workspaceId, view, query, binding, seal, await changesTable(db.catalog));
  return async function* shaped(signal) {
    for await (const rows of batches(signal)) yield shapeRecords(view, WHOLE, viewOf, rows);
  };
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
  of: RecordOf,
): Promise<Page> {
  const asked = await queryOfRecord(db, workspaceId, query, of);
  return listChanges(db, workspaceId, view, asked.query, [...binding, asked.id], seal, viewOf);
}

export async function streamRecordChanges(
  db: Database,
  workspaceId: string,
  view: View,
  query: ListQuery,
  binding: readonly string[],
  seal: Seal,
  viewOf: ViewOf,
  of: RecordOf,
): Promise<Batches> {
  const asked = await queryOfRecord(db, workspaceId, query, of);
  return streamChanges(db, workspaceId, view, asked.query, [...binding, asked.id], seal, viewOf);
}

type RecordOf = { kind: Kind; reference: IdReference };

async function queryOfRecord(
  db: Database,
  workspaceId: string,
  query: ListQuery,
  { kind, reference }: RecordOf,
): Promise<{ id: string; query: ListQuery }> {
  if (reference.prefix !== kind.prefix) throw wrongKind(db, kind, reference);
  const [found] = await db.pool.rows(
    sql`select r.id from ${rowsOf(kind)} r where r.workspace_id = ${workspaceId} and ${idMatches(raw("r.id"), reference.key)}`,
    { retry: true },
  );
  if (!found) throw missing(kind, reference.key);
  const field = change.field("record")!;
  const id = found[0] as string;
  const conditions = [...query.conditions, { field, predicate: field.type.predicate("eq", [id], NOTHING)! }];
  return { id, query: { ...query, conditions } };
}

/** A record's id means the same whenever and wherever it is read. */
const NOTHING = { now: 0, me: "", zone: undefined as never };
