import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { type Client, type Service, startService } from "../helpers/service.ts";

/** The query grammar case by case (contract, section 6), where filterProperties.test.ts has it for every field. */

let service: Service;
let ann: Client;
before(async () => {
  service = await startService({ now: () => Date.parse("2026-06-10T12:00:00Z") });
  ann = await service.signIn();
});
after(() => service.close());

async function create(plural: string, ...records: Record<string, unknown>[]): Promise<void> {
  for (const record of records) assert.equal((await ann.send("POST", `/${plural}`, record)).status, 201);
}

/** The names, in ascending order, of what a query finds. It is sent as it stands here, but for what no URL may hold. */
async function names(plural: string, query: string): Promise<string> {
  const title = plural === "deals" ? "title" : "name";
  const sent = query.replace(/[^!-~]|["\\{}]/gu, encodeURIComponent);
  const reply = await ann.send("GET", `/${plural}?format=json&limit=200&sort=${title}&${sent}`);
  assert.equal(reply.status, 200, `${query} ${reply.text}`);
  return (reply.json().items as Record<string, string>[]).map((item) => item[title]).join(" ");
}

async function finds(plural: string, cases: Record<string, string>): Promise<void> {
  for (const [query, expected] of Object.entries(cases)) assert.equal(await names(plural, query), expected, query);
}

test("parameters are and-ed, those of one field too", async () => {
  await create(
    "deals",
    { title: "a", amount_cents: 999, stage: "won" },
    { title: "b", amount_cents: 1000, stage: "won" },
    { title: "c", amount_cents: 4999 },
    { title: "d", amount_cents: 5000, stage: "lost" },
    { title: "e" },
  );
  await finds("deals", {
    "amount_cents=gte:1000&amount_cents=lt:5000": "b c",
    "amount_cents=gte:1000&amount_cents=lt:5000&stage=won": "b",
    "amount_cents=eq:1000&amount_cents=eq:999": "",
    "stage=ne:won": "c d e",
    "amount_cents=ne:999&stage=ne:lost": "b c e",
    "stage=is:null&amount_cents=not:null": "c",
  });
});

test("a prefix is an operator only if it is one", async () => {
  await create(
    "companies",
    { name: "Re: hello" },
    { name: "in:a,b" },
    { name: "is:null" },
    { name: "eq:" },
    { name: "a: b: c" },
  );
  await finds("companies", {
    "name=Re: hello": "Re: hello",
    "name=eq:Re: hello": "Re: hello",
    "name=eq:in:a,b": "in:a,b",
    "name=eq:is:null": "is:null",
    "name=eq:eq:": "eq:",
    "name=a: b: c": "a: b: c",
    "name=EQ:x": "",
    "name=in:Re: hello,a: b: c": "a: b: c Re: hello",
  });
});

test("in takes a comma list whose elements may be JSON strings", async () => {
  await create("companies", { name: "one, two" }, { name: 'q"uote' }, { name: "three" }, { name: "tab\there" });
  await finds("companies", {
    'name=in:"one, two",three': "one, two three",
    'name=in:three , "q\\"uote"': 'q"uote three',
    'name=in:"tab\\there","\\u0074hree"': "tab here three",
    "name=in:one,two": "",
  });
});

test("like is contains, whatever case and accents, and knows no wildcards", async () => {
  const odd = ["50% off", "50x off", "a_b", "aXb", "back\\slash", "％ wide", "＿＼ wide"];
  await create("companies", ...["Café Zoë", "CAFE ZOE 2", "Łódź", ...odd].map((name) => ({ name })));
  await finds("companies", {
    "name=like:cafe zoe": "CAFE ZOE 2 Café Zoë",
    "name=like:CAFÉ": "CAFE ZOE 2 Café Zoë",
    "name=like:lodz": "Łódź",
    "name=like:50%25 o": "50% off",
    "name=like:a_b": "a_b",
    "name=like:k\\s": "back\\slash",
    "name=like:\\": "back\\slash ＿＼ wide",
    "name=like:％": "50% off ％ wide",
    "name=like:＿": "a_b ＿＼ wide",
    "name=like:＼": "back\\slash ＿＼ wide",
    "name=like:%25%25": "",
  });
});

test("custom values compare as what they are: numbers, times, text, lists", async () => {
  const of = (name: string, custom: Record<string, unknown>) => ({ name, custom });
  await create(
    "contacts",
    of("a", { seats: 5, renewal: "2026-01-05", plan: "pro", list: ["x", "y"], on: true }),
    of("b", { seats: 40, renewal: "2026-06-10T11:00:00+02:00", plan: "Pro", list: ["y", 7], on: false }),
    of("c", { seats: "5", renewal: "soon", plan: { tier: 1, of: [1, 2] }, list: "x" }),
    of("d", {}),
  );
  await finds("contacts", {
    "custom.seats=gt:9": "b",
    "custom.seats=gte:5": "a b",
    "custom.seats=lt:4.5e1": "a b",
    "custom.seats=5": "a c",
    "custom.seats=5.0": "a",
    "custom.seats=ne:5": "b d",
    "custom.seats=in:5,40": "a b c",
    "custom.seats=is:null": "d",
    "custom.seats=gte:1&custom.seats=lt:10": "a",
    "custom.renewal=gte:2026-06-10T09:00:00Z&custom.renewal=lt:2026-06-10T09:00:01Z": "b",
    "custom.renewal=lt:today": "a",
    "custom.renewal=gt:-1d": "b",
    "custom.renewal=soon": "c",
    "custom.plan=pro": "a",
    "custom.plan=like:PRO": "a b",
    'custom.plan={"of":[1,2],"tier":1}': "c",
    'custom.plan={"tier":1}': "",
    "custom.list=has:x": "a",
    "custom.list=has:7": "b",
    'custom.list=["x","y"]': "a",
    'custom.list=["x"]': "",
    "custom.list=x": "c",
    "custom.on=true": "a",
    "custom.on=ne:true": "b c d",
    "custom.none=like:x": "",
    "custom=is:null": "d",
  });
});

test("an e-mail address or a phone number keeps its + where nobody encoded it", async () => {
  await create(
    "contacts",
    { name: "p", email: "jane+crm@acme.com", phone: "+49 30 1" },
    { name: "q", email: "janecrm@acme.com", phone: "030" },
  );
  await finds("contacts", {
    "email=jane+crm@acme.com": "p",
    "email=JANE%2Bcrm@ACME.com": "p",
    "email=like:jane+": "p",
    "email=like:e+crm": "p",
    "email=in:janecrm@acme.com,jane+crm@acme.com": "p q",
    "phone=+49+30+1": "p",
    "phone=like:+49": "p",
  });
});

test("a time is RFC 3339, a date, or relative to now", async () => {
  const at = (name: string, follow_up_at: string) => ({ name, follow_up_at });
  await create(
    "contacts",
    at("t1", "2026-06-03T12:00:00Z"),
    at("t2", "2026-06-09T23:59:59Z"),
    at("t3", "2026-06-10T09:00:00Z"),
    at("t4", "2026-06-10T15:00:00Z"),
    at("t5", "2026-06-24T12:00:00Z"),
  );
  await finds("contacts", {
    "follow_up_at=today": "t3 t4",
    "follow_up_at=2026-06-10": "t3 t4",
    "follow_up_at=gt:2026-06-09": "t3 t4 t5",
    "follow_up_at=lte:2026-06-09": "t1 t2",
    "follow_up_at=lt:now": "t1 t2 t3",
    "follow_up_at=eq:-7d": "t1",
    "follow_up_at=gte:-7d&follow_up_at=lt:today": "t1 t2",
    "follow_up_at=gte:-3h&follow_up_at=lte:+3h": "t3 t4",
    "follow_up_at=+2w": "t5",
    "follow_up_at=%2B2w": "t5",
    "follow_up_at=2026-06-10T11:00:00+02:00": "t3",
    "follow_up_at=in:2026-06-03,2026-06-24": "t1 t5",
    "follow_up_at=ne:2026-06-10&name=like:t": "t1 t2 t5",
  });
});

test("in the workspace's zone a day is another, and what a line shows is asked for as it stands", async () => {
  const { id } = (await ann.send("GET", "/workspaces?format=json")).json().items[0];
  assert.equal((await ann.send("PATCH", `/workspaces/${id}`, { timezone: "Europe/Berlin" })).status, 200);
  await create("deals", { title: "late", follow_up_at: "2026-06-11T00:30", close_date: "2026-06-11" });
  const [line = ""] = (await ann.send("GET", "/deals?title=late")).lines;
  assert.match(line, / follow_up_at=2026-06-11T00:30:00\+02:00 /);
  await finds("deals", {
    "follow_up_at=2026-06-11T00:30:00+02:00": "late",
    "follow_up_at=2026-06-10T22:30:00Z": "late",
    "follow_up_at=2026-06-11": "late",
    "follow_up_at=tomorrow": "late",
    "follow_up_at=2026-06-10": "",
    "close_date=tomorrow": "late",
  });
});

test("starts is the beginning, whatever case and accents, and knows no wildcards", async () => {
  await create("companies", { name: "the café" });
  await finds("companies", {
    "name=starts:cafe zoe": "CAFE ZOE 2 Café Zoë",
    "name=starts:CAFÉ": "CAFE ZOE 2 Café Zoë",
    "name=starts:lodz": "Łódź",
    "name=starts:odz": "",
    "name=starts:50%25": "50% off",
    "name=starts:%25": "％ wide",
    "name=starts:%25%25": "",
    "name=starts:5_": "",
    "name=starts:a_": "a_b",
    "name=starts:＿": "＿＼ wide",
    "name=starts:back\\": "back\\slash",
    "name=starts:C": "CAFE ZOE 2 Café Zoë",
  });
  await create(
    "contacts",
    {
      name: "Ann",
      company: "Łódź",
      email: "Ann+crm@acme.com",
      tags: ["saas", "x_y"],
      custom: { program: "Pro 5%" },
      notes: "one\ntwo",
    },
    { name: "Bea", company: "50% off", tags: ["not-saas"], custom: { program: "a pro" } },
  );
  await finds("contacts", {
    "company=starts:lod": "Ann",
    "company=starts:off": "",
    "email=starts:ann+C": "Ann",
    "tags=starts:SA": "Ann",
    "tags=starts:x_": "Ann",
    "tags=starts:saas,x": "Ann",
    "custom.program=starts:PRO": "Ann",
    "custom.program=starts:pro 5%25": "Ann",
    "notes=starts:two": "",
    "notes=starts:ONE": "Ann",
    "name=starts:b&custom.program=starts:a": "Bea",
  });
});
