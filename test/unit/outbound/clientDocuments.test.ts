import assert from "node:assert/strict";
import { test } from "node:test";
import { createClientDocuments } from "../../../src/outbound/clientDocuments.ts";

const url = (name: string) => new URL(`https://app.example/${name}`);

test("a document is cached for minutes, a failure for less", async () => {
  let now = 0;
  let reads = 0;
  const documents = createClientDocuments(
    async ({ pathname }) => {
      reads += 1;
      if (pathname === "/gone") throw new Error("it answered 404");
      return "{}";
    },
    () => now,
  );
  for (let i = 0; i < 3; i++) assert.deepEqual(await documents(url("here"), "a"), { text: "{}" });
  for (let i = 0; i < 3; i++)
    assert.deepEqual(await documents(url("gone"), "a"), { text: undefined, fault: "it answered 404" });
  assert.equal(reads, 2);
  now += 31_000;
  await documents(url("here"), "a");
  await documents(url("gone"), "a");
  assert.equal(reads, 3);
  now += 300_000;
  await documents(url("here"), "a");
  assert.equal(reads, 4);
});

test("reads are limited per caller and minute, and concurrent reads in all", async () => {
  const quick = createClientDocuments(
    async () => "{}",
    () => 0,
  );
  for (let i = 0; i < 20; i++) await quick(url(String(i)), "a");
  await assert.rejects(quick(url("more"), "a"), { code: "rate_limited" });
  assert.deepEqual(await quick(url("more"), "b"), { text: "{}" });
  const slow = createClientDocuments(
    () => new Promise(() => {}),
    () => 0,
  );
  for (let i = 0; i < 4; i++) void slow(url(String(i)), `${i}`);
  await assert.rejects(slow(url("x"), "x"), { code: "busy" });
});

test("one caller cannot use all concurrent reads, and callers of one document share a read", async () => {
  let reads = 0;
  let answer = (_: string) => {};
  const documents = createClientDocuments(
    () => {
      reads += 1;
      return new Promise((resolve) => {
        answer = resolve;
      });
    },
    () => 0,
  );
  const first = documents(url("a"), "greedy");
  void documents(url("b"), "greedy");
  await assert.rejects(documents(url("c"), "greedy"), { code: "busy" });
  const other = documents(url("d"), "other");
  const together = documents(url("d"), "greedy");
  assert.equal(reads, 3);
  answer("{}");
  assert.deepEqual(await other, { text: "{}" });
  assert.deepEqual(await together, { text: "{}" });
  void first;
});
