import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { openApi, operationId } from "../../../src/derive/openapi.ts";
import { type Json, shownKinds } from "../../../src/derive/openapiSchemas.ts";
import { bodyExample } from "../../../src/derive/operation.ts";
import { readRecord } from "../../../src/derive/schema.ts";
import { readValues } from "../../../src/derive/values.ts";
import { zone } from "../../../src/kit/time.ts";
import { dictionary } from "../../../src/records/all.ts";
import type { RecordDefinition } from "../../../src/records/define.ts";
import { createRoutes } from "../../../src/routes/table.ts";
import { assertGolden } from "../../helpers/golden.ts";
import { operationsOf, readOpenApi } from "../../helpers/openapi.ts";
import { SHOWN_URL } from "../../helpers/transcript.ts";

const routes = createRoutes(dictionary);
const kinds = shownKinds(routes);
const document = openApi({ routes, dictionary, baseUrl: SHOWN_URL, version: "0.0.0" });
const { schemas, parameters } = document["components"] as Record<"schemas" | "parameters", Record<string, Json>>;
const nameOf = (kind: string) => kind.replace(/^./, (first) => first.toUpperCase());

test("the document is the one that was looked at", () => {
  assertGolden("openapi.json", `${indent(document, 5)}\n`);
});

/** What lies deeper than a screen has room for stands on one line. */
function indent(value: unknown, depth: number, margin = ""): string {
  if (typeof value !== "object" || value === null || depth === 0) return JSON.stringify(value);
  const inner = `${margin} `;
  const members = Array.isArray(value)
    ? value.map((each) => `${inner}${indent(each, depth - 1, inner)}`)
    : Object.entries(value).map(([name, each]) => `${inner}${JSON.stringify(name)}: ${indent(each, depth - 1, inner)}`);
  const [open, close] = Array.isArray(value) ? "[]" : "{}";
  return members.length === 0 ? `${open}${close}` : `${open}\n${members.join(",\n")}\n${margin}${close}`;
}

test("every route is in it that no other standard tells of, and nothing else", () => {
  const told = operationsOf(document).map(({ method, path }) => `${method} ${path}`);
  const ours = routes.filter(({ standard }) => !standard);
  assert.deepEqual(told.sort(), ours.map(({ method, path }) => `${method} ${path}`).sort());
});

test("every operation has a name of its own, and what its path names", () => {
  const names = routes.map((route) => operationId(route, kinds));
  assert.equal(new Set(names).size, names.length, names.sort().join(" "));
  for (const { path, operation } of operationsOf(document)) {
    const declared = (operation["parameters"] as Json[]).filter((each) => each["in"] === "path").map((each) => each["name"]);
    assert.deepEqual(
      declared,
      [...path.matchAll(/\{(\w+)\}/g)].map(([, name]) => name),
      path,
    );
  }
});

test("every reference leads somewhere, and every component is referred to", () => {
  const referred = new Set(
    [...JSON.stringify(document).matchAll(/"\$ref":"#\/components\/([^"]+)"/g)].map(([, name]) => name!),
  );
  const components = document["components"] as Record<string, Json>;
  const there = Object.entries(components)
    .filter(([group]) => group !== "securitySchemes")
    .flatMap(([group, members]) => Object.keys(members).map((name) => `${group}/${name}`));
  assert.deepEqual([...referred].sort(), there.sort());
});

/** A write may be told that it doubled a record, that a label is not the choice it reads like, or that it names nobody or nothing usual. */
const isHinted = ({ name, naturalKey, fields }: RecordDefinition) =>
  naturalKey !== undefined ||
  (fields.some(({ label }) => label) && fields.some(({ kind }) => kind.choices)) ||
  (dictionary.has(name) && fields.some(({ kind, readOnly }) => (kind.person && !readOnly) || kind.known));

for (const kind of kinds) {
  test(`every field of a ${kind.name} is told`, () => {
    const shown = schemas[nameOf(kind.name)]!["properties"] as Json;
    assert.deepEqual(Object.keys(shown), [...kind.fields.map(({ name }) => name), ...(isHinted(kind) ? ["hint"] : [])]);
    for (const { name, about } of kind.fields) assert.equal((shown[name] as Json)["description"], about);
  });
}

for (const kind of dictionary.values()) {
  describe(kind.plural, () => {
    test("what can be written is in the bodies, and only that", () => {
      const writable = kind.fields.filter(({ readOnly }) => !readOnly).map(({ name }) => name);
      for (const body of ["Create", "Patch"]) {
        const { properties, additionalProperties } = schemas[`${nameOf(kind.name)}${body}`]!;
        assert.deepEqual(Object.keys(properties as Json), [...writable, "version"]);
        assert.equal(additionalProperties, false);
      }
    });

    test("what can be filtered is a parameter of the list, and names its operators", () => {
      const list = operationsOf(document).find(({ method, path }) => method === "GET" && path === `/${kind.plural}`)!;
      for (const { name, kind: type } of kind.fields) {
        const parameter = parameters[`${kind.name}.${name}`];
        const referred = JSON.stringify(list.operation).includes(`"#/components/parameters/${kind.name}.${name}"`);
        assert.equal(parameter !== undefined && referred, type.operators.length > 0, name);
        if (parameter) assert.match(String(parameter["description"]), new RegExp(`Operators: ${type.operators.join(", ")}$`));
      }
    });
  });
}

test("every example of a body is taken", () => {
  const reading = { now: Date.parse("2026-06-01T08:12:44Z"), zone: zone("UTC"), me: "ann@example.com" };
  for (const { body } of routes) {
    if (!body) continue;
    const values = bodyExample(body);
    if (body.is === "values") readValues(body, values, reading);
    else if (!(body.is === "create" && body.given)) readRecord(body.of, { values, form: false }, body.is === "patch", reading);
  }
});

test("every example of an answer is what its schema says", () => {
  const { fits, responses } = readOpenApi(document);
  let examples = 0;
  for (const [name, response] of Object.entries(responses)) {
    const media = (response["content"] as Record<string, Json> | undefined)?.["application/json"];
    if (media?.["example"] === undefined) continue;
    assert.equal(fits(media["schema"] as Json, media["example"]), undefined, name);
    examples += 1;
  }
  assert.ok(examples > kinds.length);
});
