import assert from "node:assert/strict";
import { EventEmitter } from "node:events";
import type { ServerResponse } from "node:http";
import { test } from "node:test";
import { createUnread } from "../../../src/http/unread.ts";

test("above the limit of unread bytes only the oldest unread answer is cut off", () => {
  const cut: string[] = [];
  const answer = (name: string) =>
    Object.assign(new EventEmitter(), { destroy: () => cut.push(name) }) as unknown as ServerResponse;
  const keep = createUnread(100);
  const [first, second, third] = [answer("first"), answer("second"), answer("third")];
  keep(first, 40);
  keep(second, 40);
  assert.deepEqual(cut, []);
  first.emit("close");
  keep(third, 40);
  assert.deepEqual(cut, [], "the first was read");
  keep(answer("fourth"), 30);
  assert.deepEqual(cut, ["second"]);
  keep(answer("larger than all room"), 200);
  assert.deepEqual(cut, ["second", "third", "fourth"]);
});
