import assert from "node:assert/strict";
import { test } from "node:test";
import { html, page } from "../../../src/http/html.ts";

const HOSTILE = `"'><script>alert(1)</script>&amp;<img src=x onerror=x>`;

test("text is escaped, markup is kept, false and undefined are left out", () => {
  const { markup } = html`<p title="${HOSTILE}">${HOSTILE}</p>${false}${undefined}${html`<b>${["a", html`<i>`, "<"]}</b>`}`;
  assert.equal(markup.match(/<script|<img/), null);
  assert.ok(markup.endsWith("</p><b>a<i>&#60;</b>"));
  assert.equal(markup.match(/"/g)?.length, 2, "the quotes are those of the attribute");
  assert.equal(markup.match(/'/), null);
});

test("a page runs no script, loads nothing and cannot be framed", () => {
  const { text, headers = {} } = page(HOSTILE, html`<p>x</p>`);
  const policy = headers["Content-Security-Policy"]!;
  assert.match(
    policy,
    /^default-src 'none'; style-src 'sha256-[\w+/]+=*'; base-uri 'none'; frame-ancestors 'none'; form-action 'self'$/,
  );
  assert.equal(headers["Cache-Control"], "no-store");
  assert.equal(headers["X-Frame-Options"], "DENY");
  assert.doesNotMatch(String(text), /<script|<link|<img|@import|url\(|https?:/);
});
