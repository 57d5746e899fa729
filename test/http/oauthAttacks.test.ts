import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import {
  allow,
  askPath,
  bearer,
  CALLBACK,
  challengeOf,
  connected,
  newVerifier,
  refreshed,
  register,
  stands,
  tokenRequest,
} from "../helpers/oauth.ts";
import { type Reply, type Service, startService } from "../helpers/service.ts";

/** Attacks on OAuth (RFC 9700). */

let clock = Date.parse("2026-06-01T08:00:00Z");
let service: Service;
const documents = new Map<string, string>();
before(async () => {
  service = await startService({
    now: () => clock,
    readPublic: async ({ href }) => documents.get(href) ?? Promise.reject(new Error("it answered 404")),
  });
});
after(() => service.close());

const error = (reply: Reply) => {
  assert.match(reply.headers.get("content-type")!, /^application\/json/);
  assert.equal(reply.headers.get("cache-control"), "no-store");
  return reply.json().error as string;
};

/** A code from the consent page, and the values of its exchange. */
async function agreed(client?: string) {
  const client_id = client ?? (await register(service)).client_id;
  const code_verifier = newVerifier();
  const code = (await allow(service, askPath(client_id, code_verifier))).searchParams.get("code")!;
  return { grant_type: "authorization_code", client_id, code, code_verifier, redirect_uri: CALLBACK };
}

test("a code works only with its client, redirect URI and verifier, also after others tried it", async () => {
  const right = await agreed();
  const other = await register(service);
  const tries: Record<string, string>[] = [
    { client_id: other.client_id },
    { redirect_uri: "http://127.0.0.1:9/other" },
    { redirect_uri: "http://127.0.0.1:10/cb" },
    { code_verifier: newVerifier() },
    { code_verifier: challengeOf(right.code_verifier) },
    { code: `${right.code}x` },
  ];
  for (const wrong of tries) assert.equal(error(await tokenRequest(service, { ...right, ...wrong })), "invalid_grant");
  const { code_verifier: _, ...without } = right;
  assert.equal(error(await tokenRequest(service, without)), "invalid_request");
  assert.equal((await tokenRequest(service, right)).status, 200);
});

test("a replayed code ends its connection, whoever sends it", async () => {
  const right = await agreed();
  const tokens = (await tokenRequest(service, right)).json();
  assert.ok(await stands(service, tokens.access_token));
  const thief = await register(service);
  assert.equal(error(await tokenRequest(service, { ...right, client_id: thief.client_id })), "invalid_grant");
  assert.equal(await stands(service, tokens.access_token), false);
  assert.equal(error(await refreshed(service, right.client_id, tokens.refresh_token)), "invalid_grant");
});

test("a code expires after a minute", async () => {
  const right = await agreed();
  clock += 61_000;
  assert.equal(error(await tokenRequest(service, right)), "invalid_grant");
});

test("two concurrent exchanges of one code leave no connection", async () => {
  const right = await agreed();
  const replies = await Promise.all([1, 2, 3].map(() => tokenRequest(service, right)));
  const won = replies.filter(({ status }) => status === 200);
  assert.equal(won.length, 1);
  assert.equal(await stands(service, won[0]!.json().access_token), false);
});

test("a replayed refresh token ends the connection", async () => {
  const { client, tokens } = await connected(service);
  const second = (await refreshed(service, client, tokens.refresh_token)).json();
  const third = (await refreshed(service, client, second.refresh_token)).json();
  assert.equal(await stands(service, tokens.access_token), false, "the one before the last is gone");
  assert.ok(await stands(service, second.access_token));
  assert.equal(error(await refreshed(service, client, tokens.refresh_token)), "invalid_grant");
  for (const { access_token } of [second, third]) assert.equal(await stands(service, access_token), false);
  assert.equal(error(await refreshed(service, client, third.refresh_token)), "invalid_grant");
});

test("of two concurrent refreshes one succeeds, and the other counts as a replay", async () => {
  const { client, tokens } = await connected(service);
  const replies = await Promise.all(Array.from({ length: 6 }, () => refreshed(service, client, tokens.refresh_token)));
  const won = replies.filter(({ status }) => status === 200);
  assert.equal(won.length, 1);
  assert.equal(await stands(service, won[0]!.json().access_token), false);
});

