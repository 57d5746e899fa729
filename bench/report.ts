import type { Measured, Result } from "./duel.ts";
import type { ExportCost } from "./export.ts";
import type { ImportCost } from "./imports.ts";
import type { PageCost } from "./pages.ts";
import type { SearchCost } from "./search.ts";
import type { Soak } from "./soak.ts";

/** Cells as a table, the first column to the left, numbers to the right. */
function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  if (rows.length === 0) return "";
  const all = [head, ...rows];
  const widths = head.map((_, i) => Math.max(...all.map((row) => row[i]!.length)));
  const line = (row: readonly string[]) =>
    row
      .map((cell, i) => (i === 0 ? cell.padEnd(widths[i]!) : cell.padStart(widths[i]!)))
      .join("  ")
      .trimEnd();
  return `${all.map(line).join("\n")}\n`;
}

const limit = (work: string, of: "cpu" | "rps") => String(LIMITS[work]?.[of] ?? "");
const ratio = (a: number, b: number) => (a / b).toFixed(2);
const whole = (n: number) => n.toFixed(0);
const tenth = (n: number) => n.toFixed(1);

/** What the ratio of CPU may be at most, and that of requests a second at least, beside the floor. */
const LIMITS: Record<string, { cpu?: number; rps?: number }> = {
  get: { cpu: 1.2 },
  list: { cpu: 1 },
  filter: { cpu: 1 },
  reminders: { cpu: 1 },
  upsert: { rps: 0.8 },
  json: { cpu: 1.1 },
};

/** One line for each side but the first. `null` is the baseline against itself: what a ratio may be off. */
export function duelTable(results: readonly Result[]): string {
  const head = [
    "work",
    "conns",
    "base µs",
    "µs/req",
    "ratio",
    "limit",
    "null",
    "base pg µs",
    "pg µs",
    "all ratio",
    "base rps",
    "rps",
    "ratio",
    "limit",
    "null",
    "base p50",
    "p50 ms",
    "p99",
  ];
  const row = ({ work, connections, baseline, again }: Result, other: Measured) => [
    `${work}: ${other.name} to ${baseline.name}`,
    String(connections),
    whole(baseline.cpu),
    whole(other.cpu),
    ratio(other.cpu, baseline.cpu),
    limit(work, "cpu"),
    ratio(again.cpu, baseline.cpu),
    whole(baseline.postgres),
    whole(other.postgres),
    ratio(other.cpu + other.postgres, baseline.cpu + baseline.postgres),
    whole(baseline.rps),
    whole(other.rps),
    ratio(other.rps, baseline.rps),
    limit(work, "rps"),
    ratio(again.rps, baseline.rps),
    tenth(baseline.p50),
    tenth(other.p50),
    tenth(other.p99),
  ];
  return table(
    head,
    results.flatMap((result) => result.others.map((other) => row(result, other))),
  );
}

/** What an index pages first, whose ratio is held to a limit where both pages have as many rows; each the dearest first. */
export function pageTable(pages: readonly PageCost[]): string {
  const cost = ({ big, thousand }: PageCost) => big.cpu / thousand.cpu;
  const sorted = [...pages].sort((a, b) => Number(b.paged) - Number(a.paged) || cost(b) - cost(a));
  return table(
    ["page", "place", "1M µs", "1k µs", "ratio", "limit", "1M ms", "1k ms", "rows"],
    sorted.map((page) => [
      page.shape,
      page.place,
      whole(page.big.cpu),
      whole(page.thousand.cpu),
      ratio(page.big.cpu, page.thousand.cpu),
      page.paged && page.big.rows === page.thousand.rows ? "1.3" : "",
      page.big.busy ? "given up" : tenth(page.big.ms),
      tenth(page.thousand.ms),
      page.big.rows === page.thousand.rows ? String(page.big.rows) : `${page.big.rows}/${page.thousand.rows}`,
    ]),
  );
}

export function searchTable(costs: readonly SearchCost[]): string {
  return table(
    [
      "search",
      "terms",
      "median ms",
      "worst ms",
      "floor finds",
      "product's",
      "floor's",
      "ratio",
      "floor's worst",
      "found",
      "the worst",
    ],
    costs.map(({ what, terms, median, worst, beside, found, slowest }) => [
      what,
      String(terms),
      tenth(median),
      tenth(worst),
      ...(beside
        ? [
            String(beside.terms),
            tenth(beside.median),
            tenth(beside.floor.median),
            ratio(beside.median, beside.floor.median),
            tenth(beside.floor.worst),
          ]
        : ["", "", "", "", ""]),
      String(found),
      slowest.map(({ term, ms }) => `${term} ${ms.toFixed(0)}`).join(", "),
    ]),
  );
}

export function soakLine({ requests, first, last, rss, floor }: Soak): string {
  const change = `${whole(last)} µs a request, ${ratio(last, first)} of the first ones; the floor ${ratio(floor.last, floor.first)}`;
  return `after ${requests} requests: ${change}; RSS ${whole(rss)} MB\n`;
}

/** The least share of the speed of a bare COPY. */
const LEAST_OF_COPY = 0.38;

export function exportTable(costs: readonly ExportCost[]): string {
  const speeds = ["copy MB/s", "MB/s", "ratio", "limit", "copy rows/s", "rows/s", "ratio"];
  const head = ["export", "rows", ...speeds, "µs/row", "pg µs", "copy µs", "first ms", "RSS MB"];
  const row = ({ what, rows, copyMbs, mbs, copyRows, rowsPerSecond, cpu, first, rss }: ExportCost) => [
    ...[what, String(rows), tenth(copyMbs), tenth(mbs), ratio(mbs, copyMbs), String(LEAST_OF_COPY)],
    ...[whole(copyRows), whole(rowsPerSecond), ratio(rowsPerSecond, copyRows)],
    ...[tenth(cpu.service), tenth(cpu.postgres), tenth(cpu.copy), whole(first), whole(rss)],
  ];
  return table(head, costs.map(row));
}

/** An import beside plain `insert … select`. The limits: 0.5 of it, 160 MB, three times the calm p99. */
export function importLine({ rows, importMs, plainMs, cpu, rss, p99 }: ImportCost): string {
  return [
    `import of ${rows}: ${(importMs / 1000).toFixed(1)} s, ${whole((rows / importMs) * 1000)} rows/s; plain insert ${(plainMs / 1000).toFixed(1)} s;`,
    `ratio ${ratio(plainMs, importMs)} (limit 0.5);`,
    `CPU product ${tenth(cpu.product)} s, its backends ${tenth(cpu.backends)} s, plain ${tenth(cpu.plain)} s; RSS ${whole(rss.before)} MB, at most ${whole(rss.most)};`,
    `others' p99 ${tenth(p99.before)} ms, during ${tenth(p99.during)}\n`,
  ].join(" ");
}
