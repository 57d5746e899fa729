import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import type { Field, Kind } from "../../src/records/kind.ts";
import { noSql } from "../helpers/citus.ts";
import { createWorld, definitions, leastOf, settable } from "../helpers/dictionary.ts";
import { settled } from "../helpers/feed.ts";
import { type OpenApiReader, operationsOf, readOpenApi, type ToldOperation } from "../helpers/openapi.ts";
import { type Client, type Reply, type Send, type Service, startService } from "../helpers/service.ts";
import { comparesWorkspaces, namesWorkspace, recordStatements, tenantTables } from "../helpers/statements.ts";
import { valuesOf, type World } from "../helpers/values.ts";

/** A tour over the whole API: every answer, wanted or not, is one that GET /openapi.json tells of. */

const METRICS = "a token for the metrics";

let service: Service;
let ann: Client;
let world: World;
let reader: OpenApiReader;
let operations: ToldOperation[];
let statements: Set<string>;
/** Operations that did what they are for, and the statuses that were seen. */
const done = new Set<ToldOperation>();
const seen = new Set<number>();

before(async () => {
  service = await startService({ config: { CRM_METRICS_TOKEN: METRICS, CRM_SQL_URL: "postgres://db.example.com" } });
  statements = recordStatements(service.pool);
  ann = await service.signIn();
  world = await createWorld(ann);
  const document = (await service.send("GET", "/openapi.json")).json();
  reader = readOpenApi(document);
  operations = operationsOf(document);
});
after(() => service.close());

type Request = { ids?: readonly string[]; query?: string; body?: unknown; headers?: Record<string, string>; send?: Send };

/** Sends a request to a path of the document, its `{…}` filled in from `ids`, and holds the answer against what is told of it. */
async function ask(method: string, path: string, { ids = [], query = "", body, headers, send }: Request = {}): Promise<Reply> {
  const operation = operations.find((each) => each.method === method && unnamed(each.path) === unnamed(path));
  assert.ok(operation, `${method} ${path} is not told`);
  const left = [...ids];
  const target = path.replace(/\{\w+\}/g, () => left.shift()!) + query;
  const reply = await (send ?? ann.send)(method, target, body, headers);
  reader.check(operation, reply);
  seen.add(reply.status);
  if (reply.status < 300) done.add(operation);
  return reply;
}

/** What stands for an id in a path is called otherwise in the document, for callers whose arguments all need names of their own. */
const unnamed = (path: string) => path.replace(/\{\w+\}/g, "{}");

const JSON_PLEASE = "?format=json";

/** A body with something in every field. */
function full(kind: Kind, title: string): Record<string, unknown> {
  const values = settable(kind).map((field) => [field.name, valuesOf(field, world).ladder[1]]);
  return { ...Object.fromEntries(values), [kind.title]: title };
}

