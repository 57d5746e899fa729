import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { type Client, type Service, startService } from "../helpers/service.ts";
import { HOSTILE_TEXTS } from "../helpers/values.ts";

/** What can be written as the path of a call, and what is refused by name. */

let service: Service;
let ann: Client;
before(async () => {
  service = await startService();
  ann = await service.signIn();
});
after(() => service.close());

const ask = async (method: string, path: string, body?: object, who = ann) => {
  const reply = await who.send(method, `${path}${path.includes("?") ? "&" : "?"}format=json`, body);
  return { ...reply, body: reply.json() };
};

const SAY = { type: "instruction", text: "Bonjour." };
const WHY = { id: "why", type: "question", text: "Why?" };
const owner = (more: object = {}) => ({ id: "owner", type: "yesno", text: "Owner?", options: ["Oui", "Non"], ...more });
const roof = (more: object = {}) => ({ id: "roof", type: "select", text: "Roof?", options: ["flat", "pitched"], ...more });

const SCRIPT = [
  SAY,
  owner({
    branches: [
      { label: "Oui", steps: [roof({ branches: { pitched: [{ id: "angle", type: "question", text: "Angle?" }] } })] },
      { label: "Non", next: "bye" },
    ],
  }),
  WHY,
  { id: "bye", type: "instruction", text: "Au revoir." },
];

test("steps come back as they can be sent, with ids and labels, in whichever form branches were sent", async () => {
  const made = await ask("POST", "/scripts", { name: "Solar", steps: SCRIPT });
  assert.equal(made.status, 201, made.text);
  assert.equal(made.body.steps[0].id, "s1");
  assert.deepEqual(made.body.steps[1].branches[0].steps[0].branches, [
    { label: "pitched", steps: [{ id: "angle", type: "question", text: "Angle?" }] },
  ]);
  const yes = { type: "yesno", text: "Well?", branches: { Yes: "end", No: { steps: [WHY], next: "end" } } };
  const short = await ask("POST", "/scripts", { name: "Short", steps: [yes] });
  assert.deepEqual(short.body.steps[0].options, ["Yes", "No"]);
  assert.deepEqual(short.body.steps[0].branches[1], { label: "No", steps: [WHY], next: "end" });
  for (const { body } of [made, short]) {
    const again = await ask("PATCH", `/scripts/${body.id}`, { steps: body.steps });
    assert.equal(again.body.version, 1, "what was shown is what is there");
  }
  const form = await ann.send("POST", "/scripts", `name=Form&steps=${encodeURIComponent(JSON.stringify(SCRIPT))}`);
  assert.match(form.text, /\nscript\/sc_\w{8}\.2 id=owner type=yesno text=Owner\? leads="Oui -> roof, Non -> bye"\n/);
});

test("format=text is a tree for who makes the call; Accept alone shows the record", async () => {
  const { body } = await ask("POST", "/scripts", { name: "Tree\u202e\n# created", steps: SCRIPT });
  const page = await ann.send("GET", `/scripts/${body.id}?format=text`);
  assert.equal(
    page.text,
    `Tree # created
==============

1.  SAY Bonjour.
2.  ASK Owner?
      [Oui]
        3.  ASK Roof?
              [flat]
              [pitched]
                4.  ASK Angle?
      [Non] -> 6 (bye)
5.  ASK Why?
6.  SAY Au revoir.
      -> end of the call
`,
  );
  assert.match((await ann.send("GET", `/scripts/${body.id}`)).text, /^script\/sc_\w{8} name=/);
});

const MISTAKES: [what: string, steps: unknown, message: RegExp][] = [
  ["no step", [], /there is no step/],
  ["no list", { type: "question" }, /a list of steps/],
  ["no object", ["Hello"], /step 1 is no object/],
  ["no type", [{ text: "Hi" }], /step 1 says no type: instruction, question, yesno, select/],
  ["a type that there is not", [{ type: "poll", text: "Hi" }], /step 1 has the type "poll"/],
  ["no text", [{ type: "question" }], /step 1 needs text/],
  ["text that cannot be seen", [{ type: "question", text: "\u200b \u3164" }], /step 1 needs text/],
  ["a key that there is not", [{ ...SAY, txet: "x" }], /step 1 has no "txet": did you mean text/],
  [
    "a branch that matches no option",
    [owner({ branches: [{ label: "Maybe", next: "end" }] })],
    /the branch "Maybe" of step 1 \(owner\) matches no option: "Oui", "Non"/,
  ],
  ["a branch in other letters", [owner({ branches: { oui: "end" } })], /matches no option: "Oui", "Non"; did you mean "Oui"\?/],
  [
    "a branch of a branch that matches none",
    [owner({ branches: { Oui: [roof({ branches: { tiled: "end" } })] } })],
    /the branch "tiled" of step 1 \(owner\) > Oui > 1 \(roof\) matches no option/,
  ],
  [
    "two branches of one label",
    [
      owner({
        branches: [
          { label: "Oui", next: "end" },
          { label: "Oui", next: "end" },
        ],
      }),
    ],
    /two branches "Oui"/,
  ],
  ["a yesno of three labels", [owner({ options: ["a", "b", "c"] })], /exactly two labels, and has "a", "b", "c"/],
  ["a yesno of one branch", [{ type: "yesno", text: "?", branches: { Oui: "end" } }], /exactly two labels, and has "Oui"/],
  ["a yesno without labels", [{ type: "yesno", text: "?" }], /exactly two labels, and has none/],
  [
    "a select without options",
    [{ type: "select", text: "?", branches: { a: "end", b: "end" } }],
    /step 1 is a select without options/,
  ],
  ["a select of one option", [roof({ options: ["flat"] })], /two options or more/],
  [
    "two options that differ in case only",
    [roof({ options: ["flat", "Flat"] })],
    /the option "Flat" twice|the option "flat" twice/,
  ],
  [
    "a question with branches",
    [{ ...WHY, branches: { Yes: "end" } }],
    /step 1 \(why\) is of the type question and has branches: its answer is free text/,
  ],
  ["an instruction with options", [{ ...SAY, options: ["a", "b"] }], /is of the type instruction and has options/],
  ["one id twice", [WHY, { ...WHY, text: "Again?" }], /step 1 \(why\) and step 2 \(why\) have the same id why/],
  ["an id that breaks the line", [{ ...SAY, id: "a b" }], /the id of step 1 cannot be "a b"/],
  ["the id end", [{ ...SAY, id: "end" }], /cannot be end/],
  [
    "a branch to a step that is not there",
    [owner({ branches: { Oui: "whi" } }), WHY],
    /the branch "Oui" of step 1 \(owner\) leads to "whi", and no step has this id: did you mean why\?/,
  ],
  ["next to a step that is not there", [{ ...SAY, next: "nowhere" }], /leads to "nowhere"/],
  [
    "a circle of instructions",
    [
      { id: "a", ...SAY },
      { ...SAY, next: "a" },
    ],
    /goes in a circle and never ends/,
  ],
  [
    "a circle through every branch",
    [owner({ branches: { Oui: "owner", Non: "owner" } })],
    /from step 1 \(owner\) the call goes in a circle/,
  ],
  ["a step that nothing reaches", [{ ...SAY, next: "end" }, WHY], /nothing leads to step 2 \(why\)/],
  [
    "a step behind branches that all lead away",
    [owner({ branches: { Oui: "end", Non: "end" } }), WHY],
    /nothing leads to step 2 \(why\)/,
  ],
  ["too many", Array.from({ length: 301 }, () => SAY), /more than 300 steps/],
];

