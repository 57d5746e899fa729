import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import postgres from "postgres";
import { readMigrations } from "../../src/db/migrate.ts";
import { connectionTo } from "../helpers/postgres.ts";
import { type Client, type Service, startService } from "../helpers/service.ts";

/** When a deal was closed follows its status, and why it was lost is asked for. */

let service: Service;
let ann: Client;
let clock = Date.parse("2026-06-01T08:00:00Z");
before(async () => {
  service = await startService({ now: () => clock });
  ann = await service.signIn();
});
after(() => service.close());

async function write(method: string, path: string, body: unknown) {
  clock += 60_000;
  const reply = await ann.send(method, `${path}?format=json`, body);
  assert.ok(reply.status < 300, reply.text);
  return reply.json();
}

const now = () => new Date(clock).toISOString().replace(".000", "");

test("closed_at is set when the status leaves open, kept while it is closed and cleared when it returns", async () => {
  const made = await write("POST", "/deals", { title: "Open" });
  assert.equal(made.closed_at, null);
  const path = `/deals/${made.id}`;
  const won = await write("PATCH", path, { status: "won", stage: "signed" });
  assert.deepEqual([won.closed_at, won.updated_at], [now(), now()]);
  const lost = await write("PATCH", path, { status: "lost" });
  assert.equal(lost.closed_at, won.closed_at, "closed it was already");
  assert.equal((await write("PATCH", path, { notes: "late" })).closed_at, won.closed_at);
  const { version } = await write("PATCH", path, { status: "lost" });
  assert.equal(version, lost.version + 1, "the same again changes nothing");
  assert.equal((await write("PATCH", path, { status: "open" })).closed_at, null);
  const { changes } = (await ann.send("GET", `${path}/history?format=json&limit=1`)).json().items[0];
  assert.deepEqual(changes, { status: { from: "lost", to: "open" }, closed_at: { from: won.closed_at, to: null } });
});

test("a deal that is made closed has a day, one that is made open has none, and a value that is sent wins", async () => {
  assert.equal((await write("POST", "/deals", { title: "Won", status: "won" })).closed_at, now());
  assert.equal((await write("POST", "/deals", { title: "Open", status: "open" })).closed_at, null);
  const day = "2025-12-24T10:00:00Z";
  for (const body of [
    { title: "Old", status: "won", closed_at: day },
    "title=Old&status=lost&closed_at=2025-12-24T10:00:00Z",
  ]) {
    const made = await write("POST", "/deals", body);
    assert.equal(made.closed_at, day);
    assert.equal((await write("PATCH", `/deals/${made.id}`, { status: "open" })).closed_at, null);
    assert.equal((await write("PATCH", `/deals/${made.id}`, { status: "won", closed_at: day })).closed_at, day);
    assert.equal((await write("PATCH", `/deals/${made.id}`, { closed_at: null })).closed_at, null);
    assert.equal((await write("PATCH", `/deals/${made.id}`, { status: "lost" })).closed_at, null, "it left open before");
  }
});

test("the closed of a time are found and sorted", async () => {
  const bob = await service.signIn("bob@example.com");
  for (const [title, closed_at] of [
    ["b", "2026-02-03"],
    ["a", "2026-01-02"],
    ["c", "2026-03-04"],
  ])
    await bob.send("POST", "/deals", { title, status: "won", closed_at });
  await bob.send("POST", "/deals", { title: "open" });
  const titles = async (query: string) =>
    (await bob.send("GET", `/deals?format=json&${query}`)).json().items.map(({ title }: { title: string }) => title);
  assert.deepEqual(await titles("sort=closed_at"), ["a", "b", "c", "open"]);
  assert.deepEqual(await titles("closed_at=gte:2026-02-01&sort=-closed_at"), ["c", "b"]);
  assert.deepEqual(await titles("closed_at=is:null"), ["open"]);
});

test("of many who close and open a deal at once each finds it as the one before left it", async () => {
  const { id } = await write("POST", "/deals", { title: "Race" });
  const path = `/deals/${id}`;
  for (let round = 0; round < 6; round++) {
    const statuses = Array.from({ length: 12 }, (_, i) => ["won", "open", "lost"][(i + round) % 3]);
    await Promise.all(statuses.map((status, i) => ann.send("PATCH", path, { status, ...(i % 4 === 0 && { stage: `s${i}` }) })));
  }
  const { items } = (await ann.send("GET", `${path}/history?format=json&limit=500&fields=version,at,after`)).json();
  assert.ok(items.length > 12);
  type Version = { version: number; after: { status: string; closed_at: string | null; updated_at: string } };
  const versions = (items as Version[]).sort((a, b) => a.version - b.version).map(({ after }) => after);
  for (const [i, { status, closed_at, updated_at }] of versions.entries()) {
    const before = versions[i - 1];
    const expected = status === "open" ? null : before && before.status !== "open" ? before.closed_at : updated_at;
    assert.equal(closed_at, expected, `version ${i + 1}`);
  }
});

