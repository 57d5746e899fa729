import assert from "node:assert/strict";
import { after, describe, test } from "node:test";
import { OPERATORS, type Operator } from "../../src/fields/predicate.ts";
import { type Field, type Kind, type Link, membersOf } from "../../src/records/kind.ts";
import { definitions, inTurns, leastOf, post, settable, startWorld } from "../helpers/dictionary.ts";
import { assertRefused, type Json } from "../helpers/lines.ts";
import { valuesOf } from "../helpers/values.ts";

/** A filter one step over a link finds the records whose linked record the same filter finds in its own list. */

const { service, ann, world } = await startWorld();
after(() => service.close());
const ALL_OPERATORS = Object.keys(OPERATORS) as Operator[];

/** Linked records get different values in every field; of each kind some records link to each of them, and one to none. */
for (const kind of new Set([...definitions, ...definitions.flatMap(({ links }) => links.map(({ target }) => target))])) {
  const linked = world.linked.get(kind.name) ?? [];
  for (const [at, { id }] of linked.entries()) {
    const body = settable(kind).flatMap((field, i) => {
      const rung = (at + i) % 4;
      const kept = field.name === kind.title || field.name === kind.naturalKey || field.type.link;
      return kept || rung === 3 ? [] : [[field.name, valuesOf(field, world).ladder[rung]]];
    });
    const patched = await ann.send("PATCH", `/${kind.plural}/${id}`, Object.fromEntries(body));
    assert.equal(patched.status, 200, patched.text);
  }
}
for (const kind of definitions) {
  for (const turn of [0, 1, 2, 3]) {
    const links = kind.links.flatMap((link, i) => {
      const to = world.linked.get(link.target.name)![(turn + i) % 4];
      return to ? [[link.id.name, to.id]] : [];
    });
    // What touches others counts, where only some of it does.
    const counts = (kind.touches ?? []).flatMap(({ only }) => (only && turn > 0 ? [[only.field, only.is[0]]] : []));
    await post(ann, kind, { ...leastOf(kind, world), ...Object.fromEntries([...links, ...counts]) });
  }
}

async function items(path: string, ...parameters: [string, string][]): Promise<Json[]> {
  const reply = await ann.send("GET", `${path}?format=json&limit=200&${new URLSearchParams(parameters)}`);
  assert.equal(reply.status, 200, `${path} ${parameters} ${reply.text}`);
  return reply.json().items;
}

/** What the linked records hold there makes a filter divide them. */
function operandOf(operator: Operator, values: readonly unknown[]): string {
  if (operator === "is" || operator === "not") return "null";
  const texts = [...new Set(values.map((value) => (Array.isArray(value) ? value.join(",") : String(value))))].sort();
  const middle = texts[Math.floor(texts.length / 2)] ?? "none";
  return operator === "has" ? middle.split(",")[0]! : operator === "in" ? JSON.stringify(middle) : middle;
}

const isAbsent = (value: unknown) => value === null || JSON.stringify(value) === "[]" || JSON.stringify(value) === "{}";

async function assertLikeOwnList(
  kind: Kind,
  link: Link,
  field: Field,
  operator: Operator,
  targets: readonly Json[],
  rows: readonly Json[],
) {
  const own = `${link.name}.${field.name}`;
  const values = targets.map((item) => item[field.name]).filter((value) => !isAbsent(value));
  const value = `${operator}:${operandOf(operator, values)}`;
  if (!field.type.operators.includes(operator)) {
    const reply = await ann.send("GET", `/${kind.plural}?${new URLSearchParams([[own, value]])}`);
    return assertRefused(reply, 400, "invalid_op", `${kind.plural} ${own}=${value}`);
  }
  const fitting = new Set((await items(`/${link.target.plural}`, [field.name, value])).map(({ id }) => id));
  const unlinked = operator === "ne" || operator === "is";
  const expected = rows.filter((row) => (row[link.id.name] === null ? unlinked : fitting.has(row[link.id.name] as string)));
  const found = await items(`/${kind.plural}`, [own, value]);
  const ids = (list: readonly Json[]) => list.map(({ id }) => id as string).sort();
  assert.deepEqual(ids(found), ids(expected), `${kind.plural}?${own}=${value}`);
}

