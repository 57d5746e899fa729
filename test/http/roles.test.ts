import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { sweepWorkspaces } from "../../src/db/people/workspaces.ts";
import { sql } from "../../src/postgres/sql.ts";
import { catalog } from "../../src/records/all.ts";
import { createRoutes } from "../../src/routes/table.ts";
import type { Client } from "../helpers/service.ts";
import { type Service, startService } from "../helpers/service.ts";

let service: Service;
let ann: Client;
let team: string;
const people = new Map<string, Client>();

before(async () => {
  service = await startService();
  ann = await service.signIn("ann@example.com");
  team = await workspaceOf(ann);
  for (const role of ["member", "viewer"]) {
    await ann.send("POST", `/workspaces/${team}/invites`, { email: `${role}@example.com`, role });
    people.set(role, await within(await service.signIn(`${role}@example.com`)));
  }
  people.set("admin", ann);
});
after(() => service.close());

async function workspaceOf(client: Client): Promise<string> {
  return (await client.send("GET", "/whoami?format=json")).json().workspace.split("/")[1];
}

/** The same person, with a token for Ann's workspace. */
async function within(client: Client): Promise<Client> {
  const asked = await client.send("POST", `/workspaces/${team}/tokens?format=json`, {});
  return withToken(
    client,
    (await client.send("POST", `/workspaces/${team}/tokens?format=json&code=${asked.json().code}`, {})).json().token,
  );
}

function withToken(client: Client, token: string): Client {
  const send: Client["send"] = (method, path, body, headers = {}) =>
    service.send(method, path, body, { ...headers, authorization: `Bearer ${token}` });
  return { ...client, token, send };
}

async function narrowed(client: Client, scopes: string[], more: Record<string, unknown> = {}): Promise<Client> {
  const minted = await client.send("POST", "/tokens?format=json", { name: "narrow", scopes, ...more });
  assert.equal(minted.status, 201, minted.text);
  return withToken(client, minted.json().token);
}

const routes = createRoutes(catalog).filter((route) => !route.open);
const plurals = catalog.kinds.map(({ plural }) => plural);
const isOfRecords = (path: string) => plurals.some((plural) => path.startsWith(`/${plural}`));
const aim = (path: string) =>
  path.replace(/\{\w+\}/g, `${catalog.kinds.find(({ plural }) => path.startsWith(`/${plural}/`))?.prefix ?? "ws"}_00000000`);
const VERB = { GET: "read", POST: "write", PUT: "write", PATCH: "write", DELETE: "delete" } as const;

async function refused(client: Client, method: string, path: string): Promise<boolean> {
  const { status, text } = await client.send(method, aim(path), method === "GET" || method === "DELETE" ? undefined : {});
  return status === 403 && text.startsWith("ERROR scope_required ");
}

test("for every route, a viewer only reads, a member and an admin may change records", async () => {
  for (const { method, path } of routes.filter((route) => isOfRecords(route.path))) {
    assert.equal(await refused(people.get("viewer")!, method, path), method !== "GET", `viewer ${method} ${path}`);
    for (const role of ["member", "admin"])
      assert.equal(await refused(people.get(role)!, method, path), false, `${role} ${method} ${path}`);
  }
});

test("for every route, a token does only what its scopes allow", async () => {
  for (const scope of ["read", "write", "delete", "contacts.read", "deals.write"]) {
    const [first, second] = scope.split(".") as [string, string | undefined];
    const narrow = await narrowed(ann, [scope]);
    for (const { method, path } of routes.filter((route) => isOfRecords(route.path))) {
      const plural = path
        .split("/")
        .filter((segment) => plurals.includes(segment))
        .at(-1);
      const allowed = second === undefined ? first === VERB[method] : first === plural && second === VERB[method];
      assert.equal(await refused(narrow, method, path), !allowed, `${scope} ${method} ${path}`);
    }
  }
});

