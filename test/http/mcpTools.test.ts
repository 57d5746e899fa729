import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import fc from "fast-check";
import { LONGEST, LONGEST_LINE } from "../../src/mcp/call.ts";
import { catalog } from "../../src/records/all.ts";
import { createRoutes } from "../../src/routes/table.ts";
import { type McpClient, mcpOf } from "../helpers/mcp.ts";
import { bearer, connected } from "../helpers/oauth.ts";
import { type Client, type Service, startService } from "../helpers/service.ts";

/** The tools take the path of every other request and give the same answers. */

let service: Service;
let ann: Client;
let mcp: McpClient;
let jane: string;
before(async () => {
  service = await startService({ config: { CRM_METRICS_TOKEN: "for prometheus" } });
  ann = await service.signIn();
  mcp = mcpOf(ann);
  const body = { name: "Jane Doe", email: "jane@acme.com", stage: "lead" };
  jane = (await ann.send("POST", "/contacts?format=json", body)).json().handle.split("/")[1];
});
after(() => service.close());

const routes = createRoutes(catalog).filter(({ path }) => path !== "/mcp");
const prefixOf = (path: string) => catalog.kinds.find(({ plural }) => path.startsWith(`/${plural}/`))?.prefix ?? "ws";
const aim = (path: string) => path.replace(/\{\w+\}/g, `${prefixOf(path)}_00000000`);

/** Removes values that differ between requests. */
const steady = (text: string) =>
  text.replace(
    /(?:req|ws)_\w{26}|ck_\w{5,}|acrm_live_\w+|cardfile_\w+(\{.*\})? [\d.e+-]+|(confirm|token)=\S+|tok_\w{8}|cal_\w{8}|ckf_\w+|pp_\w{8}|im_\w{8}/g,
    "…",
  );

/** Without what differs from record to record. */
const nameless = (text: string) =>
  steady(text)
    .replace(/_[0-9a-z]{8}\b/g, "_…")
    .replace(/=\d{4}-\d\d-\d\dT\S+/g, "=…");

test("the tools reach every route and give the same answers as HTTP", async () => {
  for (const { method, path, open } of routes) {
    if (open === true && method !== "GET") continue;
    const where = `${method} ${path}`;
    // It ends the token that asks.
    if (path === "/v1/keys/rotate") continue;
    const called = await mcp.call("request", { method, path: aim(path) });
    // An answer of any length cannot be had in another.
    if (path === "/export") assert.match(called.text, /^ERROR not_acceptable /);
    if (path === "/export") continue;
    const sent = await ann.send(method, aim(path), undefined, path === "/metrics" ? { authorization: "" } : {});
    assert.equal(called.isError, sent.status >= 400, where);
    assert.doesNotMatch(called.text, /^ERROR (internal|method_not_allowed)/, where);
    if (/\/(openapi\.json|sdk\.ts|schema|capabilities)$/.test(path))
      assert.ok(sent.text.startsWith(called.text.slice(0, 20_000).split("\n")[0]!), where);
    // A kind that needs nothing is created by each of the two.
    else if (sent.status === 201) assert.equal(nameless(called.text), nameless(sent.text), where);
    else assert.equal(steady(called.text), steady(sent.text), where);
    if (method === "GET") assert.ok(steady((await mcp.call("read", { path: aim(path) })).text) === steady(called.text), where);
  }
});

async function connectedClient(reach: string): Promise<Pick<Client, "send">> {
  const { tokens } = await connected(service, { reach });
  return {
    send: (method, path, body, headers) => service.send(method, path, body, { ...headers, ...bearer(tokens.access_token) }),
  };
}

test("no tool makes a token: open routes that write are refused", async () => {
  const few = await connectedClient("read");
  for (const { method, path } of routes.filter(({ open, method }) => open === true && method !== "GET")) {
    for (const client of [mcp, mcpOf(few)]) {
      const { text, isError } = await client.call("request", { method, path: aim(path), body: '{"email":"ann@example.com"}' });
      assert.deepEqual([isError, text.split(" ")[1]], [true, "scope_required"], `${method} ${path}: ${text}`);
    }
  }
});

test("the tool read changes nothing for any arguments", async () => {
  const refused = await mcp.call("read", { path: "/contacts", method: "POST", body: { name: "X" } });
  assert.deepEqual([refused.isError, refused.text.split(" ")[1]], [true, "invalid_field"]);
  assert.match((await mcp.call("read", { path: `DELETE /contacts/${jane}` })).text, /^ERROR not_found /);
  assert.match((await ann.send("GET", `/contacts/${jane}`)).text, /version=1 /);
});

