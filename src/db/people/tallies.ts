import type { Pool } from "../../postgres/pool.ts";
import { type Statement, sql } from "../../postgres/sql.ts";

/**
 * A limit on an action: `most` uses in a window of `ms`, which begins with the first use. `key` names the action and its subject.
 */
export type Allowance = { key: string; most: number; ms: number };

/** Counts one use. Returns true when it is within the limit. */
export async function take(pool: Pool, allowance: Allowance, now: number): Promise<boolean> {
  const rows = await pool.rows(taking(allowance, now));
  return rows.length > 0;
}

/**
 * Counts one use and returns a row, or no row above the limit. It is one statement, so concurrent requests wait for each other's
 * count. Put in front of another statement, it makes counting and acting atomic.
 */
export function taking({ key, most, ms }: Allowance, now: number): Statement {
  return sql`insert into tallies as t (key, used, ends_at) values (${key}, 1, ${iso(now + ms)})
    on conflict (key) do update set used = case when t.ends_at <= ${iso(now)} then 1 else t.used + 1 end,
      ends_at = case when t.ends_at <= ${iso(now)} then excluded.ends_at else t.ends_at end
      where t.ends_at <= ${iso(now)} or t.used < ${most}
    returning used`;
}

/** Resets a count. */
export async function giveBack(pool: Pool, key: string): Promise<void> {
  await pool.rows(sql`delete from tallies where key = ${key}`);
}

/** Remembers a fact until a time. It never shortens an earlier one. */
export async function remember(pool: Pool, key: string, until: number): Promise<void> {
  await pool.rows(sql`insert into tallies as t (key, used, ends_at) values (${key}, 1, ${iso(until)})
    on conflict (key) do update set ends_at = greatest(t.ends_at, excluded.ends_at)`);
}

export async function isRemembered(pool: Pool, key: string, now: number): Promise<boolean> {
  const rows = await pool.rows(sql`select key from tallies where key = ${key} and ends_at > ${iso(now)}`);
  return rows.length > 0;
}

export async function dropEndedTallies(pool: Pool, now: number): Promise<void> {
  await pool.rows(sql`delete from tallies where ends_at <= ${iso(now)}`);
}

const iso = (ms: number) => new Date(ms).toISOString();
