import type { Described } from "../../postgres/connection.ts";

/** Types by number (pg_type.oid) that most answers are made of. */
const KNOWN = new Map<number, string>([
  [16, "boolean"],
  [17, "bytea"],
  [18, "char"],
  [19, "name"],
  [20, "bigint"],
  [21, "smallint"],
  [23, "integer"],
  [25, "text"],
  [26, "oid"],
  [114, "json"],
  [700, "real"],
  [701, "double precision"],
  [1005, "smallint[]"],
  [1007, "integer[]"],
  [1009, "text[]"],
  [1016, "bigint[]"],
  [1042, "character"],
  [1043, "character varying"],
  [1082, "date"],
  [1083, "time"],
  [1114, "timestamp"],
  [1184, "timestamptz"],
  [1186, "interval"],
  [1231, "numeric[]"],
  [1700, "numeric"],
  [3802, "jsonb"],
]);

/** The names of the types of these columns, as PostgreSQL calls them where this table does not. */
export async function nameTypes(
  columns: Described["columns"],
  ask: (text: string, values: readonly unknown[]) => Promise<Described>,
): Promise<ReadonlyMap<number, string>> {
  const unknown = [...new Set(columns.map(({ type }) => type).filter((type) => !KNOWN.has(type)))];
  if (unknown.length === 0) return KNOWN;
  const { rows } = await ask(
    "select t.oid, pg_catalog.format_type(t.oid, null) from pg_catalog.pg_type t where t.oid = any ($1::pg_catalog.oid[])",
    [unknown],
  );
  return new Map([...KNOWN, ...rows.map(([oid, name]): [number, string] => [Number(oid), name as string])]);
}
