import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import type { Gathered } from "../../../../src/formats/files/gather.ts";
import { createVcardReader } from "../../../../src/formats/files/vcardRead.ts";
import { writeVcards } from "../../../../src/formats/files/vcardWrite.ts";
import { all, cuts, MIB, mutilated, pieces, run, storable, stream } from "../../../helpers/pieces.ts";

const read = (file: string, at: readonly number[] = []) => run(createVcardReader(), pieces(file, at));

function told(file: string, at: readonly number[] = []) {
  return read(file, at).map((one) =>
    "problem" in one ? [one.row, one.problem.message] : [one.row, one.fields, ...one.skipped],
  );
}

/** The fields of one card of these properties, and what was passed over. */
function fieldsOf(...properties: string[]) {
  const [row, fields, ...skipped] = told(["BEGIN:VCARD", "VERSION:3.0", ...properties, "END:VCARD", ""].join("\r\n"))[0]!;
  assert.equal(row, 1);
  return { ...(fields as object), ...(skipped.length > 0 && { skipped }) };
}

/** What vCard can hold of a text: no control character but line breaks of one kind and tabs. */
const cardText = storable
  .map((text) =>
    text
      .replace(/\r\n?/g, "\n")
      .replace(/[\x00-\x08\x0b-\x1f\x7f]/g, "")
      .trim(),
  )
  .filter((text) => text !== "");
const item = cardText
  .map((text) => text.replace(/[\n;:]/g, "").trim())
  .filter((text) => text !== "" && !/^(?:mailto|tel)/i.test(text));

const record = fc
  .record(
    {
      name: cardText,
      first_name: item,
      last_name: item,
      email: item,
      phone: item,
      company: cardText,
      title: cardText,
      notes: cardText,
      street: item,
      city: item,
      country: item,
      "custom.website": cardText,
      "custom.birthday": fc.constantFrom("1996-04-15", "--0415"),
    },
    { requiredKeys: ["name"] },
  )
  .map((fields) => fields as Gathered);

test("cards read back, wherever they are cut, and no line is longer than 75 octets", async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(record, { maxLength: 4 }), cuts, async (records, at) => {
      const cards = records.map((fields, i) => ({ uid: `c_${i}`, stamp: i * 1_000, fields }));
      const file = (await all(writeVcards(stream(cards)))).join("");
      for (const line of file.split("\r\n")) assert.ok(Buffer.byteLength(line) <= 75, line);
      const back = read(file, at).map((one) => ("fields" in one ? [one.uid, { ...one.fields }] : one));
      assert.deepEqual(
        back,
        records.map((fields, i) => [`c_${i}`, { ...fields }]),
      );
    }),
  );
});

test("several addresses, numbers and tags read back in their order", async () => {
  const fields = {
    name: "Jane",
    email: "a@x.de",
    emails: ["b@x.de", "c@x.de"],
    phone: "+1",
    phones: ["+2"],
    tags: ["vip", "new"],
  };
  const file = (await all(writeVcards(stream([{ uid: "c_1", stamp: 0, fields }])))).join("");
  assert.deepEqual(read(file), [{ row: 1, fields, uid: "c_1", skipped: [] }]);
});

