import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { createCsvScanner } from "../../src/formats/files/csvScan.ts";
import { openTable, type TableRow } from "../../src/formats/files/csvTable.ts";
import { createVcardReader } from "../../src/formats/files/vcardRead.ts";
import { catalog } from "../../src/records/all.ts";
import { type Client, type Reply, type Service, startService } from "../helpers/service.ts";

let service: Service;
let ann: Client;

/** Texts that a spreadsheet would run, or that would end a cell, a row or a card. */
const HOSTILE = [
  "=1+2",
  "+1",
  "-2",
  "@SUM(A1)",
  "'=1",
  "''@x",
  '=HYPERLINK("http://x","y")',
  'a,b;c"d"',
  "a\r\nEND:VCARD\r\n# next: x",
  "# 1 contacts",
  "\ttab",
];

before(async () => {
  service = await startService();
  ann = await service.signIn();
  await ann.send("POST", "/companies", { name: "Müller, Söhne", domain: "mueller.example", tags: ["a", "=b"] });
  // Long enough to be written in parts.
  await ann.send("POST", "/companies", { name: "Long", notes: '=x,"y"\n'.repeat(20_000), custom: { a: "z".repeat(80_000) } });
  for (const [i, text] of HOSTILE.entries()) {
    const body = {
      name: `Person ${i}`,
      email: `p${i}@mueller.example`,
      company: "Müller, Söhne",
      follow_up_at: "2020-01-01",
      follow_up_note: text,
      notes: text,
      tags: ["vip", "=x"],
      custom: { nickname: text, seats: 5, deep: { list: [1, "=2"] } },
    };
    const made = await ann.send("POST", "/contacts", body);
    assert.equal(made.status, 201, made.text);
  }
  await ann.send("POST", "/deals", { title: "=cmd", amount_cents: -5, currency: "EUR", company: "Müller, Söhne" });
});
after(() => service.close());

async function* once(text: string): AsyncGenerator<string> {
  yield text;
}

async function readTable(reply: Reply): Promise<Record<string, string>[]> {
  assert.equal(reply.status, 200, reply.text);
  assert.equal(reply.headers.get("content-type"), "text/csv; charset=utf-8; header=present");
  const { columns, rows } = await openTable(once(reply.text), { isKnown: () => true, separator: "," });
  const all: TableRow[] = [];
  for await (const some of rows) all.push(...some);
  return all.map((row) => {
    assert.ok("cells" in row, JSON.stringify(row));
    return Object.fromEntries(columns.map((name, i) => [name, row.cells[i]!]));
  });
}

/** A JSON value as a cell says it. */
function said(value: unknown): string {
  if (value === null) return "";
  if (Array.isArray(value)) return value.join(",");
  if (typeof value !== "object") return String(value);
  return Object.keys(value).length === 0 ? "" : JSON.stringify(value);
}

const lists = [...catalog.kinds.map(({ plural }) => `/${plural}`), "/audit", "/reminders", "/contacts?search=person"];
for (const path of [...lists, "/contacts?fields=name,notes", "/tokens"]) {
  test(`${path} is the same in JSON, CSV and NDJSON`, async () => {
    const query = (format: string) => `${path}${path.includes("?") ? "&" : "?"}format=${format}`;
    const { items } = (await ann.send("GET", query("json"))).json() as { items: Record<string, unknown>[] };
    const csv = await ann.send("GET", query("csv"));
    const rows = await readTable(csv);
    if (items.length === 0) assert.equal(csv.text.split("\r\n").length, 2, "a header and no row");
    assert.equal(rows.length, items.length);
    for (const [i, row] of rows.entries()) {
      for (const [name, cell] of Object.entries(row)) assert.equal(cell, said(items[i]![name]), name);
      const unsaid = path.includes("fields=") ? ["id", "handle"] : [];
      assert.deepEqual(
        Object.keys(row),
        Object.keys(items[i]!).filter((name) => !unsaid.includes(name)),
      );
    }
    const ndjson = await ann.send("GET", query("ndjson"));
    assert.equal(ndjson.headers.get("content-type"), "application/x-ndjson; charset=utf-8");
    const objects = ndjson.text.split("\n").slice(0, -1);
    assert.deepEqual(
      objects.map((line) => JSON.parse(line)),
      items,
    );
  });
}

