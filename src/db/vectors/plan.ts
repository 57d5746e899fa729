import type { Pool } from "../../postgres/pool.ts";
import { count, ident, raw, sql } from "../../postgres/sql.ts";
import type { Catalog } from "../../records/catalog.ts";
import { SHARED_TABLE } from "../../records/kind.ts";
import { dimensionsOf } from "../../records/ownTypes.ts";
import { type Indexed, indexName, MOST_INDEXED, NAMES } from "./indexed.ts";

type Rows = Pick<Pool, "rows">;

/** Records from which on comparing all of them takes too long, and how few may be left until the index goes. */
export type Worth = { from: number; until: number };

/** Every statement about a table looks at all its indexes, so few fields have one. */
const MOST_INDEXES = 16;

/** What has to be done so that each field that is worth it has an index, and no other. */
export type Plan = { drop: string[]; create: Indexed[] };

/** Undefined where nothing has to be done. */
export async function planIndexes(db: Rows, catalog: Catalog, worth: Worth): Promise<Plan | undefined> {
  const there = await indexesOf(db);
  const possible = await hasPgvector(db);
  if (there.size === 0 && !possible) return undefined;
  const fields = await vectorFields(db, catalog);
  const wanted: Indexed[] = [];
  const had = (field: Indexed) => there.has(indexName(field));
  for (const field of [...fields.filter(had), ...fields.filter((field) => !had(field))]) {
    if (wanted.length === MOST_INDEXES) break;
    if (await hasRecords(db, field, had(field) ? worth.until : worth.from)) wanted.push(field);
  }
  const names = new Set(wanted.map(indexName));
  const drop = [...there].filter(([name, ready]) => !ready || !names.has(name)).map(([name]) => name);
  const create = wanted.filter((field) => there.get(indexName(field)) !== true);
  const plan = { drop, create: possible ? create : [] };
  return plan.drop.length + plan.create.length > 0 ? plan : undefined;
}

/** Our indexes, and whether they are ready: one whose making was broken off never will be. */
async function indexesOf({ rows }: Rows): Promise<Map<string, boolean>> {
  const found = await rows(sql`select c.relname::text, i.indisvalid from pg_class c join pg_index i on i.indexrelid = c.oid
    where c.relname ~ ${NAMES} and pg_table_is_visible(c.oid)`);
  return new Map(found as [string, boolean][]);
}

/** The fields that an index could hold, of all workspaces. */
async function vectorFields({ rows }: Rows, catalog: Catalog): Promise<Indexed[]> {
  const found = await rows(sql`select k.workspace_id, k.name, k.prefix is not null, f.field ->> 'column', f.field ->> 'type'
    from kinds k, jsonb_array_elements(k.declaration -> 'fields') f (field)
    where k.deleted_at is null and f.field ->> 'type' like 'vector(%' order by k.created_at, k.workspace_id, k.name`);
  return found.flatMap(([workspaceId, name, own, slot, type]) => {
    const table = own ? SHARED_TABLE : catalog.get(name as string)?.table;
    const dimensions = dimensionsOf(type as string);
    if (table === undefined || dimensions === undefined || dimensions > MOST_INDEXED) return [];
    return [{ workspaceId, kind: { name, table }, slot, dimensions } as Indexed];
  });
}

async function hasRecords({ rows }: Rows, { workspaceId, kind }: Indexed, least: number): Promise<boolean> {
  const records = kind.table === SHARED_TABLE ? sql` and r.kind = ${kind.name}` : raw("");
  const [found] = await rows(sql`select count(*)::int from (select from ${ident(kind.table)} r
    where r.workspace_id = ${workspaceId}${records} and r.deleted_at is null limit ${count(least)}) counted`);
  return (found![0] as number) >= least;
}

/** Whether there is a pgvector, or we may make it. Only since 0.8 a search goes on where filters leave too few. */
async function hasPgvector({ rows }: Rows): Promise<boolean> {
  const [found] =
    await rows(sql`select case when e.version is not null then string_to_array(e.version, '.')::int[] >= '{0,8}' else exists (
    select from pg_available_extensions a join pg_available_extension_versions v on v.name = a.name and v.version = a.default_version
      join pg_roles r on r.rolname = current_user where a.name = 'vector' and string_to_array(v.version, '.')::int[] >= '{0,8}'
        and (r.rolsuper or not v.superuser or (v.trusted and has_database_privilege(current_database(), 'create')))) end
    from (select max(extversion) as version from pg_extension where extname = 'vector') e`);
  return found![0] as boolean;
}