test("only an admin with an admin token manages members", async () => {
  const narrow = await narrowed(ann, ["read", "write", "delete"]);
  for (const client of [people.get("member")!, people.get("viewer")!, narrow]) {
    for (const [method, path, body] of [
      ["PATCH", `/workspaces/${team}`, { name: "Taken" }],
      ["DELETE", `/workspaces/${team}`, undefined],
      ["POST", `/workspaces/${team}/invites`, { email: "eve@example.com", role: "member" }],
    ] as const) {
      const { status, text } = await client.send(method, path, body);
      assert.equal(status, 403, text);
      assert.match(text, /^ERROR (admin|scope)_required /);
    }
  }
  assert.doesNotMatch((await ann.send("GET", `/workspaces/${team}/members`)).text, /eve@/);
});

test("a token mints no more than its own scopes, nothing for other workspaces, and its children end with it", async () => {
  const reader = await narrowed(ann, ["read", "contacts.write"], { expires_at: "+2d" });
  for (const scopes of [["write"], ["admin"], ["deals.write"], ["read", "delete"]]) {
    assert.equal((await reader.send("POST", "/tokens", { scopes })).status, 403, scopes.join());
  }
  const inherited = (await reader.send("POST", "/tokens?format=json", { expires_at: "+90d" })).json();
  const listed = (await reader.send("GET", "/tokens?format=json")).json().items as {
    expires_at: string;
    last_used_at: string;
  }[];
  assert.equal(inherited.expires_at, listed[0]!.expires_at, "the minted token tells when it ends");
  assert.match((await ann.send("POST", "/tokens", { expires_at: "2099-01-01" })).text, /^expires_at=2099-01-01T00:00:00Z$/m);
  assert.doesNotMatch((await ann.send("POST", "/tokens", {})).text, /expires_at/);
  for (const { last_used_at } of listed) assert.match(last_used_at, /:00:00Z$/, "only the hour is known");
  assert.equal(inherited.scopes, "read,contacts.write");
  const child = withToken(ann, inherited.token);
  assert.equal((await child.send("POST", "/deals", { title: "x" })).status, 403);
  assert.match(
    (await ann.send("GET", "/tokens")).text,
    new RegExp(`${inherited.id} .*expires_at=${new Date(Date.now() + 2 * 86_400_000).toISOString().slice(0, 10)}`),
  );
  const other = (await ann.send("POST", "/workspaces?format=json", { name: "Other" })).json();
  assert.equal((await reader.send("POST", `/workspaces/${other.handle.split("/")[1]}/tokens`, {})).status, 404);
  assert.equal(
    (await reader.send("DELETE", `/${(await ann.send("GET", "/whoami?format=json")).json().token}`)).status,
    403,
    "not its own nor minted with it",
  );
  const own = (await reader.send("GET", "/whoami?format=json")).json().token;
  await ann.send("DELETE", `/${own}`);
  for (const dead of [reader, child]) assert.equal((await dead.send("GET", "/contacts")).status, 401);
});

test("the last admin cannot step down or leave, nor can the last two at once", async () => {
  const me = (await ann.send("GET", "/whoami?format=json")).json().user.split("/")[1];
  assert.match(
    (await ann.send("POST", `/workspaces/${team}/members/${me}/role`, { role: "member" })).text,
    /^ERROR last_admin /,
  );
  const second = (await ann.send("GET", `/workspaces/${team}/members?format=json`))
    .json()
    .items.find(({ email }: { email: string }) => email === "member@example.com");
  const other = second.handle.split("/")[1];
  const asked = await ann.send("POST", `/workspaces/${team}/members/${other}/role?format=json`, { role: "admin" });
  assert.equal(asked.json().error, "escalation_required");
  const code = asked.json().code;
  assert.equal(
    (await ann.send("POST", `/workspaces/${team}/members/${me}/role?code=${code}`, { role: "admin" })).status,
    200,
    "she is admin already",
  );
  assert.equal(
    (await ann.send("POST", `/workspaces/${team}/members/${other}/role?code=${code}`, { role: "admin" })).status,
    200,
  );
  const down = await Promise.all([
    ann.send("POST", `/workspaces/${team}/members/${me}/role`, { role: "member" }),
    people.get("member")!.send("POST", `/workspaces/${team}/members/${other}/role`, { role: "member" }),
  ]);
  assert.deepEqual(down.map(({ status }) => status).sort(), [200, 409]);
});