test("a forged refresh token or another client's token ends no connection", async () => {
  const { client, tokens } = await connected(service);
  const { client: thief } = await connected(service);
  const made = `${tokens.refresh_token.slice(0, -12)}${"x".repeat(12)}`;
  for (const [who, token] of [
    [client, made],
    [thief, tokens.refresh_token],
    [client, tokens.access_token],
    [client, "nonsense"],
  ] as const)
    assert.equal(error(await refreshed(service, who, token)), "invalid_grant");
  assert.ok(await stands(service, tokens.access_token));
  assert.equal((await refreshed(service, client, tokens.refresh_token)).status, 200);
});

test("a token works only at /mcp, and no secret works for another purpose", async () => {
  const { client, code, tokens } = await connected(service);
  for (const path of ["/contacts", "/whoami", "/tokens"]) {
    const reply = await service.send("GET", path, undefined, bearer(tokens.access_token));
    assert.equal(reply.status, 401);
    assert.match(reply.headers.get("www-authenticate")!, /error="invalid_token"/);
  }
  for (const secret of [tokens.refresh_token, code, client])
    assert.match((await service.send("GET", "/whoami", undefined, bearer(secret))).text, /unknown or was revoked/);
  const query = await service.send("GET", `/whoami?access_token=${tokens.access_token}`);
  assert.match(query.text, /auth_required/);
});

test("a request without PKCE, with plain PKCE or with unknown values goes back as an error with its issuer", async () => {
  const { client_id } = await register(service);
  const tries: [changed: Record<string, string | undefined>, expected: string][] = [
    [{ code_challenge: undefined }, "invalid_request"],
    [{ code_challenge_method: "plain" }, "invalid_request"],
    [{ code_challenge_method: undefined }, "invalid_request"],
    [{ code_challenge: "short" }, "invalid_request"],
    [{ response_type: undefined }, "invalid_request"],
    [{ response_type: "token" }, "unsupported_response_type"],
    [{ response_mode: "fragment" }, "invalid_request"],
    [{ scope: "everything" }, "invalid_scope"],
    [{ resource: "https://example.com/mcp" }, "invalid_target"],
    [{ resource: `${service.baseUrl}/contacts` }, "invalid_target"],
  ];
  for (const [changed, expected] of tries) {
    const response = await fetch(service.baseUrl + askPath(client_id, newVerifier(), changed), { redirect: "manual" });
    assert.equal(response.status, 303, JSON.stringify(changed));
    const location = new URL(response.headers.get("location")!);
    assert.equal(location.origin + location.pathname, CALLBACK);
    assert.equal(location.searchParams.get("error"), expected);
    assert.equal(location.searchParams.get("iss"), service.baseUrl);
    assert.equal(location.searchParams.get("state"), "of the client");
    assert.equal(location.searchParams.get("code"), null);
  }
  const twice = `${askPath(client_id, newVerifier())}&scope=read&scope=write`;
  const response = await fetch(service.baseUrl + twice, { redirect: "manual" });
  assert.match(response.headers.get("location")!, /error=invalid_request/);
});

test("nobody is redirected to an unregistered address, nor automatically to a newly registered web site", async () => {
  const { client_id } = await register(service, { redirect_uris: ["https://evil.example/cb", CALLBACK] });
  for (const redirect_uri of [
    "https://evil.example/other",
    "https://evil.example/cb/..",
    "https://evil.example.com/cb",
    "//evil.example/cb",
    "javascript:alert(1)",
    "http://127.0.0.1:9@evil.example/cb",
    "http://127.0.0.1:80:80/cb",
    "nonsense",
    undefined,
  ]) {
    const response = await fetch(service.baseUrl + askPath(client_id, newVerifier(), { redirect_uri }), { redirect: "manual" });
    assert.equal(response.status, 400, redirect_uri);
    assert.equal(response.headers.get("location"), null);
    assert.doesNotMatch(await response.text(), /href=/);
  }
  const unknown = await service.send("GET", askPath("client_unknown", newVerifier()));
  assert.equal(unknown.status, 400);
  assert.match(unknown.headers.get("content-type")!, /^text\/html/);
  const phishing = askPath(client_id, newVerifier(), { redirect_uri: "https://evil.example/cb", response_type: "token" });
  const told = await fetch(service.baseUrl + phishing, { redirect: "manual" });
  assert.equal(told.status, 400);
  assert.match(await told.text(), /href="https:&#47;|href="https:/);
});

