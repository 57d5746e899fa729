import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { sql } from "../../src/postgres/sql.ts";
import type { Kind, Touched } from "../../src/records/kind.ts";
import { createWorld, definitions, leastOf, post } from "../helpers/dictionary.ts";
import { assertRefused, type Json } from "../helpers/lines.ts";
import { type Client, type Service, startService } from "../helpers/service.ts";
import type { World } from "../helpers/values.ts";

/** When something last happened to a record, and how often, is right after every write. */

const NOW = Date.parse("2026-06-10T12:00:00Z");

let service: Service;
let ann: Client;
let world: World;
before(async () => {
  service = await startService({ now: () => NOW });
  ann = await service.signIn();
  world = await createWorld(ann);
});
after(() => service.close());

/** A time and a count stand together. */
const touchedKinds = definitions.flatMap((kind) =>
  kind.fields.flatMap((last, i) => {
    const count = kind.fields[i + 1];
    if (last.touched?.is !== "last" || count?.touched?.is !== "count") return [];
    return [{ kind, last: last.name, count: count.name, touched: last.touched }];
  }),
);

async function shown({ plural }: Kind, id: string, ...fields: string[]): Promise<unknown[]> {
  const record = (await ann.send("GET", `/${plural}/${id}?format=json&fields=${fields.join(",")}`)).json() as Json;
  return fields.map((name) => record[name]);
}

async function touch({ kind, link, at }: Touched, id: string, time: string): Promise<string> {
  return (await post(ann, kind, { ...kind.example, [kind.needsOneOf![0]!]: undefined, [link.id.name]: id, [at.name]: time }))
    .id;
}

async function remove(path: string): Promise<void> {
  const { confirm } = (await ann.send("DELETE", `${path}?format=json`)).json();
  assert.equal((await ann.send("DELETE", `${path}?confirm=${confirm}`)).status, 200);
}

test("what is declared to touch others gives them two fields", () => {
  assert.deepEqual(
    touchedKinds.map(({ kind, last, count }) => `${kind.name} ${last} ${count}`),
    ["contact", "company", "deal"].flatMap((name) => [
      `${name} last_activity_at activity_count`,
      ...(name === "deal" ? [] : [`${name} last_outreach_at outreach_count`]),
    ]),
  );
});

