import assert from "node:assert/strict";
import { mkdtempSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { silentLog } from "../../src/kit/log.ts";
import { createPool, type Pool } from "../../src/postgres/pool.ts";
import { raw, type Statement, sql } from "../../src/postgres/sql.ts";
import { noCitus } from "../helpers/citus.ts";
import { type Network, startNetwork } from "../helpers/network.ts";
import { type Client, type Reply, type Service, startService } from "../helpers/service.ts";

/** A connection breaks during a write. The write happens once, and its caller gets the answer. */

let network: Network;
let service: Service;
let ann: Client;
/** A pool that goes straight to the database. */
let direct: Pool;

before(async () => {
  const plans = join(mkdtempSync(join(tmpdir(), "cardfile-lost-")), "plans.json");
  writeFileSync(plans, JSON.stringify({ default: { tasks: 1 } }));
  service = await startService({
    config: { CRM_PLANS: plans },
    async reach(connection) {
      network = await startNetwork(connection);
      direct = createPool({
        ...{ connection, size: 2, queueLimit: 20, waitMs: 5_000, deadlineMs: 5_000, prepare: true, log: silentLog },
      });
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

const countOf = async (statement: Statement) => (await direct.rows(statement))[0]![0] as number;
const entries = () => countOf(sql`select count(*)::int from changes`);

async function until(holds: () => Promise<boolean>): Promise<void> {
  for (let i = 0; !(await holds()); i++) {
    assert.ok(i < 3_000, "it does not come to that");
    await sleep(10);
  }
}

/** Breaks the connection at the first statement that contains this text. */
async function brokenAt(words: string, when: "told" | "answered", write: () => Promise<Reply>, times = 1): Promise<Reply> {
  const [before, lost] = [await entries(), service.pool.stats().lost];
  network.breakAt(words, when, times);
  const answer = await write();
  assert.equal(service.pool.stats().lost, lost + times, "it did not come to that");
  assert.equal(await entries(), before + 1, answer.text);
  return answer;
}

const handleOf = ({ lines }: Reply) => lines[0]!.split(" ")[0]!;

for (const [name, when] of [
  ["committed with a lost answer", "answered"],
  ["that was lost before the server", "told"],
] as const) {
  test(`a write ${name} happens once: create, update, by address, by id, with a key`, async () => {
    const title = `Deal ${when}`;
    const deal = await brokenAt(title, when, () => ann.send("POST", "/deals", { title }));
    assert.deepEqual([deal.status, deal.lines.length], [201, 1], deal.text);
    assert.equal((await ann.send("GET", `/deals?title=${title}`)).lines.length, 1);

    const notes = `note ${when}`;
    const patched = await brokenAt(notes, when, () => ann.send("PATCH", `/${handleOf(deal)}`, { notes, version: 1 }));
    assert.match(patched.text, /^deal\/.*version=2.*\n# updated ch_\w{8}\n$/);

    const email = `${when}@acme.com`;
    const created = await brokenAt(email, when, () => ann.send("POST", "/contacts", { email, stage: "lead" }));
    assert.deepEqual([created.status, /^# (\w+)/m.exec(created.text)?.[1]], [201, "created"]);
    const updated = await brokenAt(email, when, () => ann.send("POST", "/contacts", { email, stage: "customer" }));
    assert.match(updated.text, / stage=customer .*version=2.*\n# updated ch_\w{8}\n$/);

    const keyed = () => ann.send("POST", "/deals", { title: `Once ${when}` }, { "Idempotency-Key": when });
    const first = await brokenAt(`Once ${when}`, when, keyed);
    assert.equal(first.status, 201, first.text);
    assert.equal(handleOf(await keyed()), handleOf(first));
  });
}

test("when the next connection breaks too, a write happens once, and a read is answered", async () => {
  for (const when of ["told", "answered"] as const) {
    const title = `Twice ${when}`;
    const written = await brokenAt(title, when, () => ann.send("POST", "/deals", { title }), 2);
    assert.equal(written.status, 201, written.text);
    const handle = handleOf(written);
    const { lost } = service.pool.stats();
    network.breakAt(handle.slice(-8), when, 2);
    const read = await ann.send("GET", `/${handle}`);
    assert.deepEqual([read.status, handleOf(read), service.pool.stats().lost], [200, handle, lost + 2], read.text);
  }
});

test("a repeated create is not refused because its first attempt reached the cap", async () => {
  const title = "The only one";
  const { status, text } = await brokenAt(title, "answered", () => ann.send("POST", "/tasks", { title }));
  assert.equal(status, 201, text);
  assert.equal((await ann.send("POST", "/tasks", { title: "One too many" })).status, 403);
});

test("a write that the server runs late, after its repetition, happens once", async () => {
  const contact = handleOf(await ann.send("POST", "/contacts", { email: "late@acme.com" }));
  const before = await entries();
  const [own] = await direct.rows(sql`select workspace_id from contacts where email = 'late@acme.com'`);
  const waiting = "select count(*)::int from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'";
  const blocked = () =>
    countOf(noCitus ? sql`${raw(waiting)}` : sql`select sum(result::int)::int from run_command_on_workers(${waiting})`);
  const replies = await direct.transaction(async (tx) => {
    await tx.rows(sql`select from contacts where workspace_id = ${own![0]} and email = 'late@acme.com' for update`);
    const reply = ann.send("PATCH", `/${contact}`, { stage: "late" });
    await until(async () => (await blocked()) === 1);
    network.cut();
    await until(async () => (await blocked()) === 2);
    return [reply];
  });
  assert.match((await replies[0]!).text, / stage=late .*version=2.*\n# updated ch_\w{8}\n$/);
  assert.equal(await blocked(), 0);
  assert.equal(await entries(), before + 1);
});

test("when the database stays away, the answer says that the outcome is unknown", async () => {
  network.slam();
  network.breakAt("Into the void", "answered");
  const { status, text, headers } = await ann.send("POST", "/deals", { title: "Into the void" });
  network.heal();
  assert.deepEqual([status, headers.get("retry-after")], [503, null]);
  assert.match(text, /^ERROR not_ready .*^outcome=unknown$/ms);
});

test("many writes over breaking connections: each acknowledged one is stored once, none twice", async () => {
  const statuses = new Map<string, number>();
  let over = false;
  const writers = Array.from({ length: 12 }, async (_, writer) => {
    for (let i = 0; !over; i++) {
      const title = `Many ${writer}.${i}`;
      const reply = await ann.send("POST", "/deals", { title });
      statuses.set(title, reply.status);
      if (reply.status !== 201) assert.match(reply.text, /^ERROR (not_ready|busy) /);
    }
  });
  // A crowded machine makes few writes in a second: a connection breaks after so many of them, whatever time that takes.
  for (let i = 1; i <= 10; i++) {
    await until(async () => statuses.size >= i * 25);
    network.cut();
  }
  over = true;
  await Promise.all(writers);
  const rows = await direct.rows(sql`select title, count(*)::int from deals where title like 'Many %' group by 1`);
  const made = new Map(rows as [string, number][]);
  for (const [title, count] of made) assert.equal(count, 1, title);
  for (const [title, status] of statuses) if (status === 201) assert.equal(made.get(title), 1, title);
  const refused = [...statuses.values()].filter((status) => status !== 201).length;
  assert.ok(statuses.size > 50 && refused * 4 < statuses.size, `${refused} of ${statuses.size} were refused`);
  assert.equal(await countOf(sql`select count(*)::int from changes where row ->> 'title' like 'Many %'`), made.size);
});
