import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import test from "node:test";
import { Query } from "../../../src/postgres/driver.ts";

const read = (path: string) => readFileSync(new URL(`../../../node_modules/postgres/${path}`, import.meta.url), "utf8");

/** src/postgres/driver.ts relies on these files. When one has changed, read it, compare the fields of `Query`, and renew its digest here. */
const INTERNALS = {
  "src/connection.js": "ee3a218d9aa6a6f2887c1a19da50009335fe84c11a5431d5cab72d6bc528632f",
  "src/index.js": "4e21f5733e70d79cffc10d10d4ef01031de4a9ac862210e43f8870029fd103ed",
  "src/query.js": "67c45a5151032aa46b587abc15381fe4efd97c696e5c1b53082b8161309c4ee2",
  "src/queue.js": "15e6345adb6708bf3b99ad39fc2231c2fb61de5f6cba4b7a7a6be881482a4ec3",
};

test("the internals of the pinned driver are the ones that driver.ts was written for", () => {
  assert.equal(JSON.parse(read("package.json")).version, "3.4.9");
  for (const [path, digest] of Object.entries(INTERNALS)) {
    assert.equal(createHash("sha256").update(read(path)).digest("hex"), digest, path);
  }
});

test("a query has every field that the driver's connection reads or writes on one", () => {
  // `x.reserve` marks what is no query, cursors, streams and descriptions are never asked for, `portal` is never set, and `js` ends the
  // name of a file.
  const unused = ["reserve", "cursorFn", "cursorRows", "cursorName", "forEachFn", "onlyDescribe", "portal", "execute", "js"];
  const used = new Set([...read("src/connection.js").matchAll(/\b(?:q|query|initial)\.(\w+)/g)].map(([, name]) => name!));
  const query = new Query("select 1", { prepare: false, simple: false }, { resolve() {}, reject() {} });
  assert.deepEqual([...used].filter((name) => !unused.includes(name)).sort(), [...used].filter((name) => name in query).sort());
});
