import type { Pool } from "./client.ts";
import { sql } from "./sql.ts";

/**
 * Codes that are mailed. A code belongs to its subject, e.g. the e-mail address that signs in, and to the network address it was asked from, and attempts are counted by where
 * they come from: a stranger who asks for codes, or guesses, wears out their own. The owner may type a code in elsewhere than where it was
 * asked for, so other addresses may try as well, all of them together within a bound.
 */
export const CODE_ATTEMPTS = 5;
export const FOREIGN_ATTEMPTS = 20;

export type CodeRequest = { subject: string; address: string; digest: string; now: number };

/** Replaces the code of this subject and network address. False when it was sent `mostAnHour` in the hour already. */
export async function storeCode(
  pool: Pool,
  { subject, address, digest, now }: CodeRequest,
  expiresAt: number,
  mostAnHour: number,
): Promise<boolean> {
  const hourAgo = iso(now - 3_600_000);
  const rows =
    await pool.rows(sql`insert into codes as c (subject, address, digest, attempts, foreign_attempts, sent, window_start, expires_at)
    values (${subject}, ${address}, ${digest}, 0, 0, 1, ${iso(now)}, ${iso(expiresAt)})
    on conflict (subject, address) do update set digest = excluded.digest, attempts = 0, foreign_attempts = 0, expires_at = excluded.expires_at,
      sent = case when c.window_start > ${hourAgo} then c.sent + 1 else 1 end,
      window_start = case when c.window_start > ${hourAgo} then c.window_start else excluded.window_start end
      where c.window_start <= ${hourAgo} or c.sent < ${mostAnHour}
    returning sent`);
  return rows.length > 0;
}

/** What was mailed in the last hour: codes for this subject from everywhere, codes for anybody asked for from this address. */
export async function countMails(
  pool: Pool,
  subject: string,
  address: string,
  now: number,
): Promise<{ toSubject: number; fromAddress: number }> {
  const hourAgo = iso(now - 3_600_000);
  const [row] = await pool.rows(sql`select
    (select coalesce(sum(sent), 0)::int from codes where subject = ${subject} and window_start > ${hourAgo}),
    (select coalesce(sum(sent), 0)::int from codes where address = ${address} and window_start > ${hourAgo})`);
  return { toSubject: row![0] as number, fromAddress: row![1] as number };
}

/**
 * Lets this address use the newest code that was mailed for the subject, with attempts of its own. So whoever is flooded with codes that
 * strangers ask for gets no more of them, and still gets in. False when there is none to share.
 */
export async function shareNewestCode(pool: Pool, subject: string, address: string, now: number): Promise<boolean> {
  const rows =
    await pool.rows(sql`insert into codes as c (subject, address, digest, attempts, foreign_attempts, sent, window_start, expires_at)
    select subject, ${address}, digest, 0, 0, 0, ${iso(now)}, expires_at from codes
      where subject = ${subject} and expires_at > ${iso(now)} order by expires_at desc, address limit 1
    on conflict (subject, address) do update set digest = excluded.digest, expires_at = excluded.expires_at,
      attempts = case when c.digest = excluded.digest then c.attempts else 0 end
    returning sent`);
  return rows.length > 0;
}

/**
 * Spends the code: true once, for the right digest. Each guess counts against every code it is compared with before it is compared, in
 * one statement, so that guesses sent at the same time cannot share an attempt.
 */
export async function spendCode(pool: Pool, { subject, address, digest, now }: CodeRequest): Promise<boolean> {
  const tried = await pool.rows(sql`with tried as (
      update codes set attempts = attempts + (address = ${address})::int, foreign_attempts = foreign_attempts + (address <> ${address})::int
      where subject = ${subject} and expires_at > ${iso(now)}
        and case when address = ${address} then attempts < ${CODE_ATTEMPTS} else foreign_attempts < ${FOREIGN_ATTEMPTS} end
      returning digest)
    select digest from tried where digest = ${digest}`);
  if (tried.length === 0) return false;
  const spent = await pool.rows(sql`delete from codes where subject = ${subject} and digest = ${digest} returning subject`);
  return spent.length > 0;
}

export async function dropExpiredCodes(pool: Pool, now: number): Promise<void> {
  await pool.rows(sql`delete from codes where expires_at < ${iso(now - 3_600_000)}`);
}

const iso = (ms: number) => new Date(ms).toISOString();
