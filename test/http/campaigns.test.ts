import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { type Client, type Service, startService } from "../helpers/service.ts";

/** Who is in a campaign, put in and taken out by filters. */

let service: Service;
let ann: Client;
let eve: Client;
before(async () => {
  service = await startService();
  ann = await service.signIn();
  eve = await service.signIn("eve@elsewhere.example");
});
after(() => service.close());

const ask = async (method: string, path: string, body?: object, who = ann) => {
  const reply = await who.send(method, `${path}${path.includes("?") ? "&" : "?"}format=json`, body);
  return { ...reply, body: reply.json() };
};

async function make(path: string, body: object): Promise<string> {
  const made = await ask("POST", path, body);
  assert.ok(made.status < 300, made.text);
  return made.body.id;
}

/** Both steps. */
async function bulk(method: string, path: string, body?: object) {
  const asked = await ask(method, path, body);
  assert.equal(asked.status, 409, asked.text);
  return ask(method, `${path}${path.includes("?") ? "&" : "?"}confirm=${asked.body.confirm}`, body);
}

const people = (tag: string, count: number) =>
  Promise.all(Array.from({ length: count }, (_, i) => make("/contacts", { name: `${tag} ${i}`, tags: [tag] })));

const campaign = (name: string) => make("/campaigns", { name, status: "active" });

