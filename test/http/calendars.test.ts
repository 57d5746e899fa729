import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { createLog } from "../../src/kit/log.ts";
import { sql } from "../../src/postgres/sql.ts";
import { type Client, type Reply, type Service, startService } from "../helpers/service.ts";

/** Private addresses at which calendar programs read what is due. */

const NOW = Date.parse("2026-06-10T12:00:00Z");

let service: Service;
let ann: Client;
const log: string[] = [];
before(async () => {
  service = await startService({
    now: () => NOW,
    mail: true,
    config: { CRM_ACCESS_LOG: "on" },
    log: createLog((line) => log.push(line), Date.now),
  });
  ann = await service.signIn();
  await ann.send("PATCH", `/workspaces/${await workspace(ann)}`, { timezone: "Europe/Berlin" });
  await ann.send("POST", "/contacts", { name: "Overdue", follow_up_at: "2026-06-01T09:00", owner: "me" });
  await ann.send("POST", "/tasks", { title: "All day", due_at: "2026-12-01", assignee: "bob@example.com" });
  await ann.send("POST", "/tasks", { title: "In two years", due_at: "2028-06-01", assignee: "me" });
  await ann.send("POST", "/tasks", { title: "Done", due_at: "2026-06-01", assignee: "me", done: true });
});
after(() => service.close());

const workspace = async ({ send }: Client) =>
  ((await send("GET", "/whoami?format=json")).json().workspace as string).split("/")[1]!;

async function make({ send }: Client, body: object = {}): Promise<{ path: string; id: string }> {
  const made = await send("POST", "/calendars?format=json", body);
  assert.equal(made.status, 201, made.text);
  const { address, id } = made.json();
  assert.ok(address.startsWith(`${service.baseUrl}/calendars/ckf_`), address);
  return { path: address.slice(service.baseUrl.length), id };
}

const summaries = ({ text }: Reply) => [...text.matchAll(/^SUMMARY:(.*)\r$/gm)].map(([, summary]) => summary);

test("anybody who knows the address reads what is due within a year, in the zone of the workspace", async () => {
  const { path } = await make(ann, { name: "phone", owner: "all" });
  const reply = await service.send("GET", path, undefined, { accept: "text/calendar, */*;q=0.1" });
  assert.equal(reply.status, 200, reply.text);
  assert.equal(reply.headers.get("content-type"), "text/calendar; charset=utf-8");
  assert.deepEqual(summaries(reply), ["Overdue", "All day"]);
  assert.match(reply.text, /^DTSTART:20260601T070000Z\r$/m);
  assert.match(reply.text, /^DTSTART;VALUE=DATE:20261201\r$/m);
  assert.match(reply.text, /\r\nEND:VCALENDAR\r\n$/);
  assert.deepEqual(
    summaries(await service.send("GET", (await make(ann)).path)),
    ["Overdue"],
    "only the maker's own unless said",
  );
  const again = await service.send("GET", path);
  assert.equal(again.text, reply.text, "the same bytes while nothing changes");
});

test("the address is a secret: stored as a digest, listed nowhere, and in no log", async () => {
  const { path, id } = await make(ann, { name: "laptop" });
  const secret = /ckf_\w{43}/.exec(path)![0];
  const listed = await ann.send("GET", "/calendars");
  assert.match(listed.text, new RegExp(`^${id} name=laptop owner=me created_at=2026-06-10T14:00:00\\+02:00$`, "m"));
  assert.ok(!listed.text.includes(secret));
  const [row] = await service.pool.rows(sql`select jsonb_agg(to_jsonb(c))::text from calendars c`);
  assert.ok(!(row![0] as string).includes(secret));
  await service.send("GET", path);
  assert.ok(log.some((line) => line.includes("/calendars/{id}")));
  assert.ok(!log.join("").includes(secret));
  for (const wrong of [path.replace("ckf_", "ckf_x"), "/calendars/ckf_x.ics", `/calendars/${id.split("/")[1]}.ics`]) {
    const reply = await service.send("GET", wrong);
    assert.equal(reply.status, 404, wrong);
    assert.match(reply.text, /^ERROR not_found there is no calendar at this address\n/);
  }
});

test("its maker ends it, and nobody else can", async () => {
  const { path, id } = await make(ann);
  const bob = await service.signIn("bob@example.com");
  assert.equal((await bob.send("DELETE", `/${id}`)).status, 404);
  assert.equal((await bob.send("GET", "/calendars")).lines.length, 0);
  const ended = await ann.send("DELETE", `/calendars/${id.split("/")[1]}`);
  assert.equal(ended.text.split("\n")[0], `OK ended ${id}`);
  assert.equal((await service.send("GET", path)).status, 404);
  assert.equal((await ann.send("DELETE", `/${id}`)).status, 404);
});

