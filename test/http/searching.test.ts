import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { silentLog } from "../../src/kit/log.ts";
import { sql } from "../../src/postgres/sql.ts";
import { type Client, type Service, startService } from "../helpers/service.ts";

/** What a search puts first, and that it does so however many records share the word. */

let service: Service;
let ann: Client;
before(async () => {
  service = await startService({ log: silentLog });
  ann = await service.signIn();
});
after(() => service.close());

const names = async (path: string) => {
  const { items } = (await ann.send("GET", `${path}&fields=name&format=json`)).json() as { items: { name: string }[] };
  return items.map(({ name }) => name);
};

/** Copies of a record, each a second newer than the one before it; `name` may hold `%s`, their number. */
async function copy(handle: string, times: number, name: string, notes: string): Promise<void> {
  await service.pool.rows(
    sql`insert into contacts (workspace_id, id, name, notes, version, created_at, created_by, updated_at)
      select workspace_id, 'c_' || md5(${name}::text || n), format(${name}::text, n), ${notes}::text, 1, created_at, created_by, updated_at + n * interval '1 second'
      from contacts, generate_series(1, ${times}::int) n where right(id, 8) = ${handle.slice(-8)}`,
    { deadlineMs: 120_000 },
  );
}

async function create(body: object): Promise<string> {
  return (await ann.send("POST", "/contacts?format=json", body)).json().id as string;
}

test("who is called just that comes first among 11,000 newer ones with the word, and then those with it in the name", async () => {
  const mark = await create({ name: "Márk" });
  await create({ name: "Anna Mark-Weber" });
  await create({ name: "Mark Twain" });
  await create({ name: "Denmark Ltd" });
  // More than a search gathers.
  await copy(mark, 11_000, "Somebody %s", "remarks on the market, and Mark");
  const found = await names("/contacts?search=mark&limit=5");
  assert.deepEqual(found.slice(0, 3), ["Márk", "Mark Twain", "Anna Mark-Weber"]);
  assert.equal(found.length, 5);
  await copy(mark, 300, "Mark %s", "newer");
  assert.deepEqual((await names("/contacts?search=mark&limit=2"))[0], "Márk");
});

test("who is called so letter by letter comes before who is called so accents aside, whichever is newer", async () => {
  for (const name of ["Jörg Müller", "Jorg Muller", "Jörg Müllers", "Jorg Mullers"]) await create({ name });
  for (const name of ["Jörg Müllers", "Jorg Mullers", "Jörg Müller", "Jorg Muller"]) {
    assert.equal((await names(`/contacts?search=${encodeURIComponent(name.toLowerCase())}`))[0], name);
  }
});

test("of more than 200 who are called so the newest changed are shown, wherever in the table they are", async () => {
  const desk = await create({ name: "Front Desk" });
  await service.pool.rows(
    sql`insert into contacts (workspace_id, id, name, notes, version, created_at, created_by, updated_at)
      select workspace_id, 'c_' || md5('newest'), name, 'the newest', 1, created_at, created_by, updated_at + interval '1 hour'
      from contacts where right(id, 8) = ${desk.slice(-8)}`,
  );
  await copy(desk, 250, "Front Desk", "written later, changed before");
  const { items } = (await ann.send("GET", "/contacts?search=front+desk&limit=200&format=json")).json();
  assert.ok(items.some(({ notes }: { notes: string }) => notes === "the newest"));
});

test("a word that was common is found as well when it no longer is", async () => {
  const last = await create({ name: "Last Kestrel" });
  await copy(last, 6_000, "Kestrel %s", "one of many");
  const first = await names("/contacts?search=kestrel&limit=3");
  assert.deepEqual(await names("/contacts?search=kestrel&limit=3"), first);
  await service.pool.rows(
    sql`update contacts r set deleted_at = now() where r.workspace_id = (select workspace_id from contacts where right(id, 8) = ${last.slice(-8)}) and notes = 'one of many'`,
  );
  for (let i = 0; i < 2; i++) assert.deepEqual(await names("/contacts?search=kestrel"), ["Last Kestrel"]);
});

