import assert from "node:assert/strict";
import { test } from "node:test";
import { createIds, prefixOf, readId, shortId } from "../../../src/kit/id.ts";

test("ids are ULIDs in lower case that sort by when they were made", () => {
  let now = Date.parse("2026-06-01T08:12:44Z");
  const ids = createIds(
    () => now,
    () => 0.5,
  );
  const made = [ids("c"), ids("c"), ids("c")];
  now += 1;
  made.push(ids("c"));
  for (const id of made) assert.match(id, /^c_01kt[0-9a-hjkmnp-tv-z]{22}$/);
  assert.deepEqual([...new Set(made)].sort(), made);
  now -= 60_000; // A clock that is set back must not make ids that sort before what is there already.
  assert.ok(ids("c") > made.at(-1)!);
});

test("an id is read in every form, in any letter case", () => {
  const whole = "c_01k9x2v7m3q8r0s2t4v6w8y0za";
  const short = { prefix: "c", key: "t4v6w8y0" };
  for (const text of ["c_t4v6w8y0", "contact/c_t4v6w8y0", "CONTACT/C_T4V6W8Y0", " c_T4v6W8y0 "])
    assert.deepEqual(readId(text), short, text);
  for (const text of [whole, whole.toUpperCase(), `contact/${whole}`])
    assert.deepEqual(readId(text), { prefix: "c", key: whole }, text);
  assert.deepEqual(readId("tok_t4v6w8y0"), { prefix: "tok", key: "t4v6w8y0" });
});

test("what is no id is none", () => {
  const wrong = [
    "",
    "c",
    "c_",
    "c_t4v6w8y",
    "c_t4v6w8y00",
    "t4v6w8y0",
    "_t4v6w8y0",
    "c-t4v6w8y0",
    "c_t4v6w8yi",
    "c_t4v6w8yl",
    "c_t4v6w8yo",
  ];
  const odd = [
    "c_t4v6w8yu",
    "contact/",
    "contact//c_t4v6w8y0",
    "/c_t4v6w8y0",
    "c_t4v6w8y0/x",
    "c_t4v6w8y0\0",
    "c_t4v6 w8y0",
    "ⅽ_t4v6w8y0",
    "c_t4v6w8y０",
  ];
  // A ULID's first digit holds three bits.
  for (const text of [...wrong, ...odd, "c_81k9x2v7m3q8r0s2t4v6w8y0za", "a@b.com", "x".repeat(10_000)])
    assert.equal(readId(text), undefined, text);
});

test("the short form is the prefix and the last eight characters", () => {
  assert.equal(shortId("co_01k9x2v7m3q8r0s2t4v6w8y0za"), "co_v6w8y0za");
  assert.equal(prefixOf("co_01k9x2v7m3q8r0s2t4v6w8y0za"), "co");
});
