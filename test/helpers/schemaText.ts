import type { Pool } from "../../src/postgres/pool.ts";
import { sql } from "../../src/postgres/sql.ts";

/** What an extension brought along is its own affair. */
const ours = sql`not exists (select from pg_catalog.pg_depend d where d.objid = o.oid and d.deptype = 'e')`;
const here = sql`(select oid from pg_catalog.pg_namespace where nspname = 'public')`;

/** The schema as PostgreSQL understood it, in SQL that reads like the migrations, the same for every version of PostgreSQL. */
export async function schemaText(pool: Pool): Promise<string> {
  const extensions = await texts(
    pool,
    sql`select format('create extension %I;', extname) from pg_catalog.pg_extension where extname <> 'plpgsql' order by extname collate "C"`,
  );
  const functions = await texts(pool, functionSql);
  const tables = await texts(pool, tableSql);
  return `${[extensions.join("\n"), ...functions, ...tables].join("\n\n")}\n`;
}

async function texts(pool: Pool, statement: typeof ours): Promise<string[]> {
  return (await pool.rows(statement)).map(([text]) => text as string);
}

const functionSql = sql`select format(E'create function %s(%s) returns %s\n  language %s %s%s parallel %s\n%s;', o.proname,
    pg_catalog.pg_get_function_arguments(o.oid), pg_catalog.pg_get_function_result(o.oid), l.lanname,
    case o.provolatile when 'i' then 'immutable' when 's' then 'stable' else 'volatile' end, case when o.proisstrict then ' strict' else '' end,
    case o.proparallel when 's' then 'safe' when 'r' then 'restricted' else 'unsafe' end,
    coalesce(pg_catalog.pg_get_function_sqlbody(o.oid), 'as $$' || o.prosrc || '$$'))
  from pg_catalog.pg_proc o join pg_catalog.pg_language l on l.oid = o.prolang where o.pronamespace = ${here} and ${ours} order by o.proname collate "C"`;

/** PostgreSQL 18 lists `not null` among the constraints, 15 does not: it stands with the column. */
const constraints = sql`select pg_catalog.pg_get_constraintdef(c.oid) as text, c.conname from pg_catalog.pg_constraint c where c.conrelid = o.oid and c.contype <> 'n'`;

/** A line break in a text constant would break the line of the column. */
const expression = sql`replace(pg_catalog.pg_get_expr(f.adbin, f.adrelid), E'\\'\\n\\'', $$E'\\n'$$)`;

const columns = sql`select format('%I %s%s%s%s', a.attname, pg_catalog.format_type(a.atttypid, a.atttypmod),
    case when a.attcollation not in (0, t.typcollation) then format(' collate %I', (select collname from pg_catalog.pg_collation where oid = a.attcollation)) end,
    case when a.attnotnull then ' not null' end,
    case when a.attgenerated = 's' then format(' generated always as (%s) stored', ${expression}) when f.adbin is not null then format(' default %s', ${expression}) end
  ) as text, a.attnum
  from pg_catalog.pg_attribute a join pg_catalog.pg_type t on t.oid = a.atttypid
  left join pg_catalog.pg_attrdef f on f.adrelid = a.attrelid and f.adnum = a.attnum
  where a.attrelid = o.oid and a.attnum > 0 and not a.attisdropped`;

const indexes = sql`select format(E'\n%s;', pg_catalog.pg_get_indexdef(i.indexrelid)) as text, i.indexrelid from pg_catalog.pg_index i
  where i.indrelid = o.oid and not exists (select from pg_catalog.pg_constraint c where c.conindid = i.indexrelid and c.contype in ('p', 'u', 'x'))`;

const triggers = sql`select format(E'\n%s;', pg_catalog.pg_get_triggerdef(g.oid)) as text, g.tgname from pg_catalog.pg_trigger g
  where g.tgrelid = o.oid and not g.tgisinternal`;

const tableSql = sql`select format(E'create table %I (\n  %s\n);', o.relname, array_to_string(array(select text from (
      select text, 0 as part, attnum, '' collate "C" as name from (${columns}) c union all
      select format('constraint %I %s', conname, text), 1, 0, conname::text collate "C" from (${constraints}) c
    ) lines order by part, attnum, name), E',\n  '))
    || array_to_string(array(select text from (${indexes}) i order by indexrelid::regclass::text collate "C"), '')
    || array_to_string(array(select text from (${triggers}) g order by tgname), '')
  from pg_catalog.pg_class o where o.relnamespace = ${here} and o.relkind in ('r', 'p') and ${ours} order by o.relname collate "C"`;
