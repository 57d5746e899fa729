import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { request } from "node:http";
import { after, before, test } from "node:test";
import { createLog } from "../../src/kit/log.ts";
import { sql } from "../../src/postgres/sql.ts";
import { type Reply, type Service, startService } from "../helpers/service.ts";

/** `service` runs behind a proxy with a mail command, for many people; `local` is the local mode of one person. */
let service: Service;
let local: Service;
let clock = Date.parse("2026-06-01T08:00:00Z");
const logged: string[] = [];
before(async () => {
  const log = createLog(
    (line) => logged.push(line),
    () => clock,
  );
  service = await startService({ mail: true, now: () => clock, log, config: { CRM_TRUST_PROXY: "on", CRM_TOKEN_DAYS: "30" } });
  local = await startService({ now: () => clock });
});
after(async () => {
  await service.close();
  await local.close();
});

const HOME = "192.0.2.1";
const MINUTE = 60_000;
const HOUR = 60 * MINUTE;

const ask = (email: string, from = HOME) => service.send("POST", "/auth/request", { email }, { "x-forwarded-for": from });

const verify = (email: string, code: string, from = HOME) =>
  service.send("POST", "/auth/verify?format=json", { email, code, token_name: "test" }, { "x-forwarded-for": from });

const mailedTo = (email: string) => service.mails.findLast(({ to }) => to === email)!.text.match(/\d{6}/)![0];

/** Requests a code and reads it from the mail. */
async function codeFor(email: string, from = HOME): Promise<string> {
  const reply = await ask(email, from);
  assert.equal(reply.status, 200, reply.text);
  return mailedTo(email);
}

const other = (code: string, by = 1) => String((Number(code) + by) % 1_000_000).padStart(6, "0");

async function tokenFor(email: string): Promise<string> {
  return (await verify(email, await codeFor(email))).json().token;
}

const as = (token: string) => ({ authorization: `Bearer ${token}` });
const whoami = (token: string) => service.send("GET", "/whoami?format=json", undefined, as(token));

function assertUnauthorized(reply: Reply, code: string): void {
  assert.equal(reply.status, 401, reply.text);
  assert.match(reply.text, new RegExp(`^(ERROR ${code} |\\{"error":"${code}")`));
  assert.match(reply.headers.get("www-authenticate") ?? "", /^Bearer realm="cardfile"/);
}

test("a code appears only in the mail, and no answer reveals who has an account", async () => {
  await tokenFor("known@example.com");
  logged.length = 0;
  const [known, unknown] = [await ask("known@example.com"), await ask("unknown@example.com")];
  const code = mailedTo("known@example.com");
  assert.equal(known.text.replaceAll("unknown", "known"), unknown.text.replaceAll("unknown", "known"));
  for (const place of [known.text, JSON.stringify([...known.headers]), logged.join("")])
    assert.ok(!place.includes(code), place);
  const wrong = [
    await verify("known@example.com", other(code)),
    await verify("unknown@example.com", other(mailedTo("unknown@example.com"))),
  ];
  const words = wrong.map((reply) => reply.text.replaceAll("unknown", "known").replace(/req_\w+/, ""));
  assert.equal(words[0], words[1]);
});

test("a code works once within ten minutes, and a newer one replaces it", async () => {
  const email = "once@example.com";
  const early = await codeFor(email);
  clock += 9.9 * MINUTE;
  assert.equal((await verify(email, early)).status, 200);
  assertUnauthorized(await verify(email, early), "invalid_code");
  const late = await codeFor(email);
  clock += 10.1 * MINUTE;
  assertUnauthorized(await verify(email, late), "invalid_code");
  const [first, second] = [await codeFor(email), await codeFor(email)];
  if (first !== second) assertUnauthorized(await verify(email, first), "invalid_code");
  assert.equal((await verify(email.toUpperCase(), ` ${second.slice(0, 3)} ${second.slice(3)} `)).status, 200);
});

test("five wrong guesses end a code, and a new one can be requested", async () => {
  const email = "five@example.com";
  const code = await codeFor(email);
  for (let i = 1; i <= 5; i++) assertUnauthorized(await verify(email, other(code, i)), "invalid_code");
  assertUnauthorized(await verify(email, code), "invalid_code");
  assert.equal((await verify(email, await codeFor(email))).status, 200);
});

test("a forged X-Forwarded-For gives no more guesses", async () => {
  const email = "forged@example.com";
  const code = await codeFor(email);
  for (let i = 1; i <= 5; i++) await verify(email, other(code, i), `10.9.9.${i}, ${HOME}`);
  assertUnauthorized(await verify(email, code), "invalid_code");
  const { code: shown } = (await local.send("POST", "/auth/request?format=json", { email })).json();
  const guess = (digits: string, from: string) =>
    local.send("POST", "/auth/verify", { email, code: digits }, { "x-forwarded-for": from });
  for (let i = 1; i <= 5; i++) await guess(other(shown, i), `10.9.9.${i}`);
  assertUnauthorized(await guess(shown, "10.9.9.9"), "invalid_code");
});

