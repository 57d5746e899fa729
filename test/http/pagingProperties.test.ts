import assert from "node:assert/strict";
import { after, describe, test } from "node:test";
import { sql } from "../../src/postgres/sql.ts";
import type { Field, Kind } from "../../src/records/kind.ts";
import { definitions, inTurns, isUnique, leastOf, post, settable, startWorld } from "../helpers/dictionary.ts";
import { assertRefused, type Json } from "../helpers/lines.ts";
import type { Client } from "../helpers/service.ts";
import { valuesOf } from "../helpers/values.ts";

/** A walk over the pages of a list gives every row once, in the order that was asked for, whatever the rows hold. */

let clock = Date.parse("2026-06-10T12:00:00Z");
const ROWS = 13;
const { service, ann, world } = await startWorld({ now: () => clock });
for (const kind of definitions) for (let row = 0; row < ROWS; row++) await insert(kind, row);
after(() => service.close());

/** Rows with few different values, so that most of them tie, letter case aside, and many without any. */
async function insert(kind: Kind, row: number): Promise<void> {
  if (row % 4 === 0) clock += 1000;
  const body = leastOf(kind, world);
  for (const [at, field] of settable(kind).entries()) {
    const rung = isUnique(kind, field) ? row : (row * 3 + at) % 5;
    const value = valuesOf(field, world).ladder[rung];
    if (value === undefined) continue;
    body[field.name] = field.type.sortsFolded && row % 2 === 1 ? String(value).toUpperCase() : value;
  }
  await post(ann, kind, body);
}

type Page = { items: Json[]; next_cursor: string | null };

async function page(path: string, more: Record<string, string | number> = {}): Promise<Page> {
  const parameters = new URLSearchParams({ format: "json" });
  for (const [name, value] of Object.entries(more)) parameters.append(name, String(value));
  const reply = await ann.send("GET", `${path}${path.includes("?") ? "&" : "?"}${parameters}`);
  assert.equal(reply.status, 200, `${path} ${reply.text}`);
  return reply.json();
}

/** The ids of a whole walk. `between` is called after each page. */
async function walk(path: string, limit: number, between: () => Promise<void> = async () => {}): Promise<unknown[]> {
  const ids: unknown[] = [];
  let cursor: string | null = null;
  do {
    const { items, next_cursor }: Page = await page(path, { limit, ...(cursor && { cursor }) });
    assert.ok(next_cursor === null ? items.length <= limit : items.length === limit, `${path} gives full pages`);
    ids.push(...items.map(({ id }) => id));
    cursor = next_cursor;
    await between();
  } while (cursor !== null);
  return ids;
}

for (const kind of definitions) {
  const path = `/${kind.plural}`;
  describe(path, () => {
    test("is in the order of every sortable field both ways, page by page", async () => {
      const { items } = await page(path, { limit: 200, fields: kind.fields.map(({ name }) => name).join(",") });
      assert.ok(items.length >= ROWS);
      await inTurns(
        kind.fields.filter(({ sort }) => sort),
        async (field) => {
          const ascending = inOrder(items, field, 1);
          for (const limit of [1, 3]) assert.deepEqual(await walk(`${path}?sort=${field.name}`, limit), ascending, field.name);
          const descending = inOrder(items, field, -1);
          for (const limit of [2, 7])
            assert.deepEqual(await walk(`${path}?sort=-${field.name}`, limit), descending, field.name);
        },
      );
      const first = kind.fields.find(({ name }) => name === kind.order.replace("-", ""))!;
      assert.deepEqual(await walk(path, 5), inOrder(items, first, -1), "the default order");
    });

    test("has by its number each row that a walk has, and all of them counted", async () => {
      for (const { name } of kind.fields.filter(({ sort }) => sort)) {
        const ids = await walk(`${path}?sort=-${name}`, 200);
        for (const offset of [0, 1, 6, ids.length - 1, ids.length, 10_000]) {
          const { items, next_cursor, ...told } = await page(path, { sort: `-${name}`, offset, limit: 4, count: "true" });
          assert.deepEqual(
            items.map(({ id }) => id),
            ids.slice(offset, offset + 4),
            `${name} ${offset}`,
          );
          const { total, total_capped } = told as Json;
          assert.deepEqual([total, total_capped], [ids.length, false]);
          assert.equal(next_cursor === null, offset + 4 >= ids.length, "a cursor goes on from there");
          if (next_cursor === null) continue;
          const [next] = (await page(path, { sort: `-${name}`, cursor: next_cursor })).items;
          assert.equal(next?.id, ids[offset + 4], `${name} after ${offset}`);
        }
      }
    });

    test("never gives a row twice, nor leaves one out, while rows are inserted", async () => {
      for (const order of [kind.order, kind.title, `-${kind.title}`, "created_at"]) {
        if (!kind.fields.some(({ name, sort }) => sort && name === order.replace("-", ""))) continue;
        const before = (await page(path, { limit: 200 })).items.map(({ id }) => id);
        let row = 4;
        const walked = await walk(`${path}?sort=${order}`, 9, () => insert(kind, row++));
        assert.equal(new Set(walked).size, walked.length, `${order} repeats no row`);
        assert.deepEqual(
          before.filter((id) => !walked.includes(id)),
          [],
          `${order} leaves no row out`,
        );
      }
    });
  });
}

