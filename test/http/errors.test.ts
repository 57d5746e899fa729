import assert from "node:assert/strict";
import { request } from "node:http";
import { after, before, test } from "node:test";
import { gzipSync } from "node:zlib";
import { PROBLEMS, type ProblemCode } from "../../src/kit/problem.ts";
import { catalog } from "../../src/records/all.ts";
import { createRoutes } from "../../src/routes/table.ts";
import { noSql } from "../helpers/citus.ts";
import { type Client, type Reply, type Service, startService } from "../helpers/service.ts";

let service: Service;
let ann: Client;
let clock = Date.parse("2026-06-01T08:00:00Z");
/** A record of every kind. */
const ids = new Map<string, string>();
before(async () => {
  service = await startService({ now: () => clock });
  ann = await service.signIn();
  for (const { name, plural, example, links } of catalog.dependentsFirst.toReversed()) {
    const linked = links.filter(({ id }) => Object.hasOwn(example, id.name));
    const body = { ...example, ...Object.fromEntries(linked.map(({ id, target }) => [id.name, ids.get(target.name)])) };
    const reply = await ann.send("POST", `/${plural}?format=json`, body);
    assert.equal(reply.status, 201, reply.text);
    ids.set(name, reply.json().id);
  }
});
after(() => service.close());

const routes = createRoutes(catalog);

type Sendable = NonNullable<NonNullable<Parameters<typeof fetch>[1]>["body"]>;

