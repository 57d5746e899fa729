import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { openTable } from "../../../../src/formats/files/csvTable.ts";
import { csvRow, writeCsv } from "../../../../src/formats/files/csvWrite.ts";
import { createDecoder } from "../../../../src/formats/files/encoding.ts";
import { through } from "../../../../src/formats/files/stream.ts";
import { Problem } from "../../../../src/kit/problem.ts";
import { all, cuts, MIB, mutilated, pieces, storable, stream } from "../../../helpers/pieces.ts";

const KNOWN = new Set(["name", "email", "firma", "first name", "last name", "url", "notes", "telefon"]);
const isKnown = (name: string) => KNOWN.has(name.toLowerCase());

async function read(file: string | Uint8Array, at: readonly number[] = []) {
  const bytes = stream(pieces(Buffer.from(file), at));
  const { rows, faults, ...table } = await openTable(through(bytes, createDecoder()), { isKnown });
  const told = (await all(rows))
    .flat()
    .map((one) => ("problem" in one ? [one.row, one.problem.message] : [one.row, ...one.cells]));
  return { ...table, faults: faults.map(({ message }) => message), rows: told };
}

const rowsOf = async (file: string) => (await read(file)).rows;

test("what is written reads back, whatever the texts and wherever the bytes are cut", async () => {
  const table = fc.nat(4).chain((width) => {
    const texts = fc.array(storable, { minLength: width + 1, maxLength: width + 1 });
    return fc.tuple(fc.constant(["name", "email", "c", "d", "e"].slice(0, width + 1)), fc.array(texts, { maxLength: 6 }));
  });
  await fc.assert(
    fc.asyncProperty(table, cuts, async ([header, rows], at) => {
      const file = (await all(writeCsv(header, stream(rows)))).join("");
      const back = await read(file, at);
      assert.deepEqual(back.columns, header);
      assert.deepEqual(
        back.rows.map(([, ...cells]) => cells),
        rows,
      );
    }),
    { numRuns: 200 },
  );
});

test("no file makes the reader throw anything but a problem, and cutting it elsewhere changes nothing", async () => {
  const lines = fc.array(fc.array(storable, { maxLength: 4 }).map(csvRow), { maxLength: 5 });
  const file = mutilated(lines.map((some) => Buffer.from(`name,email\r\n${some.join("")}`)));
  const told = (bytes: Uint8Array, at: readonly number[]) =>
    read(bytes, at).catch((error) => {
      assert.ok(error instanceof Problem, error);
      return error.message;
    });
  await fc.assert(
    fc.asyncProperty(file, cuts, async (bytes, at) => assert.deepEqual(await told(bytes, at), await told(bytes, []))),
    { numRuns: 200 },
  );
});

test("a cell that a spreadsheet would run gets an apostrophe, a number does not", () => {
  assert.equal(csvRow(["=1+1", "-2", "+49", "@x", "\tx", "'=x", "'x", -2, null]), `'=1+1,'-2,'+49,'@x,"'\tx",''=x,'x,-2,\r\n`);
  assert.equal(csvRow(["a;=1", " x", 'say "no"', ""]), `"a;=1"," x","say ""no""",\r\n`);
  assert.equal(csvRow(["", ""]), `"",\r\n`);
});

test("the separator is found, or taken from the line that declares it", async () => {
  const cases: [string, string][] = [
    ["name,email\nJane;Doe,j@x.de\n", ","],
    ["Name;Firma\nJane;1,5\n", ";"],
    ["a;b\n1,5;2,5\n3,5;4,5\n", ";"],
    ["name\temail\nJane, Dr.\tx\n", "\t"],
    ["name|email\n1|2\n", "|"],
    ["name\nJane\nJoe\n", ","],
    ["sep=;\r\na,b;c\r\n1;2\r\n", ";"],
    ['"sep=|"\na|b\n', "|"],
    ['"name";"email"\n"Doe, Jane";"x"\n', ";"],
  ];
  for (const [file, separator] of cases) assert.equal((await read(file)).separator, separator, file);
  assert.deepEqual((await read("sep=;\nname;email\nJane;x")).rows, [[3, "Jane", "x"]]);
});

test("rows end with CRLF, LF or CR, and are counted by physical lines", async () => {
  assert.deepEqual(await rowsOf('name,email\r\n"Jane\r\nDoe",a\n\nJoe,b\rAnn,c'), [
    [2, "Jane\r\nDoe", "a"],
    [5, "Joe", "b"],
    [6, "Ann", "c"],
  ]);
  assert.deepEqual(await rowsOf("name,email\nJane,\n,,,\n  , \nJoe"), [
    [2, "Jane", ""],
    [5, "Joe", ""],
  ]);
});

test("quotes count at the beginning of a cell, with blanks around them or not", async () => {
  assert.deepEqual(await rowsOf('name,email\n "Jane"  , "say ""x"""\n5" pipe,a "b" c\n"",x\n'), [
    [2, "Jane", 'say "x"'],
    [3, '5" pipe', 'a "b" c'],
    [4, "", "x"],
  ]);
});

test("a short row is filled up, a long one refused unless only empty cells are too many", async () => {
  assert.deepEqual(await rowsOf("name,email\nJane\nJoe,a,,\nAnn,b,c\nKim,d\n"), [
    [2, "Jane", ""],
    [3, "Joe", "a"],
    [4, "the row has 3 cells, the header 2"],
    [5, "Kim", "d"],
  ]);
});

