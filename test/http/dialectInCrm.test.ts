import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { after, before, test } from "node:test";
import { promisify } from "node:util";
import { type Client, type Reply, type Service, startService } from "../helpers/service.ts";

/** The requests of InCRM's guide, with another host and key. */

let service: Service;
let ann: Client;
let bob: Client;
before(async () => {
  service = await startService({ config: { CRM_RATE: "5000" } });
  ann = keyed(await service.signIn());
  bob = keyed(await service.signIn("bob@example.com"));
});
after(() => service.close());

/** The same caller, whose key comes in the header that InCRM's clients send. */
const keyed = (client: Client): Client => ({
  ...client,
  send: (method, path, body, headers) => service.send(method, path, body, { "x-api-key": client.token, ...headers }),
});

const withKey = (key: string): Client => keyed({ ...ann, token: key });

type Row = Record<string, unknown> & { id: string };

async function done(method: string, path: string, body?: object, client = ann): Promise<Reply> {
  const reply = await client.send(method, `/api/v1${path}`, body);
  assert.ok(reply.status < 300, `${method} ${path} ${reply.status} ${reply.text}`);
  assert.equal(reply.json().success, true);
  return reply;
}

const row = async (method: string, path: string, body?: object, client = ann): Promise<Row> =>
  (await done(method, path, body, client)).json().data;
const rows = async (path: string, client = ann): Promise<Row[]> => (await done("GET", path, undefined, client)).json().data;

async function refused(status: number, code: number, method: string, path: string, body?: unknown, client = ann) {
  const reply = await client.send(method, `/api/v1${path}`, body);
  const { success, error } = reply.json();
  assert.deepEqual([reply.status, success, error.code], [status, false, code], `${method} ${path} ${reply.text}`);
  return error as { message: string };
}

test("a client is made, read, changed and deleted in one request each", async () => {
  const sent = { firstName: "John", lastName: "Doe", email: "john@acme.com", phone: "+1 555 010 9999" };
  const reply = await done("POST", "/client", sent);
  assert.equal(reply.status, 201);
  const { id, ...made } = reply.json().data;
  assert.deepEqual(Object.fromEntries(Object.keys(sent).map((name) => [name, made[name]])), sent);
  assert.equal(typeof made.createdAt, "string");
  assert.equal(made.created_at, undefined);
  await refused(409, 409001, "POST", "/client", { firstName: "Johnny", email: "JOHN@acme.com" });
  assert.equal((await row("GET", `/client/${id}`)).firstName, "John");
  assert.equal((await row("PUT", `/client/${id}`, { lastName: "Smith" })).lastName, "Smith");
  assert.equal((await ann.send("GET", `/contacts/${id}?format=json`)).json().name, "John Smith");
  assert.equal((await row("PATCH", `/client/${id}`, { lastName: null })).lastName, null);
  await row("DELETE", `/client/${id}`);
  await refused(404, 404001, "GET", `/client/${id}`);
  assert.equal((await row("POST", `/client/${id}/restore`)).id, id);
});

test("prices are decimal numbers, exact both ways", async () => {
  for (const table of ["product", "service"]) {
    for (const unitPrice of [150, 1.15, 0.1, 99999999.99, 0]) {
      const { id, ...made } = await row("POST", `/${table}`, { name: `Priced ${unitPrice}`, unitPrice, taxRate: 7.5 });
      assert.deepEqual([made.unitPrice, made.taxRate], [unitPrice, 7.5]);
      assert.equal((await row("GET", `/${table}/${id}`)).unitPrice, unitPrice);
    }
    const found = await rows(`/${table}?where=unitPrice:gte:int(1),unitPrice:lt:float(150.5)&orderBy=unitPrice:asc`);
    assert.deepEqual(
      found.map(({ unitPrice }) => unitPrice),
      [1.15, 150],
    );
    for (const unitPrice of ["much", 1.005, {}, true])
      assert.match(
        (await refused(400, 400000, "POST", `/${table}`, { name: "X", unitPrice })).message,
        /^unitPrice cannot be .*150/,
      );
  }
});

