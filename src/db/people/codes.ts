import type { Pool } from "../../postgres/pool.ts";
import { sql } from "../../postgres/sql.ts";
import { type Allowance, taking } from "./tallies.ts";

/**
 * Codes that are mailed. A code belongs to its subject, e.g. the e-mail address that signs in, and to the network address it was asked from,
 * and guesses are counted by where they come from: a stranger who guesses wears out what others may try, and not what the owner may. The
 * owner may type a code in elsewhere than where it was asked for, so other addresses may try as well, all of them together within a bound:
 * no code bears more than the sum of both.
 */
export const CODE_ATTEMPTS = 5;
export const FOREIGN_ATTEMPTS = 20;

/** `digest` is that of the six digits, `longDigest` that of the form which cannot be guessed, if there is one. */
export type StoredCode = { subject: string; address: string; digest: string; longDigest: string | null; expiresAt: number };

/**
 * Replaces the code of this subject and network address, as far as that is allowed. What was counted was stored too, by one statement: whoever
 * finds an allowance used up finds the codes.
 */
export async function storeCode(pool: Pool, code: StoredCode, allowed: Allowance, now: number): Promise<boolean> {
  const { subject, address, digest, longDigest, expiresAt } = code;
  const rows = await pool.rows(sql`with allowed as (${taking(allowed, now)})
    insert into codes (subject, address, digest, long_digest, attempts, foreign_attempts, expires_at)
    select ${subject}, ${address}, ${digest}, ${longDigest}::text, 0, 0, ${iso(expiresAt)}::timestamptz from allowed
    on conflict (subject, address) do update set digest = excluded.digest, long_digest = excluded.long_digest, attempts = 0,
      foreign_attempts = 0, expires_at = excluded.expires_at
    returning subject`);
  return rows.length > 0;
}

/** What a code of this subject is still good for at any address: `guesses` for either form, `long` for the long one, or nothing. */
export async function findLiving(pool: Pool, subject: string, now: number): Promise<"guesses" | "long" | undefined> {
  const [row] = await pool.rows(sql`select count(*)::int, (count(*) filter (where foreign_attempts < ${FOREIGN_ATTEMPTS}))::int
    from codes where subject = ${subject} and expires_at > ${iso(now)}`);
  const [living, open] = row as [number, number];
  if (open > 0) return "guesses";
  return living > 0 ? "long" : undefined;
}

export type Guess = { subject: string; address: string; digest: string; now: number };

/**
 * Spends the code: true once, for the right digest. Each guess counts against every code it is compared with before it is compared, in
 * one statement, so that guesses sent at the same time cannot share an attempt.
 */
export async function spendCode(pool: Pool, { subject, address, digest, now }: Guess): Promise<boolean> {
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

/** The same by the long form, whose guesses need no count. */
export async function spendLongCode(pool: Pool, { subject, digest, now }: Omit<Guess, "address">): Promise<boolean> {
  const spent = await pool.rows(
    sql`delete from codes where subject = ${subject} and long_digest = ${digest} and expires_at > ${iso(now)} returning subject`,
  );
  return spent.length > 0;
}

export async function dropExpiredCodes(pool: Pool, now: number): Promise<void> {
  await pool.rows(sql`delete from codes where expires_at < ${iso(now)}`);
}

const iso = (ms: number) => new Date(ms).toISOString();
