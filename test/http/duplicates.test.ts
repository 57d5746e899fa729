import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { type Client, type Service, startService } from "../helpers/service.ts";

let service: Service;
let count = 0;
before(async () => {
  service = await startService({ config: { CRM_RATE: "100000" } });
});
after(() => service.close());

type Shown = { a: string; b: string; a_id: string; b_id: string; sure: number; why: string[]; merge: string };

/** A workspace of its own, with these records. */
async function workspace(plural: string, bodies: object[]): Promise<{ ann: Client; ids: string[] }> {
  count += 1;
  const ann = await service.signIn(`ann${count}@example.com`);
  const ids = [];
  for (const body of bodies) {
    const reply = await ann.send("POST", `/${plural}?format=json`, body);
    assert.equal(reply.status, 201, reply.text);
    ids.push(reply.json().id);
  }
  return { ann, ids };
}

async function pairs(ann: Client, path = "/contacts/duplicates"): Promise<Shown[]> {
  const reply = await ann.send("GET", `${path}?format=json`);
  assert.equal(reply.status, 200, reply.text);
  return reply.json().items;
}

const ALIKE: [string, object, object, RegExp][] = [
  ["order of names", { name: "Jane Doe" }, { name: "Doe Jane" }, /^same_name$/],
  ["a comma", { name: "Jane Doe" }, { name: "Doe, Jane" }, /^same_name$/],
  ["accents", { name: "José García" }, { name: "Jose Garcia" }, /^same_name$/],
  ["umlauts", { name: "Jürgen Groß" }, { name: "JURGEN GROSS" }, /^same_name$/],
  ["titles", { name: "Dr. Jane Doe" }, { name: "Jane Doe, PhD" }, /same_name|similar_name/],
  ["initials", { name: "J. Doe" }, { name: "Jane Doe" }, /^similar_name$/],
  ["an initial behind", { name: "Doe J" }, { name: "Jane Doe" }, /^similar_name$/],
  ["a middle name", { name: "Jane Mary Doe" }, { name: "Jane Doe" }, /^similar_name$/],
  ["a nickname", { name: "Bob Smith" }, { name: "Robert Smith" }, /^same_name$/],
  ["a German nickname", { name: "Fritz Huber" }, { name: "Huber, Friedrich" }, /^same_name$/],
  ["a Spanish nickname", { name: "Paco Ruiz" }, { name: "Francisco Ruíz" }, /^same_name$/],
  ["sound", { name: "Stefan Meier" }, { name: "Stephan Maier" }, /^similar_name$/],
  ["a slip", { name: "Jonathan Kowalski" }, { name: "Jonathan Kowalsky" }, /^similar_name$/],
  [
    "a number with its country",
    { name: "A Bee", phone: "+49 (0)30 123456-7" },
    { name: "Ann Bee", phone: "0301234567" },
    /same_phone/,
  ],
  [
    "a number's spelling",
    { name: "Ada Low", phone: "(555) 010-0199" },
    { name: "Ada L.", phone: "555.010.0199" },
    /same_phone/,
  ],
  [
    "dots in an address",
    { name: "Kim", email: "kim.lee@acme.example" },
    { name: "Kim Lee", email: "kimlee@acme.example" },
    /same_email/,
  ],
  ["a tag in an address", { name: "Lou", email: "lou@x.example" }, { name: "Lou", email: "lou+crm@x.example" }, /same_email/],
  [
    "another domain of a mailbox",
    { name: "Max", email: "max@gmail.com" },
    { name: "M", email: "m.ax@googlemail.com" },
    /same_email/,
  ],
  [
    "which of their numbers is the first",
    { name: "Tom Fischer", phones: ["0171 111", "0160 9988776"] },
    { name: "Fischer, Tom", phone: "+49 160 9988776" },
    /^same_phone,same_name$/,
  ],
  [
    "names, with one number among further ones of both",
    { name: "Ada Blue", phone: "030 111111", phones: ["0160 5554443"] },
    { name: "Bob Green", phone: "030 222222", phones: ["040 333333", "0160/5554443"] },
    /^same_phone$/,
  ],
  [
    "which of their addresses is the first",
    { name: "Eva Stone", email: "eva@one.example", emails: ["eva.stone@two.example"] },
    { name: "E. S.", email: "evastone@two.example" },
    /same_email/,
  ],
  [
    "further addresses of both",
    { name: "Nil One", email: "a@one.example", emails: ["nil.q@two.example"] },
    { name: "Nil Two", email: "b@one.example", emails: ["nil.q+x@two.example", "c@one.example"] },
    /same_email/,
  ],
  ["another writing", { name: "山田 太郎" }, { name: "山田　太郎" }, /^same_name$/],
];

