import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { createNdjsonReader, type JsonObject, writeNdjson } from "../../../../src/formats/files/ndjson.ts";
import { through } from "../../../../src/formats/files/stream.ts";
import { all, cuts, MIB, pieces, run, storable, stream } from "../../../helpers/pieces.ts";

const told = (text: string, at: readonly number[] = []) =>
  run(createNdjsonReader(), pieces(text, at)).map((one) =>
    "problem" in one ? [one.row, one.problem.message] : [one.row, one.value],
  );

test("objects read back, wherever their lines are cut", async () => {
  const value = fc.dictionary(storable, fc.oneof(storable, fc.integer(), fc.boolean(), fc.array(storable), fc.constant(null)));
  await fc.assert(
    fc.asyncProperty(fc.array(value, { maxLength: 5 }), cuts, async (values, at) => {
      const file = (await all(writeNdjson(stream(values as JsonObject[])))).join("");
      const rows = await all(through(stream(pieces(file, at)), createNdjsonReader()));
      assert.deepEqual(rows, JSON.parse(JSON.stringify(values.map((one, i) => ({ row: i + 1, value: one })))));
    }),
  );
});

test("one bad line is refused and the next one read", () => {
  const deep = `{"a":${"[".repeat(200_000)}${"]".repeat(200_000)}}`;
  const lines = [
    '{"a":1}',
    "",
    "{a:1}",
    "[1]",
    "null",
    '{"a":"\\u0000"}',
    '{"\\ud800":1}',
    '{"a":"\\ud83d\\ude00"}',
    deep,
    '{"a":"\0"}',
    '{"b":2}',
  ];
  assert.deepEqual(told(lines.join("\r\n")), [
    [1, { a: 1 }],
    [3, "the line is no JSON"],
    [4, "the line is no JSON object"],
    [5, "the line is no JSON object"],
    [6, "the row holds a NUL character"],
    [7, "the row holds half of a surrogate pair"],
    [8, { a: "😀" }],
    [9, "the object is nested deeper than 100 levels"],
    [10, "the row holds a NUL character"],
    [11, { b: 2 }],
  ]);
});

test("a line of 1 MiB is read, a longer one refused alone, wherever it is cut", () => {
  const line = (length: number) => `{"a":"${"x".repeat(length - 8)}"}`;
  for (const at of [[], [5, MIB - 1, MIB, MIB + 3]]) {
    const rows = told(`${line(MIB)}\n${line(MIB + 1)}\n{"b":2}`, at);
    assert.deepEqual(rows.slice(1), [
      [2, "the line is longer than 1048576 characters"],
      [3, { b: 2 }],
    ]);
    assert.equal((rows[0]![1] as JsonObject)["a"], "x".repeat(MIB - 8));
  }
  assert.equal(run(createNdjsonReader(2 * MIB), [line(2 * MIB)]).filter((one) => "value" in one).length, 1);
});

test("any text gives the same rows, wherever it is cut", () => {
  const text = fc.array(fc.oneof(storable, fc.json(), fc.constantFrom("\n", "\r", "\r\n", "{", '"', "\ud800")), {
    maxLength: 10,
  });
  fc.assert(fc.property(text, cuts, (parts, at) => assert.deepEqual(told(parts.join(""), at), told(parts.join("")))));
});
