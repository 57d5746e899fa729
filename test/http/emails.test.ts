import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { shortId } from "../../src/kit/id.ts";
import type { Json } from "../helpers/lines.ts";
import { type Client, type Service, startService } from "../helpers/service.ts";

/** Mails, and whom they are attached to. */

let service: Service;
let ann: Client;
before(async () => {
  service = await startService();
  ann = await service.signIn();
});
after(() => service.close());

let serial = 0;

async function make(path: string, body: object, client = ann): Promise<Json & { id: string }> {
  const reply = await client.send("POST", `${path}?format=json`, body);
  assert.ok(reply.status < 300, `POST ${path} ${JSON.stringify(body)} ${reply.text}`);
  return reply.json();
}

/** A mail from somebody to nobody else, unless the body says more. */
const mail = (from: string, body: object = {}) =>
  make("/emails", { from, message_id: `${++serial}@test.example`, subject: `Mail ${serial}`, ...body });

async function subjects(path: string, client = ann): Promise<string[]> {
  const reply = await client.send("GET", `${path}${path.includes("?") ? "&" : "?"}format=json`);
  assert.equal(reply.status, 200, `${path} ${reply.text}`);
  return reply.json().items.map(({ subject }: Json) => subject as string);
}

const attached = async (id: string, field: "contacts" | "companies" = "contacts"): Promise<string[]> => {
  const ids: string[] = (await ann.send("GET", `/emails/${id}?format=json`)).json()[field];
  return ids.map((each) => `${field === "contacts" ? "contact" : "company"}/${shortId(each)}`);
};

async function twice(method: string, path: string, body?: object): Promise<Json & { headers: Headers }> {
  const asked = await ann.send(method, `${path}${path.includes("?") ? "&" : "?"}format=json`, body);
  assert.equal(asked.status, 409, asked.text);
  const done = await ann.send(
    method,
    `${path}${path.includes("?") ? "&" : "?"}format=json&confirm=${asked.json().confirm}`,
    body,
  );
  assert.equal(done.status, 200, done.text);
  return { ...done.json(), headers: done.headers };
}

async function patch(path: string, body: object): Promise<string> {
  const reply = await ann.send("PATCH", path, body);
  assert.equal(reply.status, 200, reply.text);
  return reply.headers.get("x-change")!;
}

const undo = async (body: object) => assert.equal((await ann.send("POST", "/undo", body)).status, 200);
const handle = ({ handle: shown }: Json) => shown as string;