for (const { kind, last, count, touched } of touchedKinds) {
  describe(`${kind.plural}.${last}`, () => {
    test("both follow each write, move and deletion of what touches", async () => {
      const [a, b] = [await post(ann, kind, leastOf(kind, world)), await post(ann, kind, leastOf(kind, world))];
      assert.deepEqual(await shown(kind, a.id, last, count), [null, 0]);
      const early = await touch(touched, a.id, "2026-01-01T00:00:00Z");
      const late = await touch(touched, a.id, "2026-05-01T00:00:00Z");
      assert.deepEqual(await shown(kind, a.id, last, count), ["2026-05-01T00:00:00Z", 2]);
      const path = `/${touched.kind.plural}/${late}`;
      await ann.send("PATCH", path, { [touched.at.name]: "2026-05-02T00:00:00Z" });
      assert.deepEqual(await shown(kind, a.id, last, count), ["2026-05-02T00:00:00Z", 2]);
      await ann.send("PATCH", path, { [touched.link.id.name]: b.id });
      assert.deepEqual(await shown(kind, a.id, last, count), ["2026-01-01T00:00:00Z", 1]);
      assert.deepEqual(await shown(kind, b.id, last, count), ["2026-05-02T00:00:00Z", 1]);
      const tagged = await ann.send("GET", `/${kind.plural}/${b.id}?fields=${last}`);
      await remove(path);
      assert.deepEqual(await shown(kind, b.id, last, count), [null, 0]);
      const again = await ann.send("GET", `/${kind.plural}/${b.id}?fields=${last}`, undefined, {
        "if-none-match": tagged.headers.get("etag")!,
      });
      assert.equal(again.status, 200, "what it shows has changed, although its version has not");
      await service.pool.rows(sql`update activities set deleted_at = null where right(id, 8) = ${late.slice(-8)}`);
      assert.deepEqual(await shown(kind, b.id, last, count), ["2026-05-02T00:00:00Z", 1], "undone");
      assert.deepEqual(await shown(kind, a.id, "version"), [1]);
      await remove(`/${touched.kind.plural}/${early}`);
      assert.deepEqual(await shown(kind, a.id, last, count), [null, 0]);
      assertRefused(await ann.send("PATCH", `/${kind.plural}/${a.id}`, { [count]: 3 }), 400, "invalid_field", "read-only");
    });

    test("filters and orders find what was not touched for long, or never", async () => {
      const bob = await service.signIn(`${kind.name}-${count}@example.com`);
      const made: string[] = [];
      const title = kind.title;
      for (const name of ["a", "b", "c", "d", "e"]) made.push((await post(bob, kind, { [title]: name })).id);
      const times = [["2026-01-01"], ["2026-03-01", "2026-06-09"], ["2026-02-01", "2026-02-02"], [], []];
      const log = (i: number, at: string, more = {}) =>
        post(bob, touched.kind, {
          ...touched.kind.example,
          contact_id: undefined,
          [touched.link.id.name]: made[i],
          [touched.at.name]: at,
          ...more,
        });
      for (const [i, each] of times.entries()) for (const at of each) await log(i, at);
      // Among records of which only some count, the others change nothing.
      if (touched.only) for (const i of [0, 3]) await log(i, "2026-06-10", { [touched.only.field.name]: "note" });
      const names = async (query: string, limit = 200) => {
        const found: string[] = [];
        for (let cursor = ""; ; ) {
          const reply = await bob.send("GET", `/${kind.plural}?${query}&limit=${limit}&format=json&cursor=${cursor}`);
          assert.equal(reply.status, 200, `${query} ${reply.text}`);
          found.push(...reply.json().items.map((item: Json) => item[title]));
          cursor = reply.json().next_cursor;
          if (!cursor) return found.join("");
        }
      };
      const sorted = (text: string) => [...text].sort().join("");
      assert.equal(sorted(await names(`${last}=lt:-60d`)), "ac");
      assert.equal(sorted(await names(`${last}=gte:-60d`)), "b");
      assert.equal(sorted(await names(`${last}=is:null`)), "de");
      assert.equal(sorted(await names(`${last}=not:null&${last}=ne:2026-06-09`)), "ac");
      assert.equal(sorted(await names(`${last}=2026-02-02`)), "c");
      assert.equal(sorted(await names(`${count}=gte:2`)), "bc");
      assert.equal(sorted(await names(`${count}=0`)), "de");
      for (const limit of [1, 2, 200]) {
        assert.equal(await names(`sort=-${last}`, limit), "bcaed", `descending by ${limit}`);
        assert.equal(await names(`sort=${last}`, limit), "acbde", `ascending by ${limit}`);
        assert.equal(await names(`sort=-${last}&fields=${title},${last}`, limit), "bcaed", `shown by ${limit}`);
        assert.equal(await names(`sort=-${last}&${last}=lt:-60d`, limit), "ca");
        assert.equal(await names(`sort=-${last}&${last}=is:null`, limit), "ed");
        assert.equal(await names(`sort=${last}&${last}=ne:2026-01-01`, limit), "cbde");
      }
      assert.match(
        (await bob.send("GET", `/${kind.plural}?sort=-${last}&${last}=lt:-60d&count=true`)).text,
        new RegExp(`# 2 of 2 ${kind.plural}\n$`),
      );
      const lines = (await bob.send("GET", `/${kind.plural}?group_by=${last}:month`)).lines;
      assert.deepEqual(lines, [
        `group ${last}=2026-01 ${kind.plural}=1`,
        `group ${last}=2026-02 ${kind.plural}=1`,
        `group ${last}=2026-06 ${kind.plural}=1`,
        `group ${kind.plural}=2`,
      ]);
    });

    test("a token that may not read what touches is refused", async () => {
      const { token } = (await ann.send("POST", "/tokens?format=json", { name: "n", scopes: [`${kind.plural}.read`] })).json();
      for (const query of [`fields=${last}`, `fields=${count}`, `${last}=is:null`, `${count}=0`, `sort=${last}`]) {
        const reply = await service.send("GET", `/${kind.plural}?${query}`, undefined, { authorization: `Bearer ${token}` });
        assertRefused(reply, 403, "scope_required", query);
      }
    });
  });
}
