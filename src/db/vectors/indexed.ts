import { createHash } from "node:crypto";
import { type Kind, SHARED_TABLE } from "../../records/kind.ts";

/**
 * An index of pgvector for one field of one workspace, over the records of one kind. Vectors of all workspaces are in the same column, of any
 * length, so each field that is worth it has an index of its own. It holds the vectors at length 1 and in half precision: half as large, no
 * number overflows, and twice as many numbers fit. What it finds is compared anew, exactly (records/nearest.ts).
 */
export type Indexed = { workspaceId: string; kind: Pick<Kind, "name" | "table">; slot: string; dimensions: number };

/** More numbers fit in no index of pgvector. */
export const MOST_INDEXED = 4_000;

/** Names of our indexes, as a regular expression. */
export const NAMES = "^near_[0-9a-f]{32}$";

/** The name says all that the index depends on. */
export function indexName({ workspaceId, kind, slot, dimensions }: Indexed): string {
  const what = [workspaceId, kind.table, kind.name, slot, dimensions].join(" ");
  return `near_${createHash("sha256").update(what).digest("hex").slice(0, 32)}`;
}

/** The indexed vector, as text of SQL. `schema`: where pgvector is. */
export const unitSql = (own: string, { slot, dimensions }: Indexed, schema: string): string =>
  `${schema}.l2_normalize((${own} ->> '${slot}')::${schema}.vector(${dimensions}))::${schema}.halfvec(${dimensions})`;

/** `create index …`. Writes go on meanwhile. */
export function createIndexSql(of: Indexed, schema: string): string {
  const { workspaceId, kind, slot } = of;
  if (![workspaceId, kind.name, slot].every((text) => /^\w+$/.test(text))) throw new TypeError(`no index for ${workspaceId}`);
  const records = kind.table === SHARED_TABLE ? ` and kind = '${kind.name}'` : "";
  return `create index concurrently ${indexName(of)} on ${kind.table} using hnsw ((${unitSql("own", of, schema)}) ${schema}.halfvec_cosine_ops)
    where workspace_id = '${workspaceId}'${records} and deleted_at is null`;
}