describe("a mail", () => {
  test("is attached to every contact and company that it names, by main and further addresses", async () => {
    const jane = await make("/contacts", { name: "Jane", email: "jane@a1.example" });
    const sam = await make("/contacts", { name: "Sam", email: "sam@elsewhere.example", emails: ["sam@a1.example"] });
    const kim = await make("/contacts", { name: "Kim", email: "kim@gmail.com" });
    const one = await make("/companies", { name: "A1", domain: "a1.example" });
    const other = await make("/companies", { name: "B1", domain: "b1.example", domains: ["further.b1.example"] });
    await make("/companies", { name: "Google Mail", domain: "gmail.com" });
    const { id } = await mail('"Doe, Jane" <JANE@A1.example>', {
      to: "Sam <sam@a1.example>, nobody@further.b1.example",
      cc: ["kim@gmail.com"],
    });
    assert.deepEqual((await attached(id)).sort(), [jane, sam, kim].map(handle).sort());
    assert.deepEqual((await attached(id, "companies")).sort(), [one, other].map(handle).sort(), "anybody may be at gmail.com");
    for (const { id: to } of [jane, sam, kim]) assert.equal((await subjects(`/contacts/${to}/emails`)).length, 1);
    for (const { id: to } of [one, other]) assert.equal((await subjects(`/companies/${to}/emails`)).length, 1);
    const { text } = await ann.send("GET", `/contacts/${jane.id}/emails`);
    assert.match(text, / contacts=c_\w{8},c_\w{8},c_\w{8} companies=co_\w{8},co_\w{8} /);
    for (const asked of [
      ...["involves=kim@gmail.com", "involves=a1.example", "involves=KIM@gmail.com,sam@a1.example", `contacts=${kim.id}`],
      ...[`companies=has:${other.handle}`, `contacts=${jane.id},${sam.id}`, `contacts=in:${jane.handle},${sam.handle}`],
    ])
      assert.equal((await subjects(`/emails?${asked}`)).length, 1, asked);
    assert.equal((await subjects(`/emails?contacts=ne:${kim.id}&involves=kim@gmail.com`)).length, 0);
  });

  test("is kept once by its message_id, however often and however many send it", async () => {
    const body = { from: "a@once.example", message_id: "<once@once.example>", subject: "Once" };
    const replies = await Promise.all(Array.from({ length: 6 }, () => ann.send("POST", "/emails?format=json", body)));
    assert.deepEqual(replies.map(({ status }) => status).sort(), [200, 200, 200, 200, 200, 201]);
    assert.equal(new Set(replies.map((reply) => reply.json().id)).size, 1);
    const again = await ann.send("POST", "/emails", { ...body, to: ["b@once.example"] });
    assert.match(again.text, /# updated ch_/);
    assert.deepEqual(await subjects("/emails?involves=b@once.example"), ["Once"]);
  });

  test("knows its direction, its beginning and its thread, unless they are sent", async () => {
    const first = await mail("sam@t.example", { message_id: "<t1@t.example>", body: "  Dear Ann,\n\ncan you  send it?" });
    const page = "<html><head><style>p {}</style></head><body><p>Here &amp; now&nbsp;it <b>is</b></p></body></html>";
    const reply = await mail("Ann <ann@example.com>", { in_reply_to: "<t1@t.example>", body_html: page, message_id: "t2" });
    const later = await mail("sam@t.example", { in_reply_to: "<t1@t.example> <t2>", message_id: "t3" });
    const early = await mail("sam@t.example", { in_reply_to: ["root@t.example", "unseen@t.example"] });
    const told = { direction: "out", snippet: "told", thread_id: "mine" };
    const own = await mail("sam@t.example", { ...told, in_reply_to: "t1@t.example" });
    const nameless = await make("/emails", { from: "sam@t.example" });
    assert.match((await ann.send("POST", "/emails", {})).text, /^ERROR missing_field an email needs subject/);
    assert.doesNotMatch((await ann.send("POST", "/emails", { from: "sam@t.example" })).text, /another/);
    const of = ({ direction, snippet, thread_id }: Json) => ({ direction, snippet, thread_id });
    assert.deepEqual(of(first), { direction: "in", snippet: "Dear Ann, can you send it?", thread_id: "t1@t.example" });
    assert.deepEqual(of(reply), { direction: "out", snippet: "Here & now it is", thread_id: "t1@t.example" });
    assert.deepEqual(of(later), { direction: "in", snippet: null, thread_id: "t1@t.example" });
    assert.equal(early["thread_id"], "root@t.example", "a thread is called by its first mail");
    assert.deepEqual(of(own), told);
    assert.equal(nameless["thread_id"], nameless.id);
    assert.equal(nameless["subject"], "(no subject)");
    assert.equal((await subjects("/emails?thread_id=t1@t.example&sort=sent_at")).length, 3);
    const { lines } = await ann.send("GET", "/emails?group_by=thread_id&involves=t.example");
    assert.ok(lines.includes("group thread_id=t1@t.example emails=2"), lines.join("\n"));
    await patch(`/emails/${first.id}`, { body: "Never mind" });
    await patch(`/emails/${own.id}`, { body: "Never mind" });
    const read = async (id: string) => (await ann.send("GET", `/emails/${id}?format=json`)).json();
    assert.equal((await read(first.id)).snippet, "Never mind");
    assert.equal((await read(own.id)).snippet, "told");
  });

  test("is found by its words and addresses", async () => {
    await mail("zebulon@find.example", {
      subject: "About quixotics",
      body: "The wombat arrived",
      cc: ["yolanda@find.example"],
    });
    for (const word of ["quixotics", "wombat", "zebulon@find.example", "yolanda"]) {
      assert.equal((await subjects(`/emails?search=${word}`)).length, 1, word);
      assert.match((await ann.send("GET", `/search?q=${word}`)).text, /^email\/e_/, word);
    }
  });

  test("with a hostile header does no harm", async () => {
    const hostile = [
      { from: "x'; drop table emails; --@evil.example" },
      { from: "a@evil.example\n# created" },
      { from: "a@evil.example", to: '"' },
      { from: "a@evil.example", to: "<".repeat(1_000) },
      { from: "a@evil.example", to: ["a@evil.example\0"] },
      { from: "a@evil.example", to: Array.from({ length: 501 }, (_, i) => `a${i}@evil.example`) },
      { from: "a@evil.example", message_id: "a b" },
      { from: "a@evil.example", contacts: ["c_00000000"] },
    ];
    for (const body of hostile) {
      const reply = await ann.send("POST", "/emails", body);
      assert.equal(reply.status, 400, `${JSON.stringify(body)} ${reply.text}`);
      assert.match(reply.text, /^ERROR invalid_\w+ [^\n]+\n(HINT {2}[^\n]+\n)+$/);
    }
    const { id } = await mail("a@evil.example", {
      subject: '"\n# created\nemail/e_00000000 from="x',
      body: "\u202e\n# next: 1",
    });
    assert.equal((await ann.send("GET", `/emails/${id}`)).lines.length, 1);
    const many = await mail("a@evil.example", { to: Array.from({ length: 500 }, (_, i) => `a${i}@evil.example`) });
    assert.deepEqual(await subjects("/emails?involves=a499@evil.example"), [many["subject"]]);
  });
});

describe("earlier mails follow", () => {
  test("an address that is added, moved, taken away, and what undoes it", async () => {
    const jane = await make("/contacts", { name: "Jane", email: "jane@f1.example" });
    const old = await mail("old@f1.example");
    const path = `/contacts/${jane.id}/emails`;
    assert.deepEqual(await subjects(path), []);
    const added = await patch(`/contacts/${jane.id}`, { emails: { add: ["old@f1.example"] } });
    assert.deepEqual(await subjects(path), [old["subject"]]);
    await undo({ change: added });
    assert.deepEqual(await subjects(path), []);
    await patch(`/contacts/${jane.id}`, { email: "old@f1.example" });
    assert.deepEqual(await attached(old.id), [jane.handle]);
    await patch(`/contacts/${jane.id}`, { email: "new@f1.example", emails: [] });
    assert.deepEqual(await attached(old.id), []);
    const late = await make("/contacts", { name: "Late", email: "old@f1.example" });
    assert.deepEqual(await attached(old.id), [late.handle]);
    const company = await make("/companies", { name: "F", domain: "f.example" });
    await patch(`/companies/${company.id}`, { domains: ["f1.example"] });
    assert.deepEqual(await subjects(`/companies/${company.id}/emails`), [old["subject"]]);
  });

  test("a merge, a deletion, a restore and an erasure of whom they are attached to", async () => {
    const kept = await make("/contacts", { name: "Kept", email: "kept@f2.example" });
    const other = await make("/contacts", { name: "Other", email: "other@f2.example" });
    const { id } = await mail("other@f2.example");
    const merged = await twice("POST", `/contacts/${kept.id}/merge`, { from: other.id });
    assert.deepEqual(await attached(id), [kept.handle]);
    assert.equal((await subjects(`/contacts/${other.id}/emails`)).length, 1, "the merged id leads to the kept one");
    await undo({ change: merged.headers.get("x-change") });
    assert.deepEqual(await attached(id), [other.handle]);
    await twice("DELETE", `/contacts/${other.id}`);
    assert.deepEqual(await attached(id), []);
    assert.equal((await ann.send("GET", `/contacts/${other.id}/emails`)).status, 404);
    assert.equal((await ann.send("POST", `/contacts/${other.id}/restore`)).status, 200);
    assert.deepEqual(await attached(id), [other.handle]);
    await twice("DELETE", `/contacts/${other.id}?purge=true`);
    assert.deepEqual(await attached(id), []);
    assert.equal((await subjects("/emails?involves=other@f2.example")).length, 1, "the mail itself is a record of its own");
  });

  test("a mail that is changed, in bulk too, deleted, restored and erased", async () => {
    const jane = await make("/contacts", { name: "Jane", email: "jane@f3.example" });
    const path = `/contacts/${jane.id}/emails`;
    const { id } = await mail("x@f3.example", { custom: { set: "f3" } });
    const change = await patch(`/emails/${id}`, { to: ["jane@f3.example"] });
    assert.equal((await subjects(path)).length, 1);
    await undo({ change });
    assert.equal((await subjects(path)).length, 0);
    const bulk = await twice("PATCH", "/emails?custom.set=f3", { cc: { add: ["jane@f3.example"] } });
    assert.equal((await subjects(path)).length, 1, JSON.stringify(bulk));
    await patch(`/emails/${id}`, { sent_at: "2020-01-01" });
    assert.equal((await subjects(`${path}?sent_at=lt:2021-01-01`)).length, 1);
    await twice("DELETE", `/emails/${id}`);
    assert.equal((await subjects(path)).length, 0);
    assert.equal((await subjects(`${path}?deleted=only`)).length, 1);
    assert.equal((await ann.send("POST", `/emails/${id}/restore`)).status, 200);
    assert.equal((await subjects(path)).length, 1);
    await twice("DELETE", `/emails/${id}?purge=true`);
    for (const asked of [path, `${path}?deleted=include`, "/emails?involves=jane@f3.example&deleted=include"])
      assert.equal((await subjects(asked)).length, 0, asked);
  });

  test("a file of mails, and the list of them as another workspace takes it in", async () => {
    const jane = await make("/contacts", { name: "Jane", email: "jane@f4.example" });
    const csv =
      'from,to,subject,message_id\nx@f4.example,"Jane <jane@f4.example>, y@f4.example",Row one,f4-1\nJane <jane@f4.example>,,Row two,f4-2\n';
    const headers = { "content-type": "text/csv" };
    const reply = await ann.send("POST", "/emails/import", csv, headers);
    assert.match(reply.text, /^# 2 created, 0 updated, 0 unchanged, 0 refused$/m);
    assert.deepEqual((await subjects(`/contacts/${jane.id}/emails`)).sort(), ["Row one", "Row two"]);
    assert.match((await ann.send("POST", "/emails/import", csv, headers)).text, /^# 0 created, 0 updated, 2 unchanged/m);
    const bob = await service.signIn("bob@example.com");
    const { text } = await ann.send("GET", "/emails.ndjson?involves=f4.example");
    await bob.send("POST", "/emails/import", text, { "content-type": "application/x-ndjson" });
    const copy = await make("/contacts", { name: "Jane", email: "jane@f4.example" }, bob);
    assert.deepEqual((await subjects(`/contacts/${copy.id}/emails`, bob)).sort(), ["Row one", "Row two"]);
  });

  test("any writes, merges, deletions and undos of several callers at once", async () => {
    let seed = 7;
    const random = (below: number) => {
      seed = (seed * 1_103_515_245 + 12_345) % 2_147_483_648;
      return Math.floor((seed / 2_147_483_648) * below);
    };
    const eve = await service.signIn("eve@example.com");
    const address = () => `a${random(7)}@h.example`;
    const ids = { contacts: [] as string[], emails: [] as string[] };
    for (let i = 0; i < 5; i++) ids.contacts.push((await make("/contacts", { name: `H ${i}` }, eve)).id);
    for (let i = 0; i < 7; i++) ids.emails.push((await make("/emails", { from: address() }, eve)).id);
    const changes: string[] = [];
    const send = async (method: string, path: string, body?: object) => {
      let reply = await eve.send(method, `${path}?format=json`, body);
      if (reply.status === 409 && reply.json().confirm)
        reply = await eve.send(method, `${path}?format=json&confirm=${reply.json().confirm}`, body);
      assert.ok(reply.status < 500, `${method} ${path} ${reply.text}`);
      const change = reply.headers.get("x-change");
      if (change) changes.push(change);
    };
    const any = (plural: keyof typeof ids) => `/${plural}/${ids[plural][random(ids[plural].length)]}`;
    const lists = () => ({ [["to", "cc"][random(2)]!]: Array.from({ length: random(3) }, address) });
    const writes = [
      () => send("PATCH", any("emails"), random(3) === 0 ? { from: address() } : lists()),
      () =>
        send(
          "PATCH",
          any("contacts"),
          random(2) === 0 ? { email: address() } : { emails: { add: [address()], remove: [address()] } },
        ),
      () => send("POST", "/undo", { change: changes[random(changes.length)], force: true }),
      () => send("DELETE", any(random(2) === 0 ? "emails" : "contacts")),
      () => send("POST", `${any(random(2) === 0 ? "emails" : "contacts")}/restore`),
      () => send("POST", `${any("contacts")}/merge`, { from: ids.contacts[random(5)] }),
      () => send("POST", `${any("emails")}/merge`, { from: ids.emails[random(7)] }),
    ];
    await send("PATCH", any("contacts"), { email: address() });
    const weights = [0, 0, 0, 0, 1, 1, 1, 1, 2, 2, 3, 4, 4, 5, 6];
    for (let turn = 0; turn < 50; turn++)
      await Promise.all(Array.from({ length: 3 }, () => writes[weights[random(weights.length)]!]!()));
    for (const plural of ["contacts", "emails"] as const)
      for (const id of ids[plural]) await send("POST", `/${plural}/${id}/restore`);
    // However it went, there is something to tell.
    for (const [i, id] of ids.contacts.entries())
      await send("PATCH", `/contacts/${id}`, { emails: { add: [`own${i}@h.example`] } });
    for (const [i, id] of ids.emails.entries())
      await send("PATCH", `/emails/${id}`, { cc: { add: [`own${i % 5}@h.example`] } });
    const all = async (plural: string) => (await eve.send("GET", `/${plural}?format=json&limit=200`)).json().items as Json[];
    const [contacts, mails] = [await all("contacts"), await all("emails")];
    const named = (mail: Json) => [mail["from"], ...(mail["to"] as string[]), ...(mail["cc"] as string[])];
    const has = (contact: Json, one: Json) =>
      named(one).some((each) => [contact["email"], ...(contact["emails"] as string[])].includes(each));
    assert.ok(mails.some(({ contacts: those }) => (those as string[]).length > 0));
    for (const one of mails)
      assert.deepEqual(
        (one["contacts"] as string[]).toSorted(),
        contacts
          .filter((each) => has(each, one))
          .map(({ id }) => id)
          .sort(),
      );
    for (const contact of contacts) {
      const listed = (await eve.send("GET", `/contacts/${contact["id"]}/emails?format=json`)).json().items.map(handle);
      assert.deepEqual(
        listed.sort(),
        mails
          .filter((one) => has(contact, one))
          .map(handle)
          .sort(),
      );
    }
  });

  test("an address that is added while a mail with it arrives", async () => {
    for (let turn = 0; turn < 8; turn++) {
      const address = `turn${turn}@race.example`;
      const contact = await make("/contacts", { name: `Turn ${turn}` });
      const [sent] = await Promise.all([mail(address), patch(`/contacts/${contact.id}`, { emails: [address] })]);
      assert.deepEqual(await attached(sent.id), [contact.handle]);
      assert.deepEqual(await subjects(`/contacts/${contact.id}/emails`), [sent["subject"]]);
    }
  });
});

describe("the mails of a record", () => {
  test("are paged in the order of time, filtered, counted, and had whole, each once", async () => {
    const jane = await make("/contacts", { name: "Jane", email: "jane@p.example", emails: ["j@p.example"] });
    const path = `/contacts/${jane.id}/emails`;
    const day = (i: number) => `2026-01-${String(1 + (i % 9)).padStart(2, "0")}`;
    const sent: string[] = [];
    for (let i = 0; i < 24; i++) {
      const { subject, sent_at, id } = await mail(i % 3 === 0 ? "jane@p.example" : "other@p.example", {
        to: i % 2 === 0 ? ["j@p.example", "jane@p.example"] : ["j@p.example"],
        sent_at: day(i),
        direction: i % 4 === 0 ? "out" : "in",
      });
      sent.push(`${sent_at} ${id} ${subject}`);
    }
    const expected = sent.sort().map((text) => text.split(" ").slice(2).join(" "));
    const walk = async (query: string) => {
      const found: string[] = [];
      for (let cursor: string | null = ""; cursor !== null; ) {
        const page: Json = (await ann.send("GET", `${path}?format=json&limit=5${query}&cursor=${cursor}`)).json();
        found.push(...(page["items"] as Json[]).map(({ subject }) => subject as string));
        cursor = page["next_cursor"] as string | null;
      }
      return found;
    };
    assert.deepEqual(await walk("&sort=sent_at"), expected);
    assert.deepEqual(await walk(""), expected.toReversed());
    assert.deepEqual((await walk("&sort=subject")).sort(), expected.toSorted());
    assert.equal((await walk("&direction=out")).length, 6);
    assert.equal((await walk("&sent_at=gte:2026-01-05&sent_at=lt:2026-01-07")).length, expected.length / 9 > 2 ? 6 : 0);
    assert.deepEqual(await subjects(`${path}?offset=20&limit=3`), expected.toReversed().slice(20, 23));
    assert.equal((await ann.send("GET", `${path}?format=json&count=true&limit=1`)).json().total, 24);
    assert.match((await ann.send("GET", `${path}?limit=all`)).text, /\n# 24 emails\n$/);
    assert.match((await ann.send("GET", `${path}.csv`)).text, /^id,handle,direction,from,to,/);
  });

  test("are those of the own workspace, and shown to tokens that may read both kinds", async () => {
    const contact = await make("/contacts", { name: "Jane", email: "jane@s.example" });
    const { id } = await mail("jane@s.example");
    const bob = await service.signIn("bob@example.com");
    const theirs = await make("/contacts", { name: "Theirs", email: "jane@s.example" }, bob);
    assert.deepEqual(await subjects(`/contacts/${theirs.id}/emails`, bob), []);
    assert.deepEqual(await subjects("/emails?involves=jane@s.example", bob), []);
    assert.equal((await bob.send("GET", `/contacts/${contact.id}/emails`)).status, 404);
    const { token } = await make("/tokens", { name: "n", scopes: ["emails.read"] });
    const read = (path: string) => service.send("GET", path, undefined, { authorization: `Bearer ${token}` });
    const line = await read(`/emails/${id}`);
    assert.equal(line.status, 200);
    assert.doesNotMatch(line.text, /contacts=/);
    for (const asked of [
      ...[
        `/contacts/${contact.id}/emails`,
        `/emails?contacts=${contact.id}`,
        "/emails?contacts=is:null",
        "/emails?fields=contacts",
      ],
      ...["/emails?companies=not:null", `/contacts/${contact.id}/timeline`],
    ])
      assert.equal((await read(asked)).status, 403, asked);
  });
});
