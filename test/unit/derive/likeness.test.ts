import assert from "node:assert/strict";
import { test } from "node:test";
import { likeness, similarity, type Twin } from "../../../src/derive/likeness.ts";

test("similar texts get the values of Winkler's paper", () => {
  for (const [a, b, value] of [
    ["martha", "marhta", 0.961],
    ["dwayne", "duane", 0.84],
    ["dixon", "dicksonx", 0.813],
    ["same", "same", 1],
    ["abc", "xyz", 0],
  ] as const)
    assert.equal(Math.round(similarity(a, b) * 1000) / 1000, value, `${a} ${b}`);
});

const twin = (words: string[], more: Partial<Twin> = {}): Twin => ({
  id: "c_1",
  title: words.join(" "),
  words,
  email: null,
  digits: [],
  at: null,
  keys: [],
  further: [],
  ...more,
});
const identity = { person: "name", email: "email", phone: "phone", at: "company_id" };

test("findings together are surer than each alone, and never certain", () => {
  const phone = { digits: ["493012345678"] };
  const at = { at: "co_1" };
  const sure = (more: Partial<Twin>, mail = false) =>
    likeness(identity, mail, false, twin(["jane", "doe"], more), twin(["doe", "jane"], more)).sure;
  const [alone, placed, called, all] = [sure({}), sure(at), sure(phone), sure({ ...phone, ...at }, true)];
  assert.deepEqual([alone, placed, called, all], [0.7, 0.85, 0.96, 0.99]);
});

test("one word of a name and other people's names are no likeness", () => {
  for (const [a, b] of [
    [["jane"], ["jane", "doe"]],
    [
      ["jane", "doe"],
      ["john", "doe"],
    ],
    [
      ["j", "doe"],
      ["peter", "doe"],
    ],
    [[], ["jane"]],
  ] as [string[], string[]][])
    assert.deepEqual(likeness(identity, false, false, twin(a), twin(b)), { sure: 0, why: [] });
});

test("a number is the same with its country and without, and not with more digits", () => {
  const why = (a: string, b: string) =>
    likeness(identity, false, false, twin(["a"], { digits: [a] }), twin(["b"], { digits: [b] })).why;
  assert.deepEqual(why("493012345678", "3012345678"), ["same_phone"]);
  assert.deepEqual(why("99993012345678", "3012345678"), []);
  assert.deepEqual(why("12345", "12345"), []);
});