test("a stranger's guesses and requests do not lock the owner out", async () => {
  const email = "owner@example.com";
  const code = await codeFor(email);
  for (let i = 1; i <= 40; i++) await verify(email, other(code, i), `198.51.100.${i % 8}`);
  for (let i = 1; i <= 12; i++) await ask(email, `198.51.100.${i % 2}`);
  for (let i = 1; i <= 12; i++) await verify(email, other(code, 50 + i), `198.51.100.${i % 2}`);
  assert.equal((await verify(email, code)).status, 200);
});

test("the owner may use the code at another address, and other addresses share twenty guesses", async () => {
  const email = "elsewhere@example.com";
  assert.equal((await verify(email, await codeFor(email), "203.0.113.7")).status, 200);
  const code = await codeFor(email);
  for (let i = 1; i <= 20; i++) await verify(email, other(code, i), `203.0.113.${i}`);
  assertUnauthorized(await verify(email, code, "203.0.113.99"), "invalid_code");
  assert.equal((await verify(email, code)).status, 200);
});

test("a mailbox gets six mails an hour from one network", async () => {
  const email = "flooded@example.com";
  const sent = () => service.mails.filter(({ to }) => to === email).length;
  for (let i = 1; i <= 6; i++) await codeFor(email);
  const refused = await ask(email);
  assert.equal(refused.status, 429, refused.text);
  assert.match(refused.headers.get("retry-after") ?? "", /^\d+$/);
  assert.equal(sent(), 6);
  assert.equal((await verify(email, mailedTo(email))).status, 200, "the last code still holds");
  clock += HOUR + MINUTE;
  await codeFor(email);
  assert.equal(sent(), 7);
});

test("strangers can neither fill a mailbox nor lock its owner out", async () => {
  const email = "popular@example.com";
  const sent = () => service.mails.filter(({ to }) => to === email).length;
  for (let i = 0; i < 40; i++) await ask(email, `198.51.100.${i}`);
  assert.ok(sent() <= 12, `${sent()} mails`);
  assert.equal((await ask(email)).status, 200);
  assert.ok(sent() <= 12, `${sent()} mails`);
  assert.equal((await verify(email, mailedTo(email))).status, 200);
});

test("one network has a limit on mails to all mailboxes", async () => {
  const replies: number[] = [];
  for (let i = 0; i < 70; i++) replies.push((await ask(`nobody${i}@example.com`, "203.0.113.200")).status);
  assert.equal(replies[0], 200);
  assert.equal(replies.at(-1), 429);
  assert.equal((await ask("nobody@example.com", "203.0.113.201")).status, 200);
});

test("all addresses of an IPv6 network share one limit", async () => {
  const email = "six@example.com";
  const code = await codeFor(email, "2001:db8:7:100::1");
  for (let i = 1; i <= 5; i++) await verify(email, other(code, i), `2001:db8:7:1${i}0:${i}::${i}`);
  assertUnauthorized(await verify(email, code, "2001:db8:7:100::1"), "invalid_code");
  const fresh = await codeFor(email, "::ffff:203.0.113.50");
  for (let i = 1; i <= 5; i++) await verify(email, other(fresh, i), "203.0.113.50");
  assertUnauthorized(await verify(email, fresh, "::ffff:203.0.113.50"), "invalid_code");
});

test("tokens are listed, and a revocation takes effect at once", async () => {
  const email = "tokens@example.com";
  const [one, two] = [await tokenFor(email), await tokenFor(email)];
  const mine = (token: string) => service.send("GET", "/tokens?format=json", undefined, as(token));
  const { items } = (await mine(one)).json();
  assert.deepEqual(items.map(({ current }: { current: boolean }) => current).sort(), [false, true]);
  assert.ok(!(await mine(one)).text.includes(one));
  const second = items.find(({ current }: { current: boolean }) => !current);
  assert.equal((await whoami(two)).status, 200, "and remembers the session");
  const stranger = await tokenFor("stranger@example.com");
  assert.equal((await service.send("DELETE", `/tokens/${second.id}`, undefined, as(stranger))).status, 404);
  assert.equal((await whoami(two)).status, 200);
  assert.equal((await service.send("DELETE", `/${second.handle}`, undefined, as(one))).status, 200, "a handle is a path");
  assertUnauthorized(await whoami(two), "invalid_token");
  assert.equal((await mine(one)).json().items.length, 1);
  const own = (await mine(one)).json().items[0];
  assert.equal((await service.send("DELETE", `/tokens/${own.id}`, undefined, as(one))).status, 200);
  assertUnauthorized(await whoami(one), "invalid_token");
});

