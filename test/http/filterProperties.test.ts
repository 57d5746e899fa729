import assert from "node:assert/strict";
import { after, describe, test } from "node:test";
import { OPERATORS, type Operator } from "../../src/fields/predicate.ts";
import { shortId } from "../../src/kit/id.ts";
import { parseTokens, unquote } from "../../src/kit/line.ts";
import type { Field, Kind } from "../../src/records/kind.ts";
import { change } from "../../src/views/change.ts";
import { definitions, inTurns, isUnique, leastOf, makeOwnKind, post, settable, startWorld } from "../helpers/dictionary.ts";
import { assertRefused, type Json } from "../helpers/lines.ts";
import { idForms, UNSTORABLE_TEXTS, valuesOf } from "../helpers/values.ts";

/** Every field takes every operator, or refuses it by name; and what a caller reads is what it can filter. */

const ROWS = 7;
const { service, ann, world } = await startWorld();
const kinds = [...definitions, await makeOwnKind(service, ann)];
for (const kind of kinds) await fill(kind);
after(() => service.close());

/** Rows in which each field takes each of its values, or none, in a turn of its own. */
async function fill(kind: Kind): Promise<void> {
  for (let row = 0; row < ROWS; row++) {
    const body = leastOf(kind, world);
    for (const [at, field] of settable(kind).entries()) {
      const rung = isUnique(kind, field) ? row : (row + at) % 4;
      if (rung < 3) body[field.name] = valuesOf(field, world).ladder[rung];
    }
    await post(ann, kind, body);
  }
}

const LISTS = [...kinds.map((kind) => ({ path: `/${kind.plural}`, kind })), { path: "/audit", kind: change }];
const ALL_OPERATORS = Object.keys(OPERATORS) as Operator[];

const ask = (path: string, parameters: [name: string, value: string][]) =>
  ann.send("GET", `${path}?format=json&limit=200&${new URLSearchParams(parameters)}`);

for (const { path, kind } of LISTS) {
  describe(path, () => {
    test("every operator of every field finds the rows that plain code finds, or is refused by name", async () => {
      const shown = kind.fields.map(({ name }) => name).join(",");
      const { items } = (await ask(path, [["fields", shown]])).json() as { items: Json[] };
      assert.ok(items.length >= ROWS);
      // No living record has a time of deletion; what follows from a later deed no record of the world has.
      const follows = ({ name, kept, computed }: Field) => (kept || computed) && items.every((item) => isAbsent(item[name]));
      const fields = kind.fields.filter((field) => field.name !== "deleted_at" && !follows(field));
      const cases = fields.flatMap((field) => ALL_OPERATORS.map((operator) => ({ field, operator })));
      await inTurns(cases, async ({ field, operator }) => {
        const operands = operandsFor(field, operator, items);
        const value = `${operator}:${operands.length > 1 ? operands.map((each) => JSON.stringify(each)).join(",") : operands[0]}`;
        const parameters: [string, string][] = [[field.name, value]];
        const context = `${path}?${field.name}=${value}`;
        if (!field.type.operators.includes(operator)) {
          const reply = await ann.send("GET", `${path}?${new URLSearchParams(parameters)}`);
          assertRefused(reply, 400, "invalid_op", context);
          const known = field.type.operators.join(", ");
          assert.match(
            reply.text,
            new RegExp(
              `^ERROR invalid_op ${field.name} .*\nHINT  ${known ? `${field.name} knows: ${known}` : "filter by another"}`,
            ),
          );
          return;
        }
        const reply = await ask(path, [...parameters, ["fields", "id"]]);
        assert.equal(reply.status, 200, `${context} ${reply.text}`);
        const found = (reply.json() as { items: Json[] }).items.map(({ id }) => id);
        const expected = items.filter((item) => finds(field, operator, operands, item)).map(({ id }) => id);
        assert.deepEqual(found.sort(), expected.sort(), context);
      });
    });

    test("a value that a field cannot read or store is refused by the field's name", async () => {
      const cases = kind.fields.flatMap((field) => {
        const { unreadable } = path === "/audit" ? { unreadable: [] } : valuesOf(field, world);
        const operators = field.type.operators.filter((operator) => !["is", "not", "like", "starts"].includes(operator));
        // Every operator and every text, not every pair.
        const longest = unreadable.length === 0 ? 0 : Math.max(unreadable.length, operators.length);
        const turns = Array.from({ length: longest }, (_, i) => i);
        const wrong = turns.map((i) => `${operators[i % operators.length]}:${unreadable[i % unreadable.length]}`);
        const unstorable = operators.includes("in") ? ["a\0b", `in:x,${JSON.stringify(UNSTORABLE_TEXTS.at(-1))}`] : [];
        const never = ["is:empty", "not:", "is:null,null"].filter((text) =>
          field.type.operators.includes(text.split(":")[0] as Operator),
        );
        return [...wrong, ...unstorable, ...never].map((value) => ({ field, value }));
      });
      await inTurns(cases, async ({ field, value }) => {
        const reply = await ann.send("GET", `${path}?${new URLSearchParams([[field.name, value]])}`);
        const context = `${field.name}=${JSON.stringify(value)}`;
        assert.equal(reply.status, 400, `${context} ${reply.text}`);
        assert.match(
          reply.text,
          new RegExp(`^ERROR (invalid_value|${field.type.refusal}) .*\n(HINT  .*\n)?HINT  .*${field.name}`),
          context,
        );
      });
    });
  });
}