test("a step-up code works for its action only, and once", async () => {
  const eve = await service.signIn("eve@example.com");
  const [one, two] = await Promise.all(
    ["One", "Two"].map(
      async (name) => (await eve.send("POST", "/workspaces?format=json", { name })).json().handle.split("/")[1],
    ),
  );
  const code = (await eve.send("DELETE", `/workspaces/${one}?format=json`)).json().code;
  assert.equal((await eve.send("DELETE", `/workspaces/${two}?code=${code}`)).status, 403);
  assert.equal((await ann.send("DELETE", `/workspaces/${one}?code=${code}`)).status, 404);
  assert.equal((await eve.send("DELETE", `/workspaces/${one}`, undefined, { "x-escalation-code": code })).status, 200);
  assert.equal((await eve.send("DELETE", `/workspaces/${one}?code=${code}`)).status, 404);
});

test("a removed member's tokens end at once, and the workspace is not found for them", async () => {
  const bob = await service.signIn("bob@example.com");
  await bob.send("POST", "/contacts", { email: "secret@acme.com" });
  const home = await workspaceOf(bob);
  await bob.send("POST", `/workspaces/${home}/invites`, { email: "carl@example.com", role: "viewer" });
  const carl = await service.signIn("carl@example.com");
  const asked = await carl.send("POST", `/workspaces/${home}/tokens?format=json`, {});
  const inside = withToken(
    carl,
    (await carl.send("POST", `/workspaces/${home}/tokens?format=json&code=${asked.json().code}`, {})).json().token,
  );
  assert.match((await inside.send("GET", "/contacts")).text, /secret@acme\.com/);
  const user = (await inside.send("GET", "/whoami?format=json")).json().user.split("/")[1];
  const confirm = (await bob.send("DELETE", `/workspaces/${home}/members/${user}?format=json`)).json().confirm;
  assert.equal((await bob.send("DELETE", `/workspaces/${home}/members/${user}?confirm=${confirm}`)).status, 200);
  assert.equal((await inside.send("GET", "/contacts")).status, 401);
  assert.equal((await carl.send("GET", `/workspaces/${home}/members`)).status, 404);
});

test("whose first workspace has ended signs in to the oldest that is their own, and not to one that they only work in", async () => {
  const fay = await service.signIn("fay@example.com");
  const first = await workspaceOf(fay);
  const gus = await service.signIn("gus@example.com");
  const invited = await gus.send("POST", `/workspaces/${await workspaceOf(gus)}/invites`, {
    email: "fay@example.com",
    role: "member",
  });
  assert.equal(invited.status, 201, invited.text);
  const [made] = (await fay.send("POST", "/workspaces", { name: "Second" })).lines;
  const second = made!.split(" ")[0]!.slice("workspace/".length);
  assert.equal(await workspaceOf(await service.signIn("fay@example.com")), first);
  const { code } = (await fay.send("DELETE", `/workspaces/${first}?format=json`)).json();
  const gone = await fay.send("DELETE", `/workspaces/${first}?code=${code}`);
  assert.match(gone.text, /^HINT {2}its tokens have ended/m);
  for (let i = 0; i < 2; i++) assert.equal(await workspaceOf(await service.signIn("fay@example.com")), second);
});

