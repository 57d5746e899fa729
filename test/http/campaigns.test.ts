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
    ["GET", `/campaigns/${cm}/members`, undefined],
  ] as const)
    assert.equal((await ask(method, path, body, eve)).status, 404, path);
  assert.deepEqual((await ask("GET", "/campaigns/workloads", undefined, eve)).body.items, []);
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
  const blind = await scoped(["campaigns.read", "campaign_members.create"]);
  assert.equal((await ask("POST", `/campaigns/${cm}/members?name=apart 0`, {}, blind)).status, 403);
});
