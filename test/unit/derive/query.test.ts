import assert from "node:assert/strict";
import { test } from "node:test";
import { type Parameters, readFields, readLimit, readListQuery, single } from "../../../src/derive/query.ts";
import { cents, choice, custom, link, required, tags, text, time } from "../../../src/fields/vocabulary.ts";
import { Problem, type ProblemCode } from "../../../src/kit/problem.ts";
import { zone } from "../../../src/kit/time.ts";
import { compile } from "../../../src/records/compile.ts";
import { defineRecord } from "../../../src/records/define.ts";

const declared = defineRecord({
  name: "boat",
  plural: "boats",
  prefix: "b",
  about: "Floats.",
  title: "name",
  fields: {
    name: required(text({ about: "its name", sort: true, search: true })),
    price: cents({ about: "what it costs", sort: true }),
    built: time({ about: "when it was built" }),
    rig: choice(["sloop", "ketch"], { about: "its masts" }),
    company_id: link("company", { about: "the yard" }),
    tags: tags({ about: "labels" }),
    custom: custom({ about: "more" }),
  },
  example: {},
});

const company = defineRecord({
  ...declared,
  name: "company",
  plural: "companies",
  prefix: "co",
  fields: { name: declared.fields.name! },
});
const boat = compile([declared, company]).get("boat")!;

const reading = { now: Date.parse("2026-06-10T12:00:00Z"), zone: zone("UTC"), me: "ann@example.com" };
const parse = (query: string) => [...new URLSearchParams(query)] as Parameters;
const read = (query: string) => readListQuery(boat, parse(query), reading);
const condition = (query: string) => {
  const [{ field, predicate } = assert.fail(), ...more] = read(query).conditions;
  assert.deepEqual(more, []);
  return { [field.name]: predicate };
};

function refused(code: ProblemCode, hint: RegExp, work: () => unknown): void {
  assert.throws(work, (problem) => {
    assert.ok(problem instanceof Problem);
    assert.equal(problem.code, code);
    assert.match(problem.hints.join("\n"), hint);
    return true;
  });
}

test("a filter is a predicate of its field", () => {
  const jane = { prefix: "co", key: "t4v6w8y0" };
  const cases: Record<string, unknown> = {
    "name=Jane": { name: { is: "eq", value: "Jane" } },
    "name=eq:Jane": { name: { is: "eq", value: "Jane" } },
    "name=Re: hello": { name: { is: "eq", value: "Re: hello" } },
    "name=:x": { name: { is: "eq", value: ":x" } },
    "name=constructor:x": { name: { is: "eq", value: "constructor:x" } },
    "name=eq:eq:x": { name: { is: "eq", value: "eq:x" } },
    "name=ne:x": { name: { is: "not", of: { is: "eq", value: "x" } } },
    "name=like:100%25": { name: { is: "contains", text: "100%" } },
    "name=is:null": { name: { is: "null" } },
    "name=not:null": { name: { is: "not", of: { is: "null" } } },
    'name=in:a, b ,"c, d","\\u0065"': { name: { is: "in", values: ["a", "b", "c, d", "e"] } },
    "price=gte:5": { price: { is: "gte", value: 5 } },
    "price=lt:-7": { price: { is: "lt", value: -7 } },
    "rig=SLOOP": { rig: { is: "eq", value: "sloop" } },
    "tags=a,b": { tags: { is: "holds", items: ["a", "b"] } },
    "tags=has:a": { tags: { is: "holds", items: ["a"] } },
    "company_id=company/CO_T4V6W8Y0": { company_id: { is: "refers", target: "company", to: [jane] } },
    "company=co_t4v6w8y0": { company_id: { is: "refers", target: "company", to: [jane] } },
    "company=ne:co_t4v6w8y0": { company_id: { is: "not", of: { is: "refers", target: "company", to: [jane] } } },
    "company=Acme": { company: { is: "eq", value: "Acme" } },
    "company=in:Acme,co_t4v6w8y0": { company: { is: "in", values: ["Acme", "co_t4v6w8y0"] } },
    "company=like:co_t4v6w8y0": { company: { is: "contains", text: "co_t4v6w8y0" } },
    "custom.a.b=is:null": { custom: { is: "member", key: "a.b", as: "text", of: { is: "null" } } },
  };
  for (const [query, expected] of Object.entries(cases)) assert.deepEqual(condition(query), expected, query);
});

test("a time is a second, a minute or a day, and every operator knows where it begins and ends", () => {
  const from = (value: string) => ({ is: "gte", value });
  const before = (value: string) => ({ is: "lt", value });
  const [day, next] = ["2026-06-10T00:00:00.000Z", "2026-06-11T00:00:00.000Z"];
  const cases: Record<string, unknown> = {
    "built=2026-06-10": { is: "all", of: [from(day), before(next)] },
    "built=ne:today": { is: "not", of: { is: "all", of: [from(day), before(next)] } },
    "built=gt:today": from(next),
    "built=gte:today": from(day),
    "built=lt:today": before(day),
    "built=lte:today": before(next),
    "built=lt:-7d": before("2026-06-03T12:00:00.000Z"),
    "built=gte: 2w": from("2026-06-24T12:00:00.000Z"),
    "built=gte:now": from("2026-06-10T12:00:00.000Z"),
  };
  for (const [query, expected] of Object.entries(cases)) assert.deepEqual(condition(query), { built: expected }, query);
});

