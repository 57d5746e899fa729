/**
 * `node --import tsx bench/bouncer.ts [--program /usr/sbin/pgbouncer]`: the product with two processes behind PgBouncer in transaction
 * mode, with nothing set but DATABASE_URL, and three connections for all of theirs. Exit code 1 when anything was not as it must be.
 */
import { setTimeout as sleep } from "node:timers/promises";
import { startPooler } from "../test/helpers/pooler.ts";
import { type Arena, inArena } from "./hostile/arena.ts";
import { judgeCrowd, startCrowd } from "./hostile/crowd.ts";
import { readArguments } from "./place.ts";

const { options } = readArguments(process.argv.slice(2), ["program"]);
const program = options.get("program") ?? "/usr/sbin/pgbouncer";

async function bouncer({ database, sql, start, check }: Arena): Promise<void> {
  const pooler = await startPooler(program, database.host);
  try {
    await sql`drop schema public cascade`;
    await sql`create schema public`;
    const url = `postgres://crm@${encodeURIComponent(pooler.host)}/${database.database}`;
    const product = await start({ DATABASE_URL: url, CRM_WORKERS: "2", CRM_METRICS_TOKEN: "for the bench" });
    const [{ count } = { count: 0 }] = await sql<{ count: number }[]>`select count(*)::int from schema_migrations`;
    check("it migrates and starts through the pooler", count > 0, `${count} migrations`);

    const crowd = await startCrowd(product);
    await sleep(8_000);
    check("nobody is refused", crowd.refused.size === 0, [...crowd.refused.keys()].join(", "));
    const opened = await openedBy(product.baseUrl);
    check("connections are kept", opened < 60, `${opened} were opened`);

    for (let i = 0; i < 10; i++) {
      await sql`select pg_terminate_backend(pid) from pg_stat_activity where application_name = 'cardfile' and random() < 0.5`;
      await sleep(300);
    }
    await pooler.restart();
    const back = performance.now();
    while (crowd.lastSuccess() < back && performance.now() < back + 30_000) await sleep(5);
    const took = crowd.lastSuccess() - back;
    check("work goes on by itself after a restart of the pooler", took >= 0 && took < 2_000, `after ${took.toFixed(0)} ms`);
    await sleep(2_000);
    await crowd.stop();
    await judgeCrowd(crowd, sql, check);
  } finally {
    await pooler.stop();
  }
}

async function openedBy(baseUrl: string): Promise<number> {
  const response = await fetch(`${baseUrl}/metrics`, { headers: { authorization: "Bearer for the bench" } });
  return Number(/^cardfile_pool_opened_total (\d+)$/m.exec(await response.text())?.[1]);
}

const failed = await inArena({ bouncer });
process.stdout.write(failed === 0 ? "all as it must be\n" : `${failed} FAILED\n`);
process.exit(failed === 0 ? 0 : 1);