test("it ends with the membership of its maker, and does not come back with it", async () => {
  const at = await workspace(ann);
  const join = async () => {
    assert.equal(
      (await ann.send("POST", `/workspaces/${at}/invites`, { email: "cleo@example.com", role: "viewer" })).status,
      201,
    );
    const cleo = await service.signIn("cleo@example.com");
    const path = `/workspaces/${at}/tokens?format=json`;
    await cleo.send("POST", path, { name: "here" });
    const code = /\b\d{6}\b/.exec(service.mails.findLast(({ to }) => to === cleo.email)!.text)![0];
    const { token } = (await cleo.send("POST", `${path}&code=${code}`, { name: "here" })).json();
    return { authorization: `Bearer ${token}` };
  };
  const made = await service.send("POST", "/calendars?format=json", { owner: "all" }, await join());
  assert.equal(made.status, 201, made.text);
  const path = new URL(made.json().address).pathname;
  assert.deepEqual(summaries(await service.send("GET", path)), ["Overdue", "All day"]);
  const members = (await ann.send("GET", `/workspaces/${at}/members?format=json`)).json().items;
  const { handle } = members.find(({ email }: { email: string }) => email === "cleo@example.com");
  const leave = `/workspaces/${at}/members/${handle.split("/")[1]}`;
  const asked = await ann.send("DELETE", leave);
  const token = /^confirm=(\S+)$/m.exec(asked.text)?.[1];
  assert.equal((token ? await ann.send("DELETE", `${leave}?confirm=${token}`) : asked).status, 200);
  assert.equal((await service.send("GET", path)).status, 404);
  await join();
  assert.equal((await service.send("GET", path)).status, 404);
});

test("a token that ends, or may not read everything, makes none", async () => {
  for (const [wish, code] of [
    [{ name: "x", expires_at: "+1d" }, "scope_required this token is for one address or ends by itself"],
    [{ name: "x", scopes: ["contacts.read"] }, "scope_required the token lacks the scope read"],
  ] as const) {
    const { token } = (await ann.send("POST", "/tokens?format=json", wish)).json();
    const reply = await service.send("POST", "/calendars", {}, { authorization: `Bearer ${token}` });
    assert.equal(reply.status, 403);
    assert.ok(reply.text.startsWith(`ERROR ${code}`), reply.text);
  }
  const there = (await ann.send("GET", "/calendars")).lines.length;
  const replies = await Promise.all(Array.from({ length: 60 }, () => ann.send("POST", "/calendars", {})));
  assert.equal(replies.filter(({ status }) => status === 201).length, 50 - there, "also of many at once");
  assert.match((await ann.send("POST", "/calendars", {})).text, /^ERROR plan_limit_reached the plan allows 50 calendars/);
});

test("an address ends with the token that it was made with, and moves on with it when that is replaced", async () => {
  const dora = await service.signIn("dora@example.com");
  const minted = (await dora.send("POST", "/tokens?format=json", { name: "reader", scopes: ["read"] })).json();
  const reader = {
    ...dora,
    send: (method: string, path: string, body?: unknown) =>
      service.send(method, path, body, { authorization: `Bearer ${minted.token}` }),
  };
  const { path, id } = await make(reader, { name: "reader's" });
  const isThere = async () => (await service.send("GET", path)).status === 200;
  assert.ok(await isThere());
  const next = (await reader.send("POST", `/tokens/${minted.id.split("/")[1]}/rotate?format=json`, {})).json();
  assert.ok(await isThere(), "the new token has what the old one made");
  await dora.send("DELETE", `/tokens/${next.id.split("/")[1]}`);
  assert.equal((await service.send("GET", path)).status, 404);
  assert.doesNotMatch((await dora.send("GET", "/calendars")).text, new RegExp(id));
});

test("who has nothing due is told what is nobody's", async () => {
  const carl = await service.signIn("carl@example.com");
  const told = async (body: object) => (await carl.send("POST", "/calendars", body)).text;
  assert.doesNotMatch(await told({}), /nobody/);
  await carl.send("POST", "/contacts", { name: "Imported", follow_up_at: "2026-08-01" });
  assert.match(
    await told({}),
    /^HINT {2}nothing that is due in the next year is yours, and 1 is nobody's: \{"owner":"all"\} shows all$/m,
  );
  assert.doesNotMatch(await told({ owner: "all" }), /nobody/);
  await carl.send("POST", "/tasks", { title: "Mine", due_at: "2026-08-01", assignee: "me" });
  assert.doesNotMatch(await told({}), /nobody/);
});
