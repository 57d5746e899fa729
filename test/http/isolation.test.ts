import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { createIds, shortId } from "../../src/kit/id.ts";
import { sql } from "../../src/postgres/sql.ts";
import { catalog } from "../../src/records/all.ts";
import type { Field, Kind } from "../../src/records/kind.ts";
import { createRoutes } from "../../src/routes/table.ts";
import { noSql } from "../helpers/citus.ts";
import { inTurns } from "../helpers/dictionary.ts";
import { type Client, type Service, startService } from "../helpers/service.ts";

/** A marker in every field of Bob's records. Ann never sends it, so an answer to her that contains it is a leak. */
const MARKER = "zqmarkerqz";
const MARKED_CENTS = 98_765_432_101;
/** Fits a percentage too. */
const MARKED_NUMBER = 17.171717;
const MARKED_TIME = "2019-07-07T07:07:07Z";
const MARKED_DATE = "2019-07-09";
const MARKED_ZONE = "Asia/Kathmandu";

let service: Service;
let ann: Client;
let bob: Client;
/** Bob's saved list. */
let list: string;
/** The full ids of Bob's live and deleted record of each kind. */
const living = new Map<string, string>();
const deleted = new Map<string, string>();
const absent = createIds(Date.now, Math.random);

before(async () => {
  service = await startService();
  [ann, bob] = [await service.signIn("ann@example.com"), await service.signIn("bob@example.com")];
  await plant(deleted);
  for (const [kind, id] of [...deleted].reverse()) await removeOf(bob, `/${catalog.get(kind)!.plural}/${id}`);
  await plant(living);
  const { workspace } = await idsOf(bob.email);
  const renamed = await bob.send("PATCH", `/workspaces/${workspace}`, { name: MARKER, timezone: MARKED_ZONE });
  assert.equal(renamed.status, 200, renamed.text);
  const listed = { name: MARKER, kind: "contact", members: [living.get("contact")!] };
  const saved = await bob.send("POST", "/lists?format=json", listed);
  assert.equal(saved.status, 201, saved.text);
  list = saved.json().id;
  const invited = await bob.send("POST", `/workspaces/${workspace}/invites`, { email: `guest@${MARKER}.example` });
  assert.equal(invited.status, 201, invited.text);
  const proposed = await bob.send("POST", `/tasks?propose=true&reason=${MARKER}`, { title: MARKER });
  assert.equal(proposed.status, 202, proposed.text);
});
after(() => service.close());

/** A record of every kind with the marker in every field, linked kinds first. */
async function plant(made: Map<string, string>): Promise<void> {
  while (made.size < catalog.kinds.length) {
    const next = catalog.kinds.filter(
      (each) => !made.has(each.name) && each.links.every(({ target }) => target === each || made.has(target.name)),
    );
    assert.ok(next.length > 0);
    for (const kind of next) {
      const fields = kind.fields.filter((field) => !field.readOnly && !field.type.borrowed);
      const body = Object.fromEntries(fields.map((field) => [field.name, marked(field, made)]));
      const reply = await bob.send("POST", `/${kind.plural}?format=json&reason=${MARKER}`, body);
      assert.equal(reply.status, 201, reply.text);
      made.set(kind.name, reply.json().id);
    }
  }
}

function marked({ type }: Field, made: Map<string, string>): unknown {
  if (type.link) return made.get(type.link.target);
  const values: Record<string, unknown> = {
    email: `${MARKER}@${MARKER}.example`,
    mailbox: `${MARKER}@${MARKER}.example`,
    "list of mailbox": [`${MARKER}@other.${MARKER}.example`],
    "message id": `${MARKER}@${MARKER}.example`,
    "list of message id": [`before.${MARKER}@${MARKER}.example`],
    domain: `${MARKER}.example`,
    "list of email": [`${MARKER}@further.${MARKER}.example`],
    "list of domain": [`further.${MARKER}.example`],
    "list of phone": [`further ${MARKER}`],
    tags: [MARKER],
    items: [{ description: MARKER, quantity: 1, unit_price_cents: 1, tax_rate: 0, tax_category: "Z", net_cents: 1 }],
    steps: [{ id: MARKER, type: "question", text: MARKER }],
    questions: [{ id: MARKER, type: "text", label: MARKER }],
    answers: { [MARKER]: MARKER },
    responses: { [MARKER]: MARKER },
    custom: { [MARKER]: MARKER, deep: { in: [MARKER] } },
    cents: MARKED_CENTS,
    number: 77_771,
    currency: "ISK",
    time: MARKED_TIME,
    date: MARKED_DATE,
    boolean: false,
    country: "BT",
    endpoint: "0088:7300010000001",
  };
  return values[type.name] ?? type.choices?.[0] ?? (type.sqlType.startsWith("numeric") ? MARKED_NUMBER : MARKER);
}

