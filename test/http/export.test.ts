import assert from "node:assert/strict";
import { mkdtemp, readdir, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join as joinPath } from "node:path";
import { after, test } from "node:test";
import { partsOf } from "../../src/db/workspace/parts.ts";
import { sharedKind } from "../../src/derive/sharedTable.ts";
import { dependenciesFirst, recordColumns } from "../../src/derive/workspaceColumns.ts";
import type { Pool } from "../../src/postgres/pool.ts";
import { ident, join, raw, sql } from "../../src/postgres/sql.ts";
import { catalog } from "../../src/records/all.ts";
import { exportCommand } from "../../src/start/export.ts";
import { inTurns, leastOf, post, startWorld } from "../helpers/dictionary.ts";
import { type Client, startService } from "../helpers/service.ts";

/** The whole workspace as one file, which gives the same workspace again. */

const { service, ann, world } = await startWorld();
after(() => service.close());

type Line = { line: string; kind?: string; row?: Record<string, unknown>; [more: string]: unknown };

const read = (text: string): Line[] =>
  text
    .trimEnd()
    .split("\n")
    .map((line) => JSON.parse(line) as Line);
const workspaceOf = async (pool: Pool, email: string) =>
  (await pool.rows(sql`select default_workspace_id from users where email = ${email}`))[0]![0] as string;

const kinds = dependenciesFirst(catalog);
const parts = partsOf(catalog);
const CHANGE_COLUMNS = parts.find(({ line }) => line === "change")!.columns.map(({ name }) => name);
const hostile = 'line\nbreak "quoted" \\ \u2028 😀 {"line":"end"}';
for (const kind of kinds) {
  const [first, second] = await inTurns([0, 1, 2], () => post(ann, kind, leastOf(kind, world)));
  await ann.send("PATCH", `/${kind.plural}/${first!.id}?reason=${encodeURIComponent(hostile)}`, {
    custom: { deep: { n: [1.1, hostile] } },
  });
  await remove(ann, `/${kind.plural}/${second!.id}`);
}
// Long values, which later entries of the history leave out.
const long = await post(ann, catalog.get("company")!, { name: hostile, domain: "long.example", notes: "long ".repeat(5_000) });
await ann.send("PATCH", `/companies/${long.id}`, { industry: "Software" });
const large = await post(ann, catalog.get("deal")!, { title: "Large" });
await service.pool.rows(sql`update deals set amount_cents = 9007199254740993 where id = ${large.id}`);
const bob = await service.signIn("bob@example.com");
await bob.send("POST", "/contacts", { name: "Somebody else's" });

async function remove({ send }: Client, path: string): Promise<void> {
  const { text } = await send("DELETE", path);
  const done = await send("DELETE", `${path}?confirm=${/^confirm=(\S+)$/m.exec(text)![1]}`);
  assert.equal(done.status, 200, done.text);
}

