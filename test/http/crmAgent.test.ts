import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { z } from "zod";
import { type Client, type Service, startService } from "../helpers/service.ts";

/** The tools of ultra-api: what capabilities tell of them holds, and each runs. */

let service: Service;
let ann: Client;
let eve: Client;
let org: string;
before(async () => {
  service = await startService({ config: { CRM_RATE: "5000" } });
  ann = await service.signIn();
  eve = await service.signIn("eve@elsewhere.example");
  org = (await own("GET", "/workspaces")).items[0].id;
});
after(() => service.close());

// biome-ignore lint/suspicious/noExplicitAny: a test asserts on what it finds
type Any = any;

/** One of our own routes. */
async function own(method: string, path: string, body?: object, who = ann): Promise<Any> {
  const reply = await who.send(method, `${path}${path.includes("?") ? "&" : "?"}format=json`, body);
  assert.ok(reply.status < 300, `${method} ${path} ${reply.text}`);
  return reply.json();
}

const make = async (path: string, body: object): Promise<string> => (await own("POST", path, body)).id;

type Answer = { status: number; success: boolean; data: Any; error: string | null; meta: Any };

async function call(tool: string, input: unknown, more: object = {}, who = ann): Promise<Answer> {
  const reply = await who.send("POST", `/crm/agent/tools/${tool}`, { organizationId: org, input, ...more });
  const { success, data, error, meta, ...others } = reply.json();
  assert.deepEqual(others, {}, "the envelope holds nothing else");
  assert.equal(success, reply.status < 300, reply.text);
  assert.equal(error === null, success, reply.text);
  return { status: reply.status, success, data, error, meta };
}

type Tool = {
  name: string;
  riskLevel: string;
  inputSchema: Any;
  outputSchema: Any;
  examples: Any[];
  supportsDryRun: boolean;
  requiresConfirm: boolean;
};
let told: Map<string, Tool> | undefined;

async function tools(): Promise<Map<string, Tool>> {
  const reply = await ann.send("GET", `/crm/agent/capabilities?organizationId=${org}`);
  assert.equal(reply.status, 200, reply.text);
  return new Map(reply.json().data.tools.map((tool: Tool) => [tool.name, tool]));
}

/** Runs a tool that shall do what it is asked, and holds what it takes and answers against its schemas. */
async function done(tool: string, input: Any, more: object = {}): Promise<Any> {
  told ??= await tools();
  const { inputSchema, outputSchema } = told.get(tool)!;
  fits(inputSchema, input, `input of ${tool}`);
  const answer = await call(tool, input, more);
  assert.equal(answer.status, 200, `${tool} ${JSON.stringify(input)} ${JSON.stringify(answer)}`);
  fits(outputSchema, answer.data, `answer of ${tool}`);
  return answer.data;
}

function fits(schema: Any, value: unknown, what: string): void {
  const { error } = z.fromJSONSchema(schema).safeParse(value);
  assert.equal(error && z.prettifyError(error), undefined, `${what}: ${JSON.stringify(value)}`);
}

async function refused(
  status: number,
  code: string,
  tool: string,
  input: unknown,
  more: object = {},
  who = ann,
): Promise<Answer> {
  const answer = await call(tool, input, more, who);
  assert.deepEqual([answer.status, answer.meta.code, answer.data], [status, code, null], JSON.stringify(answer));
  return answer;
}

const people = (tag: string, count: number) =>
  Promise.all(
    Array.from({ length: count }, (_, i) =>
      make("/contacts", {
        name: `${tag} ${i}`,
        email: `${tag}${i}@acme.com`,
        phone: `+49 30 90${i}000`,
        stage: tag,
        tags: [tag],
      }),
    ),
  );

const campaign = async (name: string): Promise<string> =>
  (await done("create_outbound_campaign", { name, status: "active" })).campaign.id;

test("a day's start: the workspace is found, a campaign is made, filled, dealt out and worked through", async () => {
  const found = await done("crm_resolve_workspace", { query: "ANN@example.com" }, { organizationId: undefined });
  assert.equal(found.organizationId, org);
  assert.deepEqual(found.matches[0].matchedBy, ["ownerEmail"]);
  const { slug, name } = found.matches[0];
  assert.equal((await done("crm_resolve_workspace", { slug, name })).organizationId, org);
  assert.deepEqual(await done("crm_resolve_workspace", { query: "somebody else's" }), { organizationId: null, matches: [] });
  const ids = await people("start", 5);
  const campaignId = await campaign("Start");
  const filter = { stage: "start", tags: ["start"], email: "like:acme", createdAt: "gte:-1d" };
  const dry = await done("bulk_add_contacts_to_campaign_by_filter", { campaignId, filter, dryRun: true });
  assert.deepEqual([dry.added, dry.already], [5, 0]);
  const put = { campaignId, filter, nextAt: "2020-01-01", assigneeEmails: ["sam@acme.com"] };
  assert.equal((await done("bulk_add_contacts_to_campaign_by_filter", put)).added, 5);
  assert.equal((await done("bulk_add_contacts_to_campaign_by_filter", { campaignId, contactIds: ids })).already, 5);
  const deal = { campaignId, assigneeEmails: ["sam@acme.com", "kim@acme.com"], filter: { state: "pending" } };
  const asked = await refused(409, "confirmation_required", "bulk_assign_campaign_contacts", deal);
  assert.match(asked.error!, /this would change 5 campaign contacts; .*is no member; ask.*"confirm": true/);
  assert.equal((await done("bulk_assign_campaign_contacts", { ...deal, dryRun: true })).assigned, 2);
  assert.equal((await done("bulk_assign_campaign_contacts", { ...deal, confirm: true })).assigned, 2);
  const { contacts, total, nextCursor } = await done("list_outbound_contacts", {
    campaignIds: [campaignId],
    filter: { assignee: "kim@acme.com" },
    sort: "-createdAt",
    limit: 1,
  });
  assert.deepEqual([total, contacts.length, contacts[0].person.email.startsWith("start")], [2, 1, true]);
  assert.ok(nextCursor);
});

