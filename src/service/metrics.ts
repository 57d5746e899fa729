import { countWorkers } from "../db/spread/nodes.ts";
import type { Pool } from "../postgres/pool.ts";
import type { Peers } from "./peers.ts";

/** Upper bounds of the latency histogram, in seconds. */
const BUCKETS = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 10];

/** Methods with a series of their own. Callers can invent others without limit. */
const METHODS = new Set(["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"]);

type Series = { count: number; seconds: number; buckets: number[] };

export type Metrics = {
  /** Counts an answered request. `route` is the declared path, not the caller's, so that the number of series stays small. */
  observe: (method: string, route: string, status: number, seconds: number) => void;
  /** This process's metrics since its start, in the Prometheus text format, version 0.0.4. */
  own: () => string;
  /** The metrics of all processes, added up. */
  text: () => Promise<string>;
};

export function createMetrics(pool: Pool, peers: Peers): Metrics {
  const series = new Map<string, Series>();
  /** The label of series that are kept per process. */
  const ownLabel = peers.name && `worker="${peers.name}"`;

  function own(): string {
    const memory = process.memoryUsage();
    const cpu = process.cpuUsage();
    const { size, busy, waiting, opened, lost } = pool.stats();
    return [
      ...requestLines(series),
      ...gauge("cardfile_pool_connections", "database connections by state", { 'state="busy"': busy, 'state="all"': size }),
      ...gauge("cardfile_pool_waiting", "requests that wait for a database connection", { "": waiting }),
      ...counter("cardfile_pool_opened_total", "database connections opened", opened),
      ...counter("cardfile_pool_lost_total", "database connections lost", lost),
      ...gauge("process_resident_memory_bytes", "memory in use", { [ownLabel]: memory.rss }),
      ...counter("process_cpu_seconds_total", "processor time spent", (cpu.user + cpu.system) / 1e6, ownLabel),
      ...gauge("process_start_time_seconds", "when the process started", {
        [ownLabel]: Math.round(Date.now() / 1000 - process.uptime()),
      }),
      "",
    ].join("\n");
  }

  return {
    observe(method, route, status, seconds) {
      const labels = `method="${METHODS.has(method) ? method : "other"}",route="${route}",status="${status}"`;
      let one = series.get(labels);
      if (!one) {
        one = { count: 0, seconds: 0, buckets: BUCKETS.map(() => 0) };
        series.set(labels, one);
      }
      one.count += 1;
      one.seconds += seconds;
      const bucket = BUCKETS.findIndex((bound) => seconds <= bound);
      if (bucket >= 0) one.buckets[bucket]! += 1;
    },
    own,
    text: async () => addUp([own(), ...(await peers.metrics()), ...(await spreadLines(pool))]),
  };
}

/** Of all processes together: each sees the same servers. */
async function spreadLines(pool: Pool): Promise<string[]> {
  if (!pool.spread) return [];
  const { all, missing } = await countWorkers(pool);
  const states = { 'state="all"': all, 'state="missing"': missing.length };
  return [gauge("cardfile_database_workers", "servers that the database is spread over", states).join("\n")];
}

function requestLines(series: ReadonlyMap<string, Series>): string[] {
  const lines = [
    "# HELP cardfile_request_duration_seconds time to answer",
    "# TYPE cardfile_request_duration_seconds histogram",
  ];
  for (const [labels, { count, seconds, buckets }] of series) {
    let below = 0;
    BUCKETS.forEach((bound, i) => {
      below += buckets[i]!;
      lines.push(`cardfile_request_duration_seconds_bucket{${labels},le="${bound}"} ${below}`);
    });
    lines.push(`cardfile_request_duration_seconds_bucket{${labels},le="+Inf"} ${count}`);
    lines.push(`cardfile_request_duration_seconds_sum{${labels}} ${seconds.toFixed(6)}`);
    lines.push(`cardfile_request_duration_seconds_count{${labels}} ${count}`);
  }
  return lines;
}

function gauge(name: string, help: string, values: Record<string, number>): string[] {
  return [
    `# HELP ${name} ${help}`,
    `# TYPE ${name} gauge`,
    ...Object.entries(values).map(([labels, value]) => `${name}${labels && `{${labels}}`} ${value}`),
  ];
}

function counter(name: string, help: string, value: number, labels = ""): string[] {
  return [`# HELP ${name} ${help}`, `# TYPE ${name} counter`, `${name}${labels && `{${labels}}`} ${value}`];
}

/** Adds up the texts of several processes by name and labels. */
function addUp(texts: readonly string[]): string {
  const families = new Map<string, Map<string, number>>();
  for (const text of texts) {
    for (const family of text.split(/^(?=# HELP )/m)) {
      const [help, type, ...samples] = family.trimEnd().split("\n");
      const head = `${help}\n${type}`;
      const sums = families.get(head) ?? new Map<string, number>();
      families.set(head, sums);
      for (const sample of samples) {
        const end = sample.lastIndexOf(" ");
        const series = sample.slice(0, end);
        sums.set(series, (sums.get(series) ?? 0) + Number(sample.slice(end + 1)));
      }
    }
  }
  const lines = [...families].flatMap(([head, sums]) => [head, ...[...sums].map(([series, sum]) => `${series} ${sum}`)]);
  return `${lines.join("\n")}\n`;
}