test("no text begins a cell with what a spreadsheet runs", async () => {
  const { text } = await ann.send("GET", "/contacts.csv?fields=follow_up_note,notes,tags");
  const scanner = createCsvScanner(",");
  const cells = [...scanner.push(text), ...scanner.end()].flatMap((row) => ("cells" in row ? row.cells : []));
  assert.ok(cells.length > HOSTILE.length * 3);
  for (const cell of cells) assert.doesNotMatch(cell, /^[=+\-@\t\r]/);
  assert.ok(cells.includes("'=1+2"));
  const deals = await ann.send("GET", "/deals.csv?fields=title,amount_cents");
  assert.match(deals.text, /^title,amount_cents\r\n'=cmd,-?\d*\r\n$/);
});

test("the page after is in a Link header, and pages make the whole list", async () => {
  for (const [path, accept] of [
    ["/contacts.csv?limit=4&sort=name&fields=name&search=person&name=like:%20p%7Ber%7Cson", undefined],
    ["/contacts.csv?limit=4&sort=name&fields=name&name=like:p", undefined],
    ["/contacts?limit=4&sort=name&fields=name&&name=like:p", "application/x-ndjson"],
    ["/contacts?limit=4&cursor=&sort=name&fields=name", "text/csv;q=0.9, application/json;q=0.5"],
  ] as const) {
    const all = (await ann.send("GET", path.replace(".csv", "").replace("limit=4", "limit=200&format=json"))).json().items;
    let found = 0;
    let next: string | undefined = path;
    for (let pages = 0; next !== undefined; pages++) {
      assert.ok(pages < 5);
      const page: Reply = await ann.send("GET", next, undefined, accept ? { accept } : {});
      assert.equal(page.status, 200, page.text);
      assert.doesNotMatch(page.text, /^# next/m);
      found += page.text.match(/Person \d+/g)?.length ?? 0;
      next = /^<(\/[^>]+)>; rel="next"$/.exec(page.headers.get("link") ?? "")?.[1];
    }
    assert.equal(found, all.length, path);
  }
  assert.equal((await ann.send("GET", "/contacts?limit=1")).headers.get("link"), null, "text has a trailer for it");
});

test("a suffix says the format where a path has no such name of its own", async () => {
  const typeOf = async (path: string, accept = "*/*") =>
    (await ann.send("GET", path, undefined, { accept })).headers.get("content-type")?.split(";")[0];
  const [{ handle }] = (await ann.send("GET", "/contacts.json?limit=1")).json().items as [{ handle: string }];
  assert.equal(await typeOf("/contacts.csv", "application/json"), "text/csv");
  assert.equal(await typeOf("/contacts.txt", "application/json"), "text/plain");
  assert.equal(await typeOf("/contacts.csv?format=ndjson"), "application/x-ndjson");
  assert.equal(await typeOf(`/${handle}.vcf`), "text/vcard");
  assert.equal(await typeOf(`/${handle}.json`), "application/json");
  assert.equal(await typeOf(`/${handle}/history.csv`), "text/csv");
  assert.equal(await typeOf("/search.ndjson?q=person"), "application/x-ndjson");
  assert.equal(await typeOf("/openapi.json"), "application/json");
  assert.equal(await typeOf("/llms.txt"), "text/plain");
  assert.equal((await ann.send("GET", "/contcats.csv")).status, 404);
  assert.equal((await ann.send("GET", "/contacts.xls")).status, 404);
  assert.equal((await ann.send("POST", "/contacts.csv", { name: "Not made" })).status, 404);
  assert.equal((await ann.send("HEAD", "/contacts.csv")).headers.get("content-type")?.split(";")[0], "text/csv");
});

test("what a format cannot show is 406, before anything is done", async () => {
  const [{ handle }] = (await ann.send("GET", "/contacts.json?limit=1")).json().items as [{ handle: string }];
  for (const [method, path, left] of [
    ["GET", `/${handle}?format=csv`, "text, json, vcard"],
    ["GET", "/search?q=person&format=csv", "text, json, ndjson"],
    ["GET", "/deals?format=vcard", "text, json, csv, ndjson, ics"],
    ["GET", "/companies?format=ics", "text, json, csv, ndjson, vcard"],
    ["GET", "/whoami?format=ndjson", "text, json"],
    ["POST", "/contacts?format=csv", "text, json"],
    ["POST", "/contacts?format=vcard", "text, json"],
  ] as const) {
    const reply = await ann.send(method, path, method === "POST" ? { name: "Not acceptable" } : undefined);
    assert.equal(reply.status, 406, `${path} ${reply.text}`);
    const names = left.split(", ").map((name) => `?format=${name}`);
    assert.ok(reply.text.endsWith(`; or ${names.join(" or ")}\n`), reply.text);
  }
  const accepted = await ann.send("GET", `/${handle}`, undefined, { accept: "text/csv" });
  assert.equal(accepted.status, 406);
  assert.equal((await ann.send("GET", "/contacts?name=Not%20acceptable")).lines.length, 0);
  const unknown = await ann.send("GET", "/contacts?format=xml");
  assert.match(unknown.text, /^ERROR invalid_value format cannot be "xml"\nHINT {2}format=text or .* or format=ics or .*\n$/);
  const refused = await ann.send("GET", "/contacts.csv?stag=x");
  assert.equal(refused.status, 400);
  assert.match(refused.text, /^ERROR invalid_filter /);
});

test("cards read back as the contacts and companies they are of", async () => {
  const reply = await ann.send("GET", "/contacts?sort=name", undefined, { accept: "text/vcard" });
  assert.equal(reply.headers.get("content-type"), "text/vcard; charset=utf-8");
  const { items } = (await ann.send("GET", "/contacts?sort=name&format=json")).json();
  const reader = createVcardReader();
  const cards = [...reader.push(reply.text), ...reader.end()];
  assert.equal(cards.length, items.length);
  const lines = (text: string) => text.replaceAll("\r\n", "\n");
  for (const [i, card] of cards.entries()) {
    assert.ok("fields" in card, JSON.stringify(card));
    const { id, name, email, notes, tags, custom } = items[i];
    assert.equal(card.uid, id);
    assert.equal(card.fields["name"], name);
    assert.equal(card.fields["email"], email);
    assert.equal(card.fields["company"], "Müller, Söhne");
    assert.equal(card.fields["notes"], lines(notes));
    assert.deepEqual(card.fields["tags"], tags);
    assert.equal(card.fields["custom.nickname"], lines(custom.nickname));
  }
  const company = await ann.send("GET", "/companies.vcf");
  assert.match(company.text, /\r\nFN:Müller\\, Söhne\r\n/);
  assert.match(company.text, /\r\nURL:https:\/\/mueller\.example\r\n/);
});

test("a card has the parts of a name and the address of whom it is of, in lists too", async () => {
  const said = {
    first_name: "Uma",
    last_name: "Thu; Lee",
    street: "Ring 3, back",
    postal_code: "10115",
    city: "Berlin",
    country: "DE",
  };
  const { id } = (await ann.send("POST", "/contacts?format=json", { ...said, email: "uma@example.com" })).json();
  for (const path of [`/contacts/${id}.vcf`, "/contacts.vcf?email=uma@example.com"]) {
    const reader = createVcardReader();
    const [card] = [...reader.push((await ann.send("GET", path)).text), ...reader.end()];
    assert.ok(card && "fields" in card, JSON.stringify(card));
    for (const [name, value] of Object.entries(said)) assert.equal(card.fields[name], value, `${path} ${name}`);
  }
  await ann.send("POST", "/companies", { name: "Placed", domain: "placed.example", city: "Bonn", country: "DE" });
  assert.match((await ann.send("GET", "/companies.vcf?domain=placed.example")).text, /\r\nADR:;;;Bonn;;;DE\r\n/);
});

/** The entries of a calendar, their lines unfolded, by the names of their properties. */
function entries(reply: Reply): Map<string, string>[] {
  assert.equal(reply.status, 200, reply.text);
  assert.equal(reply.headers.get("content-type"), "text/calendar; charset=utf-8");
  for (const line of reply.text.split("\r\n")) assert.ok(Buffer.byteLength(line) <= 75, line);
  const lines = reply.text.replaceAll("\r\n ", "").split("\r\n");
  assert.deepEqual(lines.slice(0, 2), ["BEGIN:VCALENDAR", "VERSION:2.0"]);
  assert.deepEqual(lines.slice(-2), ["END:VCALENDAR", ""]);
  return (
    lines
      .join("\n")
      .split("\nEND:VEVENT")
      .slice(0, -1)
      .map((text) => text.slice(text.indexOf("BEGIN:VEVENT")))
      // Of two properties of one name the first is the entry's, the other its alarm's.
      .map(
        (text) =>
          new Map(
            text
              .split("\n")
              .reverse()
              .map((line) => [/^[^:;]+/.exec(line)?.[0] ?? "", line]),
          ),
      )
  );
}

test("what is due is a calendar, from reminders and from the kinds that remind", async () => {
  const bob = await service.signIn("bob@example.com");
  await bob.send("POST", "/companies", { name: "Acme; Inc", domain: "acme.example" });
  const jane = { name: "Jane, Doe", email: "jane@acme.example", phone: "+1 555 0100", company: "acme.example" };
  await bob.send("POST", "/contacts", { ...jane, follow_up_at: "2030-06-10T09:30:00Z", follow_up_note: "ask\nBEGIN:VEVENT" });
  await bob.send("POST", "/contacts", { name: "Never due" });
  await bob.send("POST", "/tasks", { title: "A whole day", due_at: "2030-06-11" });
  await bob.send("POST", "/tasks", { title: "Done already", due_at: "2030-06-11", done: true });
  const due = entries(await bob.send("GET", "/reminders.ics?days=3650"));
  assert.equal(due.length, 2);
  const [call, day] = due as [Map<string, string>, Map<string, string>];
  assert.equal(call.get("SUMMARY"), "SUMMARY:Jane\\, Doe");
  assert.equal(call.get("DTSTART"), "DTSTART:20300610T093000Z");
  assert.equal(call.get("DESCRIPTION"), "DESCRIPTION:ask\\nBEGIN:VEVENT\\nAcme\\; Inc\\n+1 555 0100\\njane@acme.example");
  assert.equal(call.get("TRIGGER"), "TRIGGER:-PT0M");
  assert.equal(day.get("DTSTART"), "DTSTART;VALUE=DATE:20300611");
  assert.equal(day.get("TRIGGER"), "TRIGGER:PT540M");
  const [contact] = (await bob.send("GET", "/contacts?format=json&email=jane@acme.example")).json().items;
  assert.equal(call.get("UID"), `UID:${contact.id}`);
  assert.equal(call.get("DTSTAMP"), `DTSTAMP:${contact.updated_at.replace(/[-:]/g, "")}`);
  assert.deepEqual(
    entries(await bob.send("GET", "/reminders?days=3650&limit=all", undefined, { accept: "text/calendar" })),
    due,
  );
  assert.deepEqual(entries(await bob.send("GET", "/contacts?format=ics")), [call]);
  assert.deepEqual(entries(await bob.send("GET", "/tasks.ics?limit=all")), [day]);
  const all = await bob.send("GET", "/reminders?days=3650&limit=all");
  assert.match(all.text, /\n# 2 reminders: 2 upcoming; 1 contact, 1 task\n$/);
  assert.equal(all.text, (await bob.send("GET", "/reminders?days=3650")).text);
  const page = await bob.send("GET", "/reminders.ics?days=3650&limit=1");
  assert.match(page.headers.get("link") ?? "", /^<\/reminders\.ics\?.*cursor=.*>; rel="next"$/);
});

// Of an invoice it follows from others when it reminds.
for (const kind of catalog.kinds.filter(({ reminder, field }) => reminder && !field(reminder.at)!.readOnly)) {
  test(`${kind.plural} that are due are entries of the calendar`, async () => {
    const cleo = await service.signIn("cleo@example.com");
    await cleo.send("POST", "/companies", { name: "For links", domain: "links.example" });
    const made = await cleo.send("POST", `/${kind.plural}?format=json`, {
      ...kind.example,
      ...links(kind),
      ...Object.fromEntries(
        kind.links.filter(({ id }) => id.required).map(({ name, target }) => [name, { [target.title]: "For links" }]),
      ),
      [kind.reminder!.at]: "2031-01-02T03:04:05Z",
    });
    assert.equal(made.status, 201, made.text);
    const [event] = entries(await cleo.send("GET", `/${kind.plural}.ics`));
    assert.equal(event?.get("DTSTART"), "DTSTART:20310102T030405Z");
    assert.equal(event?.get("UID"), `UID:${made.json().id}`);
  });
}

/** An example without its links, which lead to records that are not there. */
const links = (kind: (typeof catalog.kinds)[number]) =>
  Object.fromEntries(kind.links.flatMap(({ id, shown }) => [id.name, shown.name]).map((name) => [name, undefined]));
