import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { silentLog } from "../../src/kit/log.ts";
import { createPool, type Pool } from "../../src/postgres/pool.ts";
import { ident, sql } from "../../src/postgres/sql.ts";
import { catalog } from "../../src/records/all.ts";
import { noCitus } from "../helpers/citus.ts";
import { settled } from "../helpers/feed.ts";
import { type Network, startNetwork } from "../helpers/network.ts";
import { databaseUrl, SECRET, serve, until } from "../helpers/process.ts";
import { type Client, type Service, startService } from "../helpers/service.ts";

/** Writers and readers of the feed at once, over connections that break; and readers of a service that stops. */

let network: Network;
let service: Service;
let ann: Client;
/** A pool that goes straight to the database. */
let direct: Pool;
before(async () => {
  service = await startService({
    async reach(connection) {
      network = await startNetwork(connection);
      const limits = { size: 4, queueLimit: 20, waitMs: 5_000, deadlineMs: 10_000, prepare: true };
      direct = createPool({ connection, ...limits, log: silentLog });
      return { url: network.url };
    },
  });
  ann = await service.signIn();
});
after(async () => {
  await direct.close();
  await service.close();
  await network.down();
});

type Entry = { id: string; record: string; version: number };

/** Follows the feed until it has been empty after `isOver`. A page that failed is asked for again. */
async function follow(limit: number, isOver: () => boolean): Promise<Entry[]> {
  const entries: Entry[] = [];
  let since = "";
  for (;;) {
    const last = isOver();
    const reply = await ann.send("GET", `/changes?format=json&limit=${limit}&wait=1&since=${since}`).catch(() => undefined);
    if (reply?.status !== 200) {
      if (reply) assert.match(reply.text, /"error":"(not_ready|busy)"/);
      await sleep(20);
      continue;
    }
    const page = reply.json();
    entries.push(...page.items);
    since = page.next_cursor;
    if (last && page.items.length === 0) return entries;
  }
}

/** Writes of 16 callers: contested records, records of their own, deletions with what hangs on them. */
async function write(writer: number, shared: readonly string[], isOver: () => boolean): Promise<void> {
  for (let i = 0; !isOver(); i++) {
    const target = shared[(writer + i) % shared.length];
    await ann.send("PATCH", `/contacts/${target}`, { stage: `${writer}.${i}` });
    if (i % 3 === 0) await ann.send("POST", "/contacts", { email: `race${i % 5}@acme.com`, title: `${writer}.${i}` });
    if (i % 5 === 0) {
      const company = (await ann.send("POST", "/companies?format=json", { name: `W${writer}.${i}` })).json().id;
      await ann.send("POST", "/deals", { title: "Hangs", company_id: company });
      const { confirm } = (await ann.send("DELETE", `/companies/${company}?format=json`)).json();
      if (confirm) await ann.send("DELETE", `/companies/${company}?confirm=${confirm}`);
    }
  }
}

const countOfChanges = async () => (await direct.rows(sql`select count(*)::int from changes`))[0]![0] as number;

const hold = (ms: number) =>
  direct.transaction(async (tx) => {
    await tx.rows(sql`select pg_current_xact_id()`);
    await sleep(ms);
  });

test("16 writers and 4 readers over breaking connections: no change is missed, none comes twice, versions come in order", async () => {
  const shared: string[] = [];
  for (let i = 0; i < 3; i++) shared.push((await ann.send("POST", "/contacts?format=json", { name: `Shared ${i}` })).json().id);
  let [written, over] = [false, false];
  const readers = [1, 7, 50, 500].map((limit) => follow(limit, () => over));
  const writers = Array.from({ length: 16 }, (_, writer) => write(writer, shared, () => written));
  // A crowded machine makes few changes in a second: they go on until there are enough.
  for (let i = 0; i < 20 || (i < 100 && (await countOfChanges()) < 300); i++) {
    await sleep(200);
    if (i % 4 === 3) network.cut();
    // A transaction that holds its number while others commit.
    if (i % 5 === 2) await hold(150);
  }
  written = true;
  await Promise.all(writers);
  await settled(direct);
  over = true;
  const feeds = await Promise.all(readers);
  const stored = (await direct.rows(sql`select id from changes order by xid, at, id`)).map(([id]) => id as string);
  assert.ok(stored.length > 100, `${stored.length} changes`);
  for (const feed of feeds) {
    assert.deepEqual(
      feed.map(({ id }) => id),
      stored,
    );
    const versions = new Map<string, number>();
    for (const { record, version } of feed) {
      assert.equal(version, (versions.get(record) ?? 0) + 1, record);
      versions.set(record, version);
    }
  }
});

