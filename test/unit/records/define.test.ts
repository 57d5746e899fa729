import assert from "node:assert/strict";
import { test } from "node:test";
import { readRecord } from "../../../src/derive/body.ts";
import { link, required, text } from "../../../src/fields/vocabulary.ts";
import { zone } from "../../../src/kit/time.ts";
import { catalog } from "../../../src/records/all.ts";
import {
  byPrefix,
  createDictionary,
  defineRecord,
  definitionOf,
  fieldOf,
  LIST_PARAMETERS,
  linksOf,
} from "../../../src/records/define.ts";

const name = required(text({ about: "its name", sort: true }));
const boat = { name: "boat", plural: "boats", prefix: "b", about: "Floats.", title: "name", fields: { name }, example: {} };

test("a kind has its identity first, its fields in order, and where it comes from last", () => {
  const fields = { name, company_id: link("company", { about: "the yard" }), note: text({ about: "a note" }) };
  const kind = defineRecord({ ...boat, fields });
  assert.deepEqual(
    kind.fields.map((field) => field.name),
    ["id", "handle", "name", "company_id", "company", "note", "version", "created_at", "created_by", "updated_at"],
  );
  assert.equal(kind.order, "-updated_at");
  assert.deepEqual(linksOf(kind), [{ field: fieldOf(kind, "company_id"), name: "company", target: "company" }]);
});

test("a declaration that names what is not there is refused when the program loads", () => {
  const wrong = [
    { ...boat, title: "nmae" },
    { ...boat, naturalKey: "email" },
    { ...boat, needsOneOf: ["company_id"] },
    { ...boat, reminder: { at: "due_at" } },
    { ...boat, order: "-at" },
  ];
  for (const declaration of wrong) assert.throws(() => defineRecord(declaration), /^Error: boat has no field /);
  for (const parameter of LIST_PARAMETERS)
    assert.throws(
      () => defineRecord({ ...boat, fields: { name, [parameter]: name } }),
      new RegExp(`boat.${parameter} is a list parameter`),
    );
  for (const odd of ["Name", "a-b", "1st", "a b", "_a", "ä", ""])
    assert.throws(() => defineRecord({ ...boat, fields: { name, [odd]: name } }), /is no field name/);
});

test("kinds of a dictionary differ in name and prefix", () => {
  const one = defineRecord(boat);
  assert.throws(() => createDictionary([one, defineRecord({ ...boat, prefix: "x" })]), /share a name or a prefix/);
  assert.throws(() => createDictionary([one, defineRecord({ ...boat, name: "ship" })]), /share a name or a prefix/);
  const both = createDictionary([one, defineRecord({ ...boat, name: "ship", prefix: "s" })]);
  assert.equal(definitionOf(both, "ship").prefix, "s");
  assert.throws(() => definitionOf(both, "raft"), /no record kind raft/);
  assert.equal(byPrefix(both, "b"), one);
  assert.equal(byPrefix(both, "x"), undefined);
});

test("every kind is sound in itself: its links lead somewhere, its example can be sent, its title can be searched", () => {
  const reading = { now: 0, zone: zone("UTC"), me: "ann@example.com" };
  for (const kind of catalog.values()) {
    for (const { field, name, target } of linksOf(kind)) {
      assert.ok(catalog.has(target), `${kind.name}.${field.name}`);
      assert.equal(fieldOf(kind, name)?.type.link?.target, target);
    }
    assert.doesNotThrow(() => readRecord(kind, { values: kind.example, form: false }, false, reading), kind.name);
    assert.ok(fieldOf(kind, kind.title)!.search, `${kind.name}.${kind.title}`);
    assert.ok(fieldOf(kind, kind.order.replace("-", ""))!.sort, `${kind.name} by ${kind.order}`);
    for (const { name, about, type } of kind.fields) {
      assert.match(about, /^[\p{L}\p{N}].*[^.\s]$/u, `${kind.name}.${name} says what it is`);
      assert.ok(type.expects.length > 0);
    }
  }
});
