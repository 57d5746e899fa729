import type { Pool } from "../../postgres/pool.ts";
import { sql } from "../../postgres/sql.ts";

export type WaitingMail = { id: string; sealed: Buffer; attempts: number; createdAt: number };

const iso = (ms: number) => new Date(ms).toISOString();

/**
 * Stores a mail until it is sent. `firstAttempt` lies ahead, so that the caller can send it at once without a second process
 * sending it too.
 */
export async function keepMail(pool: Pool, id: string, sealed: Buffer, now: number, firstAttempt: number): Promise<void> {
  await pool.rows(
    sql`insert into mails (id, sealed, attempts, created_at, next_attempt_at) values (${id}, ${sealed}, 0, ${iso(now)}, ${iso(firstAttempt)})`,
  );
}

export async function dropMail(pool: Pool, id: string): Promise<void> {
  await pool.rows(sql`delete from mails where id = ${id}`);
}

/** Leases the mails that are due. No other process gets them before `again`. */
export async function takeDueMails(pool: Pool, now: number, again: number): Promise<WaitingMail[]> {
  const rows = await pool.rows(sql`update mails set attempts = attempts + 1, next_attempt_at = ${iso(again)}
    where id in (select id from mails where next_attempt_at <= ${iso(now)} order by next_attempt_at limit 20 for update skip locked)
    returning id, sealed, attempts, (extract(epoch from created_at) * 1000)::bigint`);
  return rows.map(([id, sealed, attempts, createdAt]) => ({ id, sealed, attempts, createdAt }) as WaitingMail);
}
