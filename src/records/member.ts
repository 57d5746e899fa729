import { choice, count, custom, link, longText, person, phrase, required, time } from "../fields/vocabulary.ts";
import { defineRecord } from "./define.ts";

/** Its plural is longer than its name: a workspace has members too, which are people with an account. */
export const member = defineRecord({
  name: "member",
  plural: "campaign_members",
  prefix: "m",
  about: "A contact in a campaign, and how far it is with them there.",
  title: "outcome",
  aside: true,
  joins: { into: "campaign_id", whom: "contact_id", as: "members", state: "state", by: "assignee" },
  reminder: {
    at: "next_at",
    note: "outcome",
    owner: "assignee",
    doneWhen: { field: "state", is: ["done", "do_not_call"] },
    person: "contact_id",
  },
  fields: {
    campaign_id: required(link("campaign", { about: "the campaign" })),
    contact_id: required(link("contact", { about: "who is in it; once in each campaign" })),
    state: required(
      choice(["pending", "called", "follow_up", "done", "do_not_call"], {
        about: "how far it is with them",
        also: ["status"],
        initially: "pending",
        paged: true,
      }),
    ),
    assignee: person({ about: "who calls them", also: ["owner", "agent"], sort: true, paged: true }),
    next_at: time({
      about: "when to call next; feeds /reminders until done or do_not_call",
      also: ["callback_at", "follow_up_at"],
      sort: true,
    }),
    outcome: phrase({ about: "what came of it", search: true }),
    attempts: required(count({ about: "how often somebody tried", initially: 0, sort: true })),
    notes: longText({ about: "anything worth keeping", search: true }),
    custom: custom({ about: "your own fields, as custom.<key>" }),
  },
  example: { campaign_id: "cm_t4v6w8y0", contact_id: "c_t4v6w8y0", assignee: "me", next_at: "2026-06-10T09:00:00Z" },
});
