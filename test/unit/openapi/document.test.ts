import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { readRecord } from "../../../src/derive/body.ts";
import { bodyExample, type Operation } from "../../../src/derive/operation.ts";
import { refusalsOf } from "../../../src/derive/refusals.ts";
import { readValues } from "../../../src/derive/values.ts";
import { FORMATS } from "../../../src/formats/all.ts";
import { PROBLEMS } from "../../../src/kit/problem.ts";
import { zone } from "../../../src/kit/time.ts";
import { openApi, operationId } from "../../../src/openapi/document.ts";
import type { Json } from "../../../src/openapi/names.ts";
import { toldPath } from "../../../src/openapi/parameters.ts";
import { shownKinds } from "../../../src/openapi/schemas.ts";
import { catalog } from "../../../src/records/all.ts";
import type { Kind } from "../../../src/records/kind.ts";
import { createRoutes } from "../../../src/routes/table.ts";
import { assertGolden } from "../../helpers/golden.ts";
import { operationsOf, readOpenApi } from "../../helpers/openapi.ts";
import { SHOWN_URL } from "../../helpers/transcript.ts";

const routes = createRoutes(catalog);
const ours = routes.filter(({ standard }) => !standard);
const kinds = shownKinds(routes);
const document = openApi({ routes, catalog, baseUrl: SHOWN_URL, version: "0.0.0", formats: FORMATS });
const { schemas, parameters } = document["components"] as Record<"schemas" | "parameters", Record<string, Json>>;
const reader = readOpenApi(document);

const toldOf = ({ method, path }: Operation): Json =>
  operationsOf(document).find((each) => each.method === method && each.path === toldPath(path, kinds))!.operation;

const parametersOf = (route: Operation): Json[] => (toldOf(route)["parameters"] as Json[]).map(reader.resolve);

function bodyNames(route: Operation): string[] {
  const { content } = (toldOf(route)["requestBody"] ?? {}) as Record<string, Record<string, { schema: Json }>>;
  const { schema } = content?.["application/json"] ?? {};
  return schema ? Object.keys(reader.resolve(schema)["properties"] as Json) : [];
}

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
  assert.deepEqual(told.sort(), ours.map(({ method, path }) => `${method} ${toldPath(path, kinds)}`).sort());
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

test("every operation says what it does, in words of its own, before all else", () => {
  const descriptions = new Set<unknown>();
  for (const route of ours) {
    const { description, summary } = toldOf(route);
    assert.equal(summary, route.about);
    assert.equal(String(description).slice(0, route.about.length).toLowerCase(), route.about.toLowerCase());
    descriptions.add(description);
  }
  assert.equal(descriptions.size, ours.length);
});

test("whatever an operation takes has a name that a function's argument may have, and no other of its arguments has", () => {
  for (const route of ours) {
    const { operationId: name } = toldOf(route);
    assert.match(String(name), /^[a-zA-Z0-9_-]{1,64}$/);
    const names = [...parametersOf(route).map((each) => String(each["name"])), ...bodyNames(route)];
    for (const each of names) assert.match(each, /^[a-zA-Z0-9_.-]{1,64}$/, String(name));
    assert.equal(new Set(names.map((each) => each.toLowerCase())).size, names.length, `${name}: ${names}`);
  }
});

test("nothing has a default, which generated types would require and clients fill in", () => {
  assert.doesNotMatch(JSON.stringify(document), /"default":/);
});

test("a filter takes a value, an operator before it, and several of them", () => {
  const filtered = ours.filter(({ filters }) => filters && !filters.bulk);
  for (const route of filtered) {
    const names = route.filters!.of.fields.filter(({ type }) => type.operators.length > 0).map(({ name }) => name);
    const told = parametersOf(route).filter(({ name }) => names.includes(String(name)));
    assert.equal(told.length, names.length);
    for (const { schema } of told)
      for (const value of ["lead", "in:lead,customer", ["gte:1", "lt:5"]])
        assert.equal(reader.fits(schema as Json, value), undefined);
  }
  assert.ok(filtered.length > catalog.kinds.length);
  for (const [name, value] of Object.entries({ "deal.amount_cents": 125000, "task.done": true, "contact.version": 3 }))
    assert.equal(reader.fits(parameters[name]!["schema"] as Json, value), undefined, name);
  assert.ok(reader.fits(parameters["deal.title"]!["schema"] as Json, 5), "a title is text");
});

test("filters on keys of custom are members of an object that are sent under their own names", () => {
  const { name, style, explode, schema } = parameters["custom_filters"]!;
  assert.deepEqual([name, style, explode], ["custom_filters", "form", true]);
  assert.equal(
    reader.fits(schema as Json, { "custom.seats": "gt:10", "custom.floor": 5, "custom.tier": "in:gold,silver" }),
    undefined,
  );
  assert.ok(reader.fits(schema as Json, { seats: "gt:10" }), "it would go out as seats=");
});

