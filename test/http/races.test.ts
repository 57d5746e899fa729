import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { sql } from "../../src/postgres/sql.ts";
import { type Client, type Reply, type Service, startService } from "../helpers/service.ts";

let service: Service;
let ann: Client;
before(async () => {
  service = await startService({ config: { CRM_TRUST_PROXY: "on" } });
  ann = await service.signIn();
});
after(() => service.close());

const atOnce = <T>(times: number, act: (i: number) => Promise<T>) =>
  Promise.all(Array.from({ length: times }, (_, i) => act(i)));

const outcomeOf = ({ text }: Reply) => /^# (\w+(?: \(unchanged\))?)(?: ch_\w{8})?$/m.exec(text)?.[1];

/** The number of answers of each kind: `{ created: 1, updated: 49 }`. */
function tally(values: unknown[]): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const value of values) counts[String(value)] = (counts[String(value)] ?? 0) + 1;
  return counts;
}

async function make(path: string, body: Record<string, unknown>): Promise<string> {
  const reply = await ann.send("POST", `${path}?format=json`, body);
  assert.equal(reply.status, 201, reply.text);
  return reply.json().id;
}

async function confirmOf(path: string): Promise<string> {
  const asked = await ann.send("DELETE", `${path}?format=json`);
  assert.equal(asked.status, 409, asked.text);
  return asked.json().confirm;
}

/** Checks that the history is the gapless sequence of the record's versions, each entry beginning where the one before ended. */
async function assertWholeHistory(path: string, version: number): Promise<void> {
  const { items } = (await ann.send("GET", `${path}/history?format=json&limit=500&fields=version,action,before,after`)).json();
  const entries = items.sort((a: { version: number }, b: { version: number }) => a.version - b.version);
  assert.deepEqual(
    entries.map((entry: { version: number }) => entry.version),
    Array.from({ length: version }, (_, i) => i + 1),
  );
  entries.forEach((entry: { before: unknown; after: { version: number } }, i: number) => {
    assert.deepEqual(entry.before, i === 0 ? null : entries[i - 1].after);
    assert.equal(entry.after.version, i + 1);
  });
}

test("fifty concurrent upserts of one address leave one record with a complete history", async () => {
  const replies = await atOnce(50, (i) =>
    ann.send("POST", "/contacts", { email: i % 2 ? "Race@Acme.com" : "race@acme.com", stage: `stage ${i}` }),
  );
  assert.deepEqual(tally(replies.map(outcomeOf)), { created: 1, updated: 49 });
  assert.deepEqual(tally(replies.map(({ status }) => status)), { 200: 49, 201: 1 });
  const { items } = (await ann.send("GET", "/contacts?email=race@acme.com&format=json")).json();
  assert.equal(items.length, 1);
  assert.equal(items[0].version, 50);
  await assertWholeHistory(`/contacts/${items[0].id}`, 50);
});

test("fifty equal concurrent upserts write one version", async () => {
  const replies = await atOnce(50, () => ann.send("POST", "/companies", { domain: "same.com", name: "Same" }));
  assert.deepEqual(tally(replies.map(outcomeOf)), { created: 1, "updated (unchanged)": 49 });
  const { items } = (await ann.send("GET", "/companies?domain=same.com&format=json")).json();
  assert.equal(items.length, 1);
  await assertWholeHistory(`/companies/${items[0].id}`, 1);
});

test("concurrent changes appear in the history by version, and updated_at never goes back", async () => {
  const id = await make("/contacts", { name: "In order", email: "order@acme.com" });
  const change = (i: number) =>
    i % 2
      ? ann.send("PATCH", `/contacts/${id}`, { title: `t${i}` })
      : ann.send("POST", "/contacts", { email: "order@acme.com", title: `t${i}` });
  const replies = await atOnce(40, change);
  assert.deepEqual(tally(replies.map(outcomeOf)), { updated: 40 });
  const list = async (path: string) => (await ann.send("GET", path)).json().items;
  const versions = (await list(`/contacts/${id}/history?limit=100&fields=version&format=json`)).map(
    (entry: { version: number }) => entry.version,
  );
  assert.deepEqual(
    versions,
    Array.from({ length: 41 }, (_, i) => 41 - i),
  );
  const [last] = await list(`/contacts/${id}/history?limit=1&fields=version,after&format=json`);
  const now = (await ann.send("GET", `/contacts/${id}?format=json`)).json();
  assert.deepEqual([last.version, last.after.title], [now.version, now.title]);
  const rows = await service.pool.rows(
    sql`select row ->> 'updated_at' from changes where record_id = ${now.id} order by version`,
  );
  const times = rows.map(([time]) => time as string);
  assert.deepEqual(times, times.toSorted());
});

