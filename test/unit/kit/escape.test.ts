import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { createEscape } from "../../../src/kit/escape.ts";

const numbered = (character: string) =>
  [...Array(character.length).keys()].map((i) => `\\u${character.charCodeAt(i).toString(16).padStart(4, "0")}`).join("");
const written = (character: string) =>
  character === '"' || character === "\\"
    ? `\\${character}`
    : character === "\t"
      ? "\\t"
      : character === "\n"
        ? character
        : numbered(character);
const escaped = createEscape('"\\\\\\p{Cc}\\p{Cf}\\p{Cs}\\p{Default_Ignorable_Code_Point}', written);
const plainly = (text: string) => text.replace(/["\\\p{Cc}\p{Cf}\p{Cs}\p{Default_Ignorable_Code_Point}]/gu, written);

test("long texts are escaped as short ones are, whatever they hold", () => {
  const unit = fc.oneof(
    fc.constantFrom(
      '"',
      "\\",
      "\n",
      "\t",
      "\u0001",
      "\u007f",
      "é",
      "中",
      "\u200b",
      "\ud800",
      "\udc00",
      "😀",
      "\u{e0041}",
      "\u{1d173}",
      "a",
    ),
    fc.string({ unit: "binary", minLength: 1, maxLength: 1 }),
  );
  const long = fc.tuple(fc.string({ unit }), fc.constantFrom("x", "é", "中 ", '"', "😀"), fc.string({ unit }));
  fc.assert(
    fc.property(long, ([before, filling, after]) => {
      const text = before + filling.repeat(2_000) + after;
      assert.equal(escaped(text), plainly(text));
    }),
    { numRuns: 60 },
  );
  for (const end of ["\ud800", "\udc00", "\ud800\ud800", "\u{10ffff}", "\u{e0041}"])
    assert.equal(escaped("中".repeat(2_000) + end), plainly("中".repeat(2_000) + end));
});
