import type { Call, Said, Values } from "../dialect.ts";
import { tablesOf } from "../engine.ts";
import { agreed, queryOf, WRITES, writing } from "../verbs.ts";

/** Webhooks are ours; their events begin with the names of the dialect's tables. */

export const WEBHOOK_WRITES = WRITES.filter((name) => name !== "propose");

const path = (call: Call) => `/webhooks/${encodeURIComponent(call.path.id!)}`;

export async function webhooks(call: Call): Promise<Said> {
  const { json } = await call.ask("GET", "/webhooks");
  return { is: "many", rows: (json.items as Values[]).map((each) => shown(call, each)) };
}

export async function webhook(call: Call): Promise<Said> {
  const { json } = await call.ask("GET", path(call));
  return { is: "one", row: shown(call, json) };
}

/** The secret is in this answer only. */
export async function createWebhook(call: Call): Promise<Said> {
  const { json } = await call.ask("POST", `/webhooks${queryOf(writing(call))}`, here(call));
  const id = String(json.id ?? "").replace("webhook/", "");
  const made = id === "" ? json : (await call.ask("GET", `/webhooks/${id}`)).json;
  return { is: "one", status: 201, row: { ...shown(call, made), secret: json.secret ?? null } };
}

export async function changeWebhook(call: Call): Promise<Said> {
  await call.ask("PATCH", path(call) + queryOf(writing(call)), here(call));
  return webhook(call);
}

export async function removeWebhook(call: Call): Promise<Said> {
  await agreed(call, "DELETE", path(call), writing(call));
  return { is: "one", row: { id: call.path.id, deleted: true } };
}

const ofTables = (call: Call) =>
  tablesOf(call).map((table) => ({ there: table.name, here: call.catalog.byPlural(table.of)!.name }));

/** `client.created` is our `contact.created`. */
function renamed(event: unknown, pairs: readonly { from: string; to: string }[]): unknown {
  const [kind, what] = String(event).split(".");
  const to = pairs.find(({ from }) => from === kind)?.to;
  return to === undefined || what === undefined ? event : `${to}.${what}`;
}

function here(call: Call): Values {
  const { events } = call.body;
  const pairs = ofTables(call).map(({ there, here }) => ({ from: there, to: here }));
  return Array.isArray(events) ? { ...call.body, events: events.map((each) => renamed(each, pairs)) } : call.body;
}

function shown(call: Call, { id, url, events, active, problem, created_at, updated_at }: Values): Values {
  const pairs = ofTables(call).map(({ there, here }) => ({ from: here, to: there }));
  return {
    ...{ id, url, events: ((events ?? []) as unknown[]).map((each) => renamed(each, pairs)), active, problem: problem ?? null },
    ...{ createdAt: created_at, updatedAt: updated_at },
  };
}