/** Empty values last, equal ones by id; both turn round with the direction, but for the place of the empty ones. */
function inOrder(items: readonly Json[], { name, type }: Field, direction: 1 | -1): unknown[] {
  const key = (item: Json) => {
    const value = item[name];
    return type.sortsFolded
      ? String(value).toLowerCase()
      : type.sqlType === "timestamptz"
        ? Date.parse(String(value))
        : (value as string | number);
  };
  const order = (a: string | number, b: string | number) => (a < b ? -direction : a > b ? direction : 0);
  return [...items]
    .sort((a, b) => {
      const empty = Number(a[name] === null) - Number(b[name] === null);
      return empty || (a[name] === null ? 0 : order(key(a), key(b))) || order(a.id as string, b.id as string);
    })
    .map(({ id }) => id);
}

test("other lists are walked just as well", async () => {
  const contact = world.linked.get("contact")![0]!.id;
  const lists = [
    "/contacts?search=alpha",
    "/deals?search=alpha&stage=alpha",
    "/contacts?stage=not:null",
    "/audit",
    "/audit?kind=deal&sort=at",
  ];
  await ann.send("PATCH", `/contacts/${contact}`, { title: "changed" });
  await ann.send("PATCH", `/contacts/${contact}`, { title: null });
  for (const list of [...lists, `/contacts/${contact}/history`, `/contacts/${contact}/deals`, "/reminders?days=3650"]) {
    const whole = await walk(list, 200);
    assert.ok(whole.length > 1, list);
    assert.equal(new Set(whole).size, whole.length, list);
    for (const limit of [1, 7]) assert.deepEqual(await walk(list, limit), whole, list);
  }
});

test("text shows the same cursor on its last line, and only when there is more", async () => {
  const first = await ann.send("GET", "/contacts?sort=name&limit=2");
  const cursor = /\n# 2 contacts\n# next: (\S+)\n$/.exec(first.text)?.[1] ?? "";
  assert.equal((await page("/contacts?sort=name&limit=2")).next_cursor, cursor);
  const rest = await ann.send("GET", `/contacts?sort=name&limit=200&fields=name&cursor=${cursor}`);
  const whole = await ann.send("GET", "/contacts?sort=name&limit=200&fields=name");
  assert.deepEqual(rest.lines, whole.lines.slice(2));
  assert.doesNotMatch(whole.text, /next/);
});