async function removeOf(client: Client, path: string): Promise<void> {
  const asked = await client.send("DELETE", `${path}?format=json`);
  const done = await client.send("DELETE", `${path}?confirm=${asked.json().confirm}`);
  assert.equal(done.status, 200, done.text);
}

type Shot = { method: string; path: string; body?: Record<string, unknown> };

/** Sends a request as Ann and checks that nothing of Bob's comes back. */
async function fire({ method, path, body }: Shot) {
  const reply = await ann.send(method, path, body);
  const all = reply.text + JSON.stringify([...reply.headers]);
  for (const secret of [
    MARKER,
    String(MARKED_CENTS),
    String(MARKED_NUMBER),
    MARKED_TIME,
    MARKED_DATE,
    MARKED_ZONE,
    "bob@example.com",
  ])
    assert.ok(!all.includes(secret), `${method} ${path} gave away ${secret}: ${all}`);
  const hasNone = noSql && reply.status === 501;
  assert.ok(reply.status < 500 || hasNone, `${method} ${path}: ${all}`);
  return reply;
}

type Ids = Record<string, string>;

/** Sends the same request for Bob's record and for an unknown one. The answers must have the same words. */
async function assertSameWords(aim: (ids: Ids) => Shot, theirs: Ids, nowhere: Ids) {
  const [there, none] = await Promise.all([fire(aim(theirs)), fire(aim(nowhere))]);
  const plain = (text: string, ids: Ids) => {
    const all = Object.values(ids).flatMap((id) => [id, shortId(id), shortId(id).slice(-8)]);
    return text.replaceAll(new RegExp(all.join("|"), "gi"), "ID").replace(/req_\w+|\d+-[\w-]{22}/g, "…");
  };
  assert.equal(there.status, none.status, JSON.stringify(aim(theirs)));
  assert.equal(plain(there.text, theirs), plain(none.text, nowhere), JSON.stringify(aim(theirs)));
  return there;
}

const forms = (name: string): ((id: string) => string)[] => [
  (id) => id,
  (id) => shortId(id),
  (id) => shortId(id).toUpperCase(),
  (id) => encodeURIComponent(`${name}/${shortId(id)}`),
];

const nowhereFor = (ids: Ids): Ids =>
  Object.fromEntries(Object.entries(ids).map(([name, id]) => [name, absent(id.slice(0, id.indexOf("_")))]));

const routes = createRoutes(catalog);

/** The full ids of a person's token, workspace and open invite. No answer needs to show them. */
async function idsOf(email: string): Promise<Record<"user" | "token" | "workspace" | "invite" | "proposal", string>> {
  const [row] = await service.pool.rows(sql`select u.id, t.id, t.workspace_id, coalesce(i.id, '') from users u
    join tokens t on t.user_id = u.id left join invites i on i.workspace_id = t.workspace_id where u.email = ${email} limit 1`);
  const [user, token, workspace, invite] = row as [string, string, string, string];
  const [made] = await service.pool.rows(sql`select p.id from proposals p where p.workspace_id = ${workspace} limit 1`);
  return { user, token, workspace, invite, proposal: (made?.[0] ?? "") as string };
}

