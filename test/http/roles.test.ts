import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { sql } from "../../src/db/sql.ts";
import { sweepWorkspaces } from "../../src/db/workspaces.ts";
import { dictionary } from "../../src/records/all.ts";
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

/** The same person with a token for Ann's workspace. */
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

const routes = createRoutes(dictionary).filter((route) => !route.open);
const plurals = [...dictionary.values()].map(({ plural }) => plural);
const isOfRecords = (path: string) => plurals.some((plural) => path.startsWith(`/${plural}`));
const aim = (path: string) =>
  path.replace(
    /\{\w+\}/g,
    `${[...dictionary.values()].find(({ plural }) => path.startsWith(`/${plural}/`))?.prefix ?? "ws"}_00000000`,
  );
const VERB = { GET: "read", POST: "write", PATCH: "write", DELETE: "delete" } as const;

async function refused(client: Client, method: string, path: string): Promise<boolean> {
  const { status, text } = await client.send(method, aim(path), method === "GET" || method === "DELETE" ? undefined : {});
  return status === 403 && text.startsWith("ERROR scope_required ");
}

test("role by route: a viewer reads, a member and an admin do everything with records", async () => {
  for (const { method, path } of routes.filter((route) => isOfRecords(route.path))) {
    assert.equal(await refused(people.get("viewer")!, method, path), method !== "GET", `viewer ${method} ${path}`);
    for (const role of ["member", "admin"])
      assert.equal(await refused(people.get(role)!, method, path), false, `${role} ${method} ${path}`);
  }
});

test("scope by route: a token does what its scopes say and nothing else", async () => {
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

test("only an admin manages members, and only with a token that goes that far", async () => {
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

test("a token hands out no more than it has, elsewhere nothing, and ends with its parent", async () => {
  const reader = await narrowed(ann, ["read", "contacts.write"], { expires_at: "+2d" });
  for (const scopes of [["write"], ["admin"], ["deals.write"], ["read", "delete"]]) {
    assert.equal((await reader.send("POST", "/tokens", { scopes })).status, 403, scopes.join());
  }
  const inherited = (await reader.send("POST", "/tokens?format=json", { expires_at: "+90d" })).json();
  assert.equal(inherited.scopes, "read,contacts.write");
  const child = withToken(ann, inherited.token);
  assert.equal((await child.send("POST", "/deals", { title: "x" })).status, 403);
  assert.match(
    (await ann.send("GET", "/tokens")).text,
    new RegExp(`${inherited.id} .*expires_at=${new Date(Date.now() + 2 * 86_400_000).toISOString().slice(0, 10)}`),
  );
  const other = (await ann.send("POST", "/workspaces?format=json", { name: "Other" })).json();
  assert.equal((await reader.send("POST", `/workspaces/${other.handle.split("/")[1]}/tokens`, {})).status, 403);
  assert.equal(
    (await reader.send("DELETE", `/${(await ann.send("GET", "/whoami?format=json")).json().token}`)).status,
    403,
    "not its own nor minted with it",
  );
  const own = (await reader.send("GET", "/whoami?format=json")).json().token;
  await ann.send("DELETE", `/${own}`);
  for (const dead of [reader, child]) assert.equal((await dead.send("GET", "/contacts")).status, 401);
});

test("the last admin cannot step down or leave, not even two at once", async () => {
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

test("a code for one thing does nothing else, and not twice", async () => {
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

test("a removed member's tokens end at once, and the workspace is gone for them", async () => {
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

test("what a member writes while the workspace is deleted does not stay", async () => {
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
  await sweepWorkspaces(service.pool, dictionary);
  await sweepWorkspaces(service.pool, dictionary);
  assert.deepEqual(await ended(), []);
  const [left] = await service.pool.rows(sql`select count(*)::int from deals where title like 'late %' or title = 'before'`);
  assert.equal(left![0], 0);
  assert.match((await ann.send("GET", "/whoami")).text, /ann@example/, "others stay");
});

test("a token with the scope admin ends the others of its owner, one without only itself", async () => {
  const eve = await service.signIn("eve@example.com");
  const mint = async (...scopes: string[]) => (await eve.send("POST", "/tokens?format=json", { name: "t", scopes })).json();
  const [all, few, other] = [await mint("read", "write", "delete", "admin"), await mint("read", "write"), await mint("read")];
  const as = (token: string) => ({ authorization: `Bearer ${token}` });
  assert.equal((await service.send("DELETE", `/tokens/${other.id.split("/")[1]}`, undefined, as(few.token))).status, 403);
  assert.equal((await service.send("DELETE", `/tokens/${other.id.split("/")[1]}`, undefined, as(all.token))).status, 200);
  assert.equal((await service.send("GET", "/contacts", undefined, as(other.token))).status, 401);
});
