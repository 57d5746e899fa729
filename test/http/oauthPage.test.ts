import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { dropExpiredGrants } from "../../src/db/people/grants.ts";
import { dropUnusedClients } from "../../src/db/people/oauthClients.ts";
import { sql } from "../../src/postgres/sql.ts";
import {
  allow,
  askPath,
  CALLBACK,
  consentPage,
  type Form,
  fieldsOf,
  formOf,
  newVerifier,
  register,
  textOf,
  tokenRequest,
} from "../helpers/oauth.ts";
import { type Service, startService } from "../helpers/service.ts";

/** The consent pages, on a server that mails its codes, and attacks on them. */

const DAY = 86_400_000;
let clock = Date.parse("2026-06-01T08:00:00Z");
let service: Service;
let form: Form;
before(async () => {
  service = await startService({ mail: true, now: () => clock, config: { CRM_TRUST_PROXY: "on" } });
  form = formOf(service);
});
after(() => service.close());

const ask = async (changed: Record<string, string | undefined> = {}, metadata: Record<string, unknown> = {}) =>
  askPath((await register(service, metadata)).client_id, newVerifier(), changed);

/** The fields of the first page, with an e-mail address. */
async function begun(email: string): Promise<Record<string, string>> {
  return { ...fieldsOf((await service.send("GET", await ask())).text), email };
}

test("pages run no script, load nothing, leak no referrer and are not cached", async () => {
  const page = await service.send("GET", await ask());
  assert.match(page.headers.get("content-type")!, /^text\/html; charset=utf-8/);
  assert.match(
    page.headers.get("content-security-policy")!,
    /^default-src 'none'; style-src 'sha256-.*frame-ancestors 'none'; form-action 'self'$/,
  );
  assert.equal(page.headers.get("x-frame-options"), "DENY");
  assert.equal(page.headers.get("referrer-policy"), "same-origin");
  assert.equal(page.headers.get("cache-control"), "no-store");
  assert.equal(page.headers.get("set-cookie"), null);
  const last = await consentPage(service, await ask(), "policy@example.com");
  assert.doesNotMatch(last, /<script|<link|<img|<iframe|style="| on\w+="/);
});

