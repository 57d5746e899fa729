import assert from "node:assert/strict";
import { request } from "node:http";
import { after, before, test } from "node:test";
import { sql } from "../../src/postgres/sql.ts";
import { catalog } from "../../src/records/all.ts";
import { createRoutes } from "../../src/routes/table.ts";
import { type Client, type Service, startService } from "../helpers/service.ts";

/** No request holds up the others for long, in a workspace with three times as many kinds as it may declare: what grows with them shows. */

const KINDS = 1_500;
/** For how long others may have to wait. */
const MOST_MS = 50;
const TRIES = 4;

const REFERENCES = 4;
const REFERENCE_MS = 10;

let service: Service;
let ann: Client;
before(async () => {
  service = await startService({ config: { CRM_RATE: "100000" } });
  ann = await service.signIn();
  await declareMany();
});
after(() => service.close());

/** One is declared, and the others are like it, with a link to one of the first few. */
async function declareMany(): Promise<void> {
  const fields = {
    name: "text",
    plate: "text",
    size: "integer",
    color: { choices: ["red", "blue"] },
    mail: "email",
    made_on: "date",
    price: "cents",
    remark: "long_text",
    owner_id: { link: "contact" },
    next_id: { link: "company" },
  };
  const made = await ann.send("POST", "/kinds", { name: "part0", natural_key: "plate", fields });
  assert.equal(made.status, 201, made.text);
  const letter = (n: number) => String.fromCharCode(97 + (n % 26));
  const others = Array.from({ length: KINDS - 1 }, (_, i) => {
    const n = i + 1;
    return {
      name: `part${n}`,
      letters: letter(n / 676) + letter(n / 26) + letter(n),
      target: n % 3 ? `part${n % 7}` : "company",
    };
  });
  await service.pool.rows(sql`insert into kinds (workspace_id, name, id, prefix, plural, declaration, version, created_at, created_by, updated_at)
    select k.workspace_id, o.name, 'k_' || o.letters || right(k.id, 5), 'z' || o.letters, o.name || 's',
      replace(k.declaration::text, '"company"', to_json(o.target)::text)::jsonb, 1, k.created_at, k.created_by, k.updated_at
    from kinds k, jsonb_to_recordset(${others}::jsonb) o (name text, letters text, target text) where k.name = 'part0'`);
  await service.pool.rows(sql`update workspaces set kinds_version = kinds_version + 1`);
}

type Asked = { method: string; path: string; accept?: string | undefined; body?: unknown };

const WHOAMI: Asked = { method: "GET", path: "/whoami" };

/** Every path that tells something of the whole workspace, and what else goes through all kinds. */
const ASKED: readonly Asked[] = [
  ...createRoutes(catalog)
    .filter(({ method, path }) => method === "GET" && !path.includes("{"))
    .flatMap(({ path }) => [undefined, "application/json"].map((accept) => ({ method: "GET", path, accept }))),
  { method: "GET", path: "/schema", accept: "application/schema+json" },
  { method: "GET", path: "/schema?pretty=true", accept: "application/json" },
  { method: "GET", path: "/help/query" },
  { method: "GET", path: "/help/part9s" },
  { method: "GET", path: "/nothing-called-so" },
  { method: "GET", path: "/search?q=acme" },
  { method: "GET", path: "/changes?since=now" },
  { method: "GET", path: "/tools?limit=200&format=json&pretty=true" },
  { method: "GET", path: "/part9s?owner=jane" },
  { method: "POST", path: "/tools/listNothing", body: { input: {} } },
  { method: "POST", path: "/mcp", body: { jsonrpc: "2.0", id: 1, method: "tools/list" } },
  { method: "POST", path: "/mcp", body: { jsonrpc: "2.0", id: 1, method: "resources/list" } },
  { method: "POST", path: "/sql", body: { sql: "select 1" } },
  { method: "POST", path: "/webhooks", body: { url: "https://example.com/x", events: ["prat9.created"] } },
  { method: "POST", path: "/part9s", body: { plate: "A 1", name: "An axle" } },
  { method: "PATCH", path: "/kinds/part9", body: { about: "what turns" } },
];

test("no request holds up the others for long, however many kinds there are", async (t) => {
  const first = await startService({ beside: service });
  const tooLong: string[] = [];
  for (const asked of [WHOAMI, ...ASKED]) {
    let held = await longestHold(first, asked);
    for (let left = TRIES; left > 0 && held > MOST_MS; left--) held = Math.min(held, (await holdOfAnother(asked)) / slowness());
    const told = `${held.toFixed(0)} ms ${asked.method} ${asked.path} ${asked.accept ?? ""}`;
    t.diagnostic(told);
    if (held > MOST_MS) tooLong.push(told);
  }
  await first.close();
  assert.deepEqual(tooLong, []);
});

/** Of a process that has made nothing of these kinds yet. */
async function holdOfAnother(asked: Asked): Promise<number> {
  const another = await startService({ beside: service });
  if (asked !== WHOAMI) await longestHold(another, WHOAMI);
  const held = await longestHold(another, asked);
  await another.close();
  return held;
}

/** The longest time that the event loop worked without a pause while it answered, in ms. Time that it did not get from a busy machine does not count. */
async function longestHold(of: Service, asked: Asked): Promise<number> {
  let longest = 0;
  let isDone = false;
  let since = stopwatch();
  const pause = () => {
    longest = Math.max(longest, since());
    since = stopwatch();
    if (!isDone) setTimeout(pause, 0);
  };
  pause();
  for (let i = 0; i < 2; i++) await send(of, asked);
  isDone = true;
  return longest;
}

/** The CPU time since then, of all threads: no more than has gone by. */
function stopwatch(): () => number {
  const [began, used] = [performance.now(), process.cpuUsage()];
  return () => {
    const { user, system } = process.cpuUsage(used);
    return Math.min(performance.now() - began, (user + system) / 1000);
  };
}

/** Reads the answer without looking at it, which would hold the loop too. */
function send({ baseUrl }: Service, { method, path, accept, body }: Asked): Promise<void> {
  const headers = {
    authorization: `Bearer ${ann.token}`,
    ...(accept ? { accept } : {}),
    ...(body ? { "content-type": "application/json" } : {}),
  };
  return new Promise((resolve, reject) => {
    const sent = request(baseUrl + path, { method, headers }, (answer) => {
      if (answer.statusCode === 500) reject(new Error(`${method} ${path} ${answer.statusCode}`));
      answer.on("end", resolve).on("error", reject).resume();
    });
    sent.on("error", reject).end(body && JSON.stringify(body));
  });
}

/** How many times as long as on an idle machine of 2026 some work takes now that is always the same. */
function slowness(): number {
  const since = stopwatch();
  for (let i = 0; i < REFERENCES; i++) JSON.parse(JSON.stringify(catalog.declarations));
  return Math.max(1, since() / REFERENCE_MS);
}
