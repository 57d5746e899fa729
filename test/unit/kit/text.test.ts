import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { asciiDomain, canonicalDomain } from "../../../src/kit/domain.ts";
import { collapsed, composedJson, isVisible } from "../../../src/kit/text.ts";
import { zone } from "../../../src/kit/time.ts";
import { catalog } from "../../../src/records/all.ts";

test("JSON keys and values are normalized at any depth", () => {
  const deep = JSON.parse(`${'{"a":'.repeat(50_000)}"e\\u0301"${"}".repeat(50_000)}`);
  composedJson(deep);
  let at = deep;
  while (typeof at === "object") at = at.a;
  assert.equal(at, "\u00e9");
  assert.deepEqual(composedJson({ "e\u0301": ["o\u0308", { u: ["n\u0303"] }] }), { "\u00e9": ["\u00f6", { u: ["\u00f1"] }] });
  const forged = composedJson(JSON.parse('{"__proto__":{"e\\u0301":1},"o\\u0308":2}')) as object;
  assert.deepEqual(Object.keys(forged), ["__proto__", "\u00f6"]);
  assert.equal(Object.getPrototypeOf(forged), Object.prototype);
});

test("normalizing twice changes nothing, for every writable field", () => {
  const reading = { now: 0, zone: zone("UTC"), me: "ann@example.com" };
  const piece = fc.constantFrom(
    "www.",
    "a",
    "É",
    "e\u0301",
    "xn--mnchen-3ya",
    "xn--",
    "ü",
    ".",
    "@",
    " ",
    "\t",
    "\u00a0",
    "ς",
    "İ",
    "１",
    "http://",
    "/x",
    "me",
    "+",
    "-",
    "\u200b",
    "org",
    "com",
  );
  const kinds = catalog.kinds.flatMap(({ fields }) =>
    fields.filter(({ type, readOnly }) => type.sqlType === "text" && !type.names && !readOnly),
  );
  for (const { name, type } of kinds) {
    fc.assert(
      fc.property(
        fc.array(piece, { maxLength: 8 }).map((parts) => parts.join("")),
        (text) => {
          const once = type.fromText(text);
          if (!type.schema.safeParse(once).success) return;
          assert.equal(type.fromText(once as string), once, name);
          const stored = type.toColumn(once, reading) as string;
          assert.equal(type.toColumn(type.fromText(stored), reading), stored, name);
          const filter = type.predicate("eq", [text], reading);
          if (type.name !== "email") assert.deepEqual(filter, { is: "eq", value: stored }, name);
        },
      ),
      { seed: 6 },
    );
  }
});

test("an invalid domain stays as it is", () => {
  for (const domain of ["xn--a.com", "xn--abc-.com", "1.2.3", "a_b.example"]) assert.equal(canonicalDomain(domain), domain);
  assert.equal(canonicalDomain("ＭÜNCHEN。example"), "münchen.example");
  assert.equal(asciiDomain("münchen.example"), "xn--mnchen-3ya.example");
  assert.equal(asciiDomain(`${"ü".repeat(80)}.com`), undefined);
});

test("white space collapses, and invisible text is not visible", () => {
  assert.equal(collapsed(" \u3000a \u200b b\n"), "a b");
  assert.equal(collapsed("❤️"), "❤️");
  for (const text of ["", " ", "\u200b\u200d", "\u3164", "\u2800", "\u202e\ufeff"]) assert.equal(isVisible(text), false);
  for (const text of ["a", "❤️", "\u0301", "."]) assert.equal(isVisible(text), true);
});