for (const kind of definitions) {
  const { plural, naturalKey, title } = kind;
  const all = `/${plural}`;
  const one = `/${plural}/{id}`;

  describe(plural, () => {
    let id: string;
    let etag: string;
    const ids = () => [id];

    test("are made", async () => {
      const made = await ask("POST", all, { query: JSON_PLEASE, body: full(kind, "All of it") });
      assert.equal(made.status, 201);
      assert.equal(made.headers.get("location")?.startsWith(`/${plural}/`), true);
      id = made.json().id;
      await ask("POST", all, { body: leastOf(kind, world) });
      if (naturalKey) {
        const known = { [naturalKey]: made.json()[naturalKey] };
        assert.equal((await ask("POST", all, { query: JSON_PLEASE, body: known })).status, 200);
      }
      const twice = { body: leastOf(kind, world), headers: { "idempotency-key": `twice-${plural}` } };
      await ask("POST", all, twice);
      await ask("POST", all, twice);
      await ask("POST", all, { ...twice, body: { ...twice.body, [title]: "Another" } });
    });

    test("are read", async () => {
      const got = await ask("GET", one, { ids: ids(), query: JSON_PLEASE });
      etag = got.headers.get("etag")!;
      const whole = kind.fields.filter(({ shown }) => shown !== "asked").map(({ name }) => name);
      assert.deepEqual(Object.keys(got.json()), whole, "without fields= every field is there");
      await ask("GET", one, { ids: ids() });
      const chosen = await ask("GET", one, { ids: ids(), query: `${JSON_PLEASE}&fields=${title}&pretty=true` });
      assert.deepEqual(Object.keys(chosen.json()).sort(), ["handle", "id", title].sort(), "JSON says which record it is about");
      const headers = { "if-none-match": etag };
      assert.equal((await ask("GET", one, { ids: ids(), query: JSON_PLEASE, headers })).status, 304);
      for (const query of [
        "",
        "&count=true",
        "&limit=1",
        "&limit=all",
        `&fields=${title}`,
        `&search=${title}`,
        "&search=lniked",
      ])
        for (const format of ["json", "text"]) await ask("GET", all, { query: `?format=${format}${query}` });
      await ask("GET", `${one}/history`, { ids: ids(), query: JSON_PLEASE });
      await ask("GET", `${one}/history`, { ids: ids(), query: `${JSON_PLEASE}&fields=handle,before,after` });
    });

    test("are filtered by every field, and with every operator of each type", async () => {
      const tried = new Set<string>();
      for (const field of kind.fields) {
        const value = encodeURIComponent(field.readOnly ? id : String(valuesOf(field, world).ladder[0]));
        const untried = field.type.operators.filter((operator) => !tried.has(`${field.type.name} ${operator}`));
        const operators = untried.length > 0 ? untried : field.type.operators.slice(0, 1);
        for (const operator of operators) {
          tried.add(`${field.type.name} ${operator}`);
          const operand = operator === "is" || operator === "not" ? "null" : value;
          await ask("GET", all, { query: `${JSON_PLEASE}&${field.name}=${operator}:${operand}&limit=1` });
        }
      }
      await ask("GET", all, { query: `${JSON_PLEASE}&custom.seats=gt:10&custom.seats=lt:20` });
    });

    test("are filtered by keys of custom, however a client writes a member of an object", async () => {
      const seats = 7_001;
      await ask("PATCH", one, { ids: ids(), body: { custom: { seats } } });
      for (const name of [
        "custom.seats",
        "custom.seats[]",
        "custom[seats]",
        `custom_filters[custom.seats]`,
        `custom_filters[seats]`,
      ]) {
        for (const value of [`${seats}`, `eq:${seats}`, `gte:${seats}`]) {
          const query = `${JSON_PLEASE}&${encodeURIComponent(name)}=${encodeURIComponent(value)}&custom.seats=lt:${seats + 1}`;
          const { items } = (await ask("GET", all, { query })).json();
          assert.deepEqual(
            items.map((each: { id: string }) => each.id),
            [id],
            query,
          );
        }
      }
      etag = (await ask("GET", one, { ids: ids(), query: JSON_PLEASE })).headers.get("etag")!;
    });

    test("come as a file", async () => {
      const line = JSON.stringify(leastOf(kind, world));
      const headers = { "content-type": "application/x-ndjson" };
      const read = await ask("POST", `${all}/import`, { query: JSON_PLEASE, body: `${line}\n{"nobody":1}\n`, headers });
      assert.equal(read.status, 400);
      for (const query of ["?format=json&dry_run=true", JSON_PLEASE, "?strict=true"])
        await ask("POST", `${all}/import`, { query, body: `${line}\n{"${title}":[]}\n`, headers });
    });

    test("are changed", async () => {
      await ask("PATCH", one, { ids: ids(), body: { [title]: "Changed" }, headers: { "if-match": etag } });
      await ask("PATCH", one, { ids: ids(), query: JSON_PLEASE, body: { [title]: "Changed again" } });
      const late = { ids: ids(), query: JSON_PLEASE, body: { [title]: "Late" }, headers: { "if-match": etag } };
      assert.equal((await ask("PATCH", one, late)).status, 412);
      const kept = ({ readOnly, required, fixed, link }: Field) => readOnly || required || fixed || link?.id.fixed;
      const cleared = kind.fields.filter((field) => !kept(field)).map(({ name }) => [name, null]);
      await ask("PATCH", one, { ids: ids(), query: JSON_PLEASE, body: Object.fromEntries(cleared) });
    });

    test("hold others", async () => {
      for (const held of definitions) {
        const path = `${one}/${held.plural}`;
        const told = operations.filter((each) => unnamed(each.path) === unnamed(path));
        if (told.length === 0) continue;
        // What is attached by addresses is only read there.
        if (told.every(({ method }) => method === "GET")) {
          await ask("GET", path, { ids: ids(), query: JSON_PLEASE });
          continue;
        }
        const given = held.links.find(({ target }) => target === kind)!.id.name;
        const links = held.links.filter(({ id }) => !id.fixed || id.name === given).map(({ id }) => id.name);
        const isEnough = held.needsOneOf?.includes(given) ?? true;
        const least = Object.entries(leastOf(held, world)).filter(
          ([name]) => name !== given && !(isEnough && links.includes(name)),
        );
        const body = Object.fromEntries(least);
        assert.equal((await ask("POST", path, { ids: ids(), query: JSON_PLEASE, body })).status, 201);
        await ask("POST", path, { ids: ids(), query: JSON_PLEASE, body: full(held, "Twice told") });
        await ask("GET", path, { ids: ids(), query: JSON_PLEASE });
      }
    });

    test("have a timeline", async () => {
      const path = `${one}/timeline`;
      if (!operations.some((each) => unnamed(each.path) === unnamed(path))) return;
      for (const query of [JSON_PLEASE, "?limit=1", `${JSON_PLEASE}&kind=deal`, "?kind=nothing"])
        await ask("GET", path, { ids: ids(), query });
    });

    test("are refused", async () => {
      const misspelt = { nmae: "x" };
      for (const query of ["", JSON_PLEASE]) {
        const next = query ? "&" : "?";
        await ask("GET", one, { ids: [`${kind.prefix}_00000000`], query });
        await ask("GET", one, { ids: ["nothing at all"], query });
        await ask("GET", one, { ids: ids(), query, send: service.send });
        await ask("GET", all, { query: `${query}${next}nmae=x` });
        await ask("GET", all, { query: `${query}${next}sort=nmae` });
        await ask("GET", all, { query: `${query}${next}cursor=nothing` });
        await ask("GET", all, { query: `${query}${next}fields=nmae` });
        await ask("GET", all, { query: `${query}${next}id=${kind.prefix}_00000000` });
        for (const [method, path] of [
          ["POST", all],
          ["PATCH", one],
        ] as const) {
          await ask(method, path, { ids: ids(), query, body: misspelt });
          await ask(method, path, { ids: ids(), query, body: "{" });
          await ask(method, path, { ids: ids(), query, body: "[]" });
          await ask(method, path, { ids: ids(), query, body: { [title]: 5 } });
          await ask(method, path, { ids: ids(), query, body: "x", headers: { "content-type": "image/png" } });
          for (const { id } of kind.links)
            await ask(method, path, {
              ids: ids(),
              query,
              body: { ...leastOf(kind, world), [id.name]: `${kind.prefix}_00000000` },
            });
          for (const { name, type } of kind.fields)
            if (type.refusal !== "invalid_value")
              await ask(method, path, { ids: ids(), query, body: { ...leastOf(kind, world), [name]: "no" } });
        }
        await ask("POST", all, { query, body: {} });
      }
      for (const { name } of kind.fields) await ask("GET", all, { query: `${JSON_PLEASE}&${name}=gte:` });
      await ask("POST", all, { query: JSON_PLEASE, body: { [title]: "x".repeat(1_100_000) } });
    });

    test("are deleted", async () => {
      const asked = await ask("DELETE", one, { ids: ids(), query: JSON_PLEASE });
      assert.equal(asked.status, 409);
      await ask("DELETE", one, { ids: ids(), query: JSON_PLEASE, headers: { "if-match": '"999"' } });
      const gone = await ask("DELETE", one, { ids: ids(), query: `${JSON_PLEASE}&confirm=${asked.json().confirm}` });
      assert.equal(gone.status, 200);
      await ask("DELETE", one, { ids: ids(), query: JSON_PLEASE });
    });

    test("are seen when they are deleted, and come back", async () => {
      await ask("GET", one, { ids: ids(), query: `${JSON_PLEASE}&deleted=include` });
      await ask("GET", all, { query: `${JSON_PLEASE}&deleted=only` });
      await ask("POST", `${one}/restore`, { ids: ids(), query: `${JSON_PLEASE}&dry_run=true` });
      const back = await ask("POST", `${one}/restore`, { ids: ids(), query: JSON_PLEASE });
      assert.equal(back.status, 200);
      const change = back.headers.get("x-change");
      assert.equal((await ask("POST", "/undo", { query: JSON_PLEASE, body: { change } })).json().undone > 0, true);
      await ask("POST", "/undo", { query: JSON_PLEASE, body: {} });
      await ask("POST", "/undo", { query: JSON_PLEASE, body: { change: "ch_00000000" } });
      await ask("POST", `${one}/restore`, { ids: ids(), query: JSON_PLEASE });
    });

    test("are changed, merged and deleted as many", async () => {
      const found = `${JSON_PLEASE}&id=${id}`;
      const body = { [title]: "Changed with others" };
      await ask("PATCH", all, { query: JSON_PLEASE, body });
      const asked = await ask("PATCH", all, { query: found, body });
      assert.equal((await ask("PATCH", all, { query: `${found}&confirm=${asked.json().confirm}`, body })).json().updated, 1);
      const twin = (await ask("POST", all, { query: JSON_PLEASE, body: leastOf(kind, world) })).json().id;
      if (kind.identity) {
        await ask("GET", `${all}/duplicates`, { query: JSON_PLEASE });
        await ask("GET", `${all}/duplicates`, { query: `${JSON_PLEASE}&cursor=nothing` });
        await ask("GET", `${one}/duplicates`, { ids: ids(), query: JSON_PLEASE });
        const body = { pair: [id, twin] };
        await ask("POST", `${all}/duplicates/dismiss`, { query: JSON_PLEASE, body });
        await ask("POST", `${all}/duplicates/dismiss`, { query: JSON_PLEASE, body: { pair: [id] } });
      }
      const merge = `${one}/merge`;
      const wish = { ids: ids(), body: { from: twin } };
      const merging = await ask("POST", merge, { ...wish, query: JSON_PLEASE });
      assert.equal(
        (await ask("POST", merge, { ...wish, query: `${JSON_PLEASE}&confirm=${merging.json().confirm}` })).status,
        200,
      );
      await ask("POST", merge, { ids: ids(), query: JSON_PLEASE, body: { from: id } });
      const going = await ask("DELETE", all, { query: found });
      assert.equal((await ask("DELETE", all, { query: `${found}&confirm=${going.json().confirm}` })).json().deleted, 1);
    });

    test("are erased", async () => {
      const erasing = { ids: ids(), query: `${JSON_PLEASE}&purge=true` };
      const asked = await ask("DELETE", one, erasing);
      const confirmed = `${erasing.query}&confirm=${asked.json().confirm}`;
      assert.equal((await ask("DELETE", one, { ids: ids(), query: confirmed })).status, 200);
      for (const method of ["GET", "PATCH", "DELETE"] as const)
        assert.equal(
          (await ask(method, one, { ids: ids(), query: JSON_PLEASE, ...(method === "PATCH" ? { body: {} } : {}) })).status,
          410,
        );
      await ask("GET", `${one}/history`, { ids: ids(), query: JSON_PLEASE });
      await ask("GET", all, { query: `${JSON_PLEASE}&deleted=include` });
    });
  });
}

