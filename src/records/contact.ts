import { custom, email, link, longText, person, phone, phrase, required, tags, text, time } from "../fields/vocabulary.ts";
import { defineRecord } from "./define.ts";

export const contact = defineRecord({
  name: "contact",
  plural: "contacts",
  prefix: "c",
  about: "A person you deal with.",
  title: "name",
  naturalKey: "email",
  reminder: {
    at: "follow_up_at",
    note: "follow_up_note",
    owner: "owner",
    phone: "phone",
    email: "email",
    company: "company_id",
  },
  card: {
    name: "name",
    email: "email",
    phone: "phone",
    title: "title",
    company: "company",
    notes: "notes",
    tags: "tags",
    custom: "custom",
  },
  fields: {
    name: required(phrase({ about: "full name", sort: true, search: true })),
    email: email({ about: "main address; POST with a known one updates that contact", sort: true, search: true }),
    phone: phone({ about: "phone number", search: true }),
    title: phrase({ about: "job title", search: true }),
    company_id: link("company", { about: "the company they work for" }),
    stage: phrase({ about: "where they stand: lead, qualified, customer, …", sort: true, paged: true, label: true }),
    owner: person({ about: "who looks after them", sort: true, paged: true }),
    tags: tags({ about: "labels", search: true }),
    follow_up_at: time({ about: "when to get back to them; feeds /reminders", sort: true }),
    follow_up_note: text({ about: "what to do then", search: true }),
    notes: longText({ about: "anything worth keeping", search: true }),
    custom: custom({ about: "your own fields, as custom.<key>" }),
  },
  example: { name: "Jane Doe", email: "jane@acme.com", title: "CTO", stage: "lead", tags: ["saas", "vip"] },
});
