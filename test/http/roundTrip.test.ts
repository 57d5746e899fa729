import assert from "node:assert/strict";
import { mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join as joinPath } from "node:path";
import { after, before, describe, test } from "node:test";
import { partsOf } from "../../src/db/workspace/parts.ts";
import { createIds } from "../../src/kit/id.ts";
import { ident, sql } from "../../src/postgres/sql.ts";
import { catalog } from "../../src/records/all.ts";
import { importCommand } from "../../src/start/import.ts";
import { inTurns, leastOf, post, settable, startWorld } from "../helpers/dictionary.ts";
import { type Client, type Service, startService } from "../helpers/service.ts";
import { valuesOf } from "../helpers/values.ts";

/** A workspace goes out as a file and comes in elsewhere as the same workspace. Every kind and field that there is takes part. */

type Line = { line: string; kind?: string; row?: Record<string, unknown>; [more: string]: unknown };

const { service, ann, world } = await startWorld();
let other: Service;
let again: Client;
let file = "";
let folder = "";
const ids: Record<string, string> = {};

const read = (text: string): Line[] =>
  text
    .trimEnd()
    .split("\n")
    .map((line) => JSON.parse(line) as Line);
const written = (lines: readonly Line[]) => lines.map((line) => `${JSON.stringify(line)}\n`).join("");
/** Rows come as the tables have them. */
const sorted = (lines: readonly Line[]) => lines.map((line) => JSON.stringify(line)).sort();

async function confirmed({ send }: Client, method: string, path: string, body?: unknown): Promise<void> {
  const { text } = await send(method, path, body);
  const confirm = /^confirm=(\S+)$/m.exec(text)?.[1];
  const done = await send(method, `${path}${path.includes("?") ? "&" : "?"}confirm=${confirm}`, body);
  assert.equal(done.status, 200, `${text}\n${done.text}`);
}

/** Everything that a workspace can hold. */
async function fill(): Promise<void> {
  for (const kind of catalog.kinds) {
    const whole = Object.fromEntries(settable(kind).map((field) => [field.name, valuesOf(field, world).samples[0]!.sent]));
    const [first, second, third] = await inTurns([0, 1, 2], () => post(ann, kind, leastOf(kind, world)));
    await ann.send("PATCH", `/${kind.plural}/${first!.id}`, whole);
    await ann.send("PATCH", `/${kind.plural}/${first!.id}?reason=why`, { custom: { deep: { n: [1.1, "\n"] } } });
    await confirmed(ann, "DELETE", `/${kind.plural}/${second!.id}`);
    await confirmed(ann, "DELETE", `/${kind.plural}/${third!.id}?purge=true`);
    ids[kind.name] = first!.id;
  }
  const contact = catalog.get("contact")!;
  const jane = await post(ann, contact, {
    name: "Jane",
    email: "jane@round.example",
    emails: ["j@round.example"],
    stage: "lead",
  });
  const twin = await post(ann, contact, { name: "Jane Twin", email: "twin@round.example", notes: "long ".repeat(5_000) });
  await ann.send("PATCH", `/contacts/${twin.id}`, { stage: "customer" });
  await confirmed(ann, "POST", `/contacts/${jane.id}/merge`, { from: twin.id });
  const bob = await post(ann, contact, { name: "Bob", email: "bob@round.example" });
  await post(ann, catalog.get("deal")!, { title: "Large", contact_id: jane.id });
  await service.pool.rows(sql`update deals set amount_cents = 9007199254740993 where title = 'Large'`);
  await ann.send("POST", "/lists", { name: "Leads!", kind: "contact", query: "stage=lead" });
  await ann.send("POST", "/lists", { name: "Few", kind: "contact", members: [jane.id] });
  await ann.send("PATCH", `/contacts/${jane.id}?propose=true`, { stage: "won" });
  await ann.send("POST", "/emails", { subject: "To Bob", to: ["bob@round.example"] });
  Object.assign(ids, { jane: jane.id, twin: twin.id, bob: bob.id });
  const workspaceId = await workspaceOf(service, ann);
  await service.pool.rows(sql`insert into dismissed_pairs values (${workspaceId}, ${jane.id}, ${bob.id}, now(), ${ann.email})`);
  await service.pool.rows(sql`insert into series values (${workspaceId}, '2026', 41)`);
}

