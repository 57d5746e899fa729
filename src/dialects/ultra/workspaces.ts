import type { Json } from "../../openapi/names.ts";
import type { Call, Values } from "../dialect.ts";
import { countsIn, countsSchema } from "./counts.ts";
import { isOn } from "./enter.ts";
import { answer, flag, listOf, object, orNull, text, whole } from "./schemas.ts";
import type { Tool } from "./tool.ts";

/** The workspace, found and looked over. */

const MATCH = answer({
  organizationId: text("what every other tool takes"),
  name: text("what it is called"),
  slug: text("its name as an address writes it"),
  ownerEmails: listOf(text("an e-mail address"), "its admins"),
  timezone: text("an IANA time zone"),
  crmEnabled: flag("whether the other tools answer there"),
  matchedBy: listOf(text("id, name, slug or ownerEmail"), "what of it was asked for"),
});

const NEEDLE = { minLength: 1, maxLength: 254 };

export const resolve: Tool = {
  name: "crm_resolve_workspace",
  family: "Workspace resolution",
  about:
    "Finds the organizationId of the workspace by its name, slug, id or an owner's e-mail; without input the token's own. Call it first.",
  risk: "low",
  unscoped: true,
  input: () =>
    object({
      query: text("a name, part of one, a slug, an id or an owner's e-mail", NEEDLE),
      name: text("the name alone", NEEDLE),
      slug: text("the slug alone", NEEDLE),
      ownerEmail: text("the owner's e-mail alone", NEEDLE),
    }),
  output: () =>
    answer({
      organizationId: orNull(text("of the one that matches; null where none does")),
      matches: listOf(MATCH, "at most one: a token acts in one workspace"),
    }),
  example: (known) => ({ query: known("workspace") }),
  async run({ call, input, get }) {
    const { workspaceId } = call.session!;
    const { json } = await get(`/workspaces/${workspaceId}`);
    const members = (await get(`/workspaces/${workspaceId}/members`)).json.items as Values[];
    const ownerEmails = members.filter(({ role, status }) => role === "admin" && status === "member").map(({ email }) => email);
    const name = String(json.name);
    const matchedBy = matches(input, { id: workspaceId, name, slug: slugOf(name), ownerEmails: ownerEmails.map(String) });
    if (matchedBy === undefined)
      return {
        data: { organizationId: null, matches: [] },
        meta: { hints: ["a token acts in one workspace, and this one is called otherwise; without input it is told"] },
      };
    const crmEnabled = await isOn(call);
    const match = {
      organizationId: workspaceId,
      name,
      slug: slugOf(name),
      ownerEmails,
      timezone: json.timezone,
      crmEnabled,
      matchedBy,
    };
    return { data: { organizationId: workspaceId, matches: [match] } };
  },
};

const slugOf = (name: string): string =>
  name
    .normalize("NFKD")
    .toLowerCase()
    .replace(/\p{M}+/gu, "")
    .replace(/[^\p{L}\p{N}]+/gu, "-")
    .replace(/^-|-$/g, "");

type Known = { id: string; name: string; slug: string; ownerEmails: string[] };

/** By what it was found: all that is asked for has to be so. Undefined: it is not meant. */
function matches(input: Values, { id, name, slug, ownerEmails }: Known): string[] | undefined {
  const is = (asked: string, held: string) => asked.trim().toLowerCase() === held.toLowerCase();
  const tests: Record<string, (asked: string) => boolean> = {
    id: (asked) => is(asked, id) || is(asked, `ws_${id.slice(-8)}`) || is(asked, `workspace/ws_${id.slice(-8)}`),
    name: (asked) => name.toLowerCase().includes(asked.trim().toLowerCase()),
    slug: (asked) => is(asked, slug) || slugOf(asked) === slug,
    ownerEmail: (asked) => ownerEmails.some((email) => is(asked, email)),
  };
  const { query, ...named } = input as Record<string, string>;
  const byQuery = query === undefined ? [] : Object.keys(tests).filter((test) => tests[test]!(query));
  if (query !== undefined && byQuery.length === 0) return undefined;
  if (Object.entries(named).some(([test, asked]) => !tests[test]!(asked))) return undefined;
  return [...new Set([...byQuery, ...Object.keys(named)])];
}

const many = (description: string): Json => ({ type: "object", description, additionalProperties: { type: "integer" } });

export const overview: Tool = {
  name: "get_crm_workspace_overview",
  family: "Outbound Operations",
  about:
    "The workspace in one answer: how many records of each kind, what is open and due, the pipeline, and how far each campaign is.",
  risk: "low",
  input: () => object({}),
  output: (words) =>
    answer({
      organization: answer({ organizationId: text("its id"), name: text("its name"), timezone: text("an IANA time zone") }),
      records: many("how many there are of each kind"),
      open: many("how many of them there is still something to do for"),
      due: many("how many are due by now"),
      pipeline: listOf(
        object({
          deals: whole("how many are open"),
          sumAmountCents: whole("what they come to"),
          currency: orNull(text("in which")),
        }),
        "open deals by currency",
      ),
      campaigns: listOf(
        answer({ campaignId: text("its id"), name: text("its name"), counts: countsSchema(words) }),
        "those with most to do first, at most 20",
      ),
    }),
  example: () => ({}),
  async run({ call, get, words }) {
    const { json } = await get("/overview");
    const {
      records = {},
      open = {},
      due = {},
      pipeline = [],
      campaigns = [],
    } = json as { [name in "records" | "open" | "due"]?: Values } & { [name in "pipeline" | "campaigns"]?: Values[] };
    const { workspaceId: organizationId, workspaceName: name, timezone } = call.session!;
    return {
      data: {
        organization: { organizationId, name, timezone },
        ...{ records: spelled(call, records), open: spelled(call, open), due: spelled(call, due) },
        pipeline: pipeline.map(({ deals, sum_amount_cents, currency }) => ({
          deals,
          sumAmountCents: sum_amount_cents,
          currency,
        })),
        campaigns: campaigns.map((each) => ({ campaignId: each.id, name: each.name, counts: countsIn(words, each) })),
      },
    };
  },
};

/** Numbers by our plurals, by theirs. */
const spelled = ({ dialect }: Call, counts: Values): Values =>
  Object.fromEntries(
    Object.entries(counts).map(([plural, many]) => {
      const table = dialect.tables.find(({ of }) => of === plural);
      return [table?.plural ?? dialect.spell(plural), many];
    }),
  );
