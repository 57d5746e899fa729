import { choice, custom, link, longText, person, phrase, required, tags, time } from "../fields/vocabulary.ts";
import { defineRecord } from "./define.ts";

export const ticket = defineRecord({
  name: "ticket",
  plural: "tickets",
  prefix: "ti",
  about: "A question or a complaint that somebody waits for an answer to.",
  title: "subject",
  timeline: "records",
  reminder: {
    at: "due_at",
    note: "notes",
    owner: "assignee",
    doneWhen: { field: "status", is: "solved" },
    person: "requester_id",
    company: "company_id",
  },
  fields: {
    subject: required(phrase({ about: "what it is about", also: ["title", "name"], sort: true, search: true })),
    status: required(choice(["open", "pending", "solved"], { about: "where it stands", initially: "open", paged: true })),
    priority: choice(["low", "normal", "high", "urgent"], { about: "how much it presses", paged: true }),
    due_at: time({
      about: "by when to answer; feeds /reminders while it is not solved",
      also: ["due", "due_date", "deadline"],
      sort: true,
    }),
    assignee: person({ about: "who answers it", sort: true, paged: true }),
    requester_id: link("contact", { about: "who asked" }),
    company_id: link("company", { about: "the company they ask for" }),
    tags: tags({ about: "labels", search: true }),
    notes: longText({ about: "what was asked, and what is known", also: ["description", "body", "text"], search: true }),
    custom: custom({ about: "your own fields, as custom.<key>" }),
  },
  example: {
    subject: "Invoice shows the wrong address",
    priority: "high",
    due_at: "2026-06-10T09:00:00Z",
    assignee: "me",
    requester_id: "c_t4v6w8y0",
  },
});
