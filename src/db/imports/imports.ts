import type { IdReference } from "../../kit/id.ts";
import { Problem } from "../../kit/problem.ts";
import type { Pool } from "../../postgres/pool.ts";
import { sql } from "../../postgres/sql.ts";
import type { Transaction } from "../../postgres/transaction.ts";
import type { Author } from "../database.ts";
import type { Claim } from "../records/writeStatement.ts";
import { readEverywhere } from "../spread/everywhere.ts";

/**
 * An import is staging while its file arrives, staged once all rows are there, and in the end done; refused when it was strict and a row did
 * not pass. A run works on it and says so now and then; when that run has ended without a word, another goes on where it stopped.
 */
export type State = "staging" | "staged" | "done" | "refused";

export type Counts = { created: number; updated: number; unchanged: number; refused: number };

export type Import = Counts & {
  id: string;
  /** Null where each row names its own. */
  kind: string | null;
  state: State;
  strict: boolean;
  /** Of the file. */
  digest: string | null;
  /** Facts about the file itself, kept beside its rows. */
  facts: unknown;
  rows: number;
  /** Under which the history has all that it wrote. */
  requestId: string;
  /** Epoch ms, which all its changes are dated. */
  at: number;
};

/** A run that has said nothing for so long has ended. */
export const SILENT_MS = 10_000;

const COLUMNS = sql`i.id, i.kind, i.state, i.strict, i.digest, i.facts, i.rows, i.created, i.updated, i.unchanged, i.refused, i.request_id,
  (extract(epoch from i.created_at at time zone 'UTC') * 1000)::bigint`;

function importOf(row: readonly unknown[]): Import {
  const [id, kind, state, strict, digest, facts, rows, created, updated, unchanged, refused, requestId, at] = row;
  return { id, kind, state, strict, digest, facts, rows, created, updated, unchanged, refused, requestId, at } as Import;
}

export type Wish = {
  id: string;
  kind: string | null;
  strict: boolean;
  dryRun: boolean;
  runner: string;
  claim: Claim | undefined;
};

/**
 * Begins an import, or takes over the one that came with this key before and whose run has ended. Gives what it is and whether it was there
 * before.
 */
export async function beginImport(pool: Pool, author: Author, wish: Wish): Promise<{ found: Import; before: boolean }> {
  const { workspaceId } = author;
  const now = new Date(author.now).toISOString();
  return pool.transaction(async (tx) => {
    const known = wish.claim && (await claimKey(tx, author, wish.id, wish.claim));
    if (known === undefined) {
      const [made] =
        await tx.rows(sql`insert into imports as i (workspace_id, id, kind, state, dry_run, strict, facts, runner, beat_at, rows,
          created, updated, unchanged, refused, actor, request_id, created_at)
        values (${workspaceId}, ${wish.id}, ${wish.kind}, 'staging', ${wish.dryRun}, ${wish.strict}, '{}', ${wish.runner}, ${now}, 0, 0, 0, 0, 0,
          ${author.actor}, ${author.requestId}, ${now}) returning ${COLUMNS}`);
      return { found: importOf(made!), before: false };
    }
    const [row] =
      await tx.rows(sql`select ${COLUMNS}, i.beat_at > ${new Date(author.now - SILENT_MS).toISOString()}::timestamptz
      from imports i where i.workspace_id = ${workspaceId} and i.id = ${known} for update`);
    if (!row) throw new Problem("idempotency_conflict", "the import of this Idempotency-Key is gone", "use a new key");
    const found = importOf(row);
    const ended = found.state === "done" || found.state === "refused";
    if (!ended && row.at(-1)) {
      throw new Problem(
        "idempotency_conflict",
        "the import with this Idempotency-Key still runs",
        "read how far it is: GET /imports",
        {
          headers: { "Retry-After": String(SILENT_MS / 1000) },
        },
      );
    }
    if (!ended) await takeOver(tx, workspaceId, found, wish.runner, now);
    return { found, before: true };
  });
}

/** The id of the import that came with this key before. */
async function claimKey(tx: Transaction, author: Author, id: string, { key, fingerprint }: Claim): Promise<string | undefined> {
  const { workspaceId } = author;
  const claimed = await tx.rows(sql`insert into idempotency_keys (workspace_id, key, fingerprint, record_id, created_at)
    values (${workspaceId}, ${key}, ${fingerprint}, ${id}, ${new Date(author.now).toISOString()}) on conflict do nothing returning 1`);
  if (claimed.length > 0) return undefined;
  const [known] = await tx.rows(
    sql`select fingerprint, record_id from idempotency_keys where workspace_id = ${workspaceId} and key = ${key}`,
  );
  if (known?.[0] !== fingerprint) throw anotherRequest();
  return known[1] as string;
}

export const anotherRequest = () =>
  new Problem(
    "idempotency_mismatch",
    "this Idempotency-Key came with another request before",
    "use a new key for a new request, or for another file",
  );

/** Of a file that did not arrive whole nothing has been written: it is staged anew. */
async function takeOver(
  tx: Transaction,
  workspaceId: string,
  { id, state }: Import,
  runner: string,
  now: string,
): Promise<void> {
  await tx.rows(
    sql`update imports set runner = ${runner}, beat_at = ${now} where workspace_id = ${workspaceId} and id = ${id}`,
  );
  if (state === "staging")
    await tx.rows(sql`delete from import_rows where workspace_id = ${workspaceId} and import_id = ${id}`);
}

