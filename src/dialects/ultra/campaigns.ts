import type { Values } from "../dialect.ts";
import { among, countsIn, countsSchema } from "./counts.ts";
import { at, listQuery, pageOf, shown } from "./query.ts";
import { creating, getting, holding, type Of, update, updating } from "./records.ts";
import { answer, id, ids, listOf, object, orNull, page, paging, record, text, whole } from "./schemas.ts";
import type { Tool, Work } from "./tool.ts";

/** Campaigns, and what they come to. */

const OF: Of = { family: "Outbound Operations", table: "campaign", one: "campaign", many: "campaigns", key: "campaignId" };

type Counted = { id: string; name: string; counts: Values };

/** How many contacts each campaign has, by state. */
async function countsOf({ get, words }: Work, campaignIds?: readonly string[]): Promise<Counted[]> {
  const { json } = await get("/campaigns/counts", campaignIds ? among(campaignIds) : [["limit", "200"]]);
  return (json.items as Values[]).map((each) => ({
    id: String(each.id),
    name: String(each.name),
    counts: countsIn(words, each),
  }));
}

const listCampaigns: Tool = {
  name: "list_campaigns",
  family: OF.family,
  table: OF.table,
  about: "Lists campaigns, newest change first, each with how many contacts are in it by state.",
  risk: "low",
  input: (words) => object(paging(words("campaign"))),
  output: (words) => page("campaigns", record(words("campaign"), { counts: countsSchema(words) })),
  example: () => ({ filter: { status: ["active", "draft"] }, limit: 20 }),
  async run(work) {
    const { input, words, get } = work;
    const of = words("campaign");
    const reply = await get("/campaigns", listQuery(of, input));
    const found = (reply.json.items as Values[]).map((item) => String(item.id));
    const counts = found.length > 0 ? await countsOf(work, found) : [];
    return {
      data: pageOf("campaigns", reply, (items) =>
        items.map((item) => ({ ...shown(of, item), counts: counts.find(({ id: each }) => each === item.id)?.counts })),
      ),
    };
  },
};

const getCampaign: Tool = {
  ...getting(OF, {
    name: "get_campaign",
    about: "One campaign, with how many contacts are in it by state.",
    example: (known) => ({ campaignId: known("campaign") }),
  }),
  output: (words) => answer({ campaign: record(words("campaign"), { counts: countsSchema(words) }) }),
  async run(work) {
    const of = work.words("campaign");
    const { json } = await work.get(at("campaigns", work.input.campaignId));
    const [counted] = await countsOf(work, [String(json.id)]);
    return { data: { campaign: { ...shown(of, json), counts: counted!.counts } } };
  },
};

const createCampaign = creating(OF, {
  name: "create_outbound_campaign",
  about: "Creates a campaign. Contacts are put into it by bulk_add_contacts_to_campaign_by_filter.",
  example: () => ({ name: "Spring 2026", status: "active", goal: "20 demos with energy suppliers", startsOn: "2026-06-01" }),
});

const updateCampaign = updating(OF, {
  name: "update_outbound_campaign",
  about: "Changes the fields of a campaign that are sent; null clears one.",
  example: (known) => ({ campaignId: known("campaign"), goal: "30 demos" }),
});

const attach: Tool = {
  name: "attach_campaign_templates",
  family: OF.family,
  table: OF.table,
  about: "Attaches the script template and the qualification template that a campaign is worked with; null detaches one.",
  risk: "medium",
  input: () =>
    object(
      {
        campaignId: id("campaign"),
        scriptTemplateId: orNull(id("script template")),
        qualificationTemplateId: orNull(id("qualification template")),
      },
      ["campaignId"],
      { minProperties: 2 },
    ),
  output: (words) => holding("campaign", words("campaign")),
  example: (known) => ({
    campaignId: known("campaign"),
    scriptTemplateId: known("scriptTemplate"),
    qualificationTemplateId: known("qualificationTemplate"),
  }),
  run: (work) => {
    const { campaignId, ...templates } = work.input;
    return update(work, "campaign", "campaign", campaignId, templates);
  },
};

