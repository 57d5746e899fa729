import assert from "node:assert/strict";
import { readdirSync } from "node:fs";
import { test } from "node:test";
import { readRecord } from "../../../src/derive/body.ts";
import { link, links, required, text } from "../../../src/fields/vocabulary.ts";
import { zone } from "../../../src/kit/time.ts";
import { catalog } from "../../../src/records/all.ts";
import { compile } from "../../../src/records/compile.ts";
import type { Declaration } from "../../../src/records/declaration.ts";
import { defineRecord } from "../../../src/records/define.ts";
import { isServiceName, LIST_PARAMETERS, RESERVED_KINDS } from "../../../src/records/reserved.ts";
import { createRoutes } from "../../../src/routes/table.ts";

const name = required(text({ about: "its name", sort: true }));
const boat = { name: "boat", plural: "boats", prefix: "b", about: "Floats.", title: "name", fields: { name }, example: {} };

const company = defineRecord({ ...boat, name: "company", plural: "companies", prefix: "co" });
const one = (declaration: Declaration) => compile([company, defineRecord(declaration)]).get(declaration.name)!;

test("a kind has its identity first, its fields in order, and where it comes from last", () => {
  const fields = { name, company_id: link("company", { about: "the yard" }), note: text({ about: "a note" }) };
  const kind = one({ ...boat, fields });
  assert.deepEqual(
    kind.fields.map((field) => field.name),
    [
      "id",
      "handle",
      "name",
      "company_id",
      "company",
      "note",
      "version",
      "created_at",
      "created_by",
      "updated_at",
      "deleted_at",
    ],
  );
  assert.equal(kind.order, "-updated_at");
  assert.equal(kind.titleField, kind.field("name"));
  assert.equal(kind.field("nmae"), undefined);
});

test("a link knows the kind it leads to, and that kind who links to it", () => {
  const yards = { builder_id: link("company", { about: "who built it" }), owner_id: link("company", { about: "who has it" }) };
  const ship = one({ ...boat, fields: { name, ...yards } });
  assert.deepEqual(
    ship.links.map((each) => [each.name, each.target.name, each.id.name, each.shown.name]),
    [
      ["builder", "company", "builder_id", "builder"],
      ["owner", "company", "owner_id", "owner"],
    ],
  );
  assert.equal(ship.field("owner")?.link, ship.links[1]);
  assert.deepEqual(
    ship.links[0]!.target.holders.map(({ kind, link }) => [kind.name, link.name]),
    [
      ["boat", "builder"],
      ["boat", "owner"],
    ],
  );
});

test("kinds are deleted in an order in which each comes before those it links to", () => {
  const fields = { name, company_id: link("company", { about: "the yard" }), boat_id: link("boat", { about: "the other" }) };
  const oar = defineRecord({ ...boat, name: "oar", plural: "oars", prefix: "o", fields });
  const { dependentsFirst } = compile([
    company,
    defineRecord({ ...boat, fields: { name, company_id: fields.company_id } }),
    oar,
  ]);
  assert.deepEqual(
    dependentsFirst.map((kind) => kind.name),
    ["oar", "boat", "company"],
  );
});

test("a declaration that names what is not there is refused when the program loads", () => {
  const wrong = [
    { ...boat, title: "nmae" },
    { ...boat, naturalKey: "email" },
    { ...boat, needsOneOf: ["company_id"] },
    { ...boat, reminder: { at: "due_at" } },
    { ...boat, order: "-at" },
  ];
  const hulls = links("company", { about: "whose hulls" });
  assert.throws(
    () => one({ ...boat, fields: { name, hulls } }),
    /boat.hulls shows what the record mentions, which is not declared/,
  );
  const mentioning = { ...boat, mentions: { at: "created_at", in: ["name"] }, fields: { name, hulls } };
  assert.throws(() => one(mentioning), /boat.hulls is of company, which is no kind with addresses/);
  assert.throws(() => one({ ...boat, mentions: { at: "sailed_at", in: ["name"] } }), /boat has no field sailed_at/);
  for (const declaration of wrong) assert.throws(() => one(declaration), /^Error: boat has no field /);
  for (const parameter of LIST_PARAMETERS)
    assert.throws(
      () => one({ ...boat, fields: { name, [parameter]: name } }),
      new RegExp(`boat.${parameter} is a list parameter`),
    );
  for (const odd of ["Name", "a-b", "1st", "a b", "_a", "ä", ""])
    assert.throws(() => one({ ...boat, fields: { name, [odd]: name } }), /is no field name/);
  const yard = link("company", { about: "the yard" });
  assert.throws(() => one({ ...boat, fields: { name, yard } }), /boat.yard is a link: its name ends with _id/);
  assert.throws(() => one({ ...boat, fields: { name, yard_id: yard, yard: name } }), /boat has two fields yard/);
  assert.throws(
    () => one({ ...boat, fields: { name, raft_id: link("raft", { about: "it" }) } }),
    /links to raft, which is no kind/,
  );
});

test("kinds differ in name, plural and prefix, and take none of the service's own", () => {
  const boats = defineRecord(boat);
  const with_ = (changed: Partial<Declaration>) => () => compile([boats, defineRecord({ ...boat, ...changed })]);
  assert.throws(with_({ plural: "ships", prefix: "x" }), /two kinds share a name/);
  assert.throws(with_({ name: "ship", prefix: "x" }), /two kinds share a plural/);
  assert.throws(with_({ name: "ship", plural: "ships" }), /two kinds share a prefix/);
  for (const plural of ["tokens", "search", "mcp", "v1", "pg_class"])
    assert.throws(with_({ name: "ship", plural, prefix: "x" }), /a name of the service's own/);
  for (const prefix of ["ws", "tok", "ch"])
    assert.throws(with_({ name: "ship", plural: "ships", prefix }), /a prefix of the service's own/);
  for (const prefix of ["", "toolong", "x1", "X"])
    assert.throws(with_({ name: "ship", plural: "ships", prefix }), /is no prefix/);
  const both = with_({ name: "ship", plural: "ships", prefix: "s" })();
  assert.equal(both.get("ship")?.prefix, "s");
  assert.equal(both.get("raft"), undefined);
  assert.equal(both.byPrefix("b")?.name, "boat");
  assert.equal(both.byPlural("ships")?.name, "ship");
});

test("every kind is sound in itself: its example can be sent, its title can be searched", () => {
  const reading = { now: 0, zone: zone("UTC"), me: "ann@example.com" };
  for (const kind of catalog.kinds) {
    assert.doesNotThrow(() => readRecord(kind, { values: kind.example, form: false }, false, reading), kind.name);
    assert.ok(kind.field(kind.title)!.search, `${kind.name}.${kind.title}`);
    assert.ok(kind.field(kind.order.replace("-", ""))!.sort, `${kind.name} by ${kind.order}`);
    for (const { name, about, type } of kind.fields) {
      assert.match(about, /^[\p{L}\p{N}].*[^.\s]$/u, `${kind.name}.${name} says what it is`);
      assert.ok(type.expects.length > 0);
    }
  }
});

test("no kind of a workspace's own can be called like a path or a page of the manual", () => {
  const paths = createRoutes(catalog).map(({ path }) => path.split("/")[1]!);
  const pages = readdirSync(new URL("../../../manual", import.meta.url)).map((file) => file.replace(/\.md$/, ""));
  const possible = [...paths, ...pages].filter((each) => /^[a-z][a-z0-9_]+$/.test(each) && !catalog.byPlural(each));
  const free = possible.filter((each) => !isServiceName(each) && !RESERVED_KINDS.includes(each));
  assert.deepEqual(free, []);
});
