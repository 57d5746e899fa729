import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { after, before, test } from "node:test";
import { promisify } from "node:util";
import { isInstalled } from "../helpers/bash.ts";
import { noSql } from "../helpers/citus.ts";
import { type Client, type Reply, type Service, startService } from "../helpers/service.ts";

/** The requests of agentCRM's document, with another host and key. */

let service: Service;
let ann: Client;
let bob: Client;
before(async () => {
  service = await startService();
  ann = await service.signIn();
  bob = await service.signIn("bob@example.com");
});
after(() => service.close());

type Row = Record<string, unknown> & { id: string };

async function done(method: string, path: string, body?: object, client = ann): Promise<Reply> {
  const reply = await client.send(method, path, body);
  assert.ok(reply.status < 300, `${method} ${path} ${reply.status} ${reply.text}`);
  assert.equal(reply.headers.get("content-type"), "application/json; charset=utf-8");
  const { _meta } = reply.json();
  assert.match(_meta.workspace_id, /^ws_/);
  return reply;
}

const row = async (method: string, path: string, body?: object, client = ann): Promise<Row> =>
  (await done(method, path, body, client)).json().data;
const rows = async (path: string, client = ann): Promise<Row[]> => (await done("GET", path, undefined, client)).json().data;
const ids = async (path: string): Promise<string[]> => (await rows(path)).map(({ id }) => id).sort();

async function refused(status: number, error: string, method: string, path: string, body?: unknown, client = ann) {
  const reply = await client.send(method, path, body);
  const told = reply.json();
  assert.equal(reply.status, status, `${method} ${path} ${reply.text}`);
  assert.equal(told.error, error, reply.text);
  assert.equal(typeof told.message, "string");
  assert.match(told.docs_url, /\/help\/dialects$/);
  return told as { message: string; hint: string | null; code?: string };
}

const programs = isInstalled("curl") && isInstalled("jq");

