import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { Problem } from "../../src/kit/problem.ts";
import { type Client, type Reply, type Service, startService } from "../helpers/service.ts";

let service: Service;
let ann: Client;
/** Moves on by a second with every request, so that an unwanted write would show in updated_at. */
let clock = Date.parse("2026-06-01T08:00:00Z");
before(async () => {
  service = await startService({ now: () => clock });
  ann = await service.signIn();
});
after(() => service.close());

const send: Client["send"] = (...request) => {
  clock += 1000;
  return ann.send(...request);
};

// biome-ignore lint/suspicious/noExplicitAny: a test asserts on what it finds
async function get(path: string): Promise<any> {
  return (await send("GET", `${path}?format=json`)).json();
}

/** Creates and gives the record as JSON shows it. */
async function make(path: string, body: unknown) {
  const reply = await send("POST", `${path}?format=json`, body);
  assert.equal(reply.status, 201, reply.text);
  return reply.json();
}

function assertRefused(reply: Reply, status: number, code: string, says: RegExp): void {
  assert.equal(reply.status, status, reply.text);
  assert.match(reply.text, new RegExp(`^ERROR ${code} [^\\n]+\\n(HINT {2}[^\\n]+\\n)*`));
  assert.match(reply.text, says);
}

const FORM = { "content-type": "application/x-www-form-urlencoded" };
const form = (values: [string, string][]) => new URLSearchParams(values).toString();

const outcomeOf = ({ text }: Reply) => /^# (\w+(?: \(unchanged\))?)(?: ch_\w{8})?$/m.exec(text)?.[1];

test("a form and JSON mean the same", async () => {
  const company = await make("/companies", { name: "Acme Inc", domain: "acme.com" });
  const json = await make("/deals", {
    title: "Rollout",
    amount_cents: 125000,
    currency: "EUR",
    status: "won",
    close_date: "2026-07-31",
    company_id: company.id,
    tags: ["a", "b"],
    follow_up_at: "2026-06-10T09:00:00Z",
    custom: { seats: 5, tier: "gold", paid: true, zip: "01234" },
  });
  const fields: [string, string][] = [
    ["title", "Rollout"],
    ["amount_cents", "125000"],
    ["currency", "eur"],
    ["status", "won"],
    ["close_date", "2026-07-31"],
    ["company_id", company.handle],
    ["tags", "a,b"],
    ["follow_up_at", "2026-06-10T09:00:00Z"],
    ["custom.seats", "5"],
    ["custom.tier", "gold"],
    ["custom.paid", "true"],
    ["custom.zip", "01234"],
  ];
  const formed = (await send("POST", "/deals?format=json", form(fields), FORM)).json();
  const told = ({ id, handle, created_at, updated_at, closed_at, ...rest }: Record<string, unknown>) => rest;
  assert.deepEqual(told(formed), told(json));
  const task = (await send("POST", "/tasks?format=json", "title=Call&done=yes", FORM)).json();
  assert.equal(task.done, true);
});

test("JSON is read as JSON under the content type that curl sends, and without any", async () => {
  for (const type of [FORM["content-type"], "text/plain", "application/json; charset=utf-8", "application/vnd.api+json"]) {
    const reply = await send("POST", "/contacts?format=json", '  {"name":"Jane = Doe & Co"}', { "content-type": type });
    assert.equal(reply.status, 201, type);
    assert.equal(reply.json().name, "Jane = Doe & Co");
  }
});

test("a list in a form is a comma list or the name repeated; a single value that is repeated is refused", async () => {
  for (const body of ["name=T&tags=a,b,c", "name=T&tags=a&tags=b&tags=c", "name=T&tags=a,b&tags=c", "name=T&tags=a, b ,c,,a"]) {
    const reply = await send("POST", "/contacts?format=json", body, FORM);
    assert.deepEqual(reply.json().tags, ["a", "b", "c"], body);
  }
  const twice = await send("POST", "/contacts", "name=One&name=Two", FORM);
  assertRefused(twice, 400, "invalid_value", /name/);
});

