import type { Pool } from "./db/client.ts";

/** Upper bounds of the latency histogram, seconds. */
const BUCKETS = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 10];

/** Any other method is the caller's invention, and would be a series of its own. */
const METHODS = new Set(["GET", "HEAD", "POST", "PATCH", "DELETE"]);

type Series = { count: number; seconds: number; buckets: number[] };

export type Metrics = {
  /** Counts an answered request; `route` is the declared path, never the caller's, so that series stay few. */
  observe: (method: string, route: string, status: number, seconds: number) => void;
  /** Everything in the Prometheus text format, version 0.0.4. */
  text: () => string;
};

/** What this process has served since it started. */
export function createMetrics(pool: Pool): Metrics {
  const series = new Map<string, Series>();

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
    text() {
      const memory = process.memoryUsage();
      const cpu = process.cpuUsage();
      const { size, busy, waiting, opened, lost } = pool.stats();
      return [
        ...requestLines(series),
        ...gauge("cardfile_pool_connections", "database connections by state", { 'state="busy"': busy, 'state="all"': size }),
        ...gauge("cardfile_pool_waiting", "requests that wait for a database connection", { "": waiting }),
        ...counter("cardfile_pool_opened_total", "database connections opened", opened),
        ...counter("cardfile_pool_lost_total", "database connections lost", lost),
        ...gauge("process_resident_memory_bytes", "memory in use", { "": memory.rss }),
        ...counter("process_cpu_seconds_total", "processor time spent", (cpu.user + cpu.system) / 1e6),
        ...gauge("process_start_time_seconds", "when the process started", {
          "": Math.round(Date.now() / 1000 - process.uptime()),
        }),
        "",
      ].join("\n");
    },
  };
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

function counter(name: string, help: string, value: number): string[] {
  return [`# HELP ${name} ${help}`, `# TYPE ${name} counter`, `${name} ${value}`];
}