test("names, states and addresses are escaped on the page", async () => {
  const hostile = `"><script>alert(1)</script>\u202e`;
  const path = await ask({ state: hostile }, { client_name: hostile });
  for (const page of [(await service.send("GET", path)).text, await consentPage(service, path, "hostile@example.com")]) {
    assert.doesNotMatch(page, /<script/);
    assert.match(textOf(page), /Connect <bdi>"\\"><script>alert\(1\)<\/script>\\u202e"/);
  }
  const failed = await form({ ...fieldsOf((await service.send("GET", path)).text), email: hostile, step: "send" });
  assert.equal(failed.status, 400);
  assert.doesNotMatch(failed.text, /<script/);
  assert.match(failed.text, /role="alert"[^>]*id="fault">This is not an e-mail address/);
  assert.match(failed.text, /aria-invalid="true" aria-describedby="fault"/);
});

test("the page warns of a program on this computer and of an unchecked name", async () => {
  assert.match(
    (await service.send("GET", await ask())).text,
    /class="warning"><b>It says that it runs on this computer<\/b> \(127\.0\.0\.1:9\)/,
  );
  const web = { redirect_uris: ["https://claude.example/cb"] };
  const { text } = await service.send("GET", await ask({ redirect_uri: "https://claude.example/cb" }, web));
  assert.match(text, /nobody has checked it/);
  assert.match(text, /The answer goes to <b>claude\.example<\/b>/);
});

test("the code is mailed and not shown, may be tried again, and can go to another address", async () => {
  const first = await begun("code@example.com");
  const sent = await form({ ...first, step: "send" });
  const mailed = /\d{6}/.exec(service.mails.at(-1)!.text)![0];
  assert.equal(sent.text.includes(mailed), false);
  const wrong = await form({ ...fieldsOf(sent.text), code: mailed === "000000" ? "000001" : "000000", step: "verify" });
  assert.equal(wrong.status, 400);
  assert.match(wrong.text, /role="alert"/);
  const back = await form({ ...fieldsOf(wrong.text), step: "back" });
  assert.match(back.text, /name="email"[^>]*value="code@example\.com"/);
  const spaced = `${mailed.slice(0, 3)} ${mailed.slice(3)}`;
  const right = await form({ ...fieldsOf(wrong.text), code: spaced, step: "verify" });
  assert.match(right.text, /signed in as code@example\.com/);
  const again = await form({ ...fieldsOf(wrong.text), code: mailed, step: "verify" });
  assert.match(again.text, /signed in as/, "the same form comes again when a button is pressed twice");
  const elsewhere = await form({ ...(await begun("code@example.com")), step: "send" });
  const stolen = await form({ ...fieldsOf(elsewhere.text), code: mailed, step: "verify" });
  assert.equal(stolen.status, 400, "for another question the code is used");
});

test("code requests share one limit with POST /auth/request", async () => {
  const first = await begun("flood@example.com");
  const replies = [];
  for (let i = 0; i < 7; i++) replies.push(await form({ ...first, step: "send" }));
  assert.equal(replies.at(-1)!.status, 429);
  assert.match(replies.at(-1)!.text, /role="alert"/);
  assert.equal((await service.send("POST", "/auth/request", { email: "flood@example.com" })).status, 429);
});

test("a form from another site is refused", async () => {
  const path = await ask();
  const fields = fieldsOf(await consentPage(service, path, "victim@example.com"));
  for (const headers of [
    { origin: "https://evil.example", "sec-fetch-site": "cross-site" },
    { origin: "null", "sec-fetch-site": "cross-site" },
    { origin: service.baseUrl, "sec-fetch-site": "same-site" },
  ] as Record<string, string>[])
    assert.equal((await form({ ...fields, step: "allow" }, headers)).status, 403, JSON.stringify(headers));
  const old = async (origin: string) => {
    const type = "application/x-www-form-urlencoded";
    const body = new URLSearchParams({ ...fields, step: "deny" }).toString();
    const response = await fetch(`${service.baseUrl}/oauth/authorize`, {
      method: "POST",
      redirect: "manual",
      body,
      headers: { origin, "content-type": type },
    });
    return response.status;
  };
  assert.equal(await old("https://evil.example"), 403, "a browser that does not tell more than the origin");
  assert.equal(await old(service.baseUrl), 303);
});

test("a flow cannot be changed in transit, nor continued after it expires", async () => {
  const fields = fieldsOf(await consentPage(service, await ask(), "seal@example.com"));
  const { flow = "" } = fields;
  const flipped = flow.slice(0, 80) + (flow[80] === "A" ? "B" : "A") + flow.slice(81);
  for (const forged of ["", "x", flipped, Buffer.from('{"userId":"u_1"}').toString("base64url")])
    assert.equal((await form({ ...fields, flow: forged, step: "allow" })).status, 400);
  clock += 14 * 60_000;
  const asked = await form({ ...fields, reach: "", step: "allow" });
  assert.equal(asked.status, 400);
  clock += 2 * 60_000;
  assert.equal((await form({ ...fields, flow: fieldsOf(asked.text).flow ?? "", step: "allow" })).status, 400);
  const late = await form({ ...fields, step: "allow" });
  assert.equal(late.status, 400);
  assert.match(late.text, /too old/);
});

test("Allow pressed twice makes one code with the last choice, and fails once tokens exist", async () => {
  const client = await register(service);
  const verifier = newVerifier();
  const fields = fieldsOf(await consentPage(service, askPath(client.client_id, verifier), "twice@example.com"));
  const [one, two] = [await form({ ...fields, step: "allow" }), await form({ ...fields, reach: "read", step: "allow" })];
  assert.equal(one.status, 303);
  assert.equal(one.headers.get("location"), two.headers.get("location"));
  const location = new URL(two.headers.get("location")!);
  assert.equal(location.searchParams.get("iss"), service.baseUrl);
  assert.equal(location.searchParams.get("state"), "of the client");
  const code = location.searchParams.get("code")!;
  const tokens = await tokenRequest(service, {
    grant_type: "authorization_code",
    client_id: client.client_id,
    code,
    code_verifier: verifier,
  });
  assert.equal(tokens.json().scope, "read");
  assert.equal((await form({ ...fields, step: "allow" })).status, 400);
});

test("Deny and Cancel report access_denied to the program", async () => {
  const path = await ask();
  const denied = await form({ ...fieldsOf(await consentPage(service, path, "deny@example.com")), step: "deny" });
  assert.equal(denied.status, 303);
  const cancel = textOf(/href="([^"]*)"/.exec((await service.send("GET", path)).text)![1]!);
  for (const location of [denied.headers.get("location")!, cancel]) {
    assert.ok(location.startsWith(`${CALLBACK}?error=access_denied&`));
    assert.match(location, /&iss=http/);
  }
});