const INSIDE =
  /node_modules|node:internal|\.ts\b|\bat \S+ \(|SyntaxError|TypeError|RangeError|postgres|sqlstate|relation "|select /i;

/** Checks the format of a refusal, in text and in JSON. */
function assertProblem(reply: Reply, code: ProblemCode, about: string, says = /./): void {
  const context = `${about}: ${reply.text.slice(0, 500)}`;
  assert.equal(reply.status, PROBLEMS[code].status, context);
  assert.match(reply.headers.get("x-request-id") ?? "", /^req_[0-9a-z]{26}$/, context);
  assert.equal(reply.headers.get("vary"), "Accept", context);
  assert.doesNotMatch(reply.text, INSIDE, context);
  assert.match(reply.text, says, context);
  if (reply.headers.get("content-type")?.startsWith("application/json")) {
    const { error, message, hint, request_id } = reply.json();
    assert.deepEqual([error, request_id], [code, reply.headers.get("x-request-id")], context);
    assert.ok(message && hint, context);
  } else {
    assert.equal(reply.headers.get("content-type"), "text/plain; charset=utf-8");
    assert.match(reply.text, new RegExp(`^ERROR ${code} [^\\n]+\\n(HINT {2}[^\\n]+\\n)+(\\w+=[^\\n]*\\n)*$`), context);
  }
}

/** Checks a refusal in both formats. */
async function assertRefuses(code: ProblemCode, says: RegExp, method: string, path: string, body?: unknown): Promise<void> {
  for (const headers of [{}, { accept: "application/json" }])
    assertProblem(await ann.send(method, path, body, headers), code, `${method} ${path}`, says);
}

test("an unknown path is not found, with the nearest path", async () => {
  await assertRefuses("not_found", /did you mean \/contacts\?/, "GET", "/contatcs");
  await assertRefuses("not_found", /did you mean \/companies\?/, "GET", "/companys");
  await assertRefuses("not_found", /below \/executions\/\{id\} there is: .*answers/, "POST", "/executions/ex_00000000/answer");
  await assertRefuses("not_found", /below \/companies\/\{id\} there is: .*timeline/, "GET", "/company/co_00000000/nothing");
  await assertRefuses(
    "not_found",
    /nothing is below \/campaigns\/\{id\}\/members;/,
    "GET",
    "/campaigns/cm_00000000/members/m_1",
  );
  await assertRefuses(
    "not_found",
    /did you mean \/contacts\/duplicates or \/contacts\/\{id\}\/duplicates or/,
    "GET",
    "/duplicates",
  );
  await assertRefuses("method_not_allowed", /did you mean \/contacts\/\{id\}\/merge\?/, "POST", "/contacts/merge");
  await assertRefuses("not_found", /an id is missing behind \/invoices\//, "POST", "/invoices//issue");
  for (const path of [
    "/nothing",
    "/contacts/c_00000000/nothing",
    "//evil.example/contacts",
    "/contacts//history",
    "/CONTACTS",
    "/contacts;v=1",
    "/%63ontacts/x/y/z",
  ])
    await assertRefuses("not_found", /GET \/help|ids look like/, "GET", path);
  assert.equal((await ann.send("GET", "/contacts/")).status, 200);
});

test("what stands elsewhere here is named by a hint: values of a field, a record to make, many at once", async () => {
  const leads = (says: RegExp, method: "GET" | "POST", path: string) =>
    assertRefuses(method === "GET" ? "not_found" : "method_not_allowed", says, method, path);
  await leads(/you may mean GET \/contacts\?group_by=stage/, "GET", "/stages");
  await leads(/you may mean GET \/companies\?group_by=industry/, "GET", "/industries");
  await leads(/you may mean GET \/deals\?group_by=stage/, "GET", "/deals/stages");
  await leads(/you may mean GET \/contacts\?fields=tags/, "GET", "/tags");
  await leads(/you may mean GET \/activities\?kind=call/, "GET", "/calls");
  await leads(/you may mean GET \/whoami/, "GET", "/me");
  await leads(/make one: POST \/emails \{\\?"from.*GET \/help\/emails/, "POST", "/contacts/c_00000000/emails");
  await leads(/change it: PATCH \/contacts\/c_00000000/, "POST", "/contacts/c_00000000");
  for (const word of ["bulk", "search", "upsert"])
    await leads(/make one: POST \/contacts \{.*many: PATCH \/contacts\?<filters>/s, "POST", `/contacts/${word}`);
});

test("what a stranger tries first is answered by what to do", async () => {
  const told: [string, string, unknown, RegExp, Record<string, string>?][] = [
    ["GET", "/forecast", undefined, /^HINT {2}you may mean GET \/pipeline$/m],
    ["GET", "/dunning", undefined, /^HINT {2}you may mean GET \/invoices\?status=overdue$/m],
    ["GET", "/invoices/overdue", undefined, /^HINT {2}you may mean GET \/invoices\?status=overdue$/m],
    ["GET", "/deals/forecast", undefined, /^HINT {2}you may mean GET \/pipeline$/m],
    ["GET", "/audit?group_by=actor,action", undefined, /^HINT {2}SQL counts them: POST \/sql /m],
    ["POST", "/contacts", [{ name: "Jane" }], /^HINT {2}several: POST \/batch .* POST \/<kind>\/import/m],
    ["PATCH", "/contacts?stage=lead", {}, /^ERROR missing_field the body is empty, so nothing would change$/m],
    [
      "PATCH",
      "/contacts?all=true&dry_run=true",
      { owner: "who@else.example" },
      /^HINT {2}owner "who@else\.example" is no member$/m,
    ],
    [
      "GET",
      "/deals?sum=weighted_amount_cents",
      undefined,
      /^HINT {2}what is open, .* weighted by probability: GET \/pipeline$/m,
    ],
    ["POST", "/tokens", { scopes: ["propose"] }, /^HINT {2}it sees no record, .*\["read","propose"\]/m],
    [
      "POST",
      "/sql",
      { sql: "select custom.birthday from contacts" },
      noSql ? /^ERROR not_available / : /^HINT {2}a member of custom is custom->>'name'$/m,
    ],
  ];
  for (const [method, path, body, hint] of told) {
    const { text } = await ann.send(method, path, body);
    assert.match(text, hint, `${method} ${path} ${text}`);
  }
});

test("an empty list of several filters tells what each of them finds", async () => {
  const { send } = await service.signIn("filters@example.com");
  for (const [stage, city] of [
    ["Lead", "Hamburg"],
    ["Lead", "Ulm"],
  ])
    await send("POST", "/contacts", { name: `${stage} of ${city}`, stage, city });
  const told = async (query: string) => (await send("GET", `/contacts?${query}`)).text;
  assert.equal(
    await told("stage=gold&city=Hamburg"),
    "# no contact fits all of these: stage=gold fits none, city=Hamburg fits 1\n# 0 contacts\n",
  );
  assert.equal(
    await told("city=Hamburg&stage=Lead&city=Ulm"),
    "# no contact fits all of these: city=Hamburg fits 1, stage=Lead fits 2, city=Ulm fits 1\n# 0 contacts\n",
  );
  assert.doesNotMatch(await told("stage=Lead&city=Ulm"), /fits/);
});

test("columns come in the order that was asked for", async () => {
  const { text } = await ann.send("GET", "/deals?format=csv&fields=amount_cents,company,title,company.industry&limit=1");
  assert.equal(text.split("\n")[0]!.trim(), "amount_cents,company,title,company.industry");
});

test("names of JavaScript's own object properties are not found like any other", async () => {
  for (const name of ["constructor", "toString", "valueOf", "hasOwnProperty", "__proto__", "__defineGetter__"]) {
    for (const path of [`/help/${name}`, `/contacts/${name}`, `/${name}`, `/contacts/c_00000000/${name}`, `/tokens/${name}`]) {
      const method = path.startsWith("/tokens") ? "DELETE" : "GET";
      assert.equal((await ann.send(method, path)).status, 404, path);
    }
    for (const parameter of [name, `custom.${name}.`, "sort", "fields", "format", "limit"]) {
      const reply = await ann.send("GET", `/contacts?${parameter}=${name}`);
      assert.ok(reply.status === 400 || parameter.startsWith("custom."), `${parameter}=${name}: ${reply.text}`);
    }
    for (const body of [`{"${name}":1}`, `{"name":{"${name}":1}}`, `{"custom.${name}":{"${name}":[]},"x":1}`, `${name}=1`])
      assert.equal((await ann.send("POST", "/contacts", body)).status, 400, body);
  }
});

test("every path answers an unknown method with the allowed ones", async () => {
  const paths = new Map<string, string[]>();
  // A dialect refuses in its own words.
  for (const { method, path, refuse } of routes)
    if (!refuse || !/^\/(?:v1|api\/v1|crm\/agent)\b/.test(path)) paths.set(path, [...(paths.get(path) ?? []), method]);
  for (const [path, known] of paths) {
    const allow = known.flatMap((method) => (method === "GET" ? ["GET", "HEAD"] : [method]));
    const unknown = ["GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"].filter((method) => !allow.includes(method));
    for (const method of unknown) {
      const reply = await ann.send(method, path.replace(/\{\w+\}/g, "c_00000000"), method === "PUT" ? "{}" : undefined);
      assertProblem(reply, "method_not_allowed", `${method} ${path}`);
      assert.deepEqual(reply.headers.get("allow")?.split(", ").sort(), allow.sort());
    }
  }
});

test("an id of another kind hints at its path, and text that is no id hints at search", async () => {
  for (const wanted of catalog.kinds) {
    for (const [name, id] of ids) {
      if (name === wanted.name) continue;
      const { plural } = catalog.get(name)!;
      const reply = await ann.send("GET", `/${wanted.plural}/${id}`);
      assertProblem(reply, "not_found", `${wanted.plural} ${id}`);
      const [, path] = /GET (\/\S+)/.exec(reply.text) ?? [];
      assert.equal(path, `/${plural}/${id}`);
      assert.equal((await ann.send("GET", path!)).status, 200);
    }
  }
  for (const text of [
    "Jane",
    "c_",
    "c_short",
    "c_0123456789",
    `c_${"0".repeat(5000)}`,
    "%2e%2e%2fetc",
    "%00",
    "c_é",
    "'; drop table contacts; --",
    "*",
    "%F0%9F%98%80",
  ])
    await assertRefuses(
      "not_found",
      /GET \/contacts\?search=/,
      "GET",
      `/contacts/${text.includes("%") ? text : encodeURIComponent(text)}`,
    );
  await assertRefuses("not_found", /contacts/, "PATCH", "/contacts/c_00000000", { name: "x" });
});

test("bad percent-encoding is refused, in paths, parameters and forms", async () => {
  for (const path of [
    "/contacts/%zz",
    "/%",
    "/contacts?name=%zz",
    "/contacts?%E0%A4=x",
    "/contacts?search=100%",
    "/contacts/%C3%28",
  ])
    await assertRefuses("bad_request", /percent/, "GET", path);
  await assertRefuses("bad_request", /percent/, "POST", "/contacts", "name=100%");
});

test("a body that is neither a JSON object nor a form is refused with the expected format", async () => {
  const send = (body: Sendable, headers: Record<string, string> = {}) =>
    fetch(`${service.baseUrl}/contacts`, {
      method: "POST",
      body,
      headers: { authorization: `Bearer ${ann.token}`, ...headers },
      ...(body instanceof ReadableStream && { duplex: "half" }),
    } as RequestInit).then(async (answer) => {
      const text = await answer.text();
      return { status: answer.status, headers: answer.headers, text, json: () => JSON.parse(text), lines: [] };
    });
  const json = { "content-type": "application/json" };
  const cases: [what: string, code: ProblemCode, body: Sendable, headers?: Record<string, string>][] = [
    ["cut JSON", "bad_request", '{"name":"Jane'],
    ["single quotes", "bad_request", "{'name':'Jane'}"],
    ["a trailing comma", "bad_request", '{"name":"Jane",}'],
    ["two objects", "bad_request", '{"name":"Jane"}{"name":"Joe"}'],
    ["a list", "bad_request", '[{"name":"Jane"}]'],
    ["a text", "bad_request", '"Jane"'],
    ["a number as JSON", "bad_request", "5", json],
    ["null as JSON", "bad_request", "null", json],
    ["a form as JSON", "bad_request", "name=Jane", json],
    ["a text that is no form", "invalid_field", "Jane"],
    ["Latin-1", "bad_request", Buffer.from('{"name":"Zo\xeb"}', "latin1")],
    ["half a character", "bad_request", Buffer.from([...Buffer.from('{"name":"'), 0xc3, 0x22, 0x7d])],
    ["an overlong form", "bad_request", Buffer.from([0x6e, 0x3d, 0xc0, 0xaf])],
    ["UTF-16", "bad_request", Buffer.from('{"name":"Jane"}', "utf16le"), json],
    ["another charset", "unsupported_media_type", '{"name":"x"}', { "content-type": "application/json; charset=iso-8859-1" }],
    [
      "multipart",
      "unsupported_media_type",
      (() => {
        const form = new FormData();
        form.set("name", "Jane");
        return form;
      })(),
    ],
    ["CSV", "unsupported_media_type", "name,email\nJane,jane@acme.com", { "content-type": "text/csv" }],
    ["XML", "unsupported_media_type", "<name>Jane</name>", { "content-type": "application/xml" }],
    ["compressed", "unsupported_media_type", gzipSync('{"name":"Jane"}'), { "content-encoding": "gzip" }],
    ["over 1 MiB", "body_too_large", `{"notes":"${"x".repeat(1_048_576)}"}`],
    ["over 1 MiB in chunks", "body_too_large", new Blob(["x".repeat(1_200_000)]).stream()],
  ];
  for (const [what, code, body, headers] of cases) assertProblem(await send(body, headers), code, what);
  const largest = `{"name":"Large","notes":"${"x".repeat(900_000)}"}`;
  assert.equal((await send(largest.padEnd(1_048_576, " "))).status, 201);
  assertProblem(await send(""), "missing_field", "nothing");
  const list = (await ann.send("GET", "/contacts?format=json&fields=name")).json().items;
  assert.deepEqual(list.map(({ name }: { name: string }) => name).sort(), ["Jane Doe", "Large"]);
});

test("a GET or DELETE with a body is refused rather than misread", async () => {
  for (const [method, path] of [
    ["GET", "/contacts"],
    ["DELETE", `/contacts/${ids.get("contact")}`],
  ] as const) {
    const status = await new Promise((resolve, reject) => {
      const headers = { authorization: `Bearer ${ann.token}`, "content-type": "application/json" };
      const sent = request(service.baseUrl + path, { method, headers, agent: false }, (response) =>
        resolve(response.statusCode),
      );
      sent.on("error", reject).end('{"confirm":"x"}');
    });
    assert.equal(status, 400, method);
  }
});

test("an unknown format and two formats are refused", async () => {
  await assertRefuses("invalid_value", /format=json/, "GET", "/contacts?format=xml");
  await assertRefuses("bad_request", /format/, "GET", "/contacts?format=json&format=text");
});

test("a caller above the rate limit is told when to retry", async () => {
  const limited = await startService({ now: () => clock, config: { CRM_RATE: "10" } });
  try {
    const bob = await limited.signIn("bob@example.com");
    const replies: Reply[] = [];
    for (let i = 0; i < 12; i++) replies.push(await bob.send("GET", "/whoami"));
    assert.deepEqual(
      replies.map(({ status }) => status),
      [...Array(10).fill(200), 429, 429],
    );
    assertProblem(replies[10]!, "rate_limited", "the eleventh");
    assert.match(replies[0]!.headers.get("ratelimit") ?? "", /r=9;t=60/);
    assert.match(replies[0]!.headers.get("ratelimit-policy") ?? "", /q=10;w=60/);
    assert.equal(replies[10]!.headers.get("retry-after"), "60");
    const strangers: number[] = [];
    for (let i = 0; i < 12; i++)
      strangers.push((await limited.send("GET", "/whoami", undefined, { authorization: `Bearer ck_${i}` })).status);
    assert.ok(strangers.includes(401) && strangers.at(-1) === 429, strangers.join());
    clock += 61_000;
    assert.equal((await bob.send("GET", "/whoami")).status, 200);
  } finally {
    await limited.close();
  }
});

test("a query parameter in the body is refused with a hint at the query", async () => {
  const refused = await ann.send("POST", "/contacts", { name: "Joe", reason: "met him at the fair" });
  assertProblem(refused, "invalid_field", "reason");
  assert.match(refused.text, /^HINT {2}reason is a parameter of the address: \?reason=…$/m);
});