test("quotes and invoices are for a client, and their items have decimal prices", async () => {
  const client = await row("POST", "/client", { firstName: "Billed", lastName: "Monthly" });
  for (const table of ["quote", "invoice"]) {
    const sent = { clientId: client.id, items: [{ description: "Monthly retainer", quantity: 3, unitPrice: 1.15 }] };
    const { id, ...made } = await row("POST", `/${table}`, { ...sent, currency: "EUR" });
    assert.deepEqual([made.clientId, made.client], [client.id, "Billed Monthly"]);
    const [item] = made.items as Row[];
    assert.deepEqual([item!.unitPrice, item!.net], [1.15, 3.45]);
    const changed = await row("PUT", `/${table}/${id}`, { items: made.items });
    assert.deepEqual(changed.items, made.items);
    assert.equal((await rows(`/${table}?where=clientId:${client.id}`)).length, 1);
    for (const items of [[{ description: "x", unit_price_cents: 1 }], { a: 1 }, [1], [{ unitPrice: 1.005 }]])
      await refused(400, 400000, "PUT", `/${table}/${id}`, { items });
    const priceless = await refused(400, 400000, "PUT", `/${table}/${id}`, { items: [{ description: "x" }] });
    assert.match(priceless.message, /^item 1 needs unitPrice;/);
  }
});

test("decimals have the digits of the currency that is sent, held, or taken from elsewhere", async () => {
  const sold = async (unitPrice: number, currency: string) =>
    row("POST", "/product", { name: `In ${currency} ${unitPrice}`, unitPrice, currency });
  const cents = async (id: string) => (await ann.send("GET", `/products/${id}?format=json`)).json().unit_price_cents;
  const inYen = await sold(150, "JPY");
  const inDinars = await sold(1.234, "KWD");
  assert.deepEqual([inYen.unitPrice, await cents(inYen.id)], [150, 150]);
  assert.deepEqual([inDinars.unitPrice, await cents(inDinars.id)], [1.234, 1234]);
  assert.equal((await row("PUT", `/product/${inYen.id}`, { unitPrice: 200 })).unitPrice, 200);
  assert.equal(await cents(inYen.id), 200);
  await row("PUT", `/product/${inYen.id}`, { unitPrice: 2.5, currency: "USD" });
  assert.equal(await cents(inYen.id), 250);
  await refused(400, 400000, "PUT", `/product/${inDinars.id}`, { unitPrice: 1.2345 });
  assert.match(
    (await refused(400, 400000, "POST", "/product", { name: "X", unitPrice: 1.5, currency: "JPY" })).message,
    /JPY has none/,
  );
  assert.deepEqual(
    (await rows("/product?where=currency:kwd,unitPrice:gte:1.234")).map(({ id }) => id),
    [inDinars.id],
  );

  const { id: workspace } = (await bob.send("GET", "/workspaces?format=json")).json().items[0];
  await bob.send("PATCH", `/workspaces/${workspace}`, { currency: "JPY" });
  const client = await row("POST", "/client", { firstName: "In", lastName: "Yen" }, bob);
  const items = [{ description: "Retainer", quantity: 3, unitPrice: 150 }];
  const made = await row("POST", "/invoice", { clientId: client.id, items }, bob);
  const { items: held, net_cents } = (await bob.send("GET", `/invoices/${made.id}?format=json`)).json();
  assert.deepEqual([(made.items as Row[])[0]!.net, made.currency, held[0].unit_price_cents, net_cents], [450, "JPY", 150, 450]);
  const inEuros = await row("POST", "/invoice", { clientId: client.id, items, currency: "EUR" }, bob);
  await bob.send("POST", `/invoices/${inEuros.id}/issue`);
  const credit = await row(
    "POST",
    "/invoice",
    { creditsId: inEuros.id, clientId: client.id, items: [{ ...items[0], unitPrice: 1.5 }] },
    bob,
  );
  assert.deepEqual([credit.currency, credit.netCents], ["EUR", -450]);
  await bob.send("PATCH", `/workspaces/${workspace}`, { currency: null });
});

