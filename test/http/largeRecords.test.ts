import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { parseLine } from "../../src/kit/line.ts";
import { mcpOf } from "../helpers/mcp.ts";
import { type Client, type Reply, type Service, startService } from "../helpers/service.ts";

/** Records as large as can be made: a page of them ends, every one comes once, and what is shown is what was stored. */

/** A byte in the body, six on the line. */
const HIDDEN = "\u007f".repeat(700_000);
const RECORDS = 7;

let service: Service;
let ann: Client;
before(async () => {
  service = await startService();
  ann = await service.signIn();
  const names = Array.from({ length: RECORDS }, (_, i) => `Large ${i}`);
  for (const name of names) {
    const reply = await ann.send("POST", "/contacts?fields=name", {
      name,
      notes: HIDDEN,
      custom: { more: "x".repeat(200_000) },
    });
    assert.equal(reply.status, 201, reply.text.slice(0, 300));
  }
});
after(() => service.close());

const cursorOf = (reply: Reply, json: boolean): string | null =>
  json ? reply.json().next_cursor : (/\n# next: (\S+)\n$/.exec(reply.text)?.[1] ?? null);

/** Walks a list; gives the pages. */
async function walk(path: string, json: boolean): Promise<Reply[]> {
  const pages: Reply[] = [];
  for (let cursor: string | null = ""; cursor !== null; cursor = cursorOf(pages.at(-1)!, json))
    pages.push(await ann.send("GET", `${path}&limit=200&cursor=${cursor}${json ? "&format=json" : ""}`));
  for (const { status, text } of pages) assert.equal(status, 200, text.slice(0, 300));
  return pages;
}

test("a page of records ends when it is large, and a walk shows each once, in text and JSON", async () => {
  for (const path of [
    "/contacts?fields=name,notes",
    "/contacts?fields=name,notes,custom&sort=stage",
    "/contacts?fields=name,notes&search=large",
  ]) {
    const pages = await walk(path, false);
    const lines = pages.flatMap((page) => page.lines).map(parseLine);
    assert.deepEqual(
      lines.map(({ pairs }) => pairs[0]![1]).sort(),
      Array.from({ length: RECORDS }, (_, i) => `Large ${i}`),
      path,
    );
    for (const { pairs } of lines) assert.equal(pairs.find(([key]) => key === "notes")![1], HIDDEN);
    for (const { text, lines: shown } of pages) {
      assert.ok(text.length < 9_000_000, `${path}: ${text.length}`);
      assert.match(text, new RegExp(`\n# ${shown.length} contacts?\n`));
    }
    assert.ok(pages.length > 1 && pages.length < RECORDS + 1, String(pages.length));
    // The pages end where they do in text: by the same rows.
    if (path.includes("sort=")) continue;
    const items = (await walk(path, true)).flatMap((page) => page.json().items);
    assert.equal(new Set(items.map(({ name }) => name)).size, RECORDS);
    assert.ok(items.length === RECORDS && items.every(({ notes }) => notes === HIDDEN));
  }
});

test("a page of the history ends when it is large too", async () => {
  for (const path of ["/audit?x", "/audit?fields=record,before,after"]) {
    const asked = path.replace("?x", "?kind=contact");
    const pages = await walk(asked, true);
    const items = pages.flatMap((page) => page.json().items);
    assert.deepEqual([items.length, pages.length > 1], [RECORDS, true], path);
    assert.ok(pages.every(({ text }) => text.length < 9_000_000));
    assert.equal((await walk(asked, false)).flatMap((page) => page.lines).length, RECORDS);
  }
});

test("what is said of a list counts what is shown of it", async () => {
  const counted = await ann.send("GET", "/contacts?fields=notes&count=true");
  assert.match(counted.text, new RegExp(`\n# ${counted.lines.length} of ${RECORDS} contacts\n# next: `));
  const all = await ann.send("GET", "/search?q=large&format=json");
  assert.match(all.json().notes.join(), /more: GET \/contacts\?search=large/);
  assert.ok(all.text.length < 9_000_000);
});

test("one large record is whole, indented only when it is small, and reaches a model cut", async () => {
  const [{ handle }] = (await ann.send("GET", "/contacts?limit=1&fields=handle,name&format=json")).json().items;
  const [line] = (await ann.send("GET", `/${handle}`)).lines;
  assert.equal(parseLine(line!).pairs.find(([key]) => key === "notes")![1], HIDDEN);
  const json = await ann.send("GET", `/${handle}?format=json&pretty`);
  assert.deepEqual([json.json().notes === HIDDEN, json.text.split("\n").length], [true, 2]);
  assert.ok((await ann.send("GET", `/${handle}?format=json&pretty&fields=name,stage`)).text.split("\n").length > 3);
  const { headers } = await ann.send("GET", `/${handle}?format=json`);
  assert.equal(
    (await ann.send("GET", `/${handle}?format=json`, undefined, { "if-none-match": headers.get("etag")! })).status,
    304,
  );
  const { text } = await mcpOf(ann).call("read", { path: "/contacts?fields=notes" });
  assert.match(text, /\n# cut: /);
});

test("a large write keeps off the connections of the others", async () => {
  const { pool } = service;
  const { rows } = pool;
  const ways: string[] = [];
  pool.rows = (statement, options) => {
    if (/_write\(/.test(statement.text)) ways.push(options?.longFor ? "long" : options?.short ? "short" : "neither");
    return rows(statement, options);
  };
  try {
    const { id } = (await ann.send("POST", "/contacts?format=json", { name: "Small" })).json();
    assert.equal((await ann.send("PATCH", `/contacts/${id}`, { notes: "n".repeat(100_000) })).status, 200);
    assert.equal((await ann.send("POST", "/contacts", { name: "Large", custom: { a: "n".repeat(100_000) } })).status, 201);
    assert.equal((await ann.send("PATCH", `/contacts/${id}`, { notes: null })).status, 200);
  } finally {
    pool.rows = rows;
  }
  assert.deepEqual(ways, ["short", "long", "long", "short"]);
});