test("a walk shows those with the words in the name, then the others, and none twice", async () => {
  const wanted: string[] = [];
  for (let i = 0; i < 4; i++) {
    await create({ name: `Quill ${i} Ott`, notes: "quill" });
    await create({ name: `Ott Quillhorn ${i}` });
    await create({ name: `Other ${i}`, title: "quill and ott" });
    wanted.push(`Quill ${i} Ott`, `Ott Quillhorn ${i}`, `Other ${i}`);
  }
  const whole = await names("/contacts?search=ott quill");
  assert.deepEqual([...whole].sort(), wanted.sort());
  assert.ok(
    whole.slice(0, 4).every((name) => /^Quill \d Ott$/.test(name)),
    whole.join(),
  );
  for (const limit of [1, 3, 4, 5]) {
    const walked: string[] = [];
    let cursor: string | null = "";
    while (cursor !== null) {
      const path: string = `/contacts?search=ott quill&limit=${limit}&cursor=${cursor}&fields=name&format=json`;
      const page = (await ann.send("GET", path)).json() as { items: { name: string }[]; next_cursor: string | null };
      walked.push(...page.items.map(({ name }) => name));
      cursor = page.next_cursor;
    }
    assert.deepEqual(walked, whole, `limit=${limit}`);
  }
});

test("names with signs in them, of which a title keeps the words, still hold what was searched", async () => {
  await create({ name: "O'Brien-Smith (Acme)" });
  await create({ name: "Brien O" });
  assert.deepEqual(await names("/contacts?search=o'brien"), ["O'Brien-Smith (Acme)"]);
  assert.deepEqual(await names("/contacts?search=smith acme"), ["O'Brien-Smith (Acme)"]);
  assert.deepEqual(await names("/contacts?search=brien-smith"), ["O'Brien-Smith (Acme)"]);
});

test("what stands inside words is found where nothing begins so, and always with sort=", async () => {
  await create({ name: "Ottokar Blacksmithson" });
  assert.deepEqual(await names("/contacts?search=smithso"), ["Ottokar Blacksmithson"]);
  await create({ name: "Smithsonian Friend" });
  assert.deepEqual(await names("/contacts?search=smithso"), ["Smithsonian Friend"]);
  const sorted = await names("/contacts?search=smithso&sort=name");
  assert.deepEqual(sorted, ["Ottokar Blacksmithson", "Smithsonian Friend"]);
});

