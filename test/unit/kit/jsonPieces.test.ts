import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { jsonParts, parsingJson } from "../../../src/kit/jsonPieces.ts";
import { atOnce } from "../../../src/kit/turns.ts";

test("JSON made in pieces is JSON", () => {
  const value = { a: { b: { c: [1, { d: null }], e: {}, f: [] }, 'q"': "ü\n" }, none: undefined, n: 1.5, t: "x", z: null };
  for (const depth of [0, 1, 2, 3, 9])
    for (const indent of [0, 2])
      assert.equal([...jsonParts(value, depth, indent)].join(""), JSON.stringify(value, null, indent), `${depth} ${indent}`);
});

test("JSON is read in pieces as it is read at once, however it is indented", () => {
  fc.assert(
    fc.property(fc.jsonValue(), fc.nat(4), fc.constantFrom(0, 2), (value, depth, indent) => {
      const json = JSON.stringify(value, null, indent);
      assert.deepEqual(atOnce(parsingJson(json, depth)), JSON.parse(json));
    }),
    { numRuns: 500 },
  );
  for (const json of [
    ' {"a\\"]":[1 , "x\\\\" ,{"b":[]}] , "__proto__":{"c":null}}\n',
    "[]",
    "{}",
    " 12 ",
    '"]"',
    "[[[1],2],{}]",
  ])
    for (const depth of [0, 1, 2, 3]) assert.deepEqual(atOnce(parsingJson(json, depth)), JSON.parse(json), json);
});

test("a list is read item by item", () => {
  const work = parsingJson(JSON.stringify({ items: [1, { a: "x" }, [2]], next: null }), 2);
  let pieces = 0;
  for (let step = work.next(); !step.done; step = work.next()) pieces += 1;
  assert.equal(pieces, 4);
});