test("every row of every kind and of the history is there, in dependency order, deleted ones too", async () => {
  const { status, text, headers } = await ann.send("GET", "/export");
  assert.equal(status, 200, text);
  assert.equal(headers.get("content-type"), "application/x-ndjson; charset=utf-8");
  assert.match(headers.get("content-disposition")!, /^attachment; filename="cardfile-ws_\w{8}-\d{4}-\d\d-\d\d\.ndjson"$/);
  assert.equal(headers.get("content-length"), null);
  const [header, ...rest] = read(text);
  const end = rest.pop()!;
  assert.equal(header!.line, "header");
  assert.equal(header!.format, 1);
  const workspaceId = await workspaceOf(service.pool, ann.email);
  const { id, name, timezone, plan } = header!.workspace as Record<string, unknown>;
  assert.deepEqual([id, typeof name, timezone, plan], [workspaceId, "string", "UTC", undefined]);
  assert.deepEqual(
    (header!.members as Record<string, unknown>[]).map(({ email, role }) => [email, role]),
    [[ann.email, "admin"]],
  );
  const stored = async (table: string) =>
    (
      await service.pool.rows(
        sql`select to_jsonb(r) - '{workspace_id,search,xid}'::text[] from ${ident(table)} r where workspace_id = ${workspaceId}`,
      )
    )
      .map(([row]) => row as Record<string, unknown>)
      .sort(byId);
  const records: Record<string, number> = {};
  for (const kind of kinds) {
    const rows = rest.filter((line) => line.line === "record" && line.kind === kind.name).map(({ row }) => row!);
    assert.ok(rows.length >= 3);
    assert.ok(rows.some(({ deleted_at }) => deleted_at !== null));
    assert.deepEqual(Object.keys(rows[0]!), recordColumns(kind));
    const workedOut = kind.fields.filter(({ computed }) => computed).map(({ name }) => name);
    const without = (row: Record<string, unknown>) =>
      Object.fromEntries(Object.entries(row).filter(([name]) => !workedOut.includes(name)));
    assert.deepEqual(rows.sort(byId), (await stored(kind.plural)).map(without));
    records[kind.name] = rows.length;
  }
  const changes = rest.filter(({ line }) => line === "change").map(({ row }) => row!);
  assert.deepEqual(changes.sort(byId), await stored("changes"));
  assert.ok(
    changes.some(({ row }) => "=" in (row as object)),
    "some entry left a long value out",
  );
  const none = Object.fromEntries(parts.flatMap(({ kind, table }) => (kind === undefined ? [[table, 0]] : [])));
  assert.deepEqual(end, { line: "end", records, ...none, changes: changes.length });
  const order = [...new Set(rest.map(({ line, kind }) => kind ?? line))];
  assert.deepEqual(order, [...kinds.map(({ name }) => name), "change"]);
  for (const [i, kind] of kinds.entries())
    for (const { target } of kind.links) assert.ok(kinds.indexOf(target) <= i, `${target.name} before ${kind.name}`);
  assert.ok(text.includes('"amount_cents":9007199254740993,'), "no double holds it");
  assert.ok(!text.includes("Somebody else"));
});

const byId = (a: Record<string, unknown>, b: Record<string, unknown>) => (String(a.id) < String(b.id) ? -1 : 1);

test("every table of a workspace is in the file, or stays behind for a reason", async () => {
  const columns = async (table: string) =>
    (
      await service.pool.rows(
        sql`select column_name::text from information_schema.columns where table_schema = 'public' and table_name = ${table}
          and (is_generated = 'NEVER' or column_name = 'search')`,
      )
    )
      .map(([name]) => name as string)
      // A place in the feed is of this cluster alone.
      .filter((name) => !["workspace_id", "search", "xid"].includes(name))
      .sort();
  for (const kind of [...kinds, sharedKind]) assert.deepEqual(recordColumns(kind).sort(), await columns(kind.table), kind.name);
  for (const { table, columns: own } of parts)
    assert.deepEqual(own.map(({ name }) => name).sort(), await columns(table), table);
  const tables = await service.pool.rows(
    sql`select table_name::text from information_schema.columns where table_schema = 'public' and column_name = 'workspace_id'`,
  );
  const left = tables
    .map(([name]) => name as string)
    .filter((name) => !parts.some(({ table }) => table === name) && name !== sharedKind.table)
    .sort();
  // Who may come in and with what, what is derived, what is set up or decided here, and what is forgotten within a day. Members are in the header.
  const behind = ["authorization_codes", "calendars", "idempotency_keys", "invites", "memberships", "tokens", "usage"];
  // Kinds are in the header.
  behind.push("kinds", "imports", "import_rows", "addresses", "mentions", "sql_roles", "webhooks", "deliveries");
  assert.deepEqual(
    left.filter((name) => !behind.includes(name)),
    [],
  );
});

