import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { raw } from "../../src/postgres/sql.ts";
import { catalog } from "../../src/records/all.ts";
import { type Client, type Service, startService } from "../helpers/service.ts";

let service: Service;
let ann: Client;
before(async () => {
  service = await startService();
  ann = await service.signIn();
});
after(() => service.close());

type Shown = Record<string, unknown> & { id: string };

const read = async (path: string): Promise<Shown> => (await ann.send("GET", `${path}?format=json`)).json();
const found = async (path: string): Promise<string[]> =>
  (await ann.send("GET", `${path}${path.includes("?") ? "&" : "?"}format=json`)).json().items.map(({ id }: Shown) => id);

async function make(path: string, body: object): Promise<Shown> {
  const reply = await ann.send("POST", `${path}?format=json`, body);
  assert.ok(reply.status < 300, reply.text);
  return reply.json();
}

async function confirmed(method: string, path: string, body?: object) {
  const asked = await ann.send(method, `${path}?format=json`, body);
  assert.equal(asked.status, 409, asked.text);
  const reply = await ann.send(method, `${path}?confirm=${asked.json().confirm}`, body);
  assert.equal(reply.status, 200, reply.text);
  return reply;
}

const undo = async (reply: { headers: Headers }) => {
  const undone = await ann.send("POST", "/undo", { change: reply.headers.get("x-change") });
  assert.equal(undone.status, 200, undone.text);
  return undone;
};

const lasting = ({ version: _, updated_at: __, ...rest }: Shown) => rest;

test("further values are stored as the main one would be, once each, and never the main one itself", async () => {
  const jane = await make("/contacts", {
    email: "jane@f.example",
    emails: ["JANE@F.example", " J.Doe@Bücher.example", "j.doe@xn--bcher-kva.example", "doe@f.example"],
    phones: ["+49 30 1", "+49 30 2", "0171, after six"],
  });
  assert.deepEqual(jane.emails, ["j.doe@bücher.example", "doe@f.example"]);
  assert.equal(jane.phone, "+49 30 1");
  assert.deepEqual(jane.phones, ["+49 30 2", "0171, after six"]);
  const line = (await ann.send("GET", `/contacts/${jane.id}`)).text;
  assert.match(line, / emails="j\.doe@bücher\.example,doe@f\.example"| emails=j\.doe@bücher\.example,doe@f\.example /);
  const form = await ann.send("PATCH", `/contacts/${jane.id}`, "emails=a@f.example,B@f.example&phones=%2B1 2", {
    "content-type": "application/x-www-form-urlencoded",
  });
  assert.match(form.text, /emails=a@f\.example,b@f\.example phone="\+49 30 1" phones="\+1 2"/);
});

test("what is no address is refused, and so are too many", async () => {
  const refused = async (body: object, code: RegExp) => {
    const reply = await ann.send("POST", "/contacts", { name: "No", ...body });
    assert.equal(reply.status, 400, reply.text);
    assert.match(reply.text, code);
  };
  await refused({ emails: ["no address"] }, /^ERROR invalid_email emails cannot be/);
  await refused({ emails: [5] }, /^ERROR invalid_email/);
  await refused({ phones: "x\u0000" }, /^ERROR invalid_value/);
  await refused({ emails: Array.from({ length: 21 }, (_, i) => `m${i}@many.example`) }, /at most 20/);
  const { id } = await make("/contacts", {
    name: "Many",
    email: "m@many.example",
    emails: Array.from({ length: 20 }, (_, i) => `m${i}@many.example`),
  });
  const reply = await ann.send("PATCH", `/contacts/${id}`, { emails: { add: ["one@many.example"] } });
  assert.match(reply.text, /^ERROR invalid_value emails would come to more than 20/);
});

test("lists are changed in place; one of the list that becomes the main value changes places with it", async () => {
  const { id } = await make("/contacts", { email: "main@p.example", emails: ["one@p.example"] });
  const patched = async (body: object) => {
    const reply = await ann.send("PATCH", `/contacts/${id}?format=json`, body);
    assert.equal(reply.status, 200, reply.text);
    const { email, emails } = reply.json();
    return [email, emails];
  };
  const edit = { add: ["TWO@p.example", "main@p.example"], remove: ["ONE@p.example"] };
  assert.deepEqual(await patched({ emails: edit }), ["main@p.example", ["two@p.example"]]);
  assert.deepEqual(await patched({ email: "two@p.example" }), ["two@p.example", ["main@p.example"]]);
  assert.deepEqual(await patched({ email: "three@p.example" }), ["three@p.example", ["main@p.example"]]);
  assert.deepEqual(await patched({ email: "main@p.example", emails: ["x@p.example"] }), ["main@p.example", ["x@p.example"]]);
  // What was given up is free again.
  assert.notEqual((await make("/contacts", { email: "two@p.example", emails: ["one@p.example"] })).id, id);
  assert.deepEqual(await patched({ email: null }), [null, ["x@p.example"]]);
  assert.equal((await make("/contacts", { email: "x@p.example" })).id, id);
});