test("JSON is the first thing an operation answers that answers it at all, which generated clients ask for", () => {
  const contents = operationsOf(document).flatMap(({ operation }) =>
    Object.values(operation["responses"] as Json).map((each) =>
      Object.keys((reader.resolve(each as Json)["content"] ?? {}) as Json),
    ),
  );
  const both = contents.filter((types) => types.includes("application/json"));
  assert.deepEqual(new Set(both.map(([first]) => first)), new Set(["application/json"]));
});

test("what answers always hold is required, and what they never leave without a value is not nullable", () => {
  const choosing = new Set(
    ours.filter((route) => isChosen(route)).flatMap(({ answers }) => ("of" in answers ? [answers.of].flat() : [])),
  );
  for (const kind of kinds) {
    const { required = [], properties } = schemas[nameOf(kind.name)]!;
    const identity = ["id", "handle"];
    assert.deepEqual(required, choosing.has(kind) ? identity : kind.fields.map(({ name }) => name), kind.name);
    for (const name of identity.filter((each) => kind.field(each)))
      assert.ok(reader.fits((properties as Record<string, Json>)[name]!, null), `${kind.name}.${name}`);
    for (const field of kind.fields.filter(
      (each) => each.type.absent === undefined && !each.required && !each.readOnly && !each.always,
    ))
      assert.equal(
        reader.fits((properties as Record<string, Json>)[field.name]!, null),
        undefined,
        `${kind.name}.${field.name}`,
      );
  }
});

const isChosen = ({ filters, parameters: taken }: Operation) =>
  (filters !== undefined && !filters.only) || taken?.["fields"] !== undefined;

test("every refusal of an operation is told under its status, and means something", () => {
  const { error } = schemas["Problem"]!["properties"] as Record<string, Json>;
  for (const route of ours) {
    const responses = toldOf(route)["responses"] as Record<string, Json>;
    for (const code of refusalsOf(route)) {
      const { status, about } = PROBLEMS[code];
      assert.ok(
        String(responses[status]?.["description"]).split(", ").includes(code),
        `${route.method} ${route.path}: ${code}`,
      );
      assert.ok(String(error!["description"]).includes(`${status} \`${code}\` ${about}`), code);
    }
  }
});

test("every example is what its schema says", () => {
  let examples = 0;
  const hold = (where: string, { schema, example }: Json) => {
    if (example === undefined) return;
    assert.equal(reader.fits(schema as Json, example), undefined, where);
    examples += 1;
  };
  for (const { path, operation } of operationsOf(document)) {
    for (const each of operation["parameters"] as Json[]) hold(`${path} ${each["name"]}`, reader.resolve(each));
    const content = Object.entries(((operation["requestBody"] as Json)?.["content"] ?? {}) as Record<string, Json>);
    for (const [type, media] of content) hold(`${path} ${type}`, media);
    for (const response of Object.values(operation["responses"] as Json).map((each) => reader.resolve(each as Json)))
      for (const [type, media] of Object.entries((response["content"] ?? {}) as Record<string, Json>))
        hold(`${path} ${type}`, media);
  }
  assert.ok(examples > 10 * routes.length, `${examples}`);
});

test("every schema names types that JSON has", () => {
  const known = ["object", "array", "string", "number", "integer", "boolean", "null"];
  const types: unknown[] = [];
  JSON.stringify(schemas, (key, value) => {
    // A property may be called so, too, whose schema is an object.
    if (key === "type" && (typeof value === "string" || Array.isArray(value))) types.push(...[value].flat());
    return key === "example" || key === "examples" ? undefined : value;
  });
  assert.deepEqual([...new Set(types)].sort(), known.sort());
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

/** Of kinds that callers write, an answer may also tell of the write. */
const isWritten = ({ name }: Kind) => catalog.get(name) !== undefined;

for (const kind of kinds) {
  test(`every field of a ${kind.name} is told`, () => {
    const shown = schemas[nameOf(kind.name)]!["properties"] as Json;
    assert.deepEqual(Object.keys(shown), [
      ...kind.fields.map(({ name }) => name),
      ...(isWritten(kind) ? ["dry_run", "hint"] : []),
    ]);
    for (const { name, about } of kind.fields) assert.equal((shown[name] as Json)["description"], about);
  });
}

for (const kind of catalog.kinds) {
  describe(kind.plural, () => {
    test("what can be written is in the bodies, and only that", () => {
      const writable = kind.fields.filter(({ readOnly, sets }) => !readOnly || sets).map(({ name }) => name);
      for (const body of ["Create", "Patch"]) {
        const { properties, additionalProperties } = schemas[`${nameOf(kind.name)}${body}`]!;
        assert.deepEqual(Object.keys(properties as Json), [...writable, "version"]);
        assert.equal(additionalProperties, false);
      }
    });

    test("what can be filtered is a parameter of the list, and names its operators", () => {
      const list = operationsOf(document).find(({ method, path }) => method === "GET" && path === `/${kind.plural}`)!;
      for (const { name, type } of kind.fields) {
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
    if (!body || body.is === "file") continue;
    const values = bodyExample(body);
    if (body.is === "values") readValues(body, values, reading);
    else if (!(body.is === "create" && body.given)) readRecord(body.of, { values, form: false }, body.is === "patch", reading);
  }
});
