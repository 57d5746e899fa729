import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { type Service, startService } from "../helpers/service.ts";

const MINUTE = 60_000;
let clock = Date.parse("2026-06-01T08:00:00Z");
let service: Service;
before(async () => {
  service = await startService({ mail: true, now: () => clock, config: { CRM_TRUST_PROXY: "on" } });
});
after(() => service.close());

const from = (address: string) => ({ "x-forwarded-for": address });
const ask = (email: string, address: string) => service.send("POST", "/auth/request", { email }, from(address));
const verify = (email: string, code: string, address: string) =>
  service.send("POST", "/auth/verify", { email, code }, from(address));
const mailsTo = (email: string) => service.mails.filter(({ to }) => to === email);
const codeIn = (text: string) => /\d{6}/.exec(text)![0];

test("strangers cannot fill a mailbox, and its owner gets in all the same", async () => {
  const email = "owner@example.com";
  for (let i = 0; i < 60; i++) {
    assert.equal((await ask(email, `10.0.0.${i}`)).status, 200);
    await verify(email, "000000", `10.0.0.${i}`);
    clock += MINUTE / 2;
  }
  const mails = mailsTo(email).length;
  assert.ok(mails <= 18, `${mails} mails in half an hour`);
  const asked = await ask(email, "192.0.2.1");
  assert.equal(asked.status, 200);
  const signedIn = await verify(email, codeIn(mailsTo(email).at(-1)!.text), "192.0.2.1");
  assert.equal(signedIn.status, 200, signedIn.text);
});

test("a stranger's guesses do not use up the owner's attempts", async () => {
  const email = "guessed@example.com";
  await ask(email, "192.0.2.1");
  const code = codeIn(mailsTo(email).at(-1)!.text);
  for (let i = 0; i < 50; i++) await verify(email, code === "111111" ? "222222" : "111111", `10.1.0.${i}`);
  assert.equal((await verify(email, code, "192.0.2.1")).status, 200);
});

test("an address that asks for everybody's codes is stopped, others are not", async () => {
  clock += 120 * MINUTE;
  const answers = [];
  for (let i = 0; i < 70; i++) answers.push((await ask(`p${i}@example.com`, "10.2.0.1")).status);
  assert.equal(answers.filter((status) => status === 200).length, 60);
  assert.equal(answers.at(-1), 429);
  assert.equal((await ask("p1@example.com", "10.2.0.2")).status, 200);
});

test("the same address gets six codes for one mailbox an hour, then waits", async () => {
  clock += 120 * MINUTE;
  const answers = [];
  for (let i = 0; i < 7; i++) answers.push(await ask("again@example.com", "10.3.0.1"));
  assert.deepEqual(
    answers.map(({ status }) => status),
    [200, 200, 200, 200, 200, 200, 429],
  );
  assert.equal(answers.at(-1)!.headers.get("retry-after"), "600");
  clock += 61 * MINUTE;
  assert.equal((await ask("again@example.com", "10.3.0.1")).status, 200);
});
