import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { pathToFileURL } from "node:url";
import { promisify } from "node:util";
import { transform } from "esbuild";
import { pageSchema } from "../../src/openapi/answerSchemas.ts";
import { catalog } from "../../src/records/all.ts";
import { type Client, type Service, startService } from "../helpers/service.ts";

/** The program that callers get is compiled by the compiler of this repository, and run against the service. */

const ROOT = join(import.meta.dirname, "../..");

let service: Service;
let ann: Client;
let folder: string;
let source: string;
// biome-ignore lint/suspicious/noExplicitAny: it is what a caller of JavaScript would see; the compiler checks the types below
let made: any;

before(async () => {
  service = await startService();
  ann = await service.signIn();
  const about = 'Ours. */ export const stolen = 1; /* `$` "x"';
  const vehicle = { name: "vehicle", about, natural_key: "plate", fields: { plate: "text", km: "integer", sold: "boolean" } };
  for (const kind of [vehicle, { name: "promise", fields: { title: "text" } }, { name: "page", fields: { title: "text" } }]) {
    const reply = await ann.send("POST", "/kinds", kind);
    assert.equal(reply.status, 201, reply.text);
  }
  source = (await ann.send("GET", "/sdk.ts")).text;
  folder = await mkdtemp(join(ROOT, "node_modules/.cache/cardfile-sdk-"));
  await writeFile(join(folder, "cardfile.ts"), source);
  const { code } = await transform(source, { loader: "ts", format: "esm" });
  await writeFile(join(folder, "cardfile.mjs"), code);
  made = await import(pathToFileURL(join(folder, "cardfile.mjs")).href);
});
after(async () => {
  await service.close();
  await rm(folder, { recursive: true, force: true });
});

const client = (options = {}) =>
  made.createClient({ baseUrl: service.baseUrl, token: ann.token, agent: "tester é", ...options });

const USE = `
import { CardfileError, createClient, type Contact, type ContactCreate, type Page, type Part } from "./cardfile.ts";
const crm = createClient({ token: () => "x", baseUrl: "http://x" });
export async function use(signal: AbortSignal) {
  const body: ContactCreate = { name: "Jane", tags: ["a"], company: { name: "x" }, email: undefined };
  const one: Contact = await crm.createContact(body, { reason: "x" }, { signal, idempotencyKey: "k" });
  const told: [string, string | null] = [one.name, one.email];
  for await (const each of crm.listContacts.all({ stage: "lead", "company.industry": "like:x", "custom.seats": "gt:5" })) console.log(each.name, told);
  for await (const each of crm.listDeals.all({ status: "open", amount_cents: ["gte:5", "lt:9"] })) console.log(each.amount_cents?.toFixed());
  const part: Page<Part<Contact>> = await crm.listContacts({ fields: ["name", "company.industry"], sort: "-name", limit: "all" });
  console.log(part.items[0]?.["company.industry"], part.items[0]?.name);
  console.log((await crm.listDeals.groups({ group_by: "stage", sum: "amount_cents", status: "open" })).items[0]?.["stage"]);
  console.log((await crm.createContact(body, { propose: true })).mark);
  await crm.updateContact(one.id, { stage: null, version: 2 });
  await crm.deleteContact(one.id, {}, { confirm: (question) => question.message.length > 0 });
  await crm.createContactDeal(one.id, { title: "x" });
  const km: number | null = (await crm.createVehicle({ plate: "B 1", km: 5 })).km;
  for await (const each of crm.listVehicles.all({ km: "gt:1", sold: false })) console.log(each.plate.length, km);
  console.log((await crm.createPromise({ title: "x" })).title, (await crm.createPage({ title: "x" })).title);
  // @ts-expect-error a misspelt filter
  await crm.listContacts({ stag: "lead" });
  // @ts-expect-error a wrong choice
  await crm.listDeals({ status: "opn" });
  // @ts-expect-error no operator
  await crm.listDeals({ amount_cents: "more:5" });
  // @ts-expect-error a wrong type
  await crm.createDeal({ title: 5 });
  // @ts-expect-error an unknown field
  await crm.createDeal({ title: "x", amont: 5 });
  // @ts-expect-error what the path says
  await crm.createContactDeal(one.id, { title: "x", contact_id: "c_00000000" });
  // @ts-expect-error q is needed
  await crm.listSearch();
  // @ts-expect-error an id is needed
  await crm.getContact();
  try { await crm.getContact("x"); } catch (error) { if (error instanceof CardfileError && error.code === "not_found") console.log(error.hint?.length); }
}
`;