test("concurrent changes of different fields are all kept", async () => {
  const path = `/contacts/${await make("/contacts", { name: "Many hands" })}`;
  const changes: Record<string, unknown>[] = [
    { phone: "+1 555" },
    { title: "CTO" },
    { stage: "lead" },
    { owner: "bob" },
    { tags: ["a", "b"] },
    { notes: "long" },
    { follow_up_note: "call" },
    ...Array.from({ length: 13 }, (_, i) => ({ custom: { [`key${i}`]: i } })),
  ];
  const replies = await Promise.all(changes.map((change) => ann.send("PATCH", path, change)));
  assert.deepEqual(tally(replies.map(outcomeOf)), { updated: changes.length });
  const record = (await ann.send("GET", `${path}?format=json`)).json();
  for (const change of changes) {
    const { custom, ...fields } = change;
    for (const [name, value] of Object.entries(fields)) assert.deepEqual(record[name], value);
    for (const [key, value] of Object.entries(custom ?? {})) assert.equal(record.custom[key], value);
  }
  await assertWholeHistory(path, changes.length + 1);
});

test("of concurrent changes that expect the same version exactly one succeeds", async () => {
  const path = `/deals/${await make("/deals", { title: "Contested" })}`;
  for (const version of [1, 2, 3]) {
    const replies = await atOnce(20, (i) =>
      i % 2
        ? ann.send("PATCH", path, { stage: `v${version} ${i}` }, { "if-match": `"${version}"` })
        : ann.send("PATCH", path, { stage: `v${version} ${i}`, version }),
    );
    assert.deepEqual(tally(replies.map(({ status }) => status)), { 200: 1, 412: 19 });
  }
  await assertWholeHistory(path, 4);
});

test("of two records that take one address concurrently one gets it", async () => {
  const paths = await Promise.all(
    [1, 2, 3, 4].map(async (i) => `/contacts/${await make("/contacts", { name: `Taker ${i}` })}`),
  );
  const replies = await Promise.all(paths.map((path) => ann.send("PATCH", path, { email: "taken@acme.com" })));
  assert.deepEqual(tally(replies.map(({ status }) => status)), { 200: 1, 409: 3 });
});

test("a confirmed deletion sent many times concurrently happens once", async () => {
  const path = `/contacts/${await make("/contacts", { name: "Going" })}`;
  const confirm = await confirmOf(path);
  const replies = await atOnce(10, () => ann.send("DELETE", `${path}?confirm=${confirm}`));
  assert.deepEqual(tally(replies.map(({ status }) => status)), { 200: 1, 404: 9 });
  await assertWholeHistory(path, 2);
});

/** Live records with a link to a deleted record, over every link. */
async function danglingLinks(): Promise<string[]> {
  const links = [
    ["contacts", "company_id", "companies"],
    ["deals", "company_id", "companies"],
    ["deals", "contact_id", "contacts"],
    ["activities", "company_id", "companies"],
    ["activities", "contact_id", "contacts"],
    ["tasks", "company_id", "companies"],
  ];
  const found: string[] = [];
  for (const [holder, column, target] of links) {
    const statement = `select r.id from ${holder} r join ${target} t on t.workspace_id = r.workspace_id and t.id = r.${column}
      where r.deleted_at is null and t.deleted_at is not null`;
    const rows = await service.pool.rows(sql(Object.assign([statement], { raw: [statement] })));
    found.push(...rows.map(([id]) => `${id}.${column}`));
  }
  return found;
}

/**
 * Deletes a record, confirming again when a new link appeared. The token covers only the links that existed when it was issued.
 */
async function removeAtLast(path: string, confirm: string): Promise<Reply> {
  const reply = await ann.send("DELETE", `${path}?format=json&confirm=${confirm}`);
  return reply.status === 409 ? removeAtLast(path, reply.json().confirm) : reply;
}

