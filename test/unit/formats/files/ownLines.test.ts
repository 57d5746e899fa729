import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { createOwnLinesReader } from "../../../../src/formats/files/ownLines.ts";
import { formatLine, type Pair, unquote } from "../../../../src/kit/line.ts";
import { cuts, MIB, pieces, run, storable } from "../../../helpers/pieces.ts";

function told(text: string, at: readonly number[] = []) {
  return run(createOwnLinesReader(), pieces(text, at)).map((one) => {
    if ("problem" in one) return [one.row, one.problem.message];
    return "trailer" in one ? [one.row, one.trailer] : [one.row, one.handle, one.tokens];
  });
}

test("lines read back, wherever they are cut", () => {
  const pair = fc.tuple(fc.constantFrom("name", "custom.a b", "tags"), storable);
  fc.assert(
    fc.property(fc.array(fc.array(pair), { maxLength: 5 }), cuts, (records, at) => {
      const file = records.map((pairs) => `${formatLine("contact/c_t4v6w8y0", pairs as Pair[])}\n`).join("");
      const read = run(createOwnLinesReader(), pieces(file, at));
      const texts = read.map((one) => ("tokens" in one ? one.tokens.map(([key, token]) => [key, unquote(token)]) : one));
      assert.deepEqual(texts, records);
    }),
  );
});

test("trailers are told apart from records, and one bad line is refused alone", () => {
  const lines = [
    "contact/c_1 name=x",
    "# 2 contacts",
    "# next: abc",
    "",
    "ERROR internal x",
    "HINT  do",
    'c_1 name="x',
    'c_1 a="\\u0000"',
    "c_2 a=1",
  ];
  assert.deepEqual(told(lines.join("\r\n")), [
    [1, "contact/c_1", [["name", "x"]]],
    [2, "# 2 contacts"],
    [3, "# next: abc"],
    [5, 'the file holds an answer that failed: "ERROR internal x"'],
    [6, "HINT  do"],
    [7, "the line cannot be read: the quote opened at column 10 is never closed"],
    [8, "the row holds a NUL character"],
    [9, "c_2", [["a", "1"]]],
  ]);
});

test("a line longer than 1 MiB is refused alone", () => {
  assert.deepEqual(told(`c_1 a=${"x".repeat(MIB)}\nc_2 a=1`, [7, MIB]), [
    [1, "the line is longer than 1048576 characters"],
    [2, "c_2", [["a", "1"]]],
  ]);
});

test("any text gives the same rows, wherever it is cut", () => {
  const text = fc.array(fc.oneof(storable, fc.constantFrom("\n", "c_1 a=", '"', "\\u000", "\ud800", "# ")), { maxLength: 10 });
  fc.assert(fc.property(text, cuts, (parts, at) => assert.deepEqual(told(parts.join(""), at), told(parts.join("")))));
});
