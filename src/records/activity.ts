import { custom, known, link, person, required, text, time } from "../fields/vocabulary.ts";
import { defineRecord } from "./define.ts";

export const activity = defineRecord({
  name: "activity",
  plural: "activities",
  prefix: "a",
  about: "Something that happened: a call, an e-mail, a meeting, a note.",
  title: "body",
  order: "-at",
  mostRows: 500,
  timeline: "records",
  touches: [
    { at: "at", links: ["contact_id", "company_id", "deal_id"] },
    {
      at: "at",
      links: ["contact_id", "company_id"],
      as: "outreach",
      only: { field: "kind", is: ["call", "email", "meeting"] },
    },
  ],
  needsOneOf: ["contact_id", "company_id", "deal_id"],
  fields: {
    kind: required(
      known(["call", "email", "meeting", "note", "task"], {
        about: "what it was",
        also: ["type"],
        initially: "note",
        paged: true,
      }),
    ),
    at: required(time({ about: "when it happened", also: ["date", "happened_at"], initially: "now", sort: true })),
    contact_id: link("contact", { about: "with whom" }),
    company_id: link("company", { about: "with which company" }),
    deal_id: link("deal", { about: "about which deal" }),
    campaign_id: link("campaign", { about: "what it was part of", shown: "detail" }),
    on_behalf_of: person({ about: "for whom it was done, where that is somebody else" }),
    by: person({ about: "who logged it: created_by, on its line", readOnly: true, column: "created_by" }),
    body: text(
      { about: "what was said", also: ["text", "notes", "note", "content", "subject", "summary", "description"], search: true },
      1_000_000,
    ),
    custom: custom({ about: "your own fields, as custom.<key>" }),
  },
  example: { kind: "call", body: "Asked for a quote by Friday", contact_id: "c_t4v6w8y0" },
  made: { by: "me" },
});
