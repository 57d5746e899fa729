import assert from "node:assert/strict";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { createIds } from "../../src/kit/id.ts";
import { sql } from "../../src/postgres/sql.ts";
import { exportCommand } from "../../src/start/export.ts";
import { importCommand } from "../../src/start/import.ts";
import { type Client, type Service, startService } from "../helpers/service.ts";

/** A workspace with kinds and fields of its own goes out as a file and comes in elsewhere as the same workspace. */

let service: Service;
let other: Service;
let ann: Client;
let again: Client;
let folder: string;
let file: string;
const ids: Record<string, string> = {};

async function done(client: Client, method: string, path: string, body?: unknown) {
  const reply = await client.send(method, `${path}${path.includes("?") ? "&" : "?"}format=json`, body);
  assert.ok(reply.status < 300, `${method} ${path} ${reply.text}`);
  return reply.json();
}

async function confirmed(client: Client, path: string) {
  const asked = await client.send("DELETE", `${path}?format=json`);
  await done(client, "DELETE", `${path}?confirm=${asked.json().confirm}`);
}

const FIELDS = {
  ...{ sign: "text", remark: "long_text", rate: "number", crew: "integer", price: { type: "cents", currency: "EUR" } },
  ...{ afloat: "boolean", built_on: "date", checked_at: "time", color: { choices: ["red", "blue"], initially: "red" } },
  ...{ labels: "tags", mail: "email", tel: "phone", host: "domain", site: "url", extra: "json", share: "percent" },
  ...{ keeper: "person", land: "country", owner_id: { link: "contact" }, tender_id: { link: "boat" } },
};
const WHOLE = {
  ...{ sign: "A1", remark: "long\nstory", rate: 7.25, crew: 3, price: 5, afloat: false, built_on: "2024-02-29" },
  ...{ checked_at: "2026-12-01T09:00:00Z", color: "blue", labels: ["a", "b"], mail: "jane@acme.com", tel: "+49 30 12345" },
  ...{ host: "acme.com", site: "https://acme.com/x?y=1", extra: { size: "L" }, share: 12.5, keeper: "Sam", land: "DE" },
};

before(async () => {
  folder = await mkdtemp(join(tmpdir(), "cardfile-kinds-"));
  service = await startService();
  other = await startService({ config: { CRM_DATA: folder } });
  ann = await service.signIn();
  again = await other.signIn("cleo@example.com");
  const { id: jane } = await done(ann, "POST", "/contacts", { name: "Jane" });
  await done(ann, "POST", "/kinds", { name: "boat", natural_key: "sign", reminder: "checked_at", fields: FIELDS });
  await done(ann, "POST", "/kinds", { name: "pier", fields: { name: "text", boat_id: { link: "boat" } } });
  await done(ann, "POST", "/kinds", { name: "shed", fields: { name: "text" } });
  await done(ann, "POST", "/kinds/contact/fields", { fields: { badge: "text", pier_id: { link: "pier" }, seats: "integer" } });
  await done(ann, "PATCH", "/kinds/boat", { fields: { crew: { name: "hands" }, host: { hidden: true } } });
  const { crew, ...rest } = WHOLE;
  const first = await done(ann, "POST", "/boats", { ...rest, hands: crew, owner_id: jane });
  const second = await done(ann, "POST", "/boats", { sign: "B1", tender_id: first.id, custom: { paint: "red" } });
  await done(ann, "PATCH", `/boats/${first.id}`, { hands: 9, tender_id: second.id });
  await confirmed(ann, `/boats/${(await done(ann, "POST", "/boats", { sign: "C1" })).id}`);
  const gone = await done(ann, "POST", "/boats", { sign: "D1" });
  const asked = await ann.send("DELETE", `/boats/${gone.id}?purge=true&format=json`);
  await done(ann, "DELETE", `/boats/${gone.id}?purge=true&confirm=${asked.json().confirm}`);
  const pier = await done(ann, "POST", "/piers", { name: "North", boat_id: first.id });
  await done(ann, "PATCH", `/contacts/${jane}`, { badge: "7", seats: 4, pier_id: pier.id });
  const shed = await done(ann, "POST", "/sheds", { name: "Old" });
  await done(ann, "POST", "/lists", { name: "Crewed", kind: "boat", query: "hands=gt:1" });
  await done(ann, "POST", "/lists", { name: "Two", kind: "boat", members: [first.id, second.id] });
  await confirmed(ann, "/kinds/shed");
  const { workspace } = await done(ann, "GET", "/whoami");
  await done(ann, "PATCH", `/${workspace.replace("workspace/", "workspaces/")}`, {
    ...{ company_name: "Quay & Co", tax_rate: 7.5, invoice_number: "RE-{year}-{number:6}", payment_days: 30 },
    ...{ iban: "DE89 3704 0044 0532 0130 00", currency: "CHF", timezone: "Europe/Berlin" },
  });
  Object.assign(ids, { jane, first: first.id, second: second.id, pier: pier.id, shed: shed.id, gone: gone.id });
  file = (await ann.send("GET", "/export")).text;
});
after(async () => {
  await service.close();
  await other.close();
  await rm(folder, { recursive: true });
});

