import assert from "node:assert/strict";
import { test } from "node:test";
import { headerMailbox, headerText } from "../../../src/kit/header.ts";

/** As a mail program reads it: white space between two encoded words is no part of the text (RFC 2047, section 6.2). */
const decoded = (header: string) =>
  header
    .replace(/\?=\s+=\?/g, "?==?")
    .replace(/=\?UTF-8\?B\?([\w+/=]*)\?=/g, (_, base64) => `<${Buffer.from(base64, "base64").toString()}>`)
    .replace(/></g, "");

test("non-ASCII text becomes encoded words of at most 75 characters, and decodes to the same text", () => {
  for (const text of ["Zoë invites you", "संपर्क करें", "名前".repeat(60), `a${"😀".repeat(50)}`, "=?UTF-8?B?QQ==?="]) {
    const header = headerText(text);
    assert.match(header, /^[ -~\r\n]+$/);
    assert.equal(decoded(header), `<${text}>`);
    for (const line of header.split("\r\n")) {
      assert.match(line, /^ ?=\?UTF-8\?B\?[\w+/=]+\?=$/);
      assert.ok(line.trim().length <= 75, line);
      const [, base64 = ""] = /\?B\?(.*)\?=$/.exec(line)!;
      assert.doesNotMatch(Buffer.from(base64, "base64").toString(), /\ufffd/, "no character is split between words");
    }
  }
  assert.equal(headerText("Cardfile code 123456"), "Cardfile code 123456");
});

test("a header value is one line without invisible characters", () => {
  assert.equal(headerText("x\r\nX-Evil: 1\0\u200b\u202e"), "x X-Evil: 1");
  assert.equal(headerText("a\u2028b\u2029c\u0085d"), "a b c d");
  assert.equal(headerMailbox("jane@acme.com\r\nBcc: eve@example.com"), "jane@acme.com Bcc: eve@example.com");
});

test("a mailbox has its name encoded and its domain in ASCII", () => {
  assert.equal(headerMailbox("jane@acme.com"), "jane@acme.com");
  assert.equal(headerMailbox("Acme CRM <crm@acme.com>"), "Acme CRM <crm@acme.com>");
  assert.equal(headerMailbox("Café <crm@acme.com>"), "=?UTF-8?B?Q2Fmw6k=?= <crm@acme.com>");
  assert.equal(headerMailbox('"Café" <crm@acme.com>'), "=?UTF-8?B?Q2Fmw6k=?= <crm@acme.com>");
  assert.equal(headerMailbox("info@münchen.example"), "info@xn--mnchen-3ya.example");
  assert.equal(headerMailbox("jörg@münchen.example"), "jörg@xn--mnchen-3ya.example");
});