/** The values among the rows that make a filter divide them. */
function operandsFor(field: Field, operator: Operator, items: readonly Json[]): string[] {
  if (operator === "is" || operator === "not") return ["null"];
  const texts = [
    ...new Set(items.filter((item) => !isAbsent(item[field.name])).map((item) => textOf(item[field.name]))),
  ].sort();
  const middle = texts[Math.floor(texts.length / 2)] ?? "none";
  if (operator === "in") return [middle, texts[0] ?? "neither"];
  if (operator === "has") return [middle.split(",").at(-1)!];
  if (operator === "starts") return [middle.slice(0, Math.ceil(middle.length / 2)).toUpperCase()];
  return [operator === "like" ? middle.slice(1).toUpperCase() || middle : middle];
}

const isAbsent = (value: unknown) => value === null || JSON.stringify(value) === "[]" || JSON.stringify(value) === "{}";
const textOf = (value: unknown) => (Array.isArray(value) ? value.join(",") : String(value));

/** A record is found by its main value and by each of its further ones. */
function finds(field: Field, operator: Operator, operands: readonly string[], item: Json): boolean {
  const values = [item[field.name], ...(field.list ? (item[field.list.name] as unknown[]) : [])];
  if (operator === "ne") return !finds(field, "eq", operands, item);
  const some = ["eq", "in", "like", "starts"].includes(operator);
  return (some ? values : values.slice(0, 1)).some((value) => holds(field, operator, operands, value));
}

/** What the contract says an operator means, in plain code. */
function holds(field: Field, operator: Operator, operands: readonly string[], value: unknown): boolean {
  const [first] = operands as [string];
  if (operator === "is") return isAbsent(value);
  if (operator === "not") return !isAbsent(value);
  if (operator === "ne") return !holds(field, "eq", operands, value);
  if (isAbsent(value)) return false;
  if (operator === "like") return folded(textOf(value).replaceAll(",", " ")).includes(folded(first.replaceAll(",", " ")));
  if (operator === "starts") {
    const texts = Array.isArray(value) ? value.map((_, at) => value.slice(at).join(" ")) : [textOf(value)];
    return texts.some((text) => folded(text).startsWith(folded(first.replaceAll(",", " "))));
  }
  if (Array.isArray(value)) {
    const items = operands.flatMap((operand) => operand.split(","));
    return operator === "in" ? items.some((item) => value.includes(item)) : items.every((item) => value.includes(item));
  }
  if (operator === "eq" || operator === "in")
    return operands.some((operand) => comparable(field, operand) === comparable(field, value));
  const [a, b] = [comparable(field, value), comparable(field, first)];
  return { gt: a > b, gte: a >= b, lt: a < b, lte: a <= b }[operator as string]!;
}

