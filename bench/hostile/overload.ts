import http from "node:http";
import { setTimeout as sleep } from "node:timers/promises";
import { quantile } from "../client.ts";
import type { Sql } from "../place.ts";
import { backendsOf, cpuOf } from "../processes.ts";
import type { Contender } from "../servers.ts";
import type { Arena } from "./arena.ts";
import { type Caller, callerOf } from "./callers.ts";

/** `cpu`: microseconds of the service and its PostgreSQL, shedding included, for each request that was served. */
type Wave = { rps: number; served: number; cpu: number; p99: number; shed: number; shedP99: number; wrong: string[] };

/** Many more callers than the service can have in work, and one who asks more often than allowed. */
export async function overload({ start, check, sql }: Arena): Promise<void> {
  const product = await start();
  const caller = await callerOf(product, "many@bench.example");
  for (let i = 0; i < 200; i++) await caller.post("/contacts", { name: `Over ${i}`, notes: "n".repeat(500), tags: ["a", "b"] });
  const path = "/contacts?limit=50&name=like:over";
  await wave(sql, product, caller, path, 16, 8); // compiles what is hot
  const calm = await wave(sql, product, caller, path, 16, 4);
  const storm = await wave(sql, product, caller, path, 1_000, 12);
  const after = await wave(sql, product, caller, path, 16, 4);
  const say = ({ rps, cpu, p99, shed, shedP99 }: Wave) =>
    `${rps.toFixed(0)} served a second, ${cpu.toFixed(0)} µs each, p99 ${p99.toFixed(0)} ms${shed ? `, ${shed} shed, p99 ${shedP99.toFixed(0)} ms` : ""}`;
  process.stdout.write(
    `       16 callers: ${say(calm)}\n       1000 callers: ${say(storm)}\n       16 callers again: ${say(after)}\n`,
  );
  check("what is too much is shed", storm.shed > 0, `${storm.shed} requests`);
  check("everything is answered, with advice when it is refused", storm.wrong.length === 0, storm.wrong.slice(0, 3).join("; "));
  check(
    "what is shed costs little beside what is served",
    storm.cpu < 1.5 * calm.cpu,
    `${(storm.cpu / calm.cpu).toFixed(2)} times the CPU of the service a served request`,
  );
  // The callers live on the same cores: a thousand of them take from the service what sixteen leave to it.
  check(
    "a good part of what could be is served all the same",
    storm.rps > 0.5 * calm.rps,
    `${(storm.rps / calm.rps).toFixed(2)}`,
  );
  check("what is served is served in time", storm.p99 < 5_000, `p99 ${storm.p99.toFixed(0)} ms`);
  check("it is over when it is over", after.rps > 0.7 * calm.rps && after.shed === 0, `${(after.rps / calm.rps).toFixed(2)}`);

  const strict = await start({ CRM_RATE: "600" });
  const busy = await callerOf(strict, "busy@bench.example");
  const limited = await wave(sql, strict, busy, "/contacts?limit=1", 16, 4, false);
  check(
    "who has used up their rate gets 429 and when to come again",
    limited.wrong.length === 0 && limited.shed > limited.served,
    say(limited),
  );
  check("and not more than it", limited.served <= 600, `${limited.served} of 600`);
}

/** So many callers for so many seconds, each with one request on its way. A polite one who is refused comes again when told to. */
async function wave(
  sql: Sql,
  { baseUrl, pid, application }: Contender,
  { token }: Caller,
  path: string,
  callers: number,
  seconds: number,
  polite = true,
): Promise<Wave> {
  const agent = new http.Agent({ keepAlive: true, maxSockets: callers });
  const [served, shed, wrong] = [[] as number[], [] as number[], [] as string[]];
  const pids = [pid, ...(await backendsOf(sql, application))];
  const used = () => pids.reduce((total, each) => total + cpuOf(each), 0);
  const before = used();
  const end = performance.now() + seconds * 1000;
  const work = async () => {
    while (performance.now() < end) {
      const since = performance.now();
      const { status, retryAfter, text } = await get(baseUrl + path, token, agent);
      const took = performance.now() - since;
      if (status === 200) served.push(took);
      else if ((status === 503 || status === 429) && retryAfter && /\nHINT {2}\S/.test(text)) {
        shed.push(took);
        if (polite) await sleep(Math.min(Number(retryAfter) * 1000, end - performance.now()));
      } else wrong.push(`${status} ${text}`);
    }
  };
  await Promise.all(Array.from({ length: callers }, work));
  agent.destroy();
  const cpu = (used() - before) / served.length;
  const p99 = (times: number[]) =>
    quantile(
      times.sort((a, b) => a - b),
      0.99,
    );
  return {
    rps: served.length / seconds,
    served: served.length,
    cpu,
    p99: p99(served),
    shed: shed.length,
    shedP99: p99(shed),
    wrong,
  };
}

function get(
  url: string,
  token: string,
  agent: http.Agent,
): Promise<{ status: number; retryAfter: string | undefined; text: string }> {
  return new Promise((done) => {
    const request = http.get(url, { agent, headers: { authorization: `Bearer ${token}` } }, (response) => {
      let text = "";
      response.setEncoding("utf8").on("data", (more) => (text += more));
      response.on("end", () => done({ status: response.statusCode ?? 0, retryAfter: response.headers["retry-after"], text }));
    });
    request.on("error", (error) => done({ status: 0, retryAfter: undefined, text: String(error) }));
  });
}