test("a card of Apple is read: groups and labels, departments, a picture passed over", () => {
  const card = [
    "N:Doe;Jane;Q.;Dr.;",
    "FN:Dr. Jane Q. Doe",
    "ORG:Acme\\, Inc.;Sales;Europe",
    "TITLE:Head of\\nSales",
    "item1.EMAIL;type=INTERNET:jane@acme.com",
    "item1.X-ABLabel:Work",
    "EMAIL;type=INTERNET;type=HOME;type=pref:j@x.de",
    "TEL;type=CELL;type=VOICE:+49 151",
    "TEL;TYPE=WORK,FAX:+49 30",
    "item2.X-ABDATE:2010-05-01",
    "item2.X-ABLabel:_$!<Anniversary>!$_",
    "ADR;type=WORK:;;Main St 1\\; rear;Berlin;;10115;Germany",
    "ADR;type=HOME:;;Elm St 2;Bonn;;53111;Germany",
    "BDAY:19800704",
    "NOTE:first",
    " and folded",
    "NOTE:second",
    "CATEGORIES:vip,Old Friends",
    "PHOTO;ENCODING=b;TYPE=JPEG:/9j/4AAQSkZJRgABAQ",
    " AAAAAAAAAAAAAAAAAAA",
    "X-CUSTOM:1",
  ];
  assert.deepEqual(fieldsOf(...card), {
    ...{ name: "Dr. Jane Q. Doe", first_name: "Jane", last_name: "Doe", "custom.name_prefix": "Dr.", company: "Acme, Inc." },
    ...{ "custom.department": "Sales, Europe", title: "Head of\nSales", email: "j@x.de", emails: ["jane@acme.com"] },
    ...{
      phone: "+49 151",
      "custom.fax": "+49 30",
      "custom.anniversary": "2010-05-01",
      street: "Main St 1; rear",
      city: "Berlin",
    },
    ...{
      postal_code: "10115",
      country: "Germany",
      "custom.address": "Elm St 2, 53111, Bonn, Germany",
      "custom.birthday": "1980-07-04",
    },
    ...{ notes: "firstand folded\nsecond", tags: ["vip", "Old-Friends"] },
    skipped: ["PHOTO", "X-CUSTOM"],
  });
});

test("a card of an old phone is read: vCard 2.1 with quoted-printable and its own encodings", () => {
  const card = [
    "BEGIN:VCARD",
    "VERSION:2.1",
    "N;CHARSET=UTF-8;ENCODING=QUOTED-PRINTABLE:M=C3=BCller;J=C3=B6rg;;;",
    "FN;CHARSET=UTF-8;ENCODING=QUOTED-PRINTABLE:J=C3=B6rg=20=",
    "M=C3=BCller",
    "ORG;CHARSET=ISO-8859-1;QUOTED-PRINTABLE:M=FCller & S=F6hne",
    "TITLE;CHARSET=windows-1251;ENCODING=QUOTED-PRINTABLE:=C4=E8=F0=E5=EA=F2=EE=F0",
    "NOTE;ENCODING=QUOTED-PRINTABLE:one=0D=0Atwo=",
    "; three",
    "TEL;CELL;PREF:+49 151",
    "TEL;WORK:+49 30",
    "PHOTO;ENCODING=BASE64;JPEG:/9j/4AAQ",
    "SkZJRgABAQAAAQABAAD",
    "",
    "EMAIL;INTERNET:j@x.de",
    "END:VCARD",
  ];
  const fields = {
    ...{ name: "Jörg Müller", first_name: "Jörg", last_name: "Müller", company: "Müller & Söhne", title: "Директор" },
    ...{ notes: "one\r\ntwo; three", phone: "+49 151", phones: ["+49 30"], email: "j@x.de" },
  };
  assert.deepEqual(told(card.join("\r\n")), [[1, fields, "PHOTO"]]);
});

test("a name is made where none is written", () => {
  assert.deepEqual(fieldsOf("N:Doe;Jane;Q.;;"), { name: "Jane Q. Doe", first_name: "Jane", last_name: "Doe" });
  assert.deepEqual(fieldsOf("FN:", "ORG:Acme"), { name: "Acme", company: "Acme" });
  assert.deepEqual(fieldsOf("TEL;VALUE=uri:tel:+1-555;ext=7", "EMAIL:mailto:j@x.de"), {
    name: "j@x.de",
    phone: "+1-555 ext. 7",
    email: "j@x.de",
  });
});

