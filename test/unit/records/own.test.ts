import assert from "node:assert/strict";
import { test } from "node:test";
import { FORMATS } from "../../../src/formats/all.ts";
import { createHeld } from "../../../src/kit/held.ts";
import { atOnce, inTurns, turn } from "../../../src/kit/turns.ts";
import { catalog as base, declarations } from "../../../src/records/all.ts";
import type { Catalog } from "../../../src/records/catalog.ts";
import { compilingOwn, type OwnField, type OwnKind } from "../../../src/records/own.ts";
import { createRoutes } from "../../../src/routes/table.ts";

const fieldsOf = (...more: Omit<OwnField, "column">[]): OwnField[] => [
  { name: "name", type: "text", column: "a0" },
  ...more.map((field, i): OwnField => ({ ...field, column: `${field.link ? "l" : "t"}${i + 1}` })),
];

function kind(name: string, fields: OwnField[], change: Partial<OwnKind> = {}): OwnKind {
  const declaration = { about: "Of a test.", title: "a0", fields };
  const stored = { id: `k_${name}`, plural: `${name}s`, prefix: `z${name.slice(0, 2)}`, version: 1, deleted_at: null };
  return { name, ...stored, updated_at: "2026-01-01", declaration, ...change };
}

const boat = kind("boat", fieldsOf());
const sail = kind("sail", fieldsOf({ name: "boat_id", type: "link", link: "boat" }));
const mast = kind("mast", fieldsOf({ name: "contact_id", type: "link", link: "contact" }));
const compiled = (kinds: readonly OwnKind[], former: Catalog) => atOnce(compilingOwn(declarations, kinds, former));
const before = compiled([boat, sail, mast], base);

/** The names of the kinds that were compiled again. */
const made = (kinds: readonly OwnKind[]) => {
  const after = compiled(kinds, before);
  return after.kinds.filter((each) => before.get(each.name) !== each).map(({ name }) => name);
};

test("nothing is compiled again where nothing has changed, and built-in kinds are those of all workspaces", () => {
  assert.deepEqual(made([boat, sail, mast].map((each) => structuredClone(each))), []);
  assert.deepEqual(
    base.kinds.filter(({ name }) => before.get(name) !== base.get(name)),
    [],
  );
});

test("a changed kind is compiled again, with those that lead to it", () => {
  assert.deepEqual(made([boat, sail, { ...mast, version: 2 }]), ["mast"]);
  assert.deepEqual(made([{ ...boat, updated_at: "2026-01-02" }, sail, mast]), ["boat", "sail"]);
  assert.deepEqual(made([boat, sail, mast, kind("oar", fieldsOf())]), ["oar"]);
});

test("where a kind goes, what leads to it is compiled again without the link; and with it when it comes back", () => {
  const without = compiled([{ ...boat, version: 2, deleted_at: "2026-01-02" }, sail, mast], before);
  assert.equal(without.get("sail")!.field("boat_id"), undefined);
  assert.equal(without.get("mast"), before.get("mast"));
  const back = compiled([{ ...boat, version: 3 }, sail, mast], without);
  assert.equal(back.get("sail")!.field("boat_id")!.link!.target, back.get("boat"));
  assert.equal(back.get("mast"), before.get("mast"));
});

test("a field added to a built-in kind is seen by all that lead there", () => {
  const badge = kind("contact", [{ name: "badge", type: "text", column: "t1" }], { plural: null, prefix: null });
  const after = compiled([boat, sail, mast, badge], before);
  assert.equal(after.get("mast")!.links[0]!.target, after.get("contact"));
  assert.ok(after.get("deal")!.links.every(({ target }) => after.get(target.name) === target));
  for (const each of after.kinds) for (const { target } of each.links) assert.equal(after.get(target.name), target);
  for (const each of after.kinds) for (const { kind: holder } of each.holders) assert.equal(after.get(holder.name), holder);
  assert.equal(after.get("boat"), before.get("boat"));
});

