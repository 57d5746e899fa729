import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { addressesIn } from "../../../src/kit/mailboxes.ts";

const CASES: [header: string, addresses: string[]][] = [
  ["jane@acme.com", ["jane@acme.com"]],
  ["Jane Doe <jane@acme.com>", ["jane@acme.com"]],
  [' "Doe, Jane" <jane@acme.com> , sam@acme.com', ["jane@acme.com", "sam@acme.com"]],
  ["Doe, Jane <jane@acme.com>", ["jane@acme.com"]],
  ["jane@acme.com (Jane, at work (or not)), sam@acme.com", ["jane@acme.com", "sam@acme.com"]],
  ['"a@evil.example, \\"b\\"" <jane@acme.com>', ["jane@acme.com"]],
  ["evil@evil.example <jane@acme.com>", ["jane@acme.com"]],
  ["The team: a@acme.com, B <b@acme.com>; c@acme.com", ["a@acme.com", "b@acme.com", "c@acme.com"]],
  ["undisclosed-recipients:;", []],
  ["mailto:jane@acme.com", ["jane@acme.com"]],
  ["<@relay.example,@other.example:jane@acme.com>", ["jane@acme.com"]],
  ['"jane"@acme.com', ["jane@acme.com"]],
  ['"j\\"d"@acme.com', ['j"d@acme.com']],
  ["Jane\r\n <jane@acme.com>,\r\n\tsam@acme.com", ["jane@acme.com", "sam@acme.com"]],
  ["jane@acme.com,,;", ["jane@acme.com"]],
  ["jane@acme.com, nobody", ["jane@acme.com", "nobody"]],
  ["Jane <jane", ["Jane <jane"]],
  ['"open quote <jane@acme.com>', ['"open quote <jane@acme.com>']],
  ["", []],
];

for (const [header, addresses] of CASES)
  test(`${JSON.stringify(header)} names ${addresses.join(" and ") || "nobody"}`, () =>
    assert.deepEqual(addressesIn(header), addresses));

test("addresses are found again between names of any characters", () => {
  const name = fc.string().map((text) => `"${text.replace(/["\\]/g, "\\$&")}"`);
  const address = fc.stringMatching(/^[a-z]{1,8}@[a-z]{1,8}\.com$/);
  const mailbox = fc.tuple(name, address);
  fc.assert(
    fc.property(fc.array(mailbox, { maxLength: 5 }), (mailboxes) => {
      const header = mailboxes.map(([called, at]) => `${called} <${at}>`).join(", ");
      assert.deepEqual(
        addressesIn(header),
        mailboxes.map(([, at]) => at),
      );
    }),
  );
});

test("a hostile header takes no longer than it is", () => {
  const begun = performance.now();
  for (const character of ["<", "(", '"', "\\", ",", ":", "<>", '"@'])
    addressesIn(character.repeat(100_000 / character.length));
  assert.ok(performance.now() - begun < 5_000);
});