test("the quickstart runs as printed, with another host", {
  skip: programs ? false : "curl or jq is not installed",
}, async () => {
  const printed = `KEY=$(curl -sX POST https://www.tryagentcrm.com/v1/workspaces | jq -r .data.api_key)
curl -sX POST https://www.tryagentcrm.com/v1/contacts \\
  -H "Authorization: Bearer $KEY" \\
  -H "Content-Type: application/json" \\
  --data '{"email":"sarah@acme.com","first_name":"Sarah"}'`;
  const script = printed.replaceAll("https://www.tryagentcrm.com", service.baseUrl);
  const { stdout } = await promisify(execFile)("bash", ["--norc", "-c", script]);
  const { data, _meta } = JSON.parse(stdout);
  assert.equal(data.email, "sarah@acme.com");
  assert.equal(data.first_name, "Sarah");
  assert.match(_meta.claim_url, /\/claim\//);
  assert.ok(Date.parse(_meta.ttl_expires_at) > Date.now());
});

test("a workspace without an account is claimed by a person, who gets a key; keys rotate", async () => {
  const made = (await service.send("POST", "/v1/workspaces")).json();
  assert.deepEqual(made._meta.workspace_id, made.data.workspace_id);
  const key = { authorization: `Bearer ${made.data.api_key}` };
  const { data: sarah } = (await service.send("POST", "/v1/contacts", { email: "s@acme.com" }, key)).json();
  await refused(404, "not_found", "POST", `/v1/claim/${made.data.workspace_id}`);
  const dan = await service.signIn("dan@example.com");
  const claim = String(made.data.claim_url).split("/").at(-1);
  const claimed = await row("POST", `/v1/claim/${claim}`, undefined, dan);
  assert.equal(claimed.workspace_id, made.data.workspace_id);
  const live = { authorization: `Bearer ${claimed.api_key}` };
  const seen = await service.send("GET", `/v1/contacts/${sarah.id}`, undefined, live);
  assert.equal(seen.json().data.email, "s@acme.com");
  assert.equal(seen.json()._meta.claim_url, undefined);
  assert.equal((await service.send("GET", `/v1/contacts/${sarah.id}`, undefined, key)).status, 200);
  assert.equal((await service.send("POST", "/v1/contacts", { email: "t@acme.com" }, key)).status, 403);
  const rotated = (await service.send("POST", "/v1/keys/rotate", undefined, live)).json().data;
  assert.equal((await service.send("GET", "/v1/contacts", undefined, live)).status, 401);
  const fresh = { authorization: `Bearer ${rotated.api_key}` };
  assert.equal((await service.send("GET", "/v1/contacts", undefined, fresh)).status, 200);
  const owned = await row("POST", "/v1/workspaces", { name: "Dan's second" }, dan);
  const second = await service.send("GET", "/v1/contacts", undefined, { authorization: `Bearer ${owned.api_key}` });
  assert.deepEqual(second.json().data, []);
});

test("a contact is made as in the quickstart, and a taken address is a conflict", async () => {
  const sent = { email: "sarah@acme.com", first_name: "Sarah" };
  const reply = await done("POST", "/v1/contacts", sent);
  assert.equal(reply.status, 201);
  const { data } = reply.json();
  assert.match(data.id, /^c_/);
  assert.deepEqual(Object.keys(data).slice(0, 11), [
    ...["id", "email", "first_name", "last_name", "phone", "title", "company_id", "custom", "created_at", "updated_at"],
    "deleted_at",
  ]);
  assert.equal(data.last_name, null);
  assert.deepEqual(data.custom, {});
  const told = await refused(409, "conflict", "POST", "/v1/contacts", { email: "SARAH@acme.com", first_name: "Other" });
  assert.equal(told.code, "23505");
  assert.match(told.hint!, /\/v1\/contacts with email "SARAH@acme.com"/);
  assert.equal((await row("GET", `/v1/contacts/${data.id}`)).first_name, "Sarah");
});

test("names of columns are theirs both ways, and what we have no field for is kept in custom", async () => {
  const company = await row("POST", "/v1/companies", {
    name: "Acme",
    domain: "acme.com",
    size: "11-50",
    custom: { tier: "gold" },
  });
  assert.equal(company.size, "11-50");
  assert.deepEqual(company.custom, { tier: "gold" });
  const deal = await row("POST", "/v1/deals", {
    name: "Rollout",
    stage: "demo",
    amount_cents: 9900,
    close_date: "2026-07-31",
    company_id: company.id,
  });
  assert.equal(deal.name, "Rollout");
  assert.equal(deal.title, undefined);
  const ours = (await ann.send("GET", `/deals/${deal.id}?format=json`)).json();
  assert.equal(ours.title, "Rollout");
  assert.deepEqual((await ann.send("GET", `/companies/${company.id}?format=json`)).json().custom, {
    size: "11-50",
    tier: "gold",
  });

  const merged = await row("PATCH", `/v1/companies/${company.id}`, { size: "51-200", custom: { seats: 5 } });
  assert.equal(merged.size, "51-200");
  assert.deepEqual(merged.custom, { tier: "gold", seats: 5 });
  assert.equal((await row("PATCH", `/v1/deals/${deal.id}`, { name: "Larger" })).name, "Larger");
  const { company: expanded } = (await row("GET", `/v1/deals/${deal.id}`)) as Row & { company: Row };
  assert.equal(expanded.name, "Acme");
  assert.equal(expanded.size, "51-200");
});

test("a name that was made of first and last name follows them", async () => {
  const { id } = await row("POST", "/v1/contacts", { email: "kim@acme.com", first_name: "Kim", last_name: "Li" });
  const nameOf = async () => (await ann.send("GET", `/contacts/${id}?format=json`)).json().name;
  assert.equal(await nameOf(), "Kim Li");
  await row("PATCH", `/v1/contacts/${id}`, { last_name: "Ng" });
  assert.equal(await nameOf(), "Kim Ng");
  await row("PATCH", `/v1/contacts/${id}`, { name: "Dr Ng", custom: { vip: true } });
  await row("PATCH", `/v1/contacts/${id}`, { first_name: "Kimberly" });
  assert.equal(await nameOf(), "Dr Ng");
});

test("every filter of the table asks what it says", async () => {
  const company = await row("POST", "/v1/companies", { name: "Filters Inc" });
  const stages = ["lead", "demo", "won, lost"];
  const made: string[] = [];
  for (const [i, stage] of stages.entries()) {
    const body = { name: `Filter ${i}`, stage, amount_cents: i * 100, company_id: company.id, custom: { n: i, "a-b": "x" } };
    made.push((await row("POST", "/v1/deals", { ...body, close_date: `2026-07-0${i + 1}`, tags: i > 0 ? ["hot"] : [] })).id);
  }
  const [a, b, c] = made as [string, string, string];
  const all = `/v1/deals?company_id=${company.id}`;
  for (const [query, wanted] of [
    ["", [a, b, c]],
    ["stage=lead", [a]],
    ["stage=lead,demo", [a, b]],
    [`id=${a},${c}`, [a, c]],
    ["name=Filter%201", [b]],
    ["amount_cents_gte=100", [b, c]],
    ["amount_cents_lte=100", [a, b]],
    ["close_date_after=2026-07-01", [b, c]],
    ["close_date_before=2026-07-02", [a, b]],
    ["close_date_gte=2026-07-02&close_date_lte=2026-07-02", [b]],
    ["created_at_after=2020-01-01T00:00:00Z", [a, b, c]],
    ["created_at_before=2020-01-01T00:00:00Z", []],
    ["name_contains=ILTER", [a, b, c]],
    ["name_starts=filter%202", [c]],
    ["stage_present=true", [a, b, c]],
    ["owner_present=true", []],
    ["owner_present=false", [a, b, c]],
    ["tags_has=hot", [b, c]],
    ["custom.n=1", [b]],
    ["custom.n_gte=1", [b, c]],
    ["custom.a-b=x", [a, b, c]],
  ] as const) {
    assert.deepEqual(await ids(`${all}&${query}`), [...wanted].sort(), query);
  }
});

test("pages go by a cursor, each row once", async () => {
  const company = await row("POST", "/v1/companies", { name: "Pages Inc" });
  for (let i = 0; i < 5; i++) await row("POST", "/v1/deals", { name: `Page ${i}`, company_id: company.id });
  const seen: string[] = [];
  let cursor = "";
  do {
    const { data, _meta } = (await done("GET", `/v1/deals?company_id=${company.id}&limit=2&cursor=${cursor}`)).json();
    assert.ok(data.length <= 2);
    assert.equal(_meta.has_more, _meta.next_cursor !== null);
    seen.push(...(data as Row[]).map(({ id }) => id));
    cursor = _meta.next_cursor ?? "";
  } while (cursor !== "");
  assert.equal(new Set(seen).size, 5);
  assert.equal(seen.length, 5);
  await refused(400, "invalid_value", "GET", "/v1/deals?limit=201");
});

test("a deletion takes one request, is seen when asked for, and comes back", async () => {
  const { id } = await row("POST", "/v1/contacts", { email: "gone@acme.com", first_name: "Gone" });
  const gone = await row("DELETE", `/v1/contacts/${id}`);
  assert.equal(gone.id, id);
  assert.equal(typeof gone.deleted_at, "string");
  await refused(404, "not_found", "GET", `/v1/contacts/${id}`);
  assert.deepEqual(await ids(`/v1/contacts?id=${id}`), []);
  assert.deepEqual(await ids(`/v1/contacts?id=${id}&include_deleted=true`), [id]);
  assert.deepEqual(await ids("/v1/contacts?only_deleted=true"), [id]);
  assert.equal((await row("GET", `/v1/contacts/${id}?include_deleted=true`)).id, id);
  assert.equal((await row("POST", `/v1/contacts/${id}/restore`)).deleted_at, null);
  assert.deepEqual(await ids(`/v1/contacts?id=${id}`), [id]);
  assert.deepEqual(await row("DELETE", `/v1/contacts/${id}?hard=true`), { id, deleted: true, hard: true });
  await refused(410, "gone", "GET", `/v1/contacts/${id}`);
});

test("a search is fuzzy", async () => {
  const { id } = await row("POST", "/v1/contacts", { email: "m@acme.com", first_name: "Margarethe", last_name: "Schneider" });
  assert.deepEqual(await ids("/v1/contacts/search?q=margarethe"), [id]);
  assert.deepEqual(await ids("/v1/contacts/search?q=Schnieder"), [id]);
});

test("the activity feed tells who did what to which record, by column", async () => {
  const { id } = await row("POST", "/v1/deals", { name: "Watched", stage: "lead" });
  await row("PATCH", `/v1/deals/${id}`, { stage: "won", name: "Seen" });
  await row("DELETE", `/v1/deals/${id}`);
  await row("POST", `/v1/deals/${id}/restore`);
  const of = `/v1/activity?subject_type=deal&subject_id=${id}`;
  const entries = await rows(of);
  assert.deepEqual(
    entries.map(({ verb }) => verb),
    ["restored", "deleted", "updated", "created"],
  );
  const updated = entries[2]!;
  assert.deepEqual(updated.changes, { stage: { from: "lead", to: "won" }, name: { from: "Watched", to: "Seen" } });
  assert.equal(updated.subject_repr, "Seen");
  assert.match(String(updated.actor), /^api_key:ak_/);
  assert.equal((await rows(`${of}&verb=deleted`)).length, 1);
  assert.equal((await rows(`${of}&actor=${updated.actor}`)).length, 4);
  assert.equal((await rows(`${of}&since=2026-04-28T00:00:00Z`)).length, 4);
  assert.equal((await rows(`${of}&since=2999-04-28T00:00:00Z`)).length, 0);
  assert.equal((await rows("/v1/activity?actor=api_key:ak_00000000")).length, 0);
  assert.equal((await rows(of, bob)).length, 0);
});

test("tables and schema tell what there is", async () => {
  const names = (await rows("/v1/tables")).map(({ name }) => name);
  for (const name of ["companies", "contacts", "deals", "activity", "tasks"]) assert.ok(names.includes(name), name);
  const { tables } = (await row("GET", "/v1/schema")) as unknown as { tables: { name: string; [more: string]: unknown }[] };
  const deals = tables.find(({ name }) => name === "deals")!;
  assert.deepEqual(deals.foreign_keys, [
    { column: "contact_id", references: { table: "contacts", column: "id" } },
    { column: "company_id", references: { table: "companies", column: "id" } },
  ]);
  const columns = deals.columns as { name: string; type: string }[];
  assert.equal(columns.find(({ name }) => name === "amount_cents")?.type, "bigint");
});

test("kinds that their document does not know are tables by our names", async () => {
  const task = await row("POST", "/v1/tasks", { title: "Call", due_at: "2026-06-10T09:00:00Z" });
  assert.deepEqual(await ids("/v1/tasks?title=Call"), [task.id]);
  assert.equal((await row("PATCH", `/v1/tasks/${task.id}`, { done: true })).done, true);
});

test("members are listed, invited, let in and removed", async () => {
  const { data } = (await done("GET", "/v1/members")).json();
  assert.deepEqual(
    data.map(({ email, role }: Row) => [email, role]),
    [["ann@example.com", "owner"]],
  );
  const workspace = (await done("GET", "/v1/members")).json()._meta.workspace_id;
  const invited = await row("POST", "/v1/members/invite", { workspace_id: workspace, email: "cy@example.com", role: "viewer" });
  assert.equal(invited.role, "viewer");
  const path = new URL(String(invited.accept_url)).pathname;
  await refused(404, "not_found", "POST", path, undefined, bob);
  const cy = await service.signIn("cy@example.com");
  const { api_key: key, workspace_id, key_id } = await row("POST", path, undefined, cy);
  assert.equal(workspace_id, workspace);
  assert.match(String(key_id), /^ak_/);
  const inside = await service.send("GET", "/v1/contacts", undefined, { authorization: `Bearer ${key}` });
  assert.equal(inside.json()._meta.workspace_id, workspace);
  const refusal = await service.send("POST", "/v1/contacts", { first_name: "X" }, { authorization: `Bearer ${key}` });
  assert.equal(refusal.json().error, "forbidden");
  const member = (await rows(`/v1/members?ws=${workspace}`)).find(({ email }) => email === "cy@example.com")!;
  await row("DELETE", `/v1/members?ws=${workspace}&user_id=${member.user_id}`);
  const after = await service.send("GET", "/v1/contacts", undefined, { authorization: `Bearer ${key}` });
  assert.equal(after.status, 401);
});

test("refusals have one form, say the SQLSTATE, and end in a hint in their words", async () => {
  const { id } = await row("POST", "/v1/deals", { name: "Refusals" });
  const foreign = (await bob.send("POST", "/v1/contacts", { email: "theirs@acme.com" })).json().data.id;
  await refused(404, "not_found", "GET", `/v1/contacts/${foreign}`);
  await refused(404, "not_found", "PATCH", `/v1/contacts/${foreign}`, { first_name: "Mine" });
  await refused(404, "not_found", "DELETE", `/v1/contacts/${foreign}?hard=true`);
  assert.equal(
    (await refused(422, "foreign_key_violation", "POST", "/v1/deals", { name: "X", contact_id: foreign })).code,
    "23503",
  );
  assert.match((await refused(400, "unknown_column", "GET", "/v1/deals?stag=x")).hint!, /^did you mean stage\?/);
  assert.equal((await refused(400, "unknown_column", "POST", "/v1/deals", { name: "X", titel: "Y" })).code, "42703");
  assert.match((await refused(400, "missing_field", "POST", "/v1/deals", { stage: "lead" })).message, /\bname\b/);
  assert.match((await refused(400, "invalid_value", "PATCH", `/v1/deals/${id}`, { name: 5 })).message, /\bname\b/);
  await refused(400, "invalid_value", "GET", "/v1/deals?amount_cents_gte=much");
  await refused(400, "invalid_value", "GET", "/v1/deals?name_present=perhaps");
  await refused(400, "unknown_column", "POST", "/v1/deals", { handle: "deal/d_00000000", name: "X" });
  await refused(400, "invalid_filter", "POST", "/v1/deals?dryrun=true", { name: "X" });
  await refused(400, "bad_request", "POST", "/v1/deals", "{");
  await refused(400, "bad_request", "POST", "/v1/deals", "[]");
  await refused(404, "not_found", "GET", "/v1/dealz");
  await refused(404, "not_found", "GET", "/v1/deals/a/b/c");
  await refused(405, "method_not_allowed", "PUT", `/v1/deals/${id}`, { name: "X" });
  const { headers, status } = await service.send("GET", "/v1/deals", undefined, { authorization: "Bearer ck_wrong" });
  assert.equal(status, 401);
  assert.match(headers.get("www-authenticate")!, /^Bearer /);
  const narrow = (await ann.send("POST", "/tokens?format=json", { scopes: ["deals.read"] })).json().token;
  const reader = {
    ...ann,
    send: (method: string, path: string, body?: unknown) =>
      service.send(method, path, body, { authorization: `Bearer ${narrow}` }),
  };
  assert.deepEqual((await rows(`/v1/deals?id=${id}`, reader)).length, 1);
  await refused(403, "forbidden", "GET", "/v1/contacts", undefined, reader);
  await refused(403, "forbidden", "DELETE", `/v1/deals/${id}`, undefined, reader);
  await refused(403, "forbidden", "GET", "/v1/activity", undefined, reader);
});

test("hostile text comes back as it was sent, and a retried create makes one row", async () => {
  const name = '"; drop table deals; -- \u202e\n# next: x,y eq:null';
  const { id } = await row("POST", "/v1/deals", { name: "Hostile", notes: name, custom: { text: name } });
  const { notes, custom } = await row("GET", `/v1/deals/${id}`);
  assert.deepEqual({ notes, custom }, { notes: name, custom: { text: name } });
  assert.deepEqual(await ids(`/v1/deals?notes_contains=${encodeURIComponent("drop table deals")}`), [id]);
  const headers = { "idempotency-key": "once-only" };
  const twice = await Promise.all([1, 2].map(() => ann.send("POST", "/v1/deals", { name: "Retried" }, headers)));
  await ann.send("POST", "/v1/deals", { name: "Retried" }, headers);
  assert.ok(twice.some(({ status }) => status === 201));
  assert.equal((await rows("/v1/deals?name=Retried")).length, 1);
  const dry = (await done("POST", "/v1/deals?dry_run=true", { name: "Rehearsed" })).json();
  assert.equal(dry._meta.dry_run, true);
  assert.equal((await rows("/v1/deals?name=Rehearsed")).length, 0);
});

test("of two who create one address at once, one is told of the conflict", async () => {
  const replies = await Promise.all(
    [1, 2, 3].map(() => ann.send("POST", "/v1/contacts", { email: "race@acme.com", first_name: "R" })),
  );
  assert.deepEqual(replies.map(({ status }) => status).sort(), [201, 409, 409]);
});

/** Predicates that no filter is made of, with the deals that they find. */
const BY_SQL = [
  ["stage = 'won' or amount_cents = $1", [1000], [1, 2]],
  ["stage like '_ead' and not coalesce(owner = 'x', false)", undefined, [0, 1]],
  ["company_id in (select id from companies where industry = 'energy') -- theirs", undefined, [0, 1, 2]],
  ["custom->>'tier' ~ '^t[01]$'", undefined, [0, 1]],
] as const;

test("lists are dynamic by a predicate or static by members, and resolve to rows with columns of what they link to", async () => {
  const company = await row("POST", "/v1/companies", { name: "Listed Inc", industry: "energy" });
  const made: Row[] = [];
  for (const [i, stage] of ["lead", "lead", "won"].entries())
    made.push(
      await row("POST", "/v1/deals", {
        name: `Listed ${i}`,
        stage,
        amount_cents: i * 1000,
        company_id: company.id,
        tags: ["hot"],
        custom: { tier: `t${i}` },
      }),
    );
  const names = async (body: object): Promise<unknown[]> => {
    const { id } = await row("POST", "/v1/lists", { name: `list ${Math.random()}`, target_table: "deals", ...body });
    const found = (await rows(`/v1/lists/${id}/rows?company_id=${company.id}`)).map(({ name }) => name).sort();
    await row("DELETE", `/v1/lists/${id}`);
    return found;
  };
  for (const [filter_predicate, filter_params, wanted] of [
    ["stage = 'lead'", undefined, [0, 1]],
    ["stage = $1 AND amount_cents >= $2", ["lead", 1000], [1]],
    ["stage <> 'lead' and deleted_at is null", undefined, [2]],
    ["(stage in ('lead', 'x''y') and amount_cents < 500)", undefined, [0]],
    ["deals.stage = ANY($1)", [["won", "lost"]], [2]],
    ["name ILIKE '%listed%' AND lower(name) like 'listed 1%'", undefined, [1]],
    ["custom->>'tier' = 't2'", undefined, [2]],
    ["tags @> ARRAY['hot'] and amount_cents > -5", undefined, [0, 1, 2]],
    ["'hot' = any(tags) and owner is null", undefined, [0, 1, 2]],
    ["created_at > now() - interval '30 days' and contact_id is not null", undefined, []],
    [undefined, undefined, [0, 1, 2]],
    ...(noSql ? [] : BY_SQL),
  ] as const) {
    const body = { kind: "dynamic", filter_predicate, filter_params };
    assert.deepEqual(
      await names(body),
      wanted.map((i) => `Listed ${i}`),
      filter_predicate,
    );
  }
  for (const filter_predicate of [
    "1=1; drop table deals",
    "stage = (select 1)",
    "stage =",
    "nope = 1",
    "'",
    "true) union select id from workspaces where (true",
    "id in (select workspace_id from public.contacts)",
    "exists (select from pg_authid)",
    "pg_sleep(100) is null or true) -- (",
  ]) {
    const reply = await ann.send("POST", "/v1/lists", {
      name: "bad",
      target_table: "deals",
      kind: "dynamic",
      filter_predicate,
    });
    assert.equal(reply.status, 400, `${filter_predicate} ${reply.text}`);
  }

  if (noSql) return;
  const either = "stage = 'won' or stage = 'lead'";
  const bySql = await row("POST", "/v1/lists", { name: "either", target_table: "deals", filter_predicate: either });
  assert.deepEqual([bySql.kind, bySql.filter_predicate, bySql.config], ["dynamic", either, {}]);
  const walked: unknown[] = [];
  for (let cursor = ""; ; ) {
    const page = (
      await done("GET", `/v1/lists/${bySql.id}/rows?limit=2&company_id=${company.id}&columns=name&cursor=${cursor}`)
    ).json();
    walked.push(...page.data.map((each: Row) => each.name));
    cursor = page._meta.next_cursor;
    if (cursor === null) break;
  }
  assert.deepEqual(walked, ["Listed 0", "Listed 1", "Listed 2"]);
  await refused(400, "invalid_filter", "GET", `/v1/lists/${bySql.id}/rows?sort=name`);
  await refused(400, "invalid_cursor", "GET", `/v1/lists/${bySql.id}/rows?cursor=co_00000000`);
  assert.deepEqual((await ann.send("GET", "/deals?list=either&format=json")).json().items, []);
  await refused(404, "not_found", "GET", `/v1/lists/${bySql.id}/rows`, undefined, bob);
  await row("PATCH", `/v1/lists/${bySql.id}`, { filter_predicate: "name = 'Listed 2' or false" });
  assert.deepEqual(
    (await rows(`/v1/lists/${bySql.id}/rows`)).map(({ name }) => name),
    ["Listed 2"],
  );
  await row("PATCH", `/v1/lists/${bySql.id}`, { filter_predicate: "name = 'Listed 1'" });
  assert.deepEqual((await ann.send("GET", "/deals?list=either&format=json")).json().items.length, 1);
  const narrow = (
    await ann.send("POST", "/tokens?format=json", { name: "deals", scopes: ["deals.read", "deals.write"] })
  ).json();
  const asDeals: Client = {
    ...ann,
    send: (method, path, body) => service.send(method, path, body, { authorization: `Bearer ${narrow.token}` }),
  };
  const beyond = { name: "beyond", target_table: "deals", filter_predicate: either };
  const told = await refused(400, "invalid_value", "POST", "/v1/lists", beyond, asDeals);
  assert.match(told.message, /cannot be read/);

  const list = await row("POST", "/v1/lists", {
    name: "static one",
    description: "by hand",
    target_table: "deals",
    kind: "static",
    config: { columns: ["name", "company.name", "company.industry", "custom.tier"] },
    custom: { team: "west" },
  });
  assert.equal(list.kind, "static");
  assert.equal(list.description, "by hand");
  assert.deepEqual(list.custom, { team: "west" });
  await row("POST", `/v1/lists/${list.id}/members`, { member_id: made[0]!.id });
  await row("POST", `/v1/lists/${list.id}/members`, { member_ids: [made[1]!.id] });
  await row("DELETE", `/v1/lists/${list.id}/members/${made[1]!.id}`);
  assert.deepEqual(await rows(`/v1/lists/${list.id}/rows`), [
    { name: "Listed 0", "company.name": "Listed Inc", "company.industry": "energy", "custom.tier": "t0" },
  ]);
  const changed = await row("PATCH", `/v1/lists/${list.id}`, { name: "renamed", custom: { city: "Oslo" } });
  assert.deepEqual([changed.name, changed.custom, changed.kind], ["renamed", { team: "west", city: "Oslo" }, "static"]);
  assert.deepEqual((changed.config as { columns: string[] }).columns.length, 4);
  assert.ok((await rows("/v1/lists")).some(({ id }) => id === list.id));
  await refused(404, "not_found", "GET", `/v1/lists/${list.id}/rows`, undefined, bob);
  await refused(409, "conflict", "POST", "/v1/lists", { name: "Renamed", target_table: "deals", kind: "static" });
  assert.deepEqual(
    (await rows(`/v1/list_members?list_id=${list.id}`)).map(({ list_id, member_id }) => [list_id, member_id]),
    [[list.id, made[0]!.id]],
  );
  assert.deepEqual(await rows(`/v1/list_members?list_id=${list.id}`, bob), []);
});

test("lists are filtered, deleted and restored like rows of any table", async () => {
  const target = { target_table: "contacts", kind: "static" };
  const { id } = await row("POST", "/v1/lists", {
    name: "Kept one",
    config: { columns: ["name"] },
    custom: { team: "x" },
    ...target,
  });
  const merged = await row("PATCH", `/v1/lists/${id}`, { config: { sort: "name" } });
  assert.deepEqual(merged.config, { columns: ["name"], sort: "name" });
  const found = async (query: string) => (await ids(`/v1/lists?${query}`)).includes(id);
  for (const query of [
    ...[
      "name=Kept one",
      "name_contains=KEPT",
      "name_starts=kept",
      "kind=static,dynamic",
      "custom.team=x",
      "description_present=false",
    ],
    ...["created_at_after=2020-01-01T00:00:00Z&target_table=contacts", `id=${id}`, "include_deleted=true"],
  ])
    assert.equal(await found(query), true, query);
  for (const query of [
    "kind=dynamic",
    "created_at_before=2020-01-01",
    "name_present=false",
    "custom.team_contains=y",
    "only_deleted=true",
  ])
    assert.equal(await found(query), false, query);
  await refused(400, "unknown_column", "GET", "/v1/lists?nmae=x");
  assert.deepEqual(await ids("/v1/lists/search?q=kept"), [id]);
  assert.equal(typeof (await row("DELETE", `/v1/lists/${id}`)).deleted_at, "string");
  await refused(404, "not_found", "GET", `/v1/lists/${id}`);
  assert.deepEqual(await ids("/v1/lists?only_deleted=true&name=Kept one"), [id]);
  assert.equal((await row("GET", `/v1/lists/${id}?include_deleted=true`)).id, id);
  assert.equal((await row("POST", `/v1/lists/${id}/restore`)).deleted_at, null);
  assert.deepEqual(await row("DELETE", `/v1/lists/${id}?hard=true`), { id, deleted: true, hard: true });
  await refused(404, "not_found", "POST", `/v1/lists/${id}/restore`);
});

test("mails attach by themselves, and are found by whom they came from or whom they involve", async () => {
  const jim = await row("POST", "/v1/contacts", { email: "jim@mails.example", first_name: "Jim" });
  const company = await row("POST", "/v1/companies", { name: "Mails", domain: "mails.example" });
  const mail = await row("POST", "/v1/emails", {
    from_addr: "jim@mails.example",
    to_addrs: ["ann@example.com"],
    cc_addrs: ["kim@elsewhere.example"],
    subject: "Last",
    body_text: "hello",
    sent_at: "2026-04-28T00:00:00Z",
  });
  assert.deepEqual([mail.direction, mail.from_addr, mail.snippet], ["inbound", "jim@mails.example", "hello"]);
  assert.deepEqual([mail.contact_ids, mail.company_ids], [[jim.id], [company.id]]);
  await row("POST", "/v1/emails", { from_addr: "ann@example.com", to_addrs: ["jim@mails.example"], subject: "Reply" });
  const subjects = async (query: string) => (await rows(`/v1/emails?${query}`)).map(({ subject }) => subject);
  assert.deepEqual(await subjects(`from_contact=${jim.id}&limit=1`), ["Last"]);
  assert.deepEqual(await subjects(`involves_contact=${jim.id}`), ["Reply", "Last"]);
  assert.deepEqual(await subjects(`contact_ids_has=${jim.id}&direction=outbound`), ["Reply"]);
  assert.deepEqual(await subjects("to_addrs_has=ann@example.com"), ["Last"]);
  assert.deepEqual(await subjects("from_contact=c_00000000"), []);
});

test("SQL reads tables by their names and columns, and tells SQLSTATE and place", { skip: noSql }, async () => {
  await row("POST", "/v1/deals", { name: "Queried", stage: "sql", amount_cents: 700 });
  await row("POST", "/v1/companies", { name: "Sized", size: "7" });
  const ask = async (sql: string, params?: unknown[]) => row("POST", "/v1/sql", { sql, ...(params ? { params } : {}) });
  const data = await ask("select name, amount_cents from deals where stage = $1 and deleted_at is null;", ["sql"]);
  assert.deepEqual(
    [data.columns, data.rows, data.rowCount, data.command],
    [["name", "amount_cents"], [{ name: "Queried", amount_cents: 700 }], 1, "SELECT"],
  );
  const { rows: found } = await ask(
    "with s as (select size from companies where name = 'Sized') select s.size, d.title from s, deals d where d.name = 'Queried' -- end",
  );
  assert.deepEqual(found, [{ size: "7", title: "Queried" }]);
  assert.deepEqual(
    (await ask("with recursive n as (select 1 as i union all select i + 1 from n where i < 3) select max(i) as most from n"))
      .rows,
    [{ most: 3 }],
  );
  const told = await ann.send("POST", "/v1/sql", { sql: "select nam from deals" });
  const { error, code, position, message } = told.json();
  assert.deepEqual([told.status, error, code, position], [400, "sql_error", "42703", 8], message);
  for (const sql of [
    "insert into contacts (email) values ('x')",
    "with x as (delete from deals returning 1) select 1",
    "drop table deals",
    "select set_config('role', 'postgres', false)",
  ])
    assert.ok((await ann.send("POST", "/v1/sql", { sql })).status >= 400, sql);
  const { hint } = (await ann.send("POST", "/v1/sql", { sql: "insert into contacts (email) values ('x')" })).json();
  assert.match(hint, /POST \/v1\/contacts/);
  await refused(400, "missing_field", "POST", "/v1/sql", {});
  const others = (await bob.send("POST", "/v1/sql", { sql: "select count(*) as n from deals where name = 'Queried'" })).json();
  assert.deepEqual(others.data.rows, [{ n: 0 }]);
  await refused(501, "not_available", "POST", "/v1/connection");
});

test("SQL reads the feed and the lists too, and addresses compare without regard to case", { skip: noSql }, async () => {
  const { id } = await row("POST", "/v1/deals", { name: "Told", stage: "lead" });
  await row("PATCH", `/v1/deals/${id}`, { name: "Retold", stage: "won" });
  const list = await row("POST", "/v1/lists", {
    name: "Queried list",
    target_table: "deals",
    kind: "static",
    member_ids: [id],
  });
  const ask = async (sql: string, client = ann) => (await row("POST", "/v1/sql", { sql }, client)).rows as Row[];
  const feed = `select verb, actor, subject_type, subject_repr, changes from activity where subject_id = '${id}' and verb = 'updated'`;
  const [told] = await ask(feed);
  const [shown] = await rows(`/v1/activity?subject_id=${id}&verb=updated`);
  for (const column of ["verb", "actor", "subject_type", "subject_repr", "changes"])
    assert.deepEqual(told![column], shown![column], column);
  assert.equal((await row("GET", `/v1/activity/${shown!.id}`)).subject_id, id);
  assert.deepEqual(
    await ask(
      "select l.name, l.target_table, l.kind, m.member_id from lists l join list_members m on m.list_id = l.id" +
        ` where l.id = '${list.id}'`,
    ),
    [{ name: "Queried list", target_table: "deals", kind: "static", member_id: id }],
  );
  assert.deepEqual(await ask(feed, bob), []);
  for (const table of ["lists", "list_members", "activity"])
    assert.deepEqual(
      await ask(`select count(*) as n from ${table} where custom::text like '%${id}%' or id = '${list.id}'`, bob),
      [{ n: 0 }],
    );
  await row("POST", "/v1/emails", {
    from_addr: "Jo@Case.example",
    to_addrs: ["x@case.example"],
    subject: "Case",
    deal_ids: [id],
  });
  assert.deepEqual(await ask(`select subject from emails where from_addr = 'JO@case.EXAMPLE' and '${id}' = any (deal_ids)`), [
    { subject: "Case" },
  ]);
  assert.deepEqual(await ids(`/v1/emails?deal_ids_has=${id}`), await ids("/v1/emails?subject=Case"));
});

test("a kind of the workspace's own is a table as soon as it is declared", async () => {
  const kind = {
    name: "vehicle",
    plural: "vehicles",
    title: "plate",
    fields: { plate: { type: "text", required: true }, km: "number" },
  };
  assert.equal((await ann.send("POST", "/kinds", kind)).status, 201);
  const { id } = await row("POST", "/v1/vehicles", { plate: "AB 123", km: 5 });
  assert.deepEqual(await ids("/v1/vehicles?km_gte=5&plate_starts=ab"), [id]);
  assert.equal((await row("PATCH", `/v1/vehicles/${id}`, { km: 6 })).km, 6);
  assert.ok((await rows("/v1/tables")).some(({ name }) => name === "vehicles"));
  if (!noSql) assert.equal((await row("POST", "/v1/sql", { sql: "select km from vehicles" })).rowCount, 1);
  await row("DELETE", `/v1/vehicles/${id}`);
  await refused(404, "not_found", "GET", "/v1/vehicles", undefined, bob);
  assert.equal((await bob.send("GET", "/api/v1/vehicle")).status, 404);
  assert.equal((await ann.send("GET", "/api/v1/vehicle")).json().meta.total, 0);
});

test("an id that is of nothing finds nothing, as the document's own examples ask", async () => {
  for (const path of [
    "/v1/emails?from_contact=c_xyz&limit=1",
    "/v1/emails?involves_contact=c_xyz",
    "/v1/emails?contact_ids_has=c_xyz",
    "/v1/activity?subject_type=contact&subject_id=c_xyz",
    "/v1/activity?actor=api_key:ak_xyz",
    "/v1/deals?company_id=co_xyz",
    "/v1/contacts?id=c_xyz",
  ])
    assert.deepEqual(await rows(path), [], path);
  assert.ok((await rows("/v1/activity?since=2026-04-28T00:00:00Z")).length > 0);
});
