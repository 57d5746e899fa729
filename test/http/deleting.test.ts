import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { createSeal } from "../../src/kit/seal.ts";
import { sql } from "../../src/postgres/sql.ts";
import { type Client, type Service, startService } from "../helpers/service.ts";

let service: Service;
let ann: Client;
let clock = Date.parse("2026-06-01T08:00:00Z");
before(async () => {
  service = await startService({ now: () => clock });
  ann = await service.signIn();
});
after(() => service.close());

async function make(path: string, body: unknown, client = ann): Promise<{ id: string; handle: string }> {
  const reply = await client.send("POST", `${path}?format=json`, body);
  assert.equal(reply.status, 201, reply.text);
  return reply.json();
}

const isThere = async (path: string) => (await ann.send("GET", path)).status === 200;

/** The token of a first call, which deletes nothing. */
async function ask(path: string, client = ann): Promise<string> {
  const reply = await client.send("DELETE", path);
  assert.equal(reply.status, 409, reply.text);
  const [, confirm] = /^confirm=(\S+)$/m.exec(reply.text) ?? [];
  assert.ok(confirm, reply.text);
  return confirm;
}

/** A token that does not hold gets the question again, with one that does. */
async function assertAskedAgain(client: Client, path: string, token: string): Promise<string> {
  clock += 1000;
  const reply = await client.send("DELETE", `${path}?confirm=${encodeURIComponent(token)}`);
  assert.equal(reply.status, 409, reply.text);
  const [, fresh] = /^confirm=(\S+)$/m.exec(reply.text) ?? [];
  assert.ok(fresh && fresh !== token, reply.text);
  return fresh;
}

test("the first call tells what would go and does nothing, the second does it", async () => {
  const company = await make("/companies", { name: "Acme Inc", domain: "acme.com" });
  const contact = await make("/contacts", { name: "Jane", company_id: company.id });
  await make("/deals", { title: "One", company_id: company.id });
  await make("/activities", { kind: "call", company_id: company.id });
  await make("/activities", { kind: "call", company_id: company.id, contact_id: contact.id });
  const path = `/companies/${company.id}`;
  const asked = await ann.send("DELETE", path);
  const short = company.handle.slice("company/".length);
  assert.match(asked.text, /^ERROR confirmation_required [^\n]*"Acme Inc"[^\n]*\n(HINT {2}[^\n]+\n)+confirm=\S+\n$/);
  for (const told of ["1 activity", "1 contact", "1 deal"]) assert.ok(asked.text.includes(told), asked.text);
  const [, next] = /DELETE (\/companies\/\S+\?confirm=\S+)/.exec(asked.text) ?? [];
  assert.equal(next, `/companies/${short}?confirm=${/^confirm=(\S+)$/m.exec(asked.text)![1]}`);
  assert.ok(await isThere(path));

  const json = (await ann.send("DELETE", `${path}?format=json`)).json();
  assert.deepEqual(Object.keys(json), ["error", "message", "hint", "confirm", "request_id"]);

  const done = await ann.send("DELETE", next!);
  assert.equal(done.status, 200);
  assert.match(done.text, new RegExp(`^OK deleted [^\\n]+\\ndeleted=${company.handle}\\nchange=ch_\\w{8}\\nHINT .*\\n$`));
  assert.ok(!(await isThere(path)));
  assert.equal((await ann.send("DELETE", next!)).status, 404);
  assert.equal((await ann.send("PATCH", path, { name: "Back" })).status, 404);
});