test("what is no record", async () => {
  for (const path of [
    "/",
    "/help",
    "/llms.txt",
    "/.well-known/agent.md",
    "/.well-known/agent.json",
    "/healthz",
    "/readyz",
    "/openapi.json",
    "/sdk.ts",
    "/tools",
  ]) {
    await ask("GET", path, { send: service.send });
    await ask("GET", path, { send: service.send, query: `${JSON_PLEASE}&nmae=x` });
  }
  await ask("GET", "/help/{topic}", { ids: ["contacts"] });
  await ask("GET", "/help/{topic}", { ids: ["nothing"], query: JSON_PLEASE });
  await ask("GET", "/metrics", { send: service.send });
  await ask("GET", "/metrics", { send: service.send, headers: { authorization: `Bearer ${METRICS}` } });
  for (const query of [
    "",
    "&q=linked",
    "&q=lniked",
    "&q=linked&limit=1",
    "&q=linked&types=contacts,deal",
    "&q=linked&types=x",
    "&limit=0",
  ])
    await ask("GET", "/search", { query: `${JSON_PLEASE}${query}` });
  for (const query of [
    "",
    "&days=3650",
    "&days=x",
    "&limit=1&days=3650",
    "&limit=all",
    "&cursor=x",
    "&kind=contact&owner=me",
    "&kind=x",
    "&when=week&count=true",
    "&when=x",
  ])
    await ask("GET", "/reminders", { query: JSON_PLEASE + query });
  const [due] = world.linked.get("contact")!;
  for (const body of [{ until: "+1w" }, { until: "yesterday" }, {}, { til: "+1w" }])
    await ask("POST", "/reminders/{id}/snooze", { ids: [due!.id], query: JSON_PLEASE, body });
  for (const query of ["&dry_run=true", "", ""])
    await ask("POST", "/reminders/{id}/done", { ids: [due!.id], query: JSON_PLEASE + query, body: {} });
  await ask("POST", "/reminders/{id}/done", { ids: ["nothing"], query: JSON_PLEASE, body: {} });
  for (const query of ["", "&company.industry=energy", "&sort=stage"])
    await ask("GET", "/pipeline", { query: JSON_PLEASE + query });
  for (const query of ["", "&limit=2&count=true", "&at=gte:-7d&action=created", "&fields=handle,before,after", "&search=x"])
    await ask("GET", "/audit", { query: JSON_PLEASE + query });
  for (const query of [
    "",
    "&since=-7d&limit=2&kind=contact",
    "&since=x",
    "&kind=x",
    "&actor=gte:x",
    "&fields=handle,before&touched=name",
    "&fields=x",
  ])
    await ask("GET", "/changes", { query: JSON_PLEASE + query });
  await ask("GET", "/export");
  const made = (await ask("POST", "/calendars", { query: JSON_PLEASE, body: { name: "phone", owner: "all" } })).json();
  await ask("POST", "/calendars", { query: JSON_PLEASE, body: { owner: "nobody" } });
  await ask("GET", "/calendars", { query: JSON_PLEASE });
  const stranger = { send: service.send, query: JSON_PLEASE };
  await ask("GET", "/calendars/{id}", { ...stranger, ids: [/ckf_\w+/.exec(made.address)![0]] });
  await ask("GET", "/calendars/{id}", { ...stranger, ids: ["nothing"] });
  await ask("DELETE", "/calendars/{id}", { ids: [made.id.split("/")[1]], query: JSON_PLEASE });
  await ask("DELETE", "/calendars/{id}", { ids: [made.id.split("/")[1]], query: JSON_PLEASE });
});

