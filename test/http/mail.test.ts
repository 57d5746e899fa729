import assert from "node:assert/strict";
import { chmodSync, existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { createIds } from "../../src/kit/id.ts";
import { silentLog } from "../../src/kit/log.ts";
import { createSeal } from "../../src/kit/seal.ts";
import { createMailer } from "../../src/outbound/mail.ts";
import { createOutbox } from "../../src/outbound/outbox.ts";
import { createPool, type Pool } from "../../src/postgres/pool.ts";
import { sql } from "../../src/postgres/sql.ts";
import { type TestDatabase, testDatabase } from "../helpers/postgres.ts";

const MINUTE = 60_000;
const folder = mkdtempSync(join(tmpdir(), "cardfile-mail-"));
const sent = join(folder, "sent");
const broken = join(folder, "broken");
const sendmail = join(folder, "sendmail");

let database: TestDatabase;
let pool: Pool;
let clock = Date.parse("2026-06-01T08:12:44Z");
before(async () => {
  // Fails while the file `broken` exists, with sendmail's exit code for a temporary failure.
  writeFileSync(
    sendmail,
    `#!/bin/sh\nif [ -e ${broken} ]; then cat >/dev/null; echo refused >&2; exit 75; fi\ncat >> ${sent}\n`,
  );
  chmodSync(sendmail, 0o755);
  database = await testDatabase();
  pool = createPool({
    connection: database.connection,
    size: 2,
    queueLimit: 10,
    waitMs: 1000,
    deadlineMs: 5000,
    prepare: true,
    log: silentLog,
  });
});
after(async () => {
  await pool.close();
  await database.drop();
  rmSync(folder, { recursive: true });
});

const now = () => clock;
const newOutbox = () =>
  createOutbox({
    pool,
    seal: createSeal("a secret of the tests, long enough"),
    ids: createIds(now, Math.random),
    now,
    log: silentLog,
    send: createMailer(sendmail, "crm@example.com", now),
  });

const mail = { to: "jane@acme.com", subject: "Cardfile code 123456", text: "Your code is 123456\n" };
const waiting = async () => (await pool.rows(sql`select count(*)::int from mails`))[0]![0];

test("a mail goes out at once in RFC 5322 format, and nothing of it stays in the database", async () => {
  assert.equal(await newOutbox().post(mail), true);
  const text = readFileSync(sent, "utf8");
  assert.match(
    text,
    /^From: crm@example\.com\r\nTo: jane@acme\.com\r\nSubject: Cardfile code 123456\r\nDate: Mon, 01 Jun 2026 08:12:44 \+0000\r\n/,
  );
  assert.match(text, /\r\n\r\nYour code is 123456\n$/);
  assert.equal(await waiting(), 0);
});

test("a line break in a subject or an address injects no header", async () => {
  rmSync(sent);
  await newOutbox().post({ ...mail, to: "jane@acme.com\r\nBcc: eve@example.com", subject: "x\nX-Evil: 1" });
  const [head] = readFileSync(sent, "utf8").split("\r\n\r\n") as [string];
  assert.deepEqual(
    head.split("\r\n").map((line) => line.split(":")[0]),
    ["From", "To", "Subject", "Date", "Auto-Submitted", "MIME-Version", "Content-Type", "Content-Transfer-Encoding"],
  );
});

test("a non-ASCII subject is encoded, and all headers are ASCII", async () => {
  rmSync(sent);
  await newOutbox().post({ ...mail, to: "info@münchen.example", subject: "Zoë lädt dich ein\r\nBcc: eve@example.com" });
  const [head] = readFileSync(sent, "utf8").split("\r\n\r\n") as [string];
  assert.match(head, /^[\r\n -~]*$/);
  assert.match(head, /^To: info@xn--mnchen-3ya\.example\r$/m);
  const words = [...head.matchAll(/=\?UTF-8\?B\?([\w+/=]+)\?=/g)].map(([, base64]) => Buffer.from(base64!, "base64"));
  assert.equal(Buffer.concat(words).toString(), "Zoë lädt dich ein Bcc: eve@example.com");
});

test("a refused mail is kept encrypted, survives a restart and goes out later", async () => {
  rmSync(sent);
  writeFileSync(broken, "");
  assert.equal(await newOutbox().post(mail), false);
  const [[bytes]] = (await pool.rows(sql`select sealed from mails`)) as unknown as [[Buffer]];
  assert.doesNotMatch(bytes.toString("latin1"), /123456|jane/);
  const restarted = newOutbox();
  await restarted.retry();
  assert.equal(await waiting(), 1, "not before its time");
  clock += MINUTE;
  await restarted.retry();
  assert.equal(await waiting(), 1, "refused again");
  rmSync(broken);
  clock += 5 * MINUTE;
  await Promise.all([restarted.retry(), newOutbox().retry()]);
  assert.equal(readFileSync(sent, "utf8").split("Subject:").length - 1, 1, "one process sends it");
  assert.equal(await waiting(), 0);
});

test("a mail that fails for a day is given up", async () => {
  rmSync(sent);
  writeFileSync(broken, "");
  await newOutbox().post(mail);
  clock += 25 * 60 * MINUTE;
  rmSync(broken);
  await newOutbox().retry();
  assert.equal(await waiting(), 0);
  assert.equal(existsSync(sent), false);
});