test("a token holds for one workspace, one caller, one path and one version, for ten minutes", async () => {
  const bob = await service.signIn("bob@example.com");
  const other = await service.signIn(ann.email);
  const [one, two] = [await make("/contacts", { name: "One" }), await make("/contacts", { name: "Two" })];
  const theirs = await make("/contacts", { name: "Theirs" }, bob);
  const token = await ask(`/contacts/${one.id}`);
  const paths = [`/contacts/${one.id}`, `/contacts/${two.id}`] as const;

  await assertAskedAgain(other, paths[0], token);
  await assertAskedAgain(ann, paths[1], token);
  await assertAskedAgain(bob, `/contacts/${theirs.id}`, token);
  for (const forged of ["", "x", `${token}x`, token.slice(0, -1), token.toUpperCase(), "zzzzzz-AAAAAAAAAAAAAAAAAAAAAA"])
    await assertAskedAgain(ann, paths[0], forged);
  assert.equal((await ann.send("DELETE", `${paths[0]}?confirm=${token}&confirm=${token}`)).status, 400);

  await ann.send("PATCH", paths[0], { stage: "lead" });
  const second = await assertAskedAgain(ann, paths[0], token);
  clock += 601_000;
  const third = await assertAskedAgain(ann, paths[0], second);
  for (const path of paths) assert.ok(await isThere(path));
  clock += 599_000;
  assert.equal((await ann.send("DELETE", `${paths[0]}?confirm=${third}`)).status, 200);
});

test("nobody can compute a token: it depends on the server's secret", async () => {
  const { id } = await make("/contacts", { name: "Sealed" });
  const { workspace, token } = (await ann.send("GET", "/whoami?format=json")).json();
  const [ids] = await service.pool.rows(
    sql`select t.workspace_id, t.id from tokens t where right(t.id, 8) = ${token.slice(-8)}`,
  );
  const [workspaceId, tokenId] = ids as [string, string];
  assert.ok(workspaceId.endsWith(workspace.slice(-8)));
  for (const secret of ["", "secret", "a secret of somebody else's, long enough"]) {
    for (const facts of [[workspaceId, tokenId, id, "1"], [workspaceId, id], [id], [id, "1"]]) {
      const forged = createSeal(secret).issue("delete", facts, clock + 60_000);
      await assertAskedAgain(ann, `/contacts/${id}`, forged);
    }
  }
  assert.ok(await isThere(`/contacts/${id}`));
});

test("a version that has moved on stops a deletion", async () => {
  const { id } = await make("/deals", { title: "Moving" });
  const token = await ask(`/deals/${id}`);
  const stale = await ann.send("DELETE", `/deals/${id}?confirm=${token}`, undefined, { "if-match": '"2"' });
  assert.equal(stale.status, 412, stale.text);
  assert.equal((await ann.send("DELETE", `/deals/${id}?confirm=${token}`, undefined, { "if-match": '"1"' })).status, 200);
});

test("links to the deleted are cleared, what lives by its link alone goes along, and a handle is not used again", async () => {
  const contact = await make("/contacts", { name: "Leaving", email: "leaving@acme.com" });
  const deal = await make("/deals", { title: "Stays", contact_id: contact.id });
  const task = await make("/tasks", { title: "Stays", contact_id: contact.id });
  const both = await make("/activities", { kind: "note", contact_id: contact.id, deal_id: deal.id });
  const alone = await make("/activities", { kind: "note", contact_id: contact.id });
  const path = `/contacts/${contact.id}`;
  await ann.send("DELETE", `${path}?confirm=${await ask(path)}`);

  for (const kept of [`/deals/${deal.id}`, `/tasks/${task.id}`, `/activities/${both.id}`]) {
    const record = (await ann.send("GET", `${kept}?format=json`)).json();
    assert.deepEqual([record.contact_id, record.contact, record.version], [null, null, 2], kept);
    const [change] = (await ann.send("GET", `${kept}/history?format=json`)).json().items;
    assert.deepEqual([change.action, change.changes.contact_id.to, typeof change.cause], ["updated", null, "string"]);
  }
  assert.ok(!(await isThere(`/activities/${alone.id}`)));
  for (const list of ["/contacts?name=Leaving", "/search?q=leaving", `/activities?id=${alone.id}`])
    assert.deepEqual(
      (await ann.send("GET", list)).lines.filter((line) => !line.startsWith("ERROR") && !line.startsWith("HINT")),
      [],
      list,
    );
  assert.equal((await ann.send("PATCH", `/deals/${deal.id}`, { contact_id: contact.id })).status, 422);

  const again = await make("/contacts", { name: "Returning", email: "Leaving@acme.com" });
  assert.notEqual(again.handle, contact.handle);
});