test("counts and overlaps need no pages, and removal keeps what was logged", async () => {
  const ids = await people("lap", 4);
  const [a, b, c] = [await campaign("Lap A"), await campaign("Lap B"), await campaign("Lap C")];
  for (const [campaignId, contactIds] of [
    [a, ids],
    [b, ids.slice(0, 3)],
    [c, ids.slice(0, 1)],
  ] as const)
    await done("bulk_add_contacts_to_campaign_by_filter", { campaignId, contactIds });
  const { total, pairs } = await done("get_campaign_contact_overlap", { campaignIds: [a, b, c] });
  assert.deepEqual([total, pairs.map(({ contacts }: Any) => contacts)], [3, [3, 1, 1]]);
  const several = await done("find_contacts_in_multiple_campaigns", { campaignIds: [a, b, c], minCampaigns: 3 });
  assert.deepEqual(
    several.contacts.map(({ name }: Any) => name),
    ["lap 0"],
  );
  const task = await make("/tasks", { title: "Call back", contact_id: ids[0], campaign_id: a, due_at: "2020-01-01" });
  const logged = await make("/activities", { kind: "call", body: "no answer", contact_id: ids[0], campaign_id: a });
  const out = { campaignId: a, alsoInCampaignIds: [c] };
  assert.equal((await done("bulk_remove_contacts_from_campaign", { ...out, dryRun: true })).removed, 1);
  const confirmed = { ...out, confirm: true };
  const gone = await done("bulk_remove_contacts_from_campaign", confirmed, { requestId: "r1" });
  assert.equal(gone.removed, 1);
  assert.equal((await done("bulk_remove_contacts_from_campaign", confirmed, { requestId: "r1" })).removed, 0);
  assert.equal((await ann.send("GET", `/tasks/${task}`)).status, 404);
  assert.equal((await own("GET", `/activities/${logged}`)).campaign_id, a);
  await own("POST", "/undo", { request: gone.request });
  assert.equal((await ann.send("GET", `/tasks/${task}`)).status, 200);
  const counted = await done("bulk_get_campaign_contact_counts", { campaignIds: [a, b] });
  assert.deepEqual(
    counted.campaigns.map(({ campaignId, counts }: Any) => [campaignId, counts.contacts, counts.states.pending]).toSorted(),
    [
      [a, 4, 4],
      [b, 3, 3],
    ].toSorted(),
  );
  const detached = { campaignId: a, contactIds: [ids[0]], detachCallLogs: true, confirm: true };
  assert.equal((await done("bulk_remove_contacts_from_campaign", detached)).removed, 1);
  assert.equal((await own("GET", `/activities/${logged}`)).campaign_id, null);
  assert.equal((await done("get_campaign", { campaignId: a })).campaign.counts.contacts, 3);
  const overview = await done("get_crm_workspace_overview", {});
  assert.equal(overview.campaigns.find(({ campaignId }: Any) => campaignId === b).counts.open, 3);
  assert.ok(overview.records.contacts >= 4 && overview.open.campaignContacts >= 6, JSON.stringify(overview));
});

test("workloads tell of every agent, and lists go on by cursor", async () => {
  const ids = await people("load", 3);
  const campaignId = await campaign("Load");
  const put = { campaignId, contactIds: ids, assigneeEmails: ["ann@example.com"], nextAt: "2020-01-01" };
  await done("bulk_add_contacts_to_campaign_by_filter", put);
  const { agents } = await done("list_outbound_agents", {});
  assert.deepEqual(
    agents.map(({ email }: Any) => email),
    ["ann@example.com"],
  );
  const { workloads } = await done("bulk_get_agent_workloads", {
    campaignIds: [campaignId],
    agentEmails: ["ann@example.com", "idle@acme.com"],
  });
  assert.deepEqual(
    workloads.map(({ assignee, contacts, due, states }: Any) => [assignee, contacts, due, states.pending]),
    [
      ["ann@example.com", 3, 3, 3],
      ["idle@acme.com", 0, 0, 0],
    ],
  );
  const seen: string[] = [];
  let cursor: string | undefined;
  do {
    const asked = { campaignIds: [campaignId], limit: 2, ...(cursor ? { cursor } : {}) };
    const page = await done("list_outbound_contacts", asked);
    seen.push(...page.contacts.map(({ contactId }: Any) => contactId));
    cursor = page.nextCursor ?? undefined;
  } while (cursor);
  assert.deepEqual(seen.toSorted(), ids.toSorted());
});

