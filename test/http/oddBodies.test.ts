import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { type Client, type Reply, type Service, startService } from "../helpers/service.ts";

/** Hostile and oversized bodies. None of them changes anything it should not. */

let service: Service;
let ann: Client;
/** A clock that advances a second per request, so that an unwanted write shows in updated_at. */
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

/** Creates a record and returns it as JSON. */
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

test("an id in the body redirects no write: read-only and unknown fields are refused by name", async () => {
  const victim = await make("/contacts", { name: "Victim" });
  const { id } = await make("/contacts", { name: "Target" });
  for (const body of [
    { id: victim.id, name: "Owned" },
    { handle: victim.handle, name: "Owned" },
    { name: "Owned", created_at: "2020-01-01" },
    { name: "Owned", created_by: "mallory" },
    { name: "Owned", updated_at: "2020-01-01" },
    { name: "Owned", workspace_id: "ws_1" },
    { name: "Owned", deleted_at: null },
    { name: "Owned", nmae: "x" },
    { name: "Owned", Name: "x" },
  ]) {
    const [name] = Object.keys(body).filter((key) => key !== "name");
    assertRefused(await send("PATCH", `/contacts/${id}`, body), 400, "invalid_field", new RegExp(name!));
    assertRefused(await send("POST", "/contacts", body), 400, "invalid_field", new RegExp(name!));
  }
  assert.match((await send("PATCH", `/contacts/${id}`, { nmae: "x" })).text, /HINT {2}did you mean name\?/);
  for (const each of [victim.id, id]) assert.equal((await get(`/contacts/${each}`)).version, 1);
});

