import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { isExact, parseExact } from "../../../src/kit/json.ts";
import { Problem } from "../../../src/kit/problem.ts";

const EXACT = [
  "0",
  "-0",
  "0.0",
  "0e99",
  "1.10",
  "-12.50",
  "1e3",
  "1E+21",
  "1000000000000000000000",
  "9007199254740992",
  "9007199254740994",
  "0.30000000000000004",
  "3.141592653589793",
  "5e-324",
  "1.7976931348623157e308",
  "100000000000000000000000000000000",
];
const ROUNDED = [
  "9007199254740993",
  "-9007199254740993",
  "1234567890123456789012",
  "12345678901234567890123456789",
  "0.1234567890123456789",
  "3.14159265358979323846",
  "1.0000000000000000001",
  "123456789.123456789123",
  "9007199254740993e0",
  "12345678901234567890e-5",
  "1e400",
  "-1e400",
  "1e-400",
  "4e-324",
];

test("a number that a double would change is refused at any position, and every other number is read", () => {
  for (const number of EXACT) {
    assert.deepEqual(parseExact(`{"a":[1,${number}]}`), JSON.parse(`{"a":[1,${number}]}`), number);
    assert.equal(isExact(number), true, number);
  }
  for (const number of ROUNDED) {
    assert.equal(isExact(number), false, number);
    for (const json of [number, `[${number}]`, `{"a\\"":"x\\\\","b":[{"c":${number}}]}`, `[1,"2",-3.5e2,${number} ,4]`])
      assert.throws(
        () => parseExact(json),
        (error) => error instanceof Problem && error.code === "invalid_value" && error.message.includes(`"${number}"`),
        json,
      );
  }
});

test("digits inside a string or a key are not checked as numbers", () => {
  for (const json of ['"9007199254740993"', '{"9007199254740993":"1e400"}', '["\\"9007199254740993","\\\\"]'])
    assert.deepEqual(parseExact(json), JSON.parse(json), json);
});

test("all output of JSON.stringify is read", () => {
  fc.assert(
    fc.property(fc.jsonValue({ maxDepth: 4 }), (value) => {
      const json = JSON.stringify(value);
      assert.deepEqual(parseExact(json), JSON.parse(json));
    }),
    { numRuns: 500 },
  );
  fc.assert(
    fc.property(fc.double({ noNaN: true, noDefaultInfinity: true }), (number) => isExact(JSON.stringify(number))),
    {
      numRuns: 2_000,
    },
  );
});

test("a megabyte of digits, zeros or backslashes is read quickly", () => {
  const begun = performance.now();
  assert.throws(() => parseExact("1".repeat(1_000_000)), Problem);
  assert.throws(() => parseExact(`${"0.1".padEnd(1_000_000, "0")}1`), Problem);
  assert.equal((parseExact(`"${"\\\\".repeat(500_000)}1e5"`) as string).length, 500_003);
  const took = performance.now() - begun;
  assert.ok(took < 1_000, `${took} ms`);
});
