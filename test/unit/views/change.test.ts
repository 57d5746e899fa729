import assert from "node:assert/strict";
import { test } from "node:test";
import { unquote } from "../../../src/kit/line.ts";
import { zone } from "../../../src/kit/time.ts";
import { change } from "../../../src/views/change.ts";

const showing = { zone: zone("UTC") };
const { type } = change.field("changes")!;
const told = (before: object | null, after: object) => unquote(type.toLine([before, after] as never, showing));
const kept = (before: object | null, after: object) => JSON.parse(type.toJson([before, after] as never, showing));

test("a change is told field by field, before and after", () => {
  const before = {
    id: "c_1",
    version: 1,
    updated_at: "x",
    stage: "lead",
    title: null,
    tags: ["a"],
    custom: { seats: 5, tier: "gold" },
  };
  const after = {
    id: "c_1",
    version: 2,
    updated_at: "y",
    stage: "customer",
    title: "CTO",
    tags: ["a", "b"],
    custom: { seats: 6, more: [1] },
  };
  assert.equal(
    told(before, after),
    "stage: lead -> customer; title: null -> CTO; tags: a -> a,b; custom.seats: 5 -> 6; custom.tier: gold -> null; custom.more: null -> [1]",
  );
  assert.deepEqual(kept(before, after).title, { from: null, to: "CTO" });
  assert.deepEqual(kept(null, { name: "Jane", phone: null }), { name: { from: null, to: "Jane" } });
  assert.equal(told(before, before), "");
});

test("members are told by their names, whatever these mean to JavaScript", () => {
  const odd = JSON.parse('{"constructor": 1, "__proto__": 2, "toString": null}');
  const names = ["constructor", "__proto__"];
  for (const [before, after] of [
    [{}, odd],
    [odd, {}],
  ])
    assert.deepEqual(
      Object.keys(kept({ custom: before }, { custom: after })),
      names.map((name) => `custom.${name}`),
    );
  assert.equal(told({ custom: { rest: odd } }, { custom: { rest: odd } }), "");
});

test("it is one line, cut where values are long, and shows times and ids as lines do", () => {
  const line = type.toLine([null, { name: "a\nb", notes: `${"x".repeat(79)}😀y` }] as never, showing);
  assert.equal(line.includes("\n"), false);
  assert.equal(unquote(line), `name: null -> a\nb; notes: null -> ${"x".repeat(79)}…`);
  assert.equal(told({}, { company_id: "co_01k9x2v7m3q8r0s2t4v6w8y0za" }), "company_id: null -> co_v6w8y0za");
  const moved = [{ at: "2026-06-10T09:00:00+00:00" }, { at: "2026-06-10T09:00:01.5+00:00" }] as never;
  assert.equal(
    type.toLine(moved, { zone: zone("Europe/Berlin") }),
    '"at: 2026-06-10T11:00:00+02:00 -> 2026-06-10T11:00:01+02:00"',
  );
});

test("the history is filtered by ids without looking them up", () => {
  const ask = (name: string, text: string) =>
    change.field(name)!.type.predicate("eq", [text], { now: 0, me: "", zone: zone("UTC") });
  const short = {
    is: "all",
    of: [
      { is: "tail", text: "t4v6w8y0" },
      { is: "gte", value: "c_" },
      { is: "lt", value: "c`" },
    ],
  };
  assert.deepEqual(ask("record", "contact/C_T4V6W8Y0"), { is: "any", of: [short] });
  const id = "ch_01k9x2v7m3q8r0s2t4v6w8y0za";
  for (const name of ["id", "handle"])
    assert.deepEqual(ask(name, id), {
      is: "any",
      of: [
        {
          is: "all",
          of: [
            { is: "tail", text: "v6w8y0za" },
            { is: "eq", value: id },
          ],
        },
      ],
    });
  assert.equal(ask("record", "acme"), undefined);
});
