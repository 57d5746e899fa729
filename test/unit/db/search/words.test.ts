import assert from "node:assert/strict";
import { test } from "node:test";
import { wordsOf } from "../../../../src/db/search/words.ts";

test("signs around a word are left aside, those that words are meant with are not", () => {
  const cases: Record<string, string[]> = {
    "«Jane», (Doe)!": ["Jane", "Doe"],
    "C++ #1 @acme acme@": ["C++", "#1", "@acme", "acme"],
    "e\u0301t\u00e9.": ["e\u0301t\u00e9"],
    "!!! … -": [],
    "𐐀𐐁!": ["𐐀𐐁"],
  };
  for (const [search, words] of Object.entries(cases)) assert.deepEqual(wordsOf(search), words, search);
});

test("a word with a million signs in it takes no longer than it is long", () => {
  const word = `a${"!".repeat(1_000_000)}a`;
  const begun = performance.now();
  assert.deepEqual(wordsOf(`${word}!`), [word]);
  assert.ok(performance.now() - begun < 5_000, "quadratic, it would take hours");
});
