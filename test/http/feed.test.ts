import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { settleFeed } from "../../src/db/records/horizon.ts";
import { writeCursor } from "../../src/kit/cursor.ts";
import { silentLog } from "../../src/kit/log.ts";
import { createSeal } from "../../src/kit/seal.ts";
import { createPool, type Pool } from "../../src/postgres/pool.ts";
import { ident, sql } from "../../src/postgres/sql.ts";
import { catalog } from "../../src/records/all.ts";
import { noCitus } from "../helpers/citus.ts";
import { settled } from "../helpers/feed.ts";
import { operationsOf, readOpenApi } from "../helpers/openapi.ts";
import { type Client, type Reply, type Service, startService } from "../helpers/service.ts";
import { namesWorkspace, recordStatements, tenantTables } from "../helpers/statements.ts";

let service: Service;
let ann: Client;
/** Connections of its own, which hold transactions open. */
let direct: Pool;
before(async () => {
  service = await startService({
    reach: async (connection) => {
      const limits = { size: 4, queueLimit: 20, waitMs: 5_000, deadlineMs: 20_000, prepare: true };
      direct = createPool({ connection, ...limits, log: silentLog });
      return {
        url: `postgres://crm@localhost:${connection.port}/${connection.database}?host=${encodeURIComponent(connection.host)}`,
      };
    },
  });
  ann = await service.signIn();
});
after(async () => {
  await direct.close();
  await service.close();
});

async function make(path: string, body: unknown, who = ann): Promise<string> {
  const reply = await who.send("POST", `${path}?format=json`, body);
  assert.equal(reply.status, 201, reply.text);
  return reply.json().id;
}

type Entry = { id: string; kind: string; record: string; version: number; action: string; changes: object };
type Page = { items: Entry[]; next_cursor: string; notes?: string[]; lag_seconds?: number };

async function feed(query: string, who: Pick<Client, "send"> = ann, isSettled = false): Promise<Page> {
  if (!isSettled) await settled(direct);
  const reply = await who.send("GET", `/changes?format=json&${query}`);
  assert.equal(reply.status, 200, reply.text);
  const page = reply.json();
  assert.equal(typeof page.next_cursor, "string", "there is always a cursor to go on with");
  return page;
}

const now = async (who = ann) => (await feed("since=now", who)).next_cursor;

async function whole(query: string, who: Pick<Client, "send"> = ann): Promise<Entry[]> {
  const entries: Entry[] = [];
  for (let since = ""; ; ) {
    const page = await feed(`${query}&since=${since}`, who);
    entries.push(...page.items);
    if (page.items.length === 0) return entries;
    since = page.next_cursor;
  }
}

/** As text, once all can be shown. */
async function lines(query: string): Promise<Reply> {
  await settled(direct);
  return ann.send("GET", `/changes?${query}`);
}

const nextOf = ({ text }: Reply) => /^# next: (\S+)\n$/m.exec(text)?.[1];

