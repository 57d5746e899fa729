import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { readCountryName } from "../../../../src/formats/files/countries.ts";
import { createDateOrder, readSheetDate } from "../../../../src/formats/files/dates.ts";
import { createDecimalSign, readAmount, toSmallestUnit } from "../../../../src/formats/files/numbers.ts";
import {
  isNothing,
  readAddresses,
  readLinks,
  readList,
  readPhone,
  readPhones,
  readTags,
  readYesNo,
} from "../../../../src/formats/files/words.ts";
import { storable } from "../../../helpers/pieces.ts";

const money = (cell: string) => {
  const amount = readAmount(cell, true);
  return amount && [amount.decimal, ...(amount.currency ? [amount.currency] : [])].join(" ");
};

test("money is read as spreadsheets show it, and refused when its digits are not all there", () => {
  const cases: Record<string, string | undefined> = {
    ...{ "1.234,56": "1234.56", "1,234.56": "1234.56", "12 500,00 €": "12500.00 EUR", "12\u00a0500,00\u202f€": "12500.00 EUR" },
    ...{ "(300)": "-300", "($1,234.50)": "-1234.50", "-5": "-5", "5-": "-5", "−5": "-5", "€ -5": "-5 EUR", "-€5": "-5 EUR" },
    ...{ "EUR 1.000": "1000 EUR", "1'234.50": "1234.50", "1’234’567": "1234567", "CHF 12.-": "12 CHF", "12,-": "12" },
    ...{
      "$1,234 USD": "1234 USD",
      "1,23,456.78": "123456.78",
      "1.234": "1234",
      "1,234": "1234",
      "0.125": "0.125",
      ".5": "0.5",
    },
    ...{ "1 000 000": "1000000", "00012": "12", "-0": "0", "R$ 1.234,50": "1234.50 BRL", "kr 100": "100", "+5": "5" },
    ...{ "4.93E+11": undefined, "1.23.4": undefined, "1,2,3": undefined, "12 34": undefined, abc: undefined, "": undefined },
    ...{
      "10 apples": undefined,
      "1-2": undefined,
      "--5": undefined,
      "(-5)": undefined,
      "5 € 5": undefined,
      "2026-01-01": undefined,
    },
  };
  for (const [cell, expected] of Object.entries(cases)) assert.equal(money(cell), expected, cell);
});

test("a number with one sign before three digits is read when its column tells what the sign is", () => {
  assert.equal(readAmount("1.234", false), undefined);
  assert.deepEqual(readAmount("1.234", false, ","), { decimal: "1234", signed: false });
  assert.deepEqual(readAmount("1.234", true, "."), { decimal: "1.234", signed: false });
  const told = (cells: string[]) => {
    const column = createDecimalSign();
    for (const cell of cells) column.see(cell);
    return column.sign();
  };
  assert.deepEqual(
    [told(["1.234", "12,5"]), told(["1.234", "12.5"]), told(["1.234"]), told(["1,5", "1.5"])],
    [",", ".", undefined, undefined],
  );
});

test("amounts turn into the smallest unit of their currency, exactly or not at all", () => {
  const cases: [string, string, number | undefined][] = [
    ["12.5", "EUR", 1250],
    ["12.500", "EUR", 1250],
    ["-0.05", "USD", -5],
    ["12.555", "EUR", undefined],
    ["1500", "JPY", 1500],
    ["1.5", "JPY", undefined],
    ["1.234", "KWD", 1234],
    ["99999999999999", "USD", undefined],
  ];
  for (const [decimal, currency, expected] of cases) assert.equal(toSmallestUnit(decimal, currency), expected, decimal);
  fc.assert(
    fc.property(
      fc.integer({ min: -1e12, max: 1e12 }),
      fc.constantFrom("de", "en", "fr", "de-CH", "en-IN", "sv"),
      (cents, language) => {
        const shown = new Intl.NumberFormat(language, { minimumFractionDigits: 2 }).format(cents / 100);
        assert.equal(toSmallestUnit(readAmount(shown, true)!.decimal, "EUR"), cents + 0, shown);
      },
    ),
  );
});

const date = (cell: string, options = {}) => {
  const read = readSheetDate(cell, options);
  return typeof read === "string" ? read : [read.day, read.clock].filter((part) => part !== "").join(" ");
};

test("dates are read in their many forms; what could be two dates is not", () => {
  const cases: Record<string, string> = {
    ...{ "2026-12-31": "2026-12-31", "31.12.2026": "2026-12-31", "12/31/2026": "2026-12-31", "31/12/2026": "2026-12-31" },
    ...{ "05/06/2026": "ambiguous", "05/05/2026": "2026-05-05", "05.06.2026": "2026-06-05", "1. 2. 2024": "2024-02-01" },
    ...{
      "08 Aug 2024": "2024-08-08",
      "8. August 2024": "2024-08-08",
      "8 août 2024": "2024-08-08",
      "8 de agosto de 2024": "2024-08-08",
    },
    ...{
      "Aug 8, 2024": "2024-08-08",
      "Thu, 08 Aug 2024": "2024-08-08",
      "08-Aug-24": "2024-08-08",
      "5 sept. 2024": "2024-09-05",
    },
    ...{
      "2024-08-08 13:45": "2024-08-08 13:45",
      "2024-08-08T13:45:00.123Z": "2024-08-08 13:45:00Z",
      "8/8/2024 1:45 PM": "2024-08-08 13:45",
    },
    ...{
      "8.8.2024 12:05 am": "2024-08-08 00:05",
      "31/12/85": "1985-12-31",
      "31.12.26": "2026-12-31",
      "20261231": "2026-12-31",
    },
    ...{
      "31.02.2026": "none",
      "99/99/2026": "none",
      "2026123": "none",
      "45000": "none",
      "2024-08-08 25:00": "none",
      "5 Foo 2024": "none",
    },
    ...{ "": "none", Jane: "none" },
  };
  for (const [cell, expected] of Object.entries(cases)) assert.equal(date(cell), expected, cell);
  assert.deepEqual([date("05/06/2026", { order: "dmy" }), date("05/06/2026", { order: "mdy" })], ["2026-06-05", "2026-05-06"]);
  assert.equal(date("31/12/2026", { order: "mdy" }), "none");
});