test("records written while the workspace is deleted do not stay", async () => {
  const eve = await service.signIn("eve@example.com");
  const home = await workspaceOf(eve);
  const code = (await eve.send("DELETE", `/workspaces/${home}?format=json`)).json().code;
  await eve.send("POST", "/deals", { title: "before" });
  await Promise.all([
    eve.send("DELETE", `/workspaces/${home}?code=${code}`),
    ...Array.from({ length: 40 }, (_, i) => eve.send("POST", "/deals", { title: `late ${i}` })),
  ]);
  const ended = () => service.pool.rows(sql`select id from workspaces where right(id, 8) = ${home.slice(-8)}`);
  assert.equal((await eve.send("GET", "/deals")).status, 401);
  await sweepWorkspaces(service.pool, catalog);
  await sweepWorkspaces(service.pool, catalog);
  assert.deepEqual(await ended(), []);
  const [left] = await service.pool.rows(sql`select count(*)::int from deals where title like 'late %' or title = 'before'`);
  assert.equal(left![0], 0);
  assert.match((await ann.send("GET", "/whoami")).text, /ann@example/, "others stay");
});

test("a token with the scope admin revokes its owner's other tokens, one without only itself", async () => {
  const eve = await service.signIn("eve@example.com");
  const mint = async (...scopes: string[]) => (await eve.send("POST", "/tokens?format=json", { name: "t", scopes })).json();
  const [all, few, other] = [await mint("read", "write", "delete", "admin"), await mint("read", "write"), await mint("read")];
  const as = (token: string) => ({ authorization: `Bearer ${token}` });
  assert.equal((await service.send("DELETE", `/tokens/${other.id.split("/")[1]}`, undefined, as(few.token))).status, 403);
  assert.equal((await service.send("DELETE", `/tokens/${other.id.split("/")[1]}`, undefined, as(all.token))).status, 200);
  assert.equal((await service.send("GET", "/contacts", undefined, as(other.token))).status, 401);
});

test("a narrowed token cannot see its owner's other workspaces", async () => {
  const eve = await service.signIn("narrow@example.com");
  const home = await workspaceOf(eve);
  const other = (await eve.send("POST", "/workspaces?format=json", { name: "Elsewhere GmbH" })).json().handle.split("/")[1];
  await eve.send("POST", `/workspaces/${other}/invites`, { email: "guest@elsewhere.example", role: "viewer" });
  const there = await eve.send("POST", `/workspaces/${other}/tokens?format=json`, { name: "secret there", scopes: ["read"] });
  assert.equal(there.status, 201, there.text);
  const foreign = there.json().id;
  for (const scopes of [["read"], ["deals.write"], ["read", "write", "delete", "admin"]]) {
    const narrow = await narrowed(eve, scopes);
    assert.deepEqual((await narrow.send("GET", "/workspaces")).lines.length, 1);
    const requests: [method: string, path: string, body?: object][] = [
      ["GET", "/workspaces"],
      ["GET", `/workspaces/${home}`],
      ["GET", `/workspaces/${home}/members`],
      ["GET", "/tokens"],
    ];
    const elsewhere: typeof requests = [
      ["GET", `/workspaces/${other}`],
      ["GET", `/workspaces/${other}/members`],
      ["PATCH", `/workspaces/${other}`, { name: "Taken" }],
      ["DELETE", `/workspaces/${other}`],
      ["POST", `/workspaces/${other}/invites`, { email: "x@example.com" }],
      ["POST", `/workspaces/${other}/tokens`, {}],
      ["DELETE", `/workspaces/${other}/members/u_00000000`],
    ];
    for (const [method, path, body] of [...requests, ...elsewhere]) {
      const { status, text } = await narrow.send(method, path, body);
      assert.doesNotMatch(text, /Elsewhere GmbH|elsewhere\.example|secret there/, `${scopes} ${method} ${path}`);
      assert.equal(status, path.includes(other) ? 404 : 200, `${scopes} ${method} ${path} ${text}`);
    }
    const refused = await narrow.send("DELETE", `/${foreign}`);
    assert.match(refused.text, scopes.includes("admin") ? /^ERROR not_found / : /^ERROR scope_required /);
  }
  assert.match((await eve.send("GET", "/tokens")).text, /secret there/, "the whole token sees it, and it lives");
});

