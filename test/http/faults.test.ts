import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { createLog } from "../../src/kit/log.ts";
import { sql } from "../../src/postgres/sql.ts";
import { catalog } from "../../src/records/all.ts";
import { createRoutes } from "../../src/routes/table.ts";
import { noSql } from "../helpers/citus.ts";
import { type Client, type Service, startService } from "../helpers/service.ts";

/** No request is a fault of the service, and a fault tells nothing of its inside. */

let service: Service;
let ann: Client;
const logged: string[] = [];
/** A record of every kind. */
const ids = new Map<string, string>();
before(async () => {
  service = await startService({ log: createLog((line) => logged.push(line), Date.now) });
  ann = await service.signIn();
  for (const { name, plural, example, links } of catalog.dependentsFirst.toReversed()) {
    const linked = links.filter(({ id }) => Object.hasOwn(example, id.name));
    const body = { ...example, ...Object.fromEntries(linked.map(({ id, target }) => [id.name, ids.get(target.name)])) };
    const reply = await ann.send("POST", `/${plural}?format=json`, body);
    assert.equal(reply.status, 201, reply.text);
    ids.set(name, reply.json().id);
  }
});
after(() => service.close());

const routes = createRoutes(catalog);

/** Where there is no SQL, 501 says so. */
const isNoFault = ({ status }: { status: number }) => status < 500 || (noSql && status === 501);

let dealt = 0;

/** The next few in turn: every field gets one and all fields together get all of them, many times. */
const deal = <T>(pack: readonly T[], count: number): T[] =>
  Array.from({ length: count }, () => pack[dealt++ % pack.length] as T);

test("no value of any type in any field of any body is a fault", async () => {
  const odd: unknown[] = [
    { toString: 1 },
    { valueOf: null, toString: null },
    [],
    [[]],
    {},
    0,
    -1,
    1.5,
    1e300,
    true,
    false,
    "\0",
    "x".repeat(3000),
    ["a", 5],
    "%",
    "=",
    "null",
    "../..",
    "\u202e",
  ];
  const own = (await ann.send("GET", "/whoami?format=json")).json();
  for (const { method, path, body } of routes) {
    if (!body || (body.is === "file" && !body.of)) continue;
    const fields = body.is === "values" ? Object.keys(body.values) : body.of!.fields.map(({ name }) => name);
    const kind = catalog.kinds.find(({ plural }) => path.startsWith(`/${plural}/`))?.name;
    const id = kind ? ids.get(kind)! : own.workspace.slice("workspace/".length);
    const to = path.replace("{id}", id).replace(/\{\w+\}/g, "u_00000000");
    for (const name of [...fields, "version", "custom.x", "__proto__", "constructor"]) {
      for (const text of deal(odd, 1).map((value) => JSON.stringify(value))) {
        const form = `${encodeURIComponent(name)}=${encodeURIComponent(text)}`;
        const reply = await ann.send(method, to, dealt % 4 ? `{"${name}":${text}}` : form);
        assert.ok(isNoFault(reply), `${method} ${to} ${name} ${text.slice(0, 200)}: ${reply.text}`);
      }
    }
  }
  assert.deepEqual(
    logged.filter((line) => line.includes("event=fault")),
    [],
  );
});

test("no value of any parameter is a fault", async () => {
  const odd = [
    "",
    "%00",
    "-1",
    "1e9",
    "99999999999999999999",
    "in:",
    'in:"',
    "like:%",
    "eq:null",
    "is:null",
    "gt:x",
    "%F0%9F%98%80",
    "'",
    "a".repeat(2000),
    "-",
    "*",
    "%0A",
  ];
  for (const { method, path, parameters = {}, filters } of routes.filter((route) => route.method === "GET")) {
    const kind = catalog.kinds.find(({ plural }) => path.startsWith(`/${plural}/`))?.name;
    const to = path.replace("{id}", kind ? ids.get(kind)! : "ws_00000000").replace("{topic}", "query");
    const lists = filters
      ? ["search", "sort", "limit", "cursor", "fields", "count", "custom.x", ...filters.of.fields.map(({ name }) => name)]
      : [];
    for (const name of [...Object.keys(parameters), ...lists, "format", "pretty", "reason", "nothing", "__proto__"]) {
      for (const value of deal(odd, 1)) {
        const reply = await ann.send(method, `${to}?${name}=${value}`);
        assert.ok(isNoFault(reply), `${to}?${name}=${value}: ${reply.text}`);
      }
    }
  }
  assert.deepEqual(
    logged.filter((line) => line.includes("event=fault")),
    [],
  );
});

test("a fault of the service tells its request id and nothing of its inside", async () => {
  const { rows } = service.pool;
  service.pool.rows = () => Promise.reject(new TypeError('secret detail of relation "contacts" at /srv/app.ts'));
  try {
    for (const accept of ["text/plain", "application/json"]) {
      logged.length = 0;
      const reply = await ann.send("GET", "/contacts", undefined, { accept });
      assert.equal(reply.status, 500);
      assert.match(reply.text, /^(ERROR internal |\{"error":"internal",)/);
      assert.doesNotMatch(reply.text, /secret|detail|TypeError|app\.ts/);
      const [line] = logged.filter((each) => each.includes("level=error"));
      assert.ok(line?.includes(reply.headers.get("x-request-id")!) && line.includes("secret detail"), logged.join());
    }
  } finally {
    service.pool.rows = rows;
  }
});

test("a process that a newer one has overtaken is not ready, and says so", async () => {
  assert.equal((await service.send("GET", "/readyz")).status, 200);
  await service.pool.rows(
    sql`insert into schema_migrations (version, name, digest, applied_at) values (9999, 'later', '', now())`,
  );
  const reply = await service.send("GET", "/readyz");
  assert.match(`${reply.status} ${reply.text}`, /^503 ERROR not_ready the database is at schema 9999[^\n]*\nHINT {2}[^\n]+\n$/);
  assert.match(reply.headers.get("retry-after") ?? "", /^\d+$/);
});
