import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { type Client, type Service, startService } from "../helpers/service.ts";

/** Forms, and answers that are held to their questions. */

let service: Service;
let ann: Client;
let contact: string;
let form: string;

const QUESTIONS = [
  { id: "budget", label: "Budget", type: "integer", min: 0, max: 1000 },
  { id: "roof", label: "Roof", type: "choice", options: ["flat", "pitched"], required: true },
  { id: "extras", label: "Extras", type: "choices", options: ["battery", "wallbox, two", "heat"] },
  { id: "since", label: "Since", type: "date" },
  { id: "rate", label: "Rate", type: "number", hint: "in percent" },
  { id: "sure", label: "Sure?", type: "boolean" },
  { id: "name", label: "Name", type: "text", max_length: 5 },
  { label: "Story", type: "long_text" },
];

before(async () => {
  service = await startService();
  ann = await service.signIn();
  contact = (await make("/contacts", { name: "Jane" })).id;
  form = (await make("/forms", { name: "Solar", questions: QUESTIONS })).id;
});
after(() => service.close());

const ask = async (method: string, path: string, body?: object, who = ann) => {
  const reply = await who.send(method, `${path}${path.includes("?") ? "&" : "?"}format=json`, body);
  return { ...reply, body: reply.json() };
};

async function make(path: string, body: object, who = ann) {
  const made = await ask("POST", path, body, who);
  assert.equal(made.status, 201, made.text);
  return made.body;
}

test("a form tells the JSON Schema of its answers, and comes back as it can be sent", async () => {
  const shown = (await ask("GET", `/forms/${form}`)).body;
  assert.equal(shown.questions.at(-1).id, "q8");
  assert.equal((await ask("PATCH", `/forms/${form}`, { questions: shown.questions })).body.version, 1);
  const schema = (await ann.send("GET", `/forms/${form}/schema`)).json();
  assert.equal(schema.$schema, "https://json-schema.org/draft/2020-12/schema");
  assert.deepEqual(
    [schema.type, schema.title, schema.required, schema.additionalProperties],
    ["object", "Solar", ["roof"], false],
  );
  assert.deepEqual(schema.properties.budget, { title: "Budget", type: "integer", minimum: 0, maximum: 1000 });
  assert.deepEqual(schema.properties.roof, { title: "Roof", type: "string", enum: ["flat", "pitched"] });
  assert.deepEqual(schema.properties.extras.items, { type: "string", enum: ["battery", "wallbox, two", "heat"] });
  assert.deepEqual(schema.properties.rate, { title: "Rate", description: "in percent", type: "number" });
  assert.equal(schema.properties.name.maxLength, 5);
  const eve = await service.signIn("eve@elsewhere.example");
  const file = (await ann.send("GET", `/forms/${form}/export`)).json();
  const copy = await make("/forms", file, eve);
  assert.deepEqual((await eve.send("GET", `/forms/${copy.id}/export`)).json(), file);
  for (const path of [`/forms/${form}`, `/forms/${form}/schema`, `/forms/${form}/export`])
    assert.equal((await eve.send("GET", path)).status, 404, path);
});

test("every mistake in the questions of a form is refused by name", async () => {
  const question = (more: object) => ({ label: "L", type: "text", ...more });
  const mistakes: [unknown, RegExp][] = [
    [[], /there is no question/],
    [[question({ type: "colour" })], /question 1 has the type "colour": text, /],
    [[{ type: "text" }], /question 1 needs label/],
    [[question({ id: "a" }), question({ id: "a" })], /question 1 \(a\) and question 2 \(a\) have the same id a/],
    [[question({ type: "choice" })], /question 1 is a choice without options/],
    [[question({ options: ["a"] })], /has options, which choice and choices have/],
    [[question({ min: 1 })], /has min, which number and integer have/],
    [[question({ type: "number", min: 2, max: 1 })], /the min 2 above its max 1/],
    [[question({ type: "number", max_length: 2 })], /has max_length, which text and long_text have/],
    [[question({ requierd: true })], /has no "requierd": did you mean required\?/],
    [[question({ required: "yes" })], /required of question 1 is true or false/],
    [[question({ id: "a=b" })], /the id of question 1 cannot be "a=b"/],
  ];
  for (const [questions, message] of mistakes) {
    const reply = await ask("POST", "/forms", { name: "Bad", questions: questions as object });
    assert.deepEqual([reply.status, reply.body.error], [400, "invalid_value"], reply.text);
    assert.match(reply.body.message, message);
  }
});

