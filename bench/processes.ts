import { existsSync, readdirSync, readFileSync } from "node:fs";
import type { Sql } from "./place.ts";

const last = new Map<number, number>();

/**
 * CPU time a process has used, in microseconds, all its threads; of one that has ended, what it had used when it was last asked after.
 * schedstat counts nanoseconds; utime and stime of /proc/<pid>/stat, ticks of 10 ms, stand in where the kernel has no schedstat.
 */
export function cpuOf(pid: number): number {
  const used = existsSync(`/proc/${pid}`) ? (scheduled(pid) ?? ticked(pid)) : (last.get(pid) ?? 0);
  last.set(pid, used);
  return used;
}

function scheduled(pid: number): number | undefined {
  try {
    let nanoseconds = 0;
    for (const task of readdirSync(`/proc/${pid}/task`)) {
      nanoseconds += Number(readFileSync(`/proc/${pid}/task/${task}/schedstat`, "utf8").split(" ", 1)[0]);
    }
    return nanoseconds / 1000;
  } catch {
    return undefined;
  }
}

function ticked(pid: number): number {
  const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
  const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  return (Number(fields[11]) + Number(fields[12])) * (1_000_000 / TICKS_PER_SECOND);
}

/** `getconf CLK_TCK`, which is 100 on every Linux that Node runs on. */
const TICKS_PER_SECOND = 100;

/** Resident memory in MB: now, and at its highest since the process began. */
export function memoryOf(pid: number): { now: number; most: number } {
  const status = readFileSync(`/proc/${pid}/status`, "utf8");
  const megabytes = (name: string) => Number(new RegExp(`${name}:\\s+(\\d+) kB`).exec(status)?.[1]) / 1024;
  return { now: megabytes("VmRSS"), most: megabytes("VmHWM") };
}

/** The PostgreSQL processes that serve an application. */
export async function backendsOf(sql: Sql, application: string): Promise<number[]> {
  const rows = await sql<{ pid: number }[]>`select pid from pg_stat_activity where application_name = ${application}`;
  return rows.map(({ pid }) => pid);
}
