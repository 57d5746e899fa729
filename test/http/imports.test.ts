import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { catalog } from "../../src/records/all.ts";
import { leastOf, startWorld } from "../helpers/dictionary.ts";
import { type Client, type Reply, type Service, startService } from "../helpers/service.ts";

/** A file goes in as a whole: what of it is right is written, and each row has its verdict. */

let service: Service;
let ann: Client;
before(async () => {
  service = await startService();
  ann = await service.signIn();
});
after(() => service.close());

const send = (file: string, path = "/contacts/import", headers: Record<string, string> = {}) =>
  ann.send("POST", path, file, { "content-type": "application/octet-stream", ...headers });
const one = async (plural: string, search: string) =>
  (await ann.send("GET", `/${plural}?format=json&${search}`)).json().items[0] as Record<string, unknown>;
const totals = ({ text }: Reply) => /^# (\d+ created, .*)$/m.exec(text)?.[1];

describe("a table", () => {
  test("goes in: links by name are found or made, each row has its verdict, one request has it all", async () => {
    await ann.send("POST", "/companies", { name: "Globex", domain: "globex.com" });
    const file = [
      "Vorname;Nachname;E-Mail;Firma;Telefon",
      "Jane;Doe;jane@acme.example;Acme;+49 30 1234",
      'Bob;Stone;bob@globex.com;globex.com;"030 99"',
      "Eve;Bad;eve@;Acme;",
      "Åsa;Lind;asa@acme.example;ACME;",
      "Jane;Roe;jane@acme.example;;",
      "Sum;Lost;sum@acme.example;;4,93E+11",
    ].join("\r\n");
    const reply = await send(file);
    assert.equal(reply.status, 200);
    assert.deepEqual(
      reply.lines.map((line) => line.replace(/c_\w{8}/, "c_…").split("; ")[0]),
      [
        "row=2 created contact/c_…",
        "row=3 created contact/c_…",
        'row=4 ERROR invalid_email email cannot be "eve@"',
        "row=5 created contact/c_…",
        "row=6 updated contact/c_…",
        'row=7 ERROR invalid_value phone "4,93E+11" has lost its last digits',
      ],
    );
    assert.match(reply.text, /^# column "Firma" is company$/m);
    assert.match(reply.text, /^# made 1 company that rows name$/m);
    assert.equal(totals(reply), "3 created, 1 updated, 0 unchanged, 2 refused");
    const [, request] = /undo: POST \/undo \{"request":"(req_\w+)"\}/.exec(reply.text)!;
    assert.equal(request, reply.headers.get("x-request-id"));
    const changes = (await ann.send("GET", "/audit?format=json&limit=200")).json().items as Record<string, string>[];
    const own = changes.filter(({ request_id }) => request_id === request);
    assert.equal(own.length, 5, "three contacts, a second version of one, a company");
    assert.equal((await one("contacts", "email=bob@globex.com"))["company"], "Globex");
    assert.equal((await one("contacts", "email=asa@acme.example"))["company"], "Acme");
    assert.equal((await one("contacts", "email=jane@acme.example"))["name"], "Jane Roe");
    const [id] = /im_\w+/.exec(reply.text)!;
    const kept = await ann.send("GET", `/imports/${id}`);
    assert.deepEqual(kept.lines, reply.lines);
    assert.deepEqual((await ann.send("GET", `/imports/${id}?outcome=refused`)).lines.length, 2);
    assert.match(
      (await ann.send("GET", "/imports")).text,
      new RegExp(`^import/${id} kind=contact state=done .*rows=6 created=3`),
    );
    assert.equal(totals(await send(file)), "0 created, 2 updated, 2 unchanged, 2 refused", "Jane is Doe, then Roe again");
  });

  test("in a dry run shows what would be, and writes nothing", async () => {
    const file = "name,email,company\nDry Run,dry@run.example,Dryland\nBad,x,\nDry Twice,dry@run.example,Dryland\n";
    const reply = await send(file, "/contacts/import?dry_run=true");
    assert.match(reply.text, /^row=2 would be created name="Dry Run" email=dry@run.example company=Dryland$/m);
    assert.match(reply.text, /^row=3 ERROR invalid_email /m);
    assert.match(reply.text, /^row=4 would be updated /m);
    assert.match(
      reply.text,
      /^# would make 1 company that rows name: "Dryland"\n# would be created: 1, would be updated: 1, refused: 1$/m,
    );
    const json = (await send(file, "/contacts/import?dry_run=true&format=json")).json();
    assert.deepEqual([json.dry_run, json.created, json.updated, json.refused, json.items.length], [true, 1, 1, 1, 3]);
    assert.equal(await one("contacts", "email=dry@run.example"), undefined);
    assert.equal(await one("companies", "name=Dryland"), undefined);
    const [left] = await service.pool.rows(
      (await import("../../src/postgres/sql.ts")).sql`select count(*)::int from imports where dry_run`,
    );
    assert.equal(left![0], 0);
  });

  test("that is strict goes in whole or not at all", async () => {
    const good = "name,email\nS One,s1@strict.example\nS Two,s2@strict.example\n";
    const bad = await send(`${good}S Three,nobody\n`, "/contacts/import?strict=true");
    assert.match(bad.text, /^# nothing was written: strict, and 1 of 3 rows refused$/m);
    assert.equal(await one("contacts", "email=s1@strict.example"), undefined);
    const [id] = /im_\w+/.exec(bad.text)!;
    assert.match((await ann.send("GET", `/imports/${id}`)).text, /^row=4 ERROR invalid_email /m);
    assert.equal(totals(await send(good, "/contacts/import?strict=true")), "2 created, 0 updated, 0 unchanged, 0 refused");
  });

  test("knows headings that put two words for one thing", async () => {
    const file = "Full Name,Job,Postcode/ZIP,Town/City,Mobile No\nJoan Heading,Baker,10115,Berlin,+49 30 5550123\n";
    const { text } = await send(file, "/contacts/import?dry_run=true");
    for (const field of ["name", "title", "postal_code", "city", "phone"])
      assert.match(text, new RegExp(`^# column "[^"]+" is ${field}$`, "m"));
  });

  test("with columns that nothing knows is refused with their names, or keeps them, or is told what they are", async () => {
    const file = "Name,E-Mail,Schuhgröße,Betrieb\nU One,u1@unknown.example,43,Shoes\n";
    const refused = await send(file);
    assert.equal(refused.status, 400);
    assert.match(refused.text, /^ERROR invalid_field nothing here knows the columns "Schuhgröße", "Betrieb"\n/);
    const map = encodeURIComponent("Betrieb:company,Schuhgröße:custom.shoe");
    assert.equal((await send(file, `/contacts/import?map=${map}`)).status, 200);
    const first = await one("contacts", "email=u1@unknown.example");
    assert.deepEqual([first["company"], (first["custom"] as Record<string, unknown>)["shoe"]], ["Shoes", 43]);
    await send(file.replace("u1@", "u2@"), "/contacts/import?unknown=keep");
    const { custom } = await one("contacts", "email=u2@unknown.example");
    assert.deepEqual(custom, { schuhgröße: 43, betrieb: "Shoes" });
    assert.equal((await send(file, "/contacts/import?map=Nope:name")).status, 400);
    assert.equal((await send(file, "/contacts/import?map=Betrieb:nope")).status, 400);
  });

  test("of dates that can be read in two ways is decided by its column, or by who sends it", async () => {
    const head = "Name,E-Mail,Wiedervorlage\n";
    const clear = `${head}A,d1@dates.example,05/06/2026\nB,d2@dates.example,25/06/2026\n`;
    assert.equal(totals(await send(clear)), "2 created, 0 updated, 0 unchanged, 0 refused");
    assert.equal((await one("contacts", "email=d1@dates.example"))["follow_up_at"], "2026-06-05T00:00:00Z");
    const unclear = `${head}C,d3@dates.example,05/06/2026\n`;
    assert.match((await send(unclear)).text, /^row=2 ERROR invalid_value .*two days; .*dates=dmy/m);
    await send(unclear, "/contacts/import?dates=mdy");
    assert.equal((await one("contacts", "email=d3@dates.example"))["follow_up_at"], "2026-05-06T00:00:00Z");
  });

  test("that the service wrote itself goes back in by its ids, and changes only what was changed", async () => {
    await send("title,amount_cents,company\nRound trip,125000,Tripco\n", "/deals/import");
    const csv = (await ann.send("GET", "/deals.csv?title=Round+trip")).text;
    assert.equal(totals(await send(csv, "/deals/import")), "0 created, 0 updated, 1 unchanged, 0 refused");
    assert.equal(
      totals(await send(csv.replace("125000", "130000"), "/deals/import")),
      "0 created, 1 updated, 0 unchanged, 0 refused",
    );
    const line = (await ann.send("GET", "/deals?title=Round+trip")).text;
    assert.equal(totals(await send(line, "/deals/import")), "0 created, 0 updated, 1 unchanged, 0 refused");
    const ndjson = (await ann.send("GET", "/deals.ndjson?title=Round+trip")).text;
    assert.equal(totals(await send(ndjson, "/import")), "0 created, 0 updated, 1 unchanged, 0 refused");
  });
});

/** As other programs write them: the head of a file, a row, and what of it must be found. */
const PROGRAMS: [program: string, path: string, file: string, found: string, expected: Record<string, unknown>][] = [
  [
    "Google Contacts",
    "/contacts/import",
    'First Name,Middle Name,Last Name,Organization Name,Organization Title,Labels,E-mail 1 - Label,E-mail 1 - Value,Phone 1 - Label,Phone 1 - Value\nGoo,M,Gle,Googol,CTO,* myContacts ::: vip,* Work,goo@prog.example ::: goo2@prog.example,Mobile,"+1 555 0101"\n',
    "contacts?email=goo@prog.example",
    { name: "Goo M Gle", company: "Googol", title: "CTO", tags: ["vip"], phone: "+1 555 0101" },
  ],
  [
    "Outlook, in UTF-16 with tabs",
    "/contacts/import",
    "\ufeffTitle\tFirst Name\tLast Name\tCompany\tJob Title\tBusiness Phone\tE-mail Address\tCategories\nDr.\tOut\tLook\tOffice AG\tCEO\t030 1\tout@prog.example\tvip;red\n",
    "contacts?email=out@prog.example",
    { name: "Out Look", company: "Office AG", title: "CEO", tags: ["vip", "red"] },
  ],
  [
    "LinkedIn, with its preamble",
    "/contacts/import",
    'Notes:\n"When exporting your connection data, you may notice\nthat some addresses are missing."\n\nFirst Name,Last Name,URL,Email Address,Company,Position,Connected On\nLin,Kedin,https://www.linkedin.com/in/lin,lin@prog.example,Linked GmbH,Head of X,08 Aug 2024\n',
    "contacts?email=lin@prog.example",
    { name: "Lin Kedin", company: "Linked GmbH", title: "Head of X" },
  ],
  [
    "HubSpot deals",
    "/deals/import",
    'Record ID,Deal Name,Deal Stage,Amount,Currency,Close Date,Deal owner,Pipeline,Associated Company\n77,Hub deal,Proposal,"1,234.50",EUR,2026-12-31 10:00,me,Sales,Hubbed\n',
    "deals?title=Hub+deal",
    { amount_cents: 123450, currency: "EUR", close_date: "2026-12-31", company: "Hubbed", stage: "Proposal" },
  ],
  [
    "HubSpot deals that are closed",
    "/deals/import",
    "Record ID,Deal Name,Deal Stage,Amount,Currency,Close Date,Pipeline,Associated Contact\n78,Hub won,Closed Won (Sales),5,EUR,2024-05-01 10:00,Sales,Hub Bert (bert@prog.example)\n",
    "deals?title=Hub+won",
    { stage: "Closed Won", status: "won", closed_at: "2024-05-01T00:00:00Z", contact: "Hub Bert" },
  ],
  [
    "a list of people whose last names come first",
    "/contacts/import",
    '\ufeffName;E-Mail;Land\n"Doe, Janet";janet@prog.example;Deutschland\n',
    "contacts?email=janet@prog.example",
    { name: "Janet Doe", first_name: "Janet", last_name: "Doe", country: "DE" },
  ],
  [
    "vCards that are called a table",
    "/contacts/import?format=csv",
    "BEGIN:VCARD\r\nVERSION:4.0\r\nFN:Vic Card\r\nEMAIL:vic@prog.example\r\nEND:VCARD\r\n",
    "contacts?email=vic@prog.example",
    { name: "Vic Card" },
  ],
  [
    "a table that is called NDJSON",
    "/contacts/import?format=ndjson",
    "Name,Email\nCal Led,cal@prog.example\n",
    "contacts?email=cal@prog.example",
    { name: "Cal Led" },
  ],
  [
    "Salesforce",
    "/contacts/import",
    "Account Name,First Name,Last Name,Title,Email,Phone,Lead Source\nForce Inc,Sal,Force,VP,sal@prog.example,1,Web\n",
    "contacts?email=sal@prog.example",
    { name: "Sal Force", company: "Force Inc", title: "VP" },
  ],
  [
    "Pipedrive deals",
    "/deals/import",
    'Deal - Title,Deal - Value,Deal - Currency of Value,Deal - Stage,Deal - Status,Deal - Expected close date,Person - Name,Organization - Name\nPipe deal,"12 500,00",EUR,Qualified,open,2026-11-30,Pia Pipe,Pipes\n',
    "deals?title=Pipe+deal",
    { amount_cents: 1250000, status: "open", contact: "Pia Pipe", company: "Pipes" },
  ],
  [
    "vCard 3.0",
    "/contacts/import",
    "BEGIN:VCARD\r\nVERSION:3.0\r\nN:Card;Vee;;;\r\nFN:Vee Card\r\nORG:Cards Ltd;Paper\r\nitem1.EMAIL;type=INTERNET:vee@prog.example\r\nTEL;type=CELL:+49 170 1\r\nPHOTO;ENCODING=b;TYPE=JPEG:/9j/4AAQ\r\n SkZJRg\r\nNOTE:one\\, two\r\nEND:VCARD\r\n",
    "contacts?email=vee@prog.example",
    { name: "Vee Card", company: "Cards Ltd", phone: "+49 170 1", notes: "one, two" },
  ],
  [
    "NDJSON of another program",
    "/contacts/import",
    '{"firstName":"En","lastName":"Djay","emailAddress":"en@prog.example","company":"Jaysons"}\n',
    "contacts?email=en@prog.example",
    { name: "En Djay", company: "Jaysons" },
  ],
  [
    "NDJSON with an amount that is a number",
    "/deals/import",
    '{"title":"Num deal","amount":1234.5,"currency":"EUR"}\n',
    "deals?title=Num+deal",
    { amount_cents: 123450, currency: "EUR" },
  ],
  [
    "NDJSON with the parts of a name",
    "/contacts/import?format=ndjson",
    '{"first_name":"Fir","last_name":"Last","email":"fir@prog.example"}\n',
    "contacts?email=fir@prog.example",
    { name: "Fir Last" },
  ],
  [
    "French, by hand, in windows-1252",
    "/contacts/import",
    "Nom;Prénom;Société;Courriel;Téléphone\nLefèvre;Zoé;Été SARL;zoe@prog.example;01 02\n",
    "contacts?email=zoe@prog.example",
    { name: "Zoé Lefèvre", company: "Été SARL", phone: "01 02" },
  ],
];

describe("a file as it comes from", () => {
  for (const [program, path, file, found, expected] of PROGRAMS) {
    test(program, async () => {
      const bytes = program.includes("UTF-16")
        ? Buffer.from(file, "utf16le")
        : Buffer.from(file, program.includes("1252") ? "latin1" : "utf8");
      const response = await fetch(`${service.baseUrl}${path}${path.includes("?") ? "&" : "?"}unknown=keep`, {
        method: "POST",
        body: bytes,
        headers: { authorization: `Bearer ${ann.token}` },
      });
      const text = await response.text();
      assert.match(text, /# 1 created, 0 updated, 0 unchanged, 0 refused/, text);
      const [plural, search] = found.split("?") as [string, string];
      const record = await one(plural, search);
      for (const [name, value] of Object.entries(expected)) assert.deepEqual(record[name], value, `${name}: ${text}`);
    });
  }
});

describe("a file that is broken or hostile", () => {
  const REFUSED: [what: string, file: string | Buffer, says: RegExp][] = [
    ["nothing", "", /bad_request the file is empty/],
    ["a header alone", "name,email\n", /bad_request the file holds a header and no row/],
    ["two columns of one name", "name,name\na,b\n", /the same name "name"/],
    ["a column without a name", "name,,email\na,b,c@d.example\n", /no name/],
    [
      "a spreadsheet",
      Buffer.from("PK\x03\x04…"),
      /unsupported_media_type the file is no text\nHINT {2}of a spreadsheet, save as CSV/,
    ],
    ["a page of HTML", "<!DOCTYPE html>\n<table><tr><td>name</td></tr></table>", /unsupported_media_type .*HTML/],
    ["a calendar", "BEGIN:VCALENDAR\r\nEND:VCALENDAR\r\n", /unsupported_media_type the file is a calendar/],
    ["an address book as LDIF", "dn: cn=Tim\nmail: tim@x.example\n", /unsupported_media_type the file is LDIF/],
    ["rows without a header", "Tim,tim@x.example\nTom,tom@x.example\n", /no header: it holds "tim@x.example"/],
    ["UTF-16 without its mark", Buffer.from("name,email\na,b@c.example\n", "utf16le"), /reads like UTF-16/],
    ["a compressed file", Buffer.from([0x1f, 0x8b, 8, 0]), /unsupported_media_type/],
    ["a JSON list", '[{"name":"x"}]', /bad_request a JSON list is not read/],
    ["lines without their breaks", `name,email${"Jane,jane@acme.example".repeat(5)}`, /--data-binary/],
  ];
  for (const [what, file, says] of REFUSED) {
    test(`${what} is refused as a whole, and leaves nothing`, async () => {
      const response = await fetch(`${service.baseUrl}/contacts/import?unknown=keep`, {
        method: "POST",
        body: file,
        headers: { authorization: `Bearer ${ann.token}`, "content-type": "application/x-www-form-urlencoded" },
      });
      const text = await response.text();
      assert.ok(response.status >= 400 && response.status < 500, text);
      assert.match(text, says);
      assert.doesNotMatch((await ann.send("GET", "/imports")).text, /state=stag/);
    });
  }

  test("rows that cannot be read are refused by number, and the others go in", async () => {
    const file = [
      "name,email",
      "Ok One,ok1@broken.example",
      "Too,long@broken.example,row",
      "Nul\0,nul@broken.example",
      'Open "quote,q@broken.example',
      '"never closed,n@broken.example',
      "Ok Two,ok2@broken.example",
      `Large,${"x".repeat(2_000)}@broken.example`,
    ].join("\n");
    const reply = await send(file);
    assert.match(reply.text, /^row=3 ERROR bad_request the row has 3 cells, the header 2/m);
    assert.match(reply.text, /^row=4 ERROR invalid_value /m);
    assert.match(reply.text, /^row=6 ERROR bad_request /m);
    assert.match(reply.text, /^row=8 ERROR invalid_email /m);
    assert.deepEqual(
      reply.lines.map((line) => Number(/^row=(\d+)/.exec(line)![1])),
      [2, 3, 4, 5, 6, 7, 8],
      "in order",
    );
    assert.ok(await one("contacts", "email=ok2@broken.example"));
  });

  test("a cell that a spreadsheet would run is text, and no cell forges a line of the answer", async () => {
    const reply = await send(
      'name,email\n"\'=1+1\n# created",evil@forged.example\n"a\nrow=9 created contact/c_00000000",nobody\n',
    );
    assert.doesNotMatch(reply.text, /^row=9/m);
    assert.equal((await one("contacts", "email=evil@forged.example"))["name"], "=1+1 # created");
  });

  test("the unknown keys of objects are refused before anything is written", async () => {
    const reply = await send('{"name":"K One","email":"k1@keys.example"}\n{"name":"K Two","shoe":5}\n', "/contacts/import");
    assert.equal(reply.status, 400);
    assert.match(reply.text, /invalid_field nothing here knows the names "shoe"/);
    assert.equal(await one("contacts", "email=k1@keys.example"), undefined);
  });
});

test("every kind has an import, of which the example of the kind goes in", async () => {
  const { service: own, ann: client, world } = await startWorld();
  try {
    for (const kind of catalog.kinds) {
      // Of a file, who is linked is made by name.
      const whom = kind.links.find(({ id }) => id.name === kind.joins?.whom);
      const named = whom ? { [whom.name]: "Made By The Way" } : {};
      const line = JSON.stringify({ ...leastOf(kind, world), ...named, [kind.title]: "Imported" });
      const reply = await client.send("POST", `/${kind.plural}/import`, line);
      assert.match(reply.text, new RegExp(`^row=1 created ${kind.name}/${kind.prefix}_\\w{8}$`, "m"), reply.text);
    }
  } finally {
    await own.close();
  }
});

test("companies come before the people who link to them, whatever the order of the lines", async () => {
  const bob = await service.signIn("bob@elsewhere.example");
  const lines = [
    'contact/c_aaaaaaaa name="Line Man" email=line@lines.example company_id=co_bbbbbbbb company="Lines Ltd"',
    'company/co_bbbbbbbb name="Lines Ltd" domain=lines.example',
    "# 2 records",
  ].join("\n");
  const reply = await bob.send("POST", "/import", lines);
  assert.match(reply.text, /# 2 created, 0 updated, 0 unchanged, 0 refused/);
  const { items } = (await bob.send("GET", "/contacts?format=json")).json();
  assert.equal(items[0].company, "Lines Ltd");
  assert.equal((await bob.send("GET", "/companies?format=json")).json().items.length, 1);
});

test("nothing of an import is seen in another workspace, nor does a name there count", async () => {
  const eve = await service.signIn("eve@other.example");
  const reply = await send("name,email,company\nMine,mine@iso.example,Hidden Co\n");
  const [id] = /im_\w+/.exec(reply.text)!;
  assert.equal((await eve.send("GET", `/imports/${id}`)).status, 404);
  assert.doesNotMatch((await eve.send("GET", "/imports")).text, /im_/);
  const [, contact] = /contact\/(c_\w+)/.exec(reply.text)!;
  const own = await eve.send(
    "POST",
    "/contacts/import",
    `id,name,email,company\n${contact},Eve's,mine@iso.example,Hidden Co\n`,
  );
  assert.match(own.text, /# made 1 company that rows name\n# 1 created/);
  assert.equal((await one("contacts", "email=mine@iso.example"))["name"], "Mine");
});