test("an empty text is null, and null clears every field that may be empty", async () => {
  const full = {
    name: "Full",
    email: "full@acme.com",
    phone: "1",
    title: "CTO",
    stage: "lead",
    owner: "bob",
    tags: ["a"],
    follow_up_at: "2026-06-10T09:00:00Z",
    follow_up_note: "call",
    notes: "n",
    custom: { a: 1 },
  };
  for (const empty of [null, ""]) {
    const { id } = await make("/contacts", { ...full, email: `full${empty}@acme.com` });
    const nothing = Object.fromEntries(Object.keys(full).flatMap((key) => (key === "name" ? [] : [[key, empty]])));
    const cleared = await send("PATCH", `/contacts/${id}`, nothing);
    assert.equal(outcomeOf(cleared), "updated", cleared.text);
    const record = await get(`/contacts/${id}`);
    for (const key of Object.keys(nothing)) {
      const gone = key === "tags" ? [] : key === "custom" ? {} : null;
      assert.deepEqual(record[key], gone, key);
    }
    assert.doesNotMatch(cleared.lines[0]!, /""|=null|tags=|custom/, "what is empty is not on the line");
  }
});

test("what a record cannot be without cannot be cleared, nor left out", async () => {
  const { id } = await make("/contacts", { name: "Keeps" });
  for (const name of [null, ""]) assertRefused(await send("PATCH", `/contacts/${id}`, { name }), 400, "missing_field", /name/);
  assertRefused(await send("POST", "/contacts", { phone: "1" }), 400, "missing_field", /name.*email/);
  assertRefused(await send("POST", "/contacts", { name: "", email: null }), 400, "missing_field", /name.*email/);
  assertRefused(await send("POST", "/companies", {}), 400, "missing_field", /name.*domain/);
  assertRefused(await send("POST", "/deals", { amount_cents: 1 }), 400, "missing_field", /title/);
  assertRefused(await send("POST", "/activities", { kind: "note", body: "alone" }), 400, "missing_field", /contact_id/);
  const activity = await make("/activities", { kind: "note", contact_id: id });
  assertRefused(await send("PATCH", `/activities/${activity.id}`, { contact_id: null }), 400, "missing_field", /company_id/);
});

test("a missing name takes the address or the domain", async () => {
  assert.equal((await make("/contacts", { email: "Nameless@Acme.com" })).name, "nameless@acme.com");
  assert.equal((await make("/companies", { domain: "https://www.Nameless.com/about" })).name, "nameless.com");
});

test("an upsert merges what was sent and takes null for a required field as not sent", async () => {
  const { id } = await make("/contacts", { name: "Jane", email: "merge@acme.com", stage: "lead", custom: { a: 1, b: 2 } });
  const merged = await send("POST", "/contacts?format=json", {
    email: "MERGE@acme.com",
    name: null,
    title: "CTO",
    stage: null,
    custom: { b: 3, c: 4 },
  });
  assert.equal(merged.status, 200);
  const record = merged.json();
  assert.deepEqual(
    [record.id, record.name, record.title, record.stage, record.custom],
    [id, "Jane", "CTO", null, { a: 1, b: 3, c: 4 }],
  );
  const kept = await send("POST", "/contacts?format=json", { email: "merge@acme.com" });
  assert.deepEqual([kept.status, kept.json().name, kept.json().version], [200, "Jane", 2]);
  const created = await send("POST", "/contacts", { email: "new@acme.com" });
  assert.equal(created.headers.get("location"), `/contacts/${/^contact\/(\S+)/.exec(created.text)![1]}`);
});

test("an update to an address that another record holds is refused", async () => {
  await make("/contacts", { email: "held@acme.com" });
  const other = await make("/contacts", { email: "other@acme.com" });
  assertRefused(await send("PATCH", `/contacts/${other.id}`, { email: "Held@acme.com" }), 409, "already_exists", /email/);
  assert.equal((await get(`/contacts/${other.id}`)).version, 1);
});