test("the feed tells every change once, and always where it goes on", async () => {
  const since = await now();
  const id = await make("/contacts", { name: "Feed", email: "feed@acme.com", stage: "lead" });
  await ann.send("PATCH", `/contacts/${id}`, { stage: "customer" });
  await ann.send("PATCH", `/contacts/${id}`, { stage: "customer" });
  const { confirm } = (await ann.send("DELETE", `/contacts/${id}?format=json`)).json();
  await ann.send("DELETE", `/contacts/${id}?confirm=${confirm}`);

  const first = await lines(`since=${since}&limit=2`);
  assert.match(
    first.text,
    /^change\/ch_\w{8} .*action=created .*\nchange\/ch_\w{8} .*changes="stage: lead -> customer".*\n# 2 changes\n# next: \S+\n$/,
  );
  const second = await lines(`since=${nextOf(first)}`);
  assert.match(second.text, /^change\/ch_\w{8} .*action=deleted .*\n# 1 change\n# next: \S+\n$/);
  const empty = await lines(`since=${nextOf(second)}`);
  assert.match(empty.text, /^# 0 changes\n# next: \S+\n$/);

  const items = (await feed(`since=${since}&fields=version,before,after`)).items as unknown as Record<
    string,
    { stage: string } | null
  >[];
  assert.deepEqual(
    items.map(({ before, after }) => [before?.stage, after?.stage]),
    [
      [undefined, "lead"],
      ["lead", "customer"],
      ["customer", "customer"],
    ],
  );
  assert.deepEqual((await feed(`since=&cursor=${nextOf(first)}`)).items.length, 1, "cursor= goes on as in any list");
  const all = await whole("limit=3");
  assert.equal(all.length, (await ann.send("GET", "/audit?limit=500")).lines.length);
});

test("since takes a time, and refuses one to come", async () => {
  const id = await make("/deals", { title: "Timed" });
  const { items } = await feed("since=-1h&kind=deal");
  assert.ok(items.some(({ record }) => record === id));
  assert.equal((await feed("since=now")).items.length, 0);
  const ahead = await ann.send("GET", "/changes?since=%2B1d");
  assert.match(ahead.text, /^ERROR invalid_value .*\nHINT {2}since=now /);
});

test("filters find by kind, record, person, action and changed field", async () => {
  const since = await now();
  const company = await make("/companies", { name: "Filters", domain: "filters.com" });
  const contact = await make("/contacts", { name: "F", stage: "lead", custom: { seats: 1 } });
  const deal = await make("/deals", { title: "F", stage: "lead" });
  await ann.send("PATCH", `/contacts/${contact}`, { stage: "customer" });
  await ann.send("PATCH", `/contacts/${contact}`, { title: "CTO", company_id: company });
  await ann.send("PATCH", `/contacts/${contact}`, { custom: { seats: 2 } });
  await ann.send("PATCH", `/deals/${deal}`, { stage: "won", notes: "n".repeat(20_000) });
  await ann.send("PATCH", `/deals/${deal}`, { title: "G" });
  const found = async (query: string) =>
    (await whole(query))
      .filter(({ record }) => [company, contact, deal].includes(record))
      .map(({ record, version }) => `${record.split("_")[0]}${version}`);
  assert.deepEqual(await found("kind=deal"), ["d1", "d2", "d3"]);
  assert.deepEqual(await found("kind=in:deal,company&action=created"), ["co1", "d1"]);
  assert.deepEqual(await found(`record=${contact}`), ["c1", "c2", "c3", "c4"]);
  assert.deepEqual(await found(`record=contact/c_${contact.slice(-8)}&touched=title`), ["c3"]);
  assert.deepEqual(await found("touched=stage"), ["c1", "d1", "c2", "d2"]);
  assert.deepEqual(await found("touched=stage&kind=deal"), ["d1", "d2"]);
  assert.deepEqual(await found("touched=company"), ["c3"]);
  assert.deepEqual(await found("touched=custom.seats"), ["c1", "c4"]);
  assert.deepEqual(await found("touched=title,domain&touched=name,domain"), ["co1"]);
  assert.deepEqual(await found("touched=notes"), ["d2"], "what an entry leaves out it has not changed");
  assert.deepEqual(await found("actor=me&action=updated&kind=deal"), ["d2", "d3"]);
  assert.deepEqual(await found("actor=bob@example.com"), []);
  const { confirm } = (await ann.send("DELETE", `/deals/${deal}?format=json`)).json();
  await ann.send("DELETE", `/deals/${deal}?confirm=${confirm}`);
  assert.deepEqual(await found("touched=notes"), ["d2", "d4"], "a deletion takes what it held");
  assert.deepEqual(await found("touched=amount_cents"), []);
  const after = await feed(`since=${since}&actor=nobody@example.com`);
  assert.equal((await feed(`since=${after.next_cursor}`)).items.length, 0, "the cursor passes what the filter leaves out");
});

for (const [query, code, hint] of [
  ["kind=contacts", "invalid_value", "did you mean contact"],
  ["kind=nothing", "invalid_value", "kind is one of contact"],
  ["touched=stag", "invalid_value", "did you mean stage"],
  ["touched=version", "invalid_value", "fields: "],
  ["touched=", "invalid_value", "fields: "],
  ["wait=61", "invalid_value", "from 0 to 60"],
  ["wait=soon", "invalid_value", "from 0 to 60"],
  ["limit=501", "invalid_value", "from 1 to 500"],
  ["sort=at", "invalid_filter", "parameters: since"],
  ["action=merge", "invalid_value", "created"],
  ["since=yesterdayish", "invalid_cursor", "# next:"],
] as const)
  test(`/changes?${query} is refused with a way out`, async () => {
    const { status, text } = await ann.send("GET", `/changes?${query}`);
    assert.equal(status, 400);
    assert.ok(text.startsWith(`ERROR ${code} `), text);
    assert.ok(text.includes(hint), text);
  });

test("a token sees the changes of the kinds that it may read, for every kind", async () => {
  const contact = await make("/contacts", { name: "Linked" });
  const bodies: Record<string, object> = {
    activity: { kind: "call", contact_id: contact },
    payment: { amount_cents: 5 },
    script: { name: "Scoped", steps: [{ type: "question", text: "Well?" }] },
    execution: { contact_id: contact, script: "Scoped" },
    form: { name: "Scoped", questions: [{ label: "Well?", type: "text" }] },
    qualification: { contact_id: contact, form: "Scoped" },
    member: { contact_id: contact, campaign: { name: "Round" } },
  };
  for (const kind of catalog.kinds) await make(`/${kind.plural}`, bodies[kind.name] ?? { [kind.title]: "Scoped" });
  for (const kind of catalog.kinds) {
    const reply = await ann.send("POST", "/tokens?format=json", { name: kind.name, scopes: [`${kind.plural}.read`] });
    const token = { authorization: `Bearer ${reply.json().token}` };
    const send: Client["send"] = (method, path) => service.send(method, path, undefined, token);
    const seen = await whole("limit=500", { send });
    assert.deepEqual([...new Set(seen.map((entry) => entry.kind))], [kind.name]);
    const mine = (await whole(`limit=500&kind=${kind.name}`)).map(({ id }) => id);
    assert.deepEqual(
      seen.map(({ id }) => id),
      mine,
    );
    const other = catalog.kinds.find((each) => each !== kind)!;
    assert.match((await send("GET", `/changes?kind=${other.name}`)).text, /^ERROR scope_required /);
  }
  const reply = await ann.send("POST", "/tokens?format=json", { name: "writes", scopes: ["contacts.write"] });
  const { status } = await service.send("GET", "/changes", undefined, { authorization: `Bearer ${reply.json().token}` });
  assert.equal(status, 403);
});

test("another workspace sees none of it, and its cursor is refused", async () => {
  const bob = await service.signIn("bob@example.com");
  await make("/contacts", { name: "Ann's" });
  assert.deepEqual(await whole("", bob), []);
  const id = await make("/contacts", { name: "Bob's" }, bob);
  assert.deepEqual(
    (await whole("", bob)).map(({ record }) => record),
    [id],
  );
  const refused = await bob.send("GET", `/changes?since=${await now(ann)}`);
  assert.deepEqual([refused.status, refused.text.split(" ").slice(0, 2).join(" ")], [400, "ERROR invalid_cursor"]);
});

test("a cursor of another cluster, or of an entry that a restore has lost, is refused with the time to go on from", async () => {
  await make("/contacts", { name: "Lost" });
  const { next_cursor } = await feed("since=-1h&limit=500&kind=contact");
  const [body] = next_cursor.split(".");
  const [value, id] = JSON.parse(Buffer.from(body!, "base64url").toString());
  const { workspace_id } = {
    workspace_id: (await direct.rows(sql`select workspace_id from changes where id = ${id}`))[0]![0] as string,
  };
  const seal = createSeal("a secret of the tests, long enough");
  const forged = (value: string, id: string) => writeCursor({ value, id }, ["changes", workspace_id], seal);
  const [xid, mark, at] = value.split("|");
  assert.equal((await ann.send("GET", `/changes?since=${forged(value, id)}`)).status, 200);
  for (const old of [
    forged([xid, "other", at].join("|"), id),
    forged(value, `${id.slice(0, -1)}!`),
    forged(["99999999", mark, at].join("|"), ""),
  ]) {
    const { status, text } = await ann.send("GET", `/changes?since=${old}`);
    assert.equal(status, 400);
    assert.match(
      text,
      /^ERROR invalid_cursor the database was restored or moved .*\nHINT {2}.*GET \/changes\?since=\d{4}-\d\d-\d\dT[\d:]+Z\n/,
    );
  }
});

test("a reader that waits is told of a change within a second, of this service's writers and of others", {
  skip: !noCitus && "it writes past the server that has the workspace",
}, async () => {
  const since = await now();
  const waiting = feed(`since=${since}&wait=20`, ann, true);
  await sleep(300);
  assert.equal(service.pool.stats().busy, 0, "it holds no connection");
  const id = await make("/contacts", { name: "Awaited" });
  await settled(direct);
  const told = performance.now();
  const page = await waiting;
  assert.deepEqual(
    page.items.map(({ record }) => record),
    [id],
  );
  assert.ok(performance.now() - told < 1_200, `${performance.now() - told} ms`);

  const other = feed(`since=${page.next_cursor}&wait=20`, ann, true);
  await sleep(200);
  await direct.rows(sql`insert into changes (workspace_id, id, kind, record_id, version, action, at, actor, xid, row)
    select workspace_id, 'ch_00000000000000000000elsewh', kind, record_id, 2, 'updated', at, 'x@y.z', pg_current_xact_id(), row from changes where record_id = ${id}`);
  await settled(direct);
  const written = performance.now();
  assert.deepEqual(
    (await other).items.map(({ version }) => version),
    [2],
  );
  assert.ok(performance.now() - written < 3_000);
});

test("a reader that waits passes by what its filter leaves out, and ends in time with a cursor", async () => {
  const since = await now();
  const begun = performance.now();
  const waiting = feed(`since=${since}&wait=2&kind=task`, ann, true);
  await sleep(100);
  await make("/contacts", { name: "Not a task" });
  const page = await waiting;
  assert.deepEqual(page.items, []);
  const took = performance.now() - begun;
  assert.ok(took > 1_900 && took < 5_000, `${took} ms`);
  assert.equal((await feed(`since=${page.next_cursor}`)).items.length, 0);
});

test("a revoked token waits no longer, and is told nothing more", async () => {
  const reply = await ann.send("POST", "/tokens?format=json", { name: "short", scopes: ["read"] });
  const { token, id } = reply.json();
  const authorization = { authorization: `Bearer ${token}` };
  const since = await now();
  const waiting = service.send("GET", `/changes?since=${since}&wait=30`, undefined, authorization);
  await sleep(200);
  const begun = performance.now();
  assert.equal((await ann.send("DELETE", `/tokens/${id}`)).status, 200);
  assert.deepEqual((await waiting).lines, []);
  assert.ok(performance.now() - begun < 2_000);
});

test("a thousand readers wait without a connection, and each gets the change", async () => {
  const since = await now();
  const waiting = Array.from({ length: 900 }, () => ann.send("GET", `/changes?since=${since}&wait=30`));
  for (let calm = 0; calm < 20; calm = service.pool.stats().busy === 0 ? calm + 1 : 0) await sleep(20);
  const statements = recordStatements(service.pool);
  await sleep(2_500);
  assert.ok(statements.size <= 1, [...statements].join("\n"));
  await make("/contacts", { name: "For all" });
  const replies = await Promise.all(waiting);
  for (const reply of replies) assert.deepEqual([reply.status, reply.lines.length], [200, 1], reply.text);
});

test("an open transaction holds back what comes after it, the feed tells the lag, and loses nothing", {
  skip: !noCitus && "it writes past the server that has the workspace",
}, async () => {
  const since = await now();
  const { id } = await direct.transaction(async (tx) => {
    await tx.rows(sql`select pg_current_xact_id()`);
    const id = await make("/contacts", { name: "Held back" });
    const early = await feed(`since=${since}`, ann, true);
    assert.deepEqual(early.items, []);
    await sleep(2_100);
    const held = await ann.send("GET", `/changes?since=${early.next_cursor}`);
    assert.match(held.text, /^# lag=[2-9]s\n# 0 changes\n# next: \S+\n$/);
    const told = await ann.send("GET", `/changes?since=${since}&format=json`);
    assert.ok(told.json().lag_seconds >= 2);
    const document = (await ann.send("GET", "/openapi.json")).json();
    const operation = operationsOf(document).find(({ method, path }) => `${method} ${path}` === "GET /changes")!;
    readOpenApi(document).check(operation, told);
    return { id };
  });
  const page = await feed(`since=${since}&wait=5`);
  assert.deepEqual([page.items.map(({ record }) => record), page.lag_seconds], [[id], undefined]);
});

test("entries from before the feed come first, by their time, and since finds their time", async () => {
  const own = await service.signIn("old@example.com");
  const ids: string[] = [];
  for (const [i, day] of ["2026-01-02", "2026-01-01", "2026-01-03"].entries()) {
    const id = await make("/companies", { name: `Old ${i}` }, own);
    await direct.rows(sql`update changes set xid = '0', at = ${`${day}T00:00:00Z`}::timestamptz where record_id = ${id}`);
    ids.push(id);
  }
  ids.push(await make("/companies", { name: "New" }, own));
  const [a, b, c, d] = ids;
  const records = async (query: string) => (await feed(query, own)).items.map(({ record }) => record);
  assert.deepEqual(await records(""), [b, a, c, d]);
  assert.deepEqual(await records("since=2026-01-02"), [a, c, d]);
  const { next_cursor } = await feed("limit=2", own);
  assert.deepEqual(await records(`since=${next_cursor}`), [c, d]);
});

test("after a restore, entries with numbers that the cluster has not given out are shown all the same", {
  skip: !noCitus && "it writes past the server that has the workspace",
}, async () => {
  const own = await service.signIn("restored@example.com");
  const first = await make("/companies", { name: "Before" }, own);
  for (const [table, id] of [
    ["changes", "record_id"],
    ["companies", "id"],
  ] as const)
    await direct.rows(sql`update ${ident(table)} set xid = '4611686018427387904' where ${ident(id)} = ${first}`);
  assert.deepEqual(await whole("", own), []);
  await settleFeed({ pool: direct, catalog });
  const second = await make("/companies", { name: "After" }, own);
  await own.send("PATCH", `/companies/${first}`, { name: "Changed" });
  const records = (await whole("", own)).map(({ record }) => record);
  assert.deepEqual(records, [first, second, first]);
});

test("every statement of the feed names the workspace", async () => {
  const tenants = await tenantTables(service.pool);
  const statements = recordStatements(service.pool);
  for (const query of ["", "since=-1d&touched=stage&actor=me", "kind=contact&fields=before,after", "record=c_00000000"])
    await feed(query);
  assert.ok(statements.size > 3);
  for (const statement of statements) assert.ok(namesWorkspace(statement, tenants), statement);
});
