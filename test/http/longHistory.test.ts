import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { sql } from "../../src/postgres/sql.ts";
import { type Client, type Service, startService } from "../helpers/service.ts";

/** The history keeps a long value where it was set, and gives every version as it was. */

type Json = Record<string, unknown>;

let service: Service;
let ann: Client;
before(async () => {
  service = await startService();
  ann = await service.signIn();
});
after(() => service.close());

async function write(method: string, path: string, body: Json): Promise<Json> {
  const reply = await ann.send(method, `${path}?format=json`, body);
  assert.ok(reply.status < 300, reply.text.slice(0, 300));
  return reply.json();
}

async function entriesOf(path: string): Promise<Json[]> {
  const entries: Json[] = [];
  for (let cursor: string | null = ""; cursor !== null; ) {
    const fields = "version,action,name,changes,before,after";
    const page = await ann.send("GET", `${path}/history?fields=${fields}&format=json&limit=20&cursor=${cursor}`);
    assert.equal(page.status, 200, page.text.slice(0, 300));
    entries.push(...page.json().items);
    cursor = page.json().next_cursor;
  }
  return entries.reverse();
}

/** Of each entry, what of it is kept in the database. */
const keptOf = async (id: unknown) =>
  (await service.pool.rows(sql`select octet_length(row::text) from changes where record_id = ${id} order by version`)).map(
    ([bytes]) => bytes as number,
  );

const long = (letter: string, length = 20_000) => `${letter} `.repeat(length / 2);

test("every version comes back as it was, whatever each change set", async () => {
  const company = await write("POST", "/companies", { name: "Acme", notes: long("c") });
  const first = await write("POST", "/contacts", {
    name: "Jane",
    company_id: company["id"],
    email: "jane@acme.com",
    notes: long("n"),
  });
  const path = `/contacts/${first["id"]}`;
  const was: Json[] = [first];
  for (let i = 2; i <= 70; i++) {
    const sent: Json = { title: `Title ${i}` };
    if (i % 23 === 0) sent["notes"] = long("m", 20_000 + i);
    if (i === 30) sent["notes"] = null;
    if (i === 40) sent["notes"] = "short";
    if (i === 50) sent["custom"] = { big: long("b"), small: 1 };
    if (i === 55) sent["custom"] = { small: 2 };
    // An upsert leaves out what it does not send, too.
    const upsert = i % 7 === 0;
    was.push(
      await write(upsert ? "POST" : "PATCH", upsert ? "/contacts" : path, upsert ? { ...sent, email: "jane@acme.com" } : sent),
    );
  }
  const asked = await ann.send("DELETE", `/companies/${company["id"]}`);
  assert.equal(
    (await ann.send("DELETE", `/companies/${company["id"]}?confirm=${/confirm=(\S+)/.exec(asked.text)![1]}`)).status,
    200,
  );
  was.push((await ann.send("GET", `${path}?format=json`)).json());
  const again = await ann.send("DELETE", path);
  assert.equal((await ann.send("DELETE", `${path}?confirm=${/confirm=(\S+)/.exec(again.text)![1]}`)).status, 200);
  was.push({ ...was.at(-1)!, version: 72 });

  const entries = await entriesOf(path);
  assert.equal(entries.length, 72);
  for (const [i, entry] of entries.entries()) {
    const shown = entry["after"] as Json;
    for (const name of ["name", "title", "notes", "company_id", "email", "version"])
      assert.equal(shown[name], was[i]![name], `${name} of version ${i + 1}`);
    assert.deepEqual(shown["custom"] ?? {}, was[i]!["custom"], `custom of version ${i + 1}`);
    assert.deepEqual(entry["before"], i === 0 ? null : entries[i - 1]!["after"], `before version ${i + 1}`);
    assert.ok(!("=" in shown) && entry["name"] === "Jane");
    const changed = Object.keys(entry["changes"] as Json).filter((name) => !name.startsWith("custom."));
    const differs = (name: string) => was[i]![name] !== was[i - 1]?.[name];
    const expected = ["company_id", "email", "name", "notes", "title"].filter(differs);
    if (i > 0 && i < 71) assert.deepEqual(changed.sort(), expected, `changes of version ${i + 1}`);
  }
  const lost = entries[71]!["changes"] as Json;
  assert.deepEqual(lost["notes"], { from: was[70]!["notes"], to: null });
  const kept = await keptOf(first["id"]);
  const whole = [1, 23, 32, 46, 50, 55, 64, 69];
  for (const [i, bytes] of kept.entries())
    assert.ok(bytes < 1_500 || whole.includes(i + 1), `version ${i + 1} keeps ${bytes} bytes`);
  assert.ok(kept[0]! > 20_000 && kept[31]! > 0);
});

test("an activity is told by its body, which its later entries leave out", async () => {
  const { id: contact } = await write("POST", "/contacts", { name: "Joe" });
  const { id } = await write("POST", "/activities", {
    contact_id: contact,
    kind: "call",
    body: `Called. ${long("b", 30_000)}`,
  });
  await write("PATCH", `/activities/${id}`, { kind: "note" });
  const entries = await entriesOf(`/activities/${id}`);
  assert.deepEqual(
    entries.map(({ name }) => String(name).slice(0, 8)),
    ["Called. ", "Called. "],
  );
  assert.deepEqual(entries[1]!["changes"], { kind: { from: "call", to: "note" } });
  const [made, changed] = await keptOf(id);
  assert.ok(made! > 30_000 && changed! < 1_000, `${made} and ${changed}`);
});

test("a page of whole records ends by what they are, not by what their entries keep", async () => {
  const { id } = await write("POST", "/contacts", { name: "Huge", notes: long("h", 900_000) });
  for (let i = 0; i < 12; i++) await write("PATCH", `/contacts/${id}`, { title: `Title ${i}` });
  const page = await ann.send("GET", `/contacts/${id}/history?fields=version,after&format=json`);
  assert.ok(page.text.length < 9_000_000 && page.json().next_cursor !== null, String(page.text.length));
  const changes = await ann.send("GET", `/contacts/${id}/history?limit=12`);
  assert.deepEqual([changes.lines.length, changes.text.length < 10_000], [12, true]);
});

test("a page of deletions ends by what they tell, which is all that was lost", async () => {
  for (let i = 0; i < 6; i++) {
    const { id } = await write("POST", "/contacts", { name: "Lost", notes: long("l", 900_000) });
    const asked = await ann.send("DELETE", `/contacts/${id}`);
    assert.equal((await ann.send("DELETE", `/contacts/${id}?confirm=${/confirm=(\S+)/.exec(asked.text)![1]}`)).status, 200);
  }
  const page = await ann.send("GET", "/audit?action=deleted&name=Lost&fields=changes&format=json");
  const { items, next_cursor } = page.json();
  assert.ok(items.length < 6 && next_cursor !== null && page.text.length < 6_000_000, String(page.text.length));
  assert.equal(items[0].changes.notes.from, long("l", 900_000));
});
