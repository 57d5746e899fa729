import assert from "node:assert/strict";
import { test } from "node:test";
import { readRecord } from "../../../src/derive/body.ts";
import { Problem, type ProblemCode } from "../../../src/kit/problem.ts";
import { zone } from "../../../src/kit/time.ts";
import { catalog } from "../../../src/records/all.ts";

const reading = { now: Date.parse("2026-06-10T12:00:00Z"), zone: zone("UTC"), me: "ann@example.com" };

const create = (kind: string, values: Record<string, unknown>) =>
  readRecord(catalog.get(kind)!, { values, form: false }, false, reading);
const patch = (kind: string, values: Record<string, unknown>) =>
  readRecord(catalog.get(kind)!, { values, form: false }, true, reading);
const form = (kind: string, values: Record<string, string>) =>
  readRecord(catalog.get(kind)!, { values, form: true }, true, reading);

function refused(code: ProblemCode, message: RegExp, work: () => unknown): void {
  assert.throws(work, (problem) => {
    assert.ok(problem instanceof Problem, String(problem));
    assert.deepEqual([problem.code, problem.hints.length > 0], [code, true]);
    assert.match(problem.message, message);
    return true;
  });
}

test("what was sent is what is written, read by the field's kind", () => {
  const values = { name: " Jane ", email: "JANE@Acme.com", owner: "me", tags: "a, b,a", follow_up_at: "tomorrow", stage: "" };
  assert.deepEqual(create("contact", values).sent, {
    name: "Jane",
    email: "jane@acme.com",
    owner: "ann@example.com",
    tags: ["a", "b"],
    follow_up_at: "2026-06-11T00:00:00.000Z",
    stage: null,
  });
  assert.deepEqual(create("contact", { name: "x", tags: [] }).sent, { name: "x", tags: null });
  assert.deepEqual(patch("deal", { amount_cents: "1200", currency: "eur", status: "WON", close_date: "today" }).sent, {
    amount_cents: 1200,
    currency: "EUR",
    status: "won",
    close_date: "2026-06-10",
  });
  assert.deepEqual(patch("task", { done: "yes", title: "null" }).sent, { done: true, title: "null" });
});

test("a form means the same as JSON, but for its want of types", () => {
  assert.deepEqual(form("task", { done: "true", due_at: "", notes: "null", tags: "a,b" }).sent, {
    done: true,
    due_at: null,
    notes: "null",
    tags: ["a", "b"],
  });
  assert.deepEqual(form("deal", { amount_cents: "null" }).sent, { amount_cents: null });
  const typed = {
    "custom.n": "5",
    "custom.f": "-1.5",
    "custom.t": "true",
    "custom.zip": "01234",
    "custom.gone": "",
    "custom.s": "x",
  };
  assert.deepEqual(form("contact", typed).sent.custom, { n: 5, f: -1.5, t: true, zip: "01234", gone: null, s: "x" });
  assert.deepEqual(form("contact", { custom: '{"a":[1]}', "custom.b": "2" }).sent.custom, { a: [1], b: 2 });
});

test("custom keys are sent whole or one by one", () => {
  assert.deepEqual(patch("contact", { custom: { a: 1 }, "custom.b.c": "5" }).sent.custom, { a: 1, "b.c": "5" });
  assert.deepEqual(patch("contact", { "custom.a": null }).sent.custom, { a: null });
  assert.deepEqual(patch("contact", { custom: null }).sent.custom, null);
  for (const custom of ["text", "[1]", 5, [1], true])
    refused("invalid_value", /^custom cannot be /, () => patch("contact", { custom, "custom.b": 1 }));
  refused("invalid_value", /^custom cannot be /, () => patch("contact", { "custom.a b": 1 }));
  refused("invalid_value", /^custom cannot be /, () => patch("contact", { "custom.__proto__": 1 }));
});

