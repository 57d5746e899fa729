import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { type McpClient, mcpOf } from "../helpers/mcp.ts";
import { type Client, type Reply, type Service, startService } from "../helpers/service.ts";

/** The protocol in its modern and legacy revisions, at one URL. */

let service: Service;
let ann: Client;
let mcp: McpClient;
before(async () => {
  service = await startService();
  ann = await service.signIn();
  mcp = mcpOf(ann);
});
after(() => service.close());

const META = "io.modelcontextprotocol/";
const LEGACY = ["2025-11-25", "2025-06-18", "2025-03-26"];

function assertFault(reply: Reply, status: number, code: number, id: number | null = 7): void {
  const { error, ...rest } = reply.json();
  assert.deepEqual([reply.status, error.code], [status, code], reply.text);
  assert.deepEqual(rest, { jsonrpc: "2.0", ...(id === null ? {} : { id }) });
  assert.equal(reply.headers.get("content-type"), "application/json; charset=utf-8");
}

test("a modern client discovers the server, and each answer is complete in itself", async () => {
  const { result } = (await mcp.modern("server/discover")).json();
  assert.deepEqual(result.supportedVersions, ["2026-07-28", ...LEGACY]);
  assert.deepEqual(result.capabilities, { tools: {}, resources: {} });
  assert.match(result.instructions, /\/help/);
  for (const method of ["server/discover", "tools/list", "resources/list", "resources/templates/list"]) {
    const reply = await mcp.modern(method);
    const { resultType, ttlMs, cacheScope, _meta } = reply.json().result;
    assert.deepEqual([reply.status, resultType, cacheScope, ttlMs > 0], [200, "complete", "public", true], method);
    assert.equal(_meta[`${META}serverInfo`].name, "cardfile");
    assert.equal(reply.headers.get("mcp-session-id"), null);
  }
});

test("a legacy client initializes in its own revision, and no session is kept", async () => {
  for (const version of LEGACY) {
    const params = { protocolVersion: version, capabilities: {}, clientInfo: { name: "old", version: "1" } };
    const { result } = (await mcp.legacy("initialize", params, { "mcp-protocol-version": "2026-07-28" })).json();
    assert.deepEqual(
      [result.protocolVersion, result.serverInfo.name, result.resultType],
      [version, "cardfile", undefined],
      version,
    );
    const headers = { "mcp-protocol-version": version, "mcp-session-id": "made-up" };
    assert.deepEqual((await mcp.legacy("ping", undefined, headers)).json(), { jsonrpc: "2.0", id: 7, result: {} });
    assert.equal((await mcp.legacy("tools/list", {}, headers)).json().result.tools.length, 2);
  }
  const { result } = (await mcp.legacy("initialize", { protocolVersion: "1999-01-01" })).json();
  assert.equal(result.protocolVersion, LEGACY[0]);
  assert.equal((await mcp.legacy("tools/list")).json().result.tools.length, 2, "without a header, as before 2025-06-18");
});

test("a notification gets 202 and an empty body", async () => {
  const reply = await ann.send("POST", "/mcp", { jsonrpc: "2.0", method: "notifications/initialized" });
  assert.deepEqual([reply.status, reply.text], [202, ""]);
});

test("a modern request with missing or contradictory values is refused", async () => {
  const call = { name: "read", arguments: { path: "/help" } };
  for (const [status, code, headers, meta] of [
    [400, -32602, {}, { [`${META}protocolVersion`]: undefined }],
    [400, -32602, {}, { [`${META}clientCapabilities`]: undefined }],
    [400, -32020, { "mcp-protocol-version": undefined }, {}],
    [400, -32020, { "mcp-protocol-version": "2025-11-25" }, {}],
    [400, -32020, { "mcp-method": undefined }, {}],
    [400, -32020, { "mcp-method": "tools/list" }, {}],
    [400, -32020, { "mcp-method": "Tools/Call" }, {}],
    [400, -32020, { "mcp-name": undefined }, {}],
    [400, -32020, { "mcp-name": "request" }, {}],
    [400, -32022, { "mcp-protocol-version": "1900-01-01" }, { [`${META}protocolVersion`]: "1900-01-01" }],
  ] as const)
    assertFault(await mcp.modern("tools/call", call, headers, meta), status, code);
  for (const name of [" read ", `=?base64?${Buffer.from("read").toString("base64")}?=`])
    assert.equal((await mcp.modern("tools/call", call, { "mcp-name": name })).status, 200, name);
  assert.equal((await mcp.modern("tools/call", call, {}, { [`${META}clientInfo`]: undefined })).status, 200);
  const { data } = (await mcp.legacy("tools/list", {}, { "mcp-protocol-version": "1900-01-01" })).json().error;
  assert.deepEqual(data, { supported: ["2026-07-28", ...LEGACY], requested: "1900-01-01" });
  assertFault(await mcp.legacy("tools/list", {}, { "mcp-protocol-version": "2026-07-28" }), 400, -32602);
});

test("a method of another revision is unknown", async () => {
  for (const method of ["initialize", "ping", "logging/setLevel", "resources/subscribe", "prompts/list", "nothing"])
    assertFault(await mcp.modern(method), 404, -32601);
  for (const method of ["server/discover", "prompts/list", "__proto__", "constructor"])
    assertFault(await mcp.legacy(method), 200, -32601);
});

