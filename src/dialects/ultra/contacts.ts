import type { Parameters } from "../../derive/query.ts";
import { Problem } from "../../kit/problem.ts";
import type { Values } from "../dialect.ts";
import { toOurs } from "../vocabulary.ts";
import { at, listQuery, pageOf, shown } from "./query.ts";
import { MESSAGE } from "./records.ts";
import { answer, conditions, emails, flag, id, ids, object, orNull, page, paging, record, text, whole } from "./schemas.ts";
import type { Tool, Work } from "./tool.ts";
import { dealt, whichContacts } from "./which.ts";

/** Who is in a campaign: contacts put in, taken out, dealt out and listed. */

const FAMILY = "Outbound Operations";
const TABLE = "campaignContact";

const ALL = flag("needed where nothing else says which: every one is meant");
const members = (input: Values) => at("campaigns", input.campaignId, "members");

const REQUEST = text('what POST /undo {"request":"…"} takes all of it back by');

const add: Tool = {
  name: "bulk_add_contacts_to_campaign_by_filter",
  family: FAMILY,
  table: "contact",
  about:
    "Puts all contacts that a filter, a saved list or an import finds into a campaign, at most 10,000. Who is in it already is left as they are, and counted. Send dryRun first.",
  risk: "high",
  input: (words) =>
    object(
      {
        campaignId: id("campaign"),
        filter: conditions(words("contact"), {
          search: text("words to find", { minLength: 1, maxLength: 500 }),
          listId: text("a saved list, by id or name", { minLength: 1, maxLength: 200 }),
          importId: text("an import, by the request that its answer ended with: req_…", { minLength: 1, maxLength: 80 }),
        }),
        contactIds: ids("contact"),
        all: ALL,
        assigneeEmails: emails("who calls them; several get them in turn"),
        nextAt: text("when to call first: a time, or one as people say it", { minLength: 1, maxLength: 100 }),
      },
      ["campaignId"],
    ),
  output: () =>
    answer({
      added: whole("how many were put in, or would be"),
      already: whole("how many were in it already"),
      message: MESSAGE,
      request: REQUEST,
    }),
  example: (known) => ({
    campaignId: known("campaign"),
    filter: { stage: "lead", "company.industry": "energy" },
    dryRun: true,
  }),
  async run(work) {
    const { assigneeEmails, nextAt } = work.input as { assigneeEmails?: string[]; nextAt?: string };
    const query = whichContacts(work, "contact", "id");
    const body = { ...dealt(assigneeEmails), ...toOurs(work.words(TABLE), nextAt === undefined ? {} : { nextAt }) };
    const { json } = await work.write("POST", members(work.input), { query, body });
    const { added, already, message, request } = json;
    return { data: { added, already, message, request } };
  },
};

const remove: Tool = {
  name: "bulk_remove_contacts_from_campaign",
  family: FAMILY,
  table: TABLE,
  about:
    "Takes contacts out of a campaign with their state there, and cancels their open follow-ups of it. What was logged stays, and stays part of the campaign unless detachCallLogs is true. Send dryRun first, then confirm.",
  risk: "high",
  confirms: true,
  input: (words) =>
    object(
      {
        campaignId: id("campaign"),
        contactIds: ids("contact"),
        filter: conditions(words(TABLE), { search: text("words to find", { minLength: 1, maxLength: 500 }) }),
        alsoInCampaignIds: ids("campaign", 9),
        all: ALL,
        detachCallLogs: flag("whether logged calls are no part of the campaign any more; false unless sent"),
      },
      ["campaignId"],
    ),
  output: () =>
    answer({
      removed: whole("how many went, or would go"),
      remaining: whole("of those in other campaigns too: how many are left for further calls"),
      message: MESSAGE,
      request: REQUEST,
    }),
  example: (known) => ({ campaignId: known("campaign"), filter: { state: "do_not_call" }, dryRun: true }),
  async run(work) {
    const { campaignId, alsoInCampaignIds, detachCallLogs, contactIds } = work.input as {
      campaignId: string;
      alsoInCampaignIds?: string[];
      detachCallLogs?: boolean;
      contactIds?: string[];
    };
    const shared = alsoInCampaignIds ? await alsoIn(work, campaignId, alsoInCampaignIds) : undefined;
    const narrowed = shared
      ? { ...work.input, contactIds: shared.ids.filter((each) => contactIds?.includes(each) ?? true) }
      : work.input;
    if (shared && (narrowed.contactIds as string[]).length === 0)
      return { data: nothing(work, "no contact of it is in the other campaigns") };
    const query = whichContacts({ ...work, input: narrowed }, TABLE, "contact_id");
    const further: Parameters = detachCallLogs ? [["detach", "true"]] : [];
    try {
      const { json } = await work.write("DELETE", members(work.input), { query: [...query, ...further] });
      return {
        data: { removed: json.deleted, remaining: shared?.remaining ?? 0, message: json.message, request: json.request },
      };
    } catch (error) {
      // Under this request id others went, so these are what is left since.
      if (!shared || !(error instanceof Problem) || error.code !== "idempotency_mismatch") throw error;
      return { data: nothing(work, "this request was done already") };
    }
  },
};

