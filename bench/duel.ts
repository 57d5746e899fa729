import { quantile, type Request, send } from "./client.ts";
import type { Sql } from "./place.ts";
import { backendsOf, cpuOf } from "./processes.ts";
import type { Contender } from "./servers.ts";

/** One way to do a work: who is asked, and the request that is sent as the i-th. */
export type Side = { name: string; contender: Contender; next: (i: number) => Request };

/** The same work done by several; the first is what the others are compared with. */
export type Work = { name: string; sides: [Side, ...Side[]]; requests: number };

/** Medians over the slices. CPU is microseconds a request: of the server's own process, and of its PostgreSQL backends. */
export type Measured = { name: string; cpu: number; postgres: number; rps: number; p50: number; p99: number };

export type Result = { work: string; connections: number; baseline: Measured; again: Measured; others: Measured[] };

/**
 * Slices of all sides take turns, each round beginning with another one, so that whatever else the machine does falls on all of them. The
 * baseline takes part twice: how far it is from itself is how far any ratio may be off.
 */
export async function duel(work: Work, sql: Sql, connections: number, rounds: number): Promise<Result> {
  const [baseline] = work.sides;
  const runners = [...work.sides, { ...baseline, name: "again" }].map((side) => ({ side, slices: [] as Measured[] }));
  const counters = new Map<Contender, number>();
  let requests = work.requests;
  for (const side of work.sides) {
    // Prepares the statements; and one that is far slower than expected must not take the rest of the day.
    const { rps } = await slice(side, Math.ceil(work.requests / 5), sql, connections, counters);
    const within = (seconds: number) => Math.max(connections * 2, Math.round(rps * seconds));
    requests = Math.min(requests, within(LONGEST_S));
    await slice(side, Math.min(WARM_REQUESTS, within(WARM_S)), sql, connections, counters);
  }
  for (let round = 0; round < rounds; round++) {
    for (let i = 0; i < runners.length; i++) {
      const runner = runners[(round + i) % runners.length]!;
      runner.slices.push(await slice(runner.side, requests, sql, connections, counters));
    }
  }
  const [first, ...others] = runners.map(({ side, slices }) => middle(side.name, slices));
  const again = others.pop()!;
  return { work: work.name, connections, baseline: first!, again, others };
}

/** A server that has run for a while is what is to be known: until then V8 is still compiling, the more so the more there is to compile. */
const WARM_REQUESTS = 30_000;
const WARM_S = 12;

/** Seconds that a slice may take. */
const LONGEST_S = 3;

async function slice(
  { name, contender, next }: Side,
  requests: number,
  sql: Sql,
  connections: number,
  counters: Map<Contender, number>,
): Promise<Measured> {
  const backends = await backendsOf(sql, contender.application);
  // A request is never sent twice, so that an upsert that creates goes on creating.
  const from = counters.get(contender) ?? 0;
  counters.set(contender, from + requests);
  const before = { cpu: cpuOf(contender.pid), postgres: backends.map(cpuOf) };
  const { elapsed, latencies } = await send(contender.baseUrl, connections, requests, (i) => next(from + i));
  const sorted = latencies.sort();
  return {
    name,
    cpu: (cpuOf(contender.pid) - before.cpu) / requests,
    postgres: sum(backends.map((pid, i) => since(pid, before.postgres[i]!))) / requests,
    rps: (requests / elapsed) * 1000,
    p50: quantile(sorted, 0.5),
    p99: quantile(sorted, 0.99),
  };
}

/** A backend that went away in between counts for nothing. */
function since(pid: number, before: number): number {
  try {
    return cpuOf(pid) - before;
  } catch {
    return 0;
  }
}

function middle(name: string, slices: readonly Measured[]): Measured {
  const median = (key: Exclude<keyof Measured, "name">) =>
    quantile(
      slices.map((each) => each[key]).sort((a, b) => a - b),
      0.5,
    );
  return { name, cpu: median("cpu"), postgres: median("postgres"), rps: median("rps"), p50: median("p50"), p99: median("p99") };
}

const sum = (numbers: readonly number[]) => numbers.reduce((total, each) => total + each, 0);
