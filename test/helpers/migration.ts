import type postgres from "postgres";
import { ddl, searchTuningSql } from "../../src/derive/ddl.ts";
import { sharedKind } from "../../src/derive/sharedTable.ts";
import { writeFunctionSql } from "../../src/derive/writeFunction.ts";
import type { Catalog } from "../../src/records/catalog.ts";
import type { Kind } from "../../src/records/kind.ts";

/** The parts of a kind's table as PostgreSQL understood them: names of columns, constraints and statistics with their definitions. */
type Parts = {
  columns: Map<string, string>;
  constraints: Map<string, string>;
  /** By definition without its name. */
  indexes: Map<string, string>;
  statistics: Map<string, string>;
  write: string | undefined;
};

/**
 * The SQL that brings the tables of a migrated database to what the declarations say; empty when they agree. It makes the declared tables
 * in a transaction that it rolls back, and compares what PostgreSQL made of both.
 */
export async function missingSql(sql: postgres.Sql, catalog: Catalog): Promise<string[]> {
  const present = new Map<string, Parts | undefined>();
  const kinds = [...linkedFirst(catalog), sharedKind];
  for (const { table } of kinds) present.set(table, await partsOf(sql, table));
  const declared = new Map<string, Parts>();
  const undone = new Error("rolled back");
  await sql
    .begin(async (tx) => {
      for (const { table } of kinds)
        await tx.unsafe(`drop table if exists ${table} cascade; drop function if exists ${table}_write`);
      for (const kind of kinds) await tx.unsafe(ddl(kind));
      for (const { table } of kinds) declared.set(table, (await partsOf(tx, table))!);
      throw undone;
    })
    .catch((error) => {
      if (error !== undone) throw error;
    });
  return kinds.flatMap((kind) => differences(kind, present.get(kind.table), declared.get(kind.table)!));
}

const linkedFirst = (catalog: Catalog): Kind[] => catalog.dependentsFirst.toReversed();

async function partsOf(sql: postgres.Sql | postgres.TransactionSql, plural: string): Promise<Parts | undefined> {
  const [table] = await sql`select to_regclass(${plural})::oid as oid`;
  if (!table?.oid) return undefined;
  const { oid } = table;
  const named = async (rows: postgres.PendingQuery<postgres.Row[]>) =>
    new Map((await rows).map(({ name, text }) => [name as string, text as string]));
  const columns = await named(sql`select a.attname as name, format('%s%s%s%s', format_type(a.atttypid, a.atttypmod),
      case when a.attcollation not in (0, t.typcollation) then ' collate "C"' end,
      case when f.adbin is not null then format(' generated always as (%s) stored', pg_get_expr(f.adbin, f.adrelid)) end,
      case when a.attnotnull then ' not null' end) as text
    from pg_attribute a join pg_type t on t.oid = a.atttypid left join pg_attrdef f on f.adrelid = a.attrelid and f.adnum = a.attnum
    where a.attrelid = ${oid} and a.attnum > 0 and not a.attisdropped`);
  const constraints = await named(
    sql`select conname as name, replace(pg_get_constraintdef(oid), ' NOT VALID', '') as text from pg_constraint where conrelid = ${oid} and contype <> 'n'`,
  );
  const indexes = await sql`select i.indexrelid::regclass::text as name, pg_get_indexdef(i.indexrelid) as text from pg_index i
    where i.indrelid = ${oid} and not i.indisprimary`;
  const statistics = await named(
    sql`select stxname as name, pg_get_statisticsobjdef(oid) as text from pg_statistic_ext where stxrelid = ${oid}`,
  );
  const [write] = await sql`select prosrc from pg_proc where proname = ${`${plural}_write`}`;
  return {
    columns,
    constraints,
    indexes: new Map(
      indexes.map(({ name, text }) => [(text as string).replace(/ INDEX \S+ ON /, " INDEX ON "), name as string]),
    ),
    statistics,
    write: write?.prosrc as string | undefined,
  };
}

function differences(kind: Kind, present: Parts | undefined, declared: Parts): string[] {
  if (!present) return [ddl(kind)];
  const { table: plural } = kind;
  const statements: string[] = [];
  const tuned: string[] = [];
  for (const [name, text] of declared.columns) {
    const is = present.columns.get(name);
    if (is === text) continue;
    // A generated column is written anew with its indexes, which fall with it.
    if (is !== undefined && text.includes(" generated ")) tuned.push(...searchTuningSql(kind));
    if (is !== undefined && text.includes(" generated "))
      for (const [on] of present.indexes) if (new RegExp(`\\b${name}\\b`).test(on)) present.indexes.delete(on);
    if (is !== undefined && !text.includes(" generated "))
      throw new Error(`${plural}.${name} is ${is}, declared is ${text}: write that yourself`);
    statements.push(`alter table ${plural}${is === undefined ? "" : ` drop column ${name},`} add column "${name}" ${text};`);
  }
  for (const [name] of present.columns)
    if (!declared.columns.has(name)) throw new Error(`${plural}.${name} is declared no more: write that yourself`);
  for (const [name, text] of declared.constraints)
    if (present.constraints.get(name) !== text) {
      if (present.constraints.has(name)) statements.push(`alter table ${plural} drop constraint ${name};`);
      statements.push(`alter table ${plural} add constraint ${name} ${text};`);
    }
  for (const [name] of present.constraints)
    if (!declared.constraints.has(name)) statements.push(`alter table ${plural} drop constraint ${name};`);
  for (const [on, name] of present.indexes) {
    const wanted = declared.indexes.get(on);
    if (wanted === undefined) statements.push(`drop index ${name};`);
    else if (wanted !== name) statements.push(`alter index ${name} rename to ${wanted};`);
  }
  for (const [on, name] of declared.indexes)
    if (!present.indexes.has(on))
      statements.push(`${on.replace(" INDEX ON ", ` INDEX ${name} ON `).replace(" ON public.", " ON ")};`);
  statements.push(...tuned);
  for (const [name, text] of declared.statistics)
    if (!present.statistics.has(name)) statements.push(`${text.replaceAll("public.", "")};`);
  if (present.write !== declared.write) statements.push(writeFunctionSql(kind));
  return statements;
}
