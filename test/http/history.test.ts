import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { sql } from "../../src/postgres/sql.ts";
import { type Client, type Service, startService } from "../helpers/service.ts";

let service: Service;
let ann: Client;
let clock = Date.parse("2026-06-01T08:00:00Z");
/** Set, it makes all ids of one millisecond apart end alike. */
let random: number | undefined;
before(async () => {
  service = await startService({ now: () => clock, random: () => random ?? Math.random() });
  ann = await service.signIn();
});
after(() => service.close());

const send: Client["send"] = (...request) => {
  clock += 1000;
  return ann.send(...request);
};

async function make(path: string, body: unknown): Promise<string> {
  const reply = await send("POST", `${path}?format=json`, body);
  assert.equal(reply.status, 201, reply.text);
  return reply.json().id;
}

// biome-ignore lint/suspicious/noExplicitAny: a test asserts on what it finds
async function historyOf(path: string, fields = ""): Promise<any[]> {
  return (await send("GET", `${path}/history?format=json${fields && `&fields=${fields}`}`)).json().items;
}

const changesInAll = async () => (await service.pool.rows(sql`select count(*)::int from changes`))[0]![0] as number;

test("an entry tells who, when, what, why, with which program, and which request", async () => {
  const id = await make("/contacts", {
    name: "Jane",
    stage: "lead",
    custom: { seats: 1 },
    follow_up_at: "2026-06-10T09:00:00Z",
  });
  const path = `/contacts/${id}`;
  const changed = await send(
    "PATCH",
    path,
    { stage: "customer", title: "CTO", custom: { seats: 2 }, follow_up_at: null },
    { "x-reason": Buffer.from("bestellt am Telefon, Zoë").toString("latin1"), "user-agent": "claude/1.0" },
  );
  const [entry, first] = await historyOf(path);
  const { token } = (await send("GET", "/whoami?format=json")).json();
  assert.deepEqual(
    [entry.actor, entry.action, entry.kind, entry.name, entry.version, entry.reason, entry.agent, entry.cause],
    ["ann@example.com", "updated", "contact", "Jane", 2, "bestellt am Telefon, Zoë", "claude/1.0", null],
  );
  assert.equal(entry.record, id);
  assert.equal(entry.at, "2026-06-01T08:00:02Z");
  assert.equal(entry.token_id.slice(-8), token.slice(-8));
  assert.equal(entry.request_id, changed.headers.get("x-request-id"));
  assert.deepEqual(entry.changes, {
    title: { from: null, to: "CTO" },
    stage: { from: "lead", to: "customer" },
    follow_up_at: { from: "2026-06-10T09:00:00Z", to: null },
    "custom.seats": { from: 1, to: 2 },
  });
  assert.deepEqual([first.action, first.version, first.changes.name], ["created", 1, { from: null, to: "Jane" }]);
  const line = (await send("GET", `${path}/history`)).lines[0]!;
  assert.ok(line.includes(` token_id=tok_${token.slice(-8)} `), line);
  for (const form of [`tok_${token.slice(-8)}`, token, entry.token_id])
    assert.equal((await send("GET", `/audit?token_id=${encodeURIComponent(form)}&record=${id}`)).lines.length, 2, form);
  assert.equal((await send("GET", `/audit?token_id=tok_00000000&record=${id}`)).lines.length, 0);
  assert.match(line, /^change\/ch_\w{8} at=\S+ actor=ann@example\.com action=updated .*changes="[^"]*stage: lead -> customer/);

  await send("PATCH", `${path}?reason=asked`, { stage: "lost" });
  assert.equal((await historyOf(path))[0].reason, "asked");
});

test("before and after have the shape of the record", async () => {
  const { workspace } = (await send("GET", "/whoami?format=json")).json();
  await send("PATCH", `/${workspace}`, { timezone: "Asia/Kathmandu" });
  const company = await make("/companies", { name: "Shape Ltd", domain: "shape.com" });
  const bodies: [path: string, body: object, change: object][] = [
    [
      "/contacts",
      { name: "Shape", company_id: company, follow_up_at: "2026-06-10", tags: ["a"], custom: { n: 1 } },
      { tags: [] },
    ],
    ["/companies", { name: "Other", domain: "other.com" }, { notes: "n" }],
    [
      "/deals",
      { title: "Shape", amount_cents: 5, currency: "EUR", close_date: "2026-07-01", company_id: company },
      { company: null },
    ],
    ["/tasks", { title: "Shape", due_at: "+3d" }, { done: true }],
    ["/activities", { kind: "call", company_id: company }, { body: "x" }],
    ["/emails", { from: "a@other.com", cc: ["a@shape.com"] }, { cc: [], to: ["b@shape.com"] }],
  ];
  for (const [path, body, change] of bodies) {
    const id = await make(path, body);
    const record = async () => (await send("GET", `${path}/${id}?format=json`)).json();
    const made = await record();
    await send("PATCH", `${path}/${id}`, change);
    const changed = await record();
    const entries = await historyOf(`${path}/${id}`, "before,after");
    assert.deepEqual(
      entries.map(({ before, after }) => ({ before, after })),
      [
        { before: made, after: changed },
        { before: null, after: made },
      ],
      path,
    );
    const [audit] = (await send("GET", `/audit?format=json&fields=before,after&record=${id}&limit=1`)).json().items;
    assert.deepEqual([audit.before, audit.after], [made, changed], path);
    const [line] = (await send("GET", `${path}/${id}/history?fields=after&limit=1`)).lines;
    assert.deepEqual(JSON.parse(JSON.parse(line!.slice(line!.indexOf("=") + 1))), changed, path);
  }
  await send("PATCH", `/${workspace}`, { timezone: "UTC" });
});