test("a call along a script, and what a form asks", async () => {
  const query = JSON_PLEASE;
  const [script, form, contact] = ["script", "form", "contact"].map((kind) => world.linked.get(kind)![0]!.id);
  for (const ids of [[script!], ["sc_00000000"]]) await ask("GET", "/scripts/{id}/export", { ids });
  for (const end of ["schema", "export"])
    for (const ids of [[form!], ["f_00000000"]]) await ask("GET", `/forms/{id}/${end}`, { ids });
  const { id } = (await ask("POST", "/executions", { query, body: { script_id: script, contact_id: contact } })).json();
  for (const body of [{ answer: "x" }, { answer: "y" }, { step: "say", answer: "z" }, { step: "no", answer: "z" }, {}])
    await ask("POST", "/executions/{id}/answers", { ids: [id], query, body });
  const member = world.linked.get("member")![0]!.id;
  const say = { answers: { say: "x" } };
  for (const [kind, body] of [
    ["executions", { script_id: script }],
    ["qualifications", { form_id: form }],
  ] as const) {
    const path = `/campaign_members/{id}/${kind}`;
    assert.equal((await ask("GET", path, { ids: [member], query })).status, 200, path);
    assert.equal((await ask("POST", path, { ids: [member], query, body: { ...body, ...say } })).status, 201, path);
  }
});

