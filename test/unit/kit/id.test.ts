import assert from "node:assert/strict";
import { test } from "node:test";
import { createIds, idOf, prefixOf, readId, shortId } from "../../../src/kit/id.ts";

test("ids are ULIDs in lower case that sort by creation time", () => {
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

test("an id reads in every form and in any letter case", () => {
  const whole = "c_01k9x2v7m3q8r0s2t4v6w8y0za";
  const short = { prefix: "c", key: "t4v6w8y0" };
  for (const text of ["c_t4v6w8y0", "contact/c_t4v6w8y0", "CONTACT/C_T4V6W8Y0", " c_T4v6W8y0 "])
    assert.deepEqual(readId(text), short, text);
  for (const text of [whole, whole.toUpperCase(), `contact/${whole}`])
    assert.deepEqual(readId(text), { prefix: "c", key: whole }, text);
  assert.deepEqual(readId("tok_t4v6w8y0"), { prefix: "tok", key: "t4v6w8y0" });
});

test("for a known kind, an id reads with the kind's name or nothing in place of the prefix", () => {
  const contact = { name: "contact", prefix: "c" };
  const task = { name: "task", prefix: "t" };
  const whole = "01k9x2v7m3q8r0s2t4v6w8y0za";
  for (const text of [
    "contact_gfpfhbpm",
    "gfpfhbpm",
    "Contact/GFPFHBPM",
    "contact/contact_gfpfhbpm",
    "contact/c_gfpfhbpm",
    "c_gfpfhbpm",
  ])
    assert.deepEqual(readId(text, contact), { prefix: "c", key: "gfpfhbpm" }, text);
  for (const text of [`contact_${whole}`, whole, `c_${whole}`])
    assert.deepEqual(readId(text, contact), { prefix: "c", key: `c_${whole}` }, text);
  assert.deepEqual(readId("task_gfpfhbpm", task), { prefix: "t", key: "gfpfhbpm" });
  assert.deepEqual(readId("co_gfpfhbpm", contact), { prefix: "co", key: "gfpfhbpm" }, "one of another kind stays that");
  assert.deepEqual(readId("gfpfhbpm", { name: "contact" }), { prefix: "", key: "gfpfhbpm" });
  assert.deepEqual(idOf(contact, { prefix: "", key: whole }), { prefix: "c", key: `c_${whole}` });
  for (const text of ["company_gfpfhbpm", "gfpfhbp", "gfpfhbpm1", "contact", "contact_", "contact_ilou0000", "a@b.com"])
    assert.equal(readId(text, contact), undefined, text);
});

test("text that is no id reads as undefined", () => {
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
