import assert from "node:assert/strict";
import { test } from "node:test";
import { isLoopback, redirectUriFault, sameRedirectUri, shownRedirect } from "../../../src/kit/redirectUri.ts";

test("https, loopback http and schemes of installed programs may be registered", () => {
  for (const uri of [
    "https://claude.ai/api/mcp/auth_callback",
    "https://example.com:8443/cb?a=b",
    "http://127.0.0.1:3456/callback",
    "http://localhost/cb",
    "http://[::1]:9/cb",
    "cursor://anysphere.cursor-mcp/oauth/callback",
    "com.example.app:/cb",
  ])
    assert.equal(redirectUriFault(uri), undefined, uri);
});

test("schemes that a browser runs or shows, and incomplete addresses, may not be registered", () => {
  for (const uri of [
    "",
    "/cb",
    "example.com/cb",
    "https://",
    "https:/example.com",
    "https:example.com",
    "https:\\\\example.com",
    "http://example.com/cb",
    "http://127.0.0.1.example.com/cb",
    "http://localhost@example.com/cb",
    "http://10.0.0.1/cb",
    "https://ann:secret@example.com/",
    "https://example.com/#",
    "https://example.com/cb#x",
    "https://example.com/a b",
    "https://example.com/\n",
    "https://exämple.com/",
    "javascript:alert(1)",
    "JavaScript://%0aalert(1)",
    "\u0001javascript:alert(1)",
    "java\nscript:alert(1)",
    "data:text/html,x",
    "vbscript:x",
    "file:///etc/passwd",
    "blob:https://example.com/x",
    "view-source:https://example.com",
    "about:blank",
    "intent://x#Intent;end",
    "ms-msdt:/id",
    "search-ms:query=x",
    "mailto:a@example.com",
    `https://example.com/${"x".repeat(2_000)}`,
  ])
    assert.notEqual(redirectUriFault(uri), undefined, uri);
});

test("redirect URIs compare letter by letter, except for a loopback port", () => {
  const same = (registered: string, asked: string) => sameRedirectUri(registered, asked);
  assert.ok(same("https://example.com/cb", "https://example.com/cb"));
  assert.ok(same("http://127.0.0.1/cb", "http://127.0.0.1:3456/cb"));
  assert.ok(same("http://localhost:1/cb?x=1", "http://localhost:2/cb?x=1"));
  assert.ok(same("http://[::1]:1/cb", "http://[::1]/cb"));
  for (const [registered, asked] of [
    ["https://example.com/cb", "https://example.com/cb/"],
    ["https://example.com/cb", "https://example.com/cb?x"],
    ["https://example.com/cb", "https://EXAMPLE.com/cb"],
    ["https://example.com/cb", "https://example.com:443/cb"],
    ["https://example.com/cb", "https://example.com/cb/../cb"],
    ["http://127.0.0.1/cb", "http://localhost/cb"],
    ["http://127.0.0.1/cb", "http://127.0.0.1:1/other"],
    ["http://127.0.0.1/cb", "https://127.0.0.1/cb"],
    ["http://127.0.0.1/cb", "http://127.0.0.1:1@example.com/cb"],
    ["http://127.0.0.1/cb", "http://127.0.0.1:80:80/cb"],
    ["app:/cb", "app:/cb2"],
  ] as const)
    assert.equal(same(registered, asked), false, asked);
});

test("a redirect URI shows as its host or its scheme", () => {
  assert.equal(shownRedirect("https://claude.ai/x"), "claude.ai");
  assert.equal(shownRedirect("http://127.0.0.1:3456/x"), "127.0.0.1:3456");
  assert.equal(shownRedirect("cursor://x/y"), "cursor:");
  assert.equal(isLoopback("https://localhost/cb"), false);
});
