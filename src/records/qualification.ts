import { count, custom, link, longText, person, phrase, questions, responses } from "../fields/vocabulary.ts";
import { defineRecord } from "./define.ts";

export const qualification = defineRecord({
  name: "qualification",
  plural: "qualifications",
  prefix: "ql",
  about: "The answers to one form about a contact, a deal or a member of a campaign.",
  title: "outcome",
  aside: true,
  needsOneOf: ["contact_id", "deal_id", "member_id"],
  fields: {
    member_id: link("member", { about: "the member of a campaign, which gives contact, campaign and form unless sent" }),
    campaign_id: link("campaign", { about: "the campaign, which gives its form unless sent" }),
    form_id: link("form", { about: "the form that is answered, as it was then", fixed: true }),
    deal_id: link("deal", { about: "the deal it is about, which gives the contact unless sent" }),
    contact_id: link("contact", { about: "who it is about" }),
    answers: responses("questions", { about: "answers by question, as answers.<question>; they merge" }),
    outcome: phrase({ about: "what follows from it", search: true }),
    form_version: {
      ...count({
        about: "the version of the form that is answered",
        readOnly: true,
        kept: true,
        optional: true,
        shown: "detail",
      }),
      copied: { by: "form_id", from: "version" },
    },
    questions: {
      ...questions({ about: "what was asked: the form's, as it was then", readOnly: true, kept: true, optional: true }),
      shown: "asked",
      copied: { by: "form_id", from: "questions" },
    },
    owner: person({ about: "who asked", sort: true, paged: true }),
    notes: longText({ about: "anything worth keeping", search: true }),
    custom: custom({ about: "your own fields, as custom.<key>" }),
  },
  example: { form_id: "f_t4v6w8y0", contact_id: "c_t4v6w8y0", answers: { roof: "flat" } },
  made: { form_version: 1 },
});
