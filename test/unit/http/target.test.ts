import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { pageAt, readParameters, readTarget } from "../../../src/http/target.ts";
import { Problem } from "../../../src/kit/problem.ts";

const read = (url: string) => {
  const { segments, parameters } = readTarget(url);
  return [segments, parameters];
};

test("a target splits into path segments and parameters, decoded once", () => {
  const cases: Record<string, unknown> = {
    "/": [[""], []],
    "": [[], []],
    "/contacts": [["contacts"], []],
    "/contacts/": [["contacts"], []],
    "/contacts//x": [["contacts", "", "x"], []],
    "/a%2Fb/c%20d": [["a/b", "c d"], []],
    "/a+b": [["a+b"], []],
    "/a%2520": [["a%20"], []],
    "/x?a=1&b=&c&=d&&a=2": [
      ["x"],
      [
        ["a", "1"],
        ["b", ""],
        ["c", ""],
        ["", "d"],
        ["a", "2"],
      ],
    ],
    "/x?a=b=c&d=%3D%26%2B+%20": [
      ["x"],
      [
        ["a", "b=c"],
        ["d", "=&+  "],
      ],
    ],
    "/x?q=%E2%80%A8%00": [["x"], [["q", "\u2028\0"]]],
    "/x?y#z?w": [["x"], [["y", ""]]],
    "/x?a?b=c": [["x"], [["a?b", "c"]]],
    "http://evil.example/contacts?a=1": [["contacts"], [["a", "1"]]],
    "HTTPS://evil.example": [[], []],
    "//evil.example/x": [["evil.example", "x"], []],
    "//contacts": [["contacts"], []],
    "/../etc/passwd": [["..", "etc", "passwd"], []],
    "/%2e%2e/x": [["..", "x"], []],
  };
  for (const [url, expected] of Object.entries(cases)) assert.deepEqual(read(url), expected, url);
});

test("a malformed target is refused, never repaired", () => {
  const cases: [url: string, code: string][] = [
    ...["/%zz", "/%", "/x?a=%", "/x?%zz=a", "/%ff", "/x?a=%ED%A0%80", "/x?a=%C3", "*", "contacts", "ftp://x/y"].map(
      (url): [string, string] => [url, "bad_request"],
    ),
    [`/${"x".repeat(8_000)}`, "uri_too_long"],
  ];
  for (const [url, code] of cases)
    assert.throws(
      () => readTarget(url),
      (problem) => problem instanceof Problem && problem.code === code,
      url,
    );
});

test("parameters read back as URLSearchParams wrote them", () => {
  const pairs = fc.array(fc.tuple(fc.string(), fc.string()), { maxLength: 5 });
  // A third part is there where a space that the value begins with may have been a `+`.
  const read = (text: string) => readParameters(text).map(([name, value]) => [name, value]);
  fc.assert(
    fc.property(pairs, (written) => assert.deepEqual(read(new URLSearchParams(written).toString()), written)),
    { numRuns: 200, examples: [[[["", " 1"]]]] },
  );
});

test("the next page is at the same address with another cursor, and nothing of it ends a Link header", () => {
  const cases: Record<string, string> = {
    "/contacts": "/contacts?cursor=a%2Bb",
    "/contacts.csv?stage=lead&cursor=old&limit=2": "/contacts.csv?stage=lead&limit=2&cursor=a%2Bb",
    "/x?%63ursor=old&&q=%2B1+2": "/x?q=%2B1+2&cursor=a%2Bb",
    '/x?q=>"<;{é😀': "/x?q=%3E%22%3C;%7B%C3%A9%F0%9F%98%80&cursor=a%2Bb",
    "http://evil.example/x?a=1": "/x?a=1&cursor=a%2Bb",
  };
  for (const [url, expected] of Object.entries(cases)) assert.equal(pageAt(readTarget(url), "a+b"), expected, url);
});
