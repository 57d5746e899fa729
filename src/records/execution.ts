import {
  answers,
  choice,
  count,
  custom,
  link,
  longText,
  next,
  person,
  phrase,
  steps,
  tags,
  time,
} from "../fields/vocabulary.ts";
import { defineRecord } from "./define.ts";

const WALK = { is: "walk", steps: "steps", answers: "answers", stopped: "stopped_at" } as const;

export const execution = defineRecord({
  name: "execution",
  plural: "executions",
  prefix: "ex",
  about: "One call along a script: what was answered, and what comes next.",
  title: "outcome",
  aside: true,
  needsOneOf: ["contact_id", "member_id"],
  walks: { script: "script_id", whom: "contact_id", steps: "steps", answers: "answers", path: "path", next: "next" },
  fields: {
    member_id: link("member", { about: "the member of a campaign, which gives contact, campaign and script unless sent" }),
    campaign_id: link("campaign", { about: "the campaign, which gives its script unless sent" }),
    script_id: link("script", { about: "the script that it walks, as it was when it began", fixed: true }),
    contact_id: link("contact", { about: "who was called" }),
    status: choice(["open", "done", "stopped"], {
      about: "done at the end of the path; stopped where it was broken off before",
      readOnly: true,
      computed: { ...WALK, figure: "status" },
    }),
    answers: answers("steps", { about: "answers by step, as answers.<step>; they merge" }),
    next: next({
      about: "what is read out and asked next",
      readOnly: true,
      optional: true,
      computed: { ...WALK, figure: "next" },
    }),
    path: tags({
      about: "the steps that were answered, in order",
      readOnly: true,
      optional: true,
      shown: "detail",
      computed: { ...WALK, figure: "path" },
    }),
    outcome: phrase({ about: "what came of it", search: true }),
    stopped_at: time({ about: "when it was broken off before its end; null goes on", sort: true }),
    script_version: {
      ...count({
        about: "the version of the script that it walks",
        readOnly: true,
        kept: true,
        optional: true,
        shown: "detail",
      }),
      copied: { by: "script_id", from: "version" },
    },
    steps: {
      ...steps({
        about: "the path that it walks: the script's, as it was when it began",
        readOnly: true,
        kept: true,
        optional: true,
      }),
      shown: "asked",
      copied: { by: "script_id", from: "steps" },
    },
    owner: person({ about: "who makes the call", sort: true, paged: true }),
    notes: longText({ about: "anything worth keeping", search: true }),
    custom: custom({ about: "your own fields, as custom.<key>" }),
  },
  example: { script_id: "sc_t4v6w8y0", contact_id: "c_t4v6w8y0", answers: { owner: "Yes" } },
  made: {
    status: "open",
    next: { step: "roof", type: "select", text: "Which roof has it?", options: ["flat", "pitched"], read: [] },
    path: ["owner"],
    script_version: 1,
  },
});
