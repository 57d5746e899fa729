import type { Values } from "../dialect.ts";
import { among, statesOf } from "./counts.ts";
import { answer, emails, ids, listOf, object, orNull, text, whole } from "./schemas.ts";
import type { Tool, Words, Work } from "./tool.ts";

/** The people who call, and what each has to do. */

const AGENT = answer({
  userId: text("the id of the member"),
  email: text("what tools take as assignee"),
  role: text("admin or member"),
  since: text("since when"),
});

export const agents: Tool = {
  name: "list_outbound_agents",
  family: "Outbound Operations",
  about: "Lists the people who may be assigned campaign contacts: the members of the workspace who may write.",
  risk: "low",
  input: () => object({ search: text("part of an e-mail address", { minLength: 1, maxLength: 254 }) }),
  output: () => answer({ agents: listOf(AGENT, "oldest first") }),
  example: () => ({}),
  async run(work) {
    const search = String(work.input.search ?? "").toLowerCase();
    const found = (await membersOf(work)).filter(({ email }) => email.toLowerCase().includes(search));
    return { data: { agents: found } };
  },
};

type Agent = { userId: unknown; email: string; role: unknown; since: unknown };

async function membersOf({ call, get }: Work): Promise<Agent[]> {
  const { json } = await get(`/workspaces/${call.session!.workspaceId}/members`);
  return (json.items as Values[])
    .filter(({ role, status }) => role !== "viewer" && status === "member")
    .map(({ id, email, role, created_at }) => ({ userId: id, email: String(email), role, since: created_at }));
}

const workload = (words: Words) =>
  answer({
    assignee: orNull(text("an e-mail address; null: assigned to nobody")),
    contacts: whole("how many campaign contacts are theirs"),
    open: whole("how many of these there is still something to do for"),
    due: whole("how many are due by now"),
    campaigns: whole("in how many campaigns"),
    states: answer(Object.fromEntries(statesOf(words).map((state) => [state, whole(`how many are ${state}`)]))),
  });

export const workloads: Tool = {
  name: "bulk_get_agent_workloads",
  family: "Outbound Operations",
  about:
    "Tells how many campaign contacts each agent has, how many are open and due, and of which state. Who has none is told with zeros.",
  risk: "low",
  input: () => object({ agentEmails: emails("only these agents"), campaignIds: ids("campaign") }),
  output: (words) => answer({ workloads: listOf(workload(words), "who has the most first") }),
  example: () => ({}),
  async run(work) {
    const { agentEmails, campaignIds } = work.input as { agentEmails?: string[]; campaignIds?: string[] };
    const states = statesOf(work.words);
    const { json } = await work.get("/campaigns/workloads", among(campaignIds));
    const rows = (json.items as Values[]).map(({ assignee, members, open, due, campaigns, ...counts }) => ({
      assignee: assignee ?? null,
      contacts: members,
      open,
      due,
      campaigns,
      states: Object.fromEntries(states.map((state) => [state, counts[state]])),
    }));
    const wanted = agentEmails?.map((email) => email.toLowerCase()) ?? (await membersOf(work)).map(({ email }) => email);
    const idle = wanted.filter((email) => !rows.some(({ assignee }) => String(assignee).toLowerCase() === email.toLowerCase()));
    const zeros = Object.fromEntries(states.map((state) => [state, 0]));
    const all = [...rows, ...idle.map((assignee) => ({ assignee, contacts: 0, open: 0, due: 0, campaigns: 0, states: zeros }))];
    const asked = all.filter(({ assignee }) => !agentEmails || wanted.includes(String(assignee).toLowerCase()));
    return { data: { workloads: asked } };
  },
};
