import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { type Client, type Service, startService } from "../helpers/service.ts";

/** Whom a file is about, before it is imported. */

let service: Service;
let ann: Client;
before(async () => {
  service = await startService();
  ann = await service.signIn();
});
after(() => service.close());

const make = async (path: string, body: object, who = ann): Promise<string> => {
  const reply = await who.send("POST", `${path}?format=json`, body);
  assert.ok(reply.status < 300, reply.text);
  return reply.json().id;
};
const short = (id: string) => `${id.split("_")[0]}_${id.slice(-8)}`;
const analyze = (file: string, query = "", who = ann) =>
  who.send("POST", `/contacts/import?analyze=true${query}`, file, { "content-type": "text/csv" });

const FILE = [
  "name,email,phone",
  "Jane Doe,JANE@acme.example,",
  "Jane D.,jane@acme.example,",
  "Bob Stone,bob@new.example,+49 30 123456",
  "Eva Klein,,",
  "New One,new@x.example,",
  "New Again,new@x.example,",
  "Tim Falsch,tim@,",
  "Carl Office,carl@new.example,+49 30 123456",
  "Ünal Öz,,0301 999999",
  "Unal Oz,,+49 301 999999",
].join("\n");

test("each row is known, likely or a double, with where it is already; nothing is written", async () => {
  const jane = await make("/contacts", { name: "Jane Doe", email: "j.doe@acme.example", emails: ["jane@acme.example"] });
  const bob = await make("/contacts", { name: "Bob Stone", email: "bob@old.example", phone: "030 123456" });
  const eva = await make("/contacts", { name: "Eva Klein", email: "eva@klein.example" });
  const cm = await make("/campaigns", { name: "Spring" });
  for (const contact_id of [jane, eva]) await make("/campaign_members", { campaign_id: cm, contact_id });
  const { text, status } = await analyze(FILE);
  assert.equal(status, 200, text);
  const rows = text.split("\n").filter((line) => /^row=/.test(line));
  assert.deepEqual(
    rows.map((line) => line.split("; ")[0]).sort((a, b) => Number.parseInt(a!.slice(4), 10) - Number.parseInt(b!.slice(4), 10)),
    [
      `row=2 known contact/${short(jane)} why=same_email campaigns=${short(cm)}`,
      `row=3 known contact/${short(jane)} why=same_email campaigns=${short(cm)} double_of=2`,
      `row=4 likely contact/${short(bob)} why=same_phone`,
      `row=5 likely contact/${short(eva)} why=same_name campaigns=${short(cm)}`,
      "row=7 double double_of=6 double_why=same_email",
      'row=8 ERROR invalid_email email cannot be "tim@"',
      "row=11 double double_of=10 double_why=same_phone",
    ],
  );
  assert.match(text, /^# of 9 rows known: 2, likely known: 2, new: 5; doubles of earlier rows: 3$/m);
  assert.match(text, new RegExp(`^# in campaigns already: ${short(cm)}=3$`, "m"));
  const json = (await analyze(FILE, "&format=json")).json();
  assert.deepEqual([json.known, json.likely, json.new, json.doubles, json.dry_run], [2, 2, 5, 3, true]);
  const first = json.items.find(({ row }: { row: number }) => row === 2);
  assert.deepEqual([first.outcome, first.id, first.values], ["known", jane, { why: "same_email", campaigns: [short(cm)] }]);
  assert.equal((await ann.send("GET", "/contacts?format=json&count=true")).json().total, 3);
  assert.equal((await ann.send("GET", "/imports?format=json")).json().items.length, 0);
});

test("further numbers tell who a row is, on either side, and who is there twice", async () => {
  const tom = await make("/contacts", { name: "Tom Fischer", phone: "0171 111111", phones: ["0160 9988776"] });
  const ada = await make("/contacts", { name: "Ada Blue", phone: "030 5554443" });
  const file = [
    "name,phone,phones",
    '"Fischer, Tom",+49 160 9988776,',
    '"Blue, Ada",040 123123,030/5554443',
    "Tom Other,0160 9988776,",
    "Neo One,0151 700700,0151 800800",
    '"One, Neo",0151 900900,0151/800800',
  ].join("\n");
  const { text } = await analyze(file);
  assert.deepEqual(
    text.split("\n").filter((line) => /^row=/.test(line)),
    [
      `row=2 likely contact/${short(tom)} why=same_phone`,
      `row=3 likely contact/${short(ada)} why=same_phone`,
      "row=6 double double_of=5 double_why=same_phone",
    ],
  );
});

test("another workspace's records are not known, nor told to who may not read", async () => {
  const eve = await service.signIn("eve@elsewhere.example");
  const { text } = await analyze(FILE, "", eve);
  assert.doesNotMatch(text, /known contact|likely contact|campaigns/);
  assert.match(text, /known: 0, likely known: 0, new: 9;/);
  const scoped = async (scopes: string[]): Promise<Client> => {
    const { token } = (await ann.send("POST", "/tokens?format=json", { name: "t", scopes })).json();
    return { ...ann, token, send: (m, p, b, h) => service.send(m, p, b, { ...h, authorization: `Bearer ${token}` }) };
  };
  assert.equal((await analyze(FILE, "", await scoped(["contacts.create", "contacts.update"]))).status, 403);
  const blind = await analyze(FILE, "", await scoped(["contacts.read", "contacts.create", "contacts.update"]));
  assert.match(blind.text, /^row=2 known contact\/c_\w{8} why=same_email$/m);
});

test("odd values are analyzed as any others, and a large file quickly", async () => {
  const odd = [
    "name,email,phone",
    '"\u202e\u0001x","a+b@x.example",',
    `"${"x".repeat(400)}",,`,
    `"'; drop table contacts; --",,`,
  ].join("\n");
  assert.equal((await analyze(odd)).status, 200);
  const many = ["name,email", ...Array.from({ length: 3_000 }, (_, i) => `Person ${i},p${i % 1_500}@many.example`)].join("\n");
  const { text } = await analyze(many);
  assert.match(text, /new: 3000; doubles of earlier rows: 1500$/m);
});
