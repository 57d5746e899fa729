import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { sql } from "../../src/db/sql.ts";
import { silentLog } from "../../src/log.ts";
import { type Client, type Service, startService } from "../helpers/service.ts";

/** What a search puts first, and that it does so however many records share the word. */

let service: Service;
let ann: Client;
before(async () => {
  service = await startService({ log: silentLog });
  ann = await service.signIn();
});
after(() => service.close());

const names = async (path: string) => {
  const { items } = (await ann.send("GET", `${path}&fields=name&format=json`)).json() as { items: { name: string }[] };
  return items.map(({ name }) => name);
};

/** Copies of a record, each a second newer than the one before it; `name` may hold `%s`, their number. */
async function copy(handle: string, times: number, name: string, notes: string): Promise<void> {
  await service.pool.rows(
    sql`insert into contacts (workspace_id, id, name, notes, version, created_at, created_by, updated_at)
      select workspace_id, 'c_' || md5(${name}::text || n), format(${name}::text, n), ${notes}::text, 1, created_at, created_by, updated_at + n * interval '1 second'
      from contacts, generate_series(1, ${times}::int) n where right(id, 8) = ${handle.slice(-8)}`,
  );
}

async function create(body: object): Promise<string> {
  return (await ann.send("POST", "/contacts?format=json", body)).json().id as string;
}

test("who is called just that comes first among 20,000 newer ones with the word, and then those with it in the name", async () => {
  const mark = await create({ name: "Márk" });
  await create({ name: "Anna Mark-Weber" });
  await create({ name: "Mark Twain" });
  await create({ name: "Denmark Ltd" });
  await copy(mark, 20_000, "Somebody %s", "remarks on the market, and Mark");
  const found = await names("/contacts?search=mark&limit=5");
  assert.deepEqual(found.slice(0, 3), ["Márk", "Mark Twain", "Anna Mark-Weber"]);
  assert.equal(found.length, 5);
  await copy(mark, 300, "Mark %s", "newer");
  assert.deepEqual((await names("/contacts?search=mark&limit=2"))[0], "Márk");
});

test("a walk shows those with the words in the name, then the others, and none twice", async () => {
  const wanted: string[] = [];
  for (let i = 0; i < 4; i++) {
    await create({ name: `Quill ${i} Ott`, notes: "quill" });
    await create({ name: `Quillott ${i}` });
    await create({ name: `Other ${i}`, title: "quill and ott" });
    wanted.push(`Quill ${i} Ott`, `Quillott ${i}`, `Other ${i}`);
  }
  const whole = await names("/contacts?search=ott quill");
  assert.deepEqual([...whole].sort(), wanted.sort());
  assert.ok(
    whole.slice(0, 4).every((name) => /^Quill \d Ott$/.test(name)),
    whole.join(),
  );
  for (const limit of [1, 3, 4, 5]) {
    const walked: string[] = [];
    let cursor: string | null = "";
    while (cursor !== null) {
      const path: string = `/contacts?search=ott quill&limit=${limit}&cursor=${cursor}&fields=name&format=json`;
      const page = (await ann.send("GET", path)).json() as { items: { name: string }[]; next_cursor: string | null };
      walked.push(...page.items.map(({ name }) => name));
      cursor = page.next_cursor;
    }
    assert.deepEqual(walked, whole, `limit=${limit}`);
  }
});

test("names with signs in them, of which a title keeps the words, still hold what was searched", async () => {
  await create({ name: "O'Brien-Smith (Acme)" });
  await create({ name: "Brien O" });
  assert.deepEqual(await names("/contacts?search=o'brien"), ["O'Brien-Smith (Acme)"]);
  assert.deepEqual(await names("/contacts?search=smith acme"), ["O'Brien-Smith (Acme)"]);
  assert.deepEqual(await names("/contacts?search=brien-smith"), ["O'Brien-Smith (Acme)"]);
});

test("filters hold in names too, and a deleted name is gone", async () => {
  await create({ name: "Zoltan Filter", stage: "lead" });
  const gone = await create({ name: "Zoltan Deleted", stage: "lead" });
  await create({ name: "Zoltan Other", stage: "customer" });
  const asked = await ann.send("DELETE", `/contacts/${gone}`);
  await ann.send("DELETE", `/contacts/${gone}?confirm=${/confirm=(\S+)$/m.exec(asked.text)![1]}`);
  assert.deepEqual(await names("/contacts?search=zoltan&stage=lead"), ["Zoltan Filter"]);
});

test("another workspace's names do not come", async () => {
  const bob = await service.signIn("bob@example.com");
  await bob.send("POST", "/contacts", { name: "Secret Xylophone" });
  assert.deepEqual(await names("/contacts?search=xylophone"), []);
});

test("who searches people by their company's name is told how", async () => {
  const nothing = await ann.send("GET", "/contacts?search=maschinenbauer");
  assert.match(
    nothing.text,
    /^# search looks into the contacts themselves; by what they belong to: company=like:…\n# 0 contacts\n$/,
  );
  assert.doesNotMatch((await ann.send("GET", "/companies?search=maschinenbauer")).text, /belong/);
});