for (const [what, first, second, why] of ALIKE) {
  test(`contacts that differ in ${what} are found, from either side`, async () => {
    const { ann, ids } = await workspace("contacts", [first, { name: "Somebody Else", email: "else@far.example" }, second]);
    const [pair, ...others] = await pairs(ann);
    assert.ok(pair, "a pair is found");
    assert.deepEqual([pair.a_id, pair.b_id, others], [ids[0], ids[2], []]);
    assert.match(pair.why.join(), why);
    for (const id of [ids[0], ids[2]])
      assert.deepEqual(
        (await pairs(ann, `/contacts/${id}/duplicates`)).map(({ a_id, sure }) => [a_id, sure]),
        [[ids[0], pair.sure]],
      );
    assert.deepEqual(await pairs(ann, `/contacts/${ids[1]}/duplicates`), []);
  });
}

test("people who are not alike are not told", async () => {
  const { ann } = await workspace("contacts", [
    { name: "Jane Doe", phone: "+49 30 1234567" },
    { name: "Peter Miller", phone: "030 1234568" },
    { name: "Jane Miller", email: "jane@a.example" },
    { name: "Jane" },
    { name: "John Doe", email: "jd@a.example" },
    { name: "Jane Ford", email: "jane@b.example" },
  ]);
  assert.deepEqual(await pairs(ann), []);
});

test("a phone that two people share is told last", async () => {
  const { ann } = await workspace("contacts", [
    { name: "Jane Doe", phone: "+49 30 1234567" },
    { name: "Peter Miller", phone: "030 1234567" },
    { name: "Jo Twice" },
    { name: "Jo Twice" },
  ]);
  assert.deepEqual(
    (await pairs(ann)).map(({ sure, why }) => [sure, why.join()]),
    [
      [0.7, "same_name"],
      [0.53, "same_phone"],
    ],
  );
});

test("companies are found by their name without its legal form, and by the stem of their domain", async () => {
  const { ann, ids } = await workspace("companies", [
    { name: "Acme GmbH" },
    { name: "ACME, Inc." },
    { name: "North Wind S.A.", domain: "northwind.com" },
    { name: "Northwind Traders", domain: "northwind.co.uk" },
    { name: "Globex Ltd", phone: "+1 555 010 0100" },
    { name: "Globexx", phone: "555-010-0100" },
    { name: "Initech" },
  ]);
  const found = await pairs(ann, "/companies/duplicates");
  const whys = new Map(found.map(({ a_id, b_id, why }) => [`${ids.indexOf(a_id)}${ids.indexOf(b_id)}`, why.join()]));
  assert.deepEqual([...whys.keys()].sort(), ["01", "23", "45"]);
  assert.equal(whys.get("01"), "same_name");
  assert.match(whys.get("23")!, /same_domain/);
  assert.equal(whys.get("45"), "same_phone,similar_name");
});

test("the surest come first, each line names the merge, and a merged or deleted record is in no pair", async () => {
  const { ann, ids } = await workspace("contacts", [
    { name: "Tim Weak" },
    { name: "Tim Weak", email: "tim@one.example" },
    { name: "Una Sure", phone: "+44 20 7946 0000" },
    { name: "Sure, Una", phone: "020 79460000" },
  ]);
  const { text } = await ann.send("GET", "/contacts/duplicates");
  const [first, second, summary] = text.split("\n");
  assert.match(
    first!,
    /^duplicate\/c_\w{8}\+c_\w{8} a="Una Sure" b="Sure, Una" sure=0\.9\d why=same_phone,same_name merge="POST /,
  );
  assert.match(second!, /^duplicate\/.* sure=0\.7 why=same_name /);
  assert.equal(summary, "# 2 pairs");
  const [{ merge }] = (await pairs(ann)) as [Shown];
  const [, path, body] = /^POST (\S+) (.*)$/.exec(merge)!;
  const { confirm } = (await ann.send("POST", `${path}?format=json`, body)).json();
  assert.equal((await ann.send("POST", `${path}?confirm=${confirm}`, body)).status, 200);
  assert.equal((await pairs(ann)).length, 1);
  const token = (await ann.send("DELETE", `/contacts/${ids[0]}?format=json`)).json().confirm;
  await ann.send("DELETE", `/contacts/${ids[0]}?confirm=${token}`);
  assert.deepEqual(await pairs(ann), []);
});

test("two of one name in one company are surer than two of one name", async () => {
  const { ann } = await workspace("contacts", []);
  const company = (await ann.send("POST", "/companies?format=json", { name: "One Ltd" })).json().id;
  for (const body of [
    { name: "Ed Ward", company_id: company },
    { name: "Ward, Edward", company_id: company },
    { name: "Edward Ward" },
  ])
    await ann.send("POST", "/contacts", body);
  const found = await pairs(ann);
  assert.deepEqual(
    found.map(({ why }) => why.join()),
    ["same_name,same_company", "same_name", "same_name"],
  );
});