test("every catalog knows what leads to a kind, though the kind is the same in both", () => {
  const oar = kind("oar", fieldsOf({ name: "boat_id", type: "link", link: "boat" }));
  const after = compiled([boat, sail, mast, oar], before);
  const names = (catalog: Catalog) => catalog.heldBy(catalog.get("boat")!).map((holder) => holder.kind.name);
  assert.deepEqual([names(before), names(after)], [["sail"], ["sail", "oar"]]);
  assert.ok(createRoutes(after).some(({ path }) => path === "/boats/{id}/oars"));
  assert.ok(!createRoutes(before).some(({ path }) => path === "/boats/{id}/oars"));
  const own = (catalog: Catalog) => createRoutes(catalog).find(({ path }) => path === "/sails/{id}");
  assert.equal(own(after), own(before));
});

test("what two kinds have in common is refused, though one of them is not compiled again", () => {
  assert.throws(() => made([boat, sail, mast, kind("oar", fieldsOf(), { prefix: boat.prefix })]), /two kinds share a prefix/);
});

test("an own kind has every route of a built-in one in every format, but for those of what links to it", () => {
  const fields = fieldsOf(
    { name: "mail", type: "email" },
    { name: "due_on", type: "date" },
    { name: "crew_id", type: "link", link: "contact" },
  );
  const yacht = kind("yacht", fields);
  const { declaration } = yacht;
  const log = kind("log", fieldsOf({ name: "yacht_id", type: "link", link: "yacht" }));
  const catalog = compiled([log, { ...yacht, declaration: { ...declaration, reminder: { at: fields[2]!.column } } }], base);
  const routesOf = (plural: string) =>
    createRoutes(catalog).flatMap((route) => {
      const [, first, ...more] = route.path.split("/");
      if (first !== plural || more.some((segment) => catalog.byPlural(segment))) return [];
      const formats = FORMATS.filter((format) => format.shows(route)).map(({ name }) => name);
      return [`${route.method} ${["", ...more].join("/")} ${formats}`];
    });
  assert.deepEqual(routesOf("yachts").sort(), routesOf("contacts").sort());
});

test("long work lets others have their turn", async () => {
  let turns = 0;
  const timer = setInterval(() => turns++, 1);
  function* work() {
    for (let i = 0; i < 4; i++) {
      const until = performance.now() + 10;
      while (performance.now() < until);
      yield;
    }
    return "done";
  }
  assert.equal(await inTurns(work()), "done");
  clearInterval(timer);
  assert.ok(turns >= 2, `${turns}`);
});

test("of what is done in turns, however many do it, one slice runs in each round of the event loop", async () => {
  const rounds = new Set<number>();
  let round = 0;
  let done = false;
  const count = () => {
    round += 1;
    if (!done) setImmediate(count);
  };
  const seen: number[] = [];
  const one = async () => {
    for (let i = 0; i < 5; i++) {
      await turn();
      seen.push(round);
      rounds.add(round);
    }
  };
  setImmediate(count);
  await Promise.all([one(), one(), one()]);
  done = true;
  assert.deepEqual([rounds.size, seen.length], [15, 15], `${seen}`);
});

test("texts are kept within their bound, made once, and made again where that failed", async () => {
  const held = createHeld(10);
  let count = 0;
  const of = (text: string) => async () => {
    count += 1;
    if (text === "") throw new Error("no");
    return Buffer.from(text);
  };
  const text = async (key: object, made: string) => String(await held.get(key, of(made)));
  const [a, b, c] = [{}, {}, {}];
  assert.deepEqual(await Promise.all([text(a, "12345"), text(a, "other")]), ["12345", "12345"]);
  assert.equal(count, 1);
  await text(b, "1234");
  await text(a, "other");
  await text(c, "123");
  assert.equal(await text(a, "other"), "12345");
  assert.equal(await text(b, "new"), "new");
  const failing = {};
  await assert.rejects(held.get(failing, of("")));
  assert.equal(await text(failing, "1"), "1");
});
