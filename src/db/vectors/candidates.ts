import type { Near } from "../../derive/near.ts";
import { isTooSlow } from "../../postgres/errors.ts";
import type { Pool } from "../../postgres/pool.ts";
import { count, join, raw, type Statement, sql } from "../../postgres/sql.ts";
import { columnName, type Kind } from "../../records/kind.ts";
import type { Database } from "../database.ts";
import { long } from "../records/deadlines.ts";
import { tableOf } from "../records/table.ts";
import { type Indexed, indexName, MOST_INDEXED, unitSql } from "./indexed.ts";

export type Wish = {
  workspaceId: string;
  kind: Kind;
  filters: readonly Statement[];
  near: Near;
  /** Only those that are no more similar. */
  from: number | undefined;
  most: number;
};

/** How long the index may look for records that the filters leave. */
const LOOKING_MS = 2_000;

/** How many neighbours a search of the index keeps in view, and how many records it looks at until the filters have left enough. */
const IN_VIEW = 400;
const LOOKED_AT = 5_000;

/** By how much half precision may misjudge. */
const BLUR = 0.002;

/**
 * Ids of records that are probably the nearest, by the index of pgvector; undefined where there is none. There are more than were asked for, so
 * that the nearest are among them, or fewer where the filters leave few of those that are near.
 */
export async function candidates({ pool, isUnit }: Database, wish: Wish): Promise<string[] | undefined> {
  // What is set for the search would hold until the unit ends.
  if (isUnit) return undefined;
  const { workspaceId, kind, near, filters, from, most } = wish;
  const of: Indexed = { workspaceId, kind, slot: columnName(near.field), dimensions: near.field.type.dimensions! };
  const schema = await schemaOf(pool, of);
  if (schema === undefined) return undefined;
  const asked = sql`(${unit(near.numbers)}::text)::${raw(schema)}.halfvec`;
  const distance = sql`${raw(unitSql("r.own", of, schema))} operator(${raw(schema)}.<=>) ${asked}`;
  const behind = from === undefined ? raw("true") : sql`${distance} >= ${1 - from - BLUR}`;
  const found = sql`select r.id from ${tableOf(kind).name} r where ${join([...filters, behind], " and ")}
    order by ${distance} limit ${count(2 * most + 20)}`;
  try {
    return await pool.transaction(
      async (tx) => {
        // The planner takes reading a vector for as cheap as comparing two numbers, and would read and sort thousands.
        await tx.rows(sql`select set_config('hnsw.ef_search', ${String(IN_VIEW)}, true), set_config('hnsw.iterative_scan', 'strict_order', true),
          set_config('hnsw.max_scan_tuples', ${String(LOOKED_AT)}, true), set_config('enable_sort', 'off', true)`);
        return (await tx.rows(found, { plan: "custom" })).map(([id]) => id as string);
      },
      { longFor: long(workspaceId).longFor, deadlineMs: LOOKING_MS },
    );
  } catch (error) {
    if (!isTooSlow(error)) throw error;
    return undefined;
  }
}

/** Where pgvector is, quoted; undefined where the field has no index that is ready. */
async function schemaOf({ rows, spread }: Pool, of: Indexed): Promise<string | undefined> {
  if (spread || of.dimensions > MOST_INDEXED) return undefined;
  const [found] = await rows(
    sql`select quote_ident(n.nspname) from pg_class c join pg_index i on i.indexrelid = c.oid, pg_extension e join pg_namespace n on n.oid = e.extnamespace
      where c.relname = ${indexName(of)} and i.indisvalid and pg_table_is_visible(c.oid) and e.extname = 'vector'`,
    { retry: true, brief: true },
  );
  return found?.[0] as string | undefined;
}

/** Of length 1, as text. */
function unit(numbers: readonly number[]): string {
  const length = Math.sqrt(numbers.reduce((sum, each) => sum + each * each, 0));
  return `[${numbers.map((each) => (each / length).toPrecision(8)).join(",")}]`;
}