type Entry = {
  record: string;
  kind: string;
  action: string;
  version: number;
  cause: string | null;
  id: string;
  before: Record<string, unknown> | null;
  after: Record<string, unknown>;
};

test("the history of the deleted stays readable and holds all that brings it and its links back", async () => {
  const company = await make("/companies", { name: "Gone Ltd", domain: "gone.com", tags: ["a"], custom: { seats: 5 } });
  const contact = await make("/contacts", { name: "Left", company_id: company.id });
  const activity = await make("/activities", { kind: "call", body: "hi", company_id: company.id });
  const path = `/companies/${company.id}`;
  const before = new Map<string, Record<string, unknown>>();
  for (const [plural, id] of [
    ["companies", company.id],
    ["contacts", contact.id],
    ["activities", activity.id],
  ] as const)
    before.set(id, (await ann.send("GET", `/${plural}/${id}?format=json`)).json());
  await ann.send("DELETE", `${path}?confirm=${await ask(path)}&reason=closed`);

  const history = await ann.send("GET", `${path}/history`);
  assert.match(history.text, / action=deleted [^\n]* reason=closed [^\n]*\n[^\n]* action=created /);
  const entries: Entry[] = (
    await ann.send("GET", "/audit?format=json&limit=4&fields=id,record,kind,action,version,cause,before,after")
  ).json().items;
  const deletion = entries.find(({ record }) => record === company.id)!;
  for (const [id, row] of before) {
    const entry = entries.find(({ record }) => record === id)!;
    assert.deepEqual(entry.before, row, "the record as it was shown, links included");
    assert.equal(entry.after["version"], (row["version"] as number) + 1);
    assert.equal(entry.cause, id === company.id ? null : deletion.id);
    assert.equal(entry.action, id === contact.id ? "updated" : "deleted");
    assert.equal(entry.after["company_id"] ?? null, null);
    assert.equal(entry.after["deleted_at"] === undefined, id === contact.id);
  }
});

test("a deletion tells in its line what was lost", async () => {
  const contact = await make("/contacts", { name: "Lost", email: "lost@acme.com", tags: ["a"], custom: { seats: 5 } });
  const activity = await make("/activities", { kind: "note", body: "goes along", contact_id: contact.id });
  const path = `/contacts/${contact.id}`;
  await ann.send("DELETE", `${path}?confirm=${await ask(path)}`);
  const [line] = (await ann.send("GET", `${path}/history`)).lines;
  assert.match(
    line!,
    / action=deleted .* changes="name: Lost -> null; tags: a -> null; email: lost@acme\.com -> null; custom\.seats: 5 -> null" /,
  );
  const [dragged] = (await ann.send("GET", `/activities/${activity.id}/history?format=json`)).json().items;
  assert.deepEqual([dragged.action, dragged.changes.body], ["deleted", { from: "goes along", to: null }]);
});

