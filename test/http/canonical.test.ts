import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import fc from "fast-check";
import { readMigrations } from "../../src/db/migrate.ts";
import { phoneDigits } from "../../src/kit/phone.ts";
import { sql } from "../../src/postgres/sql.ts";
import { type Client, type Service, startService } from "../helpers/service.ts";

/** Texts that a reader cannot tell apart are one to every comparison, however they were encoded, spelt or spaced. */

let service: Service;
let ann: Client;
before(async () => {
  service = await startService({ mail: true });
  ann = await service.signIn();
});
after(() => service.close());

const get = async (path: string) => (await ann.send("GET", path)).text;
const post = async (path: string, body: unknown) => (await ann.send("POST", path, body)).text;
const q = encodeURIComponent;
const COMPOSED = "caf\u00e9";
const DECOMPOSED = "cafe\u0301";

test("composed and decomposed letters are the same, in keys, values, filters, links and domains", async () => {
  assert.match(await post("/contacts", { email: `${DECOMPOSED}@one.example` }), /# created/);
  assert.match(await post("/contacts", { email: `${COMPOSED}@one.example`, title: "x" }), /# updated/);
  assert.match(await post("/contacts", `email=${q(`${DECOMPOSED}@one.example`)}&title=y`), /# updated/);
  assert.match(await get(`/contacts?email=${q(`${DECOMPOSED}@one.example`)}`), /# 1 contact\b/);
  await post("/companies", {
    name: `Bar ${DECOMPOSED}`,
    domain: `${DECOMPOSED}.example`,
    custom: { [DECOMPOSED]: DECOMPOSED },
  });
  assert.match(await get(`/companies?domain=${q(`${COMPOSED}.example`)}`), /# 1 compan/);
  assert.match(await get(`/companies?custom.${q(DECOMPOSED)}=${q(DECOMPOSED)}`), /# 1 compan/);
  assert.match(await get(`/companies?custom.${COMPOSED}=${COMPOSED}`), /# 1 compan/);
  assert.match(await post("/contacts", `{"name":"Link","company":"Bar cafe\\u0301"}`), new RegExp(`company="Bar ${COMPOSED}"`));
  assert.match(await get(`/search?q=${q("한글".normalize("NFD"))}`), /# 0 records|near misses/);
  await post("/contacts", { name: "한글 회사" });
  assert.match(await get(`/contacts?search=${q("한글".normalize("NFD"))}`), /한글 회사/);
});

test("search and like see through full-width letters, ligatures and the final sigma", async () => {
  await post("/contacts", { name: "Παπαδόπουλος" });
  await post("/contacts", { name: "ＡＣＭＥ ｏﬃce" });
  assert.match(await get(`/contacts?name=like:${q("ΠΑΠΑΔΟΠΟΥΛΟΣ")}`), /# 1 contact\b/);
  assert.match(await get("/contacts?name=like:acme"), /# 1 contact\b/);
  assert.match(await get("/contacts?search=office"), /ＡＣＭＥ/);
  await post("/contacts", { name: "Plain Widgets" });
  assert.match(await get(`/contacts?search=${q("ｗｉｄｇｅｔｓ")}`), /Plain Widgets/);
});

test("a code is one in any letter case, composed or not, with one blank between words", async () => {
  const plates = { plate: { type: "text", required: true }, km: "integer" };
  await post("/kinds", { name: "vehicle", plural: "vehicles", title: "plate", natural_key: "plate", fields: plates });
  for (const [kind, key] of [
    ["products", "sku"],
    ["vehicles", "plate"],
  ] as const) {
    for (const [first, again] of [
      ["  Mü   12 ", "mu\u0308 12"],
      ["AB-1 x", "ab-1  X"],
    ] as const) {
      const made = await post(`/${kind}`, { [key]: first });
      assert.match(made, /# created/);
      const [handle] = made.split(" ");
      assert.equal((await post(`/${kind}`, { [key]: again })).split(" ")[0], handle, again);
      assert.match(await get(`/${kind}?${key}=${q(again)}`), new RegExp(`${handle} .*\n# 1 `), again);
    }
  }
  await post("/products", { name: "Päneel", sku: "ö-1", unit_price_cents: 5 });
  for (const product of ["ö-1", " o\u0308-1", "PA\u0308NEEL"])
    assert.match(await post("/invoices", { items: [{ product }] }), /description=Päneel/, product);
});

test("an internationalised domain is one in letters and in its ASCII form", async () => {
  const [letters, ascii] = ["info@münchen.example", "info@xn--mnchen-3ya.example"];
  assert.match(await post("/contacts", { email: ascii }), /email=info@münchen\.example .*\n# created/);
  assert.match(await post("/contacts", { email: letters, title: "x" }), /# updated/);
  for (const email of [letters, ascii, "INFO@MÜNCHEN.example", `like:${ascii}`])
    assert.match(await get(`/contacts?email=${q(email)}`), /# 1 contact\b/, email);
  assert.match(await get(`/contacts?search=${ascii}`), /münchen/);
  await post("/companies", { domain: "https://www.xn--mnchen-3ya.example/ueber" });
  assert.match(
    await post("/companies", { domain: "München.example", industry: "beer" }),
    /domain=münchen\.example .*\n# updated/,
  );
  assert.match(await post("/contacts", { name: "By domain", company: "xn--mnchen-3ya.example" }), /company=münchen\.example/);
  assert.match(await get("/contacts?company=xn--mnchen-3ya.example"), /By domain/);

  const [first, again] = [await service.signIn(letters), await service.signIn(letters)];
  assert.equal(
    (await first.send("GET", "/whoami?format=json")).json().user,
    (await again.send("GET", "/whoami?format=json")).json().user,
  );
  const { text } = await service.send("POST", "/auth/request", { email: ascii });
  assert.match(text, /info@münchen\.example/);
  const { workspace } = (await ann.send("GET", "/whoami?format=json")).json();
  const invites = `/workspaces/${workspace.split("/")[1]}/invites`;
  await post(invites, { email: "bob@xn--mnchen-3ya.example" });
  await post(invites, { email: "bob@münchen.example" });
  assert.equal((await get(invites.replace("invites", "members"))).match(/bob@münchen/g)?.length, 1);
});

test("scripts that write vowels as marks have addresses; what cannot be seen is none", async () => {
  assert.match(await post("/contacts", { email: "संपर्क@डाटामेल.भारत" }), /# created/);
  assert.match(await post("/companies", { domain: "डाटामेल.भारत" }), /# created/);
  assert.match((await service.send("POST", "/auth/request", { email: "संपर्क@डाटामेल.भारत" })).text, /^OK/);
  for (const email of ["a\ufe00b@one.example", "a\u3164@one.example", "a\u200b@one.example", "a@b\u3164.example"]) {
    assert.match(await post("/contacts", { email }), /ERROR invalid_email/, JSON.stringify(email));
    assert.equal((await service.send("POST", "/auth/request", { email })).status, 400, JSON.stringify(email));
  }
});

test("www is taken off once and for all, unless it is the name", async () => {
  for (const [sent, stored] of [
    ["www.www.org", "www.org"],
    ["www.com", "www.com"],
    ["www.www.acme-tools.example", "acme-tools.example"],
  ]) {
    assert.match(await post("/companies", { domain: sent }), new RegExp(`domain=${stored} `));
    assert.match(await get(`/companies?domain=${sent}`), /# 1 compan/);
  }
});

test("a plus is put back only where nobody encoded it", async () => {
  const phoneOf = async (body: string | object) => (await ann.send("POST", "/contacts?format=json", body)).json().phone;
  assert.equal(await phoneOf({ name: "J", phone: " 415 555 0100" }), " 415 555 0100");
  assert.equal(await phoneOf("name=F&phone=%20415+555+0100"), " 415 555 0100");
  assert.equal(await phoneOf("name=F&phone=+49301234567"), "+49301234567");
  assert.equal(await phoneOf("name=F&phone=+49+30+765"), "+49 30 765");
  assert.match(await get("/contacts?phone=+49301234567"), /# 1 contact\b/);
  assert.match(await get("/contacts?phone=in:+49301234567,+49+30+765"), /# 2 contacts/);
  assert.match(await get("/contacts?phone=%20415+555+0100"), /# 2 contacts/);
  assert.match(await get("/contacts?phone=%2049301234567"), /# 0 contacts/);
});

test("names have no blanks around them and one between words, and are linked to whatever case and accents", async () => {
  assert.match(await post("/companies", { name: "  Müller \t  AG\n" }), /name="Müller AG" /);
  for (const company of ["Müller AG", "MÜLLER AG", "muller ag", " Müller  AG "])
    assert.match(await post("/contacts", { name: "N", company }), /company="Müller AG"/, company);
  assert.match(await post("/companies", { name: "MÜLLER AG" }), /# there is another company of this name/);
  await post("/companies", { name: "Muller AG" });
  assert.match(await post("/contacts", { name: "N", company: "muller ag" }), /company="Muller AG"/);
  assert.match(await get(`/companies?name=${q("Müller  AG ")}`), /# 1 compan/);
});

test("what shows nothing is no name, of records, workspaces and tokens, and no phone, description or answer", async () => {
  const questions = [{ id: "need", label: "Need?", type: "text", required: true }];
  const { id: form } = (await ann.send("POST", "/forms?format=json", { name: "Seen", questions })).json();
  for (const name of ["   ", "\t", "\u200b", "\u3164\u2800", "\u202e"]) {
    const shown = JSON.stringify(name);
    assert.match(await post("/contacts", { name }), /ERROR missing_field/, shown);
    assert.match(await post("/deals", { title: name }), /ERROR missing_field/, shown);
    assert.match(await post("/tasks", { title: name }), /ERROR missing_field/, shown);
    assert.match(await post("/workspaces", { name }), /ERROR missing_field/, shown);
    assert.match(await post("/tokens", { name }), /OK minted "default"/, shown);
    assert.match(await post("/contacts", { name, email: "seen@one.example" }), /name=seen@one\.example/, shown);
    assert.doesNotMatch(await post("/contacts", { name: "P", phone: name }), /phone=|ERROR/, shown);
    assert.match(await post("/contacts", { name: "P", phones: [name] }), /ERROR invalid_value/, shown);
    const items = [{ description: name, unit_price_cents: 1 }];
    assert.match(await post("/invoices", { items }), /ERROR missing_field item 1 needs a description/, shown);
    const answered = await post("/qualifications", { form_id: form, contact: "seen@one.example", answers: { need: name } });
    assert.match(answered, /ERROR invalid_value answers cannot be like that/, shown);
  }
});

test("a person is a member in any case; one that is none is told of, with those who may be meant", async () => {
  assert.match(await post("/tasks", { title: "T", assignee: " ANN@EXAMPLE.com", due_at: "-1d" }), /assignee=ann@example\.com/);
  assert.match(await get("/reminders?owner=me"), /name=T /);
  assert.match(await get("/tasks?assignee=Ann@Example.Com"), /# 1 task\b/);
  assert.match(await post("/contacts", { name: "P", owner: "zed" }), /\n# owner "zed" is no member(?!;)/);
  assert.match(
    await post("/contacts", { name: "P", owner: "ann" }),
    /# owner "ann" is no member; did you mean owner=ann@example\.com\?/,
  );
  assert.match(await get("/deals?owner=Ann"), /# owner "Ann" is no member; did you mean owner=ann@example\.com\?/);
  assert.match(await get("/reminders?owner=ann"), /did you mean owner=ann@example\.com\?/);
  assert.doesNotMatch(await post("/contacts", { name: "P", owner: "me" }), /no member/);
});

test("an activity is of any kind; the usual ones are known, and note is what it is without one", async () => {
  const { id } = (await ann.send("POST", "/contacts?format=json", { name: "Kind" })).json();
  assert.match(await post("/activities", { contact_id: id, kind: "SMS" }), /kind=sms .*\n# created/);
  assert.match(await get("/activities?kind=Sms"), /# 1 activity/);
  assert.match(
    await post("/activities", { contact_id: id, body: "hello" }),
    /kind=note [^\n]*\n# kind is note, for none was sent/,
  );
  assert.match(
    await post("/activities", { contact_id: id, kind: "cal" }),
    /# kind "cal" is none of the usual; did you mean call\?/,
  );
});

test("a phone is found by the number that calls, whatever stands beside it in its field", async () => {
  const calls: [stored: string, calling: string[]][] = [
    ["(415) 555-0134 ext. 77", ["+14155550134", "4155550134"]],
    ["+1 212 555 0199 #4", ["+12125550199", "2125550199"]],
    ["030 5550111 / 0171 5550112", ["+49305550111", "+491715550112", "01715550112"]],
    ["+44 20 7946 0111, +44 20 7946 0112", ["+442079460111", "02079460112"]],
    ["+64 (04)233 0004", ["+6442330004", "042330004"]],
    ["＋８１ ３ ５５５０ １１１１", ["+81355501111"]],
    ["٠٢ ٥٥٥٠ ٢٢٢٢", ["+20255502222", "0255502222"]],
  ];
  for (const [phone, calling] of calls) {
    await post("/contacts", { name: `Calls ${phone}`, phone });
    for (const number of calling)
      assert.match(
        await get(`/contacts?search=${q(number)}&fields=phone,name`),
        new RegExp(`name="?Calls ${phone.replace(/[()+.#/]/g, "\\$&")}`),
        number,
      );
  }
  await post("/contacts", { name: "Calls further", phones: ["0171 5550991", "030 5550992"] });
  for (const number of ["+491715550991", "+49305550992"])
    assert.match(await get(`/contacts?search=${q(number)}`), /^contact\S+ name="Calls further" .*\n# 1 contact/, number);
  assert.match(await get(`/contacts?search=${q("٠٢٥٥٥٠٢٢٢٢")}`), /٢٢٢٢/);
  assert.match(await get("/contacts?search=+14155550134"), /ext\. 77/);
});

test("PostgreSQL and the service read the same digits out of a phone field", async () => {
  const part = fc.constantFrom(
    "+",
    "00",
    "0",
    "(0)",
    "( 0 )",
    "(",
    ")",
    " ",
    "-",
    "/",
    ",",
    ";",
    "ext",
    "#",
    "1",
    "49",
    "030",
    "555",
    "0134",
    "٣٤",
    "５",
    "\u2011",
    "\u202a",
    "é",
    "\n",
  );
  const phones = fc.sample(
    fc.array(part, { maxLength: 12 }).map((parts) => parts.join("").slice(0, 60)),
    { numRuns: 500, seed: 15 },
  );
  const rows = await service.pool.rows(sql`select phone, crm_digits(phone) from unnest(${phones}::text[]) phone`);
  for (const [phone, digits] of rows) assert.deepEqual(digits, phoneDigits(phone as string).join("\n"), JSON.stringify(phone));
});

test("rows of before take the same forms, but for the newer of two that would be one", async () => {
  const { id: workspace } = (await ann.send("GET", "/workspaces?format=json")).json().items[0];
  const at = (day: number) => `2026-01-0${day}T00:00:00Z`;
  const contact = (id: string, name: string, email: string | null, owner: string | null, day: number) =>
    service.pool.rows(sql`insert into contacts (workspace_id, id, name, email, owner, custom, tags, version, created_at, created_by, updated_at)
      values (${workspace}, ${`c_01k9x2v7m3q8r0s2n5${id}`}, ${name}, ${email}, ${owner}, ${{ [DECOMPOSED]: "x" }}::jsonb, ${[DECOMPOSED]}::text[], 3, ${at(day)}, 'ann@example.com', ${at(day)})`);
  await contact("aaaaaaa1", "  Old \u00a0 Blanks ", "old@xn--bcher-kva.example", "ANN@EXAMPLE.COM", 1);
  await contact("aaaaaaa2", "Old Twin", "old@bücher.example", null, 2);
  await contact("aaaaaaa3", `Old ${DECOMPOSED}`, `two@${DECOMPOSED}.example`, null, 3);
  await contact("aaaaaaa4", "Old Newer", `two@xn--caf-dma.example`, null, 4);
  await contact("aaaaaaa5", "\u200b", "blank@one.example", null, 5);
  const { text } = readMigrations().find(({ version }) => version === 15)!;
  await service.pool.transaction(async (tx) => void (await tx.simple(text)), { deadlineMs: 60_000 });

  const show = async (id: string) => (await ann.send("GET", `/contacts/c_${id}?format=json`)).json();
  const first = await show("aaaaaaa1");
  assert.equal(first.name, "Old Blanks");
  assert.equal(first.owner, "ann@example.com");
  assert.deepEqual(first.custom, { [COMPOSED]: "x" });
  assert.deepEqual(first.tags, [COMPOSED]);
  assert.equal(first.version, 3);
  // The twin has the form already and keeps it.
  assert.equal(first.email, "old@xn--bcher-kva.example");
  assert.equal((await show("aaaaaaa2")).email, "old@bücher.example");
  assert.equal((await show("aaaaaaa3")).email, `two@${COMPOSED}.example`);
  assert.equal((await show("aaaaaaa4")).email, "two@xn--caf-dma.example");
  assert.equal((await show("aaaaaaa5")).name, "blank@one.example");
  assert.match(await get("/contacts?name=like:old%20cafe"), /# 1 contact\b/);
});
