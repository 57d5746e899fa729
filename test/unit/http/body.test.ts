import assert from "node:assert/strict";
import { test } from "node:test";
import { isDeep, readBody } from "../../../src/http/body.ts";
import { fromInside } from "../../../src/http/request.ts";

const read = async (body: string) =>
  (await readBody(fromInside({ method: "POST", target: "/", headers: {}, body }, "127.0.0.1"), 1_000_000)).values;

/** What curl sends for each way of giving it a value, and what was meant. */
const SENT: Record<string, Record<string, string>> = {
  // -d name='Jane Doe' -d phone='+1 555 0100'
  "name=Jane Doe&phone=+1 555 0100": { name: "Jane Doe", phone: "+1 555 0100" },
  // --data-urlencode 'name=Jane Doe' -d email=jane@acme.com
  "name=Jane+Doe&email=jane@acme.com": { name: "Jane Doe", email: "jane@acme.com" },
  // -d email=jane+crm@acme.com --data-urlencode 'notes=likes tea'
  "email=jane+crm@acme.com&notes=likes+tea": { email: "jane+crm@acme.com", notes: "likes tea" },
  // -d custom.url=http://a.b/c+d --data-urlencode 'title=Head of Sales'
  "custom.url=http://a.b/c+d&title=Head+of+Sales": { "custom.url": "http://a.b/c+d", title: "Head of Sales" },
  // -d email=jane@acme.com --data-urlencode phone='+1 555 0100'
  "email=jane@acme.com&phone=%2B1+555+0100": { email: "jane@acme.com", phone: "+1 555 0100" },
  // a program
  "name=Jane+Doe&email=jane%40acme.com&notes=a%2Bb": { name: "Jane Doe", email: "jane@acme.com", notes: "a+b" },
  // a file's last line
  "name=Jane+Doe&stage=lead\n": { name: "Jane Doe", stage: "lead" },
  "name=Zo\u00eb + Jane&tags=vip": { name: "Zo\u00eb + Jane", tags: "vip" },
};

test("a + is a plus in a typed pair and a space in an encoded pair, whatever other pairs hold", async () => {
  for (const [body, meant] of Object.entries(SENT)) assert.deepEqual(await read(body), meant, body);
});

test("a repeated name makes a list", async () => {
  assert.deepEqual(await read("tags=vip&tags=a+b&tags=c@d"), { tags: ["vip", "a b", "c@d"] });
});

test("how deep JSON is nested, whatever brackets stand in its texts", () => {
  const nested = (levels: number) => `${"[{".repeat(levels / 2)}${"}]".repeat(levels / 2)}`;
  assert.deepEqual([isDeep(nested(64), 64), isDeep(nested(66), 64), isDeep(nested(400_000), 64)], [false, true, true]);
  assert.equal(isDeep(`{"a":"${"[{".repeat(100)}\\\\"}`, 64), false);
  assert.equal(isDeep(`{"a":"\\"${"[{".repeat(100)}","b":[${"[],{},".repeat(100)}1]}`, 64), false);
  assert.equal(isDeep(`{"a":"\\\\","b":${nested(66)}}`, 64), true);
});