test("it compiles under every strictness, and without the libraries of Node or a browser", async () => {
  const strict = {
    noEmit: true,
    strict: true,
    noUncheckedIndexedAccess: true,
    exactOptionalPropertyTypes: true,
    noImplicitOverride: true,
    noImplicitReturns: true,
    noUnusedLocals: true,
    noUnusedParameters: true,
    noPropertyAccessFromIndexSignature: true,
    verbatimModuleSyntax: true,
    isolatedModules: true,
    erasableSyntaxOnly: true,
    allowImportingTsExtensions: true,
    module: "esnext",
    moduleResolution: "bundler",
    target: "es2020",
  };
  await writeFile(join(folder, "use.ts"), USE);
  for (const [name, file, libraries] of [
    ["use", "use.ts", { lib: ["es2020", "dom"], types: [] }],
    ["bare", "cardfile.ts", { lib: ["es2020"], types: [] }],
  ] as const) {
    const project = join(folder, `${name}.json`);
    await writeFile(project, JSON.stringify({ compilerOptions: { ...strict, ...libraries }, files: [file] }));
    const compiler = join(ROOT, "node_modules/typescript/bin/tsc");
    const said = await promisify(execFile)(process.execPath, [compiler, "-p", project]).catch((error) => error);
    assert.equal(`${said.stdout}${said.code ?? ""}`, "");
  }
});

test("it has a function for every operation of the document, and stays small", async () => {
  const { paths } = (await ann.send("GET", "/openapi.json")).json();
  const told = Object.values(paths).flatMap((methods) => Object.values(methods as Record<string, { operationId: string }>));
  assert.deepEqual(Object.keys(client()).sort(), told.map(({ operationId }) => operationId).sort());
  assert.equal(made.stolen, undefined, "the words of a workspace end no comment");
  const plain = (await service.send("GET", "/sdk.ts")).text;
  assert.ok(plain.length < 15_000 * catalog.kinds.length, `${plain.length} characters`);
  assert.ok(!plain.includes("Vehicle"), "kinds of one's own are not told to others");
  const page = /export interface Page<Item> \{([^}]*)\}/.exec(plain)![1]!;
  const names = [...page.matchAll(/^ {2}(\w+)\??:/gm)].map(([, name]) => name);
  assert.deepEqual(names, Object.keys(pageSchema([])["properties"] as object));
});

