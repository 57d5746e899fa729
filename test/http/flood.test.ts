import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { sql } from "../../src/postgres/sql.ts";
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

test("strangers cannot fill a mailbox, and its owner still gets in", async () => {
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

test("an address that requests codes for many mailboxes is limited, others are not", async () => {
  clock += 120 * MINUTE;
  const answers = [];
  for (let i = 0; i < 70; i++) answers.push((await ask(`p${i}@example.com`, "10.2.0.1")).status);
  assert.equal(answers.filter((status) => status === 200).length, 60);
  assert.equal(answers.at(-1), 429);
  assert.equal((await ask("p1@example.com", "10.2.0.2")).status, 200);
});

test("one address gets six codes an hour for one mailbox", async () => {
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

/** Fills a mailbox's codes of an hour and returns the newest. */
async function flooded(email: string, network: string): Promise<string> {
  clock += 120 * MINUTE;
  for (let i = 0; i < 14; i++) assert.equal((await ask(email, `${network}.${i}`)).status, 200);
  assert.equal(mailsTo(email).length, 12);
  return codeIn(mailsTo(email).at(-1)!.text);
}

const other = (code: string, by: number) => String((Number(code) + by) % 1_000_000).padStart(6, "0");

/** Each address requests a code first and makes all its guesses. */
async function guessFromEverywhere(email: string, code: string, network: string): Promise<void> {
  for (let i = 0; i < 20; i++) {
    await ask(email, `${network}.${i}`);
    await Promise.all([1, 2, 3, 4, 5].map((n) => verify(email, other(code, i * 5 + n), `${network}.${i}`)));
  }
}

test("a code has a limit on guesses from all addresses together", async () => {
  const email = "everywhere@example.com";
  const code = await flooded(email, "10.4.0");
  await guessFromEverywhere(email, code, "10.4.1");
  assert.equal((await ask(email, "10.4.2.1")).status, 200);
  assert.equal((await verify(email, code, "10.4.2.1")).status, 401);
  assert.equal(mailsTo(email).length, 13, "and one more was mailed, which others have used up too");
  const { rows } = service.pool;
  const counts = await rows(sql`select attempts + foreign_attempts from codes where subject = ${`sign-in ${email}`}`);
  assert.equal(counts.length, 13);
  for (const [guesses] of counts) assert.ok((guesses as number) <= 25, `${guesses} guesses at one code`);
});

test("the long code in the mail lets the owner in once, despite strangers' guesses", async () => {
  const email = "besieged@example.com";
  await guessFromEverywhere(email, await flooded(email, "10.5.0"), "10.5.1");
  const { text } = await ask(email, "192.0.2.55");
  assert.match(text, /the long code in the newest of them works here/);
  const [long] = /^[a-z]{4}(-[a-z]{4}){3}$/m.exec(mailsTo(email).at(-1)!.text)!;
  const wrong = long.replace(/^./, (letter) => (letter === "b" ? "c" : "b"));
  for (let i = 0; i < 30; i++) assert.equal((await verify(email, wrong, `10.5.2.${i}`)).status, 401);
  assert.equal((await verify(email, long.toUpperCase().replaceAll("-", " "), "192.0.2.55")).status, 200);
  assert.equal((await verify(email, long, "192.0.2.55")).status, 401);
});

test("an address from which the owner signed in before always gets a new code", async () => {
  const [email, home] = ["athome@example.com", "192.0.2.77"];
  await ask(email, home);
  assert.equal((await verify(email, codeIn(mailsTo(email).at(-1)!.text), home)).status, 200);
  clock += 120 * MINUTE;
  for (let i = 0; i < 14; i++) await ask(email, `10.6.0.${i}`);
  await guessFromEverywhere(email, codeIn(mailsTo(email).at(-1)!.text), "10.6.1");
  const before = mailsTo(email).length;
  assert.equal((await ask(email, home)).status, 200);
  assert.equal(mailsTo(email).length, before + 1);
  assert.equal((await verify(email, codeIn(mailsTo(email).at(-1)!.text), home)).status, 200);
});

test("concurrent requests do not exceed the limits per address and per mailbox", async () => {
  clock += 120 * MINUTE;
  const atOnce = (send: (i: number) => Promise<{ status: number }>) =>
    Promise.all(Array.from({ length: 130 }, (_, i) => send(i)));
  const before = service.mails.length;
  const answers = await atOnce((i) => ask(`crowd${i}@example.com`, "10.7.0.1"));
  assert.equal(service.mails.length - before, 60);
  assert.equal(answers.filter(({ status }) => status === 200).length, 60);
  const many = await atOnce((i) => ask("crowded@example.com", `10.7.${1 + (i >> 6)}.${i & 63}`));
  assert.equal(mailsTo("crowded@example.com").length, 12);
  assert.ok(
    many.every(({ status }) => status === 200),
    "the others may use the newest",
  );
});

test("strangers' workspaces have a limit per network and one in all, which refusals do not use up, for a day", async () => {
  const open = await startService({
    mail: true,
    now: () => clock,
    config: { CRM_TRUST_PROXY: "on", CRM_OPEN_WORKSPACES: "on" },
  });
  try {
    const make = (address: string) => open.send("POST", "/workspaces", {}, from(address));
    const atOnce = await Promise.all(Array.from({ length: 60 }, (_, i) => make(`2001:db8:0:1${(i % 10) + 10}::${i}`)));
    const made = atOnce.filter(({ status }) => status === 201);
    assert.deepEqual([made.length, atOnce.filter(({ status }) => status === 429).length], [10, 50], "all are in one /56");
    const total = sql`select used from tallies where key = 'unclaimed workspaces'`;
    assert.deepEqual(await open.pool.rows(total), [[10]]);
    await open.pool.rows(sql`update tallies set used = 995 where key = 'unclaimed workspaces'`);
    const others = await Promise.all(Array.from({ length: 40 }, (_, i) => make(`10.9.0.${i}`)));
    assert.equal(others.filter(({ status }) => status === 201).length, 5);
    const late = await make("10.9.1.1");
    assert.match(late.text, /^ERROR rate_limited many workspaces .*[\s\S]*POST \/auth\/request/);
    assert.equal(late.headers.get("retry-after"), String(24 * 3_600));
    const [, token] = / token=(\S+)/.exec(made[0]!.text)!;
    const kept = await open.send("POST", "/contacts", { name: "Jane" }, { authorization: `Bearer ${token}` });
    assert.equal(kept.status, 201, kept.text);
    assert.equal((await open.signIn("in@example.com")).token.startsWith("ck_"), true);
    clock += 24 * 60 * MINUTE + 1;
    assert.equal((await make("10.9.1.1")).status, 201);
  } finally {
    await open.close();
  }
});