test("an invalid message is refused, and nothing of it is done", async () => {
  for (const [body, code] of [
    ["{", -32700],
    ["", -32700],
    ["[]", -32600],
    ["5", -32600],
    ['{"id":1,"method":"ping"}', -32600],
    ['{"jsonrpc":"2.0","id":null,"method":"ping"}', -32600],
    ['{"jsonrpc":"2.0","id":1.5,"method":"ping"}', -32600],
    ['{"jsonrpc":"2.0","id":1,"result":{}}', -32600],
    ['{"jsonrpc":"2.0","id":1,"method":"ping","params":[]}', -32600],
    ['{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"arguments":{"body":{"n":12345678901234567890}}}}', -32602],
  ] as const)
    assertFault(await ann.send("POST", "/mcp", body), 400, code, null);
  for (const params of [
    {},
    { name: "nothing" },
    { name: 5 },
    { name: "read", arguments: [] },
    { name: "read", arguments: "x" },
  ])
    assertFault(await mcp.legacy("tools/call", params), 200, -32602);
});

test("GET and DELETE are refused", async () => {
  for (const method of ["GET", "DELETE", "PATCH", "PUT"]) {
    const { status, headers } = await ann.send(method, "/mcp");
    assert.deepEqual([status, headers.get("allow")], [405, "POST"], method);
  }
});

test("a request without a token learns where to get one", async () => {
  const resource = `resource_metadata="${service.baseUrl}/.well-known/oauth-protected-resource/mcp", scope="read write"`;
  const none = await mcpOf(service).modern("tools/list");
  assert.deepEqual([none.status, none.headers.get("www-authenticate")], [401, `Bearer ${resource}`]);
  assert.equal(none.json().error, "auth_required");
  const wrong = await ann.send("POST", "/mcp", {}, { authorization: "Bearer ck_wrong" });
  assert.deepEqual([wrong.status, wrong.headers.get("www-authenticate")], [401, `Bearer error="invalid_token", ${resource}`]);
  const ping = { jsonrpc: "2.0", id: 1, method: "ping" };
  assert.equal((await service.send("POST", "/mcp", ping, { "x-api-key": ann.token })).status, 200);
  for (const name of ["access_token", "token", "key"])
    assert.equal((await service.send("POST", `/mcp?${name}=${ann.token}`, ping)).status, 401, name);
});

test("a web page of another origin gets nothing from a local server", async () => {
  for (const headers of [{ origin: "https://evil.example" }, { origin: "null" }])
    assert.equal((await mcp.modern("tools/list", {}, headers)).status, 403);
  assert.equal((await mcp.modern("tools/list", {}, { origin: "http://localhost:6274" })).status, 200);
});

test("with mailed codes every origin is allowed, because a page has no token by itself", async () => {
  const served = await startService({ mail: true });
  const bob = mcpOf(await served.signIn("bob@example.com"));
  assert.equal((await bob.modern("tools/list", {}, { origin: "https://chat.example" })).status, 200);
  assert.equal((await mcpOf(served).modern("tools/list", {}, { origin: "https://chat.example" })).status, 401);
  await served.close();
});

test("the manual's pages are resources with the same text as GET /help", async () => {
  const { resources } = (await mcp.modern("resources/list")).json().result;
  assert.equal(new Set(resources.map(({ uri }: { uri: string }) => uri)).size, resources.length);
  for (const topic of ["help", "query", "mcp", "contacts", "tasks"])
    assert.ok(
      resources.some(({ name }: { name: string }) => name === topic),
      topic,
    );
  for (const { uri } of resources) {
    const { contents } = (await mcp.modern("resources/read", { uri })).json().result;
    const page = await service.send("GET", uri.replace(service.baseUrl, ""));
    assert.deepEqual(contents, [{ uri, mimeType: "text/plain", text: page.text }]);
  }
  const unknown = { uri: `${service.baseUrl}/help/nothing` };
  assertFault(await mcp.modern("resources/read", unknown), 200, -32602);
  assertFault(await mcp.legacy("resources/read", unknown), 200, -32002);
});

test("a client of 2025-03-26 may send a batch, and each call counts", async () => {
  const send = (messages: unknown, headers = {}) =>
    ann.send("POST", "/mcp", messages, { "content-type": "application/json", ...headers });
  const call = (id: number, path: string) => ({
    jsonrpc: "2.0",
    id,
    method: "tools/call",
    params: { name: "read", arguments: { path } },
  });
  const note = { jsonrpc: "2.0", method: "notifications/initialized" };
  for (const headers of [{}, { "mcp-protocol-version": "2025-03-26" }]) {
    const reply = await send(
      [call(1, "/whoami"), note, call(2, "/nothing"), { jsonrpc: "2.0", id: 3, method: "ping" }, 5],
      headers,
    );
    assert.equal(reply.status, 200, reply.text);
    const [one, two, three, four] = reply.json();
    assert.match(one.result.content[0].text, /^user=/);
    assert.deepEqual([one.id, two.id, two.result.isError, three], [1, 2, true, { jsonrpc: "2.0", id: 3, result: {} }]);
    assert.equal(four.error.code, -32600);
  }
  assert.deepEqual([(await send([note, note])).status, (await send([note])).text], [202, ""]);
  const initialize = { jsonrpc: "2.0", id: 1, method: "initialize", params: { protocolVersion: "2025-03-26" } };
  assert.equal((await send([initialize])).json()[0].error.code, -32600);
  for (const [messages, headers] of [
    [[], {}],
    [Array.from({ length: 21 }, () => note), {}],
    [[call(1, "/whoami")], { "mcp-protocol-version": "2025-06-18" }],
    [[call(1, "/whoami")], { "mcp-protocol-version": "2026-07-28" }],
  ] as const) {
    const refused = await send(messages, headers);
    assert.deepEqual([refused.status, refused.json().error.code], [400, -32600], refused.text);
  }
  const left = async () => Number((await ann.send("GET", "/whoami")).headers.get("x-ratelimit-remaining"));
  const before = await left();
  await send([call(1, "/whoami"), call(2, "/whoami"), call(3, "/whoami")]);
  assert.equal(before - (await left()), 4, "three calls, and the look at what is left");
});
