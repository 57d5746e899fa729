import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { z } from "zod";
import { noSql } from "../helpers/citus.ts";
import { type Client, type Service, startService } from "../helpers/service.ts";

let service: Service;
let ann: Client;

before(async () => {
  service = await startService();
  ann = await service.signIn();
  const vehicle = {
    name: "vehicle",
    natural_key: "plate",
    fields: { plate: "text", km: "integer", keeper_id: { link: "contact" } },
  };
  assert.equal((await ann.send("POST", "/kinds", vehicle)).status, 201);
});
after(() => service.close());

const JSON_PLEASE = { accept: "application/json" };

/** Runs a tool, and returns the envelope with its status. */
async function run(name: string, body: unknown, client: Client = ann) {
  const reply = await client.send("POST", `/tools/${name}`, body, JSON_PLEASE);
  return { status: reply.status, ...reply.json() };
}

const told = async (query: string) => (await ann.send("GET", `/tools?${query}`, undefined, JSON_PLEASE)).json();

test("the usual list is small enough to stand in every conversation, and has what most work needs", async () => {
  for (const shape of ["openai", "anthropic", "mcp", "langchain"]) {
    const text = (await service.send("GET", `/tools?for=${shape}`)).text;
    assert.ok(text.length / 4 < 6_000, `${shape}: ${text.length / 4} tokens`);
  }
  const { items } = await told("");
  assert.equal(items.length, 20);
  const names = items.map(({ name }: { name: string }) => name);
  for (const name of ["listContacts", "createDeal", "updateTask", "listSearch", "listReminders", "postUndo"])
    assert.ok(names.includes(name), name);
});

test("definitions are such that every provider takes them", async () => {
  const tools: [string, Record<string, unknown>][] = [
    ...(await told("for=openai&limit=all")).map((each: { function: { name: string; parameters: object } }) => [
      each.function.name,
      each.function.parameters,
    ]),
    ...(await told("for=anthropic&limit=all")).map((each: { name: string; input_schema: object }) => [
      each.name,
      each.input_schema,
    ]),
    ...(await told("for=mcp&limit=all")).tools.map((each: { name: string; inputSchema: object }) => [
      each.name,
      each.inputSchema,
    ]),
    ...(await told("for=langchain&limit=all")).map((each: { name: string; schema: object }) => [each.name, each.schema]),
  ];
  assert.ok(tools.length > 600);
  for (const [name, schema] of tools) {
    assert.match(name, /^[a-zA-Z0-9_-]{1,64}$/);
    assert.deepEqual([schema["type"], schema["additionalProperties"]], ["object", false]);
    const text = JSON.stringify(schema);
    assert.ok(!/"(\$ref|oneOf|anyOf|allOf|\$defs|not)"/.test(text), name);
    for (const key of Object.keys(schema["properties"] as object)) assert.match(key, /^[a-zA-Z0-9_.-]{1,64}$/);
    for (const key of schema["required"] as string[]) assert.ok(key in (schema["properties"] as object), `${name} ${key}`);
  }
  for (const shape of ["openai", "anthropic", "langchain"]) {
    const names = (await told(`for=${shape}&limit=all`)).map(
      (each: { name?: string; function?: { name: string } }) => each.name ?? each.function?.name,
    );
    assert.equal(new Set(names).size, names.length);
  }
});

test("only what changes nothing is called a read", async () => {
  const { items } = await told("limit=all");
  const reads = items.filter(({ risk, method }: { risk: string; method: string }) => risk === "read" && method !== "GET");
  assert.deepEqual(
    reads.map(({ name }: { name: string }) => name),
    ["postSql"],
  );
  const deletes = items.filter(({ method }: { method: string }) => method === "DELETE");
  assert.ok(deletes.every(({ risk }: { risk: string }) => risk === "destructive"));
});

test("every example fits its schema and reaches the route of its tool", async () => {
  const { items } = await told("limit=all");
  assert.ok(
    items.some(({ name }: { name: string }) => name === "createVehicle"),
    "kinds of one's own are there",
  );
  for (const { name, schema, example, risk, dry_run } of items) {
    const { error } = z.fromJSONSchema(schema).safeParse(example);
    assert.equal(error && z.prettifyError(error), undefined, name);
    assert.ok(["read", "write", "destructive"].includes(risk));
    // What cannot be rehearsed and would end this token or workspace is not tried.
    if (!dry_run && risk !== "read") continue;
    const done = await run(name, { input: example, dry_run });
    assert.equal(done.success, done.status < 400, name);
    if (done.success) continue;
    const { code, message } = done.error;
    if (noSql && code === "not_available") continue;
    assert.ok(
      ["not_found", "unprocessable", "confirmation_required", "invalid_value", "bad_request"].includes(code),
      `${name}: ${code} ${message}`,
    );
    assert.ok(!/there is no path/.test(message), `${name}: ${message}`);
    if (code === "invalid_value" || code === "bad_request")
      assert.match(JSON.stringify(example), /"1"|"acme"|00|t4v6w8y0|file/, `${name}: ${message}`);
  }
  const { items: after } = (await ann.send("GET", "/contacts?format=json")).json();
  assert.deepEqual(after, [], "a rehearsal leaves nothing");
});