test("one request id does one thing once, and another input under it another", async () => {
  const input = { name: "Once", goal: "one" };
  const [one, two] = await Promise.all([
    call("create_outbound_campaign", input, { requestId: "day-1" }),
    call("create_outbound_campaign", { goal: "one", name: "Once" }, { requestId: "day-1" }),
  ]);
  const answered = [one, two].filter(({ status }) => status === 200);
  assert.ok(answered.length > 0 && [one, two].every(({ status }) => status === 200 || status === 409), JSON.stringify(two));
  const { id } = answered[0]!.data.campaign;
  const again = await call("create_outbound_campaign", input, { requestId: "day-1" });
  assert.deepEqual([again.data.campaign.id, again.meta.requestId], [id, "day-1"]);
  const other = await call("create_outbound_campaign", { ...input, goal: "two" }, { requestId: "day-1" });
  assert.notEqual(other.data.campaign.id, id);
  const tool = await call("update_outbound_campaign", { campaignId: id, goal: "one" }, { requestId: "day-1" });
  assert.equal(tool.status, 200, JSON.stringify(tool));
  const found = await done("list_campaigns", { filter: { name: "Once" } });
  assert.equal(found.total, 2);
});

test("a dry run changes nothing, wherever it is asked for", async () => {
  const before = (await own("GET", "/audit?limit=1")).items;
  for (const [input, more] of [
    [{ name: "Never", dryRun: true }, {}],
    [{ name: "Never" }, { dryRun: true, confirm: true }],
    [
      { name: "Never", dryRun: true, confirm: true },
      { dryRun: false, requestId: "never" },
    ],
  ] as const) {
    const dry = await call("create_outbound_campaign", input, more);
    assert.deepEqual([dry.status, dry.meta.dryRun, dry.data.campaign.name], [200, true, "Never"]);
  }
  assert.equal((await done("list_campaigns", { filter: { name: "Never" } })).total, 0);
  assert.deepEqual((await own("GET", "/audit?limit=1")).items, before);
});

test("what does not fit is refused by name", async () => {
  const id = await campaign("Fit");
  for (const [tool, input, field, code, text] of [
    ["create_outbound_campaign", {}, "input.name", "missing_field", /^input\.name is missing/],
    ["create_outbound_campaign", { name: 5 }, "input.name", "invalid_value", /expected string/],
    ["create_outbound_campaign", { name: "x", staus: "done" }, "input.staus", "invalid_field", /did you mean status\?/],
    ["create_outbound_campaign", { name: "x", status: "open" }, "input.status", "invalid_value", /"draft"/],
    ["list_campaigns", { limit: 201 }, "input.limit", "invalid_value", /200/],
    ["list_campaigns", { filter: { name: { a: 1 } } }, "input.filter.name", "invalid_value", /./],
    ["bulk_get_campaign_contact_counts", { campaignIds: [id, 7] }, "input.campaignIds[1]", "invalid_value", /string/],
    ["bulk_add_contacts_to_campaign_by_filter", { campaignId: id }, "input.filter", "missing_field", /"all": true/],
    ["bulk_assign_campaign_contacts", { campaignId: id, confirm: "yes" }, "input.confirm", "invalid_value", /boolean/],
  ] as const) {
    const { meta, error } = await refused(400, code, tool, input);
    assert.equal(meta.field, field, `${tool} ${JSON.stringify(input)} ${error}`);
    assert.match(error!, text);
  }
  const field = await refused(400, "invalid_field", "list_campaigns", { filter: { startOn: "2026-01-01" } });
  assert.match(field.error!, /did you mean startsOn/);
  const value = await refused(400, "invalid_value", "update_outbound_campaign", { campaignId: id, startsOn: "whenever" });
  assert.match(value.error!, /^startsOn cannot be/);
  assert.deepEqual([field.meta.field, value.meta.field], ["input.filter.startOn", "input.startsOn"]);
  const sort = await refused(400, "invalid_field", "list_campaigns", { sort: "-nam" });
  assert.match(sort.error!, /did you mean name/);
  for (const name of ["confirm", "dry_run", "all", "limit", "company.x&all=true"])
    await refused(400, "invalid_field", "bulk_add_contacts_to_campaign_by_filter", {
      campaignId: id,
      filter: { [name]: "true" },
    });
  const body = { organizationId: org, input: {} };
  for (const [more, field] of [
    [{ reason: "x".repeat(501) }, "reason"],
    [{ requestId: "x".repeat(121) }, "requestId"],
    [{ dryrun: true }, "dryrun"],
    [{ input: [] }, "input"],
    [{ dryRun: "true" }, "dryRun"],
  ] as const) {
    const reply = await ann.send("POST", "/crm/agent/tools/list_campaigns", { ...body, ...more });
    assert.deepEqual([reply.status, reply.json().success, reply.json().meta.field], [400, false, field], reply.text);
  }
  for (const text of ["", "{", "[]", "7"]) {
    const reply = await ann.send("POST", "/crm/agent/tools/list_campaigns", text);
    assert.deepEqual([reply.status, reply.json().success], [400, false], reply.text);
  }
  const some = (await ann.send("GET", "/crm/agent/capabilities?tools=get_campaign,list_campaigns")).json().data.tools;
  assert.deepEqual(
    some.map(({ name }: Any) => name),
    ["get_campaign", "list_campaigns"],
  );
  assert.equal((await ann.send("GET", "/crm/agent/capabilities?tools=nothing")).status, 404);
  const near = await refused(404, "not_found", "create_campaign", {});
  assert.match(near.error!, /did you mean .*create_outbound_campaign|get_campaign/);
  for (const campaignId of ["..", ".", "/", "a/..", " ", "%2e%2e", "../members", "?all=true", "counts", "c_00000000"]) {
    for (const [tool, input] of [
      ["get_campaign", { campaignId }],
      ["update_outbound_campaign", { campaignId, goal: "x" }],
      ["bulk_assign_campaign_contacts", { campaignId, assigneeEmails: null, all: true, confirm: true }],
      ["list_outbound_contacts", { campaignIds: [campaignId] }],
      ["bulk_get_campaign_contact_counts", { campaignIds: [campaignId] }],
    ] as const) {
      const { status } = await call(tool, input);
      assert.ok(status >= 400 && status < 500, `${tool} ${campaignId} ${status}`);
    }
  }
  assert.match((await refused(404, "not_found", "get_campaign", { campaignId: "cm_00000000" })).error!, /cm_00000000/);
});