test("no route with an id distinguishes a record of another workspace from an unknown one", async () => {
  const [own, theirs] = [await idsOf("ann@example.com"), await idsOf("bob@example.com")];
  // A dialect asks these very routes.
  const ours = routes.filter(({ standard }) => !standard?.includes("agentCRM") && !standard?.includes("InCRM"));
  for (const { method, path } of ours.filter(({ open, path }) => !open && path.includes("{") && !path.includes("{kind}"))) {
    const kind = catalog.kinds.find(({ plural }) => path.startsWith(`/${plural}/`));
    const name = kind?.name ?? OTHERS.find(([plural]) => path.startsWith(`/${plural}/`))?.[1] ?? "workspace";
    const body = method === "POST" || method === "PATCH" ? { body: bodyFor(path) } : {};
    const { user, invite } = theirs;
    const targets: Ids[] = kind
      ? [{ id: living.get(name)! }, { id: deleted.get(name)! }]
      : name === "list"
        ? [{ id: list, record: living.get("contact")! }]
        : name === "reminder"
          ? catalog.kinds
              .filter(({ reminder }) => reminder)
              .flatMap((each) => [living, deleted].map((of) => ({ id: of.get(each.name)! })))
          : name in theirs && name !== "workspace"
            ? [{ id: theirs[name as keyof typeof theirs] }]
            : [{ id: theirs.workspace, user, invite, member: living.get("contact")! }];
    for (const [nth, target] of targets.entries()) {
      // What is deleted is looked for by one form, as all forms are read by the same code.
      for (const form of method === "GET" && nth === 0 ? forms(name) : [(id: string) => id]) {
        const aim = (ids: Ids): Shot => ({ method, path: fill(path, ids, form), ...body });
        const reply = await assertSameWords(aim, target, nowhereFor(target));
        assert.equal(reply.status, 404, `${method} ${path}: ${reply.text}`);
      }
      assert.equal((await fire({ method, path: `${fill(path, target)}?format=json`, ...body })).status, 404);
    }
    if (!/\{(user|invite)\}/.test(path)) continue;
    const aim = (ids: Ids): Shot => ({ method, path: fill(path, { id: own.workspace, ...ids }), ...body });
    assert.equal((await assertSameWords(aim, { user, invite }, nowhereFor({ user, invite }))).status, 404);
  }
});

/** What has ids and is no record. */
const OTHERS = [
  ["tokens", "token"],
  ["proposals", "proposal"],
  ["lists", "list"],
  ["reminders", "reminder"],
] as const;

const fill = (path: string, ids: Ids, form = (id: string) => id) =>
  path.replace(/\{(\w+)\}/g, (_, name: string) => form(ids[name]!));

/** A valid body, so that only the path can be refused. */
function bodyFor(path: string): Record<string, unknown> {
  if (path.endsWith("/merge")) return { from: absent("c") };
  if (path.endsWith("/answers")) return { answer: "x" };
  if (path.endsWith("/snooze")) return { until: "+1w" };
  if (path.endsWith("/approve")) return { mark: "x" };
  if (path.startsWith("/v1/lists") && path.endsWith("/members")) return { member_id: absent("c") };
  if (path.startsWith("/lists") && path.endsWith("/members")) return { members: [absent("c")] };
  if (path.endsWith("/role")) return { role: "viewer" };
  if (path.endsWith("/invites")) return { email: "guest@elsewhere.example" };
  if (path.startsWith("/workspaces")) return { name: "Taken over" };
  return catalog.kinds.some(({ plural }) => path.endsWith(`/${plural}`)) ? postable(path) : {};
}

/** The body of a POST under another record: the example without its links. */
function postable(path: string): Record<string, unknown> {
  const held = catalog.kinds.find(({ plural }) => path.endsWith(`/${plural}`))!;
  const links = held.links.flatMap(({ id, name }) => [id.name, name]);
  return Object.fromEntries(Object.entries(held.example).filter(([name]) => !links.includes(name)));
}

test("no list shows Bob's records for any parameter", async () => {
  const lists = routes.filter(({ method, path, open }) => method === "GET" && !open && !path.includes("{"));
  const near = MARKER.slice(0, -1);
  for (const { path } of lists) {
    const kind = catalog.kinds.find(({ plural }) => path === `/${plural}`);
    const questions = [
      ...["", "search=bob", `search=${near}`, `q=${near}`, "q=bob", "days=3650", "count=true"],
      ...(kind ? kind.fields.flatMap((field) => filtersOf(field, near)) : []),
      ...[`custom.${near}=not:null`, "custom.deep=not:null", `custom.${near}=like:${near}`],
    ];
    await inTurns(questions, async (question) => {
      const reply = await fire({ method: "GET", path: `${path}?format=json&${question}` });
      if (reply.status === 200 && kind) assert.deepEqual(reply.json().items, [], `${path}?${question}`);
    });
    await fire({ method: "GET", path });
  }
});

