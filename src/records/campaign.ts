import { choice, custom, date, link, longText, person, phrase, required } from "../fields/vocabulary.ts";
import { defineRecord } from "./define.ts";

export const campaign = defineRecord({
  name: "campaign",
  plural: "campaigns",
  prefix: "cm",
  about: "A round of calls or mails: who is in it are its members.",
  title: "name",
  aside: true,
  fields: {
    name: required(phrase({ about: "what it is called", sort: true, search: true })),
    status: required(
      choice(["draft", "active", "paused", "done"], { about: "how far it is", initially: "draft", paged: true }),
    ),
    goal: phrase({ about: "what it shall bring about", search: true }),
    starts_on: date({ about: "its first day", sort: true }),
    ends_on: date({ about: "its last day", sort: true }),
    script_id: link("script", { about: "what is said on its calls" }),
    form_id: link("form", { about: "by what its members are qualified" }),
    owner: person({ about: "who leads it", sort: true, paged: true }),
    notes: longText({ about: "anything worth keeping", search: true }),
    custom: custom({ about: "your own fields, as custom.<key>" }),
  },
  example: {
    name: "Spring 2026",
    status: "active",
    goal: "20 demos with energy suppliers",
    starts_on: "2026-06-01",
    owner: "me",
  },
});