for (const kind of definitions.filter(({ links }) => links.length > 0)) {
  describe(kind.plural, () => {
    test("every operator of every field of every linked record works as in its own list", async () => {
      const rows = await items(`/${kind.plural}`);
      for (const link of kind.links) {
        const all = link.target.fields.map(({ name }) => name).join(",");
        const targets = await items(`/${link.target.plural}`, ["fields", all]);
        // No living record has a time of deletion; what follows from a later deed no record of the world has.
        const follows = ({ name, kept, computed }: Field) =>
          (kept || computed) && targets.every((item) => isAbsent(item[name]));
        const fields = link.target.fields.filter((field) => field.name !== "deleted_at" && !follows(field));
        const cases = fields.flatMap((field) => ALL_OPERATORS.map((operator) => ({ field, operator })));
        await inTurns(cases, ({ field, operator }) => assertLikeOwnList(kind, link, field, operator, targets, rows));
      }
    });

    test("a misspelt field, a second step and a value that does not fit are refused by the whole name", async () => {
      for (const { name, target } of kind.links) {
        const first = target.fields.find(({ type, readOnly }) => !readOnly && type.operators.includes("eq"))!;
        const misspelt = await ann.send("GET", `/${kind.plural}?${name}.${first.name}x=1`);
        assertRefused(misspelt, 400, "invalid_filter", misspelt.text);
        assert.match(misspelt.text, new RegExp(`did you mean ${name}\\.${first.name}\\b`));
        const field = target.fields.find(({ type }) => type.sqlType === "timestamptz")!;
        const unread = await ann.send("GET", `/${kind.plural}?${name}.${field.name}=nonsense`);
        assert.match(unread.text, new RegExp(`^ERROR invalid_value ${name}\\.${field.name} cannot be`));
        const [second] = target.links;
        if (!second) continue;
        const far = await ann.send("GET", `/${kind.plural}?${name}.${second.name}.${second.target.title}=x`);
        assertRefused(far, 400, "invalid_filter", far.text);
        assert.match(far.text, /one step over a link/);
      }
    });

    test("a token that may not read the linked kind is refused, whatever it asks", async () => {
      const scopes = [`${kind.plural}.read`];
      const { token } = (await ann.send("POST", "/tokens?format=json", { name: "narrow", scopes })).json();
      for (const { name, target } of kind.links.filter((link) => link.target !== kind)) {
        for (const value of ["x", "is:null", "not:null", "ne:x"]) {
          const path = `/${kind.plural}?${name}.${target.title}=${value}`;
          const reply = await service.send("GET", path, undefined, { authorization: `Bearer ${token}` });
          assertRefused(reply, 403, "scope_required", path);
        }
      }
    });
  });
}

test("counts, orders, searches and pages go with filters over a link", async () => {
  const company = await post(ann, definitions.find(({ name }) => name === "company")!, {
    name: "Windworks",
    industry: "energy",
  });
  const made: string[] = [];
  for (const n of [3, 1, 2]) {
    const body = { title: `zebra ${n}`, amount_cents: n * 100, company_id: company.id };
    made.push((await ann.send("POST", "/deals?format=json", body)).json().id);
  }
  await ann.send("POST", "/deals", { title: "zebra 4" });
  const counted = await ann.send("GET", "/deals?company.industry=energy&count=true&sort=amount_cents");
  assert.match(counted.text, /zebra 1.*zebra 2.*zebra 3.*# sum amount_cents=600 currency=USD deals=3\n# 3 of 3 deals\n$/s);
  assert.deepEqual((await items("/deals", ["company.industry", "energy"], ["search", "zebra"])).length, 3);
  assert.deepEqual(
    (await items("/deals", ["company[industry]", "energy"], ["company_filters[company.name]", "like:wind"])).length,
    3,
  );
  const walked: string[] = [];
  for (let cursor = ""; ; ) {
    const reply = await ann.send("GET", `/deals?company.industry=energy&limit=1&format=json&cursor=${cursor}`);
    walked.push(...reply.json().items.map(({ id }: Json) => id));
    cursor = reply.json().next_cursor;
    if (!cursor) break;
  }
  assert.deepEqual(walked, made.toReversed());
});

test("members of the linked record's own fields are filters too", async () => {
  for (const kind of definitions) {
    for (const { name, id, target } of kind.links) {
      const [field] = membersOf(target);
      if (!field) continue;
      const linked = world.linked.get(target.name)![0]!;
      const patched = await ann.send("PATCH", `/${target.plural}/${linked.id}`, { [field.name]: { seats: 12 } });
      assert.equal(patched.status, 200, patched.text);
      const rows = await items(`/${kind.plural}`);
      const having = await items(`/${kind.plural}`, [`${name}.${field.name}.seats`, "gt:10"]);
      assert.equal(having.length, rows.filter((row) => row[id.name] === linked.id).length);
      const without = await items(`/${kind.plural}`, [`${name}.${field.name}.seats`, "is:null"]);
      assert.equal(having.length + without.length, rows.length);
    }
  }
});
