import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import {
  customText,
  echo,
  formatLine,
  formatPairs,
  formatTokens,
  joinList,
  type Pair,
  parseCustomText,
  parseLine,
  parsePairs,
  parseTokens,
  quote,
  quotedParts,
  quoteIfNeeded,
  reveal,
  splitList,
  unquote,
} from "../../../src/kit/line.ts";

/** Written out on purpose and not imported: the ranges of what may never be seen raw on a line, beside controls and Cf. */
const unseen = [
  ...[0x034f, 0x034f, 0x115f, 0x1160, 0x17b4, 0x17b5, 0x180b, 0x180f, 0x200b, 0x200f, 0x2028, 0x202e, 0x2060, 0x206f],
  ...[0x3164, 0x3164, 0xd800, 0xdfff, 0xfdd0, 0xfdef, 0xfe00, 0xfe0f, 0xfeff, 0xfeff, 0xffa0, 0xffa0, 0xfff0, 0xfffb],
  ...[0xe0000, 0xe0fff],
];

function hasInvisible(text: string): boolean {
  return [...text].some((character) => {
    const codePoint = character.codePointAt(0) ?? 0;
    const isNoncharacter = (codePoint & 0xfffe) === 0xfffe;
    const isUnseen = unseen.some((first, i) => i % 2 === 0 && first <= codePoint && codePoint <= (unseen[i + 1] ?? 0));
    return isNoncharacter || isUnseen || /[\p{Cc}\p{Cf}]/u.test(character);
  });
}

const nasty = [
  ...[
    "\n",
    "\r",
    "\r\n",
    "\0",
    "\t",
    "\u0085",
    "\u2028",
    "\u2029",
    "\u202e",
    "\u2066",
    "\u200b",
    "\ufeff",
    "\ufe0f",
    "\u{e0041}",
  ],
  ...[
    "\ud800",
    "\udc00",
    "\ud83d",
    "\ufffe",
    '"',
    '\\"',
    "\\",
    "\\u000a",
    "=",
    " ",
    "  ",
    "\u00a0",
    "\u3000",
    ",",
    "#",
    "# ",
    "é",
    "👩‍🚀",
  ],
  ...["\n# 1 contacts", "\nERROR internal ", " name=forged", '" name="forged', "contact/c_t4v6w8y0 "],
];
const hostile = fc.string({
  unit: fc.oneof(fc.constantFrom(...nasty), fc.string({ unit: "binary", minLength: 1, maxLength: 1 })),
});
const head = fc.constantFrom("contact/c_t4v6w8y0", "#", "deal/d_1");
const pairs = fc.array(fc.tuple(fc.oneof(fc.constantFrom("name", "custom.a"), hostile), hostile));

/** Reads a line as a stranger's logfmt parser does: with the strings gone, each pair has left one space and one `=`. */
function pairCount(line: string): number {
  const plain = line.replace(/"(?:[^"\\]|\\.)*"/g, "v");
  assert.equal(plain.split(" ").length, plain.split("=").length, line);
  return plain.split("=").length - 1;
}

test("a value is bare or quoted as the contract says", () => {
  const written: [string, string][] = [
    ["jane@acme.com", "jane@acme.com"],
    ["saas,vip", "saas,vip"],
    ["#1:{'a'}/?&%;<>", "#1:{'a'}/?&%;<>"],
    ["Zoë", "Zoë"],
    ["山田", "山田"],
    ["🚀", "🚀"],
    ["", '""'],
    ["Jane Doe", '"Jane Doe"'],
    ["a=b", '"a=b"'],
    ['say "hi"', String.raw`"say \"hi\""`],
    ["C:\\x", String.raw`"C:\\x"`],
    ["a\nb\tc\u007f\u0085", String.raw`"a\nb\tc\u007f\u0085"`],
    ["a\u2028b\u2029", String.raw`"a\u2028b\u2029"`],
    ["\u202eevil\u2066", String.raw`"\u202eevil\u2066"`],
    ["\u200b\ufeff\u00ad\u2060", String.raw`"\u200b\ufeff\u00ad\u2060"`],
    ["❤\ufe0f", String.raw`"❤\ufe0f"`],
    ["x\u{e0041}", String.raw`"x\udb40\udc41"`],
    ["\ud83d", String.raw`"\ud83d"`],
    ["\ufffe\u{1ffff}", String.raw`"\ufffe\ud83f\udfff"`],
    ["a\u00a0b", '"a\u00a0b"'],
    ["a\u3000b", '"a\u3000b"'],
  ];
  for (const [text, token] of written) {
    assert.equal(quoteIfNeeded(text), token);
    assert.equal(unquote(token), text);
  }
});

