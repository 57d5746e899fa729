import assert from "node:assert/strict";
import { test } from "node:test";
import { gather } from "../../../src/http/gather.ts";

test("what is short is one text at once", () => {
  assert.equal(gather(["a", "b"][Symbol.iterator](), "\n"), "ab");
  assert.equal(gather([][Symbol.iterator]()), "");
});

test("what is long is bytes, and others have their turn between its parts", async () => {
  const part = "é".repeat(100_000);
  let parts = 0;
  let turns = 0;
  function* ten(): Generator<string> {
    for (; parts < 10; parts++) yield part;
  }
  const going = setInterval(() => {}, 1);
  const others = () => {
    turns += 1;
    if (parts < 10) setImmediate(others);
  };
  setImmediate(others);
  const bytes = await gather(ten(), "!");
  clearInterval(going);
  assert.equal(bytes.toString(), `${part.repeat(10)}!`);
  assert.ok(turns >= 4, `${turns} turns`);
});

test("an empty part is a moment to pause", async () => {
  let turned = false;
  function* parts(): Generator<string> {
    yield "a";
    setImmediate(() => (turned = true));
    yield "";
    yield String(turned);
  }
  assert.equal((await gather(parts(), "!")).toString(), "atrue!");
});