test("pages go on where they ended, and show every pair once", async () => {
  const bodies = Array.from({ length: 6 }, (_, i) => ({ name: "Pat Same", phone: i < 3 ? "030 7654321" : null }));
  const { ann } = await workspace("contacts", bodies);
  const seen: Shown[] = [];
  let pages = 0;
  for (let cursor = ""; ; pages++) {
    const page = (await ann.send("GET", `/contacts/duplicates?limit=4&format=json${cursor}`)).json();
    seen.push(...page.items);
    if (!page.next_cursor) break;
    cursor = `&cursor=${encodeURIComponent(page.next_cursor)}`;
  }
  assert.deepEqual([seen.length, pages], [15, 3]);
  assert.equal(new Set(seen.map(({ a_id, b_id }) => a_id + b_id)).size, 15);
  assert.deepEqual(
    seen.map(({ sure }) => sure),
    seen.map(({ sure }) => sure).sort((a, b) => b - a),
  );
  assert.equal((await ann.send("GET", "/contacts/duplicates?cursor=abc")).status, 400);
  assert.equal((await ann.send("GET", "/contacts/duplicates?limit=0")).status, 400);
  assert.equal((await ann.send("GET", "/contacts/duplicates?stage=lead")).status, 400);
});

test("a pair that was dismissed is not shown again, whichever way it is named", async () => {
  const { ann, ids } = await workspace("contacts", [{ name: "Twin One" }, { name: "Twin One" }, { name: "Twin One" }]);
  const dismiss = (pair: unknown) => ann.send("POST", "/contacts/duplicates/dismiss?format=json", { pair });
  assert.equal((await dismiss([ids[1], ids[0]])).json().dismissed, true);
  assert.equal((await dismiss([ids[0], `contact/c_${ids[1]!.slice(-8)}`])).json().dismissed, false);
  assert.equal((await dismiss([`duplicate/${ids[0]}+${ids[1]}`])).json().dismissed, false);
  assert.deepEqual(
    (await pairs(ann)).map(({ a_id, b_id }) => [a_id, b_id]),
    [
      [ids[0], ids[2]],
      [ids[1], ids[2]],
    ],
  );
  assert.equal((await pairs(ann, `/contacts/${ids[0]}/duplicates`)).length, 1);
  for (const [pair, status] of [
    [[ids[0]], 400],
    [[ids[0], ids[0]], 400],
    [[ids[0], `contact/c_${ids[0]!.slice(-8)}`], 422],
    [[ids[0], "c_00000000"], 404],
    [[ids[0], "co_00000000"], 404],
    [["x", "y"], 404],
    [undefined, 400],
    [[], 400],
  ] as const)
    assert.equal((await dismiss(pair)).status, status);
});

test("duplicates reach no other workspace, and need the scopes", async () => {
  const { ann, ids } = await workspace("contacts", [{ name: "Mine Only" }, { name: "Mine Only" }]);
  const { ann: bob, ids: theirs } = await workspace("contacts", [{ name: "Mine Only" }]);
  assert.deepEqual(await pairs(bob), []);
  assert.equal((await bob.send("GET", `/contacts/${ids[0]}/duplicates`)).status, 404);
  assert.equal((await bob.send("POST", "/contacts/duplicates/dismiss", { pair: ids })).status, 404);
  assert.equal((await ann.send("POST", "/contacts/duplicates/dismiss", { pair: [ids[0], theirs[0]] })).status, 404);
  const minted = async (scopes: string[]) => {
    const { token } = (await ann.send("POST", "/tokens?format=json", { name: "few", scopes })).json();
    return (method: string, path: string, body?: unknown) => ann.send(method, path, body, { authorization: `Bearer ${token}` });
  };
  const deals = await minted(["deals.read"]);
  assert.equal((await deals("GET", "/contacts/duplicates")).status, 403);
  const reader = await minted(["contacts.read"]);
  assert.equal((await reader("GET", "/contacts/duplicates")).status, 200);
  assert.equal((await reader("POST", "/contacts/duplicates/dismiss", { pair: ids })).status, 403);
  assert.equal((await pairs(ann)).length, 1);
});