test("a token holds for what was told: neither for more that goes along, nor for other links that are cleared", async () => {
  const contact = await make("/contacts", { name: "Sealed", email: "set@acme.com" });
  const path = `/contacts/${contact.id}`;
  const log = (more = {}) => make("/activities", { kind: "note", contact_id: contact.id, ...more });
  const removeRecord = async (record: string) => ann.send("DELETE", `${record}?confirm=${await ask(record)}`);
  let token = await ask(path);
  const asksAgain = async (what: string, change: () => Promise<unknown>) => {
    await change();
    const again = await assertAskedAgain(ann, path, token);
    assert.ok(await isThere(path), what);
    token = again;
  };
  const first = await log();
  await asksAgain("one that goes along", async () => {});
  await asksAgain("five more", () => Promise.all(Array.from({ length: 5 }, () => log())));
  await asksAgain("another in the place of one", async () => {
    await removeRecord(`/activities/${first.id}`);
    await log();
  });
  const company = await make("/companies", { name: "Holds" });
  const both = await log({ company_id: company.id });
  await asksAgain("one that stays and loses a link", async () => {});
  await asksAgain("one that has lost its other link, and goes along now", () =>
    ann.send("PATCH", `/activities/${both.id}`, { company_id: null }),
  );
  const deal = await make("/deals", { title: "Linked" });
  await asksAgain("a deal that links to it", () => ann.send("PATCH", `/deals/${deal.id}`, { contact_id: contact.id }));
  await asksAgain("a note that goes along and reads otherwise", () =>
    ann.send("PATCH", `/activities/${both.id}`, { body: "worth keeping" }),
  );
  await ann.send("PATCH", `/deals/${deal.id}`, { stage: "demo" });
  const done = await ann.send("DELETE", `${path}?confirm=${token}`);
  assert.match(done.text, /^OK deleted \S+ "Sealed", with 7 activities, clearing its link on 1 deal\n/);
});

test("what hangs on a record in two ways goes with it when both are gone, and comes back with it", async () => {
  const { id } = await make("/contacts", { name: "Twice held" });
  const campaign = await make("/campaigns", { name: "Holding" });
  const member = await make("/campaign_members", { campaign_id: campaign.id, contact_id: id });
  const script = await make("/scripts", { name: "Held", steps: [{ id: "why", type: "question", text: "Why?" }] });
  const form = await make("/forms", { name: "Held", questions: [{ id: "why", label: "Why?", type: "text" }] });
  const call = await make("/executions", { script_id: script.id, member_id: member.id });
  const facts = await make("/qualifications", { form_id: form.id, member_id: member.id });
  const paths = [`/contacts/${id}`, `/campaign_members/${member.id}`, `/executions/${call.id}`, `/qualifications/${facts.id}`];
  const shown = () =>
    Promise.all(paths.map(async (path) => (await ann.send("GET", `${path}?fields=contact_id,member_id`)).text));
  const before = await shown();
  const done = await ann.send("DELETE", `${paths[0]}?confirm=${await ask(paths[0]!)}`);
  assert.match(done.text, /with 1 member, 1 execution, 1 qualification\n/);
  for (const path of paths) assert.equal(await isThere(path), false, path);
  assert.equal((await ann.send("POST", `${paths[0]}/restore`)).status, 200);
  assert.deepEqual(await shown(), before);
});

test("a token for a kind or a list holds for what is in it, and its hint is the whole request", async () => {
  await make("/kinds", { name: "boat", plural: "boats", fields: { name: "text" } });
  const { id: boat } = await make("/boats", { name: "One" });
  const [on, off] = [await make("/contacts", { name: "On" }), await make("/contacts", { name: "Off" })];
  const list = await make("/lists", { name: "Crew", kind: "contact", members: [on.id] });
  const swapped: [path: string, change: () => Promise<unknown>][] = [
    [
      "/kinds/boat",
      async () => {
        await ann.send("DELETE", `/boats/${boat}?confirm=${await ask(`/boats/${boat}`)}`);
        await make("/boats", { name: "Two" });
      },
    ],
    [
      `/lists/${list.id.replace(/(_).*(.{8})$/, "$1$2")}`,
      async () => {
        await ann.send("DELETE", `/lists/${list.id}/members/${on.id}`);
        await ann.send("POST", `/lists/${list.id}/members`, { members: [off.id] });
      },
    ],
  ];
  for (const [path, change] of swapped) {
    const token = await ask(path);
    await change();
    const refused = await ann.send("DELETE", `${path}?confirm=${token}`);
    assert.match(refused.text, /^ERROR confirmation_required the confirm token is not valid for this as it is now/, path);
    const hint = refused.text.indexOf(`repeat within 10 minutes: DELETE ${path}?confirm=`);
    assert.ok(hint > 0, refused.text);
    assert.equal((await ann.send("DELETE", `${path}?confirm=${await ask(path)}`)).status, 200, path);
  }
});