test("a record keeps the place of its last change, whatever wrote it, for every kind", async () => {
  for (const { name, plural } of catalog.kinds) {
    const [row] = await direct.rows(sql`select count(*)::int, count(*) filter (where r.xid is distinct from c.xid)::int
      from ${ident(plural)} r join changes c on c.workspace_id = r.workspace_id and c.record_id = r.id and c.version = r.version and c.kind = ${name}`);
    if (["contact", "company", "deal"].includes(name)) assert.ok((row![0] as number) > 0, plural);
    assert.equal(row![1], 0, plural);
  }
});

test("a transaction that began first and changes a record last does not come first", {
  skip: !noCitus && "its transaction begins on another server than the change",
}, async () => {
  const { id } = (await ann.send("POST", "/contacts?format=json", { name: "Late" })).json();
  await direct.transaction(async (tx) => {
    await tx.rows(sql`select pg_current_xact_id()`);
    assert.equal((await ann.send("PATCH", `/contacts/${id}`, { stage: "second" })).status, 200);
    const [row] = await tx.rows(sql`select workspace_id from contacts where id = ${id}`);
    const { rows } = tx;
    await rows(sql`select version from contacts_write(${row![0]}, now(), 'x@y.z', null, null, null, null, 'ch_0000000000000000000000late', ${id}, false,
      null, null, null, null, '{"stage":"third"}', '{}', '{}')`);
  });
  await settled(direct);
  const { items } = (await ann.send("GET", `/changes?format=json&record=${id}`)).json();
  assert.deepEqual(
    items.map(({ version }: Entry) => version),
    [1, 2, 3],
  );
  const [order] = await direct.rows(
    sql`select count(distinct xid)::int from changes where record_id = ${id} and version in (2, 3)`,
  );
  assert.equal(order![0], 1, "the earlier transaction takes the later one's place");
});

for (const workers of ["1", "3"])
  test(`with ${workers} processes a waiting reader hears of changes, and is answered when the service stops`, async () => {
    const run = await serve({ DATABASE_URL: await databaseUrl(), CRM_SECRET: SECRET, CRM_WORKERS: workers });
    const call = async (method: string, path: string, token = "", body?: object) => {
      const headers: Record<string, string> = { connection: "close", ...(token && { authorization: `Bearer ${token}` }) };
      const response = await fetch(run.url + path, { method, headers, ...(body && { body: JSON.stringify(body) }) });
      return { status: response.status, text: await response.text() };
    };
    const email = "ann@example.com";
    const { code } = JSON.parse((await call("POST", "/auth/request?format=json", "", { email })).text);
    const { token } = JSON.parse((await call("POST", "/auth/verify?format=json", "", { email, code })).text);
    const since = /^# next: (\S+)$/m.exec((await call("GET", "/changes?since=now", token)).text)![1]!;
    const waiting = Array.from({ length: 6 }, () => call("GET", `/changes?since=${since}&wait=40`, token));
    await sleep(1_000);
    assert.equal((await call("POST", "/contacts", token, { name: "Heard everywhere" })).status, 201);
    const begun = performance.now();
    for (const { text } of await Promise.all(waiting)) assert.match(text, /action=created .*\n# 1 change\n# next: /);
    assert.ok(performance.now() - begun < 20_000, `${performance.now() - begun} ms`);

    const last = Array.from({ length: 6 }, () => call("GET", "/changes?since=now&wait=40", token));
    await sleep(1_000);
    const stopped = performance.now();
    run.child.kill("SIGTERM");
    for (const { status, text } of await Promise.all(last)) {
      assert.equal(status, 200);
      assert.match(text, /^# 0 changes\n# next: \S+\n$/);
    }
    await until("it has ended", () => run.child.exitCode !== null);
    assert.equal(run.child.exitCode, 0, run.err());
    assert.ok(performance.now() - stopped < 8_000);
  });