test("a new record gets its initial values, and its title from its natural key", () => {
  assert.deepEqual(create("deal", { title: "x", status: null }).initial, { status: "open" });
  assert.deepEqual(create("activity", { kind: "call", contact_id: "c_t4v6w8y0" }).initial, { at: "2026-06-10T12:00:00.000Z" });
  assert.deepEqual(create("contact", { email: "a@acme.com" }).initial, { name: "a@acme.com" });
  assert.deepEqual(create("contact", { email: "a@acme.com", name: "Ann" }).initial, {});
  assert.deepEqual(create("company", { domain: "https://acme.com/x", name: null }).initial, { name: "acme.com" });
  assert.deepEqual(patch("deal", { title: "x" }).initial, {});
});

test("a record that lacks what it needs is refused with an example", () => {
  refused("missing_field", /^a contact needs a name or an email$/, () => create("contact", { stage: "lead" }));
  refused("missing_field", /^a company needs a name or a domain$/, () => create("company", { name: "" }));
  refused("missing_field", /^a deal needs title/, () => create("deal", {}));
  refused("missing_field", /^an activity needs one of contact_id, company_id, deal_id$/, () =>
    create("activity", { kind: "call" }),
  );
  refused("missing_field", /^an activity needs one of/, () => create("activity", { kind: "call", contact_id: null }));
  refused("missing_field", /^a deal cannot be without title$/, () => patch("deal", { title: null }));
  refused("missing_field", /^a task cannot be without done$/, () => patch("task", { done: "" }));
});

test("a link is named by id, by name, or by both", () => {
  const id = { prefix: "co", key: "t4v6w8y0" };
  assert.deepEqual(patch("contact", { company_id: "company/CO_T4V6W8Y0" }).links, { company: { id } });
  assert.deepEqual(patch("contact", { company: "co_t4v6w8y0" }).links, { company: { id } });
  assert.deepEqual(patch("contact", { company: "Acme" }).links, { company: { name: "Acme" } });
  assert.deepEqual(patch("contact", { company: "Acme", company_id: "co_t4v6w8y0" }).links, { company: { name: "Acme", id } });
  assert.deepEqual(patch("contact", { company: null }).links, { company: null });
  assert.deepEqual(patch("contact", { company_id: "", company: "Acme" }).links, { company: { name: "Acme" } });
  assert.deepEqual(patch("contact", { company: "Acme", company_id: null }).links, { company: { name: "Acme" } });
  refused("invalid_value", /^company_id cannot be "Acme"$/, () => patch("contact", { company_id: "Acme" }));
});

test("a body names fields of its kind, writable ones, and the version it expects", () => {
  assert.deepEqual(patch("contact", { version: 3 }).versions, [3]);
  assert.deepEqual(form("contact", { version: "3" }).versions, [3]);
  assert.equal("versions" in patch("contact", {}), false);
  for (const version of ["x", 1.5, true, {}])
    refused("invalid_value", /^version is a whole number$/, () => patch("contact", { version }));
  refused("invalid_field", /^contacts have no field "nmae"$/, () => patch("contact", { nmae: "x" }));
  refused("invalid_field", /^contacts have no field "__proto__"$/, () => patch("contact", JSON.parse('{"__proto__":1}')));
  for (const name of ["id", "handle", "created_at", "created_by", "updated_at"])
    refused("invalid_field", new RegExp(`^${name} is read-only$`), () => patch("contact", { [name]: "x" }));
});

test("a value that does not fit is refused with the field's own code and its words", () => {
  refused("invalid_email", /^email cannot be "nobody"$/, () => patch("contact", { email: "nobody" }));
  refused("invalid_value", /^name cannot be the number 5$/, () => patch("contact", { name: 5 }));
  refused("invalid_value", /^tags cannot be the list "\[1\]"$/, () => patch("contact", { tags: [1] }));
  refused("invalid_value", /^amount_cents cannot be the number 1\.5$/, () => patch("deal", { amount_cents: 1.5 }));
  refused("invalid_value", /^follow_up_at cannot be "soon"$/, () => patch("contact", { follow_up_at: "soon" }));
  refused("invalid_value", /^follow_up_at cannot be "a\\nb"$/, () => patch("contact", { follow_up_at: "a\nb" }));
  refused("invalid_value", /^stage cannot be "x{80}"…$/, () => patch("contact", { stage: "x".repeat(501) }));
});