test("only an admin's own workspace answers, and no other is told of", async () => {
  const theirs = (await own("GET", "/workspaces", undefined, eve)).items[0].id;
  const words: string[] = [];
  for (const organizationId of [
    theirs,
    `ws_${theirs.slice(-8)}`,
    "ws_00000000000000000000000000",
    "Ann's",
    "workspace/ws_00000000",
  ]) {
    const { error } = await refused(404, "not_found", "list_campaigns", {}, { organizationId });
    words.push(error!.replace(organizationId, "ID"));
    const reply = await ann.send("GET", `/crm/agent/capabilities?organizationId=${encodeURIComponent(organizationId)}`);
    assert.equal(reply.status, 404, reply.text);
  }
  assert.equal(new Set(words.map((each) => each.replaceAll('"', ""))).size, 1, words.join("\n"));
  for (const form of [`ws_${org.slice(-8)}`, org.toUpperCase(), `workspace/ws_${org.slice(-8)}`])
    assert.equal((await call("list_campaigns", {}, { organizationId: form })).status, 200);
  await refused(400, "missing_field", "list_campaigns", {}, { organizationId: undefined });
  assert.equal(
    (await call("crm_resolve_workspace", { query: "eve@elsewhere.example" }, { organizationId: undefined })).data
      .organizationId,
    null,
  );
  const id = await campaign("Mine");
  await refused(404, "not_found", "get_campaign", { campaignId: id }, { organizationId: theirs }, eve);
  for (const scopes of [["read"], ["read", "write", "delete"], ["propose", "read"]]) {
    const { token } = await own("POST", "/tokens", { name: "few", scopes });
    const few = { ...ann, send: ((m, p, b) => service.send(m, p, b, { authorization: `Bearer ${token}` })) as Client["send"] };
    await refused(403, "scope_required", "list_campaigns", {}, {}, few);
    assert.equal((await few.send("GET", "/crm/agent/capabilities")).status, 403);
  }
  const none = await service.send("POST", "/crm/agent/tools/list_campaigns", { organizationId: org, input: {} });
  assert.deepEqual([none.status, none.json().success, none.headers.has("www-authenticate")], [401, false, true]);
  const lost = await ann.send("GET", "/crm/agent/nowhere");
  assert.deepEqual([lost.status, lost.json().success], [404, false]);
});

test("two agents who take the same list get each contact once, and a repeated call is one", async () => {
  const ids = await people("taken", 12);
  const campaignId = await campaign("Taken");
  const put = { campaignId, filter: { tags: ["taken"] } };
  const added = await done("bulk_add_contacts_to_campaign_by_filter", put, { requestId: "put" });
  assert.deepEqual(await done("bulk_add_contacts_to_campaign_by_filter", put, { requestId: "put" }), added);
  assert.equal(added.added, ids.length);
  const take = (email: string) =>
    call("bulk_assign_campaign_contacts", { campaignId, assigneeEmails: [email], onlyUnassigned: true, confirm: true });
  const taken = await Promise.all(["sam@acme.com", "kim@acme.com", "lee@acme.com"].map(take));
  assert.ok(
    taken.every(({ status }) => status === 200 || status === 409),
    JSON.stringify(taken),
  );
  const sum = taken.reduce((all, { data }) => all + (data?.assigned ?? 0), 0);
  assert.equal(sum, ids.length, JSON.stringify(taken));
});