test("paths are accepted in the forms that models write", async () => {
  const wanted = (await ann.send("GET", "/contacts?name=like:doe")).text;
  for (const path of [
    "/contacts?name=like:doe",
    "contacts?name=like:doe",
    "  /contacts?name=like:doe\n",
    `${service.baseUrl}/contacts?name=like:doe`,
    "https://crm.example.com/contacts/?name=like:doe",
  ])
    assert.deepEqual(await mcp.call("read", { path }), { text: wanted, isError: false }, path);
  assert.match((await mcp.call("read", { path: "/contacts?search=Jane Doe" })).text, /^contact\//);
  assert.match((await mcp.call("read", { path: "/contacts?name=#5" })).text, /name="#5" is compared whole/);
});

test("a body may be an object, JSON text, line values or a form", async () => {
  const bodies = [
    { name: "Zoë Weiß", email: "zoe@acme.com", tags: ["vip"], custom: { seats: 5 } },
    '{"name":"Zoë Weiß","email":"zoe@acme.com","tags":["vip"],"custom":{"seats":5}}',
    'name="Zoë Weiß" email=zoe@acme.com tags=vip custom.seats=5',
    "name=Zo%C3%AB+Wei%C3%9F&email=zoe@acme.com&tags=vip&custom.seats=5",
  ];
  for (const [n, body] of bodies.entries()) {
    const { text } = await mcp.call("request", { method: n % 2 ? "post" : "POST", path: "/contacts", body });
    assert.match(text, n === 0 ? /\n# created ch_\w{8}\n$/ : /\n# updated \(unchanged\)\n$/, text);
  }
  for (const body of [{}, null, ""])
    assert.equal((await mcp.call("request", { method: "GET", path: "/contacts", body })).isError, false);
  const nulls = { method: null, path: "/contacts", body: null, idempotency_key: null };
  assert.equal((await mcp.call("request", nulls)).isError, false, "what a client sends that must send everything");
  for (const body of [[1], 5, "{", "plain text", { nmae: "x" }])
    assert.equal((await mcp.call("request", { method: "POST", path: "/contacts", body })).isError, true, JSON.stringify(body));
});

test("line values keep their types: the pairs of a line make the same record", async () => {
  const line = String.raw`name="Line Types" custom.zip="10115" custom.n=10115 custom.ok="true" custom.yes=true custom.ver="1.10" custom.cfg="{\"a\":1}" custom.text="\"quoted\"" custom.empty="" custom.gone=null`;
  const { text } = await mcp.call("request", { method: "POST", path: "/contacts?format=json", body: line });
  const { id, custom } = JSON.parse(text);
  assert.deepEqual(custom, {
    zip: "10115",
    n: 10115,
    ok: "true",
    yes: true,
    ver: "1.10",
    cfg: { a: 1 },
    text: "quoted",
    empty: "",
  });
  const shown = (await mcp.call("read", { path: `/contacts/${id}?fields=name,custom` })).text.split("\n")[0]!;
  const again = await mcp.call("request", { method: "POST", path: "/contacts?format=json", body: shown.replace(/^\S+ /, "") });
  assert.deepEqual(JSON.parse(again.text).custom, custom);
  const rounded = await mcp.call("request", {
    method: "POST",
    path: "/contacts",
    body: "name=Rounded custom.n=12345678901234567890123",
  });
  assert.match(rounded.text, /^ERROR invalid_value the number "12345678901234567890123" /);
  const patched = await mcp.call("request", {
    method: "PATCH",
    path: `/contacts/${id}?format=json`,
    body: 'custom.zip=null custom.n="5"',
  });
  const { zip: _, ...kept } = { ...custom, n: "5" };
  assert.deepEqual(JSON.parse(patched.text).custom, kept);
});

test("faulty arguments give the model a result with a hint", async () => {
  for (const values of [
    {},
    { path: "" },
    { path: 5 },
    { path: "/contacts", query: { stage: "lead" } },
    { path: "/contacts?nmae=x" },
    { path: "/contacts/%zz" },
    { path: `/contacts?search=${"x".repeat(9_000)}` },
    { path: "//evil.example/contacts" },
    { path: "/mcp" },
    { path: "/%6dcp/" },
    { path: "/contacts/\ud800" },
    { path: "/contacts?search=\udc00x" },
    { path: "/help/\ud800" },
    { path: "/help/constructor" },
    { path: "/help/__proto__" },
    { method: { toString: 1, valueOf: 1 }, path: "/contacts" },
    { method: [["GET"]], path: "/contacts" },
    { method: "POST", path: "/contacts", idempotency_key: { toString: 1 }, body: { name: "x" } },
    { method: "POST", path: "/contacts", body: "name=\ud800" },
    { method: "POST", path: "/contacts", body: { name: "\ud800" } },
  ]) {
    const { text, isError } = await mcp.call("request", values);
    assert.equal(isError, true, text);
    assert.match(text, /^ERROR \w+ [^\n]+\n(HINT {2}[^\n]+\n)+$/, JSON.stringify(values).slice(0, 100));
  }
  assert.match((await mcp.call("request", { method: "POST", path: "/mcp", body: {} })).text, /calling already/);
});

test("a message nested thousands of levels deep is refused at any position", async () => {
  const deep = `${"[".repeat(19_000)}${"]".repeat(19_000)}`;
  const message = (params: string) => `{"jsonrpc":"2.0","id":7,"method":"tools/call","params":${params}}`;
  for (const body of [
    deep,
    message(deep),
    message(`{"name":${deep}}`),
    message(`{"name":"request","arguments":{"method":"POST","path":"/contacts","body":${deep}}}`),
    message(`{"name":"request","arguments":{"method":${deep},"path":"/contacts"}}`),
    `{"jsonrpc":"2.0","id":7,"method":"resources/read","params":{"uri":${deep}}}`,
  ]) {
    const reply = await ann.send("POST", "/mcp", body);
    assert.deepEqual([reply.status, reply.json().error.code], [400, -32602], reply.text.slice(0, 200));
    assert.match(reply.text, /nested more than 64 deep/);
  }
  const unknown = await mcp.legacy("tools/call", { name: { toString: 1 }, arguments: {} });
  assert.match(unknown.text, /Unknown tool/);
});

test("no arguments crash the service or break the protocol", async () => {
  const value = fc.oneof(
    fc.string({ unit: "binary" }),
    fc.constantFrom("/contacts", "POST", `/contacts/${jane}`),
    fc.jsonValue(),
  );
  const names = fc.constantFrom("method", "path", "body", "idempotency_key", "other");
  const property = fc.asyncProperty(fc.dictionary(names, value), fc.constantFrom("read", "request"), async (values, tool) => {
    const { text } = await mcp.call(tool, values);
    assert.doesNotMatch(text, /^ERROR internal/);
  });
  await fc.assert(property, { numRuns: 150 });
});

test("a deletion through a tool takes two steps", async () => {
  const made = await mcp.call("request", { method: "POST", path: "/contacts", body: { name: "Short Lived" } });
  const path = `/${made.text.split(" ")[0]}`;
  const asked = await mcp.call("request", { method: "DELETE", path });
  assert.deepEqual([asked.isError, asked.text.split(" ")[1]], [true, "confirmation_required"]);
  const [, confirm] = /^confirm=(.*)$/m.exec(asked.text)!;
  assert.match((await mcp.call("request", { method: "DELETE", path: `${path}?confirm=${confirm}` })).text, /^OK deleted /);
});

test("an idempotency key makes a POST through a tool repeatable", async () => {
  const values = {
    method: "POST",
    path: `/contacts/${jane}/activities`,
    body: { kind: "call", body: "once" },
    idempotency_key: "9d0c6c32",
  };
  assert.match((await mcp.call("request", values)).text, /\n# created ch_\w{8}\n$/);
  assert.match((await mcp.call("request", values)).text, /\n# unchanged\n$/);
});

test("a call counts as one request and appears in the history under its client's name", async () => {
  const left = async (send: () => Promise<{ headers: Headers }>) => Number((await send()).headers.get("x-ratelimit-remaining"));
  const whoami = () => ann.send("GET", "/whoami");
  const call = () =>
    mcp.modern("tools/call", {
      name: "request",
      arguments: { method: "PATCH", path: `/contacts/${jane}?reason=met`, body: { stage: "won" } },
    });
  const before = await left(whoami);
  assert.equal(await left(call), before - 1);
  assert.equal(await left(whoami), before - 2);
  const { items } = (await ann.send("GET", `/contacts/${jane}/history?limit=1&format=json`)).json();
  assert.deepEqual([items[0].agent, items[0].reason], ["Judge/1.0", "met"]);
});

test("a client without a name in its call appears in the history under its registered name", async () => {
  const { legacy } = mcpOf(await connectedClient("write"));
  await legacy("tools/call", {
    name: "request",
    arguments: { method: "PATCH", path: `/contacts/${jane}`, body: "stage=lost" },
  });
  const { items } = (await ann.send("GET", `/contacts/${jane}/history?limit=1&format=json`)).json();
  assert.deepEqual([items[0].agent, items[0].changes.stage.to], ["Robot", "lost"]);
});

test("a narrowed token has the same rights through a tool", async () => {
  const { token } = (await ann.send("POST", "/tokens?format=json", { name: "narrow", scopes: ["contacts.read"] })).json();
  const narrow = mcpOf({
    send: (method, path, body, headers) => service.send(method, path, body, { ...headers, authorization: `Bearer ${token}` }),
  });
  assert.equal((await narrow.call("read", { path: "/contacts" })).isError, false);
  for (const values of [
    { method: "GET", path: "/deals" },
    { method: "POST", path: "/contacts", body: { name: "X" } },
    { method: "POST", path: "/tokens", body: { name: "wider", scopes: ["write"] } },
  ])
    assert.match((await narrow.call("request", values)).text, /^ERROR scope_required .*\nHINT /, JSON.stringify(values));
});

test("a missing scope gives a modern client a 403 with a challenge, a legacy client a result with it", async () => {
  const { tokens } = await connected(service);
  const narrow = mcpOf({
    send: (method, path, body, headers) => service.send(method, path, body, { ...headers, ...bearer(tokens.access_token) }),
  });
  const params = { name: "request", arguments: { method: "DELETE", path: `/contacts/${jane}` } };
  const told = "ERROR scope_required the token lacks the scope delete or contacts.delete\n";
  const now = await narrow.modern("tools/call", params);
  const challenge = now.headers.get("www-authenticate")!;
  assert.equal(now.status, 403);
  assert.match(challenge, /^Bearer error="insufficient_scope", .*, scope="read write delete"$/);
  assert.ok(now.json().error.message.startsWith(told));
  const { result } = (await narrow.legacy("tools/call", params)).json();
  assert.deepEqual([result.isError, result._meta], [true, { "mcp/www_authenticate": [challenge] }]);
  assert.ok(result.content[0].text.startsWith(told));
  assert.equal((await narrow.call("read", { path: `/contacts/${jane}` })).isError, false);
});

test("a long answer is cut at the end of a line, with a hint to continue", async () => {
  for (let n = 0; n < 5; n++)
    await ann.send("POST", `/contacts/${jane}/activities`, { kind: "note", body: `${n}${"long ".repeat(3_000)}` });
  const { text } = await mcp.call("read", { path: `/contacts/${jane}/activities` });
  assert.ok(text.length <= LONGEST + 200);
  const [, limit] = /\n# cut: (\d+) lines are shown; repeat with limit=\1 .*\n$/.exec(text)!;
  const page = await mcp.call("read", { path: `/contacts/${jane}/activities?limit=${limit}` });
  assert.match(page.text, /\n# next: \S+\n$/);
  assert.equal(page.text.split("\n")[0], text.split("\n")[0]);
});

test("a long line is cut, and the server's words after it stay", async () => {
  const body = { kind: "note", body: "x".repeat(100_000) };
  const { text } = await mcp.call("request", { method: "POST", path: `/contacts/${jane}/activities`, body });
  const [line, told, outcome] = text.split("\n");
  assert.equal(line!.length, LONGEST_LINE);
  assert.match(told!, /^# cut: the rest of this line/);
  assert.match(outcome!, /^# created ch_\w{8}$/);
  const unseen = await mcp.call("request", {
    method: "POST",
    path: "/contacts?format=json",
    body: { name: "Unseen", follow_up_note: "\u200b".repeat(400) },
  });
  assert.equal(JSON.parse(unseen.text).follow_up_note, "\u200b".repeat(400));
  const hidden = {
    method: "POST",
    path: `/contacts/${jane}/activities?format=json`,
    body: { kind: "note", body: "\u200b".repeat(100_000) },
  };
  assert.ok((await mcp.call("request", hidden)).text.length < LONGEST_LINE + 100);
});