test("every character of the basic plane and the ends of every plane read back", () => {
  const codePoints = Array.from({ length: 0x10000 }, (_, i) => i);
  for (let plane = 1; plane <= 16; plane++)
    codePoints.push(plane * 0x10000, plane * 0x10000 + 0xfffe, plane * 0x10000 + 0xffff);
  for (let tag = 0xe0000; tag < 0xe1000; tag++) codePoints.push(tag);
  for (const codePoint of codePoints) {
    const text = `a${String.fromCodePoint(codePoint)}b`;
    const token = quoteIfNeeded(text);
    assert.equal(unquote(token), text);
    assert.equal(hasInvisible(token), false, codePoint.toString(16));
    assert.equal(token === text, !/[\s"=\\]/.test(text) && !hasInvisible(text), codePoint.toString(16));
    assert.equal(JSON.parse(quote(text)), text);
  }
});

test("a line is one line, keeps its number of pairs, and reads back to the stored texts", () => {
  fc.assert(
    fc.property(head, pairs, (head, pairs) => {
      const line = formatLine(head, pairs);
      assert.deepEqual(parseLine(line), { head, pairs });
      assert.equal(hasInvisible(line), false);
      assert.equal(pairCount(line), pairs.length);
    }),
    { numRuns: 1000 },
  );
});

test("the contract's example line is written and read", () => {
  const line =
    'contact/c_t4v6w8y0 name="Jane Doe" email=jane@acme.com company_id=co_5h2k8m3q company="Acme Inc" stage=lead tags=saas,vip';
  const { head, pairs } = parseLine(line);
  assert.equal(head, "contact/c_t4v6w8y0");
  assert.deepEqual(Object.fromEntries(pairs)["company"], "Acme Inc");
  assert.equal(formatLine(head, pairs), line);
  assert.deepEqual(parseLine("contact/c_t4v6w8y0"), { head: "contact/c_t4v6w8y0", pairs: [] });
});

test("long values read back", () => {
  const long: Pair[] = ["x".repeat(100_000), "\n".repeat(100_000), '\\"'.repeat(50_000), "é ".repeat(50_000)].map((text) => [
    "k",
    text,
  ]);
  assert.deepEqual(parseLine(formatLine("h", long)).pairs, long);
});

test("a long value in parts is the same as at once", () => {
  const unit = fc.constantFrom("a", "é", "😀", "\ud800", "\u0001", '"', " ");
  const texts = fc.tuple(
    fc.string({ unit }),
    fc.constantFrom("x", "x ", "\u0001", "a😀"),
    fc.integer({ min: 65_530, max: 65_545 }),
    fc.string({ unit }),
  );
  fc.assert(
    fc.property(texts, ([start, filling, times, end]) => {
      const text = start + filling.repeat(times) + end;
      assert.equal([...quotedParts(text)].join(""), quoteIfNeeded(text));
    }),
    { numRuns: 40 },
  );
});

test("a line this grammar does not write is refused", () => {
  const malformed = [
    ...["", " ", " a=b", "h ", "h  a=b", "h a=b ", "h a=b  c=d", "h a", "h a=", "h =b", "h a=b=c", "h a==b"],
    ...[
      'h a="b',
      'h a="b\\"',
      'h a="b"c',
      'h a=b"c"',
      "h a=b\\c",
      'h a="\\q"',
      "h a=b\n",
      "h\ta=b",
      "h a=\u00a0",
      'h a="\u200b"',
    ],
    ...['h a="b\nc"', "h a=\ud800", '"h\u202e"', "# 3 contacts", "ERROR not_found there is none", "h=1"],
  ];
  for (const line of malformed) assert.throws(() => parseLine(line), SyntaxError, JSON.stringify(line));
});

test("pairs are written and read without a head, for logs", () => {
  const facts = { event: "listening", port: 8080, ready: true, host: null, data: undefined, why: "a b" };
  assert.equal(formatPairs(facts), 'event=listening port=8080 ready=true why="a b"');
  assert.equal(formatPairs({}), "");
  assert.deepEqual(parsePairs(""), []);
  for (const wrong of [" a=b", "a", 'a="\u200b"', 'a="\u0085"']) assert.throws(() => parsePairs(wrong), SyntaxError, wrong);
  fc.assert(
    fc.property(fc.dictionary(hostile, hostile), (facts) => {
      assert.deepEqual(parsePairs(formatPairs(facts)), Object.entries(facts));
    }),
  );
});

test("a list joins into one text and splits again", () => {
  assert.equal(joinList(["saas", "vip"]), "saas,vip");
  assert.equal(joinList(["Acme, Inc", "", '"q"']), String.raw`"Acme, Inc","","\"q\""`);
  assert.deepEqual(splitList('a,"b,c", d '), ["a", "b,c", " d "]);
  assert.deepEqual(splitList('a,5" pipe,'), ["a", '5" pipe', ""]);
  for (const wrong of ['"a', '"a"b', 'a,"\\q"']) assert.throws(() => splitList(wrong), SyntaxError, wrong);
  fc.assert(fc.property(fc.array(hostile), (items) => assert.deepEqual(splitList(joinList(items)), items)));
});

test("a custom value keeps its type on the line", () => {
  const written: [unknown, string][] = [
    [5, "5"],
    ["5", '"5"'],
    [true, "true"],
    ["true", '"true"'],
    [null, "null"],
    ["null", '"null"'],
    ["1e3", '"1e3"'],
    [1e21, "1e+21"],
    ["-0.5", '"-0.5"'],
    ["05", "05"],
    ["+5", "+5"],
    [" 5", '" 5"'],
    ["lead", "lead"],
    ["", '""'],
    ["two words", '"two words"'],
    [[1, 2], "[1,2]"],
    ["[1,2]", String.raw`"\"[1,2]\""`],
    ["[1,2", "[1,2"],
    [{}, "{}"],
    ["{}", String.raw`"\"{}\""`],
    [{ b: 1 }, String.raw`"{\"b\":1}"`],
    ['"', String.raw`"\""`],
    ['"x"', String.raw`"\"\\\"x\\\"\""`],
    [["\u200b"], String.raw`"[\"\u200b\"]"`],
  ];
  for (const [value, token] of written) {
    assert.equal(customText(value), token);
    assert.deepEqual(parseCustomText(token), value);
  }
});

test("any JSON value reads back from the line with its type", () => {
  // A JSON text as a string, and a string of that, are the values which a careless writer confuses.
  const nested = fc.oneof(
    fc.jsonValue(),
    fc.json(),
    fc.json().map((json) => JSON.stringify(json)),
    hostile,
    fc.array(hostile),
  );
  const values = nested.map((value): unknown => JSON.parse(JSON.stringify(value)));
  fc.assert(
    fc.property(values, fc.string(), (value, key) => {
      const line = formatTokens("h", [
        [key, customText(value)],
        ["next", "1"],
      ]);
      assert.equal(hasInvisible(line), false);
      assert.equal(pairCount(line), 2);
      const { tokens } = parseTokens(line);
      assert.equal(tokens[0]?.[0], key);
      assert.deepEqual(parseCustomText(tokens[0][1]), value);
    }),
    { numRuns: 2000 },
  );
});

test("an echo is quoted and short", () => {
  assert.equal(echo("stag"), '"stag"');
  assert.equal(echo("a\nERROR b"), String.raw`"a\nERROR b"`);
  assert.equal(echo("abcdef", 3), '"abc"…');
  assert.equal(echo("abc", 3), '"abc"');
  assert.equal(echo("ab🚀", 3), '"ab"…');
  assert.equal(echo("x".repeat(100_000)).length, 83);
  fc.assert(fc.property(hostile, (text) => assert.equal(hasInvisible(echo(text, 10)), false)));
});

test("revealing escapes invisible characters and keeps the JSON value and the line breaks", () => {
  const stored = 'tab\t cr\r \u2028 \u202e \u200b \ufeff \u{e0041} é 山 \u0085 \\ "';
  const shown = reveal(`${JSON.stringify({ stored }, null, 2)}\n`);
  assert.doesNotMatch(shown, /[^\P{C}\n]|[\u2028\u2029]/u);
  assert.equal(shown.split("\n").length, 4);
  assert.deepEqual(JSON.parse(shown), { stored });
  assert.equal(reveal("# plain\n"), "# plain\n");
});
