import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { type Client, type Reply, type Service, startService } from "../helpers/service.ts";

/** A token sees only records of the kinds that it may read, and not even names of others, also in answers to its own writes. */

const SECRETS = /Jane|Secret|secret\.example|\+1 555|confidential/;

let service: Service;
let ann: Client;
let contact: string;
let company: string;
let deal: string;
before(async () => {
  service = await startService();
  ann = await service.signIn();
  company = await made("/companies", { name: "Secret Ltd", domain: "secret.example" });
  const body = { name: "Jane Secret", email: "jane@secret.example", phone: "+1 555 0100", company_id: company };
  contact = await made("/contacts", { ...body, notes: "confidential", stage: "lead", custom: { key: "confidential" } });
  deal = await made("/deals", { title: "Rollout", contact_id: contact, company_id: company });
});
after(() => service.close());

async function made(path: string, body: object): Promise<string> {
  return (await ann.send("POST", `${path}?format=json`, body)).json().id;
}

async function narrowed(...scopes: string[]): Promise<Client["send"]> {
  const { token } = (await ann.send("POST", "/tokens?format=json", { name: "narrow", scopes })).json();
  return (method, path, body, headers = {}) =>
    service.send(method, path, body, { ...headers, authorization: `Bearer ${token}` });
}

function assertSilent(reply: Reply, what: string): Reply {
  assert.doesNotMatch(reply.text + JSON.stringify([...reply.headers]), SECRETS, what);
  return reply;
}

test("a token that may only write deals sees nothing of contacts and companies", async () => {
  for (const scopes of [["deals.write"], ["write"], ["deals.write", "deals.read"], ["deals.write", "tasks.read"]]) {
    const send = await narrowed(...scopes);
    for (const name of ["Jan", "jane", "Secre", "jane secrot"]) {
      for (const link of ["contact", "company"]) {
        const refused = assertSilent(await send("POST", "/deals", { title: "Probe", [link]: name }), `${scopes} ${name}`);
        assert.equal(refused.status, 422, refused.text);
      }
    }
    for (const format of ["text", "json"]) {
      const q = `format=${format}`;
      const answers = [
        await send("POST", `/deals?${q}`, { title: "By id", contact_id: contact }),
        await send("POST", `/deals?${q}`, { title: "By address", contact: "jane@secret.example" }),
        await send("PATCH", `/deals/${deal}?${q}`, { stage: `demo ${scopes} ${format}` }),
        await send("PATCH", `/deals/${deal}?${q}`, { stage: `demo ${scopes} ${format}` }),
      ];
      for (const answer of answers) {
        const sent = answer.text.replaceAll("jane@secret.example", "");
        assert.ok([200, 201].includes(answer.status), answer.text);
        assert.doesNotMatch(sent, SECRETS, `${scopes}`);
      }
    }
  }
});

test("an ambiguous name is refused without the ids of its candidates", async () => {
  for (const n of [1, 2]) await made("/contacts", { name: "Twin", email: `twin${n}@acme.com` });
  const refused = await (await narrowed("deals.write"))("POST", "/deals", { title: "x", contact: "Twin" });
  assert.match(refused.text, /^ERROR unprocessable more than one contact "Twin"\n/);
  assert.doesNotMatch(refused.text, /c_[0-9a-z]{8}/);
  assert.match((await ann.send("POST", "/deals", { title: "x", contact: "Twin" })).text, /contact_id=c_\w{8} or c_\w{8}/);
  const [, both] = /tell them apart: GET (\S+)/.exec((await ann.send("POST", "/deals", { title: "x", contact: "Twin" })).text)!;
  assert.deepEqual(
    (await ann.send("GET", `${both}&sort=name&format=json`))
      .json()
      .items.map(({ email }: { email: string }) => email)
      .sort(),
    ["twin1@acme.com", "twin2@acme.com"],
  );
});

