import assert from "node:assert/strict";
import { test } from "node:test";
import { customType, tagsType } from "../../../src/fields/collections.ts";
import { countryType } from "../../../src/fields/country.ts";
import { decimalType, percentType } from "../../../src/fields/decimal.ts";
import { handleType, idType, linkedNameType, referenceType } from "../../../src/fields/link.ts";
import {
  booleanType,
  centsType,
  choiceType,
  countType,
  currencyType,
  domainType,
  emailType,
  personType,
  phoneType,
  textType,
} from "../../../src/fields/text.ts";
import { dateType, timeType } from "../../../src/fields/time.ts";
import type { FieldType } from "../../../src/fields/type.ts";
import { zone } from "../../../src/kit/time.ts";

const utc = { now: Date.parse("2026-06-10T12:00:00Z"), zone: zone("UTC"), me: "ann@example.com" };
const berlin = { ...utc, zone: zone("Europe/Berlin") };
const stage = choiceType(["open", "won"]);

/** The column value of what a form or a cell holds; undefined where it is refused. */
function store(kind: FieldType, text: string, reading = utc): unknown {
  const read = kind.schema.safeParse(kind.fromText(text));
  return read.success ? kind.toColumn(read.data, reading) : undefined;
}

test("a text is read into what is stored, or refused", () => {
  const cases: [kind: FieldType, text: string, stored: unknown][] = [
    [textType(5), " a b ", " a b "],
    [textType(5), "sechs!", undefined],
    [textType(5), "a\0", undefined],
    [textType(5), "\ud800", undefined],
    [textType(5), "😀", "😀"],
    [personType, "me", "ann@example.com"],
    [personType, "Me too", "Me too"],
    [emailType, " JANE+x@Acme.COM ", "jane+x@acme.com"],
    [emailType, "jane@localhost", undefined],
    [emailType, "jane@acme.c", undefined],
    [emailType, "a b@acme.com", undefined],
    [emailType, `${"l".repeat(65)}@acme.com`, undefined],
    [domainType, "HTTPS://www.Acme.com:443/x", undefined],
    [domainType, "HTTPS://www.Acme.com./x?y#z", "acme.com"],
    [domainType, "acme", undefined],
    [phoneType, " 49 30", " 49 30"],
    [phoneType, "030", "030"],
    [stage, " WON ", "won"],
    [stage, "lost", undefined],
    [currencyType, "eur", "EUR"],
    [currencyType, "DEM", undefined],
    [centsType, "+125000 ", 125_000],
    [centsType, "9007199254740991", 9_007_199_254_740_991],
    [centsType, "9007199254740992", undefined],
    [centsType, "1.5", undefined],
    [centsType, "1e3", undefined],
    [decimalType, "+007.50", "7.5"],
    [decimalType, "-0", "0"],
    [decimalType, "-999999999.999999", "-999999999.999999"],
    [decimalType, "1000000000", undefined],
    [decimalType, "0.0000001", undefined],
    [decimalType, "1.1000000", "1.1"],
    [decimalType, "7,5", undefined],
    [decimalType, "1e3", undefined],
    [decimalType, "5%", undefined],
    [percentType, " 7.5 % ", "7.5"],
    [percentType, "100", "100"],
    [percentType, "100.000001", undefined],
    [percentType, "-1", undefined],
    [countryType, " de ", "DE"],
    [countryType, "UK", undefined],
    [countryType, "Germany", undefined],
    [countType, "2147483647", 2_147_483_647],
    [countType, "2147483648", undefined],
    [booleanType, " Yes", true],
    [booleanType, "off", false],
    [booleanType, "2", undefined],
    [timeType, "2026-06-10T11:00:00+02:00", "2026-06-10T09:00:00.000Z"],
    [timeType, "2026-06-10", "2026-06-10T00:00:00.000Z"],
    [timeType, "soon", undefined],
    [dateType, "tomorrow", "2026-06-11"],
    [dateType, "2026-02-30", undefined],
    [tagsType, " a ,, b,a", ["a", "b"]],
    [tagsType, "", null],
    [tagsType, "a b", undefined],
    [tagsType, 'a"', undefined],
    [referenceType("company"), " company/CO_T4V6W8Y0 ", { prefix: "co", key: "t4v6w8y0" }],
    [referenceType("company"), "Acme", undefined],
    [linkedNameType("company"), "Acme", "Acme"],
    [customType, '{"a":[1,null]}', { a: [1, null] }],
    [customType, '{"a b":1}', undefined],
    [customType, "[1]", undefined],
    [customType, "{", undefined],
  ];
  for (const [kind, text, stored] of cases) assert.deepEqual(store(kind, text), stored, `${kind.name} ${JSON.stringify(text)}`);
});

test("times and dates are read in the workspace's zone", () => {
  assert.equal(store(timeType, "2026-06-10", berlin), "2026-06-09T22:00:00.000Z");
  assert.equal(store(timeType, "2026-06-10T09:00", berlin), "2026-06-10T07:00:00.000Z");
  assert.equal(store(dateType, "2026-06-10T23:30:00Z", berlin), "2026-06-11");
});