test("a tool runs as its request would: reason, rehearsal, a repeated request, two steps", async () => {
  const wish = { input: { name: "Jane", email: "jane@acme.com", tags: ["vip"] }, reason: "tést", request_id: "r1" };
  const rehearsed = await run("createContact", { ...wish, dry_run: true });
  assert.deepEqual(
    [rehearsed.success, rehearsed.data.dry_run, rehearsed.meta.dry_run, rehearsed.meta.risk],
    [true, true, true, "write"],
  );
  const made = await run("createContact", wish);
  assert.deepEqual([made.status, made.data.name, made.error], [201, "Jane", null]);
  assert.equal((await run("createContact", wish)).data.id, made.data.id);
  const other = await run("createContact", { ...wish, input: { name: "Bob" } });
  assert.deepEqual([other.status, other.error.code], [422, "idempotency_mismatch"]);
  const found = await run("listContacts", {
    input: { filters: { tags: "has:vip", email: ["like:jane", "like:acme"] }, fields: ["name"] },
  });
  assert.deepEqual(Object.keys(found.data.items[0]).sort(), ["handle", "id", "name"]);
  const [change] = (
    await ann.send("GET", "/contacts/history?format=json".replace("contacts", `contacts/${made.data.id}`))
  ).json().items;
  assert.equal(change.reason, "tést");
  const asked = await run("deleteContact", { input: { contact_handle: made.data.handle } });
  assert.deepEqual([asked.status, asked.success, asked.error.code], [409, false, "confirmation_required"]);
  const gone = await run("deleteContact", { input: { contact_handle: made.data.handle }, confirm: asked.error.confirm });
  assert.equal(gone.success, true, JSON.stringify(gone));
  assert.equal((await run("createVehicle", { input: '{"plate":"B 1","km":5}' })).data.km, 5, "arguments come as text, too");
});

test("two racing calls with one request id make one record", async () => {
  const wish = { input: { title: "Once" }, request_id: "race" };
  const done = await Promise.all([1, 2, 3, 4].map(() => run("createTask", wish)));
  const ids = new Set(done.filter(({ success }) => success).map(({ data }) => data.id));
  assert.equal(ids.size, 1);
  assert.equal((await told("only=tasks&for=mcp")).tools.length > 10, true);
  assert.equal((await run("listTasks", { input: { filters: { title: "Once" } } })).data.items.length, 1);
});

test("it is no second door: scopes, workspaces, proposals, and what filters may be called", async () => {
  const mint = async (...scopes: string[]) => {
    const { token } = (await ann.send("POST", "/tokens?format=json", { scopes })).json();
    const send: Client["send"] = (method, path, body, headers = {}) =>
      service.send(method, path, body, { ...headers, authorization: `Bearer ${token}` });
    return { token, email: ann.email, send };
  };
  const reader = await mint("read");
  const refused = await run("createContact", { input: { name: "X" } }, reader);
  assert.deepEqual([refused.status, refused.success, refused.error.code], [403, false, "scope_required"]);
  assert.equal((await run("listContacts", {}, reader)).success, true);
  assert.equal((await run("createTask", { input: { title: "Kept" } }, await mint("read", "propose"))).status, 202);
  const made = (await run("createContact", { input: { name: "Mine" } })).data;
  const bob = await service.signIn("bob@example.com");
  assert.equal((await run("getContact", { input: { contact_handle: made.id } }, bob)).error.code, "not_found");
  const nobody = await service.send("POST", "/tools/listContacts", {}, JSON_PLEASE);
  assert.deepEqual([nobody.status, nobody.json().success, nobody.json().error.code], [401, false, "auth_required"]);
  for (const filters of [{ all: "true" }, { dry_run: "false" }, { confirm: "x" }, { format: "csv" }, { "dry_run[]": "false" }])
    for (const name of ["updateContacts", "listContacts"]) {
      const done = await run(name, { input: { filters }, dry_run: true });
      assert.equal(done.error?.code, "invalid_filter", JSON.stringify(done));
    }
  for (const contact_handle of ["", "..", ".", "c_1/..", {}, null])
    assert.equal((await run("deleteContact", { input: { contact_handle } })).success, false);
  assert.equal((await run("getContact", { input: { contact_handle: `${made.id}?fields=name#x` } })).error.code, "not_found");
});

test("what is wrong with a call is said, in the form that was asked for", async () => {
  for (const [name, body, code] of [
    ["listContact", {}, "not_found"],
    ["listContacts", { input: { stage: "lead" } }, "invalid_field"],
    ["listContacts", { inptu: {} }, "invalid_field"],
    ["listContacts", { input: [] }, "bad_request"],
    ["listContacts", "[]", "bad_request"],
    ["getContact", {}, "missing_field"],
    ["createToken", { input: { name: "x" }, dry_run: true }, "bad_request"],
    ["createContact", { input: { name: "x" }, dry_run: "yes" }, "invalid_value"],
    ["createContact", { input: { name: "x" }, request_id: "ü" }, "invalid_value"],
    ["createContact", { input: { name: "x" }, reason: "x".repeat(501) }, "invalid_value"],
  ] as const) {
    const done = await run(name, body);
    assert.deepEqual([done.success, done.data, done.error.code], [false, null, code], JSON.stringify(done));
    assert.equal(typeof done.error.hint, "string", JSON.stringify(done));
  }
  const line = await ann.send("POST", "/tools/createContact", { input: { name: "Line", notes: "x\n# forged" } });
  assert.match(line.text, /^contact\/c_\w+ name=Line notes="x\\n# forged"/);
  assert.match(
    (await ann.send("POST", "/tools/listContact", {})).text,
    /^ERROR not_found .*\nHINT {2}did you mean listContacts/,
  );
  assert.match((await ann.send("GET", "/tools")).text, /^tool\/listContacts risk=read .*\n/);
  for (const query of ["for=nobody", "only=contcats", "limit=0", "nonsense=1"])
    assert.equal((await ann.send("GET", `/tools?${query}`)).status, 400, query);
  const named = await told("only=vehicles,listDeals");
  assert.ok(named.items.length > 5 && named.items.some(({ name }: { name: string }) => name === "listDeals"));
  assert.equal((await service.send("GET", "/tools?only=vehicles")).status, 400, "kinds of one's own are not told to others");
});