test("a workspace or a choice of scopes that the page does not offer is refused", async () => {
  const fields = fieldsOf(await consentPage(service, await ask(), "choice@example.com"));
  for (const wrong of [{ reach: "constructor" }, { reach: "asked" }, { reach: "" }, { workspace: "" }, { step: "" }]) {
    const reply = await form({ ...fields, step: "allow", ...wrong });
    if ("reach" in wrong && wrong.reach === "asked") assert.equal(reply.status, 303, "what it asked for is always a choice");
    else assert.equal(reply.status, 400, JSON.stringify(wrong));
  }
});

test("registrations are limited per address and hour", async () => {
  const from = (address: string) => ({ "x-forwarded-for": address });
  const metadata = { redirect_uris: [CALLBACK] };
  const statuses = [];
  for (let i = 0; i < 21; i++)
    statuses.push((await service.send("POST", "/oauth/register", metadata, from("192.0.2.7"))).status);
  assert.deepEqual(statuses.slice(0, 20), Array(20).fill(201));
  assert.equal(statuses[20], 429);
  assert.equal((await service.send("POST", "/oauth/register", metadata, from("192.0.2.8"))).status, 201);
});

test("concurrent registrations do not exceed the limit", async () => {
  const from = { "x-forwarded-for": "192.0.2.9" };
  const replies = await Promise.all(
    Array.from({ length: 60 }, () => service.send("POST", "/oauth/register", { redirect_uris: [CALLBACK] }, from)),
  );
  assert.equal(replies.filter(({ status }) => status === 201).length, 20);
  assert.equal(replies.filter(({ status }) => status === 429).length, 40);
});

test("clients that nobody authorized are dropped for new ones, oldest first", async () => {
  const client = await register(service);
  await service.pool.rows(sql`insert into oauth_clients (id, name, redirect_uris, auth_method, registration_digest, address, created_at)
    select 'flood ' || i, 'flood', '{}', 'none', '', '203.0.113.' || i, ${new Date(clock + 1).toISOString()} from generate_series(1, 5000) i`);
  clock += 2;
  await register(service);
  const [row] = await service.pool.rows(sql`select count(*)::int, (count(*) filter (where id = ${client.client_id}))::int
    from oauth_clients where used_at is null`);
  assert.deepEqual(row, [5_001, 0]);
});

test("unused registrations, spent codes and expired access tokens are dropped", async () => {
  clock += 2 * 3_600_000;
  const unused = await register(service);
  const used = await register(service);
  await allow(service, askPath(used.client_id, newVerifier()));
  const left = async (table: "oauth_clients" | "authorization_codes" | "access_tokens") => {
    const counts = {
      oauth_clients: sql`select count(*)::int from oauth_clients where id in (${unused.client_id}, ${used.client_id})`,
      authorization_codes: sql`select count(*)::int from authorization_codes`,
      access_tokens: sql`select count(*)::int from access_tokens`,
    };
    const [row] = await service.pool.rows(counts[table]);
    return row![0] as number;
  };
  await dropUnusedClients(service.pool, clock + DAY / 2, clock - 90 * DAY);
  assert.equal(await left("oauth_clients"), 2);
  await dropUnusedClients(service.pool, clock + 2 * DAY, clock - 88 * DAY);
  assert.equal(await left("oauth_clients"), 1);
  await dropUnusedClients(service.pool, clock + 92 * DAY, clock + 2 * DAY);
  assert.equal(await left("oauth_clients"), 0);
  await dropExpiredGrants(service.pool, clock);
  assert.ok((await left("authorization_codes")) > 0);
  await dropExpiredGrants(service.pool, clock + DAY);
  assert.equal(await left("authorization_codes"), 0);
  assert.equal(await left("access_tokens"), 0);
});