test("who may only propose is told of the proposal", async () => {
  const { token } = await own("POST", "/tokens", { name: "proposes", scopes: ["admin", "read", "propose"] });
  const proposer = {
    ...ann,
    send: ((m, p, b) => service.send(m, p, b, { authorization: `Bearer ${token}` })) as Client["send"],
  };
  const answer = await call("create_outbound_campaign", { name: "Proposed" }, {}, proposer);
  assert.deepEqual([answer.status, answer.meta.proposed], [202, true], JSON.stringify(answer));
  assert.equal((await done("list_campaigns", { filter: { name: "Proposed" } })).total, 0);
  const dry = await call("create_outbound_campaign", { name: "Proposed" }, { dryRun: true }, proposer);
  assert.equal(dry.status, 200, JSON.stringify(dry));
});

test("a workspace's own fields are there by their names", async () => {
  for (const fields of [{ door_code: "text" }, { seats_wanted: "integer" }])
    await own("POST", `/kinds/${"seats_wanted" in fields ? "campaign" : "contact"}/fields`, { fields }, eve);
  const theirs = (await own("GET", "/workspaces", undefined, eve)).items[0].id;
  const run = async (tool: string, input: object) => {
    const answer = await call(tool, input, { organizationId: theirs }, eve);
    assert.equal(answer.status, 200, JSON.stringify(answer));
    return answer.data;
  };
  await own("POST", "/contacts", { name: "Own", door_code: "42" }, eve);
  const { campaign } = await run("create_outbound_campaign", { name: "Own", seatsWanted: 3 });
  assert.equal(campaign.seatsWanted, 3);
  const put = { campaignId: campaign.id, filter: { doorCode: ["42", "43"] } };
  assert.equal((await run("bulk_add_contacts_to_campaign_by_filter", put)).added, 1);
  assert.equal((await run("list_outbound_contacts", {})).contacts[0].person.doorCode, "42");
  const { meta } = await call(
    "create_outbound_campaign",
    { name: "Own", seatsWanted: "many" },
    { organizationId: theirs },
    eve,
  );
  assert.equal(meta.field, "input.seatsWanted");
  await refused(400, "invalid_field", "create_outbound_campaign", { name: "Own", seatsWanted: 3 });
});

test("a workspace switches the tools off and on", async () => {
  await own("PATCH", `/workspaces/${org}`, { crm_agent: false });
  try {
    const { error } = await refused(403, "scope_required", "list_campaigns", {});
    assert.match(error!, /switched off/);
    assert.equal((await ann.send("GET", `/crm/agent/capabilities?organizationId=${org}`)).status, 403);
    assert.equal((await ann.send("GET", "/crm/agent/capabilities")).json().data.organization.crmEnabled, false);
    assert.equal((await call("crm_resolve_workspace", {}, { organizationId: undefined })).data.matches[0].crmEnabled, false);
  } finally {
    await own("PATCH", `/workspaces/${org}`, { crm_agent: null });
  }
  assert.equal((await call("list_campaigns", {})).status, 200);
});

test("hostile texts stay texts", async () => {
  for (const text of ["'; drop table campaigns; --", "a\u202eb", "x\ny", "$1.id", "\u{1f600}".repeat(100), "%00", "{{base}}"]) {
    const answer = await call(
      "create_outbound_campaign",
      { name: "Hostile", goal: text, notes: text },
      { reason: text.slice(0, 500), requestId: text.slice(0, 60) },
    );
    assert.equal(answer.status, 200, JSON.stringify(answer));
    assert.equal(answer.data.campaign.notes, text);
    const { items } = await own("GET", `/campaigns/${answer.data.campaign.id}/history`);
    assert.equal(items[0].reason, text.slice(0, 500));
    const found = await done("list_campaigns", { filter: { goal: `eq:${answer.data.campaign.goal}` } });
    assert.equal(found.total, 1, text);
  }
  assert.equal((await call("create_outbound_campaign", { name: "a\0b" })).status, 400);
  assert.equal((await call("list_campaigns", { search: "\0" })).status, 400);
  assert.equal((await call("x".repeat(3000), {})).status, 404);
  const large = await ann.send("POST", "/crm/agent/tools/list_campaigns", {
    organizationId: org,
    input: { search: "x".repeat(1_100_000) },
  });
  assert.equal(large.status, 413);
  const deep = await ann.send("POST", "/crm/agent/tools/list_campaigns", `{"input":${"[".repeat(9000)}${"]".repeat(9000)}}`);
  assert.ok(deep.status < 500, deep.text.slice(0, 300));
});

