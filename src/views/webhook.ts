import { handleType, idType } from "../fields/link.ts";
import { countType } from "../fields/text.ts";
import { boolean, choice, person, required, tags, text, time } from "../fields/vocabulary.ts";
import { defineView } from "../records/define.ts";

/** In whose shape a webhook tells. */
export const STYLES = ["cardfile"] as const;

/** A webhook as admins see it: never its secret, which was shown once. */
export const webhook = defineView({
  name: "webhook",
  plural: "webhooks",
  prefix: "wh",
  about: "An address of yours that is told of changes as they happen.",
  title: "url",
  order: "-created_at",
  unfiltered: true,
  fields: {
    id: { type: idType("webhook"), about: "the whole id", always: true, shown: "json", column: "id" },
    handle: {
      type: handleType("webhook"),
      about: "the short name that lines begin with",
      always: true,
      shown: "json",
      column: "id",
    },
    url: required(text({ about: "where it is told, by POST: https at a public address" }, 2_000)),
    events: required(tags({ about: "what it is told: contact.created, contact.*, *.deleted, or * for all" })),
    fields: tags({ about: "only changes of one of these fields, e.g. stage" }),
    query: text({ about: "only records that these filters find, e.g. stage=lead; all events are of one kind then" }, 2_000),
    style: choice(STYLES, { about: "in whose shape it is told", always: true, shown: "detail" }),
    active: boolean({ about: "whether it is told; switched on again, it goes on where it stopped", always: true }),
    problem: text({ about: "why it was switched off" }),
    waiting: { type: countType, about: "deliveries that wait", always: true },
    resumes_at: time({ about: "when it is tried again, after failures" }),
    former_secret_until: time({ about: "until when the former secret signs too", shown: "detail" }),
    created_at: time({ about: "when it was made", always: true, shown: "detail" }),
    created_by: person({ about: "who made it or set it last: it is told what they may read", always: true }),
    updated_at: time({ about: "when it was last set", always: true, shown: "detail" }),
  },
  example: {
    url: "https://example.com/hooks/cardfile",
    events: ["contact.created", "deal.updated"],
    fields: ["stage"],
    style: "cardfile",
    active: true,
    waiting: 0,
    created_at: "2026-06-01T08:12:44Z",
    created_by: "ann@example.com",
    updated_at: "2026-06-01T08:12:44Z",
  },
});
