import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { type Client, type Service, startService } from "../helpers/service.ts";
import { HOSTILE_TEXTS } from "../helpers/values.ts";

/** Calls along a script: answers, the path that they take, and who may give them. */

let service: Service;
let ann: Client;
let eve: Client;
let contact: string;
let script: string;

const STEPS = [
  { type: "instruction", text: "Bonjour." },
  {
    id: "owner",
    type: "yesno",
    text: "Owner?",
    branches: {
      Oui: [
        {
          id: "roof",
          type: "select",
          text: "Roof?",
          options: ["flat", "pitched"],
          branches: { pitched: [{ id: "angle", type: "question", text: "Angle?" }] },
        },
      ],
      Non: "bye",
    },
  },
  { id: "why", type: "question", text: "Why?" },
  { id: "bye", type: "instruction", text: "Au revoir." },
];

before(async () => {
  service = await startService();
  ann = await service.signIn();
  eve = await service.signIn("eve@elsewhere.example");
  contact = (await make("/contacts", { name: "Jane", email: "jane@acme.com" })).id;
  script = (await make("/scripts", { name: "Solar", steps: STEPS })).id;
});
after(() => service.close());

const ask = async (method: string, path: string, body?: object, who = ann) => {
  const reply = await who.send(method, `${path}${path.includes("?") ? "&" : "?"}format=json`, body);
  return { ...reply, body: reply.json() };
};

async function make(path: string, body: object) {
  const made = await ask("POST", path, body);
  assert.equal(made.status, 201, made.text);
  return made.body;
}

const begin = (more: object = {}) => make("/executions", { script_id: script, contact_id: contact, ...more });
const answer = (id: string, answers: object) => ask("PATCH", `/executions/${id}`, { answers });