test("who is in a campaign", async () => {
  const query = JSON_PLEASE;
  const [first, second] = world.linked.get("campaign")!.map(({ id }) => id) as [string, string];
  const contacts = world.linked.get("contact")!.map(({ id }) => id);
  const path = "/campaigns/{id}/members";
  const both = async (method: string, path: string, ids: string[], more: string, body?: object) => {
    const { confirm } = (await ask(method, path, { ids, query: query + more, body })).json();
    assert.equal((await ask(method, path, { ids, query: `${query}${more}&confirm=${confirm}`, body })).status, 200);
  };
  const few = `&id=in:${contacts.join(",")}`;
  for (const body of [{}, { contact_id: contacts[0] }, { contact_id: contacts[0] }, { state: "x" }])
    await ask("POST", path, { ids: [first], query, body });
  await both("POST", path, [first], few, { assignee: { evenly: ["me", "sam@x.example"] } });
  await both("PATCH", path, [first], "&all=true", { state: "called" });
  await ask("GET", path, { ids: [first], query });
  await both("DELETE", path, [first], `&contact_id=${contacts[2]}&detach=true`);
  await ask("GET", "/campaigns/{id}", { ids: [first] });
  for (const more of ["", `&campaigns=${first},${second}`, "&campaigns=cm_00000000", "&limit=x"]) {
    await ask("GET", "/campaigns/overlap", { query: query + more });
    await ask("GET", "/campaigns/workloads", { query: query + more });
    await ask("GET", "/campaigns/counts", { query: query + more });
  }
  for (const campaign of [first, "nothing", ""])
    await ask("POST", "/contacts", { query: `${query}&campaign=${campaign}`, body: { name: "Attached" } });
  for (const query of ["", JSON_PLEASE]) await ask("GET", "/overview", { query });
  const all = "/campaign_members";
  for (const contact_id of [contacts[0], contacts[0], "c_00000000"])
    await ask("POST", all, { query, body: { campaign_id: second, contact_id } });
  const { items } = (await ask("GET", all, { query })).json();
  const [one, other] = items.filter((each: { campaign_id: string }) => each.campaign_id === first);
  const member = `${all}/{id}`;
  const ids = [one.id];
  for (const method of ["GET", "PATCH"] as const)
    await ask(method, member, { ids, query, ...(method === "PATCH" ? { body: { outcome: "no answer" } } : {}) });
  for (const end of ["history", "timeline"])
    if (operations.some((each) => unnamed(each.path) === unnamed(`${member}/${end}`)))
      await ask("GET", `${member}/${end}`, { ids, query });
  await ask("GET", "/contacts/{id}/campaign_members", { ids: [contacts[0]!], query });
  for (const _ of ["made", "there already"])
    await ask("POST", "/contacts/{id}/campaign_members", { ids: [contacts[2]!], query, body: { campaign_id: first } });
  await both("DELETE", member, ids, "");
  await ask("POST", `${member}/restore`, { ids, query });
  await both("POST", `${member}/merge`, ids, "", { from: other.id });
  await ask("POST", `${all}/import`, {
    query,
    body: `{"campaign_id":"${second}","contact_id":"${contacts[1]}"}\n`,
    headers: { "content-type": "application/x-ndjson" },
  });
  await both("PATCH", all, [], `&campaign_id=${second}`, { state: "called" });
  await both("DELETE", all, [], `&campaign_id=${second}`);
});

test("saved lists", async () => {
  const members = world.linked.get("contact")!.map(({ id }) => id);
  const query = JSON_PLEASE;
  const made = await ask("POST", "/lists", { query, body: { name: "Those", kind: "contact", members: [members[0]] } });
  const id = made.json().id as string;
  const hot = { name: "hot leads", kind: "contact", query: "stage=lead&company.industry=energy" };
  for (const body of [
    hot,
    hot,
    {},
    { ...hot, name: "x", query: "stag=x" },
    { name: "y", kind: "contact", members: ["c_t4v6w8y0"] },
  ])
    await ask("POST", "/lists", { query, body });
  await ask("GET", "/lists", { query });
  for (const one of [id, "hot-leads", "none"]) await ask("GET", "/lists/{id}", { query, ids: [one] });
  for (const body of [{ name: "Them" }, { name: "hot leads" }, { query: "stage=lead" }])
    await ask("PATCH", "/lists/{id}", { query, ids: [id], body });
  for (const body of [{ members: members.slice(1) }, {}]) await ask("POST", "/lists/{id}/members", { query, ids: [id], body });
  for (const more of ["", "&limit=1&count=true", "&sort=nonsense", "&cursor=x"])
    await ask("GET", "/lists/{id}/records", { query: query + more, ids: [id] });
  for (const _ of ["on it", "off it"]) await ask("DELETE", "/lists/{id}/members/{record}", { query, ids: [id, members[1]!] });
  const { confirm } = (await ask("DELETE", "/lists/{id}", { query, ids: [id] })).json();
  await ask("DELETE", "/lists/{id}", { query: `${query}&confirm=${confirm}`, ids: [id] });
  await ask("GET", "/lists", { query: `${query}&deleted=only` });
  for (const one of [id, "none"]) await ask("POST", "/lists/{id}/restore", { query, ids: [one] });
});