const workspaceOf = async ({ pool }: Service, { email }: Client) =>
  (await pool.rows(sql`select default_workspace_id from users where email = ${email}`))[0]![0] as string;

const importInto = ({ send }: Client, text: string, query = "", headers: Record<string, string> = {}) =>
  send("POST", `/import${query}`, text, { "content-type": "application/x-ndjson", ...headers });

/** Rows of the workspace in any table. */
async function rowsOf({ pool }: Service, workspaceId: string): Promise<number> {
  let rows = 0;
  for (const { table } of partsOf(catalog)) {
    const [row] = await pool.rows(sql`select count(*)::int from ${ident(table)} where workspace_id = ${workspaceId}`);
    rows += row![0] as number;
  }
  return rows;
}

before(async () => {
  folder = await mkdtemp(joinPath(tmpdir(), "cardfile-round-"));
  await fill();
  file = (await ann.send("GET", "/export")).text;
  other = await startService({ config: { CRM_DATA: folder } });
  again = await other.signIn("cleo@example.com");
});
after(async () => {
  await service.close();
  await other.close();
  await rm(folder, { recursive: true });
});

/** Broken files first: each is refused, and the workspace stays empty for the whole one. */
describe("a file that is not right", () => {
  const line = (is: string, change: (row: Record<string, unknown>, whole: Line) => void, kind?: string) => () => {
    const lines = read(file);
    const at = lines.findIndex((each) => each.line === is && (kind === undefined || each.kind === kind));
    change(lines[at]!.row!, lines[at]!);
    return { text: written(lines), at: at + 1 };
  };
  const mutated = (change: (lines: Line[]) => number) => () => {
    const lines = read(file);
    const at = change(lines);
    return { text: written(lines), at };
  };
  const whole = (text: () => string) => () => ({ text: text(), at: 0 });
  const cases: Record<string, { make: () => { text: string; at: number }; says: RegExp }> = {
    "cut in a line": { make: whole(() => file.slice(0, -400)), says: /is no JSON|was cut/ },
    "cut between lines": { make: whole(() => written(read(file).slice(0, -1))), says: /was cut: its last line/ },
    "a line less": {
      make: mutated((lines) => {
        lines.splice(-2, 1);
        return lines.length;
      }),
      says: /lines are missing/,
    },
    "a line behind the end": {
      make: mutated((lines) => lines.push(lines[1]!)),
      says: /stands behind the end/,
    },
    "a future format": {
      make: mutated((lines) => {
        lines[0]!.format = 2;
        return 1;
      }),
      says: /is of format "2"/,
    },
    "a zone that there is not": {
      make: mutated((lines) => {
        (lines[0]!.workspace as Record<string, unknown>).timezone = "Mars/Base";
        return 1;
      }),
      says: /time zone/,
    },
    "a kind that there is not": { make: line("record", (_, each) => (each.kind = "secret")), says: /is of no kind "secret"/ },
    "a line that there is not": { make: line("record", (_, each) => (each.line = "token")), says: /is of no line "token"/ },
    "another workspace's id": {
      make: line("record", (row) => (row.workspace_id = "ws_x")),
      says: /"workspace_id" is no column/,
    },
    "a short id": { make: line("record", (row) => (row.id = "co_1"), "company"), says: /id is no whole id co_…/ },
    "an id of another kind": {
      make: line("record", (row) => (row.id = String(row.id).replace("co_", "c_")), "company"),
      says: /id is no whole id/,
    },
    "an id twice": {
      make: mutated((lines) => {
        const at = lines.findIndex(({ kind }) => kind === "contact");
        lines[at + 1]!.row!.id = lines[at]!.row!.id;
        return at + 2;
      }),
      says: /its id is that of a line before/,
    },
    "a link to nothing": {
      make: line("record", (row) => (row.company_id = "co_01k9x2v7m3q8r0s2t4v6w8y0za"), "contact"),
      says: /links to what no line before is: company_id/,
    },
    "a link to another kind": {
      make: line("record", (row) => (row.company_id = row.id), "contact"),
      says: /company_id is no whole id co_…/,
    },
    "a version of text": { make: line("record", (row) => (row.version = "1")), says: /version is no whole number: "?1"?/ },
    "a version beyond all": { make: line("record", (row) => (row.version = 2_147_483_647)), says: /version cannot be/ },
    "a time that never ends": { make: line("record", (row) => (row.created_at = "infinity")), says: /created_at is no time/ },
    "a time that there is not": {
      make: line("record", (row) => (row.created_at = "2026-13-45T00:00:00+00:00")),
      says: /time or date does not exist/,
    },
    "a choice that there is not": {
      make: line("record", (row) => (row.status = "odd"), "deal"),
      says: /status cannot be "odd"/,
    },
    "a list that is empty": { make: line("record", (row) => (row.tags = []), "deal"), says: /tags cannot be/ },
    "a tag that breaks the line": { make: line("record", (row) => (row.tags = ["a b"]), "deal"), says: /tags cannot be/ },
    "an entry of a version to come": {
      make: line("change", (row) => {
        row.version = 99;
        (row.row as Record<string, unknown>).version = 99;
      }),
      says: /has come to version 99/,
    },
    "an entry of another record": {
      make: line("change", (row) => ((row.row as Record<string, unknown>).id = "x")),
      says: /of another record/,
    },
    "an entry with a value of another type": {
      make: line("change", (row) => ((row.row as Record<string, unknown>).created_at = "never")),
      says: /its row: a time or date/,
    },
    "a merge in a circle": {
      make: mutated((lines) => {
        const twin = lines.find(({ line, row }) => line === "record" && row!.id === ids.twin)!.row!;
        const jane = lines.find(({ line, row }) => line === "record" && row!.id === ids.jane)!.row!;
        jane.deleted_at = twin.deleted_at;
        jane.merged_into = twin.id;
        return 0;
      }),
      says: /in a circle/,
    },
    "kinds of the workspace's own": {
      make: mutated((lines) => {
        lines[0]!["kinds"] = [{ name: "vehicle" }];
        return 1;
      }),
      says: /a kind is refused: id is missing/,
    },
    "a member that is no record": {
      make: line("list_member", (row) => (row.record_id = "c_01k9x2v7m3q8r0s2t4v6w8y0za")),
      says: /has no contact c_01k9x2v7m3q8r0s2t4v6w8y0za/,
    },
    "a proposal that asks for more than a write": {
      make: line("proposal", (row) => (row.method = "GET")),
      says: /method cannot be/,
    },
    "parts in another order": {
      make: mutated((lines) => {
        const [change] = lines.splice(
          lines.findIndex(({ line }) => line === "change"),
          1,
        );
        lines.splice(1, 0, change!);
        return 3;
      }),
      says: /comes too late/,
    },
  };

  for (const [name, { make, says }] of Object.entries(cases)) {
    test(`is refused by its line and changes nothing: ${name}`, async () => {
      const { text, at } = make();
      const reply = await importInto(again, text);
      assert.ok(reply.status >= 400 && reply.status < 500, `${reply.status} ${reply.text}`);
      assert.match(reply.text, says);
      if (at > 0) assert.match(reply.text, new RegExp(`line ${at} `));
      assert.equal(await rowsOf(other, await workspaceOf(other, again)), 0);
    });
  }

  test("bytes of no UTF-8", async () => {
    const headers = { authorization: `Bearer ${again.token}`, "content-type": "application/x-ndjson" };
    const body = Buffer.from(file.replace("Jane Twin", "J\u00e4ne Twin"), "latin1");
    const reply = await fetch(`${other.baseUrl}/import`, { method: "POST", headers, body });
    assert.equal(reply.status, 400);
    assert.match(await reply.text(), /^ERROR bad_request the file is no UTF-8\n/);
  });

  test("a number with an exponent, which would be written as thousands of digits", async () => {
    const reply = await importInto(again, file.replace(/"custom":\{/, '"custom":{"e":1e-9000,'));
    assert.match(reply.text, /^ERROR invalid_value line \d+ has a number with an exponent/);
  });

  test("goes to a path of its own, with no option of a table, from an admin with all rights", async () => {
    assert.match(
      (await again.send("POST", "/contacts/import", file)).text,
      /^ERROR bad_request the file holds a whole workspace\nHINT {2}send it to POST \/import/,
    );
    assert.match((await importInto(again, file, "?map=a:b")).text, /^ERROR invalid_filter map= is not for/);
    const narrow = await again.send("POST", "/tokens?format=json", { name: "writes", scopes: ["read", "write", "delete"] });
    const refused = await importInto({ ...again, send: other.send }, file, "", {
      authorization: `Bearer ${narrow.json().token}`,
    });
    assert.match(refused.text, /^ERROR scope_required/);
    assert.match(
      (await importInto(ann, file)).text,
      /^ERROR already_exists the workspace is not empty: it has \w+.*\nHINT {2}make a new one, POST \/workspaces/,
    );
  });

  test("a dry run tells what would be, and writes nothing", async () => {
    const reply = await importInto(again, file, "?dry_run=true");
    assert.equal(reply.status, 200, reply.text);
    assert.match(reply.text, /^# a dry run: nothing is written\n/);
    assert.equal(await rowsOf(other, await workspaceOf(other, again)), 0);
    assert.deepEqual(
      (await readdir(folder)).filter((name) => name.endsWith(".part")),
      [],
    );
  });
});

describe("the workspace elsewhere", () => {
  test("is the same, but for the entry that tells of the import", async () => {
    const reply = await importInto(again, file, "", { "idempotency-key": "move" });
    assert.equal(reply.status, 200, reply.text);
    assert.match(
      reply.text,
      /^# workspace\/ws_\w{8} is "ann's workspace" as of .*: .*1 employee and 2 deleted, .*, 1 list member, /,
    );
    assert.match(reply.text, /^# tokens, invites, calendars, webhooks and the plan stayed behind$/m);
    assert.match(reply.text, /^# not members here, so invite them, POST \/workspaces\/ws_\w{8}\/invites: ann@example.com$/m);
    const [header, ...rest] = read(file);
    const [copiedHeader, ...copied] = read((await again.send("GET", "/export")).text);
    const isTold = ({ row }: Line) => row?.action === "imported";
    const [told] = copied.filter(isTold);
    const own = (lines: readonly Line[]) => sorted(lines.filter((each) => !isTold(each) && each.line !== "end"));
    assert.deepEqual(own(copied), own(rest));
    const names = ({ workspace }: Line) => [(workspace as Line).name, (workspace as Line).timezone];
    assert.deepEqual(names(copiedHeader!), names(header!));
    const { kind, actor, record_id, row } = told!.row as Record<string, Record<string, unknown>>;
    assert.deepEqual([kind, actor, record_id], ["workspace", again.email, await workspaceOf(other, again)]);
    assert.equal(row!.imported_from, (header!.workspace as Line).id);
    // Whoever repeats it with its key has the same answer; without, the workspace is not empty any more.
    assert.equal((await importInto(again, file, "", { "idempotency-key": "move" })).text, reply.text);
    assert.equal((await importInto(again, `${file}\n`, "", { "idempotency-key": "move" })).status, 422);
    assert.equal((await importInto(again, file)).status, 409);
  });

  test("answers every list, history and search as it did", async () => {
    const paths = [
      ...catalog.kinds.flatMap(({ plural, name }) => [
        `/${plural}?limit=all&format=json&sort=created_at&deleted=include`,
        `/${plural}/${ids[name]}/history?fields=before,after,changes,reason&format=json`,
      ]),
      `/contacts/${ids.bob}/emails?format=json`,
      "/lists?format=json",
      "/contacts?list=few&format=json",
      "/contacts?list=leads&format=json",
      "/contacts?email=j@round.example&format=json",
      "/search?q=round&format=json",
      "/proposals?format=json",
    ];
    assert.equal((await again.send("GET", `/contacts/${ids.bob}/emails`)).lines.length, 1);
    for (const path of paths) {
      const [one, two] = [await ann.send("GET", path), await again.send("GET", path)];
      assert.equal(two.status, one.status, two.text);
      assert.deepEqual(two.json(), one.json(), path);
    }
  });

  test("leads from what was merged, and tells of what was erased", async () => {
    const twin = await again.send("GET", `/contacts/${ids.twin}`);
    assert.match(twin.text, new RegExp(`^contact/c_${ids.jane!.slice(-8)} `));
    assert.equal(twin.text, (await ann.send("GET", `/contacts/${ids.twin}`)).text);
    const upsert = await again.send("POST", "/contacts", { email: "j@round.example", title: "CTO" });
    assert.match(upsert.text, new RegExp(`^contact/c_${ids.jane!.slice(-8)} `));
    const purged = read(file).find(({ line, row }) => line === "purged_record" && String(row!.id).startsWith("c_"))!.row!.id;
    assert.equal((await again.send("GET", `/contacts/${purged}`)).status, 410);
    assert.match((await again.send("GET", "/contacts/duplicates")).text, /^(?!.*c_\w+\+c_\w+ .*bob)/s);
  });

  test("undoes, restores and approves what was done before it moved", async () => {
    const deleted = (await again.send("GET", "/deals?deleted=only&format=json")).json().items[0] as { id: string };
    assert.equal((await again.send("POST", `/deals/${deleted.id}/restore`)).status, 200);
    const merge = read(file).find(
      ({ line, row }) => line === "change" && row!.record_id === ids.twin && row!.action === "deleted",
    )!.row!;
    const undone = await again.send("POST", "/undo", { change: (merge.cause as string | null) ?? merge.id });
    assert.equal(undone.status, 200, undone.text);
    assert.match((await again.send("GET", `/contacts/${ids.twin}`)).text, /stage=customer/);
    const [proposal] = (await again.send("GET", "/proposals?state=open&format=json")).json().items as {
      id: string;
      mark: string;
    }[];
    const approved = await again.send("POST", `/proposals/${proposal!.id}/approve`, { mark: proposal!.mark });
    assert.equal(approved.status, 200, approved.text);
    assert.match((await again.send("GET", `/contacts/${ids.jane}`)).text, /stage=won/);
  });

  test("has one entry of its own, which shows and cannot be undone", async () => {
    const { text } = await again.send("GET", "/audit?action=imported");
    assert.match(
      text,
      /^change\/ch_(\w{8}) at=\S+ actor=cleo@example.com action=imported kind=workspace record=ws_\w{8} .*imported_from: null -> ws_/,
    );
    const all = await again.send("GET", "/audit?action=imported&fields=before,after&format=json");
    assert.equal(all.json().items[0].after.exported_at, read(file)[0]!.exported_at);
    const undo = await again.send("POST", "/undo", { change: /ch_\w{8}/.exec(text)![0] });
    assert.equal(undo.status, 422, undo.text);
    const feed = await again.send("GET", "/changes?since=-1h&limit=500");
    assert.match(feed.text, /action=imported/);
  });
});

describe("on the command line", () => {
  const services = (terminal: { isTTY?: boolean; write: (text: string) => unknown }) => ({
    pool: other.pool,
    ids: createIds(Date.now, Math.random),
    now: Date.now(),
    limited: false,
    terminal,
  });

  test("an address gets a workspace and a person where there is none; the bar is for terminals", async () => {
    const path = joinPath(folder, "backup.ndjson");
    await writeFile(path, file);
    const shown: string[] = [];
    const said = await importCommand([path, "dora@example.com"], services({ isTTY: true, write: (text) => shown.push(text) }));
    assert.match(said[0]!, /^OK read .*backup.ndjson into workspace\/ws_\w{8}$/);
    assert.match(shown.join(""), /^(\r(?:checking|writing ) {0,1} ?\[#*-*\] +\d+ %)+\n$/);
    assert.match(shown.join(""), /writing {2}\[#{30}\] 100 %\n$/);
    const dora = await other.signIn("dora@example.com");
    assert.match((await dora.send("GET", `/contacts/${ids.jane}`)).text, /^contact\/c_/);
    const silent = services({ write: (text) => assert.fail(text) });
    await assert.rejects(
      importCommand([path, "dora@example.com"], silent),
      /^StartError: dora@example.com is in 1 workspaces, none that is empty: make one/,
    );
    const [first] = /ws_\w{8}/.exec(said[0]!)!;
    await assert.rejects(importCommand([path, first], silent), /^StartError: the workspace is not empty/);
    await assert.rejects(importCommand([path, "ws_00000000"], silent), /^StartError: no workspace is ws_00000000/);
    await writeFile(path, file.slice(0, -3_000));
    await assert.rejects(importCommand([path, "eve@example.com"], silent), /^StartError: /);
    const [eve] = await other.pool.rows(sql`select count(*)::int from users where email = 'eve@example.com'`);
    assert.equal(eve![0], 0, "nobody is made for a file that is refused");
    assert.equal((await readFile(path, "utf8")).length, file.length - 3_000);
  });
});