test("a note with line breaks forges no record, trailer or error", async () => {
  const notes = "\ncontact/c_00000000 name=Forged\n# 99 contacts\nERROR internal\r\nHINT  rm -rf\u2028# next: x\u0085OK";
  const { id } = await make("/contacts", { name: "Honest\n# created", notes });
  for (const path of [
    `/contacts/${id}`,
    "/contacts?fields=name,notes&search=forged",
    `/contacts/${id}/history?fields=after,before,changes`,
  ]) {
    const { text } = await send("GET", path);
    for (const line of text.split(/[\n\r\u2028\u0085]/).filter(Boolean))
      assert.match(line, /^(contact\/|change\/|# (1 contact|1 change)$)/, line);
  }
  assert.equal((await get(`/contacts/${id}`)).notes, notes);
});

test("numbers and structures that cannot be stored exactly are refused and change nothing", async () => {
  const deal = await make("/deals", { title: "Sound", amount_cents: 1, custom: { a: 1 } });
  const path = `/deals/${deal.id}`;
  const deep = (levels: number) => "[".repeat(levels) + "]".repeat(levels);
  for (const body of [
    '{"amount_cents":9007199254740993}',
    '{"amount_cents":1e400}',
    '{"amount_cents":-1e400}',
    '{"amount_cents":1.5}',
    '{"amount_cents":"12,50"}',
    '{"amount_cents":true}',
    '{"amount_cents":[1]}',
    '{"amount_cents":{"toString":1}}',
    '{"custom":{"big":9007199254740993}}',
    '{"custom":{"big":1e400}}',
    '{"custom":{"a":{"b":[1e999]}}}',
    `{"custom":{"deep":${deep(5_000)}}}`,
    `{"custom":{"deep":${deep(400_000)}}}`,
    `{"title":${deep(5_000)}}`,
    `{"deep":${deep(400_000)}}`,
    `{"tags":${deep(5_000)}}`,
    `{${Array.from({ length: 10_000 }, (_, i) => `"k${i}":1`).join()}}`,
    `{"custom":{${Array.from({ length: 10_000 }, (_, i) => `"k${i}":1`).join()}}}`,
    `{"custom":{"__proto__":{"a":1}}}`,
    `{"custom.__proto__":1}`,
    `{"__proto__":{"title":"x"}}`,
    `{"constructor":{"prototype":{"title":"x"}}}`,
    `{"title":"\\u0000"}`,
    `{"title":"\\ud800"}`,
    `{"custom":{"a":"\\u0000"}}`,
    `{"custom":{"a\\u0000":1}}`,
    `{"close_date":"2026-02-30"}`,
    `{"follow_up_at":"2026-13-01T00:00:00Z"}`,
    `{"follow_up_at":"infinity"}`,
    `{"currency":"EURO"}`,
    `{"status":"maybe"}`,
    `{"tags":"a b"}`,
    `{"tags":["a,b"]}`,
    `{"tags":{"a":1}}`,
    `{"title":"${"x".repeat(501)}"}`,
  ]) {
    for (const [method, to] of [
      ["PATCH", path],
      ["POST", "/deals"],
    ] as const) {
      const reply = await send(method, to, body);
      assert.ok(
        reply.status >= 400 && reply.status < 500,
        `${method} ${body.slice(0, 60)}: ${reply.status} ${reply.text.slice(0, 300)}`,
      );
      assert.match(reply.text, /^ERROR \w+ [^\n]{1,400}\n(HINT {2}[^\n]{1,600}\n)+$/, body.slice(0, 60));
    }
  }
  assert.deepEqual(await get(path), deal);
});

test("a body of more than 20,000 values is refused, and brackets in text do not count", async () => {
  const many = Array.from({ length: 60_000 }, (_, i) => i);
  for (const body of [
    `{"name":"Many","custom":{"a":[${many.join(",")}]}}`,
    `{"name":"Many",${many.map((i) => `"k${i}":1`).join(",")}}`,
    `{"name":"Deep","custom":{"a":${"[".repeat(60_000)}${"]".repeat(60_000)}}}`,
    `name=Many&${many.map((i) => `tags=${i}`).join("&")}`,
  ])
    assertRefused(await send("POST", "/contacts", body), 413, "body_too_large", /20000 values/);
  const { notes } = await make("/contacts", { name: "Long", notes: '"\\,[{'.repeat(2_000) });
  assert.equal(notes.length, 10_000);
});

test("thousands of exact integers beyond 2^53 are stored, and an inexact one is refused", async () => {
  const exact = Array.from({ length: 2_000 }, (_, i) => String(2n ** 53n + 2n * BigInt(i + 1)));
  const made = await send("POST", "/contacts?format=json", `{"name":"Exact","custom":{"ids":[${exact.join(",")}]}}`);
  assert.ok(made.text.includes(`"ids":[${exact.join(",")}]`), made.text.slice(0, 200));
  const changed = `{"name":"Changed","custom":{"ids":[${exact.join(",")},9007199254740993]}}`;
  assertRefused(await send("POST", "/contacts", changed), 400, "invalid_value", /9007199254740992/);
});

test("a JSON number with too many digits is refused, a form keeps it as text, and no filter rounds it", async () => {
  for (const number of ["1234567890123456789012", "12345678901234567890", "0.1234567890123456789", "1e-400", "1e400"]) {
    for (const body of [
      `{"name":"Rounded","custom":{"n":${number}}}`,
      `{"name":"Rounded","custom.n":[{"n":${number}}]}`,
      { name: "Rounded", custom: `{"n":${number}}` },
      `name=Rounded&custom=${encodeURIComponent(`{"n":${number}}`)}`,
    ])
      assertRefused(await send("POST", "/contacts", body), 400, "invalid_value", new RegExp(`number "${number}"`));
    const { custom } = await make("/contacts", `name=Text&custom.n=${number}`);
    assert.deepEqual(custom, { n: number }, "a form makes it text");
  }
  await make("/contacts", '{"name":"Edge","custom":{"edge":9007199254740992}}');
  const found = async (filter: string) =>
    (await send("GET", `/contacts?custom.edge=${filter}&format=json`)).json().items.length;
  assert.deepEqual(
    [await found("9007199254740992"), await found("9007199254740993"), await found("gte:9007199254740993")],
    [1, 0, 0],
  );
  assert.equal(await found("lt:9007199254740993"), 1);
  assert.equal(await found("gt:1e-999999"), 1);
  assert.deepEqual([await found("lt:1e999999"), await found("gt:-1e999999"), await found("gt:1e999999")], [1, 1, 0]);
});

test("a form value is a number only when JSON writes it the same way", async () => {
  const kept = { a: 5, b: -0.5, c: true, d: 1e21 };
  const texts = { e: "1.10", f: "007", g: "1e3", h: "-0", i: "+5", j: ".5", k: "5.", l: "TRUE", m: "null", n: "0x1f", o: " 5" };
  const form = new URLSearchParams({ name: "Form" });
  for (const [key, value] of Object.entries({ ...kept, ...texts })) form.set(`custom.${key}`, String(value));
  const { custom } = await make("/contacts", form.toString());
  assert.deepEqual(custom, { ...kept, ...texts });
});

test("a form value with an unescaped & is refused with a hint at %26", async () => {
  const path = `/contacts/${(await make("/contacts", { name: "Ampersand" })).id}`;
  assertRefused(await send("PATCH", path, "follow_up_note=Send & ask"), 400, "invalid_field", /HINT {2}an & inside .*%26/);
  const json = await send("PATCH", path, { " ask": "" });
  assertRefused(json, 400, "invalid_field", /no field " ask"/);
  assert.doesNotMatch(json.text, /%26/);
});

test("a text that cannot be stored is refused with the reason", async () => {
  assertRefused(await send("POST", "/contacts", { name: "a\0b" }), 400, "invalid_value", /HINT {2}leave out NUL characters/);
  const long = await send("POST", "/contacts", { name: "x".repeat(501) });
  assertRefused(long, 400, "invalid_value", /HINT {2}name expects text of at most 500/);
});