test("an upsert by a further value updates the record and leaves its main one", async () => {
  const { id } = await make("/contacts", { name: "Una", email: "una@u.example", emails: ["una@home.example"] });
  const reply = await ann.send("POST", "/contacts?format=json", { email: "UNA@home.example", title: "CTO" });
  assert.equal(reply.status, 200);
  assert.match((await ann.send("POST", "/contacts", { email: "una@home.example", title: "CEO" })).text, /# updated ch_\w+\n$/);
  assert.match((await ann.send("POST", "/contacts", { email: "una@home.example" })).text, /# updated \(unchanged\)\n$/);
  const now = await read(`/contacts/${id}`);
  assert.deepEqual([now.email, now.emails, now.title], ["una@u.example", ["una@home.example"], "CEO"]);
  // The list is replaced, but for the value that led there.
  await make("/contacts", { email: "una@home.example", emails: ["una@new.example"] });
  const then = await read(`/contacts/${id}`);
  assert.deepEqual([then.email, then.emails], ["una@u.example", ["una@new.example", "una@home.example"]]);
  const only = await ann.send("POST", "/contacts", { email: "una@new.example" }, { "if-none-match": "*" });
  assert.equal(only.status, 409);
  const list = await ann.send("POST", "/contacts?format=json", { name: "Una", emails: ["una@new.example", "una@4.example"] });
  assert.deepEqual([list.json().id, list.json().email], [id, "una@u.example"]);
});

test("filters, search and links find a record by any of its values", async () => {
  const acme = await make("/companies", { name: "Acme", domain: "acme.example", domains: ["acme.test", "WWW.acme.org"] });
  const jo = await make("/contacts", {
    name: "Jo",
    email: "jo@acme.example",
    emails: ["jo@acme.test"],
    phone: "+49 30 77",
    phones: ["+49 171 8899"],
    company: "acme.org",
  });
  assert.equal(jo.company_id, acme.id);
  for (const query of [
    "email=jo@acme.test",
    "email=in:nobody@acme.test,JO@acme.test",
    "email=like:acme.test",
    "email=starts:jo@acme.t",
    "emails=has:jo@acme.test",
    "phone=%2B49 171 8899",
    "search=jo@acme.test",
    "search=491718899",
    "company=acme.test",
    "email=jo@acme.test&deleted=include",
  ])
    assert.deepEqual(await found(`/contacts?${query}`), [jo.id], query);
  assert.ok(!(await found("/contacts?email=ne:jo@acme.test&limit=200")).includes(jo.id));
  assert.ok(!(await found("/contacts?emails=is:null&limit=200")).includes(jo.id));
  const deal = await make("/deals", { title: "By address", contact: "jo@acme.test", company: "acme.test" });
  assert.deepEqual([deal.contact_id, deal.company_id], [jo.id, acme.id]);
  assert.deepEqual(await found("/deals?contact=jo@acme.test"), [deal.id]);
});

test("a value of another record is refused by name, and two records are offered a merge", async () => {
  const a = await make("/contacts", { email: "a@two.example", emails: ["aa@two.example"] });
  const b = await make("/contacts", { email: "b@two.example", emails: ["bb@two.example"] });
  const [handleA, handleB] = [`c_${a.id.slice(-8)}`, `c_${b.id.slice(-8)}`];
  const merge = new RegExp(`merge them: POST /contacts/${handleA}/merge \\{"from":"${handleB}"\\}`);
  const lead = await ann.send("POST", "/contacts", { email: "aa@two.example", emails: ["bb@two.example"], title: "lost" });
  assert.equal(lead.status, 409);
  assert.match(
    lead.text,
    new RegExp(`^ERROR already_exists the values lead to two contacts: contact/${handleA} and contact/${handleB}`),
  );
  assert.match(lead.text, merge);
  for (const body of [{ emails: ["b@two.example"] }, { emails: { add: ["bb@two.example"] } }, { email: "bb@two.example" }]) {
    const reply = await ann.send("PATCH", `/contacts/${a.id}`, body);
    assert.equal(reply.status, 409);
    assert.match(reply.text, new RegExp(`contact/${handleB}`));
    assert.match(reply.text, merge);
  }
  const fresh = await ann.send("POST", "/contacts", { email: "new@two.example", emails: ["b@two.example"] });
  assert.equal(fresh.status, 409);
  assert.match(fresh.text, new RegExp(`^ERROR already_exists "b@two\\.example" belongs to contact/${handleB}`));
  assert.deepEqual(lasting(await read(`/contacts/${a.id}`)), lasting(a));
  assert.deepEqual(await found("/contacts?email=new@two.example"), []);
  // Phones may be shared.
  await make("/contacts", { name: "P", phones: ["1", "2"] });
  await make("/contacts", { name: "Q", phones: ["2", "1"] });
  const blind = (await ann.send("POST", "/tokens?format=json", { name: "blind", scopes: ["contacts.write"] })).json();
  const refused = await ann.send(
    "PATCH",
    `/contacts/${a.id}`,
    { emails: ["bb@two.example"] },
    { authorization: `Bearer ${blind.token}` },
  );
  assert.equal(refused.status, 409);
  assert.ok(!refused.text.includes(handleB), "a token that may not read is not told whose it is");
});

test("sixteen callers with main and further values of one person end in one record", async () => {
  for (let round = 0; round < 5; round++) {
    const address = (name: string) => `${name}${round}@race.example`;
    const bodies = [
      { name: "R", email: address("x") },
      { name: "R", email: address("x"), emails: [address("y")] },
      { name: "R", email: address("y"), emails: [address("x")] },
      { name: "R", emails: [address("y"), address("x")] },
    ];
    const replies = await Promise.all(
      Array.from({ length: 16 }, (_, i) => ann.send("POST", "/contacts?format=json", { ...bodies[i % 4], title: `t${i}` })),
    );
    const allowed = replies.filter(({ status }) => status !== 409);
    for (const reply of replies) assert.ok([200, 201, 409].includes(reply.status), reply.text);
    assert.equal(replies.filter(({ status }) => status === 201).length, 1, "one creates");
    assert.equal(new Set(allowed.map((reply) => reply.json().id)).size, 1);
    const holders = await found(`/contacts?email=in:${address("x")},${address("y")}`);
    assert.equal(holders.length, 1, "one record has them");
  }
});

test("callers who give one value to several records at once leave it with one", async () => {
  const ids = [];
  for (let i = 0; i < 8; i++) ids.push((await make("/contacts", { email: `g${i}@give.example` })).id);
  const bodies = (i: number) => (i % 2 ? { email: "it@give.example" } : { emails: { add: ["it@give.example"] } });
  const replies = await Promise.all(ids.map((id, i) => ann.send("PATCH", `/contacts/${id}`, bodies(i))));
  assert.deepEqual(replies.map(({ status }) => status).sort(), [200, ...Array(7).fill(409)]);
  const made = await ann.send("POST", "/contacts", { email: "it@give.example", title: "found" });
  assert.match(made.text, /# updated/);
});

test("a merge keeps the other's values, an upsert by them reaches the kept record, and an undo brings all back", async () => {
  const kept = await make("/contacts", { name: "Kept", email: "k@m.example", emails: ["kk@m.example"], phone: "1" });
  const other = await make("/contacts", { name: "Other", email: "o@m.example", emails: ["oo@m.example"], phone: "2" });
  const asked = await ann.send("POST", `/contacts/${kept.id}/merge`, { from: other.id });
  assert.match(asked.text, /email: \S+ stays, \S+ goes to emails/);
  const merged = await confirmed("POST", `/contacts/${kept.id}/merge`, { from: other.id });
  const now = await read(`/contacts/${kept.id}`);
  assert.deepEqual(
    [now.email, now.emails, now.phone, now.phones],
    ["k@m.example", ["kk@m.example", "o@m.example", "oo@m.example"], "1", ["2"]],
  );
  const upsert = await make("/contacts", { email: "o@m.example" });
  assert.equal(upsert.id, kept.id);
  await undo(merged);
  assert.deepEqual(lasting(await read(`/contacts/${kept.id}`)), lasting(kept));
  assert.deepEqual(lasting(await read(`/contacts/${other.id}`)), lasting(other));
  for (const email of ["k@m.example", "kk@m.example"]) assert.equal((await make("/contacts", { email })).id, kept.id);
  for (const email of ["o@m.example", "oo@m.example"]) assert.equal((await make("/contacts", { email })).id, other.id);
  const taken = await confirmed("POST", `/contacts/${kept.id}/merge`, { from: other.id, take: ["email"] });
  const then = await read(`/contacts/${kept.id}`);
  assert.deepEqual([then.email, then.emails], ["o@m.example", ["kk@m.example", "k@m.example", "oo@m.example"]]);
  await undo(taken);
  assert.deepEqual(lasting(await read(`/contacts/${kept.id}`)), lasting(kept));
});

test("a deletion frees the values, a new record is told of the deleted one, and a restore takes them again", async () => {
  const gone = await make("/companies", { name: "Gone", domain: "gone.example", domains: ["gone.test"] });
  await confirmed("DELETE", `/companies/${gone.id}`);
  const again = await ann.send("POST", "/companies", { domain: "gone.test" });
  assert.equal(again.status, 201);
  assert.match(
    again.text,
    /a deleted company had this domain: GET \/companies\?deleted=only&domain=gone\.test .* POST \/companies\/\{id\}\/restore/,
  );
  assert.deepEqual(await found("/companies?deleted=only&domain=gone.test"), [gone.id]);
  const [id] = await found("/companies?domain=gone.test");
  const refused = await ann.send("POST", `/companies/${gone.id}/restore`);
  assert.equal(refused.status, 409);
  assert.match(refused.text, new RegExp(`co_${id!.slice(-8)} has its domain now`));
  await confirmed("DELETE", `/companies/${id}`);
  const back = await ann.send("POST", `/companies/${gone.id}/restore`);
  assert.equal(back.status, 200, back.text);
  assert.deepEqual(lasting(await read(`/companies/${gone.id}`)), lasting(gone));
  assert.equal((await make("/companies", { domain: "gone.test" })).id, gone.id);
});

test("an undo gives values back, also where two records have swapped them, and leaves what is taken", async () => {
  const a = await make("/contacts", { email: "a@swap.example", emails: ["aa@swap.example"] });
  const b = await make("/contacts", { email: "b@swap.example" });
  const freed = await ann.send("PATCH", `/contacts/${a.id}`, { emails: null });
  await ann.send("PATCH", `/contacts/${b.id}`, { emails: ["aa@swap.example"] });
  assert.match((await undo(freed)).text, new RegExp(`co?_${b.id.slice(-8)} has its email now`));
  assert.deepEqual((await read(`/contacts/${a.id}`)).emails, []);
  const removed = await ann.send("PATCH", `/contacts/${b.id}`, { emails: { remove: ["aa@swap.example"] } });
  await undo(freed);
  assert.equal((await make("/contacts", { email: "aa@swap.example" })).id, a.id);
  assert.equal((await ann.send("POST", "/undo", { change: removed.headers.get("x-change") })).status, 200);
  assert.equal((await make("/contacts", { email: "aa@swap.example" })).id, a.id);
});

test("another workspace has its own", async () => {
  const bob = await service.signIn("bob@example.com");
  await make("/contacts", { email: "w@ws.example", emails: ["ww@ws.example"] });
  const theirs = await bob.send("POST", "/contacts", { email: "ww@ws.example", emails: ["w@ws.example"] });
  assert.equal(theirs.status, 201, theirs.text);
  assert.equal((await bob.send("GET", "/contacts?email=ww@ws.example&format=json")).json().items.length, 1);
});

test("a card shows all of them", async () => {
  const { id } = await make("/contacts", {
    name: "Card",
    email: "c@card.example",
    emails: ["cc@card.example"],
    phone: "1",
    phones: ["2"],
  });
  const card = (await ann.send("GET", `/contacts/${id}?format=vcard`)).text;
  assert.match(card, /EMAIL;PREF=1:c@card\.example\r\nEMAIL:cc@card\.example\r\nTEL;PREF=1:1\r\nTEL:2\r\n/);
  const company = await make("/companies", { name: "Card Ltd", domain: "card.example", domains: ["card.test"] });
  const other = (await ann.send("GET", `/companies/${company.id}?format=vcard`)).text;
  assert.match(other, /URL:https:\/\/card\.example\r\nURL:https:\/\/card\.test\r\n/);
});

test("the index has exactly the values of the living", async () => {
  for (const { name, plural, naturalKey, furtherKey } of catalog.kinds) {
    if (!furtherKey) continue;
    const [left] = await service.pool.rows(
      raw(`select (select count(*)::int from addresses where kind = '${name}'),
        (select count(*)::int from addresses a join ${plural} r on r.workspace_id = a.workspace_id and r.id = a.record_id
          where a.kind = '${name}' and r.deleted_at is null and (a.value = r.${naturalKey} or a.value = any (r.${furtherKey.name}))),
        (select count(*)::int from ${plural} r, unnest(r.${furtherKey.name} || r.${naturalKey}) v where r.deleted_at is null and v is not null)`),
    );
    const [rows, owned, values] = left as number[];
    assert.ok(rows! > 0);
    assert.deepEqual([rows, owned], [values, values], plural);
  }
});
