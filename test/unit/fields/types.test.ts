import assert from "node:assert/strict";
import { test } from "node:test";
import { customKind, tagsKind } from "../../../src/fields/collections.ts";
import { handleKind, idKind, linkedNameKind, referenceKind } from "../../../src/fields/link.ts";
import {
  booleanKind,
  centsKind,
  choiceKind,
  countKind,
  currencyKind,
  domainKind,
  emailKind,
  personKind,
  phoneKind,
  textKind,
} from "../../../src/fields/text.ts";
import { dateKind, timeKind } from "../../../src/fields/time.ts";
import type { FieldKind } from "../../../src/fields/type.ts";
import { zone } from "../../../src/kit/time.ts";

const utc = { now: Date.parse("2026-06-10T12:00:00Z"), zone: zone("UTC"), me: "ann@example.com" };
const berlin = { ...utc, zone: zone("Europe/Berlin") };
const stage = choiceKind(["open", "won"]);

/** The column value of what a form or a cell holds; undefined where it is refused. */
function store(kind: FieldKind, text: string, reading = utc): unknown {
  const read = kind.schema.safeParse(kind.fromText(text));
  return read.success ? kind.toColumn(read.data, reading) : undefined;
}

test("a text is read into what is stored, or refused", () => {
  const cases: [kind: FieldKind, text: string, stored: unknown][] = [
    [textKind(5), " a b ", " a b "],
    [textKind(5), "sechs!", undefined],
    [textKind(5), "a\0", undefined],
    [textKind(5), "\ud800", undefined],
    [textKind(5), "😀", "😀"],
    [personKind, "me", "ann@example.com"],
    [personKind, "Me too", "Me too"],
    [emailKind, " JANE+x@Acme.COM ", "jane+x@acme.com"],
    [emailKind, "jane@localhost", undefined],
    [emailKind, "jane@acme.c", undefined],
    [emailKind, "a b@acme.com", undefined],
    [emailKind, `${"l".repeat(65)}@acme.com`, undefined],
    [domainKind, "HTTPS://www.Acme.com:443/x", undefined],
    [domainKind, "HTTPS://www.Acme.com./x?y#z", "acme.com"],
    [domainKind, "acme", undefined],
    [phoneKind, " 49 30", " 49 30"],
    [phoneKind, "030", "030"],
    [stage, " WON ", "won"],
    [stage, "lost", undefined],
    [currencyKind, "eur", "EUR"],
    [currencyKind, "DEM", undefined],
    [centsKind, "+125000 ", 125_000],
    [centsKind, "9007199254740991", 9_007_199_254_740_991],
    [centsKind, "9007199254740992", undefined],
    [centsKind, "1.5", undefined],
    [centsKind, "1e3", undefined],
    [countKind, "2147483647", 2_147_483_647],
    [countKind, "2147483648", undefined],
    [booleanKind, " Yes", true],
    [booleanKind, "off", false],
    [booleanKind, "2", undefined],
    [timeKind, "2026-06-10T11:00:00+02:00", "2026-06-10T09:00:00.000Z"],
    [timeKind, "2026-06-10", "2026-06-10T00:00:00.000Z"],
    [timeKind, "soon", undefined],
    [dateKind, "tomorrow", "2026-06-11"],
    [dateKind, "2026-02-30", undefined],
    [tagsKind, " a ,, b,a", ["a", "b"]],
    [tagsKind, "", null],
    [tagsKind, "a b", undefined],
    [tagsKind, 'a"', undefined],
    [referenceKind("company"), " company/CO_T4V6W8Y0 ", { prefix: "co", key: "t4v6w8y0" }],
    [referenceKind("company"), "Acme", undefined],
    [linkedNameKind("company"), "Acme", "Acme"],
    [customKind, '{"a":[1,null]}', { a: [1, null] }],
    [customKind, '{"a b":1}', undefined],
    [customKind, "[1]", undefined],
    [customKind, "{", undefined],
  ];
  for (const [kind, text, stored] of cases) assert.deepEqual(store(kind, text), stored, `${kind.name} ${JSON.stringify(text)}`);
});