test("a used token stays valid, an unused one expires", async () => {
  const [used, idle] = [await tokenFor("used@example.com"), await tokenFor("used@example.com")];
  for (let day = 0; day < 45; day += 15) {
    clock += 15 * 24 * HOUR;
    assert.equal((await whoami(used)).status, 200);
  }
  assertUnauthorized(await whoami(idle), "token_expired");
  assert.equal((await service.send("GET", "/tokens?format=json", undefined, as(used))).json().items.length, 1);
  clock += 31 * 24 * HOUR;
  assertUnauthorized(await whoami(used), "token_expired");
});

test("no table holds a token or a code, only keyed hashes", async () => {
  const token = await tokenFor("dumped@example.com");
  const code = await codeFor("dumped@example.com");
  const tables = await service.pool.rows(
    sql`select table_name from information_schema.tables where table_schema = 'public' and table_type = 'BASE TABLE'`,
  );
  let dump = "";
  for (const [table] of tables) {
    const xml = sql`select query_to_xml(${`select * from ${table}`}, true, false, '')::text`;
    dump += (await service.pool.rows(xml))[0]![0];
  }
  assert.match(dump, /<digest>[\w-]{43}<\/digest>/);
  const plain = ["hex", "base64", "base64url"].map((form) =>
    createHash("sha256")
      .update(token)
      .digest(form as "hex"),
  );
  for (const secret of [token, token.slice(3), ...plain, `>${code}<`, `"${code}"`, ` ${code}`])
    assert.ok(!dump.includes(secret), `the database holds ${secret}`);
  const stored = await service.pool.rows(sql`select digest from codes where subject = 'sign-in dumped@example.com'`);
  assert.match(stored[0]![0] as string, /^[\w-]{43}$/);
});

test("a request without a valid token learns how to sign in, also by WWW-Authenticate", async () => {
  const cases: [headers: Record<string, string>, code: string, challenge: RegExp][] = [
    [{}, "auth_required", /^Bearer realm="cardfile"$/],
    [{ authorization: "Basic YTpi" }, "invalid_token", /error="invalid_token"/],
    [{ authorization: "Bearer" }, "invalid_token", /error="invalid_token"/],
    [{ authorization: "Bearer ck_wrong" }, "invalid_token", /error="invalid_token"/],
    [{ authorization: `Bearer ${"x".repeat(5000)}` }, "invalid_token", /error="invalid_token"/],
    [{ authorization: "Bearer a b" }, "invalid_token", /error="invalid_token"/],
  ];
  for (const [headers, code, challenge] of cases) {
    const reply = await service.send("GET", "/contacts", undefined, headers);
    assertUnauthorized(reply, code);
    assert.match(reply.headers.get("www-authenticate")!, challenge);
    assert.match(reply.text, /POST \/auth\/request/);
  }
  const token = await tokenFor("scheme@example.com");
  assert.equal((await service.send("GET", "/whoami", undefined, { authorization: `bearer  ${token}` })).status, 200);
});

/** Uses node:http, because fetch sets Host and Origin itself. */
function statusFor(baseUrl: string, headers: Record<string, string>): Promise<number> {
  return new Promise((resolve, reject) => {
    const url = new URL("/auth/request", baseUrl);
    const sent = request(url, { method: "POST", headers, agent: false }, (response) => {
      response.resume().on("end", () => resolve(response.statusCode ?? 0));
    });
    sent.on("error", reject).end('{"email":"web@example.com"}');
  });
}

test("in local mode no web page can sign in, by its Origin or by its Host", async () => {
  const port = new URL(local.baseUrl).port;
  const cases: [headers: Record<string, string>, status: number][] = [
    [{}, 200],
    [{ host: `localhost:${port}` }, 200],
    [{ host: "127.0.0.1" }, 200],
    [{ host: `[::1]:${port}` }, 200],
    [{ host: "LOCALHOST" }, 200],
    [{ origin: local.baseUrl }, 200],
    [{ host: "evil.example" }, 403],
    [{ host: `evil.example:${port}` }, 403],
    [{ host: "127.0.0.1.evil.example" }, 403],
    [{ host: "localhost.evil.example" }, 403],
    [{ host: "192.168.0.1" }, 403],
    [{ origin: "https://evil.example" }, 403],
    [{ origin: "https://127.0.0.1.evil.example" }, 403],
    [{ origin: "null" }, 403],
    [{ origin: "" }, 403],
  ];
  for (const [headers, status] of cases) assert.equal(await statusFor(local.baseUrl, headers), status, JSON.stringify(headers));
  assert.equal(await statusFor(service.baseUrl, { host: "crm.example.com" }), 200);
});