test("a link made during its target's deletion never points to the deleted record", async () => {
  for (let round = 0; round < 25; round++) {
    const company = await make("/companies", { name: `Closing ${round}` });
    const contact = await make("/contacts", { name: `Staff ${round}` });
    const confirm = await confirmOf(`/companies/${company}`);
    const [deleted, ...linked] = await Promise.all([
      removeAtLast(`/companies/${company}`, confirm),
      ann.send("PATCH", `/contacts/${contact}`, { company_id: company }),
      ann.send("POST", "/deals", { title: "Late", company_id: company }),
      ann.send("POST", "/contacts", { email: `late${round}@acme.com`, company: `Closing ${round}` }),
      ann.send("POST", "/activities", { kind: "note", body: "late", company_id: company }),
      ann.send("POST", "/tasks", { title: "late", company: company }),
    ]);
    assert.equal(deleted?.status, 200, deleted?.text);
    for (const { status, text } of linked) assert.ok([200, 201, 422].includes(status), text);
  }
  assert.deepEqual(await danglingLinks(), []);
});

test("deleting both records of an activity concurrently deletes the activity exactly once", async () => {
  for (let round = 0; round < 15; round++) {
    const company = await make("/companies", { name: `Both ${round}` });
    const contact = await make("/contacts", { name: `Both ${round}`, company_id: company });
    const activity = await make("/activities", { kind: "call", contact_id: contact, company_id: company });
    await make("/deals", { title: `Both ${round}`, contact_id: contact, company_id: company });
    const goes = async (path: string) => ann.send("DELETE", `${path}?confirm=${await confirmOf(path)}`);
    const replies = await Promise.all([goes(`/companies/${company}`), goes(`/contacts/${contact}`)]);
    for (const [i, path] of [`/companies/${company}`, `/contacts/${contact}`].entries()) {
      // Deleting the company clears the contact's link, which makes a new version of the contact. Its token is then outdated.
      if (replies[i]!.status === 409 || replies[i]!.status === 412) replies[i] = await goes(path);
    }
    assert.deepEqual(tally(replies.map(({ status }) => status)), { 200: 2 }, replies.map(({ text }) => text).join());
    assert.equal((await ann.send("GET", `/activities/${activity}`)).status, 404);
    const { items } = (await ann.send("GET", `/activities/${activity}/history?format=json&fields=action`)).json();
    assert.equal(items.filter(({ action }: { action: string }) => action === "deleted").length, 1);
  }
  assert.deepEqual(await danglingLinks(), []);
});

async function codeFrom(address: string, email: string): Promise<string> {
  const reply = await service.send("POST", "/auth/request?format=json", { email }, { "x-forwarded-for": address });
  return reply.json().code;
}

const verifyFrom = (address: string, email: string, code: string) =>
  service.send("POST", "/auth/verify?format=json", { email, code }, { "x-forwarded-for": address });