test("hostile names break neither the line nor the search for pairs", async () => {
  const names = [
    '"; drop table contacts; --',
    "a,b,,c,,",
    ",",
    "'",
    "%_\\",
    "Dr",
    "\u202eevil name",
    "# created",
    "x".repeat(500),
    "ﷺ ".repeat(200),
  ];
  const { ann, ids } = await workspace(
    "contacts",
    names.flatMap((name) => [{ name }, { name }]),
  );
  for (const { a, b } of await pairs(ann)) assert.equal(a, b);
  const { text } = await ann.send("GET", "/contacts/duplicates");
  for (const line of text.trim().split("\n")) assert.match(line, /^(duplicate\/c_\w{8}\+c_\w{8} |# \d+ pairs$)/);
  for (const id of ids) assert.equal((await ann.send("GET", `/contacts/${id}/duplicates`)).status, 200);
});

test("a thousand namesakes are compared with their neighbours only, in time", async () => {
  const { ann } = await workspace("contacts", []);
  const workspaceId = await workspaceOf(ann);
  await fill(workspaceId, 5_000, "'John Smith'", "null");
  let found = 0;
  for (let cursor = ""; found < 200; ) {
    const begun = performance.now();
    const page = (await ann.send("GET", `/contacts/duplicates?limit=200&format=json${cursor}`)).json();
    assert.equal(performance.now() - begun < 5_000, true);
    found += page.items.length;
    assert.equal(found >= 200 || typeof page.next_cursor === "string", true);
    cursor = `&cursor=${encodeURIComponent(page.next_cursor)}`;
  }
});

test("companies are found by further domains", async () => {
  const { ann, ids } = await workspace("companies", [
    { name: "Umbrella", domain: "umbrella.com", domains: ["umbra-labs.com"] },
    { name: "Umbra", domain: "umbra-labs.de" },
  ]);
  const found = await pairs(ann, "/companies/duplicates");
  assert.deepEqual(found.map(({ a_id, b_id, why }) => `${ids.indexOf(a_id)}${ids.indexOf(b_id)} ${why[0]}`).sort(), [
    "01 same_domain",
  ]);
});

test("in a large workspace further numbers count for those whom a name brings together", async () => {
  const { ann } = await workspace("contacts", []);
  const workspaceId = await workspaceOf(ann);
  await fill(workspaceId, 4_000, "'Person' || substr(md5(n::text), 1, 9) || ' ' || substr(md5((n * 7)::text), 1, 12)", "null");
  const tom = { name: "Tom Fischer", phone: "0171 111111", phones: ["0160 9988776"] };
  const { id } = (await ann.send("POST", "/contacts?format=json", tom)).json();
  await ann.send("POST", "/contacts", { name: "Fischer, Tom", phone: "+49 160 9988776" });
  for (const path of ["/contacts/duplicates", `/contacts/${id}/duplicates`])
    assert.deepEqual(
      (await pairs(ann, path)).map(({ why }) => why.join()),
      ["same_phone,same_name"],
      path,
    );
});

test("in a large workspace the surest come first, page by page, whatever block finds them", async () => {
  const { ann } = await workspace("contacts", []);
  const workspaceId = await workspaceOf(ann);
  await fill(workspaceId, 4_000, "'Person' || substr(md5(n::text), 1, 9) || ' ' || substr(md5((n * 7)::text), 1, 12)", "null");
  const made: string[] = [];
  for (const body of [
    { name: "Zoe Weak" },
    { name: "Zoe Weak" },
    { name: "Ida Strong", phone: "+49 89 998877" },
    { name: "Strong, Ida", phone: "089 998877" },
    { name: "Mia Mail", email: "mia.mail@big.example" },
    { name: "Mia Mail", email: "miamail@big.example" },
  ])
    made.push((await ann.send("POST", "/contacts?format=json", body)).json().id);
  const seen: Shown[] = [];
  for (let cursor = ""; ; ) {
    const page = (await ann.send("GET", `/contacts/duplicates?limit=2&format=json${cursor}`)).json();
    seen.push(...page.items);
    if (!page.next_cursor) break;
    cursor = `&cursor=${encodeURIComponent(page.next_cursor)}`;
  }
  const found = seen.filter(({ a_id }) => made.includes(a_id)).map(({ a }) => a);
  assert.deepEqual(found, ["Mia Mail", "Ida Strong", "Zoe Weak"]);
});

async function workspaceOf(ann: Client): Promise<string> {
  const { sql } = await import("../../src/postgres/sql.ts");
  const { id } = (await ann.send("POST", "/contacts?format=json", { name: "Solitary" })).json();
  return (await service.pool.rows(sql`select workspace_id from contacts where id = ${id}`))[0]![0] as string;
}

/** Contacts as they come from SQL, without the service. */
async function fill(workspaceId: string, most: number, name: string, phone: string): Promise<void> {
  const { sql, raw } = await import("../../src/postgres/sql.ts");
  await service.pool.rows(
    sql`insert into contacts (workspace_id, id, name, phone, version, created_at, created_by, updated_at)
      select ${workspaceId}, 'c_01zz' || lpad(n::text, 22, '0'), ${raw(name)}, ${raw(phone)}, 1, now(), 'fill', now()
      from generate_series(1, ${most}) n`,
  );
}