test("a full token for another workspace requires a mailed code, however its scopes are named", async () => {
  const eve = await service.signIn("full@example.com");
  const other = (await eve.send("POST", "/workspaces?format=json", { name: "Second" })).json().handle.split("/")[1];
  const path = `/workspaces/${other}/tokens?format=json`;
  const byKind = ["read", "write", "delete"].flatMap((verb) => plurals.map((plural) => `${plural}.${verb}`));
  const whole = [
    undefined,
    ["read", "write", "delete", "admin"],
    ["admin", "delete", "write", "read", "read"],
    ["read", "create", "update", "delete", "admin"],
    [...byKind, "admin"],
    ["admin"],
  ];
  for (const scopes of whole) {
    const asked = await eve.send("POST", path, { scopes });
    assert.equal(asked.json().error, "escalation_required", `${scopes}: ${asked.text}`);
    assert.equal((await eve.send("POST", `${path}&code=${asked.json().code}`, { scopes })).status, 201, `${scopes}`);
  }
  for (const scopes of [["read"], ["read", "write", "delete"]])
    assert.equal((await eve.send("POST", path, { scopes })).status, 201, `${scopes}: an admin may do more`);
  await eve.send("POST", `/workspaces/${other}/invites`, { email: "worker@example.com", role: "member" });
  const worker = await service.signIn("worker@example.com");
  const halves = byKind.flatMap((scope) =>
    scope.endsWith(".write") ? [scope.replace("write", "create"), scope.replace("write", "update")] : [scope],
  );
  for (const scopes of [["read", "write", "delete"], byKind, halves])
    assert.equal(
      (await worker.send("POST", path, { scopes })).json().error,
      "escalation_required",
      `${scopes} is all of a member`,
    );
  assert.equal((await worker.send("POST", path, { scopes: byKind.slice(1) })).status, 201);
});

test("a token minted during its owner's removal stays invalid when they return", async () => {
  const eve = await service.signIn("host@example.com");
  const home = await workspaceOf(eve);
  const invite = () => eve.send("POST", `/workspaces/${home}/invites`, { email: "guest@example.com", role: "viewer" });
  await invite();
  const guest = await service.signIn("guest@example.com");
  const user = (await guest.send("GET", "/whoami?format=json")).json().user.split("/")[1];
  const { code } = (await guest.send("POST", `/workspaces/${home}/tokens?format=json`, {})).json();
  const full = (await guest.send("POST", `/workspaces/${home}/tokens?format=json&code=${code}`, {})).json().token;
  const inside = withToken(guest, full);
  const member = `/workspaces/${home}/members/${user}`;
  const { confirm } = (await eve.send("DELETE", `${member}?format=json`)).json();
  await invite(); // an open invite would let them in again; it is refused, for they are a member
  const minted: string[] = [];
  const loop = async () => {
    for (;;) {
      const made = await inside.send("POST", "/tokens?format=json", {});
      if (made.status !== 201) return;
      minted.push(made.json().token);
    }
  };
  const loops = Array.from({ length: 4 }, loop);
  while (minted.length <= loops.length) await new Promise((resolve) => setTimeout(resolve, 5));
  assert.equal((await eve.send("DELETE", `${member}?confirm=${confirm}`)).status, 200);
  await Promise.all(loops);
  await invite();
  await service.signIn("guest@example.com");
  assert.match(
    (await eve.send("GET", `/workspaces/${home}/members`)).text,
    /email=guest@example\.com role=viewer status=member/,
  );
  for (const token of minted) assert.equal((await withToken(guest, token).send("GET", "/contacts")).status, 401);
});