test("every mistake in a path is refused by the name of the step, on create and on change", async () => {
  const { body } = await ask("POST", "/scripts", { name: "Good", steps: SCRIPT });
  for (const [what, steps, message] of MISTAKES) {
    const made = await ask("POST", "/scripts", { name: "Bad", steps: steps as object });
    assert.deepEqual([made.status, made.body.error], [400, "invalid_value"], `${what}: ${made.text}`);
    assert.match(made.body.message, message, what);
    assert.match(made.body.message, /^steps cannot be/, what);
    const changed = await ask("PATCH", `/scripts/${body.id}`, { steps: steps as object });
    assert.equal(changed.status, 400, what);
  }
  assert.deepEqual((await ask("GET", `/scripts/${body.id}`)).body.version, 1);
  assert.equal((await ask("GET", "/scripts?name=Bad")).body.items.length, 0);
  const deep = `{"name":"Deep","steps":${'[{"type":"yesno","text":"?","branches":{"No":"end","Yes":'.repeat(30)}"end"${"}}]".repeat(30)}}`;
  const refused = await ann.send("POST", "/scripts", JSON.parse(deep));
  assert.match(refused.text, /levels deep: 20 are the most/);
});

test("a circle that can be left is a path; hostile texts break no line of it and no page", async () => {
  const again = [SAY, owner({ branches: { Non: "owner" } }), WHY];
  assert.equal((await ask("POST", "/scripts", { name: "Loop", steps: again })).status, 201);
  const texts = HOSTILE_TEXTS.filter((text) => /[a-z0-9]/.test(text)).slice(0, 40);
  const steps = texts.map((text) => ({ type: "select", text, options: [text, `${text} no`] }));
  const { body, status, text: said } = await ask("POST", "/scripts", { name: "Hostile", steps });
  assert.equal(status, 201, said);
  const { text } = await ann.send("GET", `/scripts/${body.id}`);
  assert.equal(text.trimEnd().split("\n").length, texts.length + 1);
  for (const line of text.trimEnd().split("\n")) assert.match(line, /^script\/sc_\w{8}(\.\d+)? /);
  const page = await ann.send("GET", `/scripts/${body.id}?format=text`);
  assert.doesNotMatch(page.text, /[^\P{C}\n]/u);
});

test("an exported script makes the same one here, elsewhere and by a file; the export of a workspace has it too", async () => {
  const { body } = await ask("POST", "/scripts", {
    name: "Export",
    description: "For\nall",
    steps: SCRIPT,
    tags: ["fr"],
    custom: { v: 2 },
  });
  const file = (await ann.send("GET", `/scripts/${body.id}/export`)).json();
  assert.deepEqual(Object.keys(file), ["name", "description", "steps", "tags", "custom"]);
  const eve = await service.signIn("eve@elsewhere.example");
  for (const who of [ann, eve]) {
    const made = await ask("POST", "/scripts", file, who);
    assert.equal(made.status, 201, made.text);
    assert.deepEqual((await who.send("GET", `/scripts/${made.body.id}/export`)).json(), file);
  }
  assert.equal((await eve.send("GET", `/scripts/${body.id}/export`)).status, 404);
  const lines = await ann.send("GET", "/scripts?name=Export&format=ndjson&limit=1");
  const report = await eve.send("POST", "/scripts/import", lines.text);
  assert.match(report.text, /^row=1 created script\/sc_/m);
  assert.equal((await ask("GET", "/scripts?name=Export", undefined, eve)).body.items.length, 2);
  const all = await ann.send("GET", "/export");
  assert.ok(all.text.includes('"Au revoir."'));
});
