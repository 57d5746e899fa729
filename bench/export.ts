import net from "node:net";
import { tableOf } from "../src/db/records/table.ts";
import { type View, viewsOf } from "../src/derive/view.ts";
import { recordColumns } from "../src/derive/workspaceColumns.ts";
import type { EmbeddedServer } from "../src/embedded/server.ts";
import { silentLog } from "../src/kit/log.ts";
import { createPool, type Pool } from "../src/postgres/pool.ts";
import { raw } from "../src/postgres/sql.ts";
import { catalog } from "../src/records/all.ts";
import { PEOPLE, type Sql } from "./place.ts";
import { backendsOf, cpuOf, memoryOf } from "./processes.ts";
import { type Contender, signIn } from "./servers.ts";

/**
 * A whole list of the big workspace beside a bare `copy … to stdout` of the same columns, in MB and in rows a second: the median of the rounds,
 * one after the other. `cpu`: microseconds a row of the service, and of PostgreSQL for it and for the COPY. `first`: milliseconds to the first byte. `rss`: of the process at most, in MB.
 */
export type ExportCost = {
  what: string;
  rows: number;
  copyMbs: number;
  mbs: number;
  copyRows: number;
  rowsPerSecond: number;
  cpu: { service: number; postgres: number; copy: number };
  first: number;
  rss: number;
};

type Streamed = { bytes: number; ms: number; first: number };

export async function exportCosts(
  product: Contender,
  { host, port, user, database }: EmbeddedServer,
  sql: Sql,
  rounds: number,
  say: (line: string) => void,
): Promise<ExportCost[]> {
  const headers = await signIn(product, "big");
  const limits = { size: 1, queueLimit: 1, waitMs: 10_000, deadlineMs: 60_000, prepare: true, log: silentLog };
  const pool = createPool({ connection: { host, port, user, database }, ...limits });
  const kind = catalog.get("contact")!;
  const { list, json } = viewsOf(kind);
  const workspaceId = PEOPLE.big.workspaceId;
  const where = `workspace_id = '${workspaceId}'`;
  const listed = (view: View) =>
    `select ${tableOf(kind).select(view, workspaceId).literal} from ${kind.plural} r where r.${where} and r.deleted_at is null`;
  const whole = `select ${recordColumns(kind).join(", ")} from ${kind.plural} where ${where}`;
  const [counted] = await sql.unsafe(`select count(*)::int as rows from ${kind.plural} where ${where}`);
  const rows = counted!["rows"] as number;
  const costs: ExportCost[] = [];
  for (const [what, path, select] of [
    ["contacts, text", "/contacts?limit=all", listed(list)],
    ["contacts, csv", "/contacts.csv?limit=all", listed(json)],
    ["contacts, ndjson", "/contacts.ndjson?limit=all", listed(json)],
    ["contacts, json", "/contacts.json?limit=all", listed(json)],
    ["contacts, sorted by name", "/contacts?limit=all&sort=name", listed(list)],
    ["the workspace", "/export", whole],
  ] as const) {
    const [copies, streams]: [Streamed[], Streamed[]] = [[], []];
    const cpu = { service: 0, postgres: 0, copy: 0 };
    for (let round = 0; round <= rounds; round++) {
      const backends = [...(await backendsOf(sql, "bench")), ...(await backendsOf(sql, product.application))];
      const used = () => backends.map(cpuOf).reduce((sum, each) => sum + each, 0);
      const [atFirst, service] = [used(), cpuOf(product.pid)];
      const copy = await copied(pool, `copy (${select}) to stdout`);
      const between = used();
      const stream = await streamed(product.baseUrl, path, headers);
      const made = [copy, stream] as const;
      // The first round warms up.
      if (round === 0) continue;
      cpu.copy += (between - atFirst) / rows / rounds;
      cpu.postgres += (used() - between) / rows / rounds;
      cpu.service += (cpuOf(product.pid) - service) / rows / rounds;
      copies.push(made[0]);
      streams.push(made[1]);
    }
    const [copy, stream] = [median(copies), median(streams)];
    const perSecond = ({ ms }: Streamed, amount: number) => amount / (ms / 1000);
    costs.push({
      what,
      rows,
      copyMbs: perSecond(copy, copy.bytes / 1e6),
      mbs: perSecond(stream, stream.bytes / 1e6),
      copyRows: perSecond(copy, rows),
      rowsPerSecond: perSecond(stream, rows),
      cpu,
      first: stream.first,
      rss: memoryOf(product.pid).most,
    });
    const { mbs, copyMbs, first, rss } = costs.at(-1)!;
    say(
      `${what}: ${mbs.toFixed(0)} of ${copyMbs.toFixed(0)} MB/s, CPU a row ${cpu.service.toFixed(1)} µs and ${cpu.postgres.toFixed(1)} in PostgreSQL to ${cpu.copy.toFixed(1)}, first byte ${first.toFixed(0)} ms, RSS ${rss.toFixed(0)} MB`,
    );
  }
  await pool.close();
  return costs;
}

const median = (runs: Streamed[]): Streamed => runs.sort((a, b) => a.ms - b.ms)[Math.floor(runs.length / 2)]!;

/** On the product's own connections: the driver's stream of a COPY may never begin after another one has ended. */
async function copied(pool: Pool, statement: string): Promise<Streamed> {
  const since = performance.now();
  let [bytes, first] = [0, 0];
  for await (const chunk of pool.copyOut(raw(statement))) {
    first ||= performance.now() - since;
    bytes += chunk.length;
  }
  return { bytes, first, ms: performance.now() - since };
}

/** By a raw socket: a client of node:http would cost this machine as much as the server. The last chunk says that it is whole. */
function streamed(baseUrl: string, path: string, headers: Record<string, string>): Promise<Streamed> {
  const { hostname, port } = new URL(baseUrl);
  return new Promise((resolve, reject) => {
    const since = performance.now();
    const socket = net.connect({ host: hostname, port: Number(port) });
    const lines = Object.entries({ Host: "localhost", ...headers, Connection: "close" }).map(
      ([name, value]) => `${name}: ${value}\r\n`,
    );
    socket.write(`GET ${path} HTTP/1.1\r\n${lines.join("")}\r\n`);
    let [bytes, head, first, tail] = [0, "", 0, Buffer.alloc(0)] as [number, string, number, Buffer];
    socket.on("data", (chunk) => {
      bytes += chunk.length;
      tail = chunk.length >= 5 ? chunk.subarray(-5) : Buffer.concat([tail, chunk]).subarray(-5);
      if (first > 0) return;
      head += chunk.toString("latin1", 0, 4_096);
      const [, body] = head.split("\r\n\r\n", 2);
      if (body) first = performance.now() - since;
    });
    socket.on("error", reject);
    socket.on("close", () => {
      if (head.startsWith("HTTP/1.1 200") && tail.toString() === "0\r\n\r\n")
        resolve({ bytes, first, ms: performance.now() - since });
      else reject(new Error(`${path} is not whole: ${head.slice(0, 300)}`));
    });
  });
}
