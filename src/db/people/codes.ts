import type { Pool } from "../../postgres/pool.ts";
import { sql } from "../../postgres/sql.ts";
import { type Allowance, taking } from "./tallies.ts";

/**
 * Attempts that a mailed code allows. A code belongs to a subject, such as the e-mail address that signs in, and to the network
 * address that requested it. Guesses from that address and guesses from all others are counted separately.
 *
 * So a stranger's guesses never use up the owner's attempts. The owner may still type the code elsewhere. A code takes at most
 * the sum of both counts.
 */
export const CODE_ATTEMPTS = 5;
export const FOREIGN_ATTEMPTS = 20;

/** `digest` is the digest of the six digits, `longDigest` that of the long form, if there is one. */
export type StoredCode = { subject: string; address: string; digest: string; longDigest: string | null; expiresAt: number };

/**
 * Replaces the code of this subject and network address, if the allowance permits. One statement counts and stores. So a caller
 * who finds the allowance used up also finds the codes that used it.
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

/**
 * Tells which form of an unexpired code still works at any address. `guesses` means both forms, `long` only the long one,
 * undefined none.
 */
export async function findLiving(pool: Pool, subject: string, now: number): Promise<"guesses" | "long" | undefined> {
  const [row] = await pool.rows(sql`select count(*)::int, (count(*) filter (where foreign_attempts < ${FOREIGN_ATTEMPTS}))::int
    from codes where subject = ${subject} and expires_at > ${iso(now)}`);
  const [living, open] = row as [number, number];
  if (open > 0) return "guesses";
  return living > 0 ? "long" : undefined;
}

export type Guess = { subject: string; address: string; digest: string; now: number };

/**
 * Spends a code. Returns true once, for the right digest. One statement counts the guess against every code before the
 * comparison, so concurrent guesses cannot share an attempt.
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

/** Spends a code by its long form. It has too many values to guess, so guesses are not counted. */
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
