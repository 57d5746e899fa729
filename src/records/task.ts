import { boolean, choice, custom, link, longText, person, phrase, required, tags, time } from "../fields/vocabulary.ts";
import { defineRecord } from "./define.ts";

export const task = defineRecord({
  name: "task",
  plural: "tasks",
  prefix: "t",
  about: "Something to do.",
  title: "title",
  timeline: "records",
  reminder: {
    at: "due_at",
    note: "notes",
    owner: "assignee",
    doneWhen: { field: "done", is: true },
    person: "contact_id",
    company: "company_id",
  },
  fields: {
    title: required(phrase({ about: "what to do", also: ["name", "subject"], sort: true, search: true })),
    due_at: time({ about: "by when; feeds /reminders while not done", also: ["due", "due_date", "deadline"], sort: true }),
    done: required(boolean({ about: "whether it is done", initially: false, paged: true })),
    status: choice(["open", "done"], {
      about: "the same as done, in a word; status=done may be sent in its place",
      readOnly: true,
      shown: "detail",
      computed: { is: "first", values: [["done", { holds: ["done"] }]], else: "open" },
      sets: { field: "done", to: { open: false, done: true } },
    }),
    done_at: time({
      about: "when it was done; set and cleared with done unless you say",
      sort: true,
      derived: { is: "left-at", field: "done", value: "false" },
    }),
    assignee: person({ about: "who does it", sort: true, paged: true }),
    contact_id: link("contact", { about: "for whom" }),
    company_id: link("company", { about: "for which company" }),
    deal_id: link("deal", { about: "for which deal" }),
    campaign_id: link("campaign", {
      about: "what it is part of: whoever leaves the campaign takes open tasks along",
      shown: "detail",
    }),
    tags: tags({ about: "labels", search: true }),
    notes: longText({ about: "anything worth keeping", also: ["description", "body", "text"], search: true }),
    custom: custom({ about: "your own fields, as custom.<key>" }),
  },
  example: { title: "Send the quote", due_at: "2026-06-10T09:00:00Z", assignee: "me", contact_id: "c_t4v6w8y0" },
  made: { status: "open" },
});