function filtersOf({ name, type }: Field, near: string): string[] {
  const fitting: Record<string, string> = {
    time: "2019-07-01",
    date: "2019-07-01",
    cents: "1",
    percent: "1",
    email: "a@b.example",
  };
  const operand = fitting[type.name] ?? type.choices?.[0] ?? near;
  const telling = type.operators.filter((operator) => ["ne", "gt", "like", "starts", "has", "not"].includes(operator));
  return telling.map((operator) => (operator === "not" ? `${name}=${operator}:null` : `${name}=${operator}:${operand}`));
}

test("a filter by an id of another workspace answers like one by an unknown id", async () => {
  for (const kind of catalog.kinds) {
    const names = [
      ...["id", "handle"].map((name) => `/${kind.plural}?${name}=`),
      ...holders(kind).flatMap(({ holder, names }) => names.map((name) => `/${holder.plural}?${name}=`)),
    ];
    const asked = [...names.flatMap((name) => ["", "ne:", "in:"].map((operator) => name + operator)), "/audit?record="];
    for (const start of asked) {
      for (const form of forms(kind.name).filter((_, i) => i === 0 || start.endsWith("="))) {
        const aim = ({ id }: Ids): Shot => ({ method: "GET", path: start + form(id!) });
        const reply = await assertSameWords(aim, { id: living.get(kind.name)! }, { id: absent(kind.prefix) });
        assert.ok([200, 404].includes(reply.status), `${start}: ${reply.text}`);
      }
      const aim = ({ id }: Ids): Shot => ({ method: "GET", path: start + id });
      await assertSameWords(aim, { id: deleted.get(kind.name)! }, { id: absent(kind.prefix) });
    }
  }
});

const holders = (target: Kind) =>
  catalog.heldBy(target).map(({ kind, link }) => ({ holder: kind, names: [link.id.name, link.name] }));

test("a link to a record of another workspace is refused like an unknown one, by id and by name", async () => {
  for (const target of catalog.kinds) {
    for (const { holder, names } of holders(target)) {
      const others = await othersOf(holder, target);
      for (const name of names) {
        for (const form of [...forms(target.name).slice(0, 3), (id: string) => `${target.name}/${shortId(id)}`]) {
          const path = `/${holder.plural}`;
          const aim = ({ id }: Ids): Shot => ({
            method: "POST",
            path,
            body: { ...postable(path), ...others, [name]: form(id!) },
          });
          const reply = await assertSameWords(aim, { id: living.get(target.name)! }, { id: absent(target.prefix) });
          assert.equal(reply.status, 422, `${path} ${name}: ${reply.text}`);
        }
      }
    }
  }
  await bob.send("POST", "/companies", { name: "Plain Here", domain: "here.example", notes: MARKER });
  for (const [here, nowhere] of [
    ["Plain Here", "Plain Gone"],
    ["here.example", "gone.example"],
  ] as const) {
    const replies = [];
    for (const company of [here, nowhere])
      replies.push(await fire({ method: "POST", path: "/contacts", body: { name: "N", company } }));
    assert.deepEqual(
      [replies[0]!.status, replies[0]!.text.replaceAll(here, "NAME")],
      [422, replies[1]!.text.replaceAll(nowhere, "NAME")],
    );
  }
});

/** Records of Ann's own for the links to other kinds that a record cannot be without. */
async function othersOf(holder: Kind, target: Kind): Promise<Record<string, unknown>> {
  const others: Record<string, unknown> = {};
  const { needsOneOf = [], links } = holder;
  const isOne = links.some((link) => link.target === target && needsOneOf.includes(link.id.name));
  const needed = isOne ? undefined : needsOneOf[0];
  for (const { id, target: other } of links) {
    if (!(id.required || id.name === needed) || other === target) continue;
    const made = await ann.send("POST", `/${other.plural}?format=json`, other.example);
    others[id.name] = made.json().id;
  }
  return others;
}

test("an e-mail address used in another workspace is free in this one", async () => {
  await bob.send("POST", "/contacts", { name: MARKER, email: "plain@shared.example", notes: MARKER });
  const reply = await fire({ method: "POST", path: "/contacts", body: { name: "Mine", email: "plain@shared.example" } });
  assert.equal(reply.status, 201);
  assert.match((await bob.send("GET", "/contacts?email=plain@shared.example")).text, new RegExp(`name=${MARKER}`));
});