test("webhooks are made, changed and ended, with events in these words", async () => {
  const url = "https://example.com/hooks";
  const { id, secret, ...made } = await row("POST", "/webhook", { url, events: ["client.created", "invoice.updated"] });
  assert.match(String(secret), /^whsec_/);
  assert.deepEqual([made.url, made.events, made.active], [url, ["client.created", "invoice.updated"], true]);
  assert.deepEqual((await ann.send("GET", `/webhooks/${id}?format=json`)).json().events, [
    "contact.created",
    "invoice.updated",
  ]);
  assert.deepEqual((await row("PUT", `/webhook/${id}`, { events: ["client.*"] })).events, ["client.*"]);
  assert.deepEqual(
    (await rows("/webhook")).map((each) => each.id),
    [id],
  );
  await refused(400, 400000, "POST", "/webhook", { url, events: ["nothing.created"] });
  await refused(404, 404001, "GET", `/webhook/${id}`, undefined, bob);
  await done("DELETE", `/webhook/${id}`);
  assert.deepEqual(await rows("/webhook"), []);
});

test("employees have first and last names", async () => {
  const { id, name } = await row("POST", "/employee", {
    firstName: "Ann",
    lastName: "Lee",
    email: "ann.lee@acme.com",
    role: "Sales",
  });
  assert.equal(name, "Ann Lee");
  assert.equal((await row("PUT", `/employee/${id}`, { lastName: "Moe" })).name, "Ann Moe");
  assert.deepEqual(
    (await rows("/employee?where=firstName:Ann")).map((each) => each.id),
    [id],
  );
});

test("where and orderBy find what they say", async () => {
  for (const [i, lastName] of ["Alpha", "Beta", "Gamma, Inc"].entries())
    await row("POST", "/client", { firstName: "Where", lastName, city: i === 0 ? "Oslo" : null, custom: { seats: i } });
  const names = async (query: string) => (await rows(`/client?${query}`)).map(({ lastName }) => lastName);
  const all = ["Alpha", "Beta", "Gamma, Inc"];
  for (const [where, wanted] of [
    ["firstName:Where", all],
    ["firstName:equals:Where, lastName: startsWith string(al)", ["Alpha"]],
    ["firstName: contains her,lastName:contains:a", all],
    ["firstName:Where,lastName:Gamma, Inc", ["Gamma, Inc"]],
    ["firstName:Where,lastName:in:Alpha,Beta", ["Alpha", "Beta"]],
    ["firstName:Where,lastName: in array(string(Alpha), string(Beta))", ["Alpha", "Beta"]],
    ["firstName:Where,lastName:not:Alpha", ["Beta", "Gamma, Inc"]],
    ["firstName:Where,city:null", ["Beta", "Gamma, Inc"]],
    ["firstName:Where,city:not:null", ["Alpha"]],
    ["firstName:Where,custom.seats:gte:int(1)", ["Beta", "Gamma, Inc"]],
    ["firstName:Where,createdAt:gt:date(2020-01-01)", all],
    ["firstName:Where,createdAt: lt datetime(2020-01-01 12:00:00)", []],
  ] as const) {
    assert.deepEqual(await names(`where=${encodeURIComponent(where)}&orderBy=name:asc`), wanted, where);
  }
  assert.deepEqual(await names("where=firstName:Where&where=city:Oslo"), ["Alpha"]);
  assert.deepEqual(await names("where=firstName:Where&orderBy=name:desc"), all.toReversed());
  assert.deepEqual(await names("search=beta"), ["Beta"]);
  assert.match((await refused(400, 400000, "GET", "/client?where=fristName:x")).message, /did you mean firstName/);
  await refused(400, 400000, "GET", "/client?where=nothing");
  await refused(400, 400000, "GET", "/client?orderBy=createdAt:sideways");
  await refused(400, 400000, "GET", "/client?perPage=101");
  await refused(400, 400000, "GET", "/client?filter=x");
});

