import assert from "node:assert/strict";
import { test } from "node:test";
import { readCursor, writeCursor } from "../../../src/kit/cursor.ts";
import { createSeal, sameText } from "../../../src/kit/seal.ts";

const seal = createSeal("a secret of the tests, long enough");
const other = createSeal("another secret of the tests, as long");
const now = Date.parse("2026-06-10T12:00:00Z");

test("a token is valid only for its purpose, its facts and its time", () => {
  const facts = ["ws_1", "c_1", "2"];
  const token = seal.issue("delete", facts, now + 600_000);
  assert.match(token, /^[0-9a-z]+-[\w-]{22}$/);
  assert.equal(seal.holds("delete", facts, token, now), true);
  assert.equal(seal.holds("delete", facts, token, now + 600_000), true);
  assert.equal(seal.holds("delete", facts, token, now + 601_000), false);
  assert.equal(seal.holds("invite", facts, token, now), false);
  assert.equal(other.holds("delete", facts, token, now), false);
  for (const wrong of [
    ["ws_1", "c_1", "3"],
    ["ws_1", "c_1"],
    ["ws_1c_1", "2"],
    ["ws_1", "c_12"],
    [...facts, ""],
    ["2", "c_1", "ws_1"],
  ])
    assert.equal(seal.holds("delete", wrong, token, now), false, wrong.join());
  const [expiry = "", mac = ""] = token.split("-");
  const later = (Number.parseInt(expiry, 36) + 3600).toString(36);
  for (const forged of [
    "",
    "-",
    token.slice(0, -1),
    `${token}x`,
    `${later}-${mac}`,
    `${expiry.toUpperCase()}-${mac}`,
    `zzzzzzzzzzz-${mac}`,
    expiry,
  ])
    assert.equal(seal.holds("delete", facts, forged, now), false, forged);
});

test("digests and marks differ by purpose, secret, facts and the boundary between facts", () => {
  assert.match(seal.digest("token", "x"), /^[\w-]{43}$/);
  assert.match(seal.mark("cursor", ["x"]), /^[\w-]{11}$/);
  assert.equal(seal.digest("token", "x"), seal.digest("token", "x"));
  const digests = [seal.digest("token", "x"), seal.digest("token", "y"), seal.digest("code", "x"), other.digest("token", "x")];
  assert.equal(new Set(digests).size, digests.length);
  const marks = [["ab", "c"], ["a", "bc"], ["abc"], ["abc", ""], ["1:a", "2:bc"], ["é"], ["e\u0301"]].map((facts) =>
    seal.mark("m", facts),
  );
  assert.equal(new Set(marks).size, marks.length);
});

test("sameText compares texts of equal and of different length", () => {
  assert.equal(sameText("a", "a"), true);
  for (const [a, b] of [
    ["a", "b"],
    ["a", "ab"],
    ["", "a"],
    ["é", "e"],
  ] as const)
    assert.equal(sameText(a, b), false);
});

test("a cursor reads back only with its own list", () => {
  const list = ["ws_1", "contacts", "sort=name"];
  for (const value of [null, "", "a.b\n\u2028😀", 5, -1.5, true]) {
    const cursor = writeCursor({ value, id: "c_1" }, list, seal);
    assert.match(cursor, /^[\w-]+\.[\w-]{11}$/);
    assert.deepEqual(readCursor(cursor, list, seal), { value, id: "c_1" });
    for (const wrong of [["ws_2", "contacts", "sort=name"], ["ws_1", "contacts"], ["ws_1", "contacts", "sort=-name"], []])
      assert.equal(readCursor(cursor, wrong, seal), undefined);
    assert.equal(readCursor(cursor, list, other), undefined);
    for (const forged of [
      "",
      ".",
      "x",
      `${cursor}.x`,
      cursor.slice(1),
      `${cursor}A`,
      cursor.split(".")[0]!,
      `.${cursor.split(".")[1]}`,
    ])
      assert.equal(readCursor(forged, list, seal), undefined, forged);
  }
});