test("a broken card is refused alone, by the line on which it begins", () => {
  const good = (name: string) => ["BEGIN:VCARD", `FN:${name}`, "END:VCARD"];
  const file = [
    ...good("Ann"),
    ...["BEGIN:VCARD", "FN:Joe", "no property here", "END:VCARD"],
    ...["BEGIN:VCARD", "FN:Kim"],
    ...good("Lee"),
    ...["BEGIN:VCARD", "FN;ENCODING=QUOTED-PRINTABLE;CHARSET=KLINGON:=41", "END:VCARD"],
    ...["BEGIN:VCARD", "FN:a\0b", "END:VCARD", "stray", "text"],
    ...["BEGIN:VCARD", "KIND:group", "FN:All", "END:VCARD"],
    ...["BEGIN:VCARD", "FN:Boss", "AGENT:", "BEGIN:VCARD", "FN:Secretary", "END:VCARD", "TITLE:CEO", "END:VCARD"],
    ...["BEGIN:VCARD", "FN;ENCODING=QUOTED-PRINTABLE:=00", "END:VCARD"],
    ...["BEGIN:VCARD", "FN:cut off"],
  ];
  assert.deepEqual(told(file.join("\n")), [
    [1, { name: "Ann" }],
    [4, 'line 6 is no property of a card: "no property here"'],
    [8, "the card has no END:VCARD"],
    [10, { name: "Lee" }],
    [13, 'line 14 is in an unknown encoding: "KLINGON"'],
    [16, "the row holds a NUL character"],
    [19, 'this stands in no card: "stray"'],
    [21, "the card is a group of cards and no person"],
    [25, { name: "Boss", title: "CEO" }, "AGENT"],
    [33, "the row holds a NUL character"],
    [36, "the card has no END:VCARD"],
  ]);
});

test("what a parameter has in quotes does not make its property a picture, or encoded", () => {
  for (const quoted of ["a;b:c", "x;base64;y", ";QUOTED-PRINTABLE:"])
    assert.deepEqual(fieldsOf("FN:Jane", `TITLE;X-A="${quoted}":CTO=`, "NOTE:x"), { name: "Jane", title: "CTO=", notes: "x" });
});

test("pictures of any size are passed over, other long values refuse their card", () => {
  const picture = "A".repeat(3 * MIB);
  const folded = `${"A".repeat(74)}\r\n `.repeat(20_000);
  for (const photo of [`PHOTO:data:image/jpeg;base64,${picture}`, `PHOTO;ENCODING=b:${folded}`]) {
    assert.deepEqual(fieldsOf("FN:Jane", photo, "TITLE:CTO"), { name: "Jane", title: "CTO", skipped: ["PHOTO"] });
  }
  const long = "the card is longer than 1048576 characters";
  const cards = [
    `BEGIN:VCARD\nNOTE:${picture}\nEND:VCARD`,
    `BEGIN:VCARD\nNOTE:${folded}\nEND:VCARD`,
    "BEGIN:VCARD\nFN:Jane\nEND:VCARD",
  ];
  for (const at of [[], [MIB, MIB + 20]]) {
    assert.deepEqual(
      told(cards.join("\n"), at).map(([, what]) => what),
      [long, long, { name: "Jane" }],
    );
  }
});

test("no file makes the reader throw or hang, and cutting it elsewhere changes nothing", () => {
  const line = fc.oneof(
    storable,
    fc.constantFrom(
      "BEGIN:VCARD",
      "END:VCARD",
      "AGENT:",
      "FN:Jane",
      "N:a;b",
      "NOTE;ENCODING=QUOTED-PRINTABLE:=41=",
      "PHOTO;BASE64:AA",
      " x",
    ),
    fc.constantFrom("a", ";", ",", "\\", "-", '"', "=").map((character) => character.repeat(100_000)),
  );
  const file = mutilated(fc.array(line, { maxLength: 12 }).map((lines) => Buffer.from(lines.join("\r\n"))));
  fc.assert(
    fc.property(file, cuts, (bytes, at) => {
      const text = Buffer.from(bytes).toString("latin1");
      assert.deepEqual(told(text, at), told(text));
    }),
  );
});