test("the file, stored again row by row, is the same workspace", async () => {
  const { text } = await ann.send("GET", "/export");
  const lines = read(text);
  const other = await startService();
  try {
    const again = await other.signIn(ann.email);
    const workspaceId = await workspaceOf(other.pool, ann.email);
    for (const line of text.trimEnd().split("\n")) {
      const { line: is, kind } = JSON.parse(line) as Line;
      if (is !== "record" && is !== "change") continue;
      const table = is === "change" ? "changes" : catalog.get(kind!)!.plural;
      const names = is === "change" ? CHANGE_COLUMNS : recordColumns(catalog.get(kind!)!);
      const columns = join(names.map((name) => ident(name)));
      await other.pool.rows(sql`insert into ${ident(table)} (workspace_id, ${columns}${raw(is === "change" ? ", xid" : "")})
        select ${workspaceId}, ${columns}${raw(is === "change" ? ", '0'" : "")} from jsonb_populate_record(null::${ident(table)}, ${raw("(")}${line}::text::jsonb${raw(")")} -> 'row')`);
    }
    const copy = read((await again.send("GET", "/export")).text);
    // Rows come as the tables have them.
    const sorted = (all: readonly Line[]) =>
      all
        .slice(1)
        .map((line) => JSON.stringify(line))
        .sort();
    assert.deepEqual(sorted(copy), sorted(lines));
    for (const path of [
      "/audit?sort=at&limit=all&format=json",
      `/companies/${long.id}/history?fields=before,after&format=json`,
      "/tasks?limit=all&format=json&sort=created_at",
    ])
      assert.deepEqual((await again.send("GET", path)).json(), (await ann.send("GET", path)).json(), path);
  } finally {
    await other.close();
  }
});

test("it takes the scope read on everything, in any role", async () => {
  const token = async (scopes: string[]) => {
    const reply = await ann.send("POST", "/tokens?format=json", { name: `${scopes.length} scopes`, scopes });
    assert.equal(reply.status, 201, reply.text);
    return { authorization: `Bearer ${reply.json().token}` };
  };
  const narrow = await service.send(
    "GET",
    "/export",
    undefined,
    await token(catalog.kinds.map(({ plural }) => `${plural}.read`)),
  );
  assert.equal(narrow.status, 403);
  assert.match(narrow.text, /^ERROR scope_required the token lacks the scope read\n/);
  assert.equal((await service.send("GET", "/export", undefined, await token(["read"]))).status, 200);
  assert.equal((await service.send("GET", "/export")).status, 401);
});

test("the command line writes the same file, and no file that is not whole", async () => {
  const folder = await mkdtemp(joinPath(tmpdir(), "cardfile-export-"));
  try {
    const file = joinPath(folder, "backup.ndjson");
    const shown: string[] = [];
    const terminal = { isTTY: true, write: (text: string) => shown.push(text) };
    const run = (...words: string[]) => exportCommand(words, service.pool, terminal, Date.parse("2026-06-01T08:00:00Z"));
    const said = await run(file, ann.email);
    assert.match(said, /^OK wrote workspace\/ws_\w{8} to .*backup\.ndjson: \d+ rows, [\d.]+ MB$/);
    assert.match(shown.join(""), /^(\r\d+ rows, [\d.]+ MB)+\n$/);
    const written = await readFile(file, "utf8");
    const streamed = (await ann.send("GET", "/export")).text;
    assert.deepEqual(written.split("\n").slice(1), streamed.split("\n").slice(1));
    assert.equal(read(written)[0]!.exported_at, "2026-06-01T08:00:00.000Z");
    await assert.rejects(run(file, ann.email), /is there already/);
    await assert.rejects(run(joinPath(folder, "x"), "nobody@example.com"), /no workspace is nobody@example.com/);
    await assert.rejects(run(joinPath(folder, "no/such/folder"), ann.email), /^StartError: cannot write/);
    await assert.rejects(run(file), /^StartError: usage: export <file> <workspace>/);
    await bob.send("POST", "/workspaces", { name: "Second" });
    await assert.rejects(run(joinPath(folder, "x"), bob.email), /is in 2 workspaces: name one of ws_\w{8} \(/);
    await run(joinPath(folder, "y"), await workspaceOf(service.pool, bob.email));
    assert.deepEqual((await readdir(folder)).sort(), ["backup.ndjson", "y"]);
    const broken = { ...service.pool, stream: () => failing() };
    await assert.rejects(exportCommand([joinPath(folder, "x"), ann.email], broken, terminal, 0), /cut/);
    assert.deepEqual((await readdir(folder)).sort(), ["backup.ndjson", "y"]);
  } finally {
    await rm(folder, { recursive: true });
  }
});

async function* failing(): AsyncGenerator<unknown[][]> {
  yield [["header", null, "{}"]];
  throw new Error("cut");
}
