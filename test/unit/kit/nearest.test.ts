import assert from "node:assert/strict";
import { test } from "node:test";
import { nearest } from "../../../src/kit/nearest.ts";

const names = ["name", "email", "stage", "owner", "tags", "follow_up_at", "follow_up_note", "company", "company_id"];

test("near misses are suggested, the nearest first", () => {
  const cases: Record<string, string[]> = {
    stag: ["stage"],
    nmae: ["name"],
    NAME: ["name"],
    emial: ["email"],
    followupat: ["follow_up_at"],
    follow: ["follow_up_at", "follow_up_note"],
    compny: ["company"],
    ownr: ["owner"],
    x: [],
    "": [],
    zzzzzz: [],
    na: [],
  };
  for (const [word, expected] of Object.entries(cases)) assert.deepEqual(nearest(word, names), expected, word);
});

test("few candidates are suggested, and a long word takes no longer", () => {
  assert.deepEqual(nearest("aa", ["ab", "ac", "ad", "ae"]).length, 3);
  assert.deepEqual(nearest("aa", ["ab", "ac"], 1), ["ab"]);
  assert.deepEqual(nearest("x".repeat(1_000_000), names), []);
});
