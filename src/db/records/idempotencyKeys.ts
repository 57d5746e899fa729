import { Problem } from "../../kit/problem.ts";
import type { Pool } from "../../postgres/pool.ts";
import { sql } from "../../postgres/sql.ts";
import type { Author, Database } from "../database.ts";
import { sweepEverywhere } from "../spread/everywhere.ts";
import type { Claim } from "./writeStatement.ts";

/** How long a retry of a write is known as one. */
const KEPT_MS = 86_400_000;

/** Upkeep of all workspaces at once, the one kind of statement that names none. */
export async function dropOldKeys(pool: Pool, now: number): Promise<void> {
  const before = new Date(now - KEPT_MS).toISOString();
  await sweepEverywhere(
    pool,
    ["idempotency_keys"],
    (keys) => sql`delete from ${keys} where created_at < ${before}::timestamptz`,
    {},
  );
}

/** What a request with this key did before: the record it was about, and the answer where that was no record. Refused: another request. */
export async function doneBefore(
  db: Database,
  workspaceId: string,
  { key, fingerprint }: Claim,
): Promise<{ recordId: string; answer: unknown } | undefined> {
  const [done] = await db.pool.rows(
    sql`select fingerprint, record_id, answer from idempotency_keys where workspace_id = ${workspaceId} and key = ${key}`,
    { retry: true },
  );
  if (!done) return undefined;
  if (done[0] === fingerprint) return { recordId: done[1] as string, answer: done[2] };
  throw new Problem(
    "idempotency_mismatch",
    "this Idempotency-Key came with another request before",
    "use a new key for a new request",
  );
}

/** Takes a key for the transaction that it runs in. False when it is taken already; waits for one who is about to take it. */
export async function takeKey(db: Database, { workspaceId, now }: Author, { key, fingerprint }: Claim): Promise<boolean> {
  const taken = await db.pool.rows(
    sql`insert into idempotency_keys (workspace_id, key, fingerprint, record_id, created_at)
      values (${workspaceId}, ${key}, ${fingerprint}, '', ${new Date(now).toISOString()}) on conflict do nothing returning 1`,
  );
  return taken.length > 0;
}

/** Keeps what the request came to, for those that repeat it. */
export async function keepAnswer(
  db: Database,
  { workspaceId }: Author,
  { key }: Claim,
  recordId: string,
  answer: object | null,
): Promise<void> {
  await db.pool.rows(
    sql`update idempotency_keys set record_id = ${recordId}, answer = ${answer}::json
      where workspace_id = ${workspaceId} and key = ${key}`,
  );
}