test("zero is an amount, and amounts of two currencies are never added up", async () => {
  const zero = await send("POST", "/deals", { title: "Free", amount_cents: 0, currency: "EUR" });
  assert.match(zero.text, / amount_cents=0 currency=EUR /);
  assert.equal((await get(`/deals/${/d_\w+/.exec(zero.text)![0]}`)).amount_cents, 0);
  assert.match((await send("GET", "/deals?amount_cents=eq:0")).text, /title=Free/);
  await make("/deals", { title: "Euros", amount_cents: 7_000_001, currency: "EUR", tags: ["mixed"] });
  await make("/deals", { title: "Dollars", amount_cents: 5_000_002, currency: "USD", tags: ["mixed"] });
  for (const path of [
    "/deals?tags=mixed",
    "/deals?tags=mixed&count=true",
    "/deals?tags=mixed&format=json",
    "/search?q=mixed",
  ]) {
    const { text } = await send("GET", path);
    assert.match(text, /7000001.*5000002|5000002.*7000001/s);
    assert.doesNotMatch(text, /12000003|120,?000/);
  }
});

test("a record made without its natural key tells of others of its name, in JSON too", async () => {
  const company = { name: "Nordlicht Reederei" };
  assert.equal((await ann.send("POST", "/companies?format=json", company)).json().hint, undefined);
  const again = (await ann.send("POST", "/companies?format=json", company)).json();
  assert.match(again.hint, /^there is another company of this name: GET \/companies\?name=like:Nordlicht%20Reederei/);
  assert.match((await ann.send("POST", "/companies", company)).text, /\n# there is another company of this name: /);
});

test("a label that reads like a choice leaves the choice as it is, and says so", async () => {
  const won = await ann.send("POST", "/deals?format=json", { title: "Signed", stage: "Closed Won" });
  const { id, status, hint } = won.json() as { id: string; status: string; hint: string };
  assert.equal(status, "open");
  assert.match(hint, /^status is still open, whatever the stage; to change it: PATCH \/deals\/\S+ \{"status":"won"\}$/);
  const [, path, body] = /PATCH (\S+) (.*)$/.exec(hint)!;
  const done = await ann.send("PATCH", path!, JSON.parse(body!));
  assert.match(done.text, /status=won/);
  const quiet: [string, object][] = [
    ["stage=won of what is won", { stage: "won" }],
    ["with the choice", { stage: "lost", status: "open" }],
    ["another label", { stage: "wonderful" }],
    ["a word that begins so", { stage: "Won't buy" }],
    ["no label", { title: "lost" }],
  ];
  for (const [what, change] of quiet)
    assert.doesNotMatch((await ann.send("PATCH", `/deals/${id}`, change)).text, /still/, what);
  assert.match((await ann.send("PATCH", `/deals/${id}`, { stage: "won" })).text, /# status is still open/);
  assert.doesNotMatch((await ann.send("PATCH", `/deals/${id}?fields=title`, { stage: "won" })).text, /still/);
});

test("what custom comes to over many requests is bounded, and the refused one changes nothing", async () => {
  const { id } = (await ann.send("POST", "/contacts?format=json", { name: "Collector" })).json();
  const keys = (from: number) => Object.fromEntries(Array.from({ length: 150 }, (_, i) => [`k${from + i}`, i]));
  assert.equal((await ann.send("PATCH", `/contacts/${id}`, { custom: keys(0) })).status, 200);
  const refused = await ann.send("PATCH", `/contacts/${id}`, { title: "CTO", custom: keys(100) });
  assert.equal(refused.status, 400);
  assert.match(refused.text, /^ERROR invalid_value custom would come to more than 200 keys/);
  const { title, custom, version } = (await ann.send("GET", `/contacts/${id}?format=json`)).json();
  assert.deepEqual([title, Object.keys(custom).length, version], [null, 150, 2]);
});

test("custom merges key by key, whichever way its keys are written", async () => {
  const { id } = await make("/contacts", { name: "C", custom: { a: 1, "b.c": "x" } });
  const path = `/contacts/${id}`;
  const after = async (body: unknown, headers?: Record<string, string>) => {
    const reply = await send("PATCH", path, body, headers);
    assert.equal(reply.status, 200, reply.text);
    return (await get(path)).custom;
  };
  assert.deepEqual(await after({ custom: { d: [1, { e: null }] } }), { a: 1, "b.c": "x", d: [1, { e: null }] });
  assert.deepEqual(await after({ custom: { d: null } }), { a: 1, "b.c": "x" });
  assert.deepEqual(await after({ "custom.a": 2, custom: { z: 0 } }), { a: 2, "b.c": "x", z: 0 });
  assert.deepEqual(await after("custom.a=&custom.f=false", FORM), { "b.c": "x", f: false, z: 0 });
  assert.deepEqual(await after({ custom: {} }), { "b.c": "x", f: false, z: 0 });
  assert.deepEqual(await after({ custom: null }), {});
  for (const custom of ["text", 5, [1], { "a b": 1 }, { 'a"': 1 }, { "": 1 }, { [`k${"x".repeat(100)}`]: 1 }])
    assertRefused(await send("PATCH", path, { custom }), 400, "invalid_value", /custom/);
  for (const custom of ["text", 5, [1]])
    assertRefused(await send("PATCH", path, { custom, "custom.a": 1 }), 400, "invalid_value", /custom/);
  assert.deepEqual((await get(path)).custom, {});
});

test("a link is named by any form of the id, by name, or by address; it must be there, be one, and be of its kind", async () => {
  const company = await make("/companies", { name: "Link Ltd", domain: "link.com" });
  const short = company.handle.slice("company/".length);
  const ways: Record<string, string>[] = [
    ...[company.id, short, company.handle, short.toUpperCase(), company.id.toUpperCase()].map((company_id) => ({ company_id })),
    ...["Link Ltd", "LINK ltd", "link.com", short].map((name) => ({ company: name })),
    { company: "Link Ltd", company_id: short },
  ];
  for (const way of ways)
    assert.equal((await make("/contacts", { name: "Linked", ...way })).company_id, company.id, JSON.stringify(way));

  const { id } = await make("/contacts", { name: "Linked", company: "Link Ltd" });
  const refused = (body: Record<string, unknown>, says: RegExp) =>
    send("PATCH", `/contacts/${id}`, body).then((reply) => assertRefused(reply, 422, "unprocessable", says));
  await refused({ company_id: "co_00000000" }, /there is no company co_00000000/);
  await refused({ company: "Nobody & Sons" }, /POST \/companies \{"name":"Nobody & Sons"\}/);
  await refused({ company_id: id }, /GET \/contacts\//);
  await make("/companies", { name: "Twin" });
  await make("/companies", { name: "twin" });
  await refused({ company: "Twin" }, /company_id=co_\w{8} or co_\w{8}/);
  await refused({ company: "Twin", company_id: short }, /company/);
  assertRefused(await send("PATCH", `/contacts/${id}`, { company_id: "Link Ltd" }), 400, "invalid_value", /company_id/);
  assert.equal((await get(`/contacts/${id}`)).version, 1);
  assert.equal(outcomeOf(await send("PATCH", `/contacts/${id}`, { company: null })), "updated");
  assert.equal((await get(`/contacts/${id}`)).company_id, null);
});

test("an expected version makes a write conditional, in the header and in the body", async () => {
  const { id } = await make("/deals", { title: "Versioned" });
  const path = `/deals/${id}`;
  const etag = (await send("GET", path)).headers.get("etag")!;
  assert.equal((await send("PATCH", path, { stage: "a" }, { "if-match": etag })).status, 200);
  for (const [body, headers] of [
    [{ stage: "b" }, { "if-match": etag }],
    [{ stage: "b" }, { "if-match": `W/"2"` }],
    [{ stage: "b" }, { "if-match": '"nonsense"' }],
    [{ stage: "b", version: 1 }, {}],
    [{ stage: "a", version: 1 }, {}],
    [{ stage: "b", version: 3 }, {}],
    [{ stage: "b", version: 2 }, { "if-match": '"1"' }],
    [{ stage: "b", version: 1 }, { "if-match": '"2"' }],
  ] as const) {
    assertRefused(await send("PATCH", path, body, headers), 412, "version_conflict", /version|If-Match/);
  }
  assert.equal((await get(path)).stage, "a");
  assert.equal((await send("PATCH", path, { stage: "b", version: 2 })).status, 200);
  assert.equal((await send("PATCH", path, { stage: "c" }, { "if-match": "*" })).status, 200);
  for (const version of ["x", 1.5, -1, 1e12, "9999999999"])
    assert.ok([400, 412].includes((await send("PATCH", path, { stage: "d", version })).status), String(version));
  assertRefused(await send("POST", "/contacts", { email: "unborn@acme.com", version: 1 }), 412, "version_conflict", /version/);
  assert.equal((await send("GET", "/contacts?email=unborn@acme.com")).lines.length, 0);
});

test("a write that changes nothing writes nothing", async () => {
  const body = {
    name: "Still",
    email: "still@acme.com",
    tags: ["x", "y"],
    custom: { a: { b: 1 } },
    follow_up_at: "2026-06-10T09:00:00Z",
  };
  const { id } = await make("/contacts", body);
  const path = `/contacts/${id}`;
  const before = await get(path);
  for (const same of [body, { ...body, email: "STILL@acme.com" }, { phone: null }, { custom: { gone: null } }, {}])
    assert.equal(outcomeOf(await send("PATCH", path, same)), "unchanged", JSON.stringify(same));
  assert.equal(outcomeOf(await send("POST", "/contacts", body)), "updated (unchanged)");
  assert.deepEqual(await get(path), before);
  assert.equal((await send("GET", `${path}/history`)).lines.length, 1);
});

test("an id may name its kind in full, or leave it out where it is known", async () => {
  const { id: company } = await make("/companies", { name: "Sandberg", domain: "sandberg.example" });
  const { id: contact } = await make("/contacts", { name: "Handle", company_id: company });
  const [c, co] = [contact.slice(-8), company.slice(-8)];
  for (const form of [`contact_${c}`, c, `CONTACT_${c}`, contact.slice(2), `contact_${contact.slice(2)}`]) {
    assert.equal((await get(`/contacts/${form}`)).id, contact, form);
    assert.equal(outcomeOf(await send("PATCH", `/contacts/${form}`, { stage: form })), "updated", form);
    assert.equal((await send("GET", `/contacts/${form}/history?limit=1`)).lines.length, 1, form);
    assert.equal((await send("GET", `/contacts?id=${form}`)).lines.length, 1, form);
    assert.ok((await send("GET", `/audit?record=${form}`)).lines.length > 1, form);
  }
  for (const link of [
    { company_id: co },
    { company_id: `company_${co}` },
    { company: `company_${co}` },
    { company: "Sandberg" },
  ]) {
    const made = await send("POST", "/deals?format=json", { title: "By handle", ...link });
    assert.equal(made.json().company_id, company, made.text);
  }
  for (const filter of [`company_id=${co}`, `company_id=in:company_${co}`, `company=company_${co}`, "company=Sandberg"])
    assert.equal((await send("GET", `/deals?title=By%20handle&${filter}`)).lines.length, 4, filter);
  const { id: task } = await make("/tasks", { title: "Four letters" });
  assert.equal((await get(`/tasks/task_${task.slice(-8)}`)).id, task);
  assert.equal((await send("GET", `/audit?record=task_${task.slice(-8)}`)).lines.length, 1);
  const wrong = await send("GET", `/contacts/company_${co}`);
  assert.equal(wrong.status, 404);
  assert.equal((await send("GET", `/contacts/co_${co}`)).status, 404);
  assert.match((await send("DELETE", `/contacts/${c}`)).text, new RegExp(`DELETE /contacts/c_${c}\\?confirm=`));
});

test("what does not fit is blamed, and nothing else", async () => {
  const reply = async (path: string, body: unknown) => {
    const { status, text } = await ann.send("POST", path, body);
    return `${status} ${text}`;
  };
  const { id } = (await ann.send("POST", "/companies?format=json", { name: "Twin" })).json();
  const other = (await ann.send("POST", "/companies?format=json", { name: "Single" })).json();
  await ann.send("POST", "/companies", { name: "Twin" });
  assert.match(
    await reply("/contacts", { name: "x", company: "Twin", company_id: "co_00000000" }),
    /^422 ERROR unprocessable there is no company co_00000000 /,
  );
  assert.match(
    await reply("/contacts", { name: "x", company: "Nobody", company_id: "co_00000000" }),
    /^422 ERROR unprocessable there is no company co_00000000 /,
  );
  const differ = await reply("/contacts", { name: "x", company: "Twin", company_id: other.id });
  assert.match(differ, /^422 ERROR unprocessable company co_\w{8} is not called "Twin"\nHINT {2}send company_id or company/);
  assert.match(
    await reply("/contacts", { name: "x", company: id, company_id: other.id }),
    /^400 ERROR invalid_value \S+ and \S+ are two company ids/,
  );
  assert.match(await reply("/contacts", { name: "Right", company: "Twin", company_id: id }), /^201 .* company=Twin /);
  assert.match(
    await reply("/contacts", { name: "Same", company: id.slice(-8).replace(/^/, "co_"), company_id: id }),
    /^201 .* company=Twin /,
  );

  const number = await reply("/contacts", { name: "x", phone: 4930123456 });
  assert.match(
    number,
    /^400 ERROR invalid_value phone cannot be the number 4930123456\n(HINT {2}[^\n]+\n)*HINT {2}send it as text, in quotes: \{"phone":"4930123456"\}\n/,
  );
  assert.match(
    await reply("/contacts", { name: "x", phones: [4930] }),
    /send it as text, in quotes: \{"phones":\["4930"\]\}\n/,
  );
  assert.match(await reply("/contacts", { name: "x", tags: 5 }), /send it as text, in quotes: \{"tags":"5"\}\n/);
  assert.match(
    await reply("/contacts", 'name="A \\"B\\"" stage=lead x={"y"}'),
    /^400 ERROR bad_request the body reads like a line/,
  );
  assert.match(await reply("/contacts", 'name="A" and B'), /^201 /);
  assert.match(await reply("/contacts", { name: true }), /name cannot be true\n/);
  assert.match(await reply("/contacts", { name: ["x"] }), /name cannot be the list "\[\\"x\\"\]"\n/);
  assert.doesNotMatch(await reply("/deals", { title: "x", close_date: 20260610 }), /in quotes/);
  assert.match(await reply("/workspaces", { name: 5 }), /name cannot be the number 5\n[\s\S]*in quotes: \{"name":"5"\}/);
  const deep = JSON.stringify({ a: JSON.parse(`${"[".repeat(25)}${"]".repeat(25)}`) });
  assert.match(
    await reply("/contacts", `{"name":"x","custom":${deep}}`),
    /custom expects a JSON object of at most 200 keys, 20 levels deep/,
  );
});

test("a write that is done is told even when the database has no time for the notes beside it", async () => {
  await make("/contacts", { name: "Twin Note" });
  const { pool } = service;
  const { rows } = pool;
  let refused = 0;
  pool.rows = (statement, options) => {
    if (!/^select r\.id, lower\(/.test(statement.text.trim())) return rows(statement, options);
    refused += 1;
    return Promise.reject(new Problem("busy", "all connections to the database are in use", []));
  };
  const reply = await send("POST", "/contacts", { name: "Twin Note" }).finally(() => {
    pool.rows = rows;
  });
  assert.equal(refused, 1, "no note was asked for");
  assert.equal(reply.status, 201, reply.text);
  assert.match((await send("POST", "/contacts", { name: "Twin Note" })).text, /there is another contact of this name/);
});