/** The document's enum, word for word. */
const NAMES =
  `crm_resolve_workspace get_crm_workspace_overview list_outbound_agents bulk_get_agent_workloads list_campaigns get_campaign
  create_outbound_campaign update_outbound_campaign attach_campaign_templates bulk_add_contacts_to_campaign_by_filter
  bulk_remove_contacts_from_campaign find_contacts_in_multiple_campaigns get_campaign_contact_overlap bulk_get_campaign_contact_counts
  analyze_import_contact_deduplication bulk_assign_campaign_contacts list_outbound_contacts list_script_templates get_script_template
  create_script_template update_script_template delete_script_template import_script_templates export_script_template
  list_qualification_templates get_qualification_template create_qualification_template update_qualification_template
  import_qualification_templates export_qualification_template get_script_execution upsert_script_execution get_qualification_schema
  get_qualification create_qualification update_qualification list_qualifications`.split(/\s+/);

test("capabilities tell the tools of the document, and the OpenAPI document its two operations", async () => {
  assert.deepEqual([...(await tools()).keys()], NAMES);
  const document = (await service.send("GET", "/crm/agent/openapi.json")).json();
  assert.deepEqual(
    Object.entries<object>(document.paths).map(([path, each]) => [path, Object.keys(each)]),
    [
      ["/crm/agent/capabilities", ["get"]],
      ["/crm/agent/tools/{toolName}", ["post"]],
    ],
  );
  assert.deepEqual(document.components.schemas.CrmAgentToolName.enum, NAMES);
  const { properties } = document.components.schemas.Request;
  assert.deepEqual([properties.reason.maxLength, properties.requestId.maxLength], [500, 120]);
});

const KEYWORDS: Record<string, (value: Any) => boolean> = {
  $schema: (value) => value === "https://json-schema.org/draft/2020-12/schema",
  type: (value) =>
    [value].flat().every((each) => ["object", "array", "string", "number", "integer", "boolean", "null"].includes(each)),
  description: (value) => typeof value === "string" && value !== "",
  properties: (value) => Object.values(value).every(isSchema),
  required: (value) => Array.isArray(value) && new Set(value).size === value.length,
  additionalProperties: isSchema,
  propertyNames: isSchema,
  items: isSchema,
  anyOf: (value) => value.length > 0 && value.every(isSchema),
  enum: (value) => value.length > 0 && new Set(value).size === value.length,
  const: () => true,
  default: () => true,
  format: (value) => typeof value === "string",
  pattern: (value) => Boolean(new RegExp(value, "u")),
  uniqueItems: (value) => typeof value === "boolean",
  ...Object.fromEntries(
    ["minLength", "maxLength", "minItems", "maxItems", "minProperties", "maxProperties"].map((name) => [
      name,
      (value: Any) => Number.isInteger(value) && value >= 0,
    ]),
  ),
  ...Object.fromEntries(
    ["minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum"].map((name) => [
      name,
      (value: Any) => typeof value === "number",
    ]),
  ),
};

/** Whether it is a schema of JSON Schema 2020-12, by what the keywords that we use may hold there. */
function isSchema(schema: Any): boolean {
  if (typeof schema === "boolean") return true;
  for (const [name, value] of Object.entries(schema)) {
    assert.ok(Object.hasOwn(KEYWORDS, name), `no such keyword: ${name}`);
    assert.ok(KEYWORDS[name]!(value), `${name} cannot be ${JSON.stringify(value)}`);
  }
  const { required = [], properties = {} } = schema;
  for (const name of required) assert.ok(Object.hasOwn(properties, name), `${name} is required, and no property`);
  return true;
}

test("every example fits its schema and runs", async () => {
  await filled();
  told = await tools();
  for (const { name, inputSchema, outputSchema, examples, supportsDryRun, requiresConfirm, riskLevel } of told.values()) {
    assert.ok(isSchema(inputSchema) && isSchema(outputSchema), name);
    assert.equal(inputSchema.additionalProperties, false, name);
    assert.deepEqual(
      [Object.hasOwn(inputSchema.properties, "dryRun"), Object.hasOwn(inputSchema.properties, "confirm")],
      [supportsDryRun, requiresConfirm],
      name,
    );
    assert.equal(supportsDryRun, riskLevel !== "low", name);
    for (const { input, ...more } of examples) {
      fits(inputSchema, input, name);
      const answer = await call(name, input, more);
      assert.equal(answer.status, 200, `${name} ${JSON.stringify(input)} ${JSON.stringify(answer)}`);
      fits(outputSchema, answer.data, name);
    }
  }
});

/** A workspace with something of everything. */
async function filled(): Promise<void> {
  const contacts = await people("filled", 2);
  const [campaignId] = [await campaign("Filled"), await campaign("Filled too")];
  await done("bulk_add_contacts_to_campaign_by_filter", { campaignId, contactIds: contacts });
  const { id: scriptTemplateId } = (await done("create_script_template", SCRIPT)).template;
  const { id: qualificationTemplateId } = (await done("create_qualification_template", FORM)).template;
  await done("attach_campaign_templates", { campaignId, scriptTemplateId, qualificationTemplateId });
  await done("upsert_script_execution", { contactId: contacts[0], scriptTemplateId, answers: { owner: "Oui" } });
  await done("create_qualification", { contactId: contacts[0], qualificationTemplateId, answers: { budget: 5000 } });
}

