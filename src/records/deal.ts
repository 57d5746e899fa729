import { defineRecord } from "./define.ts";
import { cents, choice, currency, custom, date, link, longText, person, phrase, required, tags, text, time } from "./fields.ts";

export const deal = defineRecord({
  name: "deal",
  plural: "deals",
  prefix: "d",
  about: "A sale in the making: what, with whom, how much, how far.",
  title: "title",
  sums: { amount: "amount_cents", per: "currency" },
  reminder: { at: "follow_up_at", note: "follow_up_note", owner: "owner" },
  fields: {
    title: required(phrase({ about: "what is being sold", sort: true, search: true })),
    amount_cents: cents({ about: "worth, in the smallest unit of the currency", sort: true }),
    currency: currency({ about: "ISO 4217 code", initially: "USD" }),
    stage: phrase({ about: "how far it is: discovery, proposal, …", sort: true, search: true, paged: true, label: true }),
    status: required(choice(["open", "won", "lost"], { about: "outcome", initially: "open", paged: true })),
    close_date: date({ about: "day it is expected to close, or closed", sort: true }),
    closed_at: time({
      about: "when it was won or lost; set and cleared with status unless you say",
      sort: true,
      derived: { is: "left-at", field: "status", value: "open" },
    }),
    lost_reason: text({ about: "why it was lost", wanted: { field: "status", value: "lost" } }),
    contact_id: link("contact", { about: "the person" }),
    company_id: link("company", { about: "the company" }),
    owner: person({ about: "who works on it", sort: true, paged: true }),
    tags: tags({ about: "labels", search: true }),
    follow_up_at: time({ about: "when to get back to it; feeds /reminders", sort: true }),
    follow_up_note: text({ about: "what to do then", search: true }),
    notes: longText({ about: "anything worth keeping", search: true }),
    custom: custom({ about: "your own fields, as custom.<key>" }),
  },
  example: {
    title: "Acme rollout",
    amount_cents: 125000,
    currency: "USD",
    stage: "proposal",
    status: "open",
    close_date: "2026-07-31",
  },
});