test("times and dates are read in the workspace's zone", () => {
  assert.equal(store(timeKind, "2026-06-10", berlin), "2026-06-09T22:00:00.000Z");
  assert.equal(store(timeKind, "2026-06-10T09:00", berlin), "2026-06-10T07:00:00.000Z");
  assert.equal(store(dateKind, "2026-06-10T23:30:00Z", berlin), "2026-06-11");
});

test("a stored value on the line and in JSON", () => {
  const cases: [kind: FieldKind, stored: unknown, line: string, json: string][] = [
    [textKind(9), "a b", '"a b"', '"a b"'],
    [textKind(9), "a\u2028", '"a\\u2028"', '"a\u2028"'],
    [centsKind, -5, "-5", "-5"],
    [centsKind, "9007199254740993", "9007199254740993", "9007199254740993"],
    [booleanKind, false, "false", "false"],
    [timeKind, "2026-06-10 09:00:00.123+00", "2026-06-10T09:00:00Z", '"2026-06-10T09:00:00Z"'],
    [dateKind, "2026-06-10", "2026-06-10", '"2026-06-10"'],
    [tagsKind, ["a", "b=c"], '"a,b=c"', '["a","b=c"]'],
    [tagsKind, ["a", "\u202e"], '"a,\\u202e"', '["a","\u202e"]'],
    [referenceKind("company"), "co_01k9x2v7m3q8r0s2t4v6w8y0za", "co_v6w8y0za", '"co_01k9x2v7m3q8r0s2t4v6w8y0za"'],
    [idKind("company"), "co_01k9x2v7m3q8r0s2t4v6w8y0za", "co_01k9x2v7m3q8r0s2t4v6w8y0za", '"co_01k9x2v7m3q8r0s2t4v6w8y0za"'],
    [handleKind("company"), "co_01k9x2v7m3q8r0s2t4v6w8y0za", "company/co_v6w8y0za", '"company/co_v6w8y0za"'],
    [customKind, "5", '"5"', '"5"'],
    [customKind, 5, "5", "5"],
  ];
  for (const [{ name, toLine, toJson }, stored, line, json] of cases) {
    assert.equal(toLine(stored as never, utc), line, name);
    assert.equal(toJson(stored as never, utc), json, name);
  }
  assert.equal(timeKind.toLine("2026-06-10 09:00:00+00" as never, berlin), "2026-06-10T11:00:00+02:00");
});

test("what a filter asks for is read like a value", () => {
  const ask = (kind: FieldKind, text: string) => kind.predicate("eq", [text], utc);
  assert.deepEqual(ask(personKind, "me"), { is: "eq", value: "ann@example.com" });
  assert.deepEqual(ask(emailKind, "Jane crm@acme.com"), { is: "eq", value: "jane+crm@acme.com" });
  assert.deepEqual(emailKind.predicate("like", ["e crm "], utc), { is: "contains", text: "e+crm+" });
  assert.deepEqual(phoneKind.predicate("like", [" 49"], utc), { is: "contains", text: " 49" });
  assert.deepEqual(ask(domainKind, "https://www.acme.com/"), { is: "eq", value: "acme.com" });
  assert.deepEqual(tagsKind.predicate("in", ["a", "b,c"], utc), {
    is: "any",
    of: ["a", "b", "c"].map((tag) => ({ is: "holds", items: [tag] })),
  });
  assert.deepEqual(tagsKind.predicate("like", ["a,b"], utc), { is: "contains", text: "a b" });
  const unreadable: [FieldKind, string][] = [
    [stage, "lost"],
    [currencyKind, "XYZ"],
    [centsKind, "1.5"],
    [countKind, "2147483648"],
    [booleanKind, "maybe"],
    [timeKind, "soon"],
    [dateKind, "-3h"],
    [referenceKind("company"), "acme"],
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
    textKind(9),
    personKind,
    emailKind,
    domainKind,
    phoneKind,
    stage,
    currencyKind,
    centsKind,
    countKind,
    booleanKind,
    timeKind,
    dateKind,
    tagsKind,
    idKind("boat"),
  ]) {
    for (const operator of kind.operators.filter((each) => each !== "is" && each !== "not")) {
      const text = (operand as Record<string, string>)[kind.name] ?? "a@b.com";
      assert.ok(kind.predicate(operator, [text], utc), `${kind.name} ${operator}`);
    }
  }
});