test("each answer shows the next step, and what is read out before it", async () => {
  const { id, next, status, script_version } = await begin();
  assert.deepEqual([status, script_version], ["open", 1]);
  assert.deepEqual(next, { step: "owner", type: "yesno", text: "Owner?", options: ["Oui", "Non"], read: ["Bonjour."] });
  const first = await answer(id, { owner: "oui" });
  assert.deepEqual([first.body.answers, first.body.next.step, first.body.next.read], [{ owner: "Oui" }, "roof", []]);
  const text = await ann.send("POST", `/executions/${id}/answers`, "answer=PITCHED");
  assert.match(text.text, /answers\.owner=Oui answers\.roof=pitched path=owner,roof/);
  assert.match(text.text, /\nexecution\/ex_\w{8}\.next step=angle type=question text=Angle\?\n# updated ch_/);
  await answer(id, { angle: "30" });
  const last = await ask("POST", `/executions/${id}/answers`, { step: "why", answer: "money" });
  assert.deepEqual([last.body.status, last.body.next], ["done", { type: "end", read: ["Au revoir."] }]);
  const page = await ann.send("GET", `/executions/${id}?format=text`);
  assert.equal(
    page.text,
    "Solar - Jane\n============\n\nSAY Bonjour.\nASK Owner?\n  > Oui\nASK Roof?\n  > pitched\nASK Angle?\n  > 30\nASK Why?\n  > money\nSAY Au revoir.\n\nThe call is at its end.\n",
  );
  const over = await ask("POST", `/executions/${id}/answers`, { answer: "more" });
  assert.match(over.body.message, /the path has ended/);
});

test("an answer to an earlier step drops what is no longer on the path, keeps what still is, and can be undone", async () => {
  const { id } = await begin({ answers: { why: "money", angle: 30, roof: "pitched", owner: "Oui" } });
  const flat = await answer(id, { roof: "flat" });
  assert.deepEqual(flat.body.answers, { owner: "Oui", roof: "flat", why: "money" });
  const no = await answer(id, { owner: "Non" });
  assert.deepEqual([no.body.answers, no.body.path, no.body.status], [{ owner: "Non" }, ["owner"], "done"]);
  const undone = await ask("POST", "/undo", { change: no.headers.get("x-change") });
  assert.equal(undone.status, 200, undone.text);
  const back = (await ask("GET", `/executions/${id}`)).body;
  assert.deepEqual(
    [back.answers, back.path, back.next.type],
    [{ owner: "Oui", roof: "flat", why: "money" }, ["owner", "roof", "why"], "end"],
  );
  const taken = await answer(id, { roof: null });
  assert.deepEqual([taken.body.answers, taken.body.next.step], [{ owner: "Oui" }, "roof"]);
  const found = await ask("GET", "/executions?answers.owner=Oui&status=open&path=has:owner");
  assert.ok(found.body.items.some((each: { id: string }) => each.id === id));
});

test("an answer that fits no step is refused, changes nothing, and says what would fit", async () => {
  const { id } = await begin({ answers: { owner: "Oui" } });
  const refused: [object, RegExp, RegExp][] = [
    [{ roof: "tiled" }, /"tiled" is no option of the step roof/, /"flat", "pitched"/],
    [{ roof: ["flat"] }, /is no option of the step roof/, /"flat"/],
    [{ why: "x" }, /the step why is not on the path/, /an answer to roof next: \{"roof":"flat"\}/],
    [{ roof: "flat", angle: "3" }, /the step angle is not on the path/, /an answer to why next/],
    [{ s1: "hello" }, /the step s1 is an instruction/, /next/],
    [{ rof: "flat" }, /there is no step "rof" to answer; did you mean roof\?/, /owner, roof, angle, why/],
    [{ roof: "flat", why: " " }, /the step why is answered by a text/, /a text/],
    [{ roof: "flat", why: { a: 1 } }, /the step why is answered by a text/, /a text/],
    [{ roof: "flat", why: "x".repeat(20_001) }, /more than 20000 characters/, /notes/],
    [{ "a\u202eb": "x" }, /cannot be/, /expects/],
  ];
  for (const [answers, message, hint] of refused) {
    const reply = await answer(id, answers);
    assert.deepEqual([reply.status, reply.body.error], [400, "invalid_value"], reply.text);
    assert.match(reply.body.message, message);
    assert.match(reply.body.hint, hint);
  }
  assert.equal((await ask("GET", `/executions/${id}`)).body.version, 1);
  const none = await ask("POST", "/executions", { contact_id: contact });
  assert.deepEqual([none.status, none.body.error], [400, "missing_field"]);
  assert.match(none.body.message, /needs script_id or script/);
  const other = await ask("PATCH", `/executions/${id}`, { script_id: script });
  assert.match(other.body.message, /script_id is said when an execution is made, and stays/);
  for (const name of ["steps", "next", "path", "status", "script_version"])
    assert.equal((await ask("PATCH", `/executions/${id}`, { [name]: null })).body.error, "invalid_field", name);
});

test("hostile answers come back as they were sent, on one line", async () => {
  const { id } = await begin({ answers: { owner: "Oui", roof: "flat" } });
  for (const text of HOSTILE_TEXTS.filter((each) => /[a-z0-9]/.test(each))) {
    const reply = await answer(id, { why: text });
    assert.equal(reply.status, 200, reply.text);
    assert.equal(reply.body.answers.why, text.normalize("NFC"));
    const lines = (await ann.send("GET", `/executions/${id}`)).text.trimEnd().split("\n");
    assert.equal(lines.length, 3);
    assert.doesNotMatch((await ann.send("GET", `/executions/${id}?format=text`)).text, /[^\P{C}\n]/u);
  }
  const large = await ask("PATCH", `/executions/${id}`, { answers: { why: "x".repeat(1_000_000) } });
  assert.equal(large.status, 400);
});

test("it keeps the version of the script that it began with, whatever becomes of that", async () => {
  const own = await make("/scripts", { name: "Moving", steps: STEPS });
  const { id } = await begin({ script_id: own.id });
  await ask("PATCH", `/scripts/${own.id}`, { steps: [{ id: "other", type: "question", text: "Other?" }] });
  const old = await answer(id, { owner: "Oui", roof: "flat" });
  assert.deepEqual([old.body.script_version, old.body.next.step], [1, "why"]);
  assert.equal((await begin({ script_id: own.id })).next.step, "other");
  const confirm = (await ask("DELETE", `/scripts/${own.id}`)).body.confirm;
  assert.equal((await ask("DELETE", `/scripts/${own.id}?confirm=${confirm}`)).status, 200);
  const on = await answer(id, { why: "still" });
  assert.deepEqual([on.status, on.body.status, on.body.script_id], [200, "done", null]);
  const steps = (await ask("GET", `/executions/${id}?fields=steps`)).body.steps;
  assert.equal(steps[1].id, "owner");
});

test("a call of a member takes its contact, its campaign and the campaign's script; loops ask again", async () => {
  const loop = await make("/scripts", {
    name: "Loop",
    steps: [
      { id: "hello", type: "question", text: "Hello?" },
      { id: "there", type: "yesno", text: "There?", branches: { No: "hello", Yes: "end" } },
    ],
  });
  const campaign = await make("/campaigns", { name: "Spring", script: "Loop" });
  await ask("POST", `/campaigns/${campaign.id}/members`, { contact_id: contact });
  const [member] = (await ask("GET", `/campaigns/${campaign.id}/members`)).body.items;
  const made = await make(`/campaign_members/${member.id}/executions`, { answers: { hello: "hm" } });
  assert.deepEqual([made.contact_id, made.campaign_id, made.script_id], [contact, campaign.id, loop.id]);
  const again = await answer(made.id, { there: "No" });
  assert.deepEqual([again.body.next.step, again.body.path, again.body.status], ["hello", ["hello", "there"], "open"]);
  const round = await answer(made.id, { hello: "yes?", there: "Yes" });
  assert.deepEqual([round.body.status, round.body.answers.hello], ["done", "yes?"]);
  const stopped = await ask("PATCH", `/executions/${made.id}`, { answers: { there: null }, stopped_at: "now" });
  assert.equal(stopped.body.status, "stopped");
});

test("two callers who answer one step at once: both are kept in turn, and If-Match lets one through", async () => {
  const { id } = await begin();
  const both = await Promise.all(["Oui", "Non"].map((owner) => answer(id, { owner })));
  assert.deepEqual(
    both.map(({ status }) => status),
    [200, 200],
  );
  const now = (await ask("GET", `/executions/${id}`)).body;
  assert.equal(now.version, 3);
  assert.equal(now.next.type, now.answers.owner === "Oui" ? "select" : "end");
  const match = { "If-Match": `"${now.version}"` };
  const guarded = await Promise.all(
    ["flat", "pitched"].map((roof) => ann.send("PATCH", `/executions/${id}`, { answers: { owner: "Oui", roof } }, match)),
  );
  assert.deepEqual(guarded.map(({ status }) => status).sort(), [200, 412]);
  // Of two that answer different steps at once, one may find its step off the path: the record is whole either way.
  await Promise.all([answer(id, { owner: "Non" }), answer(id, { why: "late" }), answer(id, { roof: "flat" })]);
  const end = (await ask("GET", `/executions/${id}`)).body;
  assert.deepEqual(Object.keys(end.answers).sort(), [...end.path].sort());
});

test("a retry under one key begins one call; dry runs and refused calls begin none", async () => {
  const body = { script_id: script, contact_id: contact, outcome: "keyed" };
  const key = { "Idempotency-Key": "call-1" };
  for (const status of [201, 200]) assert.equal((await ann.send("POST", "/executions", body, key)).status, status);
  const dry = await ask("POST", "/executions?dry_run=true", { ...body, outcome: "dry" });
  assert.deepEqual([dry.body.next.step, dry.body.dry_run], ["owner", true]);
  assert.equal((await ask("GET", "/executions?outcome=in:keyed,dry")).body.items.length, 1);
});

test("another workspace sees and names nothing of it; a token without the scope writes nothing", async () => {
  const { id } = await begin();
  for (const path of [`/executions/${id}`, `/scripts/${script}`, `/scripts/${script}/export`])
    assert.equal((await eve.send("GET", path)).status, 404, path);
  assert.equal((await ask("POST", `/executions/${id}/answers`, { answer: "Oui" }, eve)).status, 404);
  const theirs = (await ask("POST", "/contacts", { name: "Theirs" }, eve)).body.id;
  const stolen = await ask("POST", "/executions", { script_id: script, contact_id: theirs }, eve);
  assert.equal(stolen.status, 422, stolen.text);
  const token = async (scopes: string[]) => {
    const { body } = await ask("POST", "/tokens", { name: scopes.join(), scopes });
    const authorization = `Bearer ${body.token}`;
    return { send: (method: string, path: string, sent?: object) => ann.send(method, path, sent, { authorization }) };
  };
  const reader = await token(["read"]);
  assert.equal((await reader.send("GET", `/executions/${id}?format=text`)).status, 200);
  for (const [method, path, body] of [
    ["PATCH", `/executions/${id}`, { answers: { owner: "Oui" } }],
    ["POST", `/executions/${id}/answers`, { answer: "Oui" }],
    ["POST", "/executions", { script_id: script, contact_id: contact }],
    ["POST", "/scripts", { name: "x", steps: STEPS }],
  ] as const)
    assert.equal((await reader.send(method, path, body)).status, 403, path);
  // Who may not read scripts would read one in the call that walks it.
  const caller = await token(["executions.read", "executions.create", "executions.update", "contacts.read"]);
  const sly = await caller.send("POST", "/executions", { script_id: script, contact_id: contact });
  assert.equal(sly.status, 403, sly.text);
  assert.match(sly.text, /scripts\.read/);
});

test("an answer may be sent as its value", async () => {
  const begun = await ann.send("POST", "/executions", { script, contact });
  const { id } = (await ann.send("GET", `/executions/${begun.text.match(/ex_\w+/)![0]}?format=json`)).json();
  const answered = await ann.send("POST", `/executions/${id}/answers`, { step_id: "owner", value: "Oui" });
  assert.match(answered.text, /answers\.owner=Oui/);
});
