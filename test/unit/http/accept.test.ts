import assert from "node:assert/strict";
import { test } from "node:test";
import { FORMATS, SPEAKING } from "../../../src/formats/all.ts";
import { acceptedFormat } from "../../../src/http/accept.ts";

const nameOf = (accept: string | undefined) => acceptedFormat(accept, SPEAKING)?.name;

test("JSON is for who likes it better than text (RFC 9110, section 12.5.1)", () => {
  const json = [
    ...[
      "application/json",
      "APPLICATION/JSON",
      "application/json; charset=utf-8",
      "application/*",
      "text/html, application/json;q=0.1",
    ],
    ...["application/json, text/plain;q=0.9", "text/plain;q=0.5, application/json;q=0.6", "*/*;q=0.1, application/json"],
    ...[
      "text/*;q=0, */*",
      "text/plain;q=0, */*;q=0.5",
      "application/json ; q=1.0 , text/plain ; q=0.999",
      "application/json;q=x, text/plain;q=0.9",
    ],
  ];
  for (const accept of json) assert.equal(nameOf(accept), "json", accept);
});

test("on equal quality the type named first is chosen", () => {
  for (const accept of [
    "application/json, text/plain",
    "application/json, text/plain, */*",
    "application/json;q=0.5, text/*;q=0.5",
  ]) {
    assert.equal(nameOf(accept), "json", accept);
  }
});

test("text is chosen when anything is accepted", () => {
  const text = [
    ...[undefined, "", "*/*", "text/plain", "text/*", "garbage", ",", ";q=1", "/"],
    ...[
      "application/json;q=0",
      "text/plain, application/json",
      "application/json;q=0.5, */*",
      "text/*;q=0.5, application/json;q=0.5",
    ],
    ...["image/png;q=0", "text/csv, */*;q=0.1", "text/html, */*;q=0.8", "text/html, text/*;q=0.3"],
  ];
  for (const accept of text) assert.equal(nameOf(accept), "text", accept);
});

test("an Accept header without text or JSON gives no format", () => {
  for (const accept of [
    ...[
      "text/csv",
      "text/html",
      "image/png",
      "application/xml",
      "application/jsonx",
      "application/problem+json",
      "image/*, video/mp4",
    ],
    ...["application/json;q=0, application/*", "text/plain;q=0, text/*", "text/csv, application/json;q=0, text/plain;q=0"],
  ])
    assert.equal(nameOf(accept), undefined, accept);
});

test("a file is for who names its type, by whichever name", () => {
  const cases: Record<string, string | undefined> = {
    "text/csv": "csv",
    "application/x-ndjson": "ndjson",
    "application/ndjson": "ndjson",
    "text/x-vcard": "vcard",
    "text/vcard;version=4.0, */*;q=0.1": "vcard",
    "application/json;q=0.5, text/csv": "csv",
    "image/png, text/csv;q=0.2": "csv",
    "text/html": "html",
    "application/xml": "ubl",
    "text/csv, text/plain": "csv",
    "text/plain, text/csv": "text",
    "text/*": "text",
    "application/*": "json",
    "text/*, text/plain;q=0": "csv",
    "text/calendar": "ics",
    "image/png": undefined,
  };
  for (const [accept, name] of Object.entries(cases)) assert.equal(acceptedFormat(accept, FORMATS)?.name, name, accept);
});