test("pages have numbers, and the last has no next", async () => {
  for (let i = 0; i < 5; i++) await row("POST", "/product", { name: `Paged ${i}`, sku: `PG-${i}` });
  const seen: unknown[] = [];
  let page = 1;
  for (;;) {
    const { data, meta } = (
      await done("GET", `/product?where=sku:startsWith:PG&page=${page}&perPage=2&orderBy=sku:asc`)
    ).json();
    seen.push(...(data as Row[]).map(({ sku }) => sku));
    assert.deepEqual(
      [meta.total, meta.lastPage, meta.currentPage, meta.perPage, meta.prev],
      [5, 3, page, 2, page > 1 ? page - 1 : null],
    );
    if (!meta.next) break;
    page = meta.next;
  }
  assert.deepEqual(
    seen,
    ["pg-0", "pg-1", "pg-2", "pg-3", "pg-4"].map((sku) => expect(sku)),
  );
  const { data, meta } = (await done("GET", "/product?where=sku:startsWith:PG&page=9&perPage=2")).json();
  assert.deepEqual([data, meta.next], [[], null]);
});

/** As it was sent. */
const expect = (sku: string) => sku.toUpperCase();

test("a key has scopes of its own, [] means all, and beyond them is 403 with the code that is printed", async () => {
  const scopes = ["clients.read", "products.read", "services.read", "employees.read"];
  const read = await row("POST", "/api-key", { name: "AI Read Agent", scopes });
  assert.deepEqual(read.scopes, scopes);
  const reader = withKey(String(read.key));
  const before = await rows("/client", reader);
  assert.ok(before.length > 0);
  const reply = await reader.send("POST", "/api/v1/client", { firstName: "No" });
  assert.equal(reply.status, 403);
  assert.deepEqual(reply.json(), {
    success: false,
    error: { code: 401014, message: "Insufficient permissions for this action" },
  });
  await refused(403, 401014, "GET", "/deal", undefined, reader);

  const writer = withKey(
    String((await row("POST", "/api-key", { name: "AI CRM Agent", scopes: ["clients.read", "clients.create"] })).key),
  );
  const { id } = await row("POST", "/client", { firstName: "Made", lastName: "Only" }, writer);
  await refused(403, 401014, "PUT", `/client/${id}`, { firstName: "Changed" }, writer);
  await refused(403, 401014, "DELETE", `/client/${id}`, undefined, writer);
  const whole = await row("POST", "/api-key", { name: "AI Full Access", scopes: [] });
  await row("DELETE", `/client/${id}`, undefined, withKey(String(whole.key)));
  await refused(403, 401014, "POST", "/api-key", { name: "more", scopes: ["clients.delete"] }, reader);
  assert.match(
    (await refused(400, 400000, "POST", "/api-key", { scopes: ["clientz.read"] })).message,
    /did you mean clients.read/,
  );

  assert.ok((await rows("/api-key")).some((key) => key.name === "AI Read Agent" && String(key.scopes) === String(scopes)));
  await row("DELETE", `/api-key/${read.id}`);
  await refused(401, 401002, "GET", "/client", undefined, reader);
});

test("a key sees its own business only, and refusals have one form", async () => {
  const { id } = await row("POST", "/client", { firstName: "Theirs", email: "theirs@acme.com" }, bob);
  await refused(404, 404001, "GET", `/client/${id}`);
  await refused(404, 404001, "PUT", `/client/${id}`, { firstName: "Mine" });
  await refused(404, 404001, "DELETE", `/client/${id}`);
  assert.deepEqual(await rows("/client?where=firstName:Theirs"), []);
  await refused(401, 401001, "GET", "/client", undefined, { ...ann, send: service.send });
  await refused(401, 401002, "GET", "/client", undefined, withKey("incrm_nothing"));
  await refused(400, 400000, "POST", "/client", { firstname: "x" });
  await refused(400, 400000, "POST", "/client", "{");
  await refused(400, 400000, "POST", "/client", { firstName: "X", email: "no address" });
  assert.match((await refused(404, 404001, "GET", "/clients")).message, /did you mean client\?/);
  await refused(404, 404001, "GET", "/client/a/b/c");
  const name = `"'; drop table contacts; -- \u202e`;
  const hostile = await row("POST", "/client", { firstName: "Hostile", notes: name });
  assert.equal((await row("GET", `/client/${hostile.id}`)).notes, name);
});