test("all that the filters find is put in once, dealt out evenly, and one undo takes it back", async () => {
  const [first] = await people("spring", 5);
  const cm = await campaign("Spring");
  const path = `/campaigns/${cm}/members?tags=has:spring`;
  assert.equal((await ask("POST", `/campaigns/${cm}/members`, { contact: "spring 0" })).body.added, 1);
  const again = await ask("POST", `/campaigns/${cm}/members`, { contact_id: first });
  assert.deepEqual([again.body.added, again.body.already], [0, 1]);
  const dry = await ask("POST", `${path}&dry_run=true`, {});
  assert.deepEqual([dry.body.added, dry.body.already, dry.body.dry_run], [4, 1, true]);
  const asked = await ann.send("POST", path, {});
  assert.match(
    asked.text,
    /^ERROR confirmation_required this would put 4 contacts into campaign\/cm_\w{8}; 1 is in it already\n/,
  );
  const done = await bulk("POST", path, { assignee: { evenly: ["sam@x.example", "kim@x.example"] } });
  assert.deepEqual([done.body.added, done.body.already], [4, 1]);
  assert.equal((await ask("GET", `/campaigns/${cm}/members?assignee=sam@x.example`)).body.items.length, 2);
  const shown = await ann.send("GET", `/campaigns/${cm}`);
  assert.match(shown.text, /\n# members=5 pending=5 called=0 follow_up=0 done=0 do_not_call=0; by state/);
  assert.deepEqual((await ask("GET", `/campaigns/${cm}/members?group_by=state`)).body.items, [
    { state: "pending", campaign_members: 5 },
  ]);
  assert.equal((await ask("POST", "/undo", { request: done.body.request })).status, 200);
  assert.equal((await ask("GET", `/campaigns/${cm}/members`)).body.items.length, 1);
});

test("a contact is in a campaign once, whoever puts it there and however many race", async () => {
  const ids = await people("race", 20);
  const cm = await campaign("Race");
  const path = `/campaigns/${cm}/members?tags=has:race`;
  const { body } = await ask("POST", path, {});
  const confirmed = `${path}&confirm=${body.confirm}`;
  const replies = await Promise.all([
    ask("POST", confirmed, {}),
    ask("POST", confirmed, {}),
    ...ids.slice(0, 4).map((contact_id) => ask("POST", "/campaign_members", { campaign_id: cm, contact_id })),
  ]);
  assert.ok(
    replies.every(({ status }) => [200, 201, 409].includes(status)),
    replies.map(({ text }) => text).join("\n"),
  );
  const all = async () => (await ask("GET", `/campaigns/${cm}/members`)).body.items.length;
  if ((await all()) < 20) await bulk("POST", path, {});
  assert.equal(await all(), 20);
  const twice = await ann.send("POST", "/campaign_members", { campaign_id: cm, contact_id: ids[0] });
  assert.match(twice.text, /^ERROR already_exists this contact is in that campaign already\nHINT/);
});

test("whoever is taken out takes open tasks of that campaign along, and what was logged stays", async () => {
  const [one, other] = (await people("leaver", 2)) as [string, string];
  const [cm, cm2] = [await campaign("Leave"), await campaign("Stay")];
  await bulk("POST", `/campaigns/${cm}/members?tags=has:leaver`, { next_at: "2020-01-01" });
  await bulk("POST", `/campaigns/${cm2}/members?tags=has:leaver`, {});
  const open = await make("/tasks", { title: "Call back", contact_id: one, campaign_id: cm, due_at: "2020-01-01" });
  const done = await make("/tasks", { title: "Called", contact_id: one, campaign_id: cm, done: true });
  const elsewhere = await make("/tasks", { title: "Other", contact_id: one, campaign_id: cm2 });
  const of = await make("/activities", { kind: "call", body: "no answer", contact_id: one, campaign_id: cm });
  assert.match((await ann.send("GET", "/reminders?kind=member")).text, /^member\/m_\w{8} when=overdue .*name="leaver \d"/m);
  assert.match((await ann.send("DELETE", `/campaigns/${cm}/members?contact_id=${one}`)).text, /delete 1 member, with 1 task\n/);
  const gone = await bulk("DELETE", `/campaigns/${cm}/members?contact_id=${one}`);
  assert.equal(gone.body.deleted, 1);
  assert.equal((await ask("GET", `/tasks/${open}`)).status, 404);
  for (const id of [done, elsewhere]) assert.equal((await ask("GET", `/tasks/${id}`)).status, 200);
  assert.equal((await ask("GET", `/activities/${of}`)).body.campaign_id, cm);
  assert.equal((await ask("GET", `/campaigns/${cm}/members`)).body.items[0].contact_id, other);
  await ask("POST", "/undo", { request: gone.body.request });
  assert.equal((await ask("GET", `/tasks/${open}`)).status, 200);
  assert.equal((await ask("GET", `/campaigns/${cm}/members`)).body.items.length, 2);
});

test("what was logged for whoever is taken out stands for itself where that is asked for", async () => {
  const [one] = (await people("detached", 1)) as [string];
  const cm = await campaign("Detach");
  await ask("POST", `/campaigns/${cm}/members`, { contact_id: `c_${one.slice(-8)}` });
  const of = { contact_id: one, campaign_id: cm };
  const call = await make("/activities", { kind: "call", body: "no answer", ...of });
  const done = await make("/tasks", { title: "Called", done: true, ...of });
  const open = await make("/tasks", { title: "Call back", ...of });
  const path = `/campaigns/${cm}/members?contact_id=${one}`;
  const asked = await ann.send("DELETE", `${path}&detach=true`);
  assert.match(asked.text, /delete 1 member, with 1 task, clearing its link on 1 activity, 1 task\n/);
  assert.match(asked.text, new RegExp(`DELETE /campaigns/${cm}/members\\?contact_id=${one}&detach=true&confirm=`));
  // What was agreed to with the links is not done without them.
  const { confirm } = (await ask("DELETE", `${path}&detach=true`)).body;
  assert.equal((await ask("DELETE", `${path}&confirm=${confirm}`)).status, 409);
  const gone = await bulk("DELETE", `${path}&detach=true`);
  assert.equal(gone.body.deleted, 1, gone.text);
  const campaignOf = async (path: string) => (await ask("GET", path)).body.campaign_id;
  assert.deepEqual([await campaignOf(`/activities/${call}`), await campaignOf(`/tasks/${done}`)], [null, null]);
  assert.equal((await ask("GET", `/tasks/${open}`)).status, 404);
  await ask("POST", "/undo", { request: gone.body.request });
  for (const each of [`/activities/${call}`, `/tasks/${done}`, `/tasks/${open}`]) assert.equal(await campaignOf(each), cm);
  const member = (await ask("GET", `/campaigns/${cm}/members`)).body.items[0].id;
  assert.equal((await bulk("DELETE", `/campaign_members/${member}?detach=true`)).status, 200);
  assert.equal(await campaignOf(`/activities/${call}`), null);
});

test("whoever is created can be put into a campaign with it, once, and not without it", async () => {
  await campaign("Inbound 26");
  const cm = (await ask("GET", "/campaigns?name=Inbound 26")).body.items[0].id as string;
  const jane = { name: "Jane In", email: "jane-in@x.example" };
  const made = await ann.send("POST", "/contacts?campaign=inbound%2026&reason=called+us", jane);
  assert.equal(made.status, 201, made.text);
  assert.match(made.text, /\n# put into campaign\/cm_\w{8}\n/);
  const again = await ann.send("POST", `/contacts?campaign=campaign_${cm.slice(-8)}`, { ...jane, name: "Jane Inn" });
  assert.match(again.text, /\n# it is in campaign\/cm_\w{8} already\n/);
  const members = async () => (await ask("GET", `/campaigns/${cm}/members`)).body.items;
  assert.equal((await members()).length, 1);
  const history = (await ask("GET", `/campaign_members/${(await members())[0].id}/history`)).body.items;
  assert.equal(history[0].reason, "called us");
  const ghost = await ann.send("POST", "/contacts?campaign=Nowhere", { name: "Ghost", email: "ghost@x.example" });
  assert.equal(ghost.status, 422, ghost.text);
  assert.deepEqual((await ask("GET", "/contacts?email=ghost@x.example")).body.items, []);
  const dry = await ask("POST", `/contacts?campaign=${cm}&dry_run=true`, { name: "Dry" });
  assert.equal(dry.status, 200, dry.text);
  assert.deepEqual((await ask("GET", "/contacts?name=Dry")).body.items, []);
  // A repeated request puts nobody in again.
  const key = { "idempotency-key": "attach-1" };
  const send = () => ann.send("POST", `/contacts?campaign=${cm}`, { name: "Kim", email: "kim-in@x.example" }, key);
  const first = await send();
  assert.equal(first.status, 201, first.text);
  const kim = (await members()).find((each: { contact: string }) => each.contact === "Kim").id;
  await bulk("DELETE", `/campaign_members/${kim}`);
  assert.equal((await send()).status, 200);
  assert.equal((await members()).length, 1);
  const racers = await Promise.all(
    Array.from({ length: 4 }, () => ask("POST", `/contacts?campaign=${cm}`, { name: "Lee", email: "lee-in@x.example" })),
  );
  assert.deepEqual(racers.map(({ status }) => status).sort(), [200, 200, 200, 201]);
  assert.equal((await members()).length, 2);
});

test("two who deal out the same list at once leave each member with one assignee", async () => {
  await people("dealt", 30);
  const cm = await campaign("Dealt");
  await bulk("POST", `/campaigns/${cm}/members?tags=has:dealt`, {});
  const path = `/campaigns/${cm}/members?assignee=is:null`;
  const deal = (...evenly: string[]) => ({ assignee: { evenly } });
  const [a, b] = [deal("a1@x.example", "a2@x.example"), deal("b1@x.example", "b2@x.example")];
  assert.deepEqual((await ask("PATCH", `${path}&dry_run=true`, a)).body.updated, 30);
  const tokens = await Promise.all([a, b].map(async (body) => (await ask("PATCH", path, body)).body.confirm));
  const replies = await Promise.all([a, b].map((body, i) => ask("PATCH", `${path}&confirm=${tokens[i]}`, body)));
  const [won, lost] = replies[0]!.status === 200 ? replies : replies.toReversed();
  assert.equal(won!.body.updated, 30);
  // Who comes second is told that the list has changed, or that nobody is left in it.
  assert.ok(lost!.status === 409 || lost!.body.updated === 0, lost!.text);
  const all = (await ask("GET", `/campaigns/${cm}/members?limit=200`)).body.items;
  const counts = new Map<string, number>();
  for (const { assignee } of all as { assignee: string }[]) counts.set(assignee, (counts.get(assignee) ?? 0) + 1);
  assert.deepEqual([...counts.values()], [15, 15]);
  const letter = won === replies[0] ? "a" : "b";
  assert.deepEqual([...counts.keys()].sort(), [`${letter}1@x.example`, `${letter}2@x.example`]);
});

test("two contacts that become one are one member, and apart again after the undo", async () => {
  const [kept, other] = (await people("twin", 2)) as [string, string];
  const [cm, cm2] = [await campaign("Both"), await campaign("One")];
  await bulk("POST", `/campaigns/${cm}/members?tags=has:twin`, {});
  await ask("POST", `/campaigns/${cm2}/members`, { contact_id: other });
  const merged = await bulk("POST", `/contacts/${kept}/merge`, { from: other });
  assert.equal(merged.status, 200, merged.text);
  for (const id of [cm, cm2])
    assert.deepEqual(
      (await ask("GET", `/campaigns/${id}/members`)).body.items.map((each: { contact_id: string }) => each.contact_id),
      [kept],
    );
  assert.equal((await ask("POST", "/undo", { change: merged.headers.get("x-change") })).status, 200);
  assert.equal((await ask("GET", `/campaigns/${cm}/members`)).body.items.length, 2);
});

test("one who was taken out and put in again is not brought back a second time", async () => {
  const [id] = await people("again", 1);
  const cm = await campaign("Again");
  await ask("POST", `/campaigns/${cm}/members`, { contact_id: id });
  const gone = await bulk("DELETE", `/campaigns/${cm}/members?all=true`);
  await ask("POST", `/campaigns/${cm}/members`, { contact_id: id });
  assert.match((await ask("POST", "/undo", { request: gone.body.request })).text, /stands for it now/);
  assert.equal((await ask("GET", `/campaigns/${cm}/members`)).body.items.length, 1);
});

test("overlap and workloads tell of several campaigns at once", async () => {
  await people("lap", 3);
  const [a, b] = [await campaign("A"), await campaign("B")];
  await bulk("POST", `/campaigns/${a}/members?tags=has:lap`, { assignee: "lap@x.example", next_at: "2020-01-01" });
  await bulk("POST", `/campaigns/${b}/members?name=lap 1`, { assignee: "lap@x.example" });
  const lap = await ask("GET", `/campaigns/overlap?campaigns=${a},${b}`);
  assert.equal(lap.body.total, 1);
  assert.equal(lap.body.items[0].name, "lap 1");
  assert.match(
    (await ann.send("GET", `/campaigns/overlap?campaigns=${a},${b}`)).text,
    /^contact\/c_\w{8} name="lap 1" campaigns=2 in=cm_\w{8},cm_\w{8}\n# 1 in more than one campaign\n$/,
  );
  await bulk("PATCH", `/campaigns/${b}/members?all=true`, { state: "done" });
  assert.match(
    (await ann.send("GET", `/campaigns/workloads?campaigns=${a},${b}`)).text,
    /^workload assignee=lap@x.example members=4 open=3 due=3 campaigns=2 pending=3 called=0 follow_up=0 done=1 do_not_call=0\n# 1 person\n$/,
  );
});

test("counts and the overview tell of all campaigns in one request", async () => {
  await people("tally", 3);
  const [a, b] = [await campaign("Tally A"), await campaign("Tally B")];
  await bulk("POST", `/campaigns/${a}/members?tags=has:tally`, { next_at: "2020-01-01" });
  await bulk("PATCH", `/campaigns/${a}/members?contact=tally 1`, { state: "done", assignee: "me" });
  const { text } = await ann.send("GET", `/campaigns/counts?campaigns=${a},${b}`);
  assert.match(
    text,
    /^campaign\/cm_\w{8} name="Tally A" members=3 open=2 due=2 unassigned=2 pending=2 called=0 follow_up=0 done=1 do_not_call=0$/m,
  );
  assert.match(text, /^campaign\/cm_\w{8} name="Tally B" members=0 open=0 due=0 unassigned=0 pending=0 .*\n# 2 campaigns\n$/m);
  await make("/deals", { title: "Open", amount_cents: 5, currency: "EUR" });
  await make("/deals", { title: "Won", amount_cents: 7, currency: "EUR", status: "won" });
  await make("/tasks", { title: "Late", due_at: "2020-01-01" });
  await make("/tasks", { title: "Over", due_at: "2020-01-01", done: true });
  const seen = (await ask("GET", "/overview")).body;
  const all = async (query: string) => (await ask("GET", `${query}&count=true&limit=1`)).body.total;
  assert.equal(seen.records.contacts, await all("/contacts?"));
  assert.equal(seen.open.tasks, await all("/tasks?done=false"));
  assert.equal(seen.due.tasks, await all("/tasks?done=false&due_at=lt:now"));
  assert.equal(seen.due.campaign_members, await all("/campaign_members?next_at=lt:now&state=in:pending,called,follow_up"));
  assert.deepEqual(seen.pipeline, [{ deals: 1, sum_amount_cents: 5, currency: "EUR" }]);
  const tally = seen.campaigns.find(({ name }: { name: string }) => name === "Tally A");
  assert.deepEqual([tally.members, tally.open, tally.done], [3, 2, 1]);
  const lines = (await ann.send("GET", "/overview")).text;
  assert.match(lines, /^records .*\bcontacts=\d+ .*\nopen tasks=\d+ .*\ndue contacts=0 /);
  assert.match(lines, /^pipeline deals=1 sum_amount_cents=5 currency=EUR$/m);
  assert.match(lines, /^campaign\/cm_\w{8} name="Tally A" members=3 /m);
});

test("those of an import are put in by its request", async () => {
  const cm = await campaign("Imported");
  const file = await ann.send("POST", "/contacts/import", "name,email\nImp A,imp-a@x.example\nImp B,imp-b@x.example\n", {
    "content-type": "text/csv",
  });
  const request = /req_\w+/.exec(file.text)![0];
  assert.equal((await bulk("POST", `/campaigns/${cm}/members?import=${request}`)).body.added, 2);
  assert.equal((await ask("POST", `/campaigns/${cm}/members?import=req_nothing`)).status, 404);
});

test("another workspace sees none of it, and a token that may not is refused", async () => {
  const [id] = await people("apart", 1);
  const cm = await campaign("Apart");
  await ask("POST", `/campaigns/${cm}/members`, { contact_id: id });
  for (const [method, path, body] of [
    ["POST", `/campaigns/${cm}/members?all=true`, {}],
    ["GET", `/campaigns/overlap?campaigns=${cm}`, undefined],
    ["GET", `/campaigns/counts?campaigns=${cm}`, undefined],
    ["GET", `/campaigns/${cm}/members`, undefined],
  ] as const)
    assert.equal((await ask(method, path, body, eve)).status, 404, path);
  assert.deepEqual((await ask("GET", "/campaigns/workloads", undefined, eve)).body.items, []);
  const foreign = (await ask("GET", "/overview", undefined, eve)).body;
  assert.deepEqual([foreign.records.campaigns, foreign.campaigns], [0, []]);
  assert.equal((await ask("POST", `/contacts?campaign=${cm}`, { name: "Spy" }, eve)).status, 422);
  const scoped = async (scopes: string[]): Promise<Client> => {
    const { token } = (await ask("POST", "/tokens", { name: scopes.join(), scopes })).body;
    const headers = { authorization: `Bearer ${token}` };
    return { ...ann, token, send: (method, path, body) => service.send(method, path, body, headers) };
  };
  const reader = await scoped(["read"]);
  for (const method of ["POST", "PATCH", "DELETE"])
    assert.equal((await ask(method, `/campaigns/${cm}/members?all=true`, {}, reader)).status, 403, method);
  const adder = await scoped(["campaign_members.create", "contacts.read"]);
  assert.equal((await ask("POST", `/campaigns/${cm}/members`, { contact_id: id }, adder)).status, 200);
  assert.equal((await ask("POST", "/campaign_members", { campaign_id: cm, contact_id: id }, reader)).status, 403);
  const maker = await scoped(["contacts.create", "contacts.update", "campaigns.read"]);
  assert.equal((await ask("POST", `/contacts?campaign=${cm}`, { name: "No" }, maker)).status, 403);
  assert.deepEqual((await ask("GET", "/overview", undefined, maker)).body.records, {
    campaigns: (await ask("GET", "/campaigns?count=true")).body.total,
  });
  const blind = await scoped(["campaigns.read", "campaign_members.create"]);
  assert.equal((await ask("POST", `/campaigns/${cm}/members?name=apart 0`, {}, blind)).status, 403);
});