test("Excel's count of days is a date when asked for", () => {
  const serial = (cell: string) => date(cell, { serial: true });
  assert.deepEqual(
    [serial("45000.5"), serial("1"), serial("59"), serial("60"), serial("61")],
    ["2023-03-15 12:00:00", "1900-01-01", "1900-02-28", "none", "1900-03-01"],
  );
});

test("a column decides the order of its dates", () => {
  const told = (...cells: string[]) => {
    const column = createDateOrder();
    for (const cell of cells) column.see(cell);
    return column.order();
  };
  assert.equal(told("05/06/2026", "31/12/2026", "x", ""), "dmy");
  assert.equal(told("05/06/2026", "12/31/2026 10:00"), "mdy");
  assert.equal(told("05/06/2026", "07/07/2026", "31.12.2026"), undefined);
  assert.equal(told("31/12/2026", "12/31/2026"), "mixed");
});

test("yes, no, nothing, phones and lists are read in several languages", () => {
  for (const yes of ["yes", "TRUE", "1", "x", "ja", "Oui", "si", "sí", "✓"]) assert.equal(readYesNo(yes), true, yes);
  for (const no of ["no", "False", "0", "nein", "non"]) assert.equal(readYesNo(no), false, no);
  for (const neither of ["", "maybe", "2"]) assert.equal(readYesNo(neither), undefined, neither);
  for (const nothing of ["", " ", "-", "n/a", "NULL", "#N/A", "#NV", "#REF!"]) assert.ok(isNothing(nothing), nothing);
  for (const something of ["0", "Null", "NA", "#1", "--", "no"]) assert.ok(!isNothing(something), something);
  assert.deepEqual(["4.93E+11", "4,93e11", " +49 151 ", "493012345.0"].map(readPhone), [
    undefined,
    undefined,
    "+49 151",
    "493012345",
  ]);
  assert.deepEqual(readList("a ::: b; a\nc"), ["a", "b", "c"]);
  assert.deepEqual(readAddresses("Jane <mailto:j@x.de>, k@x.de ::: j@x.de"), ["j@x.de", "k@x.de"]);
  assert.deepEqual(readTags('* myContacts ::: Old Friends, "vip"|x'), ["Old-Friends", "vip", "x"]);
});

test("no cell makes a reader throw or hang", () => {
  const long = fc.constantFrom("#", "-", "@", "<", " ", "(", "1", ".", "'").map((character) => `${character.repeat(100_000)}x`);
  fc.assert(
    fc.property(fc.oneof(storable, long), (cell) => {
      for (const read of [readYesNo, readPhone, readList, readAddresses, readTags, isNothing, readSheetDate]) read(cell);
      readAmount(cell, true);
      createDateOrder().see(cell);
      createDecimalSign().see(cell);
    }),
  );
});

test("a country is read by its name in several languages, and by what people call it", () => {
  const cases: Record<string, string> = {
    ...{ Germany: "DE", deutschland: "DE", Allemagne: "DE", Alemania: "DE", DEU: "DE", Österreich: "AT", Oesterreich: "AT" },
    ...{ USA: "US", "U.S.A.": "US", "United States of America": "US", uk: "GB", Scotland: "GB", "The Netherlands": "NL" },
    ...{ "Bosnia and Herzegovina": "BA", "Czech Republic": "CZ", Türkei: "TR", Niger: "NE", Nigeria: "NG", Hongkong: "HK" },
    ...{ de: "de", XX: "XX", Germny: "Germny", ["x".repeat(1_000)]: "x".repeat(1_000) },
  };
  for (const [name, code] of Object.entries(cases)) assert.equal(readCountryName(name), code, name);
});

test("several numbers in a cell are parted, and the stroke within one is kept", () => {
  const cases: [string, string[]][] = [
    ["+1 555 0100 / +1 555 0101", ["+1 555 0100", "+1 555 0101"]],
    ["030 123456, 0170 1234567", ["030 123456", "0170 1234567"]],
    ["030 / 1234567", ["030 / 1234567"]],
    ["+49 30123 / 4567890", ["+49 30123 / 4567890"]],
    ["555-0100 ext. 1, 2", ["555-0100 ext. 1, 2"]],
  ];
  for (const [cell, numbers] of cases) assert.deepEqual(readPhones(cell), numbers, cell);
  assert.deepEqual([readPhone("tel:+49 30 1"), readAddresses("mailto:a@x.de")], ["+49 30 1", ["a@x.de"]]);
});

test("records that a cell names lose the addresses of other programs", () => {
  assert.deepEqual(readLinks("Jo (jo@x.de);Al"), [{ name: "Jo", address: "jo@x.de" }, { name: "Al" }]);
  assert.deepEqual(readLinks("Acme (https://n.so/a?b=1), Beta (https://n.so/c)"), [{ name: "Acme" }, { name: "Beta" }]);
  assert.deepEqual(readLinks("Acme (Berlin)"), [{ name: "Acme (Berlin)" }]);
});
