import assert from "node:assert/strict";
import { once } from "node:events";
import { get, type IncomingMessage } from "node:http";
import { text } from "node:stream/consumers";
import { after, before, test } from "node:test";
import { sql } from "../../src/postgres/sql.ts";
import { mcpOf } from "../helpers/mcp.ts";
import {
  allow,
  askPath,
  bearer,
  CALLBACK,
  connected,
  consentPage,
  fieldsOf,
  formOf,
  newVerifier,
  postForm,
  refreshed,
  register,
  stands,
  tokenRequest,
} from "../helpers/oauth.ts";
import { type Client, type Send, type Service, startService } from "../helpers/service.ts";

/** The life of a connection, from discovery to its end. */

const HOUR = 3_600_000;
let clock = Date.parse("2026-06-01T08:00:00Z");
let service: Service;
let ann: Client;
before(async () => {
  service = await startService({ now: () => clock });
  ann = await service.signIn();
});
after(() => service.close());

test("metadata is served at every URL that clients try, as JSON for any Accept header", async () => {
  for (const path of ["", "/mcp"]) {
    const server = await service.send("GET", `/.well-known/oauth-authorization-server${path}`, undefined, {
      accept: "text/plain",
    });
    assert.match(server.headers.get("content-type")!, /^application\/json/);
    const { issuer, code_challenge_methods_supported, ...told } = server.json();
    assert.equal(issuer, service.baseUrl);
    assert.deepEqual(code_challenge_methods_supported, ["S256"]);
    assert.equal(told.authorization_response_iss_parameter_supported, true);
    assert.equal(told.client_id_metadata_document_supported, true);
    for (const name of ["authorization", "token", "registration", "revocation"])
      assert.ok(told[`${name}_endpoint`].startsWith(`${service.baseUrl}/oauth/`), name);
    const resource = (await service.send("GET", `/.well-known/oauth-protected-resource${path}`)).json();
    assert.equal(resource.resource, `${service.baseUrl}/mcp`);
    assert.deepEqual(resource.authorization_servers, [issuer]);
  }
  for (const path of ["openid-configuration", "openid-configuration/mcp", "oauth-authorization-server/else", "jwks.json"]) {
    const reply = await service.send("GET", `/.well-known/${path}`, undefined, { accept: "text/html" });
    assert.equal(reply.status, 404);
    assert.equal(reply.json().error, "not_found");
  }
});

test("in local mode the metadata names the requested address, which clients compare", async () => {
  const port = new URL(service.baseUrl).port;
  const host = `localhost:${port}`;
  const options = { port, path: "/.well-known/oauth-protected-resource/mcp", headers: { host } };
  const [reply] = (await once(get(options), "response")) as [IncomingMessage];
  assert.equal(JSON.parse(await text(reply)).resource, `http://${host}/mcp`);
});

test("a program connects and shows as one token of the person", async () => {
  const { client, tokens } = await connected(service, { reach: "write" });
  assert.equal(tokens.scope, "read write");
  assert.equal(tokens.expires_in, 3_600);
  assert.ok(await stands(service, tokens.access_token));
  const mine = async () =>
    (await ann.send("GET", "/tokens?format=json")).json().items.filter((row: { client: string }) => row.client === client);
  const [row, ...others] = await mine();
  assert.equal(others.length, 0);
  assert.equal(row.name, "Robot");
  assert.equal(row.audience, `${service.baseUrl}/mcp`);
  assert.deepEqual(row.scopes, ["read", "write"]);
  const next = (await refreshed(service, client, tokens.refresh_token)).json();
  assert.equal((await mine()).length, 1);
  assert.ok(await stands(service, tokens.access_token), "what is under way goes on");
  assert.ok(await stands(service, next.access_token));
  assert.equal((await ann.send("DELETE", `/tokens/${row.id}`)).status, 200);
  assert.equal(await stands(service, next.access_token), false);
  assert.equal((await refreshed(service, client, next.refresh_token)).json().error, "invalid_grant");
});