const SCRIPT = {
  name: "Toiture",
  steps: [
    { id: "hello", type: "instruction", text: "Bonjour, ici Acme." },
    {
      id: "owner",
      type: "yesno",
      text: "Êtes-vous propriétaire ?",
      branches: [
        {
          label: "Oui",
          steps: [
            {
              id: "roof",
              type: "select",
              text: "Quel toit ?",
              options: ["Tuiles", "Plat"],
              branches: [{ label: "Plat", steps: [{ id: "surface", type: "question", text: "Quelle surface ?" }] }],
            },
          ],
        },
        { label: "Non", next: "end" },
      ],
    },
  ],
};
const FORM = {
  name: "Budget",
  questions: [
    { id: "budget", type: "number", label: "Budget", min: 0, required: true },
    { id: "when", type: "choice", label: "When?", options: ["now", "later"] },
  ],
};

test("a script is written by the rules, walked step by step, and leaves and comes back as JSON", async () => {
  const { template } = await done("create_script_template", { ...SCRIPT, name: "Walked" });
  const scriptTemplateId = template.id;
  const got = (await done("get_script_template", { scriptTemplateId })).template;
  assert.deepEqual(got.steps, template.steps);
  const [contactId] = await people("walked", 1);
  const step = async (answers: object, requestId?: string) =>
    (await done("upsert_script_execution", { contactId, scriptTemplateId, answers }, requestId ? { requestId } : {})).execution;
  const begun = await step({}, "begin");
  assert.deepEqual([begun.status, begun.next.step], ["open", "owner"]);
  assert.equal((await step({}, "begin")).id, begun.id);
  const roof = await step({ owner: "Oui" });
  assert.deepEqual([roof.id, roof.next.step, roof.next.options], [begun.id, "roof", ["Tuiles", "Plat"]]);
  const { error } = await refused(400, "invalid_value", "upsert_script_execution", {
    executionId: begun.id,
    answers: { roof: "Chaume" },
  });
  assert.match(error!, /roof|Chaume/);
  const end = await step({ roof: "Plat", surface: "80 m²" }, "end");
  assert.deepEqual([end.status, end.path], ["done", ["owner", "roof", "surface"]]);
  assert.equal((await step({ roof: "Plat", surface: "80 m²" }, "end")).id, begun.id);
  assert.equal((await done("get_script_execution", { contactId })).execution.id, begun.id);
  assert.notEqual((await step({})).id, begun.id);
  const exported = (await done("export_script_template", { scriptTemplateId })).template;
  const two = { templates: [exported, { ...exported, name: "Twin" }] };
  assert.equal((await done("import_script_templates", { ...two, dryRun: true })).imported, 2);
  const { imported, templates } = await done("import_script_templates", two, { requestId: "import" });
  assert.deepEqual([imported, templates[1].name, templates[1].steps], [2, "Twin", template.steps]);
  const repeated = await done("import_script_templates", two, { requestId: "import" });
  assert.deepEqual(
    repeated.templates.map(({ id }: Any) => id),
    templates.map(({ id }: Any) => id),
  );
  const found = await done("list_script_templates", { filter: { name: "Twin" } });
  assert.deepEqual([found.total, found.templates[0].steps], [1, undefined]);
  const gone = { scriptTemplateId: templates[1].id };
  await refused(409, "confirmation_required", "delete_script_template", gone);
  await done("delete_script_template", { ...gone, dryRun: true });
  await done("delete_script_template", { ...gone, confirm: true }, { requestId: "gone" });
  await done("delete_script_template", { ...gone, confirm: true }, { requestId: "gone" });
  await refused(404, "not_found", "get_script_template", gone);
});

