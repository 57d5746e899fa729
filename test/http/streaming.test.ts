import assert from "node:assert/strict";
import { spawn, spawnSync } from "node:child_process";
import { get, type IncomingMessage } from "node:http";
import { connect } from "node:net";
import { after, test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { sql } from "../../src/postgres/sql.ts";
import { catalog } from "../../src/records/all.ts";
import { inTurns, leastOf, post, startWorld } from "../helpers/dictionary.ts";
import { assertLine } from "../helpers/lines.ts";

/** `limit=all`: the whole of a list in one answer, in constant memory, that is whole or visibly is not. */

const { service, ann, world } = await startWorld();
after(() => service.close());

const MANY = 50_000;

/** The id of the workspace that someone made by signing in. */
async function workspaceOf(email: string): Promise<string> {
  const [row] = await service.pool.rows(sql`select default_workspace_id from users where email = ${email}`);
  return row![0] as string;
}

/** Some 200 bytes each; written below the API, which would take minutes. */
async function fill(workspace: string, rows: number): Promise<void> {
  await service.pool.rows(
    sql`insert into contacts (workspace_id, id, name, email, title, stage, tags, notes, version, created_at, created_by, updated_at)
      select ${workspace}, 'c_01fill' || lpad(n::text, 20, '0'), 'Filled ' || n, 'f' || n || '@fill.example', repeat('engineer ', 8), 'lead',
        '{saas,vip}', case when n % 5 = 0 then repeat('note ', 30) end, 1, ${"2026-01-01T00:00:00Z"}::timestamptz + n * interval '1 second', 'ann@example.com',
        ${"2026-01-01T00:00:00Z"}::timestamptz + n * interval '1 second' from generate_series(1, ${rows}::int) n`,
    { deadlineMs: 60_000 },
  );
}

const bob = await service.signIn("bob@example.com");
const bobs = await workspaceOf(bob.email);
await fill(bobs, MANY);
const path = (query: string) => `/contacts?limit=all&${query}`;

/** An answer that is read by hand. */
function open(target: string, { token } = bob): Promise<IncomingMessage> {
  return new Promise((resolve, reject) => {
    const headers = { authorization: `Bearer ${token}` };
    get(service.baseUrl + target, { headers, agent: false }, resolve).on("error", reject);
  });
}

/** All that comes, and whether the end of the body came too. */
async function drain(response: IncomingMessage, onChunk?: () => void): Promise<{ text: string; whole: boolean }> {
  const chunks: Buffer[] = [];
  try {
    for await (const chunk of response) {
      chunks.push(chunk as Buffer);
      onChunk?.();
    }
  } catch (error) {
    assert.equal((error as NodeJS.ErrnoException).code, "ECONNRESET");
  }
  return { text: Buffer.concat(chunks).toString(), whole: response.complete };
}

const cursors = async (): Promise<number> => {
  const [row] = await service.pool.rows(
    sql`select count(*)::int from pg_stat_activity where datname = current_database() and (query like 'fetch forward%' or query like 'declare rows%')
      and (state = 'active' or state like 'idle in transaction%')`,
  );
  return row![0] as number;
};

async function killCursors(): Promise<void> {
  await service.pool.rows(
    sql`select pg_terminate_backend(pid) from pg_stat_activity where datname = current_database() and query like 'fetch forward%'
      and pid <> pg_backend_pid()`,
  );
}

async function until(what: string, holds: () => Promise<boolean>): Promise<void> {
  for (let tries = 0; tries < 500; tries++) {
    if (await holds()) return;
    await sleep(20);
  }
  assert.fail(what);
}

for (const kind of catalog.kinds) {
  test(`all ${kind.plural} are the same in every format, whole or page by page`, async () => {
    await inTurns([0, 1, 2], () => post(ann, kind, leastOf(kind, world)));
    const list = (query: string) => ann.send("GET", `/${kind.plural}?sort=created_at&${query}`);
    const { items } = (await list("limit=200&format=json")).json();
    assert.ok(items.length >= 3);
    const whole = await list("limit=all&format=json");
    assert.equal(whole.headers.get("content-length"), null);
    assert.deepEqual(whole.json(), { items, next_cursor: null });
    const unsorted = (await ann.send("GET", `/${kind.plural}?limit=all&format=json`)).json().items as { id: string }[];
    const ids = (some: { id: string }[]) => some.map(({ id }) => id).sort();
    assert.deepEqual(ids(unsorted), ids(items));
    for (const format of ["text", "csv", "ndjson", "vcard", "ics"]) {
      const paged = await list(`limit=200&format=${format}`);
      const streamed = await list(`limit=all&format=${format}`);
      assert.equal(streamed.status, paged.status, format);
      // A refusal names the request's own formats, so it is the same too.
      assert.equal(streamed.text, paged.text, format);
      assert.equal(streamed.headers.get("content-type"), paged.headers.get("content-type"));
    }
    for (const { name } of kind.fields.filter(({ sort }) => sort)) {
      for (const order of [name, `-${name}`]) {
        const sorted = (limit: string) => ann.send("GET", `/${kind.plural}?sort=${order}&limit=${limit}`);
        assert.equal((await sorted("all")).text, (await sorted("200")).text, order);
      }
    }
    const lines = await list("limit=all");
    for (const [i, line] of lines.lines.entries()) assertLine(line, kind, items[i], "list");
    assert.match(lines.text, new RegExp(`\\n# ${items.length} ${kind.plural}\\n$`));
  });
}

test("lists below a record, histories and the audit stream as well, with filters", async () => {
  const { id } = await post(ann, catalog.get("company")!, { name: "Acme Inc", domain: "acme.example" });
  for (const name of ["Jane", "Joe", "Jim"])
    await ann.send("POST", "/contacts", { name, email: `${name}@acme.example`.toLowerCase(), company_id: id });
  await ann.send("PATCH", `/companies/${id}`, { notes: "long ".repeat(3_000) });
  await ann.send("PATCH", `/companies/${id}`, { industry: "Software" });
  for (const target of [
    `/companies/${id}/contacts?name=like:j&sort=name`,
    `/contacts?company=acme.example&sort=-name`,
    `/contacts?search=acme&sort=name`,
    `/companies/${id}/history?sort=at`,
    `/companies/${id}/history?sort=at&fields=before,after`,
    `/audit?kind=company&sort=-at`,
    `/contacts?name=like:j&offset=1&sort=name`,
  ]) {
    for (const format of ["text", "json", "ndjson"]) {
      const page = await ann.send("GET", `${target}&format=${format}&limit=200`);
      const streamed = await ann.send("GET", `${target}&format=${format}&limit=all`);
      assert.equal(page.status, 200, page.text);
      assert.equal(streamed.text, page.text, target);
    }
  }
  const first = (await ann.send("GET", "/contacts?sort=name&limit=1&format=json")).json();
  const rest = (await ann.send("GET", `/contacts?sort=name&limit=all&format=json&cursor=${first.next_cursor}`)).json();
  const all = (await ann.send("GET", "/contacts?sort=name&limit=all&format=json")).json();
  assert.deepEqual([...first.items, ...rest.items], all.items);
  const none = await ann.send("GET", "/contacts?limit=all&stage=nobody");
  assert.match(none.text, /^# stage="nobody" is compared whole.*\n(# .*\n)*# 0 contacts\n$/);
});

test("what cannot be streamed is refused before it begins", async () => {
  for (const [query, status, hint] of [
    [
      "limit=all&search=acme",
      400,
      /^HINT {2}in an order every match comes: GET .contacts.search=…&sort=-updated_at&limit=all$/m,
    ],
    ["limit=all&format=ics&fields=name", 400, /^HINT {2}add follow_up_at to fields=/m],
    ["limit=all&count=true", 400, /^HINT {2}leave count out/m],
    ["limit=ALL", 400, /limit=all/],
    ["limit=all&company_id=co_zzzzzzzz", 404, /not_found/],
    ["limit=all&format=xml", 400, /format=ndjson/],
  ] as const) {
    const reply = await ann.send("GET", `/contacts?${query}`);
    assert.equal(reply.status, status, reply.text);
    assert.match(reply.text, hint);
  }
});

test("a stream is as of one moment, however slowly it is read", async () => {
  const response = await open(path("sort=created_at&fields=name&format=ndjson"));
  await service.pool.rows(
    sql`update contacts set name = 'Changed' where workspace_id = ${bobs} and id = ${`c_01fill${String(MANY).padStart(20, "0")}`}`,
  );
  const { text, whole } = await drain(response);
  assert.ok(whole);
  const lines = text.trimEnd().split("\n");
  assert.equal(lines.length, MANY);
  assert.match(lines.at(-1)!, /"name":"Filled 50000"/);
});

test("a slow reader holds the stream back, and the process does not grow", async () => {
  const warm = await drain(await open(path("format=json")));
  assert.ok(warm.whole);
  assert.ok(warm.text.length > 15_000_000, String(warm.text.length));
  const before = process.memoryUsage();
  const response = await open(path("format=json"));
  response.pause();
  const socketsBytes = () => response.socket.bytesRead;
  await sleep(700);
  const held = socketsBytes();
  let most = 0;
  for (let i = 0; i < 5; i++) {
    await sleep(100);
    const { rss } = process.memoryUsage();
    most = Math.max(most, rss - before.rss);
  }
  assert.ok(socketsBytes() - held < 262_144, "nothing more comes while nobody reads");
  assert.ok(held < 8_000_000, `${held} bytes lie in the buffers of the machine, not all of the list`);
  assert.ok(most < 60_000_000, `the process grew by ${most}`);
  let length = 0;
  let chunks = 0;
  for await (const chunk of response) {
    length += (chunk as Buffer).length;
    chunks += 1;
    if (chunks % 100 === 0) {
      await sleep(20);
      most = Math.max(most, process.memoryUsage().rss - before.rss);
    }
  }
  assert.ok(response.complete);
  assert.equal(length, Buffer.byteLength(warm.text));
  assert.ok(most < 60_000_000, `the process grew by ${most}`);
});

test("records with a megabyte each are in memory a few at a time", async () => {
  const carl = await service.signIn("carl@example.com");
  const workspace_id = await workspaceOf(carl.email);
  await fill(workspace_id, 140);
  await service.pool.rows(
    sql`update contacts set custom = jsonb_build_object('a', repeat('x', 700000)) where workspace_id = ${workspace_id} and id > ${`c_01fill${"40".padStart(20, "0")}`}`,
    { deadlineMs: 60_000 },
  );
  const before = process.memoryUsage().rss;
  let [most, length] = [0, 0];
  const response = await open(path("format=ndjson"), carl);
  for await (const chunk of response) {
    length += (chunk as Buffer).length;
    most = Math.max(most, process.memoryUsage().rss - before);
  }
  assert.ok(response.complete);
  assert.ok(length > 100 * 700_000);
  assert.ok(most < 180_000_000, `the process grew by ${most}`);
});

test("a reader that goes away frees its connection", async () => {
  for (let times = 0; times < 6; times++) {
    const response = await open(path("format=csv"));
    response.pause();
    response.destroy();
    await until("the connection is free", async () => (await cursors()) === 0);
  }
  assert.match((await bob.send("GET", path("fields=name"))).text, /\n# 50000 contacts\n$/);
});

test("a fault midway is no whole answer in any format", async () => {
  for (const format of ["text", "json", "csv", "ndjson", "vcard"]) {
    const response = await open(path(`format=${format}`));
    assert.equal(response.statusCode, 200);
    response.pause();
    await until("the stream waits for its reader", async () => (await cursors()) === 1);
    await killCursors();
    const { text, whole } = await drain(response);
    assert.equal(whole, false, format);
    assert.ok(text.length > 1_000 && text.length < 12_000_000, String(text.length));
    assert.doesNotMatch(text, /^# \d+ contacts/m);
    if (format === "json") assert.throws(() => JSON.parse(text));
  }
  await until("none is left", async () => (await cursors()) === 0);
});

/** HTTP/1.0 has no chunks: there a reset tells it. */
const CUTS = [
  ["--http1.1", 18],
  ["--http1.0", 56],
] as const;
for (const [version, code] of CUTS) {
  test(`curl ${version} says that a cut answer is cut`, { skip: spawnSync("curl", ["--version"]).status !== 0 }, async () => {
    const target = service.baseUrl + path("format=csv");
    const headers = ["-H", `Authorization: Bearer ${bob.token}`];
    const curl = spawn("curl", ["-sS", version, "--limit-rate", "200k", ...headers, target], {
      stdio: ["ignore", "ignore", "pipe"],
    });
    let said = "";
    curl.stderr.on("data", (bytes) => (said += bytes));
    const ended = new Promise<number | null>((resolve) => curl.on("close", resolve));
    await until("the stream waits for curl", async () => (await cursors()) === 1);
    await sleep(300);
    await killCursors();
    assert.equal(await ended, code, said);
  });
}

test("a workspace has two streams at once, and nothing else waits for them", async () => {
  const streams = [await open(path("format=csv")), await open(path("format=csv"))];
  for (const stream of streams) stream.pause();
  const third = await bob.send("GET", path("format=csv"));
  assert.equal(third.status, 503);
  assert.match(third.text, /^ERROR busy 2 streams of yours run already\nHINT {2}wait until one has ended/);
  assert.equal(third.headers.get("retry-after"), "5");
  assert.equal((await bob.send("GET", "/contacts?title=like:engineer&limit=2")).lines.length, 2);
  assert.equal((await bob.send("GET", "/contacts?search=filled&limit=2")).lines.length, 2);
  assert.match((await ann.send("GET", "/contacts?limit=all")).text, /\n# \d+ contacts\n$/);
  for (const stream of streams) stream.destroy();
  await until("the connections are free", async () => (await cursors()) === 0);
  assert.equal((await bob.send("GET", path("fields=name"))).status, 200);
});

test("HEAD and HTTP/1.0 get what they can take", async () => {
  const head = await bob.send("HEAD", path("format=csv"));
  assert.equal(head.status, 200);
  assert.equal(head.headers.get("content-type"), "text/csv; charset=utf-8; header=present");
  await until("HEAD leaves nothing running", async () => (await cursors()) === 0);
  const old = connect(Number(new URL(service.baseUrl).port), "127.0.0.1");
  old.write(`GET ${path("format=csv&fields=name")} HTTP/1.0\r\nAuthorization: Bearer ${bob.token}\r\n\r\n`);
  let text = "";
  for await (const chunk of old) text += chunk;
  assert.doesNotMatch(text, /transfer-encoding/i);
  assert.equal(text.split("\r\nname\r\n")[1]!.trimEnd().split("\r\n").length, MANY, "the connection ends with the list");
});

test("from inside another answer there is no end to wait for", async () => {
  const call = {
    jsonrpc: "2.0",
    id: 1,
    method: "tools/call",
    params: { name: "read", arguments: { path: "/contacts?limit=all" } },
  };
  const { result, error } = (await bob.send("POST", "/mcp", call, { accept: "application/json, text/event-stream" })).json();
  assert.match(JSON.stringify(result ?? error), /ERROR not_acceptable an answer of any length/);
});