test("all kinds at once: inside words only where no kind has the words", async () => {
  const lines = async (q: string) => (await ann.send("GET", `/search?q=${q}`)).text.match(/^(?!#).+$/gm) ?? [];
  await create({ name: "Xwombatx" });
  assert.match((await lines("ombat")).join("\n"), /^contact\/\S+ name=Xwombatx\b[^\n]*$/);
  await ann.send("POST", "/companies", { name: "Ombat Ltd" });
  assert.match((await lines("ombat")).join("\n"), /^company\/\S+ name="Ombat Ltd"[^\n]*$/);
});

test("only the last word may be the beginning of one, where that finds anything", async () => {
  await create({ name: "Perry Wagtail" });
  await create({ name: "Per Wagner" });
  assert.deepEqual(await names("/contacts?search=per wag"), ["Per Wagner"]);
  assert.deepEqual(await names("/contacts?search=perr wagt"), ["Perry Wagtail"]);
});

test("where writing does not part words, a word is found inside another", async () => {
  await create({ name: "東京支社" });
  await create({ name: "明日東京", notes: "会議" });
  await create({ name: "大阪", notes: "明日東京で会議" });
  assert.deepEqual((await names("/contacts?search=東京")).sort(), ["大阪", "明日東京", "東京支社"].sort());
});

test("signs around a word are left aside, those within it and before it are not", async () => {
  await create({ name: "Zed Zimt", email: "zed@zimtwerk.example", notes: "knows C++ (and Zig), and R&D" });
  await create({ name: "Zimtwerk Zed" });
  for (const search of [
    "zed@zimtwerk.example",
    "@zimtwerk",
    "zimt, zed.",
    "(zig)",
    "“zimt”",
    "c++",
    "r&d zimt",
    "zimtwerk.ex",
    "zed zimt!",
  ]) {
    const [first] = await names(`/contacts?search=${encodeURIComponent(search)}`);
    assert.equal(first, "Zed Zimt", search);
  }
  // Nothing has these words together, so what has the parts.
  assert.deepEqual((await names("/contacts?search=zimtwerk@zed")).sort(), ["Zed Zimt", "Zimtwerk Zed"]);
});

test("the same words are found with sort= and without, whatever signs stand around them", async () => {
  await create({ name: "Mary-Jane Ivory", email: "ivory.jane+crm@orb.example" });
  await create({ name: "Jane Ivory", notes: "「東京、大阪」" });
  const both = ["Jane Ivory", "Mary-Jane Ivory"];
  for (const around of [
    "(%)",
    "'%'",
    "“%”",
    "„%“",
    "‹%›",
    "¿%?",
    "%:",
    "%,",
    "%*",
    "<%>",
    "[%]",
    "{%}",
    "`%`",
    "-%",
    "%/",
    "%—",
    "+%",
    "#%",
    "%#",
  ])
    for (const sort of ["", "&sort=name"]) {
      const search = encodeURIComponent(around.replace("%", "jane"));
      assert.deepEqual((await names(`/contacts?search=${search} ivory${sort}`)).sort(), both, `${around} ${sort}`);
    }
  for (const search of ["Jane Ivory <ivory.jane+crm@orb.example>", "ivory|orb", "ja iv cr", "o. ivory.jane"])
    for (const sort of ["", "&sort=name"])
      assert.deepEqual(
        await names(`/contacts?search=${encodeURIComponent(search)}${sort}`),
        ["Mary-Jane Ivory"],
        `${search} ${sort}`,
      );
  for (const search of ["東京、", "「大阪」", "大"])
    for (const sort of ["", "&sort=name"])
      assert.ok((await names(`/contacts?search=${search}${sort}`)).includes("Jane Ivory"), search);
});

const found = (search: string, more = "") => names(`/contacts?search=${encodeURIComponent(search)}${more}`);

test("a phone number is found however it was written and however it is searched", async () => {
  await create({ name: "Nora Ring", phone: "+49 (30) 901-820 17" });
  await create({ name: "Rafael Ring", phone: "030 77 555 12" });
  await create({ name: "Other Ring", phone: "+49 30 901 820 18" });
  await create({ name: "Peter Ring", phone: "+44 (0)20 7946 0020 ext 301" });
  const asNora = ["+493090182017", "493090182017", "+49 30 90182017", "0049 30 / 901 820 17", "(030) 90182017", "901.820-17"];
  for (const search of [...asNora, "901820-17", "+49 (30) 901-820 17", "+49 (0)30 90182017"]) {
    assert.deepEqual(await found(search), ["Nora Ring"], search);
    assert.deepEqual(await found(search, "&sort=name"), ["Nora Ring"], `${search}, sorted`);
  }
  assert.deepEqual((await found("+49 30 9018")).sort(), ["Nora Ring", "Other Ring"], "how it begins");
  for (const search of [
    "0307755512",
    "030-7755512",
    "030–77 555‑12",
    " 49307755512",
    "7755512",
    "+49307755512",
    "+49 (0)30 77 555 12",
  ])
    assert.deepEqual(await found(search), ["Rafael Ring"], search);
  for (const search of ["+442079460020", "020 7946 0020", "0044 (0)20 79460020"])
    assert.deepEqual(await found(search), ["Peter Ring"], search);
  await ann.send("POST", "/companies", { name: "Ringing Ltd", phone: "+44 20 7946 0958" });
  assert.match((await ann.send("GET", "/search?q=%2B442079460958")).text, /Ringing Ltd/);
});

test("a number that shares parts with another is not taken for it, and zeros are nobody's", async () => {
  const siobhan = await create({ name: "Siobhan Parts", phone: "+353 (0)1 555 7100" });
  await create({ name: "Acme Parts", phone: "(555) 555-7100" });
  await create({ name: "Jane Parts", phone: "555 7100" });
  assert.deepEqual(await found("+1 555 555 7100"), ["Acme Parts"]);
  assert.deepEqual((await found("+1 555 7100")).includes("Jane Parts"), true);
  for (const search of ["000000", "+00000000000"])
    assert.deepEqual(await found(search, "&name=like:parts&sort=name"), [], search);
  await ann.send("PATCH", `/contacts/${siobhan}`, { phone: "+353 1 800 7200" });
  assert.deepEqual(await found("+353 1 555 7100", "&sort=name"), []);
  assert.deepEqual(await found("+35318007200"), ["Siobhan Parts"]);
  assert.match((await ann.send("GET", "/contacts?phone=%2B35318007200")).text, /search="?\+35318007200"? finds the number/);
});

test("numbers that are no phone's are found as they are written", async () => {
  await create({ name: "Dated", notes: "signed on 2031-11-05, invoice 700 100 200" });
  for (const search of ["2031-11-05", "700 100 200", "100 200 700"]) assert.deepEqual(await found(search), ["Dated"], search);
  await create({ name: "Order 810100 of 2026" });
  assert.match((await ann.send("GET", "/contacts?search=2026%20810100&count=true")).text, /# 1 of 1 contacts/);
  assert.deepEqual(await found("2026 810100", "&sort=name"), ["Order 810100 of 2026"]);
});

test("two letters that changed places are seen through, in short words too, and only where nothing has the words", async () => {
  await create({ name: "Jane Quirk" });
  await create({ name: "Jöran Quirk" });
  for (const slip of ["uqirk", "UQIRK", "qiurk"]) {
    const { text } = await ann.send("GET", `/contacts?search=${slip}&fields=name`);
    for (const said of [/near misses/, /Jane Quirk/, /Jöran Quirk/]) assert.match(text, said, slip);
    assert.doesNotMatch(text, /next:/);
  }
  assert.deepEqual(await names("/contacts?search=jroan"), ["Jöran Quirk"]);
  assert.deepEqual(await names("/contacts?search=qiurk&limit=1&stage=is:null"), ["Jöran Quirk"]);
  assert.deepEqual(await names("/contacts?search=qiurk&stage=lead"), []);
  await ann.send("POST", "/companies", { name: "Quik Works" });
  assert.match(
    (await ann.send("GET", "/search?q=quikr")).text.split("\n")[1]!,
    /^contact/,
    "what was meant before what looks like it",
  );
  await create({ name: "Quikr Ltd" });
  assert.deepEqual(await names("/contacts?search=quikr"), ["Quikr Ltd"]);
});

test("a text is stored and found whatever its words are", async () => {
  const letters = [..."abcdefghijklmnopqrstuvwxyzäöüß"];
  const many = letters.flatMap((a) =>
    letters.flatMap((b) => letters.flatMap((c) => letters.slice(0, 8).map((d) => a + b + c + d))),
  );
  const text = `begonia ${many.join(" ")}`;
  assert.ok(text.length > 900_000, String(text.length));
  await create({ name: "Longest Text", notes: text.slice(0, 900_000) });
  await create({ name: "Longest Word", notes: `petunia ${"x".repeat(5_000)}y` });
  await create({ name: "Only Signs", notes: "' \\ '' : & | ! ( ) * \u00a0 \u2028 \u3000 ½ ²" });
  assert.deepEqual(await names("/contacts?search=begonia"), ["Longest Text"]);
  assert.deepEqual(await names(`/contacts?search=${"x".repeat(500)}`), ["Longest Word"]);
  assert.deepEqual(await names(`/contacts?search=${"x".repeat(99)}`), ["Longest Word"]);
  assert.deepEqual(await names("/contacts?search=½ signs"), ["Only Signs"]);
});

test("a word of very many parts costs no more than one of a few", async () => {
  const parts = Array.from({ length: 120 }, (_, i) => `p${i}`).join(".");
  await create({ name: "Many Parts", notes: `of ${parts} it is` });
  assert.deepEqual(await names(`/contacts?search=${parts}`), ["Many Parts"]);
  assert.deepEqual(await names(`/contacts?search=${parts.slice(0, -1)}`), ["Many Parts"]);
  const [[query]] = (await service.pool.rows(sql`select crm_lexeme_query('ws_12345678', ' ', ${parts}, ':*')::text`)) as [
    [string],
  ];
  assert.equal(query.split(" & ").length, 16);
  assert.match(query, / p15':\*$/);
});

test("a search says nothing to the index's own language", async () => {
  await create({ name: "Quote Unquote" });
  for (const search of [
    "quote' | 'x",
    "quote':*",
    "quote & !unquote",
    "quote\\",
    "quote <-> unquote",
    "'' quote",
    "quote%",
    "quote_",
  ]) {
    const { status } = await ann.send("GET", `/contacts?search=${encodeURIComponent(search)}`);
    assert.equal(status, 200, search);
  }
  assert.deepEqual(await names(`/contacts?search=${encodeURIComponent("quote | unquote")}`), ["Quote Unquote"]);
});

test("count=true counts what the walk shows", async () => {
  await create({ name: "Counted Gorse" });
  await create({ name: "Gorsewood Person" });
  await create({ name: "Other Person", notes: "gorse" });
  await create({ name: "Inside Xgorse" });
  const { text } = await ann.send("GET", "/contacts?search=gorse&count=true&limit=2");
  assert.match(text, /^# 2 of 3 contacts$/m);
  assert.match((await ann.send("GET", "/contacts?search=xgors&count=true")).text, /^# 1 of 1 contacts$/m);
  assert.match((await ann.send("GET", "/contacts?search=gors&count=true")).text, /^# 3 of 3 contacts$/m);
});

test("filters hold in names too, and a deleted name is gone", async () => {
  await create({ name: "Zoltan Filter", stage: "lead" });
  const gone = await create({ name: "Zoltan Deleted", stage: "lead" });
  await create({ name: "Zoltan Other", stage: "customer" });
  const asked = await ann.send("DELETE", `/contacts/${gone}`);
  await ann.send("DELETE", `/contacts/${gone}?confirm=${/confirm=(\S+)$/m.exec(asked.text)![1]}`);
  assert.deepEqual(await names("/contacts?search=zoltan&stage=lead"), ["Zoltan Filter"]);
});

test("another workspace's names do not come", async () => {
  const bob = await service.signIn("bob@example.com");
  await bob.send("POST", "/contacts", { name: "Secret Xylophone" });
  assert.deepEqual(await names("/contacts?search=xylophone"), []);
});

test("who searches people by their company's name is told how", async () => {
  const nothing = await ann.send("GET", "/contacts?search=maschinenbauer");
  assert.match(
    nothing.text,
    /^# search looks into the contacts themselves; by what they belong to: company=like:…; into all kinds: GET \/search\?q=…\n# 0 contacts\n$/,
  );
  assert.doesNotMatch((await ann.send("GET", "/companies?search=maschinenbauer")).text, /belong/);
});

test("near misses are ten at most, and nobody is shown for an address that is not here", async () => {
  const eve = await service.signIn("eve@example.com");
  for (let i = 0; i < 14; i++) await eve.send("POST", "/contacts", { name: `Nearing ${i}`, email: `nearing${i}@example.org` });
  for (const path of ["/contacts?search=Nearingg&limit=200", "/search?q=Nearingg&limit=200"]) {
    const { text } = await eve.send("GET", path);
    assert.match(text, /^# nothing has all these words: these are near misses\n/);
    assert.equal(text.match(/^contact\//gm)?.length, 10, path);
  }
  assert.equal((await eve.send("GET", "/contacts?search=Nearingg&limit=3")).lines.length, 3);
  for (const path of [
    "/contacts?search=nearing99@example.org",
    "/search?q=unknown@example.org",
    "/contacts?search=Nearing nearing99@example.org",
  ]) {
    const { status, text } = await eve.send("GET", path.replace(" ", "%20"));
    assert.equal(status, 200);
    assert.match(text, /^# (search looks|0 )/, text);
  }
  const counted = (await eve.send("GET", "/contacts?format=json&count=true&limit=2")).json();
  assert.deepEqual([counted.total, counted.total_capped], [14, false]);
});