test("webhooks", async () => {
  const query = JSON_PLEASE;
  const wish = { url: "https://none.example/hooks", events: ["contact.*"], fields: ["stage"], query: "stage=lead" };
  const made = (await ask("POST", "/webhooks", { query, body: wish })).json();
  const ids = [made.id.split("/")[1]];
  for (const body of [wish, {}, { ...wish, events: ["x"] }, { ...wish, query: "stag=x" }])
    await ask("POST", "/webhooks", { query, body });
  await ask("GET", "/webhooks", { query });
  for (const one of [ids, ["wh_00000000"]]) {
    await ask("GET", "/webhooks/{id}", { query, ids: one });
    for (const body of [{ active: false }, { active: true, fields: null }, { url: "x" }])
      await ask("PATCH", "/webhooks/{id}", { query, ids: one, body });
    await ask("POST", "/webhooks/{id}/test", { query, ids: one });
    await ask("POST", "/webhooks/{id}/rotate", { query, ids: one });
    for (const more of ["", "&limit=1", "&state=failed", "&state=x", "&cursor=x"])
      await ask("GET", "/webhooks/{id}/deliveries", { query: query + more, ids: one });
  }
  await ask("POST", "/contacts", { query, body: { name: "Told", stage: "lead" } });
  await settled(service.pool);
  await service.tell();
  const { items } = (await ask("GET", "/webhooks/{id}/deliveries", { query, ids })).json();
  for (const { id } of [...items, { id: "wd_00000000" }]) {
    await ask("GET", "/deliveries/{id}", { query, ids: [id] });
    await ask("POST", "/deliveries/{id}/redeliver", { query, ids: [id] });
  }
  const { confirm } = (await ask("DELETE", "/webhooks/{id}", { query, ids })).json();
  await ask("DELETE", "/webhooks/{id}", { query: `${query}&confirm=${confirm}`, ids });
});

test("kinds of one's own", async () => {
  const query = JSON_PLEASE;
  const vehicle = { name: "vehicle", natural_key: "plate", fields: { plate: "text", keeper_id: { link: "contact" } } };
  for (const body of [vehicle, vehicle, {}, { ...vehicle, name: "search" }]) await ask("POST", "/kinds", { query, body });
  await ask("GET", "/kinds", { query });
  await ask("GET", "/kinds");
  for (const kind of ["vehicle", "contact", "none"]) await ask("GET", "/kinds/{kind}", { query, ids: [kind] });
  for (const body of [{ name: "km", type: "integer" }, { fields: { seats: "integer" } }, {}, { name: "x", type: "nonsense" }])
    await ask("POST", "/kinds/{kind}/fields", { query, ids: ["vehicle"], body });
  for (const body of [{ fields: { km: { name: "mileage" } } }, { fields: { none: {} } }])
    await ask("PATCH", "/kinds/{kind}", { query, ids: ["vehicle"], body });
  const { confirm } = (await ask("DELETE", "/kinds/{kind}", { query, ids: ["vehicle"] })).json();
  await ask("DELETE", "/kinds/{kind}", { query: `${query}&confirm=${confirm}`, ids: ["vehicle"] });
  for (const _ of ["deleted", "there"]) await ask("POST", "/kinds/{kind}/restore", { query, ids: ["vehicle"] });
});

test("signing in", async () => {
  const stranger = { send: service.send, query: JSON_PLEASE };
  const email = "carl@example.com";
  const asked = await ask("POST", "/auth/request", { ...stranger, body: { email } });
  await ask("POST", "/auth/request", { ...stranger, body: { email: "nobody" } });
  await ask("POST", "/auth/request", { ...stranger, body: { mail: email } });
  await ask("POST", "/auth/request", { ...stranger, body: {} });
  await ask("POST", "/auth/verify", { ...stranger, body: { email, code: "12" } });
  const right = { email, code: asked.json().code };
  await ask("POST", "/auth/verify", { ...stranger, body: right });
  await ask("POST", "/auth/verify", { ...stranger, body: right });
  await ask("GET", "/whoami", { query: JSON_PLEASE });
  await ask("GET", "/whoami", { send: service.send });
  await ask("GET", "/tokens", { query: JSON_PLEASE });
  const minted = await ask("POST", "/tokens", {
    query: JSON_PLEASE,
    body: { name: "x", scopes: ["contacts.read"], expires_at: "+1d" },
  });
  await ask("GET", "/whoami", {
    send: service.send,
    query: JSON_PLEASE,
    headers: { authorization: `Bearer ${minted.json().token}` },
  });
  const narrow = { send: service.send, query: JSON_PLEASE, headers: { authorization: `Bearer ${minted.json().token}` } };
  assert.equal((await ask("GET", "/deals", narrow)).status, 403);
  await ask("POST", "/tokens", { ...narrow, body: { scopes: ["admin"] } });
  await ask("POST", "/tokens", { query: JSON_PLEASE, body: { scopes: ["nothing"] } });
  await ask("POST", "/tokens/{id}/rotate", { ids: ["tok_00000000"], query: JSON_PLEASE });
  const turned = await ask("POST", "/tokens/{id}/rotate", {
    ids: [minted.json().id.split("/")[1]],
    query: JSON_PLEASE,
    body: { overlap: "1h" },
  });
  await ask("DELETE", "/tokens/{id}", { ids: [turned.json().id.split("/")[1]], query: JSON_PLEASE });
  await ask("DELETE", "/tokens/{id}", { ids: [minted.json().id.split("/")[1]], query: JSON_PLEASE });
  await ask("DELETE", "/tokens/{id}", { ids: ["tok_00000000"], query: JSON_PLEASE });
});

