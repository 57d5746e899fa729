import { setTimeout as sleep } from "node:timers/promises";
import type { Sql } from "./place.ts";
import { backendsOf, cpuOf, memoryOf } from "./processes.ts";
import type { Contender } from "./servers.ts";
import { FIRST, LAST, STAGES, TITLES } from "./words.ts";

/** An import beside the same rows by plain `insert … select` into the same tables, with their indexes and their history. */
export type ImportCost = {
  rows: number;
  importMs: number;
  plainMs: number;
  /** Seconds of CPU: of the product and its backends, and of the backend of the plain insert. It is steadier than time on a busy machine. */
  cpu: { product: number; backends: number; plain: number };
  /** Resident memory of the product in MB, before and at its highest. */
  rss: { before: number; most: number };
  /** Milliseconds of a short read by somebody else, 99 of 100: before, and while the import runs. */
  p99: { before: number; during: number };
};

const COMPANIES = 2_000;

export async function importCost(
  product: Contender,
  sql: Sql,
  authorization: Record<string, string>,
  rows: number,
  say: (line: string) => void,
): Promise<ImportCost> {
  const { token, workspaceId } = await newWorkspace(product);
  const headers = { Authorization: `Bearer ${token}`, "Content-Type": "text/csv" };
  const before = memoryOf(product.pid).now;
  const calm = await probe(product, authorization, () => sleep(3_000));
  const backends = async () => (await backendsOf(sql, product.application)).reduce((sum, pid) => sum + cpuOf(pid), 0) / 1e6;
  const cpu = { product: -cpuOf(product.pid) / 1e6, backends: -(await backends()), plain: 0 };
  let importMs = 0;
  const busy = await probe(product, authorization, async () => {
    const since = performance.now();
    const response = await fetch(`${product.baseUrl}/contacts/import`, {
      method: "POST",
      headers,
      body: ReadableStream.from(file(rows)) as never,
      duplex: "half",
    } as RequestInit);
    let end = "";
    for await (const piece of response.body as unknown as AsyncIterable<Uint8Array>) {
      end = (end + Buffer.from(piece).toString()).slice(-1_000);
    }
    importMs = performance.now() - since;
    if (!end.includes(`# ${rows} created`)) throw new Error(`the import ended with ${end}`);
  });
  cpu.product += cpuOf(product.pid) / 1e6;
  cpu.backends += await backends();
  const { most } = memoryOf(product.pid);
  say(`import: ${rows} rows in ${(importMs / 1000).toFixed(1)} s`);
  const copy = await newWorkspace(product);
  // The same somebody else reads meanwhile, for both run on the same machine.
  let plainMs = 0;
  const [own] = await sql<{ pid: number }[]>`select pg_backend_pid() as pid`;
  cpu.plain = -cpuOf(own!.pid) / 1e6;
  await probe(product, authorization, async () => {
    plainMs = await insertPlainly(sql, workspaceId, copy.workspaceId);
  });
  cpu.plain += cpuOf(own!.pid) / 1e6;
  say(`plain insert … select: ${(plainMs / 1000).toFixed(1)} s`);
  for (const each of [workspaceId, copy.workspaceId]) await sweepWorkspace(sql, each);
  return { rows, importMs, plainMs, cpu, rss: { before, most }, p99: { before: calm, during: busy } };
}

/** Lines of a table, many in a piece, made as fast as they are taken. */
async function* file(rows: number): AsyncGenerator<Uint8Array> {
  let text = "First Name,Last Name,Email,Job Title,Company,Lead Status,Phone\n";
  for (let i = 0; i < rows; i++) {
    const [first, last] = [FIRST[(i * 7) % FIRST.length], LAST[(i * 13) % LAST.length]];
    const company = `${LAST[i % LAST.length]} ${i % COMPANIES} Ltd`;
    text += `${first},${last},import.${i}@import.example,${TITLES[i % TITLES.length]},"${company}",${STAGES[i % 5]},+1 555 ${i}\n`;
    if (text.length < 65_536) continue;
    yield Buffer.from(text);
    text = "";
  }
  yield Buffer.from(text);
}

let newcomers = 0;

/** Somebody who has just signed up, and whose workspace is empty. */
async function newWorkspace(product: Contender) {
  const email = `import.${Date.now()}.${newcomers++}@bench.example`;
  const ask = async (path: string, body?: object, headers: Record<string, string> = {}) => {
    const sent = body && { method: "POST", body: JSON.stringify(body) };
    const response = await fetch(`${product.baseUrl}${path}?format=json`, { ...sent, headers });
    if (!response.ok) throw new Error(`${path}: ${await response.text()}`);
    return (await response.json()) as Record<string, string>;
  };
  const { code } = await ask("/auth/request", { email });
  const { token } = await ask("/auth/verify", { email, code, token_name: "bench" });
  const { id } = ((await ask("/workspaces", undefined, { Authorization: `Bearer ${token}` })) as unknown as Listed).items[0]!;
  return { token: token!, workspaceId: id };
}

type Listed = { items: { id: string }[] };

/** Measures short reads while `work` runs. */
async function probe(product: Contender, headers: Record<string, string>, work: () => Promise<unknown>): Promise<number> {
  const times: number[] = [];
  let over = false;
  const asking = (async () => {
    while (!over) {
      const since = performance.now();
      await (await fetch(`${product.baseUrl}/contacts?limit=5`, { headers })).text();
      times.push(performance.now() - since);
      await sleep(25);
    }
  })();
  await work();
  over = true;
  await asking;
  times.sort((a, b) => a - b);
  return times[Math.floor(times.length * 0.99)]!;
}

/** The same rows under another workspace, as PostgreSQL alone copies them. */
async function insertPlainly(sql: Sql, from: string, to: string): Promise<number> {
  const columns = async (table: string) => {
    const found = await sql<{ name: string }[]>`select quote_ident(attname) as name from pg_attribute
      where attrelid = ${table}::regclass and attnum > 0 and not attisdropped and attgenerated = '' and attname <> 'workspace_id'`;
    return found.map(({ name }) => name).join(", ");
  };
  let ms = 0;
  for (const table of ["companies", "contacts", "changes"]) {
    const names = await columns(table);
    const since = performance.now();
    await sql.unsafe(
      `insert into ${table} (workspace_id, ${names}) select '${to}', ${names} from ${table} where workspace_id = '${from}' order by id`,
    );
    ms += performance.now() - since;
  }
  return ms;
}

async function sweepWorkspace(sql: Sql, workspaceId: string): Promise<void> {
  await sql`set session_replication_role = replica`;
  for (const table of ["contacts", "companies", "changes", "import_rows", "imports"])
    await sql.unsafe(`delete from ${table} where workspace_id = '${workspaceId}'`);
  await sql`set session_replication_role = origin`;
}