test("a reason that cannot be kept is refused before anything changes", async () => {
  const id = await make("/contacts", { name: "Reasons" });
  for (const reason of ["x".repeat(501), "%00"]) {
    const refused = await send("PATCH", `/contacts/${id}?reason=${reason}`, { stage: "x" });
    assert.equal(refused.status, 400, refused.text);
  }
  assert.equal((await historyOf(`/contacts/${id}`)).length, 1);
});

test("what is refused or changes nothing leaves no entry", async () => {
  const id = await make("/contacts", { name: "Quiet", email: "quiet@acme.com" });
  await make("/contacts", { email: "loud@acme.com" });
  const entries = await changesInAll();
  for (const [method, path, body] of [
    ["PATCH", `/contacts/${id}`, { name: "Quiet" }],
    ["PATCH", `/contacts/${id}`, { email: "loud@acme.com" }],
    ["PATCH", `/contacts/${id}`, { company_id: "co_00000000" }],
    ["PATCH", `/contacts/${id}`, { stage: "x", version: 9 }],
    ["PATCH", `/contacts/${id}`, { stag: "x" }],
    ["POST", "/contacts", { email: "quiet@acme.com" }],
    ["POST", "/deals", { title: "x", contact_id: "c_00000000" }],
    ["POST", "/activities", { kind: "call" }],
    ["DELETE", `/contacts/${id}`, undefined],
    ["DELETE", `/contacts/${id}?confirm=x`, undefined],
    ["PATCH", "/contacts/c_00000000", { name: "x" }],
  ] as const) {
    await send(method, path, body);
    assert.equal(await changesInAll(), entries, `${method} ${path} ${JSON.stringify(body)}`);
  }
});

test("a handle that is taken is made anew, and no change is lost over it", async () => {
  const id = await make("/contacts", { name: "First", email: "first@acme.com" });
  const company = await make("/companies", { name: "C" });
  const deal = await make("/deals", { title: "D", company_id: company });
  const { confirm } = (await send("DELETE", `/companies/${company}?format=json`)).json();
  const writes: [method: string, path: string, body: unknown, outcome: RegExp][] = [
    ["PATCH", `/contacts/${id}`, { stage: "lead" }, / stage=lead .*\n# updated ch_\w{8}\n$/],
    ["POST", "/contacts", { email: "first@acme.com", title: "CTO" }, / title=CTO .*\n# updated ch_\w{8}\n$/],
    ["POST", "/contacts", { email: "second@acme.com" }, /\n# created ch_\w{8}\n$/],
    ["POST", "/tasks", { title: "b" }, /\n# created ch_\w{8}\n$/],
    ["DELETE", `/companies/${company}?confirm=${confirm}`, undefined, /^OK deleted /],
  ];
  try {
    for (const [i, [method, path, body, outcome]] of writes.entries()) {
      random = (i + 1) / 10;
      await make("/tasks", { title: "takes the handles that come next" });
      assert.match((await send(method, path, body)).text, outcome);
    }
  } finally {
    random = undefined;
  }
  const versions = await historyOf(`/contacts/${id}`, "version");
  assert.deepEqual(
    versions.map(({ version }) => version),
    [3, 2, 1],
  );
  const actions = await historyOf(`/deals/${deal}`, "action");
  assert.deepEqual(
    actions.map(({ action }) => action),
    ["updated", "created"],
  );
});

test("the audit shows all kinds, filtered and paged, each entry once", async () => {
  const ids = new Set<string>();
  let cursor: string | null = null;
  do {
    const page = (await send("GET", `/audit?format=json&limit=7${cursor === null ? "" : `&cursor=${cursor}`}`)).json();
    for (const { id } of page.items) {
      assert.ok(!ids.has(id));
      ids.add(id);
    }
    cursor = page.next_cursor;
  } while (cursor !== null);
  assert.equal(ids.size, await changesInAll());
  const deletions = (await send("GET", "/audit?action=deleted&format=json")).json().items;
  assert.deepEqual(
    deletions.map(({ kind }: { kind: string }) => kind),
    ["company"],
  );
});

test("no list counts rows unless it is asked to", async () => {
  const { rows } = service.pool;
  const statements: string[] = [];
  service.pool.rows = (statement, options) => {
    statements.push(statement.text);
    return rows(statement, options);
  };
  try {
    for (const path of [
      "/contacts",
      "/contacts?stage=3&sort=name",
      "/contacts?search=first",
      "/audit",
      "/reminders",
      "/search?q=first",
    ])
      assert.equal((await send("GET", path)).status, 200, path);
    assert.ok(statements.length >= 6);
    // A search asks whether what it gathered, never more than 5,001 rows, was all.
    for (const statement of statements) assert.doesNotMatch(statement, /count\((?!\*\) [<>]= \d+ as enough)/i);
    assert.match((await send("GET", "/contacts?count=true")).text, /# \d+ of \d+ contacts\n/);
    assert.ok(statements.some((statement) => /count\(\*\)/.test(statement)));
  } finally {
    service.pool.rows = rows;
  }
});