test("two concurrent first sign-ins of one address make one person and one workspace", async () => {
  for (let round = 0; round < 5; round++) {
    const email = `new${round}@example.com`;
    const addresses = ["10.0.0.1", "10.0.0.2", "10.0.0.3"];
    const codes = await Promise.all(addresses.map((address) => codeFrom(address, email)));
    const replies = await Promise.all(addresses.map((address, i) => verifyFrom(address, email, codes[i]!)));
    const workspaces = replies.map((reply) => reply.json().workspace);
    assert.equal(new Set(workspaces).size, 1);
    assert.match(workspaces[0], /^workspace\/ws_/);
    const [counts] = await service.pool.rows(sql`select
      (select count(*)::int from users where email = ${email}),
      (select count(*)::int from workspaces where name = ${`new${round}'s workspace`}),
      (select count(*)::int from memberships m join users u on u.id = m.user_id where u.email = ${email})`);
    assert.deepEqual(counts, [1, 1, 1]);
  }
});

test("concurrent guesses at a code cannot share an attempt", async () => {
  const email = "guessed@example.com";
  const code = await codeFrom("10.1.0.1", email);
  const wrong = (i: number) => String((Number(code) + 1 + i) % 1_000_000).padStart(6, "0");
  const guesses = await atOnce(20, (i) => verifyFrom("10.1.0.1", email, wrong(i)));
  assert.deepEqual(tally(guesses.map(({ status }) => status)), { 401: 20 });
  const [row] = await service.pool.rows(
    sql`select attempts, foreign_attempts from codes where subject = ${`sign-in ${email}`}`,
  );
  assert.deepEqual(row, [5, 0]);
  assert.equal((await verifyFrom("10.1.0.1", email, code)).status, 401, "the attempts are used up");
});

test("a code sent many times concurrently signs in once", async () => {
  const email = "once@example.com";
  const code = await codeFrom("10.2.0.1", email);
  const replies = await atOnce(5, () => verifyFrom("10.2.0.1", email, code));
  assert.deepEqual(tally(replies.map(({ status }) => status)), { 200: 1, 401: 4 });
});

/** mulberry32: the same operations in every run, although their order varies. */
function createDice(seed: number): (most: number) => number {
  let state = seed;
  return (most) => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) % most;
  };
}

/** Records whose row differs from their last history entry, in its place in the feed too, or whose history has a gap. */
async function unsoundRecords(): Promise<unknown[][]> {
  const unsound: unknown[][] = [];
  for (const table of ["contacts", "companies", "deals", "activities", "tasks"]) {
    const statement = `select r.id, r.version, h.entries, h.newest from ${table} r join lateral (
        select count(*)::int as entries, max(version) as newest from changes c where c.workspace_id = r.workspace_id and c.record_id = r.id) h on true
      join changes last on last.workspace_id = r.workspace_id and last.record_id = r.id and last.version = r.version
      where h.entries <> r.version or h.newest <> r.version or r.xid is distinct from last.xid
        or to_jsonb(r) - '{workspace_id,search,xid}'::text[] - array(select 'own' where r.own is null) <> last.row`;
    unsound.push(...(await service.pool.rows(sql(Object.assign([statement], { raw: [statement] })))));
  }
  return unsound;
}

test("after random writes of eight concurrent callers every record equals its history", async () => {
  const people = await Promise.all([1, 2, 3].map((i) => make("/contacts", { email: `fuzz${i}@acme.com` })));
  const companies = await Promise.all([1, 2, 3].map((i) => make("/companies", { domain: `fuzz${i}.com` })));
  const counts: Record<string, number> = {};
  await atOnce(8, async (seed) => {
    const dice = createDice(seed + 1);
    const one = (ids: string[]) => ids[dice(ids.length)]!;
    const remove = async (path: string) => {
      const asked = await ann.send("DELETE", `${path}?format=json`);
      return asked.status === 409 ? ann.send("DELETE", `${path}?confirm=${asked.json().confirm}`) : asked;
    };
    const works = [
      () =>
        ann.send("POST", "/contacts?format=json", {
          email: `fuzz${dice(5)}@acme.com`,
          stage: `${dice(3)}`,
          company_id: one(companies),
        }),
      () => ann.send("POST", "/companies?format=json", { domain: `fuzz${dice(5)}.com`, industry: `${dice(3)}` }),
      () =>
        ann.send("PATCH", `/contacts/${one(people)}`, {
          email: `fuzz${dice(6)}@acme.com`,
          custom: { [`k${dice(3)}`]: dice(3) },
        }),
      () => ann.send("PATCH", `/contacts/${one(people)}`, { company_id: dice(3) ? one(companies) : null, notes: `${dice(4)}` }),
      () => ann.send("POST", "/activities", { kind: "call", contact_id: one(people), company_id: one(companies) }),
      () => ann.send("POST", "/deals", { title: "fuzz", contact_id: one(people) }),
      () => ann.send("POST", "/tasks", { title: "fuzz", company: `fuzz${dice(5)}.com` }),
      () => remove(dice(2) ? `/contacts/${one(people)}` : `/companies/${one(companies)}`),
    ];
    for (let i = 0; i < 40; i++) {
      const reply = await works[dice(works.length)]!();
      counts[reply.status] = (counts[reply.status] ?? 0) + 1;
      assert.ok([200, 201, 404, 409, 412, 422].includes(reply.status), reply.text);
      if (reply.status !== 201 || !reply.text.startsWith("{")) continue;
      const { id } = reply.json();
      (id.startsWith("co_") ? companies : people).push(id);
    }
  });
  assert.ok(counts["200"]! > 20 && counts["201"]! > 20 && counts["422"]! > 5, JSON.stringify(counts));
  assert.deepEqual(await unsoundRecords(), []);
  assert.deepEqual(await danglingLinks(), []);
});
