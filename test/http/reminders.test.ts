import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { createWorld, definitions, leastOf, post } from "../helpers/dictionary.ts";
import { type Client, type Service, startService } from "../helpers/service.ts";
import type { World } from "../helpers/values.ts";

/** What is due: when, whose, how many; and being done with it, or not yet. */

/** A Wednesday. */
const NOW = Date.parse("2026-06-10T10:00:20Z");
let now = NOW;

let service: Service;
let ann: Client;
let world: World;
before(async () => {
  service = await startService({ now: () => now });
  ann = await service.signIn();
  world = await createWorld(ann);
});
after(() => service.close());

const reminding = definitions.filter(({ reminder }) => reminder);
const json = (path: string) => `${path}${path.includes("?") ? "&" : "?"}format=json`;

async function make(kind: (typeof definitions)[number], values: object, client = ann) {
  return (await post(client, kind, { ...leastOf(kind, world), ...values })) as Record<string, unknown> & {
    id: string;
    handle: string;
  };
}

async function due(query: string): Promise<string> {
  const reply = await ann.send("GET", json(`/reminders?kind=task&${query}`));
  assert.equal(reply.status, 200, reply.text);
  return (reply.json().items as { name: string }[]).map(({ name }) => name).join(" ");
}

test("when= takes the words of the lines, days and spans", async () => {
  const task = reminding.find(({ name }) => name === "task")!;
  const times: [string, string][] = [
    ["a", "2026-05-31T10:00"],
    ["b", "2026-06-08T10:00"],
    ["c", "2026-06-10T09:00"],
    ["d", "2026-06-10T18:00"],
    ["e", "2026-06-11T09:00"],
    ["f", "2026-06-14T23:00"],
    ["g", "2026-06-15T09:00"],
    ["h", "2026-07-01T09:00"],
  ];
  for (const [title, due_at] of times) await make(task, { title, due_at });
  const finds: [string, string][] = [
    ["", "a b c"],
    ["when=overdue", "a b"],
    ["when=due", "c"],
    ["when=upcoming", "d e f g h"],
    ["when=today", "c d"],
    ["when=tomorrow", "e"],
    ["when=Week", "b c d e f"],
    ["when=next+week", "g"],
    ["when=month", "b c d e f g"],
    ["when=2026-07", "h"],
    ["when=sunday", "f"],
    ["when=%2B1d", "d e"],
  ];
  for (const [query, names] of finds) assert.equal(await due(query), names, query);
  for (const [query, hint] of [
    ["when=soonish", /when is overdue, due, today/],
    ["when=overdeu", /did you mean when=overdue/],
    ["when=2026-02-30", /no such day/],
    ["when=10:00", /say of which day/],
    ["when=week&days=3", /send one of them/],
  ] as const) {
    const reply = await ann.send("GET", `/reminders?${query}`);
    assert.equal(reply.status, 400, query);
    assert.match(reply.text, hint, query);
  }
});