test("workspaces", async () => {
  const q = JSON_PLEASE;
  const own = (await ask("GET", "/workspaces", { query: q })).json().items[0].id;
  const made = (await ask("POST", "/workspaces", { query: q, body: { name: "Second", timezone: "Europe/Berlin" } })).json().id;
  const open = await ask("POST", "/workspaces", { query: q, body: { name: "Unclaimed" }, send: service.send });
  const claim = open.json().claim.split("/").at(-1);
  await ask("POST", "/claim/{claim}", { ids: [claim], query: q });
  await ask("POST", "/claim/{claim}", { ids: ["x"], query: q });
  await ask("POST", "/workspaces", { query: q, body: { name: "Third", timezone: "Nowhere" } });
  await ask("GET", "/workspaces/{id}", { ids: [made], query: q });
  await ask("GET", "/workspaces/{id}", { ids: ["ws_00000000"], query: q });
  await ask("PATCH", "/workspaces/{id}", { ids: [made], query: q, body: { name: "Renamed" } });
  const members = "/workspaces/{id}/members";
  const me = (await ask("GET", members, { ids: [own], query: q })).json().items[0].id;
  const invites = "/workspaces/{id}/invites";
  const invited = await ask("POST", invites, { ids: [own], query: q, body: { email: "dora@example.com" } });
  await ask("POST", invites, { ids: [own], query: q, body: { email: "ann@example.com" } });
  const grave = await ask("POST", invites, { ids: [own], query: q, body: { email: "eve@example.com", role: "admin" } });
  assert.equal(grave.status, 403);
  await ask("GET", members, { ids: [own], query: q });
  await ask("DELETE", `${invites}/{invite}`, { ids: [own, invited.json().invite.split("/")[1]], query: q });
  await ask("DELETE", `${invites}/{invite}`, { ids: [own, "inv_00000000"], query: q });
  await ask("POST", invites, { ids: [own], query: q, body: { email: "bob@example.com", role: "viewer" } });
  const bob = await service.signIn("bob@example.com");
  const user = (await ask("GET", members, { ids: [own], query: q }))
    .json()
    .items.find((each: { email: string }) => each.email === bob.email).id;
  await ask("PATCH", "/workspaces/{id}", { ids: [own], query: q, body: { name: "Mine" }, send: bob.send });
  await ask("POST", `${members}/{user}/role`, { ids: [own, user], query: q, body: { role: "member" } });
  await ask("POST", `${members}/{user}/role`, { ids: [own, me], query: q, body: { role: "viewer" } });
  const leaving = await ask("DELETE", `${members}/{user}`, { ids: [own, user], query: q });
  await ask("DELETE", `${members}/{user}`, { ids: [own, user], query: `${q}&confirm=${leaving.json().confirm}` });
  const step = await ask("POST", "/workspaces/{id}/tokens", { ids: [made], query: q, body: { name: "there" } });
  await ask("POST", "/workspaces/{id}/tokens", {
    ids: [made],
    query: `${q}&code=${step.json().code}`,
    body: { name: "there" },
  });
  const code = (await ask("DELETE", "/workspaces/{id}", { ids: [made], query: q })).json().code;
  await ask("DELETE", "/workspaces/{id}", { ids: [made], query: `${q}&code=${code}` });
});

test("documents are given out, answered, paid and taken back", async () => {
  const post = async (path: string, id: string | undefined, body?: unknown, status = 201) => {
    const reply = await ask("POST", path, { ...(id ? { ids: [id] } : {}), query: JSON_PLEASE, body });
    assert.equal(reply.status, status, reply.text);
    return reply.json().id as string;
  };
  const draft = {
    company: { name: "Tour of documents" },
    currency: "EUR",
    items: [{ description: "A day", unit_price_cents: 100, tax_rate: 20 }],
  };
  const quote = await post("/quotes", undefined, draft);
  await ask("POST", "/quotes/{id}/accept", { ids: [quote], query: JSON_PLEASE });
  await post("/quotes/{id}/send", quote, { date: "2026-06-01" }, 200);
  await post("/quotes/{id}/reject", quote, undefined, 200);
  await post("/quotes/{id}/accept", quote, undefined, 200);
  const invoice = await post("/quotes/{id}/invoice", quote);
  await post("/quotes/{id}/invoice", quote, undefined, 200);
  await post("/invoices/{id}/issue", invoice, { date: "2026-06-01" }, 200);
  const payment = await post("/invoices/{id}/payments", invoice, { amount_cents: 120 });
  await ask("POST", "/invoices/{id}/payments", { ids: [invoice], body: { amount_cents: 1 } });
  await post("/payments/{id}/reverse", payment, {});
  await post("/invoices/{id}/cancel", invoice, {});
  await post("/invoices/{id}/cancel", invoice, {}, 200);
  for (const path of ["/invoices/{id}/issue", "/quotes/{id}/send"])
    await ask("POST", path, { ids: ["nothing"], query: JSON_PLEASE });
});