test("rate limits are told with the time of the reset in epoch seconds", async () => {
  const { headers } = await done("GET", "/client?perPage=1");
  const reset = Number(headers.get("x-ratelimit-reset"));
  assert.ok(reset > Date.now() / 1000 - 1 && reset < Date.now() / 1000 + 61, String(reset));
  assert.ok(Number(headers.get("x-ratelimit-remaining")) < Number(headers.get("x-ratelimit-limit")));
  const ours = (await ann.send("GET", "/contacts?limit=1")).headers.get("x-ratelimit-reset");
  assert.ok(Number(ours) <= 60);
});

test("its OpenAPI document needs no key, and each of its operations answers", async () => {
  const spec = (await service.send("GET", "/api/v1/openapi.json")).json();
  assert.match(spec.openapi, /^3\.0\./);
  const operations = Object.values(spec.paths as Record<string, Record<string, { operationId: string }>>).flatMap((each) =>
    Object.values(each).map(({ operationId }) => operationId),
  );
  assert.equal(new Set(operations).size, operations.length);
  for (const name of [
    "listClients",
    "getClient",
    "createClient",
    "createInvoice",
    "updateClient",
    "deleteClient",
    "listProducts",
    "listServices",
    "listEmployees",
  ])
    assert.ok(operations.includes(name), name);
  const text = JSON.stringify(spec);
  for (const [, name] of text.matchAll(/#\/components\/schemas\/(\w+)/g)) assert.ok(spec.components.schemas[name!], name);
  assert.doesNotMatch(text, /"type":\[|"const":|"null"/);
  for (const path of Object.keys(spec.paths).filter((each) => !each.includes("{"))) {
    const [first] = (await done("GET", `${path.replace("/api/v1", "")}?perPage=1`)).json().data;
    const schema =
      spec.components.schemas[spec.paths[path].get.responses[200].content["application/json"].schema.$ref.split("/").at(-1)];
    const { properties, required } = spec.components.schemas[schema.properties.data.items.$ref.split("/").at(-1)];
    for (const name of first ? required : []) assert.ok(name in first, `${path} ${name}`);
    for (const name of Object.keys(first ?? {})) assert.ok(name in properties, `${path} ${name}`);
  }
});

test("the printed program compiles under strict and runs, with its own client file alone", async () => {
  const folder = mkdtempSync(join(resolve("node_modules/.cache"), "incrm-"));
  try {
    writeFileSync(join(folder, "package.json"), '{"type":"module"}');
    writeFileSync(join(folder, "sdk.ts"), (await service.send("GET", "/api/v1/sdk.ts")).text);
    const program = PROGRAM.replaceAll("'@incrm-app/sdk'", "'./sdk.ts'").replaceAll("https://api.incrm.app", service.baseUrl);
    writeFileSync(join(folder, "program.ts"), program);
    writeFileSync(
      join(folder, "tsconfig.json"),
      JSON.stringify({
        compilerOptions: {
          ...{ strict: true, noEmit: true, target: "es2022", module: "esnext", moduleResolution: "bundler", types: ["node"] },
          ...{
            allowImportingTsExtensions: true,
            noUncheckedIndexedAccess: true,
            exactOptionalPropertyTypes: true,
            lib: ["es2023", "dom"],
          },
        },
        include: ["*.ts"],
      }),
    );
    const run = promisify(execFile);
    await run(resolve("node_modules/.bin/tsc"), ["-p", folder]).catch(({ stdout }) => assert.fail(stdout));
    const env = { ...process.env, INCRM_API_KEY: ann.token };
    const { stdout } = await run("node", ["--import", "tsx", join(folder, "program.ts")], { env });
    assert.match(stdout, /^Found \d+ clients\n/);
    assert.match(stdout, /^Created invoice: i_\w+$/m);
    assert.match(stdout, /^Hostile null \(null\)$/m);
    assert.match(stdout, /^all \d+, refused 401014 with a reset$/m);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
});

/** As the guide prints it, with the parts that need other entities left out, and an end that a test can hold it against. */
const PROGRAM = `
import { InCRMClient, listClients, getClient, createClient, createInvoice } from '@incrm-app/sdk'

// 1. Initialize the client
const incrm = new InCRMClient({
  baseUrl: 'https://api.incrm.app',
  apiKey: process.env.INCRM_API_KEY!,
})

// 2. Fetch all clients
const { data: clientsResponse } = await listClients({
  query: { page: 1, perPage: 100, orderBy: 'createdAt:desc' },
})

console.log(\`Found \${clientsResponse.meta.total} clients\`)

// 3. Process each client
for (const client of clientsResponse.data) {
  console.log(\`\${client.firstName} \${client.lastName} (\${client.email})\`)
}

// 4. Create an invoice for the first client
if (clientsResponse.data.length > 0) {
  const { data: invoiceResponse } = await createInvoice({
    body: {
      clientId: clientsResponse.data[0]!.id,
      items: [
        { description: 'Monthly retainer', quantity: 1, unitPrice: 2000 },
      ],
    },
  })
  console.log(\`Created invoice: \${invoiceResponse.data.id}\`)
}

async function fetchAllRecords<T>(
  fetcher: (query: { page: number; perPage: number }) => Promise<{
    data: { data: T[]; meta: { next: number | null } }
  }>,
): Promise<T[]> {
  const allRecords: T[] = []
  let page = 1

  while (true) {
    const { data: response } = await fetcher({ page, perPage: 100 })
    allRecords.push(...response.data)

    if (!response.meta.next) break
    page = response.meta.next

    // Respect rate limits
    await new Promise(resolve => setTimeout(resolve, 200))
  }

  return allRecords
}

const allClients = await fetchAllRecords((query) => listClients({ query }))

const func = async (params: { firstName: string; lastName: string; email?: string | undefined; phone?: string | undefined }) => {
  const { data } = await createClient({ body: params })
  return JSON.stringify(data)
}
const { data: made } = JSON.parse(await func({ firstName: 'Tool', lastName: 'Made' }))
const { data: response } = await getClient({ path: { id: made.id } })
const client = response.data
if (client.firstName !== 'Tool') throw new Error('it is another')

async function safeRequest<T>(fn: () => Promise<T>): Promise<T> {
  try {
    return await fn()
  } catch (error: any) {
    if (error.status === 429) {
      const resetHeader = error.headers?.['x-ratelimit-reset']
      const waitMs = resetHeader
        ? Math.max(0, Number(resetHeader) * 1000 - Date.now())
        : 5000
      await new Promise(resolve => setTimeout(resolve, waitMs))
      return fn()
    }
    throw error
  }
}

const key = await fetch('https://api.incrm.app/api/v1/api-key', {
  method: 'POST',
  headers: { 'X-Api-Key': process.env.INCRM_API_KEY!, 'Content-Type': 'application/json' },
  body: JSON.stringify({ name: 'AI Read Agent', scopes: ['clients.read'] }),
})
const narrow = new InCRMClient({ baseUrl: 'https://api.incrm.app', apiKey: ((await key.json()) as any).data.key })
try {
  await safeRequest(() => createClient({ body: { firstName: 'No' }, client: narrow }))
} catch (error: any) {
  console.log(\`all \${allClients.length}, refused \${error.code} with \${error.headers['x-ratelimit-reset'] ? 'a reset' : 'none'}\`)
}
void incrm
`;
