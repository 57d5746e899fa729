import assert from "node:assert/strict";
import { test } from "node:test";
import { areMembers, CUSTOM_OPERATORS, customPredicate, isCustomKey } from "../../../src/fields/custom.ts";
import type { Operator } from "../../../src/fields/predicate.ts";
import { zone } from "../../../src/kit/time.ts";

const reading = { now: Date.parse("2026-06-10T12:00:00Z"), zone: zone("UTC"), me: "" };

test("a custom key stands bare on the line and in a query", () => {
  for (const key of ["a", "_x", "9", "ünï", "山", "a.b:c/d@e-f_g", "constructor", "toString", "x".repeat(100)])
    assert.equal(isCustomKey(key), true, key);
  const wrong = [
    "",
    "a b",
    "a=b",
    'a"',
    "a\\b",
    "a&b",
    "a,b",
    "-a",
    ".a",
    "a\n",
    "\u202e",
    "a\u200b",
    "\u3164",
    "a\u115f",
    "\ufeff",
    "\0",
  ];
  for (const key of [...wrong, "x".repeat(101), "__proto__", "a%b", "#", "a+b"])
    assert.equal(isCustomKey(key), false, JSON.stringify(key));
});

test("members are any JSON that PostgreSQL can hold", () => {
  const nested = (depth: number): unknown => (depth === 0 ? 1 : [nested(depth - 1)]);
  const keys = (count: number) => Object.fromEntries(Array.from({ length: count }, (_, i) => [`k${i}`, i]));
  for (const members of [{}, { a: null }, { a: { "any key =": [{}, "\n"] } }, { a: nested(18) }, keys(200)])
    assert.equal(areMembers(members), true);
  const deep = { a: nested(25) };
  const wrong = [
    deep,
    keys(201),
    { a: "\0" },
    { a: ["\ud800"] },
    { a: { "\0": 1 } },
    { a: Number.POSITIVE_INFINITY },
    JSON.parse('{"__proto__":1}'),
  ];
  for (const members of wrong) assert.equal(areMembers(members), false);
});

test("what is asked of a member depends on what the operand looks like", () => {
  const ask = (operator: Operator, ...operands: string[]) => customPredicate("k", operator, operands, reading);
  const member = (as: string, of: unknown) => ({ is: "member", key: "k", as, of });
  const among = (...values: unknown[]) => ({ is: "member-in", key: "k", values });
  assert.deepEqual(ask("eq", "5"), among("5", 5));
  assert.deepEqual(ask("eq", "-0.50"), among("-0.50", -0.5));
  assert.deepEqual(ask("eq", "1e+21"), among("1e+21", 1e21));
  assert.deepEqual(ask("eq", "007"), among("007"));
  assert.deepEqual(ask("eq", "true"), among("true", true));
  assert.deepEqual(ask("eq", "null"), among("null"));
  assert.deepEqual(ask("eq", '"5"'), among('"5"'));
  assert.deepEqual(ask("eq", '{"a":[1]}'), among('{"a":[1]}', { a: [1] }));
  assert.deepEqual(ask("eq", '{"a":"\\u0000"}'), among('{"a":"\\u0000"}'));
  assert.deepEqual(ask("in", "a", "5"), among("a", "5", 5));
  assert.deepEqual(ask("ne", "a"), { is: "not", of: among("a") });
  assert.deepEqual(ask("has", "7"), { is: "member-holds", key: "k", items: ["7", 7] });
  assert.deepEqual(ask("like", "5%"), member("text", { is: "contains", text: "5%" }));
  assert.deepEqual(ask("gt", "5"), member("number", { is: "gt", value: 5 }));
  assert.deepEqual(ask("lte", "abc"), member("text", { is: "lte", value: "abc" }));
  const steady = { before: 0, change: Number.POSITIVE_INFINITY, after: 0 };
  const bound = (text: string) => ({ at: Date.parse(text), clocks: steady });
  const time = (bounds: object) => ({ is: "member-time", key: "k", ...bounds });
  assert.deepEqual(ask("gt", "2026-06-10"), time({ from: bound("2026-06-11T00:00:00Z") }));
  assert.deepEqual(ask("lte", "2026-06-10"), time({ to: bound("2026-06-11T00:00:00Z") }));
  assert.deepEqual(ask("gte", "-7d"), time({ from: bound("2026-06-03T12:00:00Z") }));
  assert.deepEqual(ask("lt", "today"), time({ to: bound("2026-06-10T00:00:00Z") }));
  const day = { from: bound("2026-06-10T00:00:00Z"), to: bound("2026-06-11T00:00:00Z") };
  const second = { from: bound("2026-06-10T08:00:00Z"), to: bound("2026-06-10T08:00:01Z") };
  const eq = { is: "any", of: [among("2026-06-10"), time(day)] };
  assert.deepEqual(ask("eq", "2026-06-10"), eq);
  assert.deepEqual(ask("ne", "2026-06-10"), { is: "not", of: eq });
  const written = "2026-06-10T10:00:00+02:00";
  assert.deepEqual(ask("in", written, "x", "today"), {
    is: "any",
    of: [among(written, "x", "today"), time(second), time(day)],
  });
  assert.deepEqual(ask("has", "2026-06-10"), {
    is: "any",
    of: [{ is: "member-holds", key: "k", items: ["2026-06-10"] }, time({ ...day, item: true })],
  });
  for (const operator of CUSTOM_OPERATORS.filter((each) => each !== "is" && each !== "not"))
    assert.ok(ask(operator, "5"), operator);
});