test("a stored value on the line and in JSON", () => {
  const cases: [kind: FieldType, stored: unknown, line: string, json: string][] = [
    [textType(9), "a b", '"a b"', '"a b"'],
    [textType(9), "a\u2028", '"a\\u2028"', '"a\u2028"'],
    [centsType, -5, "-5", "-5"],
    [centsType, "9007199254740993", "9007199254740993", "9007199254740993"],
    [decimalType, "19.000000", "19", "19"],
    [decimalType, "-0.000001", "-0.000001", "-0.000001"],
    [decimalType, 7.5, "7.5", "7.5"],
    [booleanType, false, "false", "false"],
    [timeType, "2026-06-10 09:00:00.123+00", "2026-06-10T09:00:00Z", '"2026-06-10T09:00:00Z"'],
    [dateType, "2026-06-10", "2026-06-10", '"2026-06-10"'],
    [tagsType, ["a", "b=c"], '"a,b=c"', '["a","b=c"]'],
    [tagsType, ["a", "\u202e"], '"a,\\u202e"', '["a","\u202e"]'],
    [referenceType("company"), "co_01k9x2v7m3q8r0s2t4v6w8y0za", "co_v6w8y0za", '"co_01k9x2v7m3q8r0s2t4v6w8y0za"'],
    [idType("company"), "co_01k9x2v7m3q8r0s2t4v6w8y0za", "co_01k9x2v7m3q8r0s2t4v6w8y0za", '"co_01k9x2v7m3q8r0s2t4v6w8y0za"'],
    [handleType("company"), "co_01k9x2v7m3q8r0s2t4v6w8y0za", "company/co_v6w8y0za", '"company/co_v6w8y0za"'],
    [customType, "5", '"5"', '"5"'],
    [customType, 5, "5", "5"],
  ];
  for (const [{ name, toLine, toJson }, stored, line, json] of cases) {
    assert.equal(toLine(stored as never, utc), line, name);
    assert.equal(toJson(stored as never, utc), json, name);
  }
  assert.equal(timeType.toLine("2026-06-10 09:00:00+00" as never, berlin), "2026-06-10T11:00:00+02:00");
});

test("what a filter asks for is read like a value", () => {
  const ask = (kind: FieldType, text: string) => kind.predicate("eq", [text], utc);
  assert.deepEqual(ask(personType, "me"), { is: "eq", value: "ann@example.com" });
  assert.deepEqual(ask(emailType, "Jane crm@acme.com"), { is: "eq", value: "jane+crm@acme.com" });
  assert.deepEqual(emailType.predicate("like", ["e crm "], utc), { is: "contains", text: "e+crm+" });
  assert.deepEqual(phoneType.predicate("like", [" 49"], utc), { is: "contains", text: " 49" });
  assert.deepEqual(ask(domainType, "https://www.acme.com/"), { is: "eq", value: "acme.com" });
  assert.deepEqual(tagsType.predicate("in", ["a", "b,c"], utc), {
    is: "any",
    of: ["a", "b", "c"].map((tag) => ({ is: "holds", items: [tag] })),
  });
  assert.deepEqual(tagsType.predicate("like", ["a,b"], utc), { is: "contains", text: "a b" });
  const unreadable: [FieldType, string][] = [
    [stage, "lost"],
    [currencyType, "XYZ"],
    [centsType, "1.5"],
    [countType, "2147483648"],
    [booleanType, "maybe"],
    [timeType, "soon"],
    [dateType, "-3h"],
    [referenceType("company"), "acme"],
  ];
  for (const [kind, text] of unreadable) assert.equal(ask(kind, text), undefined, `${kind.name} ${text}`);
});

test("every kind answers the operators it offers, and no other way of asking changes the value", () => {
  const operand = {
    cents: "5",
    number: "5",
    boolean: "true",
    time: "today",
    date: "today",
    choice: "open",
    currency: "EUR",
    id: "b_t4v6w8y0",
  };
  for (const kind of [
    textType(9),
    personType,
    emailType,
    domainType,
    phoneType,
    stage,
    currencyType,
    centsType,
    countType,
    booleanType,
    timeType,
    dateType,
    tagsType,
    idType("boat"),
  ]) {
    for (const operator of kind.operators.filter((each) => each !== "is" && each !== "not")) {
      const text = (operand as Record<string, string>)[kind.name] ?? "a@b.com";
      assert.ok(kind.predicate(operator, [text], utc), `${kind.name} ${operator}`);
    }
  }
});

test("a decimal is exact: its JSON number is the text that is stored, and what a double would blur is refused", () => {
  for (let i = 0; i < 2_000; i++) {
    const [whole, part] = [(i * 7_919_777) % 1_000_000_000, (i * 104_729) % 1_000_000];
    const stored = `${whole}.${String(part).padStart(6, "0")}`;
    const json = decimalType.toJson(stored as never, utc);
    assert.equal(String(JSON.parse(json)), json);
    assert.equal(decimalType.toColumn(JSON.parse(json), utc), json);
    assert.equal(Number(json).toFixed(6), stored);
  }
  for (const blurred of [0.1 + 0.2, 1e-7, 1e9, NaN, Infinity])
    assert.ok(!decimalType.schema.safeParse(blurred).success, String(blurred));
  assert.deepEqual(decimalType.predicate("gte", ["7.50"], utc), { is: "gte", value: "7.5" });
});