test("cursors and confirm tokens do not work in another workspace", async () => {
  for (const client of [ann, bob])
    for (const n of [1, 2, 3]) await client.send("POST", "/tasks", { title: `${n}`, tags: ["paged"] });
  const cursor = (await bob.send("GET", "/tasks?tags=paged&limit=1&format=json")).json().next_cursor;
  const refused = await fire({ method: "GET", path: `/tasks?tags=paged&limit=1&cursor=${cursor}` });
  assert.match(refused.text, /^ERROR invalid_cursor /);

  const theirs = living.get("contact")!;
  const { confirm } = (await bob.send("DELETE", `/contacts/${theirs}?format=json`)).json();
  assert.equal((await fire({ method: "DELETE", path: `/contacts/${theirs}?confirm=${confirm}` })).status, 404);
  const mine = (await ann.send("POST", "/contacts?format=json", { name: "Mine" })).json().id;
  assert.equal((await fire({ method: "DELETE", path: `/contacts/${mine}?confirm=${confirm}` })).status, 409);
  assert.equal((await bob.send("GET", `/contacts/${theirs}`)).status, 200);
});

test("a token shows nothing of its owner's other workspace", async () => {
  const second = (await ann.send("POST", "/workspaces?format=json", { name: "Second" })).json().id;
  const minted = await ann.send("POST", `/workspaces/${second}/tokens?format=json`, { scopes: ["read", "write", "delete"] });
  const there = { authorization: `Bearer ${minted.json().token}` };
  const made = await service.send("POST", "/contacts?format=json", { name: "Elsewhere" }, there);
  assert.equal(made.status, 201, made.text);
  const here = (await ann.send("POST", "/contacts?format=json", { name: "Here" })).json();
  assert.equal((await ann.send("GET", `/contacts/${made.json().id}`)).status, 404);
  assert.equal((await service.send("GET", `/contacts/${here.id}`, undefined, there)).status, 404);
  assert.deepEqual((await ann.send("GET", "/contacts?name=Elsewhere&format=json")).json().items, []);
  assert.match(
    (await service.send("GET", "/contacts", undefined, there)).text,
    /^contact\/\S+ name=Elsewhere .*\n# 1 contact\n$/,
  );
});

test("Bob's records are unchanged after all these requests", async () => {
  for (const kind of catalog.kinds) {
    const record = (await bob.send("GET", `/${kind.plural}/${living.get(kind.name)}?format=json`)).json();
    assert.equal(record.version, 1);
    // A link to a record of its own kind had nothing to lead to yet.
    const leads = ({ link }: Field) => link?.target !== kind;
    for (const field of kind.fields.filter((each) => !each.readOnly && !each.type.borrowed && leads(each)))
      assert.deepEqual(inUtc(field, record[field.name]), marked(field, living), `${kind.name}.${field.name}`);
    const history = await bob.send("GET", `/${kind.plural}/${deleted.get(kind.name)}/history`);
    assert.match(history.text, /# 2 changes\n$/);
  }
});

test("one handle names a different record in each workspace", async () => {
  let random: number | undefined;
  let clock = Date.parse("2026-06-01T08:00:00Z");
  const twin = await startService({ now: () => clock, random: () => random ?? Math.random() });
  try {
    const [one, two] = [await twin.signIn("one@example.com"), await twin.signIn("two@example.com")];
    random = 0.5;
    const ids: string[] = [];
    for (const client of [one, two]) {
      clock += 1000;
      ids.push((await client.send("POST", "/contacts?format=json", { name: client.email })).json().id);
    }
    assert.equal(shortId(ids[0]!), shortId(ids[1]!));
    assert.notEqual(ids[0], ids[1]);
    for (const client of [one, two]) {
      const { name } = (await client.send("GET", `/contact/${shortId(ids[0]!)}?format=json`)).json();
      assert.equal(name, client.email);
    }
    assert.equal((await two.send("GET", `/contacts/${ids[0]}`)).status, 404);
  } finally {
    await twin.close();
  }
});

/** Normalizes a time, whatever zone the workspace shows it in. */
function inUtc(field: Field, shown: unknown): unknown {
  return field.type.name === "time" ? new Date(String(shown)).toISOString().replace(".000Z", "Z") : shown;
}