const counts: Tool = {
  name: "bulk_get_campaign_contact_counts",
  family: OF.family,
  about:
    "Counts the contacts of several campaigns by state, without paging through them; of the 200 with most to do without campaignIds.",
  risk: "low",
  input: () => object({ campaignIds: ids("campaign") }),
  output: (words) =>
    answer({
      campaigns: listOf(
        answer({ campaignId: text("its id"), name: text("its name"), counts: countsSchema(words) }),
        "one for each campaign",
      ),
    }),
  example: (known) => ({ campaignIds: [known("campaign")] }),
  async run(work) {
    const { campaignIds } = work.input as { campaignIds?: string[] };
    const found = await countsOf(work, campaignIds);
    return { data: { campaigns: found.map(({ id: campaignId, ...each }) => ({ campaignId, ...each })) } };
  },
};

const SHARED = answer({
  contactId: text("its id"),
  name: orNull(text("its name")),
  campaignIds: listOf(text("its id"), "the campaigns that it is in"),
});

const LIMIT = whole("how many contacts at most", { minimum: 1, maximum: 200, default: 50 });

/** Contacts that are in more than one of these campaigns. */
async function overlap({ get }: Work, campaignIds: readonly string[] | undefined, limit: number) {
  const { json } = await get("/campaigns/overlap", [...among(campaignIds), ["limit", String(limit)]]);
  const contacts = (json.items as Values[]).map(({ id, name, in: within }) => ({
    contactId: String(id),
    name,
    campaignIds: within as string[],
  }));
  return { contacts, total: json.total as number };
}

const several: Tool = {
  name: "find_contacts_in_multiple_campaigns",
  family: OF.family,
  about: "Finds the contacts that are in more than one campaign, of all campaigns or of those that are named.",
  risk: "low",
  input: () =>
    object({
      campaignIds: { ...ids("campaign"), minItems: 2 },
      minCampaigns: whole("in how many of them at least", { minimum: 2, maximum: 200, default: 2 }),
      limit: LIMIT,
    }),
  output: () =>
    answer({
      contacts: listOf(SHARED, "who is in most campaigns first"),
      total: whole("how many are in more than one"),
    }),
  example: () => ({ limit: 20 }),
  async run(work) {
    const {
      campaignIds,
      minCampaigns = 2,
      limit = 50,
    } = work.input as { campaignIds?: string[]; minCampaigns?: number; limit?: number };
    const { contacts, total } = await overlap(work, campaignIds, limit);
    return { data: { contacts: contacts.filter(({ campaignIds: within }) => within.length >= minCampaigns), total } };
  },
};

const PAIR = answer({
  campaignIds: listOf(text("its id"), "both"),
  contacts: whole("how many contacts are in both"),
});

/** So many campaigns have 45 pairs. */
const MOST_COMPARED = 10;

const compare: Tool = {
  name: "get_campaign_contact_overlap",
  family: OF.family,
  about: "Compares campaigns: how many contacts each two of them have in common, and which contacts are in more than one.",
  risk: "low",
  input: () => object({ campaignIds: { ...ids("campaign", MOST_COMPARED), minItems: 2 }, limit: LIMIT }, ["campaignIds"]),
  output: () =>
    answer({
      total: whole("how many contacts are in more than one of them"),
      pairs: listOf(PAIR, "each two of them"),
      contacts: listOf(SHARED, "who is in most of them first"),
    }),
  example: (known) => ({ campaignIds: [known("campaign"), known("campaign 2")] }),
  async run(work) {
    const { campaignIds, limit = 50 } = work.input as { campaignIds: string[]; limit?: number };
    const { contacts, total } = await overlap(work, campaignIds, limit);
    const pairs: Values[] = [];
    for (const [i, one] of campaignIds.entries())
      for (const other of campaignIds.slice(i + 1)) {
        const both = total === 0 ? { total: 0 } : await overlap(work, [one, other], 1);
        pairs.push({ campaignIds: [one, other], contacts: both.total });
      }
    return { data: { total, pairs, contacts } };
  },
};

export const CAMPAIGNS = {
  list: listCampaigns,
  get: getCampaign,
  create: createCampaign,
  update: updateCampaign,
  attach,
  counts,
  several,
  compare,
};
