import assert from "node:assert/strict";
import { test } from "node:test";
import { createRouter } from "../../../src/http/router.ts";
import { Problem } from "../../../src/kit/problem.ts";

const paths = [
  "GET /",
  "GET /contacts",
  "POST /contacts",
  "GET /contacts/{id}",
  "PATCH /contacts/{id}",
  "GET /contacts/export",
  "GET /contacts/{id}/deals",
];
const routes = [...paths, "POST /companies/{id}/contacts/{role}"].map((line) => {
  const [method = "", path = ""] = line.split(" ");
  return { method, path };
});
const match = createRouter(routes, new Map([["contact", "contacts"]]));
const found = (method: string, path: string) => {
  const { route, path: values } = match(method, path.split("/").slice(1));
  return [`${route.method} ${route.path}`, values];
};

function refusal(method: string, path: string): Problem {
  try {
    match(method, path.split("/").slice(1));
  } catch (problem) {
    if (problem instanceof Problem) return problem;
  }
  return assert.fail(`${method} ${path} was not refused`);
}

test("a path finds its route, and a literal segment wins over a named one", () => {
  assert.deepEqual(found("GET", "/"), ["GET /", {}]);
  assert.deepEqual(found("GET", "/contacts"), ["GET /contacts", {}]);
  assert.deepEqual(found("POST", "/contacts"), ["POST /contacts", {}]);
  assert.deepEqual(found("GET", "/contacts/c_1"), ["GET /contacts/{id}", { id: "c_1" }]);
  assert.deepEqual(found("GET", "/contacts/export"), ["GET /contacts/export", {}]);
  assert.deepEqual(found("GET", "/contacts/export/deals"), ["GET /contacts/{id}/deals", { id: "export" }]);
  assert.deepEqual(found("POST", "/companies/co_1/contacts/boss"), [
    "POST /companies/{id}/contacts/{role}",
    { id: "co_1", role: "boss" },
  ]);
  assert.deepEqual(found("GET", "/contacts/__proto__"), ["GET /contacts/{id}", { id: "__proto__" }]);
});

test("a handle works as a path, and HEAD finds the GET route", () => {
  assert.deepEqual(found("GET", "/contact/c_1"), ["GET /contacts/{id}", { id: "c_1" }]);
  assert.deepEqual(found("GET", "/contact/c_1/deals"), ["GET /contacts/{id}/deals", { id: "c_1" }]);
  assert.deepEqual(found("HEAD", "/contacts"), ["GET /contacts", {}]);
});

test("an unknown method is refused with the allowed methods", () => {
  for (const [path, allow] of [
    ["/contacts", "GET, HEAD, POST"],
    ["/contacts/c_1", "GET, HEAD, PATCH"],
    ["/companies/c/contacts/x", "POST"],
  ] as const) {
    for (const method of ["DELETE", "TRACE", "get", "__proto__"]) {
      const { code, headers } = refusal(method, path);
      assert.deepEqual([code, headers], ["method_not_allowed", { Allow: allow }]);
    }
  }
  assert.equal(refusal("HEAD", "/companies/c/contacts/x").code, "method_not_allowed");
});

test("an unknown path is not found, with the nearest path as a hint", () => {
  for (const path of [
    "/contcats",
    "/contacts//deals",
    "/contacts/",
    "/contacts/c_1/deal",
    "/companies",
    "/companies/co_1",
    "/x/y",
    "/__proto__",
    "/Contacts",
  ])
    assert.equal(refusal("GET", path).code, "not_found", path);
  assert.match(refusal("GET", "/contcats").hints.join(" "), /did you mean \/contacts\?/);
  assert.doesNotMatch(refusal("GET", "/contacts//deals").hints.join(" "), /did you mean/);
});