test("answers are held to type, options, ranges and what is required", async () => {
  const answers = {
    roof: "FLAT",
    budget: 500,
    extras: ["heat", "battery"],
    since: "2026-02-28",
    rate: 1.5,
    sure: true,
    name: "Jané",
    q8: "long\nstory",
  };
  const made = await make("/qualifications", { form_id: form, contact_id: contact, answers });
  assert.deepEqual(made.answers, { ...answers, roof: "flat", extras: ["battery", "heat"] });
  assert.equal(made.form_version, 1);
  const refused: [object, RegExp, string?][] = [
    [{ budget: 1.5 }, /budget is "1.5"/],
    [{ budget: "x" }, /budget is "x"/],
    [{ budget: "20.000" }, /budget is "20.000"/],
    [{ budget: -1 }, /budget is out of range at -1/],
    [{ budget: 1001 }, /out of range at 1001/],
    [{ roof: "tiled" }, /roof is "tiled"/],
    [{ roof: null }, /answers lack roof: "Roof"/, "missing_field"],
    [{ extras: ["heat", "pool"] }, /extras is /],
    [{ since: "2026-02-30" }, /since is "2026-02-30"/],
    [{ since: 2026 }, /since is "2026"/],
    [{ sure: "perhaps" }, /sure is "perhaps"/],
    [{ name: "Janine" }, /more than 5 characters/],
    [{ name: ["J"] }, /name is /],
    [{ name: "  " }, /name is " {2}"/],
    [{ colour: "red" }, /there is no question "colour" to answer/],
    [{ nam: "x" }, /did you mean name\?/],
  ];
  for (const [wrong, message, code = "invalid_value"] of refused) {
    const reply = await ask("PATCH", `/qualifications/${made.id}`, { answers: wrong });
    assert.deepEqual([reply.status, reply.body.error], [400, code], `${JSON.stringify(wrong)} ${reply.text}`);
    assert.match(reply.body.message, message);
    const { roof: _, ...others } = answers;
    const fresh = await ask("POST", "/qualifications", {
      form_id: form,
      contact_id: contact,
      answers: { ...others, roof: "flat", ...wrong },
    });
    assert.equal(fresh.status, 400, JSON.stringify(wrong));
  }
  assert.equal((await ask("GET", `/qualifications/${made.id}`)).body.version, 1);
  const lacks = await ask("POST", "/qualifications", { form_id: form, contact_id: contact });
  assert.match(lacks.body.message, /answers lack roof/);
  const found = await ask("GET", "/qualifications?answers.budget=gt:400&answers.roof=flat");
  assert.deepEqual(
    found.body.items.map(({ id }: { id: string }) => id),
    [made.id],
  );
  const typed = await ann.send(
    "POST",
    "/qualifications",
    `form=Solar&contact_id=${contact}&answers.roof=flat&answers.rate=1.10&answers.extras=heat,battery&answers.sure=true&answers.name=42`,
  );
  assert.match(
    typed.text,
    /answers\.extras="\[\\"battery\\",\\"heat\\"\]" answers\.name="?\\?"?42.* answers\.rate=1\.1 answers\.roof=flat answers\.sure=true/,
  );
});

test("it is about a contact, a deal or a member, and keeps the questions that it answered", async () => {
  const own = await make("/forms", { name: "Moving", questions: [{ id: "a", label: "A", type: "text" }] });
  const campaign = await make("/campaigns", { name: "Spring", form_id: own.id });
  await ask("POST", `/campaigns/${campaign.id}/members`, { contact_id: contact });
  const [member] = (await ask("GET", `/campaigns/${campaign.id}/members`)).body.items;
  const made = await make(`/campaign_members/${member.id}/qualifications`, { answers: { a: "x" } });
  assert.deepEqual([made.contact_id, made.campaign_id, made.form_id], [contact, campaign.id, own.id]);
  const deal = await make("/deals", { title: "D", contact_id: contact });
  assert.equal((await make("/qualifications", { form_id: own.id, deal_id: deal.id })).contact_id, contact);
  assert.match(
    (await ask("POST", "/qualifications", { form_id: own.id })).body.message,
    /one of contact_id, deal_id, member_id/,
  );
  assert.match((await ask("POST", "/qualifications", { contact_id: contact })).body.message, /needs form_id or form/);
  await ask("PATCH", `/forms/${own.id}`, { questions: [{ id: "b", label: "B", type: "integer", required: true }] });
  assert.equal((await ask("PATCH", `/qualifications/${made.id}`, { answers: { a: "y" } })).body.answers.a, "y");
  const file = await ann.send(
    "POST",
    "/qualifications/import",
    JSON.stringify({ form: "Moving", contact_id: contact, answers: { b: "x" } }),
  );
  assert.match(file.text, /ERROR invalid_value answers cannot be like that: b is "x"/);
});

test("words that others use are told as what they mean", async () => {
  const refusedAs = async (question: object) =>
    (await ask("POST", "/forms", { name: "Words", questions: [question] })).body.message as string;
  assert.match(await refusedAs({ label: "A", type: "select", options: ["x"] }), /has the type "select": did you mean choice\?/);
  assert.match(await refusedAs({ text: "A", type: "text" }), /has no "?text"?: did you mean label\?/);
  const { message } = (await ask("POST", "/scripts", { name: "W", steps: [{ type: "boolean", text: "A" }] })).body;
  assert.match(message, /did you mean yesno\?/);
});