const nothing = ({ call }: Work, message: string): Values => ({ removed: 0, remaining: 0, message, request: call.requestId });

const MOST_SHARED = 200;

/** The contacts of a campaign that are in one of the others too, as many as one request takes. */
async function alsoIn({ get }: Work, campaignId: string, others: readonly string[]) {
  const found = new Set<string>();
  let remaining = 0;
  for (const other of others) {
    const { json } = await get("/campaigns/overlap", [
      ["campaigns", `${campaignId},${other}`],
      ["limit", String(MOST_SHARED)],
    ]);
    for (const { id: contact } of json.items as { id: string }[]) found.add(contact);
    remaining = Math.max(remaining, (json.total as number) - MOST_SHARED);
  }
  const all = [...found];
  return { ids: all.slice(0, MOST_SHARED), remaining: Math.max(0, remaining, all.length - MOST_SHARED) };
}

const assign: Tool = {
  name: "bulk_assign_campaign_contacts",
  family: FAMILY,
  table: TABLE,
  about:
    "Assigns contacts of a campaign to an agent, or to several in turn, evenly; null assigns them to nobody. Send dryRun first, then confirm.",
  risk: "high",
  confirms: true,
  input: (words) =>
    object(
      {
        campaignId: id("campaign"),
        assigneeEmails: { ...emails("who gets them; several in turn"), type: ["array", "null"] },
        contactIds: ids("contact"),
        filter: conditions(words(TABLE), { search: text("words to find", { minLength: 1, maxLength: 500 }) }),
        onlyUnassigned: flag("only those that nobody has yet"),
        all: ALL,
      },
      ["campaignId", "assigneeEmails"],
    ),
  output: () =>
    answer({
      assigned: whole("how many changed hands, or would"),
      unchanged: whole("how many were assigned so already"),
      message: MESSAGE,
      request: REQUEST,
    }),
  example: (known) => ({
    campaignId: known("campaign"),
    assigneeEmails: ["sam@acme.com", "kim@acme.com"],
    filter: { state: "pending" },
    onlyUnassigned: true,
    dryRun: true,
  }),
  async run(work) {
    const {
      assigneeEmails,
      onlyUnassigned,
      filter = {},
    } = work.input as {
      assigneeEmails: string[] | null;
      onlyUnassigned?: boolean;
      filter?: Values;
    };
    const narrowed = onlyUnassigned ? { ...filter, assignee: null } : filter;
    const query = whichContacts({ ...work, input: { ...work.input, filter: narrowed } }, TABLE, "contact_id");
    const { json } = await work.write("PATCH", members(work.input), { query, body: dealt(assigneeEmails) });
    const { updated, unchanged, message, request } = json;
    return { data: { assigned: updated, unchanged, message, request } };
  },
};

const list: Tool = {
  name: "list_outbound_contacts",
  family: FAMILY,
  table: TABLE,
  about:
    "Lists the contacts of campaigns: how far it is with each, who calls them and when next, with name, e-mail and phone. A contact in two campaigns stands there twice.",
  risk: "low",
  input: (words) => object({ campaignIds: ids("campaign"), ...paging(words(TABLE)) }),
  output: (words) => page("contacts", record(words(TABLE), { person: orNull(record(words("contact"))) })),
  example: (known) => ({
    campaignIds: [known("campaign")],
    filter: { state: ["pending", "follow_up"] },
    sort: "nextAt",
    limit: 20,
  }),
  async run({ input, words, get }) {
    const { campaignIds, ...asked } = input as { campaignIds?: string[] };
    const of = words(TABLE);
    const among: Parameters = campaignIds ? [["campaign_id", `in:${campaignIds.join(",")}`]] : [];
    const reply = await get("/campaign_members", [...among, ...listQuery(of, asked)]);
    const wanted = [...new Set((reply.json.items as Values[]).map(({ contact_id }) => String(contact_id)))];
    const people = new Map<unknown, Values>();
    if (wanted.length > 0) {
      const found = await get("/contacts", [
        ["id", `in:${wanted.join(",")}`],
        ["limit", String(wanted.length)],
      ]);
      for (const each of found.json.items as Values[]) people.set(each.id, shown(words("contact"), each));
    }
    return {
      data: pageOf("contacts", reply, (items) =>
        items.map((item) => ({ ...shown(of, item), person: people.get(item.contact_id) ?? null })),
      ),
    };
  },
};

export const CONTACTS = { add, remove, assign, list };