test("an access token lasts an hour, a connection as long as it is used", async () => {
  const { client, tokens } = await connected(service);
  clock += HOUR + 1_000;
  const late = await service.send("GET", "/contacts", undefined, bearer(tokens.access_token));
  assert.match(late.text, /token_expired/);
  clock += 80 * 24 * HOUR;
  const next = await refreshed(service, client, tokens.refresh_token);
  assert.equal(next.status, 200, next.text);
  clock += 91 * 24 * HOUR;
  assert.equal((await refreshed(service, client, next.json().refresh_token)).json().error, "invalid_grant");
  ann = await service.signIn();
});

test("the program gets the scopes and workspace that the person chose", async () => {
  const { client_id } = await register(service);
  const page = await consentPage(service, askPath(client_id, newVerifier()));
  assert.match(page, /value="write" checked/, "who asks for nothing gets the usual");
  const asked = async (scope: string) =>
    fieldsOf(await consentPage(service, askPath(client_id, newVerifier(), { scope }))).reach;
  assert.equal(await asked("read"), "read");
  assert.equal(await asked("read write delete admin"), "everything");
  assert.equal(await asked("create read"), "add");
  assert.equal(await asked("contacts.read deals.read"), "asked");
  assert.equal(await asked("contacts.create update"), "asked");
  assert.equal(await asked("openid read offline_access"), "read");
  assert.equal((await connected(service, { reach: "read" }, { scope: "read write" })).tokens.scope, "read");
  assert.equal((await connected(service, { reach: "add" }, { scope: "read write" })).tokens.scope, "read create");
  assert.equal((await connected(service, { reach: "asked" }, { scope: "deals.read" })).tokens.scope, "deals.read");
  assert.equal((await connected(service, { reach: "everything" }, { scope: "read" })).tokens.scope, "read write delete admin");
  const second = (await ann.send("POST", "/workspaces?format=json", { name: "Second" })).json().id;
  const { client } = await connected(service, { workspace: second });
  const rows = (await ann.send("GET", "/tokens?format=json")).json().items;
  assert.equal(rows.find((row: { client: string }) => row.client === client).workspace_id, second);
});

test("the workspace of another person cannot be chosen", async () => {
  const eve = await service.signIn("eve@example.com");
  const hers = (await eve.send("GET", "/workspaces?format=json")).json().items[0].id;
  const { client_id } = await register(service);
  const page = await consentPage(service, askPath(client_id, newVerifier()));
  const reply = await formOf(service)({ ...fieldsOf(page), workspace: hers, step: "allow" });
  assert.equal(reply.status, 400);
  assert.equal(reply.headers.get("location"), null);
});

test("a connection ends with the membership", async () => {
  const made = (await ann.send("POST", "/workspaces?format=json", { name: "Team" })).json().id;
  const { client, tokens } = await connected(service, { workspace: made });
  const code = (await ann.send("DELETE", `/workspaces/${made}?format=json`)).json().code;
  assert.equal((await ann.send("DELETE", `/workspaces/${made}?format=json&code=${code}`)).status, 200);
  assert.equal(await stands(service, tokens.access_token), false);
  assert.equal((await refreshed(service, client, tokens.refresh_token)).json().error, "invalid_grant");
});

test("a refresh may narrow the scopes of one access token", async () => {
  const { client, tokens } = await connected(service, { reach: "write" });
  const narrow = (await refreshed(service, client, tokens.refresh_token, { scope: "contacts.read" })).json();
  assert.equal(narrow.scope, "contacts.read");
  const more = await refreshed(service, client, narrow.refresh_token, { scope: "read delete" });
  assert.equal(more.json().error, "invalid_scope");
  assert.equal((await refreshed(service, client, narrow.refresh_token)).json().scope, "read write");
});

test("a client sends its secret form-encoded in the header, or in the body", async () => {
  const { client_id, client_secret = "" } = await register(service, { token_endpoint_auth_method: undefined });
  const basic = (secret: string) => ({ authorization: `Basic ${btoa(`${encodeURIComponent(client_id)}:${secret}`)}` });
  const verifier = newVerifier();
  const code = (await allow(service, askPath(client_id, verifier))).searchParams.get("code")!;
  const exchange = { grant_type: "authorization_code", code, code_verifier: verifier };
  const without = await tokenRequest(service, { ...exchange, client_id });
  assert.equal(without.status, 401);
  assert.match(without.headers.get("www-authenticate")!, /^Basic/);
  assert.equal((await tokenRequest(service, exchange, basic("cks_wrong"))).json().error, "invalid_client");
  const tokens = await tokenRequest(service, exchange, basic(client_secret.replace("_", "%5F")));
  assert.equal(tokens.status, 200, tokens.text);
  assert.equal(tokens.headers.get("cache-control"), "no-store");
  const { refresh_token } = tokens.json();
  const both = await tokenRequest(service, { grant_type: "refresh_token", refresh_token, client_secret }, basic(client_secret));
  assert.equal(both.json().error, "invalid_request");
  assert.equal((await refreshed(service, client_id, refresh_token, { client_secret })).status, 200);
});