test("count= counts all of them, over pages", async () => {
  const first = (await ann.send("GET", json("/reminders?when=upcoming&kind=tasks,deal&count=true&limit=2"))).json();
  assert.deepEqual([first.total, first.total_capped, first.items.length], [5, false, 2]);
  const next = await ann.send("GET", `/reminders?when=upcoming&kind=tasks,deal&count=true&limit=2&cursor=${first.next_cursor}`);
  assert.match(next.text, /^# 2 of 5 reminders: 2 upcoming; 2 tasks$/m);
  assert.equal((await ann.send("GET", `/reminders?when=today&kind=task&limit=2&cursor=${first.next_cursor}`)).status, 400);
  assert.match((await ann.send("GET", "/reminders?when=2020&count=true")).text, /^# 0 of 0 reminders$/m);
});

test("owner=is:null is what nobody owns", async () => {
  const [contact] = reminding.filter(({ name }) => name === "contact");
  await make(contact!, { name: "Orphan", follow_up_at: "2026-06-09" });
  await make(contact!, { name: "Owned", follow_up_at: "2026-06-09", owner: "me" });
  const names = async (owner: string) =>
    ((await ann.send("GET", json(`/reminders?kind=contact&owner=${owner}`))).json().items as { name: string }[]).map(
      ({ name }) => name,
    );
  assert.deepEqual(await names("is:null"), ["Orphan"]);
  assert.deepEqual(await names("me"), ["Owned"]);
});

test("every kind that reminds is snoozed and done by its handle, and undone", async () => {
  for (const kind of reminding) {
    const { at, doneWhen } = kind.reminder!;
    // What follows from other fields is not moved by hand.
    if (kind.field(at)!.readOnly) continue;
    const made = await make(kind, { [at]: "2026-06-09" });
    const read = async () => (await ann.send("GET", json(`/${made.handle}`))).json();
    const listed = async (when: string) =>
      ((await ann.send("GET", json(`/reminders?when=${when}&limit=500`))).json().items as { handle: string }[]).some(
        ({ handle }) => handle === made.handle,
      );
    assert.ok(await listed("overdue"), kind.name);
    const rehearsed = await ann.send("POST", `/reminders/${made.handle}/snooze?dry_run=true`, { until: "+1w" });
    assert.match(rehearsed.text, /^OK dry run, nothing is changed; snoozed/, kind.name);
    assert.equal((await read())[at], made[at]);
    const snoozed = await ann.send("POST", json(`/reminders/${made.handle}/snooze`), { until: "+1w" });
    assert.equal(snoozed.status, 200, snoozed.text);
    const moved = await read();
    assert.equal(snoozed.json().due_at, moved[at]);
    assert.match(moved[at], /^2026-06-17(T10:00:00Z)?$/, "without stray seconds");
    assert.equal(await listed("overdue"), false);
    const short = made.handle.slice(made.handle.indexOf("/") + 1);
    const ended = await ann.send("POST", `/reminders/${short}/done`);
    assert.equal(ended.status, 200, ended.text);
    const after = await read();
    if (doneWhen) assert.equal(after[doneWhen.field], doneWhen.is);
    else assert.equal(after[at], null);
    assert.equal(await listed("upcoming"), false);
    assert.match((await ann.send("POST", `/reminders/${short}/done`)).text, /is so already/);
    const snoozedDone = await ann.send("POST", `/reminders/${short}/snooze`, { until: "friday" });
    assert.equal(snoozedDone.status, doneWhen ? 422 : 200);
    if (!doneWhen) await ann.send("POST", `/reminders/${short}/done`);
    const change = ended.headers.get("x-change")!;
    assert.match(ended.text, new RegExp(`POST /undo {"change":"${change}"}`));
    if (!doneWhen) continue;
    assert.equal((await ann.send("POST", "/undo", { change })).status, 200);
    assert.ok(await listed("upcoming"), kind.name);
  }
});

test("a retried snooze moves once, and a proposed one waits for somebody", async () => {
  const [kind] = reminding;
  const { at } = kind!.reminder!;
  const made = await make(kind!, { [at]: "2026-06-09" });
  const key = { "idempotency-key": "snooze-once" };
  const first = await ann.send("POST", `/reminders/${made.handle}/snooze`, { until: "+1d" }, key);
  now += 3_600_000;
  const again = await ann.send("POST", `/reminders/${made.handle}/snooze`, { until: "+1d" }, key);
  assert.equal(again.text, first.text);
  assert.equal((await ann.send("POST", `/reminders/${made.handle}/snooze`, { until: "+2d" }, key)).status, 422);
  assert.match((await ann.send("GET", json(`/${made.handle}`))).json()[at], /^2026-06-11(T10:00:00Z)?$/);
  const proposed = await ann.send("POST", `/reminders/${made.handle}/done?propose=true`);
  assert.equal(proposed.status, 202, proposed.text);
  assert.match((await ann.send("GET", json(`/${made.handle}`))).json()[at], /^2026-06-11/);
  const stale = await ann.send("POST", `/reminders/${made.handle}/done`, undefined, { "if-match": '"999"' });
  assert.equal(stale.status, 412);
  now = NOW;
});

test("a retried undo that looks back from now is the same request a minute later", async () => {
  const key = { "idempotency-key": "back-once", "x-agent": "nightly" };
  const made = await ann.send("POST", json("/contacts"), { name: "By an agent" }, { "x-agent": "nightly" });
  assert.equal((await ann.send("POST", "/undo", { agent: "nightly", since: "-1h" }, key)).status, 200);
  now += 60_000;
  const again = await ann.send("POST", "/undo", { agent: "nightly", since: "-1h" }, key);
  assert.equal(again.status, 200, again.text);
  assert.equal((await ann.send("GET", `/contacts/${made.json().id}`)).status, 404);
  now = NOW;
});

test("two who snooze at once both write, one after the other", async () => {
  const [kind] = reminding;
  const made = await make(kind!, { [kind!.reminder!.at]: "2026-06-09" });
  const replies = await Promise.all(
    ["friday", "sunday"].map((until) => ann.send("POST", `/reminders/${made.handle}/snooze`, { until })),
  );
  assert.deepEqual(
    replies.map(({ status }) => status),
    [200, 200],
  );
  assert.equal((await ann.send("GET", json(`/${made.handle}`))).json().version, 3);
});

test("who snoozes to an earlier time is told", async () => {
  const { id } = (await ann.send("POST", "/contacts?format=json", { name: "Early", follow_up_at: "2099-12-24" })).json();
  const moved = await ann.send("POST", `/reminders/${id}/snooze`, { until: "2099-12-01" });
  assert.match(moved.text, /^HINT {2}that is earlier than before: it was due 2099-12-24T00:00:00Z$/m);
  assert.doesNotMatch((await ann.send("POST", `/reminders/${id}/snooze`, { until: "2099-12-02" })).text, /earlier/);
});

test("what cannot be snoozed is refused with what can", async () => {
  const company = world.linked.get("company")![0]!;
  const refused: [string, object | undefined, number, RegExp][] = [
    [`/reminders/company/${company.id}/snooze`, { until: "+1w" }, 404, /a company reminds of nothing/],
    ["/reminders/nonsense/snooze", { until: "+1w" }, 404, /"nonsense" is no reminder/],
    ["/reminders/c_00000000/done", undefined, 404, /not_found/],
    [`/reminders/${world.linked.get("contact")![0]!.id}/snooze`, undefined, 400, /until is missing/],
    [`/reminders/${world.linked.get("contact")![0]!.id}/snooze`, { until: "yesterday" }, 400, /until is a time to come/],
    [`/reminders/${world.linked.get("contact")![0]!.id}/snooze`, { until: "2026-07" }, 400, /say a day of it: 2026-07-01/],
    [`/reminders/${world.linked.get("contact")![0]!.id}/snooze`, { til: "+1w" }, 400, /until/],
    ["/reminders/c_%00'%22%20or%201=1/done", undefined, 404, /is no reminder/],
  ];
  for (const [path, body, status, said] of refused) {
    const reply = await ann.send("POST", path, body);
    assert.equal(reply.status, status, `${path} ${reply.text}`);
    assert.match(reply.text, said, path);
  }
});

test("another workspace, and a token that may not change the kind, snooze nothing", async () => {
  const contact = reminding.find(({ name }) => name === "contact")!;
  const made = await make(contact, { name: "Hidden Person", follow_up_at: "2026-06-09" });
  const bob = await service.signIn("bob@example.com");
  for (const [act, body] of [
    ["snooze", { until: "+1w" }],
    ["done", undefined],
  ] as const) {
    const strange = await bob.send("POST", `/reminders/${made.handle}/${act}`, body);
    assert.equal(strange.status, 404);
    assert.doesNotMatch(strange.text, /Hidden/);
    for (const [scopes, status] of [
      [["read"], 403],
      [["tasks.write", "read"], 403],
      [["contacts.create"], 403],
      [["contacts.update"], 200],
      [["read", "propose"], 202],
    ] as const) {
      const minted = (await ann.send("POST", json("/tokens"), { name: "t", scopes })).json().token as string;
      const reply = await service.send("POST", `/reminders/${made.handle}/${act}`, body, { authorization: `Bearer ${minted}` });
      assert.equal(reply.status, status, `${scopes} ${act} ${reply.text}`);
      if (scopes[0] !== "read") assert.doesNotMatch(reply.text, /Hidden/, "who may not read learns no name");
    }
  }
});

test("what is due tells how to be done with it, and a whole batch of it is one request", async () => {
  const contact = reminding.find(({ name }) => name === "contact")!;
  const [one, other] = [
    await make(contact, { name: "B1", follow_up_at: "2026-06-09" }),
    await make(contact, { name: "B2", follow_up_at: "2026-06-09" }),
  ];
  assert.match((await ann.send("GET", "/reminders")).text, /^# POST \/reminders\/{handle}\/done, or .*snooze/m);
  assert.doesNotMatch((await ann.send("GET", "/reminders?when=2027")).text, /snooze/);
  const batch = await ann.send("POST", json("/batch?atomic=true"), [
    { method: "POST", path: `/reminders/${one.handle}/snooze`, body: { until: "tuesday" } },
    { method: "POST", path: `/reminders/${other.handle}/done` },
  ]);
  assert.equal(batch.status, 200, batch.text);
  assert.equal((await ann.send("GET", json(`/${one.handle}`))).json().follow_up_at, "2026-06-16T00:00:00Z");
  assert.equal((await ann.send("GET", json(`/${other.handle}`))).json().follow_up_at, null);
});