test("a forgotten quote costs its own row, and what it may have swallowed is read with care", async () => {
  const never = "a quote is opened and never closed";
  const junk = "text follows the closing quote of a cell";
  assert.deepEqual(await rowsOf('name,email\n"Jane,a\nJoe,b\nshort\nAnn,c\nshort\n'), [
    [2, never],
    [3, "Joe", "b"],
    [4, "the row has 1 cell, the header 2"],
    [5, "Ann", "c"],
    [6, "the row has 1 cell, the header 2"],
  ]);
  assert.deepEqual(await rowsOf('name,email\n"Jane,a\nJoe,b\n"Ann",c\nshort\nKim,d\nshort\n'), [
    [2, junk],
    [3, "Joe", "b"],
    [4, "Ann", "c"],
    [5, "the row has 1 cell, the header 2"],
    [6, "Kim", "d"],
    [7, "short", ""],
  ]);
});

test("the header is found below a preamble, by its names", async () => {
  const note = '"When exporting your connection data, you may notice that some\nof the ""email addresses"" are missing."';
  const file = `Notes:\n${note}\n\nFirst Name,Last Name,URL,Email\nJane,Doe,https://x,\n`;
  const { headerRow, columns, rows } = await read(file);
  assert.deepEqual(
    { headerRow, columns, rows },
    {
      headerRow: 5,
      columns: ["First Name", "Last Name", "URL", "Email"],
      rows: [[6, "Jane", "Doe", "https://x", ""]],
    },
  );
  assert.equal((await read("x,y\n1,2\n")).headerRow, 1);
  assert.equal((await read(`${"x\n".repeat(25)}name,email\n`)).headerRow, 1);
});

test("a doubtful header is told", async () => {
  assert.deepEqual((await read("name,Email,email,,x,\nJane\n")).faults, ['columns 2, 3 of the header: the same name "Email"']);
  assert.deepEqual((await read("name,,email\nJane,,j@x.de\n")).rows, [[2, "Jane", "", "j@x.de"]], "an empty column");
  await assert.rejects(read("name,,email\nJane,b,j@x.de\n"), {
    message: 'column 2 of the header: no name, and row 2 has "b" in it',
  });
  assert.deepEqual((await read("Jane,j@x.de,+49 30 1234\nJoe,b@x.de,1\n")).faults, [
    'the first line is no header: it holds "j@x.de"',
  ]);
  assert.deepEqual((await read("name,email\r\n")).faults, ["the file holds a header and no row below it"]);
  for (const empty of ["", "\ufeff", " \r\n\r\n"]) await assert.rejects(read(empty), { message: "the file is empty" });
  await assert.rejects(read('"name,email\n'), /the header cannot be read: line 1: a quote is opened/);
});

test("rows with a NUL, half a surrogate pair or a byte of no character are refused one by one", async () => {
  const utf8 = Buffer.concat([Buffer.from("name,email\nZoë,a\nx\0,b\n"), Buffer.from([0x4d, 0xfc]), Buffer.from(",c\n😀,d\n")]);
  assert.deepEqual((await read(utf8)).rows, [
    [2, "Zoë", "a"],
    [3, "the row holds a NUL character"],
    [4, "the row holds the byte 0xfc, which is no character of the file's encoding"],
    [5, "😀", "d"],
  ]);
  const utf16 = Buffer.from("\ufeffname\temail\nJane\t\ud83d\nJoe\tb", "utf16le");
  assert.deepEqual((await read(utf16)).rows, [
    [2, "the row holds half of a surrogate pair"],
    [3, "Joe", "b"],
  ]);
});

test("a row of 1 MiB is read, a longer one refused alone, wherever it is cut", async () => {
  const tooLong = "the row is longer than 1048576 characters";
  const full = `${"x".repeat(MIB - 2)},y`;
  for (const at of [[], [MIB, MIB + 11, MIB + 13], [30, 65_536, MIB + 15]]) {
    assert.deepEqual((await read(`name,email\n${full}\nJoe,b\n`, at)).rows, [
      [2, "x".repeat(MIB - 2), "y"],
      [3, "Joe", "b"],
    ]);
    for (const long of [`x${full}`, `"${full}"`]) {
      const rows = (await read(`name,email\n${long}\nJoe,b\nshort\nAnn,c`, at)).rows;
      assert.deepEqual(rows.slice(0, 2), [
        [2, tooLong],
        [3, "Joe", "b"],
      ]);
      assert.deepEqual(rows.at(-1), [5, "Ann", "c"]);
    }
    const lines = 2_000;
    const quoted = `name,email\n"a\n${`${"b".repeat(600)}\n`.repeat(lines)}",c\nJoe,b\n`;
    const rows = (await read(quoted, at)).rows;
    assert.deepEqual(
      [rows[0], rows[1], rows.at(-1)],
      [
        [2, tooLong],
        [3, "the row has 1 cell, the header 2"],
        [lines + 4, "Joe", "b"],
      ],
    );
  }
});

test("a long row that comes in many small pieces is read whole", async () => {
  const file = `name,email\n"${"x".repeat(MIB - 100)}",y\nJoe,b\n`;
  const at = Array.from({ length: file.length / 256 }, (_, i) => i * 256);
  assert.equal((await read(file, at)).rows.length, 2);
});

test("the foot of a report is passed over", async () => {
  const foot = '"Copyright (c) 2000-2026 salesforce.com, inc."\n"Generated By:  Ann  1/2/2026"\n';
  assert.deepEqual((await read(`name,email,phone\nJane,j@x.de,1\n${foot}`)).rows, [[2, "Jane", "j@x.de", "1"]]);
  assert.equal((await read(`name,email\n${foot}`)).rows.length, 2, "a table of two columns may be one of such names");
});