const folded = (text: string) => text.normalize("NFD").replace(/\p{M}/gu, "").toLowerCase();

function comparable({ type }: Field, value: unknown): string | number {
  if (["bigint", "integer", "numeric(18,6)"].includes(type.sqlType)) return Number(value);
  if (type.caseless) return String(value).toLowerCase();
  return type.sqlType === "timestamptz" ? Date.parse(String(value)) : String(value);
}

for (const kind of kinds) {
  test(`whatever a line of ${kind.plural} shows finds the record again`, async () => {
    const values = settable(kind).map((field) => ({ field, samples: valuesOf(field, world).samples }));
    const turns = Array.from({ length: 4 }, (_, turn) => turn);
    await inTurns(turns, async (turn) => {
      const body = leastOf(kind, world);
      for (const { field, samples } of values) {
        // Seven is prime to the number of most samples, so that the turns and the kinds meet different ones; a long text is no query.
        const { sent } = samples[(turn * 7 + field.name.length + kinds.indexOf(kind)) % samples.length]!;
        if (!isUnique(kind, field) && JSON.stringify(sent).length < 1000) body[field.name] = sent;
      }
      const { id } = await post(ann, kind, body);
      const [line = ""] = (await ann.send("GET", `/${kind.plural}/${id}`)).lines;
      const { head, tokens } = parseTokens(line);
      for (const [name, token] of [["handle", head], ["id", id], ...tokens] as const) {
        const parameters = new URLSearchParams([
          ["handle", head],
          [name, `eq:${unquote(token)}`],
        ]);
        const found = await ann.send("GET", `/${kind.plural}?${parameters}`);
        assert.deepEqual(found.lines.length, 1, `${name}=${token} ${found.text}`);
      }
    });
  });

  test(`every way to write an id finds ${kind.plural} and what is linked to them`, async () => {
    const { id, ...record } = await post(ann, kind, {
      ...leastOf(kind, world),
      ...Object.fromEntries(linksTo(kind)),
    });
    const own = [
      ["id", kind.name, id],
      ["handle", kind.name, id],
    ] as const;
    const linked = linksTo(kind).flatMap(([name, to]) => {
      const target = name.replace(/_id$/, "");
      return [
        [name, target, to],
        [target, target, to],
      ] as const;
    });
    assert.equal(record.handle, `${kind.name}/${shortId(id)}`);
    for (const [name, target, to] of [...own, ...linked]) {
      for (const form of idForms(target, to)) {
        const found = await ask(`/${kind.plural}`, [
          ["handle", id],
          [name, form],
        ]);
        assert.equal(found.json().items?.length, 1, `${name}=${form} ${found.text}`);
      }
      const all = idForms(target, to).join(",");
      const among = await ask(`/${kind.plural}`, [[name, `in:${all}`]]);
      assert.ok(
        (among.json().items as Json[]).some((item) => item.id === id),
        `${name}=in:${all}`,
      );
      const others = await ask(`/${kind.plural}`, [[name, `ne:${to}`]]);
      assert.ok(
        (others.json().items as Json[]).every((item) => item.id !== id),
        `${name}=ne:${to}`,
      );
    }
  });

  test(`search looks at every search field of ${kind.plural}, whichever others are empty`, async () => {
    for (const field of kind.fields.filter(({ search, readOnly }) => search && !readOnly)) {
      const word = `zq${field.name.replaceAll("_", "")}${kind.name}`;
      const { id } = await post(ann, kind, {
        ...leastOf(kind, world),
        [field.name]: valuesOf(field, world).around!(word),
      });
      for (const path of [`/${kind.plural}?search=${word.toUpperCase()}`, `/search?q=${word}`]) {
        const { items } = (await ann.send("GET", `${path}&format=json`)).json() as {
          items: Json[];
        };
        assert.deepEqual(
          items.map((item) => item.id),
          [id],
          path,
        );
      }
    }
  });
}

/** A record for each link of this kind, by the field of its id. */
function linksTo(kind: Kind): [name: string, id: string][] {
  return settable(kind).flatMap(({ name, type }) => (type.link ? [[name, world.linked.get(type.link.target)![1]!.id]] : []));
}
