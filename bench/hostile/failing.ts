import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { DATA, type Sql } from "../place.ts";
import type { Arena } from "./arena.ts";
import { judgeCrowd, startCrowd } from "./crowd.ts";

/** Backends die at random under load. */
export const killed =
  (seconds: number) =>
  async ({ sql, start, check }: Arena): Promise<void> => {
    const crowd = await startCrowd(await start());
    let kills = 0;
    for (const end = performance.now() + seconds * 1000; performance.now() < end; await sleep(Math.random() * 600)) {
      const rows = await sql`select pg_terminate_backend(pid) from pg_stat_activity
        where application_name = 'cardfile' and random() < 0.5`;
      kills += rows.length;
    }
    await crowd.stop();
    check("connections were killed", kills > 10, `${kills} in ${seconds} s`);
    await judgeCrowd(crowd, sql, check);
  };

/** A process that serves is killed in the middle of its work. */
export const crash =
  (seconds: number) =>
  async ({ sql, start, check }: Arena): Promise<void> => {
    const product = await start({ CRM_WORKERS: "2" });
    const crowd = await startCrowd(product);
    let kills = 0;
    for (const end = performance.now() + seconds * 1000; performance.now() < end; await sleep(3_000)) {
      const alive = childrenOf(product.pid).filter(isOurs);
      if (alive.length < 2) continue; // with none alive nobody could be served
      process.kill(alive[kills % 2]!, "SIGKILL");
      kills += 1;
    }
    await crowd.stop();
    check("processes were killed", kills > 2, `${kills} in ${seconds} s`);
    const broken = [...crowd.refused.keys()].filter((key) => !key.startsWith("0 "));
    check("nothing but broken connections was seen of it", broken.length === 0, broken.join(", "));
    await judgeCrowd(crowd, sql, check, true);
  };

/** The longest that a request may wait: for its turn, for its deadline, and for the cancelled statement. */
const PATIENCE_MS = 2_000 + 10_000 + 1_500;
const RECOVERY_MS = 2_000;

/** The database crashes, and freezes. */
export async function gone({ sql, start, check }: Arena): Promise<void> {
  const crowd = await startCrowd(await start());
  const recovers = async (after: string) => {
    const back = performance.now();
    while (crowd.lastSuccess() < back && performance.now() < back + 30_000) await sleep(5);
    const took = crowd.lastSuccess() - back;
    check(`work goes on by itself after ${after}`, took >= 0 && took < RECOVERY_MS, `after ${took.toFixed(0)} ms`);
    await sleep(2_000);
  };
  await sleep(2_000);
  const crashed = performance.now();
  process.kill(postmaster(), "SIGQUIT");
  await untilUp(sql);
  process.stdout.write(`       PostgreSQL was back after ${(performance.now() - crashed).toFixed(0)} ms\n`);
  await recovers("an immediate shutdown");

  const all = [postmaster(), ...childrenOf(postmaster())];
  for (const pid of all) process.kill(pid, "SIGSTOP");
  await sleep(15_000);
  for (const pid of all.reverse()) signal(pid, "SIGCONT");
  await recovers("a freeze of 15 s");

  await crowd.stop();
  check("everybody was answered in time", crowd.longest() < PATIENCE_MS, `${crowd.longest().toFixed(0)} ms`);
  await judgeCrowd(crowd, sql, check);
}

const postmaster = () => Number.parseInt(readFileSync(join(DATA, "hostile", "postmaster.pid"), "utf8"), 10);

async function untilUp(sql: Sql): Promise<void> {
  for (let tries = 0; tries < 3_000; tries++) {
    await sleep(10);
    if (await sql`select 1`.then(() => true).catch(() => false)) return;
  }
  throw new Error("PostgreSQL did not come back");
}

function childrenOf(pid: number): number[] {
  const pids = readdirSync("/proc").filter((name) => /^\d+$/.test(name));
  return pids.map(Number).filter((each) => parentOf(each) === pid);
}

/** Not a compiler's helper. */
const isOurs = (pid: number) => readFileSync(`/proc/${pid}/cmdline`, "utf8").includes("cardfile.cjs");

function parentOf(pid: number): number {
  try {
    return Number(
      readFileSync(`/proc/${pid}/stat`, "utf8")
        .replace(/^.*\) /s, "")
        .split(" ")[1],
    );
  } catch {
    return 0; // it has just ended
  }
}

function signal(pid: number, name: NodeJS.Signals): void {
  try {
    process.kill(pid, name);
  } catch {} // it has just ended
}
