import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { catalog } from "../../src/records/all.ts";
import { writable } from "../../src/records/kind.ts";
import { type Client, type Service, startService } from "../helpers/service.ts";

/** What an import says where it does not know, and what its preview shows. */

let service: Service;
let ann: Client;
before(async () => {
  service = await startService();
  ann = await service.signIn();
});
after(() => service.close());

const send = (plural: string, file: string, query = "dry_run=true") =>
  ann.send("POST", `/${plural}/import?${query}`, file, { "content-type": "text/csv" });
const hints = (text: string) => text.split("\n").filter((line) => line.startsWith("HINT"));

describe("a column that nothing knows", () => {
  test("is refused with what it may mean, ready to be sent, and the fields that are free", async () => {
    const file = "Name;Preis netto;Lieferant;Cost center\nPanel;12;Acme;x\n";
    const { text } = await send("products", file);
    assert.match(text, /^ERROR invalid_field nothing here knows the columns "Preis netto", "Lieferant", "Cost center"$/m);
    assert.ok(
      hints(text).includes("HINT  map=Preis%20netto:<field> says what one is, map=Preis%20netto: passes it over"),
      text,
    );
    assert.ok(
      hints(text).includes(
        "HINT  fields that are free: sku, unit_price, unit_price_cents, currency, tax_rate, unit, tags, notes",
      ),
      text,
    );
    const said = await send("products", "name;price_cents\nPanel;12\n");
    assert.match(said.text, /^HINT {2}you may mean map=price_cents:unit_price_cents$/m);
    const elsewhere = await send("deals", "Titel;Nächster Anruf;Rückruf\nPanel;15.12.2026;\n");
    assert.match(elsewhere.text, /^HINT {2}you may mean map=N%C3%A4chster%20Anruf:follow_up_at$/m);
    const misspelt = await send("contacts", "name;emial\nJane;jane@acme.com\n");
    assert.match(misspelt.text, /^HINT {2}you may mean map=emial:email$/m);
    const nothing = await send("payments", "reference;Kostenstelle\nR-1;x\n");
    assert.doesNotMatch(nothing.text, /you may mean|map=Kostenstelle:reference/);
  });

  for (const kind of catalog.kinds) {
    const words = [...new Set(writable(kind).flatMap(({ also = [] }) => also))];
    if (words.length > 0)
      test(`of ${kind.plural} is guessed by the words that others use, and the guess is taken: ${words.join(", ")}`, async () => {
        for (const word of words) {
          const isTitle = kind.titleField.also?.includes(word);
          const file = isTitle ? `${word}\nx\n` : `${kind.title};${word}\nx;1\n`;
          const { text } = await send(kind.plural, file);
          if (!text.startsWith("ERROR invalid_field nothing here knows")) continue;
          const [, map] = /^HINT {2}you may mean map=(.*)$/m.exec(text) ?? assert.fail(`${word}: ${text}`);
          const field = map!.slice(map!.indexOf(":") + 1);
          const again = await send(kind.plural, file, `dry_run=true&map=${map}`);
          assert.match(again.text, new RegExp(`^# column "${word}" is ${field}\\b`, "m"), again.text);
        }
      });
  }
});

test("a day as people write it is offered as the service reads it, and one that there is not is named: in writes, filters and files", async () => {
  const hintOf = async (close_date: string) => hints((await ann.send("POST", "/deals", { title: "x", close_date })).text)[0];
  assert.equal(await hintOf("15.12.2026"), "HINT  write 2026-12-15");
  assert.equal(await hintOf("05/06/2026"), "HINT  write 2026-06-05 or 2026-05-06");
  assert.equal(await hintOf("31.02.2026"), "HINT  the calendar has no such day");
  const filtered = await ann.send("GET", "/deals?close_date=gt:15.12.2026");
  assert.equal(hints(filtered.text)[0], "HINT  write 2026-12-15");
  const { text } = await send("deals", "title;close_date\na;15.12.2026\nb;31.02.2026\nc;2026-02-30\nd;29/02/2026\n");
  const verdicts = text.split("\n").filter((line) => line.startsWith("row="));
  assert.match(verdicts[0]!, /row=2 would be created .*close_date=2026-12-15/);
  for (const verdict of verdicts.slice(1))
    assert.match(verdict, /ERROR invalid_value close_date .*the calendar has no such day/);
});

test("a preview tells how many rows it leaves out, and names what rows would make", async () => {
  const people = (many: number) => Array.from({ length: many }, (_, i) => `P ${i},Firm ${i}\n`).join("");
  const { text } = await send("contacts", `name,company\n${people(30)}`);
  assert.equal(text.match(/^row=/gm)!.length, 5);
  assert.match(text, /^# shown: the first 5 of 30 rows that would be written$/m);
  assert.match(text, /^# would make 30 companies that rows name: "?Firm 0"?, .*Firm 19"? and 10 more$/m);
  const few = await send("contacts", `name,company\n${people(2)}`);
  assert.doesNotMatch(few.text, /shown: the first/);
  assert.match(few.text, /^# would make 2 companies that rows name: "?Firm 0"?, "?Firm 1"?$/m);
});

test("a column under custom of which every cell is a day is kept as days, which filters compare; any other as it stands", async () => {
  const file = [
    "name;Geburtstag;custom.code;custom.mixed;custom.slashes;custom.known;custom.number",
    "Day One;04.05.1971;1.2.26;04.05.1971;05/06/1971;25/12/1970;20261231",
    "Day Two;12. Juni 1980;2.2.26;soon;06/07/1980;01/02/1971;20261230",
    "Day Three;;;;;;",
  ].join("\n");
  const { text } = await send("contacts", file);
  assert.match(text, /^# column "Geburtstag" is custom.birthday, kept as days such as 2026-06-10$/m);
  assert.match(text, /^# column "custom.mixed" is custom.mixed$/m);
  await send("contacts", file, "");
  const { items } = (
    await ann.send("GET", "/contacts?format=json&sort=name&custom.birthday=lt:1990-01-01&fields=name,custom")
  ).json();
  assert.deepEqual(
    (items as { name: string; custom: unknown }[]).map(({ name, custom }) => [name, custom]),
    [
      [
        "Day One",
        {
          ...{ birthday: "1971-05-04", code: "1.2.26", mixed: "04.05.1971", slashes: "05/06/1971" },
          ...{ known: "1970-12-25", number: 20261231 },
        },
      ],
      [
        "Day Two",
        {
          ...{ birthday: "1980-06-12", code: "2.2.26", mixed: "soon", slashes: "06/07/1980" },
          ...{ known: "1971-02-01", number: 20261230 },
        },
      ],
    ],
  );
  const said = await send("contacts", file, "dry_run=true&dates=mdy");
  assert.match(said.text, /custom.slashes=1971-05-06/);
});