test("registrations with unsafe redirect URIs, unknown methods or huge metadata are refused", async () => {
  const attempt = (metadata: unknown) => service.send("POST", "/oauth/register", metadata);
  for (const redirect_uris of [
    ["javascript:alert(1)"],
    ["http://evil.example/"],
    ["data:text/html,x"],
    [],
    "x",
    [1],
    undefined,
    Array(11).fill(CALLBACK),
  ])
    assert.equal((await attempt({ redirect_uris })).json().error, "invalid_redirect_uri");
  const fine = { redirect_uris: [CALLBACK] };
  for (const wrong of [
    { token_endpoint_auth_method: "private_key_jwt" },
    { client_name: 5 },
    { client_name: "x".repeat(2_000) },
    { client_name: "\u0000" },
  ])
    assert.equal((await attempt({ ...fine, ...wrong })).json().error, "invalid_client_metadata");
  assert.equal((await attempt({ ...fine, logo_uri: "x".repeat(1_100_000) })).status, 413);
  assert.equal((await attempt("{")).json().error, "invalid_request");
  assert.equal((await attempt({ ...fine, software_id: "x", whatever: {} })).status, 201);
});

test("the token endpoint requires a form without repeated names, from a known client", async () => {
  const { client_id } = await register(service);
  const form = { "content-type": "application/x-www-form-urlencoded" };
  const post = (body: unknown, headers: Record<string, string> = form) => service.send("POST", "/oauth/token", body, headers);
  assert.equal(
    error(await post({ grant_type: "refresh_token", client_id }, { "content-type": "application/json" })),
    "invalid_request",
  );
  assert.equal(error(await post("")), "invalid_request");
  assert.equal(error(await post(`grant_type=refresh_token&client_id=${client_id}&client_id=${client_id}`)), "invalid_request");
  assert.equal(error(await post(`grant_type=password&client_id=${client_id}&username=a&password=b`)), "unsupported_grant_type");
  assert.equal(error(await post(`client_id=${client_id}`)), "invalid_request");
  assert.equal(error(await post("grant_type=refresh_token&client_id=%00&refresh_token=x")), "invalid_request");
  const unknown = await post("grant_type=refresh_token&client_id=client_none&refresh_token=x");
  assert.equal(unknown.status, 401);
  assert.equal(error(unknown), "invalid_client");
  const target = `grant_type=refresh_token&client_id=${client_id}&refresh_token=x&resource=https://example.com/mcp`;
  assert.equal(error(await post(target)), "invalid_target");
});

test("a client's document must be at its own URL and contain it", async () => {
  const id = "https://app.example/client.json";
  const document = { client_id: id, client_name: "App", redirect_uris: [CALLBACK] };
  const ask = (client: string) => service.send("GET", askPath(client, newVerifier()));
  documents.set(id, JSON.stringify(document));
  const page = await ask(id);
  assert.equal(page.status, 200);
  assert.match(page.text, /app\.example<\/b> vouches/);
  const { code, ...right } = await agreed(id);
  assert.equal((await tokenRequest(service, { ...right, code })).json().scope, "read write");
  const wrong: Record<string, unknown> = {
    "https://app.example/other": document,
    "https://app.example/secret": { ...document, token_endpoint_auth_method: "client_secret_post" },
    "https://app.example/none": { ...document, redirect_uris: undefined },
    "https://app.example/script": { ...document, redirect_uris: ["javascript:alert(1)"] },
    "https://app.example/null": null,
  };
  for (const [address, said] of Object.entries(wrong)) {
    const own = said && said !== document ? { ...said, client_id: address } : said;
    documents.set(address, JSON.stringify(own));
    assert.equal((await ask(address)).status, 400, address);
  }
  documents.set("https://app.example/broken", "{");
  for (const address of ["broken", "gone", "client.json#x", "a/../client.json", ""])
    assert.equal((await ask(`https://app.example/${address}`)).status, 400, address);
  assert.equal((await ask("https://ann@app.example/client.json")).status, 400);
  assert.equal((await ask("http://app.example/client.json")).status, 400);
});