test("scripts with the mistakes that the authoring rules name are refused or warned of", async () => {
  const written = (steps: object[]) => ({ name: "Wrong", steps });
  const yesno = (branches: unknown, more = {}) => ({ id: "owner", type: "yesno", text: "Owner?", branches, ...more });
  const select = (label: string) => ({
    id: "roof",
    type: "select",
    text: "Roof?",
    options: ["flat", "pitched"],
    branches: [{ label, steps: [] }],
  });
  for (const [steps, text] of [
    [[select("Flat roof")], /Flat roof/],
    [[{ id: "roof", type: "select", text: "Roof?" }], /options|select/],
    [
      [
        yesno([
          { label: "Oui", steps: [] },
          { label: "Non", steps: [] },
          { label: "Peut-être", steps: [] },
        ]),
      ],
      /yesno|two|Peut/,
    ],
    [[{ id: "a", type: "note", text: "x" }], /note|type/],
    [[{ id: "a", type: "question", text: "x", options: ["a", "b"] }], /option|question/],
    [[{ id: "a", type: "question", text: "x", next: "nowhere" }], /nowhere/],
    [
      [
        { id: "a", type: "question", text: "x" },
        { id: "a", type: "question", text: "y" },
      ],
      /"?a"?/,
    ],
    [[], /steps/],
  ] as const) {
    const answer = await call("create_script_template", written([...steps]));
    assert.equal(answer.status, 400, JSON.stringify(steps));
    assert.match(answer.error!, text);
    const second = await call("import_script_templates", { templates: [SCRIPT, written([...steps])] });
    assert.equal(second.status, 400, JSON.stringify(second));
    assert.match(second.meta.field, /^input\.templates\[1\]/, JSON.stringify(second));
  }
  assert.equal((await done("list_script_templates", { filter: { name: "Wrong" } })).total, 0);
  const { meta } = await call("create_script_template", {
    name: "Warned",
    steps: [
      yesno([
        { label: "Yes", steps: [] },
        { label: "No", next: "end" },
      ]),
      { id: "note", type: "instruction", text: "Reporter dans le CRM" },
    ],
  });
  assert.deepEqual(
    meta.warnings.map((each: string) => each.split(":")[0]),
    ["step owner", "step note"],
  );
});

test("a qualification is asked by its schema", async () => {
  const { template } = await done("create_qualification_template", { ...FORM, name: "Asked" });
  const qualificationTemplateId = template.id;
  const campaignId = await campaign("Asked");
  await refused(404, "not_found", "get_qualification_schema", { campaignId });
  await done("attach_campaign_templates", { campaignId, qualificationTemplateId });
  const { schema } = await done("get_qualification_schema", { campaignId });
  assert.deepEqual(schema, (await done("get_qualification_schema", { qualificationTemplateId })).schema);
  fits(schema, { budget: 10, when: "now" }, "answers");
  const [contactId] = await people("asked", 1);
  const asked = { qualificationTemplateId, contactId };
  await refused(400, "invalid_value", "create_qualification", { ...asked, answers: { budget: -1 } });
  const { qualification } = await done("create_qualification", { ...asked, answers: { budget: 10 } });
  const { id: qualificationId } = qualification;
  const changed = await done("update_qualification", { qualificationId, answers: { when: "later" } });
  assert.deepEqual(changed.qualification.answers, { budget: 10, when: "later" });
  const stale = { qualificationId, outcome: "late", version: qualification.version };
  await refused(412, "version_conflict", "update_qualification", stale);
  assert.equal((await done("list_qualifications", { filter: { qualificationTemplateId } })).total, 1);
  assert.equal((await done("get_qualification", { qualificationId })).qualification.id, qualificationId);
  const exported = (await done("export_qualification_template", { qualificationTemplateId })).template;
  assert.equal((await done("import_qualification_templates", { templates: [exported] })).imported, 1);
  const changedForm = await done("update_qualification_template", { qualificationTemplateId, description: "new" });
  assert.equal(changedForm.template.description, "new");
  assert.equal((await done("get_qualification_template", { qualificationTemplateId })).template.description, "new");
  await done("attach_campaign_templates", { campaignId, qualificationTemplateId: null });
});

test("an import is looked through before it happens", async () => {
  const [known] = (await people("import", 1)) as [string];
  const campaignId = await campaign("Import");
  await done("bulk_add_contacts_to_campaign_by_filter", { campaignId, contactIds: [known] });
  const contacts = [
    { name: "Import", email: "IMPORT0@acme.com" },
    { name: "New", email: "new@acme.com", companyId: null },
    { name: "New too", email: "New@acme.com" },
    { name: "Bad", email: "bad" },
  ];
  const { findings, campaigns, ...counts } = await done("analyze_import_contact_deduplication", { contacts });
  assert.deepEqual(counts, { rows: 4, new: 2, known: 1, likely: 0, doubles: 1, refused: 1, truncated: false });
  assert.deepEqual(
    findings
      .toSorted((a: Any, b: Any) => a.row - b.row)
      .map(({ row, verdict, contactId, doubleOf, campaignIds }: Any) => [
        row,
        verdict,
        contactId,
        doubleOf,
        campaignIds.length,
      ]),
    [
      [1, "known", known, null, 1],
      [3, "double", null, 2, 0],
      [4, "refused", null, null, 0],
    ],
  );
  assert.deepEqual([campaigns.length, campaigns[0].campaignId.slice(-8)], [1, campaignId.slice(-8)]);
  const csv = "name,email\nImport,import0@acme.com\n";
  assert.equal((await done("analyze_import_contact_deduplication", { csv })).known, 1);
  await refused(400, "invalid_value", "analyze_import_contact_deduplication", { csv, contacts });
  await refused(400, "invalid_field", "analyze_import_contact_deduplication", { contacts: [{ nam: "x" }] });
  assert.equal((await own("GET", "/contacts?email=new@acme.com")).items.length, 0);
});