test("a cursor of another list, of other parameters, of another workspace or of nobody is refused", async () => {
  const bob = await service.signIn("bob@example.com");
  const [a, b] = world.linked.get("contact")!.map(({ id }) => id);
  for (const id of [a, b]) for (const title of ["one", "two"]) await ann.send("PATCH", `/contacts/${id}`, { title });
  const lists = [
    ...["/contacts?sort=name", "/contacts?sort=-name", "/contacts", "/contacts?sort=-updated_at", "/contacts?sort=email"],
    ...[
      "/contacts?sort=name&stage=alpha",
      "/contacts?sort=name&stage=eq:alpha",
      "/contacts?search=alpha",
      "/contacts?search=alpha&sort=name",
    ],
    ...definitions.filter(({ name }) => name !== "contact").map(({ plural }) => `/${plural}`),
    ...[`/contacts/${a}/deals`, `/contacts/${b}/deals`, "/audit", `/contacts/${a}/history`, `/contacts/${b}/history`],
    ...["/reminders?days=3650", "/reminders?days=3649", "/reminders?days=3650&kind=deal"],
  ];
  const refused = async (client: Client, list: string, cursor: string, context: string) => {
    const joint = list.includes("?") ? "&" : "?";
    const reply = await client.send("GET", `${list}${joint}limit=1&cursor=${encodeURIComponent(cursor)}`);
    assertRefused(reply, 400, "invalid_cursor", `${list} took ${context}`);
    assert.match(reply.text, /HINT {2}send it with the very parameters it came from/);
  };
  const walked = lists.filter((list) => list !== `/contacts/${b}/deals`);
  await inTurns(walked, async (list) => {
    const { next_cursor: cursor } = await page(list, { limit: 1 });
    assert.ok(cursor, `${list} has a second page`);
    for (const other of lists) if (other !== list) await refused(ann, other, cursor, `the cursor of ${list}`);
    if (!list.includes(`${a}`) && !list.includes(`${b}`)) await refused(bob, list, cursor, "the cursor of another workspace");
  });
  const { next_cursor } = await page("/contacts?sort=name", { limit: 1 });
  const [body = "", mark] = next_cursor!.split(".");
  const forged = Buffer.from(JSON.stringify(["a", "c_0"])).toString("base64url");
  const flipped = Array.from(
    next_cursor!,
    (letter, at) => next_cursor!.slice(0, at) + (letter === "A" ? "B" : "A") + next_cursor!.slice(at + 1),
  );
  const others = [
    ".",
    "x",
    `${body}.`,
    `.${mark}`,
    body,
    `${forged}.${mark}`,
    `${next_cursor}.x`,
    `${next_cursor}x`,
    "é",
    "%00",
    "null",
  ];
  await inTurns([...flipped.filter((each) => each !== next_cursor), ...others], (cursor) =>
    refused(ann, "/contacts?sort=name", cursor, cursor),
  );
});

test("an offset that cannot hold is refused, with the way on", async () => {
  const { next_cursor } = await page("/contacts", { limit: 1 });
  const cases = [
    ["offset=10001", 'offset cannot be "10001"', "cursor="],
    ["offset=-1", 'offset cannot be "-1"', "from 0 to 10000"],
    ["offset=1e3", 'offset cannot be "1e3"', "from 0 to 10000"],
    [`offset=0&cursor=${next_cursor}`, "both say where to begin", "leave offset out"],
    ["offset=5&search=linked", "best first", "sort=-updated_at"],
  ] as const;
  for (const [query, message, hint] of cases) {
    const reply = await ann.send("GET", `/contacts?${query}`);
    assertRefused(reply, 400, "invalid_value", query);
    assert.ok(reply.text.includes(message) && reply.text.includes(hint), reply.text);
  }
  assert.equal((await ann.send("GET", "/contacts?offset=5&search=linked&sort=name")).status, 200);
  assert.equal((await ann.send("GET", "/audit?offset=5&count=true&format=json")).json().total_capped, false);
});

test("with an offset a list is counted exactly up to 10000, and says where it stops", async () => {
  const fill = (from: number, to: number) =>
    service.pool.rows(sql`insert into tasks (workspace_id, id, title, done, version, created_at, created_by, updated_at)
      select workspace_id, 't_02' || lpad(n::text, 24, '0'), 'Many', false, 1, created_at, created_by, created_at
      from (select * from tasks limit 1) one, generate_series(${from}::int, ${to}::int) n`);
  const total = async (more: Record<string, string | number>) => {
    const { total, total_capped } = (await page("/tasks?title=Many&count=true", more)) as unknown as Json;
    return [total, total_capped];
  };
  await fill(1, 1_500);
  assert.deepEqual(await total({}), [1_000, true]);
  assert.deepEqual(await total({ offset: 0 }), [1_500, false]);
  await fill(1_501, 10_000);
  assert.deepEqual(await total({ offset: 100 }), [10_000, false]);
  await fill(10_001, 10_001);
  assert.deepEqual(await total({ offset: 100 }), [10_000, true]);
  const { text } = await ann.send("GET", "/tasks?title=Many&count=true&offset=9999&limit=1");
  assert.match(text, /^# 1 of 10000\+ tasks$/m);
});