test("a program revokes only its own tokens", async () => {
  const one = await connected(service);
  const two = await connected(service);
  const revoke = (client_id: string, token: string) => postForm(service, "/oauth/revoke", { client_id, token });
  const other = await revoke(two.client, one.tokens.refresh_token);
  assert.equal(other.text, "{}\n");
  assert.ok(await stands(service, one.tokens.access_token));
  await revoke(one.client, one.tokens.access_token);
  assert.equal(await stands(service, one.tokens.access_token), false);
  const next = (await refreshed(service, one.client, one.tokens.refresh_token)).json();
  assert.equal((await revoke(one.client, next.refresh_token)).status, 200);
  assert.equal(await stands(service, next.access_token), false);
  assert.equal((await revoke(one.client, "nonsense")).status, 200);
});

test("only the maker reads and deletes a registration, and its connections end with it", async () => {
  const made = await register(service);
  const path = `/oauth/register/${made.client_id}`;
  const own = bearer(made.registration_access_token);
  const read = await service.send("GET", path, undefined, own);
  assert.deepEqual(read.json().redirect_uris, [CALLBACK]);
  assert.equal(read.json().client_secret, undefined);
  const stranger = bearer((await register(service)).registration_access_token);
  assert.equal((await service.send("GET", path, undefined, stranger)).status, 401);
  const verifier = newVerifier();
  const code = (await allow(service, askPath(made.client_id, verifier))).searchParams.get("code")!;
  const exchange = { grant_type: "authorization_code", client_id: made.client_id, code, code_verifier: verifier };
  const tokens = (await tokenRequest(service, exchange)).json();
  assert.equal((await service.send("DELETE", path, undefined, own)).status, 204);
  assert.equal(await stands(service, tokens.access_token), false);
  assert.equal((await service.send("GET", path, undefined, own)).status, 401);
  assert.equal((await service.send("GET", askPath(made.client_id, verifier))).status, 400);
});

test("a connection works at /mcp within its scopes, and cannot get a token for other routes", async () => {
  const { tokens } = await connected(service, { reach: "everything" });
  const as = (token: string) => {
    const send: Send = (method, path, body, headers) => service.send(method, path, body, { ...headers, ...bearer(token) });
    return mcpOf({ send });
  };
  const made = await as(tokens.access_token).call("request", { method: "POST", path: "/contacts", body: { name: "Jane" } });
  assert.match(made.text, /# created/);
  const minted = await as(tokens.access_token).call("request", { method: "POST", path: "/tokens", body: { name: "more" } });
  assert.ok(minted.isError);
  assert.match(minted.text, /^ERROR scope_required/);
  const reader = as((await connected(service, { reach: "read" })).tokens.access_token);
  assert.equal((await reader.call("read", { path: "/contacts" })).isError, false);
  const write = { name: "request", arguments: { method: "POST", path: "/contacts", body: { name: "Joe" } } };
  const { status, text } = await reader.modern("tools/call", write);
  assert.equal(status, 403);
  assert.match(text, /scope_required/);
  const refused = await as("cka_unknown").modern("tools/list");
  assert.equal(refused.status, 401);
  assert.match(refused.headers.get("www-authenticate")!, /error="invalid_token", resource_metadata=/);
});

test("a token for another resource is refused", async () => {
  const { client, tokens } = await connected(service);
  await service.pool.rows(sql`update tokens set audience = 'https://elsewhere.example/mcp' where client = ${client}`);
  const reply = await service.send("POST", "/mcp", { jsonrpc: "2.0", id: 1, method: "ping" }, bearer(tokens.access_token));
  assert.equal(reply.status, 401);
  assert.match(reply.headers.get("www-authenticate")!, /error="invalid_token"/);
});