test("what a list does not know is refused by name", () => {
  const cases: [query: string, code: ProblemCode, hint: RegExp][] = [
    ["nmae=x", "invalid_filter", /did you mean name\? filter by: id, handle, name.*custom, custom\.<key>/],
    ["custom.a b=x", "invalid_filter", /keys are/],
    ["price=like:5", "invalid_op", /price knows: .*gte.*price=eq:like:/],
    ["custom=x", "invalid_op", /custom knows: is, not/],
    ["name=", "invalid_value", /name=is:null/],
    ["name=is:nil", "invalid_value", /name=is:null, or name=eq:is:/],
    ["name=in:a,,b", "invalid_value", /name=is:null/],
    ['name=in:"a', "invalid_value", /comma list/],
    ['name=in:"a"b', "invalid_value", /comma list/],
    ['name=in:"\\x"', "invalid_value", /comma list/],
    ["name=a%00", "invalid_value", /^name cannot hold/],
    ['name=in:"\\ud800"', "invalid_value", /^name cannot hold/],
    ["price=5.5", "invalid_value", /^price expects/],
    ["company_id=acme", "invalid_value", /^company_id expects the id of a company/],
    ["rig=yawl", "invalid_value", /one of sloop, ketch/],
    ["search=", "invalid_value", /search=acme/],
    ["sort=built", "invalid_sort", /sort by: name, price, created_at, updated_at; sort=-name/],
    ["sort=-nam", "invalid_sort", /did you mean name/],
    ["sort=", "invalid_sort", /sort by/],
    ["sort=--name", "invalid_sort", /sort by/],
    ["fields=name,pirce", "invalid_field", /did you mean price/],
    ["count=5", "invalid_value", /count=true/],
    ["limit=201", "invalid_value", /1 to 200/],
    ["sort=name&sort=price", "bad_request", /send sort once/],
  ];
  for (const [query, code, hint] of cases) refused(code, hint, () => read(query));
});

test("a list that is asked nothing has its own order, and 50 rows a page", () => {
  const { conditions, search, sort, limit, cursor, fields, count, identity } = read("");
  assert.deepEqual(
    { conditions, search, limit, cursor, fields, count, identity },
    {
      conditions: [],
      search: undefined,
      limit: 50,
      cursor: undefined,
      fields: undefined,
      count: false,
      identity: [],
    },
  );
  assert.deepEqual([sort.field.name, sort.descending, sort.asked], ["updated_at", true, false]);
});

test("a cursor holds for what decides on rows and order, and for nothing else", () => {
  const { identity } = read("sort=name&name=like:x&search=y");
  assert.deepEqual(
    read("search=y&name=like:x&sort=name&limit=7&cursor=c&fields=name&count=true&format=json&pretty").identity,
    identity,
  );
  for (const other of [
    "sort=name&name=like:x",
    "sort=-name&name=like:x&search=y",
    "sort=name&name=like:x&name=like:x&search=y",
  ])
    assert.notDeepEqual(read(other).identity, identity, other);
});

test("parameters that stand once, limits and fields", () => {
  assert.equal(single(parse("a=1&b=2"), "b"), "2");
  assert.equal(single(parse("a=1"), "b"), undefined);
  assert.deepEqual(
    [readLimit(undefined, 200), readLimit(undefined, 20), readLimit("200", 200), readLimit("007", 200)],
    [50, 20, 200, 7],
  );
  assert.deepEqual(
    readFields(boat, [
      ["fields", " price ,name"],
      ["fields", "price"],
    ])?.map(({ name }) => name),
    ["price", "name"],
  );
});

test("a list takes 30 filters, 200 values in all of them, and a search of 500 characters", () => {
  const many = (times: number, filter: string) => Array(times).fill(filter).join("&");
  assert.equal(read(many(30, "name=ne:x")).conditions.length, 30);
  refused("invalid_filter", /at most 30 filters/, () => read(many(31, "name=ne:x")));
  const values = (times: number) => Array.from({ length: times }, (_, i) => `x${i}`).join();
  for (const filter of ["name=in:", "tags=in:", "tags=", "custom.key=in:"]) read(filter + values(200));
  for (const filter of ["name=in:", "tags=in:", "tags=", 'tags=in:a,"']) {
    const end = filter.endsWith('"') ? '"' : "";
    refused("invalid_filter", /at most 200 values/, () => read(filter + values(201) + end));
  }
  refused("invalid_filter", /at most 200 values/, () => read(`custom.key=in:${values(500)}`));
  refused("invalid_filter", /at most 200 values/, () => read(`name=in:${values(150)}&name=in:${values(51)}`));
  const ids = (times: number) => Array.from({ length: times }, (_, i) => `b_${String(i).padStart(8, "0")}`).join();
  assert.equal(read(`id=in:${ids(200)}`).conditions.length, 1);
  refused("invalid_filter", /at most 200 values/, () => read(`id=in:${ids(201)}`));
  refused("invalid_filter", /at most 200 values/, () => read(`company_id=in:${ids(201).replaceAll("b_", "co_")}`));
  assert.equal(read(`search=${"a".repeat(500)}`).search?.length, 500);
  refused("invalid_value", /at most 500/, () => read(`search=${"a".repeat(501)}`));
});
