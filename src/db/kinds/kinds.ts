import type { PartColumn } from "../../formats/files/workspacePart.ts";
import { toTimestamp } from "../../kit/time.ts";
import { inTurns } from "../../kit/turns.ts";
import type { Rows } from "../../postgres/driver.ts";
import type { Pool } from "../../postgres/pool.ts";
import { ident, join, raw, type Statement, sql } from "../../postgres/sql.ts";
import type { Transaction } from "../../postgres/transaction.ts";
import { SHARED_TABLE } from "../../records/kind.ts";
import type { OwnKind } from "../../records/own.ts";
import type { Author } from "../database.ts";
import { lockWorkspaces } from "../people/locks.ts";

/** What workspaces have declared. `kinds_version` of a workspace counts its changes, so that every process knows when to read them anew. */
export type Kinds = { version: number; kinds: OwnKind[] };

/** Declarations are read where `known` has not the same: of many kinds, few change. */
const readSql = (workspaceId: string, known: readonly OwnKind[]) => {
  const versions = Object.fromEntries(known.map((kind) => [kind.name, `${kind.version} ${kind.updated_at}`]));
  return sql`select w.kinds_version, k.name, k.id, k.plural, k.prefix, k.version, k.deleted_at::text, k.updated_at::text,
      case when ${versions}::jsonb ->> k.name is distinct from k.version || ' ' || k.updated_at then k.declaration::text end
    from workspaces w left join kinds k on k.workspace_id = w.id where w.id = ${workspaceId} order by k.created_at, k.name`;
};

/** As of one moment. `known`: what was read before. */
export async function readKinds(
  { rows }: Pick<Pool, "rows">,
  workspaceId: string,
  known: readonly OwnKind[] = [],
): Promise<Kinds> {
  return inTurns(kindsOf(await rows(readSql(workspaceId, known), { retry: true }), known));
}

/** Many declarations take a while to parse. */
function* kindsOf(rows: Rows, known: readonly OwnKind[]): Generator<void, Kinds, void> {
  const before = new Map(known.map((kind) => [kind.name, kind]));
  const kinds: OwnKind[] = [];
  for (const [, name, id, plural, prefix, version, deleted_at, updated_at, text] of rows as [number, ...string[]][]) {
    if (name === null) continue;
    const declaration = text === null ? before.get(name!)!.declaration : JSON.parse(text!);
    kinds.push({ name, id, plural, prefix, version, deleted_at, updated_at, declaration } as unknown as OwnKind);
    yield;
  }
  return { version: (rows[0]?.[0] ?? 0) as number, kinds };
}

export async function readVersion({ rows }: Pick<Pool, "rows">, workspaceId: string): Promise<number> {
  const [row] = await rows(sql`select w.kinds_version from workspaces w where w.id = ${workspaceId}`, {
    retry: true,
    brief: true,
  });
  return (row?.[0] ?? 0) as number;
}

/**
 * Changes what a workspace has declared. `known`: what was read before. `decide` is given what there is, while no other request can change it, and gives the kind as it is to
 * be; it throws where that cannot be.
 */
export function changeKinds(
  pool: Pool,
  { workspaceId, actor, now }: Author,
  known: readonly OwnKind[],
  decide: (kinds: readonly OwnKind[], tx: Transaction) => OwnKind | Promise<OwnKind>,
): Promise<OwnKind> {
  return pool.transaction(async (tx) => {
    await lockWorkspaces(tx, sql`id = ${workspaceId}`);
    const { kinds } = await inTurns(kindsOf(await tx.rows(readSql(workspaceId, known)), known));
    const kind = await decide(kinds, tx);
    const at = toTimestamp(now);
    await tx.rows(sql`insert into kinds as k (workspace_id, name, id, prefix, plural, declaration, version, created_at, created_by, updated_at, deleted_at)
      values (${workspaceId}, ${kind.name}, ${kind.id}, ${kind.prefix}, ${kind.plural}, ${kind.declaration}::jsonb, 1, ${at}, ${actor}, ${at}, ${kind.deleted_at}::timestamptz)
      on conflict (workspace_id, name) do update set declaration = excluded.declaration, version = k.version + 1, updated_at = excluded.updated_at,
        deleted_at = excluded.deleted_at`);
    await tx.rows(sql`update workspaces set kinds_version = kinds_version + 1 where id = ${workspaceId}`);
    return kind;
  });
}

/** Stores the kinds of a file, in a workspace that has none. */
export async function storeKinds(
  { rows }: Pick<Transaction, "rows">,
  workspaceId: string,
  kinds: readonly unknown[],
): Promise<void> {
  if (kinds.length === 0) return;
  const names = join(KIND_COLUMNS.map(({ name }) => ident(name)));
  await rows(sql`insert into kinds (workspace_id, ${names})
    select ${workspaceId}, ${names} from jsonb_populate_recordset(null::kinds, ${kinds}::jsonb)`);
  await rows(sql`update workspaces set kinds_version = kinds_version + 1 where id = ${workspaceId}`);
}

/** The columns of a kind in the file of a workspace. */
export const KIND_COLUMNS: readonly PartColumn[] = [
  { name: "name", holds: "text", required: true },
  { name: "id", holds: "text", required: true, ids: new Set(["k"]) },
  { name: "prefix", holds: "text" },
  { name: "plural", holds: "text" },
  { name: "declaration", holds: "jsonb", required: true },
  {
    name: "version",
    holds: "integer",
    required: true,
    allows: (value) => (value as number) >= 1 && (value as number) < 2_147_000_000,
  },
  { name: "created_at", holds: "timestamptz", required: true },
  { name: "created_by", holds: "text", required: true },
  { name: "updated_at", holds: "timestamptz", required: true },
  { name: "deleted_at", holds: "timestamptz" },
];

/** The names of the own kinds that have living records: the index leads from one to the next, however many records each has. */
export async function usedKinds({ rows }: Pick<Pool, "rows">, workspaceId: string): Promise<Set<string>> {
  const next = (after: Statement) =>
    sql`(select r.kind from ${raw(SHARED_TABLE)} r where r.workspace_id = ${workspaceId} and r.deleted_at is null ${after} order by r.kind limit 1)`;
  const found = await rows(
    sql`with recursive used as (select ${next(raw(""))} as kind
      union all select ${next(raw("and r.kind > used.kind"))} from used where used.kind is not null) select kind from used where kind is not null`,
    { retry: true },
  );
  return new Set(found.map(([kind]) => kind as string));
}

/** How many living records a kind has, and a digest of their ids and versions. The kind itself may be deleted. */
export async function livingOwn(
  { rows }: Pick<Pool, "rows">,
  workspaceId: string,
  name: string,
): Promise<{ count: number; set: string }> {
  const [row] = await rows(
    sql`select count(*)::int, coalesce(sum(hashtextextended(r.id, r.version)), 0)::text from ${raw(SHARED_TABLE)} r
      where r.workspace_id = ${workspaceId} and r.kind = ${name} and r.deleted_at is null`,
  );
  return { count: row![0] as number, set: row![1] as string };
}