type Line = { line: string; kind?: string; kinds?: Kind[]; workspace?: Record<string, unknown>; row?: Record<string, unknown> };
type Kind = Record<string, unknown> & {
  name: string;
  declaration: { fields: Record<string, unknown>[] } & Record<string, unknown>;
};

const read = (text: string): Line[] =>
  text
    .trimEnd()
    .split("\n")
    .map((line) => JSON.parse(line) as Line);
const written = (lines: readonly Line[]) => lines.map((line) => `${JSON.stringify(line)}\n`).join("");
const send = (text: string, query = "") =>
  again.send("POST", `/import${query}`, text, { "content-type": "application/x-ndjson" });

test("hostile declarations and values are refused, and nothing is written", async () => {
  const kind = (name: string, change: (kind: Kind) => void) => (lines: Line[]) =>
    change(lines[0]!.kinds!.find((each) => each.name === name)!);
  const field = (change: (field: Record<string, unknown>) => void, name = "hands") =>
    kind("boat", ({ declaration }) => change(declaration.fields.find((each) => each.name === name)!));
  const own = (slot: string, value: unknown) => (lines: Line[]) => {
    const { row } = lines.find((each) => each.kind === "boat" && JSON.stringify(each).includes('"A1"'))!;
    Object.assign(row!.own as object, { [slot]: value });
  };
  const slotOf = (name: string) =>
    read(file)[0]!
      .kinds!.find((each) => each.name === "boat")!
      .declaration.fields.find((each) => each.name === name)!.column as string;
  const entry = (slot: string, value: unknown) => (lines: Line[]) => {
    const { row } = lines.find((each) => each.line === "change" && each.row!.record_id === ids.first)!;
    Object.assign(row!.row as object, { [slot]: value });
  };
  const cases: [RegExp, (lines: Line[]) => void][] = [
    [/there is a kind contact already/, kind("boat", (each) => (each.plural = "contacts"))],
    [/cannot be called pg_class/, kind("boat", (each) => (each.name = "pg_class"))],
    [/cannot be "x'; drop table contacts; --"/, kind("boat", (each) => (each.name = "x'; drop table contacts; --"))],
    [/two kinds with "?boat/, kind("pier", (each) => (each.plural = "boat"))],
    [/no prefix z/, kind("boat", (each) => (each.prefix = "c"))],
    [/two kinds with/, kind("pier", (each) => (each.prefix = "zb"))],
    [/is not built in/, kind("pier", (each) => Object.assign(each, { prefix: null, plural: null }))],
    [/id is no whole id/, kind("pier", (each) => (each.id = "k_1"))],
    [/is kept in "?a0/, kind("pier", (each) => (each.declaration.title = "t1"))],
    [/no such natural key/, kind("boat", (each) => (each.declaration.natural_key = "a0"))],
    [/no such title/, kind("boat", (each) => (each.declaration.title = slotOf("crew" in WHOLE ? "hands" : "")))],
    [/reminder/, kind("boat", (each) => (each.declaration.reminder = { at: slotOf("hands") }))],
    [/says "?secret"?/, kind("boat", (each) => (each.declaration.secret = 1))],
    [/is kept in/, field((each) => (each.column = "t1"))],
    [/is kept in/, field((each) => (each.column = "i1'; drop table contacts; --"))],
    [/is kept where another/, field((each) => (each.column = slotOf("price")), "hands")],
    [/cannot be called/, field((each) => (each.name = "version"))],
    [/cannot be called/, field((each) => (each.name = 'x" int'))],
    [/is of no type/, field((each) => (each.type = "constructor"))],
    [/links to/, field((each) => (each.link = "secret"), "owner_id")],
    [/of one type and says another/, field((each) => (each.link = "contact"))],
    [/choices/, field((each) => (each.choices = ["A,b"]), "color")],
    [/initially/, field((each) => (each.initially = { $: 1 }))],
    [/company_name of the workspace|tax_rate of the workspace/, (lines) => (lines[0]!.workspace!.tax_rate = 400)],
    [/iban of the workspace/, (lines) => (lines[0]!.workspace!.iban = "DE00")],
    [/hands cannot be/, own(slotOf("hands"), "many")],
    [/built_on cannot be/, own(slotOf("built_on"), "2026-02-30")],
    [/checked_at cannot be/, own(slotOf("checked_at"), "2026-13-01T00:00:00Z")],
    [/color cannot be/, own(slotOf("color"), "green")],
    [/labels cannot be/, own(slotOf("labels"), ["a b"])],
    [/owner_id cannot be/, own(slotOf("owner_id"), ids.first)],
    [/links by owner_id to a contact that/, own(slotOf("owner_id"), `${ids.jane!.slice(0, -8)}00000000`)],
    [/a value of no field: "?t77/, own("t77", "x")],
    [/hands cannot be/, entry(slotOf("hands"), "many")],
    [
      /a value of no field/,
      (lines) =>
        (lines[0]!.kinds = lines[0]!.kinds!.filter(({ name }) => name !== "boat" && name !== "pier" && name !== "contact")),
    ],
    [/links to/, (lines) => (lines[0]!.kinds = lines[0]!.kinds!.filter(({ name }) => name !== "boat"))],
    [/kinds that are no list/, (lines) => (lines[0]!.kinds = {} as never)],
    [/a kind is no object/, (lines) => (lines[0]!.kinds = [null as never])],
  ];
  const wrong: string[] = [];
  for (const [says, change] of cases) {
    const lines = read(file);
    change(lines);
    const { status, text } = await send(written(lines));
    if (status !== 400 || !says.test(text) || !text.includes("nothing was written")) wrong.push(`${says}: ${text}`);
  }
  assert.deepEqual(wrong, []);
  const [kept] = await other.pool.rows(sql`select count(*)::int from kinds`);
  assert.equal(kept![0], 0);
});

test("elsewhere it is the same workspace: kinds, records, links, history, letterhead and numbering", async () => {
  assert.match((await send(file, "?dry_run=true")).text, /# it declares boat, contact, pier, shed: GET \/kinds/);
  const reply = await send(file);
  assert.equal(reply.status, 200, reply.text);
  const copied = read((await again.send("GET", "/export")).text);
  const own = (lines: Line[]) =>
    lines
      .filter(({ line, row }) => !["header", "end"].includes(line) && row?.action !== "imported")
      .map((line) => JSON.stringify(line))
      .sort();
  assert.deepEqual(own(copied), own(read(file)));
  assert.deepEqual(copied[0]!.kinds, read(file)[0]!.kinds);
  const settings = ({ workspace }: Line) => ({ ...workspace, id: 0, created_at: 0, created_by: 0 });
  assert.deepEqual(settings(copied[0]!), settings(read(file)[0]!));
  for (const path of [
    "/boats?limit=all&sort=sign&deleted=include",
    "/boats?hands=gt:5&checked_at=gt:2026-01-01",
    `/boats/${ids.first}/history?fields=before,after,changes`,
    "/piers?boat=A1",
    `/contacts/${ids.jane}`,
    "/contacts?pier=North&seats=4",
    "/boats?search=story",
    "/boats?list=two",
    "/boats?list=crewed",
    "/kinds",
    "/reminders?days=365",
  ]) {
    const [one, two] = [await done(ann, "GET", path), await done(again, "GET", path)];
    assert.deepEqual(two, one, path);
  }
  assert.equal((await again.send("GET", `/boats/${ids.gone}`)).status, 410);
  await done(again, "POST", "/kinds/shed/restore");
  assert.equal((await done(again, "GET", `/sheds/${ids.shed}`)).name, "Old");
  const history = (await done(again, "GET", `/boats/${ids.first}/history`)).items;
  await done(again, "POST", "/undo", { change: history[0].id });
  assert.equal((await done(again, "GET", `/boats/${ids.first}`)).hands, 3);
  const next = await done(again, "POST", "/kinds", { name: "basin", fields: { name: "text" } });
  assert.notEqual(next.prefix, "zb");
  assert.match((await send(file)).text, /^ERROR already_exists the workspace is not empty/);
});

test("on the command line, too", async () => {
  const path = join(folder, "kinds.ndjson");
  const terminal = { write: () => true };
  assert.match(await exportCommand([path, ann.email], service.pool, terminal, Date.now()), /^OK wrote/);
  const services = { pool: other.pool, ids: createIds(Date.now, Math.random), now: Date.now(), limited: false, terminal };
  assert.match((await importCommand([path, "dora@example.com"], services)).join("\n"), /it declares boat, contact, pier, shed/);
  const dora = await other.signIn("dora@example.com");
  assert.equal((await done(dora, "GET", "/boats?sign=a1")).items[0].hands, 9);
  await writeFile(path, file.replace(/"prefix": *"zb"/, '"prefix":"zzzzz"'));
  await assert.rejects(importCommand([path, "eve@example.com"], services), /no prefix z/);
});

test("files of records go into own kinds and own fields: CSV with links by name, NDJSON with every type", async () => {
  const csv = "name;badge;seats;pier\nJane;9;12;North\nKim;8;many;North\nLee;7;1;Nowhere\n";
  const report = await ann.send("POST", "/contacts/import", csv, { "content-type": "text/csv" });
  assert.match(report.text, /row=2 created contact\/c_/);
  assert.match(report.text, /row=3 ERROR invalid_value .*seats/);
  assert.match(report.text, /row=4 created [\s\S]*# made 1 pier that rows name/);
  const [jane] = (await done(ann, "GET", "/contacts?badge=9")).items;
  assert.deepEqual([jane.name, jane.seats, jane.pier_id], ["Jane", 12, ids.pier]);
  const { crew, ...rest } = WHOLE;
  const whole = { ...rest, hands: crew, sign: "N1", owner_id: ids.jane, tender: "A1" };
  const boats = `${JSON.stringify(whole)}\n${JSON.stringify({ sign: "n1", hands: 5 })}\n`;
  const ndjson = { "content-type": "application/x-ndjson" };
  const former = await ann.send("POST", "/boats/import", `${boats}${JSON.stringify({ sign: "N2", crew: 5 })}\n`, ndjson);
  assert.match(former.text, /^ERROR invalid_field nothing here knows the names "crew"/);
  const read = await ann.send("POST", "/boats/import", boats, ndjson);
  assert.match(read.text, /row=1 created boat\/zb_/);
  assert.match(read.text, /row=2 updated boat\/zb_/);
  const [boat] = (
    await done(ann, "GET", "/boats?sign=N1&fields=host,sign,hands,checked_at,labels,extra,share,owner_id,tender_id")
  ).items;
  const { id, handle, version, ...shown } = boat;
  assert.deepEqual(shown, {
    ...{ host: "acme.com", sign: "N1", hands: 5, checked_at: WHOLE.checked_at.replace("09:00:00Z", "10:00:00+01:00") },
    ...{ labels: ["a", "b"], extra: { size: "L" }, share: 12.5, owner_id: ids.jane, tender_id: ids.first },
  });
  const odd = await ann.send("POST", "/boats/import?unknown=keep", "sign,Paint\nN3,red\n", { "content-type": "text/csv" });
  assert.match(odd.text, /row=2 created/);
  assert.equal((await done(ann, "GET", "/boats?custom.paint=red")).items[0].sign, "N3");
  const many = `name,boat\n${Array.from({ length: 900 }, (_, i) => `Pier ${i},Boat ${i}`).join("\n")}\n`;
  const added = await ann.send("POST", "/piers/import", many, { "content-type": "text/csv" });
  assert.match(added.text, /# made 900 boats that rows name[\s\S]*# 900 created, 0 updated, 0 unchanged, 0 refused/);
  const out = (await ann.send("GET", "/boats?limit=all&format=ndjson&sort=sign")).text;
  const again = await ann.send("POST", "/boats/import", out, { "content-type": "application/x-ndjson" });
  assert.ok(!/ERROR|created/.test(again.text.replace(/^#.*$/gm, "")), again.text);
});
