import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { type Client, type Service, startService } from "../helpers/service.ts";

/** What an electronic invoice lacks is told before it is too late, and all at once. */

let service: Service;
let ann: Client;
let workspace: string;
let company: string;
before(async () => {
  service = await startService();
  ann = await service.signIn();
  workspace = `/workspaces/${(await ann.send("GET", "/workspaces?format=json")).json().items[0].id}`;
  company = (await ann.send("POST", "/companies?format=json", { name: "Acme" })).json().id;
});
after(() => service.close());

const draft = async (more: object = {}): Promise<string> => {
  const items = [
    { description: "Panel", unit_price_cents: 100, tax_rate: 19 },
    { description: "Work", unit_price_cents: 100 },
  ];
  const reply = await ann.send("POST", "/invoices?format=json", { company_id: company, currency: "EUR", items, ...more });
  assert.equal(reply.status, 201, reply.text);
  return `/invoices/i_${reply.json().id.slice(-8)}`;
};

const trailers = ({ text }: { text: string }) => text.split("\n").filter((line) => /^(#|ERROR|HINT)/.test(line));

const LACKS = [
  "the workspace has no country",
  "the workspace has neither an endpoint, an e-mail address, nor a VAT number that begins with its country",
  "the buyer has no country",
  "the buyer has neither an endpoint, an e-mail address, nor a VAT number that begins with its country",
  "the workspace has no tax_id",
  "the workspace has no city, postal_code, phone, email, which Germany needs",
  "the buyer has no city, postal_code, which Germany needs",
].join("; ");

const LETTERHEAD =
  'letterhead: PATCH /workspaces/{id} {"country":"DE","tax_id":"DE123456789","endpoint":"9930:DE123456789"}; the buyer: PATCH its company or contact';

test("a draft, the dry run of its issue and the issue tell all that is missing, each with what helps then", async () => {
  const one = await draft();
  assert.deepEqual(trailers(await ann.send("GET", `${one}?format=ubl`)), [
    `ERROR unprocessable it cannot be an electronic invoice: it is a draft: it has no number; ${LACKS}`,
    `HINT  ${LETTERHEAD}`,
    `HINT  POST ${one}/issue copies both into it and gives the number`,
  ]);
  const told = [
    `# it is no electronic invoice (format=ubl) like this: ${LACKS}`,
    '# no tax on item 2: neither it nor the workspace has a tax_rate; what is exempt says why: "tax_category":"E","tax_reason":"…"',
  ];
  const anew = `POST ${one}/cancel, set what is missing, then make a new one`;
  assert.deepEqual(trailers(await ann.send("POST", `${one}/issue?dry_run=true`)), [
    ...told,
    `# before the issue: ${LETTERHEAD}`,
    "# would be issued",
  ]);
  const issued = trailers(await ann.send("POST", `${one}/issue`));
  assert.deepEqual(issued.slice(0, -1), [...told, `# if it should be otherwise: ${anew}`]);
  assert.match(issued.at(-1)!, /^# issued ch_/);
  assert.deepEqual(trailers(await ann.send("POST", `${one}/issue`)).at(-1), "# unchanged");
  assert.deepEqual(trailers(await ann.send("GET", `${one}?format=ubl`)), [
    `ERROR unprocessable it cannot be an electronic invoice: ${LACKS}`,
    `HINT  ${anew}: both are copied into the document when it is given out`,
    `HINT  ${LETTERHEAD}`,
  ]);
});

test("nothing is told where nothing is missing, nor of a currency that has no such form", async () => {
  assert.deepEqual(trailers(await ann.send("POST", `${await draft({ currency: "KWD", items: [ITEM] })}/issue`)).length, 1);
  const letterhead = { country: "DE", tax_id: "DE123456789", city: "Hamburg", postal_code: "20095", phone: "1", tax_rate: 19 };
  await ann.send("PATCH", workspace, { ...letterhead, email: "bill@solar.example" });
  await ann.send("PATCH", `/companies/${company}`, {
    country: "DE",
    tax_id: "DE987654321",
    city: "Berlin",
    postal_code: "10115",
  });
  const one = await draft();
  assert.deepEqual(trailers(await ann.send("GET", `${one}?format=ubl`)), [
    "ERROR unprocessable it cannot be an electronic invoice: it is a draft: it has no number",
    `HINT  POST ${one}/issue copies both into it and gives the number`,
  ]);
  const free = await draft({ items: [{ ...ITEM, tax_rate: 0 }] });
  for (const each of [one, free]) assert.equal(trailers(await ann.send("POST", `${each}/issue`)).length, 1);
  assert.match((await ann.send("GET", `${one}?format=ubl`)).text, /^<\?xml/);
});

test("what is said after the issue is not missing before it", async () => {
  await ann.send("PATCH", workspace, { country: "GR", tax_id: "EL094259216" });
  const one = await draft();
  assert.equal(trailers(await ann.send("POST", `${one}/issue`)).length, 1);
  assert.match((await ann.send("GET", `${one}?format=ubl`)).text, /has no mark, .*\nHINT {2}PATCH \S+ \{"mark":"…"\}\n/);
});

const ITEM = { description: "Work", unit_price_cents: 100, tax_rate: 19 };