test("an upsert or a PATCH shows a write-only token only the record's identity", async () => {
  const short = contact.slice(-8);
  for (const scope of ["contacts.write", "write"]) {
    const send = await narrowed(scope);
    const line = new RegExp(`^contact/c_${short} version=\\d+\\n# (updated ch_\\w{8}|unchanged|updated \\(unchanged\\))\\n$`);
    for (const [method, path, body] of [
      ["POST", "/contacts", { email: "jane@secret.example" }],
      ["POST", "/contacts", { email: "jane@secret.example", title: `CTO ${scope}` }],
      ["PATCH", `/contacts/${contact}`, { custom: { mine: scope } }],
      ["PATCH", `/contacts/${contact}`, { stage: "lead" }],
    ] as const) {
      assert.match(assertSilent(await send(method, path, body), `${scope} ${method}`).text, line);
      const json = assertSilent(await send(method, `${path}?format=json`, body), `${scope} ${method}`).json();
      assert.deepEqual(Object.keys(json).sort(), ["handle", "id", "version"]);
    }
    for (const fields of ["notes", "name", "company", "id,phone"]) {
      const refused = assertSilent(await send("PATCH", `/contacts/${contact}?fields=${fields}`, { stage: "x" }), fields);
      assert.match(refused.text, /^ERROR scope_required /, fields);
    }
    const created = await send("POST", "/contacts", { name: "Jane Secret" });
    assert.match(created.text, /^contact\/c_\w{8} version=1\n# created ch_\w{8}\n$/, "nor that another has this name");
    assert.match(
      (await send("POST", "/contacts?fields=id,version", { name: "New" })).text,
      / version=1\n# created ch_\w{8}\n$/,
    );
  }
  assert.match((await ann.send("GET", `/contacts/${contact}`)).text, / stage=lead /, "the refused ones wrote nothing");
});

test("the confirmation of a deletion hides the name from a token that may not read", async () => {
  const id = await made("/contacts", { name: "Jane Secret" });
  const send = await narrowed("contacts.delete");
  const asked = assertSilent(await send("DELETE", `/contacts/${id}`), "asked");
  const confirm = /^confirm=(\S+)$/m.exec(asked.text)?.[1];
  assert.match(
    assertSilent(await send("DELETE", `/contacts/${id}?confirm=${confirm}`), "done").text,
    /^OK deleted contact\/c_/,
  );
});

test("names of linked records show only where their kind may be read, in lists, records and history", async () => {
  const reader = await narrowed("deals.read", "activities.read", "tasks.read");
  for (const path of [
    "/deals",
    `/deals/${deal}`,
    `/deals/${deal}/history`,
    `/deals/${deal}/history?fields=before,after`,
    `/companies/${company}/deals`,
    "/deals?format=json",
    `/deals/${deal}?format=json`,
    `/deals/${deal}/history?format=json&fields=changes,before,after,name`,
    "/deals?contact=is:null",
    `/deals?contact=${contact}`,
  ])
    assert.equal(assertSilent(await reader("GET", path), path).status, 200, path);
  for (const path of [
    "/deals?contact=like:j",
    "/deals?contact=Jane%20Secret",
    "/deals?company=ne:x",
    "/deals?company=starts:x",
    "/deals?fields=title,contact",
    `/deals/${deal}?fields=company`,
    `/contacts/${contact}`,
    "/contacts",
    `/contacts/${contact}/history`,
    `/deals/${deal}/history/..%2Fcontacts`,
    "/search?q=jane",
    "/reminders?days=3650",
    "/audit",
  ])
    assert.notEqual(assertSilent(await reader("GET", path), path).status, 200, path);
  const both = await narrowed("deals.read", "contacts.read");
  const { text } = await both("GET", `/deals/${deal}`);
  assert.match(text, / contact="Jane Secret"/);
  assert.doesNotMatch(text, /Secret Ltd/);
  assert.match((await ann.send("GET", `/deals/${deal}`)).text, / company="Secret Ltd"/);
});