/** Who works on which import. */
export type Hold = { workspaceId: string; id: string; runner: string };

/** Says that the run goes on, and locks the import until the transaction ends. Throws when another run has taken it over. */
export async function beat(tx: Pick<Transaction, "rows">, { workspaceId, id, runner }: Hold, now: number): Promise<void> {
  const held = await tx.rows(sql`update imports set beat_at = ${new Date(now).toISOString()}
    where workspace_id = ${workspaceId} and id = ${id} and runner = ${runner} returning 1`);
  if (held.length === 0) throw takenOver();
}

export const takenOver = () =>
  new Problem(
    "idempotency_conflict",
    "another request with this Idempotency-Key has taken the import over",
    "GET /imports shows it",
  );

export type StagedFile = { rows: number; refused: number; digest: string };

export async function keepStaged(pool: Pool, hold: Hold, file: StagedFile, facts: object): Promise<void> {
  const { workspaceId, id, runner } = hold;
  const { rows, refused, digest } = file;
  const held =
    await pool.rows(sql`update imports set state = 'staged', rows = ${rows}, refused = ${refused}, digest = ${digest}, facts = ${facts}
    where workspace_id = ${workspaceId} and id = ${id} and runner = ${runner} returning 1`);
  if (held.length === 0) throw takenOver();
}

/** Adds what came of some rows. */
export async function addCounts(tx: Pick<Transaction, "rows">, hold: Hold, counts: Counts, now: number): Promise<void> {
  const { workspaceId, id, runner } = hold;
  const held =
    await tx.rows(sql`update imports set created = created + ${counts.created}, updated = updated + ${counts.updated},
      unchanged = unchanged + ${counts.unchanged}, refused = refused + ${counts.refused}, beat_at = ${new Date(now).toISOString()}
    where workspace_id = ${workspaceId} and id = ${id} and runner = ${runner} returning 1`);
  if (held.length === 0) throw takenOver();
}

export async function endImport(tx: Pick<Transaction, "rows">, hold: Hold, state: State, now: number): Promise<void> {
  const { workspaceId, id, runner } = hold;
  await tx.rows(sql`update imports set state = ${state}, finished_at = ${new Date(now).toISOString()}
    where workspace_id = ${workspaceId} and id = ${id} and runner = ${runner}`);
}

/** Takes away an import that has written nothing, and frees its key. */
export async function dropImport(pool: Pool, { workspaceId, id, runner }: Hold): Promise<void> {
  await pool.transaction(
    async (tx) => {
      const gone = await tx.rows(
        sql`delete from imports where workspace_id = ${workspaceId} and id = ${id} and runner = ${runner} returning 1`,
      );
      if (gone.length === 0) return;
      await tx.rows(sql`delete from import_rows where workspace_id = ${workspaceId} and import_id = ${id}`);
      await tx.rows(sql`delete from idempotency_keys where workspace_id = ${workspaceId} and record_id = ${id}`);
    },
    { longFor: workspaceId, deadlineMs: 600_000 },
  );
}

/** An import of the workspace, dry runs aside. */
export async function findImport(pool: Pool, workspaceId: string, { key }: IdReference): Promise<Import | undefined> {
  const [row] = await pool.rows(
    sql`select ${COLUMNS} from imports i where i.workspace_id = ${workspaceId} and right(i.id, 8) = ${key.slice(-8)}
      and right(i.id, length(${key})) = ${key} and not i.dry_run`,
    { retry: true },
  );
  return row && importOf(row);
}

/** The newest imports of a workspace, as rows of the view `import`. */
export function listImports(pool: Pool, workspaceId: string): Promise<unknown[][]> {
  return pool.rows(
    sql`select i.id, 1, i.kind, i.state, i.strict, i.rows, i.created, i.updated, i.unchanged, i.refused, i.actor, i.request_id, i.created_at,
      i.finished_at from imports i where i.workspace_id = ${workspaceId} and not i.dry_run order by i.created_at desc, i.id desc limit 200`,
    { retry: true },
  ) as Promise<unknown[][]>;
}

/** How long verdicts are kept. */
const KEPT_MS = 86_400_000;

/** Upkeep of all workspaces at once. Rows go a few thousand at a time, so that nobody waits for the deletion of millions. */
export async function dropOldImports(pool: Pool, now: number): Promise<void> {
  const before = new Date(now - KEPT_MS).toISOString();
  const old = await readEverywhere(
    pool,
    ["imports"],
    (imports) =>
      sql`select workspace_id, id from ${imports} where created_at < ${before}::timestamptz and beat_at < ${before}::timestamptz`,
    {},
  );
  for (const [workspaceId, id] of old) {
    for (let gone = 1; gone > 0; ) {
      const [count] =
        await pool.rows(sql`with gone as (delete from import_rows where workspace_id = ${workspaceId} and import_id = ${id}
        and n in (select n from import_rows where workspace_id = ${workspaceId} and import_id = ${id} limit 5000) returning 1)
        select count(*)::int from gone`);
      gone = count![0] as number;
    }
    await pool.rows(sql`delete from imports where workspace_id = ${workspaceId} and id = ${id} and beat_at < ${before}`);
  }
}