test("proposals", async () => {
  const q = JSON_PLEASE;
  const wish = { query: `${q}&propose=true`, body: { title: "Proposed" } };
  const kept = await ask("POST", "/tasks", wish);
  assert.equal(kept.status, 202);
  const ids = [kept.json().id];
  await ask("GET", "/proposals", { query: q });
  await ask("GET", "/proposals/{id}", { ids, query: q });
  await ask("POST", "/proposals/{id}/approve", { ids, query: q, body: { mark: "other" } });
  const { mark } = (await ask("GET", "/proposals/{id}", { ids, query: q })).json();
  assert.equal((await ask("POST", "/proposals/{id}/approve", { ids, query: q, body: { mark } })).status, 200);
  await ask("POST", "/proposals/{id}/reject", { ids, query: q, body: { reason: "late" } });
  const other = [(await ask("POST", "/tasks", wish)).json().id];
  assert.equal((await ask("POST", "/proposals/{id}/reject", { ids: other, query: q, body: {} })).status, 200);
});

test("several requests in one", async () => {
  const body = JSON.stringify([{ method: "POST", path: "/tasks", body: { title: "In a batch" } }]);
  assert.equal((await ask("POST", "/batch", { body, query: "?atomic=true" })).status, 200);
  await ask("POST", "/batch", { body: "[]" });
});

test("a file may name its kinds, and what came of one is kept", async () => {
  const kind = definitions[0]!;
  const line = `${kind.name}/${kind.prefix}_00000000 ${kind.title}="By a line"\n`;
  const reply = await ask("POST", "/import", { query: JSON_PLEASE, body: line, headers: { "content-type": "text/plain" } });
  const [, id] = reply.json().import.split("/");
  await ask("GET", "/imports", { query: JSON_PLEASE });
  await ask("GET", "/imports");
  await ask("GET", "/imports/{id}", { ids: [id], query: JSON_PLEASE });
  await ask("GET", "/imports/{id}", { ids: [id], query: "?outcome=created&after=0" });
  await ask("GET", "/imports/{id}", { ids: ["im_00000000"] });
});

test("queries of callers", async () => {
  for (const query of ["", JSON_PLEASE, "?kind=nothing"]) await ask("GET", "/schema", { query });
  await ask("GET", "/schema", { headers: { accept: "application/schema+json" } });
  if (noSql) return void assert.equal((await ann.send("POST", "/sql", { sql: "select 1" })).status, 501);
  const sql = "select 1 as n, 'x' as x";
  for (const query of ["", JSON_PLEASE, "?format=ndjson"]) await ask("POST", "/sql", { query, body: { sql } });
  await ask("POST", "/sql", { query: JSON_PLEASE, body: { sql: "select nothing from nowhere" } });
  await ask("POST", "/sql", { body: { sql: "delete from nowhere" } });
  assert.equal((await ask("POST", "/connection", { query: JSON_PLEASE, body: {} })).status, 201);
  await ask("DELETE", "/connection");
});

test("the tour led everywhere", () => {
  const there = operations.filter(({ path }) => !noSql || !["/sql", "/connection"].includes(path));
  const missed = there.filter((each) => !done.has(each)).map(({ method, path }) => `${method} ${path}`);
  assert.deepEqual(missed, [], "a new route wants a stop on the tour, where it does what it is for");
  assert.deepEqual([...seen].sort(), [200, 201, 202, 304, 400, 401, 403, 404, 409, 410, 412, 413, 415, 422]);
});

test("no statement of the tour reaches into a tenant's table without its workspace", async () => {
  const tenants = await tenantTables(service.pool);
  const about = [...statements].filter((text) => tenants.some((table) => new RegExp(`\\b${table}\\b`).test(text)));
  assert.ok(about.length > 100, `${about.length} statements`);
  assert.deepEqual(
    about.filter((text) => !namesWorkspace(text, tenants)),
    [],
  );
  // Members and sessions are looked up by person, so those tables are not spread by workspace. A webhook that is due is claimed by another
  // statement where its table is spread.
  assert.deepEqual(
    about.filter((text) => comparesWorkspaces(text) && !/\bmemberships\b|\bfrom webhooks w\b.* skip locked/s.test(text)),
    [],
  );
  const forgetful = about.map((text) => text.replace(/\bworkspace_id\s*=/, "owner ="));
  const unseen = forgetful.filter((text) => namesWorkspace(text, tenants));
  assert.ok(unseen.length < about.length / 20, "one condition less would be seen");
});
