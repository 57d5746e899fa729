import assert from "node:assert/strict";
import { test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { createWaiting } from "../../../src/service/waiting.ts";

type Looked = string[][];

/** A hub whose database knows these newest entries by workspace. */
function hub(newest: Map<string, string> = new Map()) {
  const looked: Looked = [];
  const noticed: string[] = [];
  const waiting = createWaiting(
    async (ids) => {
      looked.push([...ids]);
      return newest;
    },
    (id) => noticed.push(id),
  );
  const enter = (workspaceId: string, ms = 5_000, hold = (_: number, __: () => void) => () => {}) =>
    waiting.enter({ workspaceId, ids: [workspaceId, "tok_1"], ms, hold });
  return { waiting, enter, looked, noticed };
}

const nothing = async () => 0;

test("a change wakes the readers of its workspace and tells the other processes", async () => {
  const { waiting, enter, noticed } = hub();
  const [one, other] = [enter("ws_1"), enter("ws_2", 300)];
  const news = [one.news(""), other.news("")];
  waiting.changed("ws_1");
  assert.deepEqual(await Promise.all(news), [true, false]);
  assert.deepEqual(noticed, ["ws_1"]);
  one.leave();
  other.leave();
});

test("what happens while a reader reads is not missed", async () => {
  const { waiting, enter } = hub();
  const reader = enter("ws_1");
  await reader.read("a", async () => waiting.heard("ws_1"));
  assert.equal(await reader.news(""), true);
  await reader.read("a", nothing);
  const begun = performance.now();
  waiting.heard("ws_1");
  assert.equal(await reader.news(""), true);
  assert.ok(performance.now() - begun > 50, "many changes are one piece of news");
  reader.leave();
});

test("the database is asked every second while somebody waits, and by nobody else", async () => {
  const newest = new Map([["ws_1", "ch_1"]]);
  const { enter, looked } = hub(newest);
  const reader = enter("ws_1");
  const news = reader.news("ch_1");
  await sleep(1_300);
  newest.set("ws_1", "ch_2");
  assert.equal(await news, true);
  assert.deepEqual(looked, [["ws_1"], ["ws_1"]]);
  reader.leave();
  await sleep(1_200);
  assert.equal(looked.length, 2);
});

test("a client that goes, a session that ends and a service that stops end the waiting", async () => {
  const { waiting, enter } = hub();
  let gone = () => {};
  let released = 0;
  const hold = (_: number, call: () => void) => {
    gone = call;
    return () => {
      released += 1;
    };
  };
  for (const end of [() => gone(), () => waiting.forget("tok_1"), () => waiting.stop()]) {
    const reader = enter("ws_1", 60_000, hold);
    const news = reader.news("");
    end();
    assert.equal(await news, false);
    assert.equal(await reader.news(""), false);
    reader.leave();
  }
  assert.equal(released, 3);
  assert.equal(await enter("ws_1").news(""), false, "after the stop nobody waits any more");
});

test("readers that one waking sends for the same page share one read, and others take turns", async () => {
  const { waiting, enter } = hub();
  const readers = Array.from({ length: 40 }, () => enter("ws_1"));
  const news = readers.map((reader) => reader.news(""));
  waiting.heard("ws_1");
  await Promise.all(news);
  let [reads, running, most] = [0, 0, 0];
  const work = async () => {
    reads += 1;
    const own = reads;
    running += 1;
    most = Math.max(most, running);
    await sleep(5);
    running -= 1;
    return own;
  };
  assert.deepEqual(new Set(await Promise.all(readers.map((reader) => reader.read("same", work)))), new Set([1]));
  await Promise.all(readers.map((reader, i) => reader.read(`own ${i}`, work)));
  assert.deepEqual([reads, most], [41, 8]);
  await sleep(150);
  const [first, second] = readers as [(typeof readers)[0], (typeof readers)[0]];
  const early = first.read("same", work);
  waiting.heard("ws_1");
  assert.notEqual(await second.read("same", work), await early, "a read from before the news may not show it");
  for (const reader of readers) reader.leave();
});