test("records are made, read, found over pages, added up and deleted", async () => {
  const crm = client();
  const jane = await crm.createContact({ name: "Jane", email: "jane@acme.com" }, { reason: "ü" });
  assert.equal(jane.email, "jane@acme.com");
  for (const title of ["A", "B", "C"]) await crm.createContactDeal(jane.id, { title, amount_cents: 500, currency: "EUR" });
  const found: string[] = [];
  for await (const deal of crm.listDeals.all({ limit: 1, sort: "title", title: ["ne:B", "in:A,B,C"], contact: "Jane" }))
    found.push(deal.title);
  assert.deepEqual(found, ["A", "C"]);
  assert.equal((await crm.listContactDeals(jane.handle)).items.length, 3);
  const [group] = (await crm.listDeals.groups({ group_by: ["status"], sum: "amount_cents" })).items;
  assert.deepEqual([group.status, group.sum_amount_cents], ["open", 1500]);
  assert.deepEqual(Object.keys((await crm.listContacts({ fields: ["name", "email"] })).items[0]).sort(), [
    "email",
    "handle",
    "id",
    "name",
  ]);
  assert.equal(
    (await crm.updateContact(jane.id, { stage: "lead" }, { fields: "stage" }, { ifMatch: jane.version })).stage,
    "lead",
  );
  await assert.rejects(crm.updateContact(jane.id, { stage: "x" }, {}, { ifMatch: jane.version }), {
    code: "version_conflict",
    status: 412,
  });
  const [change] = (await crm.listContactHistory(jane.id)).items.slice(-1);
  assert.deepEqual([change.agent, change.reason], ["tester é", "ü"]);
  await assert.rejects(crm.deleteContact(jane.id), (error: { confirm?: string }) => typeof error.confirm === "string");
  await assert.rejects(crm.deleteContact(jane.id, {}, { confirm: () => false }), { code: "confirmation_required" });
  assert.match((await crm.deleteContact(jane.id, {}, { confirm: true })).message, /deleted/);
  const file = await crm.postContactsImport("name,email\nBob,bob@acme.com\n", {}, { contentType: "text/csv" });
  assert.equal(file.created, 1);
  assert.equal((await crm.postBatch([{ path: "/contacts?search=bob" }])).items[0].body.items[0].name, "Bob");
  assert.equal((await crm.createVehicle({ plate: "B 1", km: 5 })).km, 5);
  assert.match(await crm.getHelp(), /^# Cardfile/);
  const feed: unknown[] = [];
  for await (const each of crm.listChanges.all({ limit: 2 })) feed.push(each);
  assert.ok(Array.isArray(feed), "a feed, whose pages always go on, ends where it is now");
});

test("a refusal is an error with all that it says; no path leads elsewhere", async () => {
  const refused = await client()
    .listContacts({ stag: "x" })
    .catch((error: unknown) => error);
  assert.ok(refused instanceof made.CardfileError);
  assert.deepEqual([refused.status, refused.code], [400, "invalid_filter"]);
  assert.match(refused.hint, /stage/);
  assert.match(refused.requestId, /^req_/);
  for (const id of ["", ".", "..", undefined, "contacts/.."])
    assert.throws(() => client().deleteContact(id), { code: "invalid_value", status: 0 }, String(id));
  await assert.rejects(client().getContact("c_1?all=true"), { code: "not_found" });
  const proposer = (await ann.send("POST", "/tokens?format=json", { scopes: ["read", "propose"] })).json().token;
  const limited = client({ token: proposer });
  await assert.rejects(limited.createContact({ name: "Kept" }), { code: "proposed", status: 202 });
  assert.equal((await limited.createContact({ name: "Kept" }, { propose: true })).state, "open");
});

test("what is refused for now is sent again, so often and no more; a create under one key", async () => {
  const sent: { url: string; headers: Record<string, string> }[] = [];
  const answers: (() => Response | Promise<Response>)[] = [];
  const fetch = async (url: string, init: { headers: Record<string, string> }) => {
    sent.push({ url, headers: init.headers });
    return (answers.shift() ?? (() => globalThis.fetch(url, init)))();
  };
  const busy = (status: number, wait: string) => () =>
    new Response('{"error":"busy","message":"busy","hint":null}', {
      status,
      headers: { "content-type": "application/json", "retry-after": wait },
    });
  const broken = () => Promise.reject(new TypeError("the line broke"));
  const crm = client({ fetch });
  answers.push(busy(503, "0.01"), broken, busy(429, "0.01"));
  assert.equal((await crm.createContact({ name: "Once" })).name, "Once");
  assert.equal(sent.length, 4);
  assert.equal(new Set(sent.map(({ headers }) => headers["idempotency-key"])).size, 1);
  sent.length = 0;
  answers.push(...Array.from({ length: 9 }, () => busy(429, "0.01")));
  await assert.rejects(client({ fetch, retries: 2 }).listContacts(), { status: 429, retryAfter: 0.01 });
  assert.equal(sent.length, 3);
  answers.length = sent.length = 0;
  answers.push(busy(429, "3600"));
  await assert.rejects(crm.listContacts(), { status: 429, retryAfter: 3600 }, "nobody waits an hour");
  answers.push(broken);
  await assert.rejects(
    crm.updateContact("c_00000000", { name: "x" }),
    { code: "no_answer", status: 0 },
    "it may have been done",
  );
  assert.equal(sent.length, 2);
  answers.push(() => new Response("<html>Bad gateway</html>", { status: 502, headers: { "content-type": "text/html" } }));
  assert.ok(Array.isArray((await crm.listContacts()).items));
  answers.push(busy(429, "30"));
  const stop = new AbortController();
  setTimeout(() => stop.abort(), 20);
  await assert.rejects(crm.listContacts({}, { signal: stop.signal }));
});

test("of kinds of one's own it has those that only= names", async () => {
  const kind = { name: "boat", plural: "boats", fields: { name: "text" } };
  assert.equal((await ann.send("POST", "/kinds", kind)).status, 201);
  const { text } = await ann.send("GET", "/sdk.ts?only=boats");
  assert.ok(text.includes("listBoats") && text.includes("listContacts"));
  assert.ok(!text.includes("Vehicle"));
  assert.match(text, /\/\/ 3 further kinds of your own are not in it: GET \/sdk\.ts\?only=/);
  const { paths } = (await ann.send("GET", "/openapi.json?only=vehicle")).json();
  assert.deepEqual([paths["/boats"], typeof paths["/vehicles"]], [undefined, "object"]);
  const wrong = await ann.send("GET", "/sdk.ts?only=baots");
  assert.match(wrong.text, /^ERROR invalid_value there is no kind of your own "?baots"?\nHINT {2}did you mean boats\?/);
});