test("a lost deal without a reason is asked for one, beside the answer", async () => {
  const made = await ann.send("POST", "/deals", { title: "Lost", status: "lost" });
  const path = made.headers.get("location")!;
  const asked = `# lost_reason is empty (why it was lost): PATCH ${path} {"lost_reason":"…"}\n`;
  assert.ok(made.text.includes(asked), made.text);
  assert.ok((await ann.send("PATCH", path, { stage: "over" })).text.includes(asked));
  assert.match((await ann.send("PATCH", `${path}?format=json`, { stage: "gone" })).json().hint, /^lost_reason is empty/);
  assert.ok((await ann.send("PATCH", `${path}?fields=title`, { status: "lost", stage: "so" })).text.includes(asked));
  for (const body of [{ lost_reason: "price" }, { stage: "known" }, { status: "won", lost_reason: null }, { status: "open" }])
    assert.doesNotMatch((await ann.send("PATCH", path, body)).text, /lost_reason is empty/, JSON.stringify(body));
  assert.doesNotMatch((await ann.send("POST", "/deals", { title: "x", status: "won" })).text, /lost_reason/);
});

test("what was closed before has the day of the change that closed it, in the history too", async () => {
  const host = process.env["CARDFILE_TEST_PG"]!;
  const name = `test_closing_${process.pid}`;
  const admin = postgres({ ...connectionTo(host, "postgres"), max: 1 });
  await admin`create database ${admin(name)} template template0`;
  const sql = postgres({ ...connectionTo(host, name), max: 1, onnotice: () => {} });
  try {
    const migrations = readMigrations();
    const last = migrations.findIndex(({ text }) => text.includes("add column closed_at"));
    for (const { text } of migrations.slice(0, last)) await sql.unsafe(text);
    const day = (n: number) => `2026-01-0${n}T00:00:00.000Z`;
    let entries = 0;
    const stories: Record<string, string[]> = {
      d_won: ["open", "won", "won"],
      d_again: ["open", "won", "open", "open", "lost", "won"],
      d_born: ["lost", "lost"],
      d_open: ["open", "won", "open"],
      d_untold: [],
    };
    for (const [id, statuses] of Object.entries(stories)) {
      const status = statuses.at(-1) ?? "won";
      await sql`insert into deals (workspace_id, id, title, status, version, created_at, created_by, updated_at)
        values ('ws', ${id.padEnd(12, "0")}, ${id}, ${status}, ${statuses.length || 1}, ${day(1)}, 'me', ${day(9)})`;
      for (const [i, was] of statuses.entries())
        await sql`insert into changes (workspace_id, id, kind, record_id, version, action, at, actor, row)
          values ('ws', ${`ch_${String(++entries).padStart(8, "0")}`}, 'deal', ${id.padEnd(12, "0")}, ${i + 1}, 'updated', ${day(i + 1)}, 'me', ${sql.json({ status: was })})`;
    }
    await sql.unsafe(migrations[last]!.text);
    const deals = await sql`select title, closed_at from deals order by title`;
    assert.deepEqual(
      deals.map(({ title, closed_at }) => [title, closed_at?.toISOString() ?? null]),
      [
        ["d_again", day(5)],
        ["d_born", day(1)],
        ["d_open", null],
        ["d_untold", day(9)],
        ["d_won", day(2)],
      ],
    );
    const told =
      await sql`select record_id, version, (row ->> 'closed_at')::timestamptz as closed_at from changes order by record_id, version`;
    const known = (id: string) =>
      told.filter(({ record_id }) => record_id.startsWith(id)).map((row) => row["closed_at"]?.toISOString() ?? null);
    assert.deepEqual(known("d_again"), [null, day(2), null, null, day(5), day(5)]);
    assert.deepEqual(known("d_born"), [day(1), day(1)]);
    assert.deepEqual(known("d_open"), [null, day(2), null]);
  } finally {
    await sql.end();
    await admin`drop database ${admin(name)} with (force)`;
    await admin.end();
  }
});
